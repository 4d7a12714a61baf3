// SPDX-License-Identifier: MIT
//
// What services say by sd_notify(3) and by their name on the bus becomes events here, and what the
// engine wants of it becomes calls: the descriptors they store, the main processes that they name,
// launches that wait for a quiet moment, the end of hearthd that an essential service's end brings.
#include <unistd.h>

#include <algorithm>

#include "supervisor/log.hpp"
#include "supervisor/notify/main_process.hpp"
#include "supervisor/now.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

/// systemd.service(5), Type=idle: at most so long.
constexpr std::uint64_t idle_microseconds = 5'000'000;

}  // namespace

// ---- names on the message bus -------------------------------------------------------------------

/// From its first start on, so that a restart sees the old process lose the name.
void Supervisor::follow_bus_name(const std::string& unit) {
    const UnitRecord* const record = world_.find(unit);
    if (record == nullptr || record->status.type != ServiceType::Dbus) {
        return;
    }
    if (at_rest(record->active_state())) {
        bus_names_->rest(unit);
    } else {
        bus_names_->watch(unit, record->unit.settings.service.bus_name);
    }
}

// ---- messages -----------------------------------------------------------------------------------

/// By the processes that we wait for (they may be zombies already), else by the cgroup. A pid can
/// be taken by another process once its own has been reaped; a pidfd tells that it has not.
std::string Supervisor::sender_unit(const notify::Datagram& datagram) const {
    for (const auto& [name, live] : live_) {
        if (live.processes.contains(datagram.sender.pid)) {
            return name;
        }
    }
    std::string unit = unit_by_pid(datagram.sender.pid);
    if (datagram.pidfd && !sys::pidfd_send_signal(datagram.pidfd.number(), 0)) {
        return {};
    }
    return unit;
}

bool Supervisor::is_launching(std::string_view unit) const {
    return std::ranges::any_of(
        launching_, [&](const auto& launching) { return launching.second == unit; });
}

void Supervisor::notification_received(notify::Datagram datagram) {
    const std::string unit = sender_unit(datagram);
    if (unit.empty()) {
        log::write(
            log::Level::Debug,
            "a notification of process " + std::to_string(datagram.sender.pid) +
                ", which is in no unit's cgroup, was dropped");
        return;
    }
    const auto live = live_.find(unit);
    const bool known = live != live_.end() && live->second.processes.contains(datagram.sender.pid);
    const bool others = std::ranges::any_of(
        early_notifications_, [&](const auto& early) { return early.first == unit; });
    if (others || (!known && is_launching(unit))) {
        early_notifications_.emplace_back(unit, std::move(datagram));
        return;
    }
    notification_of(unit, std::move(datagram));
}

/// After a launch has returned: what its process said meanwhile comes after its start.
void Supervisor::release_notifications() {
    auto waiting = std::exchange(early_notifications_, {});
    for (auto& [unit, datagram] : waiting) {
        if (is_launching(unit)) {
            early_notifications_.emplace_back(unit, std::move(datagram));
        } else {
            notification_of(unit, std::move(datagram));
        }
    }
}

void Supervisor::notification_of(const std::string& unit, notify::Datagram datagram) {
    Notified said;
    said.unit = unit;
    said.pid = datagram.sender.pid;
    if (const auto& main = datagram.message.main_pid) {
        said.main_is_ours = *main != ::getpid() && unit_by_pid(*main) == said.unit;
    }
    said.descriptors = store_of_descriptors_->offer(said.unit, std::move(datagram.descriptors));
    said.message = std::move(datagram.message);
    happen(std::move(said));
}

// ---- main processes -----------------------------------------------------------------------------

void Supervisor::find_main_process(const std::string& unit) {
    const UnitRecord* record = world_.find(unit);
    if (record == nullptr) {
        return;
    }
    const auto found = std::make_shared<notify::MainSearch>();
    const std::string file = record->unit.settings.service.pid_file;
    worker_->run(
        [this, found, file, path = cgroup_of(unit), control = record->status.control_pid] {
            const auto members = tree_.processes(path).value_or(std::vector<pid_t>{});
            *found = file.empty() ? notify::guess_main(members, control, ::getpid())
                                  : notify::main_by_pid_file(file, members, control);
        },
        [this, found, unit] { happen(MainProcessFound{unit, found->pid, found->why}); });
}

