// SPDX-License-Identifier: MIT
//
// Request: one method call being answered: its arguments, its errors, its reply. Arguments were
// checked against the signature by sd-bus, but a body can still be malformed, so read() may fail
// with a negative errno, which the handler returns. Strings are copied: sd-bus's die with the
// message.
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/bus/marshal.hpp"
#include "units/engine.hpp"

namespace hearth::bus {

struct Connection;

/// Shared ownership of a call that is answered later; keeps its connection's sd_bus alive, too.
class MessageReference {
public:
    explicit MessageReference(sd_bus_message* message) noexcept
        : message_(sd_bus_message_ref(message)) {}
    MessageReference(const MessageReference& other) noexcept : MessageReference(other.message_) {}
    MessageReference(MessageReference&& other) noexcept
        : message_(std::exchange(other.message_, nullptr)) {}
    MessageReference& operator=(MessageReference other) noexcept {
        std::swap(message_, other.message_);
        return *this;
    }
    ~MessageReference() { sd_bus_message_unref(message_); }
    [[nodiscard]] sd_bus_message* message() const noexcept { return message_; }

private:
    sd_bus_message* message_;
};

/// A reply under construction. send() gives what a handler returns.
class Reply {
public:
    explicit Reply(sd_bus_message* call);
    Reply(const Reply&) = delete;
    Reply& operator=(const Reply&) = delete;
    ~Reply() { sd_bus_message_unref(message_); }

    [[nodiscard]] MessageSink& sink() { return sink_; }
    [[nodiscard]] sd_bus_message* message() { return message_; }
    int send();

private:
    sd_bus_message* message_ = nullptr;
    int result_;
    MessageSink sink_;
};

struct Request {
    Request(Connection& on, sd_bus_message* call, sd_bus_error* reason)
        : connection(on), message(call), error(reason) {}

    Connection& connection;
    sd_bus_message* message;
    sd_bus_error* error;

    int read(std::string& value);
    int read(std::uint32_t& value);
    int read(std::uint64_t& value);
    int read(std::int32_t& value);
    int read(bool& value);
    int read(std::vector<std::string>& values);
    int read(std::vector<std::uint32_t>& values);
    template <class First, class Second, class... Rest>
    int read(First& first, Second& second, Rest&... rest) {
        const int result = read(first);
        return result < 0 ? result : read(second, rest...);
    }

    /// Answers with that error; the handler returns what this returns.
    int refuse(const RequestError& reason);
    int refuse(const char* name, const std::string& text);
    int done();
    int answer_path(const std::string& path);
    int answer_string(std::string_view text);
};

/// "NoSuchUnit" becomes "org.freedesktop.systemd1.NoSuchUnit"; D-Bus's own names get theirs.
[[nodiscard]] std::string error_name(std::string_view name);

}  // namespace hearth::bus
