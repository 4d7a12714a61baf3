// SPDX-License-Identifier: MIT
//
// The ways into each state: what is launched or signalled on entering, and where the way goes on if
// there is nothing to do. A transition is recorded before the actions that follow from it.
#include <fmt/format.h>

#include <csignal>
#include <utility>

#include "units/restart_policy.hpp"
#include "units/service_machine.hpp"

namespace hearth {

namespace {

bool is_active(ActiveState state) {
    return state == ActiveState::Active || state == ActiveState::Reloading;
}

bool is_over(ActiveState state) {
    return state == ActiveState::Inactive || state == ActiveState::Failed;
}

bool is_built(ServiceType type) {
    switch (type) {
        case ServiceType::Simple:
        case ServiceType::Exec:
        case ServiceType::Oneshot:
        case ServiceType::Idle:
            return true;
        case ServiceType::Forking:
        case ServiceType::Dbus:
        case ServiceType::Notify:
        case ServiceType::NotifyReload:
            return false;
    }
    return false;
}

}  // namespace

// ---- starting -----------------------------------------------------------------------------------

/// What the loader holds against a start names the user's lines: it goes with the reason.
std::string ServiceMachine::with_lines(std::string reason) const {
    for (const Diagnostic& refusal : record_.unit.refusals) {
        reason += "\n" + one_line(refusal);
    }
    return reason;
}

void ServiceMachine::start() {
    const UnitSettings& limit = record_.unit.settings.unit;
    if (!within_start_limit(record_.unit, status_, now_.monotonic)) {
        if (status_.result == ServiceResult::ExecCondition) {
            status_.result = ServiceResult::Success;
        }
        return refuse_start(
            ServiceResult::StartLimitHit,
            fmt::format(
                "start request repeated too quickly: {} starts within {} (StartLimitBurst=, "
                "StartLimitIntervalSec=); reset-failed lifts it",
                limit.start_limit_burst,
                format_timespan(limit.start_limit_interval)));
    }
    count_start(record_.unit, status_, now_.monotonic);
    reset_activation();
    if (!is_built(service().type)) {
        status_.refused = true;
        return refuse_start(
            ServiceResult::Resources,
            with_lines("this Type= is not built yet; use simple, exec or oneshot where the program "
                       "allows it"));
    }
    if (service().exec_start.empty() && service().type != ServiceType::Oneshot) {
        status_.refused = true;
        return refuse_start(
            ServiceResult::Resources, with_lines("the unit has no ExecStart= to run"));
    }
    if (status_.cgroup_populated) {
        if (reaches_cgroup(Operation::Kill) && !kill().send_kill) {
            return refuse_start(
                ServiceResult::Resources,
                "processes of an earlier run are still in its cgroup and SendSIGKILL=no spares "
                "them; end "
                "them first");
        }
        tell(Severity::Warning, "processes of an earlier run are still in its cgroup");
    }
    enter_condition();
}

void ServiceMachine::reset_activation() {
    status_.result = ServiceResult::Success;
    status_.reload_result = ServiceResult::Success;
    status_.main = {};
    status_.command = 0;
    for (std::size_t kind = 0; kind < exec_kinds; ++kind) {
        status_.history[kind].assign(
            commands(record_.unit, static_cast<ExecKind>(kind)).size(), ProcessRecord{});
    }
    status_.stop_requested = false;
    status_.refused = false;
    status_.failure.clear();
    status_.invocation_id.clear();
    status_.condition_met = true;
    status_.condition_asked = now_;
    if (status_.restarts_stale) {
        status_.restarts = 0;
        status_.restarts_stale = false;
    }
}

void ServiceMachine::refuse_start(ServiceResult result, std::string why) {
    cause_ = why;
    status_.failure = why;
    tell(Severity::Error, std::move(why));
    enter_dead(result, false);
}

void ServiceMachine::enter_condition() {
    if (service().exec_condition.empty()) {
        return enter_start_pre();
    }
    enter(ServiceState::Condition);
    run(ExecKind::Condition, 0, timeout_start(record_.unit));
}

void ServiceMachine::enter_start_pre() {
    if (service().exec_start_pre.empty()) {
        return enter_start();
    }
    enter(ServiceState::StartPre);
    run(ExecKind::StartPre, 0, timeout_start(record_.unit));
}

void ServiceMachine::enter_start() {
    enter(ServiceState::Start);
    if (service().exec_start.empty()) {
        return enter_start_post();  // a oneshot that only has something to do when it is stopped
    }
    // Also for simple: a launch can hang (a path on a dead file system), and nothing else ends it.
    run(ExecKind::Start, 0, timeout_start(record_.unit));
}

void ServiceMachine::enter_start_post() {
    if (service().exec_start_post.empty()) {
        return enter_running(ServiceResult::Success);
    }
    enter(ServiceState::StartPost);
    run(ExecKind::StartPost, 0, timeout_start(record_.unit));
}

void ServiceMachine::enter_running(ServiceResult result) {
    fail(result);
    status_.control_pid = 0;
    if (status_.result != ServiceResult::Success) {
        return enter_signal(ServiceState::StopSigterm, result);
    }
    if (status_.main_pid != 0) {
        enter(ServiceState::Running);
        status_.deadline.reset();
        const Timespan limit = service().runtime_max;
        if (!limit.is_infinite() &&
            record_.active_enter.monotonic < UINT64_MAX - limit.microseconds) {
            status_.deadline = record_.active_enter.monotonic + limit.microseconds;
        }
    } else if (service().remain_after_exit) {
        enter(ServiceState::Exited);
        status_.deadline.reset();
    } else {
        enter_stop(ServiceResult::Success);
    }
}

void ServiceMachine::enter_reload() {
    status_.reload_result = ServiceResult::Success;
    if (service().exec_reload.empty()) {
        return;  // the engine refuses such jobs; without a command there is nothing to wait for
    }
    enter(ServiceState::Reload);
    run(ExecKind::Reload, 0, timeout_start(record_.unit));
}

// ---- stopping -----------------------------------------------------------------------------------

void ServiceMachine::enter_stop(ServiceResult result) {
    fail(result);
    status_.control_pid = 0;
    if (service().exec_stop.empty()) {
        return enter_signal(ServiceState::StopSigterm, ServiceResult::Success);
    }
    enter(ServiceState::Stop);
    run(ExecKind::Stop, 0, service().timeout_stop);
}

void ServiceMachine::enter_signal(ServiceState state, ServiceResult result) {
    fail(result);
    if (awaits(operation(state))) {
        if (status_.state != state) {
            enter(state);
        }
        arm(service().timeout_stop);
        if (status_.launch) {
            outcome_.actions.emplace_back(AbortLaunch{record_.unit.name, *status_.launch});
        }
        return signal_processes(operation(state));
    }
    switch (state) {
        using enum ServiceState;
        case StopSigterm:
            return kill().send_kill ? enter_signal(StopSigkill, ServiceResult::Success)
                                    : enter_stop_post(ServiceResult::Success);
        case StopSigkill:
            return enter_stop_post(ServiceResult::Success);
        case FinalSigterm:
            return kill().send_kill ? enter_signal(FinalSigkill, ServiceResult::Success)
                                    : enter_dead(ServiceResult::Success, true);
        case FinalSigkill:
            return enter_dead(ServiceResult::Success, true);
        case Dead:
        case Condition:
        case StartPre:
        case Start:
        case StartPost:
        case Running:
        case Exited:
        case Reload:
        case Stop:
        case StopPost:
        case Failed:
        case AutoRestart:
            return;  // no states that signal
    }
}

void ServiceMachine::enter_stop_post(ServiceResult result) {
    fail(result);
    status_.control_pid = 0;
    if (service().exec_stop_post.empty()) {
        return enter_signal(ServiceState::FinalSigterm, ServiceResult::Success);
    }
    enter(ServiceState::StopPost);
    run(ExecKind::StopPost, 0, service().timeout_stop);
}

void ServiceMachine::enter_dead(ServiceResult result, bool may_restart) {
    fail(result);
    const bool well =
        status_.result == ServiceResult::Success || status_.result == ServiceResult::ExecCondition;
    const bool ran = !is_over(record_.active_state()) && status_.state != ServiceState::AutoRestart;
    if (ran && status_.cgroup_populated) {
        tell(Severity::Warning, "it ended, but left processes behind in its cgroup");
    }
    status_.main_pid = 0;
    status_.control_pid = 0;
    status_.deadline.reset();
    const bool restarts = may_restart && shall_restart(record_.unit, status_);
    enter(well ? ServiceState::Dead : ServiceState::Failed);
    if (ran) {
        outcome_.actions.emplace_back(Release{record_.unit.name});
    }
    status_.stop_requested = false;
    status_.restarts_stale = !restarts;
    if (restarts) {
        cause_ = fmt::format("restarting in {}", format_timespan(service().restart_delay));
        enter(ServiceState::AutoRestart);
        arm(service().restart_delay);
    }
}

void ServiceMachine::give_up_restart(std::string why) {
    refuse_start(ServiceResult::Resources, std::move(why));
}

// ---- the parts ----------------------------------------------------------------------------------

void ServiceMachine::enter(ServiceState state) {
    const ActiveState before = record_.active_state();
    outcome_.transitions.push_back(
        {record_.unit.name, status_.state, state, status_.result, cause_, now_});
    status_.state = state;
    const ActiveState after = record_.active_state();
    record_.state_change = now_;
    if (is_over(before) && !is_over(after)) {
        record_.inactive_exit = now_;
    } else if (!is_over(before) && is_over(after)) {
        record_.inactive_enter = now_;
    }
    if (!is_active(before) && is_active(after)) {
        record_.active_enter = now_;
    } else if (is_active(before) && !is_active(after)) {
        record_.active_exit = now_;
    }
}

void ServiceMachine::run(ExecKind kind, std::size_t index, Timespan timeout) {
    status_.launch = next_launch_++;
    status_.launch_kind = kind;
    status_.command = index;
    if (kind != ExecKind::Start) {
        status_.control_kind = kind;
    }
    arm(timeout);
    outcome_.actions.emplace_back(
        Launch{record_.unit.name, *status_.launch, kind, index, status_.invocation_id.empty()});
}

bool ServiceMachine::run_next(const Ended& ended) {
    const std::size_t next = status_.command + 1;
    // The list may have become shorter since: the unit can be loaded again at any time.
    if (ended.result != ServiceResult::Success ||
        next >= commands(record_.unit, ended.kind).size()) {
        return false;
    }
    const bool stopping = ended.kind == ExecKind::Stop || ended.kind == ExecKind::StopPost;
    run(ended.kind, next, stopping ? service().timeout_stop : timeout_start(record_.unit));
    return true;
}

void ServiceMachine::fail(ServiceResult result) {
    if (status_.result == ServiceResult::Success) {
        status_.result = result;
    }
}

void ServiceMachine::arm(Timespan timeout) {
    status_.deadline.reset();
    if (!timeout.is_infinite() && timeout.microseconds < UINT64_MAX - now_.monotonic) {
        status_.deadline = now_.monotonic + timeout.microseconds;
    }
}

void ServiceMachine::end_forked_processes() {
    // systemd.service(5), ExecStartPre=. With KillMode=process or none what lives in the cgroup may
    // be the user's sessions of an earlier run: those are spared.
    if (status_.cgroup_populated && reaches_cgroup(Operation::Kill)) {
        send(SIGKILL, true);
    }
}

ServiceMachine::Operation ServiceMachine::operation(ServiceState state) {
    const bool kills = state == ServiceState::StopSigkill || state == ServiceState::FinalSigkill;
    return kills ? Operation::Kill : Operation::Terminate;
}

bool ServiceMachine::reaches_cgroup(Operation operation) const {
    return kill().mode == KillMode::ControlGroup ||
           (kill().mode == KillMode::Mixed && operation == Operation::Kill);
}

/// Whether sending the signals of `operation` leaves somebody to wait for.
bool ServiceMachine::awaits(Operation operation) const {
    return process_left() || (reaches_cgroup(operation) && status_.cgroup_populated);
}

/// Main, control or a launch that may become one. KillMode=none never waits for a process.
bool ServiceMachine::process_left() const {
    const bool alive = status_.main_pid != 0 || status_.control_pid != 0;
    return status_.launch.has_value() || (alive && kill().mode != KillMode::None);
}

void ServiceMachine::signal_processes(Operation operation) {
    const bool somebody =
        status_.main_pid != 0 || status_.control_pid != 0 || status_.cgroup_populated;
    if (kill().mode == KillMode::None || !somebody) {
        return;  // a launch in flight at most: it is signalled when it has become a process
    }
    const bool everything = reaches_cgroup(operation);
    if (operation == Operation::Kill) {
        if (everything && kill().final_signal.number == SIGKILL) {
            outcome_.actions.emplace_back(KillCgroup{record_.unit.name});
        } else {
            send_and_wake(kill().final_signal.number, everything);
        }
        return;
    }
    const bool restart_signal = restarting_ && status_.state == ServiceState::StopSigterm;
    const int signal = restart_signal ? kill().restart_signal.value_or(kill().signal).number
                                      : kill().signal.number;
    send_and_wake(signal, everything);
    if (kill().send_hangup && signal != SIGHUP) {
        send(SIGHUP, everything);
    }
}

/// To the cgroup, or to main and control process.
void ServiceMachine::send(int signal, bool everything) {
    const bool main = !everything && status_.main_pid != 0;
    const bool control = !everything && status_.control_pid != 0;
    if (main || control || everything) {
        outcome_.actions.emplace_back(
            SignalUnit{record_.unit.name, signal, main, control, everything});
    }
}

/// A stopped process is woken, or it would never see the signal.
void ServiceMachine::send_and_wake(int signal, bool everything) {
    send(signal, everything);
    if (signal != SIGKILL && signal != SIGCONT) {
        send(SIGCONT, everything);
    }
}

void ServiceMachine::kill_control_process() {
    outcome_.actions.emplace_back(SignalUnit{record_.unit.name, SIGKILL, false, true, false});
}

void ServiceMachine::tell(Severity severity, std::string message) {
    outcome_.actions.emplace_back(Tell{severity, record_.unit.name, std::move(message)});
}

}  // namespace hearth
