// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <set>
#include <string>

#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {

/// The processes in the cgroup of a unit of system.slice, itself, not below; none where there is
/// none.
[[nodiscard]] std::set<pid_t> members(const HearthdProcess& hearthd, const std::string& unit);

}  // namespace hearth::testing
