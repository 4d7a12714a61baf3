// SPDX-License-Identifier: MIT
//
// mount_plan(): normalised wishes -> preparations and steps.
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "supervisor/launch/mounts.hpp"

namespace hearth::launch {
namespace {

using Kind = MountWish::Kind;

constexpr int namespace_status = 226;  // EXIT_NAMESPACE
constexpr int root_status = 210;       // EXIT_CHROOT

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

class Lowering {
public:
    Lowering(const Unit& unit, const MountScope& scope, std::vector<MountWish> wishes)
        : unit_(unit), scope_(scope), wishes_(std::move(wishes)) {
        const std::string& root = unit.settings.exec.root_directory;
        root_ = root == "/" ? "" : root;
    }

    MountPlan run(const Asked& asked) {
        for (const MountWish& wish : wishes_) {
            if (wish.path != "/" || wish.kind != Kind::ReadOnly) {
                lower(wish);
            }
        }
        finish();
        begin(asked);
        return std::move(plan_);
    }

private:
    // ---- parts ----------------------------------------------------------------------------------

    void prepare(Preparation preparation, const Asked& asked) {
        plan_.preparations.push_back({std::move(preparation), asked, namespace_status});
    }
    void add(Action action, const Asked& asked) {
        plan_.steps.push_back({Stage::Mounts, std::move(action), asked, namespace_status});
    }
    [[nodiscard]] std::string located(const std::string& path) const {
        return path == "/" && !root_.empty() ? root_ : root_ + path;
    }

    /// The nearest path above `path` whose content is replaced, or null.
    [[nodiscard]] const MountWish* covering(const std::string& path) const {
        const MountWish* nearest = nullptr;
        for (const MountWish& wish : wishes_) {
            if (wish.replaces() && wish.path != path && is_below(path, wish.path) &&
                (nearest == nullptr || wish.path.size() > nearest->path.size())) {
                nearest = &wish;
            }
        }
        return nearest;
    }

    struct HostPath {
        std::string path, root;
    };
    /// Where on the host the content of `path` comes from; nothing for fresh file systems.
    [[nodiscard]] std::optional<HostPath> host_path(const std::string& path) const {
        const MountWish* const cover = covering(path);
        if (cover == nullptr) {
            return HostPath{located(path), root_};
        }
        if (cover->kind != Kind::Bind && cover->kind != Kind::HostDevices) {
            return std::nullopt;
        }
        const std::string source = cover->kind == Kind::Bind ? cover->source : "/dev";
        return HostPath{(source == "/" ? "" : source) + path.substr(cover->path.size()), source};
    }

    /// On the host's file system before that becomes read-only, in a fresh one when that is there.
    void mount_point(const MountWish& wish, const std::string& like, const std::string& tree) {
        const bool covered = covering(wish.path) != nullptr;
        MakeMountPoint point{located(wish.path), covered && !tree.empty() ? "tree:" + tree : like};
        Step step{Stage::Mounts, std::move(point), wish.asked, namespace_status};
        (covered ? plan_.steps : points_).push_back(std::move(step));
    }

    // ---- one wish
    // ---------------------------------------------------------------------------------

    void lower(const MountWish& wish) {
        switch (wish.kind) {
            case Kind::ReadWrite:
                return hole(wish);
            case Kind::ReadOnly:
                return add(
                    BindMount{
                        located(wish.path),
                        located(wish.path),
                        true,
                        wish.optional,
                        MOUNT_ATTR_RDONLY,
                        0},
                    wish.asked);
            case Kind::Bind:
                return bind(wish, wish.source);
            case Kind::HostDevices:
                return bind(wish, "/dev");
            case Kind::TemporaryFileSystem:
                return fresh(wish, "tmpfs", wish.options, wish.flags);
            case Kind::Processes:
                return fresh(wish, "proc", "", MS_NOSUID | MS_NODEV | MS_NOEXEC);
            case Kind::Kernel:
                return fresh(wish, "sysfs", "", MS_NOSUID | MS_NODEV | MS_NOEXEC);
            case Kind::ControlGroups:
                return fresh(wish, wish.source, wish.options, MS_NOSUID | MS_NODEV | MS_NOEXEC);
            case Kind::MessageQueues:
                return add(
                    MountFileSystem{
                        "mqueue",
                        located(wish.path),
                        "",
                        MS_NOSUID | MS_NODEV | MS_NOEXEC,
                        wish.optional},
                    wish.asked);
            case Kind::PrivateTmp:
                return private_tmp(wish);
            case Kind::PrivateDevices:
                return private_devices(wish);
            case Kind::Inaccessible:
                return add(HidePath{located(wish.path), wish.optional}, wish.asked);
        }
    }

