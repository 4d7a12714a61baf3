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

pid_t parent_of(pid_t pid) {
    const auto text = sys::read_file("/proc/" + std::to_string(pid) + "/status", 65536);
    const std::size_t at = text ? text->find("\nPPid:\t") : std::string::npos;
    return at == std::string::npos ? 0 : static_cast<pid_t>(number(text->substr(at + 7, 10)));
}

/// What a launch in flight may have made: in the unit's cgroup, not of those that are known, no
/// child of another one there, and not older than the intent. 0: nothing.
pid_t launched_process(
    const std::vector<pid_t>& members, const std::set<pid_t>& known, std::uint64_t began) {
    const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
    for (const pid_t pid : members) {
        const auto start = sys::start_time(pid);
        if (known.contains(pid) || !start || (*start + 1) * 1'000'000U / ticks < began) {
            continue;
        }
        if (std::ranges::find(members, parent_of(pid)) == members.end()) {
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

void kill_and_wait(pid_t pid) {
    constexpr int patience_milliseconds = 1000;
    const auto pidfd = sys::pidfd_open(pid);
    if (pidfd && sys::pidfd_send_signal(pidfd->number(), SIGKILL)) {
        pollfd ended{pidfd->number(), POLLIN, 0};
        (void)::poll(&ended, 1, patience_milliseconds);
    }
}

bool is_over(ServiceState state) {
    return state == ServiceState::Dead || state == ServiceState::Failed ||
           state == ServiceState::AutoRestart;
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
    for (auto& [name, text] : state_->read()) {
        auto unit = text ? read_state(*text) : Unexpected(text.error());
        if (!unit || unit->name != name) {
            log::write(
                log::Level::Error,
                name,
                "what an earlier hearthd knew of it is lost: " +
                    (unit ? "its file is another unit's" : unit.error().what));
            continue;
        }
        names.push_back(name);
        restored.units.push_back(std::move(*unit));
    }
    if (names.empty()) {
        return;
    }
    adopting_ = true;
    take_in(read_units(std::move(names), store_));
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
    if (type != UnitType::Service && type != UnitType::Mount) {
        return;
    }
    StateLines lines = unit.lines;
    LiveUnit& live = live_[unit.name];
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
    const auto processes = entries(take(lines, "processes"));
    if (!lines.empty()) {
        unknown_lines_[unit.name] = std::move(lines);
    }
    std::set<pid_t> known;
    const auto members = tree_.processes(cgroup_of(unit.name)).value_or(std::vector<pid_t>{});
    const ServiceStatus& status = unit.status;
    for (const pid_t pid : {status.main_pid, status.control_pid, status.health_pid}) {
        const auto recorded = std::ranges::find_if(processes, [&](const auto& words) {
            return words.size() == 2 && number(words[0]) == static_cast<std::uint64_t>(pid);
        });
        if (pid != 0 && known.insert(pid).second) {
            adopt_process(
                unit.name, pid, recorded == processes.end() ? 0 : number((*recorded)[1]), members);
        }
    }
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

/// The recorded process, if it still is that one: the pidfd first, then what it refers to.
void Supervisor::adopt_process(
    const std::string& unit, pid_t pid, std::uint64_t started, const std::vector<pid_t>& members) {
    auto pidfd = sys::pidfd_open(pid);
    const auto start = sys::start_time(pid);
    const bool same = pidfd && start && *start == started &&
                      (tree_.layout() == launch::CgroupLayout::None ||
                       std::ranges::find(members, pid) != members.end());
    if (same) {
        watch_process(unit, pid, std::move(*pidfd));
        return;
    }
    log::write(
        log::Level::Warning,
        unit,
        "process " + std::to_string(pid) +
            " ended while no hearthd ran; how is not known, so it counts as a failure");
    happen(ProcessExited{unit, pid, CLD_KILLED, SIGKILL, now()});
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
    if (pid != 0 && !is_our_program(pid)) {
        if (auto pidfd = sys::pidfd_open(pid)) {
            watch_process(unit.name, pid, std::move(*pidfd));
            happen(Launched{unit.name, *status.launch, pid, now(), live.invocation_id});
            return;
        }
    }
    if (pid != 0) {
        kill_and_wait(pid);
    }
    if (live.invocation_id.empty()) {
        live.invocation_id = sys::random_hex(16).value_or(std::string(32, '0'));
    }
    const bool idle = status.type == ServiceType::Idle && status.launch_kind == ExecKind::Start;
    perform_launch({unit.name, *status.launch, status.launch_kind, status.command, false, idle});
}

}  // namespace hearth
