// SPDX-License-Identifier: MIT
//
// What was under way when the last hearthd died (DESIGN 1): launches, signals that were decided on,
// jobs. It goes on once every unit's state is written down again, for this hearthd may die in the
// midst of it as well, and the next one must find what this one did.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "supervisor/activation_lines.hpp"
#include "supervisor/log.hpp"
#include "supervisor/now.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

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
    if (began == 0) {
        return 0;  // decided on, and not begun
    }
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

/// Stopped, or gone: it can't become the program between a look at it and its end.
void hold_still(pid_t pid, const sys::Descriptor& pidfd) {
    constexpr int patience_milliseconds = 1000;
    (void)sys::pidfd_send_signal(pidfd.number(), SIGSTOP);
    for (int waited = 0; waited < patience_milliseconds; ++waited) {
        const char state = sys::state_of(pid);
        if (state == 'T' || state == 't' || state == 'Z' || state == 'X') {
            return;
        }
        (void)::poll(nullptr, 0, 1);
    }
}

/// The unit of a signal, and how its state file tells of it; nothing for other actions.
std::pair<std::string, std::vector<std::string>> to_be_sent(const Action& action) {
    if (const auto* const kill = std::get_if<KillCgroup>(&action)) {
        return {kill->unit, {"cgroup"}};
    }
    const auto* const signal = std::get_if<SignalUnit>(&action);
    if (signal == nullptr) {
        return {};
    }
    std::vector<std::string> words = {std::to_string(signal->signal)};
    for (const auto& [whom, meant] :
         {std::pair("main", signal->main),
          std::pair("control", signal->control),
          std::pair("everything", signal->everything),
          std::pair("health", signal->health)}) {
        if (meant) {
            words.emplace_back(whom);
        }
    }
    return {signal->unit, std::move(words)};
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

void Supervisor::settle_adopted(const std::vector<KeptUnit>& units, const Outcome& resumed) {
    // Before what jobs that go on ask for is added to it.
    std::vector<std::pair<std::string, std::string>> due;
    for (const KeptUnit& unit : units) {
        const auto live = live_.find(unit.name);
        if (live != live_.end() && !live->second.due.empty()) {
            due.emplace_back(unit.name, live->second.due);
        }
    }
    const std::set<std::string> due_by_jobs = note_due(resumed);
    for (const KeptUnit& unit : units) {
        save(unit.name);
    }
    // What is due was decided on before a launch whose intent doesn't tell of it, and isn't meant
    // for what is launched now.
    for (const auto& [unit, signals] : due) {
        send_due(unit, signals);
        note_sent(unit, resumed.actions);
        save(unit);
    }
    for (const auto& [unit, pid] : std::exchange(under_way_, {})) {
        settle_launch(unit, pid);
        release_adopted_shims(unit.name);
    }
    carry_out(resumed, due_by_jobs);
}

// ---- signals ------------------------------------------------------------------------------------

/// A state that says "was told to stop" and a process that never heard of it would wait for the
/// timeout: so the state says, too, what is still to be sent, until it was.
std::set<std::string> Supervisor::note_due(const Outcome& outcome) {
    std::set<std::string> units;
    for (const Action& action : outcome.actions) {
        const auto [unit, words] = to_be_sent(action);
        if (const auto live = live_.find(unit); live != live_.end()) {
            append(live->second.due, words);
            units.insert(unit);
        }
    }
    return units;
}

/// What is sent before a launch is not meant for its process: the intent doesn't tell of it.
void Supervisor::note_sent(const std::string& unit, std::span<const Action> left) {
    const auto live = live_.find(unit);
    if (live == live_.end()) {
        return;
    }
    live->second.due.clear();
    for (const Action& action : left) {
        if (const auto [whose, words] = to_be_sent(action); whose == unit) {
            append(live->second.due, words);
        }
    }
}

/// What the last hearthd had decided on. It may have sent it: twice is better than never.
void Supervisor::send_due(const std::string& unit, const std::string& signals) {
    for (const auto& words : entries(signals)) {
        if (words.empty()) {
            continue;
        }
        if (words[0] == "cgroup") {
            perform(KillCgroup{unit});
            continue;
        }
        const auto meant = [&words](const char* whom) {
            return std::ranges::find(words, whom) != words.end();
        };
        SignalUnit action{unit, static_cast<int>(number(words[0]))};
        action.main = meant("main");
        action.control = meant("control");
        action.everything = meant("everything");
        action.health = meant("health");
        perform(action);
    }
}

// ---- launches -----------------------------------------------------------------------------------

/// Before all state is written again: what the launch may have made in the world.
void Supervisor::note_launch(
    const KeptUnit& unit, const std::set<pid_t>& known, const std::vector<pid_t>& members) {
    const ServiceStatus& status = unit.status;
    LiveUnit& live = live_[unit.name];
    const auto plan = make_plan({unit.name, 0, status.launch_kind, status.command, false}, live);
    if (plan && !live.launch_mark.empty()) {
        find_directories(live.activation, *plan, live.launch_mark);
    }
    under_way_.emplace_back(unit, launched_process(members, known, live.launch_began));
}

/// Ends a child that has not become the service's program, and says whether it was one. That it
/// was is written down first: a hearthd that comes after this one must not take its end for the
/// service's.
bool Supervisor::end_given_up(const std::string& unit, pid_t pid, const sys::Descriptor& pidfd) {
    constexpr int patience_milliseconds = 1000;
    if (is_our_program(pid)) {
        hold_still(pid, pidfd);
    }
    if (!is_our_program(pid)) {
        // Held by us, or by a hearthd that died while it did this.
        (void)sys::pidfd_send_signal(pidfd.number(), SIGCONT);
        return false;
    }
    live_[unit].given_up = {pid, sys::start_time(pid).value_or(0)};
    save(unit);
    if (sys::pidfd_send_signal(pidfd.number(), SIGKILL)) {
        pollfd ended{pidfd.number(), POLLIN, 0};
        (void)::poll(&ended, 1, patience_milliseconds);
    }
    log::write(
        log::Level::Information,
        unit,
        "process " + std::to_string(pid) +
            " had not become the program when the last hearthd died: it is launched again");
    return true;
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
    if (const auto ended = launched_below_shim(unit.name)) {
        const auto& [pid, status] = *ended;
        happen(Launched{unit.name, *unit.status.launch, pid, now(), live.invocation_id});
        happen(ProcessExited{unit.name, pid, sys::waitid_code(status.code), status.status, now()});
        return true;
    }
    keeper_.synchronise();
    for (const auto& orphan : keeper_.ended_in(tree_.shown(cgroup_of(unit.name)))) {
        const bool given_up = live.given_up == std::pair(orphan.pid, orphan.started);
        if (given_up || began_before(orphan.started, live.launch_began) ||
            is_recorded(unit, orphan.pid)) {
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

/// A launch was under way: its process is there, or has ended, or there is none and it is launched
/// again.
void Supervisor::settle_launch(const KeptUnit& unit, pid_t pid) {
    const ServiceStatus& status = unit.status;
    LiveUnit& live = live_[unit.name];
    auto pidfd = sys::pidfd_open(pid);  // no process has the number 0
    const bool killed = pidfd && end_given_up(unit.name, pid, *pidfd);
    if (pidfd && !killed) {
        watch_process(unit.name, pid, std::move(*pidfd));
        happen(Launched{unit.name, *status.launch, pid, now(), live.invocation_id});
        return;
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
