// SPDX-License-Identifier: MIT
//
// What timers, paths and automounts need of the world: wake-ups, time zones, stamp files, watches,
// automount points; and what the kernel says of mounts and swaps that somebody else made.
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <set>
#include <utility>

#include "supervisor/automounts.hpp"
#include "supervisor/clock_watch.hpp"
#include "supervisor/log.hpp"
#include "supervisor/mount_table.hpp"
#include "supervisor/path_watch.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "units/trigger.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// systemd's own place, so that what systemd or an administrator knows of a timer is known here.
std::string stamp_path(const LoadContext& context, const std::string& unit) {
    return context.state_directory + "/systemd/timers/stamp-" + unit;
}

std::uint64_t modified(const std::string& path) {
    const auto status = sys::stat(path);
    return status ? static_cast<std::uint64_t>(status->st_mtim.tv_sec) * 1'000'000 +
                        static_cast<std::uint64_t>(status->st_mtim.tv_nsec) / 1'000
                  : 0;
}

/// Its time is the present one; made where it is missing.
void touch(const std::string& path) {
    auto made = sys::make_directories(path.substr(0, path.rfind('/')), 0755);
    if (made) {
        const auto file = sys::open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644);
        if (!file) {
            made = Unexpected<Error>(file.error());
        } else if (::futimens(file->number(), nullptr) != 0) {
            made = sys::call_failure("futimens", path, errno);
        }
    }
    if (!made) {
        log::write(log::Level::Warning, "Persistent=: " + made.error().what);
    }
}

}  // namespace

struct Supervisor::Triggers {
    std::unique_ptr<ClockWatch> clock;
    std::unique_ptr<PathWatches> paths;
    std::unique_ptr<Automounts> automounts;
    std::set<std::string> zones;  ///< that were asked for
};

void Supervisor::TriggersDeleter::operator()(Triggers* triggers) const {
    delete triggers;  // NOLINT(cppcoreguidelines-owning-memory)
}

Result<void> Supervisor::set_up_triggers() {
    triggers_.reset(new Triggers);  // NOLINT(cppcoreguidelines-owning-memory)
    triggers_->clock = HEARTH_TRY(ClockWatch::create(
        loop_,
        {.time_came = [this] { happen(TimeElapsed{}); },
         .clock_set = [this] { happen(ClockChanged{}); },
         .zone_changed = [this] { read_zones(std::set<std::string>(triggers_->zones)); }}));
    triggers_->paths = std::make_unique<PathWatches>(
        loop_, *worker_, [this](PathsSeen seen) { happen(std::move(seen)); });
    triggers_->automounts = std::make_unique<Automounts>(
        loop_, keeper_, [this](Event event) { happen(std::move(event)); }, [this] { settle(); });
    world_.machine = fixed_number(0, load_context_.machine_id);
    read_zones({""});
    return {};
}

/// What timers count from; once it is known when the first hearthd began.
void Supervisor::set_timer_bases() {
    world_.manager_started = started_;
    world_.booted_at = options_.role == Role::Container ? started_.monotonic : 0;
}

void Supervisor::read_zones(const std::set<std::string>& names) {
    ZonesRead read;
    for (const std::string& name : names) {
        auto zone = ClockWatch::zone(name);
        if (!zone) {
            const std::string what = name.empty() ? "the local time zone" : "time zone " + name;
            log::write(
                log::Level::Warning,
                what + " can't be read: " + zone.error().what +
                    (name.empty() ? "; UTC is taken"
                                  : "; what OnCalendar= says in it never comes"));
            continue;
        }
        if (name.empty()) {
            const auto known = world_.zones.find(name);
            read.local_changed = known != world_.zones.end() && known->second != *zone;
        }
        read.zones.insert_or_assign(name, std::move(*zone));
    }
    triggers_->zones.insert(names.begin(), names.end());
    handle(step(world_, std::move(read), now()));
}

/// The zones that the units name, before the engine hears of the units.
void Supervisor::read_zones_of(const std::vector<Unit>& units) {
    std::set<std::string> names;
    for (const Unit& unit : units) {
        for (const CalendarSpec& each : unit.settings.timer.timers.calendar) {
            if (!each.zone.empty() && !triggers_->zones.contains(each.zone)) {
                names.insert(each.zone);
            }
        }
    }
    if (!names.empty()) {
        read_zones(names);
    }
}

void Supervisor::arm_clock() {
    triggers_->clock->arm(world_.next_wake());
}

void Supervisor::perform_trigger(const ReadTimerStamp& action) {
    const std::string path = stamp_path(load_context_, action.unit);
    auto when = std::make_shared<std::uint64_t>(0);
    worker_->run(
        [path, when] {
            *when = modified(path);
            if (*when == 0) {
                touch(path);  // from now on it counts what it misses
            }
        },
        [this, when, unit = action.unit] { happen(TimerStampRead{unit, *when}); });
}

void Supervisor::perform_trigger(const WriteTimerStamp& action) {
    worker_->run([path = stamp_path(load_context_, action.unit)] { touch(path); });
}

void Supervisor::perform_trigger(const WatchPaths& action) {
    if (const UnitRecord* const record = std::as_const(world_).find(action.unit)) {
        triggers_->paths->watch(action.unit, record->unit.settings.path);
    }
}

void Supervisor::perform_trigger(const UnwatchPaths& action) {
    triggers_->paths->unwatch(action.unit);
}

void Supervisor::perform_trigger(const MountAutofs& action) {
    if (const UnitRecord* const record = std::as_const(world_).find(action.unit)) {
        triggers_->automounts->make(action.unit, record->unit.settings.automount);
    }
}

void Supervisor::perform_trigger(const UnmountAutofs& action) {
    triggers_->automounts->remove(action.unit);
}

void Supervisor::perform_trigger(const AnswerAutofs& action) {
    triggers_->automounts->answer(action);
}

void Supervisor::perform_trigger(const ExpireAutofs& action) {
    triggers_->automounts->expire(action.unit);
}

void Supervisor::adopt_automount(const std::string& unit) {
    const UnitRecord* const record = std::as_const(world_).find(unit);
    if (record != nullptr && !at_rest(record->active_state()) &&
        !triggers_->automounts->resume(unit, record->unit.settings.automount)) {
        happen(AutofsGone{unit});
    }
}

/// What, Type and Options of what is mounted, and the priority of a swap, in the kernel's words.
void Supervisor::show_mount(const UnitRecord& record, LiveFacts& facts) {
    const UnitType type = unit_type(record.unit.name);
    if (!is_active(record.active_state())) {
        return;
    }
    if (type == UnitType::Mount) {
        for (MountEntry& each : mount_table()) {
            if (each.where == record.unit.settings.mount.where && each.type != "autofs") {
                facts.mounted = {
                    std::move(each.what), std::move(each.type), std::move(each.options)};
            }
        }
    } else if (type == UnitType::Swap) {
        if (const auto swap = find_swap(record.unit.settings.swap.what)) {
            facts.swap_priority = swap->priority;
        }
    }
}

}  // namespace hearth
