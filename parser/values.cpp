// SPDX-License-Identifier: MIT
#include "parser/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "parser/diagnostic.hpp"
#include "parser/numbers.hpp"
#include "parser/words.hpp"

namespace hearth {

namespace {

constexpr std::size_t longest_path = 4095;  // PATH_MAX, without its NUL

struct BooleanName {
    std::string_view name;
    bool value;
};

constexpr auto boolean_names = std::to_array<BooleanName>({
    {"1", true},
    {"yes", true},
    {"y", true},
    {"true", true},
    {"t", true},
    {"on", true},
    {"0", false},
    {"no", false},
    {"n", false},
    {"false", false},
    {"f", false},
    {"off", false},
});

bool equal_ignoring_case(std::string_view left, std::string_view right) {
    const auto lower = [](char byte) {
        return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
    };
    return std::ranges::equal(left, right, {}, lower, lower);
}

struct Magnitude {
    std::uint64_t value = 0;
    bool fits = true;
};

/// Digits with an optional 0x, 0o, 0b or 0 before them; nothing if it isn't a number.
std::optional<Magnitude> magnitude_of(std::string_view text) {
    int base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
    } else if (text.starts_with("0o")) {
        base = 8;
    } else if (text.starts_with("0b")) {
        base = 2;
    }
    if (base != 10) {
        text.remove_prefix(2);
    } else if (text.size() > 1 && text.front() == '0') {
        base = 8;
    }
    Magnitude magnitude;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [stop, status] = std::from_chars(begin, end, magnitude.value, base);
    if (status == std::errc::invalid_argument || stop != end) {
        return std::nullopt;
    }
    magnitude.fits = status == std::errc();
    return magnitude;
}

struct SignedText {
    bool negative = false;
    std::string_view digits;
};

SignedText without_sign(std::string_view text) {
    text = trimmed(text);
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) {
        text.remove_prefix(1);
    }
    return {negative, text};
}

template <class Bound>
Unexpected<ValueError> out_of_range(std::string_view text, Bound low, Bound high) {
    return bad_value(
        fmt::format("{} is out of range", quoted(trimmed(text))),
        fmt::format("write a number from {} to {}", low, high));
}

Unexpected<ValueError> not_a_number(std::string_view text) {
    return bad_value(
        fmt::format("{} is not a number", quoted(trimmed(text))), "write a whole number");
}

}  // namespace

Result<bool, ValueError> read_boolean(std::string_view text) {
    text = trimmed(text);
    for (const BooleanName& entry : boolean_names) {
        if (equal_ignoring_case(text, entry.name)) {
            return entry.value;
        }
    }
    return bad_value(fmt::format("{} is not a boolean", quoted(text)), "write yes or no");
}

Result<std::int64_t, ValueError> read_integer(
    std::string_view text, std::int64_t low, std::int64_t high) {
    const SignedText parts = without_sign(text);
    const auto magnitude = magnitude_of(parts.digits);
    if (!magnitude) {
        return not_a_number(text);
    }
    // One more negative number than positive ones: compared as magnitudes, then negated unsigned.
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!magnitude->fits || magnitude->value > most + (parts.negative ? 1 : 0)) {
        return out_of_range(text, low, high);
    }
    const auto value =
        static_cast<std::int64_t>(parts.negative ? 0 - magnitude->value : magnitude->value);
    if (value < low || value > high) {
        return out_of_range(text, low, high);
    }
    return value;
}

Result<std::uint64_t, ValueError> read_unsigned(
    std::string_view text, std::uint64_t low, std::uint64_t high) {
    const SignedText parts = without_sign(text);
    const auto magnitude = magnitude_of(parts.digits);
    if (!magnitude) {
        return not_a_number(text);
    }
    const bool is_negative = parts.negative && magnitude->value != 0;
    if (!magnitude->fits || is_negative || magnitude->value < low || magnitude->value > high) {
        return out_of_range(text, low, high);
    }
    return magnitude->value;
}

Result<Mode, ValueError> read_mode(std::string_view text) {
    text = trimmed(text);
    std::uint32_t bits = 0;
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [stop, status] = std::from_chars(begin, end, bits, 8);
    if (status != std::errc() || stop != end || bits > 07777) {
        return bad_value(
            fmt::format("{} is not a mode", quoted(text)), "write octal digits up to 7777: 0755");
    }
    return Mode{bits};
}

std::string simplified_path(std::string_view path) {
    std::string out;
    if (path.starts_with('/')) {
        out = "/";
    }
    std::size_t at = 0;
    while (at < path.size()) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        const std::string_view part = path.substr(at, end - at);
        if (!part.empty() && part != ".") {
            if (!out.empty() && out.back() != '/') {
                out += '/';
            }
            out += part;
        }
        at = end + 1;
    }
    return out;
}

Result<std::string, ValueError> read_absolute_path(
    std::string_view text, const ValueContext& context) {
    const std::string path = HEARTH_TRY(expand(text, context));
    if (!path.starts_with('/')) {
        return bad_value(
            fmt::format("{} is not an absolute path", quoted(path)), "begin it with '/'");
    }
    if (path.find('\0') != std::string::npos) {
        return bad_value(fmt::format("{} has a NUL byte", quoted(path)));
    }
    std::string simple = simplified_path(path);
    if (simple.ends_with("/..") || simple.find("/../") != std::string::npos) {
        return bad_value(
            fmt::format("the path {} has '..' in it", quoted(path)),
            "write the path without '..'",
            std::min(text.find(".."), text.size()));
    }
    if (simple.size() > longest_path) {
        return bad_value(
            fmt::format("the path {} is longer than {} bytes", quoted(path), longest_path));
    }
    return simple;
}

}  // namespace hearth
