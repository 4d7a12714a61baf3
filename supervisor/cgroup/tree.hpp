// SPDX-License-Identifier: MIT
//
// The cgroup trees of this machine, as DESIGN 5 says: processes are tracked, killed, frozen and
// watched in the v2 tree always; limits are v2 files on a unified machine and v1 files on a hybrid
// one. One tracker, two tables of knobs (knobs.hpp). All paths given to it are relative to
// hearthd's root ("system.slice/heat.service"); the root itself is a path below hearthd's own
// cgroup of each hierarchy, or below each mount's root when it starts with '/'.
//
// Never writes a pid to a cgroup.procs (6 to 15 ms on a quiet machine; see launch-path.md), except
// of hearth's own three programs, which stand in leaves. Methods are const and thread-safe: they
// only make system calls. Follows the kernel's cgroup-v2.rst and cgroup-v1/.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/cgroup/descendants.hpp"
#include "supervisor/cgroup/mounts.hpp"
#include "supervisor/launch/host.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "supervisor/sys/process.hpp"
#include "units/resource_usage.hpp"

namespace hearth::cgroup {

struct Knob {
    std::string controller, file, value;
};

/// Slices, by path, and the controllers that they pass on to nobody (DisableControllers=).
using Withheld = std::map<std::string, std::set<std::string>>;

/// Open handles for one launch into a cgroup.
struct Handle {
    sys::Descriptor directory;           ///< v2 directory, for CLONE_INTO_CGROUP
    std::vector<sys::Descriptor> tasks;  ///< v1 `tasks` files, for the child to write "0"; all >= 3
};

/// Who owns the cgroup that hearthd is started in.
enum class Own : std::uint8_t {
    Shared,     ///< others too: the root is a cgroup below it
    Container,  ///< we, unless strangers' processes are in it: then as Shared
    Machine,    ///< we; what else is in it are the kernel's threads
};

/// The leaves of hearth's own programs, where the root is their whole cgroup: memory that one of
/// them takes is never charged to the keeper. No unit can be called like the last two.
inline constexpr const char* keeper_leaf = "init.scope";
inline constexpr const char* manager_leaf = "hearthd";
inline constexpr const char* log_writer_leaf = "hearth-logd";

class Tree {
public:
    struct Options {
        std::string root = "hearth";  ///< --cgroup-root; not looked at where the whole is ours
        Own own = Own::Shared;
        pid_t keeper = 0;   ///< moved to a leaf of its own; 0: none
        std::string owner;  ///< the runtime directory, written to user.hearth.owner
        /// Where to look; tests point these at other places. Empty: /proc/self/{mountinfo,cgroup}.
        std::string mountinfo_path, self_cgroup_path;
        /// A descriptor of the root that holds the lock already: an earlier hearthd's, by the
        /// keeper.
        int lock = -1;
    };
    /// Finds the hierarchies, makes the root in each, takes the exclusive lock (flock on the v2
    /// root). An instance that already holds it is named in the error, with its owner.
    static Result<Tree> open(const Options& options);

    /// No cgroups: every limit is refused, and a unit's processes are those that descend from what
    /// was launched for it (track()).
    [[nodiscard]] static Tree without_cgroups();
    /// Moves hearth-logd, just started by us, to its leaf; nothing where the root is no whole.
    [[nodiscard]] Result<void> place_log_writer(pid_t pid) const;
    /// A process launched for `path`, where there are no cgroups; nothing else otherwise.
    void track(const std::string& path, pid_t pid, const std::string& invocation) const;
    /// The parent of a launch for `path`, while it lives: what descends from it is the unit's.
    void track_shim(const std::string& path, pid_t pid, std::uint64_t started) const;
    void untrack_shim(const std::string& path, pid_t pid) const;

    /// The descriptor that holds the lock; -1 without cgroups.
    [[nodiscard]] int lock() const { return lock_.number(); }

    [[nodiscard]] launch::CgroupLayout layout() const;
    [[nodiscard]] const std::set<std::string>& controllers() const;
    [[nodiscard]] const std::map<std::string, std::string>& missing_controllers() const;
    /// What `/proc/PID/cgroup` and the ControlGroup property show for `path`:
    /// "/hearth/system.slice/heat.service".
    [[nodiscard]] std::string shown(const std::string& path) const;
    /// Absolute file system path of `path` in a hierarchy ("" = v2).
    [[nodiscard]] std::string directory(
        const std::string& path, const std::string& controller = {}) const;

