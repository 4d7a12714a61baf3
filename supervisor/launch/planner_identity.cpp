// SPDX-License-Identifier: MIT
//
// Who the command runs as and with which capabilities: systemd.exec(5), User/Group Identity and
// Capabilities, over the account files (never NSS). The rules of capabilities(7) that matter here:
// a uid change from 0 clears permitted and effective unless KEEP_CAPS, and always ambient; an
// execve() by uid 0 gains inheritable | bounding; inheritable may grow only within the bounding
// set.
#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "supervisor/launch/dynamic_user.hpp"
#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/planner_passes.hpp"
#include "supervisor/launch/seccomp_program.hpp"
#include "units/codecs.hpp"
#include "units/names.hpp"

namespace hearth::launch {
namespace {

std::optional<std::uint32_t> number_of(std::string_view text) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole && number != UINT32_MAX ? std::optional(number)
                                         : std::nullopt;  // -1 means "unchanged"
}

const Account* find_account(const Host& host, std::string_view user) {
    if (const auto found = host.accounts.find(user); found != host.accounts.end()) {
        return &found->second;
    }
    const auto number = number_of(user);
    const auto name = number ? host.account_by_uid.find(*number) : host.account_by_uid.end();
    const auto found =
        name == host.account_by_uid.end() ? host.accounts.end() : host.accounts.find(name->second);
    return found == host.accounts.end() ? nullptr : &found->second;
}

std::optional<std::uint32_t> find_group(const Host& host, std::string_view group) {
    if (const auto found = host.groups.find(group); found != host.groups.end()) {
        return found->second;
    }
    const auto number = number_of(group);
    const bool known = number && std::ranges::any_of(host.groups, [&](const auto& entry) {
                           return entry.second == *number;
                       });
    return known ? number : std::nullopt;
}

std::optional<std::uint32_t> group_or_refusal(
    Planning& planning, std::string_view directive, std::string_view group) {
    const auto found = find_group(planning.host, group);
    if (!found) {
        planning.refuse(
            directive,
            fmt::format("{}={}: there is no such group in /etc/group", directive, group),
            fmt::format("make it, as with 'groupadd --system {}'", group));
    }
    return found;
}

std::uint64_t bit(unsigned capability) {
    return std::uint64_t{1} << capability;
}

struct Implied {
    std::string_view directive;
    bool SandboxSettings::* asked;
    std::uint64_t capabilities;
};
// systemd also implies DevicePolicy=closed and DeviceAllow=char-rtc for the first two. That lock is
// not built: without CAP_MKNOD no other device can be made, without CAP_SYS_TIME no clock set.
const Implied implied_drops[] = {
    {"PrivateDevices", &SandboxSettings::private_devices, bit(CAP_MKNOD) | bit(CAP_SYS_RAWIO)},
    {"ProtectClock", &SandboxSettings::protect_clock, bit(CAP_SYS_TIME) | bit(CAP_WAKE_ALARM)},
    {"ProtectKernelLogs", &SandboxSettings::protect_kernel_logs, bit(CAP_SYSLOG)},
    {"ProtectKernelModules", &SandboxSettings::protect_kernel_modules, bit(CAP_SYS_MODULE)},
};

std::string names_of(std::uint64_t capabilities) {
    std::string names;
    for (unsigned number = 0; number < 64; ++number) {
        if (((capabilities >> number) & 1U) != 0) {
            names += (names.empty() ? "" : " ") + capability_name(number);
        }
    }
    return names;
}

void drop_bounding_set(Planning& planning) {
    const std::uint64_t keep = bounding_capabilities(planning);
    if ((planning.bounding_set() & ~keep) == 0) {
        return;
    }
    const SandboxSettings& sandbox = planning.settings.sandbox;
    const bool own =
        (~sandbox.capability_bounding_set.mask & known_capabilities(planning.host)) != 0;
    Asked who = planning.asked(
        "CapabilityBoundingSet", Codec<BoundingSet>::format(sandbox.capability_bounding_set));
    std::ranges::replace(who.value, '\n', ' ');
    bool possible = true;
    if (own) {
        possible = planning.requires_capability(CAP_SETPCAP, who.directive, who.value);
    }
    for (const Implied& implied : implied_drops) {
        if (sandbox.*implied.asked && (planning.bounding_set() & implied.capabilities) != 0) {
            possible =
                planning.requires_capability(CAP_SETPCAP, implied.directive, "yes") && possible;
            if (!own && who.directive == "CapabilityBoundingSet") {
                who = planning.asked(implied.directive, "yes");
            }
        }
    }
    if (possible) {
        planning.add(
            Stage::BoundingSet,
            DropBoundingSet{keep & planning.bounding_set()},
            who,
            capabilities_status);
    }
}

/// What can be made ambient of what is asked; the rest falls short.
std::uint64_t ambient_capabilities(Planning& planning) {
    const std::uint64_t wanted =
        planning.settings.sandbox.ambient_capabilities.mask & known_capabilities(planning.host);
    const std::uint64_t outside = wanted & ~bounding_capabilities(planning);
    if (outside != 0) {
        planning.falls_short(
            "AmbientCapabilities", names_of(outside), "the unit's own bounding set leaves it out");
    }
    const std::uint64_t lacking = wanted & ~outside & ~planning.capabilities();
    if (lacking != 0) {
        planning.falls_short("AmbientCapabilities", names_of(lacking), "hearthd itself lacks it");
    }
    return wanted & ~outside & ~lacking;
}

void set_capabilities(Planning& planning, std::uint64_t ambient) {
    const SandboxSettings& sandbox = planning.settings.sandbox;
    Asked who = planning.asked("AmbientCapabilities", names_of(ambient));
    if (!planning.identity.privileged()) {
        if (planning.identity.change_user && ambient != 0) {
            planning.add(Stage::Identity, KeepCapabilities{}, who, capabilities_status);
        }
        set_secure_bits(planning);
        // All that is left is what is ambient, whatever hearthd inherited itself.
        if (planning.identity.change_user || ambient != 0) {
            planning.add(
                Stage::Capabilities,
                SetCapabilities{ambient, ambient, ambient},
                ambient != 0 ? who : planning.identity.user_asked,
                capabilities_status);
        }
    } else if (set_secure_bits(planning);
               ambient != 0 || (planning.bounding_set() & ~bounding_capabilities(planning)) != 0) {
        // uid 0 gains inheritable | bounding at execve(): the one must not bring back what the
        // other lost. Until then it keeps all, the filter may need CAP_SYS_ADMIN.
        const std::uint64_t all = planning.capabilities();
        if (ambient == 0) {
            who = planning.asked(
                "CapabilityBoundingSet",
                Codec<BoundingSet>::format(sandbox.capability_bounding_set));
            std::ranges::replace(who.value, '\n', ' ');
        }
        planning.add(
            Stage::Capabilities, SetCapabilities{all, all, ambient}, who, capabilities_status);
    }
    if (ambient != 0) {
        planning.add(Stage::Capabilities, RaiseAmbient{ambient}, who, capabilities_status);
    }
}

/// systemd.exec(5), NoNewPrivileges=: also implied by whatever needs a filter when the process
/// won't have CAP_SYS_ADMIN, without which the kernel takes none.
void set_no_new_privileges(Planning& planning, std::uint64_t ambient) {
    const SandboxSettings& sandbox = planning.settings.sandbox;
    const std::uint64_t effective =
        planning.identity.privileged() ? planning.capabilities() : ambient;
    if (sandbox.no_new_privileges) {
        planning.add(
            Stage::NoNewPrivileges,
            NoNewPrivileges{},
            planning.asked("NoNewPrivileges", "yes"),
            privileges_status);
    } else if (asks_for_seccomp(sandbox) && (effective & bit(CAP_SYS_ADMIN)) == 0) {
        const auto [directive, value] = filtering_directives(sandbox).front();
        planning.add(
            Stage::NoNewPrivileges,
            NoNewPrivileges{},
            planning.asked(directive, value),
            privileges_status);
    }
}

void change_identity(Planning& planning) {
    const Identity& identity = planning.identity;
    if (identity.change_groups) {
        planning.add(
            Stage::Identity,
            SetGroups{identity.gid, identity.supplementary},
            identity.groups_asked,
            group_status);
    }
    if (identity.change_user) {
        planning.add(Stage::Identity, SetUser{identity.uid}, identity.user_asked, user_status);
    }
}

/// A user of the account files under that name is taken as it is; else one is made up, with the
/// number that the supervisor has claimed.
void find_dynamic_account(Planning& planning) {
    const std::string name = dynamic_user_name(planning.unit);
    const Host& host = planning.host;
    Identity& identity = planning.identity;
    identity.user_asked = planning.asked("DynamicUser", "yes");
    if (const Account* const account = find_account(host, name)) {
        identity.account = *account;
        return;
    }
    if (host.groups.contains(name)) {
        planning.refuse(
            "DynamicUser",
            fmt::format(
                "DynamicUser=yes: there is a group {} in /etc/group, but no such user", name),
            "write User= with a name that neither of the files has");
    }
    const std::uint32_t uid =
        planning.invocation.dynamic_uid.value_or(dynamic_uid_candidate(name, 0));
    identity.account = Account{name, uid, uid, "/", "/usr/sbin/nologin", {}};
}

void find_user(Planning& planning) {
    const ExecSettings& exec = planning.settings.exec;
    Identity& identity = planning.identity;
    if (planning.settings.identity.dynamic_user) {
        find_dynamic_account(planning);
        return;
    }
    if (exec.user.empty()) {
        return;
    }
    identity.user_asked = planning.asked("User", exec.user);
    if (const Account* const account = find_account(planning.host, exec.user)) {
        identity.account = *account;
    } else {
        planning.refuse(
            "User",
            fmt::format("User={}: there is no such user in /etc/passwd", exec.user),
            fmt::format("make it, as with 'useradd --system {}'", exec.user));
    }
}

/// The group of a dynamic user has its name and number.
std::optional<std::uint32_t> own_group(const Planning& planning, std::string_view group) {
    const auto& account = planning.identity.account;
    const bool dynamic = planning.settings.identity.dynamic_user && account &&
                         is_dynamic_uid(account->uid) && account->name == group;
    return dynamic ? std::optional(account->gid) : std::nullopt;
}

/// Whom the unit's directories are for, also where this command runs as somebody else.
void find_owner(Planning& planning) {
    const std::string& group = planning.settings.exec.group;
    Identity& identity = planning.identity;
    identity.unit_uid = identity.account ? identity.account->uid : planning.host.own_uid;
    identity.unit_gid = identity.account ? identity.account->gid : planning.host.own_gid;
    if (!group.empty() && !own_group(planning, group)) {
        identity.unit_gid = find_group(planning.host, group).value_or(identity.unit_gid);
    }
}

void stay_as_we_are(Planning& planning) {
    Identity& identity = planning.identity;
    identity.account.reset();
    identity.change_user = identity.change_groups = false;
    identity.uid = identity.unit_uid = planning.host.own_uid;
    identity.gid = identity.unit_gid = planning.host.own_gid;
    identity.supplementary.clear();
}

/// Without the capabilities to change them, only what hearthd is already will do.
void check_identity(Planning& planning) {
    Identity& identity = planning.identity;
    const Host& host = planning.host;
    if (planning.settings.identity.dynamic_user) {
        const bool possible = planning.requires_capability(CAP_SETUID, "DynamicUser", "yes") &&
                              planning.requires_capability(CAP_SETGID, "DynamicUser", "yes");
        if (!possible) {
            stay_as_we_are(planning);
        }
        return;
    }
    if (identity.change_user && !planning.has_capability(CAP_SETUID)) {
        if (identity.uid != host.own_uid) {
            planning.refuse(
                "User",
                fmt::format(
                    "User={} can't be given here: hearthd lacks CAP_SETUID",
                    planning.settings.exec.user),
                "run hearthd as root, or leave User= out");
        }
        identity.change_user = false;
    }
    if (identity.change_groups && !planning.has_capability(CAP_SETGID)) {
        const bool own_user = identity.account && identity.uid == host.own_uid &&
                              planning.settings.exec.group.empty() &&
                              planning.settings.exec.supplementary_groups.empty();
        if (!own_user) {
            const Asked& who = identity.groups_asked;
            planning.refuse(
                who.directive,
                fmt::format(
                    "{}={} can't be given here: hearthd lacks CAP_SETGID",
                    who.directive,
                    who.value),
                "run hearthd as root, or leave it out");
        }
        identity.change_groups = false;
    }
}

}  // namespace

