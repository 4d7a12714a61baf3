// SPDX-License-Identifier: MIT
//
// The algebra of jobs: which verb makes which job, which jobs can become one, what a transition of
// the unit means for its job. Tables and functions of values; the queue itself is in
// units/engine.cpp. A unit has one job at most. Follows systemd.unit(5), systemctl(1) and systemd
// 252's behaviour.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "units/engine.hpp"
#include "units/world.hpp"

namespace hearth {

/// The job that `verb` asks for, in terms of what the unit is doing now. Nothing: there is nothing
/// to do, the job is over as soon as it was queued (try-restart of a unit that isn't active).
[[nodiscard]] std::optional<JobType> job_type(Verb verb, const UnitRecord& record);

/// The one job that does both, or nothing where they contradict (start and stop).
[[nodiscard]] std::optional<JobType> merged(
    JobType installed, JobType added, const UnitRecord& record);

/// Whether `installed`, already running, does all that `added` asks for. Nothing that runs covers a
/// reload: it may have read the old configuration.
[[nodiscard]] bool covers(JobType installed, JobType added, const UnitRecord& record);

/// What a running job's end is, once the unit is in `state`; nothing while it goes on.
[[nodiscard]] std::optional<JobResult> job_result(
    const Job& job, ActiveState state, ServiceResult reload_result);

/// The job of `other` that must be over before the waiting one of `record` begins, where `relation`
/// (Before or After) stands between them; null: it need not wait. Precondition: `record` has a job.
[[nodiscard]] const Job* job_before(
    const World& world, const UnitRecord& record, Relation relation, std::string_view other);

/// The jobs that `job` waits for, and those that wait for it; each once.
[[nodiscard]] std::vector<const Job*> jobs_waited_for(const World& world, const Job& job);
[[nodiscard]] std::vector<const Job*> jobs_held_up(const World& world, const Job& job);

}  // namespace hearth
