// SPDX-License-Identifier: MIT
//
// Births in a cgroup: in every hierarchy, with its limits, after a cgroup.kill, and never in a
// frozen one.
#include "tests/integration/cgroup_support.hpp"
#include "tests/support/launch_probe.hpp"

namespace hearth::launch {
namespace {

using testing_support::LaunchProbe;
using testing_support::ProbeResult;
using testing_support::TestTree;

constexpr const char* Unit = "system.slice/probe.service";

LaunchProbe in_cgroup(const TestTree& tree, const std::string& script) {
    LaunchProbe probe(script);
    MakeCgroup made;
    made.path = Unit;
    made.v1_controllers = tree.v1();
    made.knobs.push_back({"pids", "pids.max", "7", {"TasksMax", "7", {"u", 9, 1}}});
    probe.plan.preparations.push_back({made, {"Slice", "system.slice", {"u", 2, 1}}, 219});
    probe.plan.cgroup = Unit;
    probe.add(Stage::Cgroup, JoinCgroups{}, {}, 219);
    return probe;
}

TEST(LaunchCgroup, BearsTheProgramInEveryHierarchyUnderItsLimits) {
    HEARTH_NEEDS_ROOT();
    const TestTree tree;
    ASSERT_TRUE(tree);
    LaunchProbe probe = in_cgroup(tree, "cat /proc/self/cgroup");
    const ProbeResult result = probe.run(*tree);
    EXPECT_EQ(result.failure(), "");
    const std::string shown = tree->shown(Unit);
    EXPECT_NE(result.output.find("0::" + shown + "\n"), std::string::npos) << result.output;
    for (const std::string& controller : tree.v1()) {
        const std::size_t line = result.output.find(":" + controller + ":");
        ASSERT_NE(line, std::string::npos) << controller;
        const std::string path = result.output.substr(line, result.output.find('\n', line) - line);
        EXPECT_TRUE(path.ends_with("/system.slice/probe.service")) << path;
    }
    const auto limit = tree->read(Unit, cgroup::Knob{"pids", "pids.max", ""});
    ASSERT_TRUE(limit.has_value()) << limit.error().what;
    EXPECT_TRUE(limit->starts_with("7")) << *limit;
}

TEST(LaunchCgroup, NamesTheDirectiveWhoseLimitIsRefused) {
    HEARTH_NEEDS_ROOT();
    const TestTree tree;
    ASSERT_TRUE(tree);
    LaunchProbe probe = in_cgroup(tree, "true");
    std::get<MakeCgroup>(probe.plan.preparations[0].preparation).knobs[0].value = "many";
    const ProbeResult result = probe.run(*tree);
    EXPECT_TRUE(result.failure().starts_with(
        "u:9: TasksMax=7: step \"make-cgroup\" failed: Invalid argument"))
        << result.failure();
    EXPECT_EQ(result.launch.failure->exit_status, 219);
    EXPECT_TRUE(result.launch.failure->before_clone);
}

TEST(LaunchCgroup, WorksAfterACgroupKill) {
    // Trap 1: a process born by CLONE_INTO_CGROUP in a cgroup that has seen cgroup.kill is killed
    // at once. The directory is remade, with its limits, and the launch tried once more.
    HEARTH_NEEDS_ROOT();
    const TestTree tree;
    ASSERT_TRUE(tree);
    for (int round = 0; round < 3; ++round) {
        LaunchProbe probe = in_cgroup(tree, "echo alive");
        const ProbeResult result = probe.run(*tree);
        EXPECT_EQ(result.failure(), "");
        EXPECT_EQ(result.output, "alive\n");
        EXPECT_TRUE(result.exit && result.exit->success());
        EXPECT_TRUE(tree->read(Unit, cgroup::Knob{"pids", "pids.max", ""})->starts_with("7"));
        ASSERT_TRUE(tree->kill(Unit).has_value());
    }
    // Also where a parent was killed.
    ASSERT_TRUE(tree->kill("system.slice").has_value());
    LaunchProbe probe = in_cgroup(tree, "echo alive");
    EXPECT_EQ(probe.run(*tree).output, "alive\n");
}

TEST(LaunchCgroup, DoesNotHangInAFrozenCgroup) {
    // Trap 3: the child would be frozen before its first step, and the launching thread with it.
    HEARTH_NEEDS_ROOT();
    const TestTree tree;
    ASSERT_TRUE(tree);
    tree.make(Unit);
    ASSERT_TRUE(tree->freeze("system.slice", true).has_value());
    testing_support::wait_for_event(*tree, Unit, "frozen 1");
    LaunchProbe probe = in_cgroup(tree, "true");
    const ProbeResult frozen = probe.run(*tree);
    EXPECT_EQ(
        frozen.failure(),
        "u:2: Slice=system.slice: step \"enter-cgroup\" failed: Device or resource busy "
        "(cgroup system.slice/probe.service is frozen: thaw it first)");
    EXPECT_EQ(frozen.launch.pid, 0);
    ASSERT_TRUE(tree->freeze("system.slice", false).has_value());
    testing_support::wait_for_event(*tree, Unit, "frozen 0");
    LaunchProbe thawed = in_cgroup(tree, "echo alive");
    EXPECT_EQ(thawed.run(*tree).output, "alive\n");
}

TEST(LaunchCgroup, TellsWhenItsCgroupIsGone) {
    HEARTH_NEEDS_ROOT();
    const TestTree tree;
    ASSERT_TRUE(tree);
    LaunchProbe probe("true");
    probe.plan.cgroup = "nowhere.slice/x.service";
    const ProbeResult result = probe.run(*tree);
    ASSERT_TRUE(result.launch.failure);
    EXPECT_EQ(result.launch.failure->step, "enter-cgroup");
    EXPECT_EQ(result.launch.failure->error, ENOENT);
}

}  // namespace
}  // namespace hearth::launch
