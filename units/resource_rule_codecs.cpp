// SPDX-License-Identifier: MIT
#include "units/resource_rule_codecs.hpp"

#include <algorithm>

#include "parser/diagnostic.hpp"
#include "parser/values.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/number_lists.hpp"

namespace hearth {

using codec_parts::note;
using codec_parts::shifted;

namespace {

constexpr std::uint32_t highest_index = 8191;  // more CPUs than any kernel is built for

// ---- sets of CPUs and nodes

Result<std::set<std::uint32_t>, ValueError> read_indices(std::string_view text) {
    std::set<std::uint32_t> indices;
    std::size_t at = 0;
    while (at < text.size()) {
        if (text[at] == ',' || is_white_space(text[at])) {
            ++at;
            continue;
        }
        const std::size_t end = std::min(text.find_first_of(", \t\n\r", at), text.size());
        const std::string_view range = text.substr(at, end - at);
        const std::size_t dash = range.find('-');
        auto first = read_unsigned(range.substr(0, dash), 0, highest_index);
        auto last = dash == std::string_view::npos
                        ? first
                        : read_unsigned(range.substr(dash + 1), 0, highest_index);
        if (!first || !last) {
            return Unexpected(shifted(std::move(!first ? first : last).error(), at));
        }
        if (*first > *last) {
            return bad_value(
                quoted(range) + " begins above its end", "write the lower number first", at);
        }
        for (std::uint64_t index = *first; index <= *last; ++index) {
            indices.insert(static_cast<std::uint32_t>(index));
        }
        at = end;
    }
    return indices;
}

// ---- amounts per device

/// Rates count in thousands, as systemd's do: 5M is 5000000.
Result<std::uint64_t, ValueError> read_rate(std::string_view text) {
    constexpr std::string_view suffixes = "KMGTPE";
    if (text == "infinity") {
        return infinity;
    }
    std::uint64_t factor = 1;
    std::string_view digits = text;
    if (!digits.empty() && digits.back() == 'B') {
        digits.remove_suffix(1);
    }
    if (const std::size_t power =
            digits.empty() ? std::string_view::npos : suffixes.find(digits.back());
        power != std::string_view::npos) {
        digits.remove_suffix(1);
        for (std::size_t i = 0; i <= power; ++i) {
            factor *= 1000;
        }
    }
    const auto number = read_unsigned(trimmed(digits), 0, (infinity - 1) / factor);
    if (!number) {
        return bad_value(
            "expected a rate, got " + quoted(text), "write a number per second, as in 5M");
    }
    return *number * factor;
}

Result<std::uint64_t, ValueError> read_amount(DeviceAmountKind kind, std::string_view text) {
    switch (kind) {
        case DeviceAmountKind::Weight:
            return read_unsigned(text, 1, 10'000);
        case DeviceAmountKind::Latency:
            return HEARTH_TRY(read_timespan(text)).microseconds;
        case DeviceAmountKind::Bandwidth:
        case DeviceAmountKind::Operations:
            break;
    }
    return read_rate(text);
}

Assigned assign_device_amount(
    std::vector<DeviceAmount>& entries,
    DeviceAmountKind kind,
    std::string_view text,
    const ValueContext& context) {
    if (text.empty()) {
        entries.clear();
        return {};
    }
    std::size_t position = 0;
    auto path = HEARTH_TRY(next_word(text, position, Escapes::Relaxed, context.notes));
    const std::string_view rest = trimmed(text.substr(std::min(position, text.size())));
    if (!path || rest.empty()) {
        return bad_value("expected a path and an amount, got " + quoted(text), "write /dev/sda 5M");
    }
    std::string device = HEARTH_TRY(expand(path->text, context));
    if (!device.starts_with('/')) {
        return bad_value(
            quoted(device) + " is not an absolute path",
            "name a block device node or a path on it",
            path->offset);
    }
    auto amount = read_amount(kind, rest);
    if (!amount) {
        return Unexpected(shifted(
            std::move(amount).error(), static_cast<std::size_t>(rest.data() - text.data())));
    }
    const auto old = std::ranges::find(entries, device, &DeviceAmount::path);
    if (old != entries.end()) {
        old->amount = *amount;
    } else {
        entries.push_back({std::move(device), *amount});
    }
    return {};
}

std::string format_device_amounts(const std::vector<DeviceAmount>& entries, DeviceAmountKind kind) {
    std::string text;
    for (const DeviceAmount& entry : entries) {
        const std::string amount = entry.amount == infinity ? std::string("infinity")
                                   : kind == DeviceAmountKind::Latency
                                       ? format_timespan(Timespan{entry.amount})
                                       : std::to_string(entry.amount);
        text += (text.empty() ? "" : "\n") + quote_word(entry.path) + " " + amount;
    }
    return text;
}

void write_device_amounts(const std::vector<DeviceAmount>& entries, ValueSink& sink) {
    sink.open_array("(st)");
    for (const DeviceAmount& entry : entries) {
        sink.open_struct("st");
        sink.string(entry.path);
        sink.unsigned64(entry.amount);
        sink.close_struct();
    }
    sink.close_array();
}

bool is_device_name(std::string_view name) {
    return name.starts_with("/dev/") || name.starts_with("/run/systemd/inaccessible/") ||
           (name.starts_with("char-") && name.size() > 5) ||
           (name.starts_with("block-") && name.size() > 6);
}

constexpr auto delegable_controllers = std::to_array<std::string_view>(
    {"bpf-devices",
     "bpf-firewall",
     "blkio",
     "cpu",
     "cpuacct",
     "cpuset",
     "devices",
     "io",
     "memory",
     "pids"});

}  // namespace

Assigned Codec<IndexSet>::assign(IndexSet& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field.indices.clear();
        return {};
    }
    field.indices.merge(HEARTH_TRY(read_indices(text)));
    return {};
}

std::string Codec<IndexSet>::format(const IndexSet& value) {
    return format_numbers(value.indices, ",");
}

void Codec<IndexSet>::write(const IndexSet& value, ValueSink& sink) {
    write_numbers(value.indices, sink);
}

#define HEARTH_DEFINE_DEVICE_AMOUNTS(kind)                                                      \
    Assigned Codec<DeviceAmounts<kind>>::assign(                                                \
        DeviceAmounts<kind>& field, std::string_view text, const ValueContext& context) {       \
        return assign_device_amount(field.entries, kind, text, context);                        \
    }                                                                                           \
    std::string Codec<DeviceAmounts<kind>>::format(const DeviceAmounts<kind>& value) {          \
        return format_device_amounts(value.entries, kind);                                      \
    }                                                                                           \
    void Codec<DeviceAmounts<kind>>::write(const DeviceAmounts<kind>& value, ValueSink& sink) { \
        write_device_amounts(value.entries, sink);                                              \
    }

HEARTH_DEFINE_DEVICE_AMOUNTS(DeviceAmountKind::Weight)
HEARTH_DEFINE_DEVICE_AMOUNTS(DeviceAmountKind::Bandwidth)
HEARTH_DEFINE_DEVICE_AMOUNTS(DeviceAmountKind::Operations)
HEARTH_DEFINE_DEVICE_AMOUNTS(DeviceAmountKind::Latency)

#undef HEARTH_DEFINE_DEVICE_AMOUNTS

Assigned Codec<std::vector<DeviceRule>>::assign(
    std::vector<DeviceRule>& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.clear();
        return {};
    }
    const std::vector<Word> words = HEARTH_TRY(split_words(text, Escapes::Relaxed, context.notes));
    if (words.empty() || words.size() > 2) {
        return bad_value(
            "expected a device and letters of rwm, got " + quoted(text), "write /dev/null rw");
    }
    DeviceRule rule;
    rule.device = HEARTH_TRY(expand(words[0].text, context));
    if (!is_device_name(rule.device)) {
        return bad_value(
            quoted(rule.device) + " names no device",
            "write a path below /dev, char-NAME or block-NAME as in /proc/devices",
            words[0].offset);
    }
    const std::string_view letters = words.size() == 2 ? words[1].text : std::string_view("rwm");
    if (letters.empty() || letters.find_first_not_of("rwm") != std::string_view::npos) {
        return bad_value(
            quoted(letters) + " is not made of r, w and m", "write rw", words.back().offset);
    }
    rule.read = letters.find('r') != std::string_view::npos;
    rule.write = letters.find('w') != std::string_view::npos;
    rule.mknod = letters.find('m') != std::string_view::npos;
    field.push_back(std::move(rule));
    return {};
}

