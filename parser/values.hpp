// SPDX-License-Identifier: MIT
//
// The values that many directives share, and their codecs (parser/codec.hpp): booleans, integers,
// strings, word lists, time spans, sizes, percentages, modes, paths, optional values. Units are in
// the types' member names. The read_*() functions are the same readers for codecs of domain types.
// Follows systemd.syntax(7) and systemd.time(7). Enumerations: parser/enum_codec.hpp.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/codec.hpp"

namespace hearth {

inline constexpr std::uint64_t infinity = std::numeric_limits<std::uint64_t>::max();

/// A duration. UINT64_MAX is "infinity", as on systemd's bus.
struct Timespan {
    std::uint64_t microseconds = 0;

    [[nodiscard]] constexpr bool is_infinite() const { return microseconds == infinity; }
    [[nodiscard]] static constexpr Timespan never() { return {infinity}; }
    [[nodiscard]] static constexpr Timespan seconds(std::uint64_t count) {
        return {count * 1'000'000};
    }
    [[nodiscard]] static constexpr Timespan milliseconds(std::uint64_t count) {
        return {count * 1'000};
    }
    auto operator<=>(const Timespan&) const = default;
};

/// A size in memory or on disk, base 1024. UINT64_MAX is "infinity".
struct Bytes {
    std::uint64_t count = 0;

    [[nodiscard]] constexpr bool is_infinite() const { return count == infinity; }
    [[nodiscard]] static constexpr Bytes unlimited() { return {infinity}; }
    auto operator<=>(const Bytes&) const = default;
};

/// A whole percentage from 0% to 100%.
struct Percent {
    std::uint32_t percent = 0;

    auto operator<=>(const Percent&) const = default;
};

/// Hundredths of a percent: 20.55% is 2055. Not bounded by 100%: CPUQuota=200% is two CPUs.
struct Permyriad {
    std::uint32_t permyriad = 0;

    auto operator<=>(const Permyriad&) const = default;
};

/// Permission bits, up to 07777.
struct Mode {
    std::uint32_t bits = 0;

    auto operator<=>(const Mode&) const = default;
};

/// An absolute path without `..`, doubled or trailing slashes. Empty: none.
struct AbsolutePath {
    std::string path;

    [[nodiscard]] bool empty() const { return path.empty(); }
    auto operator<=>(const AbsolutePath&) const = default;
};

/// The same, where a leading `-` says that it need not exist.
struct OptionalPath {
    std::string path;
    bool optional = false;

    [[nodiscard]] bool empty() const { return path.empty(); }
    auto operator<=>(const OptionalPath&) const = default;
};

// ---- readers; the text must not be empty, white space around it is ignored

[[nodiscard]] Result<bool, ValueError> read_boolean(std::string_view text);

/// Decimal, 0x, 0o, 0b, or octal after a leading 0; from `low` to `high`.
[[nodiscard]] Result<std::int64_t, ValueError> read_integer(
    std::string_view text, std::int64_t low, std::int64_t high);
[[nodiscard]] Result<std::uint64_t, ValueError> read_unsigned(
    std::string_view text, std::uint64_t low, std::uint64_t high);

/// `bare_unit`: microseconds that a number without unit counts (default: seconds).
[[nodiscard]] Result<Timespan, ValueError> read_timespan(
    std::string_view text, std::uint64_t bare_unit = 1'000'000);
[[nodiscard]] Result<Bytes, ValueError> read_bytes(std::string_view text);

/// `NN%`, `NN.NN%`; also per mille and per myriad signs.
[[nodiscard]] Result<Permyriad, ValueError> read_permyriad(std::string_view text);
[[nodiscard]] Result<Mode, ValueError> read_mode(std::string_view text);

/// Normalises; specifiers are expanded before.
[[nodiscard]] Result<std::string, ValueError> read_absolute_path(
    std::string_view text, const ValueContext& context = {});

// ---- printers, as systemctl show prints them

/// `1min 30s`, `100ms`, `1.500000s`, `0`, `infinity`.
[[nodiscard]] std::string format_timespan(Timespan value);

/// The largest unit that keeps it exact: `64M`, `1000`, `infinity`.
[[nodiscard]] std::string format_bytes(Bytes value);

/// `20%`, `20.55%`.
[[nodiscard]] std::string format_permyriad(Permyriad value);

/// `/a//b/./c/` -> `/a/b/c`. Leaves `..` alone.
[[nodiscard]] std::string simplified_path(std::string_view path);

// ---- codecs

HEARTH_DECLARE_CODEC(bool, "boolean", "b");
HEARTH_DECLARE_CODEC(std::int32_t, "integer", "i");
HEARTH_DECLARE_CODEC(std::uint32_t, "unsigned integer", "u");
HEARTH_DECLARE_CODEC(std::int64_t, "integer", "x");
HEARTH_DECLARE_CODEC(std::uint64_t, "unsigned integer", "t");
HEARTH_DECLARE_CODEC(std::string, "string", "s");
HEARTH_DECLARE_CODEC(std::vector<std::string>, "list of words", "as");
HEARTH_DECLARE_CODEC(Timespan, "time span", "t");
HEARTH_DECLARE_CODEC(Bytes, "size", "t");
HEARTH_DECLARE_CODEC(Percent, "percentage", "u");
HEARTH_DECLARE_CODEC(Permyriad, "percentage", "u");
HEARTH_DECLARE_CODEC(Mode, "mode", "u");
HEARTH_DECLARE_CODEC(AbsolutePath, "absolute path", "s");
HEARTH_DECLARE_CODEC(OptionalPath, "absolute path, '-' before it if it may be missing", "s");
HEARTH_DECLARE_CODEC(std::vector<AbsolutePath>, "list of absolute paths", "as");
HEARTH_DECLARE_CODEC(
    std::vector<OptionalPath>, "list of absolute paths, each with '-' if it may be missing", "as");

/// Unset, or a value of T. An empty text unsets; unset is written to the bus as T's default.
template <class T>
struct Codec<std::optional<T>> {
    static constexpr std::string_view syntax = Codec<T>::syntax;
    static constexpr const char* signature = Codec<T>::signature;

    static Assigned assign(
        std::optional<T>& field, std::string_view text, const ValueContext& context) {
        if (text.empty()) {
            field.reset();
            return {};
        }
        T value = field.value_or(T{});
        HEARTH_TRY(Codec<T>::assign(value, text, context));
        field = std::move(value);
        return {};
    }
    static std::string format(const std::optional<T>& value) {
        return value ? Codec<T>::format(*value) : std::string();
    }
    static void write(const std::optional<T>& value, ValueSink& sink) {
        Codec<T>::write(value.value_or(T{}), sink);
    }
};

}  // namespace hearth
