// SPDX-License-Identifier: MIT
//
// Codecs of units/resource_types.hpp: grammar and merging of systemd.resource-control(5), bus forms
// of org.freedesktop.systemd1(5). Pure: a path is not looked up here, a device name not resolved.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parser/codec.hpp"
#include "parser/enum_codec.hpp"
#include "units/resource_types.hpp"

namespace hearth {

inline constexpr auto device_policy_names = std::to_array<EnumName<DevicePolicy>>({
    {DevicePolicy::Auto, "auto"},
    {DevicePolicy::Closed, "closed"},
    {DevicePolicy::Strict, "strict"},
});
template <>
struct Codec<DevicePolicy> : EnumCodec<device_policy_names> {};

HEARTH_DECLARE_CODEC(IndexSet, "list of numbers and ranges, as in 0-3,5", "ay");
HEARTH_DECLARE_CODEC(MemoryProtection, "size, percentage or 'infinity'", "t");
HEARTH_DECLARE_CODEC(SwapLimit, "size, percentage or 'infinity'", "t");
HEARTH_DECLARE_CODEC(
    DeviceAmounts<DeviceAmountKind::Weight>, "PATH WEIGHT, from 1 to 10000", "a(st)");
HEARTH_DECLARE_CODEC(DeviceAmounts<DeviceAmountKind::Bandwidth>, "PATH BYTES, K is 1000", "a(st)");
HEARTH_DECLARE_CODEC(
    DeviceAmounts<DeviceAmountKind::Operations>, "PATH NUMBER, K is 1000", "a(st)");
HEARTH_DECLARE_CODEC(DeviceAmounts<DeviceAmountKind::Latency>, "PATH TIMESPAN", "a(st)");
HEARTH_DECLARE_CODEC(
    std::vector<DeviceRule>, "device node, char-NAME or block-NAME, then letters of rwm", "a(ss)");
HEARTH_DECLARE_CODEC(
    AddressPrefixes,
    "list of addresses with /LENGTH, or any, localhost, link-local, multicast",
    "a(iayu)");
HEARTH_DECLARE_CODEC(
    std::vector<SocketBindRule>, "[ipv4|ipv6:][tcp|udp:][PORT[-PORT]|any]", "a(iiqq)");
HEARTH_DECLARE_CODEC(InterfaceList, "list of interfaces, '~' before it inverts", "(bas)");
HEARTH_DECLARE_CODEC(Delegation, "boolean, or list of controllers", "b");
HEARTH_DECLARE_CODEC(ControllerSet, "list of controllers", "as");
HEARTH_DECLARE_CODEC(std::vector<PinnedProgram>, "HOOK:PATH of a pinned BPF program", "a(ss)");
HEARTH_DECLARE_CODEC(PinnedPaths, "path of a pinned BPF program", "as");
HEARTH_DECLARE_CODEC(std::vector<CgroupKnob>, "FILE=VALUE", "a(ss)");

/// The address as inet_ntop(3) writes it, with its length: "10.0.0.0/8".
[[nodiscard]] std::string format_prefix(const AddressPrefix& prefix);

}  // namespace hearth
