// SPDX-License-Identifier: MIT
//
// How calendar expressions are read: weekdays, a date, a time, a time zone, each of which may be
// left out. The verdicts are those of `systemd-analyze calendar`.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "units/calendar.hpp"
#include "units/time_zone.hpp"

namespace hearth {

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr auto weekday_names = std::to_array<std::string_view>(
    {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"});

struct Shorthand {
    std::string_view name, stands_for;
};
constexpr auto shorthands = std::to_array<Shorthand>({
    {"minutely", "*-*-* *:*:00"},
    {"hourly", "*-*-* *:00:00"},
    {"daily", "*-*-* 00:00:00"},
    {"monthly", "*-*-01 00:00:00"},
    {"weekly", "Mon *-*-* 00:00:00"},
    {"yearly", "*-01-01 00:00:00"},
    {"annually", "*-01-01 00:00:00"},
    {"anually", "*-01-01 00:00:00"},  // systemd has read it since the beginning
    {"quarterly", "*-01,04,07,10-01 00:00:00"},
    {"semiannually", "*-01,07-01 00:00:00"},
    {"semi-annually", "*-01,07-01 00:00:00"},
    {"biannually", "*-01,07-01 00:00:00"},
    {"bi-annually", "*-01,07-01 00:00:00"},
});

bool equal(std::string_view text, std::string_view lower) {
    return std::ranges::equal(text, lower, [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == b;
    });
}

std::optional<int> weekday(std::string_view text) {
    for (std::size_t day = 0; day < weekday_names.size(); ++day) {
        const std::string_view name = weekday_names.at(day);
        if (equal(text, name) || equal(text, name.substr(0, 3))) {
            return static_cast<int>(day);
        }
    }
    return std::nullopt;
}

std::string_view letters_of(std::string_view text) {
    const auto end = std::ranges::find_if_not(
        text, [](char byte) { return std::isalpha(static_cast<unsigned char>(byte)) != 0; });
    return {text.begin(), end};
}

const Shorthand* shorthand(std::string_view text) {
    const auto found = std::ranges::find_if(
        shorthands, [&](const Shorthand& each) { return equal(text, each.name); });
    return found == shorthands.end() ? nullptr : &*found;
}

/// Could be the name of a zone: letters first, and no word that means something else.
bool names_zone(std::string_view word) {
    const bool plain = std::ranges::all_of(word, [](char byte) {
        return std::isalnum(static_cast<unsigned char>(byte)) != 0 ||
               std::string_view("_+-/").find(byte) != std::string_view::npos;
    });
    return plain && !word.empty() && std::isalpha(static_cast<unsigned char>(word.front())) &&
           !weekday(letters_of(word)) && shorthand(word) == nullptr && !word.ends_with('/');
}

/// The limits of a component's numbers.
struct Limits {
    std::string_view what;
    std::int64_t low = 0, high = 0;
    bool in_seconds = false;
};
constexpr Limits years{"year", 1970, 2199}, months{"month", 1, 12}, days{"day", 1, 31},
    days_from_end{"day from the end of the month", 1, 28}, hours{"hour", 0, 23},
    minutes{"minute", 0, 59}, seconds{"second", 0, 60 * second - 1, true};

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text), rest_(text) {}

    Result<CalendarSpec, ValueError> parse() {
        take_zone();
        if (const Shorthand* const known = shorthand(rest_)) {
            CalendarSpec spec = HEARTH_TRY(parse_calendar(known->stands_for));
            spec.zone = spec_.zone;
            return spec;
        }
        if (rest_.starts_with('@')) {
            return epoch();
        }
        if (rest_.empty()) {
            return wrong("no time is named");
        }
        HEARTH_TRY(read_weekdays());
        if (!rest_.empty()) {
            HEARTH_TRY(read_date_and_time());
        } else {
            midnight();
        }
        return spec_;
    }

private:
    [[nodiscard]] std::size_t offset() const {
        return static_cast<std::size_t>(rest_.data() - text_.data());
    }
    [[nodiscard]] Unexpected<ValueError> wrong(std::string what) const {
        return bad_value(
            std::move(what) + "; expected a calendar expression",
            "such as Mon..Fri *-*-* 08:00:00, see systemd.time(7)",
            std::min(offset(), text_.size()));
    }

    bool take(std::string_view word) {
        const bool there = rest_.starts_with(word);
        rest_.remove_prefix(there ? word.size() : 0);
        return there;
    }

    void take_zone() {
        const std::size_t space = rest_.rfind(' ');
        const std::string_view word =
            space == std::string_view::npos ? std::string_view() : rest_.substr(space + 1);
        if (names_zone(word)) {
            spec_.zone = equal(word, "utc") ? "UTC" : std::string(word);
            rest_ = rest_.substr(0, space);
        }
    }

    /// @SECONDS since 1970, which is always UTC.
    Result<CalendarSpec, ValueError> epoch() {
        rest_.remove_prefix(1);
        constexpr std::int64_t end = 7'258'118'400;  // 2200-01-01
        const auto count = integer();
        if (!count || !rest_.empty() || *count >= end) {
            return wrong("'@' wants seconds since 1970, before the year 2200");
        }
        const CivilDate date = date_of(*count / 86'400);
        const std::int64_t time = *count % 86'400;
        spec_.zone = "UTC";
        spec_.years = {{date.year, -1, 0}};
        spec_.months = {{date.month, -1, 0}};
        spec_.days = {{date.day, -1, 0}};
        spec_.hours = {{time / 3'600, -1, 0}};
        spec_.minutes = {{time / 60 % 60, -1, 0}};
        spec_.seconds = {{time % 60 * second, -1, 0}};
        return spec_;
    }

    Assigned read_weekdays() {
        if (!std::isalpha(static_cast<unsigned char>(rest_.front()))) {
            return {};
        }
        for (;;) {
            const int first = HEARTH_TRY(one_weekday());
            int last = first;
            if (take("..") || take("-")) {
                last = HEARTH_TRY(one_weekday());
            }
            if (last < first) {
                return wrong("the last weekday comes before the first");
            }
            for (int day = first; day <= last; ++day) {
                spec_.weekdays = static_cast<std::uint8_t>(spec_.weekdays | 1U << day);
            }
            const bool comma = take(",");
            if (rest_.empty()) {
                return {};
            }
            if (take(" ")) {
                rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
                return {};
            }
            if (!comma) {
                return wrong("a weekday is followed by ',', '..' or a space");
            }
        }
    }
    Result<int, ValueError> one_weekday() {
        const std::string_view word = letters_of(rest_);
        const auto day = weekday(word);
        if (!day) {
            return wrong(fmt::format("'{}' is no weekday", word.empty() ? rest_ : word));
        }
        rest_.remove_prefix(word.size());
        return *day;
    }

    Assigned read_date_and_time() {
        // A component followed by '-' or '~' begins a date, by ':' a time.
        const std::size_t end = std::min(rest_.find(' '), rest_.size());
        const std::string_view word = rest_.substr(0, end);
        if (word.find_first_of("-~") == std::string_view::npos) {
            return read_time();
        }
        HEARTH_TRY(read_date());
        if (rest_.empty()) {
            midnight();
            return {};
        }
        if (!take(" ")) {
            return wrong("a date is followed by a space");
        }
        rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
        if (rest_.empty()) {
            midnight();
            return {};
        }
        return read_time();
    }

    /// [YEAR-]MONTH-DAY, with '~' in place of the last '-'.
    Assigned read_date() {
        const std::string_view date = rest_.substr(0, std::min(rest_.find(' '), rest_.size()));
        if (std::ranges::count_if(date, [](char byte) { return byte == '-' || byte == '~'; }) > 1) {
            HEARTH_TRY(read_component(spec_.years, years));
            if (!take("-")) {
                return wrong("a year is followed by '-'");
            }
        }
        HEARTH_TRY(read_component(spec_.months, months));
        spec_.days_from_end = take("~");
        if (!spec_.days_from_end && !take("-")) {
            return wrong("a month is followed by '-' or '~'");
        }
        HEARTH_TRY(read_component(spec_.days, spec_.days_from_end ? days_from_end : days));
        spec_.days_from_end = spec_.days_from_end && !spec_.days.empty();
        return {};
    }

    Assigned read_time() {
        HEARTH_TRY(read_component(spec_.hours, hours));
        if (!take(":")) {
            return wrong("an hour is followed by ':'");
        }
        HEARTH_TRY(read_component(spec_.minutes, minutes));
        if (take(":")) {
            HEARTH_TRY(read_component(spec_.seconds, seconds));
        } else {
            spec_.seconds = {{0, -1, 0}};
        }
        return rest_.empty() ? Assigned() : wrong("there is more after the time");
    }

    void midnight() { spec_.hours = spec_.minutes = spec_.seconds = {{0, -1, 0}}; }

    Assigned read_component(CalendarComponent& field, const Limits& limits) {
        if (take("*")) {
            if (limits.in_seconds) {
                field = {{0, -1, second}};
            }
            return {};
        }
        do {
            field.push_back(HEARTH_TRY(read_range(limits)));
        } while (take(","));
        std::ranges::sort(field);
        const auto doubles = std::ranges::unique(field);
        field.erase(doubles.begin(), doubles.end());
        return {};
    }

    Result<CalendarRange, ValueError> read_range(const Limits& limits) {
        const std::int64_t one = limits.in_seconds ? second : 1;
        CalendarRange range;
        range.start = HEARTH_TRY(read_number(limits));
        if (take("..")) {
            range.stop = HEARTH_TRY(read_number(limits));
            range.repeat = one;
        }
        if (take("/")) {
            range.repeat = HEARTH_TRY(read_amount(limits));
            if (range.repeat == 0) {
                return wrong("a repetition of 0");
            }
        }
        if (range.stop >= 0) {
            if (range.stop < range.start || (limits.in_seconds && range.stop == range.start)) {
                return wrong(fmt::format("the last {} comes before the first", limits.what));
            }
            range.stop -= (range.stop - range.start) % range.repeat;
            if (range.stop == range.start) {
                range = {range.start, -1, 0};
            }
            return range;
        }
        const bool backwards = &limits == &days_from_end;
        const std::int64_t next =
            backwards ? range.start - range.repeat : range.start + range.repeat;
        if (next < limits.low || next > limits.high) {
            return wrong(fmt::format("it is not repeated within any {}", limits.what));
        }
        return range;
    }

    Result<std::int64_t, ValueError> read_number(const Limits& limits) {
        const std::string_view before = rest_;
        std::int64_t value = HEARTH_TRY(read_amount(limits));
        if (&limits == &years && value < 100) {
            value += value < 70 ? 2000 : 1900;
        }
        if (value < limits.low || value > limits.high) {
            rest_ = before;
            const std::int64_t one = limits.in_seconds ? second : 1;
            return wrong(fmt::format(
                "the {} goes from {} to {}", limits.what, limits.low / one, limits.high / one));
        }
        return value;
    }

    Result<std::int64_t, ValueError> read_amount(const Limits& limits) {
        const auto whole = integer();
        if (!whole) {
            return wrong(fmt::format("the {} is a number", limits.what));
        }
        if (!limits.in_seconds) {
            return *whole;
        }
        std::int64_t value = *whole * second;
        // One dot begins a fraction, two a range.
        if (rest_.starts_with('.') && !rest_.starts_with("..")) {
            rest_.remove_prefix(1);
            std::int64_t weight = second, digits = 0;
            while (!rest_.empty() && std::isdigit(static_cast<unsigned char>(rest_.front()))) {
                const std::int64_t digit = rest_.front() - '0';
                weight /= 10;
                value += digit * weight;
                if (weight == 0 && digits == 6 && digit >= 5) {
                    ++value;  // the seventh digit rounds
                }
                ++digits;
                rest_.remove_prefix(1);
            }
            if (digits == 0) {
                return wrong("a fraction has digits");
            }
        }
        return value;
    }

    std::optional<std::int64_t> integer() {
        std::int64_t value = 0;
        std::size_t digits = 0;
        while (digits < rest_.size() && digits < 12 &&
               std::isdigit(static_cast<unsigned char>(rest_[digits]))) {
            value = value * 10 + (rest_[digits++] - '0');
        }
        rest_.remove_prefix(digits);
        return digits > 0 ? std::optional(value) : std::nullopt;
    }

    std::string_view text_, rest_;
    CalendarSpec spec_;
};

}  // namespace

Result<CalendarSpec, ValueError> parse_calendar(std::string_view text) {
    return Parser(text).parse();
}

}  // namespace hearth
