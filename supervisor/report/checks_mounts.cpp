// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "supervisor/report/checks.hpp"

namespace hearth::report {

namespace {

std::string shown(const Mount* mount) {
    return mount == nullptr ? "no mount" : fmt::format("{} {} {}", mount->point, mount->type, mount->options);
}

Finding private_network(const Evidence& evidence) {
    Finding finding = own_namespace(evidence, "net");
    if (finding.verdict != Verdict::Verified) {
        return finding;
    }
    // Some kernels put tunnel devices into every new namespace; they lead nowhere while they are down.
    const auto& interfaces = evidence.view.interfaces;
    const bool loopback = std::ranges::find(interfaces, "lo") != interfaces.end();
    finding.kernel += fmt::format(", interfaces: {}", fmt::join(interfaces, " "));
    return either(loopback, finding.kernel, "no loopback interface");
}

Finding private_ipc(const Evidence& evidence) { return own_namespace(evidence, "ipc"); }
Finding private_mounts(const Evidence& evidence) { return own_namespace(evidence, "mnt"); }
Finding protect_hostname(const Evidence& evidence) { return own_namespace(evidence, "uts"); }

Finding private_tmp(const Evidence& evidence) {
    if (Finding finding = own_namespace(evidence, "mnt"); finding.verdict != Verdict::Verified) {
        return finding;
    }
    std::string text;
    for (const char* path : {"/tmp", "/var/tmp"}) {
        const Mount* mount = evidence.mounts.at(path);
        if (mount == nullptr) {
            return mismatch(std::string(path) + " is the host's", "no mount of the unit's own there");
        }
        if (mount->read_only()) {
            return mismatch(shown(mount), "read-only");
        }
        text += (text.empty() ? "" : "; ") + fmt::format("{} is {} of its {}", path, mount->root, mount->type);
    }
    return verified(text);
}

Finding private_devices(const Evidence& evidence) {
    const Mount* mount = evidence.mounts.at("/dev");
    const bool good = own_namespace(evidence, "mnt").verdict == Verdict::Verified && mount != nullptr &&
                      mount->type == "tmpfs" && mount->has("ro");
    return either(good, shown(mount), "expected a small read-only /dev of the unit's own");
}

/// Every visible writable mount must be one that systemd's strict mode leaves writable, or an exception
/// that the unit itself states.
Finding protect_system_strict(const Evidence& evidence) {
    const SandboxSettings& sandbox = evidence.question.unit.settings.sandbox;
    const auto allowed = [&](const std::string& point) {
        if (is_below(point, "/dev") || is_below(point, "/proc") || is_below(point, "/sys")) {
            return true;
        }
        if (sandbox.private_tmp && (is_below(point, "/tmp") || is_below(point, "/var/tmp"))) {
            return true;
        }
        const auto covers = [&](const auto& entries, auto path) {
            return std::ranges::any_of(entries, [&](const auto& entry) { return is_below(point, path(entry)); });
        };
        const bool home = sandbox.protect_home == ProtectHome::No || sandbox.protect_home == ProtectHome::Tmpfs;
        if (home && (is_below(point, "/home") || is_below(point, "/root") || is_below(point, "/run/user"))) {
            return sandbox.protect_home == ProtectHome::Tmpfs;
        }
        return covers(sandbox.read_write_paths, [](const PathEntry& entry) { return entry.path; }) ||
               covers(sandbox.bind_paths, [](const BindEntry& entry) { return entry.destination; }) ||
               covers(sandbox.temporary_file_systems, [](const TmpfsEntry& entry) { return entry.path; });
    };
    std::size_t read_only = 0;
    for (const Mount* mount : evidence.mounts.visible()) {
        if (mount->read_only()) {
            ++read_only;
        } else if (!allowed(mount->point)) {
            return mismatch(shown(mount), "writable");
        }
    }
    const Mount* root = evidence.mounts.at("/");
    if (root == nullptr || !root->read_only()) {
        return mismatch(shown(root), "the root is writable");
    }
    return verified(fmt::format("/ and {} other mounts read-only", read_only - 1));
}

Finding all_read_only(const Evidence& evidence, std::initializer_list<const char*> paths) {
    std::string text;
    for (const char* path : paths) {
        const Mount* mount = evidence.mounts.covering(path);
        if (mount == nullptr || !mount->read_only()) {
            return mismatch(fmt::format("{}: {}", path, shown(mount)), "writable");
        }
        text += (text.empty() ? "" : " ") + std::string(path);
    }
    return verified(text + " read-only");
}

Finding protect_system(const Evidence& evidence) {
    switch (evidence.question.unit.settings.sandbox.protect_system) {
        case ProtectSystem::No:
            return cannot_know("not asked");
        case ProtectSystem::Yes:
            return all_read_only(evidence, {"/usr"});
        case ProtectSystem::Full:
            return all_read_only(evidence, {"/usr", "/etc"});
        case ProtectSystem::Strict:
            return protect_system_strict(evidence);
    }
    return cannot_know("not asked");
}

/// A path hidden by hearth is covered by an empty, inaccessible mount exactly there.
bool hidden(const Mount* mount) {
    return mount != nullptr && (mount->type == "tmpfs" || mount->root.find("inaccessible") != std::string::npos);
}

Finding protect_home(const Evidence& evidence) {
    const ProtectHome kind = evidence.question.unit.settings.sandbox.protect_home;
    std::string text;
    for (const std::string path : {"/home", "/root", "/run/user"}) {
        if (!evidence.question.host.existing_paths.contains(path)) {
            text += (text.empty() ? "" : ", ") + path + " does not exist";
            continue;
        }
        const Mount* mount = kind == ProtectHome::ReadOnly ? evidence.mounts.covering(path) : evidence.mounts.at(path);
        const bool good = kind == ProtectHome::ReadOnly ? mount != nullptr && mount->read_only() : hidden(mount);
        if (!good) {
            return mismatch(path + ": " + shown(mount), "expected it hidden");
        }
        text += (text.empty() ? "" : ", ") + path + (kind == ProtectHome::ReadOnly ? " read-only" : " hidden");
    }
    return verified(text);
}

Finding path_list(
    const Evidence& evidence, const std::vector<PathEntry>& entries, bool (*good)(const Mount*, const std::string&),
    const char* what) {
    std::string text;
    for (const PathEntry& entry : entries) {
        const Mount* mount = evidence.mounts.covering(entry.path);
        if (!good(mount, entry.path)) {
            if (entry.optional) {
                continue;  // it may not exist; a missing one is not in the mount table
            }
            return mismatch(entry.path + ": " + shown(mount), std::string("not ") + what);
        }
        text += (text.empty() ? "" : " ") + entry.path;
    }
    return text.empty() ? cannot_know("only optional paths, none of them mounted") : verified(text + " " + what);
}

Finding read_only_paths(const Evidence& evidence) {
    return path_list(
        evidence, evidence.question.unit.settings.sandbox.read_only_paths,
        [](const Mount* mount, const std::string&) { return mount != nullptr && mount->read_only(); }, "read-only");
}

Finding read_write_paths(const Evidence& evidence) {
    return path_list(
        evidence, evidence.question.unit.settings.sandbox.read_write_paths,
        [](const Mount* mount, const std::string&) { return mount != nullptr && !mount->read_only(); }, "writable");
}

Finding inaccessible_paths(const Evidence& evidence) {
    return path_list(
        evidence, evidence.question.unit.settings.sandbox.inaccessible_paths,
        [](const Mount* mount, const std::string& path) {
            return mount != nullptr && mount->point == path && hidden(mount);
        },
        "hidden");
}

Finding bound(const Evidence& evidence, const std::vector<BindEntry>& entries, bool read_only) {
    std::string text;
    for (const BindEntry& entry : entries) {
        const Mount* mount = evidence.mounts.at(entry.destination);
        if (mount == nullptr || (read_only && !mount->read_only())) {
            if (entry.optional && mount == nullptr) {
                continue;
            }
            return mismatch(entry.destination + ": " + shown(mount), read_only ? "not a read-only mount" : "no mount");
        }
        text += (text.empty() ? "" : "; ") + shown(mount);
    }
    return verified(text);
}

Finding bind_paths(const Evidence& evidence) {
    return bound(evidence, evidence.question.unit.settings.sandbox.bind_paths, false);
}
Finding bind_read_only_paths(const Evidence& evidence) {
    return bound(evidence, evidence.question.unit.settings.sandbox.bind_read_only_paths, true);
}

Finding temporary_file_systems(const Evidence& evidence) {
    for (const TmpfsEntry& entry : evidence.question.unit.settings.sandbox.temporary_file_systems) {
        const Mount* mount = evidence.mounts.at(entry.path);
        if (mount == nullptr || mount->type != "tmpfs") {
            return mismatch(entry.path + ": " + shown(mount), "expected a tmpfs");
        }
    }
    return verified("tmpfs at each");
}

Finding root_directory(const Evidence& evidence) {
    if (evidence.view.root.empty() || evidence.view.expected_root.empty()) {
        return cannot_know("the root's identity can't be read");
    }
    return either(
        evidence.view.root == evidence.view.expected_root, "root is inode " + evidence.view.root,
        "expected " + evidence.view.expected_root);
}

Finding mount_api_vfs(const Evidence& evidence) {
    for (const char* path : {"/proc", "/sys", "/dev"}) {
        if (evidence.mounts.at(path) == nullptr) {
            return mismatch(std::string(path) + " is no mount", "expected one");
        }
    }
    return verified("/proc /sys /dev mounted");
}

Finding protect_kernel_tunables(const Evidence& evidence) { return all_read_only(evidence, {"/proc/sys", "/sys"}); }
Finding protect_control_groups(const Evidence& evidence) { return all_read_only(evidence, {"/sys/fs/cgroup"}); }

constexpr auto checks = std::to_array<Check>({
    {"BindPaths", bind_paths},
    {"BindReadOnlyPaths", bind_read_only_paths},
    {"InaccessiblePaths", inaccessible_paths},
    {"MountAPIVFS", mount_api_vfs},
    {"PrivateDevices", private_devices},
    {"PrivateIPC", private_ipc},
    {"PrivateMounts", private_mounts},
    {"PrivateNetwork", private_network},
    {"PrivateTmp", private_tmp},
    {"ProtectControlGroups", protect_control_groups},
    {"ProtectHome", protect_home},
    {"ProtectHostname", protect_hostname},
    {"ProtectKernelTunables", protect_kernel_tunables},
    {"ProtectSystem", protect_system},
    {"ReadOnlyPaths", read_only_paths},
    {"ReadWritePaths", read_write_paths},
    {"RootDirectory", root_directory},
    {"TemporaryFileSystem", temporary_file_systems},
});

}  // namespace

std::span<const Check> mount_checks() { return checks; }

Finding own_namespace(const Evidence& evidence, const std::string& kind) {
    const auto theirs = evidence.view.namespaces.find(kind);
    const auto ours = evidence.view.own_namespaces.find(kind);
    if (theirs == evidence.view.namespaces.end() || ours == evidence.view.own_namespaces.end()) {
        return cannot_know("the " + kind + " namespace can't be read");
    }
    return either(theirs->second != ours->second, theirs->second, "that is hearthd's own namespace");
}

}  // namespace hearth::report
