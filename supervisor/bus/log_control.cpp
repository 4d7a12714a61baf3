// SPDX-License-Identifier: MIT
//
// org.freedesktop.LogControl1 (see org.freedesktop.LogControl1(5)): `systemctl log-level`.
#include <array>
#include <string_view>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/object_path.hpp"
#include "supervisor/bus/vtable.hpp"

namespace hearth::bus {

namespace {

int get_property(
    sd_bus*,
    const char*,
    const char*,
    const char* property,
    sd_bus_message* reply,
    void* userdata,
    sd_bus_error*) noexcept {
    const Options& options = static_cast<Connection*>(userdata)->core.options;
    const std::string_view wanted(property);
    try {
        MessageSink sink(reply);
        if (wanted == "LogLevel") {
            sink.string(options.log_level ? options.log_level() : "info");
        } else {
            sink.string(wanted == "LogTarget" ? "console" : "hearthd");
        }
        return sink.result();
    } catch (const std::exception&) {
        return -EIO;
    }
}

int set_level(
    sd_bus*,
    const char*,
    const char*,
    const char*,
    sd_bus_message* value,
    void* userdata,
    sd_bus_error* error) noexcept {
    const Options& options = static_cast<Connection*>(userdata)->core.options;
    const char* level = nullptr;
    if (const int result = sd_bus_message_read_basic(value, SD_BUS_TYPE_STRING, &level);
        result < 0) {
        return result;
    }
    try {
        if (options.set_log_level && options.set_log_level(level)) {
            return 1;
        }
        return sd_bus_error_setf(
            error,
            SD_BUS_ERROR_INVALID_ARGS,
            "Invalid log level '%s': expected emerg, alert, crit, err, warning, notice, info or "
            "debug",
            level);
    } catch (const std::exception&) {
        return -EIO;
    }
}

/// There is one target: standard error. What asks for that gets it.
int set_target(
    sd_bus*,
    const char*,
    const char*,
    const char*,
    sd_bus_message* value,
    void*,
    sd_bus_error* error) noexcept {
    const char* target = nullptr;
    if (const int result = sd_bus_message_read_basic(value, SD_BUS_TYPE_STRING, &target);
        result < 0) {
        return result;
    }
    if (std::string_view(target) == "console" || std::string_view(target) == "auto") {
        return 1;
    }
    return sd_bus_error_setf(
        error,
        SD_BUS_ERROR_INVALID_ARGS,
        "hearthd can't log to '%s': it logs to its standard error, which is 'console'",
        target);
}

sd_bus_vtable target_property() {
    return SD_BUS_WRITABLE_PROPERTY(
        "LogTarget", "s", get_property, set_target, 0, SD_BUS_VTABLE_UNPRIVILEGED);
}

sd_bus_vtable level_property() {
    return SD_BUS_WRITABLE_PROPERTY(
        "LogLevel", "s", get_property, set_level, 0, SD_BUS_VTABLE_UNPRIVILEGED);
}

}  // namespace

int add_log_control(Connection& connection) {
    static const std::array<sd_bus_vtable, 5> table = {
        start(),
        level_property(),
        target_property(),
        property("SyslogIdentifier", "s", get_property, SD_BUS_VTABLE_PROPERTY_CONST),
        end(),
    };
    return sd_bus_add_object_vtable(
        connection.bus.get(),
        nullptr,
        log_control_path,
        log_control_interface,
        table.data(),
        &connection);
}

}  // namespace hearth::bus
