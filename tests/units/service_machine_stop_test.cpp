// SPDX-License-Identifier: MIT
//
// What stops services, as scripts: requests, timeouts, KillMode=, the OOM killer, and launches that
// are in flight when it comes.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "engine_script.hpp"

namespace hearth::test {

namespace {

TEST(ServiceMachineStop, ControlGroupSignalsAllAndWaitsForTheLast) {
    check("ExecStart=/bin/a", R"(
        start
        launched 10
        stop                 => stop-sigterm | +2:stop | TERM:all CONT:all
        signal 10 15         => final-sigterm | | TERM:all CONT:all
        empty                => dead | 2:done | release
    )");
    check("ExecStart=/bin/a", R"(
        start
        launched 10
        stop
        empty                =>
        signal 10 15         => dead | 2:done | release
    )");
}

TEST(ServiceMachineStop, MixedAsksTheMainProcessAndKillsTheRest) {
    check("KillMode=mixed\nExecStart=/bin/a", R"(
        start
        launched 10
        stop                 => stop-sigterm | +2:stop | TERM:main CONT:main
        exit 10 0            => final-sigkill | | kill-cgroup
        empty                => dead | 2:done | release
    )");
    check("KillMode=mixed\nExecStart=/bin/a", R"(
        start
        launched 10
        stop
        after 90s            => stop-sigkill | | kill-cgroup
        signal 10 9          => final-sigkill | | kill-cgroup
        empty                => failed | 2:done | release
    )");
}

TEST(ServiceMachineStop, ProcessLeavesTheOthersAlone) {
    check("KillMode=process\nExecStart=/bin/a", R"(
        start
        launched 10
        stop                 => stop-sigterm | +2:stop | TERM:main CONT:main
        after 90s            => stop-sigkill | | KILL:main
        signal 10 9          => failed | 2:done | release
        empty                =>
    )");
}

TEST(ServiceMachineStop, NoneOnlyRunsTheStopCommands) {
    check("KillMode=none\nExecStart=/bin/a\nExecStop=/bin/s", R"(
        start
        launched 10
        stop                 => stop | +2:stop | launch:ExecStop
        launched 11
        exit 11 0            => dead | 2:done | release
        exit 10 0            =>
        empty                =>
    )");
}

TEST(ServiceMachineStop, TimeoutsGoFromTermToKillToGivingUp) {
    Script script("ExecStart=/bin/a\nTimeoutStopSec=5s\nExecStopPost=/bin/p");
    script.run(R"(
        start
        launched 10
        stop
        after 4s             =>
        after 2s             => stop-sigkill | | kill-cgroup
        after 6s             => stop-post | | launch:ExecStopPost
        launched 11
        after 6s             => final-sigterm | | TERM:all CONT:all
        after 6s             => final-sigkill | | kill-cgroup
        after 6s             => failed | 2:done | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::Timeout);
}

TEST(ServiceMachineStop, SendSigkillNoSparesThem) {
    check("ExecStart=/bin/a\nSendSIGKILL=no", R"(
        start
        launched 10
        stop
        after 91s            => final-sigterm | | TERM:all CONT:all
        after 91s            => failed | 2:done | release
        start                => failed | +3:start 3:failed
        empty
        start                => start | +4:start | launch:ExecStart*
    )");
}

TEST(ServiceMachineStop, SignalsAreThoseOfTheUnit) {
    check(
        "ExecStart=/bin/"
        "a\nKillSignal=SIGINT\nSendSIGHUP=yes\nRestartKillSignal=SIGUSR1\nFinalKillSignal=SIGQUIT",
        R"(
        start
        launched 10
        restart              => stop-sigterm | +2:restart | USR1:all CONT:all HUP:all
        after 91s            => stop-sigkill | | QUIT:all CONT:all
        signal 10 3
        empty                => failed start | | release launch:ExecStart*
        launched 11
        stop                 => stop-sigterm | +3:stop | INT:all CONT:all HUP:all
    )");
}

TEST(ServiceMachineStop, ExecStopThatFailsOrHangsFailsTheUnit) {
    check("ExecStart=/bin/a\nExecStop=/bin/s\nExecStop=/bin/t", R"(
        start
        launched 10
        stop
        launched 11
        exit 11 1            => stop-sigterm | | TERM:all CONT:all
        signal 10 15
        empty                => failed | 2:done | release
    )");
    check("ExecStart=/bin/a\nExecStop=-/bin/s\nExecStop=/bin/t", R"(
        start
        launched 10
        stop
        launched 11
        exit 11 1            => | | launch:ExecStop[1]
        after 91s            => stop-sigterm | | abort TERM:all CONT:all
        launched 12          => | | TERM:all CONT:all
        signal 12 15         =>
        signal 10 15         => final-sigterm | | TERM:all CONT:all
    )");
}

TEST(ServiceMachineStop, MainProcessMayEndDuringExecStop) {
    check("ExecStart=/bin/a\nExecStop=/bin/s", R"(
        start
        launched 10
        stop
        launched 11
        exit 10 0            =>
        empty
        exit 11 0            => dead | 2:done | release
    )");
}

TEST(ServiceMachineStop, StopDuringALaunchAbortsItAndWaits) {
    check("ExecStart=/bin/a", R"(
        start
        stop                 => stop-sigterm | 1:canceled +2:stop | abort
        empty                =>
        no-process           => dead | 2:done | release
    )");
    check("ExecStart=/bin/a", R"(
        start
        stop
        exec-failed 10 203   => dead | 2:done | release
    )");
    check("ExecStart=/bin/a", R"(
        start
        stop
        launched 10          => | | TERM:all CONT:all
        signal 10 15         => final-sigterm | | TERM:all CONT:all
        empty                => dead | 2:done | release
    )");
    check("KillMode=none\nExecStart=/bin/a", R"(
        start
        stop                 => stop-sigterm | 1:canceled +2:stop | abort
        launched 10          => dead | 2:done | release
    )");
}

TEST(ServiceMachineStop, LaunchThatHangsIsWaitedForBeyondEveryTimeout) {
    check("ExecStart=/bin/a", R"(
        start
        stop
        after 91s            => stop-sigkill | | abort
        after 91s            => | | abort
        after 91s            => | | abort
        launched 10          => | | kill-cgroup
        signal 10 9          => final-sigterm | | TERM:all CONT:all
        empty                => failed | 2:done | release
    )");
    check("ExecStart=/bin/a\nExecStopPost=/bin/p", R"(
        start
        launched 10
        empty
        exit 10 0            => stop-post | | launch:ExecStopPost
        after 91s            => final-sigterm | | abort
        after 91s            => final-sigkill | | abort
        after 91s            => | | abort
        no-process           => failed | | release
    )");
}

TEST(ServiceMachineStop, StopInEachPhaseOfTheStartSkipsExecStop) {
    check("ExecStartPre=/bin/p\nExecStart=/bin/a\nExecStop=/bin/s", R"(
        start
        launched 10
        stop                 => stop-sigterm | 1:canceled +2:stop | TERM:all CONT:all
        signal 10 15
        empty                => failed | 2:done | release
    )");
    check("ExecStart=/bin/a\nExecStartPost=/bin/p\nExecStop=/bin/s", R"(
        start
        launched 10
        launched 11
        stop                 => stop-sigterm | 1:canceled +2:stop | TERM:all CONT:all
        signal 11 15
        signal 10 15
        empty                => failed | 2:done | release
    )");
    check("ExecStart=/bin/a\nExecReload=/bin/r\nExecStop=/bin/s", R"(
        start
        launched 10
        reload
        stop                 => stop-sigterm | 2:canceled +3:stop | abort TERM:all CONT:all
        no-process           =>
        signal 10 15
        empty                => dead | 3:done | release
    )");
}

TEST(ServiceMachineStop, OneshotThatIsStoppedMidwayHasFailed) {
    Script script("Type=oneshot\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        stop                 => stop-sigterm | 1:canceled +2:stop | TERM:all CONT:all
        empty
        signal 10 15         => failed | 2:done | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::Signal);
}

TEST(ServiceMachineStop, FirstFailureSticks) {
    Script script("ExecStart=/bin/a\nExecStopPost=/bin/p");
    script.run(R"(
        start
        launched 10
        empty
        exit 10 3
        launched 11
        empty
        signal 11 9          => failed | | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::ExitCode);
}

TEST(ServiceMachineStop, OutOfMemoryStopsTheServiceAndIsItsResult) {
    Script running("ExecStart=/bin/a\nExecStop=/bin/s");
    running.run(R"(
        start
        launched 10
        oom                  => stop | | launch:ExecStop
        launched 11
        signal 10 9
        exit 11 0            => stop-sigterm | | TERM:all CONT:all
        empty                => failed | | release
    )");
    EXPECT_EQ(running.status().result, ServiceResult::OomKill);

    Script starting("ExecStartPre=/bin/p\nExecStart=/bin/a");
    starting.run("start\nlaunched 10\noom\nsignal 10 9\nempty");
    EXPECT_EQ(starting.status().result, ServiceResult::OomKill);
    EXPECT_EQ(starting.status().state, ServiceState::Failed);
}

TEST(ServiceMachineStop, OutOfMemoryThatIsKnownTooLateStillIsTheResult) {
    Script waiting("ExecStart=/bin/a");
    waiting.run(R"(
        start
        launched 10
        signal 10 9          => stop-sigterm | | TERM:all CONT:all
        oom                  =>
        empty                => failed | | release
    )");
    EXPECT_EQ(waiting.status().result, ServiceResult::OomKill);

    Script failed("ExecStart=/bin/a");
    failed.run(R"(
        start
        launched 10
        empty
        signal 10 9          => failed | | release
        oom                  => failed
        oom                  =>
    )");
    EXPECT_EQ(failed.status().result, ServiceResult::OomKill);

    Script other("ExecStart=/bin/a");
    other.run("start\nlaunched 10\nempty\nexit 10 1\noom");
    EXPECT_EQ(other.status().result, ServiceResult::ExitCode);
}

TEST(ServiceMachineStop, SecondStopChangesNothing) {
    check("ExecStart=/bin/a", R"(
        start
        launched 10
        stop                 => stop-sigterm | +2:stop | TERM:all CONT:all
        stop                 =>
        signal 10 15
        empty                => dead | 2:done | release
        stop                 => | +3:stop 3:done
    )");
}

TEST(ServiceMachineStop, LeftoversOfAnEarlierRunAreTold) {
    Script script("KillMode=process\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        exit 10 0            => dead | | release
        start                => start | +2:start | launch:ExecStart*
    )");
    const auto told = std::ranges::find_if(script.last.actions, [](const Action& action) {
        return std::holds_alternative<Tell>(action);
    });
    ASSERT_NE(told, script.last.actions.end());
    EXPECT_NE(std::get<Tell>(*told).message.find("earlier run"), std::string::npos);
}

}  // namespace

}  // namespace hearth::test
