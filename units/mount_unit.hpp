// SPDX-License-Identifier: MIT
//
// Mount units (systemd.mount(5)). A mount of ours lives like a service of Type=oneshot with
// RemainAfterExit=yes, whose commands are mount(8) and umount(8): this makes the commands out of
// [Mount], and says what follows from what is mounted where. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "units/unit.hpp"

namespace hearth {

/// Where= and the commands, after [Mount] has been read. What systemd doesn't load (a name that
/// isn't Where='s, no What=) is a refusal with LoadState::BadSetting.
void complete_mount(Unit& unit);

/// "ro" of "ro,uid=3"; "3" for "uid". An option that isn't there has no value.
[[nodiscard]] bool has_mount_option(std::string_view options, std::string_view name);
[[nodiscard]] std::vector<std::string_view> mount_option_values(
    std::string_view options, std::string_view name);
/// The last of them; empty: none.
[[nodiscard]] std::string mount_option(std::string_view options, std::string_view name);

/// What the kernel, mount(8) or swapon(8) is to see: x-* is for others, and so are fstab's own
/// words.
[[nodiscard]] std::string options_of_command(std::string_view options);

/// Whether it waits for the network: by its type, or _netdev.
[[nodiscard]] bool is_network_mount(const MountSettings& mount);

/// The paths that must be mounted before: of the directory above the mount point, and of What=
/// where that is a file or directory.
[[nodiscard]] std::vector<std::string> paths_needed(const MountSettings& mount);

/// The directory that holds it; none for the root.
[[nodiscard]] std::vector<std::string> paths_above(std::string_view where);

}  // namespace hearth
