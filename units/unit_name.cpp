// SPDX-License-Identifier: MIT
#include "units/unit_name.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "parser/diagnostic.hpp"
#include "parser/enum_codec.hpp"
#include "parser/values.hpp"

namespace hearth {

namespace {

constexpr auto type_names = std::to_array<EnumName<UnitType>>({
    {UnitType::Service, "service"},
    {UnitType::Mount, "mount"},
    {UnitType::Swap, "swap"},
    {UnitType::Socket, "socket"},
    {UnitType::Target, "target"},
    {UnitType::Device, "device"},
    {UnitType::Automount, "automount"},
    {UnitType::Timer, "timer"},
    {UnitType::Path, "path"},
    {UnitType::Slice, "slice"},
    {UnitType::Scope, "scope"},
});

// Not <cctype>: names are bytes, whatever the locale.
bool is_alphanumeric(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9');
}

bool may_stand_in_name(char byte) {
    return is_alphanumeric(byte) ||
           std::string_view(":-_.\\@").find(byte) != std::string_view::npos;
}

void append_escaped(std::string& text, char byte) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto value = static_cast<unsigned char>(byte);
    text += "\\x";
    text += digits[value >> 4U];
    text += digits[value & 0xFU];
}

std::optional<unsigned> hexadecimal(char digit) {
    if (digit >= '0' && digit <= '9') {
        return static_cast<unsigned>(digit - '0');
    }
    if (digit >= 'a' && digit <= 'f') {
        return static_cast<unsigned>(digit - 'a') + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return static_cast<unsigned>(digit - 'A') + 10;
    }
    return std::nullopt;
}

bool has_dots_as_component(std::string_view path) {
    std::size_t begin = 0;
    while (begin <= path.size()) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view component = path.substr(begin, end - begin);
        if (component == "." || component == "..") {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

}  // namespace

std::string_view name(UnitType type) {
    return name_of(type, type_names);
}

UnitType unit_type(std::string_view unit_name) {
    const std::size_t dot = unit_name.rfind('.');
    return dot == std::string_view::npos
               ? UnitType::Service
               : value_of(unit_name.substr(dot + 1), type_names).value_or(UnitType::Service);
}

std::string UnitName::without_type() const {
    return instance ? prefix + "@" + *instance : prefix;
}

std::string template_of(std::string_view name) {
    const auto parsed = parse_unit_name(name);
    return parsed && parsed->is_instance() ? parsed->template_name() : std::string();
}

std::string UnitName::template_name() const {
    return prefix + "@." + std::string(name(type));
}

std::string UnitName::full() const {
    return without_type() + "." + std::string(name(type));
}

Result<UnitName> parse_unit_name(std::string_view text) {
    const auto invalid = [&](std::string_view why) {
        return failure("invalid unit name " + quoted(text) + ": " + std::string(why));
    };
    if (text.size() > max_unit_name_length) {
        return invalid("longer than 255 bytes");
    }
    const std::size_t dot = text.rfind('.');
    if (dot == std::string_view::npos) {
        return invalid("expected a type at its end, such as .service");
    }
    const std::optional<UnitType> type = value_of(text.substr(dot + 1), type_names);
    if (!type) {
        return invalid("no unit type is called " + quoted(text.substr(dot + 1)));
    }
    const std::string_view stem = text.substr(0, dot);
    if (stem.empty() || stem.front() == '@') {
        return invalid("expected a name before the type");
    }
    const auto* const bad = std::ranges::find_if_not(stem, may_stand_in_name);
    if (bad != stem.end()) {
        return invalid("expected letters, digits and :-_.\\@ only; escape other bytes as in \\x20");
    }
    UnitName made;
    made.type = *type;
    const std::size_t at = stem.find('@');
    made.prefix = stem.substr(0, at);
    if (at != std::string_view::npos) {
        made.instance = stem.substr(at + 1);
    }
    return made;
}

bool is_valid_unit_name(std::string_view text) {
    return parse_unit_name(text).has_value();
}

Result<std::string> complete_unit_name(std::string_view text) {
    if (is_valid_unit_name(text)) {
        return std::string(text);
    }
    if (text.empty()) {
        return failure("expected the name of a unit");
    }
    if (text.front() == '/') {
        const bool device = text.starts_with("/dev/") || text.starts_with("/sys/");
        std::string made = HEARTH_TRY(escape_path(text)) + (device ? ".device" : ".mount");
        HEARTH_TRY(parse_unit_name(made));
        return made;
    }
    std::string made;
    for (const char byte : text) {
        if (byte == '/') {
            made += '-';
        } else if (may_stand_in_name(byte)) {
            made += byte;
        } else {
            append_escaped(made, byte);
        }
    }
    const std::size_t dot = made.rfind('.');
    if (dot == std::string::npos || !value_of(std::string_view(made).substr(dot + 1), type_names)) {
        made += ".service";
    }
    HEARTH_TRY(parse_unit_name(made));
    return made;
}

std::string escape_unit_name(std::string_view text) {
    std::string made;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char byte = text[i];
        if (byte == '/') {
            made += '-';
        } else if (
            (is_alphanumeric(byte) || byte == ':' || byte == '_' || byte == '.') &&
            !(i == 0 && byte == '.')) {
            made += byte;
        } else {
            append_escaped(made, byte);
        }
    }
    return made;
}

Result<std::string> unescape_unit_name(std::string_view text) {
    std::string made;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '-') {
            made += '/';
            continue;
        }
        if (text[i] != '\\') {
            made += text[i];
            continue;
        }
        const bool complete = i + 3 < text.size() && text[i + 1] == 'x';
        const std::optional<unsigned> high = complete ? hexadecimal(text[i + 2]) : std::nullopt;
        const std::optional<unsigned> low = complete ? hexadecimal(text[i + 3]) : std::nullopt;
        if (!high || !low) {
            return failure(
                "cannot unescape " + quoted(text) + ": expected \\xNN after the backslash");
        }
        made += static_cast<char>(*high * 16 + *low);
        i += 3;
    }
    return made;
}

Result<std::string> escape_path(std::string_view path) {
    const std::string simple = simplified_path(path);
    std::string_view rest = simple;
    while (rest.starts_with('/')) {
        rest.remove_prefix(1);
    }
    while (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    if (rest.empty()) {
        return std::string("-");
    }
    if (has_dots_as_component(rest)) {
        return failure("cannot make a unit name of path " + quoted(path) + ": it contains '..'");
    }
    return escape_unit_name(rest);
}

Result<std::string> unescape_path(std::string_view text) {
    if (text == "-") {
        return std::string("/");
    }
    std::string made = "/" + HEARTH_TRY(unescape_unit_name(text));
    if (simplified_path(made) != made || has_dots_as_component(made)) {
        return failure("cannot unescape " + quoted(text) + ": it is not the name of a path");
    }
    return made;
}

}  // namespace hearth
