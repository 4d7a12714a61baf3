// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "parser/diagnostic.hpp"
#include "parser/edit_distance.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/codecs.hpp"
#include "units/names.hpp"
#include "units/system_call_groups.hpp"

namespace hearth {

using codec_parts::inverted;
using codec_parts::Inverted;
using codec_parts::note;

// ---- capability sets

namespace {

constexpr std::uint64_t highest_bit = std::uint64_t{1} << 63U;

Assigned merge_capabilities(std::uint64_t& mask, std::uint64_t initial, std::string_view text) {
    const Inverted list = inverted(text);
    std::uint64_t named = 0;
    for (const Word& word : HEARTH_TRY(split_words(list.rest, Escapes::Keep))) {
        const std::optional<unsigned> number = capability_number(word.text);
        if (!number) {
            return bad_value(
                quoted(word.text) + " is no capability",
                did_you_mean(word.text, capability_names()),
                list.offset + word.offset);
        }
        named |= std::uint64_t{1} << *number;
    }
    // systemd's rule: nothing named, or nothing assigned before: replace; else add or take away.
    if (named == 0 || mask == initial) {
        mask = list.invert ? ~named : named;
    } else if (list.invert) {
        mask &= ~named;
    } else {
        mask |= named;
    }
    return {};
}

/// Bit 63 is no capability and can't be named: it is set exactly in what an inverted list made.
std::string format_capabilities(std::uint64_t mask) {
    const bool invert = (mask & highest_bit) != 0;
    std::string text;
    for (unsigned number = 0; number < 63; ++number) {
        if ((((invert ? ~mask : mask) >> number) & 1U) != 0) {
            text += text.empty() ? "" : " ";
            text += capability_name(number);
        }
    }
    return invert ? "~" + text : text;
}

}  // namespace

Assigned Codec<BoundingSet>::assign(
    BoundingSet& field, std::string_view text, const ValueContext&) {
    return merge_capabilities(field.mask, all_capabilities, text);
}

std::string Codec<BoundingSet>::format(const BoundingSet& value) {
    return format_capabilities(value.mask);
}

void Codec<BoundingSet>::write(const BoundingSet& value, ValueSink& sink) {
    sink.unsigned64(value.mask);
}

Assigned Codec<AmbientSet>::assign(AmbientSet& field, std::string_view text, const ValueContext&) {
    return merge_capabilities(field.mask, 0, text);
}

std::string Codec<AmbientSet>::format(const AmbientSet& value) {
    return format_capabilities(value.mask);
}

void Codec<AmbientSet>::write(const AmbientSet& value, ValueSink& sink) {
    sink.unsigned64(value.mask);
}

// ---- system call filter

namespace {

struct FilterWord {
    std::string name;  // of a call, or of a group with its '@'
    std::optional<int> verdict;
};

std::string group_hint(std::string_view name) {
    std::vector<std::string_view> names;
    for (const SystemCallGroup& group : system_call_groups()) {
        names.push_back(group.name);
    }
    return did_you_mean(name, names);
}

std::string call_hint(std::string_view name) {
    const SystemCallGroup* const known = find_system_call_group("@known");
    std::vector<std::string_view> names;
    for_each_call(*known, [&](std::string_view call) { names.push_back(call); });
    return did_you_mean(name, names);
}

Result<std::optional<int>, ValueError> read_verdict(std::string_view text) {
    if (text == "kill") {
        return std::optional<int>(SystemCallFilter::kill_process);
    }
    if (text == "0") {
        return std::optional<int>(0);  // the call does nothing and succeeds
    }
    const std::optional<int> number = errno_number(text);
    if (!number) {
        return bad_value(
            quoted(text) + " is no error",
            "write a name as in EPERM, a number up to 4095, or kill");
    }
    return number;
}

/// `name`, `@group`, either with `:errno`. An unknown name is a doubt in an allow-list, which
/// refuses it anyway; in a deny-list the service would keep a call that was to be taken away: an
/// error.
Result<std::optional<FilterWord>, ValueError> read_filter_word(
    const Word& word, bool invert, const ValueContext& context) {
    const std::size_t colon = word.text.find(':');
    FilterWord made{word.text.substr(0, colon), std::nullopt};
    if (colon != std::string::npos) {
        made.verdict = HEARTH_TRY(read_verdict(std::string_view(word.text).substr(colon + 1)));
        if (!invert) {
            note(
                context,
                {quoted(word.text) + ": a call that is allowed takes no error, ignored",
                 "errors belong into a list that begins with '~'",
                 word.offset});
            return std::optional<FilterWord>();
        }
    }
    const bool is_group = made.name.starts_with('@');
    if (is_group ? find_system_call_group(made.name) != nullptr : is_known_system_call(made.name)) {
        return std::optional<FilterWord>(std::move(made));
    }
    ValueError unknown{
        quoted(made.name) + (is_group ? " is no group of system calls" : " is no system call"),
        is_group ? group_hint(made.name) : call_hint(made.name),
        word.offset};
    if (invert) {
        return Unexpected(std::move(unknown));
    }
    unknown.what += ", ignored";
    note(context, std::move(unknown));
    return std::optional<FilterWord>();
}

void apply(
    SystemCallFilter& filter, std::string_view call, bool invert, std::optional<int> verdict) {
    // Named in the list's own sense: it joins the list (again: the later error counts). In the
    // other sense: it leaves the list.
    // In an allow-list a refusal with an error of its own is kept for that error.
    if (invert != filter.allow_list || (invert && verdict)) {
        filter.calls.insert_or_assign(std::string(call), verdict);
    } else {
        filter.calls.erase(std::string(call));
    }
}

}  // namespace

Assigned Codec<SystemCallFilter>::assign(
    SystemCallFilter& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const Inverted list = inverted(text);
    std::vector<FilterWord> words;
    for (Word& word : HEARTH_TRY(split_words(list.rest, Escapes::Keep))) {
        word.offset += list.offset;
        auto read = read_filter_word(word, list.invert, context);
        if (!read) {
            ValueError error = std::move(read).error();
            error.offset = word.offset;
            return Unexpected(std::move(error));
        }
        if (*read) {
            words.push_back(std::move(**read));
        }
    }
    if (!field.asked()) {
        // The first assignment decides what the list is. An allow-list has @default in it: without
        // those calls no process could even begin.
        field.allow_list = !list.invert;
        if (field.allow_list) {
            for_each_call(*find_system_call_group("@default"), [&](std::string_view call) {
                apply(field, call, false, std::nullopt);
            });
        }
    }
    for (const FilterWord& word : words) {
        if (const SystemCallGroup* const group = find_system_call_group(word.name)) {
            for_each_call(*group, [&](std::string_view call) {
                apply(field, call, list.invert, word.verdict);
            });
        } else {
            apply(field, word.name, list.invert, word.verdict);
        }
    }
    field.text.emplace_back(text);
    return {};
}

std::string Codec<SystemCallFilter>::format(const SystemCallFilter& value) {
    std::string text;
    for (const std::string& line : value.text) {
        text += text.empty() ? "" : "\n";
        text += line;
    }
    return text;
}

void Codec<SystemCallFilter>::write(const SystemCallFilter& value, ValueSink& sink) {
    sink.open_struct("bas");
    sink.boolean(value.allow_list);
    sink.open_array("s");
    for (const auto& [call, verdict] : value.calls) {
        if (!verdict) {
            sink.string(call);
        } else if (*verdict == SystemCallFilter::kill_process) {
            sink.string(call + ":kill");
        } else {
            sink.string(call + ":" + errno_name(*verdict));
        }
    }
    sink.close_array();
    sink.close_struct();
}

Assigned Codec<SystemCallError>::assign(
    SystemCallError& field, std::string_view text, const ValueContext&) {
    if (text.empty() || text == "kill") {
        field = {};
        return {};
    }
    const std::optional<int> number = errno_number(text);
    if (!number) {
        return bad_value(
            quoted(text) + " is no error",
            "write a name as in EPERM, a number from 1 to 4095, or kill");
    }
    field = {false, *number};
    return {};
}

std::string Codec<SystemCallError>::format(const SystemCallError& value) {
    return value.kill ? "kill" : errno_name(value.number);
}

void Codec<SystemCallError>::write(const SystemCallError& value, ValueSink& sink) {
    sink.signed32(value.kill ? SystemCallFilter::kill_process : value.number);
}

// ---- architectures and address families

Assigned Codec<ArchitectureSet>::assign(
    ArchitectureSet& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = {};
        return {};
    }
    const std::vector<Word> words = HEARTH_TRY(split_words(text, Escapes::Keep));
    for (const Word& word : words) {
        if (std::ranges::find(architecture_names(), std::string_view(word.text)) ==
            architecture_names().end()) {
            return bad_value(
                quoted(word.text) + " is no architecture",
                did_you_mean(word.text, architecture_names()),
                word.offset);
        }
    }
    for (const Word& word : words) {
        field.names.insert(word.text);
    }
    return {};
}

