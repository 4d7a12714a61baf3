// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <type_traits>
#include <utility>

#include "parser/diagnostic.hpp"
#include "parser/edit_distance.hpp"
#include "parser/enum_codec.hpp"
#include "parser/values.hpp"
#include "parser/words.hpp"

namespace hearth {

namespace {

/// What most codecs do: an empty text resets, any other is read whole.
template <class T, class Read>
Assigned assign_read(T& field, std::string_view text, Read read) {
    if (trimmed(text).empty()) {
        field = T{};
        return {};
    }
    field = HEARTH_TRY(read(text));
    return {};
}

template <class T>
Assigned assign_number(T& field, std::string_view text) {
    using Limits = std::numeric_limits<T>;
    return assign_read(field, text, [](std::string_view number) -> Result<T, ValueError> {
        if constexpr (std::is_signed_v<T>) {
            return static_cast<T>(HEARTH_TRY(read_integer(number, Limits::min(), Limits::max())));
        } else {
            return static_cast<T>(HEARTH_TRY(read_unsigned(number, Limits::min(), Limits::max())));
        }
    });
}

Result<AbsolutePath, ValueError> read_path(std::string_view text, const ValueContext& context) {
    return AbsolutePath{HEARTH_TRY(read_absolute_path(text, context))};
}

Result<OptionalPath, ValueError> read_optional_path(
    std::string_view text, const ValueContext& context) {
    const bool optional = text.starts_with('-');
    auto path = read_absolute_path(text.substr(optional ? 1 : 0), context);
    if (!path) {
        path.error().offset += optional ? 1 : 0;
        return Unexpected(std::move(path).error());
    }
    return OptionalPath{std::move(*path), optional};
}

const std::string& text_of(const std::string& word) {
    // As the other text_of, for templates; never given a temporary.
    return word;  // NOLINT(bugprone-return-const-ref-from-parameter)
}
const std::string& text_of(const AbsolutePath& path) {
    return path.path;
}
std::string text_of(const OptionalPath& path) {
    return (path.optional ? "-" : "") + path.path;
}

/// Lists: each assignment appends its words, an empty one drops all. All words or none.
template <class T, class Read>
Assigned assign_words(
    std::vector<T>& field, std::string_view text, const ValueContext& context, Read read) {
    if (trimmed(text).empty()) {
        field.clear();
        return {};
    }
    std::vector<T> values;
    std::size_t length = 0;
    const auto words = HEARTH_TRY(split_words(text, Escapes::Relaxed, context.notes));
    for (const Word& word : words) {
        Result<T, ValueError> value = read(word.text, context);
        if (!value) {
            value.error().offset = std::min(value.error().offset + word.offset, text.size());
            return Unexpected(std::move(value).error());
        }
        length += text_of(*value).size();
        if (length > max_expanded_length) {
            return bad_value(
                fmt::format(
                    "longer than {} bytes after its specifiers are replaced", max_expanded_length),
                "use fewer or shorter specifiers",
                word.offset);
        }
        values.push_back(std::move(*value));
    }
    field.insert(
        field.end(),
        std::make_move_iterator(values.begin()),
        std::make_move_iterator(values.end()));
    return {};
}

template <class T>
std::vector<std::string> texts_of(const std::vector<T>& values) {
    std::vector<std::string> texts;
    texts.reserve(values.size());
    for (const T& value : values) {
        texts.push_back(text_of(value));
    }
    return texts;
}

}  // namespace

Unexpected<ValueError> unknown_name(
    std::string_view text, std::span<const std::string_view> names) {
    std::string list;
    for (const std::string_view name : names) {
        list += list.empty() ? "" : ", ";
        list += name.empty() ? std::string_view("(empty)") : name;
    }
    return bad_value(
        fmt::format("{} is not one of {}", quoted(text), list), did_you_mean(text, names));
}

// ---- bool

Assigned Codec<bool>::assign(bool& field, std::string_view text, const ValueContext&) {
    return assign_read(field, text, read_boolean);
}
std::string Codec<bool>::format(const bool& value) {
    return value ? "yes" : "no";
}
void Codec<bool>::write(const bool& value, ValueSink& sink) {
    sink.boolean(value);
}

// ---- integers

Assigned Codec<std::int32_t>::assign(
    std::int32_t& field, std::string_view text, const ValueContext&) {
    return assign_number(field, text);
}
std::string Codec<std::int32_t>::format(const std::int32_t& value) {
    return std::to_string(value);
}
void Codec<std::int32_t>::write(const std::int32_t& value, ValueSink& sink) {
    sink.signed32(value);
}

Assigned Codec<std::uint32_t>::assign(
    std::uint32_t& field, std::string_view text, const ValueContext&) {
    return assign_number(field, text);
}
std::string Codec<std::uint32_t>::format(const std::uint32_t& value) {
    return std::to_string(value);
}
void Codec<std::uint32_t>::write(const std::uint32_t& value, ValueSink& sink) {
    sink.unsigned32(value);
}

Assigned Codec<std::int64_t>::assign(
    std::int64_t& field, std::string_view text, const ValueContext&) {
    return assign_number(field, text);
}
std::string Codec<std::int64_t>::format(const std::int64_t& value) {
    return std::to_string(value);
}
void Codec<std::int64_t>::write(const std::int64_t& value, ValueSink& sink) {
    sink.signed64(value);
}

Assigned Codec<std::uint64_t>::assign(
    std::uint64_t& field, std::string_view text, const ValueContext&) {
    return assign_number(field, text);
}
std::string Codec<std::uint64_t>::format(const std::uint64_t& value) {
    return std::to_string(value);
}
void Codec<std::uint64_t>::write(const std::uint64_t& value, ValueSink& sink) {
    sink.unsigned64(value);
}

// ---- strings

Assigned Codec<std::string>::assign(
    std::string& field, std::string_view text, const ValueContext& context) {
    field = HEARTH_TRY(expand(text, context));
    return {};
}
std::string Codec<std::string>::format(const std::string& value) {
    return value;
}
void Codec<std::string>::write(const std::string& value, ValueSink& sink) {
    sink.string(value);
}

Assigned Codec<std::vector<std::string>>::assign(
    std::vector<std::string>& field, std::string_view text, const ValueContext& context) {
    return assign_words(field, text, context, [](std::string_view word, const ValueContext& from) {
        return expand(word, from);
    });
}
std::string Codec<std::vector<std::string>>::format(const std::vector<std::string>& value) {
    return join_words(value);
}
void Codec<std::vector<std::string>>::write(
    const std::vector<std::string>& value, ValueSink& sink) {
    sink.strings(value);
}

// ---- quantities

Assigned Codec<Timespan>::assign(Timespan& field, std::string_view text, const ValueContext&) {
    return assign_read(field, text, [](std::string_view span) { return read_timespan(span); });
}
std::string Codec<Timespan>::format(const Timespan& value) {
    return format_timespan(value);
}
void Codec<Timespan>::write(const Timespan& value, ValueSink& sink) {
    sink.unsigned64(value.microseconds);
}

Assigned Codec<Bytes>::assign(Bytes& field, std::string_view text, const ValueContext&) {
    return assign_read(field, text, read_bytes);
}
std::string Codec<Bytes>::format(const Bytes& value) {
    return format_bytes(value);
}
void Codec<Bytes>::write(const Bytes& value, ValueSink& sink) {
    sink.unsigned64(value.count);
}

Assigned Codec<Percent>::assign(Percent& field, std::string_view text, const ValueContext&) {
    return assign_read(field, text, [](std::string_view number) -> Result<Percent, ValueError> {
        const Permyriad value = HEARTH_TRY(read_permyriad(number));
        if (value.permyriad > 100 * 100 || value.permyriad % 100 != 0) {
            return bad_value(
                fmt::format("{} is not a whole percentage up to 100%", quoted(trimmed(number))),
                "write it from 0% to 100%");
        }
        return Percent{value.permyriad / 100};
    });
}
std::string Codec<Percent>::format(const Percent& value) {
    return fmt::format("{}%", value.percent);
}
void Codec<Percent>::write(const Percent& value, ValueSink& sink) {
    sink.unsigned32(value.percent);
}

Assigned Codec<Permyriad>::assign(Permyriad& field, std::string_view text, const ValueContext&) {
    return assign_read(field, text, read_permyriad);
}
std::string Codec<Permyriad>::format(const Permyriad& value) {
    return format_permyriad(value);
}
void Codec<Permyriad>::write(const Permyriad& value, ValueSink& sink) {
    sink.unsigned32(value.permyriad);
}

Assigned Codec<Mode>::assign(Mode& field, std::string_view text, const ValueContext&) {
    return assign_read(field, text, read_mode);
}
std::string Codec<Mode>::format(const Mode& value) {
    return fmt::format("{:04o}", value.bits);
}
void Codec<Mode>::write(const Mode& value, ValueSink& sink) {
    sink.unsigned32(value.bits);
}

// ---- paths

Assigned Codec<AbsolutePath>::assign(
    AbsolutePath& field, std::string_view text, const ValueContext& context) {
    return assign_read(
        field, text, [&](std::string_view path) { return read_path(path, context); });
}
std::string Codec<AbsolutePath>::format(const AbsolutePath& value) {
    return text_of(value);
}
void Codec<AbsolutePath>::write(const AbsolutePath& value, ValueSink& sink) {
    sink.string(value.path);
}

Assigned Codec<OptionalPath>::assign(
    OptionalPath& field, std::string_view text, const ValueContext& context) {
    return assign_read(
        field, text, [&](std::string_view path) { return read_optional_path(path, context); });
}
std::string Codec<OptionalPath>::format(const OptionalPath& value) {
    return text_of(value);
}
void Codec<OptionalPath>::write(const OptionalPath& value, ValueSink& sink) {
    sink.string(text_of(value));
}

Assigned Codec<std::vector<AbsolutePath>>::assign(
    std::vector<AbsolutePath>& field, std::string_view text, const ValueContext& context) {
    return assign_words(field, text, context, read_path);
}
std::string Codec<std::vector<AbsolutePath>>::format(const std::vector<AbsolutePath>& value) {
    return join_words(texts_of(value));
}
void Codec<std::vector<AbsolutePath>>::write(
    const std::vector<AbsolutePath>& value, ValueSink& sink) {
    sink.strings(texts_of(value));
}

Assigned Codec<std::vector<OptionalPath>>::assign(
    std::vector<OptionalPath>& field, std::string_view text, const ValueContext& context) {
    return assign_words(field, text, context, read_optional_path);
}
std::string Codec<std::vector<OptionalPath>>::format(const std::vector<OptionalPath>& value) {
    return join_words(texts_of(value));
}
void Codec<std::vector<OptionalPath>>::write(
    const std::vector<OptionalPath>& value, ValueSink& sink) {
    sink.strings(texts_of(value));
}

}  // namespace hearth