std::uint64_t known_capabilities(const Host& host) {
    return host.last_capability >= 63 ? all_capabilities
                                      : (std::uint64_t{1} << (host.last_capability + 1)) - 1;
}

std::uint64_t bounding_capabilities(const SandboxSettings& sandbox, const Host& host) {
    std::uint64_t keep = sandbox.capability_bounding_set.mask;
    for (const Implied& implied : implied_drops) {
        keep &= sandbox.*implied.asked ? ~implied.capabilities : all_capabilities;
    }
    return keep & known_capabilities(host);
}

void find_identity(Planning& planning) {
    const ExecSettings& exec = planning.settings.exec;
    Identity& identity = planning.identity;
    identity.uid = planning.host.own_uid;
    identity.gid = planning.host.own_gid;
    find_user(planning);
    find_owner(planning);
    if (!planning.identified) {
        return;
    }
    if (identity.account) {
        identity.change_user = identity.change_groups = true;
        identity.uid = identity.account->uid;
        identity.gid = identity.account->gid;
        identity.supplementary = identity.account->groups;
        identity.groups_asked = identity.user_asked;
    }
    if (!exec.group.empty()) {
        const auto own = own_group(planning, exec.group);
        identity.gid =
            own ? *own : group_or_refusal(planning, "Group", exec.group).value_or(identity.gid);
        identity.change_groups = true;
        identity.groups_asked = planning.asked("Group", exec.group);
    }
    if (identity.account) {  // as initgroups(3): the group itself is in the list
        identity.supplementary.push_back(identity.gid);
    }
    for (const std::string& group : exec.supplementary_groups) {
        if (const auto gid = group_or_refusal(planning, "SupplementaryGroups", group)) {
            identity.supplementary.push_back(*gid);
        }
        identity.change_groups = true;
        if (identity.groups_asked.directive.empty()) {
            identity.groups_asked = planning.asked("SupplementaryGroups", group);
        }
    }
    std::ranges::sort(identity.supplementary);
    const auto [first, last] = std::ranges::unique(identity.supplementary);
    identity.supplementary.erase(first, last);
    check_identity(planning);
}

void drop_privileges(Planning& planning) {
    if (planning.sandboxed) {
        drop_bounding_set(planning);
        const std::uint64_t ambient = ambient_capabilities(planning);
        set_capabilities(planning, ambient);
        set_no_new_privileges(planning, ambient);
        set_security_labels(planning);
    }
    change_identity(planning);
    order_identity(planning);
}

}  // namespace hearth::launch
