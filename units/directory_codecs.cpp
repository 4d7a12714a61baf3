// SPDX-License-Identifier: MIT
//
// StateDirectory= and kin, ExecSearchPath=. As in systemd, one bad word of a list is
// left out and told, and the rest counts.
#include <algorithm>
#include <optional>

#include "parser/diagnostic.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/codecs.hpp"

namespace hearth {

using codec_parts::note;
using codec_parts::shifted;

namespace {

constexpr std::size_t longest_name = 255;

/// A path below the base of its kind, tidied; the base itself and what leads out of it are none.
Result<std::string, ValueError> read_relative_path(std::string_view text) {
    if (text.starts_with('/')) {
        return bad_value(quoted(text) + " is absolute", "write a path below the base of its kind");
    }
    // Read as if from "/", so that doubled slashes and "." go the same way as everywhere.
    const std::string path = HEARTH_TRY(read_absolute_path("/" + std::string(text), {}));
    if (path == "/") {
        return bad_value(quoted(text) + " names no directory", "write a relative path");
    }
    std::string_view rest = std::string_view(path).substr(1);
    if (rest == "private" || rest.starts_with("private/")) {
        return bad_value(
            quoted(text) + " lies where the directories of dynamic users are",
            "write a path that doesn't begin with 'private'");
    }
    std::string made(rest);
    while (!rest.empty()) {
        const std::string_view name = rest.substr(0, rest.find('/'));
        if (name.size() > longest_name) {
            return bad_value(quoted(text) + " has too long a name in it", "a name has 255 bytes");
        }
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    }
    return made;
}

/// At the first colon that no backslash precedes.
std::pair<std::string, std::optional<std::string>> split_link(std::string_view text) {
    std::pair<std::string, std::optional<std::string>> parts;
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string& into = parts.second ? *parts.second : parts.first;
        if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ':') {
            into += text[++i];
        } else if (text[i] == ':' && !parts.second) {
            parts.second.emplace();
        } else {
            into += text[i];
        }
    }
    return parts;
}

std::string escape_colons(std::string_view path) {
    std::string text;
    for (const char byte : path) {
        text += byte == ':' ? "\\:" : std::string(1, byte);
    }
    return text;
}

Result<ServiceDirectory, ValueError> read_directory(
    std::string_view word, const ValueContext& context, bool with_links) {
    // Specifiers before the split: none of them stands for a text with a colon that should count.
    const auto [path, link] = split_link(HEARTH_TRY(expand(word, context)));
    ServiceDirectory made;
    made.path = HEARTH_TRY(read_relative_path(path));
    if (link) {
        if (!with_links) {
            return bad_value(
                quoted(word) + " asks for a link, which this directive has not",
                "write the path alone");
        }
        made.links.push_back(HEARTH_TRY(read_relative_path(*link)));
    }
    return made;
}

void add(std::vector<ServiceDirectory>& entries, ServiceDirectory made) {
    const auto same = std::ranges::find(entries, made.path, &ServiceDirectory::path);
    if (same == entries.end()) {
        entries.push_back(std::move(made));
        return;
    }
    for (std::string& link : made.links) {
        if (std::ranges::find(same->links, link) == same->links.end()) {
            same->links.push_back(std::move(link));
        }
    }
}

Assigned assign_directories(
    std::vector<ServiceDirectory>& field,
    std::string_view text,
    const ValueContext& context,
    bool with_links) {
    if (text.empty()) {
        field.clear();
        return {};
    }
    std::vector<ServiceDirectory> entries = field;
    std::optional<ValueError> doubt;
    bool any = false;
    for (const Word& word : HEARTH_TRY(split_words(text, Escapes::Relaxed))) {
        auto made = read_directory(word.text, context, with_links);
        if (made) {
            any = true;
            add(entries, std::move(*made));
        } else {
            ValueError error = shifted(std::move(made).error(), word.offset);
            if (!doubt) {
                doubt = error;
            }
            note(context, std::move(error));
        }
    }
    if (!any && doubt) {
        return Unexpected(*doubt);
    }
    field = std::move(entries);
    return {};
}

std::string format_directories(const std::vector<ServiceDirectory>& entries) {
    std::string text;
    const auto line = [&](const std::string& word) {
        text += (text.empty() ? "" : "\n") + quote_word(word);
    };
    for (const ServiceDirectory& entry : entries) {
        if (entry.links.empty()) {
            line(escape_colons(entry.path));
        }
        for (const std::string& link : entry.links) {
            line(escape_colons(entry.path) + ":" + escape_colons(link));
        }
    }
    return text;
}

void write_directories(const std::vector<ServiceDirectory>& entries, ValueSink& sink) {
    sink.open_array("s");
    for (const ServiceDirectory& entry : entries) {
        sink.string(entry.path);
    }
    sink.close_array();
}

}  // namespace

Assigned Codec<ServiceDirectories>::assign(
    ServiceDirectories& field, std::string_view text, const ValueContext& context) {
    return assign_directories(field.entries, text, context, true);
}
std::string Codec<ServiceDirectories>::format(const ServiceDirectories& value) {
    return format_directories(value.entries);
}
void Codec<ServiceDirectories>::write(const ServiceDirectories& value, ValueSink& sink) {
    write_directories(value.entries, sink);
}

void write_links(const ServiceDirectories& value, ValueSink& sink) {
    sink.open_array("(sst)");
    for (const ServiceDirectory& entry : value.entries) {
        for (const std::string& link : entry.links) {
            sink.open_struct("sst");
            sink.string(entry.path);
            sink.string(link);
            sink.unsigned64(0);
            sink.close_struct();
        }
    }
    sink.close_array();
}

Assigned Codec<ConfigurationDirectories>::assign(
    ConfigurationDirectories& field, std::string_view text, const ValueContext& context) {
    return assign_directories(field.entries, text, context, false);
}
std::string Codec<ConfigurationDirectories>::format(const ConfigurationDirectories& value) {
    return format_directories(value.entries);
}
void Codec<ConfigurationDirectories>::write(
    const ConfigurationDirectories& value, ValueSink& sink) {
    write_directories(value.entries, sink);
}

Assigned Codec<SearchPath>::assign(
    SearchPath& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.directories.clear();
        return {};
    }
    std::vector<std::string> made;
    std::optional<ValueError> doubt;
    for (std::size_t at = 0; at <= text.size();) {
        const std::string_view part = text.substr(at, text.find(':', at) - at);
        if (!part.empty()) {
            auto path = read_absolute_path(part, context);
            if (path) {
                made.push_back(std::move(*path));
            } else {
                doubt = shifted(std::move(path).error(), at);
                note(context, *doubt);
            }
        }
        at += part.size() + 1;
    }
    if (made.empty() && doubt) {
        return Unexpected(*doubt);
    }
    std::ranges::move(made, std::back_inserter(field.directories));
    return {};
}
std::string Codec<SearchPath>::format(const SearchPath& value) {
    std::string text;
    for (const std::string& directory : value.directories) {
        text += (text.empty() ? "" : ":") + directory;
    }
    return text;
}
void Codec<SearchPath>::write(const SearchPath& value, ValueSink& sink) {
    sink.strings(value.directories);
}

}  // namespace hearth