    void hole(const MountWish& wish) {
        const std::optional<HostPath> source = host_path(wish.path);
        if (!source) {  // in a fresh file system: there only if something put it there
            return add(
                BindMount{located(wish.path), located(wish.path), true, wish.optional, 0, 0},
                wish.asked);
        }
        const std::string slot = "writable:" + wish.path;
        prepare(CloneTree{slot, source->path, true, wish.optional, source->root}, wish.asked);
        add(BindMount{"tree:" + slot, located(wish.path), true, wish.optional, 0, 0}, wish.asked);
    }

    void bind(const MountWish& wish, const std::string& source) {
        const std::string slot = "bind:" + wish.path;
        prepare(
            CloneTree{
                slot,
                wish.slot.empty() ? source : "slot:" + wish.slot,
                wish.recursive,
                wish.optional,
                {}},
            wish.asked);
        if (source != located(wish.path) || covering(wish.path) != nullptr) {
            mount_point(wish, source, slot);
        }
        add(
            BindMount{
                "tree:" + slot,
                located(wish.path),
                wish.recursive,
                wish.optional,
                wish.read_only ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0,
                0},
            wish.asked);
    }

    void fresh(const MountWish& wish, std::string type, std::string options, std::uint64_t flags) {
        if (!wish.optional) {
            mount_point(wish, "", "");
        }
        add(
            MountFileSystem{
                std::move(type), located(wish.path), std::move(options), flags, wish.optional},
            wish.asked);
        if (wish.read_only) {  // only at the end: until then places for other mounts are made in it
            read_only_later(wish);
        }
    }

    void read_only_later(const MountWish& wish) {
        finals_.push_back(
            {Stage::Mounts,
             MountAttributes{located(wish.path), MOUNT_ATTR_RDONLY, 0, false, wish.optional},
             wish.asked,
             namespace_status});
    }

    void private_tmp(const MountWish& wish) {
        const std::string slot = wish.path == "/tmp" ? "tmp" : "var-tmp";
        prepare(MakePrivateTmp{slot, wish.path}, wish.asked);
        const std::uint64_t set = wish.read_only ? MOUNT_ATTR_RDONLY : 0;
        if (covering(wish.path) != nullptr || !root_.empty()) {
            mount_point(wish, "", "");
        }
        std::string source = "slot:" + slot;
        if (root_.empty() && covering(wish.path) != nullptr) {  // out of reach by then
            prepare(CloneTree{"private-" + slot, source, false, false, {}}, wish.asked);
            source = "tree:private-" + slot;
        }
        // "/" may have become read-only, and its mounts with it, the directory's among them.
        add(
            BindMount{
                std::move(source),
                located(wish.path),
                false,
                wish.optional,
                set,
                MOUNT_ATTR_RDONLY & ~set},
            wish.asked);
    }

