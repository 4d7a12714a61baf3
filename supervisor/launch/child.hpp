// SPDX-License-Identifier: MIT
//
// The child: an interpreter of ChildProgram that makes raw system calls and nothing else. It runs
// in the supervisor's own memory, beside threads that may hold any lock, so it must not allocate,
// log, touch errno or call a library function of any kind, not even memcpy; tests/integration
// checks its objects with nm. It never returns: execve, or exit with the step's status. Built at
// -O2 in every preset, without exceptions, RTTI, sanitizers, coverage and stack protector.
//
// Follows launch-path.md sections 5 and 6, clone3 of clone(2), and systemd.exec(5) for statuses.
#pragma once

#include <cstdint>

#include "supervisor/launch/child_step.hpp"

namespace hearth::launch {

/// The arguments of clone3(2), as uapi/linux/sched.h has them up to `cgroup`.
struct CloneArguments {
    std::uint64_t flags = 0, pidfd = 0, child_tid = 0, parent_tid = 0, exit_signal = 0;
    std::uint64_t stack = 0, stack_size = 0, tls = 0, set_tid = 0, set_tid_size = 0, cgroup = 0;
};

/// A process that does nothing but be in new namespaces, until they are pinned by descriptors.
struct Holder {
    unsigned long namespaces = 0;  ///< CLONE_NEW* to unshare in `user_namespace`
    int user_namespace = -1;       ///< to enter first; -1: the process is born in its own
    bool loopback = false;         ///< the network namespace is new: `lo` comes up
    int ready = -1;                ///< one byte is written here when all of it stands
    std::int32_t parent = 0;       ///< whose end is ours too
    std::int32_t error = 0;        ///< errno of what went wrong; then nothing is written
};

/// A launch below a subreaper of its own (supervisor/init/shim.hpp). In the launcher's memory.
struct Shim {
    CloneArguments clone;  ///< of the launched process
    ChildProgram* program = nullptr;
    int executable = -1;     ///< hearth-init, >= 4
    int record = -1;         ///< its record, >= 4
    int pid_namespace = -1;  ///< that the launched process is born in; -1: ours
    const char* const* arguments = nullptr;
    const char* const* environment = nullptr;
    std::int64_t launched = 0;  ///< its number, or -errno of its clone3; 0: that was not called
    std::int32_t error = 0;     ///< errno of what the shim itself could not do
    std::uint32_t resumed = 0;  ///< 1: the launched process is in our memory no more
};

extern "C" {
/// clone3 of a process that becomes a subreaper, clones and runs `shim->program` as above, and then
/// becomes hearth-init's shim. `arguments` has CLONE_VM, CLONE_VFORK and CLONE_FILES: the pidfd of
/// the launched process is the caller's.
long hearth_child_clone_below(const CloneArguments* arguments, Shim* shim);
/// clone3, without CLONE_VFORK, of a process that runs the holder's program: the caller kills it.
long hearth_child_hold(const CloneArguments* arguments, Holder* holder);
/// clone3, then the program in the child, on the stack given in `arguments`. Returns in the parent
/// only: the pid, or a negative errno value. With CLONE_VFORK the child has called execve or is
/// dead.
long hearth_child_clone(const CloneArguments* arguments, ChildProgram* program);
}

}  // namespace hearth::launch
