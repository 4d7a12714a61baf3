// SPDX-License-Identifier: MIT
//
// The compiled file is read in its 64-bit form (RFC 8536, 3.2); what comes after its last
// transition is said by the rule in its footer (POSIX, TZ), which is worked out year by year.
#include "units/time_zone.hpp"

#include <algorithm>
#include <cctype>

namespace hearth {

namespace {

constexpr std::int64_t day_seconds = 86'400;
constexpr std::int64_t last_year = 2200;
/// No offset is larger, so a local time is within this of its UTC time.
constexpr std::int64_t most_offset = 26 * 3'600;

class Bytes64 {
public:
    explicit Bytes64(std::string_view bytes) : rest_(bytes) {}

    [[nodiscard]] bool has(std::size_t count) const { return rest_.size() >= count; }
    void skip(std::size_t count) { rest_.remove_prefix(std::min(count, rest_.size())); }
    std::uint64_t number(std::size_t length) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < length; ++i) {
            value = value << 8U | static_cast<unsigned char>(rest_[i]);
        }
        rest_.remove_prefix(length);
        return value;
    }
    [[nodiscard]] std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
};

struct Header {
    std::size_t utc_flags = 0, standard_flags = 0, leaps = 0, times = 0, types = 0, characters = 0;

    [[nodiscard]] std::size_t size(std::size_t time_length) const {
        return times * (time_length + 1) + types * 6 + characters + leaps * (time_length + 4) +
               standard_flags + utc_flags;
    }
};

constexpr std::size_t header_length = 44;
constexpr std::size_t most_entries = 100'000;

bool read_header(Bytes64& bytes, Header& header) {
    if (!bytes.has(header_length) || !bytes.rest().starts_with("TZif")) {
        return false;
    }
    bytes.skip(20);
    for (std::size_t* const count :
         {&header.utc_flags,
          &header.standard_flags,
          &header.leaps,
          &header.times,
          &header.types,
          &header.characters}) {
        *count = bytes.number(4);
        if (*count > most_entries) {
            return false;
        }
    }
    return header.types > 0;
}

// ---- the rule in the footer ---------------------------------------------------------------------

/// When the clocks change: a day of the year, and seconds of local time into it.
struct ChangeRule {
    char kind =
        'M';  ///< M: month.week.weekday, J: day 1 to 365 without 29 February, 0: day 0 to 365
    int month = 0, week = 0, weekday = 0;
    std::int64_t seconds = 2 * 3'600;
};

class Footer {
public:
    explicit Footer(std::string_view text) : rest_(text) {}

    /// Appends the changes from `from` on; false where the text is no rule.
    bool apply(std::vector<ZoneOffset>& offsets, std::int64_t from) {
        std::int64_t standard = 0;
        if (!name() || !time(standard)) {
            return false;
        }
        standard = -standard;  // POSIX counts west of Greenwich
        if (rest_.empty()) {
            return true;
        }
        std::int64_t summer = standard + 3'600;
        ChangeRule begins, ends;
        if (!name()) {
            return false;
        }
        if (!rest_.starts_with(',')) {
            if (!time(summer)) {
                return false;
            }
            summer = -summer;
        }
        if (!rule(begins) || !rule(ends) || !rest_.empty()) {
            return false;
        }
        std::vector<ZoneOffset> made;
        for (std::int64_t year = 1970; year < last_year; ++year) {
            made.push_back({moment(begins, year) - standard, static_cast<std::int32_t>(summer)});
            made.push_back({moment(ends, year) - summer, static_cast<std::int32_t>(standard)});
        }
        std::ranges::stable_sort(made, {}, &ZoneOffset::from);
        for (const ZoneOffset& each : made) {
            if (each.from > from) {
                offsets.push_back(each);
            }
        }
        return true;
    }

private:
    bool name() {
        std::size_t end = 0;
        if (rest_.starts_with('<')) {
            end = rest_.find('>');
            end = end == std::string_view::npos ? 0 : end + 1;
        } else {
            while (end < rest_.size() && std::isalpha(static_cast<unsigned char>(rest_[end]))) {
                ++end;
            }
        }
        rest_.remove_prefix(end);
        return end > 0;
    }
    bool integer(std::int64_t& value) {
        std::size_t digits = 0;
        value = 0;
        while (digits < rest_.size() && digits < 4 && rest_[digits] >= '0' &&
               rest_[digits] <= '9') {
            value = value * 10 + (rest_[digits++] - '0');
        }
        rest_.remove_prefix(digits);
        return digits > 0;
    }
    bool integer(int& value) {
        std::int64_t wide = 0;
        const bool found = integer(wide);
        value = static_cast<int>(wide);
        return found;
    }
    bool take(char byte) {
        const bool there = rest_.starts_with(byte);
        rest_.remove_prefix(there ? 1 : 0);
        return there;
    }
    /// [+-]hours[:minutes[:seconds]]
    bool time(std::int64_t& seconds) {
        const bool negative = take('-');
        if (!negative) {
            (void)take('+');
        }
        std::int64_t hours = 0, minutes = 0, rest = 0;
        if (!integer(hours) || (take(':') && !integer(minutes)) || (take(':') && !integer(rest))) {
            return false;
        }
        seconds = (hours * 60 + minutes) * 60 + rest;
        seconds = negative ? -seconds : seconds;
        return true;
    }
    bool rule(ChangeRule& made) {
        if (!take(',')) {
            return false;
        }
        if (take('M')) {
            made.kind = 'M';
            if (!integer(made.month) || !take('.') || !integer(made.week) || !take('.') ||
                !integer(made.weekday)) {
                return false;
            }
        } else {
            made.kind = take('J') ? 'J' : '0';
            if (!integer(made.month)) {
                return false;
            }
        }
        return !take('/') || time(made.seconds);
    }
    /// As if local time were UTC.
    static std::int64_t moment(const ChangeRule& rule, std::int64_t year) {
        std::int64_t day = days_of(year, 1, 1);
        if (rule.kind == 'J') {
            const bool after_february = rule.month >= 60 && days_in_month(year, 2) == 29;
            day += rule.month - 1 + (after_february ? 1 : 0);
        } else if (rule.kind == '0') {
            day += rule.month;
        } else {
            const std::int64_t first = days_of(year, rule.month, 1);
            const int weekday = (weekday_of(first) + 1) % 7;  // POSIX: 0 is Sunday
            day = first + (rule.weekday - weekday + 7) % 7 + (rule.week - 1) * 7;
            while (day >= first + days_in_month(year, rule.month)) {
                day -= 7;
            }
        }
        return day * day_seconds + rule.seconds;
    }

