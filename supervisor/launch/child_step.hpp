// SPDX-License-Identifier: MIT
//
// The launch as the child reads it: a flat array of plain steps, with every string and list in one
// arena and every descriptor a number. lower.cpp makes it from a Plan; child.cpp runs it;
// launcher.cpp reads the report that the child leaves in the same memory (parent and child share it
// until execve, because of CLONE_VM | CLONE_VFORK). Nothing here owns anything, and nothing here
// needs a library: the child's objects must not import a single symbol.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hearth::launch {

enum class Opcode : std::uint16_t {
    JoinCgroups,     ///< list: int[count], open `tasks` files
    DefaultSignals,  ///< first: mask of signals (bit n-1) to ignore; the other ignored ones become
                     ///< SIG_DFL
    NewSession,
    ControllingTerminal,  ///< descriptor
    UseDescriptor,        ///< descriptor, first: target number
    OwnPid,               ///< list: char*[count], where our number is written, in decimal
    SetUmask,             ///< first
    SetNice,              ///< first, as int
    WriteFile,            ///< source.text: path, name: what to write (oom_score_adj)
    NewSessionKeyring,
    EnterNamespace,    ///< descriptor
    NewNamespaces,     ///< first: CLONE_NEW* bits
    HostDevices,       ///< keeps the host's /dev reachable for MakeDevice; internal, never fails
    MountPropagation,  ///< first: MOUNT_ATTR_* to set, second: MS_SLAVE or MS_SHARED
    KeepTree,          ///< source, first: index into ChildProgram::kept_trees
    BindMount,         ///< source or descriptor (a detached tree), path, first: set, second: clear
    MountAttributes,   ///< path, first: set, second: clear
    MountFileSystem,   ///< name: type, path, first: MOUNT_ATTR_*, list: ChildOption[count]
    HidePath,          ///< path
    MakeDirectory,     ///< path: the parent, name, first: mode
    MakeMountPoint,  ///< path, source or descriptor: `like`, or none, list: ChildEntry[count] from
                     ///< the top down
    MakeSymlink,     ///< path: the parent, name, source.text: target
    MakeDevice,   ///< path: the parent, name, first: mode, second: device number, source.text: name
                  ///< below /dev
    PivotRoot,    ///< path
    SetHostname,  ///< name, first: length
    SetResourceLimit,  ///< first: resource, second: soft, third: hard
    DropBoundingSet,   ///< first: mask to keep
    KeepCapabilities,
    SetGroups,        ///< first: gid, list: uint32[count]
    SetUser,          ///< first: uid
    SetCapabilities,  ///< first: effective, second: permitted, third: inheritable
    RaiseAmbient,     ///< first: mask
    ChangeDirectory,  ///< path
    NoNewPrivileges,
    CloseDescriptors,  ///< list: int[count], those that the service inherits
    ResetSignalMask,
    LoadSeccomp,  ///< list: struct sock_filter[count]
};

/// `root`, where there is one, is the directory that no symlink of the path may lead out of; the
/// text is relative to it then. Else the text is absolute. No text: no path.
struct ChildPath {
    const char* root = nullptr;
    const char* text = nullptr;
};

struct ChildOption {  ///< of a file system; no value: a flag
    const char* key = nullptr;
    const char* value = nullptr;
};

struct ChildEntry {  ///< `name` in the directory `parent`
    ChildPath parent;
    const char* name = nullptr;
};

struct ChildStep {
    static constexpr std::uint8_t Optional = 1;  ///< a missing path is fine
    static constexpr std::uint8_t Soft =
        2;  ///< a refusal (EPERM, EACCES) is told, the launch goes on
    static constexpr std::uint8_t Recursive = 4;

    Opcode opcode{};
    std::uint8_t flags = 0;
    /// A descriptor of -2 and less is that of a tree which the child keeps itself.
    static constexpr std::int32_t FirstKept = -2;

    std::uint32_t plan_step = 0;  ///< index into Plan::steps
    std::int32_t exit_status = 1;
    std::int32_t descriptor = -1;
    std::uint64_t first = 0, second = 0, third = 0;
    ChildPath path, source;
    const char* name = nullptr;
    const void* list = nullptr;
    std::uint32_t count = 0;
};

/// How far the child came. Written by the child, read when clone3 has returned.
struct ChildReport {
    enum Phase : std::uint32_t {
        Unborn,     ///< the child made no step: it was killed at birth (launch-path.md, trap 1)
        Stepping,   ///< at `step`; when the child is dead: killed there
        Executing,  ///< execve was called and did not come back
        Failed,     ///< at `step` (or execve, when step == step_count) with `error`
        Aborted,    ///< the launcher's abort() came before the first step
    };
    enum Part : std::uint32_t { Whole, Source, Destination };
    struct Soft {
        std::uint32_t step = 0;
        std::int32_t error = 0;
    };
    static constexpr std::uint32_t MaximumSoft = 32;

    std::uint32_t phase = Unborn;
    std::uint32_t step = 0;  ///< index into ChildProgram::steps
    std::int32_t error = 0;
    std::uint32_t part = Whole;
    std::uint32_t soft_count = 0;
    Soft soft[MaximumSoft];
    const int* abort =
        nullptr;  ///< the other way: set by another thread, read by the child when it is born
};

struct ChildProgram {
    const ChildStep* steps = nullptr;
    std::uint32_t step_count = 0;
    const char* executable = nullptr;
    const char* const* arguments = nullptr;  ///< null-terminated, as execve(2) wants it
    const char* const* environment = nullptr;
    int executable_descriptor = -1;  ///< instead of `executable`
    std::int32_t exec_exit_status = 203;
    /// A detached tmpfs with the nodes `directory` and `file`, mode 000, or -1 where this kernel
    /// can't clone out of detached trees (before 6.15): then HidePath mounts a fresh one each time.
    int inaccessible = -1;
    int* kept_trees = nullptr;  ///< the child's own: what KeepTree opened, -1 for what is missing
    int host_devices = -1;      ///< the child's own: opened by HostDevices
    ChildReport report;
};

}  // namespace hearth::launch
