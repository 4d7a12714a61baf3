// SPDX-License-Identifier: MIT
//
// Services that speak sd_notify(3), by libsystemd, to a real hearthd; forking services; watchdogs,
// health checks and what else ends a service by itself.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::HearthdProcess;
namespace fs = std::filesystem;

std::string file(const std::string& path) {
    const std::ifstream stream(path);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

class Notify : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }

    HearthdProcess hearthd;

    /// A unit that runs the test program with `arguments`.
    void add(const std::string& name, const std::string& settings, const std::string& arguments) {
        hearthd.add(
            name,
            "[Service]\n" + settings + "\nExecStart=" + hearthd.program("hearth-test-service") +
                " " + arguments + "\n");
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return hearthd.place() + "/" + name;
    }
    [[nodiscard]] bool appears(const std::string& name, const std::string& text) const {
        const bool good = eventually([&] { return file(path(name)) == text; });
        EXPECT_TRUE(good) << name << " holds:\n"
                          << file(path(name)) << "expected:\n"
                          << text << hearthd.log();
        return good;
    }
    [[nodiscard]] int start(const std::string& unit) const {
        return hearthd.ctl({"start", unit}).status;
    }
};

TEST_F(Notify, IsStartedWhenItSaysSo) {
    add("a.service", "Type=notify", "sleep 200 notify READY=1|STATUS=warm|ERRNO=2 wait");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "SubState"), "running");
    EXPECT_EQ(hearthd.show("a.service", "StatusText"), "warm");
    EXPECT_EQ(hearthd.show("a.service", "StatusErrno"), "2");
    EXPECT_EQ(hearthd.show("a.service", "NotifyAccess"), "main");
    EXPECT_EQ(hearthd.ctl({"stop", "a.service"}).status, 0);
    EXPECT_EQ(hearthd.show("a.service", "Result"), "success");
}

TEST_F(Notify, ThatEndsBeforeHasBrokenTheProtocol) {
    add("a.service", "Type=notify", "exit 0");
    EXPECT_NE(start("a.service"), 0);
    EXPECT_EQ(hearthd.show("a.service", "Result"), "protocol");
    add("b.service", "Type=notify\nTimeoutStartSec=300ms", "wait");
    EXPECT_NE(start("b.service"), 0);
    EXPECT_EQ(hearthd.show("b.service", "Result"), "timeout");
}

TEST_F(Notify, ExtendsItsTimeout) {
    add("a.service",
        "Type=notify\nTimeoutStartSec=1s",
        "notify EXTEND_TIMEOUT_USEC=20000000 sleep 1500 notify READY=1 wait");
    EXPECT_EQ(start("a.service"), 0) << hearthd.log();
}

TEST_F(Notify, AccessIsJudgedByTheKernelsWordForWhoSpeaks) {
    add("main.service", "NotifyAccess=main", "child-notify STATUS=child notify STATUS=main wait");
    ASSERT_EQ(start("main.service"), 0);
    ASSERT_TRUE(hearthd.becomes("main.service", "StatusText", "main"));
    add("all.service", "NotifyAccess=all", "notify STATUS=main child-notify STATUS=child wait");
    ASSERT_EQ(start("all.service"), 0);
    ASSERT_TRUE(hearthd.becomes("all.service", "StatusText", "child"));
    add("only.service",
        "NotifyAccess=main",
        "notify STATUS=main child-notify STATUS=child confirm write " + path("said") + " 1 wait");
    ASSERT_EQ(start("only.service"), 0);
    ASSERT_TRUE(appears("said", "1"));
    EXPECT_EQ(hearthd.show("only.service", "StatusText"), "main");
    add("none.service", "", "write-env " + path("socket") + " NOTIFY_SOCKET wait");
    ASSERT_EQ(start("none.service"), 0);
    ASSERT_TRUE(appears("socket", "(unset)"));
}

TEST_F(Notify, ReachesTheManagerFromConfinement) {
    add("a.service",
        "Type=notify\nUser=nobody\nProtectSystem=strict\nPrivateTmp=yes\nNoNewPrivileges=yes",
        "notify READY=1|STATUS=inside wait");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "StatusText"), "inside");
    // The rest of the runtime directory stays hidden, which is read-only besides.
    const std::string root = "/proc/" + hearthd.show("a.service", "MainPID") + "/root";
    EXPECT_TRUE(fs::exists(root + hearthd.place() + "/runtime/notify"));
    EXPECT_FALSE(fs::exists(root + hearthd.place() + "/runtime/private"));
    const auto confinement = hearthd.ctl({"confinement", "a.service"});
    EXPECT_EQ(confinement.status, 0) << confinement.out;  // the socket is no writable place
}

TEST_F(Notify, ReachesTheManagerFromAnotherRoot) {
    const std::string root = path("root");
    fs::create_directories(root + "/usr");
    for (const char* link : {"lib", "lib64", "bin"}) {
        fs::create_symlink("usr/" + std::string(link), root + "/" + link);
    }
    fs::create_directories(root + "/test");
    hearthd.add(
        "a.service",
        "[Service]\nType=notify\nRootDirectory=" + root +
            "\nBindReadOnlyPaths=/usr " HEARTH_BINARY_DIR
            ":/test\nExecStart=/test/hearth-test-service notify READY=1|STATUS=rooted wait\n");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "StatusText"), "rooted");
}

