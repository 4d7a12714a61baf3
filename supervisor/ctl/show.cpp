// SPDX-License-Identifier: MIT
//
// show: the properties of units, jobs or the manager, as systemctl prints them.
#include <algorithm>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/property_text.hpp"

namespace hearth::ctl {

namespace {

bool wanted(const Arguments& arguments, const std::string& name) {
    return arguments.properties.empty() || std::ranges::count(arguments.properties, name) > 0;
}

std::string shown(const Arguments& arguments, const Properties& properties) {
    std::string text;
    const bool even_empty = arguments.all || !arguments.properties.empty();
    for (const NamedValue& property : properties) {
        if (!wanted(arguments, property.name)) {
            continue;
        }
        const PropertyText lines = property_text(property);
        if (lines.empty && !even_empty) {
            continue;
        }
        for (const std::string& line : lines.lines) {
            text += (arguments.value ? "" : property.name + "=") + line + "\n";
        }
    }
    return text;
}

std::string as_json(const Arguments& arguments, const Properties& properties) {
    Properties chosen;
    std::ranges::copy_if(properties, std::back_inserter(chosen), [&](const NamedValue& property) {
        return wanted(arguments, property.name);
    });
    return to_json(chosen);
}

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

int show_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    std::vector<std::string> paths;
    for (const std::string& name : arguments.names) {
        if (is_number(name)) {
            paths.push_back("/org/freedesktop/systemd1/job/" + name);
            continue;
        }
        const auto units = unit_names(*client, {name});
        if (!units) {
            return Failure;
        }
        std::ranges::transform(*units, std::back_inserter(paths), object_path);
    }
    if (arguments.names.empty()) {
        paths.emplace_back(manager_path);
    }
    std::vector<std::string> parts;
    for (const std::string& path : paths) {
        const auto properties = client->properties(path);
        if (!properties) {
            return complain("Failed to get properties: " + properties.error().message);
        }
        parts.push_back(
            arguments.json ? as_json(arguments, *properties) : shown(arguments, *properties));
    }
    for (std::size_t index = 0; index < parts.size(); ++index) {
        print(
            (index == 0 || arguments.json ? "" : "\n") + parts[index] +
            (arguments.json ? "\n" : ""));
    }
    return Done;
}

}  // namespace hearth::ctl
