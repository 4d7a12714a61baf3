// SPDX-License-Identifier: MIT
//
// DESIGN 1: hearthd dies by SIGKILL, another one is started, and nobody notices.
#include <signal.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <sstream>
#include <thread>

#include "tests/support/hearthd_process.hpp"
#include "tests/support/members.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::HearthdProcess;
using hearth::testing::members;
namespace fs = std::filesystem;

/// PIDFD_GET_INFO: before it, how a process ended that others reaped is lost, and counts as a
/// failure.
bool exits_are_told() {
    utsname kernel{};
    int major = 0;
    int minor = 0;
    return ::uname(&kernel) == 0 && std::sscanf(kernel.release, "%d.%d", &major, &minor) == 2 &&
           (major > 6 || (major == 6 && minor >= 15));
}

class Adoption : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }

    void die_and_return() {
        hearthd.crash();
        hearthd.start_again();
    }
    [[nodiscard]] std::string text(const std::string& name) const {
        const std::ifstream file(hearthd.place() + "/" + name);
        std::ostringstream content;
        content << file.rdbuf();
        return content.str();
    }
    [[nodiscard]] std::size_t lines(const std::string& name) const {
        const std::string content = text(name);
        return static_cast<std::size_t>(std::ranges::count(content, '\n'));
    }
    [[nodiscard]] pid_t main_pid(const std::string& unit) const {
        return std::atoi(hearthd.show(unit, "MainPID").c_str());
    }
    /// All that a client may know of the unit.
    [[nodiscard]] std::string picture(const std::string& unit) const {
        return hearthd
            .ctl(
                {"show",
                 unit,
                 "-p",
                 "ActiveState,SubState,Result,MainPID,NRestarts,InvocationID,ExecMainCode,"
                 "ExecMainStatus,ExecMainStartTimestampMonotonic,ActiveEnterTimestampMonotonic,"
                 "InactiveExitTimestampMonotonic,StatusText,ControlGroup,ConditionResult"})
            .out;
    }

    HearthdProcess hearthd;
};

TEST_F(Adoption, ClientsGoOnWaitingForTheirJobs) {
    hearthd.add(
        "slow.service",
        "[Service]\nExecStartPre=/bin/sh -c 'until test -e " + hearthd.place() +
            "/go; do sleep 0.02; done'\nExecStart=/bin/sleep 1000\n");
    hearthd.add(
        "bad.service",
        "[Service]\nExecStartPre=/bin/sh -c 'until test -e " + hearthd.place() +
            "/go; do sleep 0.02; done; exit 3'\nExecStart=/bin/sleep 1000\n");
    hearth::testing::Output good, bad;
    std::thread waits([&] { good = hearthd.ctl({"start", "slow.service"}); });
    std::thread fails([&] { bad = hearthd.ctl({"start", "bad.service"}); });
    EXPECT_TRUE(hearthd.becomes("slow.service", "SubState", "start-pre"));
    EXPECT_TRUE(hearthd.becomes("bad.service", "SubState", "start-pre"));
    die_and_return();
    std::ofstream(hearthd.place() + "/go") << "now";
    waits.join();
    fails.join();
    // Without a keeper and before Linux 6.15 nobody knows how ExecStartPre= ended.
    EXPECT_EQ(good.status, exits_are_told() ? 0 : 1) << good.err << hearthd.log();
    EXPECT_NE(good.err.find("hearthd went away; waiting for its return."), std::string::npos);
    EXPECT_EQ(bad.status, 1) << bad.err;
    EXPECT_NE(bad.err.find("Job for bad.service failed"), std::string::npos) << bad.err;
    EXPECT_EQ(hearthd.show("slow.service", "ActiveState"), exits_are_told() ? "active" : "failed");
}

