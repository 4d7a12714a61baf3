// SPDX-License-Identifier: MIT
//
// Facts of the kernel become Events here: launches that returned, processes that ended, cgroups
// that emptied, orphans that came to us.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "supervisor/cgroup/files.hpp"
#include "supervisor/launch/exit_status.hpp"
#include "supervisor/log.hpp"
#include "supervisor/now.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "units/rules.hpp"

namespace hearth {

namespace {

/// The number behind `key` in a flat-keyed cgroup file ("oom_kill 3").
std::uint64_t flat_value(std::string_view text, std::string_view key) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string_view line = text.substr(at, end - at);
        if (line.starts_with(key) && line.size() > key.size() && line[key.size()] == ' ') {
            return std::strtoull(std::string(line.substr(key.size() + 1)).c_str(), nullptr, 10);
        }
        at = end + 1;
    }
    return 0;
}

}  // namespace

// ---- launches -----------------------------------------------------------------------------------

void Supervisor::launches_returned() {
    for (launch::LaunchResult& result : launchers_->take_results()) {
        if (attach_->launched(result)) {
            continue;
        }
        launch_returned(std::move(result));
    }
    release_notifications();
    prune_slices();
}

void Supervisor::launch_returned(launch::LaunchResult result) {
    const auto launching = launching_.find(result.id);
    if (launching == launching_.end()) {
        return;
    }
    const std::string unit = launching->second;
    launching_.erase(launching);
    LiveUnit& live = live_[unit];
    const bool health = result.plan.executable_asked.directive == name(ExecKind::Health);
    if (!health) {
        live.activation = std::move(result.activation);
    }
    if (!waiting_to_join_.empty()) {
        launches_may_join();
    }
    if (!live.cgroup_made && !result.plan.cgroup.empty()) {
        live.cgroup_made = true;
        watch_cgroup(unit);
    }
    if (tree_.layout() == launch::CgroupLayout::None && result.pid != 0 && !result.failure) {
        tree_.track(cgroup_of(unit), result.pid, live.invocation_id);
        live.cgroup_made = true;  // to be emptied before the unit is dead
        cgroup_changed(unit);
    }
    shim_launched(unit, result.shim);
    for (const launch::Shortfall& shortfall : result.shortfalls) {
        log::write(log::Level::Warning, unit, shortfall.message);
    }
    if (result.failure && launch_without(unit, result)) {
        return;
    }
    if (result.failure) {
        launch_failed(unit, result);
        return;
    }
    Launched launched;
    launched.unit = unit;
    launched.launch = result.id;
    launched.pid = result.pid;
    launched.at = {result.started_monotonic_microseconds, result.started_realtime_microseconds};
    launched.invocation_id = live.invocation_id;
    const UnitRecord* record = world_.find(unit);
    if (!health && record != nullptr && record->status.launch_kind == ExecKind::Start) {
        live.main_plan = std::move(result.plan);
        live.main_unit = record->unit;
        live.main_shortfalls = std::move(result.shortfalls);
        for (const auto& [directive, dropped] : live.dropped) {
            live.main_shortfalls.push_back(dropped);
        }
    }
    watch_process(unit, result.pid, std::move(result.pidfd));
    happen(std::move(launched));
}

void Supervisor::launch_failed(const std::string& unit, const launch::LaunchResult& result) {
    if (result.pid != 0 && result.pidfd) {
        (void)sys::waitid(result.pidfd.number(), 0);  // it has exited: the launcher saw its report
    }
    LaunchFailed failed;
    failed.unit = unit;
    failed.launch = result.id;
    failed.refused = false;
    failed.pid = result.pid;
    failed.exit_status = result.failure->exit_status;
    if (is_command_unit(unit) && result.failure->exit_status == launch::exec_status) {
        failed.exit_status = result.failure->error == ENOENT ? 127 : 126;  // as a shell says it
    }
    failed.message = launch::message(*result.failure);
    failed.at = now();
    failed.invocation_id = live_[unit].invocation_id;
    happen(std::move(failed));
}

