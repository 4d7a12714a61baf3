// SPDX-License-Identifier: MIT
//
// Detached mounts that a launcher thread makes for a child to move into its namespace: the /dev of
// PrivateDevices=, file systems in images, overlays. Nothing here is ever visible on the host. The
// kernel frees each with its last descriptor and mount. Internal to launcher*.cpp.
//
// Nothing can be cloned out of a detached tree, and nothing mounted in one, before Linux 6.15: what
// needs that says so, or does with more mounts. Follows open_tree and move_mount of
// uapi/linux/mount.h, loop(4), Documentation/filesystems/overlayfs.rst.
#pragma once

#include <map>
#include <string>

#include "supervisor/launch/launcher_run.hpp"

namespace hearth::launch {

/// A tree, and what the child has to mount in it because this kernel could not: name to mount.
struct DeviceTree {
    sys::Descriptor tree;
    std::map<std::string, sys::Descriptor> parts;
};
/// From the one that is kept for all services, where that may be shared and this kernel can.
[[nodiscard]] Result<DeviceTree> device_tree(const MakeDevices& wanted);

/// What an activation keeps of its images: slot "loop:PATH" is the loop device.
[[nodiscard]] Result<sys::Descriptor> mount_image(
    const MountImage& image, Activation& activation, const InFlight& in_flight);

using OpenedTrees = std::map<std::string, sys::Descriptor>;
/// `opened`: what "tree:NAME" stands for; a name that isn't there is a layer that is absent. An
/// empty descriptor: no layer has the hierarchy.
[[nodiscard]] Result<sys::Descriptor> mount_layers(
    const MountLayers& wanted, const OpenedTrees& opened);
[[nodiscard]] Result<sys::Descriptor> mount_ephemeral(
    const MountEphemeral& wanted, const OpenedTrees& opened, Activation& activation);

}  // namespace hearth::launch
