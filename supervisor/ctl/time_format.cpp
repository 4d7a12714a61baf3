// SPDX-License-Identifier: MIT
#include "supervisor/ctl/time_format.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <string_view>

#include "units/amount_text.hpp"

namespace hearth::ctl {

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
    return passed > 0 ? timespan_text(passed, 1000) + " ago" : "now";
}

}  // namespace hearth::ctl
