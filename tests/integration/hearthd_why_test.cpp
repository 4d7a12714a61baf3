// SPDX-License-Identifier: MIT
//
// why, list-jobs, list-dependencies, ResumeWith= and what a broken file leaves, with a real
// hearthd.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::HearthdProcess;

class HearthdWhy : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }

    static std::string service(const std::string& unit, const std::string& more = {}) {
        return "[Unit]\n" + unit + "\n[Service]\nExecStart=/bin/sleep 1000\n" + more;
    }
    static void expect_says(const std::string& text, std::string_view part) {
        EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in:\n" << text;
    }
};

TEST_F(HearthdWhy, FollowsAFailureToTheUnitThatStopped) {
    const HearthdProcess hearthd;
    hearthd.add("a.service", service(""));
    hearthd.add("b.service", service("BindsTo=a.service\nAfter=a.service"));
    EXPECT_EQ(hearthd.ctl({"start", "b.service"}).status, 0);
    expect_says(hearthd.ctl({"why", "b.service"}).out, "start asked for by hearthctl (pid ");
    EXPECT_EQ(hearthd.ctl({"kill", "-s", "KILL", "a.service"}).status, 0);
    EXPECT_TRUE(hearthd.becomes("b.service", "ActiveState", "inactive"));
    EXPECT_TRUE(hearthd.becomes("a.service", "ActiveState", "failed"));
    const std::string text = hearthd.ctl({"why", "b.service"}).out;
    expect_says(text, "b.service: inactive (dead)");
    expect_says(text, "b.service stopped");
    expect_says(text, "- BindsTo=a.service");
    expect_says(text, "because a.service failed");
    expect_says(text, "- main process exited, code=killed, status=9/KILL");
    expect_says(text, "- not started again: Restart=no, result 'signal'");
    const std::string json = hearthd.ctl({"why", "--json", "b.service"}).out;
    expect_says(json, R"("unit":"a.service","what":"failed")");
    EXPECT_NE(hearthd.ctl({"why", "none.service"}).status, 0);
}

TEST_F(HearthdWhy, BringsBackWhatWasStoppedForAFailure) {
    HearthdProcess hearthd;
    hearthd.add("a.service", service("", "Restart=on-failure\nRestartSec=100ms\n"));
    hearthd.add(
        "b.service", service("BindsTo=a.service\nAfter=a.service", "[X-Hearth]\nResumeWith=yes\n"));
    EXPECT_EQ(hearthd.ctl({"start", "b.service"}).status, 0);
    const std::string first = hearthd.show("b.service", "MainPID");
    EXPECT_EQ(hearthd.ctl({"kill", "-s", "KILL", "a.service"}).status, 0);
    EXPECT_TRUE(hearth::testing::eventually([&] {
        const std::string pid = hearthd.show("b.service", "MainPID");
        return pid != "0" && pid != first;
    }));
    const std::string text = hearthd.ctl({"why", "b.service"}).out;
    expect_says(text, "- ResumeWith=, a.service is back");
    expect_says(text, "because a.service started");
    expect_says(text, "because a.service ended and is started again");
    expect_says(text, "started again: Restart=on-failure, result 'signal'");
}

TEST_F(HearthdWhy, SaysWhatJobsWaitFor) {
    HearthdProcess hearthd;
    hearthd.add("a.service", service("", "Type=notify\n"));
    hearthd.add("b.service", service("Requires=a.service\nAfter=a.service"));
    EXPECT_EQ(hearthd.ctl({"start", "--no-block", "b.service"}).status, 0);
    EXPECT_TRUE(hearthd.becomes("a.service", "SubState", "start"));
    EXPECT_TRUE(hearth::testing::eventually([&] {
        return hearthd.ctl({"list-jobs", "--after"}).out.find("READY=1") != std::string::npos;
    }));
    const std::string after = hearthd.ctl({"list-jobs", "--after"}).out;
    expect_says(after, "waiting for READY=1 of its main process ");
    expect_says(after, "(a.service/start)");
    const std::string before = hearthd.ctl({"list-jobs", "--before", "a"}).out;
    expect_says(before, "blocking job ");
    expect_says(before, "(b.service/start)");
    EXPECT_EQ(before.find("waiting for"), std::string::npos) << before;
    const std::string why = hearthd.ctl({"why", "b.service"}).out;
    expect_says(why, "of a.service (After=)");
    expect_says(why, "since ");
    EXPECT_EQ(hearthd.ctl({"stop", "a.service", "b.service"}).status, 0);
}

