// SPDX-License-Identifier: MIT
#include "supervisor/bus/policy.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace hearth::bus {

namespace {

constexpr std::string_view manager = "org.freedesktop.systemd1.Manager";
constexpr std::string_view unit = "org.freedesktop.systemd1.Unit";
constexpr std::string_view service = "org.freedesktop.systemd1.Service";
constexpr std::string_view mount = "org.freedesktop.systemd1.Mount";
constexpr std::string_view swap = "org.freedesktop.systemd1.Swap";
constexpr std::string_view socket = "org.freedesktop.systemd1.Socket";
constexpr std::string_view scope = "org.freedesktop.systemd1.Scope";
constexpr std::string_view job = "org.freedesktop.systemd1.Job";
constexpr std::string_view hearth_manager = "org.hearth1.Manager";
constexpr std::string_view broker = "org.freedesktop.DBus";
constexpr unsigned cap_sys_admin = 21;

using enum MethodClass;

constexpr auto rules = std::to_array<MethodRule>({
    {"org.freedesktop.DBus.Peer", "Ping", Read},
    {"org.freedesktop.DBus.Peer", "GetMachineId", Read},
    {"org.freedesktop.DBus.Introspectable", "Introspect", Read},
    {"org.freedesktop.DBus.Properties", "Get", Read},
    {"org.freedesktop.DBus.Properties", "GetAll", Read},
    {"org.freedesktop.DBus.Properties", "Set", Change},

    {broker, "Hello", Read},
    {broker, "AddMatch", Read},
    {broker, "RemoveMatch", Read},
    {broker, "GetNameOwner", Read},
    {broker, "NameHasOwner", Read},
    {broker, "ListNames", Read},
    {broker, "ListActivatableNames", Read},
    {broker, "StartServiceByName", Read},
    {broker, "GetId", Read},
    {broker, "GetConnectionUnixUser", Read},
    {broker, "GetConnectionUnixProcessID", Read},
    {broker, "GetConnectionCredentials", Read},

    {manager, "StartUnit", Change},
    {manager, "StartTransientUnit", Change},
    {manager, "StopUnit", Change},
    {manager, "ReloadUnit", Change},
    {manager, "RestartUnit", Change},
    {manager, "TryRestartUnit", Change},
    {manager, "ReloadOrRestartUnit", Change},
    {manager, "ReloadOrTryRestartUnit", Change},
    {manager, "KillUnit", Change},
    {manager, "QueueSignalUnit", Change},
    {manager, "CleanUnit", Change},
    {manager, "FreezeUnit", Change},
    {manager, "ThawUnit", Change},
    {manager, "AbandonScope", Change},
    {manager, "SetUnitProperties", Change},
    {manager, "ResetFailed", Change},
    {manager, "ResetFailedUnit", Change},
    {manager, "RefUnit", Change},
    {manager, "UnrefUnit", Change},
    {manager, "CancelJob", Change},
    {manager, "Reload", Change},
    {manager, "Reexecute", Change},
    {manager, "EnableUnitFiles", Change},
    {manager, "EnableUnitFilesWithFlags", Change},
    {manager, "DisableUnitFiles", Change},
    {manager, "DisableUnitFilesWithFlags", Change},
    {manager, "DisableUnitFilesWithFlagsAndInstallInfo", Change},
    {manager, "ReenableUnitFiles", Change},
    {manager, "LinkUnitFiles", Change},
    {manager, "PresetUnitFiles", Change},
    {manager, "PresetUnitFilesWithMode", Change},
    {manager, "PresetAllUnitFiles", Change},
    {manager, "MaskUnitFiles", Change},
    {manager, "UnmaskUnitFiles", Change},
    {manager, "RevertUnitFiles", Change},
    {manager, "SetDefaultTarget", Change},
    {manager, "AddDependencyUnitFiles", Change},
    {manager, "SetEnvironment", Change},
    {manager, "UnsetEnvironment", Change},
    {manager, "UnsetAndSetEnvironment", Change},
    {manager, "EnqueueUnitJob", Change},
    {manager, "ClearJobs", Change},
    {manager, "Reboot", Change},
    {manager, "PowerOff", Change},
    {manager, "Halt", Change},
    {manager, "KExec", Change},
    {manager, "Exit", Change},
    {manager, "SetExitCode", Change},
    {manager, "SwitchRoot", Change},
    {manager, "BindMountUnit", Change},
    {manager, "MountImageUnit", Change},
    {manager, "Dump", Private},
    {manager, "DumpByFileDescriptor", Private},
    {manager, "DumpUnitsMatchingPatterns", Private},
    {manager, "DumpUnitsMatchingPatternsByFileDescriptor", Private},
    {manager, "GetUnitByInvocationID", Read},
    {manager, "GetUnitByControlGroup", Read},
    {manager, "GetDefaultTarget", Read},
    {manager, "GetDynamicUsers", Read},
    {manager, "LookupDynamicUserByName", Read},
    {manager, "LookupDynamicUserByUID", Read},
    {manager, "GetUnitFileLinks", Read},
    {manager, "GetUnit", Read},
    {manager, "LoadUnit", Read},
    {manager, "GetUnitByPID", Read},
    {manager, "GetUnitProcesses", Read},
    {manager, "GetUnitFileState", Read},
    {manager, "ListUnits", Read},
    {manager, "ListUnitsFiltered", Read},
    {manager, "ListUnitsByPatterns", Read},
    {manager, "ListUnitsByNames", Read},
    {manager, "ListUnitFiles", Read},
    {manager, "ListUnitFilesByPatterns", Read},
    {manager, "ListJobs", Read},
    {manager, "GetJob", Read},
    {manager, "GetJobAfter", Read},
    {manager, "GetJobBefore", Read},
    {manager, "Subscribe", Read},
    {manager, "Unsubscribe", Read},

    {unit, "Start", Change},
    {unit, "Clean", Change},
    {unit, "Freeze", Change},
    {unit, "Thaw", Change},
    {unit, "SetProperties", Change},
    {unit, "Stop", Change},
    {unit, "Reload", Change},
    {unit, "Restart", Change},
    {unit, "TryRestart", Change},
    {unit, "ReloadOrRestart", Change},
    {unit, "ReloadOrTryRestart", Change},
    {unit, "Kill", Change},
    {unit, "QueueSignal", Change},
    {unit, "ResetFailed", Change},
    {unit, "Ref", Change},
    {unit, "Unref", Change},
    {service, "GetProcesses", Read},
    {mount, "GetProcesses", Read},
    {swap, "GetProcesses", Read},
    {socket, "GetProcesses", Read},
    {scope, "GetProcesses", Read},
    {scope, "Abandon", Change},

    {job, "Cancel", Change},
    {job, "GetAfter", Read},
    {job, "GetBefore", Read},

    {hearth_manager, "Plan", Private},
    {hearth_manager, "Why", Read},
    {hearth_manager, "ReloadPlan", Private},
    {hearth_manager, "Upgrade", Root},
    {hearth_manager, "TakenOver", Private},
    {hearth_manager, "Confinement", Private},
    {hearth_manager, "Doctor", Private},
    {hearth_manager, "Security", Private},
    {hearth_manager, "ListBlockers", Private},
    {hearth_manager, "Probe", Change},
    {hearth_manager, "SetProperties", Change},
    {hearth_manager, "StartTransient", Change},
    {hearth_manager, "Attach", Root},
    {hearth_manager, "SignalAttach", Root},
});

RequestError denied(std::string message) {
    return RequestError{"AccessDenied", std::move(message)};
}

/// Whether a process of that unit may change things: it must not be confined by us.
bool may_change_from_within(const Policy& policy, const UnitRecord& record) {
    if (const auto& stated = record.unit.settings.hearth.control_access) {
        return *stated;
    }
    const SandboxSettings& sandbox = record.unit.settings.sandbox;
    if (policy.user_mode) {
        return sandbox == SandboxSettings{};
    }
    return ((sandbox.capability_bounding_set.mask >> cap_sys_admin) & 1U) != 0;
}

std::string reason(const Policy& policy, const UnitRecord* record) {
    if (record != nullptr && record->unit.settings.hearth.control_access) {
        return ", whose unit says ControlAccess=no";
    }
    return policy.user_mode ? ", which is confined"
                            : ", which has no CAP_SYS_ADMIN in its bounding set";
}

}  // namespace