TEST_F(Notify, ReloadsBySignalAndWaitsForReady) {
    add("a.service", "Type=notify-reload", "on-hup-reload notify READY=1|STATUS=first wait");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "CanReload"), "yes");
    ASSERT_EQ(hearthd.ctl({"reload", "a.service"}).status, 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "StatusText"), "reloaded");
    EXPECT_EQ(hearthd.show("a.service", "SubState"), "running");
    add("b.service",
        "Type=notify-reload\nTimeoutStartSec=500ms",
        "on-hup-once notify READY=1 wait wait");
    ASSERT_EQ(start("b.service"), 0);
    EXPECT_NE(hearthd.ctl({"reload", "b.service"}).status, 0);
    EXPECT_EQ(hearthd.show("b.service", "ReloadResult"), "timeout");
    EXPECT_EQ(hearthd.show("b.service", "ActiveState"), "active");
}

TEST_F(Notify, TakesAnotherMainProcess) {
    add("a.service",
        "Type=notify\nNotifyAccess=all",
        "child sleep 700 exit 7 -- main-is-child notify READY=1 exit 0");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    ASSERT_TRUE(hearthd.becomes("a.service", "ActiveState", "failed"));
    EXPECT_EQ(hearthd.show("a.service", "ExecMainStatus"), "7");
}

TEST_F(Notify, StoredDescriptorsComeBackAfterARestart) {
    add("a.service",
        "Type=notify\nFileDescriptorStoreMax=2\nOpenFile=/etc/hostname:host:read-only\n"
        "OpenFile=/nonexistent:none:graceful\nNonBlocking=yes",
        "write-listen " + path("listen") +
            " store one store two store three confirm notify READY=1 wait");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "NFileDescriptorStore"), "2");
    EXPECT_TRUE(file(path("listen")).starts_with("1\nhost nonblocking ")) << file(path("listen"));
    ASSERT_EQ(hearthd.ctl({"restart", "a.service"}).status, 0) << hearthd.log();
    EXPECT_TRUE(file(path("listen")).starts_with("3\none blocking one\ntwo blocking two\nhost "))
        << file(path("listen"));
    ASSERT_EQ(hearthd.ctl({"stop", "a.service"}).status, 0);
    EXPECT_EQ(hearthd.show("a.service", "NFileDescriptorStore"), "0");
}

TEST_F(Notify, AStoredDescriptorWhoseOtherEndIsGoneIsDropped) {
    add("a.service",
        "Type=notify\nFileDescriptorStoreMax=2",
        "store-pipe p confirm notify READY=1 sleep 500 hang-up wait");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    EXPECT_TRUE(hearthd.becomes("a.service", "NFileDescriptorStore", "0"));
}

TEST_F(Notify, WatchdogEndsWhatDoesNotPing) {
    add("a.service",
        "Type=notify\nWatchdogSec=300ms\nWatchdogSignal=SIGUSR2",
        "write-env " + path("usec") + " WATCHDOG_USEC notify READY=1 wait");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    ASSERT_TRUE(appears("usec", "300000"));
    ASSERT_TRUE(hearthd.becomes("a.service", "Result", "watchdog"));
    ASSERT_TRUE(hearthd.becomes("a.service", "ActiveState", "failed"));
    EXPECT_EQ(hearthd.show("a.service", "ExecMainStatus"), std::to_string(SIGUSR2));
    add("b.service", "Type=notify\nWatchdogSec=1h", "notify READY=1 notify WATCHDOG=trigger wait");
    ASSERT_EQ(start("b.service"), 0);
    ASSERT_TRUE(hearthd.becomes("b.service", "Result", "watchdog"));
}

TEST_F(Notify, ForkingServicesAreFoundByTheirPidFile) {
    add("a.service",
        "Type=forking\nPIDFile=" + path("a.pid"),
        "fork-to " + path("a.pid") + " wait");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "MainPID") + "\n", file(path("a.pid")));
    ::kill(std::stoi(hearthd.show("a.service", "MainPID")), SIGKILL);
    ASSERT_TRUE(hearthd.becomes("a.service", "ActiveState", "failed"));
    EXPECT_EQ(hearthd.show("a.service", "Result"), "signal");
    // A file of another user counts for the service's own processes only.
    std::ofstream(path("b.pid")) << ::getpid() << "\n";
    ASSERT_EQ(::chown(path("b.pid").c_str(), 65534, 65534), 0);
    add("b.service",
        "Type=forking\nPIDFile=" + path("b.pid") + "\nTimeoutStartSec=500ms",
        "fork wait");
    EXPECT_NE(start("b.service"), 0);
    EXPECT_NE(hearthd.log().find("is not in the service's cgroup"), std::string::npos);
}

