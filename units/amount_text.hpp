// SPDX-License-Identifier: MIT
//
// Durations and sizes as systemd prints them in messages and in `status`: "1min 30s", "2.105s",
// "12.5M". Not what a unit file would say (parser/values.hpp): these round.
#pragma once

#include <cstdint>
#include <string>

namespace hearth {

/// `accuracy`: the smallest unit worth showing, in microseconds. UINT64_MAX: "infinity".
[[nodiscard]] std::string timespan_text(std::uint64_t microseconds, std::uint64_t accuracy);
/// Base 1024 with one decimal: "1.2G".
[[nodiscard]] std::string size_text(std::uint64_t bytes);

}  // namespace hearth
