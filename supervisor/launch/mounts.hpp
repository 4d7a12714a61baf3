// SPDX-License-Identifier: MIT
//
// The mount algebra: what a unit wishes for each path -> the shortest list of mount steps that
// gives it. Pure. Three parts, each a function: mount_wishes() collects from the settings,
// normalised() sorts, merges and drops what says nothing new, mount_plan() makes steps of the rest.
//
// Another pass that needs a mount (a state directory, a credential, a fresh /proc) pushes a wish of
// the fitting kind onto what mount_wishes() gave, before arrange_mounts() (planner_sandbox.cpp)
// calls mount_plan(): a path as the service sees it, for Bind the host's `source`, and who `asked`.
// The order in which wishes are pushed never matters; merging, order and read-only flags are the
// algebra's. A ReadWrite wish keeps a directory writable under ProtectSystem=strict.
//
// The namespace is edited in place (launch-path.md section 5): "/" becomes slave and, if asked,
// read-only in one call, before any other mount. What stays writable below it is a clone taken from
// the host's view *before* that, with the host's own flags, so a hole never opens what the host has
// read-only. The order keeps a path that is a symlink into another from opening anything: replaced
// contents and holes first, then read-only binds, then what is nested in those, hidden paths last;
// a link can make the result stricter than asked, never looser. Only RootDirectory= binds a root
// and pivots. Follows systemd.exec(5), Paths and Sandboxing. Where its text and systemd's habit
// differ, the text holds: under ProtectSystem=strict /home, /root and /run/user are read-only too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/launch/host.hpp"
#include "supervisor/launch/plan.hpp"
#include "units/unit.hpp"

namespace hearth::launch {

/// One wish for one path, as the service will see it (below RootDirectory=).
struct MountWish {
    enum class Kind : std::uint8_t {  // from weak to strong: on one path the strongest holds
        Keep,  ///< writing stays as it is around it; the wish is about execution only
        ReadWrite,
        ReadOnly,
        // What replaces the content:
        MessageQueues,  ///< the IPC namespace's own
        Bind,
        Image,   ///< the file system in `source`
        Layers,  ///< extensions over what is there
        TemporaryFileSystem,
        HostDevices,
        Processes,      ///< a fresh proc
        Kernel,         ///< a fresh sysfs
        ControlGroups,  ///< the cgroup namespace's own hierarchy, `source`: its type
        PrivateTmp,
        PrivateDevices,
        // Nothing at all:
        Inaccessible,
    };
    /// Of two on one path Forbidden holds. What replaces content inherits it too, other than
    /// read_only: NoExecPaths= reaches every file system below it (systemd.exec(5)).
    enum class Execution : std::uint8_t { Inherited, Allowed, Forbidden };
    /// What is true at the path in the end; filled in by normalised().
    struct Holds {
        bool read_only = false, no_execution = false;
        /// What is closed around it is open here; never said of replaced content.
        bool opens_writing = false, opens_execution = false;
        bool operator==(const Holds&) const = default;
    };
    std::string path;
    Kind kind{};
    Execution execution{};
    Holds holds;
    bool read_only = false;  ///< of replaced content
    bool optional = false;
    bool recursive = true;
    bool unless_mounted = false;  ///< what is mounted there already stays (MountAPIVFS=)
    std::string source;           ///< Bind, Image: a host path; ControlGroups: cgroup or cgroup2
    std::string options;          ///< TemporaryFileSystem, Processes, Image: for the file system
    std::uint64_t flags = 0;      ///< TemporaryFileSystem, Image: MS_*
    std::string slot;      ///< Bind: of the preparation that holds the source; else by its path
    bool follows = false;  ///< only where there is a mount namespace anyway: asks for none
    Asked asked;

