// SPDX-License-Identifier: MIT
//
// Taking over what an earlier hearthd left (DESIGN 1): the files of saving.cpp are read, the
// processes that still are the recorded ones are watched, those that are gone are told of, launches
// that were under way are settled. Nothing is restarted because of it.
#include <poll.h>
#include <unistd.h>

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

namespace {

bool began_before(std::uint64_t started, std::uint64_t microseconds) {
    const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    return (started + 1) * 1'000'000U / ticks < microseconds;
}

/// What a launch in flight may have made: in the unit's cgroup, not of those that are known, no
/// child of another one there, and not older than the intent. 0: nothing.
pid_t launched_process(
    const std::vector<pid_t>& members, const std::set<pid_t>& known, std::uint64_t began) {
    for (const pid_t pid : members) {
        const auto start = sys::start_time(pid);
        if (known.contains(pid) || !start || began_before(*start, began)) {
            continue;
        }
        if (std::ranges::find(members, sys::parent_of(pid)) == members.end()) {
            return pid;
        }
    }
    return 0;
}

/// A child that has not become the service's program yet.
bool is_our_program(pid_t pid) {
    const auto own = sys::stat("/proc/self/exe");
    const auto its = sys::stat("/proc/" + std::to_string(pid) + "/exe");
    return own && its && own->st_ino == its->st_ino && own->st_dev == its->st_dev;
}

/// As proc(5) has it: 'R', 'T', 'Z' ...
char state_of(pid_t pid) {
    const auto text = sys::read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
    const std::size_t at = text ? text->rfind(") ") : std::string::npos;
    return at == std::string::npos ? 'X' : (*text)[at + 2];
}

/// Ends a child that has not become the service's program, and says whether it was one. It is
/// stopped before it is judged: else it could become the program between the look and the kill.
bool end_our_program(pid_t pid, const sys::Descriptor& pidfd) {
    constexpr int patience_milliseconds = 1000;
    if (!is_our_program(pid)) {
        return false;
    }
    (void)sys::pidfd_send_signal(pidfd.number(), SIGSTOP);
    for (int waited = 0; waited < patience_milliseconds; ++waited) {
        const char state = state_of(pid);
        if (state == 'T' || state == 't' || state == 'Z' || state == 'X') {
            break;
        }
        (void)::poll(nullptr, 0, 1);
    }
    if (!is_our_program(pid)) {
        (void)sys::pidfd_send_signal(pidfd.number(), SIGCONT);
        return false;
    }
    if (sys::pidfd_send_signal(pidfd.number(), SIGKILL)) {
        pollfd ended{pidfd.number(), POLLIN, 0};
        (void)::poll(&ended, 1, patience_milliseconds);
    }
    return true;
}

/// The unit's state tells of that process already.
bool is_recorded(const KeptUnit& unit, pid_t pid) {
    const auto is = [pid](const ProcessRecord& record) { return record.pid == pid; };
    return is(unit.status.main) ||
           std::ranges::any_of(unit.status.history, [&](const auto& records) {
               return std::ranges::any_of(records, is);
           });
}

}  // namespace

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
    for (auto& [name, text] : state_->read()) {
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
    restored.held = restore_stored(restored.units);
    const std::vector<KeptUnit> units = restored.units;
    handle(step(world_, std::move(restored), now()));
    std::size_t running = 0;
    for (const KeptUnit& unit : units) {
        adopt_unit(unit);
        running += is_over(unit.status.state) ? 0 : 1;
    }
    adopting_ = false;
    for (const KeptUnit& unit : units) {
        save(unit.name);
    }
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
    if (!lines.empty()) {
        unknown_lines_[unit.name] = std::move(lines);
    }
    const auto members = tree_.processes(cgroup_of(unit.name)).value_or(std::vector<pid_t>{});
    const std::set<pid_t> known = adopt_processes(unit, processes, members);
    const ServiceStatus& status = unit.status;
    const auto cgroups = tree_.existing();
    live.cgroup_made = std::ranges::find(cgroups, cgroup_of(unit.name)) != cgroups.end();
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
        settle_launch(unit, known, members);
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
    if (const auto status = keeper_.exit_of(pid, started)) {
        log::write(
            log::Level::Information,
            unit,
            "process " + std::to_string(pid) + " ended while no hearthd ran");
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

/// The launch's process may have come and gone: then the keeper saw it end in the unit's cgroup.
/// What a daemon of the unit left there began later.
bool Supervisor::settle_ended_launch(const KeptUnit& unit) {
    const LiveUnit& live = live_[unit.name];
    // What ends beside a main process may be a child of that one; and without its time the launch
    // was decided on, and not begun.
    if (unit.status.main_pid != 0 || live.launch_began == 0) {
        return false;
    }
    keeper_.synchronise();
    for (const auto& orphan : keeper_.ended_in(tree_.shown(cgroup_of(unit.name)))) {
        if (began_before(orphan.started, live.launch_began) || is_recorded(unit, orphan.pid)) {
            continue;
        }
        keeper_.watch(orphan.pid, orphan.started);  // until it is written down
        happen(Launched{unit.name, *unit.status.launch, orphan.pid, now(), live.invocation_id});
        happen(ProcessExited{
            unit.name,
            orphan.pid,
            sys::waitid_code(orphan.status.code),
            orphan.status.status,
            now()});
        to_reap_.push_back({unit.name, orphan.pid, orphan.started, {}});
        return true;
    }
    return false;
}

/// A launch was under way: its process is in the cgroup, or there is none and it is launched again.
void Supervisor::settle_launch(
    const KeptUnit& unit, const std::set<pid_t>& known, const std::vector<pid_t>& members) {
    const ServiceStatus& status = unit.status;
    LiveUnit& live = live_[unit.name];
    const pid_t pid = launched_process(members, known, live.launch_began);
    const auto plan = make_plan({unit.name, 0, status.launch_kind, status.command, false}, live);
    if (plan && !live.launch_mark.empty()) {
        find_directories(live.activation, *plan, live.launch_mark);
    }
    auto pidfd = sys::pidfd_open(pid);  // no process has the number 0
    const bool killed = pidfd && end_our_program(pid, *pidfd);
    if (pidfd && !killed) {
        watch_process(unit.name, pid, std::move(*pidfd));
        happen(Launched{unit.name, *status.launch, pid, now(), live.invocation_id});
        return;
    }
    if (killed) {
        log::write(
            log::Level::Information,
            unit.name,
            "process " + std::to_string(pid) +
                " had not become the program when the last hearthd died: it is launched again");
    }
    if (!killed && settle_ended_launch(unit)) {
        return;
    }
    if (live.invocation_id.empty()) {
        live.invocation_id = sys::random_hex(16).value_or(std::string(32, '0'));
    }
    const bool idle = status.type == ServiceType::Idle && status.launch_kind == ExecKind::Start;
    // Decided on and not begun: the id that is recorded is still the last activation's.
    const bool begins = status.invocation_id.empty() && live.launch_began == 0;
    perform_launch({unit.name, *status.launch, status.launch_kind, status.command, begins, idle});
}

}  // namespace hearth
