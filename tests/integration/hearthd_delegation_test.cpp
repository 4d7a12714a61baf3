// SPDX-License-Identifier: MIT
//
// Delegate=yes: a hearthd inside a service of another runs its own part of the tree, and the outer
// one keeps its hands off it until the service ends.
#include <unistd.h>

#include <filesystem>

#include "limits_support.hpp"
#include "places.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth::testing {
namespace {

namespace fs = std::filesystem;

class HearthdDelegation : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }

    /// hearthctl of the hearthd inside.
    [[nodiscard]] Output inside(const std::vector<std::string>& words) const {
        std::vector<std::string> argv = {
            HEARTH_BINARY_DIR "/hearthctl", "--runtime-dir", scratch.path("run")};
        argv.insert(argv.end(), words.begin(), words.end());
        return run_program(argv);
    }
    /// The outer service that is a hearthd.
    [[nodiscard]] std::string service() const {
        return std::string("Delegate=yes\nTasksMax=200\nTimeoutStopSec=20s\nExecStart=") +
               HEARTH_BINARY_DIR "/hearthd --unit-path " + scratch.path("units") +
               " --runtime-dir " + scratch.path("run") + " --log-dir " + scratch.path("log") +
               " --cgroup-root inner\n";
    }
    testing_support::ScratchDirectory scratch;
};

TEST_F(HearthdDelegation, AHearthdInAServiceRunsServicesOfItsOwn) {
    const HearthdProcess hearthd;
    scratch.file(
        "units/deep.service",
        "[Service]\nTasksMax=3\nExecStart=/bin/sh -c 'trap \"exec sleep 600\" EXIT; i=0; "
        "while [ $i -lt 6 ]; do sleep 600 & i=$((i+1)); done; wait'\n");
    start(hearthd, "outer.service", service());
    ASSERT_TRUE(eventually([&] { return inside({"list-units"}).status == 0; })) << hearthd.log();
    const Output started = inside({"start", "deep.service"});
    ASSERT_EQ(started.status, 0) << started.err;
    const auto group = [&] {
        return inside({"show", "-p", "ControlGroup", "--value", "deep.service"}).out;
    };
    EXPECT_NE(
        group().find("/system.slice/outer.service/inner/system.slice/deep.service"),
        std::string::npos)
        << group();
    // Its limit bites, inside the outer one's.
    ASSERT_TRUE(eventually([&] {
        return inside({"show", "-p", "TasksCurrent", "--value", "deep.service"}).out == "3\n";
    })) << inside({"status", "deep.service"}).out;
    EXPECT_EQ(in_cgroup(hearthd, "system.slice/outer.service", "pids.max"), "200");
    EXPECT_GT(number(hearthd, "outer.service", "TasksCurrent"), 3U);

    // Whatever the outer one does with its own, it writes nothing below.
    ASSERT_EQ(hearthd.ctl({"set-property", "outer.service", "TasksMax=190"}).status, 0)
        << hearthd.log();
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_EQ(inside({"show", "-p", "TasksMax", "--value", "deep.service"}).out, "3\n");
    EXPECT_EQ(inside({"is-active", "deep.service"}).status, 0);
    EXPECT_EQ(inside({"confinement", "deep.service"}).status, 0)
        << inside({"confinement", "deep.service"}).out;
    const Output report = hearthd.ctl({"confinement", "outer.service"});
    EXPECT_EQ(report.status, 0) << report.out;

    // In the end nothing of either is left.
    EXPECT_EQ(hearthd.ctl({"stop", "outer.service"}).status, 0);
    EXPECT_EQ(hearthd.show("outer.service", "Result"), "success") << hearthd.log();
    for (const std::string& root : hearthd.cgroups()) {
        EXPECT_FALSE(fs::exists(root + "/system.slice/outer.service")) << root;
    }
}

TEST_F(HearthdDelegation, WhatWasMadeBelowGoesWithTheServiceThatWasKilled) {
    const HearthdProcess hearthd;
    scratch.file("units/deep.service", "[Service]\nExecStart=/bin/sleep 600\n");
    start(hearthd, "outer.service", service() + "KillSignal=SIGKILL\n");
    ASSERT_TRUE(eventually([&] { return inside({"list-units"}).status == 0; }));
    ASSERT_EQ(inside({"start", "deep.service"}).status, 0);
    const std::string pid = inside({"show", "-p", "MainPID", "--value", "deep.service"}).out;
    EXPECT_EQ(hearthd.ctl({"stop", "outer.service"}).status, 0);
    EXPECT_FALSE(fs::exists("/proc/" + pid.substr(0, pid.find('\n'))));
    for (const std::string& root : hearthd.cgroups()) {
        EXPECT_FALSE(fs::exists(root + "/system.slice/outer.service")) << root;
    }
}

}  // namespace
}  // namespace hearth::testing
