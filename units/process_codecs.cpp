// SPDX-License-Identifier: MIT
#include "units/process_codecs.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "parser/diagnostic.hpp"
#include "parser/edit_distance.hpp"
#include "parser/values.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/number_lists.hpp"

namespace hearth {

using codec_parts::shifted;

// ---- lists of numbers

namespace {

constexpr unsigned highest_cpu = 8191;   // the most that any Linux is built for
constexpr unsigned highest_node = 1023;  // CONFIG_NODES_SHIFT=10

using Numbers = Result<std::set<unsigned>, ValueError>;

Result<unsigned, ValueError> read_number(
    std::string_view text, unsigned highest, std::string_view what) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || number > highest) {
        return bad_value(
            quoted(text) + " is no number of a " + std::string(what),
            "write numbers from 0 to " + std::to_string(highest) + " and ranges as in 0-3");
    }
    return number;
}

/// `0-3,5 7`
Numbers read_numbers(std::string_view text, unsigned highest, std::string_view what) {
    std::string spaced(text);
    std::ranges::replace(spaced, ',', ' ');
    std::set<unsigned> numbers;
    for (const Word& word : HEARTH_TRY(split_words(spaced, Escapes::Keep))) {
        const std::string_view range = word.text;
        const std::size_t dash = range.find('-');
        auto low = read_number(range.substr(0, dash), highest, what);
        auto high = dash == std::string_view::npos
                        ? low
                        : read_number(range.substr(dash + 1), highest, what);
        if (!low || !high) {
            return Unexpected(shifted((!low ? low : high).error(), word.offset));
        }
        if (*low > *high) {
            return bad_value(
                quoted(range) + " ends before it begins",
                "write the lower number first",
                word.offset);
        }
        for (unsigned number = *low; number <= *high; ++number) {
            numbers.insert(number);
        }
    }
    return numbers;
}

}  // namespace

Assigned Codec<CpuAffinity>::assign(
    CpuAffinity& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const std::string expanded = HEARTH_TRY(expand(text, context));
    if (expanded == "numa") {
        field = {{}, true};
        return {};
    }
    field.cpus.merge(HEARTH_TRY(read_numbers(expanded, highest_cpu, "CPU")));
    field.from_numa = false;
    return {};
}

std::string Codec<CpuAffinity>::format(const CpuAffinity& value) {
    return value.from_numa ? "numa" : format_numbers(value.cpus, " ");
}

void Codec<CpuAffinity>::write(const CpuAffinity& value, ValueSink& sink) {
    write_numbers(value.cpus, sink);
}

Assigned Codec<NumaMask>::assign(
    NumaMask& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const std::string expanded = HEARTH_TRY(expand(text, context));
    if (expanded == "all") {
        field = {{}, true};
        return {};
    }
    field.nodes.merge(HEARTH_TRY(read_numbers(expanded, highest_node, "memory node")));
    return {};
}

std::string Codec<NumaMask>::format(const NumaMask& value) {
    const std::string nodes = format_numbers(value.nodes, " ");
    return value.all ? "all" + (nodes.empty() ? "" : "\n" + nodes) : nodes;
}

void Codec<NumaMask>::write(const NumaMask& value, ValueSink& sink) {
    write_numbers(value.nodes, sink);
}

// ---- nanoseconds

namespace {

struct TimeUnit {
    std::string_view name;
    std::uint64_t nanoseconds;
};
constexpr std::uint64_t second = 1'000'000'000;
constexpr auto time_units = std::to_array<TimeUnit>({
    {"", 1},
    {"ns", 1},
    {"nsec", 1},
    {"us", 1'000},
    {"usec", 1'000},
    {"\u00b5s", 1'000},
    {"\u03bcs", 1'000},
    {"ms", 1'000'000},
    {"msec", 1'000'000},
    {"s", second},
    {"sec", second},
    {"second", second},
    {"seconds", second},
    {"m", 60 * second},
    {"min", 60 * second},
    {"minute", 60 * second},
    {"minutes", 60 * second},
    {"h", 3600 * second},
    {"hr", 3600 * second},
    {"hour", 3600 * second},
    {"hours", 3600 * second},
});

Result<std::uint64_t, ValueError> read_nanoseconds(std::string_view text) {
    const auto bad = [&] {
        return bad_value(
            quoted(text) + " is no time span", "write a number, with a unit as in 500us or 1ms");
    };
    std::uint64_t sum = 0;
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    while (at != end) {
        std::uint64_t number = 0;
        const auto [after, error] = std::from_chars(at, end, number);
        if (error != std::errc()) {
            return bad();
        }
        const char* unit = after;
        while (unit != end && is_white_space(*unit)) {
            ++unit;
        }
        const char* rest = unit;
        while (rest != end && !is_white_space(*rest) && (*rest < '0' || *rest > '9')) {
            ++rest;
        }
        const std::string_view name(unit, static_cast<std::size_t>(rest - unit));
        const auto found = std::ranges::find(time_units, name, &TimeUnit::name);
        std::uint64_t part = 0;
        if (found == time_units.end() ||
            __builtin_mul_overflow(number, found->nanoseconds, &part) ||
            __builtin_add_overflow(sum, part, &sum)) {
            return bad();
        }
        at = rest;
        while (at != end && is_white_space(*at)) {
            ++at;
        }
    }
    return sum;
}

}  // namespace

Assigned Codec<TimerSlack>::assign(TimerSlack& field, std::string_view text, const ValueContext&) {
    field.nanoseconds = text.empty()         ? 0
                        : text == "infinity" ? infinity
                                             : HEARTH_TRY(read_nanoseconds(text));
    return {};
}

std::string Codec<TimerSlack>::format(const TimerSlack& value) {
    return value.nanoseconds == infinity ? "infinity" : std::to_string(value.nanoseconds);
}

void Codec<TimerSlack>::write(const TimerSlack& value, ValueSink& sink) {
    sink.unsigned64(value.nanoseconds);
}

// ---- core files

namespace {

constexpr std::uint64_t kernel_default = 0x33;
// core(5), by bit.
constexpr auto memory_kinds = std::to_array<std::string_view>(
    {"private-anonymous",
     "shared-anonymous",
     "private-file-backed",
     "shared-file-backed",
     "elf-headers",
     "private-huge",
     "shared-huge",
     "private-dax",
     "shared-dax"});
constexpr std::uint64_t every_kind = (std::uint64_t{1} << memory_kinds.size()) - 1;

Result<std::uint64_t, ValueError> read_memory_kind(const Word& word) {
    if (word.text == "all") {
        return every_kind;
    }
    if (word.text == "default") {
        return kernel_default;
    }
    if (const auto kind = std::ranges::find(memory_kinds, word.text); kind != memory_kinds.end()) {
        return std::uint64_t{1} << (kind - memory_kinds.begin());
    }
    std::string_view digits = word.text;
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
        digits.remove_prefix(2);
    }
    std::uint32_t mask = 0;  // what the kernel's file takes
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), mask, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        return bad_value(
            quoted(word.text) + " is no kind of memory",
            did_you_mean(word.text, memory_kinds),
            word.offset);
    }
    return mask;
}

}  // namespace

Assigned Codec<CoredumpFilter>::assign(
    CoredumpFilter& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = {};
        return {};
    }
    std::uint64_t mask = field.mask.value_or(0);
    for (const Word& word : HEARTH_TRY(split_words(text, Escapes::Keep))) {
        mask |= HEARTH_TRY(read_memory_kind(word));
    }
    field.mask = mask;
    return {};
}

