// SPDX-License-Identifier: MIT
#include "supervisor/sys/watch.hpp"

#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "supervisor/sys/file.hpp"

namespace hearth::sys {

Result<Descriptor> realtime_timer() {
    const int number = ::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    return number < 0 ? call_failure("timerfd_create", "", errno)
                      : Result<Descriptor>(Descriptor(number));
}

Result<void> arm_realtime(int timer, std::uint64_t microseconds) {
    // The kernel wants a time that it can count to; 0 would disarm.
    constexpr std::uint64_t far_away = std::uint64_t{1} << 60U;
    const std::uint64_t at = std::clamp<std::uint64_t>(microseconds, 1, far_away);
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(at / 1'000'000);
    when.it_value.tv_nsec = static_cast<long>(at % 1'000'000 * 1'000);
    if (::timerfd_settime(timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr) !=
        0) {
        return call_failure("timerfd_settime", "", errno);
    }
    return {};
}

Result<bool> was_clock_set(int timer) {
    std::uint64_t times = 0;
    if (::read(timer, &times, sizeof times) >= 0 || errno == EAGAIN) {
        return false;
    }
    return errno == ECANCELED ? Result<bool>(true) : call_failure("read", "timerfd", errno);
}

Result<Descriptor> inotify() {
    const int number = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return number < 0 ? call_failure("inotify_init1", "", errno)
                      : Result<Descriptor>(Descriptor(number));
}

Result<int> inotify_watch(int descriptor, const std::string& path, std::uint32_t mask) {
    const int watch = ::inotify_add_watch(descriptor, path.c_str(), mask);
    return watch < 0 ? call_failure("inotify_add_watch", path, errno) : Result<int>(watch);
}

Result<std::vector<InotifyEvent>> read_inotify(int descriptor) {
    std::vector<InotifyEvent> events;
    alignas(inotify_event) std::array<char, 16'384> buffer{};
    for (;;) {
        const ssize_t length = ::read(descriptor, buffer.data(), buffer.size());
        if (length < 0) {
            return errno == EAGAIN ? Result<std::vector<InotifyEvent>>(std::move(events))
                                   : call_failure("read", "inotify", errno);
        }
        for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(length);) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* const name = buffer.data() + at + sizeof event;
            events.push_back({event.wd, event.mask, std::string(name, ::strnlen(name, event.len))});
            at += sizeof event + event.len;
        }
    }
}

}  // namespace hearth::sys
