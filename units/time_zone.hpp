// SPDX-License-Identifier: MIT
//
// A time zone as a value: its rules, read from a compiled zone file (RFC 8536,
// /usr/share/zoneinfo). Pure: who reads the file hands over its bytes. No process-wide TZ is
// touched, so that threads need not care. Times are seconds since 1970 UTC, without leap seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"

namespace hearth {

/// From `from` on the local time is UTC plus `offset` seconds.
struct ZoneOffset {
    std::int64_t from = INT64_MIN;
    std::int32_t offset = 0;
    bool operator==(const ZoneOffset&) const = default;
};

struct TimeZone {
    /// Sorted; the first one is of the beginning of time. Empty: UTC.
    std::vector<ZoneOffset> offsets;
    bool operator==(const TimeZone&) const = default;

    /// Seconds east of UTC at that time.
    [[nodiscard]] std::int32_t offset_at(std::int64_t utc) const;
    /// The UTC time at which clocks show `local` (seconds since 1970 as if it were UTC): the first
    /// where they show it twice, none where they leave it out.
    [[nodiscard]] std::optional<std::int64_t> utc_of(std::int64_t local) const;
};

/// The rules up to the year 2200. Errors say what is wrong with the file.
[[nodiscard]] Result<TimeZone> read_time_zone(std::string_view bytes);

/// Days since 1970-01-01 of a date of the Gregorian calendar; `month` from 1, and a day or month
/// beyond its end counts on.
[[nodiscard]] std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day);
struct CivilDate {
    std::int64_t year = 1970, month = 1, day = 1;
    bool operator==(const CivilDate&) const = default;
};
[[nodiscard]] CivilDate date_of(std::int64_t days);
[[nodiscard]] int days_in_month(std::int64_t year, std::int64_t month);
/// 0: Monday.
[[nodiscard]] int weekday_of(std::int64_t days);

}  // namespace hearth
