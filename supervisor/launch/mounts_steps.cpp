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

#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/extension_release.hpp"
#include "supervisor/launch/mounts.hpp"

namespace hearth::launch {
namespace {

using Kind = MountWish::Kind;

/// mount(2)'s flags as mount_setattr(2)'s attributes; read-only is no attribute of an image.
std::uint64_t attributes_of(std::uint64_t flags) {
    constexpr std::pair<std::uint64_t, std::uint64_t> pairs[] = {
        {MS_NOSUID, MOUNT_ATTR_NOSUID},
        {MS_NODEV, MOUNT_ATTR_NODEV},
        {MS_NOEXEC, MOUNT_ATTR_NOEXEC},
        {MS_NOATIME, MOUNT_ATTR_NOATIME},
        {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME},
        {MS_STRICTATIME, MOUNT_ATTR_STRICTATIME},
    };
    std::uint64_t attributes = 0;
    for (const auto& [flag, attribute] : pairs) {
        attributes |= (flags & flag) != 0 ? attribute : 0;
    }
    return attributes;
}

class Lowering {
public:
    Lowering(const Unit& unit, const MountScope& scope, std::vector<MountWish> wishes)
        : unit_(unit), scope_(scope), wishes_(std::move(wishes)) {
        root_ = root_place(unit, scope);
        assembled_ = !root_.empty() && root_ != unit.settings.exec.root_directory;
    }

