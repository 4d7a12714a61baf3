// SPDX-License-Identifier: MIT
//
// What a launch needs before the clone, as data: each preparation is done by the launcher thread,
// as hearthd and in the host's view. Plain values; a descriptor is a named slot until the launcher
// has made it. plan.hpp has the whole of which these are a part.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "parser/compiled_once.hpp"
#include "parser/diagnostic.hpp"
#include "units/resource_types.hpp"

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
    /// MemoryPressureWatch=: who may set a trigger in memory.pressure (uid, gid).
    std::optional<std::pair<std::uint32_t, std::uint32_t>> pressure_watcher{};
    /// Unified: slices above (or this one), and the controllers that they pass on to nobody.
    std::map<std::string, std::set<std::string>> withheld{};
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

/// BPFProgram=, IPIngressFilterPath=: a program of somebody else's on a cgroup. It stays until the
/// cgroup goes.
struct AttachProgram {
    std::string path;  ///< of the cgroup, as MakeCgroup's
    PinnedProgram program;
    bool operator==(const AttachProgram&) const = default;
};

/// A slice above the unit and what it is held to, written again at each launch below it.
struct LimitSlice {
    MakeCgroup cgroup;
    std::optional<FilterCgroup> filter{};
    std::vector<PinnedProgram> programs{};
    bool operator==(const LimitSlice&) const = default;
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

struct Preparation : std::variant<
                         MakeCgroup,
                         FilterCgroup,
                         AttachProgram,
                         LimitSlice,
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
                         RemoveIpc> {
    using variant::variant;
    HEARTH_COMPILED_ONCE(Preparation);
};

}  // namespace hearth::launch