    std::string_view rest_;
};

}  // namespace

std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
    year += (month - 1) / 12;
    month = (month - 1) % 12 + 1;
    // Years from March on, so that the leap day is the last one.
    const std::int64_t from_march = month <= 2 ? year - 1 : year;
    const std::int64_t era = (from_march >= 0 ? from_march : from_march - 399) / 400;
    const std::int64_t of_era = from_march - era * 400;
    const std::int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5;
    return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year + day - 1 - 719'468;
}

CivilDate date_of(std::int64_t days) {
    CivilDate date;
    // A guess by the mean length of a year is at most one off.
    date.year = 1970 + days * 400 / 146'097;
    while (days_of(date.year, 1, 1) > days) {
        --date.year;
    }
    while (days_of(date.year + 1, 1, 1) <= days) {
        ++date.year;
    }
    while (date.month < 12 && days_of(date.year, date.month + 1, 1) <= days) {
        ++date.month;
    }
    date.day = days - days_of(date.year, date.month, 1) + 1;
    return date;
}

int days_in_month(std::int64_t year, std::int64_t month) {
    return static_cast<int>(days_of(year, month + 1, 1) - days_of(year, month, 1));
}

int weekday_of(std::int64_t days) {
    return static_cast<int>(((days + 3) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
}

std::int32_t TimeZone::offset_at(std::int64_t utc) const {
    const auto next = std::ranges::upper_bound(offsets, utc, {}, &ZoneOffset::from);
    return next == offsets.begin() ? 0 : std::prev(next)->offset;
}

std::optional<std::int64_t> TimeZone::utc_of(std::int64_t local) const {
    if (offsets.empty()) {
        return local;
    }
    auto each = std::ranges::upper_bound(offsets, local - most_offset, {}, &ZoneOffset::from);
    each = each == offsets.begin() ? each : std::prev(each);
    for (; each != offsets.end() && each->from <= local + most_offset; ++each) {
        const std::int64_t utc = local - each->offset;
        const auto after = std::next(each);
        if (utc >= each->from && (after == offsets.end() || utc < after->from)) {
            return utc;
        }
    }
    return std::nullopt;
}

Result<TimeZone> read_time_zone(std::string_view text) {
    Bytes64 bytes(text);
    Header header;
    const bool old_form = text.size() > 4 && text[4] < '2';
    if (old_form || !read_header(bytes, header) || !bytes.has(header.size(4))) {
        return failure("no compiled time zone file of version 2 or later", 0);
    }
    bytes.skip(header.size(4));
    if (!read_header(bytes, header) || !bytes.has(header.size(8))) {
        return failure("a time zone file that is cut off", 0);
    }
    std::vector<std::int64_t> times;
    std::vector<std::size_t> kinds;
    for (std::size_t i = 0; i < header.times; ++i) {
        times.push_back(static_cast<std::int64_t>(bytes.number(8)));
    }
    for (std::size_t i = 0; i < header.times; ++i) {
        kinds.push_back(bytes.number(1));
    }
    std::vector<std::int32_t> offsets;
    for (std::size_t i = 0; i < header.types; ++i) {
        offsets.push_back(static_cast<std::int32_t>(bytes.number(4)));
        bytes.skip(2);
    }
    TimeZone zone;
    zone.offsets.push_back({INT64_MIN, offsets.front()});
    for (std::size_t i = 0; i < times.size(); ++i) {
        if (kinds[i] >= offsets.size() || (i > 0 && times[i] <= times[i - 1])) {
            return failure("a time zone file that contradicts itself", 0);
        }
        zone.offsets.push_back({times[i], offsets[kinds[i]]});
    }
    bytes.skip(header.characters + header.leaps * 12 + header.standard_flags + header.utc_flags);
    std::string_view footer = bytes.rest();
    if (footer.size() < 2 || !footer.starts_with('\n') || !footer.ends_with('\n')) {
        return failure("a time zone file without its last line", 0);
    }
    footer = footer.substr(1, footer.size() - 2);
    const std::int64_t last = times.empty() ? INT64_MIN : times.back();
    if (!footer.empty() && !Footer(footer).apply(zone.offsets, last)) {
        return failure("a time zone file whose rule can't be read: " + std::string(footer), 0);
    }
    return zone;
}

}  // namespace hearth
