// SPDX-License-Identifier: MIT
//
// Services that say how they are (sd_notify), that fork, that are watched: as scripts.
#include <gtest/gtest.h>

#include <csignal>

#include "engine_script.hpp"

namespace hearth::test {

namespace {

TEST(ServiceNotify, IsStartedByReady) {
    check("Type=notify\nExecStart=/bin/a", R"(
        start                  => start | +1:start | launch:ExecStart*
        launched 10            =>
        notify 10 STATUS=warm  =>
        notify 11 READY=1      =>
        notify 10 READY=1      => running | 1:done
    )");
}

TEST(ServiceNotify, LivesAsLongAsItsNameOnTheBus) {
    check("Type=dbus\nBusName=org.example.Heat\nExecStart=/bin/a", R"(
        start       => start | +1:start | launch:ExecStart*
        launched 10 =>
        bus-name 0  =>
        bus-name 1  => running | 1:done
        bus-name 0  => stop-sigterm | | TERM:all CONT:all
        empty
        exit 10 0   => dead | | release
    )");
    // What other types have there is nobody's business.
    check("Type=simple\nBusName=org.example.Heat\nExecStart=/bin/a", R"(
        start       => start | +1:start | launch:ExecStart*
        launched 10 => running | 1:done
        bus-name 1  =>
        bus-name 0  =>
    )");
}

TEST(ServiceNotify, EndsBeforeReadyAsItEnded) {
    Script script("Type=notify\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        empty
        exit 10 0              => failed | 1:failed | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::Protocol);
    Script failing("Type=notify\nExecStart=/bin/a");
    failing.run("start\nlaunched 10\nempty\nexit 10 3");
    EXPECT_EQ(failing.status().result, ServiceResult::ExitCode);
}

TEST(ServiceNotify, AccessDecidesWhoseWordCounts) {
    const auto text_after = [](const char* access) {
        Script script("Type=exec\nExecStart=/bin/a\nExecReload=/bin/r\n" + std::string(access));
        script.run(R"(
            start
            launched 10
            reload
            launched 20
            notify 10 STATUS=main
            notify 20 STATUS=control
            notify 30 STATUS=other
        )");
        return script.status().status_text;
    };
    EXPECT_EQ(text_after("NotifyAccess=none"), "");
    EXPECT_EQ(text_after("NotifyAccess=main"), "main");
    EXPECT_EQ(text_after("NotifyAccess=exec"), "control");
    EXPECT_EQ(text_after("NotifyAccess=all"), "other");
    EXPECT_EQ(text_after(""), "");
    EXPECT_EQ(text_after("WatchdogSec=1h"), "main");
}

TEST(ServiceNotify, StoppingIsAStopThatNeedsNoSignal) {
    check("Type=notify\nExecStart=/bin/a", R"(
        start
        launched 10
        notify 10 READY=1
        notify 10 STOPPING=1   => stop-sigterm
        after 91s              => stop-sigkill | | kill-cgroup
    )");
}

TEST(ServiceNotify, ReloadsBySignal) {
    Script script("Type=notify-reload\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        notify 10 READY=1
        reload                 => reload-signal | +2:reload | HUP:main
        notify 10 RELOADING=1 MONOTONIC_USEC=5          =>
        notify 10 RELOADING=1 MONOTONIC_USEC=2000000000 => reload-notify
        notify 10 READY=1      => running | 2:done
    )");
    EXPECT_EQ(script.status().reload_result, ServiceResult::Success);
}

TEST(ServiceNotify, AReloadThatIsNeverConfirmedTimesOut) {
    for (const char* said : {"populated", "notify 10 RELOADING=1 MONOTONIC_USEC=2000000000"}) {
        Script script("Type=notify-reload\nExecStart=/bin/a\nReloadSignal=SIGUSR1");
        script.run(R"(
            start
            launched 10
            notify 10 READY=1
            reload             => reload-signal | +2:reload | USR1:main
        )");
        script.happen(said);
        EXPECT_EQ(script.happen("after 91s"), "running | 2:failed");
        EXPECT_EQ(script.status().reload_result, ServiceResult::Timeout);
    }
}

TEST(ServiceNotify, ReloadsByItself) {
    check("NotifyAccess=main\nExecStart=/bin/a", R"(
        start
        launched 10
        notify 10 RELOADING=1  => reload-notify
        notify 10 READY=1      => running
    )");
}

TEST(ServiceNotify, WatchdogCountsFromTheLastSign) {
    Script script("Type=notify\nWatchdogSec=10s\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        after 20s              =>
        notify 10 READY=1      => running | 1:done
        after 9s               =>
        notify 10 WATCHDOG=1   =>
        after 9s               =>
        after 2s               => stop-watchdog | | ABRT:all CONT:all
        empty
        dump 10 6              => failed | | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::Watchdog);
    EXPECT_FALSE(script.status().watchdog_deadline);
}

TEST(ServiceNotify, WatchdogIntervalCanBeChangedAndTriggered) {
    Script script("Type=notify\nWatchdogSec=10s\nWatchdogSignal=SIGQUIT\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        notify 10 READY=1
        notify 10 WATCHDOG_USEC=60000000 =>
        after 50s                        =>
        notify 10 WATCHDOG=trigger       => stop-watchdog | | QUIT:all CONT:all
    )");
}

TEST(ServiceNotify, TimeoutsAreExtendedNeverShortened) {
    check("Type=notify\nTimeoutStartSec=10s\nExecStart=/bin/a", R"(
        start
        launched 10
        notify 10 EXTEND_TIMEOUT_USEC=1       =>
        after 9s                              =>
        notify 10 EXTEND_TIMEOUT_USEC=5000000 =>
        after 4s                              =>
        after 2s                              => stop-sigterm | | TERM:all CONT:all
    )");
}

TEST(ServiceNotify, MainProcessChangesHands) {
    Script script("Type=notify\nNotifyAccess=all\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        notify 11 MAINPID-OF-OTHERS=12 =>
        notify 11 MAINPID=11 READY=1   => running | 1:done | watch:11
        exit 10 0                      =>
        empty
        exit 11 4                      => failed | | release
    )");
    EXPECT_EQ(script.status().main.status, 4);
}

TEST(ServiceNotify, StoredDescriptorsLiveAsLongAsTheServiceComesBack) {
    Script script(
        "Type=notify\nFileDescriptorStoreMax=2\nRestart=on-failure\nRestartSec=1s\n"
        "ExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        notify 10 READY=1
        notify 10 FDSTORE=1 FDNAME=a DESCRIPTOR=1 => | | store:1
        notify 10 FDSTORE=1 FDNAME=b DESCRIPTOR=2 DESCRIPTOR=3 => | | store:2
        notify 10 FDSTOREREMOVE=1 FDNAME=a => | | close:1
        notify 10 DESCRIPTOR=4 =>
        empty
        exit 10 1              => failed auto-restart | | release
        after 2s               => dead start | +2:restart | launch:ExecStart*
        launched 11
        notify 11 READY=1
    )");
    ASSERT_EQ(script.status().stored.size(), 1U);
    EXPECT_EQ(script.status().stored[0], (StoredDescriptor{2, "b"}));
    EXPECT_EQ(script.happen("hung-up 2"), "| | close:2");
    script.run(R"(
        notify 11 FDSTORE=1 DESCRIPTOR=5 => | | store:5
        restart                => stop-sigterm | +3:restart | TERM:all CONT:all
        empty
        exit 11 0              => dead start | | release launch:ExecStart*
        launched 12
        notify 12 READY=1      => running | 3:done
        stop
        empty
        exit 12 0              => dead | 4:done | release close:5
    )");
}

TEST(ServiceForking, MainProcessIsWhatTheSearchFinds) {
    Script script("Type=forking\nExecStart=/bin/a");
    script.run(R"(
        start                  => start | +1:start | launch:ExecStart*
        launched 10            =>
        exit 10 0              => | | find-main
        main 12                => running | 1:done | watch:12
        empty
        exit 12 0              => dead | | release
    )");
    EXPECT_EQ(script.status().main.pid, 12);
}

TEST(ServiceForking, WithoutAKnownMainProcessTheCgroupCounts) {
    check("Type=forking\nGuessMainPID=no\nExecStart=/bin/a", R"(
        start
        launched 10
        exit 10 0              => running | 1:done
        empty                  => dead | | release
    )");
}

TEST(ServiceForking, AStarterThatFailsFailsTheStart) {
    Script script("Type=forking\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        empty
        exit 10 1              => failed | 1:failed | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::ExitCode);
}

TEST(ServiceForking, ItsPidFileIsWaitedFor) {
    check("Type=forking\nPIDFile=/run/a.pid\nExecStart=/bin/a", R"(
        start
        launched 10
        exit 10 0              => | | find-main
        main 0                 =>
        after 60ms             => | | find-main
        main 12                => running | 1:done | watch:12
    )");
    Script never("Type=forking\nPIDFile=/run/a.pid\nTimeoutStartSec=1s\nExecStart=/bin/a");
    never.run(R"(
        start
        launched 10
        exit 10 0
        main 0
        empty                  => failed | 1:failed | release
    )");
    EXPECT_EQ(never.status().result, ServiceResult::Protocol);
}

TEST(ServiceForking, ItMayMoveToAnotherProcess) {
    check("Type=forking\nPIDFile=/run/a.pid\nExecStart=/bin/a", R"(
        start
        launched 10
        exit 10 0
        main 12
        exit 12 0              => | | find-main
        main 13                => | | watch:13
        empty
        exit 13 0              => | | find-main
        main 0                 => dead | | release
    )");
}

TEST(ServiceForking, AnEmptyCgroupWaitsForWhatItsEndMeans) {
    Script script("Type=forking\nPIDFile=/run/a.pid\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        exit 10 0
        main 12
        signal 12 9            => | | find-main
        empty                  =>
        main 0                 => failed | | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::Signal);
    EXPECT_EQ(
        script.last.transitions.at(0).cause, "main process exited, code=killed, status=9/KILL");
}

TEST(ServiceExitType, CgroupOutlivesTheMainProcess) {
    check("ExitType=cgroup\nExecStart=/bin/a", R"(
        start
        launched 10
        exit 10 0              =>
        empty                  => dead | | release
    )");
}

TEST(ServiceTimeouts, FailureModesPickTheFirstSignal) {
    check("Type=notify\nTimeoutStartFailureMode=abort\nExecStart=/bin/a", R"(
        start
        launched 10
        after 91s              => stop-watchdog | | ABRT:all CONT:all
        after 91s              => stop-sigkill | | kill-cgroup
    )");
    check("Type=notify\nTimeoutStartFailureMode=kill\nExecStart=/bin/a", R"(
        start
        launched 10
        after 91s              => stop-sigkill | | kill-cgroup
    )");
    check("TimeoutStopFailureMode=abort\nTimeoutAbortSec=5s\nExecStart=/bin/a", R"(
        start
        launched 10
        stop
        after 91s              => stop-watchdog | | ABRT:all CONT:all
        after 6s               => stop-sigkill | | kill-cgroup
    )");
    check("TimeoutStopFailureMode=kill\nExecStop=/bin/s\nExecStart=/bin/a", R"(
        start
        launched 10
        stop                   => stop | +2:stop | launch:ExecStop
        launched 20
        after 91s              => stop-sigkill | | kill-cgroup
    )");
}

TEST(ServiceOutOfMemory, FollowsItsPolicy) {
    check("OOMPolicy=continue\nExecStart=/bin/a", "start\nlaunched 10\noom =>");
    check("OOMPolicy=stop\nExecStart=/bin/a", R"(
        start
        launched 10
        oom                    => stop-sigterm | | TERM:all CONT:all
    )");
    check("OOMPolicy=kill\nExecStop=/bin/s\nExecStart=/bin/a", R"(
        start
        launched 10
        oom                    => stop-sigkill | | kill-cgroup
    )");
}

TEST(ServiceHealth, ChecksRunBesideTheServiceAndEndItWhenTheyFail) {
    Script script(
        "ExecStart=/bin/a\nRestart=on-watchdog\n[X-Hearth]\nHealthCheck=/bin/h\n"
        "HealthCheckIntervalSec=10s\nHealthCheckTimeoutSec=5s\nHealthCheckRetries=2");
    script.run(R"(
        start
        launched 10            => running | 1:done
        after 11s              => | | launch:HealthCheck
        checked 50             =>
        exit 50 0              =>
        after 11s              => | | launch:HealthCheck
        checked 51             =>
        exit 51 1              =>
        after 11s              => | | launch:HealthCheck
        checked 52             =>
        after 6s               => | | KILL:health
        signal 52 9            => stop-sigterm | | TERM:all CONT:all
        empty
        exit 10 0              => failed auto-restart | | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::Watchdog);
}

TEST(ServiceHealth, TheStartPeriodForgives) {
    Script script(
        "ExecStart=/bin/a\n[X-Hearth]\nHealthCheck=/bin/h\nHealthCheckIntervalSec=10s\n"
        "HealthCheckRetries=1\nHealthCheckStartPeriodSec=20s");
    script.run(R"(
        start
        launched 10
        after 11s
        unchecked              =>
        after 11s              => | | launch:HealthCheck
        unchecked              => stop-sigterm | | TERM:all CONT:all
    )");
}

TEST(ServiceHealth, AStopWaitsForACheckThatIsBeingLaunched) {
    check("ExecStart=/bin/a\n[X-Hearth]\nHealthCheck=/bin/h\nHealthCheckIntervalSec=10s", R"(
        start
        launched 10
        after 11s              => | | launch:HealthCheck
        stop                   => stop-sigterm | +2:stop | abort TERM:all CONT:all
        empty                  =>
        exit 10 0              =>
        unchecked              => dead | 2:done | release
    )");
}

TEST(ServiceEssential, ItsEndIsTheManagersEnd) {
    check("ExecStart=/bin/a\n[X-Hearth]\nEssential=yes", R"(
        start
        launched 10
        empty
        exit 10 3              => failed | | release act:Essential=yes:3
    )");
    check("ExecStart=/bin/a\n[X-Hearth]\nEssential=yes", R"(
        start
        launched 10
        empty
        signal 10 9            => failed | | release act:Essential=yes:137
    )");
    check("ExecStart=/bin/a\nRestart=always\n[X-Hearth]\nEssential=yes", R"(
        start
        launched 10
        empty
        exit 10 3              => failed auto-restart | | release
    )");
    check("ExecStart=/bin/a\n[X-Hearth]\nEssential=yes", R"(
        start
        refused 226            => failed | 1:failed | release act:Essential=yes:1
    )");
}

TEST(ServiceRestart, DirectModeShowsNobodyThatItFailed) {
    check("Restart=always\nRestartMode=direct\nRestartSec=1s\nExecStart=/bin/a", R"(
        start
        launched 10
        empty
        exit 10 1              => auto-restart | | release
    )");
}

}  // namespace

}  // namespace hearth::test
