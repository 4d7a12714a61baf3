// SPDX-License-Identifier: MIT
//
// State that outlives this process (DESIGN 1): each unit's file is written before the effects of
// its change are announced, and once more, with the launch as an intent, before a process is made.
#include <algorithm>
#include <ctime>
#include <set>
#include <utility>

#include "supervisor/activation_lines.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/process.hpp"
#include "units/state.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// With the keeper: state that could not be written.
constexpr std::string_view held_state = "state-";

/// With the time that the machine sleeps, as /proc counts the starts of processes.
std::uint64_t boottime_microseconds() {
    timespec time{};
    (void)::clock_gettime(CLOCK_BOOTTIME, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000U +
           static_cast<std::uint64_t>(time.tv_nsec) / 1'000U;
}

/// The kernel tells of them, or they never change.
bool needs_no_state(const UnitRecord& record) {
    const UnitType type = unit_type(record.unit.name);
    const ServiceState state = record.status.state;
    const bool of_kernel = type == UnitType::Mount || type == UnitType::Swap;
    const bool strangers = of_kernel && !record.status.mounted_here && !record.job &&
                           (state == ServiceState::Dead || state == ServiceState::Running);
    return record.unit.built_in || type == UnitType::Device || strangers;
}

}  // namespace

void Supervisor::save(const std::string& unit) {
    if (!state_ || adopting_) {
        return;
    }
    const UnitRecord* const record = world_.find(unit);
    const auto live = live_.find(unit);
    const auto removal = removals_.find(unit);
    const bool never_started = record != nullptr && live == live_.end() && !record->job &&
                               record->inactive_exit == Moment{};
    if (record == nullptr || never_started || needs_no_state(*record)) {
        state_->remove(unit);
        drop_held_state(unit);
        unwritten_.erase(unit);
        return;
    }
    KeptUnit text = kept(world_, *record);
    if (const auto unknown = unknown_lines_.find(unit); unknown != unknown_lines_.end()) {
        text.lines = unknown->second;
    }
    if (live != live_.end()) {
        live->second.saved_at = sys::monotonic_microseconds();
        add_lines(unit, live->second, text.lines);
    }
    unsaved_.erase(unit);
    if (removal != removals_.end()) {
        text.lines.insert(removal->second.lines.begin(), removal->second.lines.end());
    }
    if (const auto restart = preserved_.find(unit); restart != preserved_.end()) {
        text.lines.merge(lines_of(restart->second, preserved));
    }
    const std::string lines = write_state(text, state_->version());
    const auto written = state_->write(record->unit.name, lines);
    if (!written) {
        unwritten_.insert(unit);
        const bool held = hold_state(unit, lines);
        if (!std::exchange(state_failed_, true)) {
            log::write(
                log::Level::Error,
                "state can't be kept (" + written.error().what + "): supervision goes on, " +
                    (held ? "and the keeper holds what changes"
                          : "but would not outlive this process"));
        }
        return;
    }
    drop_held_state(unit);
    unwritten_.erase(unit);
    if (state_failed_ && !writes_again_) {
        write_again();
    }
}

/// There is room, for one file at least: as far as it goes.
void Supervisor::write_again() {
    writes_again_ = true;
    while (!unwritten_.empty()) {
        const std::string unit = *unwritten_.begin();
        save(unit);
        if (unwritten_.contains(unit)) {
            break;
        }
    }
    writes_again_ = false;
    if (unwritten_.empty()) {
        state_failed_ = false;
        log::write(log::Level::Notice, "state is kept again");
    }
}

/// What the directory has no room for; a unit's name may be too long for the keeper's.
bool Supervisor::hold_state(const std::string& unit, const std::string& text) {
    auto file = state_->in_memory(text);
    if (!keeper_ || !file) {
        return false;
    }
    const auto known = held_states_.try_emplace(unit, last_held_state_ + 1);
    last_held_state_ = std::max(last_held_state_, known.first->second);
    keeper_.hold(std::string(held_state) + std::to_string(known.first->second), file->number());
    return true;
}

void Supervisor::drop_held_state(const std::string& unit) {
    if (const auto held = held_states_.find(unit); held != held_states_.end()) {
        keeper_.drop(std::string(held_state) + std::to_string(held->second));
        held_states_.erase(held);
    }
}

/// The files, and what the keeper holds in the place of some.
std::map<std::string, Result<StateText>> Supervisor::read_kept() {
    std::map<std::string, Result<StateText>> found;
    for (auto& [name, text] : state_->read()) {
        found.insert_or_assign(name, std::move(text));
    }
    for (const std::string& slot : keeper_.untaken()) {
        if (!slot.starts_with(held_state)) {
            continue;
        }
        const std::uint64_t place = number(slot.substr(held_state.size()));
        last_held_state_ = std::max(last_held_state_, place);
        auto text = state_->read(keeper_.take(slot));
        auto unit = text && text->version != 0 ? read_state(text->text, text->version)
                                               : failure("it is of another boot");
        if (!unit) {
            log::write(log::Level::Error, slot + " of the keeper: " + unit.error().what);
            keeper_.drop(slot);
            continue;
        }
        held_states_[unit->name] = place;
        found.insert_or_assign(unit->name, std::move(text));
    }
    return found;
}

