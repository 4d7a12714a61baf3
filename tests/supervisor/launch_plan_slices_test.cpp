// SPDX-License-Identifier: MIT
//
// Limits of the slices above a unit in its plan, on both trees.
#include <gtest/gtest.h>

#include <map>
#include <set>

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

/// The value of each file that the unit's own cgroup gets.
std::map<std::string, std::string> own_knobs(const Result<Plan, Diagnostics>& plan) {
    std::map<std::string, std::string> values;
    for (const Prepared& prepared : plan->preparations) {
        if (const auto* own = std::get_if<MakeCgroup>(&prepared.preparation)) {
            for (const MakeCgroup::Knob& knob : own->knobs) {
                values[knob.file] = knob.value;
            }
        }
    }
    return values;
}
using Knobs = std::map<std::string, std::string>;

Result<Plan, Diagnostics> plan_in(
    const Unit& unit,
    const std::vector<const Unit*>& slices,
    CgroupLayout layout = CgroupLayout::Unified) {
    Invocation invocation;
    invocation.slices = slices;
    const Host host = machine(layout);
    return plan_limits(unit, invocation, host);
}

TEST(PlanSlices, GiveTheirDefaultsOfMemoryToWhomStatesNone) {
    const Unit outer =
        load_text("[Slice]\nDefaultMemoryLow=16M\nDefaultMemoryMin=1M\n", {}, "a.slice");
    const Unit inner = load_text("[Slice]\nDefaultMemoryLow=8M\n", {}, "a-b.slice");
    const Unit plain = load_service("Slice=a-b.slice");
    const Unit stating = load_service("Slice=a-b.slice\nMemoryLow=0");
    // The nearest one counts, for each of the two.
    EXPECT_EQ(
        own_knobs(plan_in(plain, {&outer, &inner})),
        (Knobs{{"memory.low", "8388608"}, {"memory.min", "1048576"}}));
    EXPECT_EQ(
        own_knobs(plan_in(stating, {&outer, &inner})),
        (Knobs{{"memory.low", "0"}, {"memory.min", "1048576"}}));
    // A slice has it from the slice above, and never from itself.
    EXPECT_EQ(
        own_knobs(plan_in(inner, {&outer})),
        (Knobs{{"memory.low", "16777216"}, {"memory.min", "1048576"}}));
    const auto asked = plan_in(plain, {&outer})->preparations.back();
    const auto& knobs = std::get<MakeCgroup>(asked.preparation).knobs;
    ASSERT_EQ(knobs.size(), 2U);
    EXPECT_EQ(knobs[1].asked.directive, "DefaultMemoryLow");
    EXPECT_NE(knobs[1].asked.origin.file.find("a.slice"), std::string::npos);
}

TEST(PlanSlices, KeepAControllerFromThoseBelow) {
    const Unit slice = load_text("[Slice]\nDisableControllers=cpu blkio\n", {}, "kiln.slice");
    // A weight shares, so it only falls short; a limit confines, so its unit is refused.
    const auto weighed = plan_in(load_service("CPUWeight=20\nTasksMax=6"), {&slice});
    ASSERT_TRUE(weighed.has_value());
    EXPECT_EQ(own_knobs(weighed), (Knobs{{"pids.max", "6"}}));
    ASSERT_EQ(weighed->shortfalls.size(), 1U);
    EXPECT_NE(
        weighed->shortfalls[0].message.find("DisableControllers= of kiln.slice"),
        std::string::npos);
    const auto& own = std::get<MakeCgroup>(weighed->preparations.back().preparation);
    EXPECT_EQ(
        own.withheld,
        (std::map<std::string, std::set<std::string>>{{"kiln.slice", {"cpu", "io"}}}));
    for (const char* const limit : {"CPUQuota=10%", "IOReadIOPSMax=/dev/vda 10"}) {
        const auto refused = plan_in(load_service(limit), {&slice});
        ASSERT_FALSE(refused.has_value()) << limit;
        EXPECT_NE(
            refused.error().front().message.find("DisableControllers= of kiln.slice"),
            std::string::npos);
    }
    // The slice's own limits are its parent's to give.
    const Unit limited =
        load_text("[Slice]\nDisableControllers=cpu\nCPUQuota=10%\n", {}, "kiln.slice");
    EXPECT_TRUE(plan_in(load_service("TasksMax=6"), {&limited}).has_value());
}

