// SPDX-License-Identifier: MIT
#include <optional>

#include "parser/diagnostic.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/codecs.hpp"
#include "units/path_codec_parts.hpp"

namespace hearth {

using codec_parts::append_words;
using codec_parts::escape_colons;
using codec_parts::format_lines;
using codec_parts::shifted;
using codec_parts::split_at_colons;

namespace {

std::string text_of(const PathEntry& entry) {
    return std::string(entry.optional ? "-" : "") + (entry.below_root ? "+" : "") + entry.path;
}

Result<PathEntry, ValueError> read_path(std::string_view text, const ValueContext& context) {
    PathEntry made;
    const std::size_t length = text.size();
    if (text.starts_with('-')) {
        made.optional = true;
        text.remove_prefix(1);
    }
    if (text.starts_with('+')) {
        made.below_root = true;
        text.remove_prefix(1);
    }
    auto path = read_absolute_path(text, context);
    if (!path) {
        return Unexpected(shifted(std::move(path).error(), length - text.size()));
    }
    made.path = std::move(path).value();
    return made;
}

Result<BindEntry, ValueError> read_bind(std::string_view text, const ValueContext& context) {
    BindEntry made;
    if (text.starts_with('-')) {
        made.optional = true;
        text.remove_prefix(1);
    }
    const std::vector<std::string> parts = split_at_colons(text);
    if (parts.size() > 3) {
        return bad_value(
            quoted(text) + " has too many colons",
            "write SOURCE[:DESTINATION[:OPTIONS]], and '\\\\:' for a colon in a path");
    }
    made.source = HEARTH_TRY(read_absolute_path(parts[0], context));
    const bool has_destination = parts.size() > 1 && !parts[1].empty();
    made.destination =
        has_destination ? HEARTH_TRY(read_absolute_path(parts[1], context)) : made.source;
    if (parts.size() > 2 && !parts[2].empty() && parts[2] != "rbind") {
        if (parts[2] != "norbind") {
            return bad_value(
                quoted(parts[2]) + " is no option of a bind mount", "write rbind or norbind");
        }
        made.recursive = false;
    }
    return made;
}

Result<TmpfsEntry, ValueError> read_tmpfs(std::string_view text, const ValueContext& context) {
    const std::size_t colon = text.find(':');
    TmpfsEntry made;
    made.path = HEARTH_TRY(read_absolute_path(text.substr(0, colon), context));
    if (colon != std::string_view::npos) {
        made.options = HEARTH_TRY(expand(text.substr(colon + 1), context));
    }
    return made;
}

}  // namespace

Assigned Codec<std::vector<PathEntry>>::assign(
    std::vector<PathEntry>& field, std::string_view text, const ValueContext& context) {
    return append_words(field, text, context, read_path);
}

std::string Codec<std::vector<PathEntry>>::format(const std::vector<PathEntry>& value) {
    return format_lines(value, text_of);
}

void Codec<std::vector<PathEntry>>::write(const std::vector<PathEntry>& value, ValueSink& sink) {
    sink.open_array("s");
    for (const PathEntry& entry : value) {
        sink.string(text_of(entry));
    }
    sink.close_array();
}

Assigned Codec<std::vector<BindEntry>>::assign(
    std::vector<BindEntry>& field, std::string_view text, const ValueContext& context) {
    return append_words(field, text, context, read_bind);
}

std::string Codec<std::vector<BindEntry>>::format(const std::vector<BindEntry>& value) {
    return format_lines(value, [](const BindEntry& entry) {
        return std::string(entry.optional ? "-" : "") + escape_colons(entry.source) + ":" +
               escape_colons(entry.destination) + (entry.recursive ? "" : ":norbind");
    });
}

void Codec<std::vector<BindEntry>>::write(const std::vector<BindEntry>& value, ValueSink& sink) {
    constexpr std::uint64_t recursive_flag = 16384;  // MS_REC, which is what systemd sends
    sink.open_array("(ssbt)");
    for (const BindEntry& entry : value) {
        sink.open_struct("ssbt");
        sink.string(entry.source);
        sink.string(entry.destination);
        sink.boolean(entry.optional);
        sink.unsigned64(entry.recursive ? recursive_flag : 0);
        sink.close_struct();
    }
    sink.close_array();
}

Assigned Codec<std::vector<TmpfsEntry>>::assign(
    std::vector<TmpfsEntry>& field, std::string_view text, const ValueContext& context) {
    return append_words(field, text, context, read_tmpfs);
}

std::string Codec<std::vector<TmpfsEntry>>::format(const std::vector<TmpfsEntry>& value) {
    return format_lines(value, [](const TmpfsEntry& entry) {
        return entry.path + (entry.options.empty() ? "" : ":" + entry.options);
    });
}

void Codec<std::vector<TmpfsEntry>>::write(const std::vector<TmpfsEntry>& value, ValueSink& sink) {
    sink.open_array("(ss)");
    for (const TmpfsEntry& entry : value) {
        sink.open_struct("ss");
        sink.string(entry.path);
        sink.string(entry.options);
        sink.close_struct();
    }
    sink.close_array();
}

}  // namespace hearth
