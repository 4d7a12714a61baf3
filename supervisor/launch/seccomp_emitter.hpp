// SPDX-License-Identifier: MIT
//
// Rules -> instructions. Neighbouring call numbers with one verdict are one range, and ranges are
// searched binarily: the load cost is the kernel's simulated run per call number, so the length of
// the path counts (launch-path.md section 2: 70 us against libseccomp's 121). Calls with argument
// rules are leaves of the same tree, so a call without them never sees an argument and stays in the
// kernel's bitmap of constant verdicts. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/launch/seccomp_rules.hpp"

namespace hearth::launch {

/// struct sock_filter, 8 bytes each. Fails when the kernel's limit of 4096 is passed.
[[nodiscard]] Result<std::vector<std::uint64_t>> emit(const SeccompRules& rules);

}  // namespace hearth::launch
