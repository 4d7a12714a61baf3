// SPDX-License-Identifier: MIT
//
// What the change of one unit does to the units around it, where no transaction has seen to it:
// units that start or stop by themselves, failures, units that nobody needs, units that are upheld.
// Follows systemd 252, systemd.unit(5).
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <utility>

#include "units/codecs.hpp"
#include "units/engine_queue.hpp"
#include "units/restart_policy.hpp"

namespace hearth {

namespace {

/// How often a unit may be started or stopped on its own account: two that uphold and conflict with
/// each other would go on for ever.
constexpr std::size_t most_automatic_jobs = 16;
constexpr std::uint64_t automatic_jobs_interval = 10'000'000;

bool is_up(ActiveState state) {
    return is_active(state) || state == ActiveState::Activating;
}

bool pins(Relation relation) {
    switch (relation) {
        case Relation::RequiredBy:
        case Relation::RequisiteOf:
        case Relation::WantedBy:
        case Relation::BoundBy:
        case Relation::UpheldBy:
            return true;
        default:
            return false;
    }
}

/// From the side of what is needed: what can't be without it.
bool is_need_of(Relation relation) {
    return relation == Relation::RequiredBy || relation == Relation::RequisiteOf ||
           relation == Relation::BoundBy;
}

}  // namespace

void Queue::tell(Severity severity, const std::string& unit, std::string message) {
    outcome_.actions.emplace_back(Tell{severity, unit, std::move(message)});
}

/// A job that no person asked for; that it can't be had is told.
void Queue::ask(
    const std::string& unit,
    JobType type,
    JobMode mode,
    const std::string& why,
    const UnitRecord& because) {
    const auto asked = request(unit, type, mode, caused_by(because, why));
    if (!asked) {
        tell(
            Severity::Warning,
            unit,
            fmt::format("can't queue a {} job ({}): {}", name(type), why, asked.error().message));
    }
}

void Queue::changed(
    UnitRecord& record, const Transition& transition, bool expected, bool restarts) {
    const ActiveState before = state_of(record, transition.from);
    const ActiveState after = state_of(record, transition.to);
    record.resumes = record.resumes && !is_up(after);
    if (!expected) {
        if (at_rest(before) && is_up(after)) {
            start_around(record);
        } else if (is_up(before) && !is_up(after)) {
            stop_around(record);
        }
    }
    if (!restarts && before != after) {
        ended(record, transition);
    }
    recheck_around(record);
}

/// OnFailure=, OnSuccess= and the actions.
void Queue::ended(const UnitRecord& record, const Transition& transition) {
    const ActiveState before = state_of(record, transition.from);
    const ActiveState after = state_of(record, transition.to);
    const UnitSettings& settings = record.unit.settings.unit;
    const ProcessRecord& main = record.status.main;
    // systemd.unit(5), FailureActionExitStatus=: the main process's own, 255 if a signal ended it.
    const auto status = [&](const ActionExitStatus& asked, int otherwise) {
        const int own = main.code == CLD_EXITED ? main.status : main.code == 0 ? otherwise : 255;
        return asked.status >= 0 ? asked.status : own;
    };
    if (after == ActiveState::Failed) {
        start_on(record, Relation::OnFailure, settings.on_failure_job_mode);
        ask_action(
            record.unit,
            settings.failure_action,
            status(settings.failure_action_exit_status, EXIT_FAILURE),
            "FailureAction=",
            settings.reboot_argument,
            outcome_);
    } else if (after == ActiveState::Inactive && before != ActiveState::Failed) {
        start_on(record, Relation::OnSuccess, settings.on_success_job_mode);
        ask_action(
            record.unit,
            settings.success_action,
            status(settings.success_action_exit_status, EXIT_SUCCESS),
            "SuccessAction=",
            settings.reboot_argument,
            outcome_);
    }
}

void Queue::start_on(const UnitRecord& record, Relation relation, JobMode mode) {
    const std::string why = fmt::format("{}= of {}", name(relation), record.unit.name);
    for (const Dependency& each : record.unit.dependencies) {
        if (each.relation == relation) {
            ask(each.unit, JobType::Start, mode, why, record);
        }
    }
}

/// The unit came up without a job: what it needs follows, as far as no order was asked for.
void Queue::start_around(const UnitRecord& record) {
    std::vector<std::pair<Relation, std::string>> around;
    world_.for_each_dependency(
        record, [&](Relation relation, std::string_view other, DependencySource) {
            around.emplace_back(relation, other);
        });
    for (const auto& [relation, other] : around) {
        const UnitRecord* const neighbour = find(other);
        const std::string why = fmt::format("{}= of {}", name(relation), record.unit.name);
        const bool up = neighbour != nullptr && is_up(neighbour->active_state());
        const bool ordered = world_.has_dependency(record, Relation::After, other);
        switch (relation) {
            case Relation::Requires:
            case Relation::BindsTo:
            case Relation::Upholds:
                if (!up && !ordered) {
                    ask(other, JobType::Start, JobMode::Replace, why, record);
                }
                break;
            case Relation::Wants:
                if (!up && !ordered && neighbour != nullptr &&
                    neighbour->unit.load_state == LoadState::Loaded) {
                    ask(other, JobType::Start, JobMode::Fail, why, record);
                }
                break;
            case Relation::Conflicts:
            case Relation::ConflictedBy:
                if (up) {
                    ask(other, JobType::Stop, JobMode::Replace, why, record);
                }
                break;
            default:
                break;
        }
    }
}

/// The unit went down without a job: what is bound to it follows.
void Queue::stop_around(const UnitRecord& record) {
    std::vector<std::pair<Relation, std::string>> around;
    world_.for_each_dependency(
        record, [&](Relation relation, std::string_view other, DependencySource) {
            if (relation == Relation::BoundBy || relation == Relation::PropagatesStopTo) {
                around.emplace_back(relation, other);
            }
        });
    for (const auto& [relation, other] : around) {
        const UnitRecord* const neighbour = find(other);
        if (neighbour != nullptr && is_up(neighbour->active_state())) {
            ask(other,
                JobType::Stop,
                JobMode::Replace,
                relation == Relation::BoundBy
                    ? "BindsTo=" + record.unit.name
                    : fmt::format("{}= of {}", name(relation), record.unit.name),
                record);
        }
    }
}

/// A job is over: the jobs that can't be without it are over, too.
void Queue::fail_around(const std::string& unit, JobType type, JobResult result) {
    const UnitRecord* const record = find(unit);
    if (record == nullptr) {
        return;
    }
    const bool starts = type == JobType::Start || type == JobType::VerifyActive;
    const bool inactive = !is_active(record->active_state()) && !record->job;
    std::vector<std::pair<Relation, std::string>> lost;
    world_.for_each_dependency(
        *record, [&](Relation relation, std::string_view other, DependencySource) {
            bool fails = false;
            switch (relation) {
                case Relation::RequiredBy:
                case Relation::BoundBy:
                    fails = starts && result != JobResult::Done;
                    break;
                case Relation::RequisiteOf:
                    // A start that was skipped by a condition is done, but the unit isn't active.
                    fails = (starts && result != JobResult::Done) ||
                            (type == JobType::Start && inactive);
                    break;
                case Relation::ConflictedBy:
                    fails = type == JobType::Stop && result != JobResult::Done;
                    break;
                default:
                    break;
            }
            if (fails) {
                lost.emplace_back(inverse(relation), other);
            }
        });
    for (const auto& [relation, other] : lost) {
        UnitRecord* const neighbour = find(other);
        if (neighbour == nullptr || !neighbour->job) {
            continue;
        }
        const JobType waiting = world_.jobs.at(*neighbour->job).type;
        if (waiting == JobType::Start || waiting == JobType::VerifyActive) {
            tell(
                Severity::Warning,
                other,
                fmt::format("its {} job failed: it needs {}", name(waiting), unit));
            if (result != JobResult::Canceled) {
                neighbour->resumes = neighbour->unit.settings.hearth.resume_with;
            }
            finish(
                *neighbour,
                JobResult::Dependency,
                fmt::format("{}={}", name(relation), unit),
                last_change(*record));
        }
    }
}

// ---- units that start or stop on their own account ----------------------------------------------

/// The units whose being needed, upheld or bound may have changed with this one.
void Queue::recheck_around(const UnitRecord& record) {
    // One pass over the unit's own edges: a neighbour may be a target that everything needs.
    bool may_act = record.unit.settings.unit.stop_when_unneeded || record.resumes;
    world_.for_each_dependency(
        record, [&](Relation relation, std::string_view other, DependencySource) {
            may_act = may_act || relation == Relation::BindsTo || relation == Relation::UpheldBy;
            const bool may_concern = pins(inverse(relation)) || is_need_of(relation);
            const UnitRecord* const neighbour = may_concern ? find(other) : nullptr;
            if (neighbour == nullptr) {
                return;
            }
            if (relation == Relation::BoundBy || relation == Relation::Upholds ||
                neighbour->resumes || neighbour->unit.settings.unit.stop_when_unneeded) {
                recheck_.push_back(neighbour->unit.name);
            }
        });
    if (may_act) {
        recheck_.push_back(record.unit.name);
    }
}

bool Queue::is_unneeded(const UnitRecord& record) const {
    if (!record.unit.settings.unit.stop_when_unneeded || record.job ||
        record.active_state() != ActiveState::Active) {
        return false;
    }
    bool needed = false;
    world_.for_each_dependency(
        record, [&](Relation relation, std::string_view other, DependencySource) {
            const UnitRecord* const by = std::as_const(world_).find(other);
            if (pins(relation) && by != nullptr) {
                needed = needed || by->job || !at_rest(by->active_state());
            }
        });
    return !needed;
}

const UnitRecord* Queue::upheld_by(const UnitRecord& record) const {
    if (record.job || !at_rest(record.active_state())) {
        return nullptr;
    }
    const UnitRecord* found = nullptr;
    world_.for_each_dependency(
        record, [&](Relation relation, std::string_view other, DependencySource) {
            const UnitRecord* const by = std::as_const(world_).find(other);
            if (relation == Relation::UpheldBy && by != nullptr && !by->job &&
                is_active(by->active_state())) {
                found = by;
            }
        });
    return found;
}

const UnitRecord* Queue::bound_to_inactive(const UnitRecord& record) const {
    if (record.job || record.active_state() != ActiveState::Active) {
        return nullptr;
    }
    for (const Dependency& each : record.unit.dependencies) {
        if (each.relation == Relation::BindsTo) {
            const UnitRecord* const other = std::as_const(world_).find(each.unit);
            if (other != nullptr && !other->job && at_rest(other->active_state())) {
                return other;
            }
        }
    }
    return nullptr;
}

/// Units that lost what they need and have it back: one of the things needed.
const UnitRecord* Queue::resumed_by(const UnitRecord& record) const {
    if (!record.resumes || record.job || !at_rest(record.active_state())) {
        return nullptr;
    }
    const UnitRecord* found = nullptr;
    bool all = true;
    for (const Dependency& each : record.unit.dependencies) {
        if (is_need_of(inverse(each.relation))) {
            const UnitRecord* const other = std::as_const(world_).find(each.unit);
            all = all && other != nullptr && is_active(other->active_state()) && !other->job;
            found = found != nullptr ? found : other;
        }
    }
    return all ? found : nullptr;
}

bool Queue::may_act_by_itself(UnitRecord& record) {
    std::deque<std::uint64_t>& recent = record.automatic_jobs;
    while (!recent.empty() && recent.front() + automatic_jobs_interval <= now_.monotonic) {
        recent.pop_front();
    }
    if (recent.size() >= most_automatic_jobs) {
        tell(
            Severity::Warning,
            record.unit.name,
            "started and stopped by its dependencies too often; left as it is for now");
        return false;
    }
    recent.push_back(now_.monotonic);
    return true;
}

void Queue::recheck(UnitRecord& record) {
    const std::string unit = record.unit.name;
    if (const UnitRecord* const other = bound_to_inactive(record)) {
        if (may_act_by_itself(record)) {
            ask(unit, JobType::Stop, JobMode::Replace, "BindsTo=" + other->unit.name, *other);
        }
    } else if (is_unneeded(record)) {
        if (may_act_by_itself(record)) {
            ask(unit, JobType::Stop, JobMode::Fail, "StopWhenUnneeded=", record);
        }
    } else if (const UnitRecord* const by = upheld_by(record)) {
        if (record.unit.load_state == LoadState::Loaded && may_act_by_itself(record)) {
            ask(unit, JobType::Start, JobMode::Fail, "Upholds= of " + by->unit.name, record);
        }
    } else if (const UnitRecord* const need = resumed_by(record)) {
        if (record.unit.load_state == LoadState::Loaded && may_act_by_itself(record)) {
            record.resumes = false;
            const std::string why = "ResumeWith=, " + need->unit.name + " is back";
            ask(unit, JobType::Start, JobMode::Fail, why, *need);
        }
    }
}

}  // namespace hearth
