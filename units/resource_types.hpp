// SPDX-License-Identifier: MIT
//
// Values of systemd.resource-control(5) beyond plain numbers: sets of CPUs, amounts per block
// device, rules for devices, addresses, ports and interfaces. Plain values with ==; how they are
// written is in units/resource_rule_codecs.hpp. Amounts are bytes, microseconds or counts as said.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace hearth {

/// AllowedCPUs=, AllowedMemoryNodes=: numbers of CPUs or nodes; empty: not set.
struct IndexSet {
    std::set<std::uint32_t> indices;
    bool operator==(const IndexSet&) const = default;
};

/// MemoryMin=, MemoryLow=: protected bytes, or a share of physical memory; unset: none.
struct MemoryProtection {
    std::optional<std::uint64_t> bytes;  ///< UINT64_MAX: all
    std::optional<std::uint32_t> permyriad;
    bool operator==(const MemoryProtection&) const = default;
};

/// MemorySwapMax=, MemoryZSwapMax=: unlike a memory limit it may be 0.
struct SwapLimit {
    std::optional<std::uint64_t> bytes;  ///< UINT64_MAX: infinity
    std::optional<std::uint32_t> permyriad;
    bool operator==(const SwapLimit&) const = default;
};

/// One amount for one block device, which is named by its node or by any path on it.
struct DeviceAmount {
    std::string path;
    std::uint64_t amount = 0;
    bool operator==(const DeviceAmount&) const = default;
};

/// What the amounts of a list of devices are; it picks their grammar.
enum class DeviceAmountKind : std::uint8_t {
    Weight,      ///< 1 to 10000
    Bandwidth,   ///< bytes per second, K is 1000
    Operations,  ///< per second, K is 1000
    Latency,     ///< microseconds
};

template <DeviceAmountKind kind>
struct DeviceAmounts {
    std::vector<DeviceAmount> entries;  ///< one per path, the last assignment counts
    bool operator==(const DeviceAmounts&) const = default;
};

enum class DevicePolicy : std::uint8_t { Auto, Closed, Strict };

/// DeviceAllow=: "/dev/null", "char-pts", "block-*".
struct DeviceRule {
    std::string device;
    bool read = false, write = false, mknod = false;
    bool operator==(const DeviceRule&) const = default;
};

/// An IPv4 (4 bytes) or IPv6 (16 bytes) prefix, in network order, host bits cleared.
struct AddressPrefix {
    bool is_ipv6 = false;
    std::array<std::uint8_t, 16> address{};
    std::uint32_t length = 0;  ///< bits
    auto operator<=>(const AddressPrefix&) const = default;
};

/// IPAddressAllow=, IPAddressDeny=.
struct AddressPrefixes {
    std::set<AddressPrefix> prefixes;
    bool operator==(const AddressPrefixes&) const = default;
};

/// SocketBindAllow=, SocketBindDeny=: one rule; 0 where any will do.
struct SocketBindRule {
    enum class Family : std::uint8_t { Any, Ipv4, Ipv6 } family{};
    enum class Protocol : std::uint8_t { Any, Tcp, Udp } protocol{};
    std::uint16_t first_port = 0;
    std::uint16_t ports = 0;  ///< how many from first_port; 0: every port
    bool operator==(const SocketBindRule&) const = default;
};

/// RestrictNetworkInterfaces=: the first assignment says whether it is a list of what is allowed.
struct InterfaceList {
    bool assigned = false;
    bool allow = true;
    std::set<std::string> names;
    bool operator==(const InterfaceList&) const = default;
};

/// Delegate=: no, yes (all controllers), or a list of controllers.
struct Delegation {
    bool delegated = false;
    bool all = false;
    std::set<std::string> controllers;
    bool operator==(const Delegation&) const = default;
};

/// DisableControllers=: what the units below a slice don't get.
struct ControllerSet {
    std::set<std::string> names;
    bool operator==(const ControllerSet&) const = default;
};

/// BPFProgram=: a hook of the cgroup, as bpftool calls it, and a program pinned in a BPF file
/// system.
struct PinnedProgram {
    std::string hook, path;
    bool operator==(const PinnedProgram&) const = default;
};

/// IPIngressFilterPath=, IPEgressFilterPath=.
struct PinnedPaths {
    std::vector<std::string> paths;
    bool operator==(const PinnedPaths&) const = default;
};

/// [X-Hearth] Cgroup=: a file of the unit's cgroup and what is written to it.
struct CgroupKnob {
    std::string file, value;
    bool operator==(const CgroupKnob&) const = default;
};

}  // namespace hearth
