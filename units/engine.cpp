// SPDX-License-Identifier: MIT
//
// The queue of jobs and the one way into the service machine. A fact drives the machine of its
// unit; the transitions that come of it end or resume the unit's job; a job that can go on drives
// the machine again, until nothing moves. Each round of that loop consumes a job's phase, so it
// ends.
#include "units/engine.hpp"

#include <fmt/format.h>

#include <utility>

#include "units/engine_match.hpp"
#include "units/engine_queue.hpp"
#include "units/job.hpp"
#include "units/service_machine.hpp"

namespace hearth {

// ---- driving the machine ------------------------------------------------------------------------

void Queue::drive(UnitRecord& record, const ServiceEvent& event) {
    const std::size_t first = outcome_.transitions.size();
    ServiceMachine(record, world_, restarting(record), now_, outcome_).on(event);
    follow(record, first);
}

/// What the transitions from `first` on mean for the unit's job.
void Queue::follow(UnitRecord& record, std::size_t first) {
    for (std::size_t index = first; index < outcome_.transitions.size() && record.job; ++index) {
        const ActiveState state =
            active_state(outcome_.transitions[index].to, record.unit.settings.service.type);
        const auto result =
            job_result(world_.jobs.at(*record.job), state, record.status.reload_result);
        if (result) {
            finish(record, *result);
        }
    }
}

void Queue::fact(const std::string& unit, const ServiceEvent& event) {
    const auto found = world_.units.find(unit);
    if (found == world_.units.end()) {
        return;
    }
    drive(found->second, event);
    run(found->second);
}

void Queue::time_elapsed() {
    for (auto& [unit, record] : world_.units) {
        const auto deadline = record.status.next_deadline();
        if (!deadline || *deadline > now_.monotonic) {
            continue;
        }
        const bool restart_due = record.status.state == ServiceState::AutoRestart;
        drive(record, TimeElapsed{});
        if (restart_due) {
            restart_automatically(record);
        }
        run(record);
    }
}

void Queue::restart_automatically(UnitRecord& record) {
    if (record.unit.load_state == LoadState::Loaded) {
        // A job like any other, so that it can be seen, waited for and cancelled; a start that
        // somebody has queued meanwhile becomes part of it.
        enqueue(record, JobType::Restart, JobMode::Replace);
        return;
    }
    const std::size_t first = outcome_.transitions.size();
    ServiceMachine(record, world_, false, now_, outcome_)
        .give_up_restart(
            fmt::format("not restarted: its unit file is {} now", name(record.unit.load_state)));
    follow(record, first);
}

void Queue::reset_failed(const std::string& unit) {
    for (auto& [name, record] : world_.units) {
        if (unit.empty() || unit == name) {
            drive(record, ResetFailed{name});
            run(record);
        }
    }
}

// ---- jobs ---------------------------------------------------------------------------------------

bool Queue::restarting(const UnitRecord& record) const {
    return record.job && world_.jobs.at(*record.job).type == JobType::Restart;
}

JobId Queue::enqueue(UnitRecord& record, JobType type, JobMode mode) {
    if (record.job) {
        Job& installed = world_.jobs.at(*record.job);
        if (const auto both = merged(installed.type, type, record)) {
            const JobId id = installed.id;
            if (mode == JobMode::ReplaceIrreversibly) {
                installed.mode = mode;
            }
            if (installed.state == JobState::Waiting || !covers(installed.type, type, record)) {
                installed.type = *both;
                installed.state = JobState::Waiting;
                run(record);
            }
            return id;
        }
        remove(record, JobResult::Canceled);
    }
    const JobId id = add(record, type, mode).id;
    record.job = id;
    run(record);
    return id;
}

/// A job that is over as soon as it is queued: there is nothing to do. It leaves the unit's own job
/// alone.
JobId Queue::enqueue_nothing(UnitRecord& record, JobMode mode) {
    const Job job = add(record, JobType::TryRestart, mode);
    world_.jobs.erase(job.id);
    outcome_.jobs.push_back({job, JobChange::What::Removed, JobResult::Done});
    return job.id;
}

Job& Queue::add(const UnitRecord& record, JobType type, JobMode mode) {
    const JobId id = world_.next_job++;
    Job& job = world_.jobs[id];
    job = {id, record.unit.name, type, mode, JobState::Waiting, now_};
    outcome_.jobs.push_back({job, JobChange::What::Queued, JobResult::Done});
    return job;
}

void Queue::flush(const std::string& except) {
    for (auto& [unit, record] : world_.units) {
        if (unit != except && record.job &&
            world_.jobs.at(*record.job).mode != JobMode::ReplaceIrreversibly) {
            remove(record, JobResult::Canceled);
        }
    }
}

void Queue::remove(UnitRecord& record, JobResult result) {
    const auto found = world_.jobs.find(*record.job);
    outcome_.jobs.push_back({found->second, JobChange::What::Removed, result});
    world_.jobs.erase(found);
    record.job.reset();
}

void Queue::finish(UnitRecord& record, JobResult result) {
    Job& job = world_.jobs.at(*record.job);
    if (job.type == JobType::Restart && result == JobResult::Done) {
        job.type = JobType::Start;  // the first half is done
        job.state = JobState::Waiting;
        return;
    }
    remove(record, result);
}

void Queue::run(UnitRecord& record) {
    while (record.job && world_.jobs.at(*record.job).state == JobState::Waiting) {
        if (!perform(record, world_.jobs.at(*record.job).type)) {
            return;  // waits for the unit to come to another state
        }
    }
}

void Queue::begin(UnitRecord& record) {
    Job& job = world_.jobs.at(*record.job);
    job.state = JobState::Running;
    outcome_.jobs.push_back({job, JobChange::What::Running, JobResult::Done});
}

/// Tries the waiting job of `record`. False: not yet.
bool Queue::perform(UnitRecord& record, JobType type) {
    switch (type) {
        using enum JobType;
        case Start:
        case ReloadOrStart:
            return perform_start(record);
        case Stop:
        case Restart:
        case TryRestart:
            return perform_stop(record);
        case Reload:
            return perform_reload(record);
        case VerifyActive:
            return perform_verify(record);
    }
    return false;
}

bool Queue::perform_start(UnitRecord& record) {
    switch (record.active_state()) {
        using enum ActiveState;
        case Active:
        case Reloading:
            finish(record, JobResult::Done);
            return true;
        case Deactivating:
            return false;
        case Activating:
            if (record.status.state != ServiceState::AutoRestart) {
                begin(record);
                return true;
            }
            if (record.status.deadline) {
                return false;  // systemd.service(5): the restart itself does it, after RestartSec=
            }
            drive(record, StopRequested{});  // RestartSec=infinity: nothing would ever come
            return true;
        case Inactive:
        case Failed:
            if (record.unit.load_state != LoadState::Loaded) {
                finish(record, JobResult::Failed);
                return true;
            }
            begin(record);
            drive(record, StartRequested{});
            return true;
    }
    return false;
}

bool Queue::perform_stop(UnitRecord& record) {
    switch (record.active_state()) {
        using enum ActiveState;
        case Inactive:
        case Failed:
            finish(record, JobResult::Done);
            return true;
        case Active:
        case Reloading:
        case Activating:
        case Deactivating:
            begin(record);
            drive(record, StopRequested{});
            return true;
    }
    return false;
}

bool Queue::perform_reload(UnitRecord& record) {
    switch (record.active_state()) {
        using enum ActiveState;
        case Active:
            if (record.status.state != ServiceState::Running &&
                record.status.state != ServiceState::Exited) {
                finish(record, JobResult::Invalid);  // idle, still on its way
            } else if (!can_reload(record.unit)) {
                finish(record, JobResult::Skipped);  // gone since the job was queued
            } else {
                begin(record);
                drive(record, ReloadRequested{});
            }
            return true;
        case Reloading:
            return false;
        case Inactive:
        case Failed:
        case Activating:
        case Deactivating:
            finish(record, JobResult::Invalid);
            return true;
    }
    return false;
}

bool Queue::perform_verify(UnitRecord& record) {
    switch (record.active_state()) {
        using enum ActiveState;
        case Active:
        case Reloading:
            finish(record, JobResult::Done);
            return true;
        case Activating:
            return false;
        case Inactive:
        case Failed:
        case Deactivating:
            finish(record, JobResult::Skipped);
            return true;
    }
    return false;
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
        [&](const ResetFailed& request) { queue.reset_failed(request.unit); });
    return outcome;
}

}  // namespace hearth
