// SPDX-License-Identifier: MIT
//
// Units that start another one: timers, paths, automounts. Their machines say when; the jobs are
// queued here, and what becomes of the started unit is told back to them, once what caused it has
// settled.
#include <fmt/format.h>

#include <optional>
#include <utility>
#include <variant>

#include "units/automount_machine.hpp"
#include "units/engine_queue.hpp"
#include "units/path_machine.hpp"
#include "units/timer_machine.hpp"
#include "units/trigger.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

std::string reason_of(const UnitRecord& record) {
    return std::string(name(Relation::Triggers)) + "= of " + record.unit.name;
}

}  // namespace

UnitRecord* Queue::trigger_of(const UnitRecord& record) {
    return find(triggered_unit(record.unit));
}

/// A start, stop, reset-failed or passed deadline of a unit that triggers another.
void Queue::drive_trigger(UnitRecord& record, const ServiceEvent& event) {
    const bool starts = std::holds_alternative<StartRequested>(event);
    const bool stops = std::holds_alternative<StopRequested>(event);
    const bool forgets = std::holds_alternative<ResetFailed>(event);
    const auto apply = [&](auto machine) {
        if (starts) {
            machine.start();
        } else if (stops) {
            machine.stop();
        } else if (forgets) {
            machine.forget();
        }
    };
    switch (unit_type(record.unit.name)) {
        case UnitType::Timer:
            apply(TimerMachine(record, trigger_of(record), world_, now_, outcome_));
            if (std::holds_alternative<TimeElapsed>(event)) {
                timer_elapsed(record);
            }
            break;
        case UnitType::Path:
            apply(PathMachine(record, trigger_of(record), now_, outcome_));
            break;
        case UnitType::Automount: {
            AutomountMachine machine(record, trigger_of(record), now_, outcome_);
            apply(machine);
            if (std::holds_alternative<TimeElapsed>(event)) {
                machine.time_elapsed();
            }
            break;
        }
        default:
            break;
    }
}

/// Queues the start of what `record` triggers; the reason why not, else nothing.
std::optional<std::string> Queue::trigger(const UnitRecord& record, ActivationDetails details) {
    UnitRecord* const other = trigger_of(record);
    if (other == nullptr) {
        return triggered_unit(record.unit) + ", its unit, is gone";
    }
    const bool rests = at_rest(other->active_state());
    auto job = request(
        other->unit.name, JobType::Start, JobMode::Replace, caused_by(record, reason_of(record)));
    if (!job) {
        return job.error().message;
    }
    if (rests) {
        details.trigger_unit = record.unit.name;
        other->activation = std::move(details);
    }
    return std::nullopt;
}

bool Queue::is_stopping(const UnitRecord& record) const {
    return record.job && world_.jobs.at(*record.job).type == JobType::Stop;
}

void Queue::timer_elapsed(UnitRecord& record) {
    if (TimerMachine(record, trigger_of(record), world_, now_, outcome_).is_due()) {
        elapse(record, "its time has come");
    }
}

void Queue::elapse(UnitRecord& record, std::string cause) {
    if (is_stopping(record)) {
        return;
    }
    const std::size_t first = outcome_.transitions.size();
    TimerMachine(record, trigger_of(record), world_, now_, outcome_).elapse(std::move(cause));
    follow(record, first);
    ActivationDetails details;
    details.timer = now_;
    if (const auto refused = trigger(record, std::move(details))) {
        const std::size_t then = outcome_.transitions.size();
        TimerMachine(record, trigger_of(record), world_, now_, outcome_)
            .fail(ServiceResult::Resources, *refused);
        follow(record, then);
    }
}

void Queue::timer_stamp_read(const TimerStampRead& fact) {
    if (UnitRecord* const record = find(fact.unit)) {
        const std::size_t first = outcome_.transitions.size();
        TimerMachine(*record, trigger_of(*record), world_, now_, outcome_)
            .stamp_read(fact.realtime);
        follow(*record, first);
    }
}

/// Calls visit(record, machine) for each timer; true from it: the timer elapses.
template <class Visit>
void Queue::for_each_timer(const char* cause, Visit visit) {
    for (auto& [unit, record] : world_.units) {
        if (unit_type(unit) != UnitType::Timer) {
            continue;
        }
        const std::size_t first = outcome_.transitions.size();
        TimerMachine machine(record, trigger_of(record), world_, now_, outcome_);
        const bool elapses = visit(machine);
        follow(record, first);
        if (elapses) {
            elapse(record, cause);
        }
    }
}

void Queue::clock_changed() {
    for_each_timer("OnClockChange=", [](TimerMachine& timer) { return timer.clock_changed(); });
    time_elapsed();
}

void Queue::zones_read(const ZonesRead& fact) {
    bool changed = fact.local_changed;
    for (const auto& [zone, rules] : fact.zones) {
        const auto known = world_.zones.find(zone);
        changed = changed || known == world_.zones.end() || known->second != rules;
        world_.zones.insert_or_assign(zone, rules);
    }
    if (changed) {
        for_each_timer("OnTimezoneChange=", [&](TimerMachine& timer) {
            return timer.zone_changed(fact.local_changed);
        });
    }
}

