// SPDX-License-Identifier: MIT
//
// What the codecs of lists of paths share: words, and their parts between colons. Only *_codecs.cpp
// files include this.
#pragma once

#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parser/codec.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"

namespace hearth::codec_parts {

/// The parts of a word between colons; `\:` is a colon of the part itself.
[[nodiscard]] inline std::vector<std::string> split_at_colons(std::string_view text) {
    std::vector<std::string> parts(1);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ':') {
            parts.back() += ':';
            ++i;
        } else if (text[i] == ':') {
            parts.emplace_back();
        } else {
            parts.back() += text[i];
        }
    }
    return parts;
}

[[nodiscard]] inline std::string escape_colons(std::string_view path) {
    std::string text;
    for (const char byte : path) {
        text += byte == ':' ? "\\:" : std::string(1, byte);
    }
    return text;
}

/// A word as the unit file must have it: what is a backslash there must be one after unquoting,
/// too.
[[nodiscard]] inline std::string line_of(const std::string& word) {
    return quote_word(word);
}

template <class Entry, class Format>
[[nodiscard]] std::string format_lines(const std::vector<Entry>& entries, const Format& format) {
    std::string text;
    for (const Entry& entry : entries) {
        text += text.empty() ? "" : "\n";
        text += line_of(format(entry));
    }
    return text;
}

/// Reads each word by `read` and appends all, or nothing if one of them is bad.
template <class Entry, class Read>
Assigned append_words(
    std::vector<Entry>& field,
    std::string_view text,
    const ValueContext& context,
    const Read& read) {
    if (text.empty()) {
        field.clear();
        return {};
    }
    std::vector<Entry> made;
    for (const Word& word : HEARTH_TRY(split_words(text, Escapes::Relaxed))) {
        Result<Entry, ValueError> entry = read(word.text, context);
        if (!entry) {
            return Unexpected(shifted(std::move(entry).error(), word.offset));
        }
        made.push_back(std::move(entry).value());
    }
    field.insert(
        field.end(), std::make_move_iterator(made.begin()), std::make_move_iterator(made.end()));
    return {};
}

}  // namespace hearth::codec_parts