Requester requester(const Peer& peer) {
    return {peer.uid, peer.pid, peer.pid == 0 ? std::string() : peer.command};
}

std::span<const MethodRule> method_rules() {
    return rules;
}

std::optional<MethodClass> method_class(std::string_view interface, std::string_view member) {
    const auto found = std::ranges::find_if(rules, [&](const MethodRule& rule) {
        return rule.member == member && rule.interface == interface;
    });
    return found == rules.end() ? std::nullopt : std::optional(found->kind);
}

bool Policy::trusted(const Peer& peer) const {
    if (peer.uid == 0 || peer.uid == own_uid) {
        return true;
    }
    return group && (peer.gid == *group || std::ranges::count(peer.groups, *group) > 0);
}

bool Policy::may_connect(const Peer& peer) const {
    return access == BusAccess::Everyone || trusted(peer);
}

std::optional<RequestError> Policy::refuse(
    const Peer& peer, MethodClass kind, std::string_view member, const World& world) const {
    if (kind == MethodClass::Read) {
        return std::nullopt;
    }
    const std::string what(member);
    if (!trusted(peer)) {
        return denied(
            what + " is for root, the user that runs hearthd and the group 'hearth'; you are uid " +
            std::to_string(peer.uid));
    }
    if (kind == MethodClass::Private) {
        return std::nullopt;
    }
    if (kind == MethodClass::Root && peer.uid != 0) {
        return denied(what + " is for root; you are uid " + std::to_string(peer.uid));
    }
    if (peer.vanished) {
        return denied(what + ": the process that connected is gone, so its unit can't be known");
    }
    if (peer.unit.empty()) {
        return std::nullopt;
    }
    const UnitRecord* record = world.find(peer.unit);
    if (record == nullptr || !may_change_from_within(*this, *record)) {
        return denied(
            what + ": you are a process of " + peer.unit + reason(*this, record) +
            "; a confined service may not change the manager's state");
    }
    return std::nullopt;
}

std::optional<gid_t> group_id(std::string_view group_file, std::string_view name) {
    while (!name.empty() && !group_file.empty()) {
        const std::string_view line = group_file.substr(0, group_file.find('\n'));
        group_file.remove_prefix(std::min(line.size() + 1, group_file.size()));
        if (!line.starts_with(name) || !line.substr(name.size()).starts_with(':')) {
            continue;
        }
        const std::size_t second = line.find(':', name.size() + 1);  // after the password field
        if (second == std::string_view::npos) {
            continue;
        }
        gid_t id = 0;
        const auto [end, error] =
            std::from_chars(line.data() + second + 1, line.data() + line.size(), id);
        if (error == std::errc() && (end == line.data() + line.size() || *end == ':')) {
            return id;
        }
    }
    return std::nullopt;
}

}  // namespace hearth::bus
