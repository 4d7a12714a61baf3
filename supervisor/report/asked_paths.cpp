// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "supervisor/report/checks.hpp"

namespace hearth::report {

namespace {

/// What Private*= and Protect*= are about.
constexpr auto fixed_paths = std::to_array<const char*>({
    "/",
    "/boot",
    "/dev",
    "/dev/kmsg",
    "/efi",
    "/etc",
    "/home",
    "/lib/modules",
    "/proc",
    "/proc/acpi",
    "/proc/asound",
    "/proc/bus",
    "/proc/fs",
    "/proc/irq",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/kmsg",
    "/proc/latency_stats",
    "/proc/mtrr",
    "/proc/sys",
    "/proc/sys/kernel/domainname",
    "/proc/sys/kernel/hostname",
    "/proc/sysrq-trigger",
    "/proc/timer_stats",
    "/root",
    "/run",
    "/run/user",
    "/sys",
    "/sys/fs/cgroup",
    "/tmp",
    "/usr",
    "/usr/lib/modules",
    "/var/tmp",
});

}  // namespace

std::vector<AskedPath> asked_paths(const Unit& unit) {
    const SandboxSettings& sandbox = unit.settings.sandbox;
    const std::string& root = unit.settings.exec.root_directory;
    std::vector<AskedPath> paths;
    const auto add = [&](const std::string& path, const std::string& own) {
        const auto same = std::ranges::find(paths, path, &AskedPath::path);
        if (same == paths.end()) {
            paths.push_back({path, own});
        }
    };
    const auto in_root = [&](const std::string& path) { return root == "/" ? path : root + path; };
    // Binds first: theirs is the source to compare with.
    for (const auto* entries : {&sandbox.bind_paths, &sandbox.bind_read_only_paths}) {
        for (const BindEntry& entry : *entries) {
            add(entry.destination.empty() ? entry.source : entry.destination, entry.source);
        }
    }
    for (const ImageEntry& entry : unit.settings.roots.mount_images) {
        add(entry.destination, in_root(entry.destination));
    }
    for (const std::string& path : extension_releases(unit)) {
        add(path, in_root(path));
    }
    for (const TmpfsEntry& entry : sandbox.temporary_file_systems) {
        add(entry.path, in_root(entry.path));
    }
    for (const auto* entries :
         {&sandbox.read_write_paths,
          &sandbox.read_only_paths,
          &sandbox.inaccessible_paths,
          &unit.settings.roots.exec_paths,
          &unit.settings.roots.no_exec_paths}) {
        for (const PathEntry& entry : *entries) {
            if (const auto path = service_path(unit, entry)) {
                add(*path, in_root(*path));
            }
        }
    }
    for (const char* path : fixed_paths) {
        add(path, in_root(path));
    }
    return paths;
}

}  // namespace hearth::report