std::string Codec<ArchitectureSet>::format(const ArchitectureSet& value) {
    return join_words({value.names.begin(), value.names.end()});
}

void Codec<ArchitectureSet>::write(const ArchitectureSet& value, ValueSink& sink) {
    sink.strings(std::vector<std::string>(value.names.begin(), value.names.end()));
}

Assigned Codec<AddressFamilies>::assign(
    AddressFamilies& field, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        field = {};
        return {};
    }
    if (text == "none") {
        field = {true, {}, {"none"}};
        return {};
    }
    const Inverted list = inverted(text);
    const std::vector<Word> words = HEARTH_TRY(split_words(list.rest, Escapes::Keep));
    for (const Word& word : words) {
        if (!address_family_number(word.text)) {
            return bad_value(
                quoted(word.text) + " is no address family",
                did_you_mean(word.text, address_family_names()),
                list.offset + word.offset);
        }
    }
    // After "none" a list begins anew, as if there had been no assignment.
    if (!field.asked() || field.text.front() == "none") {
        field = {!list.invert, {}, {}};
    }
    for (const Word& word : words) {
        const int number = *address_family_number(word.text);
        const auto primary = std::ranges::find_if(address_family_names(), [&](auto each) {
            return address_family_number(each) == number;
        });
        if (list.invert != field.allow_list) {
            field.families.emplace(*primary);
        } else {
            field.families.erase(std::string(*primary));
        }
    }
    field.text.emplace_back(text);
    return {};
}

std::string Codec<AddressFamilies>::format(const AddressFamilies& value) {
    std::string text;
    for (const std::string& line : value.text) {
        text += text.empty() ? "" : "\n";
        text += line;
    }
    return text;
}

void Codec<AddressFamilies>::write(const AddressFamilies& value, ValueSink& sink) {
    sink.open_struct("bas");
    sink.boolean(value.allow_list);
    sink.strings(std::vector<std::string>(value.families.begin(), value.families.end()));
    sink.close_struct();
}

}  // namespace hearth
