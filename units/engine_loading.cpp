// SPDX-License-Identifier: MIT
//
// Taking in a unit's text, for the first time or again (daemon-reload), and forgetting units that
// have none. A service that runs goes on running: a good new text replaces the old one at once and
// rules what comes next; a text that can't be read, or is gone, changes nothing of how the service
// is run.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "units/engine_queue.hpp"
#include "units/restart_policy.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

bool at_rest(const UnitRecord& record) {
    return record.status.state == ServiceState::Dead || record.status.state == ServiceState::Failed;
}

/// The records of commands that are still in the text keep their place.
void keep_history(const Unit& before, const Unit& after, ServiceStatus& status) {
    for (std::size_t index = 0; index < exec_kinds; ++index) {
        const auto kind = static_cast<ExecKind>(index);
        const CommandLines& old_lines = commands(before, kind);
        const CommandLines& new_lines = commands(after, kind);
        std::vector<ProcessRecord>& records = status.history[index];
        records.resize(new_lines.size());
        for (std::size_t line = 0; line < records.size(); ++line) {
            if (line >= old_lines.size() || old_lines[line] != new_lines[line]) {
                records[line] = {};
            }
        }
    }
}

}  // namespace

void Queue::replace(UnitRecord& record, const Unit& unit) {
    const Settings before = record.unit.settings;
    keep_history(record.unit, unit, record.status);
    if (record.unit.dependencies == unit.dependencies) {
        record.unit = unit;
    } else {
        world_.unlink(record.unit);
        record.unit = unit;
        world_.link(record.unit);
    }
    adopt_aliases(unit);
    record.need_daemon_reload = false;
    record.kept_because.clear();
    const UnitType type = unit_type(unit.name);
    if (record.status.state == ServiceState::Running &&
        (type == UnitType::Service || type == UnitType::Scope)) {
        record.status.deadline = runtime_deadline(record);
    }
    trigger_reloaded(record, before);
    recheck_around(record);
}

/// The unit's other names lead to it from now on. What stands there under such a name and runs
/// keeps it until it has ended and is loaded again.
void Queue::adopt_aliases(const Unit& unit) {
    const auto gone = std::erase_if(world_.aliases, [&](const auto& each) {
        return each.second == unit.name &&
               std::ranges::find(unit.aliases, each.first) == unit.aliases.end();
    });
    if (gone > 0) {
        world_.relink();
    }
    for (const std::string& alias : unit.aliases) {
        const auto other = world_.units.find(alias);
        if (other != world_.units.end()) {
            if (!at_rest(other->second) || other->second.job) {
                tell(
                    Severity::Warning,
                    alias,
                    "it is an alias of " + unit.name + " now, and goes on as its own unit until " +
                        "it is stopped");
                continue;
            }
            world_.unlink(other->second.unit);
            world_.units.erase(other);
        }
        world_.aliases[alias] = unit.name;
        world_.move_incoming(alias, unit.name);
    }
}

void Queue::loaded(const Unit& unit) {
    const auto found = world_.units.find(unit.name);
    if (found == world_.units.end()) {
        UnitRecord& record = world_.units[unit.name];
        world_.aliases.erase(unit.name);
        record.unit = unit;
        world_.link(unit);
        adopt_aliases(unit);
        recheck_around(record);
        if (unit.built_in && unit.starts_active) {
            record.status.state = ServiceState::Running;
            record.state_change = record.inactive_exit = record.active_enter = now_;
        }
        return;
    }
    UnitRecord& record = found->second;
    if (at_rest(record)) {
        return replace(record, unit);
    }
    switch (unit.load_state) {
        case LoadState::Loaded:
        case LoadState::Merged:
            return replace(record, unit);
        case LoadState::NotFound:
        case LoadState::Masked:
            record.unit.load_state = unit.load_state;
            record.need_daemon_reload = false;
            tell(
                Severity::Warning,
                unit.name,
                fmt::format(
                    "its unit file is {} now; the service goes on as it was started and can't be "
                    "started again",
                    name(unit.load_state)));
            return;
        case LoadState::Stub:
        case LoadState::BadSetting:
        case LoadState::Error:
            record.need_daemon_reload = true;
            record.kept_because = unit.refusals;
            tell(
                Severity::Warning,
                unit.name,
                "its unit file can't be loaded any more; the service goes on with the settings it "
                "had");
            return;
    }
}

