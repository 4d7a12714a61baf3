// SPDX-License-Identifier: MIT
//
// Sets of CPUs or memory nodes as text and on the bus: CPUAffinity=, NUMAMask=, AllowedCPUs=,
// AllowedMemoryNodes=. systemd prints them with spaces, the kernel's files have commas.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "parser/value_sink.hpp"

namespace hearth {

/// `0-3 5`, with `separator` between.
[[nodiscard]] std::string format_numbers(
    const std::set<std::uint32_t>& numbers, std::string_view separator);

/// An `ay`: a bit per number, the lowest first, as many bytes as needed.
void write_numbers(const std::set<std::uint32_t>& numbers, ValueSink& sink);

}  // namespace hearth
