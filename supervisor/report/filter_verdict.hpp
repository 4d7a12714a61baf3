// SPDX-License-Identifier: MIT
//
// filter_verdict(): what a seccomp program answers to a call, found by running it as the kernel
// does. Pure. Only the instructions that seccomp(2) permits and hearth's emitter uses.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace hearth::report {

/// SECCOMP_RET_* with its data, or nothing where the program does what hearth's never do.
[[nodiscard]] std::optional<std::uint32_t> filter_verdict(
    const std::vector<std::uint64_t>& program,
    std::uint32_t architecture,
    std::uint32_t number,
    const std::array<std::uint64_t, 6>& arguments);

/// The same for a native call by name; nothing where this architecture has none of that name.
[[nodiscard]] std::optional<std::uint32_t> filter_verdict(
    const std::vector<std::uint64_t>& program,
    std::string_view call,
    const std::array<std::uint64_t, 6>& arguments);

}  // namespace hearth::report
