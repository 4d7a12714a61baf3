// SPDX-License-Identifier: MIT
//
// What a calendar expression names, by going from the year down to the microsecond: each component
// is a set of numbers, and the next time is the smallest number in each.
#include "units/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "units/time_zone.hpp"

namespace hearth {

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t day_seconds = 86'400;
constexpr std::int64_t first_year = 1970, last_year = 2199;
constexpr auto weekday_names =
    std::to_array<std::string_view>({"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"});

// ---- printing -----------------------------------------------------------------------------------

std::string number(std::int64_t value, int width, bool in_seconds) {
    if (!in_seconds) {
        return fmt::format("{:0{}}", value, width);
    }
    std::string text = fmt::format("{:0{}}", value / second, width);
    if (value % second != 0) {
        text += fmt::format(".{:06}", value % second);
    }
    return text;
}

std::string component(const CalendarComponent& ranges, int width, bool in_seconds = false) {
    const std::int64_t one = in_seconds ? second : 1;
    if (ranges.empty() || (in_seconds && ranges == CalendarComponent{{0, -1, second}})) {
        return "*";
    }
    std::string text;
    for (const CalendarRange& each : ranges) {
        text += (text.empty() ? "" : ",") + number(each.start, width, in_seconds);
        if (each.stop >= 0) {
            text += ".." + number(each.stop, width, in_seconds);
        }
        if (each.repeat > 0 && !(each.stop >= 0 && each.repeat == one)) {
            text += "/" + number(each.repeat, 1, in_seconds);
        }
    }
    return text;
}

std::string weekdays(std::uint8_t days) {
    std::string text;
    for (int first = 0; first < 7; ++first) {
        if ((days >> first & 1) == 0) {
            continue;
        }
        int last = first;
        while (last < 6 && (days >> (last + 1) & 1) != 0) {
            ++last;
        }
        text += text.empty() ? "" : ",";
        text += weekday_names.at(static_cast<std::size_t>(first));
        if (last - first >= 1) {
            text += last - first >= 2 ? ".." : ",";
            text += weekday_names.at(static_cast<std::size_t>(last));
        }
        first = last;
    }
    return text;
}

// ---- searching ----------------------------------------------------------------------------------

/// The smallest number of the set from `value` to `high`.
std::optional<std::int64_t> next_of(
    const CalendarComponent& ranges, std::int64_t value, std::int64_t high, std::int64_t one = 1) {
    if (ranges.empty()) {
        return value <= high ? std::optional(value) : std::nullopt;
    }
    std::optional<std::int64_t> best;
    for (const CalendarRange& each : ranges) {
        std::int64_t found = each.start;
        const std::int64_t step = each.repeat > 0 ? each.repeat : each.stop >= 0 ? one : 0;
        if (found < value) {
            if (step == 0) {
                continue;
            }
            found += (value - found + step - 1) / step * step;
        }
        if (found <= high && (step == 0 || each.stop < 0 || found <= each.stop)) {
            best = best ? std::min(*best, found) : found;
        }
    }
    return best;
}

/// The days of a month that are counted from its end, counted from its beginning.
CalendarComponent from_beginning(const CalendarComponent& days, int length) {
    CalendarComponent turned;
    for (const CalendarRange& each : days) {
        CalendarRange range = each;
        range.start = length + 1 - each.start;
        if (each.stop >= 0) {
            range.start = length + 1 - each.stop;
            range.stop = length + 1 - each.start;
        }
        turned.push_back(range);
    }
    return turned;
}

class Search {
public:
    explicit Search(const CalendarSpec& spec) : spec_(spec) {}

