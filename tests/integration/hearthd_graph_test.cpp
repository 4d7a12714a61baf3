// SPDX-License-Identifier: MIT
//
// Units that depend on each other, with a real hearthd: order, failure, conditions, aliases, links,
// devices, daemon-reload.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::HearthdProcess;
namespace fs = std::filesystem;

class HearthdGraph : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }

    static std::string service(const std::string& unit, const std::string& command) {
        return "[Unit]\n" + unit + "\n[Service]\nExecStart=" + command + "\n";
    }
};

TEST_F(HearthdGraph, StartsInOrderAndStopsTogether) {
    const HearthdProcess hearthd;
    hearthd.add("base.service", service("", "/bin/sleep 1000"));
    hearthd.add(
        "app.service", service("Requires=base.service\nAfter=base.service", "/bin/sleep 1000"));
    hearthd.add("all.target", "[Unit]\nWants=app.service missing.service\nAfter=app.service\n");
    EXPECT_EQ(hearthd.ctl({"start", "all.target"}).status, 0);
    EXPECT_EQ(hearthd.show("all.target", "ActiveState"), "active");
    EXPECT_EQ(hearthd.show("app.service", "ActiveState"), "active");
    EXPECT_LE(
        std::stoull(hearthd.show("base.service", "ActiveEnterTimestampMonotonic")),
        std::stoull(hearthd.show("app.service", "InactiveExitTimestampMonotonic")));
    EXPECT_NE(
        hearthd.ctl({"list-dependencies", "all.target"}).out.find("app.service"),
        std::string::npos);
    EXPECT_EQ(hearthd.ctl({"stop", "base.service"}).status, 0);
    EXPECT_EQ(hearthd.show("app.service", "ActiveState"), "inactive");
}

TEST_F(HearthdGraph, AFailureFailsWhatNeedsItAndStartsWhatItNames) {
    const HearthdProcess hearthd;
    const std::string mark = hearthd.place() + "/mark";
    hearthd.add(
        "bad.service", service("OnFailure=alert.service", "/bin/false").append("Type=oneshot\n"));
    hearthd.add(
        "app.service", service("Requires=bad.service\nAfter=bad.service", "/bin/sleep 1000"));
    hearthd.add("alert.service", service("", "/bin/touch " + mark).append("Type=oneshot\n"));
    const auto started = hearthd.ctl({"start", "app.service"});
    EXPECT_NE(started.status, 0);
    EXPECT_EQ(hearthd.show("app.service", "ActiveState"), "inactive");
    EXPECT_TRUE(hearth::testing::eventually([&] { return fs::exists(mark); }));
}

TEST_F(HearthdGraph, ConditionsAreLookedAtAtEachStart) {
    const HearthdProcess hearthd;
    const std::string mark = hearthd.place() + "/there";
    hearthd.add("a.service", service("ConditionPathExists=" + mark, "/bin/sleep 1000"));
    hearthd.add("b.service", service("AssertPathExists=" + mark, "/bin/sleep 1000"));
    EXPECT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    EXPECT_EQ(hearthd.show("a.service", "ActiveState"), "inactive");
    EXPECT_EQ(hearthd.show("a.service", "ConditionResult"), "no");
    EXPECT_NE(hearthd.ctl({"start", "b.service"}).status, 0);
    std::ofstream(mark) << "x";
    EXPECT_EQ(hearthd.ctl({"start", "a.service", "b.service"}).status, 0);
    EXPECT_EQ(hearthd.show("a.service", "ActiveState"), "active");
    EXPECT_EQ(hearthd.show("b.service", "AssertResult"), "yes");
}

