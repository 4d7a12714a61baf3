// SPDX-License-Identifier: MIT
//
// A launch as data. The planner makes one from (Unit, Invocation, Host); the launcher prepares and
// clones; the child interprets the steps; `hearthctl plan` prints it; golden tests compare it.
// Everything here is a plain final value with ==: no descriptor numbers (descriptors are named
// slots until the launcher lowers the plan), no pointers, no pending decisions.
//
// Every step and preparation knows the directive, file and line that asked for it, and the exit
// status of systemd.exec(5) ("Process Exit Codes") that stands for its failure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "parser/compiled_once.hpp"
#include "parser/diagnostic.hpp"
#include "supervisor/launch/preparation.hpp"
#include "units/stage.hpp"

namespace hearth::launch {

// ---- steps: by the child ------------------------------------------------------------------------

/// "0" into each v1 `tasks`
struct JoinCgroups {
    bool operator==(const JoinCgroups&) const = default;
};
struct DefaultSignals {  ///< SIG_DFL for all that hearthd ignores; SIG_IGN for `ignored`
    std::vector<int> ignored;
    bool operator==(const DefaultSignals&) const = default;
};
struct NewSession {
    bool operator==(const NewSession&) const = default;
};
struct ControllingTerminal {
    int number = 0;
    bool operator==(const ControllingTerminal&) const = default;
};
/// Opens the terminal as descriptor 0 and makes it the session's own.
struct AcquireTerminal {
    enum class Mode : std::uint8_t {
        Wait,   ///< until its present session is gone
        Force,  ///< takes it away from its present session
        Fail,   ///< not while it has one
    };
    std::string path;
    Mode mode = Mode::Wait;
    bool operator==(const AcquireTerminal&) const = default;
};
struct CopyDescriptor {  ///< dup3 of a descriptor that the child has by then
    int from = 0;
    int number = 0;
    bool operator==(const CopyDescriptor&) const = default;
};
struct UseDescriptor {  ///< dup3 of the slot to `number`, inherited by the service
    std::string slot;
    int number = 0;
    bool operator==(const UseDescriptor&) const = default;
};
struct SetUmask {
    std::uint32_t mask = 0022;
    bool operator==(const SetUmask&) const = default;
};
struct SetNice {
    int nice = 0;
    bool soft = true;
    bool operator==(const SetNice&) const = default;
};
struct SetCpuAffinity {
    std::vector<unsigned> cpus;  ///< sorted
    bool operator==(const SetCpuAffinity&) const = default;
};
struct SetScheduler {  ///< sched_setscheduler(2)
    int policy = 0;    ///< SCHED_*
    int priority = 0;
    bool reset_on_fork = false;
    bool soft = true;
    bool operator==(const SetScheduler&) const = default;
};
struct SetMemoryPolicy {  ///< set_mempolicy(2)
    int mode = 0;         ///< MPOL_*
    std::vector<unsigned> nodes;
    bool operator==(const SetMemoryPolicy&) const = default;
};
struct SetIoPriority {  ///< ioprio_set(2); what is refused is told
    int io_class = 0;   ///< IOPRIO_CLASS_*
    int priority = 0;
    bool operator==(const SetIoPriority&) const = default;
};
struct SetTimerSlack {
    std::uint64_t nanoseconds = 0;
    bool operator==(const SetTimerSlack&) const = default;
};
/// An attribute of the memory, not of the process: a plan with this step is cloned with memory of
/// its own (needs_own_memory()), or hearthd's would be set.
struct SetCoredumpFilter {
    std::uint64_t mask = 0;
    bool operator==(const SetCoredumpFilter&) const = default;
};
struct SetPersonality {
    std::uint32_t persona = 0;
    bool operator==(const SetPersonality&) const = default;
};
/// What a security module's attribute file in /proc/thread-self/attr gets.
struct SetSecurityLabel {
    std::string file;  ///< "apparmor/exec"
    std::string text;
    bool optional = false;  ///< any failure is ignored
    bool operator==(const SetSecurityLabel&) const = default;
};
struct SetOomScoreAdjust {
    int value = 0;
    bool soft = true;
    bool operator==(const SetOomScoreAdjust&) const = default;
};
/// Where the kernel or a container refuses keyrings (ENOSYS, EPERM, EACCES, EDQUOT) the service
/// goes without.
struct NewSessionKeyring {
    std::string invocation_id;  ///< 32 hex digits, kept in it as the key "invocation_id"
    bool operator==(const NewSessionKeyring&) const = default;
};
/// The user's keyring into the session's, once the user is the service's (KeyringMode=shared).
struct LinkUserKeyring {
    bool operator==(const LinkUserKeyring&) const = default;
};
struct EnterNamespace {
    std::string slot;
    bool operator==(const EnterNamespace&) const = default;
};
struct NewNamespaces {  ///< unshare(2); CLONE_NEW* bits
    std::uint64_t flags = 0;
    bool operator==(const NewNamespaces&) const = default;
};

// Mount steps. Paths are absolute in the child's view at that moment. `optional`: a missing path is
// fine.
/// mount_setattr("/", AT_RECURSIVE): slave, and read-only or without execution when asked, in one
/// call. `finally`: how mounts travel when all others are made (MountFlags=).
struct MountPropagation {
    enum class Final : std::uint8_t { Slave, Shared, Private };
    bool read_only = false;
    Final finally = Final::Slave;
    bool no_execution = false;
    bool operator==(const MountPropagation&) const = default;
};
/// A CloneTree by the child, in a mount namespace that hearthd itself may not copy from: for
/// "tree:NAME" of later steps.
struct KeepTree {
    std::string slot, source;
    bool recursive = true;
    bool optional = false;
    std::string root;  ///< as CloneTree's
    bool operator==(const KeepTree&) const = default;
};
struct BindMount {  ///< open_tree(CLONE) of source, attributes on the detached clone, move_mount to
                    ///< destination
    /// A path; "slot:NAME" for a directory made by MakePrivateTmp; "tree:NAME" for a CloneTree,
    /// which is not copied again: `set`, `clear` and MS_SLAVE go onto it in one mount_setattr, then
    /// it is moved.
    std::string source;
    std::string destination;
    bool recursive = true;
    bool optional = false;
    std::uint64_t set = 0;        ///< MOUNT_ATTR_* to set on the clone
    std::uint64_t clear = 0;      ///< MOUNT_ATTR_* to clear
    bool unless_mounted = false;  ///< nothing where a mount begins at the destination already
    bool operator==(const BindMount&) const = default;
};
struct MountAttributes {  ///< mount_setattr on an existing mount point or, where `path` is none, on
                          ///< a bind of itself
    std::string path;
    std::uint64_t set = 0, clear = 0;
    bool recursive = true;
    bool optional = false;
    bool operator==(const MountAttributes&) const = default;
};
struct MountFileSystem {  ///< a fresh tmpfs, proc, sysfs, devpts, mqueue
    std::string type;
    std::string destination;
    std::string options;      ///< "mode=0755,size=4m"
    std::uint64_t flags = 0;  ///< MS_*
    bool optional = false;
    bool unless_mounted = false;  ///< nothing where a mount begins at the destination already
    bool operator==(const MountFileSystem&) const = default;
};
struct HidePath {  ///< an inaccessible, empty node of the right kind over the path (file or
                   ///< directory)
    std::string path;
    bool optional = false;
    bool operator==(const HidePath&) const = default;
};
// What these make has exactly `mode`, whatever the umask (which is set before the mounts).
struct MakeDirectory {
    std::string path;
    std::uint32_t mode = 0755;
    bool operator==(const MakeDirectory&) const = default;
};
/// The place for a mount, when it is missing: a directory, or an empty file where `like` is no
/// directory; with its parents. `like`: a path, or "tree:NAME" of a CloneTree where the path is
/// covered by then. Nothing where `path` exists or `like` is missing. Empty `like`: directory.
struct MakeMountPoint {
    std::string path;
    std::string like;
    bool operator==(const MakeMountPoint&) const = default;
};
struct MakeSymlink {
    std::string target, path;
    bool operator==(const MakeSymlink&) const = default;
};
/// The tree that MakeDevices made, with what is bound into it.
struct BindDevices {
    std::string slot;
    std::string destination;
    std::uint64_t set = 0;  ///< MOUNT_ATTR_*
    bool operator==(const BindDevices&) const = default;
};
struct MakeDevice {  ///< mknod of a character device, or a bind of the host's where mknod is
                     ///< refused
    std::string path;
    std::uint32_t major = 0, minor = 0, mode = 0666;
    bool operator==(const MakeDevice&) const = default;
};
/// old root gone, cwd "/"
struct PivotRoot {
    std::string root;
    bool operator==(const PivotRoot&) const = default;
};

struct SetHostname {
    std::string name;
    bool operator==(const SetHostname&) const = default;
};
struct SetResourceLimit {
    int resource = 0;  ///< RLIMIT_*
    std::uint64_t soft = 0, hard = 0;
    bool soft_failure =
        true;  ///< a raise that the kernel refuses is given as far as possible, and told
    bool operator==(const SetResourceLimit&) const = default;
};
struct DropBoundingSet {
    std::uint64_t keep = 0;
    bool operator==(const DropBoundingSet&) const = default;
};
/// SECBIT_KEEP_CAPS over the uid change
struct KeepCapabilities {
    bool operator==(const KeepCapabilities&) const = default;
};
struct SetGroups {
    std::uint32_t gid = 0;
    std::vector<std::uint32_t> supplementary;
    bool operator==(const SetGroups&) const = default;
};
struct SetUser {
    std::uint32_t uid = 0;
    bool operator==(const SetUser&) const = default;
};
struct SetCapabilities {
    std::uint64_t effective = 0, permitted = 0, inheritable = 0;
    bool operator==(const SetCapabilities&) const = default;
};
struct SetSecureBits {
    std::uint32_t bits = 0;  ///< SECBIT_*
    bool operator==(const SetSecureBits&) const = default;
};
struct RaiseAmbient {
    std::uint64_t mask = 0;
    bool operator==(const RaiseAmbient&) const = default;
};
struct ChangeDirectory {
    std::string path;
    bool optional = false;
    bool operator==(const ChangeDirectory&) const = default;
};
struct NoNewPrivileges {
    bool operator==(const NoNewPrivileges&) const = default;
};
/// CLOEXEC on all from 3 up but those passed
struct CloseDescriptors {
    bool operator==(const CloseDescriptors&) const = default;
};
struct ResetSignalMask {
    bool operator==(const ResetSignalMask&) const = default;
};
struct LoadSeccomp {
    std::vector<std::uint64_t> program;  ///< struct sock_filter, 8 bytes each, native order
    bool operator==(const LoadSeccomp&) const = default;
};

struct Action : std::variant<
                    JoinCgroups,
                    DefaultSignals,
                    NewSession,
                    ControllingTerminal,
                    AcquireTerminal,
                    CopyDescriptor,
                    UseDescriptor,
                    SetUmask,
                    SetNice,
                    SetCpuAffinity,
                    SetScheduler,
                    SetMemoryPolicy,
                    SetIoPriority,
                    SetTimerSlack,
                    SetCoredumpFilter,
                    SetPersonality,
                    SetSecurityLabel,
                    SetOomScoreAdjust,
                    NewSessionKeyring,
                    LinkUserKeyring,
                    EnterNamespace,
                    NewNamespaces,
                    MountPropagation,
                    KeepTree,
                    BindMount,
                    MountAttributes,
                    MountFileSystem,
                    HidePath,
                    MakeDirectory,
                    MakeMountPoint,
                    MakeSymlink,
                    MakeDevice,
                    BindDevices,
                    PivotRoot,
                    SetHostname,
                    SetResourceLimit,
                    DropBoundingSet,
                    KeepCapabilities,
                    SetGroups,
                    SetUser,
                    SetCapabilities,
                    SetSecureBits,
                    RaiseAmbient,
                    ChangeDirectory,
                    NoNewPrivileges,
                    CloseDescriptors,
                    ResetSignalMask,
                    LoadSeccomp> {
    using variant::variant;
    HEARTH_COMPILED_ONCE(Action);
};

struct Step {
    Stage stage{};
    Action action;
    Asked asked;
    int exit_status = 1;  ///< systemd.exec(5): 200 CHDIR, 226 NAMESPACE ...
    bool operator==(const Step&) const = default;
};

struct Prepared {  // one preparation with its origin
    Preparation preparation;
    Asked asked;
    int exit_status = 219;  ///< CGROUP
    bool operator==(const Prepared&) const = default;
};

/// A descriptor that the program gets beside its streams, by the protocol of sd_listen_fds(3). An
/// optional slot that stayed empty is left out, so the numbers are known only at launch.
struct Passed {
    std::string slot;
    std::string name;  ///< in $LISTEN_FDNAMES
    bool operator==(const Passed&) const = default;
};

struct Plan {
    std::string unit;
    std::vector<Prepared> preparations;
    std::string cgroup;  ///< v2 path below hearthd's root that the child is born in; empty: none
                         ///< (attach, tests)
    bool new_pid_namespace = false;
    std::vector<Step> steps;  ///< sorted by stage; order within a stage is the planner's
    std::string executable;
    /// not empty: the program is this descriptor instead (execveat), whatever the root holds
    std::string executable_slot;
    Asked executable_asked;  ///< which Exec line
    std::vector<std::string> argv;
    std::vector<std::string> environment;  ///< NAME=VALUE
    std::vector<Passed> passed;            ///< from descriptor 3 on; $LISTEN_FDS and kin say so
    /// Variables whose value is the process's own number, which only the child knows.
    std::vector<std::string> own_pid_variables;
    /// What was asked, can't be given here, and was relaxed by name: told in the report.
    Diagnostics shortfalls;

    bool operator==(const Plan&) const = default;
};

/// Whether the child must not share the launcher's memory.
[[nodiscard]] bool needs_own_memory(const Plan& plan);

/// `mount-attributes`: how plans and errors name a step.
[[nodiscard]] std::string_view name(const Action& action);
[[nodiscard]] std::string_view name(const Preparation& preparation);
/// The step with its arguments, one line: `set-user 65534`.
[[nodiscard]] std::string describe(const Action& action);
[[nodiscard]] std::string describe(const Preparation& preparation);
/// The whole plan for a person, each line with the directive and line that asked for it.
[[nodiscard]] std::string print(const Plan& plan);

}  // namespace hearth::launch
