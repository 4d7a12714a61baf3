// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <linux/capability.h>

#include <algorithm>
#include <array>
#include <optional>

#include "supervisor/launch/mounts.hpp"
#include "supervisor/report/checks.hpp"

namespace hearth::report {

namespace {

// ---- namespaces

Finding private_network(const Evidence& evidence) {
    Finding finding = own_namespace(evidence, "net");
    if (finding.verdict != Verdict::Verified) {
        return finding;
    }
    // Some kernels put tunnel devices into every new namespace; they lead nowhere while they are
    // down.
    const auto& interfaces = evidence.view.interfaces;
    const bool loopback = std::ranges::find(interfaces, "lo") != interfaces.end();
    finding.kernel += fmt::format(", interfaces: {}", fmt::join(interfaces, " "));
    return either(loopback, finding.kernel, "no loopback interface");
}

Finding private_ipc(const Evidence& evidence) {
    Finding finding = own_namespace(evidence, "ipc");
    const Mount* queues = evidence.mounts.at("/dev/mqueue");
    if (queues != nullptr) {
        const Mount* host = evidence.host_mounts.at("/dev/mqueue");
        const bool same = host != nullptr && host->device == queues->device;
        finding =
            both(std::move(finding), either(!same, shown(queues), "those are the host's queues"));
    }
    return finding;
}

// ---- replaced contents

/// How the directories begin that may be the unit's: that of a unit which it joins is named after
/// whoever made it, perhaps long ago.
std::string private_directory(const Question& question) {
    const bool joins =
        std::ranges::any_of(question.plan.preparations, [](const launch::Prepared& prepared) {
            return std::holds_alternative<launch::JoinActivation>(prepared.preparation);
        });
    return joins ? "/hearth-" : "/hearth-" + question.unit.name + "-";
}

/// The directory that hearthd made for the unit, and not the host's.
Finding private_tmp(const Evidence& evidence) {
    std::string text;
    const bool disconnected = evidence.sandbox().private_tmp == PrivateTmp::Disconnected;
    for (const char* path : {"/tmp", "/var/tmp"}) {
        const Place place = look(evidence, path);
        if (place.missing) {
            continue;
        }
        if (place.mount == nullptr) {
            return cannot_know(std::string(path) + ": " + place.error);
        }
        const bool same = place.fact != nullptr && !place.fact->own_identity.empty() &&
                          place.fact->identity == place.fact->own_identity;
        const bool made =
            disconnected
                ? place.mount->type == "tmpfs" && place.mount->root == "/"
                : place.mount->root.find(private_directory(evidence.question)) != std::string::npos;
        if (!place.exact || same || !made) {
            return mismatch(std::string(path) + ": " + shown(place.mount), "that is the host's");
        }
        if (place.mount->read_only()) {
            return mismatch(shown(place.mount), "read-only");
        }
        text += (text.empty() ? "" : "; ") +
                fmt::format("{} is {} of its {}", path, place.mount->root, place.mount->type);
    }
    return text.empty() ? verified("neither /tmp nor /var/tmp exists") : verified(text);
}

/// Documentation/admin-guide/devices.txt: null, zero, full, random, urandom, tty, ptmx.
constexpr auto pseudo_devices = std::to_array<std::string_view>(
    {"c 1:3", "c 1:5", "c 1:7", "c 1:8", "c 1:9", "c 5:0", "c 5:2"});

Finding device_file_system(const Evidence& evidence) {
    const Place place = look(evidence, "/dev");
    const bool fresh = place.exact && place.mount->type == "tmpfs" && place.mount->has("ro") &&
                       place.mount->has("noexec");
    if (!fresh) {
        return mismatch(shown(place.mount), "expected a small read-only /dev of the unit's own");
    }
    for (const auto& [name, device] : evidence.view.devices) {
        if (std::ranges::find(pseudo_devices, device) == pseudo_devices.end()) {
            return mismatch(fmt::format("/dev/{} is device {}", name, device), "no pseudo device");
        }
    }
    for (const std::string_view device : pseudo_devices) {
        const bool there = std::ranges::any_of(
            evidence.view.devices, [&](const auto& node) { return node.second == device; });
        if (!there) {
            return mismatch(shown(place.mount), "device " + std::string(device) + " is missing");
        }
    }
    return verified(
        fmt::format("{}, {} pseudo devices", shown(place.mount), evidence.view.devices.size()));
}

Finding private_devices(const Evidence& evidence) {
    return both(
        both(
            device_file_system(evidence),
            without_capabilities(evidence, {CAP_MKNOD, CAP_SYS_RAWIO})),
        filters(evidence));
}

/// One bind; nothing where it is optional and has no source.
std::optional<Finding> bound_entry(
    const Evidence& evidence, const BindEntry& entry, bool read_only) {
    const std::string& path = entry.destination.empty() ? entry.source : entry.destination;
    const Place place = look(evidence, path);
    const bool gone = place.fact != nullptr && place.fact->own_identity.empty();
    if (entry.optional && (place.missing || (gone && !place.exact))) {
        return std::nullopt;
    }
    if (!place.exact || (read_only && !place.mount->read_only())) {
        return mismatch(
            path + ": " + shown(place.mount),
            read_only ? "not a read-only mount" : "no mount there");
    }
    if (place.fact != nullptr && place.fact->identity != place.fact->own_identity) {
        if (gone || place.mount->root.ends_with("//deleted")) {
            return cannot_know(entry.source + " has been replaced since");
        }
        return mismatch(path + ": " + shown(place.mount), "not the inode of " + entry.source);
    }
    return verified(shown(place.mount));
}

Finding bound(const Evidence& evidence, const std::vector<BindEntry>& entries, bool read_only) {
    std::string text;
    for (const BindEntry& entry : entries) {
        const auto finding = bound_entry(evidence, entry, read_only);
        if (finding && finding->verdict != Verdict::Verified) {
            return *finding;
        }
        if (finding) {
            text += (text.empty() ? "" : "; ") + finding->kernel;
        }
    }
    return text.empty() ? cannot_know("only optional sources, none of which exists")
                        : verified(text);
}

Finding bind_paths(const Evidence& evidence) {
    return bound(evidence, evidence.sandbox().bind_paths, false);
}
Finding bind_read_only_paths(const Evidence& evidence) {
    return bound(evidence, evidence.sandbox().bind_read_only_paths, true);
}

Finding temporary_file_systems(const Evidence& evidence) {
    std::string text;
    for (const TmpfsEntry& entry : evidence.sandbox().temporary_file_systems) {
        const Place place = look(evidence, entry.path);
        const bool host = place.fact != nullptr && place.fact->identity == place.fact->own_identity;
        if (!place.exact || place.mount->type != "tmpfs" || host) {
            return mismatch(
                entry.path + ": " + shown(place.mount), "expected a tmpfs of the unit's own");
        }
        const std::string options = "," + entry.options + ",";
        if (options.find(",ro,") != std::string::npos && !place.mount->read_only()) {
            return mismatch(shown(place.mount), "expected it read-only");
        }
        text += (text.empty() ? "" : "; ") + shown(place.mount);
    }
    return verified(text);
}

Finding root_directory(const Evidence& evidence) {
    if (!evidence.roots().root_image.empty()) {
        return cannot_know("RootImage= takes its place");
    }
    if (evidence.roots().root_ephemeral) {
        return ephemeral_root(evidence);
    }
    if (evidence.view.root.empty() || evidence.view.expected_root.empty()) {
        return cannot_know("the root's identity can't be read");
    }
    return either(
        evidence.view.root == evidence.view.expected_root,
        "root is inode " + evidence.view.root,
        "expected " + evidence.view.expected_root);
}

/// Whether BindPaths= or BindReadOnlyPaths= puts something there.
bool binds(const Evidence& evidence, std::string_view path) {
    const auto there = [path](const BindEntry& entry) {
        return (entry.destination.empty() ? entry.source : entry.destination) == path;
    };
    return std::ranges::any_of(evidence.sandbox().bind_paths, there) ||
           std::ranges::any_of(evidence.sandbox().bind_read_only_paths, there);
}

Finding mount_api_vfs(const Evidence& evidence) {
    const bool own_root =
        !evidence.exec().root_directory.empty() || !evidence.roots().root_image.empty();
    if (!own_root || !launch::mounts_api_file_systems(evidence.question.unit)) {
        return cannot_know("without RootDirectory= there is nothing to mount");
    }
    for (const char* path : {"/proc", "/sys", "/dev", "/run"}) {
        const Mount* mount = evidence.mounts.at(path);
        const std::string_view type = path == std::string_view("/proc")  ? "proc"
                                      : path == std::string_view("/sys") ? "sysfs"
                                                                         : "";
        if (mount == nullptr || (!type.empty() && mount->type != type)) {
            return mismatch(
                std::string(path) + ": " + shown(mount), "expected a file system of its own");
        }
    }
    // Where the host has mounts at these paths too, /run tells whose they are: it is a tmpfs of the
    // unit's own, unless the unit binds something there.
    const Mount* run = evidence.mounts.at("/run");
    const Mount* host = evidence.host_mounts.at("/run");
    if (host != nullptr && host->device == run->device && !binds(evidence, "/run")) {
        return mismatch(shown(run), "that is the host's");
    }
    return verified("/proc /sys /dev /run mounted");
}

// ---- lists of paths

Finding read_only_paths(const Evidence& evidence) {
    return each_path(
        evidence,
        evidence.sandbox().read_only_paths,
        "read-only",
        [&](const std::string& path, const Place&) { return read_only_tree(evidence, path); });
}

Finding read_write_paths(const Evidence& evidence) {
    return each_path(
        evidence,
        evidence.sandbox().read_write_paths,
        "writable",
        [&](const std::string& path, const Place& place) {
            const bool by_host = place.fact != nullptr && place.fact->own_read_only;
            return either(
                !place.mount->read_only() || by_host,
                path + ": " + shown(place.mount),
                "read-only; where another directive says so of the same path, that one counts");
        });
}

Finding inaccessible_paths(const Evidence& evidence) {
    return each_path(
        evidence,
        evidence.sandbox().inaccessible_paths,
        "hidden",
        [](const std::string& path, const Place& place) {
            return either(is_hidden(place), path + ": " + shown(place.mount), "not hidden");
        });
}

constexpr auto checks = std::to_array<Check>({
    {"BindPaths", bind_paths},
    {"BindReadOnlyPaths", bind_read_only_paths},
    {"InaccessiblePaths", inaccessible_paths},
    {"MountAPIVFS", mount_api_vfs},
    {"PrivateDevices", private_devices},
    {"PrivateIPC", private_ipc},
    {"PrivateMounts", own_mounts},
    {"PrivateNetwork", private_network},
    {"PrivateTmp", private_tmp},
    {"ReadOnlyPaths", read_only_paths},
    {"ReadWritePaths", read_write_paths},
    {"RootDirectory", root_directory},
    {"TemporaryFileSystem", temporary_file_systems},
});

}  // namespace

std::span<const Check> mount_checks() {
    return checks;
}

Finding each_path(
    const Evidence& evidence,
    const std::vector<PathEntry>& entries,
    const char* what,
    const PathJudge& judge) {
    std::string text;
    for (const PathEntry& entry : entries) {
        const auto path = service_path(evidence.question.unit, entry);
        if (!path) {
            continue;  // outside the root, where the service can't go
        }
        const Place place = look(evidence, *path);
        if (place.missing) {
            if (!entry.optional) {
                return cannot_know(*path + " no longer exists");
            }
            continue;
        }
        if (place.mount == nullptr) {
            return cannot_know(
                *path + ": " + (place.error.empty() ? "not in the mount table" : place.error));
        }
        Finding finding = judge(*path, place);
        if (finding.verdict != Verdict::Verified) {
            return finding;
        }
        text += (text.empty() ? "" : " ") + *path;
    }
    return text.empty() ? cannot_know("none of the paths exists for the service")
                        : verified(text + " " + what);
}

Finding own_mounts(const Evidence& evidence) {
    Finding finding = own_namespace(evidence, "mnt");
    if (finding.verdict != Verdict::Verified) {
        return finding;
    }
    for (const Mount* mount : evidence.mounts.visible()) {
        if (evidence.host_mounts.has_peer_group(mount->shared)) {
            return mismatch(
                shown(mount), fmt::format("shares peer group {} with the host", mount->shared));
        }
    }
    return verified(finding.kernel + ", no mount shared with the host");
}

Finding own_namespace(const Evidence& evidence, const std::string& kind) {
    const auto theirs = evidence.view.namespaces.find(kind);
    const auto ours = evidence.view.own_namespaces.find(kind);
    if (theirs == evidence.view.namespaces.end() || ours == evidence.view.own_namespaces.end()) {
        return cannot_know("the " + kind + " namespace can't be read");
    }
    return either(
        theirs->second != ours->second, theirs->second, "that is hearthd's own namespace");
}

}  // namespace hearth::report
