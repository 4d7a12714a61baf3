// SPDX-License-Identifier: MIT
//
// The BPF programs that hold a unit's cgroup to DeviceAllow=, IPAddressDeny=, SocketBindDeny= and
// RestrictNetworkInterfaces=: from rules to instructions, pure. Each is a straight line of
// comparisons without loops; the lists are part of the code, so that a program's tag (the kernel's
// hash of it) tells which rules hold. Loading and attaching is bpf.hpp's. Follows the kernel's
// Documentation/bpf/standardization/instruction-set.rst and <linux/bpf.h>.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "units/resource_types.hpp"

namespace hearth::cgroup {

/// Where in the kernel a program is asked; the names are bpftool's and BPFProgram='s.
enum class Hook : std::uint8_t { Device, Ingress, Egress, Bind4, Bind6 };
[[nodiscard]] std::string_view name(Hook hook);

struct BpfProgram {
    Hook hook{};
    std::vector<std::uint64_t> instructions;  ///< struct bpf_insn, 8 bytes each
    /// Instructions whose immediate is the descriptor of the counters' map.
    std::vector<std::size_t> map_references;
    bool operator==(const BpfProgram&) const = default;
};

/// A rule whose device is found: numbers; unset: any.
struct DeviceNumbers {
    bool is_block = false;
    std::optional<std::uint32_t> major, minor;
    bool read = false, write = false, mknod = false;
    bool operator==(const DeviceNumbers&) const = default;
};

/// What DevicePolicy=closed allows beside the unit's own rules: the pseudo devices and terminals
/// that every program expects.
[[nodiscard]] std::vector<DeviceNumbers> standard_devices();

/// Allows what some rule allows whole (access and device), nothing else.
[[nodiscard]] BpfProgram device_program(const std::vector<DeviceNumbers>& rules);

/// The order of the counters' array.
enum class Counter : std::uint8_t { IngressBytes, IngressPackets, EgressBytes, EgressPackets };
inline constexpr std::uint32_t counters = 4;

/// For Ingress (judges the sender) and Egress (judges the receiver): `allow` first, then `deny`,
/// then everything passes. `count`: adds what passes to the counters.
[[nodiscard]] BpfProgram address_program(
    Hook hook, const AddressPrefixes& allow, const AddressPrefixes& deny, bool count);

/// For Bind4 and Bind6.
[[nodiscard]] BpfProgram bind_program(
    Hook hook, const std::vector<SocketBindRule>& allow, const std::vector<SocketBindRule>& deny);

/// For Ingress and Egress: `indices` are the interfaces that are allowed, or else denied.
[[nodiscard]] BpfProgram interface_program(
    Hook hook, bool allow, const std::vector<std::uint32_t>& indices);

/// Lets everything pass: to find out whether the kernel takes programs for this hook.
[[nodiscard]] BpfProgram empty_program(Hook hook);

}  // namespace hearth::cgroup
