// SPDX-License-Identifier: MIT
//
// Protect*=: each stands for a list of paths (systemd.exec(5), Sandboxing). And what all checks of
// paths share: how a path is looked up, what hidden and read-only mean in a mount table.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "supervisor/report/checks.hpp"

namespace hearth::report {

namespace {

constexpr auto home_directories = std::to_array<const char*>({"/home", "/root", "/run/user"});

bool same_or_below(const Evidence& evidence, const std::string& point, const std::string& path) {
    const auto fact = evidence.view.paths.find(path);
    const bool resolved = fact != evidence.view.paths.end() && !fact->second.resolved.empty() &&
                          is_below(point, fact->second.resolved);
    return resolved || is_below(point, path);
}

bool with_root(const Evidence& evidence) {
    const std::string& root = evidence.exec().root_directory;
    return (!root.empty() && root != "/") || !evidence.roots().root_image.empty();
}

/// What the unit itself keeps writable, whatever is read-only around it.
bool is_exception(const Evidence& evidence, const std::string& point) {
    const SandboxSettings& sandbox = evidence.sandbox();
    const auto below = [&](const std::string& path) {
        return same_or_below(evidence, point, path);
    };
    if (sandbox.private_tmp && (below("/tmp") || below("/var/tmp"))) {
        return true;
    }
    if (with_root(evidence) && sandbox.mount_api_vfs.value_or(true) && below("/run")) {
        return true;
    }
    const bool written = std::ranges::any_of(sandbox.read_write_paths, [&](const PathEntry& entry) {
        const auto path = service_path(evidence.question.unit, entry);
        return path && below(*path);
    });
    const bool bound = std::ranges::any_of(sandbox.bind_paths, [&](const BindEntry& entry) {
        return below(entry.destination.empty() ? entry.source : entry.destination);
    });
    const auto& images = evidence.roots().mount_images;
    const bool imaged = std::ranges::any_of(
        images, [&](const ImageEntry& entry) { return below(entry.destination); });
    return written || bound || imaged ||
           std::ranges::any_of(sandbox.temporary_file_systems, [&](const TmpfsEntry& entry) {
               return ("," + entry.options + ",").find(",ro,") == std::string::npos &&
                      below(entry.path);
           });
}

// ---- ProtectSystem=

Finding protect_system_strict(const Evidence& evidence) {
    std::size_t read_only = 0;
    for (const Mount* mount : evidence.mounts.visible()) {
        const bool api = is_below(mount->point, "/dev") || is_below(mount->point, "/proc") ||
                         is_below(mount->point, "/sys");
        if (mount->read_only()) {
            ++read_only;
        } else if (!api && !is_exception(evidence, mount->point)) {
            return mismatch(shown(mount), "writable");
        }
    }
    const Mount* root = evidence.mounts.at("/");
    if (root == nullptr || !root->read_only()) {
        return mismatch(shown(root), "the root is writable");
    }
    return verified(fmt::format("/ and {} other mounts read-only", read_only - 1));
}

Finding protect_system(const Evidence& evidence) {
    switch (evidence.sandbox().protect_system) {
        case ProtectSystem::No:
            break;
        case ProtectSystem::Yes:
            return read_only_trees(evidence, {"/usr", "/boot", "/efi"});
        case ProtectSystem::Full:
            return read_only_trees(evidence, {"/usr", "/boot", "/efi", "/etc"});
        case ProtectSystem::Strict:
            return protect_system_strict(evidence);
    }
    return cannot_know("not asked");
}

// ---- ProtectHome=

Finding protect_one_home(const Evidence& evidence, const std::string& path) {
    const Place place = look(evidence, path);
    if (place.missing) {
        return verified(path + " does not exist");
    }
    if (place.mount == nullptr) {
        return cannot_know(path + ": " + place.error);
    }
    switch (evidence.sandbox().protect_home) {
        case ProtectHome::No:
            return cannot_know("not asked");
        case ProtectHome::Yes:
            return is_hidden(place)
                       ? verified(path + " hidden")
                       : mismatch(path + ": " + shown(place.mount), "expected it hidden");
        case ProtectHome::ReadOnly:
            return read_only_tree(evidence, path);
        case ProtectHome::Tmpfs:
            break;
    }
    const bool host = place.fact != nullptr && place.fact->identity == place.fact->own_identity;
    const bool fresh =
        place.exact && place.mount->type == "tmpfs" && place.mount->read_only() && !host;
    return fresh ? verified(path + " an empty tmpfs")
                 : mismatch(path + ": " + shown(place.mount), "expected a read-only tmpfs");
}

/// A home that the unit itself names elsewhere is that directive's business.
bool is_named(const Evidence& evidence, const std::string& path) {
    const SandboxSettings& sandbox = evidence.sandbox();
    const auto replaced = [&](const std::string& other) { return is_below(path, other); };
    return std::ranges::any_of(
               sandbox.temporary_file_systems,
               [&](const TmpfsEntry& entry) { return replaced(entry.path); }) ||
           std::ranges::any_of(sandbox.bind_paths, [&](const BindEntry& entry) {
               return replaced(entry.destination);
           });
}

Finding protect_home(const Evidence& evidence) {
    Finding finding = verified("");
    for (const char* path : home_directories) {
        const bool stronger =
            evidence.sandbox().protect_home != ProtectHome::Yes && is_named(evidence, path);
        if (!stronger) {
            finding = both(std::move(finding), protect_one_home(evidence, path));
        }
    }
    return finding;
}

// ---- the kernel's files

Finding protect_kernel_tunables(const Evidence& evidence) {
    return both(
        both(
            read_only_trees(
                evidence,
                {"/proc/sys",
                 "/sys",
                 "/proc/sysrq-trigger",
                 "/proc/latency_stats",
                 "/proc/acpi",
                 "/proc/timer_stats",
                 "/proc/fs",
                 "/proc/irq",
                 "/proc/bus",
                 "/proc/mtrr",
                 "/proc/asound"}),
            all_hidden(evidence, {"/proc/kallsyms", "/proc/kcore"})),
        filters(evidence));
}

constexpr auto checks = std::to_array<Check>({
    {"ProtectHome", protect_home},
    {"ProtectKernelTunables", protect_kernel_tunables},
    {"ProtectSystem", protect_system},
});

}  // namespace

std::span<const Check> protect_checks() {
    return checks;
}

// ---- shared

std::string shown(const Mount* mount) {
    return mount == nullptr ? "no mount"
                            : fmt::format("{} {} {}", mount->point, mount->type, mount->options);
}

Place look(const Evidence& evidence, const std::string& path) {
    Place place;
    const auto fact = evidence.view.paths.find(path);
    if (fact == evidence.view.paths.end()) {
        place.mount = evidence.mounts.covering(path);
        place.exact = place.mount != nullptr && place.mount->point == path;
        return place;
    }
    place.fact = &fact->second;
    place.missing = place.fact->missing;
    place.error = place.fact->error;
    if (place.error.empty()) {
        place.mount = place.fact->mount != 0 ? evidence.mounts.by_id(place.fact->mount)
                                             : evidence.mounts.covering(place.fact->resolved);
        place.exact = place.mount != nullptr && place.fact->mount_point;
        place.error = place.mount == nullptr ? "its mount isn't in the mount table" : "";
    }
    return place;
}

bool is_hidden(const Place& place) {
    const bool sealed = place.exact && place.mount->type == "tmpfs" && place.mount->has("ro") &&
                        place.mount->has("nosuid") && place.mount->has("nodev") &&
                        place.mount->has("noexec");
    return sealed && (place.fact == nullptr || !place.fact->directory || place.fact->mode == 0);
}

Finding read_only_tree(const Evidence& evidence, const std::string& path) {
    const Place place = look(evidence, path);
    if (place.mount == nullptr) {
        return cannot_know(path + ": " + place.error);
    }
    const std::string resolved = place.fact != nullptr ? place.fact->resolved : path;
    if (!place.mount->read_only() && !is_exception(evidence, resolved)) {
        return mismatch(path + ": " + shown(place.mount), "writable");
    }
    for (const Mount* mount : evidence.mounts.visible()) {
        // ProtectKernelTunables= leaves the cgroup tree to ProtectControlGroups=.
        const bool cgroups =
            is_below(mount->point, "/sys/fs/cgroup") && !is_below(resolved, "/sys/fs/cgroup");
        if (is_below(mount->point, resolved) && !mount->read_only() && !cgroups &&
            !is_exception(evidence, mount->point)) {
            return mismatch(path + ": " + shown(mount), "writable");
        }
    }
    return verified(path + " read-only");
}

Finding read_only_trees(const Evidence& evidence, std::initializer_list<const char*> paths) {
    Finding finding = verified("");
    for (const char* path : paths) {
        if (!look(evidence, path).missing) {
            finding = both(std::move(finding), read_only_tree(evidence, path));
        }
    }
    return finding.kernel.empty() && finding.verdict == Verdict::Verified
               ? verified("none of the paths exists")
               : finding;
}

Finding all_hidden(const Evidence& evidence, std::initializer_list<const char*> paths) {
    Finding finding = verified("");
    for (const char* path : paths) {
        const Place place = look(evidence, path);
        if (!place.missing && is_hidden(place)) {
            finding = both(std::move(finding), verified(std::string(path) + " hidden"));
        } else if (!place.missing) {
            finding = both(
                std::move(finding),
                mismatch(std::string(path) + ": " + shown(place.mount), "not hidden"));
        }
    }
    return finding;
}

std::optional<std::string> service_path(const Unit& unit, const PathEntry& entry) {
    const std::string& root = unit.settings.exec.root_directory;
    if (!entry.below_root && !unit.settings.roots.root_image.empty()) {
        return std::nullopt;
    }
    if (root.empty() || root == "/" || entry.below_root) {
        return entry.path;
    }
    if (!is_below(entry.path, root)) {
        return std::nullopt;
    }
    return entry.path == root ? "/" : entry.path.substr(root.size());
}

}  // namespace hearth::report
