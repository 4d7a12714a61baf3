// SPDX-License-Identifier: MIT
//
// list-blockers: who holds up a stop, of one unit or of all: the units that are being stopped, and
// what each of their processes waits in.
#include <fmt/format.h>

#include "parser/values.hpp"
#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/json_text.hpp"

namespace hearth::ctl {

namespace {

std::string seconds(const Json& microseconds) {
    constexpr double second = 1'000'000;
    return hearth::format_timespan(
        Timespan::seconds(static_cast<std::uint64_t>(microseconds.number / second)));
}

std::string what(const Json& process) {
    std::string text = process.at("state").text;
    for (const auto& [before, key] :
         {std::pair(" in ", "wchan"), {", ", "call"}, {" of ", "path"}}) {
        const std::string& value = process.at(key).text;
        text += value.empty() ? "" : before + value;
    }
    return text;
}

std::string as_table(const Json& blockers, bool legend) {
    Table table(4);
    if (legend) {
        table.row(
            {"UNIT", "STATE", "SINCE", "LEFT"}, {Tone::Bold, Tone::Bold, Tone::Bold, Tone::Bold});
    }
    for (const Json& each : blockers.items) {
        const Json& left = each.at("left_usec");
        table.row(
            {each.at("unit").text,
             each.at("doing").text,
             seconds(each.at("since_usec")),
             left.kind == Json::Kind::Null ? "no limit" : seconds(left)});
        for (const Json& process : each.at("processes").items) {
            table.row(
                {fmt::format(
                     "└─{} {}",
                     static_cast<long>(process.at("pid").number),
                     process.at("name").text),
                 what(process),
                 "",
                 ""});
        }
    }
    return table.text() +
           (legend ? fmt::format("\n{} units are being stopped.\n", blockers.items.size()) : "");
}

}  // namespace

int list_blockers_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const auto reply = client->call(manager_path, hearth_manager_interface, "ListBlockers", "");
    const char* text = nullptr;
    if (!reply || sd_bus_message_read(reply->get(), "s", &text) < 0) {
        complain(
            "Failed to list blockers: " + (reply ? "unreadable answer" : reply.error().message));
        return reply ? Failure : exit_code(reply.error());
    }
    if (arguments.json) {
        print(std::string(text) + "\n");
        return Done;
    }
    const auto blockers = Json::parse(text);
    if (!blockers) {
        return complain("Failed to list blockers: unreadable answer");
    }
    print(as_table(*blockers, !arguments.no_legend));
    return Done;
}

}  // namespace hearth::ctl
