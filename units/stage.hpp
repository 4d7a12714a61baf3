// SPDX-License-Identifier: MIT
//
// The law of order in the child, written once. The planner may add steps in any order; the plan is
// sorted by stage, and the child applies it from top to bottom. The reasons come from
// launch-path.md section 5, where each was measured or reproduced on a kernel.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth {

enum class Stage : std::uint8_t {
    Cgroup,       ///< before any limit matters, before the cgroup namespace fixes its root, before
                  ///< mounts hide the files
    Signals,      ///< CLONE_CLEAR_SIGHAND leaves SIG_IGN: what we ignore must not leak
    Session,      ///< setsid before any terminal is opened
    Descriptors,  ///< stdio, opened by the parent, before mounts hide their paths
    Scheduling,   ///< umask, nice, affinity, oom score: while privileged and while /proc is the
                  ///< host's
    Keyring,      ///< before the uid changes, or root's session keyring would leak
    Namespaces,   ///< IPC, UTS, network, then cgroup; network before mounts: a new sysfs shows its
                  ///< mounter's
    Mounts,       ///< need CAP_SYS_ADMIN; /proc after the PID namespace exists
    Root,         ///< pivot only once every mount below it exists
    Hostname,     ///< inside its namespace, with the capability still held
    Limits,  ///< rlimits after the root change: a small LimitNOFILE= must not starve our own opens
    UserNamespace,  ///< last of the namespaces where hearthd may make the others itself: they and
                    ///< the mounts stay the host's, and every right over them ends here
    BoundingSet,    ///< needs CAP_SETPCAP, which Capabilities takes away
    Identity,       ///< groups, gid, uid, keeping capabilities: the last moment of being root
    Capabilities,   ///< permitted, inheritable, ambient made final: the uid change cleared ambient
    WorkingDirectory,  ///< as the user (root-squashed homes), after mounts so that it can't pin the
                       ///< host
    NoNewPrivileges,   ///< the precondition of a filter without CAP_SYS_ADMIN
    CloseDescriptors,  ///< one close_range call, late: errors can still be reported
    SignalMask,        ///< from here on a pending signal kills the child, and may
    Seccomp,           ///< last: the filter need not allow our own set-up
};

/// `working-directory`: how plans and errors name a stage.
[[nodiscard]] std::string_view name(Stage stage);

}  // namespace hearth
