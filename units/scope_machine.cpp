// SPDX-License-Identifier: MIT
#include "units/scope_machine.hpp"

#include <csignal>
#include <utility>
#include <variant>

#include "units/record_times.hpp"
#include "units/restart_policy.hpp"

namespace hearth {

void ScopeMachine::on(const ServiceEvent& event) {
    if (std::holds_alternative<StartRequested>(event)) {
        start();
    } else if (std::holds_alternative<StopRequested>(event)) {
        stop();
    } else if (const auto* const changed = std::get_if<CgroupChanged>(&event)) {
        status_.cgroup_populated = changed->populated;
        if (!changed->populated) {
            emptied();
        }
    } else if (std::holds_alternative<TimeElapsed>(event)) {
        time_elapsed();
    } else if (std::holds_alternative<ResetFailed>(event)) {
        forget();
    }
}

void ScopeMachine::start() {
    if (!at_rest(record_.active_state())) {
        return;
    }
    status_.result = ServiceResult::Success;
    status_.failure.clear();
    status_.stop_requested = false;
    status_.abandoned = false;
    enter(ServiceState::Start, {});
    outcome_.actions.emplace_back(FillScope{record_.unit.name});
}

void ScopeMachine::filled(const ScopeFilled& event) {
    if (status_.state != ServiceState::Start) {
        return;
    }
    status_.invocation_id = event.invocation_id;
    if (!event.failure.empty()) {
        status_.failure = event.failure;
        fail(ServiceResult::Resources);
        return end(event.failure);
    }
    status_.cgroup_populated = true;
    enter(ServiceState::Running, {});
    status_.deadline = runtime_deadline(record_);
    if (status_.stop_requested) {
        terminate();
    }
}

void ScopeMachine::abandon() {
    status_.abandoned = status_.abandoned || status_.state == ServiceState::Running;
}

void ScopeMachine::stop() {
    if (status_.state == ServiceState::Start) {
        status_.stop_requested = true;
    } else if (status_.state == ServiceState::Running) {
        terminate();
    }
}

void ScopeMachine::terminate() {
    const KillSettings& kill = record_.unit.settings.kill;
    if (!status_.cgroup_populated || kill.mode == KillMode::None) {
        return end({});
    }
    enter(ServiceState::StopSigterm, {});
    signal(kill.signal.number);
    if (kill.signal.number != SIGKILL && kill.signal.number != SIGCONT) {
        signal(SIGCONT);
    }
    if (kill.send_hangup) {
        signal(SIGHUP);
    }
    arm(record_.unit.settings.service.timeout_stop);
}

void ScopeMachine::emptied() {
    switch (status_.state) {
        case ServiceState::Running:
            return end("its last process ended");
        case ServiceState::StopSigterm:
        case ServiceState::StopSigkill:
            return end({});
        default:
            return;
    }
}

void ScopeMachine::time_elapsed() {
    if (!status_.deadline || *status_.deadline > now_.monotonic) {
        return;
    }
    status_.deadline.reset();
    switch (status_.state) {
        case ServiceState::Running:
            fail(ServiceResult::Timeout);
            outcome_.actions.emplace_back(
                Tell{Severity::Warning, record_.unit.name, "RuntimeMaxSec= is over"});
            return terminate();
        case ServiceState::StopSigterm:
            fail(ServiceResult::Timeout);
            if (!record_.unit.settings.kill.send_kill) {
                return end("TimeoutStopSec= is over, and SendSIGKILL=no spares what is left");
            }
            enter(ServiceState::StopSigkill, "TimeoutStopSec= is over");
            outcome_.actions.emplace_back(KillCgroup{record_.unit.name});
            return arm(record_.unit.settings.service.timeout_stop);
        case ServiceState::StopSigkill:
            return end("processes survived SIGKILL for TimeoutStopSec=");
        default:
            return;
    }
}

void ScopeMachine::forget() {
    if (status_.state == ServiceState::Failed) {
        status_.result = ServiceResult::Success;
        enter(ServiceState::Dead, "reset-failed");
    }
}

void ScopeMachine::end(std::string cause) {
    status_.deadline.reset();
    const bool well = status_.result == ServiceResult::Success;
    enter(well ? ServiceState::Dead : ServiceState::Failed, std::move(cause));
    outcome_.actions.emplace_back(Release{record_.unit.name});
}

/// The first failure sticks.
void ScopeMachine::fail(ServiceResult result) {
    if (status_.result == ServiceResult::Success) {
        status_.result = result;
    }
}

void ScopeMachine::signal(int number) {
    SignalUnit action;
    action.unit = record_.unit.name;
    action.signal = number;
    action.everything = true;
    outcome_.actions.emplace_back(std::move(action));
}

void ScopeMachine::arm(Timespan span) {
    const bool never = span.is_infinite() || span.microseconds > UINT64_MAX - now_.monotonic;
    status_.deadline = never ? std::nullopt : std::optional(now_.monotonic + span.microseconds);
}

void ScopeMachine::enter(ServiceState state, std::string cause) {
    change_state(record_, state, std::move(cause), now_, outcome_);
}

}  // namespace hearth
