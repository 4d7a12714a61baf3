// SPDX-License-Identifier: MIT
//
// Jobs: what a request becomes, how it meets the job that is there already, how it ends.
#include "units/job.hpp"

#include <gtest/gtest.h>

#include <array>

#include "engine_script.hpp"

namespace hearth::test {

namespace {

constexpr const char* plain = "ExecStart=/bin/a\nExecReload=/bin/r";

TEST(Job, StartOfAnActiveUnitIsDoneAtOnce) {
    check(plain, R"(
        start
        launched 10
        start                => | +2:start 2:done
        reload
        start                =>
        launched 11
        exit 11 0            => running | 3:done
    )");
}

TEST(Job, StartMeetsStartAsOneJob) {
    Script script(plain);
    script.run(R"(
        start                => start | +1:start | launch:ExecStart*
        start                =>
    )");
    const auto again =
        request_job(script.world, script.name, Verb::Start, JobMode::Replace, script.now);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->job, 1U);
}

TEST(Job, StopCancelsStartAndStartCancelsStop) {
    check(plain, R"(
        start
        launched 10
        stop
        start                => | 2:canceled +3:start
        empty
        signal 10 15         => dead start | | release launch:ExecStart*
        launched 11          => running | 3:done
    )");
}

TEST(Job, RestartIsOneJobThatStopsThenStarts) {
    check(plain, R"(
        start
        launched 10
        restart              => stop-sigterm | +2:restart | TERM:all CONT:all
        restart              =>
        start                =>
        empty
        signal 10 15         => dead start | | release launch:ExecStart*
        launched 11          => running | 2:done
    )");
    check(plain, R"(
        restart              => start | +1:restart | launch:ExecStart*
        launched 10          => running | 1:done
    )");
    check(plain, R"(
        start
        restart              => stop-sigterm | | abort
        no-process           => dead start | | release launch:ExecStart*
        launched 10          => running | 1:done
    )");
}

TEST(Job, RestartGoesOnAfterAFailedStop) {
    check("ExecStart=/bin/a\nTimeoutStopSec=1s", R"(
        start
        launched 10
        restart
        after 2s
        signal 10 9
        empty                => failed start | | release launch:ExecStart*
    )");
}

TEST(Job, StopReplacesARestart) {
    check(plain, R"(
        start
        launched 10
        restart
        stop                 => | 2:canceled +3:stop
        empty
        signal 10 15         => dead | 3:done | release
    )");
}

TEST(Job, TryVerbsOfAnInactiveUnitAreDoneAtOnce) {
    check(plain, R"(
        try-restart          => | +1:try-restart 1:done
        reload-or-try-restart => | +2:try-restart 2:done
        start
        try-restart          => | +4:try-restart 4:done
        launched 10          => running | 3:done
        try-restart          => stop-sigterm | +5:restart | TERM:all CONT:all
    )");
}

TEST(Job, ReloadVerbsChooseByWhatTheUnitCanAndDoes) {
    check(plain, R"(
        reload               => | +1:reload 1:invalid
        reload-or-restart    => start | +2:start | launch:ExecStart*
        launched 10
        reload-or-restart    => reload | +3:reload | launch:ExecReload
        launched 11
        exit 11 0            => running | 3:done
        reload-or-try-restart => reload | +4:reload | launch:ExecReload
    )");
    check("ExecStart=/bin/a", R"(
        reload               => error JobTypeNotApplicable
        start
        launched 10
        reload               => error JobTypeNotApplicable
        reload-or-restart    => stop-sigterm | +2:restart | TERM:all CONT:all
    )");
}

TEST(Job, ReloadDuringAReloadRunsAgain) {
    check(plain, R"(
        start
        launched 10
        reload
        launched 11
        reload               =>
        exit 11 0            => running reload | | launch:ExecReload
        launched 12
        exit 12 0            => running | 2:done
    )");
}

TEST(Job, ReloadWithAStartIsTheStart) {
    check(plain, R"(
        start
        reload               =>
        launched 10          => running | 1:done
    )");
    check(plain, R"(
        start
        launched 10
        reload
        restart              => stop-sigterm | | abort TERM:all CONT:all
        no-process
        empty
        signal 10 15         => dead start | | release launch:ExecStart*
    )");
}

TEST(Job, StartOfAFailingServiceFails) {
    check("Type=exec\nRestart=on-failure\nRestartSec=0\nExecStart=/bin/a", R"(
        start
        exec-failed 10 203   => failed auto-restart | 1:failed | release
        after 1s             => dead start | +2:restart | launch:ExecStart*
        exec-failed 11 203   => failed auto-restart | 2:failed | release
    )");
}

TEST(Job, ModeFailKeepsTheJobThatIsThere) {
    check(plain, R"(
        start
        stop fail            => error TransactionIsDestructive
        start fail           =>
        stop replace         => stop-sigterm | 1:canceled +2:stop | abort
        start fail           => error TransactionIsDestructive
    )");
}

TEST(Job, IrreversibleJobIsNotReplaced) {
    check(plain, R"(
        start
        launched 10
        stop replace-irreversibly => stop-sigterm | +2:stop | TERM:all CONT:all
        start                => error TransactionIsDestructive
        stop                 =>
        empty
        signal 10 15         => dead | 2:done | release
        start                => start | +3:start | launch:ExecStart*
    )");
}

TEST(Job, FlushCancelsTheJobsOfOthers) {
    Script script(plain);
    script.world.units["other.service"].unit = unit_of(plain, "other.service");
    ASSERT_TRUE(
        request_job(script.world, "other.service", Verb::Start, JobMode::Replace, script.now));
    EXPECT_EQ(script.happen("start flush"), "start | 1:canceled +2:start | launch:ExecStart*");
    EXPECT_FALSE(script.world.find("other.service")->job);
}

TEST(Job, ModesThatDoNotApplyAreRefused) {
    check(plain, R"(
        start isolate        => error NoIsolation
        start triggering     => error org.freedesktop.DBus.Error.InvalidArgs
        stop triggering      => | +1:stop 1:done
        start ignore-dependencies => start | +2:start | launch:ExecStart*
    )");
}

TEST(Job, CancelRemovesTheJobAndLeavesTheUnit) {
    check(plain, R"(
        cancel 7             => error NoSuchJob
        start
        cancel 1             => | 1:canceled
        launched 10          => running
    )");
}

TEST(Job, UnitsThatAreNotLoadedAreRefusedByTheirReason) {
    struct Case {
        LoadState state;
        const char* start;
        const char* stop;
    };
    for (const Case& each : std::to_array<Case>({
             {LoadState::NotFound, "error NoSuchUnit", "error NoSuchUnit"},
             {LoadState::Stub, "error NoSuchUnit", "error NoSuchUnit"},
             {LoadState::Error, "error LoadFailed", "error NoSuchUnit"},
             {LoadState::BadSetting, "error BadUnitSetting", "error NoSuchUnit"},
             {LoadState::Masked, "error UnitMasked", "| +1:stop 1:done"},
         })) {
        Script script(plain);
        Unit unit = unit_of(plain);
        unit.load_state = each.state;
        unit.diagnostics.push_back(
            {Severity::Error, {"heat.service", 3, 1}, "expected a number", "", ""});
        script.load(unit);
        EXPECT_EQ(script.happen("start"), each.start);
        EXPECT_EQ(script.happen("stop"), each.stop);
        if (each.state == LoadState::BadSetting) {
            EXPECT_NE(script.error_message.find("not loaded"), std::string::npos);
            script.happen("restart");
            EXPECT_NE(
                script.error_message.find("heat.service:3: expected a number"), std::string::npos);
        }
    }
    Script script(plain);
    script.name = "nosuch.service";
    EXPECT_FALSE(
        request_job(script.world, "nosuch.service", Verb::Start, JobMode::Replace, script.now));
}

TEST(Job, ManualStartsAndStopsCanBeRefused) {
    check("[Unit]\nRefuseManualStart=yes\n[Service]\nExecStart=/bin/a", R"(
        start                => error OnlyByDependency
        restart              => error OnlyByDependency
        stop                 => | +1:stop 1:done
    )");
    check("[Unit]\nRefuseManualStop=yes\n[Service]\nExecStart=/bin/a", R"(
        start                => start | +1:start | launch:ExecStart*
        stop                 => error OnlyByDependency
        restart              => error OnlyByDependency
    )");
}

TEST(Job, OnlyServicesAreStarted) {
    Script script(plain);
    script.name = "x.socket";
    script.world.units["x.socket"].unit = unit_of("", "x.socket");
    EXPECT_EQ(script.happen("start"), "error org.freedesktop.DBus.Error.NotSupported");
}

TEST(Job, MergingIsSymmetricAndConflictsOnlyWithStop) {
    const UnitRecord record;
    using enum JobType;
    for (const JobType left : {Start, Stop, Restart, Reload, VerifyActive}) {
        for (const JobType right : {Start, Stop, Restart, Reload, VerifyActive}) {
            EXPECT_EQ(merged(left, right, record), merged(right, left, record));
            EXPECT_EQ(merged(left, right, record).has_value(), (left == Stop) == (right == Stop));
        }
    }
}

TEST(Job, NamesRoundTrip) {
    for (int i = 0; i <= static_cast<int>(JobMode::Triggering); ++i) {
        const auto mode = static_cast<JobMode>(i);
        EXPECT_EQ(job_mode(name(mode)), mode);
    }
    EXPECT_FALSE(job_mode("perhaps"));
    EXPECT_EQ(name(JobType::TryRestart), "try-restart");
    EXPECT_EQ(name(JobResult::Skipped), "skipped");
}

}  // namespace

}  // namespace hearth::test
