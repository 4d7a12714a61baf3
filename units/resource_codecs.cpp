// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "parser/diagnostic.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/codecs.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth {

using codec_parts::shifted;

// ---- Limit*=

namespace {

using Number = Result<std::uint64_t, ValueError>;

Number read_count(std::string_view text) {
    return read_unsigned(text, 0, infinity - 1);
}

Number read_size(std::string_view text) {
    return HEARTH_TRY(read_bytes(text)).count;
}

// setrlimit(2) counts CPU time in whole seconds: a part of one is rounded up, so that it allows
// something.
Number read_seconds(std::string_view text) {
    const Timespan span = HEARTH_TRY(read_timespan(text));
    return span.is_infinite()
               ? infinity
               : span.microseconds / 1'000'000 + (span.microseconds % 1'000'000 != 0);
}

Number read_microseconds(std::string_view text) {
    return HEARTH_TRY(read_timespan(text, 1)).microseconds;
}

// "+5" and "-5" are nice levels; a plain number is the kernel's form, 20 minus the level.
Number read_nice(std::string_view text) {
    if (!text.starts_with('+') && !text.starts_with('-')) {
        return std::max<std::uint64_t>(HEARTH_TRY(read_unsigned(text, 0, 40)), 1);
    }
    const std::int64_t level =
        HEARTH_TRY(read_integer(text.substr(1), 0, text.front() == '+' ? 19 : 20));
    return static_cast<std::uint64_t>(text.front() == '+' ? 20 - level : 20 + level);
}

template <Number (*read)(std::string_view)>
Number read_half(std::string_view text, std::size_t offset) {
    if (text == "infinity") {
        return infinity;
    }
    if (text.empty()) {
        return bad_value("expected a limit", "write VALUE or SOFT:HARD", offset);
    }
    Number made = read(text);
    if (!made) {
        return Unexpected(shifted(std::move(made).error(), offset));
    }
    return made;
}

template <Number (*read)(std::string_view)>
Assigned assign_limit(ResourceLimit& field, std::string_view text) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const std::size_t colon = text.find(':');
    ResourceLimit made;
    made.soft = HEARTH_TRY(read_half<read>(trimmed(text.substr(0, colon)), 0));
    made.hard = colon == std::string_view::npos
                    ? made.soft
                    : HEARTH_TRY(read_half<read>(trimmed(text.substr(colon + 1)), colon + 1));
    if (made.soft > made.hard) {
        return bad_value(
            "the soft limit is above the hard limit in " + quoted(text), "write SOFT:HARD");
    }
    field = made;
    return {};
}

std::string format_number(std::uint64_t number, std::string_view unit) {
    return number == infinity ? "infinity" : std::to_string(number) + std::string(unit);
}

/// "32M" for what is a whole number of mebibytes, as people write it; the text reads back the same.
std::string format_size(std::uint64_t bytes, std::string_view = {}) {
    constexpr std::string_view suffixes = "KMGTP";
    if (bytes == infinity) {
        return "infinity";
    }
    std::size_t steps = 0;
    while (bytes != 0 && bytes % 1024 == 0 && steps < suffixes.size()) {
        bytes /= 1024;
        ++steps;
    }
    return std::to_string(bytes) + (steps == 0 ? "" : std::string(1, suffixes[steps - 1]));
}

using FormatHalf = std::string (*)(std::uint64_t, std::string_view);

std::string format_limit(
    const ResourceLimit& value, std::string_view unit, FormatHalf half = format_number) {
    const std::string soft = half(value.soft, unit);
    return value.soft == value.hard ? soft : soft + ":" + half(value.hard, unit);
}

}  // namespace

#define HEARTH_DEFINE_LIMIT(type, read, unit, half)                                         \
    Assigned Codec<type>::assign(type& field, std::string_view text, const ValueContext&) { \
        return assign_limit<read>(field, text);                                             \
    }                                                                                       \
    std::string Codec<type>::format(const type& value) {                                    \
        return format_limit(value, unit, half);                                             \
    }                                                                                       \
    void Codec<type>::write(const type& value, ValueSink& sink) {                           \
        sink.unsigned64(value.hard);                                                        \
    }

HEARTH_DEFINE_LIMIT(CountLimit, read_count, "", format_number)
HEARTH_DEFINE_LIMIT(SizeLimit, read_size, "", format_size)
HEARTH_DEFINE_LIMIT(SecondsLimit, read_seconds, "s", format_number)
HEARTH_DEFINE_LIMIT(MicrosecondsLimit, read_microseconds, "us", format_number)
HEARTH_DEFINE_LIMIT(NiceLimit, read_nice, "", format_number)

#undef HEARTH_DEFINE_LIMIT

// ---- shares of the machine

