// SPDX-License-Identifier: MIT
#include "units/root_codecs.hpp"

#include <algorithm>

#include "parser/diagnostic.hpp"
#include "parser/edit_distance.hpp"
#include "units/path_codec_parts.hpp"

namespace hearth {

using codec_parts::append_words;
using codec_parts::escape_colons;
using codec_parts::format_lines;
using codec_parts::shifted;
using codec_parts::split_at_colons;

namespace {

using Partitions = std::vector<PartitionOptions>;

/// `OPTIONS`, or PARTITION:OPTIONS as often as there are partitions; from parts[first] on.
Result<Partitions, ValueError> read_partitions(
    const std::vector<std::string>& parts, std::size_t first) {
    Partitions made;
    if (parts.size() == first + 1) {
        if (!parts[first].empty()) {
            made.push_back({"root", parts[first]});
        }
        return made;
    }
    for (std::size_t i = first; i < parts.size(); i += 2) {
        if (std::ranges::find(partition_names, parts[i]) == partition_names.end()) {
            return bad_value(
                quoted(parts[i]) + " is no partition", did_you_mean(parts[i], partition_names));
        }
        if (i + 1 == parts.size()) {
            return bad_value(
                "partition " + quoted(parts[i]) + " has no options", "write PARTITION:OPTIONS");
        }
        made.push_back({parts[i], parts[i + 1]});
    }
    return made;
}

std::string text_of(const Partitions& partitions, std::string_view separator) {
    std::string text;
    for (const PartitionOptions& each : partitions) {
        text += text.empty() ? "" : separator;
        text += each.partition + ":" + each.options;
    }
    return text;
}

void write_partitions(const Partitions& partitions, ValueSink& sink) {
    sink.open_array("(ss)");
    for (const PartitionOptions& each : partitions) {
        sink.open_struct("ss");
        sink.string(each.partition);
        sink.string(each.options);
        sink.close_struct();
    }
    sink.close_array();
}

bool read_dash(std::string_view& text) {
    const bool optional = text.starts_with('-');
    text.remove_prefix(optional ? 1 : 0);
    return optional;
}

Result<ImageEntry, ValueError> read_image(std::string_view text, const ValueContext& context) {
    ImageEntry made;
    made.optional = read_dash(text);
    const std::vector<std::string> parts = split_at_colons(text);
    if (parts.size() < 2) {
        return bad_value(
            quoted(text) + " has no destination", "write SOURCE:DESTINATION[:OPTIONS]");
    }
    made.source = HEARTH_TRY(read_absolute_path(parts[0], context));
    made.destination = HEARTH_TRY(read_absolute_path(parts[1], context));
    made.options = HEARTH_TRY(read_partitions(parts, 2));
    return made;
}

Result<ExtensionEntry, ValueError> read_extension(
    std::string_view text, const ValueContext& context) {
    ExtensionEntry made;
    made.optional = read_dash(text);
    const std::vector<std::string> parts = split_at_colons(text);
    made.source = HEARTH_TRY(read_absolute_path(parts[0], context));
    made.options = HEARTH_TRY(read_partitions(parts, 1));
    return made;
}

Result<DirectoryEntry, ValueError> read_directory(
    std::string_view text, const ValueContext& context) {
    DirectoryEntry made;
    made.optional = read_dash(text);
    auto path = read_absolute_path(text, context);
    if (!path) {
        return Unexpected(shifted(std::move(path).error(), made.optional ? 1 : 0));
    }
    made.path = std::move(path).value();
    return made;
}

std::string with_options(const std::string& text, const Partitions& partitions) {
    return partitions.empty() ? text : text + ":" + text_of(partitions, ":");
}

std::string text_of(const DirectoryEntry& entry) {
    return (entry.optional ? "-" : "") + entry.path;
}

}  // namespace

Assigned Codec<MountFlags>::assign(
    MountFlags& field, std::string_view text, const ValueContext& context) {
    return EnumCodec<mount_flags_names>::assign(field, text, context);
}
std::string Codec<MountFlags>::format(const MountFlags& value) {
    return std::string(name_of(value, mount_flags_names));
}
void Codec<MountFlags>::write(const MountFlags& value, ValueSink& sink) {
    // The bits of mount(2), which is what systemd sends.
    constexpr std::uint64_t private_bit = 1U << 18, slave_bit = 1U << 19, shared_bit = 1U << 20;
    sink.unsigned64(
        value == MountFlags::Shared    ? shared_bit
        : value == MountFlags::Slave   ? slave_bit
        : value == MountFlags::Private ? private_bit
                                       : 0);
}

Assigned Codec<PrivateTmp>::assign(
    PrivateTmp& field, std::string_view text, const ValueContext& context) {
    if (text == "disconnected") {
        field = PrivateTmp::Disconnected;
        return {};
    }
    bool yes = false;
    HEARTH_TRY(Codec<bool>::assign(yes, text, context));
    field = yes;
    return {};
}
std::string Codec<PrivateTmp>::format(const PrivateTmp& value) {
    return value == PrivateTmp::Disconnected ? "disconnected" : value ? "yes" : "no";
}
void Codec<PrivateTmp>::write(const PrivateTmp& value, ValueSink& sink) {
    sink.boolean(static_cast<bool>(value));
}

Assigned Codec<ImageOptions>::assign(
    ImageOptions& field, std::string_view text, const ValueContext& context) {
    return append_words(
        field.partitions,
        text,
        context,
        [](std::string_view word,
           const ValueContext& words) -> Result<PartitionOptions, ValueError> {
            const std::string expanded = HEARTH_TRY(expand(word, words));
            Partitions made = HEARTH_TRY(read_partitions(split_at_colons(expanded), 0));
            if (made.size() != 1) {
                return bad_value(
                    quoted(word) + " is not one partition's options",
                    "write [PARTITION:]OPTIONS, separated by spaces");
            }
            return std::move(made.front());
        });
}
std::string Codec<ImageOptions>::format(const ImageOptions& value) {
    return text_of(value.partitions, " ");
}
void Codec<ImageOptions>::write(const ImageOptions& value, ValueSink& sink) {
    write_partitions(value.partitions, sink);
}

Assigned Codec<std::vector<ImageEntry>>::assign(
    std::vector<ImageEntry>& field, std::string_view text, const ValueContext& context) {
    return append_words(field, text, context, read_image);
}
std::string Codec<std::vector<ImageEntry>>::format(const std::vector<ImageEntry>& value) {
    return format_lines(value, [](const ImageEntry& entry) {
        return with_options(
            (entry.optional ? "-" : "") + escape_colons(entry.source) + ":" +
                escape_colons(entry.destination),
            entry.options);
    });
}
void Codec<std::vector<ImageEntry>>::write(const std::vector<ImageEntry>& value, ValueSink& sink) {
    sink.open_array("(ssba(ss))");
    for (const ImageEntry& entry : value) {
        sink.open_struct("ssba(ss)");
        sink.string(entry.source);
        sink.string(entry.destination);
        sink.boolean(entry.optional);
        write_partitions(entry.options, sink);
        sink.close_struct();
    }
    sink.close_array();
}

Assigned Codec<std::vector<ExtensionEntry>>::assign(
    std::vector<ExtensionEntry>& field, std::string_view text, const ValueContext& context) {
    return append_words(field, text, context, read_extension);
}
std::string Codec<std::vector<ExtensionEntry>>::format(const std::vector<ExtensionEntry>& value) {
    return format_lines(value, [](const ExtensionEntry& entry) {
        return with_options(
            (entry.optional ? "-" : "") + escape_colons(entry.source), entry.options);
    });
}
void Codec<std::vector<ExtensionEntry>>::write(
    const std::vector<ExtensionEntry>& value, ValueSink& sink) {
    sink.open_array("(sba(ss))");
    for (const ExtensionEntry& entry : value) {
        sink.open_struct("sba(ss)");
        sink.string(entry.source);
        sink.boolean(entry.optional);
        write_partitions(entry.options, sink);
        sink.close_struct();
    }
    sink.close_array();
}

Assigned Codec<std::vector<DirectoryEntry>>::assign(
    std::vector<DirectoryEntry>& field, std::string_view text, const ValueContext& context) {
    return append_words(field, text, context, read_directory);
}
std::string Codec<std::vector<DirectoryEntry>>::format(const std::vector<DirectoryEntry>& value) {
    return format_lines(value, [](const DirectoryEntry& entry) { return text_of(entry); });
}
void Codec<std::vector<DirectoryEntry>>::write(
    const std::vector<DirectoryEntry>& value, ValueSink& sink) {
    sink.open_array("s");
    for (const DirectoryEntry& entry : value) {
        sink.string(text_of(entry));
    }
    sink.close_array();
}

}  // namespace hearth