TEST_F(HearthdGraph, AnAliasIsTheSameUnitAndLinksPullIn) {
    const HearthdProcess hearthd;
    hearthd.add("real.service", service("", "/bin/sleep 1000"));
    hearthd.add("more.service", service("", "/bin/sleep 1000"));
    fs::create_symlink("real.service", hearthd.units() + "/alias.service");
    fs::create_directory(hearthd.units() + "/real.service.wants");
    fs::create_symlink("../more.service", hearthd.units() + "/real.service.wants/more.service");
    EXPECT_EQ(hearthd.ctl({"start", "alias.service"}).status, 0);
    EXPECT_EQ(hearthd.show("alias.service", "Id"), "real.service");
    EXPECT_EQ(hearthd.show("real.service", "Names"), "real.service alias.service");
    EXPECT_TRUE(hearthd.becomes("more.service", "ActiveState", "active"));
}

TEST_F(HearthdGraph, ADeviceIsActiveWhileItsNodeExists) {
    const HearthdProcess hearthd;
    hearthd.add(
        "a.service", service("BindsTo=dev-null.device\nAfter=dev-null.device", "/bin/sleep 1000"));
    EXPECT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    EXPECT_EQ(hearthd.show("dev-null.device", "SubState"), "plugged");
    hearthd.add("c.service", service("Requires=some.socket", "/bin/sleep 1000"));
    hearthd.add("some.socket", "[Socket]\nListenStream=/run/none\n");
    const auto refused = hearthd.ctl({"start", "c.service"});
    EXPECT_NE(refused.status, 0);
    EXPECT_NE(refused.err.find("units of type socket are not built yet"), std::string::npos)
        << refused.err;
}

TEST_F(HearthdGraph, AGuestLeavesTheBootAlone) {
    const HearthdProcess hearthd;
    hearthd.add(
        "a.service",
        service("After=network-online.target\nWants=network-online.target", "/bin/sleep 1000"));
    EXPECT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    EXPECT_EQ(hearthd.show("network-online.target", "ActiveState"), "active");
    EXPECT_EQ(hearthd.show("shutdown.target", "ActiveState"), "inactive");
    for (const char* const target : {"shutdown.target", "poweroff.target", "rescue.target"}) {
        const auto refused = hearthd.ctl({"start", target});
        EXPECT_NE(refused.status, 0) << target;
        EXPECT_NE(refused.err.find("is a guest"), std::string::npos) << refused.err;
    }
    EXPECT_NE(hearthd.ctl({"stop", "sysinit.target"}).status, 0);
}

TEST_F(HearthdGraph, AReloadIsPlannedAndKeepsWhatRuns) {
    const HearthdProcess hearthd;
    hearthd.add("a.service", service("", "/bin/sleep 1000"));
    EXPECT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    const std::string pid = hearthd.show("a.service", "MainPID");
    EXPECT_EQ(hearthd.ctl({"daemon-reload", "--plan"}).out, "nothing would change\n");
    hearthd.add("a.service", service("Description=warmer", "/bin/sleep 1000"));
    EXPECT_EQ(hearthd.ctl({"daemon-reload", "--plan"}).out, "a.service: Description\n");
    EXPECT_EQ(hearthd.show("a.service", "NeedDaemonReload"), "yes");
    EXPECT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_EQ(hearthd.show("a.service", "Description"), "warmer");
    EXPECT_EQ(hearthd.show("a.service", "MainPID"), pid);
}

TEST_F(HearthdGraph, AFailureActionEndsTheManagerWithItsStatus) {
    HearthdProcess hearthd;
    hearthd.add("other.service", service("", "/bin/sleep 1000"));
    hearthd.add(
        "a.service",
        service("FailureAction=exit\nFailureActionExitStatus=7", "/bin/sh -c 'exit 3'"));
    EXPECT_EQ(hearthd.ctl({"start", "other.service"}).status, 0);
    (void)hearthd.ctl({"start", "a.service"});
    EXPECT_TRUE(hearth::testing::eventually([&] {  // by itself
        siginfo_t ended{};
        const auto pid = static_cast<id_t>(hearthd.pid());
        return ::waitid(P_PID, pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               ended.si_pid == hearthd.pid();
    })) << hearthd.log();
    EXPECT_EQ(hearthd.stop(), 7);
}

}  // namespace