    [[nodiscard]] bool opens() const { return holds.opens_writing || holds.opens_execution; }
    [[nodiscard]] bool replaces() const {
        return kind > Kind::ReadOnly && kind < Kind::Inaccessible;
    }
    bool operator==(const MountWish&) const = default;
};

struct MountScope {
    bool full_privileges = false;  ///< `+`: no protection, only what makes up the root
                                   ///< (RootDirectory=, BindPaths= ...)
    bool keeps_sys_admin =
        false;  ///< the service can mount: its mounts are shared among its own namespaces
    std::string notify_socket{};  ///< stays reachable; empty: the command may not notify
    /// A directory of the host below which a root is put together that is none of the host's own
    /// (RootImage=, RootEphemeral=); seen by nobody else.
    std::string assembly = "/run/hearth/root";
    /// hearthd may not mount, but the child may, in a user namespace of its own.
    bool mounts_in_child = false;
};

/// Where the service finds the notify socket: in a root of its own at a fixed place.
[[nodiscard]] std::string notify_path(const std::string& root, const std::string& on_host);

/// What the unit wishes, in the order of the manual. `notes` gets what can't apply (a path outside
/// RootDirectory=).
[[nodiscard]] std::vector<MountWish> mount_wishes(
    const Unit& unit, const Host& host, const MountScope& scope, Diagnostics* notes = nullptr);

/// StateDirectory= and kin, and credentials (mounts_directories.cpp).
void directory_wishes(const Unit& unit, const Host& host, std::vector<MountWish>& wishes);
/// The links that these need in a root of the service's own, where the host's are not seen.
struct DirectoryLink {
    std::string target, path;
    Asked asked;
};
[[nodiscard]] std::vector<DirectoryLink> links_below_root(const Unit& unit, const Host& host);

/// In the order of application, without what says nothing new.
[[nodiscard]] std::vector<MountWish> normalised(std::vector<MountWish> wishes);

struct MountPlan {
    std::vector<Prepared> preparations;
    std::vector<Step> steps;
    bool operator==(const MountPlan&) const = default;
};

/// The directive that makes a mount namespace necessary, or nothing. `wishes`: the unit's,
/// collected.
[[nodiscard]] std::optional<Asked> mount_namespace_asked(
    const Unit& unit, const MountScope& scope, const std::vector<MountWish>& wishes);

/// The steps for `wishes` in a namespace that `asked` asked for.
[[nodiscard]] MountPlan mount_plan(
    const Unit& unit, const MountScope& scope, std::vector<MountWish> wishes, const Asked& asked);

/// Adds what makes a /dev at `path` in the child, where hearthd may not mount: all but making it
/// read-only.
void devices_in_child(
    MountPlan& plan, const std::string& path, bool message_queues, const Asked& asked);

/// Whether the cgroup tree that the service sees is its own (ProtectControlGroups=private, strict).
[[nodiscard]] bool has_own_control_groups(const SandboxSettings& sandbox);

/// Options of mount(8): what is a flag of the mount, what is the file system's own.
struct MountOptions {
    std::uint64_t flags = 0;  ///< MS_*, MS_RDONLY among them
    std::string rest;
    bool relaxed_release = false;  ///< x-systemd.relax-extension-release-check
};
[[nodiscard]] MountOptions read_mount_options(std::string_view text, std::uint64_t flags);
/// Of an image's only partition, which is the root.
[[nodiscard]] MountOptions image_options(const std::vector<PartitionOptions>& partitions);

/// Where the service's root is on the host while the child mounts in it; empty: the host's own.
[[nodiscard]] std::string root_place(const Unit& unit, const MountScope& scope);
/// The directive that gives the unit a root of its own.
[[nodiscard]] Asked root_asked(const Unit& unit);

/// Whether /proc, /sys, /dev and /run are mounted in a root of the unit's own.
[[nodiscard]] bool mounts_api_file_systems(const Unit& unit);

/// Whether `inner` is `outer` or below it, by their text.
[[nodiscard]] bool is_below(std::string_view inner, std::string_view outer);

}  // namespace hearth::launch