    void private_devices(const MountWish& wish) {
        const std::string at = located(wish.path) + "/";
        if (!root_.empty()) {
            mount_point(wish, "", "");
        }
        std::vector<Step> trees;
        for (const DeviceTree& tree : device_trees) {
            const std::string name(tree.name), slot = "dev-" + name;
            if (name == "mqueue" && (unit_.settings.sandbox.private_ipc ||
                                     !unit_.settings.namespaces.ipc_namespace_path.empty())) {
                continue;  // a wish of its own
            }
            prepare(CloneTree{slot, "/dev/" + name, true, true, {}}, wish.asked);
            trees.push_back(
                {Stage::Mounts,
                 BindMount{"tree:" + slot, at + name, true, true, 0, 0},
                 wish.asked,
                 namespace_status});
        }
        prepare(CloneTree{"dev-log", "/dev/log", false, true, {}}, wish.asked);
        add(
            MountFileSystem{
                "tmpfs",
                located(wish.path),
                "mode=0755,size=4m,nr_inodes=64k",
                MS_NOSUID | MS_NOEXEC | MS_STRICTATIME,
                false},
            wish.asked);
        for (const DeviceNode& node : device_nodes) {
            add(MakeDevice{at + std::string(node.name), node.major, node.minor, 0666}, wish.asked);
        }
        for (const DeviceTree& tree : device_trees) {
            add(MakeDirectory{at + std::string(tree.name), tree.mode}, wish.asked);
        }
        for (const DeviceLink& link : device_links) {
            add(MakeSymlink{std::string(link.target), at + std::string(link.name)}, wish.asked);
        }
        plan_.steps.insert(plan_.steps.end(), trees.begin(), trees.end());
        add(MakeMountPoint{at + "log", "tree:dev-log"}, wish.asked);
        add(BindMount{"tree:dev-log", at + "log", false, true, 0, 0}, wish.asked);
        read_only_later(wish);
    }

    // ---- the whole
    // ----------------------------------------------------------------------------------

    void finish() {
        plan_.steps.insert(plan_.steps.end(), finals_.begin(), finals_.end());
        if (unit_.settings.sandbox.no_new_privileges && !scope_.full_privileges) {
            // systemd.exec(5), NoNewPrivileges=: in a mount namespace nothing is set-user-ID
            // either.
            add(MountAttributes{located("/"), MOUNT_ATTR_NOSUID, 0, true, false},
                {"NoNewPrivileges", "yes", unit_.origin_of("NoNewPrivileges")});
        }
        if (!root_.empty()) {
            plan_.steps.push_back({Stage::Root, PivotRoot{root_}, root_asked(), root_status});
        }
    }

    [[nodiscard]] Asked root_asked() const {
        return {"RootDirectory", root_, unit_.origin_of("RootDirectory")};
    }

    void begin(const Asked& asked) {
        const auto all = std::ranges::find_if(wishes_, [](const MountWish& wish) {
            return wish.path == "/" && wish.kind == Kind::ReadOnly;
        });
        const bool read_only = all != wishes_.end();
        const Asked& cause = read_only ? all->asked : asked;
        std::vector<Step> first{
            {Stage::Mounts, NewNamespaces{CLONE_NEWNS}, asked, namespace_status}};
        first.insert(first.end(), points_.begin(), points_.end());
        first.push_back(
            {Stage::Mounts,
             MountPropagation{read_only && root_.empty(), scope_.keeps_sys_admin},
             root_.empty() ? cause : asked,
             namespace_status});
        if (!root_.empty()) {
            first.push_back(
                {Stage::Mounts,
                 BindMount{
                     root_,
                     root_,
                     true,
                     false,
                     read_only ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0,
                     0},
                 root_asked(),
                 namespace_status});
        }
        plan_.steps.insert(plan_.steps.begin(), first.begin(), first.end());
    }

    const Unit& unit_;
    const MountScope& scope_;
    std::vector<MountWish> wishes_;
    std::string root_;
    MountPlan plan_;
    std::vector<Step> points_;  ///< places for mounts on the host's own file systems
    std::vector<Step> finals_;  ///< read-only last
};

}  // namespace

MountPlan mount_plan(
    const Unit& unit, const MountScope& scope, std::vector<MountWish> wishes, const Asked& asked) {
    return Lowering(unit, scope, normalised(std::move(wishes))).run(asked);
}

}  // namespace hearth::launch
