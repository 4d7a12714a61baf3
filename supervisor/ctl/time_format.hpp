// SPDX-License-Identifier: MIT
//
// Times as systemctl prints them: "Sun 2026-11-22 12:00:00 UTC" in the local time zone, "2 days
// ago". Pure, but for the time zone. All times are microseconds.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::ctl {

/// 0 and UINT64_MAX: "" (never).
[[nodiscard]] std::string timestamp(std::uint64_t realtime);
/// "5s ago", "1h 2min ago", "3 weeks 1 day ago".
[[nodiscard]] std::string ago(std::uint64_t then, std::uint64_t now);

}  // namespace hearth::ctl
