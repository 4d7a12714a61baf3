// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "parser/diagnostic.hpp"
#include "parser/edit_distance.hpp"
#include "parser/values.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/process_codecs.hpp"
#include "units/system_call_groups.hpp"

namespace hearth {

using codec_parts::inverted;
using codec_parts::Inverted;
using codec_parts::note;

// ---- secure bits

namespace {

// linux/securebits.h, by bit; no_cap_ambient_raise is none of systemd's.
constexpr auto secure_bit_names = std::to_array<std::string_view>(
    {"noroot",
     "noroot-locked",
     "no-setuid-fixup",
     "no-setuid-fixup-locked",
     "keep-caps",
     "keep-caps-locked"});

}  // namespace

Assigned Codec<SecureBits>::assign(SecureBits& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = {};
        return {};
    }
    std::uint32_t bits = field.bits;
    for (const Word& word : HEARTH_TRY(split_words(text, Escapes::Keep))) {
        const auto found = std::ranges::find(secure_bit_names, word.text);
        if (found == secure_bit_names.end()) {
            return bad_value(
                quoted(word.text) + " is no secure bit",
                did_you_mean(word.text, secure_bit_names),
                word.offset);
        }
        bits |= 1U << (found - secure_bit_names.begin());
    }
    field.bits = bits;
    return {};
}

std::string Codec<SecureBits>::format(const SecureBits& value) {
    std::string text;
    for (std::size_t bit = 0; bit < secure_bit_names.size(); ++bit) {
        if ((value.bits >> bit & 1U) != 0) {
            text += text.empty() ? "" : " ";
            text += secure_bit_names[bit];
        }
    }
    return text;
}

void Codec<SecureBits>::write(const SecureBits& value, ValueSink& sink) {
    sink.signed32(static_cast<std::int32_t>(value.bits));
}

// ---- namespaces

namespace {

// linux/sched.h; the time namespace is none of systemd 252's.
constexpr auto kinds = std::to_array<NamespaceKind>({
    {"cgroup", 0x02000000},
    {"ipc", 0x08000000},
    {"net", 0x40000000},
    {"mnt", 0x00020000},
    {"pid", 0x20000000},
    {"user", 0x10000000},
    {"uts", 0x04000000},
});
constexpr std::uint64_t every_kind = [] {
    std::uint64_t all = 0;
    for (const NamespaceKind& kind : kinds) {
        all |= kind.flag;
    }
    return all;
}();

}  // namespace

std::span<const NamespaceKind> namespace_kinds() {
    return kinds;
}

Assigned Codec<NamespaceRestriction>::assign(
    NamespaceRestriction& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = {};
        return {};
    }
    if (const auto boolean = read_boolean(text)) {
        field.allowed = *boolean ? 0 : NamespaceRestriction::everything;
        return {};
    }
    const Inverted list = inverted(text);
    std::uint64_t named = 0;
    for (const Word& word : HEARTH_TRY(split_words(list.rest, Escapes::Keep))) {
        const auto found = std::ranges::find(kinds, word.text, &NamespaceKind::name);
        if (found == kinds.end()) {
            std::vector<std::string_view> names;
            std::ranges::transform(kinds, std::back_inserter(names), &NamespaceKind::name);
            return bad_value(
                quoted(word.text) + " is no kind of namespace",
                did_you_mean(word.text, names),
                list.offset + word.offset);
        }
        named |= found->flag;
    }
    if (list.invert) {
        field.allowed &= ~named;
    } else {
        field.allowed =
            field.allowed == NamespaceRestriction::everything ? named : field.allowed | named;
    }
    return {};
}

std::string Codec<NamespaceRestriction>::format(const NamespaceRestriction& value) {
    if (value.allowed == NamespaceRestriction::everything) {
        return "no";
    }
    // An inverted list leaves alone what has no name here; a plain one doesn't.
    const bool invert = (value.allowed & ~every_kind) != 0;
    std::string text;
    for (const NamespaceKind& kind : kinds) {
        if (((value.allowed & kind.flag) == 0) == invert) {
            text += text.empty() ? "" : " ";
            text += kind.name;
        }
    }
    return invert ? "~" + text : text.empty() ? "yes" : text;
}

