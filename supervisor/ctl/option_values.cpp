// SPDX-License-Identifier: MIT
#include "supervisor/ctl/option_values.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "units/unit.hpp"
#include "units/unit_name.hpp"
#include "units/world.hpp"

namespace hearth::ctl {

namespace {

constexpr std::array unit_types = {
    UnitType::Service,
    UnitType::Mount,
    UnitType::Swap,
    UnitType::Socket,
    UnitType::Target,
    UnitType::Device,
    UnitType::Automount,
    UnitType::Timer,
    UnitType::Path,
    UnitType::Slice,
    UnitType::Scope};

/// A title, and each name once, a line each.
std::string list_of(const std::string& title, const std::vector<std::string_view>& names) {
    std::string text = title + ":\n";
    for (auto each = names.begin(); each != names.end(); ++each) {
        if (std::find(names.begin(), each, *each) == each) {
            text += std::string(*each) + "\n";
        }
    }
    return text;
}

/// The enumerators from the first to `last`, by their names.
template <class Enumeration>
std::vector<std::string_view> names_to(Enumeration last) {
    std::vector<std::string_view> names;
    for (int value = 0; value <= static_cast<int>(last); ++value) {
        names.push_back(name(static_cast<Enumeration>(value)));
    }
    return names;
}

/// What a unit of that type may be, of what a service may be.
bool can_be(UnitType type, ServiceState state) {
    using enum ServiceState;
    switch (type) {
        case UnitType::Service:
            return state != Waiting;
        case UnitType::Timer:
            return state == Dead || state == Waiting || state == Running || state == Exited ||
                   state == Failed;
        case UnitType::Path:
        case UnitType::Automount:
            return state == Dead || state == Waiting || state == Running || state == Failed;
        case UnitType::Scope:
            return state == Dead || state == Start || state == Running || state == StopSigterm ||
                   state == StopSigkill || state == Failed;
        default:  // their own words stand for all of them
            return state != Failed || type == UnitType::Mount || type == UnitType::Swap;
    }
}

/// What enabled_state() of units/install.hpp answers, and "bad" for a file that can't be read.
const std::vector<std::string_view> unit_file_states = {
    "enabled",
    "enabled-runtime",
    "linked",
    "linked-runtime",
    "alias",
    "masked",
    "masked-runtime",
    "static",
    "disabled",
    "indirect",
    "generated",
    "transient",
    "bad"};

std::string states() {
    std::string text =
        list_of("Available unit load states", names_to(LoadState::Masked)) + "\n" +
        list_of("Available unit active states", names_to(ActiveState::Deactivating)) + "\n" +
        list_of("Available unit file states", unit_file_states);
    std::vector<UnitType> types(unit_types.begin(), unit_types.end());
    std::ranges::sort(types, {}, [](UnitType type) { return name(type); });
    for (const UnitType type : types) {
        const std::string unit = "unit." + std::string(name(type));
        std::vector<std::string_view> names;
        for (int value = 0; value <= static_cast<int>(ServiceState::Waiting); ++value) {
            const auto state = static_cast<ServiceState>(value);
            if (can_be(type, state)) {
                names.push_back(sub_state(unit, state));
            }
        }
        if (type == UnitType::Scope) {
            names.emplace_back("abandoned");
        }
        text += "\n" + list_of("Available " + std::string(name(type)) + " unit substates", names);
    }
    return text;
}

bool asked(const std::vector<std::string>& values) {
    return std::ranges::find(values, "help") != values.end();
}

}  // namespace

std::optional<std::string> asked_values(const Arguments& arguments) {
    if (asked(arguments.types)) {
        std::vector<std::string_view> types;
        for (const UnitType type : unit_types) {
            types.push_back(name(type));
        }
        return list_of("Available unit types", types);
    }
    if (asked(arguments.states)) {
        return states();
    }
    if (asked(arguments.what)) {
        return "runtime\nstate\ncache\nlogs\nconfiguration\n";
    }
    return std::nullopt;
}

bool is_output(std::string_view name) {
    constexpr std::string_view outputs[] = {
        "short",
        "short-full",
        "short-iso",
        "short-iso-precise",
        "short-precise",
        "short-monotonic",
        "short-delta",
        "short-unix",
        "verbose",
        "export",
        "json",
        "json-pretty",
        "json-sse",
        "json-seq",
        "cat",
        "with-unit"};
    return std::ranges::find(outputs, name) != std::end(outputs);
}

}  // namespace hearth::ctl
