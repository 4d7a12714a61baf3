// SPDX-License-Identifier: MIT
//
// What the passes over the cgroup's limits share: is the controller there, and one file's value.
// Only planner_cgroup*.cpp include this. Follows cgroup-v2.rst and cgroup-v1/.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/launch/planner_passes.hpp"

namespace hearth::launch {

class CgroupLimits {
public:
    using Slices = std::span<const Unit* const>;
    /// `above`: the slices that the cgroup lies in, outermost first.
    CgroupLimits(Planning& planning, Slices above);

    Planning& planning;
    const ResourceSettings& resources;
    const bool unified;
    const Slices above;

    /// The unit's own value, or while hearthd starts and stops that of the Startup...= beside it.
    template <class Value>
    const Value& in_phase(const Value& usual, const Value& startup) const {
        return planning.invocation.startup_phase && startup != Value() ? startup : usual;
    }
    /// The directive that in_phase() took its value from.
    template <class Value>
    std::string_view directive_in_phase(
        const Value& startup, std::string_view usual_name, std::string_view startup_name) const {
        return planning.invocation.startup_phase && startup != Value() ? startup_name : usual_name;
    }

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
    /// The slice whose DisableControllers= names it, or null.
    [[nodiscard]] const Unit* disabler(const std::string& controller) const;

    MakeCgroup cgroup_;
    std::set<std::string> joined_;
};

/// Blocks of devices and their IO (planner_cgroup_io.cpp).
void limit_io(CgroupLimits& limits);
/// CPUs and memory nodes, and [X-Hearth] Cgroup= (planner_cgroup_io.cpp).
void limit_placement(CgroupLimits& limits);

/// What BPF programs hold the unit to, or nothing (planner_cgroup_filters.cpp).
[[nodiscard]] std::optional<FilterCgroup> filter_cgroup(CgroupLimits& limits);

/// A program of somebody else's, and the directive that names it (planner_cgroup_filters.cpp).
struct NamedProgram {
    std::string_view directive;
    PinnedProgram program;
};
[[nodiscard]] std::vector<NamedProgram> pinned_programs(CgroupLimits& limits);

}  // namespace hearth::launch
