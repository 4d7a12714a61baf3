// SPDX-License-Identifier: MIT
#include "supervisor/ctl/time_format.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <string_view>

namespace hearth::ctl {

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

std::string timestamp(std::uint64_t realtime) {
    if (realtime == 0 || realtime == UINT64_MAX) {
        return {};
    }
    constexpr std::array<const char*, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    const auto seconds = static_cast<std::time_t>(realtime / 1'000'000);
    std::tm local{};
    if (localtime_r(&seconds, &local) == nullptr) {
        return {};
    }
    return fmt::format(
        "{} {:04}-{:02}-{:02} {:02}:{:02}:{:02} {}",
        days[static_cast<std::size_t>(local.tm_wday)],
        local.tm_year + 1900,
        local.tm_mon + 1,
        local.tm_mday,
        local.tm_hour,
        local.tm_min,
        local.tm_sec,
        local.tm_zone == nullptr ? "UTC" : local.tm_zone);
}

std::string timespan(std::uint64_t microseconds, std::uint64_t accuracy) {
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

std::string ago(std::uint64_t then, std::uint64_t now) {
    constexpr std::uint64_t second = 1'000'000, minute = 60 * second, hour = 60 * minute,
                            day = 24 * hour;
    constexpr std::uint64_t week = 7 * day, month = 2'629'800'000'000, year = 31'557'600'000'000;
    const std::uint64_t passed = now > then ? now - then : 0;
    const auto count = [](std::uint64_t number, std::string_view unit) {
        return fmt::format("{} {}{}", number, unit, number == 1 ? "" : "s");
    };
    if (passed >= year) {
        return count(passed / year, "year") + " " + count(passed % year / month, "month") + " ago";
    }
    if (passed >= month) {
        return count(passed / month, "month") + " " + count(passed % month / day, "day") + " ago";
    }
    if (passed >= week) {
        return count(passed / week, "week") + " " + count(passed % week / day, "day") + " ago";
    }
    if (passed >= 2 * day) {
        return count(passed / day, "day") + " ago";
    }
    if (passed >= 25 * hour) {
        return fmt::format("1 day {}h ago", (passed - day) / hour);
    }
    if (passed >= 6 * hour) {
        return fmt::format("{}h ago", passed / hour);
    }
    if (passed >= hour) {
        return fmt::format("{}h {}min ago", passed / hour, passed % hour / minute);
    }
    if (passed >= 5 * minute) {
        return fmt::format("{}min ago", passed / minute);
    }
    if (passed >= minute) {
        return fmt::format("{}min {}s ago", passed / minute, passed % minute / second);
    }
    if (passed >= second) {
        return fmt::format("{}s ago", passed / second);
    }
    return passed > 0 ? timespan(passed, 1000) + " ago" : "now";
}

std::string size(std::uint64_t bytes) {
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

}  // namespace hearth::ctl
