// SPDX-License-Identifier: MIT
//
// What a person and the hardware see of hearthd and of its machine's end: who holds up a stop, on
// the console and over the bus, and the watchdog.
#include <memory>

#include "supervisor/blockers.hpp"
#include "supervisor/hardware_watchdog.hpp"
#include "supervisor/log.hpp"
#include "supervisor/shutdown_console.hpp"
#include "supervisor/supervisor.hpp"

namespace hearth {

namespace {

void stop_watchdog(KeeperChannel& keeper, std::unique_ptr<HardwareWatchdog>& watchdog) {
    keeper.drop(keeper::held_watchdog);
    watchdog->disarm();
    watchdog.reset();
}

}  // namespace

void Supervisor::look_for_blockers(std::function<void(std::vector<Blocker>)> done) {
    if (!viewer_) {
        auto made = Worker::create(loop_);
        if (!made) {
            log::write(log::Level::Error, made.error().what);
            return done({});
        }
        viewer_ = std::move(*made);
    }
    auto found = std::make_shared<std::vector<Blocker>>(find_blockers(world_, now().monotonic));
    for (Blocker& each : *found) {
        if (const auto live = live_.find(each.unit);
            live != live_.end() && live->second.cgroup_made) {
            each.pids = tree_.processes(cgroup_of(each.unit)).value_or(std::vector<pid_t>{});
        }
    }
    viewer_->run(
        [found] {
            for (Blocker& each : *found) {
                each.processes = look_at(each.pids);
            }
        },
        [found, done = std::move(done)] { done(std::move(*found)); });
}

void Supervisor::blockers(std::function<void(Result<std::string, RequestError>)> done) {
    look_for_blockers(
        [done = std::move(done)](const std::vector<Blocker>& found) { done(to_json(found)); });
}

void Supervisor::watch_the_end() {
    if (options_.role != Role::Machine || console_ || !stops_machine()) {
        return;
    }
    console_ = ShutdownConsole::open(
        loop_,
        {[this](ShutdownConsole::Found found) { look_for_blockers(std::move(found)); },
         [this](const std::string& unit) { kill_blocker(unit); }});
}

void Supervisor::kill_blocker(const std::string& unit) {
    log::write(log::Level::Warning, unit, "killed by a key on the console");
    if (const auto killed = tree_.kill(cgroup_of(unit)); !killed) {
        log::write(log::Level::Error, unit, killed.error().what);
    }
}

// ---- the watchdog -------------------------------------------------------------------------------

/// A machine without the device is told so, and goes on.
void Supervisor::set_up_watchdog() {
    const MachineSettings& machine = options_.manager.machine;
    if (options_.role != Role::Machine) {
        return;
    }
    if (watchdog_ && machine.runtime_watchdog.microseconds != 0) {  // after a reload
        if (const auto set = watchdog_->set_timeout(machine.runtime_watchdog); !set) {
            log::write(log::Level::Error, set.error().what);
        }
        return;
    }
    sys::Descriptor held = keeper_.take(keeper::held_watchdog);
    if (machine.runtime_watchdog.microseconds == 0 && watchdog_) {
        return stop_watchdog(keeper_, watchdog_);
    }
    if (machine.runtime_watchdog.microseconds == 0 && !held) {
        return;
    }
    auto opened = HardwareWatchdog::open(
        loop_, machine.watchdog_device, machine.runtime_watchdog, std::move(held));
    if (!opened) {
        log::write(log::Level::Error, "RuntimeWatchdogSec= has no effect: " + opened.error().what);
        return;
    }
    watchdog_ = std::move(*opened);
    if (machine.runtime_watchdog.microseconds == 0) {  // switched off since an earlier hearthd
        return stop_watchdog(keeper_, watchdog_);
    }
    keeper_.hold(keeper::held_watchdog, watchdog_->descriptor());
    log::write(
        log::Level::Information,
        machine.watchdog_device + " resets the machine if hearthd is gone for " +
            format_timespan(Timespan{watchdog_->timeout()}));
}

/// A reboot is watched to its end by hearth-shutdown and the device; what stays off is not.
void Supervisor::hand_over_watchdog() {
    const MachineSettings& machine = options_.manager.machine;
    const Timespan time = end_.how == keeper::Ending::Reboot  ? machine.reboot_watchdog
                          : end_.how == keeper::Ending::KExec ? machine.kexec_watchdog
                                                              : Timespan::seconds(0);
    if (!watchdog_ && time.microseconds != 0) {  // a machine without one reboots as well
        auto opened = HardwareWatchdog::open(loop_, machine.watchdog_device, time, {});
        if (opened) {
            watchdog_ = std::move(*opened);
            keeper_.hold(keeper::held_watchdog, watchdog_->descriptor());
        }
        return;
    }
    if (watchdog_ && time.microseconds != 0) {
        if (const auto set = watchdog_->set_timeout(time); set) {
            return;
        }
    }
    if (watchdog_) {
        stop_watchdog(keeper_, watchdog_);
    }
}

WatchdogFacts Supervisor::watchdog() const {
    const MachineSettings& machine = options_.manager.machine;
    WatchdogFacts facts;
    facts.reboot = machine.reboot_watchdog.microseconds;
    facts.kexec = machine.kexec_watchdog.microseconds;
    if (watchdog_) {
        facts.device = watchdog_->path();
        facts.runtime = watchdog_->timeout();
        facts.last_ping = watchdog_->last_ping();
    }
    return facts;
}

}  // namespace hearth
