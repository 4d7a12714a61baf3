// SPDX-License-Identifier: MIT
//
// The part of a message bus that clients can't do without: org.freedesktop.DBus on the same socket,
// so that what insists on a bus (busctl, GDBus, `systemctl start --wait`, every systemctl of a
// plain user) works with no dbus-daemon. There are two names: ours (":1.0", alias
// org.freedesktop.systemd1 and org.hearth1) and the client's own. Nobody can register another.
// Follows the D-Bus Specification, "Message Bus Messages".
#include <unistd.h>

#include <array>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/object_path.hpp"
#include "supervisor/bus/vtable.hpp"

namespace hearth::bus {

namespace {

constexpr const char* own_unique_name = ":1.0";

bool names_us(std::string_view name) {
    return name == "org.freedesktop.systemd1" || name == "org.hearth1" || name == own_unique_name;
}

int send_as_broker(Reply& reply) {
    if (reply.message() != nullptr) {
        (void)sd_bus_message_set_sender(reply.message(), "org.freedesktop.DBus");
    }
    return reply.send();
}

int hello(Request& request) {
    Connection& connection = request.connection;
    if (!connection.unique_name.empty()) {
        return request.refuse("Failed", "Already handled an Hello message");
    }
    connection.unique_name = ":1." + std::to_string(connection.id);
    (void)sd_bus_set_sender(connection.bus.get(), own_unique_name);
    Reply reply(request.message);
    reply.sink().string(connection.unique_name);
    return send_as_broker(reply);
}

/// Rules are not evaluated one by one: who asks for anything gets everything, as clients expect to
/// have to sort themselves.
int add_match(Request& request) {
    request.connection.wants_signals = true;
    Reply reply(request.message);
    return send_as_broker(reply);
}

int remove_match(Request& request) {
    Reply reply(request.message);
    return send_as_broker(reply);
}

int name_owner(Request& request) {
    std::string name;
    if (const int result = request.read(name); result < 0) {
        return result;
    }
    std::string owner;
    if (names_us(name)) {
        owner = own_unique_name;
    } else if (name == "org.freedesktop.DBus" || name == request.connection.unique_name) {
        owner = name;
    } else {
        return request.refuse(
            "NameHasNoOwner", "Could not get owner of name '" + name + "': no such name");
    }
    Reply reply(request.message);
    reply.sink().string(owner);
    return send_as_broker(reply);
}

int name_has_owner(Request& request) {
    std::string name;
    if (const int result = request.read(name); result < 0) {
        return result;
    }
    Reply reply(request.message);
    reply.sink().boolean(
        names_us(name) || name == "org.freedesktop.DBus" || name == request.connection.unique_name);
    return send_as_broker(reply);
}

int list_names(Request& request) {
    std::vector<std::string> names = {
        "org.freedesktop.DBus",
        "org.freedesktop.systemd1",
        "org.hearth1",
        own_unique_name,
    };
    if (!request.connection.unique_name.empty()) {
        names.push_back(request.connection.unique_name);
    }
    Reply reply(request.message);
    reply.sink().strings(names);
    return send_as_broker(reply);
}

int list_activatable_names(Request& request) {
    Reply reply(request.message);
    reply.sink().strings({});
    return send_as_broker(reply);
}

int start_service_by_name(Request& request) {
    std::string name;
    std::uint32_t flags = 0;
    if (const int result = request.read(name, flags); result < 0) {
        return result;
    }
    if (!names_us(name)) {
        return request.refuse(
            "ServiceUnknown", "hearth is no message bus: there is no '" + name + "' here");
    }
    Reply reply(request.message);
    reply.sink().unsigned32(2);  // DBUS_START_REPLY_ALREADY_RUNNING
    return send_as_broker(reply);
}

int bus_id(Request& request) {
    char text[SD_ID128_STRING_MAX];
    Reply reply(request.message);
    reply.sink().string(sd_id128_to_string(request.connection.core.bus_id, text));
    return send_as_broker(reply);
}

struct Identity {
    uid_t uid;
    pid_t pid;
};

std::optional<Identity> identity(const Connection& connection, std::string_view name) {
    if (names_us(name) || name == "org.freedesktop.DBus") {
        return Identity{connection.core.policy.own_uid, getpid()};
    }
    if (!name.empty() && name == connection.unique_name) {
        return Identity{connection.peer.uid, connection.peer.pid};
    }
    return std::nullopt;
}

enum class Asked : std::uint8_t { User, Process, Credentials };

template <Asked asked>
int credentials(Request& request) {
    std::string name;
    if (const int result = request.read(name); result < 0) {
        return result;
    }
    const auto who = identity(request.connection, name);
    if (!who) {
        return request.refuse("NameHasNoOwner", "there is no '" + name + "' here");
    }
    Reply reply(request.message);
    if (asked == Asked::User) {
        reply.sink().unsigned32(who->uid);
    } else if (asked == Asked::Process) {
        reply.sink().unsigned32(static_cast<std::uint32_t>(who->pid));
    } else {
        const int result = sd_bus_message_append(
            reply.message(),
            "a{sv}",
            2,
            "UnixUserID",
            "u",
            who->uid,
            "ProcessID",
            "u",
            static_cast<std::uint32_t>(who->pid));
        if (result < 0) {
            return result;
        }
    }
    return send_as_broker(reply);
}

}  // namespace

int add_broker(Connection& connection) {
    static const std::array<sd_bus_vtable, 14> table = {
        start(),
        method<hello>("Hello", "", "s"),
        method<add_match>("AddMatch", "s", ""),
        method<remove_match>("RemoveMatch", "s", ""),
        method<name_owner>("GetNameOwner", "s", "s"),
        method<name_has_owner>("NameHasOwner", "s", "b"),
        method<list_names>("ListNames", "", "as"),
        method<list_activatable_names>("ListActivatableNames", "", "as"),
        method<start_service_by_name>("StartServiceByName", "su", "u"),
        method<bus_id>("GetId", "", "s"),
        method<credentials<Asked::User>>("GetConnectionUnixUser", "s", "u"),
        method<credentials<Asked::Process>>("GetConnectionUnixProcessID", "s", "u"),
        method<credentials<Asked::Credentials>>("GetConnectionCredentials", "s", "a{sv}"),
        end(),
    };
    return sd_bus_add_object_vtable(
        connection.bus.get(), nullptr, broker_path, broker_interface, table.data(), &connection);
}

}  // namespace hearth::bus
