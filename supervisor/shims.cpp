// SPDX-License-Identifier: MIT
//
// Where there are no cgroups each launch has a parent of its own, a subreaper (init/shim.hpp): what
// descends from it is the unit's, exactly, and how its children ended is in its record. The record
// is held by the keeper under the launch's mark, from before the clone until what it tells is
// written down.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

#include "supervisor/activation_lines.hpp"
#include "supervisor/init/shim.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

constexpr int above_the_record = shim::record_number + 1;
constexpr std::uint64_t moment = 1000;  // microseconds; a zombie's parent has yet to be scheduled

std::string held_name(const std::string& mark) {
    return "shim:" + mark;
}

shim::Record read_record(const sys::Descriptor& file) {
    shim::Record record;
    if (!file || ::pread(file.number(), &record, sizeof record, 0) != sizeof record) {
        return {};
    }
    return record;
}

std::optional<sys::ExitStatus> end_of(
    const shim::Record& record, pid_t pid, std::uint64_t started) {
    const std::uint64_t known = std::min(record.count, shim::capacity);
    for (std::uint64_t back = 1; back <= known; ++back) {
        const shim::End& end = record.ends[(record.count - back) % shim::capacity];
        const bool same = end.pid == pid && (end.started == started || started == 0 ||
                                             end.started == 0 || pid == record.main);
        if (same) {
            using Code = sys::ExitStatus::Code;
            const Code code = end.code == CLD_EXITED   ? Code::Exited
                              : end.code == CLD_DUMPED ? Code::Dumped
                                                       : Code::Killed;
            return sys::ExitStatus{code, end.status, pid};
        }
    }
    return std::nullopt;
}

}  // namespace

/// hearth-init beside us, found once; without it descendants are guessed (cgroup/descendants.hpp).
void Supervisor::find_shim_program() {
    if (tree_.layout() != launch::CgroupLayout::None) {
        return;
    }
    auto program = sys::open(sys::program_beside("hearth-init"), O_PATH | O_CLOEXEC);
    if (program) {
        program = sys::duplicate(program->number(), above_the_record);
    }
    if (!program) {
        log::write(
            log::Level::Warning,
            program.error().what +
                ": without it a service's process that leaves its parent and its environment "
                "isn't found when the service stops");
        return;
    }
    shim_program_ = std::move(*program);
    auto source = loop_.timer(Priority::Timer, [this] { ask_shims_again(); });
    if (source) {
        shim_source_ = std::move(*source);
    }
}

/// Before the launch is written down: a hearthd that finds the mark asks the keeper for the record.
void Supervisor::give_shim(const std::string& unit, launch::LaunchRequest& request) {
    if (!shim_program_) {
        return;
    }
    auto record = sys::memfd_create("hearth-shim");
    if (record) {
        record = sys::duplicate(record->number(), above_the_record);
    }
    auto given = record ? sys::duplicate(record->number(), above_the_record) : std::move(record);
    if (!given || ::ftruncate(given->number(), sizeof(shim::Record)) < 0) {
        log::write(log::Level::Warning, unit, "no record for its shim: it is launched without");
        return;
    }
    keeper_.hold(held_name(request.mark), record->number());
    live_[unit].shims[request.mark].record = std::move(*record);
    request.shim.emplace(
        launch::ShimRequest{std::move(*given), shim_program_.number(), "hearth-shim " + unit});
}

void Supervisor::shim_launched(const std::string& unit, pid_t pid) {
    LiveUnit& live = live_[unit];
    const auto found = live.shims.find(live.launch_mark);
    if (found == live.shims.end()) {
        return;
    }
    if (pid == 0) {
        return drop_shim(unit, live.launch_mark);
    }
    watch_shim(unit, found->first, pid, sys::start_time(pid).value_or(0));
}

/// It is our child, or the keeper's, so its number is its own until that one reaps it.
void Supervisor::watch_shim(
    const std::string& unit, const std::string& mark, pid_t pid, std::uint64_t started) {
    Shim& shim = live_[unit].shims[mark];
    auto pidfd = sys::pidfd_open(pid);
    if (!pidfd || sys::start_time(pid).value_or(0) != started) {
        return shim_ended(unit, mark);
    }
    shim.pid = pid;
    shim.started = started;
    shim.pidfd = std::move(*pidfd);
    tree_.track_shim(cgroup_of(unit), pid, started);
    live_[unit].cgroup_made = true;  // to be emptied before the unit is dead
    auto source = loop_.on_io(
        shim.pidfd.number(), EPOLLIN, Priority::Process, [this, unit, mark](std::uint32_t) {
            shim_ended(unit, mark);
        });
    if (source) {
        shim.source = std::move(*source);
    }
}

/// The last process of the launch has ended, or somebody killed the shim: then its children have
/// come to us, the next subreaper, and are found as orphans are.
/// By value: the callback that holds the names goes with the shim.
void Supervisor::shim_ended(std::string unit, std::string mark) {
    LiveUnit& live = live_[unit];
    Shim& shim = live.shims[mark];
    if (shim.ended) {
        return;
    }
    shim.ended = true;
    shim.source.enable(false);
    if (read_record(shim.record).finished == 0) {
        log::write(
            log::Level::Warning,
            unit,
            "process " + std::to_string(shim.pid) +
                ", the parent of its processes, was killed; they are looked for one by one");
    }
    tree_.untrack_shim(cgroup_of(unit), shim.pid);
    std::vector<pid_t> waiting;
    for (const auto& [pid, watched] : live.processes) {
        pollfd over{watched.pidfd.number(), POLLIN, 0};
        if (::poll(&over, 1, 0) == 1) {
            waiting.push_back(pid);
        }
    }
    for (const pid_t pid : waiting) {
        process_ended(unit, pid);
    }
    drop_shim(unit, mark);
    cgroup_changed(unit);
}

