// SPDX-License-Identifier: MIT
//
// Lives of services, as scripts: how they start, run and end. What stops them:
// service_machine_stop_test.
#include <gtest/gtest.h>

#include <csignal>

#include "engine_script.hpp"

namespace hearth::test {

namespace {

TEST(ServiceMachine, SimpleIsStartedOnceTheProcessExists) {
    check("ExecStart=/bin/a", R"(
        start                => start | +1:start | launch:ExecStart*
        launched 10          => running | 1:done
        populated            =>
        exit 10 0            => stop-sigterm | | TERM:all CONT:all
        empty                => dead | | release
    )");
}

TEST(ServiceMachine, ExecIsStartedOnceTheProgramRuns) {
    check("Type=exec\nExecStart=/bin/a", R"(
        start                => start | +1:start | launch:ExecStart*
        launched 10          => running | 1:done
    )");
    check("Type=exec\nExecStart=/bin/a", R"(
        start
        exec-failed 10 203   => failed | 1:failed | release
    )");
}

TEST(ServiceMachine, SimpleThatCannotExecCountsAsStartedAndFails) {
    Script script("ExecStart=/bin/a\nExecStop=/bin/s");
    script.run(R"(
        start
        exec-failed 10 203   => running failed | 1:done | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::ExitCode);
    EXPECT_EQ(script.status().main, (ProcessRecord{10, script.now, script.now, CLD_EXITED, 203}));
    EXPECT_EQ(script.status().failure, "heat.service:3: no\nmore");
    EXPECT_EQ(script.status().invocation_id, "ab");
}

TEST(ServiceMachine, RefusalFailsTheStartAndIsNotTriedAgain) {
    for (const char* type : {"simple", "exec", "oneshot"}) {
        Script script(
            "Restart=" + std::string(*type == 'o' ? "on-failure" : "always") +
            "\nExecStart=-/bin/a\nType=" + type);
        script.run(R"(
            start
            refused 226      => failed | 1:failed | release
        )");
        EXPECT_TRUE(script.status().refused);
        EXPECT_EQ(script.status().result, ServiceResult::ExitCode);
        EXPECT_EQ(script.status().main.pid, 0);
        EXPECT_EQ(script.status().main.code, CLD_EXITED);
        EXPECT_EQ(script.status().main.status, 226);
    }
}

TEST(ServiceMachine, RefusalOfAnEarlierCommandStopsTheStartToo) {
    for (const char* line : {"ExecCondition", "ExecStartPre", "ExecStartPost"}) {
        Script script("Restart=always\nExecStart=/bin/a\n" + std::string(line) + "=-/bin/b");
        script.happen("start");
        if (std::string_view(line) == "ExecStartPost") {
            script.happen("launched 10");
        }
        script.happen("refused 226");
        script.run(R"(
            exit 10 0
            empty
        )");
        EXPECT_EQ(script.status().state, ServiceState::Failed) << line;
        EXPECT_TRUE(script.status().refused) << line;
    }
}

TEST(ServiceMachine, LaunchWithoutProcessIsAMatterOfResources) {
    Script script("ExecStart=-/bin/a\nRestart=on-failure");
    script.run(R"(
        start
        no-process           => failed auto-restart | 1:failed | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::Resources);
}

TEST(ServiceMachine, OneshotRunsItsCommandsInOrder) {
    check("Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b", R"(
        start                => start | +1:start | launch:ExecStart*
        launched 10          =>
        exit 10 0            => | | launch:ExecStart[1]
        launched 11          =>
        empty                =>
        exit 11 0            => dead | 1:done | release
    )");
    check("Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b", R"(
        start
        launched 10
        empty
        exit 10 1            => failed | 1:failed | release
    )");
    check("Type=oneshot\nExecStart=-/bin/a\nExecStart=/bin/b", R"(
        start
        launched 10
        exit 10 1            => | | launch:ExecStart[1]
    )");
}

TEST(ServiceMachine, OneshotThatRemainsIsActiveWhenItHasExited) {
    check(
        "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/a\nExecStartPost=/bin/p\nExecStop=/bin/"
        "s",
        R"(
        start
        launched 10
        exit 10 0            => start-post | | launch:ExecStartPost
        launched 11
        empty
        exit 11 0            => exited | 1:done
        stop                 => stop | +2:stop | launch:ExecStop
        launched 12
        empty
        exit 12 0            => dead | 2:done | release
    )");
}

TEST(ServiceMachine, OneshotWithOnlyStopCommandsIsActiveAtOnce) {
    check("Type=oneshot\nRemainAfterExit=yes\nExecStop=/bin/s", R"(
        start                => start exited | +1:start 1:done
        stop                 => stop | +2:stop | launch:ExecStop*
    )");
}

TEST(ServiceMachine, CommandsBeforeTheStartComeInTheirOrder) {
    check(
        "ExecCondition=/bin/c\nExecStartPre=/bin/p\nExecStartPre=/bin/q\nExecStart=/bin/"
        "a\nExecStartPost=/bin/z",
        R"(
        start                => condition | +1:start | launch:ExecCondition*
        launched 10
        empty
        exit 10 0            => start-pre | | launch:ExecStartPre
        launched 11
        exit 11 0            => | | KILL:all launch:ExecStartPre[1]
        launched 12
        empty
        exit 12 0            => start | | launch:ExecStart
        launched 13          => start-post | | launch:ExecStartPost
        launched 14
        exit 14 0            => running | 1:done
    )");
}

TEST(ServiceMachine, ForkedProcessesOfStartPreAreSparedWhereKillModeSpares) {
    check("KillMode=process\nExecStartPre=/bin/p\nExecStart=/bin/a", R"(
        start
        launched 10
        exit 10 0            => start | | launch:ExecStart
    )");
}

TEST(ServiceMachine, ConditionSaysNotNowWithoutFailing) {
    for (const char* code : {"1", "254"}) {
        Script script(
            "Restart=always\nExecCondition=/bin/c\nExecStart=/bin/a\nExecStopPost=/bin/p");
        script.run(R"(
            start
            launched 10
            empty
        )");
        EXPECT_EQ(
            script.happen("exit 10 " + std::string(code)), "stop-post | | launch:ExecStopPost");
        script.run(R"(
            launched 11
            empty
            exit 11 0        => dead | 1:done | release
        )");
        EXPECT_EQ(script.status().result, ServiceResult::ExecCondition);
        EXPECT_FALSE(script.status().condition_met);
    }
}

TEST(ServiceMachine, ConditionThatBreaksFailsTheStart) {
    for (const char* end : {"exit 10 255", "signal 10 9", "dump 10 6"}) {
        Script script("ExecCondition=/bin/c\nExecStart=/bin/a");
        script.run("start\nlaunched 10\nempty");
        EXPECT_EQ(script.happen(end), "failed | 1:failed | release") << end;
    }
}

TEST(ServiceMachine, FailedStartSkipsStopButNotStopPost) {
    check("ExecStartPre=/bin/p\nExecStart=/bin/a\nExecStop=/bin/s\nExecStopPost=/bin/z", R"(
        start
        launched 10
        empty
        exit 10 1            => stop-post | | launch:ExecStopPost
        launched 11
        empty
        exit 11 0            => failed | 1:failed | release
    )");
    check("ExecStart=/bin/a\nExecStartPost=/bin/p\nExecStop=/bin/s", R"(
        start
        launched 10
        launched 11
        exit 11 1            => stop-sigterm | | TERM:all CONT:all
        signal 10 15         => final-sigterm | | TERM:all CONT:all
        empty                => failed | 1:failed | release
    )");
}

TEST(ServiceMachine, MainProcessThatEndsWellRunsExecStop) {
    check("ExecStart=/bin/a\nExecStop=/bin/s", R"(
        start
        launched 10
        empty
        exit 10 0            => stop | | launch:ExecStop
        launched 11
        empty
        exit 11 0            => dead | | release
    )");
}

TEST(ServiceMachine, MainProcessThatFailsSkipsExecStop) {
    check("ExecStart=/bin/a\nExecStop=/bin/s\nExecStopPost=/bin/p", R"(
        start
        launched 10
        empty
        exit 10 3            => stop-post | | launch:ExecStopPost
        launched 11
        empty
        exit 11 0            => failed | | release
    )");
}

TEST(ServiceMachine, MainProcessThatEndsDuringStartPostWaitsForIt) {
    check("ExecStart=/bin/a\nExecStartPost=/bin/p\nExecStartPost=/bin/q", R"(
        start
        launched 10
        exit 10 0            =>
        launched 11
        exit 11 0            => | | launch:ExecStartPost[1]
        launched 12
        empty
        exit 12 0            => dead | 1:done | release
    )");
}

TEST(ServiceMachine, RemainAfterExitDoesNotHideAFailure) {
    check("RemainAfterExit=yes\nExecStart=/bin/a", R"(
        start
        launched 10
        empty
        exit 10 5            => failed | | release
    )");
    check("RemainAfterExit=yes\nExecStart=/bin/a", R"(
        start
        launched 10
        empty
        exit 10 0            => exited
        stop                 => dead | +2:stop 2:done | release
    )");
}

TEST(ServiceMachine, DashMakesAnExecFailureHarmless) {
    check("Type=exec\nRemainAfterExit=yes\nExecStart=-/bin/a", R"(
        start
        exec-failed 10 203   => exited | 1:done
    )");
    check("Type=exec\nExecStart=-/bin/a", R"(
        start
        exec-failed 10 203   => dead | 1:done | release
    )");
}

TEST(ServiceMachine, ReloadRunsItsCommandsAndGoesOn) {
    check("ExecStart=/bin/a\nExecReload=/bin/r\nExecReload=/bin/s", R"(
        start
        launched 10
        reload               => reload | +2:reload | launch:ExecReload
        launched 11
        exit 11 0            => | | launch:ExecReload[1]
        launched 12
        exit 12 0            => running | 2:done
    )");
}

TEST(ServiceMachine, ReloadThatFailsFailsOnlyItsJob) {
    for (const char* end : {"exit 11 1", "signal 11 9"}) {
        Script script("ExecStart=/bin/a\nExecReload=/bin/r\nExecReload=/bin/s");
        script.run("start\nlaunched 10\nreload\nlaunched 11");
        EXPECT_EQ(script.happen(end), "running | 2:failed");
        EXPECT_EQ(script.status().result, ServiceResult::Success);
        EXPECT_NE(script.status().reload_result, ServiceResult::Success);
    }
    check("ExecStart=/bin/a\nExecReload=/bin/r", R"(
        start
        launched 10
        reload
        refused 226          => running | 2:failed
    )");
}

TEST(ServiceMachine, ReloadThatTimesOutIsKilledAndTheServiceGoesOn) {
    Script script("ExecStart=/bin/a\nExecReload=/bin/r");
    script.run(R"(
        start
        launched 10
        reload
        launched 11
        after 89s            =>
        after 2s             => | | KILL:control
        signal 11 9          => running | 2:failed
    )");
    EXPECT_EQ(script.status().reload_result, ServiceResult::Timeout);
    check("ExecStart=/bin/a\nExecReload=/bin/r", R"(
        start
        launched 10
        reload
        launched 11
        after 91s            => | | KILL:control
        after 91s            => running | 2:failed
        exit 11 0            =>
    )");
    check("ExecStart=/bin/a\nExecReload=/bin/r", R"(
        start
        launched 10
        reload
        after 91s            => | | abort
        launched 11          => | | KILL:control
        signal 11 9          => running | 2:failed
    )");
    check("ExecStart=/bin/a\nExecReload=/bin/r", R"(
        start
        launched 10
        reload
        after 91s            => | | abort
        no-process           => running | 2:failed
    )");
}

TEST(ServiceMachine, MainProcessThatEndsDuringReloadEndsTheServiceAfterIt) {
    check("ExecStart=/bin/a\nExecReload=/bin/r", R"(
        start
        launched 10
        reload
        launched 11
        exit 10 1            =>
        empty
        exit 11 0            => failed | 2:failed | release
    )");
}

TEST(ServiceMachine, StartTimesOut) {
    check("Type=exec\nExecStart=/bin/a\nTimeoutStartSec=5s", R"(
        start
        after 5s             => stop-sigterm | | abort
        no-process           => failed | 1:failed | release
    )");
    check("ExecStartPre=/bin/p\nExecStart=/bin/a", R"(
        start
        launched 10
        after 91s            => stop-sigterm | | TERM:all CONT:all
        signal 10 15         => final-sigterm | | TERM:all CONT:all
        empty                => failed | 1:failed | release
    )");
    check("Type=oneshot\nExecStart=/bin/a", R"(
        start
        launched 10
        after 100d           =>
    )");
    check("Type=oneshot\nExecStart=/bin/a\nTimeoutStartSec=5s", R"(
        start
        launched 10
        after 6s             => stop-sigterm | | TERM:all CONT:all
    )");
}

TEST(ServiceMachine, RuntimeMaxCountsFromTheStartAcrossReloads) {
    Script script("ExecStart=/bin/a\nExecReload=/bin/r\nRuntimeMaxSec=60s");
    script.run(R"(
        start
        launched 10
        after 40s            =>
        reload
        launched 11
        exit 11 0            => running | 2:done
        after 10s            =>
        after 11s            => stop-sigterm | | TERM:all CONT:all
        signal 10 15         => final-sigterm | | TERM:all CONT:all
        empty                => failed | | release
    )");
    EXPECT_EQ(script.status().result, ServiceResult::Timeout);
}

TEST(ServiceMachine, StrangersAreIgnored) {
    check("ExecStart=/bin/a", R"(
        launched 10          =>
        exit 10 0            =>
        exit 0 0             =>
        start
        launched 10
        exit 11 1            =>
        exec-failed 12 203   =>
        empty                =>
    )");
}

TEST(ServiceMachine, ExitsAreRecordedPerCommand) {
    Script script("Type=oneshot\nExecStart=-/bin/a\nExecStart=/bin/b\nExecStartPre=/bin/p");
    script.run("start\nlaunched 9\nexit 9 0\nlaunched 10\nexit 10 7\nlaunched 11");
    const auto& starts = script.status().history[static_cast<std::size_t>(ExecKind::Start)];
    ASSERT_EQ(starts.size(), 2U);
    EXPECT_EQ(starts[0].pid, 10);
    EXPECT_EQ(starts[0].code, CLD_EXITED);
    EXPECT_EQ(starts[0].status, 7);
    EXPECT_EQ(starts[1].pid, 11);
    EXPECT_EQ(starts[1].code, 0);
    EXPECT_EQ(script.status().history[static_cast<std::size_t>(ExecKind::StartPre)][0].pid, 9);
}

TEST(ServiceMachine, WithoutACommandIsRefused) {
    Script empty("ExecStop=/bin/s\nRemainAfterExit=yes");
    EXPECT_EQ(empty.happen("start"), "failed | +1:start 1:failed");
}

TEST(ServiceMachine, TimestampsFollowTheActiveState) {
    Script script("ExecStart=/bin/a");
    script.happen("start");
    const Moment started = script.now;
    script.happen("launched 10");
    const Moment active = script.now;
    script.happen("stop");
    const Moment stopping = script.now;
    script.run("signal 10 15\nempty");
    const UnitRecord& record = script.record();
    EXPECT_EQ(record.inactive_exit, started);
    EXPECT_EQ(record.active_enter, active);
    EXPECT_EQ(record.active_exit, stopping);
    EXPECT_EQ(record.inactive_enter, script.now);
    EXPECT_EQ(record.state_change, script.now);
    EXPECT_EQ(record.status.condition_asked, started);
    EXPECT_TRUE(record.status.condition_met);
}

TEST(ServiceMachine, CausesNameWhatHappened) {
    Script script("ExecStart=/bin/a");
    script.run("start\nlaunched 10\nempty\nexit 10 1");
    ASSERT_EQ(script.last.transitions.size(), 1U);
    EXPECT_EQ(
        describe(script.last.transitions[0]),
        "running -> failed (result 'exit-code'): main process exited, code=exited, "
        "status=1/FAILURE");
    EXPECT_EQ(describe_exit(CLD_KILLED, 9), "code=killed, status=9/KILL");
    EXPECT_EQ(describe_exit(CLD_DUMPED, 11), "code=dumped, status=11/SEGV");
    EXPECT_EQ(describe_exit(CLD_EXITED, 99), "code=exited, status=99");
}

}  // namespace

}  // namespace hearth::test
