// SPDX-License-Identifier: MIT
//
// The child's mount steps: what a service sees of the file system. Same rules as child.cpp. Every
// path is opened once (O_PATH, below its root) and then used by descriptor, so that what was
// checked is what is mounted on. Follows mount_setattr(2), open_tree and move_mount of
// uapi/linux/mount.h, pivot_root(2).
#include <linux/mount.h>
#include <linux/sched.h>

#include "supervisor/launch/child_raw.hpp"

namespace hearth::launch {
namespace {

constexpr unsigned CloneTreeFlags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
constexpr unsigned BothEmpty = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
constexpr unsigned DetachMount = 2;          // MNT_DETACH
constexpr unsigned TypeMask = 0170000;       // S_IFMT
constexpr unsigned DirectoryType = 0040000;  // S_IFDIR
constexpr unsigned CharacterType = 0020000;  // S_IFCHR
constexpr std::uint64_t NothingAllowed =
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

inline bool optional(const ChildStep& step) {
    return (step.flags & ChildStep::Optional) != 0;
}
inline unsigned recursion(const ChildStep& step) {
    return (step.flags & ChildStep::Recursive) != 0 ? AT_RECURSIVE : 0;
}

long at(ChildProgram& program, ChildReport::Part part, long result) {
    if (result < 0) {
        program.report.part = part;
    }
    return result;
}

/// A path that isn't there is no failure of an optional step.
long absent(const ChildStep& step, long error) {
    return optional(step) && missing(error) ? 0 : error;
}

long set_attributes(
    long mount, unsigned flags, std::uint64_t set, std::uint64_t clear, std::uint64_t propagation) {
    if (set == 0 && clear == 0 && propagation == 0) {
        return 0;
    }
    mount_attr attributes;
    attributes.attr_set = set;
    attributes.attr_clr = clear;
    attributes.propagation = propagation;
    attributes.userns_fd = 0;
    return call(
        __NR_mount_setattr, mount, "", AT_EMPTY_PATH | flags, &attributes, sizeof attributes);
}

/// The tree that a step is about: the launcher's, or one that an earlier step kept. -1: none.
inline long tree_of(const ChildProgram& program, const ChildStep& step) {
    return step.descriptor <= ChildStep::FirstKept
               ? program.kept_trees[ChildStep::FirstKept - step.descriptor]
               : step.descriptor;
}
inline bool skipped(const ChildProgram& program, const ChildStep& step) {
    return step.descriptor <= ChildStep::FirstKept && tree_of(program, step) < 0;
}

long attach(long tree, long destination) {
    return call(__NR_move_mount, tree, "", destination, "", BothEmpty);
}

long propagation(const ChildStep& step) {
    mount_attr attributes;
    attributes.attr_set = step.first;
    attributes.attr_clr = 0;
    attributes.propagation = step.second;
    attributes.userns_fd = 0;
    return call(__NR_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof attributes);
}

long keep_tree(ChildProgram& program, const ChildStep& step) {
    int& kept = program.kept_trees[step.first];
    kept = -1;
    const long source = resolve(step.source);
    if (source < 0) {
        return at(program, ChildReport::Source, absent(step, source));
    }
    const long tree = call(__NR_open_tree, source, "", CloneTreeFlags | recursion(step));
    close(source);
    if (tree < 0) {
        return at(program, ChildReport::Source, tree);
    }
    kept = static_cast<int>(tree);
    return 0;
}

/// Whether the step leaves what is mounted at its place. Negative: that can't be told.
long mounted_already(const ChildStep& step, long destination) {
    if ((step.flags & ChildStep::UnlessMounted) == 0) {
        return 0;
    }
    struct statx status;
    const long result = call(__NR_statx, destination, "", AT_EMPTY_PATH, STATX_TYPE, &status);
    if (result < 0) {
        return result;
    }
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 ? 1 : 0;
}

constexpr long NothingToDo = -4096;  // no errno value, and no descriptor

/// The opened place of a mount, NothingToDo, or -errno.
long destination_of(ChildProgram& program, const ChildStep& step) {
    const long destination = resolve(step.path);
    if (destination < 0) {
        const long error = at(program, ChildReport::Destination, absent(step, destination));
        return error == 0 ? NothingToDo : error;
    }
    const long mounted = mounted_already(step, destination);
    if (mounted == 0) {
        return destination;
    }
    close(destination);
    return mounted < 0 ? at(program, ChildReport::Destination, mounted) : NothingToDo;
}

long bind_mount(ChildProgram& program, const ChildStep& step) {
    if (skipped(program, step)) {
        return 0;
    }
    const long destination = destination_of(program, step);
    if (destination < 0) {
        return destination == NothingToDo ? 0 : destination;
    }
    long tree = tree_of(program, step);
    if (step.source.text != nullptr) {
        const long source = resolve(step.source);
        if (source < 0) {
            close(destination);
            return at(program, ChildReport::Source, absent(step, source));
        }
        tree = call(__NR_open_tree, source, "", CloneTreeFlags | recursion(step));
        close(source);
        if (tree < 0) {
            close(destination);
            return at(program, ChildReport::Source, tree);
        }
    }
    // A slave: nothing mounted in it may travel back to the host.
    constexpr std::uint64_t Slave = 1U << 19;  // MS_SLAVE
    long result = set_attributes(tree, recursion(step), step.first, step.second, Slave);
    if (result == 0) {
        result = at(program, ChildReport::Destination, attach(tree, destination));
    }
    close(tree);
    close(destination);
    return result;
}

/// Attributes of the mount at `path`; where no mount begins there, of a bind of the path to itself.
long mount_attributes(const ChildStep& step) {
    const long target = resolve(step.path);
    if (target < 0) {
        return absent(step, target);
    }
    struct statx status;
    long result = call(__NR_statx, target, "", AT_EMPTY_PATH, STATX_TYPE, &status);
    if (result == 0 && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
        result = set_attributes(target, recursion(step), step.first, step.second, 0);
    } else if (result == 0) {
        const long tree = call(__NR_open_tree, target, "", CloneTreeFlags | recursion(step));
        result =
            tree < 0 ? tree : set_attributes(tree, recursion(step), step.first, step.second, 0);
        if (result == 0) {
            result = attach(tree, target);
        }
        close(tree);
    }
    close(target);
    return result;
}

/// A file system that is mounted nowhere yet.
long detached(
    const char* type, const ChildOption* options, std::uint32_t count, std::uint64_t set) {
    const long context = call(__NR_fsopen, type, FSOPEN_CLOEXEC);
    if (context < 0) {
        return context;
    }
    long result = 0;
    for (std::uint32_t i = 0; i < count && result == 0; ++i) {
        const auto command = options[i].value == nullptr ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
        result = call(__NR_fsconfig, context, command, options[i].key, options[i].value, 0);
    }
    if (result == 0) {
        result = call(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
    }
    if (result == 0) {
        result = call(__NR_fsmount, context, FSMOUNT_CLOEXEC, set);
    }
    close(context);
    return result;
}

long mount_file_system(ChildProgram& program, const ChildStep& step) {
    const long destination = destination_of(program, step);
    if (destination < 0) {
        return destination == NothingToDo ? 0 : destination;
    }
    const long mount =
        detached(step.name, static_cast<const ChildOption*>(step.list), step.count, step.first);
    const long result = mount < 0 ? mount : attach(mount, destination);
    close(mount);
    close(destination);
    return result;
}

/// Before 6.15 nothing can be cloned out of a detached tree, so a file to hide behind has to be
/// attached somewhere for a moment: on a directory that every Linux has, in this namespace only.
long inaccessible_file() {
    const ChildOption options[] = {{"mode", "0755"}, {"nr_inodes", "4"}, {"size", "4k"}};
    const long mount = detached("tmpfs", options, 3, 0);
    if (mount < 0) {
        return mount;
    }
    long result = call(__NR_mknodat, mount, "file", 0100000, 0);
    const char* const places[] = {"/dev", "/proc", "/sys", "/usr", "/tmp"};
    long place = NoEntry;
    const char* used = nullptr;
    for (const char* candidate : places) {
        if (place < 0) {
            used = candidate;
            place = call(__NR_openat, AT_FDCWD, candidate, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
        }
    }
    result = result < 0 ? result : place < 0 ? place : attach(mount, place);
    if (result == 0) {
        result = call(__NR_open_tree, mount, "file", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        const long gone = call(__NR_umount2, used, DetachMount);
        if (gone < 0) {
            close(result);
            result = gone;
        }
    }
    close(place);
    close(mount);
    return result;
}

long inaccessible(const ChildProgram& program, bool directory) {
    if (program.inaccessible >= 0) {
        return call(
            __NR_open_tree,
            program.inaccessible,
            directory ? "directory" : "file",
            OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    }
    if (!directory) {
        return inaccessible_file();
    }
    const ChildOption options[] = {{"mode", "000"}, {"nr_inodes", "2"}, {"size", "4k"}};
    return detached("tmpfs", options, 3, 0);
}

long hide_path(const ChildProgram& program, const ChildStep& step) {
    const long target = resolve(step.path);
    if (target < 0) {
        return absent(step, target);
    }
    struct statx status;
    long result = call(__NR_statx, target, "", AT_EMPTY_PATH, STATX_TYPE, &status);
    if (result == 0) {
        const long node = inaccessible(program, (status.stx_mode & TypeMask) == DirectoryType);
        result = node < 0 ? node : set_attributes(node, 0, NothingAllowed, 0, 0);
        if (result == 0) {
            result = attach(node, target);
        }
        close(node);
    }
    close(target);
    return result;
}

/// Calls `make` with the opened parent and no umask: the mode in the plan is the mode of the node.
template <class Make>
[[gnu::always_inline]] inline long in_parent(const ChildPath& path, Make make) {
    const long parent = resolve(path);
    if (parent < 0) {
        return parent;
    }
    const long mask = call(__NR_umask, 0);
    const long result = make(parent);
    call(__NR_umask, mask);
    close(parent);
    return result;
}

long make_directory(const ChildStep& step) {
    const long result = in_parent(
        step.path, [&](long parent) { return call(__NR_mkdirat, parent, step.name, step.first); });
    return result == Exists ? 0 : result;
}

long make_symlink(const ChildStep& step) {
    const long result = in_parent(step.path, [&](long parent) {
        return call(__NR_symlinkat, step.source.text, parent, step.name);
    });
    return result == Exists ? 0 : result;
}

long make_mount_point(const ChildProgram& program, const ChildStep& step) {
    if (skipped(program, step)) {
        return 0;
    }
    const long present = resolve(step.path);
    if (!missing(present)) {
        close(present);
        return present < 0 ? present : 0;
    }
    bool directory = true;
    const long tree = tree_of(program, step);
    if (step.source.text != nullptr || tree >= 0) {
        struct statx status;
        const long like =
            tree >= 0 ? call(__NR_statx, tree, "", AT_EMPTY_PATH, STATX_TYPE, &status)
                      : call(__NR_statx, AT_FDCWD, step.source.text, 0, STATX_TYPE, &status);
        if (like < 0) {
            return missing(like) ? 0 : like;
        }
        directory = (status.stx_mode & TypeMask) == DirectoryType;
    }
    const auto* entries = static_cast<const ChildEntry*>(step.list);
    for (std::uint32_t i = 0; i < step.count; ++i) {
        const bool last = i + 1 == step.count;
        const long result = in_parent(entries[i].parent, [&](long parent) {
            return !last || directory ? call(__NR_mkdirat, parent, entries[i].name, 0755)
                                      : call(__NR_mknodat, parent, entries[i].name, 0100644, 0);
        });
        if (result < 0 && result != Exists) {
            return result;
        }
    }
    return 0;
}

/// Where mknod is refused (a user namespace, a device policy) the host's own node is bound, if it
/// is the device that was asked for.
long bind_device(const ChildProgram& program, const ChildStep& step, long parent) {
    struct statx status;
    const long host = call(
        __NR_openat, program.host_devices, step.source.text, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (host < 0) {
        return NotPermitted;
    }
    long result = call(__NR_statx, host, "", AT_EMPTY_PATH, STATX_TYPE, &status);
    const std::uint64_t number = (status.stx_rdev_minor & 0xffU) | (status.stx_rdev_major << 8) |
                                 ((status.stx_rdev_minor & ~0xffU) << 12);
    if (result == 0 && ((status.stx_mode & TypeMask) != CharacterType || number != step.second)) {
        result = NotPermitted;
    }
    if (result == 0) {
        result = call(__NR_mknodat, parent, step.name, 0100000, 0);
    }
    if (result == 0) {
        const long place = call(__NR_openat, parent, step.name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
        const long tree = call(__NR_open_tree, host, "", CloneTreeFlags);
        result = place < 0 ? place : tree < 0 ? tree : attach(tree, place);
        close(tree);
        close(place);
    }
    close(host);
    return result;
}

long make_device(const ChildProgram& program, const ChildStep& step) {
    return in_parent(step.path, [&](long parent) {
        const long result =
            call(__NR_mknodat, parent, step.name, CharacterType | step.first, step.second);
        return result == NotPermitted ? bind_device(program, step, parent) : result;
    });
}

/// The new root must be a mount point; the old one is stacked below it, then detached. On a root
/// that can't be pivoted (an initramfs) the new root is moved over it instead.
long pivot_root(const ChildStep& step) {
    long root = resolve(step.path);
    if (root < 0) {
        return root;
    }
    struct statx status;
    long result = call(__NR_statx, root, "", AT_EMPTY_PATH, STATX_TYPE, &status);
    if (result == 0 && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0) {
        const long tree = call(__NR_open_tree, root, "", CloneTreeFlags | AT_RECURSIVE);
        result = tree < 0 ? tree : attach(tree, root);
        close(root);
        root = tree;
    }
    if (result == 0) {
        result = call(__NR_fchdir, root);
    }
    if (result == 0) {
        result = call(__NR_pivot_root, ".", ".");
        if (result == 0) {
            result = call(__NR_umount2, ".", DetachMount);
        } else if (result == Invalid) {
            const long old = call(__NR_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
            result = old < 0 ? old : attach(root, old);
            result = result < 0 ? result : call(__NR_chroot, ".");
            close(old);
        }
    }
    close(root);
    return result < 0 ? result : call(__NR_chdir, "/");
}

long host_devices(ChildProgram& program) {
    program.host_devices =
        static_cast<int>(call(__NR_openat, AT_FDCWD, "/dev", O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
    return 0;  // without it a refused mknod stays refused, and says so
}

}  // namespace

extern "C" long hearth_child_mount_step(ChildProgram* program, const ChildStep* step) {
    switch (step->opcode) {
        case Opcode::HostDevices:
            return host_devices(*program);
        case Opcode::MountPropagation:
            return propagation(*step);
        case Opcode::KeepTree:
            return keep_tree(*program, *step);
        case Opcode::BindMount:
            return bind_mount(*program, *step);
        case Opcode::MountAttributes:
            return mount_attributes(*step);
        case Opcode::MountFileSystem:
            return mount_file_system(*program, *step);
        case Opcode::HidePath:
            return hide_path(*program, *step);
        case Opcode::MakeDirectory:
            return make_directory(*step);
        case Opcode::MakeMountPoint:
            return make_mount_point(*program, *step);
        case Opcode::MakeSymlink:
            return make_symlink(*step);
        case Opcode::MakeDevice:
            return make_device(*program, *step);
        case Opcode::PivotRoot:
            return pivot_root(*step);
        default:
            return Invalid;
    }
}

}  // namespace hearth::launch
