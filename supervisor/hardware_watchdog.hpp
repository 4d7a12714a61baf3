// SPDX-License-Identifier: MIT
//
// HardwareWatchdog: the machine's watchdog device (the kernel's watchdog-api), which resets the
// machine when nobody has kept it alive for its time. Kept alive at half of that from the loop, so
// only while the loop works. The keeper holds the descriptor: it stays armed while no hearthd runs,
// the next one goes on with it, and one that never comes back costs a reset. Switched off by
// disarm() alone.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "parser/result.hpp"
#include "parser/values.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/now.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth {

class HardwareWatchdog {
public:
    /// `inherited`: an earlier hearthd's, or empty. `timeout` never(): what the device has. A
    /// device that rounds is told.
    static Result<std::unique_ptr<HardwareWatchdog>> open(
        EventLoop& loop, const std::string& device, Timespan timeout, sys::Descriptor inherited);

    /// Another time from now on; for what comes after hearthd, too.
    Result<void> set_timeout(Timespan timeout);
    /// The device stops; where it can't be stopped (nowayout), the machine will be reset.
    void disarm();

    [[nodiscard]] int descriptor() const { return device_.number(); }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::uint64_t timeout() const { return std::uint64_t{seconds_} * 1'000'000U; }
    [[nodiscard]] const Moment& last_ping() const { return last_ping_; }

private:
    HardwareWatchdog(std::string path, sys::Descriptor device)
        : path_(std::move(path)), device_(std::move(device)) {}
    void ping();

    std::string path_;
    sys::Descriptor device_;
    EventSource timer_;
    unsigned seconds_ = 0;
    Moment last_ping_;
};

}  // namespace hearth
