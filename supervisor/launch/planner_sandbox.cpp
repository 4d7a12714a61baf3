// SPDX-License-Identifier: MIT
//
// The view of the file system, the system call filter: systemd.exec(5), Sandboxing and
// System Call Filtering.
#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/mounts.hpp"
#include "supervisor/launch/planner_namespaces.hpp"
#include "supervisor/launch/seccomp_program.hpp"
#include "units/codecs.hpp"
#include "units/process_codecs.hpp"
#include "units/root_codecs.hpp"

namespace hearth::launch {
namespace {

/// The root itself can't be replaced or hidden in place: only RootDirectory= gives another.
bool refuse_root_wishes(Planning& planning, const std::vector<MountWish>& wishes) {
    bool refused = false;
    for (const MountWish& wish : wishes) {
        if (wish.path == "/" && wish.kind > MountWish::Kind::ReadOnly) {
            planning.refuse(
                wish.asked.directive,
                fmt::format(
                    "{}={} can't be given: the root directory itself can't be replaced",
                    wish.asked.directive,
                    wish.asked.value),
                "use RootDirectory= for another root");
            refused = true;
        }
    }
    return refused;
}

/// What of images hearth doesn't do.
bool refuse_images(Planning& planning) {
    const RootSettings& roots = planning.settings.roots;
    bool refused = false;
    const auto check = [&](std::string_view directive,
                           const std::vector<PartitionOptions>& partitions) {
        for (const PartitionOptions& each : partitions) {
            if (each.partition != "root") {
                planning.refuse(
                    directive,
                    fmt::format(
                        "{}={}:{} can't be given: hearth mounts images of one file system only",
                        directive,
                        each.partition,
                        each.options),
                    "write options of the partition 'root' only");
                refused = true;
            }
        }
    };
    check("RootImageOptions", roots.root_image_options.partitions);
    for (const ImageEntry& entry : roots.mount_images) {
        check("MountImages", entry.options);
    }
    for (const ExtensionEntry& entry : roots.extension_images) {
        check("ExtensionImages", entry.options);
    }
    const bool nameless = planning.invocation.command != nullptr &&
                          planning.invocation.command->path.find('/') == std::string::npos;
    if (!roots.root_image.empty() && nameless) {
        planning.refuse(
            "RootImage",
            fmt::format(
                "RootImage={} can't be searched for the program '{}' before it is mounted",
                roots.root_image,
                planning.invocation.command->path),
            "write the program's absolute path");
        refused = true;
    }
    return refused;
}

/// What only hearthd itself can mount, and not the owner of a user namespace.
bool refuse_in_child(Planning& planning) {
    const RootSettings& roots = planning.settings.roots;
    const std::size_t before = planning.refusals.size();
    const auto refuse = [&](bool asked, std::string_view directive, std::string_view reason) {
        if (asked) {
            planning.refuse(
                directive,
                fmt::format("{}= can't be given here: {}", directive, reason),
                "run hearthd as root");
        }
    };
    constexpr std::string_view mounts = "hearthd lacks CAP_SYS_ADMIN";
    constexpr std::string_view processes =
        "a fresh /proc needs CAP_SYS_ADMIN where the processes are the host's";
    refuse(!roots.root_image.empty(), "RootImage", mounts);
    refuse(roots.root_ephemeral, "RootEphemeral", mounts);
    refuse(!roots.mount_images.empty(), "MountImages", mounts);
    refuse(!roots.extension_images.empty(), "ExtensionImages", mounts);
    refuse(!roots.extension_directories.empty(), "ExtensionDirectories", mounts);
    if (planning.sandboxed && roots.protect_proc != ProtectProc::Default) {
        planning.falls_short(
            "ProtectProc", Codec<ProtectProc>::format(roots.protect_proc), processes);
    }
    if (planning.sandboxed && roots.proc_subset != ProcSubset::All) {
        planning.falls_short("ProcSubset", "pid", processes);
    }
    return planning.refusals.size() != before;
}

/// Whether hearthd may mount at all; if not, each directive that needs it falls short by itself.
bool may_mount(Planning& planning, const Asked& first, const std::vector<MountWish>& wishes) {
    if (planning.has_capability(CAP_SYS_ADMIN)) {
        return true;
    }
    std::set<std::string, std::less<>> told;
    const auto tell = [&](const Asked& asked) {
        if (asked.directive == "RootDirectory" || asked.directive == "RootImage") {
            // Never relaxed: the program would be another one, in a root that isn't its own.
            if (told.insert(asked.directive).second) {
                planning.refuse(
                    asked.directive,
                    fmt::format(
                        "{}={} can't be given here: hearthd lacks CAP_SYS_ADMIN",
                        asked.directive,
                        asked.value),
                    "run hearthd as root");
            }
        } else if (!asked.directive.empty() && told.insert(asked.directive).second) {
            planning.requires_capability(CAP_SYS_ADMIN, asked.directive, asked.value);
        }
    };
    tell(first);
    for (const MountWish& wish : wishes) {
        if (!wish.follows) {
            tell(wish.asked);
        }
    }
    return false;
}

struct FilterSwitch {
    std::string_view directive;
    bool SandboxSettings::* asked;
};
constexpr auto filter_switches = std::to_array<FilterSwitch>({
    {"LockPersonality", &SandboxSettings::lock_personality},
    {"MemoryDenyWriteExecute", &SandboxSettings::memory_deny_write_execute},
    {"RestrictRealtime", &SandboxSettings::restrict_realtime},
    {"RestrictSUIDSGID", &SandboxSettings::restrict_suid_sgid},
    {"PrivateDevices", &SandboxSettings::private_devices},
    {"ProtectClock", &SandboxSettings::protect_clock},
    {"ProtectKernelLogs", &SandboxSettings::protect_kernel_logs},
    {"ProtectKernelModules", &SandboxSettings::protect_kernel_modules},
    {"ProtectKernelTunables", &SandboxSettings::protect_kernel_tunables},
});

std::string one_line_of(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    return text;
}

}  // namespace

std::vector<std::pair<std::string_view, std::string>> filtering_directives(
    const SandboxSettings& sandbox) {
    std::vector<std::pair<std::string_view, std::string>> found;
    const SystemCallFilter& filter = sandbox.system_call_filter;
    if (filter.allow_list || !filter.calls.empty()) {
        found.emplace_back(
            "SystemCallFilter", one_line_of(Codec<SystemCallFilter>::format(filter)));
    }
    if (!sandbox.system_call_architectures.names.empty()) {
        found.emplace_back(
            "SystemCallArchitectures",
            one_line_of(Codec<ArchitectureSet>::format(sandbox.system_call_architectures)));
    }
    const AddressFamilies& families = sandbox.restrict_address_families;
    if (families.allow_list || !families.families.empty()) {
        found.emplace_back(
            "RestrictAddressFamilies", one_line_of(Codec<AddressFamilies>::format(families)));
    }
    if (sandbox.restrict_namespaces.allowed != NamespaceRestriction::everything) {
        found.emplace_back(
            "RestrictNamespaces", Codec<NamespaceRestriction>::format(sandbox.restrict_namespaces));
    }
    if (!sandbox.seccomp_profile.empty()) {
        found.emplace_back("SeccompProfile", sandbox.seccomp_profile);
    }
    for (const FilterSwitch& entry : filter_switches) {
        if (sandbox.*entry.asked) {
            found.emplace_back(entry.directive, "yes");
        }
    }
    if (sandbox.protect_hostname.locked()) {
        found.emplace_back("ProtectHostname", "yes");
    }
    if (sandbox.system_call_log.asked()) {
        found.emplace_back(
            "SystemCallLog", one_line_of(Codec<SystemCallLog>::format(sandbox.system_call_log)));
    }
    return found;
}

void arrange_mounts(Planning& planning) {
    const bool stays_root = planning.identity.privileged();
    const std::uint64_t kept = !planning.sandboxed ? ~std::uint64_t{0}
                               : stays_root        ? bounding_capabilities(planning)
                                            : planning.settings.sandbox.ambient_capabilities.mask;
    MountScope scope{
        !planning.sandboxed,
        ((kept >> CAP_SYS_ADMIN) & 1U) != 0,
        planning.invocation.notify_socket};
    if (!planning.host.runtime_directory.empty()) {
        scope.assembly = planning.host.runtime_directory + "/root";
    }
    scope.mounts_in_child = planning.user_namespace == UserNamespaceUse::First;
    if (refuse_images(planning) || (scope.mounts_in_child && refuse_in_child(planning))) {
        return;
    }
    std::vector<MountWish> wishes =
        mount_wishes(planning.unit, planning.host, scope, &planning.plan.shortfalls);
    keep_own_hierarchies(planning, wishes);
    const auto asked = mount_namespace_asked(planning.unit, scope, wishes);
    if (!asked || refuse_root_wishes(planning, wishes) || !may_mount(planning, *asked, wishes)) {
        return;
    }
    MountPlan mounts = mount_plan(planning.unit, scope, std::move(wishes), *asked);
    adapt_mounts(planning, mounts);
    std::ranges::move(mounts.preparations, std::back_inserter(planning.plan.preparations));
    std::ranges::move(mounts.steps, std::back_inserter(planning.plan.steps));
    if (const std::string& root = planning.settings.exec.root_directory;
        !root.empty() && root != "/") {
        // Inside it, before it becomes the root: Mounts comes before Root.
        for (DirectoryLink& link : links_below_root(planning.unit, planning.host)) {
            planning.add(
                Stage::Mounts,
                MakeSymlink{std::move(link.target), root + link.path},
                std::move(link.asked),
                namespace_status);
        }
    }
}

void filter_system_calls(Planning& planning) {
    const SandboxSettings& sandbox = planning.settings.sandbox;
    if (!planning.sandboxed || !asks_for_seccomp(sandbox)) {
        return;
    }
    const auto directives = filtering_directives(sandbox);
    if (!planning.host.seccomp) {
        for (const auto& [directive, value] : directives) {
            planning.falls_short(
                directive, value, "this kernel has no system call filter (CONFIG_SECCOMP_FILTER)");
        }
        return;
    }
    const auto& [directive, value] = directives.front();
    if (planning.invocation.seccomp == nullptr || planning.invocation.seccomp->empty()) {
        planning.refuse(directive, fmt::format("{}= has no compiled filter", directive));
        return;
    }
    planning.add(
        Stage::Seccomp,
        LoadSeccomp{*planning.invocation.seccomp},
        planning.asked(directive, value),
        filter_status);
}

}  // namespace hearth::launch
