// SPDX-License-Identifier: MIT
//
// What a job does when its turn has come, and when that is.
#include <utility>

#include "units/engine_queue.hpp"
#include "units/job.hpp"
#include "units/unit_name.hpp"

namespace hearth {

void Queue::run(UnitRecord& record) {
    while (record.job && world_.jobs.at(*record.job).state == JobState::Waiting &&
           may_run(record)) {
        if (!perform(record, world_.jobs.at(*record.job).type)) {
            return;  // waits for the unit to come to another state
        }
    }
}

/// Whether no job that goes first is left. systemd.unit(5), Before=.
bool Queue::may_run(const UnitRecord& record) const {
    bool may = true;
    world_.for_each_dependency(
        record, [&](Relation relation, std::string_view other, DependencySource) {
            may = may && job_before(world_, record, relation, other) == nullptr;
        });
    return may;
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
            return start_at_rest(record);
    }
    return false;
}

/// BindsTo= with After=: what it is bound to must be there by now.
const Dependency* Queue::lacks_what_it_binds_to(const UnitRecord& record) const {
    for (const Dependency& each : record.unit.dependencies) {
        if (each.relation != Relation::BindsTo ||
            !world_.has_dependency(record, Relation::After, each.unit)) {
            continue;
        }
        const UnitRecord* const other = std::as_const(world_).find(each.unit);
        const ActiveState state = other == nullptr ? ActiveState::Inactive : other->active_state();
        if (state != ActiveState::Active && state != ActiveState::Reloading) {
            return &each;
        }
    }
    return nullptr;
}

bool Queue::start_at_rest(UnitRecord& record) {
    if (record.unit.load_state != LoadState::Loaded) {
        finish(
            record,
            JobResult::Failed,
            "its unit file is " + std::string(name(record.unit.load_state)));
        return true;
    }
    if (const Dependency* const lacking = lacks_what_it_binds_to(record)) {
        const UnitRecord* const other = find(lacking->unit);
        record.resumes = record.unit.settings.hearth.resume_with;
        finish(
            record,
            JobResult::Dependency,
            "BindsTo=" + lacking->unit,
            other == nullptr ? Because{} : last_change(*other));
        return true;
    }
    const UnitSettings& settings = record.unit.settings.unit;
    switch (unit_type(record.unit.name)) {
        case UnitType::Service:
        case UnitType::Target:
        case UnitType::Slice:
        case UnitType::Scope:
        case UnitType::Mount:
        case UnitType::Swap:
        case UnitType::Automount:
        case UnitType::Timer:
        case UnitType::Path:
            begin(record);
            if (settings.conditions.empty() && settings.asserts.empty()) {
                record.assert_met = true;
                record.status.condition_met = true;
                record.status.condition_asked = now_;
                drive(record, StartRequested{});
            } else {
                record.checking = true;
                outcome_.actions.emplace_back(CheckConditions{record.unit.name, *record.job});
            }
            return true;
        case UnitType::Device:
            begin(record);  // until the kernel has it, or the job's time is over
            return true;
        case UnitType::Socket:
            finish(record, JobResult::Unsupported, "units of its type are not built yet");
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
            if (unmounts_first(record)) {
                return false;
            }
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
            finish(record, JobResult::Skipped, "it is not active");
            return true;
    }
    return false;
}

}  // namespace hearth