void Supervisor::watch_main_process(const std::string& unit, pid_t pid) {
    const LiveUnit& live = live_[unit];
    if (live.processes.contains(pid)) {
        return;
    }
    auto pidfd = sys::pidfd_open(pid);
    if (!pidfd) {
        log::write(
            log::Level::Warning,
            unit,
            "its main process ended before it could be watched; counted as a failure");
        happen(ProcessExited{unit, pid, CLD_KILLED, SIGKILL, now()});
        return;
    }
    watch_process(unit, pid, std::move(*pidfd));
}

// ---- stored descriptors -------------------------------------------------------------------------

void Supervisor::hold_stored(const Outcome& outcome) {
    if (!keeper_) {
        return;
    }
    for (const Action& action : outcome.actions) {
        if (const auto* stored = std::get_if<StoreDescriptor>(&action)) {
            const std::string slot = notify::slot_of(stored->id);
            keeper_.hold(
                stored->poll ? slot : slot + notify::unpolled,
                store_of_descriptors_->number(stored->id));
        }
    }
}

std::set<std::uint64_t> Supervisor::restore_stored(const std::vector<KeptUnit>& units) {
    std::set<std::uint64_t> held;
    for (const KeptUnit& unit : units) {
        for (const StoredDescriptor& stored : unit.status.stored) {
            const std::string slot = notify::slot_of(stored.id);
            sys::Descriptor watched = keeper_.take(slot);
            const bool poll = static_cast<bool>(watched);
            sys::Descriptor found =
                poll ? std::move(watched) : keeper_.take(slot + notify::unpolled);
            if (found) {
                store_of_descriptors_->restore(unit.name, stored.id, std::move(found), poll);
                held.insert(stored.id);
            }
        }
    }
    for (const std::string& name : keeper_.untaken()) {
        if (name.starts_with(notify::slot_of(0).substr(0, notify::slot_of(0).size() - 1))) {
            keeper_.drop(name);  // closed by a service while its hearthd died
        }
    }
    return held;
}

void Supervisor::lend_stored(const Launch& action, launch::LaunchRequest& request) {
    for (const StoredDescriptor& stored : world_.find(action.unit)->status.stored) {
        auto copy = store_of_descriptors_->duplicate(stored.id);
        if (copy) {
            request.descriptors.emplace(notify::slot_of(stored.id), std::move(*copy));
        } else {
            log::write(log::Level::Warning, action.unit, copy.error().what);
        }
    }
    if (is_command_unit(action.unit)) {
        lend_streams(request);
    }
}

// ---- launches that wait -------------------------------------------------------------------------

bool Supervisor::delay_until_idle(const Launch& action) {
    const bool busy = std::ranges::any_of(
        world_.jobs, [&](const auto& job) { return job.second.unit != action.unit; });
    if (!action.when_idle || !busy) {
        return false;
    }
    if (delayed_.empty()) {
        idle_source_.arm_in(idle_microseconds);
    }
    delayed_.emplace(action.launch, action);
    return true;
}

void Supervisor::launch_delayed(bool all) {
    auto waiting = std::exchange(delayed_, {});
    for (auto& [id, action] : waiting) {
        Launch launch = action;
        launch.when_idle = launch.when_idle && !all;
        perform_launch(launch);
    }
}

void Supervisor::abort_launch(const AbortLaunch& action) {
    if (delayed_.erase(action.launch) == 0) {
        (void)launchers_->abort(action.launch);
        return;
    }
    LaunchFailed failed;
    failed.unit = action.unit;
    failed.launch = action.launch;
    failed.message = "the launch was aborted while it waited for other jobs";
    failed.at = now();
    happen(std::move(failed));
}

}  // namespace hearth
