// SPDX-License-Identifier: MIT
#include "supervisor/ctl/client.hpp"

#include <cerrno>
#include <cstring>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/socket.hpp"

namespace hearth::ctl {

namespace {

/// daemon-reload may take as long as its unit files are many; systemctl waits as long.
constexpr std::uint64_t call_timeout_microseconds = 180'000'000;

CallError connection_error(int result) {
    if (result == -ECONNRESET || result == -ENOTCONN || result == -EPIPE) {
        return {"", "hearthd closed the connection"};
    }
    return {"", std::strerror(-result)};
}

std::string connect_advice(const std::string& path, const Error& error) {
    if (error.code == ENOENT || error.code == ECONNREFUSED) {
        return "no hearthd answers at " + path +
               ": start one, or name its runtime directory with --runtime-dir or "
               "HEARTH_RUNTIME_DIR";
    }
    if (error.code == EACCES || error.code == EPERM) {
        return "no access to " + path +
               ": it is for root, the user that runs hearthd and the group 'hearth'";
    }
    return error.what;
}

}  // namespace

bool CallError::is(std::string_view last_part) const {
    return name.size() > last_part.size() && name.ends_with(last_part) &&
           name[name.size() - last_part.size() - 1] == '.';
}

Result<Client> Client::connect(const std::string& runtime_directory) {
    const std::string path = runtime_directory + "/private";
    auto socket = sys::connect_unix(path, SOCK_STREAM);
    if (!socket) {
        return failure(connect_advice(path, socket.error()), socket.error().code);
    }
    sd_bus* bus = nullptr;
    int result = sd_bus_new(&bus);
    if (result < 0) {
        return failure(std::string("sd_bus_new: ") + std::strerror(-result), -result);
    }
    Client client(bus);
    HEARTH_TRY(sys::set_nonblocking(socket->number(), true));
    const int number = socket->release();
    result = sd_bus_set_fd(bus, number, number);
    if (result < 0) {
        socket->reset(number);
    }
    if (result >= 0) {
        result = sd_bus_negotiate_fds(bus, 1);
    }
    if (result >= 0) {
        result = sd_bus_set_method_call_timeout(bus, call_timeout_microseconds);
    }
    if (result >= 0) {
        result = sd_bus_start(bus);
    }
    if (result < 0) {
        return failure(path + ": " + connection_error(result).message, -result);
    }
    return client;
}

Result<Message, CallError> Client::finish(
    int result, sd_bus_message* reply, const ErrorHolder& error) {
    if (result < 0) {
        if (sd_bus_error_is_set(&error.error) > 0 && error.error.name != nullptr) {
            return Unexpected(CallError{
                error.error.name,
                error.error.message == nullptr ? error.error.name : error.error.message});
        }
        return Unexpected(connection_error(result));
    }
    return Message(reply);
}

Result<Message, CallError> Client::new_call(
    const char* path, const char* interface, const char* member) {
    sd_bus_message* call = nullptr;
    const int result =
        sd_bus_message_new_method_call(bus_.get(), &call, nullptr, path, interface, member);
    if (result < 0) {
        return Unexpected(connection_error(result));
    }
    return Message(call);
}

Result<Message, CallError> Client::send(const Message& call, std::uint64_t patience) {
    sd_bus_message* reply = nullptr;
    ErrorHolder error;
    const int result = sd_bus_call(bus_.get(), call.get(), patience, &error.error, &reply);
    return finish(result, reply, error);
}

Result<Properties, CallError> Client::properties(const std::string& path) {
    const Message reply =
        HEARTH_TRY(call(path.c_str(), "org.freedesktop.DBus.Properties", "GetAll", "s", ""));
    auto properties = read_properties(reply.get());
    if (!properties) {
        return Unexpected(CallError{"", properties.error().what});
    }
    return std::move(*properties);
}

Result<Value, CallError> Client::property(
    const std::string& path, const char* interface, const char* name) {
    const Message reply = HEARTH_TRY(
        call(path.c_str(), "org.freedesktop.DBus.Properties", "Get", "ss", interface, name));
    auto value = read_value(reply.get());
    if (!value) {
        return Unexpected(CallError{"", value.error().what});
    }
    return std::move(*value);
}

Result<Message, CallError> Client::next_signal() {
    for (;;) {
        sd_bus_message* message = nullptr;
        int result = sd_bus_process(bus_.get(), &message);
        if (result >= 0 && message != nullptr) {
            Message owned(message);
            if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected") >
                0) {
                return Unexpected(connection_error(-ECONNRESET));
            }
            return owned;
        }
        if (result == 0) {
            result = sd_bus_wait(bus_.get(), UINT64_MAX);
        }
        if (result < 0 && result != -EINTR) {
            return Unexpected(connection_error(result));
        }
    }
}

}  // namespace hearth::ctl
