// SPDX-License-Identifier: MIT
//
// Limits that bite, and what a unit used. The kernel says when memory or tasks run short (v2's
// memory.events and pids.events change, v1's memory controller writes to an eventfd); the rest is
// read when somebody asks, and once before the cgroup goes.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>

#include "supervisor/cgroup/files.hpp"
#include "supervisor/log.hpp"
#include "supervisor/now.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "units/amount_text.hpp"

namespace hearth {

namespace {

/// Reading the file is what acknowledges its event.
void acknowledge(const sys::Descriptor& file) {
    char text[512];
    (void)!::pread(file.number(), text, sizeof text, 0);
}

}  // namespace

/// True: there was a kill that had not been told.
bool Supervisor::out_of_memory_check(const std::string& unit) {
    LiveUnit& live = live_[unit];
    const bool unified = tree_.layout() == launch::CgroupLayout::Unified;
    const std::string file =
        unified ? tree_.directory(cgroup_of(unit)) + "/memory.events"
                : tree_.directory(cgroup_of(unit), "memory") + "/memory.oom_control";
    const std::uint64_t kills = cgroup::read_keyed(file, "oom_kill").value_or(0);
    if (kills > live.out_of_memory_kills) {
        live.unnamed_kills += kills - live.out_of_memory_kills;
        live.out_of_memory_kills = kills;
        happen(OutOfMemoryKilled{unit});
        return true;
    }
    return false;
}

void Supervisor::watch_limits(const std::string& unit) {
    watch_memory(unit);
    watch_tasks(unit);
}

/// A kill of any of the unit's processes: v2's memory.events changes, v1 has an eventfd. A unit
/// without memory controller has neither; then only the end of its main process tells.
void Supervisor::watch_memory(const std::string& unit) {
    LiveUnit& live = live_[unit];
    live.memory_source = {};
    const bool unified = tree_.layout() == launch::CgroupLayout::Unified;
    auto opened = unified ? sys::open(tree_.directory(cgroup_of(unit)) + "/memory.events", O_RDONLY)
                          : cgroup::watch_v1_memory(tree_.directory(cgroup_of(unit), "memory"));
    if (!opened) {
        return;
    }
    live.memory_events = std::move(*opened);
    auto source = loop_.on_io(
        live.memory_events.number(),
        unified ? EPOLLPRI : EPOLLIN,
        Priority::Io,
        [this, unit](std::uint32_t) { memory_event(unit); });
    auto retry = loop_.timer(Priority::Timer, [this, unit] { memory_event(unit); });
    if (source && retry) {
        live.memory_source = std::move(*source);
        live.memory_retry = std::move(*retry);
    }
}

/// v2 wakes us when pids.events changes; v1 doesn't (as of Linux 6.18), so there it is read when
/// somebody asks. A unit without pids controller has no such file.
void Supervisor::watch_tasks(const std::string& unit) {
    if (tree_.layout() != launch::CgroupLayout::Unified) {
        return;
    }
    LiveUnit& live = live_[unit];
    live.tasks_source = {};
    const std::string file = tree_.directory(cgroup_of(unit)) + "/pids.events";
    auto opened = sys::open(file, O_RDONLY);
    if (!opened) {
        return;
    }
    live.tasks_events = std::move(*opened);
    acknowledge(live.tasks_events);
    if (cgroup::read_keyed(file, "max").value_or(0) > 0) {
        note_limits(unit);  // it has been quicker than we
    }
    auto source = loop_.on_io(
        live.tasks_events.number(), EPOLLPRI, Priority::Io, [this, unit](std::uint32_t) {
            acknowledge(live_[unit].tasks_events);
            note_limits(unit);
        });
    if (source) {
        live.tasks_source = std::move(*source);
    }
}

/// v1 tells that memory is short a moment before it kills, and the kernel's log names whom a moment
/// after it counted.
void Supervisor::memory_event(const std::string& unit) {
    constexpr int most_retries = 20;
    constexpr std::uint64_t retry_microseconds = 10'000;
    const auto found = live_.find(unit);
    if (found == live_.end()) {
        return;
    }
    LiveUnit& live = found->second;
    std::uint64_t count = 0;
    const bool unified = tree_.layout() == launch::CgroupLayout::Unified;
    if (unified) {
        acknowledge(live.memory_events);
    } else if (::read(live.memory_events.number(), &count, sizeof count) > 0) {
        live.memory_retries = most_retries;
    }
    const bool killed = out_of_memory_check(unit);
    note_limits(unit);
    name_victims(unit, live, live.limit_hits);
    if (killed && live.unnamed_kills != 0) {
        live.memory_retries = most_retries;
    }
    if ((!killed || live.unnamed_kills != 0) && live.memory_retries > 0) {
        --live.memory_retries;
        live.memory_retry.arm_in(retry_microseconds);
    }
}

/// Whom the kernel killed, as its log says.
void Supervisor::name_victims(const std::string& unit, LiveUnit& live, LimitHits& hits) {
    if (live.unnamed_kills == 0) {
        return;
    }
    if (!kernel_log_.why_not().empty()) {
        live.unnamed_kills = 0;
        hits.explain("OOMKill", "the kernel's log would say which: " + kernel_log_.why_not());
        return;
    }
    // As the kernel's log has it, which may be seen from above our namespace.
    const std::string shown = tree_.shown(cgroup_of(unit));
    const std::string cgroup = shown.substr(std::min(shown.find_first_not_of('/'), shown.size()));
    for (const cgroup::Victim& victim : kernel_log_.victims(cgroup)) {
        const std::string who =
            fmt::format("{} (pid {}, {})", victim.name, victim.pid, size_text(victim.bytes));
        log::write(log::Level::Warning, unit, "out of memory: the kernel killed " + who);
        hits.explain("OOMKill", who);
        live.unnamed_kills -= std::min<std::uint64_t>(live.unnamed_kills, 1);
    }
}

/// The kernel has just said that a limit bit.
void Supervisor::note_limits(const std::string& unit) {
    const auto found = live_.find(unit);
    if (found == live_.end()) {
        return;
    }
    const Moment when = now();
    const ResourceUsage usage = tree_.usage(cgroup_of(unit));
    for (const std::string& news : found->second.limit_hits.note(usage, when)) {
        log::write(log::Level::Warning, unit, news);
    }
}

/// The last word on an activation: kept for whoever asks, and said once.
void Supervisor::account_end(const std::string& unit, LiveUnit& live, const ResourceUsage& usage) {
    const std::vector<std::string> news = live.limit_hits.note(usage, {});
    for (const std::string& each : news) {
        log::write(log::Level::Information, unit, each);
    }
    name_victims(unit, live, live.limit_hits);
    if (const std::string text = consumption(usage); !text.empty()) {
        log::write(log::Level::Information, unit, text);
    }
    std::erase_if(
        ended_, [this](const auto& entry) { return world_.find(entry.first) == nullptr; });
    ended_.insert_or_assign(unit, Ended{usage.final_figures(), std::move(live.limit_hits)});
    live.limit_hits = {};
    live.unnamed_kills = 0;
}

}  // namespace hearth
