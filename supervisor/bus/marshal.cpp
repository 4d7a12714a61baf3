// SPDX-License-Identifier: MIT
#include "supervisor/bus/marshal.hpp"

#include <systemd/sd-bus.h>

#include "parser/utf8.hpp"

namespace hearth::bus {

void MessageSink::append(char type, const void* value) {
    if (result_ < 0) {
        return;
    }
    if (const int result = sd_bus_message_append_basic(message_, type, value); result < 0) {
        result_ = result;
    }
}

void MessageSink::open(char type, std::string_view contents) {
    if (result_ < 0) {
        return;
    }
    const int result = sd_bus_message_open_container(message_, type, std::string(contents).c_str());
    if (result < 0) {
        result_ = result;
    }
}

void MessageSink::close() {
    if (result_ < 0) {
        return;
    }
    if (const int result = sd_bus_message_close_container(message_); result < 0) {
        result_ = result;
    }
}

void MessageSink::boolean(bool value) {
    const int wide = value ? 1 : 0;  // sd-bus reads an int
    append(SD_BUS_TYPE_BOOLEAN, &wide);
}

void MessageSink::byte(std::uint8_t value) {
    append(SD_BUS_TYPE_BYTE, &value);
}

void MessageSink::unsigned16(std::uint16_t value) {
    append(SD_BUS_TYPE_UINT16, &value);
}

void MessageSink::signed32(std::int32_t value) {
    append(SD_BUS_TYPE_INT32, &value);
}

void MessageSink::unsigned32(std::uint32_t value) {
    append(SD_BUS_TYPE_UINT32, &value);
}

void MessageSink::signed64(std::int64_t value) {
    append(SD_BUS_TYPE_INT64, &value);
}

void MessageSink::unsigned64(std::uint64_t value) {
    append(SD_BUS_TYPE_UINT64, &value);
}

void MessageSink::real(double value) {
    append(SD_BUS_TYPE_DOUBLE, &value);
}

void MessageSink::string(std::string_view value) {
    append(SD_BUS_TYPE_STRING, sendable(value).c_str());
}

void MessageSink::object_path(std::string_view value) {
    append(SD_BUS_TYPE_OBJECT_PATH, std::string(value).c_str());
}

void MessageSink::open_array(std::string_view element_signature) {
    open(SD_BUS_TYPE_ARRAY, element_signature);
}

void MessageSink::close_array() {
    close();
}

void MessageSink::open_struct(std::string_view member_signature) {
    open(SD_BUS_TYPE_STRUCT, member_signature);
}

void MessageSink::close_struct() {
    close();
}

std::string sendable(std::string_view text) {
    std::string result(text);
    for (char& byte : result) {
        if (byte == '\0') {
            byte = '?';
        }
    }
    if (find_invalid_utf8(result) == std::string::npos) {
        return result;
    }
    for (char& byte : result) {
        if (static_cast<unsigned char>(byte) >= 0x80) {
            byte = '?';
        }
    }
    return result;
}

}  // namespace hearth::bus
