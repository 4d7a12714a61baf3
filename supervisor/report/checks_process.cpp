// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "supervisor/report/checks.hpp"
#include "units/names.hpp"

namespace hearth::report {

namespace {

std::string status(const Evidence& evidence, const std::string& key) {
    const auto found = evidence.view.status.find(key);
    return found == evidence.view.status.end() ? std::string() : found->second;
}

template <class Number>
std::optional<Number> number(std::string_view text, int base) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

Finding not_told(const std::string& key) {
    return cannot_know("/proc/PID/status tells no " + key);
}

// ---- identity

/// "Uid: 65534 65534 65534 65534": real, effective, saved, file system; all four must be the one.
Finding ids(const Evidence& evidence, const std::string& key, std::uint32_t expected) {
    std::istringstream fields(status(evidence, key));
    std::vector<std::string> values;
    for (std::string field; fields >> field;) {
        values.push_back(field);
    }
    if (values.size() != 4) {
        return not_told(key);
    }
    // The kernel tells them as hearthd's user namespace has them; the unit's ids are those inside.
    const IdMap& map = key == "Uid" ? evidence.view.uid_map : evidence.view.gid_map;
    for (std::string& value : values) {
        const auto outside = number<std::uint32_t>(value, 10);
        const auto id = outside && !map.empty() ? inside(map, *outside) : outside;
        value = id ? std::to_string(*id) : value + " (nobody inside)";
    }
    const std::string wanted = std::to_string(expected);
    const bool same =
        std::ranges::all_of(values, [&](const auto& value) { return value == values.front(); });
    const std::string kind = key == "Uid" ? "uid" : "gid";
    return either(
        same && values.front() == wanted,
        same ? kind + " " + values.front() : fmt::format("{} {}", kind, fmt::join(values, " ")),
        "expected " + kind + " " + wanted);
}

const launch::Account* account_of(const Evidence& evidence) {
    const launch::Host& host = evidence.question.host;
    const std::string& user = evidence.exec().user;
    auto found = host.accounts.find(user);
    if (const auto uid = number<std::uint32_t>(user, 10); found == host.accounts.end() && uid) {
        const auto named = host.account_by_uid.find(*uid);
        found = named == host.account_by_uid.end() ? host.accounts.end()
                                                   : host.accounts.find(named->second);
    }
    return found == host.accounts.end() ? nullptr : &found->second;
}

std::optional<std::uint32_t> group_number(const Evidence& evidence, const std::string& group) {
    const auto& groups = evidence.question.host.groups;
    const auto found = groups.find(group);
    return found != groups.end() ? std::optional(found->second) : number<std::uint32_t>(group, 10);
}

std::vector<std::uint32_t> groups_now(const Evidence& evidence) {
    std::istringstream fields(status(evidence, "Groups"));
    std::vector<std::uint32_t> groups;
    for (std::uint32_t value = 0; fields >> value;) {
        // One that is not mapped is still held, and the host's own.
        groups.push_back(inside(evidence.view.gid_map, value).value_or(value));
    }
    std::ranges::sort(groups);
    return groups;
}

Finding group(const Evidence& evidence) {
    const auto expected = group_number(evidence, evidence.exec().group);
    return expected ? ids(evidence, "Gid", *expected)
                    : cannot_know("the group is in /etc/group no more");
}

Finding supplementary_groups(const Evidence& evidence) {
    const std::vector<std::uint32_t> has = groups_now(evidence);
    std::vector<std::uint32_t> wanted;
    for (const std::string& name : evidence.exec().supplementary_groups) {
        const auto one = group_number(evidence, name);
        if (!one) {
            return cannot_know("group " + name + " is in /etc/group no more");
        }
        wanted.push_back(*one);
    }
    const bool all = std::ranges::all_of(
        wanted, [&](std::uint32_t one) { return std::ranges::binary_search(has, one); });
    return either(
        all,
        fmt::format("groups {}", fmt::join(has, " ")),
        fmt::format("expected {} among them", fmt::join(wanted, " ")));
}

/// With its user a service gets the user's groups and loses all others, hearthd's own above all.
Finding user(const Evidence& evidence) {
    const launch::Account* account = account_of(evidence);
    if (account == nullptr && evidence.question.unit.settings.identity.dynamic_user) {
        return find_check("DynamicUser")->find(evidence);
    }
    if (account == nullptr) {
        return cannot_know("the user is in /etc/passwd no more");
    }
    Finding finding = ids(evidence, "Uid", account->uid);
    if (evidence.exec().group.empty()) {
        finding = both(std::move(finding), ids(evidence, "Gid", account->gid));
    }
    std::vector<std::uint32_t> may = account->groups;
    may.push_back(account->gid);
    for (const std::string& name : evidence.exec().supplementary_groups) {
        may.push_back(group_number(evidence, name).value_or(account->gid));
    }
    may.push_back(group_number(evidence, evidence.exec().group).value_or(account->gid));
    for (const std::uint32_t one : groups_now(evidence)) {
        if (std::ranges::find(may, one) == may.end()) {
            return both(
                std::move(finding),
                mismatch(fmt::format("group {}", one), "a group that isn't the user's"));
        }
    }
    return finding;
}

// ---- capabilities

std::string capability_text(std::uint64_t mask) {
    if (mask == 0) {
        return "none";
    }
    constexpr int most = 4;
    std::string text;
    int count = 0;
    for (unsigned bit = 0; bit < 64; ++bit) {
        if (((mask >> bit) & 1U) != 0 && ++count <= most) {
            text += (text.empty() ? "" : " ") + capability_name(bit);
        }
    }
    return count <= most ? text : fmt::format("{} and {} more", text, count - most);
}

std::uint64_t bit(unsigned capability) {
    return std::uint64_t{1} << capability;
}

/// What this kernel has and hearthd can hand on.
std::uint64_t available(const Evidence& evidence) {
    const launch::Host& host = evidence.question.host;
    const std::uint64_t existing =
        host.last_capability >= 63 ? all_capabilities : bit(host.last_capability + 1) - 1;
    return host.bounding_set & existing;
}

/// What may be left of the bounding set, with what the Protect*= and Private*= ones take away.
std::uint64_t bounding(const Evidence& evidence) {
    const SandboxSettings& sandbox = evidence.sandbox();
    std::uint64_t mask = sandbox.capability_bounding_set.mask & available(evidence);
    mask &= sandbox.private_devices ? ~(bit(CAP_MKNOD) | bit(CAP_SYS_RAWIO)) : all_capabilities;
    mask &= sandbox.protect_clock ? ~(bit(CAP_SYS_TIME) | bit(CAP_WAKE_ALARM)) : all_capabilities;
    mask &= sandbox.protect_kernel_logs ? ~bit(CAP_SYSLOG) : all_capabilities;
    mask &= sandbox.protect_kernel_modules ? ~bit(CAP_SYS_MODULE) : all_capabilities;
    return mask;
}

/// No set may hold what lies outside: the bounding set alone stops nothing that is held already. A
/// process may give up more itself, which is no breach.
Finding bounding_set(const Evidence& evidence) {
    const std::uint64_t asked = evidence.sandbox().capability_bounding_set.mask;
    std::string text;
    for (const char* key : {"CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"}) {
        const auto mask = number<std::uint64_t>(status(evidence, key), 16);
        if (!mask) {
            return not_told(key);
        }
        text = text.empty() ? fmt::format("{} {:016x} ({})", key, *mask, capability_text(*mask))
                            : text;
        if ((*mask & ~asked) != 0) {
            return mismatch(
                fmt::format("{} {:016x} ({})", key, *mask, capability_text(*mask)),
                fmt::format("holds {} outside the set", capability_text(*mask & ~asked)));
        }
    }
    return verified(text);
}

Finding ambient_set(const Evidence& evidence) {
    const auto mask = number<std::uint64_t>(status(evidence, "CapAmb"), 16);
    if (!mask) {
        return not_told("CapAmb");
    }
    const std::uint64_t asked = evidence.sandbox().ambient_capabilities.mask;
    const std::uint64_t wanted = asked & bounding(evidence) & evidence.question.host.capabilities;
    const std::string text = fmt::format("CapAmb {:016x} ({})", *mask, capability_text(*mask));
    if (*mask == wanted && wanted != (asked & available(evidence))) {
        return mismatch(text, "the rest is outside the bounding set, or hearthd lacks it");
    }
    return either(*mask == wanted, text, fmt::format("expected {:016x}", wanted));
}

Finding no_new_privileges(const Evidence& evidence) {
    const std::string value = status(evidence, "NoNewPrivs");
    if (value.empty()) {
        return not_told("NoNewPrivs");
    }
    Finding finding = either(value == "1", "NoNewPrivs " + value, "expected 1");
    // In a mount namespace of its own nothing is set-user-ID either.
    const bool own_mounts = own_namespace(evidence, "mnt").verdict == Verdict::Verified;
    const Mount* root = evidence.mounts.at("/");
    if (own_mounts && root != nullptr) {
        finding = both(
            std::move(finding),
            either(root->has("nosuid"), "/ " + root->options, "expected nosuid"));
    }
    return finding;
}

// ---- scheduling and limits

Finding file_mode_mask(const Evidence& evidence) {
    const auto value = number<std::uint32_t>(status(evidence, "Umask"), 8);
    if (!value) {
        return not_told("Umask");
    }
    const std::uint32_t wanted = evidence.exec().umask.bits;
    return either(
        *value == wanted,
        fmt::format("Umask {:04o}", *value),
        fmt::format("expected {:04o}; a process may change its own", wanted));
}

Finding told_number(
    std::optional<std::int32_t> asked, const std::string& what, const std::string& found) {
    if (found.empty() || !asked) {
        return cannot_know(what + " can't be read");
    }
    return either(
        found == std::to_string(*asked), what + " " + found, "expected " + std::to_string(*asked));
}

Finding nice(const Evidence& evidence) {
    return told_number(evidence.exec().nice, "nice", evidence.view.nice);
}

Finding oom_score_adjust(const Evidence& evidence) {
    return told_number(
        evidence.exec().oom_score_adjust, "oom_score_adj", evidence.view.oom_score_adj);
}

std::string limit_text(std::uint64_t value) {
    return value == UINT64_MAX ? "unlimited" : std::to_string(value);
}

template <auto member>
Finding limit(const Evidence& evidence, const char* name) {
    const auto& asked = evidence.exec().limits.*member;
    const auto found = evidence.view.limits.find(name);
    if (found == evidence.view.limits.end() || !asked) {
        return cannot_know(std::string("/proc/PID/limits tells no ") + name);
    }
    const std::string wanted = limit_text(asked->soft) + " " + limit_text(asked->hard);
    return either(found->second == wanted, found->second, "expected " + wanted);
}

constexpr auto checks = std::to_array<Check>({
    {"AmbientCapabilities", ambient_set},
    {"CapabilityBoundingSet", bounding_set},
    {"Group", group},
    {"LimitAS",
     [](const Evidence& e) {
         return limit<&LimitSettings::address_space>(e, "Max address space");
     }},
    {"LimitCORE",
     [](const Evidence& e) { return limit<&LimitSettings::core>(e, "Max core file size"); }},
    {"LimitCPU", [](const Evidence& e) { return limit<&LimitSettings::cpu>(e, "Max cpu time"); }},
    {"LimitDATA",
     [](const Evidence& e) { return limit<&LimitSettings::data>(e, "Max data size"); }},
    {"LimitFSIZE",
     [](const Evidence& e) { return limit<&LimitSettings::file_size>(e, "Max file size"); }},
    {"LimitLOCKS",
     [](const Evidence& e) { return limit<&LimitSettings::locks>(e, "Max file locks"); }},
    {"LimitMEMLOCK",
     [](const Evidence& e) {
         return limit<&LimitSettings::locked_memory>(e, "Max locked memory");
     }},
    {"LimitMSGQUEUE",
     [](const Evidence& e) {
         return limit<&LimitSettings::message_queue>(e, "Max msgqueue size");
     }},
    {"LimitNICE",
     [](const Evidence& e) { return limit<&LimitSettings::nice>(e, "Max nice priority"); }},
    {"LimitNOFILE",
     [](const Evidence& e) { return limit<&LimitSettings::open_files>(e, "Max open files"); }},
    {"LimitNPROC",
     [](const Evidence& e) { return limit<&LimitSettings::processes>(e, "Max processes"); }},
    {"LimitRSS",
     [](const Evidence& e) { return limit<&LimitSettings::resident_set>(e, "Max resident set"); }},
    {"LimitRTPRIO",
     [](const Evidence& e) {
         return limit<&LimitSettings::realtime_priority>(e, "Max realtime priority");
     }},
    {"LimitRTTIME",
     [](const Evidence& e) {
         return limit<&LimitSettings::realtime_time>(e, "Max realtime timeout");
     }},
    {"LimitSIGPENDING",
     [](const Evidence& e) {
         return limit<&LimitSettings::pending_signals>(e, "Max pending signals");
     }},
    {"LimitSTACK",
     [](const Evidence& e) { return limit<&LimitSettings::stack>(e, "Max stack size"); }},
    {"Nice", nice},
    {"NoNewPrivileges", no_new_privileges},
    {"OOMScoreAdjust", oom_score_adjust},
    {"SupplementaryGroups", supplementary_groups},
    {"UMask", file_mode_mask},
    {"User", user},
});

}  // namespace

std::span<const Check> process_checks() {
    return checks;
}

Finding without_capabilities(
    const Evidence& evidence, std::initializer_list<unsigned> capabilities) {
    const auto mask = number<std::uint64_t>(status(evidence, "CapBnd"), 16);
    if (!mask) {
        return not_told("CapBnd");
    }
    std::string names;
    for (const unsigned capability : capabilities) {
        if (((*mask >> capability) & 1U) != 0) {
            return mismatch(
                "CapBnd with " + capability_name(capability), "the capability is still there");
        }
        names += (names.empty() ? "" : " ") + capability_name(capability);
    }
    return verified("CapBnd without " + names);
}

}  // namespace hearth::report
