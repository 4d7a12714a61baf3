// SPDX-License-Identifier: MIT
//
// Builders of rows for what systemd 252 has and hearth doesn't build yet. Two fates: refused<>()
// refuses the start by name, whatever is confined, given or done by the directive; no_effect<>()
// accepts, for what only tells, describes or shares. The empty text and the directive's `inert`
// value (what systemd does anyway) change nothing, so they refuse nothing; `inert` "no" is every
// spelling of that boolean. Only refused*.cpp include this.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "units/directives/row.hpp"

namespace hearth::directives {

/// What refused<>() rows do, by the directive's name.
Assigned assign_refused(
    Settings& settings, std::string_view name, std::string_view inert, std::string_view text);
[[nodiscard]] std::string format_refused(const Settings& settings, std::string_view name);
[[nodiscard]] bool is_refused(const Settings& settings, std::string_view name);

template <Name name, Name inert>
struct RefusedField {
    static Assigned assign(Settings& settings, std::string_view text, const ValueContext&) {
        return assign_refused(settings, name.view(), inert.view(), text);
    }
    static std::string format(const Settings& settings) {
        return format_refused(settings, name.view());
    }
    static bool is_default(const Settings& settings) { return !is_refused(settings, name.view()); }
};

inline Assigned assign_nothing(Settings&, std::string_view, const ValueContext&) {
    return {};
}
inline std::string format_nothing(const Settings&) {
    return {};
}
inline bool always_default(const Settings&) {
    return true;
}

template <Section section, Context context>
struct Unbuilt {
    template <Name name, Name inert = "">
    static consteval Row refused(
        Nature nature,
        std::string_view summary,
        std::string_view sample,
        std::string_view reason = "not built yet") {
        return {
            .name = name.view(),
            .section = section,
            .context = context,
            .summary = summary,
            .applied = applied::Refused{reason},
            .nature = nature,
            .sample = sample,
            .syntax = "see systemd's manual",
            .assign = &RefusedField<name, inert>::assign,
            .format = &RefusedField<name, inert>::format,
            .is_default = &RefusedField<name, inert>::is_default,
            .properties = {},
        };
    }

    template <Name name>
    static consteval Row no_effect(
        std::string_view summary, std::string_view reason, std::string_view sample) {
        return {
            .name = name.view(),
            .section = section,
            .context = context,
            .summary = summary,
            .applied = applied::NoEffect{reason},
            .nature = Nature::Shares,
            .sample = sample,
            .syntax = "see systemd's manual",
            .assign = &assign_nothing,
            .format = &format_nothing,
            .is_default = &always_default,
            .properties = {},
        };
    }
};

// The parts of refused_rows(), each sorted.
[[nodiscard]] std::span<const Row> refused_service_rows();
[[nodiscard]] std::span<const Row> refused_exec_rows();
[[nodiscard]] std::span<const Row> refused_sandbox_rows();
[[nodiscard]] std::span<const Row> refused_resource_rows();

}  // namespace hearth::directives
