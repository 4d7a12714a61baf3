// SPDX-License-Identifier: MIT
//
// The ways into each state: what is launched or signalled on entering, and where the way goes on if
// there is nothing to do. A transition is recorded before the actions that follow from it.
#include <fmt/format.h>

#include <csignal>
#include <utility>

#include "units/record_times.hpp"
#include "units/restart_policy.hpp"
#include "units/service_machine.hpp"

namespace hearth {

namespace {

/// States in which the service is up, so that its watchdog counts.
bool is_watched(ServiceState state) {
    switch (state) {
        using enum ServiceState;
        case StartPost:
        case Running:
        case Reload:
        case ReloadSignal:
        case ReloadNotify:
            return true;
        case Dead:
        case Condition:
        case StartPre:
        case Start:
        case Exited:
        case Stop:
        case StopWatchdog:
        case StopSigterm:
        case StopSigkill:
        case StopPost:
        case FinalWatchdog:
        case FinalSigterm:
        case FinalSigkill:
        case Failed:
        case AutoRestart:
        case Waiting:
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
        act_on_start_limit(record_.unit, outcome_);
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
    if (service().exec_start.empty() && status_.type != ServiceType::Oneshot) {
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
    status_.type = service().type;
    status_.main_known = false;
    status_.searching = false;
    status_.search_at.reset();
    status_.moving.reset();
    status_.notify_state = NotifyState::Unknown;
    status_.status_text.clear();
    status_.status_errno = 0;
    status_.bus_error.clear();
    status_.watchdog_override.reset();
    status_.watchdog_at = {};
    status_.health_failures = 0;
    const std::uint64_t extra = service().runtime_randomized_extra.microseconds;
    status_.runtime_extra = random_within(random_, extra);
    status_.condition_met = true;
    status_.condition_asked = now_;
    if (status_.restarts_stale) {
        status_.restarts = 0;
        status_.back_off = 0;
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
    status_.watchdog_at = now_;
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
    if (alive()) {
        if (status_.state != ServiceState::Running) {
            enter(ServiceState::Running);
        }
        status_.deadline = runtime_deadline(record_);
        if (status_.notify_state == NotifyState::Stopping) {
            enter_stop_by_notify();
        } else if (status_.notify_state == NotifyState::Reloading) {
            enter_reload_notify();
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
    const bool signals = status_.type == ServiceType::NotifyReload && status_.main_pid != 0;
    if (service().exec_reload.empty() && !signals) {
        return;  // the engine refuses such jobs; there is nothing to wait for
    }
    if (signals) {
        // Before the state: what the service answers carries the time of its own RELOADING=1.
        status_.reload_began = now_.monotonic;
        status_.notify_state = NotifyState::Ready;
    }
    enter(service().exec_reload.empty() ? ServiceState::ReloadSignal : ServiceState::Reload);
    if (signals) {
        outcome_.actions.emplace_back(
            SignalUnit{record_.unit.name, kill().reload_signal.number, true, false, false});
    }
    if (service().exec_reload.empty()) {
        arm(timeout_start(record_.unit));
    } else {
        run(ExecKind::Reload, 0, timeout_start(record_.unit));
    }
}

void ServiceMachine::enter_reload_notify() {
    if (status_.state == ServiceState::Running) {
        status_.reload_result = ServiceResult::Success;
        cause_ = "the service says that it reloads";
    }
    enter(ServiceState::ReloadNotify);
    arm(timeout_start(record_.unit));
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

/// The service ends by itself: as if it had been asked to, but nothing needs to be sent.
void ServiceMachine::enter_stop_by_notify() {
    cause_ = "the service says that it stops";
    enter(ServiceState::StopSigterm);
    arm(service().timeout_stop);
}

void ServiceMachine::enter_signal(ServiceState state, ServiceResult result) {
    fail(result);
    if (awaits(operation(state))) {
        if (status_.state != state) {
            enter(state);
        }
        arm(operation(state) == Operation::Abort ? timeout_abort(record_.unit)
                                                 : service().timeout_stop);
        if (status_.launch) {
            outcome_.actions.emplace_back(AbortLaunch{record_.unit.name, *status_.launch});
        }
        return signal_processes(operation(state));
    }
    switch (state) {
        using enum ServiceState;
        case StopWatchdog:
        case StopSigterm:
            return kill().send_kill ? enter_signal(StopSigkill, ServiceResult::Success)
                                    : enter_stop_post(ServiceResult::Success);
        case StopSigkill:
            return enter_stop_post(ServiceResult::Success);
        case FinalWatchdog:
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
        case ReloadSignal:
        case ReloadNotify:
        case Stop:
        case StopPost:
        case Failed:
        case AutoRestart:
        case Waiting:
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
    const bool ran = !at_rest(record_.active_state()) && status_.state != ServiceState::AutoRestart;
    if (ran && status_.cgroup_populated) {
        tell(Severity::Warning, "it ended, but left processes behind in its cgroup");
    }
    status_.main_pid = 0;
    status_.control_pid = 0;
    status_.deadline.reset();
    const bool restarts = may_restart && shall_restart(record_.unit, status_);
    const bool direct = restarts && service().restart_mode == RestartMode::Direct;
    if (!direct) {
        enter(well ? ServiceState::Dead : ServiceState::Failed);
    }
    if (ran) {
        outcome_.actions.emplace_back(Release{record_.unit.name});
    }
    status_.stop_requested = false;
    status_.restarts_stale = !restarts;
    if (restarts) {
        return restart_later();
    }
    if (restarting_) {
        return;  // a restart job: what the service stored comes back to it
    }
    drop_descriptors();
    if (record_.unit.settings.hearth.essential) {
        outcome_.actions.emplace_back(PerformAction{
            record_.unit.name,
            EmergencyAction::Exit,
            essential_status(status_),
            "Essential=yes",
            ""});
    }
}

void ServiceMachine::restart_later() {
    if (was_healthy(record_)) {
        status_.back_off = 0;
    }
    const Timespan delay = restart_delay(record_.unit, status_.back_off, random_);
    cause_ = fmt::format("restarting in {}", format_timespan(delay));
    enter(ServiceState::AutoRestart);
    arm(delay);
}

void ServiceMachine::unmounted() {
    cause_ = "it is not mounted any more";
    enter_dead(ServiceResult::Success, false);
}

void ServiceMachine::give_up_restart(std::string why) {
    refuse_start(ServiceResult::Resources, std::move(why));
}

// ---- the parts ----------------------------------------------------------------------------------

void ServiceMachine::enter(ServiceState state) {
    const ActiveState before = record_.active_state();
    outcome_.transitions.push_back(
        {record_.unit.name, status_.state, state, status_.result, cause_, now_});
    const ServiceState left = status_.state;
    status_.state = state;
    note_times(record_, before, now_);
    if (is_watched(state) != is_watched(left)) {
        arm_watchdog();
    }
    if (state == ServiceState::Running) {
        arm_health();
    } else if (left == ServiceState::Running) {
        end_health();
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
    const bool when_idle = kind == ExecKind::Start && status_.type == ServiceType::Idle;
    outcome_.actions.emplace_back(Launch{
        record_.unit.name, *status_.launch, kind, index, status_.invocation_id.empty(), when_idle});
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

/// From the last sign of life on; off outside the states in which the service is up.
void ServiceMachine::arm_watchdog() {
    status_.watchdog_deadline.reset();
    const Timespan interval = watchdog(record_);
    if (is_watched(status_.state) && interval.microseconds != 0 && !interval.is_infinite() &&
        interval.microseconds < UINT64_MAX - status_.watchdog_at.monotonic) {
        status_.watchdog_deadline = status_.watchdog_at.monotonic + interval.microseconds;
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
    switch (state) {
        case ServiceState::StopSigkill:
        case ServiceState::FinalSigkill:
            return Operation::Kill;
        case ServiceState::StopWatchdog:
        case ServiceState::FinalWatchdog:
            return Operation::Abort;
        default:
            return Operation::Terminate;
    }
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
    const bool launching = status_.launch || status_.health_launch;
    return launching || (alive && kill().mode != KillMode::None);
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
    if (operation == Operation::Abort) {
        return send_and_wake(kill().watchdog_signal.number, everything);
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
