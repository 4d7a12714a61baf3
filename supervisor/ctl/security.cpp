// SPDX-License-Identifier: MIT
//
// security: how exposed units are, as `systemd-analyze security` scores it. Where a unit runs, on
// what the kernel was seen to do; --offline on files, without hearthd.
#include "units/security.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/given_file.hpp"

namespace hearth::ctl {

namespace {

std::optional<nlohmann::json> score_file(const std::string& path) {
    auto content = sys::read_file(path, largest_unit_file);
    if (!content) {
        complain(content.error().what);
        return std::nullopt;
    }
    const Unit unit = load_unit(
        path.substr(path.rfind('/') + 1), GivenFile(path, std::move(*content)), LoadContext{});
    const Exposure scored = exposure(unit);
    nlohmann::json rows = nlohmann::json::array();
    for (const ExposureRow& row : scored.rows) {
        rows.push_back(
            {{"name", row.name},
             {"summary", row.summary},
             {"weight", row.weight},
             {"open", row.open},
             {"exposure", row.exposure},
             {"unverified", row.unverified}});
    }
    return nlohmann::json{
        {"unit", unit.name},
        {"score", scored.score},
        {"level", scored.level()},
        {"verified", false},
        {"rows", std::move(rows)}};
}

Tone tone_of(double score) {
    constexpr double good = 5, bad = 7.5;
    return score < good ? Tone::Good : (score < bad ? Tone::Warning : Tone::Bad);
}

std::string overview(const nlohmann::json& all) {
    Table table(4);
    table.row(
        {"UNIT", "EXPOSURE", "LEVEL", "OF"}, {Tone::Bold, Tone::Bold, Tone::Bold, Tone::Bold});
    for (const auto& unit : all) {
        const double score = unit.at("score").get<double>();
        table.row(
            {unit.at("unit").get<std::string>(),
             fmt::format("{:.1f}", score),
             unit.at("level").get<std::string>(),
             unit.at("verified").get<bool>() ? "what the kernel shows" : "what is asked for"},
            {Tone::Plain, tone_of(score), tone_of(score)});
    }
    return table.text();
}

std::string details(const nlohmann::json& unit) {
    auto rows = unit.at("rows").get<std::vector<nlohmann::json>>();
    std::ranges::stable_sort(rows, [](const auto& a, const auto& b) {
        return a.at("exposure").template get<double>() > b.at("exposure").template get<double>();
    });
    Table table(3);
    table.row({"OPEN", "EXPOSURE", ""}, {Tone::Bold, Tone::Bold});
    for (const auto& row : rows) {
        const double exposure = row.at("exposure").get<double>();
        if (exposure > 0) {
            table.row(
                {row.at("name").get<std::string>(),
                 fmt::format("{:.2f}", exposure),
                 row.at("unverified").get<bool>() ? "asked for, but not seen to hold"
                                                  : row.at("summary").get<std::string>()});
        }
    }
    return table.text();
}

}  // namespace

int security_verb(const Arguments& arguments) {
    nlohmann::json all = nlohmann::json::array();
    if (arguments.offline) {
        for (const std::string& path : arguments.names) {
            auto scored = score_file(path);
            if (!scored) {
                return Failure;
            }
            all.push_back(std::move(*scored));
        }
    } else {
        auto client = connect(arguments);
        const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
        const auto text = units ? inquire(*client, "Security", *units) : std::nullopt;
        all = nlohmann::json::parse(text.value_or(""), nullptr, false);
        if (!all.is_array()) {
            return Failure;
        }
    }
    if (arguments.json) {
        print(all.dump() + "\n");
    } else {
        print((all.size() == 1 ? details(all.front()) + "\n" : std::string()) + overview(all));
    }
    const bool good = std::ranges::all_of(all, [&](const auto& unit) {
        return unit.at("score").template get<double>() <= arguments.threshold;
    });
    return good ? Done : Failure;
}

}  // namespace hearth::ctl
