// SPDX-License-Identifier: MIT
//
// Whose namespaces the service is in: by their identities, by the maps of its user namespace as the
// kernel tells them (user_namespaces(7)), by NSpid and by what is mounted for them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "supervisor/report/checks.hpp"

namespace hearth::report {
namespace {

/// The very namespace that the path stands for now.
Finding at_path(const Evidence& evidence, const std::string& kind, const std::string& path) {
    const auto& view = evidence.view;
    const auto theirs = view.namespaces.find(kind);
    const auto named = view.namespace_files.find(path);
    if (theirs == view.namespaces.end() || named == view.namespace_files.end()) {
        const auto error = view.errors.find(theirs == view.namespaces.end() ? kind : path);
        return cannot_know(error == view.errors.end() ? "not read" : error->second);
    }
    const std::string wanted = kind + ":[" + named->second + "]";
    return either(theirs->second == wanted, theirs->second, path + " is " + wanted);
}

Finding network_namespace_path(const Evidence& evidence) {
    return at_path(
        evidence, "net", evidence.question.unit.settings.namespaces.network_namespace_path);
}
Finding ipc_namespace_path(const Evidence& evidence) {
    return at_path(evidence, "ipc", evidence.question.unit.settings.namespaces.ipc_namespace_path);
}

/// What is the unit's own, so that others may have it too.
std::vector<std::string> shareable(const Settings& settings) {
    std::vector<std::string> kinds;
    if (settings.sandbox.private_ipc || !settings.namespaces.ipc_namespace_path.empty()) {
        kinds.emplace_back("ipc");
    }
    if (settings.sandbox.private_network || !settings.namespaces.network_namespace_path.empty()) {
        kinds.emplace_back("net");
    }
    if (settings.sandbox.private_tmp) {
        kinds.emplace_back("/tmp");
    }
    return kinds;
}

/// With the first of them that ran: so with one of those that run now all is shared that both have.
Finding joins_namespace_of(const Evidence& evidence) {
    const KernelView& view = evidence.view;
    const std::vector<std::string> ours = shareable(evidence.question.unit.settings);
    Finding finding = cannot_know("none of these units runs now and has something to share");
    for (const Companion& companion : evidence.question.companions) {
        const auto theirs = view.companions.find(companion.unit.name);
        std::vector<std::string> kinds = shareable(companion.unit.settings);
        std::erase_if(
            kinds, [&](const std::string& kind) { return std::ranges::count(ours, kind) == 0; });
        if (theirs == view.companions.end() || kinds.empty()) {
            continue;
        }
        const auto differs = [&](const std::string& kind) {
            const auto& own = kind == "/tmp" ? view.directories : view.namespaces;
            const auto mine = own.find(kind);
            return mine == own.end() || mine->second.empty() ||
                   mine->second != theirs->second.at(kind);
        };
        const auto different = std::ranges::find_if(kinds, differs);
        if (different == kinds.end()) {
            return verified(fmt::format("{} of {}", fmt::join(kinds, ", "), companion.unit.name));
        }
        finding =
            mismatch(*different + " is its own", companion.unit.name + " runs and has another");
    }
    return finding;
}

// ---- users

std::string one_line(const IdMap& map) {
    std::string text;
    for (const launch::IdRange& range : map) {
        text += fmt::format(
            "{}{}:{}:{}", text.empty() ? "" : " ", range.inside, range.outside, range.count);
    }
    return text.empty() ? "nothing" : text;
}

std::string maps_text(const Evidence& evidence) {
    return fmt::format(
        "uids {}, gids {}", one_line(evidence.view.uid_map), one_line(evidence.view.gid_map));
}

bool covers(const IdMap& map, std::uint64_t ids) {
    std::uint64_t mapped = 0;
    for (const launch::IdRange& range : map) {
        mapped += range.inside == range.outside ? range.count : 0;
    }
    return mapped >= ids;
}

/// A map of the host's own ids: which of them are there.
Finding private_users(const Evidence& evidence) {
    const NamespaceSettings& asked = evidence.question.unit.settings.namespaces;
    Finding finding = own_namespace(evidence, "user");
    finding.kernel += (finding.kernel.empty() ? "" : ", ") + maps_text(evidence);
    if (finding.verdict != Verdict::Verified || asked.user_namespace_range.asked()) {
        return finding;
    }
    const KernelView& view = evidence.view;
    for (const IdMap* const map : {&view.uid_map, &view.gid_map}) {
        std::uint64_t ids = 0;
        for (const launch::IdRange& range : *map) {
            ids += range.count;
            if (range.inside != range.outside) {
                return mismatch(finding.kernel, "these are other ids than the host's");
            }
        }
        const bool good = asked.private_users == PrivateUsers::Full       ? covers(*map, UINT32_MAX)
                          : asked.private_users == PrivateUsers::Identity ? ids == 65536
                                                                          : ids == 1 || ids == 2;
        if (!good) {
            return mismatch(finding.kernel, "that is not what this value maps");
        }
    }
    return finding;
}

bool is_given(const std::vector<launch::SubordinateRange>& given, const launch::IdRange& range) {
    return std::ranges::any_of(given, [&](const launch::SubordinateRange& line) {
        return range.outside >= line.base && range.count <= line.count &&
               range.outside - line.base <= line.count - range.count;
    });
}

Finding user_namespace_range(const Evidence& evidence) {
    const UserNamespaceRange& asked =
        evidence.question.unit.settings.namespaces.user_namespace_range;
    const launch::Host& host = evidence.question.host;
    Finding finding = own_namespace(evidence, "user");
    finding.kernel += (finding.kernel.empty() ? "" : ", ") + maps_text(evidence);
    if (finding.verdict != Verdict::Verified) {
        return finding;
    }
    const IdMap& uids = evidence.view.uid_map;
    const IdMap& gids = evidence.view.gid_map;
    if (uids.size() != 1 || uids != gids || uids.front().inside != 0) {
        return mismatch(finding.kernel, "expected one range that begins at 0");
    }
    const launch::IdRange& range = uids.front();
    if (!asked.automatic && (range.outside != asked.base || range.count != asked.count)) {
        return mismatch(finding.kernel, fmt::format("expected {}:{}", asked.base, asked.count));
    }
    return either(
        is_given(host.subordinate_uids, range) && is_given(host.subordinate_gids, range),
        finding.kernel,
        "/etc/subuid and /etc/subgid don't give this range");
}

// ---- processes, control groups

/// "NSpid: 4711 1": its number here and in each PID namespace further in.
Finding private_pids(const Evidence& evidence) {
    Finding finding = own_namespace(evidence, "pid");
    const auto status = evidence.view.status.find("NSpid");
    if (finding.verdict != Verdict::Verified || status == evidence.view.status.end()) {
        return finding.verdict != Verdict::Verified ? finding : cannot_know("no NSpid is told");
    }
    std::istringstream fields(status->second);
    std::string last;
    for (std::string field; fields >> field;) {
        last = field;
    }
    finding.kernel += ", pid " + last + " in it";
    if (last != "1") {
        return mismatch(finding.kernel, "its main process isn't the first");
    }
    const Mount* const proc = evidence.mounts.covering("/proc");
    const Mount* const host = evidence.host_mounts.covering("/proc");
    const bool own = proc != nullptr && proc->type == "proc" && proc->point == "/proc" &&
                     (host == nullptr || host->device != proc->device);
    return either(own, finding.kernel, "its /proc shows the host's processes");
}

/// Every cgroup mount that can be seen shows the unit's cgroup and what is below.
Finding own_control_groups(const Evidence& evidence) {
    const bool strict = evidence.sandbox().protect_control_groups == ProtectControlGroups::Strict;
    Finding finding = own_namespace(evidence, "cgroup");
    if (finding.verdict != Verdict::Verified) {
        return finding;
    }
    unsigned seen = 0;
    for (const Mount* const mount : evidence.mounts.visible()) {
        if (mount->type != "cgroup" && mount->type != "cgroup2") {
            continue;
        }
        ++seen;
        if (!mount->root.ends_with(evidence.question.cgroup)) {
            return mismatch(shown(mount), "that shows " + mount->root + " of the host");
        }
        if (strict && !mount->read_only()) {
            return mismatch(shown(mount), "writable");
        }
    }
    finding.kernel += fmt::format(", {} mounts of its own part", seen);
    return either(seen > 0, finding.kernel, "no cgroup is mounted");
}

Finding protect_control_groups(const Evidence& evidence) {
    if (!launch::has_own_control_groups(evidence.sandbox())) {
        return both(own_mounts(evidence), read_only_trees(evidence, {"/sys/fs/cgroup"}));
    }
    const Finding finding = own_mounts(evidence);
    return finding.verdict == Verdict::Verified ? own_control_groups(evidence) : finding;
}

constexpr auto checks = std::to_array<Check>({
    {"IPCNamespacePath", ipc_namespace_path},
    {"JoinsNamespaceOf", joins_namespace_of},
    {"NetworkNamespacePath", network_namespace_path},
    {"PrivatePIDs", private_pids},
    {"PrivateUsers", private_users},
    {"ProtectControlGroups", protect_control_groups},
    {"UserNamespaceRange", user_namespace_range},
});

}  // namespace

std::span<const Check> namespace_checks() {
    return checks;
}

IdMap read_id_map(std::string_view text) {
    IdMap map;
    std::istringstream lines{std::string(text)};
    for (launch::IdRange range; lines >> range.inside >> range.outside >> range.count;) {
        map.push_back(range);
    }
    return map;
}

std::optional<std::uint32_t> inside(const IdMap& map, std::uint32_t outside) {
    for (const launch::IdRange& range : map) {
        if (outside >= range.outside && outside - range.outside < range.count) {
            return range.inside + (outside - range.outside);
        }
    }
    return std::nullopt;
}

}  // namespace hearth::report
