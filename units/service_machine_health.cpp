// SPDX-License-Identifier: MIT
//
// [X-Hearth] HealthCheck=: a command that runs every HealthCheckIntervalSec= beside the main
// process while the service is running. HealthCheckRetries= failures in a row end the service with
// result watchdog, from where Restart= decides. Failures within HealthCheckStartPeriodSec= don't
// count.
#include <fmt/format.h>

#include <csignal>

#include "units/service_machine.hpp"

namespace hearth {

void ServiceMachine::arm_health() {
    const HearthSettings& settings = record_.unit.settings.hearth;
    status_.health_deadline.reset();
    const bool busy = status_.health_launch || status_.health_pid != 0;
    const Timespan wait = busy ? settings.health_timeout : settings.health_interval;
    if (!settings.health_check.empty() && !wait.is_infinite() &&
        wait.microseconds < UINT64_MAX - now_.monotonic) {
        status_.health_deadline = now_.monotonic + wait.microseconds;
    }
}

/// The service isn't running any more: nobody waits for the check.
void ServiceMachine::end_health() {
    status_.health_deadline.reset();
    status_.health_failures = 0;
    if (status_.health_launch) {
        outcome_.actions.emplace_back(AbortLaunch{record_.unit.name, *status_.health_launch});
    }
    if (status_.health_pid != 0) {
        outcome_.actions.emplace_back(
            SignalUnit{record_.unit.name, SIGKILL, false, false, false, true});
    }
}

/// It is time for the next check, or the one that runs has taken too long.
void ServiceMachine::health_due() {
    if (status_.health_launch || status_.health_pid != 0) {
        status_.health_late = true;
        if (status_.health_launch) {
            outcome_.actions.emplace_back(AbortLaunch{record_.unit.name, *status_.health_launch});
        } else {
            outcome_.actions.emplace_back(
                SignalUnit{record_.unit.name, SIGKILL, false, false, false, true});
        }
        return arm_health();
    }
    if (record_.unit.settings.hearth.health_check.empty()) {
        return;  // gone from the text since
    }
    status_.health_late = false;
    status_.health_launch = next_launch_++;
    outcome_.actions.emplace_back(
        Launch{record_.unit.name, *status_.health_launch, ExecKind::Health, 0, false, false});
    arm_health();
}

void ServiceMachine::health_launched(const Launched& event) {
    status_.health_launch.reset();
    status_.health_pid = event.pid;
    status_.cgroup_populated = true;
    if (status_.state != ServiceState::Running || status_.health_late) {
        outcome_.actions.emplace_back(
            SignalUnit{record_.unit.name, SIGKILL, false, false, false, true});
    }
    look_again();
}

/// A launch in flight holds up the states that end the service, whichever it is.
void ServiceMachine::look_again() {
    switch (status_.state) {
        case ServiceState::StopWatchdog:
        case ServiceState::StopSigterm:
        case ServiceState::StopSigkill:
            return stop_signal_ended();
        case ServiceState::FinalWatchdog:
        case ServiceState::FinalSigterm:
        case ServiceState::FinalSigkill:
            return final_signal_ended();
        default:
            return;
    }
}

void ServiceMachine::health_ended(bool well, const std::string& how) {
    if (status_.state != ServiceState::Running) {
        return look_again();
    }
    const HearthSettings& settings = record_.unit.settings.hearth;
    if (well) {
        status_.health_failures = 0;
        return arm_health();
    }
    const std::uint64_t up = now_.monotonic - record_.active_enter.monotonic;
    if (up < settings.health_start_period.microseconds) {
        return arm_health();
    }
    ++status_.health_failures;
    tell(
        Severity::Warning,
        fmt::format(
            "HealthCheck= failed, {} of {}: {}",
            status_.health_failures,
            settings.health_retries,
            how));
    if (status_.health_failures < settings.health_retries) {
        return arm_health();
    }
    cause_ = fmt::format("HealthCheck= failed {} times in a row: {}", settings.health_retries, how);
    status_.failure = cause_;
    enter_signal(ServiceState::StopSigterm, ServiceResult::Watchdog);
}

}  // namespace hearth
