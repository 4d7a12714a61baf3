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

/// What the loader had to say about it, one line each.
std::string errors_of(const Unit& unit) {
    std::string text;
    for (const Diagnostic& diagnostic : unit.diagnostics) {
        if (diagnostic.severity == Severity::Error) {
            text += "\n" + one_line(diagnostic);
        }
    }
    return text;
}

Judgement judge_loaded(const Unit& unit) {
    switch (unit.load_state) {
        case LoadState::Loaded:
        case LoadState::Merged:
            return {};
        case LoadState::Stub:
        case LoadState::NotFound:
            return refusal("NoSuchUnit", fmt::format("Unit {} not found.", unit.name));
        case LoadState::BadSetting:
            return refusal(
                "BadUnitSetting",
                fmt::format("Unit {} has a bad unit file setting.{}", unit.name, errors_of(unit)));
        case LoadState::Error:
            return refusal(
                "LoadFailed", fmt::format("Unit {} failed to load.{}", unit.name, errors_of(unit)));
        case LoadState::Masked:
            return refusal("UnitMasked", fmt::format("Unit {} is masked.", unit.name));
    }
    return {};
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

Judgement judge_mode(const std::string& unit, Verb verb, JobMode mode) {
    switch (mode) {
        case JobMode::Replace:
        case JobMode::Fail:
        case JobMode::ReplaceIrreversibly:
        case JobMode::IgnoreDependencies:
        case JobMode::IgnoreRequirements:
        case JobMode::Flush:
            return {};
        case JobMode::Isolate:
            return refusal(
                "NoIsolation",
                fmt::format("Operation refused, unit {} may not be isolated.", unit));
        case JobMode::Triggering:
            if (verb == Verb::Stop) {
                return {};
            }
            return refusal(
                "org.freedesktop.DBus.Error.InvalidArgs",
                "job mode 'triggering' is only valid for stop");
    }
    return {};
}

Judgement judge_conflict(const World& world, const UnitRecord& record, JobType type, JobMode mode) {
    if (!record.job) {
        return {};
    }
    const Job& installed = world.jobs.at(*record.job);
    const bool keeps = mode == JobMode::Fail || installed.mode == JobMode::ReplaceIrreversibly;
    if (keeps && !merged(installed.type, type, record)) {
        return refusal(
            "TransactionIsDestructive",
            fmt::format(
                "Transaction for {0}/{1} is destructive ({0} has '{2}' job queued, but '{1}' is "
                "included in "
                "transaction).",
                record.unit.name,
                name(type),
                name(installed.type)));
    }
    return {};
}

bool at_rest(const UnitRecord& record) {
    const ActiveState state = record.active_state();
    return state == ActiveState::Inactive || state == ActiveState::Failed;
}

Judgement judge(const UnitRecord& record, Verb verb, std::optional<JobType> type) {
    const Unit& unit = record.unit;
    if (verb != Verb::Stop) {
        if (auto judged = judge_loaded(unit); !judged) {
            return Unexpected(judged.error());
        }
    } else if (
        unit.load_state != LoadState::Loaded && unit.load_state != LoadState::Masked &&
        at_rest(record)) {
        return refusal("NoSuchUnit", fmt::format("Unit {} not loaded.", unit.name));
    }
    if (!unit.name.ends_with(".service")) {
        return refusal(
            "org.freedesktop.DBus.Error.NotSupported",
            fmt::format(
                "{} can't be started or stopped: only services are built so far", unit.name));
    }
    if (auto judged = judge_manual(record, type); !judged) {
        return Unexpected(judged.error());
    }
    if (type == JobType::Reload && !can_reload(unit)) {
        return refusal(
            "JobTypeNotApplicable",
            fmt::format(
                "Job type reload is not applicable for unit {}: it has no ExecReload= and is not "
                "Type=notify-reload.",
                unit.name));
    }
    return {};
}

}  // namespace

Result<Requested, RequestError> request_job(
    World& world, const std::string& unit, Verb verb, JobMode mode, Moment now) {
    const auto found = world.units.find(unit);
    if (found == world.units.end()) {
        return refusal("NoSuchUnit", fmt::format("Unit {} not found.", unit));
    }
    UnitRecord& record = found->second;
    const std::optional<JobType> type = job_type(verb, record);
    if (auto judged = judge(record, verb, type); !judged) {
        return Unexpected(judged.error());
    }
    if (auto judged = judge_mode(unit, verb, mode); !judged) {
        return Unexpected(judged.error());
    }
    if (type) {
        if (auto judged = judge_conflict(world, record, *type, mode); !judged) {
            return Unexpected(judged.error());
        }
    }
    Requested requested;
    Queue queue(world, now, requested.outcome);
    if (mode == JobMode::Flush) {
        queue.flush(unit);
    }
    requested.job = type ? queue.enqueue(record, *type, mode) : queue.enqueue_nothing(record, mode);
    return requested;
}

Result<Outcome, RequestError> cancel_job(World& world, JobId job, Moment now) {
    const auto found = world.jobs.find(job);
    if (found == world.jobs.end()) {
        return refusal("NoSuchJob", fmt::format("Job {} does not exist.", job));
    }
    const auto record = world.units.find(found->second.unit);
    if (record == world.units.end()) {
        return refusal("NoSuchUnit", fmt::format("Unit {} not found.", found->second.unit));
    }
    Outcome outcome;
    Queue(world, now, outcome).remove(record->second, JobResult::Canceled);
    return outcome;
}

}  // namespace hearth