namespace {

struct Amount {
    std::optional<std::uint64_t> absolute;
    std::optional<std::uint32_t> permyriad;
};

/// `zero`: nothing at all may be asked for, as of swap.
template <class Read>
Result<Amount, ValueError> read_amount(std::string_view text, const Read& read, bool zero = false) {
    if (text.empty() || text == "infinity") {
        return Amount{infinity, std::nullopt};
    }
    const bool is_share =
        text.ends_with('%') || text.ends_with("\u2030") || text.ends_with("\u2031");
    if (!is_share) {
        const std::uint64_t absolute = HEARTH_TRY(read(text));
        if (absolute == 0 && !zero) {
            return bad_value(
                "expected more than 0, got " + quoted(text), "write infinity for no limit");
        }
        return Amount{absolute, std::nullopt};
    }
    const Permyriad share = HEARTH_TRY(read_permyriad(text));
    if ((share.permyriad == 0 && !zero) || share.permyriad > 10'000) {
        return bad_value(
            std::string("expected ") + (zero ? "" : "more than 0% and ") + "at most 100%, got " +
            quoted(text));
    }
    return Amount{std::nullopt, share.permyriad};
}

std::string format_amount(
    std::optional<std::uint64_t> absolute,
    std::optional<std::uint32_t> permyriad,
    FormatHalf number = format_number) {
    if (permyriad) {
        return format_permyriad({*permyriad});
    }
    return absolute ? number(*absolute, "") : std::string();
}

}  // namespace

Assigned Codec<MemoryLimit>::assign(
    MemoryLimit& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const Amount amount = HEARTH_TRY(read_amount(text, read_size));
    field = {amount.absolute, amount.permyriad};
    return {};
}

std::string Codec<MemoryLimit>::format(const MemoryLimit& value) {
    return format_amount(value.bytes, value.permyriad, format_size);
}

void Codec<MemoryLimit>::write(const MemoryLimit& value, ValueSink& sink) {
    sink.unsigned64(value.bytes.value_or(infinity));
}

template <class T>
static Assigned assign_memory_from_zero(T& field, std::string_view text) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const Amount amount = HEARTH_TRY(read_amount(text, read_size, true));
    field = {amount.absolute, amount.permyriad};
    return {};
}

Assigned Codec<MemoryProtection>::assign(
    MemoryProtection& field, std::string_view text, const ValueContext&) {
    return assign_memory_from_zero(field, text);
}
std::string Codec<MemoryProtection>::format(const MemoryProtection& value) {
    return format_amount(value.bytes, value.permyriad);
}
void Codec<MemoryProtection>::write(const MemoryProtection& value, ValueSink& sink) {
    sink.unsigned64(value.bytes.value_or(0));
}

Assigned Codec<SwapLimit>::assign(SwapLimit& field, std::string_view text, const ValueContext&) {
    return assign_memory_from_zero(field, text);
}
std::string Codec<SwapLimit>::format(const SwapLimit& value) {
    return format_amount(value.bytes, value.permyriad);
}
void Codec<SwapLimit>::write(const SwapLimit& value, ValueSink& sink) {
    sink.unsigned64(value.bytes.value_or(infinity));
}

Assigned Codec<TasksLimit>::assign(TasksLimit& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const Amount amount = HEARTH_TRY(read_amount(text, read_count));
    field = {amount.absolute, amount.permyriad};
    return {};
}

std::string Codec<TasksLimit>::format(const TasksLimit& value) {
    return format_amount(value.count, value.permyriad);
}

void Codec<TasksLimit>::write(const TasksLimit& value, ValueSink& sink) {
    sink.unsigned64(value.count.value_or(infinity));
}

Assigned Codec<CpuQuota>::assign(CpuQuota& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const Permyriad share = HEARTH_TRY(read_permyriad(text));
    if (share.permyriad == 0) {
        return bad_value("expected more than 0%, got " + quoted(text), "leave it out for no limit");
    }
    field.per_second_microseconds = std::uint64_t{share.permyriad} * 100;
    return {};
}

std::string Codec<CpuQuota>::format(const CpuQuota& value) {
    if (value.per_second_microseconds == infinity) {
        return {};
    }
    return format_permyriad({static_cast<std::uint32_t>(value.per_second_microseconds / 100)});
}

void Codec<CpuQuota>::write(const CpuQuota& value, ValueSink& sink) {
    sink.unsigned64(value.per_second_microseconds);
}

Assigned Codec<CpuWeight>::assign(CpuWeight& field, std::string_view text, const ValueContext&) {
    if (text.empty() || text == "idle") {
        field = {};
        field.idle = text == "idle";
        return {};
    }
    field = {HEARTH_TRY(read_unsigned(text, 1, 10'000)), false};
    return {};
}

std::string Codec<CpuWeight>::format(const CpuWeight& value) {
    return value.idle ? "idle" : std::to_string(value.weight);
}

// systemd's own number for idle.
void Codec<CpuWeight>::write(const CpuWeight& value, ValueSink& sink) {
    sink.unsigned64(value.idle ? 0 : value.weight);
}

}  // namespace hearth
