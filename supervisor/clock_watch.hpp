// SPDX-License-Identifier: MIT
//
// What timers need of the world's time: a wake-up at a time of day, word that somebody has set the
// clock, and the rules of time zones as values (units/time_zone.hpp), read from zoneinfo. The local
// zone is /etc/localtime, which is watched.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "units/time_zone.hpp"

namespace hearth {

class ClockWatch {
public:
    struct Callbacks {
        std::function<void()> time_came, clock_set, zone_changed;
    };
    static Result<std::unique_ptr<ClockWatch>> create(EventLoop& loop, Callbacks callbacks);

    /// Microseconds since 1970; without one only the clock's being set is told.
    void arm(std::optional<std::uint64_t> realtime);

    /// "Europe/Berlin"; empty: the local one, UTC where none is set up.
    [[nodiscard]] static Result<TimeZone> zone(const std::string& name);

private:
    explicit ClockWatch(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
    void fired();
    void directory_changed();

    Callbacks callbacks_;
    sys::Descriptor timer_, inotify_;
    EventSource timer_source_, inotify_source_;
    std::optional<std::uint64_t> armed_;
};

}  // namespace hearth
