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

#include "parser/diagnostic.hpp"
#include "units/resource_types.hpp"
#include "units/stage.hpp"

namespace hearth::launch {

/// Who asked: a directive and its place, or "" for what every launch does.
struct Asked {
    std::string directive;
    /// the part of the directive's value that this step is about (one path of a list)
    std::string value;
    Origin origin;
    bool operator==(const Asked&) const = default;
};

// ---- preparation: by the launcher thread, before the clone --------------------------------------

/// The unit's cgroup, in each hierarchy, with its limits. Made if missing; knobs are written before
/// anything runs there. Paths are relative to hearthd's own root of each hierarchy.
struct MakeCgroup {
    struct Knob {
        std::string controller;  ///< "cpu", "memory", "pids"
        std::string file;        ///< "cpu.max", or v1's "cpu.cfs_quota_us"
        std::string value;
        Asked asked;
        /// A block device's node, or a path on it: its number goes before the value. Empty: none.
        std::string device{};
        /// What shares or gives: the service starts without it where the kernel refuses.
        bool soft = false;
        bool operator==(const Knob&) const = default;
    };
    std::string path;                         ///< "system.slice/heat.service"
    std::vector<std::string> v1_controllers;  ///< v1 hierarchies to join; empty on unified
    std::vector<Knob> knobs;
    /// Unified: controllers that the slices above pass on beside cpu, memory and pids.
    std::vector<std::string> passed_controllers{};
    /// Delegate=: who may make cgroups below this one (uid, gid).
    std::optional<std::pair<std::uint32_t, std::uint32_t>> delegated_to{};
    bool operator==(const MakeCgroup&) const = default;
};

/// BPF programs on the unit's v2 cgroup (cgroup/bpf.hpp). All of a unit's are one preparation: what
/// an earlier launch attached and this one doesn't want goes.
struct FilterCgroup {
    std::string path;  ///< of the cgroup, as MakeCgroup's
    bool devices = false;
    DevicePolicy device_policy = DevicePolicy::Auto;  ///< Strict: the rules alone
    std::vector<DeviceRule> device_rules;
    AddressPrefixes addresses_allowed, addresses_denied;
    bool count_addresses = false;
    std::vector<SocketBindRule> bind_allowed, bind_denied;
    InterfaceList interfaces;
    bool operator==(const FilterCgroup&) const = default;
};

/// Opens a file as root in the host's view and keeps it in `slot`.
struct OpenFile {
    std::string slot;
    std::string path;
    int flags = 0;  ///< open(2) flags; O_CLOEXEC is always added
    std::uint32_t mode = 0666;
    bool optional = false;  ///< what can't be opened leaves the slot empty
    bool connect = false;   ///< where the path is a socket: a connection to it
    bool operator==(const OpenFile&) const = default;
};

/// The unit's own temporary directory below `parent` ("/tmp" or "/var/tmp"): made once per
/// activation, shared by all its commands, removed at release.
struct MakePrivateTmp {
    std::string slot;  ///< where the path of the made directory is kept ("tmp", "var-tmp")
    std::string parent;
    bool operator==(const MakePrivateTmp&) const = default;
};

/// A namespace made once per activation and entered by each of its commands: the launcher thread
/// unshares, pins it by a descriptor in `slot`, and goes back to its own. Network: loopback is up.
struct MakeNamespace {
    enum class Kind : std::uint8_t { Network, Ipc };
    std::string slot;
    Kind kind{};
    bool operator==(const MakeNamespace&) const = default;
};

/// A namespace that somebody else made, by the path of its file: kept like a made one, so that all
/// commands of an activation are in the same. Anything but a namespace of `kind` is an error.
struct OpenNamespace {
    std::string slot;
    MakeNamespace::Kind kind{};
    std::string path;
    bool operator==(const OpenNamespace&) const = default;
};

/// Ids from `inside` up, as a user namespace has them, are those from `outside` up of hearthd's
/// own.
struct IdRange {
    std::uint32_t inside = 0, outside = 0, count = 0;
    bool operator==(const IdRange&) const = default;
};

/// A user namespace with its maps, made once per activation. `owned`: namespaces that are made in
/// it, with its rights, and pinned beside it, where hearthd itself has no right to make them.
struct MakeUserNamespace {
    std::string slot;
    std::vector<IdRange> uids, gids;
    bool deny_setgroups = false;  ///< what the kernel wants of an unprivileged map
    std::vector<MakeNamespace> owned;
    bool operator==(const MakeUserNamespace&) const = default;
};

/// Takes over the slots of the first of `units` that runs and has one of them, before anything is
/// made for them; for the units' own activations, which the launcher doesn't know, by the caller.
struct JoinActivation {
    std::vector<std::string> units;
    std::vector<std::string> slots;
    bool operator==(const JoinActivation&) const = default;
};

/// A detached copy (open_tree with OPEN_TREE_CLONE, no propagation back: a slave) of the mounts at
/// `source`, as the host shows them before any sandboxing: with the host's own read-only flags, so
/// that a writable hole never makes writable what the host has read-only. For a BindMount from
/// `tree:NAME`.
struct CloneTree {
    std::string slot;
    /// a path, or "slot:NAME" of an earlier MakePrivateTmp or MakeServiceDirectory
    std::string source;
    bool recursive = true;
    bool optional =
        false;  ///< a missing source leaves the slot empty; a BindMount from it is skipped
    /// When not empty: a directory above `source`, in which symbolic links of the rest are resolved
    /// as if it were "/" (RESOLVE_IN_ROOT), because what is in it is not trusted.
    std::string root;
    /// When not empty: the slot of a user namespace through which the copy shows its files' owners
    /// (MOUNT_ATTR_IDMAP): the ids on disk are those inside.
    std::string id_map{};
    bool operator==(const CloneTree&) const = default;
};

/// What standard input is fed with, in a sealed memory file.
struct MakeInput {
    std::string slot;
    std::string bytes;
    bool operator==(const MakeInput&) const = default;
};

/// TTYReset= and kin, before the terminal is opened for the service. What can't be done to it is
/// passed over.
struct PrepareTerminal {
    std::string path;
    bool reset = false, vhangup = false, disallocate = false;
    std::uint16_t rows = 0, columns = 0;  ///< 0: as it is

