// SPDX-License-Identifier: MIT
//
// Calendar expressions (systemd.time(7), "Calendar Events"): what OnCalendar= holds, how it is read
// and printed in its normalised form, and when it elapses next. Pure: the time zone's rules are
// handed in as a value (units/time_zone.hpp), the present time as a number. Times are microseconds
// since 1970 UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"
#include "parser/value_error.hpp"

namespace hearth {

/// `start`, `start..stop`, `start/repeat`, `start..stop/repeat`. Seconds are counted in
/// microseconds, everything else in ones.
struct CalendarRange {
    std::int64_t start = 0;
    std::int64_t stop = -1;  ///< -1: none
    std::int64_t repeat = 0;
    auto operator<=>(const CalendarRange&) const = default;
};
/// Sorted; empty: every value.
using CalendarComponent = std::vector<CalendarRange>;

struct CalendarSpec {
    std::uint8_t weekdays = 0;   ///< bit 0: Monday ... bit 6: Sunday; 0: every day
    bool days_from_end = false;  ///< `~`: day 1 is the month's last
    CalendarComponent years, months, days, hours, minutes, seconds;
    std::string zone;  ///< empty: the local one; else "UTC", "Europe/Berlin"
    bool operator==(const CalendarSpec&) const = default;
};

/// Errors say what was expected, and where in the text. A zone's name is taken as it is written:
/// whether there is such a zone only the machine knows.
[[nodiscard]] Result<CalendarSpec, ValueError> parse_calendar(std::string_view text);

/// The normalised form, as `systemd-analyze calendar` prints it: `Mon..Fri *-*-* 10:00:00`.
[[nodiscard]] std::string format_calendar(const CalendarSpec& spec);

struct TimeZone;

/// The first time after `after` that the expression names; nothing where none is left before the
/// year 2200. A time of day that a zone leaves out is not named, one that comes twice counts once.
[[nodiscard]] std::optional<std::uint64_t> next_elapse(
    const CalendarSpec& spec, std::uint64_t after, const TimeZone& zone);

}  // namespace hearth
