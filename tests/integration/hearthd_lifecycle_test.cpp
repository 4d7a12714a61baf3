// SPDX-License-Identifier: MIT
//
// hearthd and hearthctl as a user meets them, on this machine's kernel.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::HearthdProcess;
using hearth::testing::Output;
namespace fs = std::filesystem;

std::string file(const std::string& path) {
    const std::ifstream stream(path);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

std::size_t descriptors_of(pid_t pid) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd")) {
        (void)entry;
        ++count;
    }
    return count;
}

/// Of all its threads: a launcher thread is the parent of what it cloned.
std::size_t children_of(pid_t pid) {
    std::size_t count = 0;
    for (const auto& thread : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
        std::istringstream pids(file(thread.path().string() + "/children"));
        for (int child = 0; pids >> child;) {
            ++count;
        }
    }
    return count;
}

std::size_t lines_of(const std::string& path) {
    const std::string text = file(path);
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::size_t private_directories(const std::string& unit) {
    std::size_t count = 0;
    for (const char* parent : {"/tmp", "/var/tmp"}) {
        for (const auto& entry : fs::directory_iterator(parent)) {
            count += entry.path().filename().string().starts_with("hearth-" + unit + "-") ? 1 : 0;
        }
    }
    return count;
}

class Hearthd : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }
};

