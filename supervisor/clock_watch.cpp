// SPDX-License-Identifier: MIT
#include "supervisor/clock_watch.hpp"

#include <sys/epoll.h>
#include <sys/inotify.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "supervisor/log.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/watch.hpp"

namespace hearth {

namespace {

constexpr const char* local_zone = "/etc/localtime";
constexpr const char* zone_directory = "/usr/share/zoneinfo/";
constexpr std::size_t most = 1 << 20;

}  // namespace

Result<std::unique_ptr<ClockWatch>> ClockWatch::create(EventLoop& loop, Callbacks callbacks) {
    std::unique_ptr<ClockWatch> watch(new ClockWatch(std::move(callbacks)));
    watch->timer_ = HEARTH_TRY(sys::realtime_timer());
    HEARTH_TRY(sys::arm_realtime(watch->timer_.number(), UINT64_MAX));
    ClockWatch* const self = watch.get();
    watch->timer_source_ = HEARTH_TRY(
        loop.on_io(watch->timer_.number(), EPOLLIN, Priority::Timer, [self](std::uint32_t) {
            self->fired();
        }));
    // Without inotify the zone is what it was when hearthd started.
    if (auto inotify = sys::inotify()) {
        watch->inotify_ = std::move(*inotify);
        const auto added = sys::inotify_watch(
            watch->inotify_.number(), "/etc", IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE);
        if (added) {
            watch->inotify_source_ = HEARTH_TRY(
                loop.on_io(watch->inotify_.number(), EPOLLIN, Priority::Io, [self](std::uint32_t) {
                    self->directory_changed();
                }));
        }
    }
    return watch;
}

void ClockWatch::arm(std::optional<std::uint64_t> realtime) {
    if (realtime == armed_) {
        return;
    }
    armed_ = realtime;
    if (const auto armed = sys::arm_realtime(timer_.number(), realtime.value_or(UINT64_MAX));
        !armed) {
        // It is armed, but the clock was set just now, which no read would tell any more.
        if (armed.error().code == ECANCELED) {
            callbacks_.clock_set();
        } else {
            log::write(log::Level::Error, armed.error().what);
        }
    }
}

void ClockWatch::fired() {
    const auto set = sys::was_clock_set(timer_.number());
    // It fires once; arm() is asked again after whatever follows.
    armed_.reset();
    (void)sys::arm_realtime(timer_.number(), UINT64_MAX);
    if (set && *set) {
        log::write(log::Level::Notice, "the clock was set");
        callbacks_.clock_set();
    } else {
        callbacks_.time_came();
    }
}

void ClockWatch::directory_changed() {
    const auto events = sys::read_inotify(inotify_.number());
    const bool concerns = !events || std::ranges::any_of(*events, [](const auto& event) {
        return event.name == "localtime" || (event.mask & IN_Q_OVERFLOW) != 0;
    });
    if (concerns) {
        callbacks_.zone_changed();
    }
}

Result<TimeZone> ClockWatch::zone(const std::string& name) {
    if (name == "UTC") {
        return TimeZone{};
    }
    const bool climbs = name.find("..") != std::string::npos;
    if (climbs) {
        return failure("'" + name + "' is no time zone", ENOENT);
    }
    const auto text = sys::read_file(name.empty() ? local_zone : zone_directory + name, most);
    if (!text) {
        return name.empty() && text.error().code == ENOENT ? Result<TimeZone>(TimeZone{})
                                                           : Unexpected<Error>(text.error());
    }
    return read_time_zone(*text);
}

}  // namespace hearth
