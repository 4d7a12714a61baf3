// SPDX-License-Identifier: MIT
#include "units/job.hpp"

#include <algorithm>

#include "units/codecs.hpp"
#include "units/transaction.hpp"

namespace hearth {

namespace {

JobType reload_or_start(const UnitRecord& record) {
    return is_active(record.active_state()) ? JobType::Reload : JobType::Start;
}

}  // namespace

std::string_view name(JobType type) {
    switch (type) {
        using enum JobType;
        case Start:
            return "start";
        case Stop:
            return "stop";
        case Restart:
            return "restart";
        case Reload:
            return "reload";
        case TryRestart:
            return "try-restart";
        case ReloadOrStart:
            return "reload-or-start";
        case VerifyActive:
            return "verify-active";
    }
    return "";
}

std::string_view name(JobMode mode) {
    return name_of(mode, job_mode_names);
}

std::optional<JobMode> job_mode(std::string_view text) {
    return value_of(text, job_mode_names);
}

std::string_view name(JobResult result) {
    switch (result) {
        using enum JobResult;
        case Done:
            return "done";
        case Canceled:
            return "canceled";
        case Timeout:
            return "timeout";
        case Failed:
            return "failed";
        case Dependency:
            return "dependency";
        case Skipped:
            return "skipped";
        case Invalid:
            return "invalid";
        case Assert:
            return "assert";
        case Unsupported:
            return "unsupported";
        case Collected:
            return "collected";
        case Once:
            return "once";
    }
    return "";
}

std::optional<JobType> job_type(Verb verb, const UnitRecord& record) {
    const bool active = is_active(record.active_state());
    switch (verb) {
        using enum Verb;
        case Start:
            return JobType::Start;
        case Stop:
            return JobType::Stop;
        case Restart:
            return JobType::Restart;
        case Reload:
            return JobType::Reload;
        case TryRestart:
            return active ? std::optional(JobType::Restart) : std::nullopt;
        case ReloadOrRestart:
            return can_reload(record.unit) ? reload_or_start(record) : JobType::Restart;
        case ReloadOrTryRestart:
            if (!active) {
                return std::nullopt;
            }
            return can_reload(record.unit) ? JobType::Reload : JobType::Restart;
    }
    return std::nullopt;
}

std::optional<JobType> merged(JobType installed, JobType added, const UnitRecord& record) {
    using enum JobType;
    if (installed == added) {
        return installed;
    }
    if (installed == Stop || added == Stop) {
        return std::nullopt;
    }
    const auto either = [&](JobType type) { return installed == type || added == type; };
    if (either(Restart) || either(TryRestart)) {
        return Restart;
    }
    if (either(VerifyActive)) {
        return installed == VerifyActive ? added : installed;
    }
    return reload_or_start(record);  // start with reload, or what became of such a pair
}

bool covers(JobType installed, JobType added, const UnitRecord& record) {
    return added != JobType::Reload && merged(installed, added, record) == installed;
}

std::optional<JobResult> job_result(
    const Job& job, ActiveState state, ServiceResult reload_result) {
    const bool active = is_active(state);
    const bool running = job.state == JobState::Running;
    const bool over = state == ActiveState::Inactive || state == ActiveState::Failed;
    const JobResult ended = state == ActiveState::Failed ? JobResult::Failed : JobResult::Done;
    switch (job.type) {
        using enum JobType;
        case Start:
        case VerifyActive:
            if (active) {
                return JobResult::Done;
            }
            return running && over ? std::optional(ended) : std::nullopt;
        case Reload:
        case ReloadOrStart:
            if (running && state == ActiveState::Active) {
                return reload_result == ServiceResult::Success ? JobResult::Done
                                                               : JobResult::Failed;
            }
            return running && over ? std::optional(ended) : std::nullopt;
        case Stop:
        case Restart:
        case TryRestart:
            return over ? std::optional(JobResult::Done) : std::nullopt;
    }
    return std::nullopt;
}

const Job* job_before(
    const World& world, const UnitRecord& record, Relation relation, std::string_view other) {
    if (relation != Relation::Before && relation != Relation::After) {
        return nullptr;
    }
    const Job& own = world.jobs.at(*record.job);
    const UnitRecord* const neighbour = world.find(other);
    if (own.mode == JobMode::IgnoreDependencies || neighbour == nullptr || !neighbour->job ||
        neighbour == &record) {
        return nullptr;
    }
    const Job& job = world.jobs.at(*neighbour->job);
    const bool waits = relation == Relation::Before ? waits_although_before(job.type)
                                                    : waits_because_after(own.type);
    return waits && job.mode != JobMode::IgnoreDependencies ? &job : nullptr;
}

std::vector<const Job*> jobs_waited_for(const World& world, const Job& job) {
    std::vector<const Job*> found;
    const UnitRecord* const record = world.find(job.unit);
    if (record == nullptr || job.state != JobState::Waiting) {
        return found;
    }
    world.for_each_dependency(
        *record, [&](Relation relation, std::string_view other, DependencySource) {
            const Job* const first = job_before(world, *record, relation, other);
            if (first != nullptr && std::ranges::count(found, first) == 0) {
                found.push_back(first);
            }
        });
    return found;
}

std::vector<const Job*> jobs_held_up(const World& world, const Job& job) {
    std::vector<const Job*> found;
    const UnitRecord* const record = world.find(job.unit);
    if (record == nullptr) {
        return found;
    }
    world.for_each_dependency(
        *record, [&](Relation relation, std::string_view other, DependencySource) {
            const UnitRecord* const neighbour = world.find(other);
            if (neighbour == nullptr || !neighbour->job) {
                return;
            }
            const Job& second = world.jobs.at(*neighbour->job);
            const bool waits = second.state == JobState::Waiting &&
                               job_before(world, *neighbour, inverse(relation), job.unit) == &job;
            if (waits && std::ranges::count(found, &second) == 0) {
                found.push_back(&second);
            }
        });
    return found;
}

}  // namespace hearth