TEST_F(Hearthd, StartsShowsAndStopsAPlainService) {
    const HearthdProcess hearthd;
    hearthd.add("plain.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "plain.service"}).status, 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("plain.service", "ActiveState"), "active");
    EXPECT_EQ(hearthd.show("plain.service", "SubState"), "running");
    const std::string pid = hearthd.show("plain.service", "ExecMainPID");
    EXPECT_EQ(hearthd.show("plain.service", "MainPID"), pid);
    EXPECT_NE(
        file("/proc/" + pid + "/cgroup")
            .find(hearthd.cgroup_root() + "/system.slice/plain.service"),
        std::string::npos);
    EXPECT_EQ(hearthd.ctl({"is-active", "plain.service"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"status", "plain.service"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"stop", "plain.service"}).status, 0);
    EXPECT_EQ(hearthd.show("plain.service", "ActiveState"), "inactive");
    EXPECT_EQ(hearthd.show("plain.service", "Result"), "success");
    EXPECT_FALSE(fs::exists("/proc/" + pid));
    EXPECT_EQ(hearthd.ctl({"status", "plain.service"}).status, 3);
    EXPECT_EQ(hearthd.ctl({"status", "unknown.service"}).status, 4);
    EXPECT_EQ(hearthd.ctl({"start", "unknown.service"}).status, 5);
}

// An instance's cgroup lies in its template's slice: hearthd looked for it beside, saw nobody
// there, and left what ignores SIGTERM.
TEST_F(Hearthd, AnInstanceIsFoundWhereItRuns) {
    const HearthdProcess hearthd;
    hearthd.add(
        "a-b@.service",
        "[Service]\nTimeoutStopSec=100ms\nExecStart=/bin/sh -c 'setsid sh -c \"trap : TERM; while "
        ":; "
        "do sleep 1; done\" & exec sleep infinity'\n");
    ASSERT_EQ(hearthd.ctl({"start", "a-b@x.service"}).status, 0) << hearthd.log();
    const std::string below = "/system.slice/system-a\\x2db.slice/a-b@x.service";
    EXPECT_TRUE(hearthd.show("a-b@x.service", "ControlGroup").ends_with(below));
    EXPECT_NE(hearthd.show("a-b@x.service", "TasksCurrent"), "0");
    EXPECT_EQ(hearthd.show("system-a\\x2db.slice", "ActiveState"), "active");
    EXPECT_EQ(hearthd.ctl({"stop", "a-b@x.service"}).status, 0) << hearthd.log();
    for (const std::string& cgroup : hearthd.cgroups()) {
        EXPECT_FALSE(cgroup.ends_with(below)) << cgroup;
    }
    EXPECT_EQ(hearthd.log().find("No such file"), std::string::npos) << hearthd.log();
}

TEST_F(Hearthd, RunsEveryCommandOfAOneshotInOrder) {
    const HearthdProcess hearthd;
    hearthd.add(
        "once.service",
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStartPre=/bin/echo "
        "pre\nExecStart=/bin/echo first\n"
        "ExecStart=/bin/echo second\nExecStartPost=/bin/echo post\nExecStop=/bin/echo "
        "stop\nExecStopPost=/bin/echo stop-post\n");
    ASSERT_EQ(hearthd.ctl({"start", "once.service"}).status, 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("once.service", "SubState"), "exited");
    ASSERT_EQ(hearthd.ctl({"stop", "once.service"}).status, 0);
    const std::string path = hearthd.place() + "/log/once.service.log";
    ASSERT_TRUE(eventually([&] { return lines_of(path) >= 6; })) << file(path);
    std::string order;
    std::istringstream lines(file(path));
    for (std::string line; std::getline(lines, line);) {
        order += line.substr(line.rfind(' ') + 1) + " ";
    }
    EXPECT_EQ(order, "pre first second post stop stop-post ");
}

TEST_F(Hearthd, RestartsOnFailureAndCountsIt) {
    const HearthdProcess hearthd;
    hearthd.add(
        "again.service",
        "[Service]\nExecStart=/bin/sleep infinity\nRestart=on-failure\nRestartSec=10ms\n");
    ASSERT_EQ(hearthd.ctl({"start", "again.service"}).status, 0);
    const std::string before = hearthd.show("again.service", "MainPID");
    ASSERT_EQ(hearthd.ctl({"kill", "-s", "KILL", "again.service"}).status, 0);
    ASSERT_TRUE(hearthd.becomes("again.service", "NRestarts", "1"));
    ASSERT_TRUE(hearthd.becomes("again.service", "SubState", "running"));
    EXPECT_NE(hearthd.show("again.service", "MainPID"), before);
}

TEST_F(Hearthd, GivesUpAtTheStartLimit) {
    const HearthdProcess hearthd;
    hearthd.add(
        "storm.service",
        "[Unit]\nStartLimitBurst=3\nStartLimitIntervalSec=1min\n[Service]\nExecStart=/bin/"
        "false\nRestart=always\nRestartSec=1ms\n");
    (void)hearthd.ctl({"start", "storm.service"});
    ASSERT_TRUE(hearthd.becomes("storm.service", "ActiveState", "failed"));
    EXPECT_EQ(hearthd.ctl({"start", "storm.service"}).status, 1);
    EXPECT_EQ(hearthd.ctl({"reset-failed", "storm.service"}).status, 0);
    EXPECT_EQ(hearthd.show("storm.service", "ActiveState"), "inactive");
}

TEST_F(Hearthd, KillsWhatIgnoresSigtermAfterItsTime) {
    HearthdProcess hearthd;
    hearthd.add(
        "stubborn.service",
        "[Service]\nExecStart=/bin/sh -c 'trap \"\" TERM; echo ready; while :; do sleep 0.1; "
        "done'\nTimeoutStopSec=300ms\n");
    ASSERT_EQ(hearthd.ctl({"start", "stubborn.service"}).status, 0);
    ASSERT_TRUE(
        eventually([&] { return lines_of(hearthd.place() + "/log/stubborn.service.log") >= 1; }));
    EXPECT_EQ(hearthd.ctl({"stop", "stubborn.service"}).status, 0);
    EXPECT_EQ(hearthd.show("stubborn.service", "Result"), "timeout");
}

TEST_F(Hearthd, ReloadRunsExecReloadWithMainpid) {
    const HearthdProcess hearthd;
    hearthd.add(
        "reload.service",
        "[Service]\nExecStart=/bin/sh -c 'trap \"echo reloaded\" HUP; echo started; while :; do "
        "sleep 0.05; done'\n"
        "ExecReload=/bin/kill -HUP $MAINPID\n");
    ASSERT_EQ(hearthd.ctl({"start", "reload.service"}).status, 0);
    const std::string path = hearthd.place() + "/log/reload.service.log";
    ASSERT_TRUE(eventually([&] { return file(path).find("started") != std::string::npos; }));
    ASSERT_EQ(hearthd.ctl({"reload", "reload.service"}).status, 0) << hearthd.log();
    EXPECT_TRUE(eventually([&] { return file(path).find("reloaded") != std::string::npos; }))
        << file(path);
}

TEST_F(Hearthd, AUnitWhoseReloadFailsToParseKeepsRunningAsItWas) {
    const HearthdProcess hearthd;
    const std::string good = "[Service]\nExecStart=/bin/sleep infinity\nTasksMax=7\n";
    hearthd.add("kept.service", good);
    ASSERT_EQ(hearthd.ctl({"start", "kept.service"}).status, 0);
    const std::string pid = hearthd.show("kept.service", "MainPID");
    const std::vector<std::string> bad_texts = {
        std::string("[Service]\nExecStart=relative/path\n"),
        std::string("\0\x01\xff rubbish", 11),
        std::string("[Service\nExecStart=/bin/sleep 1\n"),
        std::string("[Service]\n")};
    for (const std::string& bad : bad_texts) {
        hearthd.add("kept.service", bad);
        EXPECT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
        EXPECT_EQ(hearthd.show("kept.service", "MainPID"), pid);
        EXPECT_EQ(hearthd.show("kept.service", "ActiveState"), "active");
        EXPECT_EQ(hearthd.show("kept.service", "TasksMax"), "7");
    }
    hearthd.add("kept.service", good);
    EXPECT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"restart", "kept.service"}).status, 0) << hearthd.log();
    fs::remove(hearthd.units() + "/kept.service");
    EXPECT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_EQ(hearthd.show("kept.service", "ActiveState"), "active");
    EXPECT_EQ(hearthd.ctl({"stop", "kept.service"}).status, 0);
}

