// SPDX-License-Identifier: MIT
#include "supervisor/hardware_watchdog.hpp"

#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "supervisor/log.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth {

namespace {

constexpr std::uint64_t second = 1'000'000;

}  // namespace

Result<std::unique_ptr<HardwareWatchdog>> HardwareWatchdog::open(
    EventLoop& loop, const std::string& device, Timespan timeout, sys::Descriptor inherited) {
    if (!inherited) {
        inherited = HEARTH_TRY(sys::open(device, O_WRONLY | O_CLOEXEC));
    }
    std::unique_ptr<HardwareWatchdog> made(new HardwareWatchdog(device, std::move(inherited)));
    made->timer_ = HEARTH_TRY(loop.timer(Priority::Timer, [raw = made.get()] { raw->ping(); }));
    HEARTH_TRY(made->set_timeout(timeout));
    return made;
}

Result<void> HardwareWatchdog::set_timeout(Timespan timeout) {
    int enable = WDIOS_ENABLECARD;
    (void)::ioctl(device_.number(), WDIOC_SETOPTIONS, &enable);  // few need it
    int wanted = 0;
    if (!timeout.is_infinite()) {
        const std::uint64_t seconds = (timeout.microseconds + second - 1) / second;
        wanted = static_cast<int>(std::min<std::uint64_t>(seconds, INT_MAX));
        int given = wanted;
        if (::ioctl(device_.number(), WDIOC_SETTIMEOUT, &given) < 0) {
            log::write(
                log::Level::Warning,
                path_ + " doesn't take " + format_timespan(timeout) + ": it keeps its own time");
        }
    }
    int has = 0;
    if (::ioctl(device_.number(), WDIOC_GETTIMEOUT, &has) < 0 || has <= 0) {
        has = wanted;
    }
    if (has <= 0) {
        return failure(path_ + " doesn't tell its time, so it can't be kept alive", EINVAL);
    }
    if (wanted != 0 && has != wanted) {
        log::write(
            log::Level::Notice,
            path_ + " makes " + std::to_string(has) + "s of " + std::to_string(wanted) + "s");
    }
    seconds_ = static_cast<unsigned>(has);
    ping();
    return {};
}

void HardwareWatchdog::ping() {
    if (::ioctl(device_.number(), WDIOC_KEEPALIVE, 0) < 0) {
        log::write(log::Level::Error, path_ + " can't be kept alive");
    }
    last_ping_ = now();
    timer_.arm_in(seconds_ * second / 2);
}

void HardwareWatchdog::disarm() {
    timer_.disarm();
    int disable = WDIOS_DISABLECARD;
    (void)::ioctl(device_.number(), WDIOC_SETOPTIONS, &disable);
    // What closes it for good must have said so; the last holder's close(2) stops it then.
    (void)!::write(device_.number(), "V", 1);
    device_.reset();
}

}  // namespace hearth
