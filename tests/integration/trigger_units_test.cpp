// SPDX-License-Identifier: MIT
//
// Timers, paths, automounts and swaps for real: the kernel's clock, inotify, autofs, and the stock
// systemctl and systemd-run looking on. No time is asserted, only that things happen.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "stock_systemctl.hpp"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;
using testing::eventually;
using testing::HearthdProcess;
using testing::Output;

class TriggerUnits : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }

    static std::string text_of(const std::string& path) {
        std::ifstream file(path);
        std::stringstream text;
        text << file.rdbuf();
        return text.str();
    }
    static std::size_t lines_of(const std::string& path) {
        const std::string text = text_of(path);
        return static_cast<std::size_t>(std::ranges::count(text, '\n'));
    }
    /// job.service, which writes a line of its environment's triggers into the file.
    static std::string add_job(const HearthdProcess& hearthd, const std::string& more = {}) {
        const std::string file = hearthd.place() + "/done";
        hearthd.add(
            "job.service",
            "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo $$TRIGGER_UNIT $$TRIGGER_PATH "
            ">> " +
                file + "'\n" + more);
        return file;
    }
};

TEST_F(TriggerUnits, ATimerElapsesAgainAndAgain) {
    const HearthdProcess hearthd;
    const std::string done = add_job(hearthd);
    hearthd.add(
        "job.timer",
        "[Timer]\nOnActiveSec=0\nOnUnitInactiveSec=100ms\nAccuracySec=1us\n"
        "OnCalendar=*-*-* 03:00 UTC\n");
    ASSERT_EQ(hearthd.ctl({"start", "job.timer"}).status, 0) << hearthd.log();
    EXPECT_TRUE(eventually([&] { return lines_of(done) >= 3; })) << hearthd.log();
    EXPECT_EQ(text_of(done).substr(0, 10), "job.timer\n");
    EXPECT_EQ(hearthd.show("job.timer", "Unit"), "job.service");
    EXPECT_EQ(hearthd.show("job.timer", "Triggers"), "job.service");
    EXPECT_EQ(hearthd.show("job.service", "TriggeredBy"), "job.timer");
    EXPECT_NE(hearthd.show("job.timer", "NextElapseUSecRealtime"), "");
    ASSERT_EQ(hearthd.ctl({"stop", "job.timer"}).status, 0);
    EXPECT_EQ(hearthd.show("job.timer", "SubState"), "dead");
}

TEST_F(TriggerUnits, ATimerGoesOnWhereAHearthdDied) {
    HearthdProcess hearthd;
    const std::string done = add_job(hearthd);
    hearthd.add("job.timer", "[Timer]\nOnActiveSec=3s\nRandomizedDelaySec=1s\nAccuracySec=1us\n");
    ASSERT_EQ(hearthd.ctl({"start", "job.timer"}).status, 0) << hearthd.log();
    const std::string next = hearthd.show("job.timer", "NextElapseUSecMonotonic");
    EXPECT_NE(next, "");
    hearthd.crash();
    hearthd.start_again();
    EXPECT_EQ(hearthd.show("job.timer", "NextElapseUSecMonotonic"), next);
    EXPECT_TRUE(eventually([&] { return lines_of(done) == 1; })) << hearthd.log();
}

TEST_F(TriggerUnits, APathIsNoticedHoweverItComes) {
    const HearthdProcess hearthd;
    const std::string done = add_job(hearthd);
    const std::string place = hearthd.place() + "/watched";
    hearthd.add("job.path", "[Path]\nPathChanged=" + place + "/deep/file\n");
    ASSERT_EQ(hearthd.ctl({"start", "job.path"}).status, 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("job.path", "SubState"), "waiting");
    std::size_t times = 0;
    const auto happens = [&](const std::string& what) {
        ++times;
        EXPECT_TRUE(eventually([&] { return lines_of(done) == times; })) << what << hearthd.log();
        EXPECT_TRUE(hearthd.becomes("job.path", "SubState", "waiting")) << what;
    };
    fs::create_directories(place + ".new/deep");
    std::ofstream(place + ".new/deep/file") << "x";
    fs::rename(place + ".new", place);
    happens("a directory above is moved there");
    std::ofstream(place + "/deep/file") << "y";
    happens("it is written and closed");
    fs::remove_all(place);
    happens("it is removed with all above");
    fs::create_directories(hearthd.place() + "/other/deep");
    std::ofstream(hearthd.place() + "/other/deep/file") << "z";
    fs::create_symlink("other", place);
    happens("a link leads there");
    EXPECT_EQ(text_of(done).find("job.path " + place + "/deep/file\n"), 0U) << text_of(done);
}

