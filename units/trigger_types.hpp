// SPDX-License-Identifier: MIT
//
// What the sections [Timer], [Path] and [Socket] are made of, beside plain values:
// systemd.timer(5), systemd.path(5), systemd.socket(5).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "parser/values.hpp"
#include "units/calendar.hpp"

namespace hearth {

/// What a monotonic timer counts from.
enum class TimerBase : std::uint8_t { Active, Boot, Startup, UnitActive, UnitInactive };

struct MonotonicTimer {
    TimerBase base{};
    Timespan span;
    bool operator==(const MonotonicTimer&) const = default;
};

/// All On...Sec= and OnCalendar= of a unit. The empty text of any of them takes back all.
struct TimerList {
    std::vector<MonotonicTimer> monotonic;
    std::vector<CalendarSpec> calendar;
    bool operator==(const TimerList&) const = default;
};

enum class PathCondition : std::uint8_t {
    Exists,
    ExistsGlob,
    Changed,
    Modified,
    DirectoryNotEmpty
};

struct PathSpec {
    PathCondition condition{};
    std::string path;
    bool operator==(const PathSpec&) const = default;
};
/// The empty text of any of them takes back all.
struct PathSpecs {
    std::vector<PathSpec> specs;
    bool operator==(const PathSpecs&) const = default;
};

enum class ListenKind : std::uint8_t {
    Stream,
    Datagram,
    SequentialPacket,
    Fifo,
    Special,
    Netlink,
    MessageQueue,
    UsbFunction
};

struct ListenAddress {
    ListenKind kind{};
    std::string address;
    bool operator==(const ListenAddress&) const = default;
};
/// The empty text of any of them takes back all.
struct ListenAddresses {
    std::vector<ListenAddress> addresses;
    bool operator==(const ListenAddresses&) const = default;
};

}  // namespace hearth