    /// The first named local time, in microseconds since 1970, from `local` on.
    [[nodiscard]] std::optional<std::int64_t> from(std::int64_t local) const {
        constexpr std::int64_t day_length = day_seconds * second;
        std::int64_t day = (local - ((local % day_length) + day_length) % day_length) / day_length;
        std::int64_t within = local - day * day_length;
        for (;;) {
            const auto named = day_from(day);
            if (!named) {
                return std::nullopt;
            }
            const auto time = time_from(*named == day ? within : 0);
            if (time) {
                return *named * day_length + *time;
            }
            day = *named + 1;
            within = 0;
        }
    }

private:
    [[nodiscard]] std::optional<std::int64_t> day_from(std::int64_t days) const {
        CivilDate date = date_of(days);
        for (;;) {
            const auto year = next_of(spec_.years, date.year, last_year);
            if (!year) {
                return std::nullopt;
            }
            date = *year == date.year ? date : CivilDate{*year, 1, 1};
            const auto month = next_of(spec_.months, date.month, 12);
            if (!month) {
                date = {date.year + 1, 1, 1};
                continue;
            }
            date = *month == date.month ? date : CivilDate{date.year, *month, 1};
            if (const auto day = day_of_month(date)) {
                return days_of(date.year, date.month, *day);
            }
            date = date.month == 12 ? CivilDate{date.year + 1, 1, 1}
                                    : CivilDate{date.year, date.month + 1, 1};
        }
    }

    [[nodiscard]] std::optional<std::int64_t> day_of_month(const CivilDate& date) const {
        const int length = days_in_month(date.year, date.month);
        const CalendarComponent days =
            spec_.days_from_end ? from_beginning(spec_.days, length) : spec_.days;
        for (std::int64_t day = date.day; day <= length; ++day) {
            const auto named = next_of(days, day, length);
            if (!named) {
                return std::nullopt;
            }
            day = *named;
            const int weekday = weekday_of(days_of(date.year, date.month, day));
            if (spec_.weekdays == 0 || (spec_.weekdays >> weekday & 1) != 0) {
                return day;
            }
        }
        return std::nullopt;
    }

    /// Within a day, in microseconds.
    [[nodiscard]] std::optional<std::int64_t> time_from(std::int64_t time) const {
        constexpr std::int64_t minute = 60 * second, hour = 60 * minute;
        std::int64_t from_hour = time / hour, from_minute = time % hour / minute,
                     from_second = time % minute;
        for (;;) {
            const auto named_hour = next_of(spec_.hours, from_hour, 23);
            if (!named_hour) {
                return std::nullopt;
            }
            if (*named_hour != from_hour) {
                from_minute = from_second = 0;
            }
            const auto named_minute = next_of(spec_.minutes, from_minute, 59);
            if (!named_minute) {
                from_hour = *named_hour + 1;
                from_minute = from_second = 0;
                continue;
            }
            if (*named_minute != from_minute) {
                from_second = 0;
            }
            const auto named_second = next_of(spec_.seconds, from_second, minute - 1, second);
            if (named_second) {
                return *named_hour * hour + *named_minute * minute + *named_second;
            }
            from_hour = *named_hour;
            from_minute = *named_minute + 1;
            from_second = 0;
        }
    }

    const CalendarSpec& spec_;
};

}  // namespace

std::string format_calendar(const CalendarSpec& spec) {
    constexpr std::uint8_t every_day = 0x7f;
    std::string text;
    if (spec.weekdays != 0 && spec.weekdays != every_day) {
        text = weekdays(spec.weekdays) + " ";
    }
    text += fmt::format(
        "{}-{}{}{} {}:{}:{}",
        component(spec.years, 4),
        component(spec.months, 2),
        spec.days_from_end ? "~" : "-",
        component(spec.days, 2),
        component(spec.hours, 2),
        component(spec.minutes, 2),
        component(spec.seconds, 2, true));
    return spec.zone.empty() ? text : text + " " + spec.zone;
}

std::optional<std::uint64_t> next_elapse(
    const CalendarSpec& spec, std::uint64_t after, const TimeZone& zone) {
    if (after >= static_cast<std::uint64_t>(INT64_MAX / 2)) {
        return std::nullopt;
    }
    const Search search(spec);
    const auto begin = static_cast<std::int64_t>(after) + 1;
    std::int64_t local = begin + zone.offset_at(begin / second) * second;
    while (const auto named = search.from(local)) {
        const auto utc = zone.utc_of(*named / second);
        const std::int64_t found = utc.value_or(0) * second + *named % second;
        if (utc && found >= begin) {
            return static_cast<std::uint64_t>(found);
        }
        local = (*named / second + 1) * second;  // left out, or the second time that it comes
    }
    return std::nullopt;
}

}  // namespace hearth
