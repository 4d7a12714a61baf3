// SPDX-License-Identifier: MIT
//
// Taking over what an earlier hearthd left (DESIGN 1): the files of saving.cpp are read, the
// processes that still are the recorded ones are watched, those that are gone are told of. Nothing
// is restarted because of it. What was under way goes on in settling.cpp, once all is written down.
#include <algorithm>
#include <csignal>

#include "supervisor/activation_lines.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/log.hpp"
#include "supervisor/now.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "units/state.hpp"
#include "units/unit_name.hpp"

namespace hearth {

// ---- taking over --------------------------------------------------------------------------------

void Supervisor::adopt() {
    auto files = StateFiles::open(options_.runtime_directory + "/units");
    if (!files) {
        log::write(
            log::Level::Error,
            "state can't be kept: " + files.error().what +
                "; services would not outlive this process");
        return;
    }
    state_ = std::move(*files);
    UnitsRestored restored;
    std::vector<std::string> names;
    unsigned oldest = newest_state_version();
    for (auto& [name, text] : read_kept()) {
        auto unit = text ? read_state(text->text, text->version) : Unexpected(text.error());
        if (!unit || unit->name != name) {
            log::write(
                log::Level::Error,
                name,
                "what an earlier hearthd knew of it is lost: " +
                    (unit ? "its file is another unit's" : unit.error().what));
            continue;
        }
        oldest = std::min(oldest, text->version);
        names.push_back(name);
        restored.units.push_back(std::move(*unit));
    }
    state_->set_version(oldest);
    if (names.empty()) {
        return;
    }
    adopting_ = true;
    take_in(read_units(std::move(names), store_));
    restored.signs_of_life_lag = 4 * signs_of_life_lag;  // a loaded machine writes later
    restored.held = restore_stored(restored.units);
    const std::vector<KeptUnit> units = restored.units;
    const Outcome resumed = step(world_, std::move(restored), now());
    std::size_t running = 0;
    for (const KeptUnit& unit : units) {
        adopt_unit(unit);
        running += is_over(unit.status.state) ? 0 : 1;
    }
    adopting_ = false;
    settle_adopted(units, resumed);
    adopted_ = units.size();
    adopted_running_ = running;
    log::write(
        log::Level::Notice,
        std::to_string(units.size()) + " units of an earlier hearthd go on, of which " +
            std::to_string(running) + " run");
    settle_source_.trigger();
}

void Supervisor::adopt_unit(const KeptUnit& unit) {
    const UnitRecord* const record = world_.find(unit.name);
    const UnitType type = record == nullptr ? UnitType::Target : unit_type(record->unit.name);
    if (type == UnitType::Scope) {
        return adopt_scope(unit);
    }
    if (type == UnitType::Automount) {
        return adopt_automount(unit.name);
    }
    if (type != UnitType::Service && type != UnitType::Mount && type != UnitType::Swap) {
        return;
    }
    StateLines lines = unit.lines;
    LiveUnit& live = live_[unit.name];
    remember(unit, live, lines);
    const std::string processes = take(lines, "processes");
    adopt_shims(unit.name, take(lines, "shims"));
    if (!lines.empty()) {
        unknown_lines_[unit.name] = std::move(lines);
    }
    const auto members = tree_.processes(cgroup_of(unit.name)).value_or(std::vector<pid_t>{});
    const std::set<pid_t> known = adopt_processes(unit, processes, members);
    const ServiceStatus& status = unit.status;
    follow_bus_name(unit.name);
    const auto cgroups = tree_.existing();
    live.cgroup_made =
        live.cgroup_made || std::ranges::find(cgroups, cgroup_of(unit.name)) != cgroups.end();
    if (status.main_pid != 0 && live.processes.contains(status.main_pid)) {
        if (auto plan = make_plan({unit.name, 0, ExecKind::Start, 0, false}, live)) {
            find_namespaces(live.activation, *plan, status.main_pid);
            note_slices(*plan);
            live.main_plan = std::move(*plan);
            live.main_unit = record->unit;
        }
        if (tree_.layout() == launch::CgroupLayout::None) {
            tree_.track(cgroup_of(unit.name), status.main_pid, live.invocation_id);
            live.cgroup_made = true;
        }
    }
    if (status.launch) {
        note_launch(unit, known, members);
    } else {
        release_adopted_shims(unit.name);
    }
    if (live.cgroup_made) {
        watch_cgroup(unit.name);
    } else if (status.cgroup_populated) {
        happen(CgroupChanged{unit.name, false});
    }
    if (is_over(status.state)) {
        perform_release(unit.name);
    }
}

/// What this side of the house keeps of a unit, and its state file's lines tell.
void Supervisor::remember(const KeptUnit& unit, LiveUnit& live, StateLines& lines) {
    live.invocation_id = take(lines, "invocation");
    live.activation = activation_of(lines);
    if (auto kept = activation_of(lines, preserved); !kept.empty()) {
        preserved_[unit.name] = std::move(kept);
    }
    if (auto left = activation_of(lines, leaving); !left.empty()) {
        release_activation(unit.name, std::move(left));
    }
    live.out_of_memory_kills = number(take(lines, "memory-kills"));
    live.launch_began = number(take(lines, "launch-began"));
    live.launch_mark = take(lines, "launch-mark");
    live.due = take(lines, "due");
    if (const auto given_up = entries(take(lines, "given-up"));
        !given_up.empty() && given_up[0].size() == 2) {
        live.given_up = {static_cast<pid_t>(number(given_up[0][0])), number(given_up[0][1])};
    }
    live.cgroup = text_of_state(take(lines, "cgroup"));
    if (const auto range = entries(take(lines, "user-range"));
        !range.empty() && range[0].size() == 3) {
        live.user_range = launch::IdRange{
            static_cast<std::uint32_t>(number(range[0][0])),
            static_cast<std::uint32_t>(number(range[0][1])),
            static_cast<std::uint32_t>(number(range[0][2]))};
    }
    if (const auto uid = static_cast<std::uint32_t>(number(take(lines, "dynamic-uid"))); uid != 0) {
        auto claim = dynamic_users_.claim_again(uid);
        if (claim) {
            live.dynamic_user = std::move(*claim);
        } else {
            log::write(log::Level::Warning, unit.name, claim.error().what);
        }
    }
}

/// The unit's own processes, those that are left of them; `recorded` has when each began.
std::set<pid_t> Supervisor::adopt_processes(
    const KeptUnit& unit, const std::string& recorded, const std::vector<pid_t>& members) {
    const auto processes = entries(recorded);
    const ServiceStatus& status = unit.status;
    std::set<pid_t> known;
    for (const pid_t pid : {status.main_pid, status.control_pid, status.health_pid}) {
        const auto found = std::ranges::find_if(processes, [&](const auto& words) {
            return words.size() == 2 && number(words[0]) == static_cast<std::uint64_t>(pid);
        });
        if (pid != 0 && known.insert(pid).second) {
            const std::uint64_t started = found == processes.end()
                                              ? start_of_named(unit.name, pid, members)
                                              : number((*found)[1]);
            adopt_process(unit.name, pid, started, members);
        }
    }
    return known;
}

/// When a process began of which only the number was written down: its unit named it, and hearthd
/// died before it looked. Only one of the unit's own cgroup can be meant. 0: there is none.
std::uint64_t Supervisor::start_of_named(
    const std::string& unit, pid_t pid, const std::vector<pid_t>& members) const {
    if (std::ranges::find(members, pid) != members.end()) {
        return sys::start_time(pid).value_or(0);
    }
    for (const auto& orphan : keeper_.ended_in(tree_.shown(cgroup_of(unit)))) {
        if (orphan.pid == pid) {
            return orphan.started;
        }
    }
    return 0;
}

/// The recorded process, if it still is that one: the pidfd first, then what it refers to.
void Supervisor::adopt_process(
    const std::string& unit, pid_t pid, std::uint64_t started, const std::vector<pid_t>& members) {
    auto pidfd = sys::pidfd_open(pid);
    const auto start = sys::start_time(pid);
    // A zombie is in no cgroup any more; how it ended can still be asked for.
    const bool same = pidfd && start && *start == started &&
                      (tree_.layout() == launch::CgroupLayout::None ||
                       std::ranges::find(members, pid) != members.end() ||
                       (keeper_ && sys::parent_of(pid) == keeper_.pid()));
    if (same) {
        watch_process(unit, pid, std::move(*pidfd));
        return;
    }
    auto status = keeper_.exit_of(pid, started);
    if (const auto told = exit_by_shim(unit, pid, started); told && *told) {
        status = *told;
    }
    if (status) {
        log::write(
            log::Level::Information,
            unit,
            "process " + std::to_string(pid) + " ended while no hearthd ran");
        keeper_.watch(pid, started);  // until it is written down
        happen(ProcessExited{unit, pid, sys::waitid_code(status->code), status->status, now()});
        to_reap_.push_back({unit, pid, started, {}});
        return;
    }
    log::write(
        log::Level::Warning,
        unit,
        "process " + std::to_string(pid) +
            " ended while no hearthd ran; how is not known, so it counts as a failure");
    happen(ProcessExited{unit, pid, CLD_KILLED, SIGKILL, now()});
}

}  // namespace hearth
