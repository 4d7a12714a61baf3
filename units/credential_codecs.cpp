// SPDX-License-Identifier: MIT
//
// LoadCredential= and SetCredential=. An error never quotes the value of a SetCredential=.
#include <algorithm>
#include <array>
#include <optional>

#include "parser/diagnostic.hpp"
#include "units/codec_parts.hpp"
#include "units/codecs.hpp"

namespace hearth {

using codec_parts::shifted;

namespace {

constexpr std::size_t longest_name = 255;

/// What can be a file's name and a word of a D-Bus request.
Result<std::string, ValueError> read_credential_id(
    std::string_view text, const ValueContext& context) {
    std::string id = HEARTH_TRY(expand(text, context));
    const bool good = !id.empty() && id.size() <= longest_name && id != "." && id != ".." &&
                      std::ranges::all_of(id, [](char byte) {
                          return byte > 0x20 && byte < 0x7f && byte != '/' && byte != ':';
                      });
    if (!good) {
        return bad_value(
            quoted(id) + " is no name of a credential",
            "write printable ASCII without white space, '/' and ':', at most 255 bytes");
    }
    return id;
}

std::optional<unsigned> digit(char byte, unsigned base) {
    unsigned value = 99;
    if (byte >= '0' && byte <= '9') {
        value = static_cast<unsigned>(byte - '0');
    } else if (byte >= 'a' && byte <= 'f') {
        value = static_cast<unsigned>(byte - 'a') + 10;
    } else if (byte >= 'A' && byte <= 'F') {
        value = static_cast<unsigned>(byte - 'A') + 10;
    }
    return value < base ? std::optional(value) : std::nullopt;
}

void append_code_point(std::string& text, std::uint32_t code) {
    const auto byte = [&](std::uint32_t value) { text += static_cast<char>(value); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xc0 | code >> 6);
        byte(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        byte(0xe0 | code >> 12);
        byte(0x80 | (code >> 6 & 0x3f));
        byte(0x80 | (code & 0x3f));
    } else {
        byte(0xf0 | code >> 18);
        byte(0x80 | (code >> 12 & 0x3f));
        byte(0x80 | (code >> 6 & 0x3f));
        byte(0x80 | (code & 0x3f));
    }
}

struct Escape {
    char letter, byte;
};
constexpr auto simple_escapes = std::to_array<Escape>(
    {{'a', '\a'},
     {'b', '\b'},
     {'f', '\f'},
     {'n', '\n'},
     {'r', '\r'},
     {'t', '\t'},
     {'v', '\v'},
     {'\\', '\\'},
     {'"', '"'},
     {'\'', '\''},
     {'s', ' '}});
struct NumberEscape {
    char letter;
    std::size_t digits;
    unsigned base;
    bool code_point;
};
constexpr auto number_escapes =
    std::to_array<NumberEscape>({{'x', 2, 16, false}, {'u', 4, 16, true}, {'U', 8, 16, true}});

Unexpected<ValueError> bad_escape(std::size_t offset) {
    auto error = bad_value("a backslash escape that is none", "write '\\\\\\\\' for a backslash");
    error.error().offset = offset;
    return error;
}

/// C escapes of a whole text; NUL is a byte like any other here.
Result<std::string, ValueError> unescape(std::string_view text) {
    std::string made;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '\\') {
            made += text[at];
            continue;
        }
        const std::size_t begin = at++;
        if (at == text.size()) {
            return bad_escape(begin);
        }
        const auto* const simple = std::ranges::find(simple_escapes, text[at], &Escape::letter);
        if (simple != simple_escapes.end()) {
            made += simple->byte;
            continue;
        }
        const auto* const number =
            std::ranges::find(number_escapes, text[at], &NumberEscape::letter);
        NumberEscape form{'0', 3, 8, false};
        if (number != number_escapes.end()) {
            form = *number;
            ++at;
        }
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < form.digits; ++i) {
            const auto next = at + i < text.size() ? digit(text[at + i], form.base) : std::nullopt;
            if (!next) {
                return bad_escape(begin);
            }
            value = value * form.base + *next;
        }
        at += form.digits - 1;
        const bool surrogate = value >= 0xd800 && value < 0xe000;
        if (value > (form.code_point ? 0x10ffffU : 0xffU) || (form.code_point && surrogate)) {
            return bad_escape(begin);
        }
        if (form.code_point) {
            append_code_point(made, value);
        } else {
            made += static_cast<char>(value);
        }
    }
    return made;
}

