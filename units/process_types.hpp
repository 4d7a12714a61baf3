// SPDX-License-Identifier: MIT
//
// The domain types of what a process has beside its confinement: scheduling, memory nodes, the
// kinds of memory in a core file, its terminal's settings; and of the smaller means of confinement
// (secure bits, namespaces, security labels). Plain values with ==; their codecs are in
// units/process_codecs.hpp. Numbers are the kernel's own where it has some. Meanings are
// systemd.exec(5)'s.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hearth {

/// sched(7), by the kernel's numbers.
enum class CpuSchedulingPolicy : std::uint8_t {
    Other = 0,
    Fifo = 1,
    RoundRobin = 2,
    Batch = 3,
    Idle = 5
};

/// CPUAffinity=: CPU numbers; assignments merge. `from_numa`: those of NUMAMask='s nodes.
struct CpuAffinity {
    std::set<unsigned> cpus;
    bool from_numa = false;

    [[nodiscard]] bool asked() const { return from_numa || !cpus.empty(); }
    bool operator==(const CpuAffinity&) const = default;
};

/// set_mempolicy(2), by the kernel's numbers.
enum class NumaPolicy : std::uint8_t {
    Default = 0,
    Preferred = 1,
    Bind = 2,
    Interleave = 3,
    Local = 4
};

/// NUMAMask=: node numbers; assignments merge. `all`: every node that the machine has.
struct NumaMask {
    std::set<unsigned> nodes;
    bool all = false;

    [[nodiscard]] bool asked() const { return all || !nodes.empty(); }
    bool operator==(const NumaMask&) const = default;
};

/// ioprio_set(2), by the kernel's numbers.
enum class IoSchedulingClass : std::uint8_t { None = 0, Realtime = 1, BestEffort = 2, Idle = 3 };

/// TimerSlackNSec=
struct TimerSlack {
    std::uint64_t nanoseconds = 0;
    bool operator==(const TimerSlack&) const = default;
};

/// CoredumpFilter=, the bits of core(5); assignments are ORed. Unset: inherited.
struct CoredumpFilter {
    std::optional<std::uint64_t> mask;
    bool operator==(const CoredumpFilter&) const = default;
};

/// SecureBits=, the bits of capabilities(7); assignments are ORed.
struct SecureBits {
    std::uint32_t bits = 0;
    bool operator==(const SecureBits&) const = default;
};

/// RestrictNamespaces=: the CLONE_NEW* bits that stay allowed.
struct NamespaceRestriction {
    static constexpr std::uint64_t everything = UINT64_MAX;  ///< systemd's "nothing assigned yet"

    std::uint64_t allowed = everything;
    bool operator==(const NamespaceRestriction&) const = default;
};

/// SystemCallLog=: calls by name; `inverted`: all but these.
struct SystemCallLog {
    bool inverted = false;
    std::set<std::string> calls;
    std::vector<std::string> text;  ///< what the user wrote, one entry per assignment

    [[nodiscard]] bool asked() const { return !text.empty(); }
    bool operator==(const SystemCallLog&) const = default;
};

/// The label of a security module: AppArmorProfile=, SELinuxContext=, SmackProcessLabel=.
struct SecurityLabel {
    std::string label;      ///< empty: none asked for
    bool optional = false;  ///< `-`: a failure is ignored

    bool operator==(const SecurityLabel&) const = default;
};

/// Personality=: an architecture by systemd's name, or nothing.
struct Personality {
    std::string architecture;
    bool operator==(const Personality&) const = default;
};

/// StandardInputText= and StandardInputData=, decoded, in the order in which they stand.
struct InputData {
    std::string bytes;
    bool operator==(const InputData&) const = default;
};

}  // namespace hearth
