// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include "supervisor/doctor.hpp"
#include "supervisor/report/probe.hpp"
#include "supervisor/report/report.hpp"
#include "supervisor/report/scored_unit.hpp"

namespace hearth::report {

std::string to_json(const Why& why) {
    nlohmann::json chain = nlohmann::json::array();
    for (const WhyLink& link : why.chain) {
        chain.push_back(
            {{"unit", link.unit},
             {"what", link.what},
             {"at", link.at.realtime},
             {"reasons", link.reasons},
             {"transitions", link.transitions}});
    }
    nlohmann::json waits = nlohmann::json::array();
    for (const WhyWait& wait : why.waits) {
        waits.push_back({{"for", wait.what}, {"since", wait.since.realtime}});
        if (wait.until) {
            waits.back()["until"] = *wait.until;
        }
    }
    const nlohmann::json all{
        {"unit", why.unit},
        {"active", why.active},
        {"sub", why.sub},
        {"chain", std::move(chain)},
        {"waits", std::move(waits)}};
    return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

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

std::string to_json(const std::vector<ScoredUnit>& units) {
    nlohmann::json all = nlohmann::json::array();
    for (const ScoredUnit& unit : units) {
        nlohmann::json rows = nlohmann::json::array();
        for (const ExposureRow& row : unit.exposure.rows) {
            rows.push_back(
                {{"name", row.name},
                 {"summary", row.summary},
                 {"weight", row.weight},
                 {"open", row.open},
                 {"exposure", row.exposure},
                 {"unverified", row.unverified}});
        }
        all.push_back(
            {{"unit", unit.unit},
             {"score", unit.exposure.score},
             {"level", unit.exposure.level()},
             {"verified", unit.verified},
             {"rows", std::move(rows)}});
    }
    return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace hearth::report

namespace hearth::doctor {

std::string to_json(
    const std::vector<Facility>& facilities, const std::vector<UnitVerdict>& units) {
    nlohmann::json pieces = nlohmann::json::array();
    for (const Facility& facility : facilities) {
        pieces.push_back(
            {{"name", facility.name},
             {"given", facility.given},
             {"detail", facility.detail},
             {"breaks", facility.breaks}});
    }
    const auto lines = [](const Diagnostics& diagnostics) {
        nlohmann::json list = nlohmann::json::array();
        for (const Diagnostic& diagnostic : diagnostics) {
            list.push_back(one_line(diagnostic));
        }
        return list;
    };
    nlohmann::json verdicts = nlohmann::json::array();
    for (const UnitVerdict& verdict : units) {
        // What the table knows and the planner doesn't: told before the launch finds out.
        nlohmann::json missing = nlohmann::json::array();
        for (const Facility& facility : facilities) {
            for (const std::string& directive : facility.breaks) {
                const hearth::Row* const row = find_row(directive);
                if (!facility.given && verdict.unit.origins.contains(directive) && row != nullptr &&
                    !row->is_default(verdict.unit.settings)) {
                    missing.push_back(
                        directive + "= needs " + facility.name + ": " + facility.detail);
                }
            }
        }
        verdicts.push_back(
            {{"unit", verdict.unit.name},
             {"given", verdict.refusals.empty() && verdict.shortfalls.empty() && missing.empty()},
             {"refusals", lines(verdict.refusals)},
             {"shortfalls", lines(verdict.shortfalls)},
             {"missing", std::move(missing)},
             {"drop_in", verdict.drop_in}});
    }
    const nlohmann::json all{{"facilities", std::move(pieces)}, {"units", std::move(verdicts)}};
    return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace hearth::doctor