TEST_F(TriggerUnits, WhatChangesWhileNoHearthdIsThereIsNoticedByTheNext) {
    HearthdProcess hearthd;
    const std::string done = add_job(hearthd);
    const std::string file = hearthd.place() + "/watched";
    std::ofstream(file) << "x";
    hearthd.add("job.path", "[Path]\nPathModified=" + file + "\n");
    ASSERT_EQ(hearthd.ctl({"start", "job.path"}).status, 0) << hearthd.log();
    ASSERT_TRUE(hearthd.becomes("job.path", "SubState", "waiting"));
    hearthd.crash();
    std::ofstream(file) << "longer";
    hearthd.start_again();
    EXPECT_TRUE(eventually([&] { return lines_of(done) == 1; })) << hearthd.log();
}

TEST_F(TriggerUnits, AUnitThatLeavesItsReasonThereIsLimited) {
    const HearthdProcess hearthd;
    const std::string done = add_job(hearthd, "[Unit]\nStartLimitIntervalSec=0\n");
    hearthd.add(
        "job.path",
        "[Path]\nPathExists=/proc/self\nTriggerLimitBurst=5\nTriggerLimitIntervalSec=1min\n");
    (void)hearthd.ctl({"start", "job.path"});
    EXPECT_TRUE(hearthd.becomes("job.path", "Result", "trigger-limit-hit")) << hearthd.log();
    EXPECT_EQ(hearthd.show("job.path", "ActiveState"), "failed");
    EXPECT_EQ(lines_of(done), 5U);
}

TEST_F(TriggerUnits, TheStockClientsMakeAndListThem) {
    if (stock_client("systemd-run").empty() || stock_client("systemctl").empty()) {
        GTEST_SKIP() << "no systemctl and systemd-run on this machine";
    }
    const HearthdProcess hearthd;
    const std::string done = hearthd.place() + "/done";
    const Output ran = run_stock(
        hearthd,
        stock_client("systemd-run") +
            " --unit=nap --on-active=100ms --on-calendar='*-*-* 04:00:00' "
            "--timer-property=AccuracySec=1us /bin/sh -c 'echo $TRIGGER_UNIT >> " +
            done + "'");
    ASSERT_EQ(ran.status, 0) << ran.err << hearthd.log();
    EXPECT_TRUE(eventually([&] { return text_of(done) == "nap.timer\n"; })) << hearthd.log();
    const Output listed = run_stock(hearthd, stock_client("systemctl") + " list-timers --all");
    EXPECT_EQ(listed.status, 0) << listed.err;
    EXPECT_NE(listed.out.find("nap.timer nap.service"), std::string::npos) << listed.out;
    EXPECT_NE(listed.out.find("04:00:00"), std::string::npos) << listed.out;
    const Output ours = hearthd.ctl({"list-timers", "--all"});
    EXPECT_NE(ours.out.find("nap.timer"), std::string::npos) << ours.out;
    const Output watched = run_stock(
        hearthd,
        stock_client("systemd-run") + " --unit=watch --path-property=PathExists=" + done +
            " /bin/rm " + done);
    ASSERT_EQ(watched.status, 0) << watched.err << hearthd.log();
    EXPECT_TRUE(eventually([&] { return !fs::exists(done); })) << hearthd.log();
    EXPECT_EQ(hearthd.ctl({"stop", "nap.timer", "watch.path"}).status, 0);
    EXPECT_TRUE(eventually([&] { return hearthd.show("nap.timer", "LoadState") == "not-found"; }));
}

TEST_F(TriggerUnits, SocketUnitsLoadAndTheirStartIsRefusedByName) {
    const HearthdProcess hearthd;
    (void)add_job(hearthd);
    hearthd.add(
        "job.socket", "[Socket]\nListenStream=/run/job.socket\nAccept=no\nSocketMode=0600\n");
    EXPECT_EQ(hearthd.show("job.socket", "LoadState"), "loaded");
    EXPECT_EQ(hearthd.show("job.socket", "Triggers"), "job.service");
    const Output started = hearthd.ctl({"start", "job.socket"});
    EXPECT_NE(started.status, 0);
    EXPECT_NE(started.err.find("units of type socket are not built yet"), std::string::npos)
        << started.err;
}

// ---- automounts ---------------------------------------------------------------------------------