/// The unit goes on from where the earlier manager left it. What that one held itself is gone: its
/// descriptors but those `held`, and what it was just looking at, which is looked at again.
namespace {

/// The last WATCHDOG=1 may not have been written down: better a hung service found a little later
/// than one ended that lives. From the recorded time, so that one hearthd after the other doesn't
/// put it off for ever.
void extend_watchdog(UnitRecord& record, std::uint64_t lag) {
    ServiceStatus& status = record.status;
    if (!status.watchdog_deadline) {
        return;
    }
    const std::uint64_t interval = watchdog(record).microseconds;
    const std::uint64_t from = status.watchdog_at.monotonic + lag;
    if (interval < UINT64_MAX - from) {
        status.watchdog_deadline = std::max(*status.watchdog_deadline, from + interval);
    }
}

}  // namespace

void Queue::restored(const KeptUnit& unit, const UnitsRestored& fact) {
    UnitRecord* const record = find(unit.name);
    // A mount may have been seen already, as if it were a stranger's.
    const UnitType type = record == nullptr ? UnitType::Target : unit_type(record->unit.name);
    const bool seen = (type == UnitType::Mount || type == UnitType::Swap) &&
                      record->status.state == ServiceState::Running;
    if (record == nullptr || (!at_rest(*record) && !seen) || record->job) {
        return;
    }
    record->status = unit.status;
    ServiceStatus& status = record->status;
    const std::size_t lost = std::erase_if(status.stored, [&](const StoredDescriptor& stored) {
        return !fact.held.contains(stored.id);
    });
    extend_watchdog(*record, fact.signs_of_life_lag);
    if (lost > 0) {
        tell(
            Severity::Warning,
            unit.name,
            fmt::format("{} descriptors that it stored are lost", lost));
    }
    if (type == UnitType::Path && status.state == ServiceState::Waiting) {
        status.path.look = PathLook::Resumed;
        outcome_.actions.emplace_back(WatchPaths{record->unit.name});
    }
    if (status.timer.reads_stamp) {
        outcome_.actions.emplace_back(ReadTimerStamp{record->unit.name});
    }
    // What it triggers may have ended meanwhile; a timer that waits goes on with the time it has.
    const bool runs = status.state == ServiceState::Running;
    if (type == UnitType::Automount ||
        (runs && (type == UnitType::Timer || type == UnitType::Path))) {
        triggered_.push_back(record->unit.name);
    }
    if (status.health_launch) {
        status.health_launch.reset();
        status.health_deadline = now_.monotonic;
    }
    if (status.searching) {
        outcome_.actions.emplace_back(FindMainProcess{record->unit.name});
    }
    record->assert_met = unit.assert_met;
    record->resumes = unit.resumes;
    record->activation = unit.activation;
    record->condition_results = unit.condition_results;
    record->assert_results = unit.assert_results;
    record->state_change = unit.state_change;
    record->active_enter = unit.active_enter;
    record->active_exit = unit.active_exit;
    record->inactive_enter = unit.inactive_enter;
    record->inactive_exit = unit.inactive_exit;
    record->changes = unit.changes;
    world_.next_change = std::max(world_.next_change, unit.next_change);
    world_.next_job = std::max(world_.next_job, unit.next_job);
    world_.next_launch = std::max(world_.next_launch, unit.next_launch);
    if (!unit.job) {
        return;
    }
    Job& job = world_.jobs[unit.job->id] = *unit.job;
    job.unit = record->unit.name;
    record->job = job.id;
    if (unit.checking) {
        job.state = JobState::Waiting;  // begins anew, with its conditions
    }
    outcome_.jobs.push_back({job, JobChange::What::Queued, JobResult::Done});
    wake(*record);
}

std::vector<std::string> collect(
    World& world, const std::function<bool(const std::string& unit)>& held) {
    std::vector<std::string> gone;
    for (const auto& [name, record] : world.units) {
        const bool has_text = record.unit.load_state == LoadState::Loaded && !record.unit.transient;
        const bool referenced = world.incoming.contains(name);
        const bool quiet = !record.status.launch && !record.status.cgroup_populated && !record.job;
        const bool forgotten =
            record.status.state == ServiceState::Failed &&
            record.unit.settings.unit.collect_mode == CollectMode::InactiveOrFailed;
        const bool dead = record.status.state == ServiceState::Dead && !has_text;
        if (quiet && !referenced && (dead || forgotten) && !(held && held(name))) {
            gone.push_back(name);
        }
    }
    for (const std::string& name : gone) {
        const auto found = world.units.find(name);
        world.unlink(found->second.unit);
        std::erase_if(world.aliases, [&](const auto& each) { return each.second == name; });
        world.units.erase(found);
    }
    return gone;
}

}  // namespace hearth
