// SPDX-License-Identifier: MIT
//
// A value -> its words, separated by white space, with '..' and ".." quoting and the C escapes of
// systemd.syntax(7). A quote may begin anywhere in a word and is removed; escapes work inside both
// kinds of quotes. Each word knows the byte of the value where it began. Pure; no limit of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/value_error.hpp"

namespace hearth {

/// What a backslash means.
enum class Escapes : std::uint8_t {
    Strict,   ///< C escapes; an unknown one is an error
    Relaxed,  ///< C escapes; an unknown one stays as it is, and is noted
    Keep,     ///< a backslash is a byte like any other
};

struct Word {
    std::string text;        ///< unquoted, escapes decoded
    std::size_t offset = 0;  ///< of its first byte (a quote included) in the value
    bool quoted = false;     ///< some part of it was quoted, so it may be empty

    bool operator==(const Word&) const = default;
};

/// Space, tab, newline, carriage return.
[[nodiscard]] bool is_white_space(char byte);

/// `text` without white space at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// The word at `position` (after white space), or nothing at the end of `text`. Moves `position`
/// to the next word. For callers that look at the raw text between words (command_line).
[[nodiscard]] Result<std::optional<Word>, ValueError> next_word(
    std::string_view text, std::size_t& position, Escapes escapes, ValueNotes* notes = nullptr);

/// All words of `text`. Errors: a quote without end, a bad escape (Strict), a NUL by escape.
[[nodiscard]] Result<std::vector<Word>, ValueError> split_words(
    std::string_view text, Escapes escapes = Escapes::Relaxed, ValueNotes* notes = nullptr);

/// `text` with its C escapes decoded, quotes and white space as they are. `nul`: whether an escape
/// may give a NUL byte. An error names no byte of the text, which may be a secret, but where it is.
[[nodiscard]] Result<std::string, ValueError> unescape(std::string_view text, bool nul);

/// The inverse: one word that split_words() (Strict or Relaxed) reads back as `text`; as it is
/// where it needs no quotes.
[[nodiscard]] std::string quote_word(std::string_view text);

/// The words, quoted and joined by one space.
[[nodiscard]] std::string join_words(const std::vector<std::string>& words);

}  // namespace hearth