TEST(PlanSlices, MayBeTheRoot) {
    const Unit root = load_text("", {"[Slice]\nTasksMax=60\n"}, "-.slice");
    for (const CgroupLayout layout : {CgroupLayout::Unified, CgroupLayout::Hybrid}) {
        const auto plan = plan_in(load_service(""), {&root}, layout);
        ASSERT_TRUE(plan.has_value());
        const auto* above = std::get_if<LimitSlice>(&plan->preparations.front().preparation);
        ASSERT_NE(above, nullptr);
        EXPECT_EQ(above->cgroup.path, "");
        EXPECT_EQ(above->cgroup.knobs.front().value, "60");
    }
}

TEST(PlanPhases, StartupLimitsHoldInTheirPhaseAlone) {
    const Unit unit = load_service(
        "CPUWeight=20\nStartupCPUWeight=200\nIOWeight=30\nAllowedCPUs=0-3\n"
        "StartupAllowedCPUs=1\nStartupAllowedMemoryNodes=0");
    Invocation invocation;
    const Host host = machine(CgroupLayout::Unified);
    EXPECT_EQ(
        own_knobs(plan_limits(unit, invocation, host)),
        (Knobs{
            {"cpu.weight", "20"},
            {"cpuset.cpus", "0-3"},
            {"io.bfq.weight", "default 30"},
            {"io.weight", "default 30"}}));
    invocation.startup_phase = true;
    EXPECT_EQ(
        own_knobs(plan_limits(unit, invocation, host)),
        (Knobs{
            {"cpu.weight", "200"},
            {"cpuset.cpus", "1"},
            {"cpuset.mems", "0"},
            {"io.bfq.weight", "default 30"},
            {"io.weight", "default 30"}}));
}

TEST(PlanDevices, PrivateDevicesCloseThePolicyWhereThereIsBpf) {
    const Unit unit = load_service("PrivateDevices=yes");
    EXPECT_EQ(unit.settings.resources.device_policy, DevicePolicy::Closed);
    EXPECT_EQ(unit.origin_of("DevicePolicy").line, 3U);
    Host host = machine();
    const auto plan = plan_limits(unit, {}, host);
    ASSERT_TRUE(plan.has_value());
    const auto* filter = std::get_if<FilterCgroup>(&plan->preparations.back().preparation);
    ASSERT_NE(filter, nullptr);
    EXPECT_TRUE(filter->devices);
    EXPECT_EQ(plan->preparations.back().asked.directive, "DevicePolicy");
    // Only implied, it falls short without BPF and is told; asked for, it refuses.
    host.controllers.erase("bpf-devices");
    host.controllers_missing["bpf-devices"] = "no BPF here";
    const auto without = plan_limits(unit, {}, host);
    ASSERT_TRUE(without.has_value());
    ASSERT_EQ(without->shortfalls.size(), 1U);
    EXPECT_NE(without->shortfalls[0].message.find("no BPF here"), std::string::npos);
    const Unit asking = load_service("PrivateDevices=yes\nDevicePolicy=closed");
    EXPECT_FALSE(plan_limits(asking, {}, host).has_value());
    const Unit strict = load_service("PrivateDevices=yes\nDevicePolicy=strict");
    EXPECT_EQ(strict.settings.resources.device_policy, DevicePolicy::Strict);
}

TEST(PlanPrograms, OfOthersAreAttachedOnceEach) {
    const Unit unit = load_service(
        "IPEgressFilterPath=/sys/fs/bpf/out\nBPFProgram=egress:/sys/fs/bpf/out\n"
        "BPFProgram=bind4:/sys/fs/bpf/bind");
    Host host = machine();
    const auto plan = plan_limits(unit, {}, host);
    ASSERT_TRUE(plan.has_value());
    std::vector<std::string> attached;
    for (const Prepared& prepared : plan->preparations) {
        if (std::holds_alternative<AttachProgram>(prepared.preparation)) {
            attached.push_back(prepared.asked.directive + " " + describe(prepared.preparation));
        }
    }
    EXPECT_EQ(
        attached,
        (std::vector<std::string>{
            "IPEgressFilterPath attach-program system.slice/heat.service, egress /sys/fs/bpf/out",
            "BPFProgram attach-program system.slice/heat.service, bind4 /sys/fs/bpf/bind"}));
    host.controllers.erase("bpf-foreign");
    const auto refused = plan_limits(unit, {}, host);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().front().origin.line, 3U);
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
