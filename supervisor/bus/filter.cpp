// SPDX-License-Identifier: MIT
//
// The gate: quota, destination and permission of every incoming message, before any object sees it.
// It also answers the one call that sd-bus itself can't answer everywhere.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "supervisor/bus/core.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::bus {

namespace {

/// Names that stand for us. Anything else would be a service of a real bus, which this is not.
bool addresses_us(const char* destination) {
    constexpr auto ours = std::to_array<std::string_view>(
        {"org.freedesktop.systemd1", "org.freedesktop.DBus", "org.hearth1", ":1.0"});
    return destination == nullptr || std::ranges::count(ours, std::string_view(destination)) > 0;
}

/// GetMachineId, which sd-bus would answer for us: but where the file is missing or unset, as in
/// many containers, it breaks the connection instead. Both answers here are a message bus's own.
int answer_machine_id(sd_bus_message* message, const std::string& file) {
    sd_id128_t id{};
    const auto text = sys::read_file(file, 64);
    const std::string digits = text ? text->substr(0, text->find('\n')) : std::string();
    if (sd_id128_from_string(digits.c_str(), &id) < 0 || sd_id128_is_null(id) != 0) {
        return sd_bus_reply_method_errorf(
            message, SD_BUS_ERROR_FILE_NOT_FOUND, "%s holds no machine id", file.c_str());
    }
    char plain[SD_ID128_STRING_MAX];
    return sd_bus_reply_method_return(message, "s", sd_id128_to_string(id, plain));
}

int judge(Connection& connection, sd_bus_message* message) {
    BusServer::Core& core = connection.core;
    core.live_of = nullptr;
    connection.missing.clear();
    connection.spoke = true;
    if (connection.doomed || core.closing) {
        return 1;
    }
    if (core.overfull(connection)) {
        core.doom(connection);  // it asks and asks, and never reads
        return 1;
    }
    if (sd_bus_message_is_method_call(message, nullptr, nullptr) <= 0) {
        return 0;
    }
    const char* destination = sd_bus_message_get_destination(message);
    if (!addresses_us(destination)) {
        return sd_bus_reply_method_errorf(
            message,
            SD_BUS_ERROR_SERVICE_UNKNOWN,
            "hearth is no message bus: there is no '%s' here",
            destination);
    }
    const char* interface = sd_bus_message_get_interface(message);
    const char* member = sd_bus_message_get_member(message);
    if (interface == nullptr || member == nullptr) {
        return sd_bus_reply_method_errorf(
            message, SD_BUS_ERROR_UNKNOWN_INTERFACE, "a call must name its interface");
    }
    const auto kind = method_class(interface, member);
    if (!kind) {
        return sd_bus_reply_method_errorf(
            message, SD_BUS_ERROR_UNKNOWN_METHOD, "hearth has no method %s.%s", interface, member);
    }
    const auto refusal = core.policy.refuse(connection.peer, *kind, member, core.control.world());
    if (refusal) {
        return sd_bus_reply_method_errorf(
            message, error_name(refusal->name).c_str(), "%s", sendable(refusal->message).c_str());
    }
    if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Peer", "GetMachineId") > 0) {
        return answer_machine_id(message, core.options.machine_id_file);
    }
    return 0;
}

}  // namespace

int filter(sd_bus_message* message, void* userdata, sd_bus_error*) noexcept {
    try {
        const int result = judge(*static_cast<Connection*>(userdata), message);
        return result < 0 ? 1 : result;  // a reply that couldn't be sent is no licence to go on
    } catch (const std::exception&) {
        return 1;
    }
}

int add_objects(Connection& connection) {
    for (auto* add : {add_manager, add_units, add_jobs, add_broker, add_hearth, add_log_control}) {
        if (const int result = add(connection); result < 0) {
            return result;
        }
    }
    return 0;
}

}  // namespace hearth::bus
