// SPDX-License-Identifier: MIT
#include "units/restart_policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "units/codecs.hpp"
#include "units/engine.hpp"

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

enum class ExitRule : std::uint8_t { None, Prevents, Forces };

/// RestartPreventExitStatus=, RestartForceExitStatus=.
ExitRule exit_rule(const Unit& unit, const ServiceStatus& status) {
    const ServiceSettings& service = unit.settings.service;
    const ProcessRecord& main = status.main;
    if (names_exit(service.restart_prevent_exit_status, main.code, main.status)) {
        return ExitRule::Prevents;
    }
    return names_exit(service.restart_force_exit_status, main.code, main.status) ? ExitRule::Forces
                                                                                 : ExitRule::None;
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
    switch (exit_rule(unit, status)) {
        case ExitRule::Prevents:
            return false;
        case ExitRule::Forces:
            return true;
        case ExitRule::None:
            break;
    }
    return restarts_after(unit.settings.service.restart, status.result);
}

std::string restart_reason(const Unit& unit, const ServiceStatus& status) {
    if (status.stop_requested) {
        return {};
    }
    if (status.refused) {
        return "it would be refused again";
    }
    switch (exit_rule(unit, status)) {
        case ExitRule::Prevents:
            return "RestartPreventExitStatus= names how it ended";
        case ExitRule::Forces:
            return "RestartForceExitStatus= names how it ended";
        case ExitRule::None:
            break;
    }
    return fmt::format(
        "Restart={}, result '{}'",
        name_of(unit.settings.service.restart, restart_names),
        name(status.result));
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

void ask_action(
    const Unit& unit,
    EmergencyAction action,
    int exit_status,
    std::string directive,
    const std::string& reboot_argument,
    Outcome& outcome) {
    if (action != EmergencyAction::None) {
        directive += name_of(action, emergency_action_names);
        outcome.actions.emplace_back(
            PerformAction{unit.name, action, exit_status, std::move(directive), reboot_argument});
    }
}

void act_on_start_limit(const Unit& unit, Outcome& outcome) {
    const UnitSettings& settings = unit.settings.unit;
    ask_action(
        unit,
        settings.start_limit_action,
        EXIT_FAILURE,
        "StartLimitAction=",
        settings.reboot_argument,
        outcome);
}

std::uint64_t random_within(std::uint64_t& state, std::uint64_t limit) {
    // splitmix64: any seed will do, and nothing here is a secret.
    state += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    mixed ^= mixed >> 31U;
    return limit == UINT64_MAX ? mixed : mixed % (limit + 1);
}

Timespan restart_delay(const Unit& unit, std::uint32_t back_off, std::uint64_t& random) {
    const ServiceSettings& service = unit.settings.service;
    const Timespan first = service.restart_delay;
    const Timespan last = service.restart_max_delay;
    Timespan delay = first;
    const bool grows = service.restart_steps != 0 && !last.is_infinite() && first < last;
    if (grows && back_off >= service.restart_steps) {
        delay = last;
    } else if (grows && back_off != 0) {
        // From 1 us at least: nothing grows out of 0.
        const auto from = static_cast<double>(std::max<std::uint64_t>(first.microseconds, 1));
        const double ratio = static_cast<double>(last.microseconds) / from;
        const double part = static_cast<double>(back_off) / service.restart_steps;
        delay.microseconds = static_cast<std::uint64_t>(from * std::pow(ratio, part));
    }
    if (delay.is_infinite()) {
        return delay;
    }
    const std::uint64_t jitter =
        random_within(random, unit.settings.hearth.restart_jitter.microseconds);
    return {
        jitter < UINT64_MAX - delay.microseconds ? delay.microseconds + jitter : UINT64_MAX - 1};
}

bool was_healthy(const UnitRecord& record) {
    const auto& reset = record.unit.settings.hearth.restart_reset;
    const std::uint64_t since = record.active_enter.monotonic;
    const bool this_time = since != 0 && since >= record.status.condition_asked.monotonic;
    const std::uint64_t until = record.active_exit.monotonic;
    return reset && this_time && until >= since && until - since >= reset->microseconds;
}

int essential_status(const ServiceStatus& status) {
    constexpr int signal_base = 128;
    const bool well =
        status.result == ServiceResult::Success || status.result == ServiceResult::ExecCondition;
    switch (status.main.code) {
        case CLD_EXITED:
            if (status.main.pid == 0) {
                return 1;  // refused, nothing ever ran
            }
            // It may have ended well, and still not as a service: before READY=1, or by its
            // watchdog.
            return status.main.status == 0 && !well ? 1 : status.main.status;
        case CLD_KILLED:
        case CLD_DUMPED:
            return status.result == ServiceResult::Success ? 0 : signal_base + status.main.status;
        default:
            break;  // an int of waitid(2); it never ran, or its end is not known
    }
    return well ? 0 : 1;
}

Timespan timeout_abort(const Unit& unit) {
    const ServiceSettings& service = unit.settings.service;
    return service.timeout_abort.value_or(service.timeout_stop);
}

NotifyAccess notify_access(const Unit& unit) {
    const ServiceSettings& service = unit.settings.service;
    const NotifyAccess asked = service.notify_access.value_or(NotifyAccess::None);
    const bool must = notifies(service.type) || service.watchdog.microseconds != 0;
    return asked == NotifyAccess::None && must ? NotifyAccess::Main : asked;
}

Timespan watchdog(const UnitRecord& record) {
    return record.status.watchdog_override.value_or(record.unit.settings.service.watchdog);
}

std::optional<std::uint64_t> runtime_deadline(const UnitRecord& record) {
    const Timespan limit = record.unit.settings.service.runtime_max;
    const std::uint64_t begin = record.active_enter.monotonic;
    const std::uint64_t extra = record.status.runtime_extra;
    if (limit.is_infinite() || limit.microseconds >= UINT64_MAX - begin ||
        extra >= UINT64_MAX - begin - limit.microseconds) {
        return std::nullopt;
    }
    return begin + limit.microseconds + extra;
}

bool starts_with_process(ServiceType type) {
    return type == ServiceType::Simple || type == ServiceType::Exec || type == ServiceType::Idle;
}

bool notifies(ServiceType type) {
    return type == ServiceType::Notify || type == ServiceType::NotifyReload;
}

ServiceState failure_state(TimeoutFailureMode mode) {
    switch (mode) {
        case TimeoutFailureMode::Terminate:
            return ServiceState::StopSigterm;
        case TimeoutFailureMode::Abort:
            return ServiceState::StopWatchdog;
        case TimeoutFailureMode::Kill:
            return ServiceState::StopSigkill;
    }
    return ServiceState::StopSigterm;
}

ServiceState final_failure_state(TimeoutFailureMode mode) {
    switch (mode) {
        case TimeoutFailureMode::Terminate:
            return ServiceState::FinalSigterm;
        case TimeoutFailureMode::Abort:
            return ServiceState::FinalWatchdog;
        case TimeoutFailureMode::Kill:
            return ServiceState::FinalSigkill;
    }
    return ServiceState::FinalSigterm;
}

Timespan timeout_start(const Unit& unit) {
    const ServiceSettings& service = unit.settings.service;
    if (service.timeout_start) {
        return *service.timeout_start;
    }
    return service.type == ServiceType::Oneshot ? Timespan::never() : Timespan::seconds(90);
}

}  // namespace hearth