std::string escape(std::string_view data) {
    constexpr std::string_view hexadecimal = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < data.size(); ++i) {
        const auto byte = static_cast<unsigned char>(data[i]);
        const bool at_edge = i == 0 || i + 1 == data.size();  // where white space would be lost
        if (byte == '\\') {
            text += "\\\\";
        } else if (byte > 0x20 && byte < 0x7f && byte != '%') {
            text += data[i];
        } else if ((byte == ' ' && !at_edge) || byte == '%') {
            text += data[i];
        } else {
            text += "\\x";
            text += hexadecimal[byte >> 4U];
            text += hexadecimal[byte & 0xfU];
        }
    }
    return text;
}

/// A later assignment of the same name replaces the earlier one.
template <class Entry>
void replace(std::vector<Entry>& entries, Entry made) {
    const auto same = std::ranges::find(entries, made.id, &Entry::id);
    if (same == entries.end()) {
        entries.push_back(std::move(made));
    } else {
        *same = std::move(made);
    }
}

}  // namespace

Assigned Codec<std::vector<LoadedCredential>>::assign(
    std::vector<LoadedCredential>& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.clear();
        return {};
    }
    const std::size_t colon = text.find(':');
    LoadedCredential made;
    made.id = HEARTH_TRY(read_credential_id(text.substr(0, colon), context));
    made.path = made.id;
    if (colon != std::string_view::npos) {
        const std::string path = HEARTH_TRY(expand(text.substr(colon + 1), context));
        if (path.starts_with('/')) {
            made.path = HEARTH_TRY(read_absolute_path(path, {}));
        } else if (!path.empty()) {
            auto name = read_credential_id(path, {});
            if (!name) {
                return Unexpected(shifted(std::move(name).error(), colon + 1));
            }
            made.path = std::move(*name);
        }
    }
    replace(field, std::move(made));
    return {};
}
std::string Codec<std::vector<LoadedCredential>>::format(
    const std::vector<LoadedCredential>& value) {
    std::string text;
    for (const LoadedCredential& each : value) {
        text += (text.empty() ? "" : "\n") + each.id + ":" + each.path;
    }
    return text;
}
void Codec<std::vector<LoadedCredential>>::write(
    const std::vector<LoadedCredential>& value, ValueSink& sink) {
    sink.open_array("(ss)");
    for (const LoadedCredential& each : value) {
        sink.open_struct("ss");
        sink.string(each.id);
        sink.string(each.path);
        sink.close_struct();
    }
    sink.close_array();
}

Assigned Codec<std::vector<InlineCredential>>::assign(
    std::vector<InlineCredential>& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.clear();
        return {};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return bad_value("there is no ':' after the credential's name", "write ID:VALUE");
    }
    InlineCredential made;
    made.id = HEARTH_TRY(read_credential_id(text.substr(0, colon), context));
    auto data = unescape(text.substr(colon + 1));
    if (!data) {
        return Unexpected(shifted(std::move(data).error(), colon + 1));
    }
    made.data = std::move(*data);
    replace(field, std::move(made));
    return {};
}
std::string Codec<std::vector<InlineCredential>>::format(
    const std::vector<InlineCredential>& value) {
    std::string text;
    for (const InlineCredential& each : value) {
        text += (text.empty() ? "" : "\n") + each.id + ":" + escape(each.data);
    }
    return text;
}
/// The names alone: reading over the bus may be open to more than the service's user.
void Codec<std::vector<InlineCredential>>::write(
    const std::vector<InlineCredential>& value, ValueSink& sink) {
    sink.open_array("(say)");
    for (const InlineCredential& each : value) {
        sink.open_struct("say");
        sink.string(each.id);
        sink.bytes({});
        sink.close_struct();
    }
    sink.close_array();
}

}  // namespace hearth
