// SPDX-License-Identifier: MIT
//
// MessageSink: the ValueSink that writes into a D-Bus message. It remembers the first error instead
// of reporting each call: the caller asks once, with result(), when the property is complete. It
// does not own the message.
#pragma once

#include "parser/value_sink.hpp"

struct sd_bus_message;

namespace hearth::bus {

class MessageSink final : public ValueSink {
public:
    explicit MessageSink(sd_bus_message* message) noexcept : message_(message) {}

    void boolean(bool value) override;
    void byte(std::uint8_t value) override;
    void unsigned16(std::uint16_t value) override;
    void signed32(std::int32_t value) override;
    void unsigned32(std::uint32_t value) override;
    void signed64(std::int64_t value) override;
    void unsigned64(std::uint64_t value) override;
    void real(double value) override;
    /// A text that isn't UTF-8 can't be sent: its bad bytes become '?'.
    void string(std::string_view value) override;
    void object_path(std::string_view value) override;
    void open_array(std::string_view element_signature) override;
    void close_array() override;
    void open_struct(std::string_view member_signature) override;
    void close_struct() override;

    /// 0, or the negative errno of the first call that failed.
    [[nodiscard]] int result() const noexcept { return result_; }

private:
    void append(char type, const void* value);
    void open(char type, std::string_view contents);
    void close();

    sd_bus_message* message_;
    int result_ = 0;
};

/// `text` with bytes that are not UTF-8, and NULs, replaced by '?': D-Bus refuses them.
[[nodiscard]] std::string sendable(std::string_view text);

}  // namespace hearth::bus
