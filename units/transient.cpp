// SPDX-License-Identifier: MIT
#include "units/transient.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <variant>

#include "units/type_section.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

Unexpected<RequestError> cannot_set(const std::string& directive, const std::string& why) {
    return Unexpected(RequestError{
        "org.freedesktop.DBus.Error.PropertyReadOnly",
        "Cannot set property " + directive + ": " + why});
}

/// A line break would be another line of the file, a backslash at the end would swallow one.
bool fits_in_a_line(const std::string& value) {
    return value.find_first_of(std::string_view("\n\r\0", 3)) == std::string::npos &&
           !value.ends_with('\\');
}

}  // namespace

Result<TransientFile, RequestError> transient_file(
    const std::string& unit,
    std::span<const TransientAssignment> assignments,
    const LoadContext& context) {
    const UnitType type = unit_type(unit);
    const SpecifierTable table = specifiers(unit, context, {});
    Settings settings;
    std::map<std::string, std::string> sections;
    bool secret = false;
    for (const TransientAssignment& each : assignments) {
        const PlacedRow placed = place_row(type, each.directive);
        if (placed.row == nullptr) {
            return cannot_set(
                each.directive, "a " + std::string(name(type)) + " has no such property");
        }
        const std::string shown = placed.row->secret ? std::string() : " '" + each.value + "'";
        if (!fits_in_a_line(each.value)) {
            return cannot_set(
                each.directive, "its value has a line break, or a backslash at its end");
        }
        const Assigned assigned =
            placed.row->assign(settings, each.value, ValueContext{&table, nullptr});
        if (!assigned) {
            return Unexpected(RequestError{
                "org.freedesktop.DBus.Error.InvalidArgs",
                "Invalid " + each.directive + shown + ": " + assigned.error().what});
        }
        const auto* const unbuilt = std::get_if<applied::Refused>(&placed.row->applied);
        const auto refused = [&](const RefusedDirective& directive) {
            return directive.name == placed.row->name;
        };
        if (unbuilt != nullptr && std::ranges::any_of(settings.refused, refused)) {
            return cannot_set(each.directive, std::string(unbuilt->reason));
        }
        secret = secret || placed.row->secret;
        sections[placed.section] += std::string(placed.row->name) + "=" + each.value + "\n";
    }
    std::string text =
        "# This is a transient unit file, created programmatically via the systemd API. Do not "
        "edit.\n";
    for (const std::string& section :
         {std::string(name(Section::Unit)),
          own_section(type),
          std::string(name(Section::Hearth))}) {
        if (const auto found = sections.find(section); found != sections.end()) {
            text += "[" + section + "]\n" + found->second;
        }
    }
    return TransientFile{std::move(text), secret};
}

}  // namespace hearth
