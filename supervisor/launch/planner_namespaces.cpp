// SPDX-License-Identifier: MIT
//
// Whose namespaces a service is in: systemd.exec(5), PrivateNetwork= and kin. Where hearthd may
// make them, they stay the host's and the user namespace, if any, is entered last: no right of the
// service reaches them. Where it may not (--user, a container without CAP_SYS_ADMIN), the user
// namespace comes first and the others belong to it.
#include "supervisor/launch/planner_namespaces.hpp"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sched.h>

#include <algorithm>
#include <string_view>

#include "supervisor/launch/exit_status.hpp"
#include "units/codecs.hpp"

namespace hearth::launch {
namespace {

struct Shared {
    std::string_view slot;
    MakeNamespace::Kind kind;
    std::string_view switch_name, path_name;
    bool asked;
    const std::string& path;
    int status;
};

/// A namespace of the unit's own, or that of somebody else. `+` commands too are in it: the unit's
/// commands are to reach each other.
void share(Planning& planning, const Shared& shared) {
    if (!shared.asked && shared.path.empty()) {
        return;
    }
    // The path wins over the switch (systemd.exec(5)).
    const bool joins = !shared.path.empty();
    const std::string_view directive = joins ? shared.path_name : shared.switch_name;
    const std::string value = joins ? shared.path : "yes";
    const bool first = planning.user_namespace == UserNamespaceUse::First;
    if (joins && first) {
        // Rights over it are needed that only its owner's user namespace gives.
        planning.falls_short(directive, value, "hearthd lacks CAP_SYS_ADMIN");
        return;
    }
    if (!planning.requires_capability(CAP_SYS_ADMIN, directive, value)) {
        return;
    }
    const Asked who = planning.asked(directive, value);
    const std::string slot(shared.slot);
    if (joins) {
        planning.prepare(OpenNamespace{slot, shared.kind, shared.path}, who, shared.status);
    } else if (first) {
        own_in_user_namespace(planning, MakeNamespace{slot, shared.kind});
    } else {
        planning.prepare(MakeNamespace{slot, shared.kind}, who, shared.status);
    }
    planning.add(Stage::Namespaces, EnterNamespace{slot}, who, shared.status);
}

/// The slots of the unit that another unit's may take the place of.
std::vector<std::string> shareable_slots(const Planning& planning) {
    const SandboxSettings& sandbox = planning.settings.sandbox;
    const NamespaceSettings& namespaces = planning.settings.namespaces;
    std::vector<std::string> slots;
    if (sandbox.private_ipc || !namespaces.ipc_namespace_path.empty()) {
        slots.emplace_back("ipc");
    }
    if (sandbox.private_network || !namespaces.network_namespace_path.empty()) {
        slots.emplace_back("network");
    }
    if (!slots.empty() && planning.user_namespace == UserNamespaceUse::First) {
        slots.emplace_back("user");  // without which nothing that it owns can be entered
    }
    if (sandbox.private_tmp) {
        slots.emplace_back("tmp");
        slots.emplace_back("var-tmp");
    }
    return slots;
}

void join(Planning& planning) {
    std::vector<std::string> units = planning.settings.namespaces.joins_namespace_of.names;
    for (const std::string& other : planning.invocation.joined_by) {
        if (std::ranges::find(units, other) == units.end()) {
            units.push_back(other);
        }
    }
    std::vector<std::string> slots = shareable_slots(planning);
    if (!units.empty() && !slots.empty()) {
        const Asked who =
            planning.asked("JoinsNamespaceOf", fmt::format("{}", fmt::join(units, " ")));
        planning.prepare(JoinActivation{std::move(units), std::move(slots)}, who, namespace_status);
    }
}

void own_host_name(Planning& planning) {
    const ProtectHostname& wanted = planning.settings.sandbox.protect_hostname;
    const std::string value = Codec<ProtectHostname>::format(wanted);
    if (!wanted.asked() || !planning.sandboxed ||
        !planning.requires_capability(CAP_SYS_ADMIN, "ProtectHostname", value)) {
        return;
    }
    const Asked who = planning.asked("ProtectHostname", value);
    planning.add(Stage::Namespaces, NewNamespaces{CLONE_NEWUTS}, who, namespace_status);
    if (!wanted.name.empty()) {
        planning.add(Stage::Hostname, SetHostname{wanted.name}, who, namespace_status);
    }
}

void own_control_groups(Planning& planning) {
    const ProtectControlGroups wanted = planning.settings.sandbox.protect_control_groups;
    if (!has_own_control_groups(planning.settings.sandbox) || !planning.sandboxed) {
        return;
    }
    const std::string value = Codec<ProtectControlGroups>::format(wanted);
    if (planning.host.cgroup_layout == CgroupLayout::None || planning.host.cgroup_points.empty()) {
        planning.falls_short("ProtectControlGroups", value, "hearthd has no cgroups here");
        return;
    }
    if (planning.requires_capability(CAP_SYS_ADMIN, "ProtectControlGroups", value)) {
        planning.add(
            Stage::Namespaces,
            NewNamespaces{CLONE_NEWCGROUP},
            planning.asked("ProtectControlGroups", value),
            namespace_status);
    }
}

void own_processes(Planning& planning) {
    if (!planning.settings.namespaces.private_pids || !planning.sandboxed) {
        return;
    }
    if (planning.user_namespace == UserNamespaceUse::First) {
        // It would have to be born in both at once, and nobody could write its maps meanwhile.
        planning.falls_short("PrivatePIDs", "yes", "hearthd lacks CAP_SYS_ADMIN");
    } else if (planning.requires_capability(CAP_SYS_ADMIN, "PrivatePIDs", "yes")) {
        planning.plan.new_pid_namespace = true;
    }
}

}  // namespace

void make_namespaces(Planning& planning) {
    decide_user_namespace(planning);
    join(planning);
    prepare_user_namespace(planning);
    const SandboxSettings& sandbox = planning.settings.sandbox;
    const NamespaceSettings& namespaces = planning.settings.namespaces;
    share(
        planning,
        {"ipc",
         MakeNamespace::Kind::Ipc,
         "PrivateIPC",
         "IPCNamespacePath",
         sandbox.private_ipc,
         namespaces.ipc_namespace_path,
         namespace_status});
    share(
        planning,
        {"network",
         MakeNamespace::Kind::Network,
         "PrivateNetwork",
         "NetworkNamespacePath",
         sandbox.private_network,
         namespaces.network_namespace_path,
         network_status});
    own_host_name(planning);
    own_control_groups(planning);
    own_processes(planning);
}

}  // namespace hearth::launch