TEST_F(Notify, ForkingServicesAreGuessed) {
    add("a.service", "Type=forking", "fork wait");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    const std::string pid = hearthd.show("a.service", "MainPID");
    EXPECT_NE(pid, "0");
    EXPECT_NE(file("/proc/" + pid + "/cmdline").find("hearth-test-service"), std::string::npos);
    add("b.service", "Type=forking\nGuessMainPID=no", "fork wait");
    ASSERT_EQ(start("b.service"), 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("b.service", "MainPID"), "0");
    EXPECT_EQ(hearthd.show("b.service", "SubState"), "running");
    EXPECT_EQ(hearthd.ctl({"stop", "b.service"}).status, 0);
    EXPECT_EQ(hearthd.show("b.service", "ActiveState"), "inactive");
}

TEST_F(Notify, ExitTypeCgroupLivesAsLongAsAnybody) {
    add("a.service", "ExitType=cgroup", "child sleep 700 exit 0 -- exit 0");
    ASSERT_EQ(start("a.service"), 0);
    ASSERT_TRUE(hearthd.becomes("a.service", "MainPID", "0"));
    EXPECT_EQ(hearthd.show("a.service", "SubState"), "running");
    EXPECT_TRUE(hearthd.becomes("a.service", "ActiveState", "inactive"));
}

TEST_F(Notify, HealthCheckEndsAndRestartsTheService) {
    add("a.service", "Restart=on-failure\nRestartSec=10ms", "wait");
    hearthd.add(
        "a.service.d/health.conf",
        "[X-Hearth]\nHealthCheck=/bin/test ! -e " + path("ill") +
            "\nHealthCheckIntervalSec=50ms\nHealthCheckRetries=2\n");
    ASSERT_EQ(start("a.service"), 0) << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "NRestarts"), "0");
    std::ofstream(path("ill")) << "1";
    ASSERT_TRUE(eventually([&] { return hearthd.show("a.service", "NRestarts") != "0"; }))
        << hearthd.log();
    fs::remove(path("ill"));
    ASSERT_TRUE(hearthd.becomes("a.service", "SubState", "running"));
    EXPECT_NE(hearthd.log().find("HealthCheck= failed 2 times in a row"), std::string::npos);
    EXPECT_EQ(hearthd.ctl({"stop", "a.service"}).status, 0);
}

TEST_F(Notify, AnEssentialServiceEndsHearthdWithItsStatus) {
    add("other.service", "", "wait");
    add("a.service", "", "sleep 300 exit 5");
    hearthd.add("a.service.d/essential.conf", "[X-Hearth]\nEssential=yes\n");
    ASSERT_EQ(start("other.service"), 0);
    ASSERT_EQ(start("a.service"), 0);
    ASSERT_TRUE(eventually([&] {
        siginfo_t ended{};
        const auto pid = static_cast<id_t>(hearthd.pid());
        return ::waitid(P_PID, pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
    })) << hearthd.log();
    EXPECT_EQ(hearthd.stop(), 5);
}

TEST_F(Notify, FailureModesPickTheSignal) {
    add("a.service",
        "Type=notify\nTimeoutStartSec=300ms\nTimeoutStartFailureMode=abort\n"
        "WatchdogSignal=SIGUSR2",
        "wait");
    EXPECT_NE(start("a.service"), 0);
    EXPECT_EQ(hearthd.show("a.service", "Result"), "timeout");
    EXPECT_EQ(hearthd.show("a.service", "ExecMainStatus"), std::to_string(SIGUSR2));
    add("b.service",
        "TimeoutStopSec=300ms\nTimeoutStopFailureMode=abort\nWatchdogSignal=SIGUSR2",
        "ignore-term write " + path("ready") + " 1 wait");
    ASSERT_EQ(start("b.service"), 0);
    ASSERT_TRUE(appears("ready", "1"));
    EXPECT_EQ(hearthd.ctl({"stop", "b.service"}).status, 0);
    EXPECT_EQ(hearthd.show("b.service", "ExecMainStatus"), std::to_string(SIGUSR2));
}

TEST_F(Notify, OutOfMemoryOfAChildFollowsThePolicy) {
    const std::string memory = "MemoryMax=24M\nMemoryAccounting=yes\n";
    const std::string eats = "child eat-memory -- wait";
    add("stop.service", memory + "OOMPolicy=stop", eats);
    if (start("stop.service") != 0) {
        GTEST_SKIP() << "no memory controller here: " << hearthd.log();
    }
    ASSERT_TRUE(hearthd.becomes("stop.service", "ActiveState", "failed"));
    EXPECT_EQ(hearthd.show("stop.service", "Result"), "oom-kill");
    add("continue.service", memory + "OOMPolicy=continue", eats);
    ASSERT_EQ(start("continue.service"), 0);
    ASSERT_TRUE(eventually([&] {
        return hearthd.log().find("OOMPolicy=continue goes on") != std::string::npos;
    })) << hearthd.log();
    EXPECT_EQ(hearthd.show("continue.service", "ActiveState"), "active");
}

}  // namespace
