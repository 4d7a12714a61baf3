// SPDX-License-Identifier: MIT
//
// Taking in a unit's text, for the first time or again (daemon-reload), and forgetting units that
// have none. A service that runs goes on running: a good new text replaces the old one at once and
// rules what comes next; a text that can't be read, or is gone, changes nothing of how the service
// is run.
#include <fmt/format.h>

#include <utility>

#include "units/engine_queue.hpp"
#include "units/restart_policy.hpp"

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

void replace(UnitRecord& record, const Unit& unit) {
    keep_history(record.unit, unit, record.status);
    record.unit = unit;
    record.need_daemon_reload = false;
    if (record.status.state == ServiceState::Running) {
        record.status.deadline = runtime_deadline(record);
    }
}

}  // namespace

void Queue::loaded(const Unit& unit) {
    const auto found = world_.units.find(unit.name);
    if (found == world_.units.end()) {
        world_.units[unit.name].unit = unit;
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
            outcome_.actions.push_back(Tell{
                Severity::Warning,
                unit.name,
                fmt::format(
                    "its unit file is {} now; the service goes on as it was started and can't be "
                    "started again",
                    name(unit.load_state))});
            return;
        case LoadState::Stub:
        case LoadState::BadSetting:
        case LoadState::Error:
            record.need_daemon_reload = true;
            outcome_.actions.push_back(Tell{
                Severity::Warning,
                unit.name,
                "its unit file can't be loaded any more; the service goes on with the settings it "
                "had"});
            return;
    }
}

std::vector<std::string> collect(World& world) {
    std::vector<std::string> gone;
    for (const auto& [name, record] : world.units) {
        const bool has_text = record.unit.load_state == LoadState::Loaded;
        const bool dead = record.status.state == ServiceState::Dead && !record.status.launch &&
                          !record.status.cgroup_populated;
        if (!has_text && dead && !record.job) {
            gone.push_back(name);
        }
    }
    for (const std::string& name : gone) {
        world.units.erase(name);
    }
    return gone;
}

}  // namespace hearth