TEST_F(Adoption, NothingChangesForAnyUnit) {
    hearthd.add(
        "confined.service",
        "[Service]\nExecStart=/bin/sleep infinity\nPrivateTmp=yes\nPrivateNetwork=yes\n"
        "RuntimeDirectory=hearth-adopted\nMemoryMax=64M\nProtectSystem=strict\n");
    hearthd.add(
        "told.service",
        "[Service]\nType=notify\nExecStart=" + hearthd.program("hearth-test-service") +
            " notify READY=1|STATUS=warm wait\n");
    hearthd.add(
        "done.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n");
    hearthd.add("failed.service", "[Service]\nExecStart=/bin/sh -c 'exit 3'\n");
    hearthd.add(
        "waiting.service",
        "[Service]\nExecStart=/bin/sh -c 'exit 4'\nRestart=always\nRestartSec=1h\n");
    hearthd.add("late.target", "[Unit]\nDescription=A target\n");
    const std::vector<std::string> units = {
        "confined.service",
        "told.service",
        "done.service",
        "failed.service",
        "waiting.service",
        "late.target"};
    for (const std::string& unit : units) {
        (void)hearthd.ctl({"start", unit});
    }
    ASSERT_TRUE(hearthd.becomes("failed.service", "ActiveState", "failed"));
    ASSERT_TRUE(hearthd.becomes("waiting.service", "SubState", "auto-restart"));
    ASSERT_EQ(hearthd.show("told.service", "StatusText"), "warm");
    std::map<std::string, std::string> before;
    for (const std::string& unit : units) {
        before[unit] = picture(unit);
    }
    for (int deaths = 0; deaths < 3; ++deaths) {
        die_and_return();
        for (const std::string& unit : units) {
            EXPECT_EQ(picture(unit), before[unit]) << hearthd.log();
        }
    }
    // What it was confined by is still proven, and can still be left in order.
    const auto report = hearthd.ctl({"confinement", "confined.service"});
    EXPECT_NE(report.out.find("0 mismatched"), std::string::npos) << report.out << report.err;
    EXPECT_TRUE(fs::exists("/run/hearth-adopted"));
    EXPECT_EQ(hearthd.ctl({"stop", "confined.service"}).status, 0);
    EXPECT_TRUE(eventually([] { return !fs::exists("/run/hearth-adopted"); }));
    EXPECT_TRUE(eventually([] {
        return std::ranges::none_of(fs::directory_iterator("/tmp"), [](const auto& entry) {
            return entry.path().filename().string().starts_with("hearth-confined.service");
        });
    }));
    EXPECT_EQ(hearthd.ctl({"restart", "waiting.service"}).status, 0);
}

TEST_F(Adoption, AnAdoptedProcessIsWatched) {
    hearthd.add(
        "a.service",
        "[Service]\nExecStart=/bin/sh -c 'read line < " + hearthd.place() +
            "/gate; exit 7'\nRestart=on-failure\nRestartSec=0\n");
    ASSERT_EQ(::mkfifo((hearthd.place() + "/gate").c_str(), 0600), 0);
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    const pid_t pid = main_pid("a.service");
    die_and_return();
    ASSERT_EQ(main_pid("a.service"), pid);
    std::ofstream(hearthd.place() + "/gate") << "go\n";
    EXPECT_TRUE(hearthd.becomes("a.service", "NRestarts", "1")) << hearthd.log();
    EXPECT_NE(main_pid("a.service"), pid);
    if (exits_are_told()) {
        EXPECT_NE(hearthd.log().find("code=exited, status=7"), std::string::npos) << hearthd.log();
    }
}

TEST_F(Adoption, AProcessThatEndedMeanwhileCountsAsAFailure) {
    hearthd.add(
        "a.service",
        "[Service]\nExecStart=/bin/sleep infinity\nRestart=on-failure\nRestartSec=0\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    const pid_t pid = main_pid("a.service");
    hearthd.crash();
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }));
    hearthd.start_again();
    EXPECT_TRUE(hearthd.becomes("a.service", "NRestarts", "1")) << hearthd.log();
    EXPECT_TRUE(hearthd.becomes("a.service", "SubState", "running"));
    EXPECT_NE(hearthd.log().find("ended while no hearthd ran"), std::string::npos) << hearthd.log();
}