void Supervisor::drop_shim(const std::string& unit, const std::string& mark) {
    ended_shims_.push_back(held_name(mark));
    live_[unit].shims.erase(mark);
    settle_source_.trigger();
}

/// What they tell is written down by now.
void Supervisor::forget_shims() {
    for (const std::string& name : std::exchange(ended_shims_, {})) {
        keeper_.drop(name);
    }
}

/// Nothing: no shim of the unit knows of it. No status: one will, in a moment.
std::optional<std::optional<sys::ExitStatus>> Supervisor::exit_by_shim(
    const std::string& unit, pid_t pid, std::uint64_t started) {
    const auto live = live_.find(unit);
    if (live == live_.end()) {
        return std::nullopt;
    }
    bool soon = false;
    const pid_t parent = live->second.shims.empty() ? 0 : sys::parent_of(pid);
    for (const auto& [mark, shim] : live->second.shims) {
        const shim::Record record = read_record(shim.record);
        if (const auto end = end_of(record, pid, started)) {
            return std::optional<sys::ExitStatus>(*end);
        }
        soon = soon || (!shim.ended && record.finished == 0 && shim.pid != 0 &&
                        (record.main == pid || parent == shim.pid));
    }
    if (!soon) {
        return std::nullopt;
    }
    return std::optional<std::optional<sys::ExitStatus>>(std::in_place);
}

void Supervisor::ask_shim_later(const std::string& unit, pid_t pid) {
    live_[unit].processes.at(pid).source.enable(false);
    unasked_.emplace(unit, pid);
    shim_source_.arm_in(moment);
}

void Supervisor::ask_shims_again() {
    for (const auto& [unit, pid] : std::exchange(unasked_, {})) {
        const auto live = live_.find(unit);
        if (live != live_.end() && live->second.processes.contains(pid)) {
            live->second.processes.at(pid).source.enable(true);
            process_ended(unit, pid);
        }
    }
}

// ---- what outlives this process -----------------------------------------------------------------

std::string Supervisor::shim_line(const LiveUnit& live) {
    std::string line;
    for (const auto& [mark, shim] : live.shims) {
        append(line, {mark, std::to_string(shim.pid), std::to_string(shim.started)});
    }
    return line;
}

/// Those of which only the mark was written down began while hearthd died: the record has more.
void Supervisor::adopt_shims(const std::string& unit, const std::string& line) {
    for (const std::vector<std::string>& words : entries(line)) {
        if (words.size() != 3) {
            continue;
        }
        Shim& shim = live_[unit].shims[words[0]];
        shim.record = keeper_.take(held_name(words[0]));
        const shim::Record record = read_record(shim.record);
        auto pid = static_cast<pid_t>(std::strtol(words[1].c_str(), nullptr, 10));
        std::uint64_t started = std::strtoull(words[2].c_str(), nullptr, 10);
        if (pid == 0 && record.shim != 0 && record.finished == 0) {
            const pid_t parent = sys::parent_of(record.shim);
            const bool ours = parent == ::getppid() || parent == ::getpid();
            pid = ours ? record.shim : 0;
            started = sys::start_time(record.shim).value_or(0);
        }
        if (pid != 0 && record.finished == 0) {
            adopt_shim(unit, words[0], pid, started);
        }
    }
}

void Supervisor::adopt_shim(
    const std::string& unit, const std::string& mark, pid_t pid, std::uint64_t started) {
    if (sys::start_time(pid).value_or(0) == started) {
        watch_shim(unit, mark, pid, started);
    } else {
        log::write(log::Level::Warning, unit, "the parent of its processes is gone");
    }
}

/// Records of those that ended are read while the unit is taken over, and not needed any more.
void Supervisor::release_adopted_shims(const std::string& unit) {
    std::vector<std::string> over;
    for (const auto& [mark, shim] : live_[unit].shims) {
        if (shim.pid == 0) {
            over.push_back(mark);
        }
    }
    for (const std::string& mark : over) {
        drop_shim(unit, mark);
    }
}

/// The process of the launch that was under way, where it has come and gone.
std::optional<std::pair<pid_t, sys::ExitStatus>> Supervisor::launched_below_shim(
    const std::string& unit) {
    const LiveUnit& live = live_[unit];
    const auto found = live.shims.find(live.launch_mark);
    if (found == live.shims.end()) {
        return std::nullopt;
    }
    const shim::Record record = read_record(found->second.record);
    // One that was given up before it became the program is not how the launch ended.
    const bool counts = record.main != 0 && record.main != live.given_up.first;
    const auto end = counts ? end_of(record, record.main, 0) : std::nullopt;
    return end ? std::optional(std::pair{pid_t{record.main}, *end}) : std::nullopt;
}

}  // namespace hearth
