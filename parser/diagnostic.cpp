// SPDX-License-Identifier: MIT
#include "parser/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "parser/utf8.hpp"

namespace hearth {

namespace {

constexpr std::size_t longest_quote = 80;
constexpr std::size_t longest_shown_line = 160;

/// The length of the character at the begin of `text`; 0 where it may not be shown as it is.
std::size_t shown_length(std::string_view text) {
    const std::size_t length = utf8_length(text);
    // C1 controls (U+0080 to U+009F) move a terminal's cursor like C0 ones.
    const bool is_control = length == 2 && static_cast<unsigned char>(text[0]) == 0xC2 &&
                            static_cast<unsigned char>(text[1]) < 0xA0;
    return is_control ? 0 : length;
}

/// What a terminal can show without being told to do anything, and how many columns it takes.
struct Shown {
    std::string text;
    std::size_t columns = 0;
};

void append_shown(Shown& shown, std::string_view character) {
    const auto byte = static_cast<unsigned char>(character.front());
    if (character.front() == '\t') {
        shown.text += ' ';
    } else if (character.size() == 1 && (byte < ' ' || byte >= 0x7F)) {
        shown.text += fmt::format("\\x{:02x}", byte);
        shown.columns += 4;
        return;
    } else {
        shown.text += character;
    }
    ++shown.columns;
}

Shown shown(std::string_view text) {
    Shown out;
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(1, shown_length(text));
        append_shown(out, text.substr(0, length));
        text.remove_prefix(length);
    }
    return out;
}

std::string place(const Origin& origin, bool with_column) {
    const std::string file = shown(origin.file).text;
    if (origin.line == 0) {
        return file;
    }
    if (with_column && origin.column != 0) {
        return fmt::format("{}:{}:{}", file, origin.line, origin.column);
    }
    return fmt::format("{}:{}", file, origin.line);
}

/// The source line around the column, and a caret below the column.
std::string source_and_caret(const Diagnostic& diagnostic) {
    const std::string_view source = diagnostic.source;
    const std::size_t column = diagnostic.origin.column;
    const bool has_caret = column != 0 && column <= source.size() + 1;
    const std::size_t caret = has_caret ? column - 1 : 0;
    const std::size_t begin = caret > longest_shown_line / 2 ? caret - longest_shown_line / 2 : 0;
    const std::size_t end = std::min(source.size(), begin + longest_shown_line);
    const std::string prefix = begin > 0 ? "..." : "";
    const std::string suffix = end < source.size() ? "..." : "";

    const Shown before = shown(source.substr(begin, caret - begin));
    const Shown after = shown(source.substr(caret, end - caret));
    const std::string gutter = fmt::format("{:>5}", diagnostic.origin.line);
    std::string out =
        fmt::format("{} | {}{}{}{}\n", gutter, prefix, before.text, after.text, suffix);
    if (has_caret) {
        out += fmt::format("{:5} | {}^\n", "", std::string(prefix.size() + before.columns, ' '));
    }
    return out;
}

}  // namespace

std::string_view name(Severity severity) {
    switch (severity) {
        case Severity::Note:
            return "note";
        case Severity::Warning:
            return "warning";
        case Severity::Error:
            return "error";
    }
    return "error";
}

std::string quoted(std::string_view text) {
    const bool is_cut = text.size() > longest_quote;
    text = text.substr(0, longest_quote);
    if (is_cut) {
        // Not in the middle of a character.
        while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80) {
            text.remove_suffix(1);
        }
        if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) {
            text.remove_suffix(1);
        }
    }
    return fmt::format("'{}{}'", shown(text).text, is_cut ? "..." : "");
}

std::string one_line(const Diagnostic& diagnostic) {
    const std::string message = shown(diagnostic.message).text;
    if (diagnostic.origin.file.empty()) {
        return message;
    }
    return fmt::format("{}: {}", place(diagnostic.origin, false), message);
}

std::string with_caret(const Diagnostic& diagnostic) {
    std::string out;
    if (!diagnostic.origin.file.empty()) {
        out = place(diagnostic.origin, true) + ": ";
    }
    out += fmt::format("{}: {}\n", name(diagnostic.severity), shown(diagnostic.message).text);
    if (diagnostic.origin.line != 0 && !diagnostic.source.empty()) {
        out += source_and_caret(diagnostic);
    }
    if (!diagnostic.hint.empty()) {
        out += fmt::format("{:5} = hint: {}\n", "", shown(diagnostic.hint).text);
    }
    return out;
}

}  // namespace hearth
