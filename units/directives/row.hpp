// SPDX-License-Identifier: MIT
//
// directive<NAME, SECTION, CONTEXT, &Settings::group, &Group::member>({...}): builds one
// type-erased Row (units/directive.hpp) at compile time. The type of the member picks its Codec:
// how it is read, written, printed, sent. A row may name other properties than its own
// (`properties`), or read its text in another way (`assign`). Only the .cpp files beside this one
// include it: each is one context, one sorted table.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "parser/command_line.hpp"
#include "parser/values.hpp"
#include "units/codecs.hpp"
#include "units/directive.hpp"

namespace hearth::directives {

/// A text that can be a template argument.
template <std::size_t length>
struct Name {
    char text[length];

    consteval Name(const char (&from)[length]) { std::copy_n(from, length, text); }
    [[nodiscard]] constexpr std::string_view view() const { return {text, length - 1}; }
};

/// What a row says beside its field.
struct Description {
    std::string_view summary;
    Applied applied = applied::Loading{};
    Nature nature = Nature::Shares;
    std::string_view sample;
    std::optional<std::span<const Property>> properties{};  ///< unset: one, named after the row
    std::optional<AssignFunction> assign{};                 ///< unset: the codec's
    std::string_view syntax{};                              ///< empty: the codec's
    bool secret = false;
    std::uint16_t exposure = 0;  ///< weight in the security score
};

/// For rows that are no property of their own.
inline constexpr std::span<const Property> no_properties{};

template <class T>
concept EmptyIsAValue = requires { requires Codec<T>::empty_is_a_value; };

template <class T>
struct WithoutOptional {
    using Type = T;
};
template <class T>
struct WithoutOptional<std::optional<T>> {
    using Type = T;
};

/// One field of Settings, by the member pointers that lead to it.
template <auto... path>
struct Field {
    static auto& of(Settings& settings) { return (settings.*....*path); }
    static const auto& of(const Settings& settings) { return (settings.*....*path); }
    using Type = std::remove_cvref_t<decltype(of(std::declval<Settings&>()))>;

    static const Type& initial() {
        static const Settings settings;
        return of(settings);
    }
    static Assigned assign(Settings& settings, std::string_view text, const ValueContext& context) {
        if constexpr (!EmptyIsAValue<Type>) {
            if (text.empty()) {
                of(settings) = initial();
                return {};
            }
        }
        return Codec<Type>::assign(of(settings), text, context);
    }
    static std::string format(const Settings& settings) {
        return Codec<Type>::format(of(settings));
    }
    static void write(const Settings& settings, ValueSink& sink) {
        Codec<Type>::write(of(settings), sink);
    }
    static bool is_default(const Settings& settings) { return of(settings) == initial(); }
};

/// For `assign`: a whole number within bounds; an empty text is the default.
template <std::int64_t low, std::int64_t high, auto... path>
Assigned assign_within(Settings& settings, std::string_view text, const ValueContext&) {
    using F = Field<path...>;
    if (text.empty()) {
        F::of(settings) = F::initial();
        return {};
    }
    using Number = typename WithoutOptional<typename F::Type>::Type;
    F::of(settings) = static_cast<Number>(HEARTH_TRY(read_integer(text, low, high)));
    return {};
}

/// For `assign`: an absolute path, normalised; an empty text is none.
template <auto... path>
Assigned assign_path(Settings& settings, std::string_view text, const ValueContext& context) {
    Field<path...>::of(settings) =
        text.empty() ? std::string() : HEARTH_TRY(read_absolute_path(text, context));
    return {};
}

/// For `assign`: the unit that a unit of another type starts; an empty text is none.
template <auto... path>
Assigned assign_triggered_unit(
    Settings& settings, std::string_view text, const ValueContext& context) {
    Field<path...>::of(settings) =
        text.empty() ? std::string() : HEARTH_TRY(read_triggered_unit(text, context));
    return {};
}

/// The name of the property that a directive stands for: its own, with `Sec` at its end `USec`.
template <Name directive_name>
struct PropertyName {
    static constexpr std::size_t length = directive_name.view().size();
    static constexpr bool is_time = directive_name.view().ends_with("Sec");
    static constexpr auto text = [] {
        std::array<char, length + (is_time ? 1 : 0)> made{};
        const std::string_view from = directive_name.view();
        std::copy_n(from.begin(), length, made.begin());
        if (is_time) {
            std::copy_n("USec", 4, made.end() - 4);
        }
        return made;
    }();
    static constexpr std::string_view view{text.data(), text.size()};
};

template <Name directive_name, auto... path>
inline constexpr std::array<Property, 1> own_property = {{
    {PropertyName<directive_name>::view,
     Codec<typename Field<path...>::Type>::signature,
     &Field<path...>::write},
}};

template <Name directive_name, Section section, Context context, auto... path>
[[nodiscard]] consteval Row directive(const Description& description) {
    using F = Field<path...>;
    // In one step: clang 19 lets no variant change its alternative while compiling.
    return {
        .name = directive_name.view(),
        .section = section,
        .context = context,
        .summary = description.summary,
        .applied = description.applied,
        .nature = description.nature,
        .sample = description.sample,
        .syntax = description.syntax.empty() ? Codec<typename F::Type>::syntax : description.syntax,
        // No comparison with null: under UBSan GCC 12 doesn't take that for a constant.
        .assign = description.assign.value_or(&F::assign),
        .format = &F::format,
        .is_default = &F::is_default,
        .properties = description.properties.value_or(
            std::span<const Property>(own_property<directive_name, path...>)),
        .secret = description.secret,
        .exposure = description.exposure,
    };
}

/// Each table is sorted by section and name, without doubles: lookups and readers rely on it.
template <std::size_t count>
[[nodiscard]] consteval bool sorted(const std::array<Row, count>& rows) {
    for (std::size_t i = 1; i < count; ++i) {
        const Row& before = rows[i - 1];
        const Row& row = rows[i];
        if (before.section > row.section ||
            (before.section == row.section && before.name >= row.name)) {
            return false;
        }
    }
    return true;
}

}  // namespace hearth::directives