    [[nodiscard]] bool asks_for_anything() const {
        return reset || vhangup || disallocate || rows != 0 || columns != 0;
    }
    bool operator==(const PrepareTerminal&) const = default;
};

/// The /dev of PrivateDevices=: pseudo devices, links, the host's terminals, shared memory, message
/// queues, huge pages and log socket. `shared`: a clone of a read-only tree that all such services
/// have; else one that is made for this launch and writable, for places of further mounts, and for
/// services that could change a shared one.
struct MakeDevices {
    std::string slot;
    bool message_queues = true;
    bool shared = true;
    bool operator==(const MakeDevices&) const = default;
};

/// A detached mount of the file system in an image: a block device, or a file behind a loop device
/// that is kept for the activation and ends with its last user.
struct MountImage {
    std::string slot;
    std::string source;
    std::string options;           ///< the file system's own: "noload,data=ordered"
    std::uint64_t attributes = 0;  ///< MOUNT_ATTR_*, without read-only
    bool read_only = false;
    bool optional = false;  ///< a missing source leaves the slot empty
    bool operator==(const MountImage&) const = default;
};

/// What is laid over a hierarchy by MountLayers: a directory of the host or "tree:NAME" of an
/// image.
struct Layer {
    std::string source;
    std::string name;      ///< its extension-release file must have it
    bool relaxed = false;  ///< any one such file will do
    bool optional = false;
    bool operator==(const Layer&) const = default;
};
/// A detached, read-only overlay: `hierarchy` of each layer, the last one on top, over that of
/// `base`. Layers without it don't count; without any the slot stays empty. Each layer's
/// extension-release file has to fit the os-release of `base`.
struct MountLayers {
    std::string slot;
    std::string base;       ///< the root: a path or "tree:NAME"
    std::string hierarchy;  ///< "/usr", "/opt"
    std::vector<Layer> layers;
    bool operator==(const MountLayers&) const = default;
};

/// A detached, writable overlay over `base`, kept for the activation: what is written goes into the
/// private directory of slot `directory` and is removed with it.
struct MountEphemeral {
    std::string slot;
    std::string base;  ///< a path or "tree:NAME"
    std::string directory;
    bool operator==(const MountEphemeral&) const = default;
};

/// A directory of StateDirectory= and kin below `base`: made with its parents, given to its owner
/// (with all that is in it, when it had another one), of exactly that mode.
struct MakeServiceDirectory {
    enum class Lifetime : std::uint8_t {
        Unlimited,   ///< removed by `hearthctl clean` alone
        UntilStop,   ///< removed when the unit stops and does not start again
        Activation,  ///< removed when the unit stops
    };
    std::string slot;  ///< where its descriptor is kept, for a CloneTree
    std::string base, path;
    std::vector<std::string> links;  ///< names below `base` that lead to it
    std::uint32_t mode = 0755;
    std::uint32_t owner = 0, group = 0;
    bool owned = true;  ///< false: an existing one keeps its owner
    /// below `BASE/private`, where only root gets; `BASE/PATH` leads to it
    bool is_private = false;
    Lifetime lifetime = Lifetime::Unlimited;
    bool operator==(const MakeServiceDirectory&) const = default;
};

/// The service's credentials, once per activation: read, and copied to a read-only file system of
/// their own at `place`, for the owner alone. The only part of a plan that holds a secret: it is
/// never described.
struct MakeCredentials {
    struct Source {
        std::string id;
        std::vector<std::string> paths;  ///< the first that is there counts
        bool optional = false;
        Asked asked;
        bool operator==(const Source&) const = default;
    };
    struct Literal {  ///< where no source gave one of that name
        std::string id, data;
        bool operator==(const Literal&) const = default;
    };
    std::string place;
    std::uint32_t owner = 0, group = 0;
    bool mounted = true;  ///< false: files of the owner in a plain directory
    std::vector<Source> sources;
    std::vector<Literal> literals;
    bool operator==(const MakeCredentials&) const = default;
};

/// Nothing now: when the unit ends, and no other unit of the same owner runs, the owner's IPC
/// objects are removed.
struct RemoveIpc {
    std::uint32_t owner = 0, group = 0;
    bool operator==(const RemoveIpc&) const = default;
};

using Preparation = std::variant<
    MakeCgroup,
    FilterCgroup,
    MakeInput,
    PrepareTerminal,
    OpenFile,
    MakePrivateTmp,
    MakeNamespace,
    OpenNamespace,
    MakeUserNamespace,
    JoinActivation,
    CloneTree,
    MakeDevices,
    MountImage,
    MountLayers,
    MountEphemeral,
    MakeServiceDirectory,
    MakeCredentials,
    RemoveIpc>;

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

using Action = std::variant<
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
    LoadSeccomp>;

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
