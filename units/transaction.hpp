// SPDX-License-Identifier: MIT
//
// From one request to the jobs that it means: pulls in what the unit needs and what it conflicts
// with, merges jobs of one unit, breaks ordering cycles by leaving out a job that nothing required
// (and names the cycle), drops what is so already, and refuses what contradicts itself or the jobs
// that are there, with the chain of units that led to it. A pure function of the World, changed by
// nothing: the engine installs the result (units/engine.cpp). Follows systemd 252, systemd.unit(5)
// and systemctl(1), with one difference: where something that a wanted unit *requires* can't be
// had, the wanted unit is left out with it, not started without it.
//
// Cost: one visit per unit and dependency that the request reaches; 10,000 units with 50,000
// dependencies plan in some tens of milliseconds (tests/bench/transaction.cpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "units/engine.hpp"
#include "units/world.hpp"

namespace hearth {

struct PlannedJob {
    std::string unit;
    JobType type{};
    std::string why;  ///< "Requires= of a.service"; empty for the unit that was asked for
    bool operator==(const PlannedJob&) const = default;
};

struct Transaction {
    std::vector<PlannedJob> jobs;     ///< the unit that was asked for comes first
    std::vector<std::string> cycles;  ///< one sentence for each that was broken
    bool operator==(const Transaction&) const = default;
};

/// `type`: Start, Stop, Restart, Reload or VerifyActive.
[[nodiscard]] Result<Transaction, RequestError> plan_transaction(
    const World& world, std::string_view unit, JobType type, JobMode mode);

/// Whether a unit that is so needs no such job.
[[nodiscard]] bool is_redundant(JobType type, ActiveState state);

/// Whether a unit of this type and text can have such a job at all; else why not.
[[nodiscard]] Result<void, RequestError> applicable(const UnitRecord& record, JobType type);

/// What the loader found, as the bus's error; success for a unit that can be started.
[[nodiscard]] Result<void, RequestError> startable(const Unit& unit);

/// Of two units with jobs, where the first is ordered Before= the second: whether the first one
/// must wait. What stops goes first (systemd.unit(5), Before=).
[[nodiscard]] bool waits_although_before(JobType second);
[[nodiscard]] bool waits_because_after(JobType own);

}  // namespace hearth
