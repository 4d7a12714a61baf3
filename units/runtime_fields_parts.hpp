// SPDX-License-Identifier: MIT
//
// What both parts of the table of live properties are written with; only runtime_fields*.cpp
// include it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>

#include "units/runtime_fields.hpp"

namespace hearth::fields {

inline constexpr bool told = true;  ///< RuntimeField::emits_change

/// What systemd shows of directives that hearth doesn't build yet: the default, which is what a
/// unit that runs has (a unit that asks for anything else is refused); or else the value that it
/// asked for.
void write_unbuilt(
    const UnitView& view, ValueSink& sink, std::string_view directive, std::string_view preset);

/// A text that can be a template argument.
template <std::size_t length>
struct Text {
    char text[length];

    consteval Text(const char (&from)[length]) { std::copy_n(from, length, text); }
    [[nodiscard]] constexpr std::string_view view() const { return {text, length - 1}; }
};

template <Text directive, Text preset>
void unbuilt(const UnitView& view, ValueSink& sink) {
    write_unbuilt(view, sink, directive.view(), preset.view());
}

[[nodiscard]] std::span<const RuntimeField> unit_fields();
[[nodiscard]] std::span<const RuntimeField> service_fields();
/// Of timers, paths, automounts and sockets; not sorted by interface.
[[nodiscard]] std::span<const RuntimeField> trigger_fields();
/// Whether a field of services is about the cgroup: slices have it, too.
[[nodiscard]] bool is_of_cgroup(std::string_view name);

/// Sorted by name without doubles; checked when compiled.
[[nodiscard]] constexpr bool sorted(std::span<const RuntimeField> fields) {
    for (std::size_t i = 1; i < fields.size(); ++i) {
        if (fields[i - 1].name >= fields[i].name) {
            return false;
        }
    }
    return true;
}

}  // namespace hearth::fields
