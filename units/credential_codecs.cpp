// SPDX-License-Identifier: MIT
//
// LoadCredential= and SetCredential=. An error never quotes the value of a SetCredential=.
#include <algorithm>

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

std::string escape(std::string_view data) {
    constexpr std::string_view hexadecimal = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < data.size(); ++i) {
        const auto byte = static_cast<unsigned char>(data[i]);
        const bool at_edge = i == 0 || i + 1 == data.size();  // where white space would be lost
        if (byte == '\\') {
            text += "\\\\";
        } else if ((byte > 0x20 && byte < 0x7f) || (byte == ' ' && !at_edge)) {
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
    auto data = unescape(text.substr(colon + 1), true);
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