/// What is relaxed may also fail only now (a security module, a container's policy, an odd kernel):
/// the launch is planned again as if the unit didn't ask for it. Leaving out the one step instead
/// could do harm: without its namespace a mount would be the host's.
bool Supervisor::launch_without(const std::string& unit, launch::LaunchResult& result) {
    const UnitRecord* record = world_.find(unit);
    const launch::LaunchFailure& failure = *result.failure;
    LiveUnit& live = live_[unit];
    const std::string& directive = failure.asked.directive;
    const bool again = record != nullptr && failure.error != ECANCELED && !directive.empty() &&
                       record->status.launch == result.id && is_relaxed(record->unit, directive) &&
                       !live.dropped.contains(directive) && without(record->unit, directive);
    if (!again) {
        return false;
    }
    if (result.pid != 0 && result.pidfd) {
        (void)sys::waitid(result.pidfd.number(), 0);  // it has exited: the launcher saw its report
    }
    launch::Shortfall dropped{failure.asked, launch::message(failure)};
    log::write(log::Level::Warning, unit, dropped.message + "; relaxed, so it starts without it");
    live.dropped.emplace(directive, std::move(dropped));
    perform_launch({unit, result.id, record->status.launch_kind, record->status.command, false});
    return true;
}

// ---- processes ----------------------------------------------------------------------------------

void Supervisor::watch_process(const std::string& unit, pid_t pid, sys::Descriptor pidfd) {
    Watched watched;
    watched.pidfd = std::move(pidfd);
    watched.started = sys::start_time(pid).value_or(0);
    auto source = loop_.on_io(
        watched.pidfd.number(), EPOLLIN, Priority::Process, [this, unit, pid](std::uint32_t) {
            process_ended(unit, pid);
        });
    if (!source) {
        log::write(
            log::Level::Error,
            unit,
            "cannot watch process " + std::to_string(pid) + ": " + source.error().what);
        (void)sys::pidfd_send_signal(watched.pidfd.number(), SIGKILL);
        return;
    }
    watched.source = std::move(*source);
    keeper_.watch(pid, watched.started);
    live_[unit].processes.insert_or_assign(pid, std::move(watched));
}

/// Nothing: not yet known.
Result<std::optional<sys::ExitStatus>> Supervisor::exit_of_foreign(
    pid_t pid, const Watched& watched) {
    if (auto known = keeper_.exit_of(pid, watched.started)) {
        return known;
    }
    if (keeper_ && sys::parent_of(pid) == keeper_.pid()) {
        return std::optional<sys::ExitStatus>();  // it tells in a moment
    }
    // The keeper tells and then reaps: it may have done both between the two looks above.
    keeper_.synchronise();
    if (auto known = keeper_.exit_of(pid, watched.started)) {
        return known;
    }
    return sys::exit_of_foreign(watched.pidfd.number());
}

void Supervisor::process_ended(const std::string& unit, pid_t pid) {
    LiveUnit& live = live_[unit];
    const auto watched = live.processes.find(pid);
    if (watched == live.processes.end()) {
        return;
    }
    notify_->read_what_came_before();
    auto status = sys::waitid(watched->second.pidfd.number(), WNOHANG | WNOWAIT);
    if (!status && status.error().code == ECHILD) {
        // An adopted one, whose parent is the keeper, or a main process that the service named: its
        // parent reaps it, and the keeper or the kernel tells then.
        watched->second.foreign = true;
        if (const auto told = exit_by_shim(unit, pid, watched->second.started)) {
            if (!*told) {
                return ask_shim_later(unit, pid);
            }
            status = *told;
        } else {
            status = exit_of_foreign(pid, watched->second);
            if (keeper_.has_news()) {
                keeper_news_source_.trigger();
            }
        }
        if (status && !*status) {
            watched->second.source.wait_for(0);  // EPOLLHUP comes when it has been reaped
            return;
        }
    }
    if (status && !*status) {
        return;  // not yet: the pidfd of a thread group leader whose threads still run
    }
    ProcessExited exited;
    exited.unit = unit;
    exited.pid = pid;
    exited.at = now();
    if (status) {
        exited.code = sys::waitid_code((*status)->code);
        exited.status = (*status)->status;
    } else {
        log::write(
            log::Level::Error,
            unit,
            status.error().what + ": exit status lost, counted as a failure");
        exited.code = CLD_KILLED;
        exited.status = SIGKILL;
    }
    if (exited.code == CLD_KILLED && exited.status == SIGKILL) {
        out_of_memory_check(unit);
    }
    happen(std::move(exited));
    to_reap_.push_back({unit, pid, watched->second.started, std::move(watched->second.pidfd)});
    live.processes.erase(watched);
    descendants_changed();
}