namespace {

std::string letters_of(const DeviceRule& rule) {
    return std::string(rule.read ? "r" : "") + (rule.write ? "w" : "") + (rule.mknod ? "m" : "");
}

}  // namespace

std::string Codec<std::vector<DeviceRule>>::format(const std::vector<DeviceRule>& value) {
    std::string text;
    for (const DeviceRule& rule : value) {
        text += (text.empty() ? "" : "\n") + quote_word(rule.device) + " " + letters_of(rule);
    }
    return text;
}

void Codec<std::vector<DeviceRule>>::write(const std::vector<DeviceRule>& value, ValueSink& sink) {
    sink.open_array("(ss)");
    for (const DeviceRule& rule : value) {
        sink.open_struct("ss");
        sink.string(rule.device);
        sink.string(letters_of(rule));
        sink.close_struct();
    }
    sink.close_array();
}

// The empty text delegates without controllers; systemd says so, and a unit file relies on it.
Assigned Codec<Delegation>::assign(
    Delegation& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {true, false, {}};
        return {};
    }
    if (const Result<bool, ValueError> boolean = read_boolean(text)) {
        field = {*boolean, *boolean, {}};
        return {};
    }
    Delegation made = field;
    made.delegated = true;
    for (const Word& word : HEARTH_TRY(split_words(text, Escapes::Relaxed, context.notes))) {
        if (std::ranges::find(delegable_controllers, word.text) == delegable_controllers.end()) {
            note(
                context,
                {quoted(word.text) + " is no controller that can be delegated, ignored",
                 "cpu, cpuset, io, memory, pids",
                 word.offset});
            continue;
        }
        made.controllers.insert(word.text);
    }
    field = std::move(made);
    return {};
}

std::string Codec<Delegation>::format(const Delegation& value) {
    if (!value.delegated || value.all) {
        return value.delegated ? "yes" : "no";
    }
    return join_words({value.controllers.begin(), value.controllers.end()});
}

void Codec<Delegation>::write(const Delegation& value, ValueSink& sink) {
    sink.boolean(value.delegated);
}

}  // namespace hearth
