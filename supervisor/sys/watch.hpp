// SPDX-License-Identifier: MIT
//
// timerfd_create(2) and inotify(7) as Results.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::sys {

/// On CLOCK_REALTIME, non-blocking.
Result<Descriptor> realtime_timer();
/// Fires at that time (microseconds since 1970), and whenever somebody sets the clock
/// (TFD_TIMER_CANCEL_ON_SET); UINT64_MAX: for the latter alone.
Result<void> arm_realtime(int timer, std::uint64_t microseconds);
/// Whether it fired because the clock was set.
Result<bool> was_clock_set(int timer);

/// IN_NONBLOCK.
Result<Descriptor> inotify();
/// The watch's number; with IN_MASK_ADD several of one inode add up.
Result<int> inotify_watch(int descriptor, const std::string& path, std::uint32_t mask);
struct InotifyEvent {
    int watch = 0;
    std::uint32_t mask = 0;
    std::string name;
};
/// What has happened since; empty: nothing.
Result<std::vector<InotifyEvent>> read_inotify(int descriptor);

}  // namespace hearth::sys