    MountPlan run(const Asked& asked) {
        prepare_root();
        for (const MountWish& wish : wishes_) {
            if (wish.path != "/" || wish.kind > Kind::ReadOnly) {
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

    [[nodiscard]] static std::uint64_t attributes(const MountWish& wish) {
        return (wish.holds.read_only ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0) |
               (wish.holds.no_execution ? std::uint64_t{MOUNT_ATTR_NOEXEC} : 0);
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
            return assembled_ ? std::nullopt : std::optional(HostPath{located(path), root_});
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
            case Kind::Keep:
            case Kind::ReadWrite:
            case Kind::ReadOnly:
                return wish.opens() ? hole(wish) : close(wish);
            case Kind::Bind:
                return bind(wish, wish.source);
            case Kind::HostDevices:
                return bind(wish, "/dev");
            case Kind::Image:
                return image(wish);
            case Kind::Layers:
                return layers(wish);
            case Kind::TemporaryFileSystem:
                return fresh(wish, "tmpfs", wish.options, wish.flags);
            case Kind::Processes:
                return fresh(wish, "proc", wish.options, MS_NOSUID | MS_NODEV | MS_NOEXEC);
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

    void close(const MountWish& wish) {
        const std::string path = located(wish.path);
        add(BindMount{path, path, true, wish.optional, attributes(wish), 0}, wish.asked);
    }

    void hole(const MountWish& wish) {
        const std::optional<HostPath> source = host_path(wish.path);
        if (!source) {
            // In a file system of our own: there only if something put it there, and no flag that
            // is cleared was the host's.
            const std::uint64_t clear =
                (wish.holds.opens_writing ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0) |
                (wish.holds.opens_execution ? std::uint64_t{MOUNT_ATTR_NOEXEC} : 0);
            const std::string path = located(wish.path);
            return add(
                BindMount{path, path, true, wish.optional, attributes(wish), clear}, wish.asked);
        }
        const std::string slot = "writable:" + wish.path;
        prepare(CloneTree{slot, source->path, true, wish.optional, source->root}, wish.asked);
        add(BindMount{"tree:" + slot, located(wish.path), true, wish.optional, attributes(wish), 0},
            wish.asked);
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
                attributes(wish),
                0,
                wish.unless_mounted},
            wish.asked);
    }

    void fresh(const MountWish& wish, std::string type, std::string options, std::uint64_t flags) {
        if (!wish.optional) {
            mount_point(wish, "", "");
        }
        add(
            MountFileSystem{
                std::move(type),
                located(wish.path),
                std::move(options),
                flags | (wish.holds.no_execution ? std::uint64_t{MS_NOEXEC} : 0),
                wish.optional,
                wish.unless_mounted},
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
        const std::uint64_t set = attributes(wish);
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

    void image(const MountWish& wish) {
        const std::string slot = "image:" + wish.path;
        prepare(
            MountImage{
                slot,
                wish.source,
                wish.options,
                attributes_of(wish.flags),
                (wish.flags & MS_RDONLY) != 0,
                wish.optional},
            wish.asked);
        mount_point(wish, "", slot);
        add(BindMount{"tree:" + slot, located(wish.path), true, false, attributes(wish), 0},
            wish.asked);
    }

    /// Images are mounted once for both hierarchies.
    const std::vector<Layer>& extensions() {
        const RootSettings& roots = unit_.settings.roots;
        if (!layers_.empty()) {
            return layers_;
        }
        for (const ExtensionEntry& entry : roots.extension_images) {
            const MountOptions options = image_options(entry.options);
            const std::string slot = "extension:" + std::to_string(layers_.size());
            prepare(
                MountImage{
                    slot,
                    entry.source,
                    options.rest,
                    attributes_of(options.flags),
                    true,
                    entry.optional},
                {"ExtensionImages", entry.source, unit_.origin_of("ExtensionImages")});
            layers_.push_back(
                {"tree:" + slot,
                 extension_name(entry.source),
                 options.relaxed_release,
                 entry.optional});
        }
        for (const DirectoryEntry& entry : roots.extension_directories) {
            layers_.push_back({entry.path, extension_name(entry.path), false, entry.optional});
        }
        return layers_;
    }

    void layers(const MountWish& wish) {
        const std::string slot = "layers:" + wish.path;
        const std::string base = assembled_ ? "tree:root" : root_.empty() ? "/" : root_;
        const std::vector<Layer>& found = extensions();
        prepare(MountLayers{slot, base, wish.path, found}, wish.asked);
        mount_point(wish, "tree:" + slot, slot);
        add(BindMount{"tree:" + slot, located(wish.path), true, false, attributes(wish), 0},
            wish.asked);
    }

    void private_devices(const MountWish& wish) {
        // Where more is mounted in it, or where the service could write to what others see, it
        // gets one of its own.
        const bool more = std::ranges::any_of(wishes_, [&](const MountWish& other) {
            return other.replaces() && other.kind != Kind::MessageQueues &&
                   other.path != wish.path && is_below(other.path, wish.path);
        });
        const bool shared = !more && !scope_.keeps_sys_admin;
        // With an IPC namespace of its own the queues are a wish of their own.
        const bool queues = !unit_.settings.sandbox.private_ipc &&
                            unit_.settings.namespaces.ipc_namespace_path.empty();
        if (!root_.empty()) {
            mount_point(wish, "", "");
        }
        if (scope_.mounts_in_child) {
            devices_in_child(plan_, located(wish.path), queues, wish.asked);
            return read_only_later(wish);
        }
        prepare(MakeDevices{"devices", queues, shared}, wish.asked);
        const std::uint64_t set = wish.holds.no_execution ? MOUNT_ATTR_NOEXEC : 0;
        add(BindDevices{"devices", located(wish.path), set}, wish.asked);
        if (!shared) {
            read_only_later(wish);
        }
    }

    // ---- the whole
    // ----------------------------------------------------------------------------------

    /// A root that is none of the host's directories.
    void prepare_root() {
        const RootSettings& roots = unit_.settings.roots;
        if (!assembled_) {
            return;
        }
        std::string base = unit_.settings.exec.root_directory;
        if (!roots.root_image.empty()) {
            const MountOptions options = image_options(roots.root_image_options.partitions);
            base = roots.root_ephemeral ? "root-image" : "root";
            prepare(
                MountImage{
                    base,
                    roots.root_image,
                    options.rest,
                    attributes_of(options.flags),
                    roots.root_ephemeral || (options.flags & MS_RDONLY) != 0,
                    false},
                root_asked(unit_));
            base = "tree:" + base;
        }
        if (roots.root_ephemeral) {
            const Asked asked{"RootEphemeral", "yes", unit_.origin_of("RootEphemeral")};
            prepare(MakePrivateTmp{"ephemeral", "/var/tmp"}, asked);
            prepare(MountEphemeral{"root", base, "ephemeral"}, asked);
        }
    }

    void finish() {
        plan_.steps.insert(plan_.steps.end(), finals_.begin(), finals_.end());
        if (unit_.settings.sandbox.no_new_privileges && !scope_.full_privileges) {
            // systemd.exec(5), NoNewPrivileges=: in a mount namespace nothing is set-user-ID
            // either.
            add(MountAttributes{located("/"), MOUNT_ATTR_NOSUID, 0, true, false},
                {"NoNewPrivileges", "yes", unit_.origin_of("NoNewPrivileges")});
        }
        if (!root_.empty()) {
            plan_.steps.push_back({Stage::Root, PivotRoot{root_}, root_asked(unit_), root_status});
        }
    }

    /// How mounts travel in the end: by default further only where the service may mount at all.
    [[nodiscard]] MountPropagation::Final final_propagation() const {
        switch (unit_.settings.roots.mount_flags) {
            case MountFlags::Shared:
                return MountPropagation::Final::Shared;
            case MountFlags::Slave:
                return MountPropagation::Final::Slave;
            case MountFlags::Private:
                return MountPropagation::Final::Private;
            case MountFlags::Unset:
                break;
        }
        return scope_.keeps_sys_admin ? MountPropagation::Final::Shared
                                      : MountPropagation::Final::Slave;
    }

    void begin(const Asked& asked) {
        const auto all = std::ranges::find_if(wishes_, [](const MountWish& wish) {
            return wish.path == "/" && wish.kind <= Kind::ReadOnly;
        });
        const bool closed = all != wishes_.end();
        const MountWish::Holds holds = closed ? all->holds : MountWish::Holds();
        const Asked& cause = closed ? all->asked : asked;
        std::vector<Step> first;
        const auto put = [&first](Action action, const Asked& who) {
            first.push_back({Stage::Mounts, std::move(action), who, namespace_status});
        };
        put(NewNamespaces{CLONE_NEWNS}, asked);
        MountPropagation propagation{false, final_propagation(), false};
        if (root_.empty()) {
            propagation.read_only = holds.read_only;
            propagation.no_execution = holds.no_execution;
        }
        const std::uint64_t set = closed ? attributes(*all) : 0;
        const auto places = [&] { first.insert(first.end(), points_.begin(), points_.end()); };
        if (!assembled_) {
            places();
            put(propagation, root_.empty() ? cause : asked);
            if (!root_.empty()) {
                put(BindMount{root_, root_, true, false, set, 0}, root_asked(unit_));
            }
        } else {  // places are made in it, so it can't be closed before
            put(MakeMountPoint{root_, ""}, asked);
            put(propagation, asked);
            put(BindMount{"tree:root", root_, true, false, 0, 0}, root_asked(unit_));
            places();
            if (set != 0) {
                put(MountAttributes{root_, set, 0, true, false}, cause);
            }
        }
        plan_.steps.insert(plan_.steps.begin(), first.begin(), first.end());
    }

    const Unit& unit_;
    const MountScope& scope_;
    std::vector<MountWish> wishes_;
    std::string root_;
    bool assembled_ = false;  ///< the root is no directory of the host
    std::vector<Layer> layers_;
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
