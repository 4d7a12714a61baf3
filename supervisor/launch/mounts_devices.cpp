// SPDX-License-Identifier: MIT
//
// The /dev of PrivateDevices= step by step, for a child that mounts in a user namespace of its own.
// Where hearthd may mount, launcher_devices.cpp has one tree for all.
#include <sys/mount.h>

#include <array>
#include <string_view>

#include "supervisor/launch/mounts.hpp"

namespace hearth::launch {
namespace {

constexpr int namespace_status = 226;  // EXIT_NAMESPACE

struct DeviceNode {
    std::string_view name;
    std::uint32_t major, minor;
};
// Documentation/admin-guide/devices.txt
constexpr auto device_nodes = std::to_array<DeviceNode>({
    {"null", 1, 3},
    {"zero", 1, 5},
    {"full", 1, 7},
    {"random", 1, 8},
    {"urandom", 1, 9},
    {"tty", 5, 0},
    {"ptmx", 5, 2},  // finds the devpts beside it
});
struct DeviceLink {
    std::string_view name, target;
};
constexpr auto device_links = std::to_array<DeviceLink>({
    {"core", "/proc/kcore"},
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
});
struct DeviceTree {
    std::string_view name;
    std::uint32_t mode;
};
constexpr auto device_trees = std::to_array<DeviceTree>(
    {{"pts", 0755}, {"shm", 01777}, {"mqueue", 01777}, {"hugepages", 0755}});

}  // namespace

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
    for (const DeviceNode& node : device_nodes) {
        add(MakeDevice{at + std::string(node.name), node.major, node.minor, 0666});
    }
    for (const DeviceTree& tree : device_trees) {
        add(MakeDirectory{at + std::string(tree.name), tree.mode});
    }
    for (const DeviceLink& link : device_links) {
        add(MakeSymlink{std::string(link.target), at + std::string(link.name)});
    }
    for (const DeviceTree& tree : device_trees) {
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
