// SPDX-License-Identifier: MIT
//
// Where typed values go: D-Bus messages (supervisor/bus/marshal), JSON, state files, tests. What is
// written is D-Bus's type system (systemd's property types are the contract, see
// org.freedesktop.systemd1(5)), but nothing here knows a bus. The caller writes exactly one
// complete value per property; `signature` arguments are D-Bus signatures, as in
// sd_bus_message_open_container.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hearth {

class ValueSink {
public:
    virtual ~ValueSink() = default;

    virtual void boolean(bool value) = 0;                             // b
    virtual void byte(std::uint8_t value) = 0;                        // y
    virtual void unsigned16(std::uint16_t value) = 0;                 // q
    virtual void signed32(std::int32_t value) = 0;                    // i
    virtual void unsigned32(std::uint32_t value) = 0;                 // u
    virtual void signed64(std::int64_t value) = 0;                    // x
    virtual void unsigned64(std::uint64_t value) = 0;                 // t
    virtual void real(double value) = 0;                              // d
    virtual void string(std::string_view value) = 0;                  // s
    virtual void object_path(std::string_view value) = 0;             // o
    virtual void open_array(std::string_view element_signature) = 0;  // a...
    virtual void close_array() = 0;
    virtual void open_struct(std::string_view member_signature) = 0;  // (...)
    virtual void close_struct() = 0;

    // The two arrays that most properties are.
    void strings(std::span<const std::string> values) {  // as
        open_array("s");
        for (const std::string& value : values) {
            string(value);
        }
        close_array();
    }
    void bytes(std::span<const std::uint8_t> values) {  // ay
        open_array("y");
        for (const std::uint8_t value : values) {
            byte(value);
        }
        close_array();
    }
};

}  // namespace hearth
