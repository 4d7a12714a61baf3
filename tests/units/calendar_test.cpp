// SPDX-License-Identifier: MIT
//
// Calendar expressions against three judges: the table that systemd-analyze 252 wrote
// (tests/golden/calendar.tsv: zone, base, expression, normalised form or "-", the next four times),
// a slow model that looks at each second, and the C library for the rules of time zones.
#include "units/calendar.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <map>
#include <random>
#include <sstream>

#include "places.hpp"
#include "units/time_zone.hpp"

namespace hearth {

namespace {

constexpr std::uint64_t second = 1'000'000;

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

bool has_zones() {
    return std::ifstream("/usr/share/zoneinfo/Europe/Berlin").good();
}

const TimeZone& zone(const std::string& name) {
    static std::map<std::string, TimeZone> read;
    const auto [place, fresh] = read.try_emplace(name);
    if (fresh) {
        auto made = read_time_zone(text_of("/usr/share/zoneinfo/" + name));
        EXPECT_TRUE(made) << name << ": " << made.error().what;
        place->second = *made;
    }
    return place->second;
}

std::vector<std::string> fields_of(const std::string& line) {
    std::vector<std::string> fields;
    std::istringstream text(line);
    for (std::string field; std::getline(text, field, '\t');) {
        fields.push_back(field);
    }
    fields.resize(5);
    return fields;
}

}  // namespace

TEST(Calendar, ReadsAndElapsesAsSystemdAnalyzeSays) {
    std::istringstream table(text_of(HEARTH_SOURCE_DIR "/tests/golden/calendar.tsv"));
    std::size_t cases = 0;
    for (std::string line; std::getline(table, line);) {
        const std::vector<std::string> fields = fields_of(line);
        const auto spec = parse_calendar(fields[2]);
        ASSERT_EQ(spec ? format_calendar(*spec) : "-", fields[3]) << fields[2];
        const std::string& name = spec && !spec->zone.empty() ? spec->zone : fields[0];
        if (!spec || (name != "UTC" && !has_zones())) {
            continue;
        }
        ++cases;
        std::string times;
        std::uint64_t after = std::stoull(fields[1]) * second;
        for (int i = 0; i < 4; ++i) {
            const auto next = next_elapse(*spec, after, name == "UTC" ? TimeZone{} : zone(name));
            if (!next) {
                break;
            }
            after = *next;
            times += (times.empty() ? "" : ",") + std::to_string(after / second);
        }
        EXPECT_EQ(times, fields[4]) << fields[2] << " in " << fields[0] << " from " << fields[1];
    }
    EXPECT_GT(cases, 100U);
}

TEST(Calendar, ItsNormalisedFormReadsBackToTheSame) {
    std::istringstream table(text_of(HEARTH_SOURCE_DIR "/tests/golden/calendar.tsv"));
    for (std::string line; std::getline(table, line);) {
        if (const auto spec = parse_calendar(fields_of(line)[2])) {
            const auto again = parse_calendar(format_calendar(*spec));
            ASSERT_TRUE(again) << format_calendar(*spec);
            EXPECT_EQ(format_calendar(*again), format_calendar(*spec));
        }
    }
}

namespace {

bool holds(const CalendarComponent& ranges, std::int64_t value, std::int64_t one = 1) {
    for (const CalendarRange& each : ranges) {
        const std::int64_t last = each.stop >= 0    ? each.stop
                                  : each.repeat > 0 ? INT64_MAX
                                                    : each.start;
        const std::int64_t step = each.repeat > 0 ? each.repeat : one;
        if (value >= each.start && value <= last && (value - each.start) % step == 0) {
            return true;
        }
    }
    return ranges.empty();
}

/// Whether the expression names that second, by asking gmtime(3).
bool names(const CalendarSpec& spec, std::time_t time) {
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    const int length = days_in_month(parts.tm_year + 1900, parts.tm_mon + 1);
    const int weekday = (parts.tm_wday + 6) % 7;
    // From the end, day N is the one that is N-1 before the last; a repetition goes to the end.
    bool day = holds(spec.days, parts.tm_mday);
    if (spec.days_from_end) {
        day = false;
        for (const CalendarRange& each : spec.days) {
            const std::int64_t from = length + 1 - (each.stop >= 0 ? each.stop : each.start);
            const std::int64_t to = each.stop >= 0    ? length + 1 - each.start
                                    : each.repeat > 0 ? length
                                                      : from;
            const std::int64_t step = each.repeat > 0 ? each.repeat : 1;
            day = day || (parts.tm_mday >= from && parts.tm_mday <= to &&
                          (parts.tm_mday - from) % step == 0);
        }
    }
    return day && (spec.weekdays == 0 || (spec.weekdays >> weekday & 1) != 0) &&
           holds(spec.years, parts.tm_year + 1900) && holds(spec.months, parts.tm_mon + 1) &&
           holds(spec.hours, parts.tm_hour) && holds(spec.minutes, parts.tm_min) &&
           holds(spec.seconds, parts.tm_sec * std::int64_t{1'000'000}, 1'000'000);
}

std::string random_component(std::mt19937& random, int low, int high) {
    const auto number = [&](int from, int to) {
        return std::uniform_int_distribution<int>(from, to)(random);
    };
    switch (number(0, 4)) {
        case 0:
            return "*";
        case 1:
            return std::to_string(number(low, high));
        case 2: {
            const int first = number(low, high - 1);
            return std::to_string(first) + ".." + std::to_string(number(first + 1, high));
        }
        case 3: {
            const int first = number(low, high - 1);
            return std::to_string(first) + "/" + std::to_string(number(1, high - first));
        }
        default:
            return std::to_string(number(low, high)) + "," + std::to_string(number(low, high));
    }
}

}  // namespace

TEST(Calendar, AgreesWithAModelThatLooksAtEachSecond) {
    std::mt19937 random(20261123);
    std::size_t found = 0;
    for (int round = 0; round < 80; ++round) {
        const bool from_end = random() % 5 == 0;
        const std::string day = random() % 2 == 0 ? "*"
                                : from_end        ? std::to_string(1 + random() % 7) + "/1"
                                                  : random_component(random, 1, 31);
        const std::string text =
            (random() % 3 == 0 ? "Tue,Thu..Sat " : "") + std::string("*-") +
            (random() % 4 == 0 ? random_component(random, 1, 12) : "*") + (from_end ? "~" : "-") +
            day + " " + random_component(random, 0, 23) + ":" + random_component(random, 0, 59) +
            ":" + random_component(random, 0, 59);
        const auto spec = parse_calendar(text);
        if (!spec) {
            continue;  // such as 28/5 days from the end
        }
        const auto base = static_cast<std::time_t>(1'700'000'000 + random() % 100'000'000);
        const auto next = next_elapse(*spec, static_cast<std::uint64_t>(base) * second, {});
        constexpr std::time_t horizon = 20'000;
        std::time_t expected = 0;
        for (std::time_t time = base + 1; time <= base + horizon && expected == 0; ++time) {
            expected = names(*spec, time) ? time : 0;
        }
        if (expected != 0) {
            ++found;
            ASSERT_TRUE(next) << text;
            EXPECT_EQ(static_cast<std::time_t>(*next / second), expected)
                << text << " from " << base;
        } else if (next) {
            EXPECT_GT(static_cast<std::time_t>(*next / second), base + horizon) << text;
            EXPECT_TRUE(names(*spec, static_cast<std::time_t>(*next / second))) << text;
        }
    }
    EXPECT_GT(found, 5U);
}

TEST(Calendar, SaysWhatIsWrongAndWhere) {
    const auto month = parse_calendar("*-13-01");
    ASSERT_FALSE(month);
    EXPECT_EQ(month.error().what, "the month goes from 1 to 12; expected a calendar expression");
    EXPECT_EQ(month.error().offset, 2U);
    EXPECT_EQ(
        parse_calendar("Foo 12:00").error().what,
        "'Foo' is no weekday; expected a calendar expression");
    for (const char* const rubbish :
         {"", " ", "..", "*", "-", "~", "@", "@x", ",", "1..", "\xff", "/"}) {
        EXPECT_FALSE(parse_calendar(rubbish)) << rubbish;
    }
}

TEST(TimeZone, HasTheOffsetsThatTheLibraryHas) {
    if (!has_zones()) {
        GTEST_SKIP() << "no /usr/share/zoneinfo: install tzdata";
    }
    for (const char* const name :
         {"Europe/Berlin",
          "America/New_York",
          "Australia/Lord_Howe",
          "Asia/Kathmandu",
          "Africa/Casablanca",
          "America/Sao_Paulo",
          "Pacific/Apia",
          "Africa/Monrovia",
          "America/Nuuk",
          "UTC"}) {
        const TimeZone& rules = zone(name);
        ASSERT_EQ(::setenv("TZ", name, 1), 0);
        ::tzset();
        for (std::int64_t time = 0; time < 6'000'000'000; time += 2'345'678) {
            const auto at = static_cast<std::time_t>(time);
            std::tm local{};
            ::localtime_r(&at, &local);
            ASSERT_EQ(rules.offset_at(time), local.tm_gmtoff) << name << " at " << time;
        }
    }
    ::unsetenv("TZ");
    ::tzset();
}

TEST(TimeZone, RubbishIsNoZone) {
    const std::string good = text_of("/usr/share/zoneinfo/Europe/Berlin");
    for (std::size_t length = 0; length < good.size(); length += 7) {
        EXPECT_FALSE(read_time_zone(good.substr(0, length))) << length;
    }
    EXPECT_FALSE(read_time_zone(std::string(200, '\xff')));
    std::mt19937 random(7);
    for (int round = 0; round < 2'000 && !good.empty(); ++round) {
        std::string bad = good;
        for (int change = 0; change < 4; ++change) {
            bad[random() % bad.size()] = static_cast<char>(random());
        }
        if (const auto zone = read_time_zone(bad)) {
            (void)zone->offset_at(1'700'000'000);
            (void)zone->utc_of(1'700'000'000);
        }
    }
}

TEST(TimeZone, ALocalTimeMayComeTwiceOrNever) {
    TimeZone zone;
    zone.offsets = {{INT64_MIN, 3'600}, {1'000'000, 7'200}, {2'000'000, 3'600}};
    EXPECT_EQ(zone.utc_of(1'000'000 + 3'600), std::nullopt);  // the hour that is left out
    EXPECT_EQ(zone.utc_of(1'000'000 + 7'200), 1'000'000);
    EXPECT_EQ(zone.utc_of(2'000'000 + 3'600 + 10), 2'000'000 - 3'600 + 10);  // the first of two
    EXPECT_EQ(zone.utc_of(2'000'000 + 7'200), 2'000'000 + 3'600);
}

TEST(TimeZone, DatesGoThereAndBack) {
    EXPECT_EQ(days_of(1970, 1, 1), 0);
    EXPECT_EQ(days_of(2000, 3, 1), 11'017);
    EXPECT_EQ(days_in_month(2024, 2), 29);
    EXPECT_EQ(days_in_month(2100, 2), 28);
    EXPECT_EQ(weekday_of(days_of(2026, 11, 23)), 0);
    for (std::int64_t days = -1'000; days < 90'000; days += 13) {
        const CivilDate date = date_of(days);
        ASSERT_EQ(days_of(date.year, date.month, date.day), days);
    }
}

}  // namespace hearth