TEST_F(Adoption, AStartAndAStopGoOn) {
    ASSERT_EQ(::mkfifo((hearthd.place() + "/gate").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo((hearthd.place() + "/exit").c_str(), 0600), 0);
    hearthd.add(
        "once.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'read line < " + hearthd.place() +
            "/gate'\nExecStart=/bin/sh -c 'echo second >> " + hearthd.place() +
            "/said'\nRemainAfterExit=yes\n");
    hearthd.add(
        "slow.service",
        "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sh -c 'read line < " +
            hearthd.place() + "/exit; echo stopped >> " + hearthd.place() + "/said'\n");
    ASSERT_EQ(hearthd.ctl({"start", "slow.service"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"start", "--no-block", "once.service"}).status, 0);
    ASSERT_EQ(hearthd.ctl({"stop", "--no-block", "slow.service"}).status, 0);
    ASSERT_TRUE(hearthd.becomes("once.service", "SubState", "start"));
    ASSERT_TRUE(hearthd.becomes("slow.service", "SubState", "stop"));
    die_and_return();
    EXPECT_EQ(hearthd.show("once.service", "SubState"), "start") << hearthd.log();
    EXPECT_EQ(hearthd.show("slow.service", "SubState"), "stop");
    EXPECT_NE(hearthd.ctl({"list-jobs"}).out.find("once.service"), std::string::npos);
    std::ofstream(hearthd.place() + "/gate") << "go\n";
    std::ofstream(hearthd.place() + "/exit") << "go\n";
    EXPECT_TRUE(eventually([&] {
        const std::string state = hearthd.show("slow.service", "ActiveState");
        return state == "inactive" || (!exits_are_told() && state == "failed");
    })) << hearthd.log();
    EXPECT_TRUE(eventually([&] {
        return hearthd.show("once.service", "ActiveState") != "activating";
    })) << hearthd.log();
    EXPECT_NE(text("said").find("stopped"), std::string::npos);
    EXPECT_TRUE(hearthd.ctl({"list-jobs"}).out.find("once.service") == std::string::npos);
}

TEST_F(Adoption, AFileThatCannotBeReadLosesThatUnitOnly) {
    hearthd.add("a.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    hearthd.add("b.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service", "b.service"}).status, 0);
    const pid_t kept = main_pid("b.service");
    const pid_t lost = main_pid("a.service");
    hearthd.crash();
    const std::string file = hearthd.place() + "/runtime/units/a.service";
    ASSERT_TRUE(fs::exists(file));
    fs::resize_file(file, fs::file_size(file) / 2);
    hearthd.start_again();
    EXPECT_EQ(main_pid("b.service"), kept) << hearthd.log();
    EXPECT_EQ(::kill(lost, 0), 0) << "the service itself was harmed";
    EXPECT_NE(hearthd.log().find("a.service"), std::string::npos);
    EXPECT_EQ(hearthd.ctl({"start", "a.service"}).status, 0) << hearthd.log();
}

TEST_F(Adoption, LogLinesAreAllThere) {
    hearthd.add(
        "talk.service",
        "[Service]\nExecStart=/bin/sh -c 'i=0; while :; do echo line $i; i=$((i+1)); "
        "sleep 0.01; done'\n");
    ASSERT_EQ(hearthd.ctl({"start", "talk.service"}).status, 0);
    const auto count = [&] {
        std::istringstream log(hearthd.ctl({"logs", "talk.service", "-n", "100000"}).out);
        int expected = 0;
        for (std::string each; std::getline(log, each);) {
            if (each.ends_with("line " + std::to_string(expected))) {
                ++expected;
            }
        }
        return expected;
    };
    ASSERT_TRUE(eventually([&] { return count() > 10; }));
    die_and_return();
    const int then = count();
    EXPECT_TRUE(eventually([&] { return count() > then + 50; })) << count() << hearthd.log();
}

// Killed at any instant, between an intent and its process among them: a unit that nobody touches
// is never started again, and one that is has never two main processes.
TEST_F(Adoption, NothingIsLostOrDoubledWhenItDiesAtAnyInstant) {
    const int rounds = std::getenv("HEARTH_LONG") != nullptr ? 300 : 30;
    const auto unit = [&](const std::string& name) {
        hearthd.add(
            name + ".service",
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c 'echo $$$$ >> " +
                hearthd.place() + "/" + name +
                "; exec sleep infinity'\nPrivateTmp=yes\nTimeoutStopSec=5\n");
    };
    for (const char* const name :
         {"adopted-still", "adopted-calm", "adopted-busy", "adopted-eager"}) {
        unit(name);
    }
    ASSERT_EQ(
        hearthd
            .ctl({"start", "adopted-still.service", "adopted-calm.service", "adopted-busy.service"})
            .status,
        0);
    std::minstd_rand random(20261122);
    for (int round = 0; round < rounds; ++round) {
        (void)hearthd.ctl({"restart", "--no-block", "adopted-busy.service"});
        (void)hearthd.ctl(
            {round % 2 == 0 ? "start" : "stop", "--no-block", "adopted-eager.service"});
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
        die_and_return();
    }
    const auto settled = [&] {
        const std::string jobs = hearthd.ctl({"list-jobs", "--no-legend"}).out;
        return jobs.empty() || jobs.find(".service") == std::string::npos;
    };
    EXPECT_TRUE(eventually(settled)) << hearthd.ctl({"list-jobs"}).out << hearthd.log();
    EXPECT_EQ(lines("adopted-still"), 1U);
    EXPECT_EQ(lines("adopted-calm"), 1U);
    for (const char* const name :
         {"adopted-still", "adopted-calm", "adopted-busy", "adopted-eager"}) {
        const std::string service = std::string(name) + ".service";
        EXPECT_EQ(members(hearthd, service).size(), main_pid(service) == 0 ? 0U : 1U)
            << name << hearthd.log();
    }
    EXPECT_EQ(hearthd.show("adopted-busy.service", "ActiveState"), "active") << hearthd.log();
    EXPECT_EQ(hearthd.stop(), 0);
    for (const char* const directory : {"/tmp", "/var/tmp"}) {
        for (const auto& entry : fs::directory_iterator(directory)) {
            EXPECT_FALSE(entry.path().filename().string().starts_with("hearth-adopted-"))
                << entry.path();
        }
    }
}

}  // namespace
