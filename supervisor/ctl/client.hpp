// SPDX-License-Identifier: MIT
//
// Client: one connection to hearthd's private socket. Calls block (this is a command line program);
// an error is the bus's own name and text, so verbs can map names to exit codes. Signals that
// arrive meanwhile are kept for next_signal().
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/ctl/value.hpp"

namespace hearth::ctl {

/// "org.freedesktop.systemd1.NoSuchUnit" and its text. Errors of the connection have no name.
struct CallError {
    std::string name;
    std::string message;

    [[nodiscard]] bool is(std::string_view last_part) const;
};

struct MessageCloser {
    void operator()(sd_bus_message* message) const noexcept { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, MessageCloser>;

class Client {
public:
    /// Connects to DIRECTORY/private.
    static Result<Client> connect(const std::string& runtime_directory);

    template <class... Arguments>
    Result<Message, CallError> call(
        const char* path,
        const char* interface,
        const char* member,
        const char* types,
        Arguments... arguments) {
        sd_bus_message* reply = nullptr;
        ErrorHolder error;
        const int result = sd_bus_call_method(
            bus_.get(),
            nullptr,
            path,
            interface,
            member,
            &error.error,
            &reply,
            types,
            arguments...);
        return finish(result, reply, error);
    }
    template <class... Arguments>
    Result<Message, CallError> manager(
        const char* member, const char* types, Arguments... arguments) {
        return call(
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager",
            member,
            types,
            arguments...);
    }

    /// A call whose message is built step by step.
    Result<Message, CallError> new_call(
        const char* path, const char* interface, const char* member);
    /// `patience`: microseconds; 0: as long as calls wait.
    Result<Message, CallError> send(const Message& call, std::uint64_t patience = 0);

    /// Before a first message that brings descriptors: sd-bus's server drops a connection whose
    /// login ends together with such a message.
    void finish_login() {
        (void)call("/org/freedesktop/systemd1", "org.freedesktop.DBus.Peer", "Ping", "");
    }

    /// All properties of all interfaces of an object, in the order they came.
    Result<Properties, CallError> properties(const std::string& path);
    Result<Value, CallError> property(
        const std::string& path, const char* interface, const char* name);

    /// The next message that is no reply; waits for it. An error when the connection ends.
    Result<Message, CallError> next_signal();

    [[nodiscard]] sd_bus* bus() { return bus_.get(); }

private:
    struct BusCloser {
        void operator()(sd_bus* bus) const noexcept { sd_bus_flush_close_unref(bus); }
    };
    struct ErrorHolder {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        ErrorHolder() = default;
        ErrorHolder(const ErrorHolder&) = delete;
        ErrorHolder& operator=(const ErrorHolder&) = delete;
        ~ErrorHolder() { sd_bus_error_free(&error); }
    };
    explicit Client(sd_bus* bus) : bus_(bus) {}
    static Result<Message, CallError> finish(
        int result, sd_bus_message* reply, const ErrorHolder& error);

    std::unique_ptr<sd_bus, BusCloser> bus_;
};

}  // namespace hearth::ctl
