// SPDX-License-Identifier: MIT
//
// Runs plans: prepares (cgroup, files, namespaces), lowers the plan to the child's flat array,
// clones with clone3(VM|VFORK|PIDFD|INTO_CGROUP|CLEAR_SIGHAND) on a launcher thread, reads what the
// child reported. Follows ../shared/reference/launch-path.md. Knows neither units nor the bus: a
// launch owns its Plan by value, moved in and moved back with the result; nothing else crosses
// threads.
//
// Never on the event loop: a start may block (a stranger of the same uid can SIGSTOP a vfork child,
// a path can hang). Two runnable launchers; a launch older than 250 ms no longer counts and gets a
// replacement thread, bounded. abort() ends a blocked launch through its pidfd.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/cgroup/tree.hpp"
#include "supervisor/launch/launcher_directories.hpp"
#include "supervisor/launch/plan.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::launch {

using LaunchId = std::uint64_t;

/// What one activation of a unit keeps between its commands: namespaces and private directories.
/// Owned by the supervisor, lent to one launch at a time (a unit has at most one launch in flight),
/// released when the unit is dead. Moved in with the request and back with the result.
struct Activation {
    std::map<std::string, sys::Descriptor> descriptors;  ///< slot to namespace descriptor
    std::map<std::string, std::string> directories;      ///< slot to the private directory's path
    /// Of directories that another activation has too (JoinsNamespaceOf=): held by each of them,
    /// the last to be released removes it.
    std::map<std::string, std::shared_ptr<const std::string>> shared_directories{};
    std::optional<PrepareTerminal> terminal{};  ///< what is done to it once more at the end
    /// RuntimeDirectory= that goes when the unit does; `until_stop`: not before a restart.
    struct RuntimeDirectory {
        MadeDirectory made;
        bool until_stop = false;
    };
    std::vector<RuntimeDirectory> runtime_directories;
    std::string credentials;  ///< where they are mounted; empty: none

    [[nodiscard]] bool empty() const {
        return descriptors.empty() && directories.empty() && runtime_directories.empty() &&
               credentials.empty() && !terminal;
    }
};

/// What a launch beside the activation's own enters: its namespaces by descriptors of their own,
/// its directories by name. All that has to be released stays with `activation`.
[[nodiscard]] Result<Activation> borrowed(const Activation& activation);

/// `to` has the directory of that slot too, if `from` has it. For the loop's thread.
void share_directory(Activation& from, Activation& to, const std::string& slot);

/// Removes the directories, closes the descriptors, leaves the terminal clean. Blocking I/O: called
/// on a worker, not the loop. `restarts`: the unit starts again, so what is to last until then is
/// left in `activation`.
void release(Activation& activation, bool restarts = false);

/// Where there are no cgroups: the launch runs below a subreaper (supervisor/init/shim.hpp).
struct ShimRequest {
    sys::Descriptor record;  ///< a memory file of the size of a shim::Record; >= 4
    int executable = -1;     ///< hearth-init, the caller's; >= 4
    std::string title;       ///< what ps(1) shows
};

struct LaunchRequest {
    LaunchId id = 0;
    Plan plan;
    /// slots given by the caller ("log", "terminal")
    std::map<std::string, sys::Descriptor> descriptors;
    Activation activation;
    /// Random; part of the names of private directories, so that the caller can find them if it
    /// dies before the result is there. Empty: the launcher's own.
    std::string mark{};
    std::optional<ShimRequest> shim{};
};

/// Where a launch with that mark makes it: an outer directory that keeps others out, `tmp` in it.
[[nodiscard]] std::string private_directory(
    const MakePrivateTmp& preparation, const std::string& unit, const std::string& mark);

/// Which part failed and how: enough for `heat.service:14: ReadOnlyPaths=/srv/x: step "mount"
/// failed: ...`.
struct LaunchFailure {
    std::string step;     ///< name of the step or preparation, "execve", "clone3"
    int error = 0;        ///< errno
    int exit_status = 0;  ///< systemd.exec(5)'s status for the step
    Asked asked;
    std::string detail;         ///< extra words, may be empty
    bool before_clone = false;  ///< no process ever existed
};
[[nodiscard]] std::string message(const LaunchFailure& failure);

/// What was given less than asked, and for which directive.
struct Shortfall {
    Asked asked;
    std::string message;
};

struct LaunchResult {
    LaunchId id = 0;
    Plan plan;
    Activation activation;
    pid_t pid = 0;  ///< set also when a step failed: the process existed and must be reaped
    sys::Descriptor pidfd;
    pid_t shim = 0;  ///< set also when a step failed: a child of ours, to be reaped
    std::optional<LaunchFailure> failure;
    std::vector<Shortfall> shortfalls;                 ///< soft failures
    std::uint64_t started_monotonic_microseconds = 0;  ///< just before the clone
    std::uint64_t started_realtime_microseconds = 0;
};

class LauncherPool {
public:
    /// `tree` must outlive the pool.
    static Result<std::unique_ptr<LauncherPool>> create(const cgroup::Tree& tree);
    ~LauncherPool();  ///< waits for launches in flight after aborting them

    void launch(LaunchRequest request);
    /// Kills the child of a launch in flight. False when it is not in flight any more.
    bool abort(LaunchId id);
    /// Readable (an eventfd) when take_results() has something. Owned by the pool.
    [[nodiscard]] int event_descriptor() const;
    [[nodiscard]] std::vector<LaunchResult> take_results();

private:
    struct Implementation;
    explicit LauncherPool(std::unique_ptr<Implementation> implementation);
    std::unique_ptr<Implementation> implementation_;
};

/// The same on the calling thread, for tests and benchmarks.
[[nodiscard]] LaunchResult launch_now(LaunchRequest request, const cgroup::Tree& tree);

/// Why this process can't make a user namespace, tried; empty: it can.
[[nodiscard]] std::string user_namespaces_missing();

}  // namespace hearth::launch
