// SPDX-License-Identifier: MIT
//
// The /dev of PrivateDevices= step by step, for a child that mounts in a user namespace of its own.
// Where hearthd may mount, launcher_devices.cpp has one tree for all.
#include <sys/mount.h>

#include <array>
#include <string_view>

#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/mounts.hpp"
#include "supervisor/launch/pseudo_devices.hpp"

namespace hearth::launch {
namespace {}  // namespace

void devices_in_child(
    MountPlan& plan, const std::string& path, bool message_queues, const Asked& asked) {
    const std::string at = path + "/";
    const auto add = [&](Action action) {
        plan.steps.push_back({Stage::Mounts, std::move(action), asked, namespace_status});
    };
    const auto prepare = [&](CloneTree tree) {
        plan.preparations.push_back({std::move(tree), asked, namespace_status});
    };
    constexpr std::uint64_t flags = MS_NOSUID | MS_NOEXEC | MS_STRICTATIME;
    add(MountFileSystem{"tmpfs", path, "mode=0755,size=4m,nr_inodes=64k", flags, false});
    for (const PseudoDevice& node : pseudo_devices) {
        add(MakeDevice{at + node.name, node.major, node.minor, 0666});
    }
    for (const DeviceDirectory& tree : device_directories) {
        add(MakeDirectory{at + tree.name, tree.mode});
    }
    for (const DeviceLink& link : device_links) {
        add(MakeSymlink{link.target, at + link.name});
    }
    for (const DeviceDirectory& tree : device_directories) {
        const std::string name(tree.name), slot = "dev-" + name;
        if (name == "mqueue" && !message_queues) {
            continue;
        }
        prepare(CloneTree{slot, "/dev/" + name, true, true, {}});
        add(BindMount{"tree:" + slot, at + name, true, true, 0, 0});
    }
    prepare(CloneTree{"dev-log", "/dev/log", false, true, {}});
    add(MakeMountPoint{at + "log", "tree:dev-log"});
    add(BindMount{"tree:dev-log", at + "log", false, true, 0, 0});
}

}  // namespace hearth::launch
