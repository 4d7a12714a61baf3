// SPDX-License-Identifier: MIT
//
// A unit's exposure score as the bus hands it out.
#pragma once

#include <string>
#include <vector>

#include "units/security.hpp"

namespace hearth::report {

struct ScoredUnit {
    std::string unit;
    Exposure exposure;
    bool verified = false;  ///< judged on what the kernel shows, not on the file alone
};

/// [{"unit", "score", "level", "verified", "rows": [{"name", "summary", "weight", "open",
/// "exposure", "unverified"}]}]
[[nodiscard]] std::string to_json(const std::vector<ScoredUnit>& units);

}  // namespace hearth::report
