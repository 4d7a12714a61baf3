// SPDX-License-Identifier: MIT
//
// What a unit's root is, and the options of what is mounted in it.
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "supervisor/launch/mounts.hpp"

namespace hearth::launch {
namespace {

struct MountFlag {
    std::string_view option;
    std::uint64_t set, clear;
};
// What mount(8) takes as flags; all else is the file system's own.
constexpr auto mount_flags = std::to_array<MountFlag>({
    {"nodev", MS_NODEV, 0},
    {"dev", 0, MS_NODEV},
    {"nosuid", MS_NOSUID, 0},
    {"suid", 0, MS_NOSUID},
    {"noexec", MS_NOEXEC, 0},
    {"exec", 0, MS_NOEXEC},
    {"strictatime", MS_STRICTATIME, 0},
    {"nostrictatime", 0, MS_STRICTATIME},
    {"noatime", MS_NOATIME, MS_STRICTATIME},
    {"atime", 0, MS_NOATIME},
    {"relatime", MS_RELATIME, MS_STRICTATIME},
    {"norelatime", 0, MS_RELATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"diratime", 0, MS_NODIRATIME},
    {"ro", MS_RDONLY, 0},
    {"rw", 0, MS_RDONLY},
});

}  // namespace

MountOptions read_mount_options(std::string_view text, std::uint64_t flags) {
    MountOptions read;
    read.flags = flags;
    while (!text.empty()) {
        const std::string_view option = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), option.size() + 1));
        const auto* const flag = std::ranges::find(mount_flags, option, &MountFlag::option);
        if (flag != mount_flags.end()) {
            read.flags = (read.flags & ~flag->clear) | flag->set;
        } else if (option == "x-systemd.relax-extension-release-check") {
            read.relaxed_release = true;
        } else if (!option.empty()) {
            (read.rest += read.rest.empty() ? "" : ",") += option;
        }
    }
    return read;
}

MountOptions image_options(const std::vector<PartitionOptions>& partitions) {
    std::string text;
    for (const PartitionOptions& each : partitions) {
        if (each.partition == "root") {
            (text += text.empty() ? "" : ",") += each.options;
        }
    }
    return read_mount_options(text, MS_NODEV);
}

std::string root_place(const Unit& unit, const MountScope& scope) {
    const std::string& directory = unit.settings.exec.root_directory;
    const bool own = !directory.empty() && directory != "/";
    const RootSettings& roots = unit.settings.roots;
    if (!roots.root_image.empty() || (own && roots.root_ephemeral)) {
        return scope.assembly;
    }
    return own ? directory : std::string();
}

Asked root_asked(const Unit& unit) {
    const std::string& image = unit.settings.roots.root_image;
    const std::string directive = image.empty() ? "RootDirectory" : "RootImage";
    return {
        directive,
        image.empty() ? unit.settings.exec.root_directory : image,
        unit.origin_of(directive)};
}

bool mounts_api_file_systems(const Unit& unit) {
    // Without them there is nothing to protect (systemd.exec(5)): these imply MountAPIVFS=.
    const Settings& settings = unit.settings;
    return settings.sandbox.mount_api_vfs.value_or(true) ||
           settings.sandbox.protect_kernel_tunables ||
           settings.sandbox.protect_control_groups != ProtectControlGroups::No ||
           settings.roots.protect_proc != ProtectProc::Default ||
           settings.roots.proc_subset != ProcSubset::All;
}

}  // namespace hearth::launch
