// SPDX-License-Identifier: MIT
//
// What ConditionX= and AssertX= ask about, read from this host (units/conditions.hpp judges it).
// Runs on the worker: paths may lie on network mounts that hang. What can't be read is left out,
// and a condition about it does not hold. Reads only, and writes nothing.
#pragma once

#include <string>

#include "units/conditions.hpp"
#include "units/loader.hpp"

namespace hearth {

struct ConditionSources {
    LoadContext context;
    std::uint64_t bounding_set = 0;
    std::string cgroup_directory;  ///< of our root in the v2 tree, for pressure of slices
    bool unified = false;          ///< all controllers are on v2
};

[[nodiscard]] ConditionFacts gather_condition_facts(
    const ConditionNeeds& needs, const ConditionSources& sources);

}  // namespace hearth
