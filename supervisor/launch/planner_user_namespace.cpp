// SPDX-License-Identifier: MIT
//
// The user namespace of a service: whether it has one, when it is entered, which ids it maps.
// PrivateUsers= of systemd.exec(5) (257 for its values), UserNamespaceRange= of ours, subuid(5),
// user_namespaces(7).
#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string_view>

#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/planner_namespaces.hpp"
#include "units/codecs.hpp"

namespace hearth::launch {
namespace {

constexpr const char* slot = "user";
constexpr std::uint32_t ids_of_a_range = 65536;
constexpr std::uint32_t every_id = std::numeric_limits<std::uint32_t>::max();

/// What the service wants of the kernel that takes CAP_SYS_ADMIN (or, for the bounding set,
/// CAP_SETPCAP): the first of it, with its place.
std::optional<Asked> wants_rights(const Planning& planning) {
    const SandboxSettings& sandbox = planning.settings.sandbox;
    const struct {
        const char* directive;
        bool asked;
    } switches[] = {
        {"PrivateIPC", sandbox.private_ipc},
        {"PrivateNetwork", sandbox.private_network},
        {"ProtectHostname", sandbox.protect_hostname.asked() && planning.sandboxed},
    };
    for (const auto& entry : switches) {
        if (entry.asked) {
            return planning.asked(entry.directive, "yes");
        }
    }
    const MountScope scope{!planning.sandboxed, false};
    if (auto asked = mount_namespace_asked(
            planning.unit, scope, mount_wishes(planning.unit, planning.host, scope))) {
        return asked;
    }
    const std::uint64_t dropped = planning.host.bounding_set & ~bounding_capabilities(planning);
    if (dropped != 0 && planning.sandboxed) {
        return planning.asked("CapabilityBoundingSet");
    }
    return std::nullopt;
}

bool may_map_others(const Host& host) {
    constexpr std::uint64_t needed = (std::uint64_t{1} << CAP_SETUID) |
                                     (std::uint64_t{1} << CAP_SETGID) |
                                     (std::uint64_t{1} << CAP_SETFCAP);
    return (host.capabilities & needed) == needed;
}

bool has(const Host& host, unsigned capability) {
    return ((host.capabilities >> capability) & 1U) != 0;
}

std::string value_of(const Planning& planning) {
    return Codec<PrivateUsers>::format(planning.settings.namespaces.private_users);
}

/// Who is to be blamed: the directive that asks for a user namespace, or for what one must give.
Asked cause(const Planning& planning) {
    const NamespaceSettings& namespaces = planning.settings.namespaces;
    if (namespaces.user_namespace_range.asked()) {
        return planning.asked(
            "UserNamespaceRange",
            Codec<UserNamespaceRange>::format(namespaces.user_namespace_range));
    }
    if (namespaces.private_users != PrivateUsers::No) {
        return planning.asked("PrivateUsers", value_of(planning));
    }
    return wants_rights(planning).value_or(planning.asked("PrivateUsers", "yes"));
}

bool contradicts(Planning& planning) {
    const PrivateUsers users = planning.settings.namespaces.private_users;
    if (users != PrivateUsers::Identity && users != PrivateUsers::Full) {
        return false;
    }
    planning.refuse(
        "UserNamespaceRange",
        fmt::format(
            "UserNamespaceRange={} contradicts PrivateUsers={}, which keeps the host's ids",
            Codec<UserNamespaceRange>::format(planning.settings.namespaces.user_namespace_range),
            value_of(planning)),
        "leave one of them out");
    return true;
}

/// Each id that a range can't hold is a refusal: it would be nobody inside.
void check_range(Planning& planning, const IdRange& range) {
    const Identity& identity = planning.identity;
    const auto check = [&](std::string_view directive, const std::string& value, std::uint32_t id) {
        if (id >= range.count) {
            planning.refuse(
                directive,
                fmt::format(
                    "{}={} has the id {}, and UserNamespaceRange= only {} ids",
                    directive,
                    value,
                    id,
                    range.count),
                "use a larger range, or an account with a smaller id");
        }
    };
    check("User", planning.settings.exec.user, identity.uid);
    const Asked& groups = identity.groups_asked;
    check(groups.directive.empty() ? "Group" : groups.directive, groups.value, identity.gid);
    for (const std::uint32_t gid : identity.supplementary) {
        check("SupplementaryGroups", std::to_string(gid), gid);
    }
}

void map_range(Planning& planning, MakeUserNamespace& made) {
    const auto range = chosen_range(planning);
    if (!range) {
        return;
    }
    made.uids = made.gids = {*range};
    planning.maps_range = true;
    // hearthd's own ids have no place in it: the command takes 0 where nothing else is asked.
    Identity& identity = planning.identity;
    if (!identity.change_user) {
        identity.change_user = true;
        identity.uid = 0;
    }
    if (!identity.change_groups) {
        identity.change_groups = true;
        identity.gid = 0;
        identity.supplementary.clear();
        identity.groups_asked = cause(planning);
    }
    check_range(planning, *range);
}

/// `self`: root and the unit's own; the one map that is left to who may map nothing but himself.
void map_own(Planning& planning, MakeUserNamespace& made) {
    const Host& host = planning.host;
    if (!may_map_others(host)) {
        made.uids = {{host.own_uid, host.own_uid, 1}};
        made.gids = {{host.own_gid, host.own_gid, 1}};
        return;
    }
    const UnitIds ids = unit_ids(planning);
    const auto map = [](std::uint32_t id) {
        std::vector<IdRange> ranges{{0, 0, 1}};
        if (id != 0) {
            ranges.push_back({id, id, 1});
        }
        return ranges;
    };
    made.uids = map(ids.uid);
    made.gids = map(ids.gid);
}

void map_host(Planning& planning, MakeUserNamespace& made) {
    if (!may_map_others(planning.host)) {
        planning.falls_short(
            "PrivateUsers",
            value_of(planning),
            "hearthd lacks CAP_SETUID, CAP_SETGID or CAP_SETFCAP, so it can map its own id only");
        return;
    }
    if (planning.settings.namespaces.private_users == PrivateUsers::Full) {
        // In two parts, so that nobody takes it for the initial one.
        made.uids = made.gids = {{0, 0, 1}, {1, 1, every_id - 1}};
        return;
    }
    made.uids = made.gids = {{0, 0, ids_of_a_range}};
    const UnitIds ids = unit_ids(planning);
    if (ids.uid >= ids_of_a_range || ids.gid >= ids_of_a_range) {
        planning.refuse(
            "PrivateUsers",
            fmt::format(
                "PrivateUsers=identity maps the ids below 65536, and User= is {}:{}",
                ids.uid,
                ids.gid),
            "write PrivateUsers=full");
    }
}

MakeUserNamespace* prepared_namespace(Planning& planning) {
    for (Prepared& prepared : planning.plan.preparations) {
        if (auto* made = std::get_if<MakeUserNamespace>(&prepared.preparation)) {
            return made;
        }
    }
    return nullptr;
}

}  // namespace

UnitIds unit_ids(const Planning& planning) {
    const Identity& identity = planning.identity;
    UnitIds ids{
        identity.account ? identity.account->uid : identity.uid,
        identity.account ? identity.account->gid : identity.gid};
    // Under `!` the command keeps hearthd's group, and the namespace is the unit's.
    const std::string& group = planning.settings.exec.group;
    if (const auto named = planning.host.groups.find(group); named != planning.host.groups.end()) {
        ids.gid = named->second;
    } else if (!group.empty()) {
        std::from_chars(group.data(), group.data() + group.size(), ids.gid);
    }
    return ids;
}

void decide_user_namespace(Planning& planning) {
    const NamespaceSettings& namespaces = planning.settings.namespaces;
    const bool range = namespaces.user_namespace_range.asked();
    const bool users = namespaces.private_users != PrivateUsers::No;
    const Host& host = planning.host;
    if (has(host, CAP_SYS_ADMIN)) {
        if (!planning.sandboxed || (!range && !users)) {
            return;
        }
        // Other ids than hearthd's own are mapped by who may take them.
        const Asked who = cause(planning);
        for (const unsigned needed : {CAP_SETUID, CAP_SETGID, CAP_SETFCAP}) {
            if (!planning.requires_capability(needed, who.directive, who.value)) {
                return;
            }
        }
        if (host.user_namespaces_missing.empty()) {
            planning.user_namespace = UserNamespaceUse::Last;
        } else {
            planning.falls_short(who.directive, who.value, host.user_namespaces_missing);
        }
        return;
    }
    if (range) {
        const Asked who = cause(planning);
        planning.falls_short(
            who.directive,
            who.value,
            "hearthd lacks CAP_SYS_ADMIN, without which no mount shows its owners in the range");
    }
    // systemd.exec(5): a user manager gets the rights for all this from a user namespace.
    const bool implied = host.user_manager && wants_rights(planning).has_value();
    if (!users && !implied) {
        return;
    }
    if (host.user_namespaces_missing.empty()) {
        planning.user_namespace = UserNamespaceUse::First;
    } else if (users) {
        planning.falls_short("PrivateUsers", value_of(planning), host.user_namespaces_missing);
    }
}

void prepare_user_namespace(Planning& planning) {
    if (planning.user_namespace == UserNamespaceUse::None) {
        return;
    }
    const NamespaceSettings& namespaces = planning.settings.namespaces;
    const bool first = planning.user_namespace == UserNamespaceUse::First;
    MakeUserNamespace made;
    made.slot = slot;
    if (namespaces.user_namespace_range.asked() && !first) {
        if (contradicts(planning)) {
            return;
        }
        map_range(planning, made);
    } else if (
        namespaces.private_users == PrivateUsers::Identity ||
        namespaces.private_users == PrivateUsers::Full) {
        map_host(planning, made);
    } else {
        map_own(planning, made);
    }
    made.deny_setgroups = !has(planning.host, CAP_SETGID);
    const Asked who = cause(planning);
    planning.prepare(std::move(made), who, user_status);
    planning.add(
        first ? Stage::Namespaces : Stage::UserNamespace, EnterNamespace{slot}, who, user_status);
}

void own_in_user_namespace(Planning& planning, MakeNamespace owned) {
    if (MakeUserNamespace* const made = prepared_namespace(planning)) {
        made->owned.push_back(std::move(owned));
    }
}

void order_identity(Planning& planning) {
    if (planning.user_namespace == UserNamespaceUse::None || planning.maps_range) {
        return;  // in a range the groups are the inside's own
    }
    const bool first = planning.user_namespace == UserNamespaceUse::First;
    auto& steps = planning.plan.steps;
    const auto groups = std::ranges::find_if(
        steps, [](const Step& step) { return std::holds_alternative<SetGroups>(step.action); });
    if (groups == steps.end()) {
        return;
    }
    Step moved = std::move(*groups);
    steps.erase(groups);
    moved.stage = first ? Stage::Namespaces : Stage::UserNamespace;
    steps.insert(steps.begin(), std::move(moved));
}

// ---- ranges
// -----------------------------------------------------------------------------------------------

namespace {

bool holds(const SubordinateRange& outer, std::uint32_t base, std::uint32_t count) {
    return base >= outer.base && count <= outer.count && base - outer.base <= outer.count - count;
}

bool is_owner(const Planning& planning, std::string_view owner, const SubordinateRange& range) {
    const std::optional<Account>& account = planning.identity.account;
    return range.owner == owner ||
           (account && owner == account->name && range.owner == std::to_string(account->uid));
}

/// Whose ranges a unit may use: its user's, hearth's, root's.
std::vector<std::string> owners(const Planning& planning) {
    std::vector<std::string> names;
    if (planning.identity.account) {
        names.push_back(planning.identity.account->name);
    }
    for (const char* const name : {"hearth", "root"}) {
        if (std::ranges::find(names, name) == names.end()) {
            names.emplace_back(name);
        }
    }
    return names;
}

bool belongs(
    const Planning& planning,
    const std::vector<SubordinateRange>& ranges,
    std::uint32_t base,
    std::uint32_t count) {
    const auto names = owners(planning);
    return std::ranges::any_of(ranges, [&](const SubordinateRange& range) {
        return holds(range, base, count) && std::ranges::any_of(names, [&](const auto& name) {
                   return is_owner(planning, name, range);
               });
    });
}

/// Each 65536 ids that are there for users and groups alike, in the order of owners().
std::vector<std::uint32_t> slices(const Planning& planning) {
    std::vector<std::uint32_t> found;
    for (const std::string& name : owners(planning)) {
        for (const SubordinateRange& range : planning.host.subordinate_uids) {
            if (!is_owner(planning, name, range)) {
                continue;
            }
            for (std::uint32_t used = 0; range.count - used >= ids_of_a_range;
                 used += ids_of_a_range) {
                const std::uint32_t base = range.base + used;
                if (belongs(planning, planning.host.subordinate_gids, base, ids_of_a_range)) {
                    found.push_back(base);
                }
            }
        }
    }
    return found;
}

/// FNV-1a: the same unit begins its search at the same place on every host.
std::uint32_t hash(std::string_view text) {
    std::uint32_t value = 2166136261U;
    for (const char byte : text) {
        value = (value ^ static_cast<unsigned char>(byte)) * 16777619U;
    }
    return value;
}

bool overlaps(const IdRange& used, std::uint32_t base, std::uint32_t count) {
    return base < used.outside + used.count && used.outside < base + count;
}

std::string owners_text(const Planning& planning) {
    return fmt::format("{}", fmt::join(owners(planning), ", "));
}

}  // namespace

std::optional<IdRange> chosen_range(Planning& planning) {
    const UserNamespaceRange& wanted = planning.settings.namespaces.user_namespace_range;
    const std::string value = Codec<UserNamespaceRange>::format(wanted);
    const Host& host = planning.host;
    if (!wanted.automatic) {
        if (belongs(planning, host.subordinate_uids, wanted.base, wanted.count) &&
            belongs(planning, host.subordinate_gids, wanted.base, wanted.count)) {
            return IdRange{0, wanted.base, wanted.count};
        }
        planning.falls_short(
            "UserNamespaceRange",
            value,
            "no line of /etc/subuid and of /etc/subgid gives it to one of " +
                owners_text(planning));
        return std::nullopt;
    }
    if (planning.invocation.own_range) {  // of this activation: its namespace stands
        return planning.invocation.own_range;
    }
    const std::vector<std::uint32_t> bases = slices(planning);
    if (bases.empty()) {
        planning.falls_short(
            "UserNamespaceRange",
            value,
            "/etc/subuid and /etc/subgid don't give the same 65536 ids to one of " +
                owners_text(planning));
        return std::nullopt;
    }
    const std::size_t start = hash(planning.unit.name) % bases.size();
    for (std::size_t i = 0; i < bases.size(); ++i) {
        const std::uint32_t base = bases[(start + i) % bases.size()];
        const bool used = std::ranges::any_of(
            planning.invocation.ranges_in_use,
            [&](const IdRange& range) { return overlaps(range, base, ids_of_a_range); });
        if (!used) {
            return IdRange{0, base, ids_of_a_range};
        }
    }
    planning.falls_short(
        "UserNamespaceRange",
        value,
        fmt::format(
            "other units use each of the {} ranges of {}", bases.size(), owners_text(planning)));
    return std::nullopt;
}

}  // namespace hearth::launch
