// SPDX-License-Identifier: MIT
//
// Codecs for enumerations from one constexpr table of names, the only place where they are written:
//
//   inline constexpr auto kill_mode_names = std::to_array<EnumName<KillMode>>({
//       {KillMode::ControlGroup, "control-group"}, {KillMode::Process, "process"}});
//   template <> struct Codec<KillMode> : EnumCodec<kill_mode_names> {};
//
// The first name of a value is its name, further ones are read as well. An empty text resets to
// E{}.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "parser/codec.hpp"

namespace hearth {

template <class E>
struct EnumName {
    E value;
    std::string_view name;
};

/// The name of `value` in the table; empty if it has none.
template <class E, std::size_t N>
[[nodiscard]] constexpr std::string_view name_of(E value, const std::array<EnumName<E>, N>& table) {
    for (const EnumName<E>& entry : table) {
        if (entry.value == value) {
            return entry.name;
        }
    }
    return {};
}

/// The value that is called `name`.
template <class E, std::size_t N>
[[nodiscard]] constexpr std::optional<E> value_of(
    std::string_view name, const std::array<EnumName<E>, N>& table) {
    for (const EnumName<E>& entry : table) {
        if (entry.name == name) {
            return entry.value;
        }
    }
    return std::nullopt;
}

/// `'alwas' is not one of no, always, ...`, with a "did you mean".
[[nodiscard]] Unexpected<ValueError> unknown_name(
    std::string_view text, std::span<const std::string_view> names);

/// The names of a table, for unknown_name().
template <class E, std::size_t N>
[[nodiscard]] constexpr std::array<std::string_view, N> names_of(
    const std::array<EnumName<E>, N>& table) {
    std::array<std::string_view, N> names;
    for (std::size_t i = 0; i < N; ++i) {
        names[i] = table[i].name;
    }
    return names;
}

/// The bytes of `no|always|on-failure`.
template <const auto& table>
inline constexpr auto joined_names = [] {
    constexpr std::size_t length = [] {
        std::size_t sum = table.size() - 1;
        for (const auto& entry : table) {
            sum += entry.name.size();
        }
        return sum;
    }();
    std::array<char, length> text{};
    std::size_t at = 0;
    for (const auto& entry : table) {
        if (at != 0) {
            text[at++] = '|';
        }
        for (const char byte : entry.name) {
            text[at++] = byte;
        }
    }
    return text;
}();

template <const auto& table>
struct EnumCodec {
    using E = std::remove_const_t<decltype(table[0].value)>;

    /// `no|always|on-failure`
    static constexpr std::string_view syntax{
        joined_names<table>.data(), joined_names<table>.size()};
    static constexpr const char* signature = "s";

    static Assigned assign(E& field, std::string_view text, const ValueContext&) {
        if (text.empty()) {
            field = E{};
            return {};
        }
        const std::optional<E> found = value_of(text, table);
        if (!found) {
            return unknown_name(text, names_of(table));
        }
        field = *found;
        return {};
    }
    static std::string format(const E& value) { return std::string(name_of(value, table)); }
    static void write(const E& value, ValueSink& sink) { sink.string(name_of(value, table)); }
};

}  // namespace hearth