class Automounts : public TriggerUnits {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        if (text_of("/proc/filesystems").find("\tautofs\n") == std::string::npos ||
            ::access("/dev/autofs", W_OK) != 0) {
            GTEST_SKIP() << "this kernel has no autofs";
        }
    }
    static std::string escaped(const std::string& path) {
        std::string name;
        for (const char byte : path.substr(1)) {
            name += byte == '/' ? std::string("-") : byte == '-' ? "\\x2d" : std::string(1, byte);
        }
        return name;
    }
    /// An automount of a tmpfs at `place`.
    static std::string add(
        const HearthdProcess& hearthd, const std::string& place, const std::string& more) {
        const std::string name = escaped(place);
        hearthd.add(name + ".mount", "[Mount]\nWhat=tmpfs\nType=tmpfs\n");
        hearthd.add(name + ".automount", "[Automount]\n" + more);
        return name;
    }
    /// A process that enters the place; its exit status.
    static int enter(const std::string& place) {
        return std::system(("timeout 30 ls " + place + "/. >/dev/null 2>&1").c_str());
    }
};

TEST_F(Automounts, WhoeverEntersFindsItMountedAndItGoesWhenIdle) {
    const HearthdProcess hearthd;
    const std::string place = hearthd.place() + "/there";
    const std::string name = add(hearthd, place, "TimeoutIdleSec=1s\n");
    ASSERT_EQ(hearthd.ctl({"start", name + ".automount"}).status, 0) << hearthd.log();
    EXPECT_EQ(hearthd.show(name + ".automount", "SubState"), "waiting");
    EXPECT_EQ(hearthd.show(name + ".mount", "ActiveState"), "inactive");
    EXPECT_EQ(enter(place), 0) << hearthd.log();
    EXPECT_EQ(hearthd.show(name + ".mount", "SubState"), "mounted");
    EXPECT_TRUE(hearthd.becomes(name + ".automount", "SubState", "running")) << hearthd.log();
    EXPECT_TRUE(hearthd.becomes(name + ".mount", "ActiveState", "inactive")) << hearthd.log();
    EXPECT_TRUE(hearthd.becomes(name + ".automount", "SubState", "waiting")) << hearthd.log();
    EXPECT_EQ(enter(place), 0) << hearthd.log();
    ASSERT_EQ(hearthd.ctl({"stop", name + ".automount", name + ".mount"}).status, 0);
    EXPECT_EQ(text_of("/proc/self/mountinfo").find(place), std::string::npos);
}

TEST_F(Automounts, GoOnWhereAHearthdDied) {
    HearthdProcess hearthd({}, {}, {{}, 0, "hearth-init"});
    const std::string place = hearthd.place() + "/there";
    const std::string name = add(hearthd, place, "");
    ASSERT_EQ(hearthd.ctl({"start", name + ".automount"}).status, 0) << hearthd.log();
    const pid_t before = hearthd.kept();
    ASSERT_EQ(::kill(before, SIGKILL), 0);
    ASSERT_TRUE(eventually([&] { return hearthd.kept() != 0 && hearthd.kept() != before; }));
    ASSERT_TRUE(hearthd.becomes(name + ".automount", "SubState", "waiting")) << hearthd.log();
    EXPECT_EQ(enter(place), 0) << hearthd.log();
    EXPECT_TRUE(hearthd.becomes(name + ".mount", "SubState", "mounted")) << hearthd.log();
    ASSERT_EQ(hearthd.ctl({"stop", name + ".automount", name + ".mount"}).status, 0);
    EXPECT_EQ(text_of("/proc/self/mountinfo").find(place), std::string::npos);
}

TEST_F(Automounts, AMountThatFailsIsAnErrorAndNobodyHangs) {
    const HearthdProcess hearthd;
    const std::string place = hearthd.place() + "/there";
    const std::string name = add(hearthd, place, "");
    hearthd.add(name + ".mount", "[Mount]\nWhat=/nowhere/at/all\nType=ext4\n");
    ASSERT_EQ(hearthd.ctl({"start", name + ".automount"}).status, 0) << hearthd.log();
    EXPECT_NE(enter(place), 0);
    EXPECT_TRUE(hearthd.becomes(name + ".automount", "SubState", "waiting")) << hearthd.log();
    ASSERT_EQ(hearthd.ctl({"stop", name + ".automount"}).status, 0);
    EXPECT_EQ(text_of("/proc/self/mountinfo").find(place), std::string::npos);
}

}  // namespace
}  // namespace hearth::test
