// SPDX-License-Identifier: MIT
#include "parser/words.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "parser/diagnostic.hpp"

namespace hearth {

namespace {

struct SimpleEscape {
    char letter;
    char byte;
};

constexpr auto simple_escapes = std::to_array<SimpleEscape>({
    {'a', '\a'},
    {'b', '\b'},
    {'f', '\f'},
    {'n', '\n'},
    {'r', '\r'},
    {'t', '\t'},
    {'v', '\v'},
    {'\\', '\\'},
    {'"', '"'},
    {'\'', '\''},
    {'s', ' '},
});

/// The digit's value, or 16.
std::uint32_t digit_value(char byte) {
    if (byte >= '0' && byte <= '9') {
        return static_cast<std::uint32_t>(byte - '0');
    }
    if (byte >= 'a' && byte <= 'f') {
        return static_cast<std::uint32_t>(byte - 'a') + 10;
    }
    if (byte >= 'A' && byte <= 'F') {
        return static_cast<std::uint32_t>(byte - 'A') + 10;
    }
    return 16;
}

/// `count` digits of `base` at the begin of `text`; nothing if one is missing.
std::optional<std::uint32_t> digits(std::string_view text, std::size_t count, std::uint32_t base) {
    if (text.size() < count) {
        return std::nullopt;
    }
    std::uint32_t value = 0;
    for (const char byte : text.substr(0, count)) {
        const std::uint32_t digit = digit_value(byte);
        if (digit >= base) {
            return std::nullopt;
        }
        value = value * base + digit;
    }
    return value;
}

void append_utf8(std::string& out, std::uint32_t point) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0U | (point >> 6U));
        put(0x80U | (point & 0x3FU));
    } else if (point < 0x10000) {
        put(0xE0U | (point >> 12U));
        put(0x80U | ((point >> 6U) & 0x3FU));
        put(0x80U | (point & 0x3FU));
    } else {
        put(0xF0U | (point >> 18U));
        put(0x80U | ((point >> 12U) & 0x3FU));
        put(0x80U | ((point >> 6U) & 0x3FU));
        put(0x80U | (point & 0x3FU));
    }
}

/// \xHH, \uHHHH and \UHHHHHHHH, of which `text` begins with the letter.
std::size_t decode_hexadecimal(std::string_view text, bool nul, std::string& out) {
    const char kind = text.front();
    const std::size_t count = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
    const auto value = digits(text.substr(1), count, 16);
    if (!value || (*value == 0 && !nul)) {
        return 0;
    }
    if (kind == 'x') {
        out += static_cast<char>(*value);  // a byte, not a code point
        return count + 1;
    }
    const bool is_surrogate = *value >= 0xD800 && *value <= 0xDFFF;
    if (*value > 0x10FFFF || is_surrogate) {
        return 0;
    }
    append_utf8(out, *value);
    return count + 1;
}

/// Decodes the escape after a backslash, appends it to `out` and returns how many bytes it took;
/// 0 if it isn't one that systemd.syntax(7) lists. `nul`: whether it may give a NUL byte.
std::size_t decode_escape(std::string_view text, bool nul, std::string& out) {
    if (text.empty()) {
        return 0;
    }
    for (const SimpleEscape& escape : simple_escapes) {
        if (escape.letter == text.front()) {
            out += escape.byte;
            return 1;
        }
    }
    const char kind = text.front();
    if (kind == 'x' || kind == 'u' || kind == 'U') {
        return decode_hexadecimal(text, nul, out);
    }
    const auto octal = digits(text, 3, 8);
    if (!octal || (*octal == 0 && !nul) || *octal > 0xFF) {
        return 0;
    }
    out += static_cast<char>(*octal);
    return 3;
}

/// One walk over one word.
class WordReader {
public:
    WordReader(std::string_view text, std::size_t begin, Escapes escapes, ValueNotes* notes)
        : text_(text), at_(begin), escapes_(escapes), notes_(notes) {
        word_.offset = begin;
    }

