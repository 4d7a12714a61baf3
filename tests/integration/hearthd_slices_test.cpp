// SPDX-License-Identifier: MIT
//
// Slices that are there without a file, what slices say about those below, and limits for the
// phases in which hearthd starts and stops.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "limits_support.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth::testing {
namespace {

/// A shell that forks six sleeps beside itself, and stays when a fork fails.
constexpr const char* forks =
    "ExecStart=/bin/sh -c 'trap \"exec sleep 600\" EXIT; i=0; "
    "while [ $i -lt 6 ]; do sleep 600 & i=$((i+1)); done; wait'\n";

TEST(HearthdSlices, SystemSliceHasTheLimitsOfItsDropIns) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("system.slice.d/10-tasks.conf", "[Slice]\nTasksMax=4\n");
    start(hearthd, "forks.service", forks);
    ASSERT_TRUE(eventually([&] { return number(hearthd, "system.slice", "TasksCurrent") == 4U; }))
        << hearthd.log();
    EXPECT_EQ(number(hearthd, "system.slice", "TasksMax"), 4U);
    // And they can be changed while it is in use.
    ASSERT_EQ(hearthd.ctl({"set-property", "system.slice", "TasksMax=5"}).status, 0)
        << hearthd.log();
    EXPECT_EQ(in_cgroup(hearthd, "system.slice", "pids.max"), "5");
    EXPECT_EQ(hearthd.ctl({"stop", "forks.service"}).status, 0);
}

TEST(HearthdSlices, TheRootSliceHoldsAll) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("-.slice.d/10-tasks.conf", "[Slice]\nTasksMax=4\n");
    start(hearthd, "forks.service", std::string("Slice=kiln.slice\n") + forks);
    ASSERT_TRUE(eventually([&] { return in_cgroup(hearthd, "", "pids.current") == "4"; }))
        << hearthd.log();
    ASSERT_EQ(hearthd.ctl({"set-property", "--", "-.slice", "TasksMax=infinity"}).status, 0)
        << hearthd.log();
    EXPECT_EQ(in_cgroup(hearthd, "", "pids.max"), "max");
    EXPECT_EQ(hearthd.ctl({"stop", "forks.service"}).status, 0);
}

TEST(HearthdSlices, WithholdAControllerAndGiveItBack) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    if (!unified(hearthd)) {
        GTEST_SKIP() << "v1's hierarchies are there for everybody";
    }
    hearthd.add("kiln.slice", "[Slice]\nCPUWeight=50\n");
    start(
        hearthd,
        "deep.service",
        "Slice=kiln-deep.slice\nCPUWeight=20\nTasksMax=6\nExecStart=/bin/sleep 600\n");
    const std::string own = "kiln.slice/kiln-deep.slice/deep.service";
    EXPECT_EQ(in_cgroup(hearthd, own, "cpu.weight"), "20");
    // In use or not: with the reload it is gone from all that is below.
    hearthd.add("kiln.slice", "[Slice]\nCPUWeight=50\nDisableControllers=cpu\n");
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_EQ(in_cgroup(hearthd, own, "cpu.weight"), "") << hearthd.log();
    EXPECT_EQ(in_cgroup(hearthd, own, "pids.max"), "6");
    EXPECT_EQ(in_cgroup(hearthd, "kiln.slice", "cpu.weight"), "50");
    hearthd.add(
        "limited.service", "[Service]\nSlice=kiln.slice\nCPUQuota=10%\nExecStart=/bin/true\n");
    static_cast<void>(hearthd.ctl({"daemon-reload"}));
    const Output refused = hearthd.ctl({"start", "limited.service"});
    EXPECT_NE(refused.status, 0);
    EXPECT_NE(refused.err.find("DisableControllers= of kiln.slice"), std::string::npos)
        << refused.err;
    hearthd.add("kiln.slice", "[Slice]\nCPUWeight=50\n");
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"restart", "deep.service"}).status, 0);
    EXPECT_EQ(in_cgroup(hearthd, own, "cpu.weight"), "20") << hearthd.log();
}

TEST(HearthdSlices, GiveTheirDefaultsOfMemory) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    if (!unified(hearthd)) {
        GTEST_SKIP() << "v1's memory controller protects nobody";
    }
    hearthd.add("kiln.slice", "[Slice]\nDefaultMemoryLow=8M\n");
    start(hearthd, "plain.service", "Slice=kiln.slice\nExecStart=/bin/sleep 600\n");
    start(hearthd, "own.service", "Slice=kiln.slice\nMemoryLow=1M\nExecStart=/bin/sleep 600\n");
    EXPECT_EQ(in_cgroup(hearthd, "kiln.slice/plain.service", "memory.low"), "8388608");
    EXPECT_EQ(in_cgroup(hearthd, "kiln.slice/own.service", "memory.low"), "1048576");
    EXPECT_EQ(in_cgroup(hearthd, "kiln.slice", "memory.low"), "0");
}

TEST(HearthdPhases, StartupLimitsHoldWhileHearthdStartsAndStops) {
    SKIP_WITHOUT_ROOT();
    const testing_support::ScratchDirectory scratch;
    const std::string go = scratch.path("go"), stopped = scratch.path("stopped");
    scratch.file(
        "units/slow.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'while ! test -e " + go +
            "; do sleep 0.02; done'\n");
    // While it stops it notes its own share, as it is then.
    scratch.file(
        "units/held.service",
        "[Service]\nCPUWeight=50\nStartupCPUWeight=200\nAllowedCPUs=0-1\n"
        "StartupAllowedCPUs=0\nExecStart=/bin/sleep 600\n"
        "ExecStop=/bin/sh -c 'grep Cpus_allowed_list /proc/self/status >" +
            stopped + "'\n");
    HearthdProcess hearthd(scratch.path("units"), {"--unit", "slow.service"});
    const bool v2 = unified(hearthd);
    const auto weight = [&] {
        return in_cgroup(hearthd, "system.slice/held.service", v2 ? "cpu.weight" : "cpu.shares");
    };
    EXPECT_NE(hearthd.ctl({"status"}).out.find("State: starting"), std::string::npos);
    ASSERT_EQ(hearthd.ctl({"start", "held.service"}).status, 0) << hearthd.log();
    EXPECT_EQ(weight(), v2 ? "200" : "2048");
    EXPECT_EQ(in_cgroup(hearthd, "system.slice/held.service", "cpuset.cpus"), "0");
    const Output early = hearthd.ctl({"confinement", "held.service"});
    EXPECT_EQ(early.status, 0) << early.out;
    scratch.file("go", "");
    ASSERT_TRUE(eventually([&] { return weight() == (v2 ? "50" : "512"); })) << hearthd.log();
    EXPECT_TRUE(eventually([&] {  // one file after the other
        return in_cgroup(hearthd, "system.slice/held.service", "cpuset.cpus") == "0-1";
    }));
    EXPECT_NE(hearthd.ctl({"status"}).out.find("State: running"), std::string::npos);
    const Output report = hearthd.ctl({"confinement", "held.service"});
    EXPECT_EQ(report.status, 0) << report.out;
    EXPECT_NE(report.out.find("StartupAllowedCPUs"), std::string::npos) << report.out;
    EXPECT_EQ(hearthd.stop(), 0);
    EXPECT_EQ(text_of(stopped), "Cpus_allowed_list:\t0\n");
}

}  // namespace
}  // namespace hearth::testing
