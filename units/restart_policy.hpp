// SPDX-License-Identifier: MIT
//
// What a process's end means, and whether a service that ended is started again: Restart= and its
// exceptions, SuccessExitStatus=, the start limit. Functions of the unit's text and what is known
// of the last run; they change nothing but the list of recent starts. The delay itself
// (RestartSec=) is armed by the service machine. Times are microseconds of the monotonic clock.
// Follows systemd.service(5), table 2, and systemd.unit(5), StartLimitIntervalSec=.
#pragma once

#include <cstdint>

#include "units/world.hpp"

namespace hearth {

/// How the end of a process counts for a unit: success, exit-code, signal or core-dump. `daemon`:
/// the four signals that end a daemon politely (HUP, INT, TERM, PIPE) are a clean end.
[[nodiscard]] ServiceResult judge_exit(const Unit& unit, bool daemon, int code, int status);

/// Whether the main process of `unit` counts as a daemon; the process of a oneshot is a command.
[[nodiscard]] bool main_is_daemon(const Unit& unit);

/// Whether a service that ended as `status` says is started again. A stop that somebody asked for
/// and a refusal (it would be refused again) rule it out before any directive is looked at.
[[nodiscard]] bool shall_restart(const Unit& unit, const ServiceStatus& status);

/// StartLimitIntervalSec=, StartLimitBurst=: may the unit be started now? Every start counts,
/// automatic or not. Forgets the starts that are older than the interval.
[[nodiscard]] bool within_start_limit(const Unit& unit, ServiceStatus& status, std::uint64_t now);
void count_start(const Unit& unit, ServiceStatus& status, std::uint64_t now);

/// TimeoutStartSec= with its default: 90 s, infinity for a oneshot.
[[nodiscard]] Timespan timeout_start(const Unit& unit);

}  // namespace hearth
