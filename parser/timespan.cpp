// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "parser/diagnostic.hpp"
#include "parser/numbers.hpp"
#include "parser/values.hpp"
#include "parser/words.hpp"

namespace hearth {

namespace {

constexpr std::uint64_t millisecond = 1'000;
constexpr std::uint64_t second = 1'000 * millisecond;
constexpr std::uint64_t minute = 60 * second;
constexpr std::uint64_t hour = 60 * minute;
constexpr std::uint64_t day = 24 * hour;
constexpr std::uint64_t week = 7 * day;
constexpr std::uint64_t year = 31'557'600 * second;  // 365.25 days
constexpr std::uint64_t month = year / 12;           // 30.44 days

struct Unit {
    std::string_view name;
    std::uint64_t microseconds;
};

constexpr auto units = std::to_array<Unit>({
    {"usec", 1},
    {"us", 1},
    {"\xC2\xB5s", 1},
    {"\xCE\xBCs", 1},
    {"msec", millisecond},
    {"ms", millisecond},
    {"seconds", second},
    {"second", second},
    {"sec", second},
    {"s", second},
    {"minutes", minute},
    {"minute", minute},
    {"min", minute},
    {"m", minute},
    {"hours", hour},
    {"hour", hour},
    {"hr", hour},
    {"h", hour},
    {"days", day},
    {"day", day},
    {"d", day},
    {"weeks", week},
    {"week", week},
    {"w", week},
    {"months", month},
    {"month", month},
    {"M", month},
    {"years", year},
    {"year", year},
    {"y", year},
});

constexpr auto printed_units = std::to_array<Unit>({
    {"y", year},
    {"month", month},
    {"w", week},
    {"d", day},
    {"h", hour},
    {"min", minute},
    {"s", second},
    {"ms", millisecond},
    {"us", 1},
});

constexpr std::string_view unit_hint =
    "a number counts seconds, units are us, ms, s, min, h, d, w, month and y: '1min 30s'";

std::optional<std::uint64_t> unit_of(std::string_view name) {
    const auto found =
        std::ranges::find_if(units, [name](const Unit& unit) { return unit.name == name; });
    return found == units.end() ? std::nullopt : std::optional(found->microseconds);
}

bool ends_unit(char byte) {
    return is_white_space(byte) || is_digit(byte) || byte == '.' || byte == '+' || byte == '-';
}

/// Digits of a fraction of `unit`, cut at whole microseconds.
std::uint64_t fraction_of(std::string_view digits, std::uint64_t unit) {
    std::uint64_t sum = 0;
    for (const char digit : digits) {
        unit /= 10;
        sum += unit * static_cast<std::uint64_t>(digit - '0');
    }
    return sum;
}

}  // namespace

Result<Timespan, ValueError> read_timespan(std::string_view text, std::uint64_t bare_unit) {
    Scanner scan(text);
    const auto bad = [&](std::string_view why, std::size_t offset) {
        return bad_value(
            fmt::format("{} is not a time span: {}", quoted(trimmed(text)), why),
            std::string(unit_hint),
            offset);
    };
    if (trimmed(text) == "infinity") {
        return Timespan::never();
    }
    std::uint64_t total = 0;
    scan.skip_white_space();
    if (scan.at_end()) {
        return bad("it is empty", 0);
    }
    while (!scan.at_end()) {
        const std::size_t begin = scan.position();
        if (scan.peek() == '-') {
            return bad("it is negative", begin);
        }
        scan.skip('+');
        const Decimal number = scan.decimal();
        if (!number.is_valid()) {
            return bad("a number is missing", scan.position());
        }
        scan.skip_white_space();
        const std::size_t unit_begin = scan.position();
        const std::string_view name = scan.take_until(ends_unit);
        const auto unit = name.empty() ? std::optional(bare_unit) : unit_of(name);
        if (!unit) {
            return bad(fmt::format("unknown unit {}", quoted(name)), unit_begin);
        }
        // '1.5.5' is a slip, '1.5 .5' and '1.5s.5' are sums.
        if (name.empty() && unit_begin == scan.number_end() && !scan.at_end()) {
            return bad("a unit is missing", unit_begin);
        }
        const auto whole = checked_product(number.whole, *unit);
        const std::uint64_t part = fraction_of(number.fraction, *unit);
        const auto sum = whole ? checked_sum(checked_sum(total, *whole), part) : std::nullopt;
        if (!number.fits || !sum || *sum == infinity) {
            return bad("it is too long", begin);
        }
        total = *sum;
        scan.skip_white_space();
    }
    return Timespan{total};
}

std::string format_timespan(Timespan value) {
    if (value.is_infinite()) {
        return "infinity";
    }
    std::uint64_t rest = value.microseconds;
    if (rest == 0) {
        return "0";
    }
    std::string out;
    for (const Unit& unit : printed_units) {
        if (rest < unit.microseconds) {
            continue;
        }
        const std::uint64_t whole = rest / unit.microseconds;
        const std::uint64_t part = rest % unit.microseconds;
        out += out.empty() ? "" : " ";
        // Below a minute systemd prints a fraction rather than a smaller unit.
        if (rest < minute && part != 0) {
            const int digits = unit.microseconds == second ? 6 : 3;
            out += fmt::format("{}.{:0{}}{}", whole, part, digits, unit.name);
            break;
        }
        out += fmt::format("{}{}", whole, unit.name);
        rest = part;
    }
    return out;
}

}  // namespace hearth
