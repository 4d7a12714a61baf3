// SPDX-License-Identifier: MIT
//
// What the actions of scheduling, security labels and terminals become.
#include <algorithm>
#include <cerrno>

#include "supervisor/launch/lowering.hpp"

namespace hearth::launch {
namespace {

constexpr std::uint64_t ResetOnFork = 0x40000000;  // SCHED_RESET_ON_FORK
constexpr unsigned IoClassShift = 13;              // IOPRIO_CLASS_SHIFT

/// A bit per number, in words of 64.
std::vector<std::uint64_t> bit_mask(const std::vector<unsigned>& numbers) {
    const unsigned highest = numbers.empty() ? 0 : *std::ranges::max_element(numbers);
    std::vector<std::uint64_t> words(numbers.empty() ? 0 : highest / 64 + 1);
    for (const unsigned number : numbers) {
        words[number / 64] |= std::uint64_t{1} << (number % 64);
    }
    return words;
}

}  // namespace

void Lowering::write_to(std::string_view path, const std::string& value) {
    step_.opcode = Opcode::WriteFile;
    step_.source.text = text(path);
    step_.name = text(value);
    step_.first = value.size();
}

void Lowering::lower(const SetCpuAffinity& action) {
    step_.opcode = Opcode::SetAffinity;
    const std::vector<std::uint64_t> mask = bit_mask(action.cpus);
    list(mask);
    step_.count = static_cast<std::uint32_t>(mask.size() * sizeof(std::uint64_t));
}

void Lowering::lower(const SetScheduler& action) {
    step_.opcode = Opcode::SetScheduler;
    step_.first =
        static_cast<std::uint64_t>(action.policy) | (action.reset_on_fork ? ResetOnFork : 0);
    step_.second = static_cast<std::uint64_t>(action.priority);
    flag(action.soft, ChildStep::Soft);
}

void Lowering::lower(const SetMemoryPolicy& action) {
    step_.opcode = Opcode::SetMemoryPolicy;
    step_.first = static_cast<std::uint64_t>(action.mode);
    list(bit_mask(action.nodes));
}

void Lowering::lower(const SetIoPriority& action) {
    step_.opcode = Opcode::SetIoPriority;
    step_.first = static_cast<std::uint64_t>(action.io_class) << IoClassShift |
                  static_cast<std::uint64_t>(action.priority);
    flag(true, ChildStep::Soft);
}

void Lowering::lower(const SetTimerSlack& action) {
    step_.opcode = Opcode::SetTimerSlack;
    step_.first = action.nanoseconds;
}

void Lowering::lower(const SetCoredumpFilter& action) {
    write_to("/proc/self/coredump_filter", std::to_string(action.mask));
}

void Lowering::lower(const SetPersonality& action) {
    step_.opcode = Opcode::SetPersonality;
    step_.first = action.persona;
}

void Lowering::lower(const SetSecurityLabel& action) {
    write_to("/proc/thread-self/attr/" + action.file, action.text);
    flag(action.optional, ChildStep::Optional);
}

void Lowering::lower(const AcquireTerminal& action) {
    step_.opcode = Opcode::AcquireTerminal;
    step_.source.text = absolute(action.path);
    step_.first = static_cast<std::uint64_t>(action.mode);
}

void Lowering::lower(const CopyDescriptor& action) {
    step_.opcode = Opcode::UseDescriptor;
    step_.descriptor = action.from;
    step_.first = static_cast<std::uint64_t>(action.number);
}

void Lowering::lower(const SetSecureBits& action) {
    step_.opcode = Opcode::SetSecureBits;
    step_.first = action.bits;
}

}  // namespace hearth::launch
