// SPDX-License-Identifier: MIT
//
// Units that are loaded again, and units that are forgotten.
#include <gtest/gtest.h>

#include "engine_script.hpp"

namespace hearth::test {

namespace {

constexpr const char* plain = "ExecStart=/bin/a";

Unit in_state(LoadState state, const char* text = plain) {
    Unit unit = unit_of(text);
    unit.load_state = state;
    return unit;
}

std::string told(const Outcome& outcome) {
    for (const Action& action : outcome.actions) {
        if (const auto* tell = std::get_if<Tell>(&action)) {
            return tell->message;
        }
    }
    return {};
}

TEST(EngineLoading, FirstLoadMakesTheUnit) {
    World world;
    (void)step(world, UnitLoaded{unit_of(plain)}, {});
    ASSERT_NE(world.find("heat.service"), nullptr);
    EXPECT_EQ(world.find("heat.service")->status, ServiceStatus{});
}

TEST(EngineLoading, DeadUnitTakesWhateverTheFileSays) {
    for (const LoadState state :
         {LoadState::Loaded, LoadState::NotFound, LoadState::Masked, LoadState::BadSetting}) {
        Script script(plain);
        script.load(in_state(state));
        EXPECT_EQ(script.record().unit.load_state, state);
    }
}

TEST(EngineLoading, NewTextRulesTheRunningServiceAtOnce) {
    Script script("ExecStart=/bin/a");
    script.run("start\nlaunched 10");
    EXPECT_EQ(script.load(unit_of("ExecStart=/bin/b\nExecStop=/bin/s")), "");
    script.run("stop => stop | +2:stop | launch:ExecStop");
}

TEST(EngineLoading, ServiceRunsOnWhenItsFileIsBroken) {
    Script script("ExecStart=/bin/a\nExecStop=/bin/s");
    script.run("start\nlaunched 10");
    for (const LoadState state : {LoadState::BadSetting, LoadState::Error}) {
        EXPECT_EQ(script.load(in_state(state, "ExecStart=/bin/b")), "");
        EXPECT_NE(told(script.last).find("can't be loaded any more"), std::string::npos);
        EXPECT_EQ(script.record().unit.load_state, LoadState::Loaded);
        EXPECT_TRUE(script.record().need_daemon_reload);
        EXPECT_EQ(commands(script.record().unit, ExecKind::Stop).size(), 1U);
    }
    script.load(unit_of(plain));
    EXPECT_FALSE(script.record().need_daemon_reload);
}

TEST(EngineLoading, ServiceRunsOnWhenItsFileIsGoneButIsNotStartedAgain) {
    Script script("ExecStart=/bin/a\nRestart=always\nRestartSec=1s");
    script.run("start\nlaunched 10");
    script.load(in_state(LoadState::NotFound));
    EXPECT_EQ(script.record().unit.load_state, LoadState::NotFound);
    EXPECT_NE(told(script.last).find("not-found"), std::string::npos);
    script.run(R"(
        restart              => error NoSuchUnit
        empty
        exit 10 0            => dead auto-restart | | release
        after 2s             => failed
    )");
    EXPECT_EQ(script.status().result, ServiceResult::Resources);
    EXPECT_EQ(script.status().restarts, 0U);
}

TEST(EngineLoading, StartThatWaitsFailsWhenTheFileIsGone) {
    Script script(plain);
    script.run("start\nlaunched 10\nstop\nstart");
    script.load(in_state(LoadState::Masked));
    script.run(R"(
        empty
        signal 10 15         => dead | 3:failed | release
    )");
}

TEST(EngineLoading, ListsMayShrinkUnderARunningCommand) {
    Script script("Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\nExecStart=/bin/c");
    script.run("start\nlaunched 10\nempty\nexit 10 0\nlaunched 11\nempty");
    script.load(unit_of("Type=oneshot\nExecStart=/bin/a"));
    script.run("exit 11 0 => dead | 1:done | release");
}

TEST(EngineLoading, RecordsStayWithCommandsThatStay) {
    Script script("Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b");
    script.run("start\nlaunched 10\nempty\nexit 10 0\nlaunched 11\nempty\nexit 11 0");
    script.load(unit_of("Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/x\nExecStart=/bin/y"));
    const auto& records = script.status().history[static_cast<std::size_t>(ExecKind::Start)];
    ASSERT_EQ(records.size(), 3U);
    EXPECT_EQ(records[0].pid, 10);
    EXPECT_EQ(records[1], ProcessRecord{});
    EXPECT_EQ(records[2], ProcessRecord{});
}

TEST(EngineLoading, NewRuntimeLimitCountsFromTheStart) {
    Script script(plain);
    script.run("start\nlaunched 10\nafter 20s");
    EXPECT_FALSE(script.world.next_deadline());
    script.load(unit_of("ExecStart=/bin/a\nRuntimeMaxSec=30s"));
    EXPECT_EQ(script.world.next_deadline(), script.record().active_enter.monotonic + 30'000'000);
    script.run("after 11s => stop-sigterm | | TERM:all CONT:all");
}

TEST(EngineLoading, CollectForgetsOnlyWhatIsNothing) {
    Script script(plain);
    const auto add = [&](const char* name, LoadState state) -> UnitRecord& {
        UnitRecord& record = script.world.units[name];
        record.unit = unit_of(plain, name);
        record.unit.load_state = state;
        return record;
    };
    add("gone.service", LoadState::NotFound);
    add("masked.service", LoadState::Masked);
    add("failed.service", LoadState::NotFound).status.state = ServiceState::Failed;
    add("occupied.service", LoadState::NotFound).status.cgroup_populated = true;
    EXPECT_EQ(collect(script.world), (std::vector<std::string>{"gone.service", "masked.service"}));
    EXPECT_EQ(script.world.units.size(), 3U);
    EXPECT_TRUE(collect(script.world).empty());
}

TEST(EngineLoading, ResetFailedOfAllReachesEveryUnit) {
    Script script(plain);
    script.world.units["other.service"].unit = unit_of(plain, "other.service");
    script.world.units["other.service"].status.state = ServiceState::Failed;
    script.world.units["other.service"].status.result = ServiceResult::Timeout;
    script.run("start\nrefused 226");
    const Outcome outcome = step(script.world, ResetFailed{""}, script.now);
    EXPECT_EQ(outcome.transitions.size(), 2U);
    EXPECT_EQ(script.world.find("other.service")->status.result, ServiceResult::Success);
}

}  // namespace

}  // namespace hearth::test
