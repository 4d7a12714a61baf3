// SPDX-License-Identifier: MIT
//
// Judging requests: what can't be asked of a unit is refused here, with the bus's error names,
// before any job exists. What is left is a job.
#include <fmt/format.h>

#include <utility>

#include "units/engine_queue.hpp"
#include "units/job.hpp"

namespace hearth {

namespace {

using Judgement = Result<void, RequestError>;

Unexpected<RequestError> refusal(std::string error_name, std::string message) {
    return Unexpected(RequestError{std::move(error_name), std::move(message)});
}

Judgement judge_manual(const UnitRecord& record, std::optional<JobType> type) {
    const UnitSettings& settings = record.unit.settings.unit;
    const bool starts = type == JobType::Start || type == JobType::Restart;
    const bool stops = type == JobType::Stop || type == JobType::Restart;
    if (starts && settings.refuse_manual_start) {
        return refusal(
            "OnlyByDependency",
            fmt::format(
                "Operation refused, unit {} may be requested by dependency only "
                "(RefuseManualStart=yes).",
                record.unit.name));
    }
    if (stops && settings.refuse_manual_stop) {
        return refusal(
            "OnlyByDependency",
            fmt::format(
                "Operation refused, unit {} may be requested by dependency only "
                "(RefuseManualStop=yes).",
                record.unit.name));
    }
    return {};
}

Judgement judge_mode(const UnitRecord& record, Verb verb, JobMode mode) {
    const std::string& unit = record.unit.name;
    switch (mode) {
        case JobMode::Replace:
        case JobMode::Fail:
        case JobMode::ReplaceIrreversibly:
        case JobMode::IgnoreDependencies:
        case JobMode::IgnoreRequirements:
        case JobMode::Flush:
            return {};
        case JobMode::Isolate:
            if (verb != Verb::Start) {
                return refusal(
                    "org.freedesktop.DBus.Error.InvalidArgs",
                    "job mode 'isolate' is only valid for start");
            }
            if (!record.unit.settings.unit.allow_isolate) {
                return refusal(
                    "NoIsolation",
                    fmt::format(
                        "Operation refused, unit {} may not be isolated (AllowIsolate=no).", unit));
            }
            return {};
        case JobMode::Triggering:
            if (verb == Verb::Stop) {
                return {};
            }
            return refusal(
                "org.freedesktop.DBus.Error.InvalidArgs",
                "job mode 'triggering' is only valid for stop");
        case JobMode::RestartDependencies:
            if (verb == Verb::Start) {
                return {};
            }
            return refusal(
                "org.freedesktop.DBus.Error.InvalidArgs",
                "job mode 'restart-dependencies' is only valid for start");
    }
    return {};
}

Judgement judge(const UnitRecord& record, Verb verb, std::optional<JobType> type) {
    const Unit& unit = record.unit;
    if (verb != Verb::Stop) {
        HEARTH_TRY(startable(unit));
    } else if (
        unit.load_state != LoadState::Loaded && unit.load_state != LoadState::Masked &&
        at_rest(record.active_state())) {
        return refusal("NoSuchUnit", fmt::format("Unit {} not loaded.", unit.name));
    }
    HEARTH_TRY(judge_manual(record, type));
    return type ? applicable(record, *type) : Judgement{};
}

}  // namespace

Result<Requested, RequestError> request_job(
    World& world,
    const std::string& unit,
    Verb verb,
    JobMode mode,
    Moment now,
    const Requester& by) {
    UnitRecord* const record = world.find(unit);
    if (record == nullptr) {
        return refusal("NoSuchUnit", fmt::format("Unit {} not found.", unit));
    }
    const std::optional<JobType> type = job_type(verb, *record);
    HEARTH_TRY(judge(*record, verb, type));
    HEARTH_TRY(judge_mode(*record, verb, mode));
    if (verb == Verb::Stop) {
        record->resumes = false;  // also where there is nothing left to stop
    }
    Requested requested;
    Queue queue(world, now, requested.outcome);
    if (type) {
        JobCause cause;
        cause.by = by;
        requested.job = HEARTH_TRY(queue.request(record->unit.name, *type, mode, std::move(cause)));
    } else {
        requested.job = queue.enqueue_nothing(*record, mode);
    }
    queue.settle();
    return requested;
}

Result<Outcome, RequestError> cancel_job(World& world, JobId job, Moment now, const Requester& by) {
    const auto found = world.jobs.find(job);
    if (found == world.jobs.end()) {
        return refusal("NoSuchJob", fmt::format("Job {} does not exist.", job));
    }
    UnitRecord* const record = world.find(found->second.unit);
    if (record == nullptr) {
        return refusal("NoSuchUnit", fmt::format("Unit {} not found.", found->second.unit));
    }
    Outcome outcome;
    Queue queue(world, now, outcome);
    queue.cancel(*record, by);
    queue.settle();
    return outcome;
}

}  // namespace hearth