TEST_F(HearthdWhy, SaysWhichConditionSkippedAStart) {
    const HearthdProcess hearthd;
    hearthd.add("a.service", service("ConditionPathExists=/nonexistent/x"));
    EXPECT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    const std::string text = hearthd.ctl({"why", "a.service"}).out;
    expect_says(text, "a.service was not started");
    expect_says(text, "- ConditionPathExists=/nonexistent/x is not met");
}

TEST_F(HearthdWhy, ListsDependenciesInEveryDirection) {
    const HearthdProcess hearthd;
    hearthd.add("base.service", service("Before=last.service"));
    hearthd.add("app.service", service("Requires=base.service\nAfter=base.service"));
    hearthd.add("all.target", "[Unit]\nWants=app.service\n");
    hearthd.add("last.service", service(""));
    EXPECT_EQ(hearthd.ctl({"start", "all.target"}).status, 0);
    const std::string flat = hearthd.ctl({"list-dependencies", "all.target"}).out;
    expect_says(flat, "all.target\n● └─app.service\n");
    EXPECT_EQ(flat.find("base.service"), std::string::npos) << flat;
    expect_says(
        hearthd.ctl({"list-dependencies", "--all", "--type=service", "all.target"}).out,
        "● └─app.service\n●   └─base.service\n");
    expect_says(
        hearthd.ctl({"list-dependencies", "--reverse", "--all", "base.service"}).out,
        "└─all.target\n");
    expect_says(
        hearthd.ctl({"list-dependencies", "--after", "--plain", "app.service"}).out,
        "  base.service\n");
    expect_says(
        hearthd.ctl({"list-dependencies", "--before", "--plain", "base.service"}).out,
        "  app.service\n  last.service\n");
    EXPECT_NE(hearthd.ctl({"list-dependencies", "--before", "--after", "base"}).status, 0);
}

TEST_F(HearthdWhy, AReloadKeepsWhatRunsAndSaysWhy) {
    const HearthdProcess hearthd;
    for (const char* const unit : {"gone.service", "broken.service", "changed.service"}) {
        hearthd.add(unit, service(""));
        EXPECT_EQ(hearthd.ctl({"start", unit}).status, 0);
    }
    const std::string pid = hearthd.show("broken.service", "MainPID");
    std::filesystem::remove(hearthd.units() + "/gone.service");
    hearthd.add("broken.service", "[Service]\nType=oneshot\nRestart=always\nExecStart=/bin/x\n");
    hearthd.add("changed.service", service("Wants=new.service", "Nice=3\n"));
    hearthd.add("new.service", service(""));
    const std::string plan = hearthd.ctl({"daemon-reload", "--plan"}).out;
    expect_says(
        plan, "gone.service: loaded -> not-found; it runs, and keeps the settings it has\n");
    expect_says(
        plan, "broken.service: loaded -> bad-setting; it runs, and keeps the settings it has\n  ");
    expect_says(plan, "broken.service:3: Restart=always is not allowed with Type=oneshot\n");
    expect_says(plan, "changed.service: ");
    expect_says(plan, "Nice");
    expect_says(plan, "new.service: new, loaded\n");
    expect_says(
        hearthd.ctl({"status", "changed.service"}).out, "'hearthctl daemon-reload' loads them");
    EXPECT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_EQ(hearthd.show("broken.service", "MainPID"), pid);
    EXPECT_EQ(hearthd.show("broken.service", "ActiveState"), "active");
    const std::string status = hearthd.ctl({"status", "broken.service"}).out;
    expect_says(status, "Kept: runs with the settings loaded before");
    expect_says(status, "Restart=always is not allowed with Type=oneshot");
    hearthd.add("broken.service", service(""));
    EXPECT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"status", "broken.service"}).out.find("Kept:"), std::string::npos);
}

}  // namespace
