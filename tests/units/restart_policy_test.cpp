// SPDX-License-Identifier: MIT
#include "units/restart_policy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <set>
#include <vector>

#include "engine_script.hpp"

namespace hearth::test {

namespace {

constexpr std::array settings = {
    Restart::No,
    Restart::Always,
    Restart::OnSuccess,
    Restart::OnFailure,
    Restart::OnAbnormal,
    Restart::OnAbort,
    Restart::OnWatchdog};

struct Case {
    ServiceResult result;
    const char* restarts;  ///< one letter per setting above
};

// systemd.service(5), table 2; resources and protocol are failures that are no exit code; a start
// limit is never asked about (the engine doesn't get here), an ExecCondition= that says no never
// restarts.
constexpr std::array table = {
    Case{ServiceResult::Success, ".xx...."},
    Case{ServiceResult::ExitCode, ".x.x..."},
    Case{ServiceResult::Signal, ".x.xxx."},
    Case{ServiceResult::CoreDump, ".x.xxx."},
    Case{ServiceResult::Timeout, ".x.xx.."},
    Case{ServiceResult::Watchdog, ".x.xx.x"},
    Case{ServiceResult::Resources, ".x.xx.."},
    Case{ServiceResult::Protocol, ".x.xx.."},
    Case{ServiceResult::OomKill, ".x.xx.."},
    Case{ServiceResult::ExecCondition, "......."},
};

TEST(RestartPolicy, FollowsTheTableOfTheManual) {
    for (const Case& each : table) {
        for (std::size_t i = 0; i < settings.size(); ++i) {
            Unit unit;
            unit.settings.service.restart = settings[i];
            ServiceStatus status;
            status.result = each.result;
            EXPECT_EQ(shall_restart(unit, status), each.restarts[i] == 'x')
                << name(each.result) << " with setting " << i;
            status.stop_requested = true;
            EXPECT_FALSE(shall_restart(unit, status));
            status.stop_requested = false;
            status.refused = true;
            EXPECT_FALSE(shall_restart(unit, status));
        }
    }
}

TEST(RestartPolicy, PreventWinsOverForceAndForceOverRestart) {
    Unit unit = unit_of(
        "Restart=on-failure\nRestartPreventExitStatus=1 SIGKILL\nRestartForceExitStatus=0 1 "
        "SIGTERM");
    const auto restarts = [&](ServiceResult result, int code, int exit_status) {
        ServiceStatus status;
        status.result = result;
        status.main.code = code;
        status.main.status = exit_status;
        return shall_restart(unit, status);
    };
    EXPECT_FALSE(restarts(ServiceResult::ExitCode, CLD_EXITED, 1));
    EXPECT_TRUE(restarts(ServiceResult::ExitCode, CLD_EXITED, 2));
    EXPECT_TRUE(restarts(ServiceResult::Success, CLD_EXITED, 0));
    EXPECT_FALSE(restarts(ServiceResult::Signal, CLD_KILLED, SIGKILL));
    EXPECT_FALSE(restarts(ServiceResult::CoreDump, CLD_DUMPED, SIGKILL));
    EXPECT_TRUE(restarts(ServiceResult::Success, CLD_KILLED, SIGTERM));
    // No process ended: a status of 0 must not count as exit code 0.
    EXPECT_FALSE(restarts(ServiceResult::Success, 0, 0));
}

TEST(RestartPolicy, JudgesEndsOfProcesses) {
    const Unit unit = unit_of("SuccessExitStatus=7 SIGUSR1");
    const Unit plain;
    EXPECT_EQ(judge_exit(plain, true, CLD_EXITED, 0), ServiceResult::Success);
    EXPECT_EQ(judge_exit(plain, true, CLD_EXITED, 7), ServiceResult::ExitCode);
    EXPECT_EQ(judge_exit(unit, true, CLD_EXITED, 7), ServiceResult::Success);
    EXPECT_EQ(judge_exit(unit, false, CLD_EXITED, 7), ServiceResult::Success);
    EXPECT_EQ(judge_exit(plain, true, CLD_KILLED, SIGUSR1), ServiceResult::Signal);
    EXPECT_EQ(judge_exit(unit, true, CLD_KILLED, SIGUSR1), ServiceResult::Success);
    EXPECT_EQ(judge_exit(unit, true, CLD_DUMPED, SIGUSR1), ServiceResult::CoreDump);
    for (const int polite : {SIGHUP, SIGINT, SIGTERM, SIGPIPE}) {
        EXPECT_EQ(judge_exit(plain, true, CLD_KILLED, polite), ServiceResult::Success);
        EXPECT_EQ(judge_exit(plain, false, CLD_KILLED, polite), ServiceResult::Signal);
    }
    EXPECT_TRUE(main_is_daemon(plain));
    EXPECT_FALSE(main_is_daemon(unit_of("Type=oneshot")));
}

TEST(RestartPolicy, RestartsAfterItsDelayAsAJob) {
    Script script("Restart=on-failure\nRestartSec=5s\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        empty
        exit 10 1            => failed auto-restart | | release
        after 4s             =>
        after 2s             => dead start | +2:restart | launch:ExecStart*
        launched 11          => running | 2:done
    )");
    EXPECT_EQ(script.status().restarts, 1U);
    EXPECT_EQ(script.status().result, ServiceResult::Success);
    script.run(R"(
        empty
        exit 11 1
        after 6s
        launched 12
    )");
    EXPECT_EQ(script.status().restarts, 2U);
    script.run("restart\nsignal 12 15\nempty\nlaunched 13");
    EXPECT_EQ(script.status().restarts, 0U) << "a restart by hand counts from 0 again";
}

TEST(RestartPolicy, CountIsKeptUntilTheNextStartByHand) {
    Script script("Restart=on-failure\nRestartSec=0\nExecStart=/bin/a");
    script.run("start\nlaunched 10\nempty\nexit 10 1\nafter 1s\nlaunched 11\nempty\nexit 11 0");
    EXPECT_EQ(script.status().state, ServiceState::Dead);
    EXPECT_EQ(script.status().restarts, 1U);
    script.run("start");
    EXPECT_EQ(script.status().restarts, 0U);
}

TEST(RestartPolicy, StopDuringTheDelayEndsIt) {
    check("Restart=always\nExecStart=/bin/a", R"(
        start
        launched 10
        empty
        exit 10 1            => failed auto-restart | | release
        stop                 => dead | +2:stop 2:done
        after 1h             =>
    )");
}

TEST(RestartPolicy, StartDuringTheDelayWaitsForTheRestart) {
    check("Restart=always\nRestartSec=5s\nExecStart=/bin/a", R"(
        start
        launched 10
        empty
        exit 10 1
        start                => | +2:start
        after 6s             => dead start | | launch:ExecStart*
        launched 11          => running | 2:done
    )");
    check("Restart=always\nRestartSec=5s\nExecStart=/bin/a", R"(
        start
        launched 10
        empty
        exit 10 1
        restart              => dead start | +2:restart | launch:ExecStart*
    )");
    check("Restart=always\nRestartSec=infinity\nExecStart=/bin/a", R"(
        start
        launched 10
        empty
        exit 10 1            => failed auto-restart | | release
        after 1h             =>
        start                => dead start | +2:start | launch:ExecStart*
    )");
}

TEST(RestartPolicy, StopThatWasAskedForIsNotUndone) {
    check("Restart=always\nExecStart=/bin/a", R"(
        start
        launched 10
        stop
        empty
        signal 10 15         => dead | 2:done | release
    )");
}

TEST(RestartPolicy, GivesUpAfterStartLimitBurst) {
    Script script(
        "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=60s\n[Service]\nRestart="
        "always\nRestartSec=0\nExecStart=/bin/a");
    script.run(R"(
        start
        launched 10
        empty
        exit 10 1
        after 1s             => dead start | +2:restart | launch:ExecStart*
        launched 11
        empty
        exit 11 1
        after 1s             => dead failed | +3:restart 3:failed
        start                => failed | +4:start 4:failed
    )");
    EXPECT_EQ(script.status().result, ServiceResult::ExitCode)
        << "the first failure sticks, as in systemd";
    EXPECT_NE(script.status().failure.find("repeated too quickly"), std::string::npos);
    script.run(R"(
        reset-failed         => dead
        start                => start | +5:start | launch:ExecStart*
    )");
}

TEST(RestartPolicy, StartLimitCountsStartsByHandAndSlides) {
    Script script(
        "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=60s\n[Service]\nType=oneshot\nExecStart=/"
        "bin/a");
    const auto start = [&](const char* expected) {
        EXPECT_EQ(script.happen("start"), expected);
        script.run("launched 10\nempty\nexit 10 0\nafter 20s");
    };
    start("start | +1:start | launch:ExecStart*");
    start("start | +2:start | launch:ExecStart*");
    EXPECT_EQ(script.happen("start"), "failed | +3:start 3:failed");
    EXPECT_EQ(script.status().result, ServiceResult::StartLimitHit);
    script.run("after 21s");
    EXPECT_EQ(script.happen("start"), "start | +4:start | launch:ExecStart*");
    script.run("launched 10\nempty\nexit 10 0");
    EXPECT_EQ(script.happen("start"), "failed | +5:start 5:failed")
        << "only the oldest has left the window";
}

TEST(RestartPolicy, ZeroTurnsTheStartLimitOff) {
    for (const char* off : {"StartLimitIntervalSec=0", "StartLimitBurst=0"}) {
        Script script(
            "[Unit]\n" + std::string(off) + "\n[Service]\nType=oneshot\nExecStart=/bin/a");
        for (int i = 0; i < 20; ++i) {
            script.run("start\nlaunched 10\nempty\nexit 10 0");
            ASSERT_EQ(script.status().state, ServiceState::Dead);
        }
        EXPECT_TRUE(script.status().recent_starts.empty());
    }
}

TEST(RestartPolicy, ResetFailedForgetsFailureAndCounters) {
    Script script("Restart=on-failure\nExecStart=/bin/a");
    script.run("start\nrefused 226");
    EXPECT_EQ(script.happen("reset-failed"), "dead");
    EXPECT_EQ(script.status().result, ServiceResult::Success);
    EXPECT_TRUE(script.status().failure.empty());
    EXPECT_FALSE(script.status().refused);
    EXPECT_TRUE(script.status().recent_starts.empty());
    script.run("start\nlaunched 10\nstop\nexit 10 1");
    EXPECT_EQ(script.happen("reset-failed"), "")
        << "how a stop ends is not forgotten while it is going on";
    EXPECT_EQ(script.status().result, ServiceResult::ExitCode);
}

TEST(RestartDelay, GrowsInEqualRatiosToItsMaximum) {
    const Unit unit = unit_of("RestartSec=1s\nRestartSteps=4\nRestartMaxDelaySec=16s");
    std::uint64_t random = 1;
    std::vector<std::uint64_t> seconds;
    for (std::uint32_t back_off = 0; back_off < 6; ++back_off) {
        seconds.push_back(restart_delay(unit, back_off, random).microseconds / 1'000'000);
    }
    EXPECT_EQ(seconds, (std::vector<std::uint64_t>{1, 2, 4, 8, 16, 16}));
    EXPECT_EQ(
        restart_delay(unit_of("RestartSec=1s\nRestartSteps=4"), 9, random).microseconds,
        1'000'000U);
    EXPECT_EQ(
        restart_delay(unit_of("RestartSec=0\nRestartSteps=2\nRestartMaxDelaySec=4s"), 1, random)
            .microseconds,
        2'000U);
}

TEST(RestartDelay, JitterIsWithinItsBoundAndNotAlwaysTheSame) {
    const Unit unit = unit_of("RestartSec=1s\n[X-Hearth]\nRestartJitterSec=2s");
    std::uint64_t random = 7;
    std::set<std::uint64_t> delays;
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t delay = restart_delay(unit, 0, random).microseconds;
        EXPECT_GE(delay, 1'000'000U);
        EXPECT_LE(delay, 3'000'000U);
        delays.insert(delay);
    }
    EXPECT_GT(delays.size(), 90U);
}

TEST(RestartDelay, ForgetsItsGrowthAfterAHealthyTime) {
    for (const char* reset : {"", "RestartResetSec=10s"}) {
        Script script(
            "ExecStart=/bin/a\nRestart=always\nRestartSec=1s\nRestartSteps=2\n"
            "RestartMaxDelaySec=4s\n[X-Hearth]\n" +
            std::string(reset));
        script.run(R"(
            start
            launched 10
            empty
            exit 10 1
            after 2s
            launched 11
            after 20s
            empty
            exit 11 1
        )");
        const std::uint64_t delay = *script.status().deadline - script.now.monotonic;
        EXPECT_EQ(delay, *reset != 0 ? 1'000'000U : 2'000'000U);
        EXPECT_EQ(script.status().restarts, 1U);
    }
}

TEST(RuntimeMax, HasARandomPartOfItsOwnForEachStart) {
    Script script("ExecStart=/bin/a\nRuntimeMaxSec=10s\nRuntimeRandomizedExtraSec=5s");
    script.world.random = 3;
    script.run("start\nlaunched 10");
    const std::uint64_t first = script.status().runtime_extra;
    EXPECT_LE(first, 5'000'000U);
    EXPECT_EQ(
        script.status().deadline, script.record().active_enter.monotonic + 10'000'000 + first);
    script.run("stop\nempty\nexit 10 0\nstart");
    EXPECT_NE(script.status().runtime_extra, first);
}

}  // namespace

}  // namespace hearth::test
