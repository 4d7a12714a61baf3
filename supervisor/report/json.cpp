// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "supervisor/report/probe.hpp"
#include "supervisor/report/report.hpp"

namespace hearth::report {

std::string to_json(const std::vector<Row>& rows) {
    nlohmann::json list = nlohmann::json::array();
    for (const Row& row : rows) {
        list.push_back({
            {"directive", row.directive},
            {"asked", row.asked},
            {"applied", row.applied},
            {"kernel", row.kernel},
            {"verdict", name(row.verdict)},
            {"reason", row.reason},
            {"file", row.origin.file},
            {"line", row.origin.line},
        });
    }
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string to_json(const std::vector<ProbeRow>& rows) {
    nlohmann::json list = nlohmann::json::array();
    for (const ProbeRow& row : rows) {
        nlohmann::json tried = nlohmann::json::array();
        for (const TryResult& result : row.tries) {
            tried.push_back(
                {{"try", result.what},
                 {"answer", result.answer},
                 {"verdict", name(result.verdict)}});
        }
        list.push_back(
            {{"directive", row.directive},
             {"asked", row.asked},
             {"verdict", name(row.verdict)},
             {"reason", row.reason},
             {"file", row.origin.file},
             {"line", row.origin.line},
             {"tries", std::move(tried)}});
    }
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace hearth::report
