// SPDX-License-Identifier: MIT
#include "units/amount_text.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace hearth {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t microseconds;
};
constexpr auto units = std::to_array<Unit>({
    {"y", 31'557'600'000'000},
    {"month", 2'629'800'000'000},
    {"w", 604'800'000'000},
    {"d", 86'400'000'000},
    {"h", 3'600'000'000},
    {"min", 60'000'000},
    {"s", 1'000'000},
    {"ms", 1'000},
    {"us", 1},
});

/// What is below a minute is written as a decimal fraction, "1.500s", as far as the accuracy asks.
std::string fraction(
    std::uint64_t whole, std::uint64_t rest, const Unit& unit, std::uint64_t accuracy) {
    int digits = 0;
    for (std::uint64_t scale = unit.microseconds; scale > 1; scale /= 10) {
        ++digits;
    }
    for (std::uint64_t scale = accuracy; scale > 1; scale /= 10) {
        rest /= 10;
        --digits;
    }
    return digits > 0 ? fmt::format("{}.{:0{}}{}", whole, rest, digits, unit.name) : std::string();
}

}  // namespace

std::string timespan_text(std::uint64_t microseconds, std::uint64_t accuracy) {
    if (microseconds == UINT64_MAX) {
        return "infinity";
    }
    if (microseconds == 0) {
        return "0";
    }
    std::string text;
    for (const Unit& unit : units) {
        if (microseconds == 0 || (microseconds < accuracy && !text.empty())) {
            break;
        }
        if (microseconds < unit.microseconds) {
            continue;
        }
        const std::uint64_t whole = microseconds / unit.microseconds;
        const std::uint64_t rest = microseconds % unit.microseconds;
        const std::string space = text.empty() ? "" : " ";
        if (microseconds < 60'000'000 && rest > 0) {
            const std::string decimal = fraction(whole, rest, unit, accuracy);
            if (!decimal.empty()) {
                return text + space + decimal;
            }
        }
        text += fmt::format("{}{}{}", space, whole, unit.name);
        microseconds = rest;
    }
    return text;
}

std::string size_text(std::uint64_t bytes) {
    constexpr std::string_view suffixes = "KMGTPE";
    if (bytes < 1024) {
        return fmt::format("{}B", bytes);
    }
    std::uint64_t factor = 1024;
    std::size_t suffix = 0;
    while (suffix + 1 < suffixes.size() && bytes / factor >= 1024) {
        factor *= 1024;
        ++suffix;
    }
    return fmt::format("{}.{}{}", bytes / factor, bytes % factor * 10 / factor, suffixes[suffix]);
}

}  // namespace hearth
