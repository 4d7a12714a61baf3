// SPDX-License-Identifier: MIT
#include "supervisor/ctl/value.hpp"

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <cmath>
#include <cstring>

namespace hearth::ctl {

namespace {

Unexpected<Error> unreadable(int result) {
    return failure(std::string("unreadable answer: ") + std::strerror(-result), -result);
}

Result<Value> read_container(sd_bus_message* message, char type, const char* contents) {
    Value value;
    value.type = type == SD_BUS_TYPE_STRUCT ? '(' : (type == SD_BUS_TYPE_DICT_ENTRY ? '{' : type);
    const std::string inner(contents);
    if (type == SD_BUS_TYPE_ARRAY) {
        value.signature = "a" + inner;
    } else {
        value.signature = type == SD_BUS_TYPE_STRUCT ? "(" + inner + ")" : "{" + inner + "}";
    }
    int result = sd_bus_message_enter_container(message, type, inner.c_str());
    if (result < 0) {
        return unreadable(result);
    }
    while ((result = sd_bus_message_at_end(message, 0)) == 0) {
        value.members.push_back(HEARTH_TRY(read_value(message)));
    }
    if (result >= 0) {
        result = sd_bus_message_exit_container(message);
    }
    if (result < 0) {
        return unreadable(result);
    }
    return value;
}

Result<Value> read_basic(sd_bus_message* message, char type) {
    Value value;
    value.type = type;
    value.signature = type;
    union {
        const char* text;
        std::uint8_t byte;
        std::int16_t signed16;
        std::uint16_t unsigned16;
        std::int32_t signed32;
        std::uint32_t unsigned32;
        std::int64_t signed64;
        std::uint64_t unsigned64;
        double real;
        int truth;
    } raw{};
    if (const int result = sd_bus_message_read_basic(message, type, &raw); result < 0) {
        return unreadable(result);
    }
    const auto widened = [](std::int64_t number) { return static_cast<std::uint64_t>(number); };
    switch (type) {
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
        case SD_BUS_TYPE_SIGNATURE:
            value.text = raw.text;
            break;
        case SD_BUS_TYPE_BOOLEAN:
            value.number = raw.truth != 0 ? 1 : 0;
            break;
        case SD_BUS_TYPE_BYTE:
            value.number = raw.byte;
            break;
        case SD_BUS_TYPE_INT16:
            value.number = widened(raw.signed16);
            break;
        case SD_BUS_TYPE_UINT16:
            value.number = raw.unsigned16;
            break;
        case SD_BUS_TYPE_INT32:
            value.number = widened(raw.signed32);
            break;
        case SD_BUS_TYPE_UNIX_FD:
            value.number = widened(raw.truth);
            break;
        case SD_BUS_TYPE_UINT32:
            value.number = raw.unsigned32;
            break;
        case SD_BUS_TYPE_INT64:
            value.number = widened(raw.signed64);
            break;
        case SD_BUS_TYPE_DOUBLE:
            value.real = raw.real;
            break;
        default:
            value.number = raw.unsigned64;
            break;
    }
    return value;
}

}  // namespace

Result<Value> read_value(sd_bus_message* message) {
    char type = 0;
    const char* contents = nullptr;
    if (const int result = sd_bus_message_peek_type(message, &type, &contents); result <= 0) {
        return unreadable(result == 0 ? -EBADMSG : result);
    }
    if (type == SD_BUS_TYPE_VARIANT) {
        int result = sd_bus_message_enter_container(message, type, contents);
        if (result < 0) {
            return unreadable(result);
        }
        Value value = HEARTH_TRY(read_value(message));
        result = sd_bus_message_exit_container(message);
        if (result < 0) {
            return unreadable(result);
        }
        return value;
    }
    if (contents != nullptr) {
        return read_container(message, type, contents);
    }
    return read_basic(message, type);
}

Result<Properties> read_properties(sd_bus_message* message) {
    Value dictionary = HEARTH_TRY(read_value(message));
    if (dictionary.signature != "a{sv}") {
        return failure("unreadable answer: properties of type " + dictionary.signature);
    }
    Properties properties;
    properties.reserve(dictionary.members.size());
    for (Value& entry : dictionary.members) {
        properties.push_back({std::move(entry.members[0].text), std::move(entry.members[1])});
    }
    return properties;
}

PropertyMap::PropertyMap(const Properties& properties) {
    for (const NamedValue& property : properties) {
        values_.emplace(property.name, &property.value);
    }
}

const Value* PropertyMap::find(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? nullptr : found->second;
}

std::string PropertyMap::text(std::string_view name) const {
    const Value* value = find(name);
    return value == nullptr ? std::string() : value->text;
}

std::uint64_t PropertyMap::number(std::string_view name) const {
    const Value* value = find(name);
    return value == nullptr ? 0 : value->number;
}

std::uint64_t PropertyMap::counter(std::string_view name) const {
    const Value* value = find(name);
    return value == nullptr ? UINT64_MAX : value->number;
}

std::vector<std::string> PropertyMap::texts(std::string_view name) const {
    std::vector<std::string> texts;
    if (const Value* value = find(name)) {
        for (const Value& member : value->members) {
            texts.push_back(member.text);
        }
    }
    return texts;
}

std::string json_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char byte : text) {
        if (byte == '"' || byte == '\\') {
            quoted += '\\';
            quoted += byte;
        } else if (static_cast<unsigned char>(byte) < 0x20) {
            quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(byte));
        } else {
            quoted += byte;
        }
    }
    return quoted + '"';
}

std::string to_json(const Value& value) {
    switch (value.type) {
        case 's':
        case 'o':
        case 'g':
            return json_string(value.text);
        case 'b':
            return value.truth() ? "true" : "false";
        case 'i':
        case 'x':
        case 'n':
            return std::to_string(value.integer());
        case 'd':
            return std::isfinite(value.real) ? fmt::format("{}", value.real) : "null";
        case 'a':
        case '(': {
            std::string list;
            for (const Value& member : value.members) {
                list += (list.empty() ? "" : ",") + to_json(member);
            }
            return "[" + list + "]";
        }
        case '{':
            return "[" + to_json(value.members[0]) + "," + to_json(value.members[1]) + "]";
        default:
            return std::to_string(value.number);
    }
}

std::string to_json(const Properties& properties) {
    std::string object;
    for (const NamedValue& property : properties) {
        object += (object.empty() ? "" : ",") + json_string(property.name) + ":" +
                  to_json(property.value);
    }
    return "{" + object + "}";
}

}  // namespace hearth::ctl
