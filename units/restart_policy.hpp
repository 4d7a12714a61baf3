// SPDX-License-Identifier: MIT
//
// What a process's end means, and whether a service that ended is started again: Restart= and its
// exceptions, SuccessExitStatus=, the start limit. Functions of the unit's text and what is known
// of the last run; they change nothing but the list of recent starts. The delay itself
// (RestartSec=) is armed by the service machine. Times are microseconds of the monotonic clock.
// Follows systemd.service(5), table 2, and systemd.unit(5), StartLimitIntervalSec=.
#pragma once

#include <cstdint>
#include <string>

#include "units/world.hpp"

namespace hearth {

struct Outcome;

/// How the end of a process counts for a unit: success, exit-code, signal or core-dump. `daemon`:
/// the four signals that end a daemon politely (HUP, INT, TERM, PIPE) are a clean end.
[[nodiscard]] ServiceResult judge_exit(const Unit& unit, bool daemon, int code, int status);

/// Whether the main process of `unit` counts as a daemon; the process of a oneshot is a command.
[[nodiscard]] bool main_is_daemon(const Unit& unit);

/// Whether a service that ended as `status` says is started again. A stop that somebody asked for
/// and a refusal (it would be refused again) rule it out before any directive is looked at.
[[nodiscard]] bool shall_restart(const Unit& unit, const ServiceStatus& status);

/// What decided that: "Restart=on-failure, result 'signal'"; empty where a stop was asked for.
[[nodiscard]] std::string restart_reason(const Unit& unit, const ServiceStatus& status);

/// StartLimitIntervalSec=, StartLimitBurst=: may the unit be started now? Every start counts,
/// automatic or not. Forgets the starts that are older than the interval.
[[nodiscard]] bool within_start_limit(const Unit& unit, ServiceStatus& status, std::uint64_t now);
void count_start(const Unit& unit, ServiceStatus& status, std::uint64_t now);
/// Asks for what `directive` ("FailureAction=") says; nothing where that is none.
void ask_action(
    const Unit& unit,
    EmergencyAction action,
    int exit_status,
    std::string directive,
    const std::string& reboot_argument,
    Outcome& outcome);
/// StartLimitAction=: asked for whenever the limit refuses a start, however the unit ended before.
void act_on_start_limit(const Unit& unit, Outcome& outcome);

/// RestartSec=, from there to RestartMaxDelaySec= in RestartSteps= equal ratios, and a random part
/// of RestartJitterSec=. `back_off`: automatic restarts since the last healthy time. `random` is
/// advanced.
[[nodiscard]] Timespan restart_delay(
    const Unit& unit, std::uint32_t back_off, std::uint64_t& random);

/// [X-Hearth] RestartResetSec=: whether the activation that has just ended was up for so long.
[[nodiscard]] bool was_healthy(const UnitRecord& record);

/// The next of a sequence of random numbers, from 0 to `limit`; the seed is the caller's.
[[nodiscard]] std::uint64_t random_within(std::uint64_t& state, std::uint64_t limit);

/// What hearthd exits with when an essential service has ended: the main process's status, 128+N
/// for signal N, 1 where no process ever ran, or the last one ended well and the service did not.
[[nodiscard]] int essential_status(const ServiceStatus& status);

// ---- settings with defaults that hang on others

/// TimeoutStartSec= with its default: 90 s, infinity for a oneshot.
[[nodiscard]] Timespan timeout_start(const Unit& unit);
/// TimeoutAbortSec=, or else TimeoutStopSec=.
[[nodiscard]] Timespan timeout_abort(const Unit& unit);
/// NotifyAccess=, at least `main` where the service must notify.
[[nodiscard]] NotifyAccess notify_access(const Unit& unit);
/// WatchdogSec=, or what the service has asked for since it started.
[[nodiscard]] Timespan watchdog(const UnitRecord& record);
/// When RuntimeMaxSec= and its random part are over.
[[nodiscard]] std::optional<std::uint64_t> runtime_deadline(const UnitRecord& record);

/// Started as soon as the process exists, or its program runs.
[[nodiscard]] bool starts_with_process(ServiceType type);
/// Started when it says READY=1.
[[nodiscard]] bool notifies(ServiceType type);
/// The first state of Timeout*FailureMode=, before and after ExecStopPost=.
[[nodiscard]] ServiceState failure_state(TimeoutFailureMode mode);
[[nodiscard]] ServiceState final_failure_state(TimeoutFailureMode mode);

}  // namespace hearth
