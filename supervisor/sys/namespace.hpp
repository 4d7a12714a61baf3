// SPDX-License-Identifier: MIT
//
// Namespaces and mounts of the calling thread, and the raw mount API (open_tree, move_mount,
// mount_setattr, fsopen), whose constants are defined here because glibc and the kernel headers of
// the build host may lack them. The child interpreter does not call this: it makes its own system
// calls. Follows namespaces(7), mount_setattr(2) and the kernel's uapi/linux/mount.h.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::sys {

// Our own names: the libc's macros of the same meaning can't collide with these.
inline constexpr unsigned OpenTreeClone = 1;           // OPEN_TREE_CLONE
inline constexpr unsigned OpenTreeCloexec = 02000000;  // OPEN_TREE_CLOEXEC
inline constexpr unsigned MoveMountFromEmptyPath = 0x4;
inline constexpr unsigned MoveMountToEmptyPath = 0x40;
inline constexpr unsigned AtRecursive = 0x8000;
inline constexpr unsigned AtEmptyPath = 0x1000;
inline constexpr unsigned AtSymlinkNoFollow = 0x100;
inline constexpr std::uint64_t MountReadOnly = 0x1;    // MOUNT_ATTR_RDONLY
inline constexpr std::uint64_t MountNoSetuid = 0x2;    // MOUNT_ATTR_NOSUID
inline constexpr std::uint64_t MountNoDevices = 0x4;   // MOUNT_ATTR_NODEV
inline constexpr std::uint64_t MountNoExecute = 0x8;   // MOUNT_ATTR_NOEXEC
inline constexpr std::uint64_t MountIdMap = 0x100000;  // MOUNT_ATTR_IDMAP
inline constexpr std::uint64_t ResolveInRoot = 0x10;
inline constexpr std::uint64_t ResolveNoMagicLinks = 0x02;
inline constexpr std::uint64_t ResolveNoSymlinks = 0x04;

/// struct mount_attr of uapi/linux/mount.h.
struct MountAttributesRequest {
    std::uint64_t set = 0, clear = 0, propagation = 0, user_namespace = 0;
};

/// CLONE_NEW* bits. Acts on the calling thread.
Result<void> unshare(int flags);
/// `kind`: the CLONE_NEW* bit that the descriptor must be, or 0 for any.
Result<void> setns(int descriptor, int kind);
/// This thread's namespace: "net", "ipc", "mnt", "pid_for_children" ...
Result<Descriptor> own_namespace(const std::string& kind);
/// The namespace of another process.
Result<Descriptor> namespace_of(pid_t pid, const std::string& kind);
/// "net:[4026531840]", the identity of a namespace.
Result<std::string> namespace_identity(const std::string& path);
/// The CLONE_NEW* bit of what a namespace descriptor is (NS_GET_NSTYPE); an error for others.
Result<int> namespace_type(int descriptor);
/// `lo` of this thread's network namespace is brought up.
Result<void> loopback_up();

Result<void> mount(
    const std::string& source,
    const std::string& target,
    const std::string& type,
    unsigned long flags,
    const std::string& options);
Result<void> umount2(const std::string& target, int flags);
Result<Descriptor> open_tree(int directory, const std::string& path, unsigned flags);
Result<void> move_mount(
    int from, const std::string& from_path, int to, const std::string& to_path, unsigned flags);
Result<void> mount_setattr(
    int directory,
    const std::string& path,
    unsigned flags,
    const MountAttributesRequest& attributes);
/// A detached file system: fsopen, an fsconfig per `key=value` of the comma list, fsmount.
Result<Descriptor> detached_mount(
    const std::string& type, const std::string& options, std::uint64_t attributes);

}  // namespace hearth::sys
