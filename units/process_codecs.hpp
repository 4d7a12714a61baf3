// SPDX-License-Identifier: MIT
//
// How the types of units/process_types.hpp are written in a unit file, printed back and sent over
// the bus: their Codec<T> (parser/codec.hpp has the contract). Grammar and merging are
// systemd.exec(5)'s, bus forms org.freedesktop.systemd1(5)'s. Pure: names and numbers only; whether
// this machine has the CPU, the node or the security module is the planner's question.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "parser/codec.hpp"
#include "parser/enum_codec.hpp"
#include "units/process_types.hpp"

namespace hearth {

inline constexpr auto cpu_scheduling_policy_names = std::to_array<EnumName<CpuSchedulingPolicy>>({
    {CpuSchedulingPolicy::Other, "other"},
    {CpuSchedulingPolicy::Batch, "batch"},
    {CpuSchedulingPolicy::Idle, "idle"},
    {CpuSchedulingPolicy::Fifo, "fifo"},
    {CpuSchedulingPolicy::RoundRobin, "rr"},
});
template <>
struct Codec<CpuSchedulingPolicy> : EnumCodec<cpu_scheduling_policy_names> {};

inline constexpr auto numa_policy_names = std::to_array<EnumName<NumaPolicy>>({
    {NumaPolicy::Default, "default"},
    {NumaPolicy::Preferred, "preferred"},
    {NumaPolicy::Bind, "bind"},
    {NumaPolicy::Interleave, "interleave"},
    {NumaPolicy::Local, "local"},
});
template <>
struct Codec<NumaPolicy> : EnumCodec<numa_policy_names> {};

inline constexpr auto io_scheduling_class_names = std::to_array<EnumName<IoSchedulingClass>>({
    {IoSchedulingClass::None, "none"},
    {IoSchedulingClass::Realtime, "realtime"},
    {IoSchedulingClass::BestEffort, "best-effort"},
    {IoSchedulingClass::Idle, "idle"},
});
template <>
struct Codec<IoSchedulingClass> : EnumCodec<io_scheduling_class_names> {};

// process_codecs.cpp
HEARTH_DECLARE_CODEC(CpuAffinity, "list of CPU numbers and ranges, or 'numa'", "ay");
HEARTH_DECLARE_CODEC(NumaMask, "list of node numbers and ranges, or 'all'", "ay");
HEARTH_DECLARE_CODEC(TimerSlack, "time span, of nanoseconds where it has no unit", "t");
HEARTH_DECLARE_CODEC(CoredumpFilter, "list of kinds of memory, or of hexadecimal masks", "t");
HEARTH_DECLARE_CODEC(InputData, "Base64", "ay");

// privilege_codecs.cpp
HEARTH_DECLARE_CODEC(SecureBits, "list of secure bits", "i");
HEARTH_DECLARE_CODEC(
    NamespaceRestriction, "boolean, or list of kinds of namespaces, '~' before it inverts", "t");
HEARTH_DECLARE_CODEC(
    SystemCallLog, "list of system calls and @groups, '~' before it inverts", "(bas)");
HEARTH_DECLARE_CODEC(SecurityLabel, "label, '-' before it if a failure is to be ignored", "(bs)");
HEARTH_DECLARE_CODEC(Personality, "architecture", "s");

/// The types of namespaces that RestrictNamespaces= knows, with their CLONE_NEW* bits.
struct NamespaceKind {
    std::string_view name;
    std::uint64_t flag;
};
[[nodiscard]] std::span<const NamespaceKind> namespace_kinds();

/// One StandardInputText= line: its C escapes decoded, a newline at its end; empty resets.
[[nodiscard]] Assigned assign_input_text(
    InputData& field, std::string_view text, const ValueContext& context);
/// What assign_input_text() reads back, where the bytes end with a newline.
[[nodiscard]] std::string format_input_text(const InputData& value);

}  // namespace hearth