/// Shorter at first: hearthds that die young, one after the other, would never write that a service
/// keeps its watchdog, and the last of them would end it.
static std::uint64_t lag_of_signs(std::uint64_t now) {
    static const std::uint64_t first_sign = now;
    return now < first_sign + 2 * signs_of_life_lag ? signs_of_life_lag / 16 : signs_of_life_lag;
}

/// The first one after a quiet time at once, so that what is written is never older than the lag.
void Supervisor::save_soon(const std::string& unit) {
    const auto live = live_.find(unit);
    const std::uint64_t now = sys::monotonic_microseconds();
    const std::uint64_t lag = lag_of_signs(now);
    if (live == live_.end() || now >= live->second.saved_at + lag) {
        return save(unit);
    }
    if (unsaved_.empty()) {
        unsaved_source_.arm_in(lag);
    }
    unsaved_.insert(unit);
}

void Supervisor::save_unsaved() {
    for (const std::string& unit : std::exchange(unsaved_, {})) {
        save(unit);
    }
}

void Supervisor::add_lines(const std::string& unit, LiveUnit& live, StateLines& lines) {
    if (!is_launching(unit)) {  // else it is with the launcher
        live.activation_lines = lines_of(live.activation);
    } else {
        put(lines, "launch-mark", live.launch_mark);
    }
    // Until the engine knows of the process, which is a while after the launcher does.
    put(lines, "launch-began", live.launch_began == 0 ? "" : std::to_string(live.launch_began));
    put(lines, "due", live.due);
    std::string given_up;
    if (live.given_up.first != 0) {
        append(
            given_up, {std::to_string(live.given_up.first), std::to_string(live.given_up.second)});
    }
    put(lines, "given-up", given_up);
    lines.insert(live.activation_lines.begin(), live.activation_lines.end());
    std::string processes;
    for (const auto& [pid, watched] : live.processes) {
        append(processes, {std::to_string(pid), std::to_string(watched.started)});
    }
    // Its end may still be queued, and the unit's state name it: a hearthd that comes now must be
    // able to ask the keeper how it ended.
    for (const Zombie& zombie : to_reap_) {
        if (zombie.unit == unit) {
            append(processes, {std::to_string(zombie.pid), std::to_string(zombie.started)});
        }
    }
    put(lines, "processes", processes);
    put(lines, "shims", shim_line(live));
    put(lines, "invocation", live.invocation_id);
    put(lines, "cgroup", state_text(live.cgroup));
    put(lines,
        "memory-kills",
        live.out_of_memory_kills == 0 ? "" : std::to_string(live.out_of_memory_kills));
    put(lines, "dynamic-uid", live.dynamic_user ? std::to_string(live.dynamic_user.uid()) : "");
    if (live.user_range) {
        const launch::IdRange& range = *live.user_range;
        std::string text;
        append(
            text,
            {std::to_string(range.inside),
             std::to_string(range.outside),
             std::to_string(range.count)});
        put(lines, "user-range", text);
    }
}

void Supervisor::intend(LiveUnit& live) {
    live.launch_began = boottime_microseconds();
    live.launch_mark = sys::random_hex(8).value_or("");
    live.activation_lines = lines_of(live.activation);
}

void Supervisor::save_units_of(const Outcome& outcome) {
    std::set<std::string> units;
    for (const Transition& transition : outcome.transitions) {
        units.insert(transition.unit);
    }
    for (const JobChange& change : outcome.jobs) {
        units.insert(change.job.unit);
    }
    for (const Action& action : outcome.actions) {
        units.insert(std::visit([](const auto& each) { return each.unit; }, action));
    }
    for (const std::string& unit : units) {
        save(unit);
    }
}

void Supervisor::forget_unneeded() {
    const auto held = [this](const std::string& unit) { return is_held(unit); };
    // What only a forgotten unit named may be forgotten, too.
    for (auto gone = collect(world_, held); !gone.empty(); gone = collect(world_, held)) {
        for (const std::string& unit : gone) {
            forget_transient(unit);
            bus_names_->forget(unit);
            save(unit);
        }
    }
}

void Supervisor::forget_state() {
    if (state_) {
        for (const auto& [name, record] : world_.units) {
            state_->remove(name);
            drop_held_state(name);
        }
    }
    if (log_pipe_files_) {
        for (const auto& [pipe, kept] : log_pipes_) {
            log_pipe_files_->remove(std::to_string(pipe));
        }
    }
    for (const auto& [name, record] : world_.units) {
        if (record.unit.transient) {
            forget_transient(name);
        }
    }
}

}  // namespace hearth
