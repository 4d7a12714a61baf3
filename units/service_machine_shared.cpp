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
    if (status_.state == ServiceState::FinalSigterm && kill().send_kill) {
        return enter_signal(ServiceState::FinalSigkill, ServiceResult::Success);
    }
    enter_dead(ServiceResult::Success, true);
}

void ServiceMachine::reload_ended(ServiceResult result) {
    if (status_.reload_result == ServiceResult::Success) {
        status_.reload_result = result;
    }
    enter_running(ServiceResult::Success);
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
            status_.result = ServiceResult::Success;
            status_.reload_result = ServiceResult::Success;
            return;
        case Condition:
        case StartPre:
        case Start:
        case StartPost:
        case Reload:
        case Stop:
        case StopSigterm:
        case StopSigkill:
        case StopPost:
        case FinalSigterm:
        case FinalSigkill:
            return;  // how it ends is being decided: what is known of it must stay
    }
}

}  // namespace hearth
