// SPDX-License-Identifier: MIT
//
// list-units. Without --all or --state only units that are or have something to
// say are listed: not inactive ones without a job.
#include <fmt/format.h>
#include <strings.h>

#include <algorithm>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"

namespace hearth::ctl {

namespace {

/// Columns of ListUnits' rows.
enum Column : std::size_t {
    Name = 0,
    Description = 1,
    Load = 2,
    Active = 3,
    Sub = 4,
    JobNumber = 7
};

std::string type_of(const std::string& name) {
    return name.substr(name.rfind('.') + 1);
}

bool listed(const Arguments& arguments, const Value& unit) {
    const auto& types = arguments.types;
    if (!types.empty() && std::ranges::count(types, type_of(unit.members[Name].text)) == 0) {
        return false;
    }
    if (arguments.all || !arguments.states.empty() || !arguments.names.empty()) {
        return true;
    }
    return unit.members[Active].text != "inactive" || unit.members[JobNumber].number != 0;
}

/// systemctl's order: by type, then by name.
bool comes_before(const Value* left, const Value* right) {
    const std::string &one = left->members[Name].text, &other = right->members[Name].text;
    const int types = strcasecmp(type_of(one).c_str(), type_of(other).c_str());
    return types != 0 ? types < 0 : strcasecmp(one.c_str(), other.c_str()) < 0;
}

Tone tone_of(const std::string& load, const std::string& active) {
    if (load == "not-found" || load == "error" || load == "bad-setting" || active == "failed") {
        return Tone::Bad;
    }
    return Tone::Plain;
}

std::string json_rows(const std::vector<const Value*>& units) {
    std::string list;
    for (const Value* unit : units) {
        const auto& member = unit->members;
        list += fmt::format(
            R"({}{{"unit":{},"load":{},"active":{},"sub":{},"description":{}}})",
            list.empty() ? "" : ",",
            json_string(member[Name].text),
            json_string(member[Load].text),
            json_string(member[Active].text),
            json_string(member[Sub].text),
            json_string(member[Description].text));
    }
    return "[" + list + "]\n";
}

std::string unit_table(const Arguments& arguments, const std::vector<const Value*>& units) {
    Table table(5);
    const std::string indent = arguments.plain ? "" : "  ";
    if (!arguments.no_legend) {
        table.row(
            {indent + "UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"},
            {Tone::Bold, Tone::Bold, Tone::Bold, Tone::Bold, Tone::Bold});
    }
    for (const Value* unit : units) {
        const auto& member = unit->members;
        const Tone tone = tone_of(member[Load].text, member[Active].text);
        const std::string mark = arguments.plain ? "" : (tone == Tone::Bad ? "● " : "  ");
        table.row(
            {mark + member[Name].text,
             member[Load].text,
             member[Active].text,
             member[Sub].text,
             member[Description].text},
            {tone, tone, tone, tone, Tone::Plain});
    }
    std::string text = table.text();
    if (!arguments.no_legend) {
        text += fmt::format(
            "\n{} loaded units listed.{}\n",
            units.size(),
            arguments.all ? "" : " Pass --all to see loaded but inactive units, too.");
    }
    return text;
}

Result<Value, CallError> ask(
    Client& client,
    const char* member,
    const std::vector<std::string>& states,
    const std::vector<std::string>& patterns) {
    const Message call =
        HEARTH_TRY(client.new_call(manager_path, "org.freedesktop.systemd1.Manager", member));
    for (const auto* list : {&states, &patterns}) {
        if (append_strings(call.get(), *list) < 0) {
            return Unexpected(CallError{"", "can't be sent: a pattern is not UTF-8"});
        }
    }
    const Message reply = HEARTH_TRY(client.send(call));
    auto rows = read_value(reply.get());
    if (!rows) {
        return Unexpected(CallError{"", rows.error().what});
    }
    return std::move(*rows);
}

/// "heat" stands for heat.service, patterns for themselves.
std::vector<std::string> patterns_of(const std::vector<std::string>& names) {
    std::vector<std::string> patterns = names;
    for (std::string& pattern : patterns) {
        if (pattern.find('.') == std::string::npos && !pattern.ends_with('*')) {
            pattern += ".service";
        }
    }
    return patterns;
}

}  // namespace

int list_units_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const auto rows =
        ask(*client, "ListUnitsByPatterns", arguments.states, patterns_of(arguments.names));
    if (!rows) {
        return complain("Failed to list units: " + rows.error().message);
    }
    std::vector<const Value*> units;
    for (const Value& row : rows->members) {
        if (listed(arguments, row)) {
            units.push_back(&row);
        }
    }
    std::ranges::sort(units, comes_before);
    print(arguments.json ? json_rows(units) : unit_table(arguments, units));
    return Done;
}

}  // namespace hearth::ctl
