// SPDX-License-Identifier: MIT
#include "units/restart_policy.hpp"

#include <csignal>

namespace hearth {

namespace {

bool names_exit(const ExitStatusSet& set, int code, int status) {
    switch (code) {
        case CLD_EXITED:
            return set.codes.contains(status);
        case CLD_KILLED:
        case CLD_DUMPED:
            return set.signals.contains(status);
        default:
            return false;  // no process ended: an int of waitid(2), not an enum
    }
}

bool ends_daemon_politely(int signal) {
    return signal == SIGHUP || signal == SIGINT || signal == SIGTERM || signal == SIGPIPE;
}

bool restarts_after(Restart restart, ServiceResult result) {
    const bool success = result == ServiceResult::Success;
    const bool skipped = result == ServiceResult::ExecCondition;
    switch (restart) {
        case Restart::No:
            return false;
        case Restart::Always:
            return !skipped;
        case Restart::OnSuccess:
            return success;
        case Restart::OnFailure:
            return !success && !skipped;
        case Restart::OnAbnormal:
            return !success && !skipped && result != ServiceResult::ExitCode;
        case Restart::OnWatchdog:
            return result == ServiceResult::Watchdog;
        case Restart::OnAbort:
            return result == ServiceResult::Signal || result == ServiceResult::CoreDump;
    }
    return false;
}

/// A limit with a zero in it is off.
bool limits_starts(const UnitSettings& settings) {
    return settings.start_limit_interval.microseconds != 0 && settings.start_limit_burst != 0;
}

}  // namespace

ServiceResult judge_exit(const Unit& unit, bool daemon, int code, int status) {
    const ExitStatusSet& success = unit.settings.service.success_exit_status;
    switch (code) {
        case CLD_EXITED:
            return status == 0 || success.codes.contains(status) ? ServiceResult::Success
                                                                 : ServiceResult::ExitCode;
        case CLD_KILLED:
            return (daemon && ends_daemon_politely(status)) || success.signals.contains(status)
                       ? ServiceResult::Success
                       : ServiceResult::Signal;
        case CLD_DUMPED:
            return ServiceResult::CoreDump;
        default:
            return ServiceResult::Resources;  // waitid(2) has no other end of a process
    }
}

bool main_is_daemon(const Unit& unit) {
    return unit.settings.service.type != ServiceType::Oneshot;
}

bool shall_restart(const Unit& unit, const ServiceStatus& status) {
    if (status.stop_requested || status.refused) {
        return false;
    }
    const ServiceSettings& service = unit.settings.service;
    const ProcessRecord& main = status.main;
    if (names_exit(service.restart_prevent_exit_status, main.code, main.status)) {
        return false;
    }
    if (names_exit(service.restart_force_exit_status, main.code, main.status)) {
        return true;
    }
    return restarts_after(service.restart, status.result);
}

bool within_start_limit(const Unit& unit, ServiceStatus& status, std::uint64_t now) {
    const UnitSettings& settings = unit.settings.unit;
    if (!limits_starts(settings)) {
        status.recent_starts.clear();
        return true;
    }
    const std::uint64_t interval = settings.start_limit_interval.microseconds;
    while (!status.recent_starts.empty() && now - status.recent_starts.front() >= interval) {
        status.recent_starts.pop_front();
    }
    return status.recent_starts.size() < settings.start_limit_burst;
}

void count_start(const Unit& unit, ServiceStatus& status, std::uint64_t now) {
    if (!limits_starts(unit.settings.unit)) {
        return;
    }
    status.recent_starts.push_back(now);
    // A long interval with a large burst must not grow without bound: only the last ones decide.
    while (status.recent_starts.size() > unit.settings.unit.start_limit_burst) {
        status.recent_starts.pop_front();
    }
}

Timespan timeout_start(const Unit& unit) {
    const ServiceSettings& service = unit.settings.service;
    if (service.timeout_start) {
        return *service.timeout_start;
    }
    return service.type == ServiceType::Oneshot ? Timespan::never() : Timespan::seconds(90);
}

}  // namespace hearth