    /// mkdir -p in v2 and the given v1 hierarchies. On v2, slices (names in ".slice") pass cpu,
    /// memory, pids and `passed` on (each controller costs every start something, so io and cpuset
    /// only for those who ask); a cgroup below a unit's has none of its own, only the unit's
    /// limits. What is withheld is taken from the slices that have it already, too.
    [[nodiscard]] Result<void> make(
        const std::string& path,
        const std::vector<std::string>& v1_controllers,
        const std::vector<std::string>& passed = {},
        const Withheld& withheld = {}) const;
    [[nodiscard]] Result<void> write(const std::string& path, const Knob& knob) const;
    [[nodiscard]] Result<std::string> read(const std::string& path, const Knob& knob) const;
    [[nodiscard]] Result<Handle> enter(
        const std::string& path, const std::vector<std::string>& v1_controllers) const;

    /// cgroup.kill; where the kernel lacks it, SIGKILL to each pid until empty. The directory is
    /// spoilt for CLONE_INTO_CGROUP afterwards (launch-path.md trap 1): remove() and make() again.
    [[nodiscard]] Result<void> kill(const std::string& path) const;
    [[nodiscard]] Result<void> signal(
        const std::string& path, const sys::Signal& signal, const std::set<pid_t>& except) const;
    [[nodiscard]] Result<void> freeze(const std::string& path, bool frozen) const;
    [[nodiscard]] Result<std::vector<pid_t>> processes(
        const std::string& path) const;  ///< with sub-cgroups
    [[nodiscard]] Result<bool> populated(
        const std::string& path) const;  ///< false where it doesn't exist
    /// A descriptor of v2 `cgroup.events`, for EPOLLPRI on changes of `populated`.
    [[nodiscard]] Result<sys::Descriptor> events(const std::string& path) const;
    /// rmdir of the directory and everything below, in every hierarchy. EBUSY where processes
    /// remain.
    [[nodiscard]] Result<void> remove(const std::string& path) const;
    /// Removes the whole root, and what open() made above it, when no process is left (at exit).
    [[nodiscard]] Result<void> remove_root() const;
    /// What the kernel counted in that cgroup and below (usage.cpp).
    [[nodiscard]] ResourceUsage usage(const std::string& path) const;
    /// "254:0": the number of the disk that `path` names (a node, or its partition's disk) or, for
    /// any other path, lies on. The io controllers know whole disks only.
    [[nodiscard]] static Result<std::string> block_device(const std::string& path);
    /// Unit cgroups that exist below the root ("system.slice/heat.service"), for leftovers at
    /// start.
    [[nodiscard]] std::vector<std::string> existing() const;

private:
    struct Hierarchy {
        std::string mount;       ///< mount point
        std::string mount_root;  ///< the cgroup that the mount point shows
        std::string base;  ///< what the root is relative to, below the mount point: our own cgroup
        std::string root;  ///< our root, below the mount point: "/hearth"
        [[nodiscard]] std::string path(const std::string& below) const;
    };
    [[nodiscard]] static Hierarchy hierarchy(const Place& place, const std::string& root);
    [[nodiscard]] Result<void> make_root(const Hierarchy& hierarchy);
    [[nodiscard]] Result<void> lock_root(const Options& options);
    [[nodiscard]] Result<void> make_leaves(pid_t keeper) const;
    [[nodiscard]] bool is_own_leaf(const std::string& name) const;
    [[nodiscard]] Result<void> remove_below_root() const;
    void find_v1_controllers(const Hierarchies& found, const std::string& root);
    void find_filters();
    void enable_controllers(const std::set<pid_t>& own_processes);
    [[nodiscard]] Result<void> signal_one(
        const std::string& path, pid_t pid, const sys::Signal& signal) const;
    [[nodiscard]] Result<void> make_unified(
        const std::vector<std::string>& names,
        const std::vector<std::string>& passed,
        const Withheld& withheld) const;
    [[nodiscard]] Result<void> pass_on_controllers(
        const std::string& directory,
        const std::vector<std::string>& passed,
        const std::set<std::string>& withheld) const;
    [[nodiscard]] std::vector<const Hierarchy*> every_hierarchy() const;
    void read_v1_usage(const std::string& path, ResourceUsage& usage) const;

    Hierarchy unified_;
    std::shared_ptr<Descendants> descendants_;  ///< without cgroups
    std::map<std::string, Hierarchy> v1_;       ///< by controller
    launch::CgroupLayout layout_{};
    std::set<std::string> controllers_;
    std::map<std::string, std::string> missing_;
    bool whole_ = false;             ///< the root is the cgroup that we were started in
    std::vector<std::string> made_;  ///< directories above the root that open() made
    sys::Descriptor lock_;
};

/// Whether `directory`, the v2 cgroup that we are started in, is the root: as the earlier hearthd
/// that held `options.lock` had it, else as `options.own` says (leaves.cpp).
[[nodiscard]] Result<bool> owns_whole(const std::string& directory, const Tree::Options& options);

}  // namespace hearth::cgroup
