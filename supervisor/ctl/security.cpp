// SPDX-License-Identifier: MIT
//
// security: how exposed units are, as `systemd-analyze security` scores it. Where a unit runs, on
// what the kernel was seen to do; --offline on files, without hearthd.
#include "units/security.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/given_file.hpp"
#include "supervisor/ctl/json_text.hpp"

namespace hearth::ctl {

namespace {

std::optional<Json> score_file(const std::string& path) {
    auto content = sys::read_file(path, largest_unit_file);
    if (!content) {
        complain(content.error().what);
        return std::nullopt;
    }
    const Unit unit = load_unit(
        path.substr(path.rfind('/') + 1), GivenFile(path, std::move(*content)), LoadContext{});
    const Exposure scored = exposure(unit);
    Json rows = Json::list();
    for (const ExposureRow& row : scored.rows) {
        rows.items.push_back(
            {{"name", row.name},
             {"summary", row.summary},
             {"weight", static_cast<double>(row.weight)},
             {"open", row.open},
             {"exposure", row.exposure},
             {"unverified", row.unverified}});
    }
    return Json{
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

std::string overview(const Json& all) {
    Table table(4);
    table.row(
        {"UNIT", "EXPOSURE", "LEVEL", "OF"}, {Tone::Bold, Tone::Bold, Tone::Bold, Tone::Bold});
    for (const Json& unit : all.items) {
        const double score = unit.at("score").number;
        table.row(
            {unit.at("unit").text,
             fmt::format("{:.1f}", score),
             unit.at("level").text,
             unit.at("verified").boolean ? "what the kernel shows" : "what is asked for"},
            {Tone::Plain, tone_of(score), tone_of(score)});
    }
    return table.text();
}

std::string details(const Json& unit) {
    auto rows = unit.at("rows").items;
    std::ranges::stable_sort(rows, [](const Json& a, const Json& b) {
        return a.at("exposure").number > b.at("exposure").number;
    });
    Table table(3);
    table.row({"OPEN", "EXPOSURE", ""}, {Tone::Bold, Tone::Bold});
    for (const auto& row : rows) {
        const double exposure = row.at("exposure").number;
        if (exposure > 0) {
            table.row(
                {row.at("name").text,
                 fmt::format("{:.2f}", exposure),
                 row.at("unverified").boolean ? "asked for, but not seen to hold"
                                              : row.at("summary").text});
        }
    }
    return table.text();
}

}  // namespace

int security_verb(const Arguments& arguments) {
    Json all = Json::list();
    if (arguments.offline) {
        for (const std::string& path : arguments.names) {
            auto scored = score_file(path);
            if (!scored) {
                return Failure;
            }
            all.items.push_back(std::move(*scored));
        }
    } else {
        auto client = connect(arguments);
        const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
        const auto text = units ? inquire(*client, "Security", *units) : std::nullopt;
        all = Json::parse(text.value_or("")).value_or(Json());
        if (all.kind != Json::Kind::List) {
            return Failure;
        }
    }
    if (arguments.json) {
        print(all.dump() + "\n");
    } else {
        print(
            (all.items.size() == 1 ? details(all.items.front()) + "\n" : std::string()) +
            overview(all));
    }
    const bool good = std::ranges::all_of(all.items, [&](const Json& unit) {
        return unit.at("score").number <= arguments.threshold;
    });
    return good ? Done : Failure;
}

}  // namespace hearth::ctl
