// SPDX-License-Identifier: MIT
//
// The live properties of org.freedesktop.systemd1.Service.
#include <array>
#include <vector>

#include "units/codecs.hpp"
#include "units/restart_policy.hpp"
#include "units/runtime_fields_parts.hpp"

namespace hearth {

namespace {

using fields::told;

/// What is not known is UINT64_MAX, as systemd has it.
template <ResourceUsage::Number ResourceUsage::* number>
void counted(const UnitView& view, ValueSink& sink) {
    sink.unsigned64((view.live.usage.*number).value_or(UINT64_MAX));
}

/// What the unit may take before MemoryHigh= or MemoryMax= bites.
void memory_available(const UnitView& view, ValueSink& sink) {
    const ResourceSettings& resources = view.record.unit.settings.resources;
    const std::uint64_t most = std::min(
        resources.memory_max.bytes.value_or(UINT64_MAX),
        resources.memory_high.bytes.value_or(UINT64_MAX));
    const auto& used = view.live.usage.memory_current_bytes;
    const bool known = used && most != UINT64_MAX;
    sink.unsigned64(known ? most - std::min(most, *used) : UINT64_MAX);
}

/// systemd holds the user's and group's id while the unit is up only.
bool is_up(const UnitView& view) {
    const ActiveState state = view.record.active_state();
    return state != ActiveState::Inactive && state != ActiveState::Failed;
}

std::vector<std::string> flags(const CommandLine& command) {
    std::vector<std::string> names;
    const auto add = [&names](bool set, const char* name) {
        if (set) {
            names.emplace_back(name);
        }
    };
    add(command.ignore_failure, "ignore-failure");
    add(command.full_privileges, "privileged");
    add(command.no_setuid, "no-setuid");
    add(command.ambient, "ambient");
    add(command.no_environment_expansion, "no-env-expand");
    return names;
}

/// `extended`: the form of the properties that end in Ex, with flags in place of the boolean.
template <ExecKind kind, bool extended>
void commands_of(const UnitView& view, ValueSink& sink) {
    static constexpr const char* member = extended ? "sasasttttuii" : "sasbttttuii";
    const CommandLines& lines = commands(view.record.unit, kind);
    const auto& history = view.record.status.history[static_cast<std::size_t>(kind)];
    sink.open_array(extended ? "(sasasttttuii)" : "(sasbttttuii)");
    for (std::size_t index = 0; index < lines.size(); ++index) {
        const CommandLine& line = lines[index];
        const ProcessRecord run = index < history.size() ? history[index] : ProcessRecord{};
        sink.open_struct(member);
        sink.string(line.path);
        sink.strings(line.argv);
        if constexpr (extended) {
            sink.strings(flags(line));
        } else {
            sink.boolean(line.ignore_failure);
        }
        sink.unsigned64(run.started.realtime);
        sink.unsigned64(run.started.monotonic);
        sink.unsigned64(run.exited.realtime);
        sink.unsigned64(run.exited.monotonic);
        sink.unsigned32(static_cast<std::uint32_t>(run.pid));
        sink.signed32(run.code);
        sink.signed32(run.status);
        sink.close_struct();
    }
    sink.close_array();
}

constexpr auto rows = std::to_array<RuntimeField>({
    {"CPUUsageNSec", Interface::Service, "t", counted<&ResourceUsage::cpu_nanoseconds>},
    {"CleanResult", Interface::Service, "s",
     [](const UnitView&, ValueSink& sink) {
         sink.string("success");
     }, told},
    {"ControlGroup", Interface::Service, "s",
     [](const UnitView& view, ValueSink& sink) {
         sink.string(view.live.control_group);
     }},
    {"ControlPID", Interface::Service, "u",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned32(static_cast<std::uint32_t>(view.record.status.control_pid));
     }, told},
    {"EffectiveCPUs", Interface::Service, "ay",
     [](const UnitView&, ValueSink& sink) {
         sink.bytes({});
     }},
    {"EffectiveMemoryNodes", Interface::Service, "ay",
     [](const UnitView&, ValueSink& sink) {
         sink.bytes({});
     }},
    {"ExecCondition", Interface::Service, "a(sasbttttuii)", commands_of<ExecKind::Condition, false>},
    {"ExecConditionEx", Interface::Service, "a(sasasttttuii)", commands_of<ExecKind::Condition, true>},
    {"ExecMainCode", Interface::Service, "i",
     [](const UnitView& view, ValueSink& sink) {
         sink.signed32(view.record.status.main.code);
     }, told},
    {"ExecMainExitTimestamp", Interface::Service, "t",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned64(view.record.status.main.exited.realtime);
     }, told},
    {"ExecMainExitTimestampMonotonic", Interface::Service, "t",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned64(view.record.status.main.exited.monotonic);
     }, told},
    {"ExecMainPID", Interface::Service, "u",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned32(static_cast<std::uint32_t>(view.record.status.main.pid));
     }, told},
    {"ExecMainStartTimestamp", Interface::Service, "t",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned64(view.record.status.main.started.realtime);
     }, told},
    {"ExecMainStartTimestampMonotonic", Interface::Service, "t",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned64(view.record.status.main.started.monotonic);
     }, told},
    {"ExecMainStatus", Interface::Service, "i",
     [](const UnitView& view, ValueSink& sink) {
         sink.signed32(view.record.status.main.status);
     }, told},
    {"ExecReload", Interface::Service, "a(sasbttttuii)", commands_of<ExecKind::Reload, false>},
    {"ExecReloadEx", Interface::Service, "a(sasasttttuii)", commands_of<ExecKind::Reload, true>},
    {"ExecStart", Interface::Service, "a(sasbttttuii)", commands_of<ExecKind::Start, false>},
    {"ExecStartEx", Interface::Service, "a(sasasttttuii)", commands_of<ExecKind::Start, true>},
    {"ExecStartPost", Interface::Service, "a(sasbttttuii)", commands_of<ExecKind::StartPost, false>},
    {"ExecStartPostEx", Interface::Service, "a(sasasttttuii)", commands_of<ExecKind::StartPost, true>},
    {"ExecStartPre", Interface::Service, "a(sasbttttuii)", commands_of<ExecKind::StartPre, false>},
    {"ExecStartPreEx", Interface::Service, "a(sasasttttuii)", commands_of<ExecKind::StartPre, true>},
    {"ExecStop", Interface::Service, "a(sasbttttuii)", commands_of<ExecKind::Stop, false>},
    {"ExecStopEx", Interface::Service, "a(sasasttttuii)", commands_of<ExecKind::Stop, true>},
    {"ExecStopPost", Interface::Service, "a(sasbttttuii)", commands_of<ExecKind::StopPost, false>},
    {"ExecStopPostEx", Interface::Service, "a(sasasttttuii)", commands_of<ExecKind::StopPost, true>},
    {"GID", Interface::Service, "u",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned32(is_up(view) ? view.live.gid : UINT32_MAX);
     }, told},
    {"IOReadBytes", Interface::Service, "t", counted<&ResourceUsage::io_read_bytes>},
    {"IOReadOperations", Interface::Service, "t", counted<&ResourceUsage::io_read_operations>},
    {"IOWriteBytes", Interface::Service, "t", counted<&ResourceUsage::io_write_bytes>},
    {"IOWriteOperations", Interface::Service, "t", counted<&ResourceUsage::io_write_operations>},
    {"IPEgressBytes", Interface::Service, "t", counted<&ResourceUsage::ip_egress_bytes>},
    {"IPEgressPackets", Interface::Service, "t", counted<&ResourceUsage::ip_egress_packets>},
    {"IPIngressBytes", Interface::Service, "t", counted<&ResourceUsage::ip_ingress_bytes>},
    {"IPIngressPackets", Interface::Service, "t", counted<&ResourceUsage::ip_ingress_packets>},
    {"LogNamespace", Interface::Service, "s", fields::unbuilt<"LogNamespace", "">},
    {"MainPID", Interface::Service, "u",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned32(static_cast<std::uint32_t>(view.record.status.main_pid));
     }, told},
    {"MemoryAvailable", Interface::Service, "t", memory_available},
    {"MemoryCurrent", Interface::Service, "t", counted<&ResourceUsage::memory_current_bytes>},
    {"MemoryMax", Interface::Service, "t",
     [](const UnitView& view, ValueSink& sink) {
         // A share of the machine is a number only where the machine is known.
         const MemoryLimit& limit = view.record.unit.settings.resources.memory_max;
         sink.unsigned64(limit.permyriad ? view.live.effective_memory_max : limit.bytes.value_or(UINT64_MAX));
     }},
    {"MemoryPeak", Interface::Service, "t", counted<&ResourceUsage::memory_peak_bytes>},
    {"NFileDescriptorStore", Interface::Service, "u",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned32(static_cast<std::uint32_t>(view.record.status.stored.size()));
     }},
    {"NRestarts", Interface::Service, "u",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned32(view.record.status.restarts);
     }, told},
    {"NotifyAccess", Interface::Service, "s",
     [](const UnitView& view, ValueSink& sink) {
         Codec<NotifyAccess>::write(notify_access(view.record.unit), sink);
     }},
    {"ReloadResult", Interface::Service, "s",
     [](const UnitView& view, ValueSink& sink) {
         sink.string(name(view.record.status.reload_result));
     }, told},
    {"Result", Interface::Service, "s",
     [](const UnitView& view, ValueSink& sink) {
         sink.string(name(view.record.status.result));
     }, told},
    {"StatusErrno", Interface::Service, "i",
     [](const UnitView& view, ValueSink& sink) {
         sink.signed32(view.record.status.status_errno);
     }, told},
    {"StatusText", Interface::Service, "s",
     [](const UnitView& view, ValueSink& sink) {
         sink.string(view.record.status.status_text);
     }, told},
    {"TasksCurrent", Interface::Service, "t", counted<&ResourceUsage::tasks_current>},
    {"TasksMax", Interface::Service, "t",
     [](const UnitView& view, ValueSink& sink) {
         const TasksLimit& limit = view.record.unit.settings.resources.tasks_max;
         sink.unsigned64(limit.permyriad ? view.live.effective_tasks_max : limit.count.value_or(UINT64_MAX));
     }},
    {"UID", Interface::Service, "u",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned32(is_up(view) ? view.live.uid : UINT32_MAX);
     }, told},
    {"USBFunctionDescriptors", Interface::Service, "s", fields::unbuilt<"USBFunctionDescriptors", "">},
    {"USBFunctionStrings", Interface::Service, "s", fields::unbuilt<"USBFunctionStrings", "">},
    {"WatchdogTimestamp", Interface::Service, "t",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned64(view.record.status.watchdog_at.realtime);
     }},
    {"WatchdogTimestampMonotonic", Interface::Service, "t",
     [](const UnitView& view, ValueSink& sink) {
         sink.unsigned64(view.record.status.watchdog_at.monotonic);
     }},
    {"WatchdogUSec", Interface::Service, "t",
     [](const UnitView& view, ValueSink& sink) {
         // systemd: unset until the first start of a service without a watchdog, then "off".
         const std::uint64_t interval = watchdog(view.record).microseconds;
         const bool untouched = interval == 0 && view.record.status.condition_asked == Moment{};
         sink.unsigned64(untouched ? UINT64_MAX : interval);
     }},
});
static_assert(fields::sorted(rows));

}  // namespace

std::span<const RuntimeField> fields::service_fields() {
    return rows;
}

bool fields::is_of_cgroup(std::string_view name) {
    constexpr std::string_view names[] = {
        "CPUUsageNSec",
        "ControlGroup",
        "MemoryAvailable",
        "MemoryCurrent",
        "MemoryMax",
        "MemoryPeak",
        "TasksCurrent",
        "TasksMax",
        "IOReadBytes",
        "IOWriteBytes",
        "IOReadOperations",
        "IOWriteOperations",
        "IPIngressBytes",
        "IPIngressPackets",
        "IPEgressBytes",
        "IPEgressPackets",
        "EffectiveCPUs",
        "EffectiveMemoryNodes"};
    return std::ranges::find(names, name) != std::end(names);
}

}  // namespace hearth
