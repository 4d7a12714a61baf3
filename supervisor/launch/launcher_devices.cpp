// SPDX-License-Identifier: MIT
//
// The /dev of PrivateDevices=: made once and cloned for each launch. The kept tree is made again
// when what it shows of the host (terminals, shared memory ...) has been mounted anew.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>
#include <mutex>
#include <vector>

#include "supervisor/launch/launcher_trees.hpp"
#include "supervisor/launch/pseudo_devices.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"

namespace hearth::launch {
namespace {

constexpr std::string_view message_queues = "mqueue", log_socket = "log";

constexpr unsigned mount_id_field = 0x1000;  // STATX_MNT_ID, Linux 5.8

Result<void> made(int result, const char* call, const std::string& name) {
    if (result < 0) {
        return sys::call_failure(call, "/dev/" + name, errno);
    }
    return {};
}

Result<sys::Descriptor> clone_of_host(const std::string& name) {
    sys::Descriptor tree =
        HEARTH_TRY(sys::open_tree(AT_FDCWD, "/dev/" + name, sys::OpenTreeClone | sys::AtRecursive));
    HEARTH_TRY(sys::mount_setattr(
        tree.number(),
        "",
        sys::AtEmptyPath | sys::AtRecursive,
        sys::MountAttributesRequest{.propagation = MS_SLAVE}));
    return tree;
}

class Builder {
public:
    explicit Builder(const MakeDevices& wanted) : wanted_(wanted) {}

    Result<DeviceTree> build() {
        made_.tree = HEARTH_TRY(sys::detached_mount(
            "tmpfs",
            "source=tmpfs,mode=0755,size=4m,nr_inodes=64k",
            sys::MountNoSetuid | sys::MountNoExecute | strict_access_times));
        for (const PseudoDevice& node : pseudo_devices) {
            HEARTH_TRY(add_node(node));
        }
        for (const DeviceLink& link : device_links) {
            HEARTH_TRY(made(::symlinkat(link.target, tree(), link.name), "symlinkat", link.name));
        }
        for (const DeviceDirectory& directory : device_directories) {
            HEARTH_TRY(made(::mkdirat(tree(), directory.name, 0700), "mkdirat", directory.name));
            HEARTH_TRY(made(
                ::fchmodat(tree(), directory.name, directory.mode, 0), "fchmodat", directory.name));
            if (directory.name != message_queues || wanted_.message_queues) {
                HEARTH_TRY(show(directory.name, false));
            }
        }
        HEARTH_TRY(show(std::string(log_socket), true));
        if (wanted_.shared) {
            HEARTH_TRY(sys::mount_setattr(
                tree(),
                "",
                sys::AtEmptyPath,
                sys::MountAttributesRequest{.set = sys::MountReadOnly}));
        }
        return std::move(made_);
    }

private:
    static constexpr std::uint64_t strict_access_times = 0x20;  // MOUNT_ATTR_STRICTATIME

    [[nodiscard]] int tree() const { return made_.tree.number(); }

    /// Where mknod is refused (a user namespace, a device policy) the host's own node is bound, if
    /// it is the device that is meant.
    Result<void> add_node(const PseudoDevice& node) {
        const dev_t number = makedev(node.major, node.minor);
        if (::mknodat(tree(), node.name, S_IFCHR | 0600, number) == 0) {
            return made(::fchmodat(tree(), node.name, 0666, 0), "fchmodat", node.name);
        }
        if (errno != EPERM) {
            return made(-1, "mknodat", node.name);
        }
        const auto host = sys::stat(std::string("/dev/") + node.name);
        if (!host || !S_ISCHR(host->st_mode) || host->st_rdev != number) {
            return sys::call_failure("mknodat", std::string("/dev/") + node.name, EPERM);
        }
        return show(node.name, true);
    }

    /// The host's, if it has it.
    Result<void> show(const std::string& name, bool file) {
        Result<sys::Descriptor> host = clone_of_host(name);
        if (!host && (host.error().code == ENOENT || host.error().code == ENOTDIR)) {
            return {};
        }
        if (!host) {
            return Unexpected(std::move(host).error());
        }
        if (file) {
            HEARTH_TRY(made(::mknodat(tree(), name.c_str(), S_IFREG, 0), "mknodat", name));
        }
        const sys::Descriptor place =
            HEARTH_TRY(sys::openat(made_.tree, name, O_PATH | O_NOFOLLOW));
        const auto moved = sys::move_mount(
            host->number(),
            "",
            place.number(),
            "",
            sys::MoveMountFromEmptyPath | sys::MoveMountToEmptyPath);
        if (!moved && moved.error().code != EINVAL) {
            return moved;
        }
        if (!moved) {  // before 6.15: the child does it
            made_.parts[name] = std::move(*host);
        }
        return {};
    }

    const MakeDevices& wanted_;
    DeviceTree made_;
};

/// The mounts below the host's /dev and its log socket, by the kernel's numbers.
std::vector<std::uint64_t> identity_of_host() {
    std::vector<std::uint64_t> identity;
    const auto add = [&](const std::string& path) {
        struct statx status{};
        if (::statx(AT_FDCWD, path.c_str(), 0, STATX_INO | mount_id_field, &status) == 0) {
            identity.insert(identity.end(), {status.stx_mnt_id, status.stx_ino});
        } else {
            identity.insert(identity.end(), {0, 0});
        }
    };
    for (const DeviceDirectory& directory : device_directories) {
        add(std::string("/dev/") + directory.name);
    }
    add("/dev/" + std::string(log_socket));
    return identity;
}

/// For all launcher threads of the process.
class Kept {
public:
    Result<DeviceTree> clone(const MakeDevices& wanted) {
        const std::lock_guard lock(mutex_);
        One& one = ones_[wanted.message_queues ? 1 : 0];
        std::vector<std::uint64_t> identity = identity_of_host();
        if (!one.tree || one.identity != identity) {
            DeviceTree fresh = HEARTH_TRY(Builder(wanted).build());
            if (!fresh.parts.empty()) {
                return fresh;  // an older kernel: nothing to keep
            }
            one = {std::move(fresh.tree), std::move(identity)};
        }
        DeviceTree cloned;
        cloned.tree = HEARTH_TRY(sys::open_tree(
            one.tree.number(), "", sys::OpenTreeClone | sys::AtEmptyPath | sys::AtRecursive));
        return cloned;
    }

private:
    struct One {
        sys::Descriptor tree;
        std::vector<std::uint64_t> identity;
    };
    std::mutex mutex_;
    std::array<One, 2> ones_;
};
Kept kept;

}  // namespace

Result<DeviceTree> device_tree(const MakeDevices& wanted) {
    if (wanted.shared) {
        Result<DeviceTree> cloned = kept.clone(wanted);
        if (cloned || cloned.error().code != EINVAL) {
            return cloned;
        }
    }
    return Builder(wanted).build();
}

}  // namespace hearth::launch
