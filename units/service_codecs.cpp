// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "parser/diagnostic.hpp"
#include "parser/words.hpp"
#include "units/codec_parts.hpp"
#include "units/codecs.hpp"

namespace hearth {

namespace {

constexpr std::size_t longest_descriptor_name = 255;

struct FileOption {
    std::string_view name;
    bool PassedFile::* field;
    std::uint64_t bit;  ///< in the bus form
};
constexpr auto file_options = std::to_array<FileOption>({
    {"read-only", &PassedFile::read_only, 1},
    {"append", &PassedFile::append, 2},
    {"truncate", &PassedFile::truncate, 4},
    {"graceful", &PassedFile::graceful, 8},
});

bool is_descriptor_name(std::string_view name) {
    return !name.empty() && name.size() <= longest_descriptor_name &&
           std::ranges::all_of(
               name, [](char byte) { return byte > 0x20 && byte < 0x7f && byte != ':'; });
}

Assigned read_options(PassedFile& made, std::string_view text) {
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const std::string_view word = text.substr(0, comma);
        const auto* const option = std::ranges::find(file_options, word, &FileOption::name);
        if (option == file_options.end()) {
            return bad_value(
                quoted(word) + " is no option of OpenFile=",
                "write read-only, append, truncate or graceful");
        }
        made.*(option->field) = true;
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    if (made.read_only && (made.append || made.truncate)) {
        return bad_value("read-only excludes append and truncate", "leave out one of the options");
    }
    return {};
}

Result<PassedFile, ValueError> read_file(std::string_view text, const ValueContext& context) {
    PassedFile made;
    const std::size_t colon = std::min(text.find(':'), text.size());
    made.path = HEARTH_TRY(read_absolute_path(text.substr(0, colon), context));
    made.name = made.path.substr(made.path.rfind('/') + 1);
    text.remove_prefix(std::min(colon + 1, text.size()));
    const std::size_t second = std::min(text.find(':'), text.size());
    if (const std::string_view name = text.substr(0, second); !name.empty()) {
        made.name = HEARTH_TRY(expand(name, context));
    }
    if (!is_descriptor_name(made.name)) {
        return bad_value(
            quoted(made.name) + " can't be the name of a descriptor",
            "write PATH:NAME with at most 255 printable characters and no space or colon");
    }
    text.remove_prefix(std::min(second + 1, text.size()));
    HEARTH_TRY(read_options(made, text));
    return made;
}

std::string text_of(const PassedFile& file) {
    std::string text = file.path + ":" + file.name;
    char before = ':';
    for (const FileOption& option : file_options) {
        if (file.*(option.field)) {
            text += before;
            text += option.name;
            before = ',';
        }
    }
    return text;
}

}  // namespace

Assigned Codec<std::vector<PassedFile>>::assign(
    std::vector<PassedFile>& field, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        field.clear();
        return {};
    }
    field.push_back(HEARTH_TRY(read_file(text, context)));
    return {};
}

std::string Codec<std::vector<PassedFile>>::format(const std::vector<PassedFile>& value) {
    std::string text;
    for (const PassedFile& file : value) {
        text += (text.empty() ? "" : "\n") + text_of(file);
    }
    return text;
}

void Codec<std::vector<PassedFile>>::write(const std::vector<PassedFile>& value, ValueSink& sink) {
    sink.open_array("(sst)");
    for (const PassedFile& file : value) {
        std::uint64_t flags = 0;
        for (const FileOption& option : file_options) {
            flags |= file.*(option.field) ? option.bit : 0;
        }
        sink.open_struct("sst");
        sink.string(file.path);
        sink.string(file.name);
        sink.unsigned64(flags);
        sink.close_struct();
    }
    sink.close_array();
}

}  // namespace hearth