std::string Codec<CoredumpFilter>::format(const CoredumpFilter& value) {
    if (!value.mask) {
        return {};
    }
    std::array<char, 20> digits{};
    const auto written =
        std::to_chars(digits.data(), digits.data() + digits.size(), *value.mask, 16);
    return "0x" + std::string(digits.data(), written.ptr);
}

void Codec<CoredumpFilter>::write(const CoredumpFilter& value, ValueSink& sink) {
    sink.unsigned64(value.mask.value_or(kernel_default));
}

// ---- what standard input is fed with

namespace {

constexpr std::size_t most_input = std::size_t{64} << 20;
constexpr std::string_view base64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Result<std::string, ValueError> decode_base64(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    unsigned digits = 0, padding = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char byte = text[at];
        if (is_white_space(byte)) {
            continue;
        }
        const std::size_t value = base64.find(byte);
        padding += byte == '=' ? 1 : 0;
        if ((value == std::string_view::npos && byte != '=') || (byte != '=' && padding != 0)) {
            return bad_value(
                "a byte that is no Base64", "write A-Z, a-z, 0-9, + and /, with = at the end", at);
        }
        bits = bits << 6 | (byte == '=' ? 0 : static_cast<std::uint32_t>(value));
        if (++digits % 4 == 0) {
            bytes += static_cast<char>(bits >> 16 & 0xff);
            bytes += static_cast<char>(bits >> 8 & 0xff);
            bytes += static_cast<char>(bits & 0xff);
            bits = 0;
        }
    }
    if (digits % 4 != 0 || padding > 2) {
        return bad_value(
            "Base64 of " + std::to_string(digits) + " digits",
            "its digits come in groups of four, filled with = at the end");
    }
    bytes.resize(bytes.size() - padding);
    return bytes;
}

std::string encode_base64(std::string_view bytes) {
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view part = bytes.substr(at, 3);
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            bits = bits << 8 | (i < part.size() ? static_cast<unsigned char>(part[i]) : 0U);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            text += i <= part.size() ? base64[bits >> (18 - 6 * i) & 0x3f] : '=';
        }
    }
    return text;
}

}  // namespace

Assigned Codec<InputData>::assign(InputData& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const std::string bytes = HEARTH_TRY(decode_base64(text));
    if (field.bytes.size() + bytes.size() > most_input) {
        return bad_value("more than 64 MiB for standard input", "use StandardInput=file:");
    }
    field.bytes += bytes;
    return {};
}

std::string Codec<InputData>::format(const InputData& value) {
    return encode_base64(value.bytes);
}

void Codec<InputData>::write(const InputData& value, ValueSink& sink) {
    sink.open_array("y");
    for (const char byte : value.bytes) {
        sink.byte(static_cast<std::uint8_t>(byte));
    }
    sink.close_array();
}

Assigned assign_input_text(InputData& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    auto unescaped = unescape(text, false);
    if (!unescaped) {
        ValueError error = std::move(unescaped).error();
        error.what = quoted(text.substr(error.offset, 2)) + " is no escape";
        return Unexpected(std::move(error));
    }
    std::string line = std::move(*unescaped);
    line = HEARTH_TRY(expand(line, context));
    if (field.bytes.size() + line.size() + 1 > most_input) {
        return bad_value("more than 64 MiB for standard input", "use StandardInput=file:");
    }
    field.bytes += line + '\n';
    return {};
}

std::string format_input_text(const InputData& value) {
    std::string text;
    for (const char byte : value.bytes) {
        const auto number = static_cast<unsigned char>(byte);
        if (byte == '\n' || (number >= 0x20 && number != 0x7f && byte != '\\')) {
            text += byte;
        } else {
            constexpr std::string_view digits = "0123456789abcdef";
            text += "\\x";
            text += digits[number >> 4];
            text += digits[number & 0xf];
        }
    }
    if (text.ends_with('\n')) {
        text.pop_back();
    }
    return text;
}

}  // namespace hearth