/// An exit is written down before it is reaped: should we die between, the next hearthd finds it.
void Supervisor::reap_recorded() {
    for (const Zombie& zombie : std::exchange(to_reap_, {})) {
        if (zombie.pidfd) {
            (void)sys::waitid(zombie.pidfd.number(), WNOHANG);
        }
        keeper_.forget(zombie.pid, zombie.started);
    }
    forget_shims();
}

void Supervisor::keeper_speaks() {
    const auto ended = keeper_.read();
    if (!ended) {
        keeper_source_ = {};
        log::write(
            log::Level::Error,
            "hearth-init: " + ended.error().what +
                "; hearthd goes on alone: what it holds would not outlive it");
        return;
    }
    for (const auto& [pid, started] : *ended) {
        for (const auto& [name, live] : live_) {
            const auto found = live.processes.find(pid);
            if (found != live.processes.end() && found->second.started == started) {
                process_ended(std::string(name), pid);
                break;
            }
        }
    }
}

/// Without cgroups nothing tells that a unit has become empty, but the last of its processes was
/// our own child, or has become that.
void Supervisor::descendants_changed() {
    if (tree_.layout() != launch::CgroupLayout::None) {
        return;
    }
    std::vector<std::string> units;
    for (const auto& [name, live] : live_) {
        if (live.cgroup_made) {
            units.push_back(name);
        }
    }
    for (const std::string& unit : units) {
        cgroup_changed(unit);
    }
}

void Supervisor::orphans_ended() {
    // Processes that we watch are reaped by process_ended() alone, after their exit is recorded.
    // WNOWAIT shows the same one again, so the first watched one ends the round; its own source
    // comes first.
    for (;;) {
        const auto status = sys::waitid_any(WNOHANG | WNOWAIT);
        if (!status || !*status) {
            return;
        }
        const pid_t pid = (*status)->pid;
        bool watched = pid == logs_->pid() || attach_->watches(pid) ||
                       std::ranges::find(to_reap_, pid, &Zombie::pid) != to_reap_.end();
        std::string adopted;
        for (const auto& [name, live] : live_) {
            const auto found = live.processes.find(pid);
            watched = watched || found != live.processes.end();
            if (found != live.processes.end() && found->second.foreign) {
                adopted = name;
            }
        }
        if (!adopted.empty()) {  // its parent ended before it: ours to collect now
            process_ended(adopted, pid);
            continue;
        }
        if (watched || !launching_.empty() || attach_->launching() || probing_ > 0 ||
            generating_ > 0) {
            orphan_source_.arm_in(20'000);  // look again when it has been taken care of
            return;
        }
        (void)::waitpid(pid, nullptr, WNOHANG);
        descendants_changed();
    }
}

// ---- cgroups ------------------------------------------------------------------------------------

void Supervisor::watch_cgroup(const std::string& unit) {
    if (tree_.layout() == launch::CgroupLayout::None) {
        return;  // descendants_changed() looks
    }
    LiveUnit& live = live_[unit];
    auto events = tree_.events(cgroup_of(unit));
    if (!events) {
        log::write(log::Level::Error, unit, events.error().what);
        return;
    }
    live.cgroup_events = std::move(*events);
    auto source = loop_.on_io(
        live.cgroup_events.number(), EPOLLPRI, Priority::Io, [this, unit](std::uint32_t) {
            cgroup_changed(unit);
        });
    if (source) {
        live.cgroup_source = std::move(*source);
    }
    watch_limits(unit);
    cgroup_changed(unit);
}

void Supervisor::cgroup_changed(const std::string& unit) {
    const LiveUnit& live = live_[unit];
    bool populated = tree_.layout() == launch::CgroupLayout::None &&
                     tree_.populated(cgroup_of(unit)).value_or(false);
    if (live.cgroup_events) {
        char text[256];
        const ssize_t size = ::pread(live.cgroup_events.number(), text, sizeof text, 0);
        populated =
            size > 0 &&
            flat_value(std::string_view(text, static_cast<std::size_t>(size)), "populated") != 0;
    }
    happen(CgroupChanged{unit, populated});
    if (!populated && live.release_when_empty) {
        perform_release(unit);
    }
}

}  // namespace hearth