TEST_F(Hearthd, StandardErrorOpensByPathAsTheUnitsUser) {
    const HearthdProcess hearthd;
    hearthd.add(
        "stderr.service",
        "[Service]\nType=oneshot\nUser=nobody\nExecStart=/bin/sh -c 'echo by-path >/dev/stderr; "
        "echo by-proc >/proc/self/fd/1'\n");
    ASSERT_EQ(hearthd.ctl({"start", "stderr.service"}).status, 0) << hearthd.log();
    const std::string path = hearthd.place() + "/log/stderr.service.log";
    EXPECT_TRUE(eventually([&] { return lines_of(path) >= 2; })) << file(path);
}

TEST_F(Hearthd, AThousandRestartsLeakNothing) {
    HearthdProcess hearthd;
    hearthd.add(
        "loop.service",
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/"
        "true\nRestart=always\nRestartSec=0\n"
        "User=nobody\nPrivateTmp=yes\nPrivateNetwork=yes\nPrivateDevices=yes\nProtectSystem="
        "strict\nTasksMax=8\n");
    hearthd.add("calm.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "calm.service"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"start", "loop.service"}).status, 0) << hearthd.log();
    const auto restarts = [&] {
        return std::atoi(hearthd.show("loop.service", "NRestarts").c_str());
    };
    ASSERT_TRUE(eventually([&] { return restarts() >= 20; }));
    ASSERT_EQ(hearthd.ctl({"stop", "loop.service"}).status, 0);
    const std::size_t descriptors = descriptors_of(hearthd.pid());
    const std::size_t mounts = lines_of("/proc/self/mountinfo");
    ASSERT_EQ(hearthd.ctl({"start", "loop.service"}).status, 0);
    ASSERT_TRUE(eventually([&] { return restarts() >= 1000; }, std::chrono::seconds(90)))
        << restarts();
    ASSERT_EQ(hearthd.ctl({"stop", "loop.service"}).status, 0);
    EXPECT_TRUE(eventually([&] { return descriptors_of(hearthd.pid()) <= descriptors; }))
        << descriptors_of(hearthd.pid()) << " instead of " << descriptors;
    EXPECT_TRUE(eventually(
        [&] { return children_of(hearthd.pid()) == 2; }))  // calm.service and hearth-logd
        << children_of(hearthd.pid());
    EXPECT_EQ(lines_of("/proc/self/mountinfo"), mounts);
    EXPECT_TRUE(eventually([&] { return private_directories("loop.service") == 0; }));
    for (const std::string& root : hearthd.cgroups()) {
        EXPECT_FALSE(fs::exists(root + "/system.slice/loop.service")) << root;
    }
}

TEST_F(Hearthd, StopsEverythingOnSigterm) {
    HearthdProcess hearthd;
    hearthd.add("one.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    hearthd.add(
        "two.service", "[Service]\nExecStart=/bin/sh -c 'sleep infinity & sleep infinity'\n");
    ASSERT_EQ(hearthd.ctl({"start", "one.service", "two.service"}).status, 0);
    const std::string pid = hearthd.show("two.service", "MainPID");
    EXPECT_EQ(hearthd.stop(), 0) << hearthd.log();
    EXPECT_FALSE(fs::exists("/proc/" + pid));
}

TEST_F(Hearthd, SaysWhoHoldsTheCgroupRoot) {
    const HearthdProcess first;
    const Output second = hearth::testing::run_program(
        {HEARTH_BINARY_DIR "/hearthd",
         "--runtime-dir",
         first.place() + "/other",
         "--log-dir",
         first.place() + "/other-log",
         "--cgroup-root",
         first.cgroup_root()});
    EXPECT_EQ(second.status, 1);
    EXPECT_NE(second.err.find(first.place() + "/runtime"), std::string::npos) << second.err;
}

}  // namespace
