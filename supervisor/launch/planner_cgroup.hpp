// SPDX-License-Identifier: MIT
//
// What the passes over the cgroup's limits share: is the controller there, and one file's value.
// Only planner_cgroup*.cpp include this. Follows cgroup-v2.rst and cgroup-v1/.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "supervisor/launch/planner_passes.hpp"

namespace hearth::launch {

class CgroupLimits {
public:
    explicit CgroupLimits(Planning& planning);

    Planning& planning;
    const ResourceSettings& resources;
    const bool unified;

    /// Whether `directive` can be written at all; if not, that is told.
    bool has_controller(
        const std::string& controller, std::string_view directive, const std::string& value);
    /// A limit that only the unified tree has: told where it is hybrid.
    bool has_unified(
        const std::string& controller, std::string_view directive, const std::string& value);
    MakeCgroup::Knob& knob(
        const std::string& controller, std::string file, std::string value, Asked asked);
    /// A v1 hierarchy counts those in it, so to be counted is to join.
    void join(const std::string& controller) { joined_.insert(controller); }

    /// The preparation with all that was written.
    MakeCgroup finish();

private:
    MakeCgroup cgroup_;
    std::set<std::string> joined_;
};

/// Blocks of devices and their IO (planner_cgroup_io.cpp).
void limit_io(CgroupLimits& limits);
/// CPUs and memory nodes, and [X-Hearth] Cgroup= (planner_cgroup_io.cpp).
void limit_placement(CgroupLimits& limits);

/// What BPF programs hold the unit to, or nothing (planner_cgroup_filters.cpp).
[[nodiscard]] std::optional<FilterCgroup> filter_cgroup(CgroupLimits& limits);

}  // namespace hearth::launch
