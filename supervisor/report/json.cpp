// SPDX-License-Identifier: MIT
#include <array>
#include <cstdint>
#include <utility>

#include "supervisor/doctor.hpp"
#include "supervisor/report/probe.hpp"
#include "supervisor/report/report.hpp"
#include "supervisor/report/scored_unit.hpp"

namespace hearth::report {

namespace {

/// How many bytes of UTF-8 begin here, 0 where they are none (RFC 3629).
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t at) {
        return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    const auto follows = [&](std::size_t at) { return (byte(at) & 0xc0U) == 0x80U; };
    const unsigned first = byte(0), second = byte(1);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf && follows(1)) {
        return 2;
    }
    const bool short_form = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool surrogate = first == 0xed && second > 0x9f;
    const bool too_high = first == 0xf4 && second > 0x8f;
    if (short_form || surrogate || too_high || !follows(1) || !follows(2)) {
        return 0;
    }
    return (first & 0xf0U) == 0xe0U ? 3 : first >= 0xf0 && first <= 0xf4 && follows(3) ? 4 : 0;
}

std::string in_quotes(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef", short_escapes = "\b\t\n\f\r";
    std::string quoted = "\"";
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        const auto byte = static_cast<unsigned char>(text.front());
        if (length == 0) {
            quoted += "\xef\xbf\xbd";  // U+FFFD
        } else if (byte == '"' || byte == '\\') {
            quoted += '\\';
            quoted += text.front();
        } else if (const std::size_t letter = short_escapes.find(text.front());
                   letter != std::string_view::npos) {
            quoted += '\\';
            quoted += "btnfr"[letter];
        } else if (byte < 0x20) {
            quoted += "\\u00";
            quoted += digits[byte >> 4];
            quoted += digits[byte & 0xfU];
        } else {
            quoted += text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return quoted + '"';
}

std::string object(const Row& row) {
    const auto members = std::to_array<std::pair<std::string_view, std::string_view>>({
        {"applied", row.applied},
        {"asked", row.asked},
        {"directive", row.directive},
        {"file", row.origin.file},
        {"kernel", row.kernel},
        {"line", {}},  // the only number
        {"reason", row.reason},
        {"verdict", name(row.verdict)},
    });
    std::string text;
    for (const auto& [key, value] : members) {
        text += (text.empty() ? "{" : ",") + in_quotes(key) + ":";
        text += key == "line" ? std::to_string(row.origin.line) : in_quotes(value);
    }
    return text + "}";
}

}  // namespace

std::string to_json(const std::vector<Row>& rows) {
    std::string text = "[";
    for (const Row& row : rows) {
        text += (text.size() == 1 ? "" : ",") + object(row);
    }
    return text + "]";
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
