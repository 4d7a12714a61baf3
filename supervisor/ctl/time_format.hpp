// SPDX-License-Identifier: MIT
//
// Times, durations and sizes as systemctl prints them: "Sun 2026-11-22 12:00:00 UTC" in the local
// time zone, "1min 30s", "2 days ago", "12.5M". Pure, but for the time zone. All times are
// microseconds.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::ctl {

/// 0 and UINT64_MAX: "" (never).
[[nodiscard]] std::string timestamp(std::uint64_t realtime);
/// `accuracy`: the smallest unit worth showing, in microseconds. UINT64_MAX: "infinity".
[[nodiscard]] std::string timespan(std::uint64_t microseconds, std::uint64_t accuracy);
/// "5s ago", "1h 2min ago", "3 weeks 1 day ago".
[[nodiscard]] std::string ago(std::uint64_t then, std::uint64_t now);
/// Base 1024 with one decimal: "1.2G".
[[nodiscard]] std::string size(std::uint64_t bytes);

}  // namespace hearth::ctl
