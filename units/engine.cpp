// SPDX-License-Identifier: MIT
//
// The queue of jobs and the one way into the machines of units. A fact drives the machine of its
// unit; the transitions that come of it end or resume the unit's job and reach the units around it;
// a job that can go on drives the machine again, until nothing moves. Each round of that loop
// consumes a job's phase, so it ends.
#include "units/engine.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <set>
#include <utility>

#include "units/engine_match.hpp"
#include "units/engine_queue.hpp"
#include "units/job.hpp"
#include "units/restart_policy.hpp"
#include "units/scope_machine.hpp"
#include "units/service_machine.hpp"
#include "units/simple_machine.hpp"
#include "units/unit_name.hpp"

namespace hearth {

HEARTH_COMPILED_HERE(Event);
HEARTH_COMPILED_HERE(Action);
HEARTH_COMPILED_HERE(ServiceEvent);

namespace {

std::uint64_t later(std::uint64_t now, Timespan span) {
    return span.is_infinite() || span.microseconds > UINT64_MAX - now ? UINT64_MAX
                                                                      : now + span.microseconds;
}

/// umount(8) has failed.
bool still_mounted(const ServiceStatus& status) {
    return status.mounted_here && status.state == ServiceState::Failed;
}

/// A mount of ours is there once mount(8) has succeeded, until umount(8) has.
void note_mounted(ServiceStatus& status) {
    if (status.state == ServiceState::Exited) {
        status.mounted_here = true;
    } else if (status.state == ServiceState::Dead) {
        status.mounted_here = false;
    }
}

void shorten(std::optional<std::uint64_t>& deadline, std::uint64_t now, Timespan span) {
    const std::uint64_t other = later(now, span);
    if (other != UINT64_MAX) {
        deadline = std::min(deadline.value_or(UINT64_MAX), other);
    }
}

}  // namespace

UnitRecord* Queue::find(std::string_view name) {
    return world_.find(name);
}

// ---- driving the machines -----------------------------------------------------------------------

void Queue::drive(UnitRecord& record, const ServiceEvent& event) {
    const std::size_t first = outcome_.transitions.size();
    const UnitType type = unit_type(record.unit.name);
    if (type == UnitType::Service) {
        ServiceMachine(record, world_, restarting(record), now_, outcome_).on(event);
    } else if (type == UnitType::Mount || type == UnitType::Swap) {
        ServiceMachine(record, world_, restarting(record), now_, outcome_).on(event);
        note_mounted(record.status);
    } else if (type == UnitType::Scope) {
        ScopeMachine(record, now_, outcome_).on(event);
    } else if (type == UnitType::Timer || type == UnitType::Path || type == UnitType::Automount) {
        drive_trigger(record, event);
    } else if (std::holds_alternative<StartRequested>(event)) {
        SimpleMachine(record, now_, outcome_).start();
    } else if (std::holds_alternative<StopRequested>(event)) {
        SimpleMachine(record, now_, outcome_).stop();
    }
    follow(record, first);
}

/// What the transitions from `first` on mean for the unit's job and for the units around it.
void Queue::follow(UnitRecord& record, std::size_t first) {
    for (std::size_t index = first; index < outcome_.transitions.size(); ++index) {
        const Transition transition = outcome_.transitions[index];
        if (transition.unit != record.unit.name) {
            continue;
        }
        const bool restarts = index + 1 < outcome_.transitions.size() &&
                              outcome_.transitions[index + 1].unit == transition.unit &&
                              outcome_.transitions[index + 1].to == ServiceState::AutoRestart;
        std::optional<Job> job = running_job(record);
        const bool expected = explain(record, state_of(record, transition.to));
        note(record, transition, restarts, expected ? std::move(job) : std::nullopt);
        changed(record, transition, expected, restarts);
        if (!restarts && at_rest(state_of(record, transition.to))) {
            record.activation = {};
        }
    }
    if (outcome_.transitions.size() > first) {
        tell_triggers(record);
    }
    wake(record);
}

/// Whether the unit's job explains that it is in `state` now; ends the job where that is its end.
bool Queue::explain(UnitRecord& record, ActiveState state) {
    if (!record.job) {
        return false;
    }
    const Job job = world_.jobs.at(*record.job);
    const bool running = job.state == JobState::Running;
    const bool over = state == ActiveState::Inactive || state == ActiveState::Failed;
    bool expected = true;
    switch (job.type) {
        case JobType::Start:
        case JobType::VerifyActive:
            expected = !running || (!over && state != ActiveState::Deactivating);
            break;
        case JobType::Stop:
        case JobType::Restart:
        case JobType::TryRestart:
            expected = !running || over || state == ActiveState::Deactivating;
            if (running && over && still_mounted(record.status)) {
                finish(record, JobResult::Failed);
                return expected;
            }
            break;
        case JobType::Reload:
        case JobType::ReloadOrStart:
            expected = !running || (!over && state != ActiveState::Deactivating);
            break;
    }
    if (const auto result = job_result(job, state, record.status.reload_result)) {
        finish(record, *result);
    }
    return expected;
}

void Queue::fact(const std::string& unit, const ServiceEvent& event) {
    if (UnitRecord* const record = find(unit)) {
        drive(*record, event);
    }
}

void Queue::presence_changed(const PresenceChanged& fact) {
    UnitRecord* const record = find(fact.unit);
    const UnitType type = unit_type(fact.unit);
    if (record == nullptr || type == UnitType::Service || type == UnitType::Scope) {
        return;
    }
    const std::size_t first = outcome_.transitions.size();
    if (type == UnitType::Mount || type == UnitType::Swap) {
        mount_seen(*record, fact.present);
    } else {
        SimpleMachine(*record, now_, outcome_).presence(fact.present);
    }
    follow(*record, first);
}

/// What the kernel says of a mount matters where no command of ours is at it: one that somebody
/// else made is only shown; one of ours may be gone, or still there after umount failed.
void Queue::mount_seen(UnitRecord& record, bool present) {
    const ServiceState state = record.status.state;
    SimpleMachine simple(record, now_, outcome_);
    if (state == ServiceState::Dead || state == ServiceState::Failed) {
        if (present && record.status.mounted_here) {
            record.status.result = ServiceResult::Success;  // the next umount may do
            simple.remains();
        } else if (present) {
            simple.presence(true);
        } else {
            record.status.mounted_here = false;
        }
    } else if (state == ServiceState::Running) {
        simple.presence(present);
    } else if (state == ServiceState::Exited && !present) {
        record.status.mounted_here = false;
        ServiceMachine(record, world_, false, now_, outcome_).unmounted();
    }
}

void Queue::scope_filled(const ScopeFilled& fact) {
    if (UnitRecord* const record = find(fact.unit)) {
        const std::size_t first = outcome_.transitions.size();
        ScopeMachine(*record, now_, outcome_).filled(fact);
        follow(*record, first);
    }
}

void Queue::abandoned(const Abandoned& fact) {
    if (UnitRecord* const record = find(fact.unit)) {
        ScopeMachine(*record, now_, outcome_).abandon();
    }
}

void Queue::conditions_checked(const ConditionsChecked& fact) {
    UnitRecord* const record = find(fact.unit);
    if (record == nullptr || !record->checking || record->job != fact.job) {
        return;  // the job is gone, or another one asks again
    }
    const UnitSettings& settings = record->unit.settings.unit;
    const Verdict conditions = judge_conditions(settings.conditions, fact.facts);
    const Verdict asserts = judge_conditions(settings.asserts, fact.facts);
    record->checking = false;
    record->condition_results = conditions.results;
    record->assert_results = asserts.results;
    record->status.condition_met = conditions.met;
    record->status.condition_asked = now_;
    record->assert_met = asserts.met;
    if (!conditions.met) {
        const std::string unmet = describe(*conditions.failed, false) + " is not met";
        tell(Severity::Note, record->unit.name, "not started: " + unmet);
        return finish(*record, JobResult::Done, unmet);
    }
    if (!asserts.met) {
        const std::string unmet = describe(*asserts.failed, true) + " is not met";
        tell(Severity::Error, record->unit.name, "can't be started: " + unmet);
        return finish(*record, JobResult::Assert, unmet);
    }
    drive(*record, StartRequested{});
}

void Queue::time_elapsed() {
    for (auto& [unit, record] : world_.units) {
        const auto deadline = record.status.next_deadline();
        const auto& wake = record.status.timer.wake_realtime;
        const bool due =
            (deadline && *deadline <= now_.monotonic) || (wake && *wake <= now_.realtime);
        if (!due) {
            continue;
        }
        const bool restart_due = record.status.state == ServiceState::AutoRestart;
        drive(record, TimeElapsed{});
        if (restart_due) {
            restart_automatically(record);
        }
    }
    jobs_timed_out();
}

void Queue::jobs_timed_out() {
    std::vector<std::string> late;
    for (const auto& [id, job] : world_.jobs) {
        if (job.deadline && *job.deadline <= now_.monotonic) {
            late.push_back(job.unit);
        }
    }
    for (const std::string& unit : late) {
        UnitRecord* const record = find(unit);
        if (record == nullptr || !record->job) {
            continue;
        }
        const Job job = world_.jobs.at(*record->job);
        tell(
            Severity::Warning,
            unit,
            fmt::format(
                "its {} job timed out (JobTimeoutSec=, JobRunningTimeoutSec=)", name(job.type)));
        finish(*record, JobResult::Timeout, "JobTimeoutSec= or JobRunningTimeoutSec= was over");
        ask_action(
            record->unit,
            record->unit.settings.unit.job_timeout_action,
            EXIT_FAILURE,
            "JobTimeoutAction=",
            record->unit.settings.unit.job_timeout_reboot_argument,
            outcome_);
    }
}

void Queue::restart_automatically(UnitRecord& record) {
    std::string why;
    if (record.unit.load_state == LoadState::Loaded) {
        // A job like any other, so that it can be seen, waited for and cancelled; a start that
        // somebody has queued meanwhile becomes part of it.
        auto job = request(
            record.unit.name, JobType::Restart, JobMode::Replace, caused_by(record, "Restart="));
        if (job) {
            return;
        }
        why = "not restarted: " + job.error().message;
    } else {
        why = fmt::format("not restarted: its unit file is {} now", name(record.unit.load_state));
    }
    const std::size_t first = outcome_.transitions.size();
    ServiceMachine(record, world_, false, now_, outcome_).give_up_restart(why);
    follow(record, first);
}

void Queue::reset_failed(const std::string& unit) {
    for (auto& [name, record] : world_.units) {
        if (unit.empty() || unit == name) {
            record.automatic_jobs.clear();
            drive(record, ResetFailed{name});
        }
    }
}

// ---- jobs ---------------------------------------------------------------------------------------

bool Queue::restarting(const UnitRecord& record) const {
    return record.job && world_.jobs.at(*record.job).type == JobType::Restart;
}

Result<JobId, RequestError> Queue::request(
    const std::string& unit, JobType type, JobMode mode, JobCause cause) {
    const Transaction transaction = HEARTH_TRY(plan_transaction(world_, unit, type, mode));
    cause.unit = unit;
    cause.type = type;
    return install(transaction, mode, cause);
}

JobId Queue::install(const Transaction& transaction, JobMode mode, const JobCause& cause) {
    for (const std::string& cycle : transaction.cycles) {
        tell(Severity::Warning, transaction.jobs.front().unit, cycle);
    }
    if (mode == JobMode::Isolate || mode == JobMode::Flush) {
        cancel_others(transaction, mode);
    }
    JobId first = 0;
    for (const PlannedJob& planned : transaction.jobs) {
        UnitRecord& record = *find(planned.unit);
        const JobId id = enqueue(record, planned, mode, cause);
        first = first == 0 ? id : first;
    }
    return first;
}

/// Jobs that the new state has no place for.
void Queue::cancel_others(const Transaction& transaction, JobMode mode) {
    std::set<std::string_view> kept;
    for (const PlannedJob& planned : transaction.jobs) {
        kept.insert(planned.unit);
    }
    for (auto& [unit, record] : world_.units) {
        if (record.job && !kept.contains(unit) &&
            world_.jobs.at(*record.job).mode != JobMode::ReplaceIrreversibly) {
            note(record, JobResult::Canceled, fmt::format("another job has mode {}", name(mode)));
            remove(record, JobResult::Canceled);
        }
    }
}

/// Makes the job part of the installed one; a contradicting one is cancelled.
JobId Queue::enqueue(UnitRecord& record, const PlannedJob& planned, JobMode mode, JobCause cause) {
    const JobType type = planned.type;
    if (record.job) {
        Job& installed = world_.jobs.at(*record.job);
        if (const auto both = merged(installed.type, type, record)) {
            if (mode == JobMode::ReplaceIrreversibly) {
                installed.mode = mode;
            }
            if (installed.state == JobState::Waiting || !covers(installed.type, type, record)) {
                if (installed.type != *both) {
                    installed.why = planned.why.empty() ? cause.why : planned.why;
                    installed.cause = std::move(cause);
                }
                installed.type = *both;
                installed.state = JobState::Waiting;
                wake(record);
            }
            return installed.id;
        }
        note(record, JobResult::Canceled, fmt::format("a {} job took its place", name(type)));
        remove(record, JobResult::Canceled);
    }
    if (type == JobType::Stop) {
        record.resumes = record.unit.settings.hearth.resume_with && cause.failure;
    }
    const JobId id = add(record, planned, mode, std::move(cause)).id;
    record.job = id;
    wake(record);
    return id;
}

/// A job that is over as soon as it is queued: there is nothing to do. It leaves the unit's own job
/// alone.
JobId Queue::enqueue_nothing(UnitRecord& record, JobMode mode) {
    const Job job = add(record, {record.unit.name, JobType::TryRestart, {}}, mode, {});
    world_.jobs.erase(job.id);
    outcome_.jobs.push_back({job, JobChange::What::Removed, JobResult::Done});
    return job.id;
}

Job& Queue::add(const UnitRecord& record, const PlannedJob& planned, JobMode mode, JobCause cause) {
    const JobId id = world_.next_job++;
    Job& job = world_.jobs[id];
    job.id = id;
    job.unit = record.unit.name;
    job.type = planned.type;
    job.mode = mode;
    job.queued = now_;
    job.why = planned.why.empty() ? cause.why : planned.why;
    job.cause = std::move(cause);
    shorten(job.deadline, now_.monotonic, record.unit.settings.unit.job_timeout);
    outcome_.jobs.push_back({job, JobChange::What::Queued, JobResult::Done});
    return job;
}

void Queue::begin(UnitRecord& record) {
    Job& job = world_.jobs.at(*record.job);
    job.state = JobState::Running;
    shorten(job.deadline, now_.monotonic, record.unit.settings.unit.job_running_timeout);
    outcome_.jobs.push_back({job, JobChange::What::Running, JobResult::Done});
}

void Queue::remove(UnitRecord& record, JobResult result) {
    const auto found = world_.jobs.find(*record.job);
    outcome_.jobs.push_back({found->second, JobChange::What::Removed, result});
    world_.jobs.erase(found);
    record.job.reset();
    record.checking = false;
    tell_triggers(record);
    wake_around(record);
    recheck_around(record);
}

void Queue::cancel(UnitRecord& record, const Requester& by) {
    finish(record, JobResult::Canceled, "canceled by " + describe(by));
}

void Queue::finish(UnitRecord& record, JobResult result) {
    Job& job = world_.jobs.at(*record.job);
    const JobType type = job.type;
    if (type == JobType::Restart && result == JobResult::Done) {
        job.type = JobType::Start;  // the first half is done
        job.state = JobState::Waiting;
        wake(record);
        wake_around(record);
        return;
    }
    remove(record, result);
    failing_.push_back({record.unit.name, type, result});
    if (result == JobResult::Timeout || result == JobResult::Dependency) {
        start_on(record, Relation::OnFailure, record.unit.settings.unit.on_failure_job_mode);
    }
}

void Queue::wake(UnitRecord& record) {
    if (record.job && world_.jobs.at(*record.job).state == JobState::Waiting) {
        ready_.push_back(record.unit.name);
    }
}

/// The jobs that may have waited for this one.
void Queue::wake_around(const UnitRecord& record) {
    world_.for_each_dependency(
        record, [this](Relation relation, std::string_view other, DependencySource) {
            if (relation == Relation::Before || relation == Relation::After) {
                if (UnitRecord* const neighbour = find(other)) {
                    wake(*neighbour);
                }
            }
        });
}

void Queue::settle() {
    for (;;) {
        if (!failing_.empty()) {
            const Failing next = std::move(failing_.front());
            failing_.pop_front();
            fail_around(next.unit, next.type, next.result);
        } else if (!ready_.empty()) {
            const std::string next = std::move(ready_.front());
            ready_.pop_front();
            if (UnitRecord* const record = find(next)) {
                run(*record);
            }
        } else if (!triggered_.empty()) {
            const std::string next = std::move(triggered_.front());
            triggered_.pop_front();
            if (UnitRecord* const record = find(next)) {
                trigger_changed(*record);
            }
        } else if (!recheck_.empty()) {
            const std::string next = std::move(recheck_.front());
            recheck_.pop_front();
            if (UnitRecord* const record = find(next)) {
                recheck(*record);
            }
        } else {
            return;
        }
    }
}

// ---- the entrance -------------------------------------------------------------------------------

Outcome step(World& world, const Event& event, Moment now) {
    Outcome outcome;
    Queue queue(world, now, outcome);
    match(event)(
        [&](const Launched& fact) { queue.fact(fact.unit, fact); },
        [&](const LaunchFailed& fact) { queue.fact(fact.unit, fact); },
        [&](const ProcessExited& fact) { queue.fact(fact.unit, fact); },
        [&](const CgroupChanged& fact) { queue.fact(fact.unit, fact); },
        [&](const OutOfMemoryKilled& fact) { queue.fact(fact.unit, fact); },
        [&](const Notified& fact) { queue.fact(fact.unit, fact); },
        [&](const MainProcessFound& fact) { queue.fact(fact.unit, fact); },
        [&](const StoredDescriptorEnded& fact) { queue.fact(fact.unit, fact); },
        [&](const BusNameChanged& fact) { queue.fact(fact.unit, fact); },
        [&](const TimeElapsed&) { queue.time_elapsed(); },
        [&](const UnitLoaded& fact) { queue.loaded(fact.unit); },
        [&](const UnitsLoaded& fact) {
            for (const Unit& unit : fact.units) {
                queue.loaded(unit);
            }
        },
        [&](const UnitsRestored& fact) {
            for (const KeptUnit& unit : fact.units) {
                queue.restored(unit, fact);
            }
        },
        [&](const ConditionsChecked& fact) { queue.conditions_checked(fact); },
        [&](const PresenceChanged& fact) { queue.presence_changed(fact); },
        [&](const ScopeFilled& fact) { queue.scope_filled(fact); },
        [&](const Abandoned& fact) { queue.abandoned(fact); },
        [&](const ClockChanged&) { queue.clock_changed(); },
        [&](const ZonesRead& fact) { queue.zones_read(fact); },
        [&](const TimerStampRead& fact) { queue.timer_stamp_read(fact); },
        [&](const PathsSeen& fact) { queue.paths_seen(fact); },
        [&](const AutofsMounted& fact) { queue.autofs_mounted(fact); },
        [&](const AutofsAsked& fact) { queue.autofs_asked(fact); },
        [&](const AutofsGone& fact) { queue.autofs_gone(fact); },
        [&](const SignalSent& fact) { queue.signal_sent(fact); },
        [&](const ResetFailed& request) { queue.reset_failed(request.unit); });
    queue.settle();
    return outcome;
}

}  // namespace hearth
