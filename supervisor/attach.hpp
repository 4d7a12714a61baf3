// SPDX-License-Identifier: MIT
//
// AttachSessions: `hearthctl attach` (DESIGN 6). A session is a launch like others: planned here,
// run by the launcher, in the unit's namespaces, in a cgroup of its own below the unit's (so the
// unit's limits hold and the whole session can be killed), or beside it for --privileged. The
// namespaces are taken from the main process through its pidfd: opened by number, then the pidfd is
// asked whether the process still lives, so a reused pid can't be entered.
//
// A session gets no descriptor but the client's three, and ends when the unit begins to stop, when
// the client goes away, or with its own process; then everything in its cgroup is killed. Follows
// setns(2), namespaces(7). Used by the event loop's thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "supervisor/cgroup/tree.hpp"
#include "supervisor/control.hpp"
#include "supervisor/launch/host.hpp"
#include "supervisor/launch/launcher.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/worker.hpp"

namespace hearth {

class AttachSessions {
public:
    using Started = std::function<void(Result<AttachSession, RequestError>)>;
    using Ended = std::function<void(std::uint64_t, AttachExit)>;

    AttachSessions(EventLoop& loop, const cgroup::Tree& tree) : loop_(loop), tree_(tree) {}

    /// What the session is about, copied from the unit at the time of the request.
    struct Target {
        pid_t main_pid = 0;
        sys::Descriptor pidfd;    ///< a duplicate
        launch::Plan plan;        ///< of the main process
        std::string cgroup;       ///< of the unit
        std::string tasks_limit;  ///< "8", for the error that says whose limit it was; empty: none
        std::uint64_t capabilities = 0;  ///< hearthd's own
    };
    void start(
        AttachRequest request,
        Target target,
        Worker& worker,
        launch::LauncherPool& launchers,
        Started started,
        Ended ended);

    /// A session that is a launch of its own: `plan` of a unit that doesn't run, in the sibling
    /// cgroup that next_sibling() named. What it made for itself is released at its end.
    void start_fresh(
        AttachRequest request,
        launch::Plan plan,
        Worker& worker,
        launch::LauncherPool& launchers,
        Started started,
        Ended ended);
    [[nodiscard]] std::string next_sibling() const {
        return "system.slice/attach-" + std::to_string(last_ + 1) + ".scope";
    }

    /// True where the result was one of ours; then it has been taken.
    bool launched(launch::LaunchResult& result);
    void signal(std::uint64_t session, int signal);
    void end(std::uint64_t session);
    void end_unit(const std::string& unit);
    void end_all();
    [[nodiscard]] bool watches(pid_t pid) const;
    /// A launch is in flight whose pid nobody knows yet.
    [[nodiscard]] bool launching() const;
    [[nodiscard]] std::size_t active() const { return sessions_.size(); }

private:
    struct Session {
        std::string unit;
        std::string cgroup;
        std::string tasks_limit;
        pid_t pid = 0;
        sys::Descriptor pidfd;
        EventSource source, retry;
        Started started;
        Ended ended;
        bool ending = false, launching = false;
        launch::Activation activation;  ///< of a fresh one
        Worker* worker = nullptr;
    };
    void exited(std::uint64_t id);
    void remove(std::uint64_t id);

    EventLoop& loop_;
    const cgroup::Tree& tree_;
    std::map<std::uint64_t, Session> sessions_;
    std::uint64_t last_ = 0;
};

/// The plan of a session. Pure, for tests and `plan`. `entered`: the namespaces to enter, in order,
/// as slots ("ipc", "uts", "network", "cgroup", "mount"); `executable` was found in the unit's
/// view; `capabilities`: hearthd's own, none of which may be inheritable past the unit's bounding
/// set. `cgroup`: the session's own; empty: there are none here.
[[nodiscard]] launch::Plan attach_plan(
    const AttachRequest& request,
    const launch::Plan& unit_plan,
    const std::vector<std::string>& entered,
    const std::string& executable,
    const std::string& cgroup,
    std::uint64_t capabilities);

}  // namespace hearth
