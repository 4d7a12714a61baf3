// SPDX-License-Identifier: MIT
//
// What several states answer alike.
#include <csignal>

#include "units/service_machine.hpp"

namespace hearth {

void ServiceMachine::stop_before_started() {
    status_.stop_requested = true;
    enter_signal(ServiceState::StopSigterm, ServiceResult::Success);
}

void ServiceMachine::stop_signal_ended() {
    if (!process_left()) {
        enter_stop_post(ServiceResult::Success);
    }
}

void ServiceMachine::final_signal_ended() {
    if (process_left()) {
        return;
    }
    if (awaits(operation(status_.state))) {
        return;  // the cgroup is not empty yet
    }
    if (status_.state != ServiceState::FinalSigkill && kill().send_kill) {
        return enter_signal(ServiceState::FinalSigkill, ServiceResult::Success);
    }
    enter_dead(ServiceResult::Success, true);
}

void ServiceMachine::reload_ended(ServiceResult result) {
    if (status_.reload_result == ServiceResult::Success) {
        status_.reload_result = result;
    }
    if (result != ServiceResult::Success) {
        status_.notify_state = NotifyState::Unknown;  // READY=1 is not waited for any more
    }
    enter_running(ServiceResult::Success);
}

/// What the exit status of ExecReload= leaves to be waited for.
void ServiceMachine::reload_command_ended(ServiceResult result) {
    if (result == ServiceResult::Success && status_.notify_state == NotifyState::Reloading) {
        return enter_reload_notify();
    }
    if (result == ServiceResult::Success && waits_for_pid_file()) {
        find_main_process();  // a reload may have moved it; the answer is taken in `running`
    }
    reload_ended(result);
}

/// Nothing runs any more, and there was no main process whose end says so.
void ServiceMachine::reload_left_alone() {
    if (status_.main_pid == 0) {
        enter_running(ServiceResult::Success);
    }
}

/// OOMPolicy= is `stop` or `kill`: with `continue` nothing comes here.
void ServiceMachine::out_of_memory() {
    if (service().oom_policy == OomPolicy::Kill) {
        return enter_signal(ServiceState::StopSigkill, ServiceResult::OomKill);
    }
    const bool started =
        status_.state == ServiceState::Running || status_.state == ServiceState::Exited ||
        status_.state == ServiceState::ReloadSignal || status_.state == ServiceState::ReloadNotify;
    if (started) {
        return enter_stop(ServiceResult::OomKill);
    }
    enter_signal(ServiceState::StopSigterm, ServiceResult::OomKill);
}

void ServiceMachine::stop_signal_timed_out() {
    const bool aborts = service().timeout_stop_failure_mode == TimeoutFailureMode::Abort;
    if (aborts && status_.state == ServiceState::StopSigterm) {
        return enter_signal(ServiceState::StopWatchdog, ServiceResult::Timeout);
    }
    if (kill().send_kill || status_.launch) {
        return enter_signal(ServiceState::StopSigkill, ServiceResult::Timeout);
    }
    tell(Severity::Warning, "processes survived the stop signal; SendSIGKILL=no spares them");
    enter_stop_post(ServiceResult::Timeout);
}

void ServiceMachine::stop_kill_timed_out() {
    if (status_.launch) {
        return enter_signal(ServiceState::StopSigkill, ServiceResult::Timeout);
    }
    tell(Severity::Warning, "processes are still there after SIGKILL; going on without them");
    enter_stop_post(ServiceResult::Timeout);
}

void ServiceMachine::final_kill_timed_out() {
    if (status_.launch) {
        return enter_signal(ServiceState::FinalSigkill, ServiceResult::Timeout);
    }
    tell(Severity::Error, "processes are still there after the final SIGKILL");
    enter_dead(ServiceResult::Timeout, true);
}

void ServiceMachine::final_signal_timed_out() {
    const bool aborts = service().timeout_stop_failure_mode == TimeoutFailureMode::Abort;
    if (aborts && status_.state == ServiceState::FinalSigterm) {
        return enter_signal(ServiceState::FinalWatchdog, ServiceResult::Timeout);
    }
    if (kill().send_kill || status_.launch) {
        return enter_signal(ServiceState::FinalSigkill, ServiceResult::Timeout);
    }
    tell(Severity::Warning, "processes survived the final stop signal; SendSIGKILL=no spares them");
    enter_dead(ServiceResult::Timeout, false);
}

void ServiceMachine::blame_out_of_memory() {
    const bool killed = status_.main.code == CLD_KILLED && status_.main.status == SIGKILL;
    if (status_.result == ServiceResult::Success ||
        (status_.result == ServiceResult::Signal && killed)) {
        status_.result = ServiceResult::OomKill;
        if (status_.state == ServiceState::Failed || status_.state == ServiceState::AutoRestart) {
            enter(status_.state);  // a change that observers must see
        }
    }
}

void ServiceMachine::forget() {
    status_.restarts = 0;
    status_.back_off = 0;
    status_.restarts_stale = false;
    status_.recent_starts.clear();
    switch (status_.state) {
        using enum ServiceState;
        case Failed:
            status_.result = ServiceResult::Success;
            status_.reload_result = ServiceResult::Success;
            status_.failure.clear();
            status_.refused = false;
            return enter(Dead);
        case Dead:
        case Running:
        case Exited:
        case AutoRestart:
        case Waiting:
            status_.result = ServiceResult::Success;
            status_.reload_result = ServiceResult::Success;
            return;
        case Condition:
        case StartPre:
        case Start:
        case StartPost:
        case Reload:
        case ReloadSignal:
        case ReloadNotify:
        case Stop:
        case StopWatchdog:
        case StopSigterm:
        case StopSigkill:
        case StopPost:
        case FinalWatchdog:
        case FinalSigterm:
        case FinalSigkill:
            return;  // how it ends is being decided: what is known of it must stay
    }
}

}  // namespace hearth
