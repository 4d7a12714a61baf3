// SPDX-License-Identifier: MIT
//
// One message of sd_notify(3) as a value: what a service says of itself. It is read from the
// datagram by supervisor/notify/message.hpp and judged by the service machine. Times are
// microseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace hearth {

struct Notification {
    bool ready = false, reloading = false, stopping = false;
    std::optional<std::uint64_t> monotonic;          ///< MONOTONIC_USEC=
    std::optional<std::string> status;               ///< STATUS=; empty clears it
    std::optional<int> error_number;                 ///< ERRNO=
    std::optional<std::string> bus_error;            ///< BUSERROR=
    std::optional<int> main_pid;                     ///< MAINPID=
    bool watchdog = false;                           ///< WATCHDOG=1
    bool watchdog_trigger = false;                   ///< WATCHDOG=trigger
    std::optional<std::uint64_t> watchdog_interval;  ///< WATCHDOG_USEC=
    std::optional<std::uint64_t> extend_timeout;     ///< EXTEND_TIMEOUT_USEC=
    bool store = false, remove = false;              ///< FDSTORE=1, FDSTOREREMOVE=1
    std::optional<std::string> descriptor_name;      ///< FDNAME=, if it is a valid one
    bool poll = true;                                ///< FDPOLL=0 clears it
    bool barrier = false;                            ///< BARRIER=1

    bool operator==(const Notification&) const = default;
};

}  // namespace hearth