    Result<Word, ValueError> read() {
        while (at_ < text_.size()) {
            const char byte = text_[at_];
            if (quote_ == '\0' && is_white_space(byte)) {
                break;
            }
            if (byte == '\\' && escapes_ != Escapes::Keep) {
                HEARTH_TRY(read_escape());
                continue;
            }
            ++at_;
            if (byte == quote_) {
                quote_ = '\0';
            } else if (quote_ == '\0' && (byte == '"' || byte == '\'')) {
                quote_ = byte;
                quote_offset_ = at_ - 1;
                word_.quoted = true;
            } else {
                word_.text += byte;
            }
        }
        if (quote_ != '\0') {
            return bad_value(
                fmt::format("the quote ({}) has no end", quote_),
                fmt::format("close it with another {0}, or write \\{0} for the character", quote_),
                quote_offset_);
        }
        return std::move(word_);
    }

    [[nodiscard]] std::size_t position() const { return at_; }

private:
    Assigned read_escape() {
        const std::string_view rest = text_.substr(at_ + 1);
        if (const std::size_t taken = decode_escape(rest, false, word_.text); taken != 0) {
            at_ += 1 + taken;
            return {};
        }
        ValueError error{
            rest.empty() ? std::string("a backslash at the end escapes nothing")
                         : fmt::format("unknown escape sequence {}", quoted(text_.substr(at_, 2))),
            "write \\\\ for a backslash",
            at_};
        if (escapes_ == Escapes::Strict) {
            return Unexpected(std::move(error));
        }
        if (notes_ != nullptr && notes_->size() < max_notes) {
            notes_->push_back(std::move(error));
        }
        // As in systemd both bytes stay, white space too. A quote is never here: \" is known.
        word_.text += text_.substr(at_, 2);
        at_ += rest.empty() ? 1 : 2;
        return {};
    }

    std::string_view text_;
    std::size_t at_;
    Escapes escapes_;
    ValueNotes* notes_;
    Word word_;
    char quote_ = '\0';
    std::size_t quote_offset_ = 0;
};

bool needs_quotes(std::string_view text) {
    if (text.empty() || text == ";") {
        return true;  // a lone semicolon separates commands
    }
    for (const char byte : text) {
        const auto code = static_cast<unsigned char>(byte);
        if (code <= ' ' || code == 0x7F || byte == '"' || byte == '\'' || byte == '\\') {
            return true;
        }
    }
    return false;
}

void append_escaped(std::string& out, char byte) {
    if (byte == '\'') {
        out += byte;  // needs no escape between double quotes
        return;
    }
    for (const SimpleEscape& escape : simple_escapes) {
        if (escape.byte == byte && byte != ' ') {
            out += '\\';
            out += escape.letter;
            return;
        }
    }
    const auto code = static_cast<unsigned char>(byte);
    if (code < ' ' || code == 0x7F) {
        out += fmt::format("\\x{:02x}", code);
    } else {
        out += byte;
    }
}

}  // namespace

Result<std::string, ValueError> unescape(std::string_view text, bool nul) {
    std::string made;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] != '\\') {
            made += text[at++];
            continue;
        }
        const std::size_t taken = decode_escape(text.substr(at + 1), nul, made);
        if (taken == 0) {
            return bad_value("a backslash escape that is none", "write \\\\ for a backslash", at);
        }
        at += 1 + taken;
    }
    return made;
}

bool is_white_space(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_white_space(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_white_space(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

Result<std::optional<Word>, ValueError> next_word(
    std::string_view text, std::size_t& position, Escapes escapes, ValueNotes* notes) {
    const auto skip_white_space = [&] {
        while (position < text.size() && is_white_space(text[position])) {
            ++position;
        }
    };
    skip_white_space();
    if (position >= text.size()) {
        return std::optional<Word>();
    }
    WordReader reader(text, position, escapes, notes);
    Word word = HEARTH_TRY(reader.read());
    position = reader.position();
    skip_white_space();
    return std::optional<Word>(std::move(word));
}

Result<std::vector<Word>, ValueError> split_words(
    std::string_view text, Escapes escapes, ValueNotes* notes) {
    std::vector<Word> words;
    std::size_t position = 0;
    while (std::optional<Word> word = HEARTH_TRY(next_word(text, position, escapes, notes))) {
        words.push_back(std::move(*word));
    }
    return words;
}

std::string quote_word(std::string_view text) {
    if (!needs_quotes(text)) {
        return std::string(text);
    }
    std::string out = "\"";
    for (const char byte : text) {
        append_escaped(out, byte);
    }
    out += '"';
    return out;
}

std::string join_words(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        if (!out.empty()) {
            out += ' ';
        }
        out += quote_word(word);
    }
    return out;
}

}  // namespace hearth
