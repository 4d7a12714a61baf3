// SPDX-License-Identifier: MIT
//
// What a unit's cgroup has used, how often its limits bit, and what is said of both. Pure: the
// numbers are read by supervisor/cgroup, the time is given. Follows the kernel's cgroup-v2.rst
// (cpu.stat, memory.events, pids.events, io.stat) and cgroup-v1/.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "units/world.hpp"

namespace hearth {

/// Absent: this host, or this unit's accounting, can't tell. All but `..._current` only grow while
/// the cgroup exists.
struct ResourceUsage {
    using Number = std::optional<std::uint64_t>;
    Number cpu_nanoseconds, throttled_nanoseconds;
    Number throttled_periods;  ///< periods of CPUQuota= at whose end nothing was left of it
    Number memory_current_bytes, memory_peak_bytes, tasks_current;
    Number io_read_bytes, io_read_operations, io_write_bytes, io_write_operations;
    Number ip_ingress_bytes, ip_ingress_packets, ip_egress_bytes, ip_egress_packets;
    /// For how long at least one process waited, in microseconds (the kernel's accounting/psi.rst).
    Number cpu_pressure, memory_pressure, io_pressure;
    Number memory_high_hits, memory_max_hits, out_of_memory_kills, refused_forks;
    bool operator==(const ResourceUsage&) const = default;

    /// What stays true when the cgroup is gone: the same without `..._current`.
    [[nodiscard]] ResourceUsage final_figures() const;
};

/// A limit that bit.
struct LimitHit {
    std::string_view limit;  ///< the directive: "TasksMax", or "OOMKill"
    std::uint64_t count = 0;
    Moment first, last;    ///< 0: not known, as the kernel doesn't tell when
    std::string detail{};  ///< of the last time: "tail (pid 123, 15.8M) was killed"
    bool operator==(const LimitHit&) const = default;
};

/// Which limits of one activation bit, in the order of limit_names().
class LimitHits {
public:
    /// Compares with what was known; `when` is now if the kernel has just said that something
    /// happened, else {}. Returns a sentence for each limit that had not bitten before.
    std::vector<std::string> note(const ResourceUsage& usage, Moment when);
    /// What is known of the last time that `limit` bit; nothing where it never did.
    void explain(std::string_view limit, std::string detail);
    [[nodiscard]] std::span<const LimitHit> all() const { return hits_; }
    bool operator==(const LimitHits&) const = default;

private:
    std::vector<LimitHit> hits_;
};

/// "Consumed 2.105s CPU time, 10.3M memory peak.": systemd's words at a unit's end.
[[nodiscard]] std::string consumption(const ResourceUsage& usage);
/// "TasksMax count=3 first=1700000000000000 last=1700000000000000": as it travels over the bus,
/// times in microseconds since 1970, 0 where they are not known; " detail=" and the rest last.
[[nodiscard]] std::string to_text(const LimitHit& hit);
/// Back; nothing where it is none. The monotonic times are lost.
[[nodiscard]] std::optional<LimitHit> limit_hit(std::string_view text);
/// "TasksMax refused it a new task 3 times": what a limit did, with its count.
[[nodiscard]] std::string describe(const LimitHit& hit);

}  // namespace hearth
