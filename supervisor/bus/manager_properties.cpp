// SPDX-License-Identifier: MIT
//
// The properties of the manager object, one row each. Those of systemd's that would say nothing
// about a supervisor without a boot (firmware, loader, initrd times) are 0, as systemd has them in
// a container.
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/manager_api.hpp"
#include "supervisor/bus/vtable.hpp"

namespace hearth::bus {

namespace {

struct Field {
    const char* name;
    const char* signature;
    void (*write)(const Connection&, MessageSink&);
};

/// systemd's names of architectures where they differ from uname(2)'s.
std::string architecture() {
    utsname host{};
    uname(&host);
    const std::string machine = host.machine;
    if (machine == "x86_64") {
        return "x86-64";
    }
    return machine == "aarch64" ? "arm64" : machine;
}

std::uint32_t failed_units(const World& world) {
    return static_cast<std::uint32_t>(std::ranges::count_if(world.units, [](const auto& entry) {
        return entry.second.active_state() == ActiveState::Failed;
    }));
}

void zero(const Connection&, MessageSink& sink) {
    sink.unsigned64(0);
}
void started_realtime(const Connection& connection, MessageSink& sink) {
    sink.unsigned64(connection.core.options.started.realtime);
}
void started_monotonic(const Connection& connection, MessageSink& sink) {
    sink.unsigned64(connection.core.options.started.monotonic);
}
/// What boots nothing is up as it begins; a newer systemd-analyze takes the same moment for a boot
/// that isn't over, so it is the next one.
void finished_realtime(const Connection& connection, MessageSink& sink) {
    sink.unsigned64(connection.core.options.started.realtime + 1);
}
void finished_monotonic(const Connection& connection, MessageSink& sink) {
    sink.unsigned64(connection.core.options.started.monotonic + 1);
}
void no_text(const Connection&, MessageSink& sink) {
    sink.string("");
}

constexpr auto fields = std::to_array<Field>({
    {"Version",
     "s",
     [](const Connection&, MessageSink& sink) { sink.string("252 (hearth " HEARTH_VERSION ")"); }},
    {"Features", "s", no_text},
    {"Virtualization", "s", no_text},
    {"Architecture",
     "s",
     [](const Connection&, MessageSink& sink) { sink.string(architecture()); }},
    {"Tainted", "s", no_text},
    {"FirmwareTimestamp", "t", zero},
    {"FirmwareTimestampMonotonic", "t", zero},
    {"LoaderTimestamp", "t", zero},
    {"LoaderTimestampMonotonic", "t", zero},
    {"KernelTimestamp", "t", zero},
    {"KernelTimestampMonotonic", "t", zero},
    {"InitRDTimestamp", "t", zero},
    {"InitRDTimestampMonotonic", "t", zero},
    {"UserspaceTimestamp", "t", started_realtime},
    {"UserspaceTimestampMonotonic", "t", started_monotonic},
    {"FinishTimestamp", "t", finished_realtime},
    {"FinishTimestampMonotonic", "t", finished_monotonic},
    {"NNames",
     "u",
     [](const Connection& connection, MessageSink& sink) {
         sink.unsigned32(static_cast<std::uint32_t>(connection.core.control.world().units.size()));
     }},
    {"NFailedUnits",
     "u",
     [](const Connection& connection, MessageSink& sink) {
         sink.unsigned32(failed_units(connection.core.control.world()));
     }},
    {"NJobs",
     "u",
     [](const Connection& connection, MessageSink& sink) {
         sink.unsigned32(static_cast<std::uint32_t>(connection.core.control.world().jobs.size()));
     }},
    {"NInstalledJobs",
     "u",
     [](const Connection& connection, MessageSink& sink) {
         sink.unsigned32(connection.core.control.world().next_job - 1);
     }},
    {"Progress", "d", [](const Connection&, MessageSink& sink) { sink.real(1.0); }},
    {"Environment",
     "as",
     [](const Connection& connection, MessageSink& sink) {
         std::vector<std::string> lines;
         if (connection.core.policy.trusted(connection.peer)) {  // it may hold secrets
             for (const auto& [key, value] : connection.core.control.environment()) {
                 lines.push_back(key + "=" + value);
             }
         }
         sink.strings(lines);
     }},
    {"UnitPath",
     "as",
     [](const Connection& connection, MessageSink& sink) {
         sink.strings(connection.core.control.unit_path());
     }},
    {"ControlGroup",
     "s",
     [](const Connection& connection, MessageSink& sink) {
         sink.string(connection.core.options.control_group);
     }},
    {"SystemState",
     "s",
     [](const Connection& connection, MessageSink& sink) {
         sink.string(connection.core.control.system_state());
     }},
    {"ExitCode",
     "y",
     [](const Connection& connection, MessageSink& sink) {
         sink.byte(connection.core.control.exit_code());
     }},
    {"RuntimeWatchdogUSec",
     "t",
     [](const Connection& connection, MessageSink& sink) {
         sink.unsigned64(connection.core.control.watchdog().runtime);
     }},
    {"RebootWatchdogUSec",
     "t",
     [](const Connection& connection, MessageSink& sink) {
         sink.unsigned64(connection.core.control.watchdog().reboot);
     }},
    {"KExecWatchdogUSec",
     "t",
     [](const Connection& connection, MessageSink& sink) {
         sink.unsigned64(connection.core.control.watchdog().kexec);
     }},
    {"WatchdogDevice",
     "s",
     [](const Connection& connection, MessageSink& sink) {
         sink.string(connection.core.control.watchdog().device);
     }},
    {"WatchdogLastPingTimestamp",
     "t",
     [](const Connection& connection, MessageSink& sink) {
         sink.unsigned64(connection.core.control.watchdog().last_ping.realtime);
     }},
    {"WatchdogLastPingTimestampMonotonic",
     "t",
     [](const Connection& connection, MessageSink& sink) {
         sink.unsigned64(connection.core.control.watchdog().last_ping.monotonic);
     }},
    {"ServiceWatchdogs",
     "b",
     [](const Connection& connection, MessageSink& sink) {
         sink.boolean(connection.core.control.service_watchdogs());
     }},
});

int get_property(
    sd_bus*,
    const char*,
    const char*,
    const char* name,
    sd_bus_message* reply,
    void* userdata,
    sd_bus_error*) noexcept {
    try {
        const auto& connection = *static_cast<Connection*>(userdata);
        MessageSink sink(reply);
        if (const auto* field = std::ranges::find(fields, std::string_view(name), &Field::name);
            field != fields.end()) {
            field->write(connection, sink);
            return sink.result();
        }
        const auto& defaults = default_properties();
        const auto found = std::ranges::find(defaults, name, &DefaultProperty::name);
        if (found == defaults.end()) {
            return -ENOENT;
        }
        found->property->write(connection.core.control.manager_settings().units, sink);
        return sink.result();
    } catch (const std::exception&) {
        return -EIO;
    }
}

int set_service_watchdogs(
    sd_bus*,
    const char*,
    const char*,
    const char*,
    sd_bus_message* value,
    void* userdata,
    sd_bus_error*) noexcept {
    int enabled = 0;
    const int result = sd_bus_message_read_basic(value, SD_BUS_TYPE_BOOLEAN, &enabled);
    try {
        if (result >= 0) {
            static_cast<Connection*>(userdata)->core.control.set_service_watchdogs(enabled != 0);
        }
        return result;
    } catch (const std::exception&) {
        return -EIO;
    }
}

sd_bus_vtable writable(const Field& field) {
    return SD_BUS_WRITABLE_PROPERTY(
        field.name,
        field.signature,
        get_property,
        set_service_watchdogs,
        0,
        SD_BUS_VTABLE_UNPRIVILEGED);  // the gate decides (policy.cpp)
}

}  // namespace

std::span<const sd_bus_vtable> manager_properties() {
    static const std::vector<sd_bus_vtable> entries = [] {
        std::vector<sd_bus_vtable> made;
        for (const Field& field : fields) {
            const bool changes = std::string_view(field.name) == "ServiceWatchdogs";
            made.push_back(
                changes ? writable(field) : property(field.name, field.signature, get_property));
        }
        for (const DefaultProperty& each : default_properties()) {
            made.push_back(property(each.name.c_str(), each.property->signature, get_property));
        }
        return made;
    }();
    return entries;
}

}  // namespace hearth::bus