void Codec<NamespaceRestriction>::write(const NamespaceRestriction& value, ValueSink& sink) {
    const bool all = value.allowed == NamespaceRestriction::everything;
    sink.unsigned64(all ? value.allowed : value.allowed & every_kind);
}

// ---- what is logged

namespace {

Assigned note_unknown(const Word& word, std::size_t offset, const ValueContext& context) {
    note(
        context,
        {quoted(word.text) + (word.text.starts_with('@') ? " is no group of system calls, ignored"
                                                         : " is no system call, ignored"),
         {},
         offset + word.offset});
    return {};
}

}  // namespace

Assigned Codec<SystemCallLog>::assign(
    SystemCallLog& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const Inverted list = inverted(text);
    const std::vector<Word> words = HEARTH_TRY(split_words(list.rest, Escapes::Keep));
    if (!field.asked()) {
        field.inverted = list.invert;  // as with SystemCallFilter=, the first one decides
    }
    const auto apply = [&](std::string_view call) {
        if (list.invert == field.inverted) {
            field.calls.emplace(call);
        } else {
            field.calls.erase(std::string(call));
        }
    };
    for (const Word& word : words) {
        if (const SystemCallGroup* const group = find_system_call_group(word.text)) {
            for_each_call(*group, apply);
        } else if (!word.text.starts_with('@') && is_known_system_call(word.text)) {
            apply(word.text);
        } else {
            HEARTH_TRY(note_unknown(word, list.offset, context));
        }
    }
    field.text.emplace_back(text);
    return {};
}

std::string Codec<SystemCallLog>::format(const SystemCallLog& value) {
    std::string text;
    for (const std::string& line : value.text) {
        text += (text.empty() ? "" : "\n") + line;
    }
    return text;
}

void Codec<SystemCallLog>::write(const SystemCallLog& value, ValueSink& sink) {
    sink.open_struct("bas");
    sink.boolean(value.asked() && !value.inverted);
    sink.strings(std::vector<std::string>(value.calls.begin(), value.calls.end()));
    sink.close_struct();
}

// ---- labels of security modules

Assigned Codec<SecurityLabel>::assign(
    SecurityLabel& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const bool optional = text.starts_with('-');
    std::string label = HEARTH_TRY(expand(optional ? text.substr(1) : text, context));
    const bool odd = label.empty() || std::ranges::any_of(label, [](char byte) {
                         return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f;
                     });
    if (odd) {
        return bad_value(quoted(label) + " is no label", "write a name, '-' before it");
    }
    field = {std::move(label), optional};
    return {};
}

std::string Codec<SecurityLabel>::format(const SecurityLabel& value) {
    return (value.optional ? "-" : "") + value.label;
}

void Codec<SecurityLabel>::write(const SecurityLabel& value, ValueSink& sink) {
    sink.open_struct("bs");
    sink.boolean(value.optional);
    sink.string(value.label);
    sink.close_struct();
}

// ---- personality

namespace {

constexpr auto personalities = std::to_array<std::string_view>(
    {"x86", "x86-64", "arm64", "ppc", "ppc-le", "ppc64", "ppc64-le", "s390", "s390x"});

}  // namespace

Assigned Codec<Personality>::assign(
    Personality& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = {};
        return {};
    }
    if (std::ranges::find(personalities, text) == personalities.end()) {
        return bad_value(
            quoted(text) + " is no architecture with a personality",
            did_you_mean(text, personalities));
    }
    field.architecture = text;
    return {};
}

std::string Codec<Personality>::format(const Personality& value) {
    return value.architecture;
}

void Codec<Personality>::write(const Personality& value, ValueSink& sink) {
    sink.string(value.architecture);
}

}  // namespace hearth
