// SPDX-License-Identifier: MIT
#include "units/timer_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "units/record_times.hpp"
#include "units/restart_policy.hpp"
#include "units/trigger.hpp"

namespace hearth {

namespace {

std::uint64_t sum(std::uint64_t first, std::uint64_t second) {
    return second > UINT64_MAX - first ? UINT64_MAX : first + second;
}

/// Counts from a moment that comes but once, so it elapses but once.
bool is_single(TimerBase base) {
    return base == TimerBase::Active || base == TimerBase::Boot || base == TimerBase::Startup;
}

}  // namespace

void TimerMachine::start() {
    if (!at_rest(record_.active_state()) || timer_.reads_stamp) {
        return;
    }
    if (auto refusal = begin_start(record_, trigger_, "unit", now_.monotonic, outcome_)) {
        return fail(refusal->result, std::move(refusal->cause));
    }
    timer_ = {};
    if (record_.unit.settings.timer.persistent) {
        timer_.reads_stamp = true;
        outcome_.actions.emplace_back(ReadTimerStamp{record_.unit.name});
        return;
    }
    wait(false, {});
}

void TimerMachine::stamp_read(std::uint64_t realtime) {
    if (!std::exchange(timer_.reads_stamp, false)) {
        return;
    }
    if (realtime > now_.realtime) {
        outcome_.actions.emplace_back(Tell{
            Severity::Warning, record_.unit.name, "the time it elapsed last is in the future"});
        realtime = 0;
    }
    timer_.last_trigger = {0, realtime};
    wait(false, {});
}

void TimerMachine::stop() {
    timer_.reads_stamp = false;
    timer_.next_monotonic.reset();
    timer_.next_realtime.reset();
    timer_.wake_realtime.reset();
    status_.deadline.reset();
    enter(ServiceState::Dead, {});
}

void TimerMachine::forget() {
    status_.recent_starts.clear();
    if (status_.state == ServiceState::Failed) {
        status_.result = ServiceResult::Success;
        enter(ServiceState::Dead, "reset-failed");
    }
}

bool TimerMachine::is_due() const {
    return status_.state == ServiceState::Waiting &&
           ((status_.deadline && *status_.deadline <= now_.monotonic) ||
            (timer_.wake_realtime && *timer_.wake_realtime <= now_.realtime));
}

void TimerMachine::elapse(std::string cause) {
    timer_.last_trigger = now_;
    timer_.next_monotonic.reset();
    timer_.next_realtime.reset();
    timer_.wake_realtime.reset();
    status_.deadline.reset();
    if (record_.unit.settings.timer.persistent) {
        outcome_.actions.emplace_back(WriteTimerStamp{record_.unit.name});
    }
    enter(ServiceState::Running, std::move(cause));
}

void TimerMachine::fail(ServiceResult result, std::string cause) {
    stop();
    status_.result = result;
    status_.failure = cause;
    enter(ServiceState::Failed, std::move(cause));
}

void TimerMachine::trigger_changed() {
    if (trigger_ == nullptr || trigger_->unit.load_state != LoadState::Loaded) {
        return;
    }
    switch (status_.state) {
        case ServiceState::Waiting:
        case ServiceState::Exited:
            return wait(false, trigger_->unit.name + " has changed");
        case ServiceState::Running:
            if (at_rest(trigger_->active_state()) && !trigger_->job) {
                wait(false, trigger_->unit.name + " has ended");
            }
            return;
        default:
            return;
    }
}

bool TimerMachine::clock_changed() {
    // Triggered in the future: the clock was set back.
    timer_.last_trigger.realtime = std::min(timer_.last_trigger.realtime, now_.realtime);
    if (status_.state != ServiceState::Waiting) {
        return false;
    }
    if (record_.unit.settings.timer.on_clock_change) {
        return true;
    }
    wait(true, "the clock was set");
    return false;
}

bool TimerMachine::zone_changed(bool local_changed) {
    if (status_.state != ServiceState::Waiting) {
        return false;
    }
    if (local_changed && record_.unit.settings.timer.on_timezone_change) {
        return true;
    }
    wait(true, "the time zone's rules have changed");
    return false;
}

void TimerMachine::reloaded() {
    timer_.spent.clear();
    if (status_.state == ServiceState::Waiting || status_.state == ServiceState::Exited) {
        wait(false, "its text has changed");
    }
}

std::optional<std::uint64_t> TimerMachine::base_of(TimerBase base) const {
    std::uint64_t moment = 0;
    switch (base) {
        case TimerBase::Active:
            return is_active(record_.active_state()) ? record_.inactive_exit.monotonic
                                                     : now_.monotonic;
        case TimerBase::Boot:
            return world_.booted_at;
        case TimerBase::Startup:
            return world_.manager_started.monotonic;
        case TimerBase::UnitActive:
            moment = trigger_ == nullptr ? 0 : trigger_->inactive_exit.monotonic;
            break;
        case TimerBase::UnitInactive:
            moment = trigger_ == nullptr ? 0 : trigger_->inactive_enter.monotonic;
            break;
    }
    moment = std::max(moment, timer_.last_trigger.monotonic);
    return moment == 0 ? std::nullopt : std::optional(moment);
}

/// `keeps`: nothing has happened that they count from. `stays`: it may elapse again one day.
std::optional<std::uint64_t> TimerMachine::next_monotonic(bool keeps, bool& stays) {
    std::optional<std::uint64_t> next;
    const std::vector<MonotonicTimer>& timers = record_.unit.settings.timer.timers.monotonic;
    const bool triggered = timer_.last_trigger != Moment{};
    for (std::uint32_t index = 0; index < timers.size(); ++index) {
        const MonotonicTimer& each = timers[index];
        stays = stays || !is_single(each.base);
        if (std::ranges::count(timer_.spent, index) > 0) {
            continue;
        }
        const auto base = base_of(each.base);
        if (!base) {
            continue;
        }
        const std::uint64_t elapses = sum(*base, each.span.microseconds);
        if (triggered && !keeps && is_single(each.base) && elapses < now_.monotonic) {
            timer_.spent.push_back(index);
            continue;
        }
        next = next ? std::min(*next, elapses) : elapses;
    }
    return next;
}

std::optional<std::uint64_t> next_calendar(
    const World& world, const UnitRecord& record, const CalendarSpec& spec, Moment now) {
    static const TimeZone utc;
    const auto zone = world.zones.find(spec.zone);
    if (zone == world.zones.end() && !spec.zone.empty() && spec.zone != "UTC") {
        return std::nullopt;  // told when the unit was loaded
    }
    const std::uint64_t last = record.status.timer.last_trigger.realtime;
    const bool active = is_active(record.active_state());
    const std::uint64_t base = last != 0 ? last
                               : active  ? record.inactive_exit.realtime
                                         : now.realtime;
    return next_elapse(spec, base, zone == world.zones.end() ? utc : zone->second);
}

std::optional<std::uint64_t> TimerMachine::next_realtime() {
    std::optional<std::uint64_t> next;
    // What was missed while nobody looked counts from the manager's start on, so that a random
    // delay spreads it.
    const std::uint64_t up =
        now_.monotonic - std::min(now_.monotonic, world_.manager_started.monotonic);
    const std::uint64_t earliest = now_.realtime - std::min(now_.realtime, up);
    for (const CalendarSpec& each : record_.unit.settings.timer.timers.calendar) {
        if (const auto elapses = next_calendar(world_, record_, each, now_)) {
            const std::uint64_t at = std::max(*elapses, earliest);
            next = next ? std::min(*next, at) : at;
        }
    }
    return next;
}

std::uint64_t TimerMachine::delay() {
    const TimerSettings& settings = record_.unit.settings.timer;
    const std::uint64_t most = settings.randomized_delay.microseconds;
    if (most == 0) {
        return 0;
    }
    return settings.fixed_random_delay ? fixed_number(world_.machine, record_.unit.name) % most
                                       : random_within(world_.random, most);
}

/// `keeps_monotonic`: the clock or zone was set, which is nothing to what counts otherwise.
void TimerMachine::wait(bool keeps_monotonic, std::string cause) {
    const TimerSettings& settings = record_.unit.settings.timer;
    const auto before = std::pair(timer_.next_monotonic, timer_.next_realtime);
    bool stays = settings.remain_after_elapse;
    if (!keeps_monotonic) {
        timer_.next_monotonic = next_monotonic(false, stays);
        status_.deadline.reset();
        if (timer_.next_monotonic) {
            timer_.next_monotonic = sum(*timer_.next_monotonic, delay());
            status_.deadline = wake_within(
                std::max(*timer_.next_monotonic, now_.monotonic),
                settings.accuracy.microseconds,
                world_.machine);
        }
    }
    timer_.next_realtime = next_realtime();
    timer_.wake_realtime.reset();
    if (timer_.next_realtime) {
        timer_.next_realtime = sum(*timer_.next_realtime, delay());
        timer_.wake_realtime = wake_within(
            std::max(*timer_.next_realtime, now_.realtime),
            settings.accuracy.microseconds,
            world_.machine);
    }
    const bool waits = timer_.next_monotonic || timer_.next_realtime || settings.on_clock_change ||
                       settings.on_timezone_change;
    if (!waits) {
        status_.result = ServiceResult::Success;
        return enter(stays ? ServiceState::Exited : ServiceState::Dead, "it won't elapse any more");
    }
    const bool same = status_.state == ServiceState::Waiting &&
                      before == std::pair(timer_.next_monotonic, timer_.next_realtime);
    if (!same) {
        enter(ServiceState::Waiting, std::move(cause));
    }
}

void TimerMachine::enter(ServiceState state, std::string cause) {
    if (status_.state == state && state != ServiceState::Waiting) {
        return;
    }
    change_state(record_, state, std::move(cause), now_, outcome_);
}

}  // namespace hearth