void Queue::paths_seen(const PathsSeen& fact) {
    UnitRecord* const record = find(fact.unit);
    if (record == nullptr || is_stopping(*record)) {
        return;
    }
    const std::size_t first = outcome_.transitions.size();
    PathMachine machine(*record, trigger_of(*record), now_, outcome_);
    const auto path = machine.seen(fact);
    const bool runs = path && machine.run(*path);
    follow(*record, first);
    if (!runs) {
        return;
    }
    ActivationDetails details;
    details.path = *path;
    if (const auto refused = trigger(*record, std::move(details))) {
        const std::size_t then = outcome_.transitions.size();
        machine.fail(ServiceResult::Resources, *refused);
        follow(*record, then);
    }
}

void Queue::autofs_mounted(const AutofsMounted& fact) {
    if (UnitRecord* const record = find(fact.unit)) {
        const std::size_t first = outcome_.transitions.size();
        AutomountMachine(*record, trigger_of(*record), now_, outcome_).mounted(fact);
        follow(*record, first);
    }
}

void Queue::autofs_gone(const AutofsGone& fact) {
    if (UnitRecord* const record = find(fact.unit)) {
        const std::size_t first = outcome_.transitions.size();
        AutomountMachine(*record, trigger_of(*record), now_, outcome_).gone();
        follow(*record, first);
    }
}

void Queue::autofs_asked(const AutofsAsked& fact) {
    UnitRecord* const record = find(fact.unit);
    if (record == nullptr) {
        return;
    }
    AutomountMachine machine(*record, trigger_of(*record), now_, outcome_);
    std::size_t first = outcome_.transitions.size();
    const bool goes_on = machine.asked(fact);
    follow(*record, first);
    if (!goes_on) {
        return;
    }
    std::optional<std::string> refused;
    if (fact.expires) {
        auto job = request(
            triggered_unit(record->unit),
            JobType::Stop,
            JobMode::Replace,
            caused_by(*record, "TimeoutIdleSec= of " + record->unit.name));
        refused = job ? std::nullopt : std::optional(job.error().message);
    } else {
        refused = is_stopping(*record) ? std::optional<std::string>("it is being stopped")
                                       : trigger(*record, {});
    }
    if (refused) {
        tell(Severity::Warning, record->unit.name, *refused);
        first = outcome_.transitions.size();
        machine.refused(fact);
        follow(*record, first);
    }
}

/// A unit has changed, or lost its job: those that trigger it are told when that has settled.
void Queue::tell_triggers(const UnitRecord& record) {
    world_.for_each_dependency(
        record, [this](Relation relation, std::string_view other, DependencySource) {
            if (relation == Relation::TriggeredBy) {
                triggered_.emplace_back(other);
            }
        });
}

void Queue::trigger_changed(UnitRecord& record) {
    const std::size_t first = outcome_.transitions.size();
    switch (unit_type(record.unit.name)) {
        case UnitType::Timer:
            TimerMachine(record, trigger_of(record), world_, now_, outcome_).trigger_changed();
            break;
        case UnitType::Path:
            PathMachine(record, trigger_of(record), now_, outcome_).trigger_changed();
            break;
        case UnitType::Automount:
            AutomountMachine(record, trigger_of(record), now_, outcome_).mount_changed();
            break;
        default:
            return;
    }
    follow(record, first);
}

/// An automount point can't go while something is mounted over it: that is asked to go, once, and
/// the automount's job waits, for the mount comes after it.
bool Queue::unmounts_first(UnitRecord& record) {
    if (unit_type(record.unit.name) != UnitType::Automount) {
        return false;
    }
    const UnitRecord* const mount = trigger_of(record);
    const bool over = mount != nullptr && !at_rest(mount->active_state());
    if (!over || mount->job || std::exchange(record.status.stop_requested, true)) {
        return over && mount->job && is_stopping(*mount);
    }
    const auto asked = request(
        mount->unit.name,
        JobType::Stop,
        JobMode::Replace,
        caused_by(record, "it is mounted over " + record.unit.name));
    return asked && mount->job;
}

/// The text of a unit that triggers another is a new one.
void Queue::trigger_reloaded(UnitRecord& record, const Settings& before) {
    const std::size_t first = outcome_.transitions.size();
    const Settings& after = record.unit.settings;
    switch (unit_type(record.unit.name)) {
        case UnitType::Timer:
            if (before.timer != after.timer) {
                TimerMachine(record, trigger_of(record), world_, now_, outcome_).reloaded();
            }
            break;
        case UnitType::Path:
            if (before.path != after.path) {
                PathMachine(record, trigger_of(record), now_, outcome_).reloaded();
            }
            break;
        default:
            return;
    }
    follow(record, first);
}

}  // namespace hearth
