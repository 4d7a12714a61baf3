// SPDX-License-Identifier: MIT
//
// Limits of the slices above a unit in its plan, on both trees.
#include <gtest/gtest.h>

#include "tests/supervisor/launch_plan_support.hpp"
#include "tests/units/unit_text.hpp"

namespace hearth::launch::testing {
namespace {

Result<Plan, Diagnostics> plan_below(const Unit& unit, const Unit& slice, CgroupLayout layout) {
    Invocation invocation;
    invocation.slices = {&slice};
    const Host host = machine(layout);
    return plan_limits(unit, invocation, host);
}

TEST(PlanSlices, LimitsComeBeforeTheUnitsOwn) {
    const Unit slice = load_text("[Slice]\nTasksMax=6\n", {}, "kiln.slice");
    const Unit unit = load_service("Slice=kiln.slice");
    for (const CgroupLayout layout : {CgroupLayout::Unified, CgroupLayout::Hybrid}) {
        const auto plan = plan_below(unit, slice, layout);
        ASSERT_TRUE(plan.has_value());
        ASSERT_EQ(plan->preparations.size(), 2U);
        const auto* above = std::get_if<LimitSlice>(&plan->preparations[0].preparation);
        const auto* own = std::get_if<MakeCgroup>(&plan->preparations[1].preparation);
        ASSERT_TRUE(above != nullptr && own != nullptr);
        EXPECT_EQ(above->cgroup.path, "kiln.slice");
        ASSERT_EQ(above->cgroup.knobs.size(), 1U);
        EXPECT_EQ(above->cgroup.knobs[0].file, "pids.max");
        EXPECT_EQ(above->cgroup.knobs[0].asked.origin.line, 2U);
        EXPECT_EQ(own->path, "kiln.slice/heat.service");
        // v1 counts only those in its hierarchy, so the unit joins what its slice is limited in.
        const std::vector<std::string> joined = layout == CgroupLayout::Hybrid
                                                    ? std::vector<std::string>{"pids"}
                                                    : std::vector<std::string>{};
        EXPECT_EQ(own->v1_controllers, joined);
    }
}

TEST(PlanSlices, WhatASliceCantHaveRefusesTheUnit) {
    const Unit slice = load_text("[Slice]\nMemoryHigh=16M\n", {}, "kiln.slice");
    const Unit unit = load_service("Slice=kiln.slice");
    EXPECT_TRUE(plan_below(unit, slice, CgroupLayout::Unified).has_value());
    const auto refused = plan_below(unit, slice, CgroupLayout::Hybrid);
    ASSERT_FALSE(refused.has_value());
    ASSERT_EQ(refused.error().size(), 1U);
    EXPECT_NE(one_line(refused.error().front()).find("kiln.slice:2"), std::string::npos);
}

TEST(PlanSlices, LieInEachOtherByName) {
    EXPECT_EQ(
        cgroup_path(load_service("Slice=a-b-c.slice")),
        "a.slice/a-b.slice/a-b-c.slice/heat.service");
    EXPECT_EQ(cgroup_path(load_text("", {}, "a-b.slice")), "a.slice/a-b.slice");
    EXPECT_EQ(cgroup_path(load_service("")), "system.slice/heat.service");
}

}  // namespace
}  // namespace hearth::launch::testing
