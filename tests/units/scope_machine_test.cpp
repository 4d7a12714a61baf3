// SPDX-License-Identifier: MIT
//
// Lives of scopes, through the engine: they begin with processes of others and end when none is
// left, whoever asks for it.
#include "units/scope_machine.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace hearth {
namespace {

class Scopes : public ::testing::Test {
protected:
    void SetUp() override {
        Unit unit;
        unit.name = name;
        unit.load_state = LoadState::Loaded;
        unit.transient = true;
        unit.settings.service.runtime_max = Timespan::seconds(100);
        (void)step(world, UnitLoaded{unit}, now);
    }
    Outcome start() {
        return request_job(world, name, Verb::Start, JobMode::Replace, now)->outcome;
    }
    Outcome stop() { return request_job(world, name, Verb::Stop, JobMode::Replace, now)->outcome; }
    Outcome happen(const Event& event) { return step(world, event, now); }
    Outcome run() {
        (void)start();
        return happen(ScopeFilled{name, {}, "ab"});
    }
    Outcome wait(std::uint64_t seconds) {
        now.monotonic += seconds * 1'000'000;
        return happen(TimeElapsed{});
    }
    [[nodiscard]] const UnitRecord& record() const { return *world.find(name); }
    [[nodiscard]] std::string sub() const { return std::string(sub_state(record())); }

    template <class A>
    static const A* action(const Outcome& outcome) {
        for (const Action& each : outcome.actions) {
            if (const auto* found = std::get_if<A>(&each)) {
                return found;
            }
        }
        return nullptr;
    }

    std::string name = "a.scope";
    World world;
    Moment now{1'000'000'000, 1'700'000'000'000'000};
};

TEST_F(Scopes, IsRunningOnceItsProcessesAreInIt) {
    const Outcome started = start();
    ASSERT_NE(action<FillScope>(started), nullptr);
    EXPECT_EQ(sub(), "start-chown");
    EXPECT_EQ(record().active_state(), ActiveState::Activating);
    const Outcome filled = happen(ScopeFilled{name, {}, "ab"});
    EXPECT_EQ(sub(), "running");
    EXPECT_EQ(record().status.invocation_id, "ab");
    ASSERT_EQ(filled.jobs.size(), 1U);
    EXPECT_EQ(filled.jobs[0].result, JobResult::Done);
}

TEST_F(Scopes, FailsWhereNothingCanBeMoved) {
    (void)start();
    const Outcome failed = happen(ScopeFilled{name, "no such process", "ab"});
    EXPECT_EQ(sub(), "failed");
    EXPECT_EQ(record().status.result, ServiceResult::Resources);
    EXPECT_EQ(record().status.failure, "no such process");
    EXPECT_NE(action<Release>(failed), nullptr);
    EXPECT_EQ(failed.jobs.back().result, JobResult::Failed);
}

TEST_F(Scopes, EndsWhenItsCgroupIsEmpty) {
    (void)run();
    EXPECT_NE(action<Release>(happen(CgroupChanged{name, false})), nullptr);
    EXPECT_EQ(sub(), "dead");
    EXPECT_EQ(collect(world), (std::vector<std::string>{name}));
}

TEST_F(Scopes, IsStoppedByASignalAndThenByForce) {
    (void)run();
    const Outcome stopping = stop();
    EXPECT_EQ(sub(), "stop-sigterm");
    ASSERT_NE(action<SignalUnit>(stopping), nullptr);
    EXPECT_EQ(action<SignalUnit>(stopping)->signal, SIGTERM);
    EXPECT_TRUE(action<SignalUnit>(stopping)->everything);
    const Outcome forced = wait(90);
    EXPECT_EQ(sub(), "stop-sigkill");
    EXPECT_NE(action<KillCgroup>(forced), nullptr);
    (void)happen(CgroupChanged{name, false});
    EXPECT_EQ(sub(), "failed");
    EXPECT_EQ(record().status.result, ServiceResult::Timeout);
    (void)happen(ResetFailed{name});
    EXPECT_EQ(sub(), "dead");
}

TEST_F(Scopes, StopsWellWhereItsProcessesObey) {
    (void)run();
    (void)stop();
    const Outcome over = happen(CgroupChanged{name, false});
    EXPECT_EQ(sub(), "dead");
    EXPECT_EQ(over.jobs.back().result, JobResult::Done);
}

TEST_F(Scopes, AStopWhileItIsFilledIsDoneAfterwards) {
    (void)start();
    (void)stop();
    EXPECT_EQ(sub(), "start-chown");
    EXPECT_NE(action<SignalUnit>(happen(ScopeFilled{name, {}, "ab"})), nullptr);
    EXPECT_EQ(sub(), "stop-sigterm");
}

TEST_F(Scopes, LivesNoLongerThanRuntimeMaxSec) {
    (void)run();
    EXPECT_EQ(record().status.next_deadline(), now.monotonic + 100'000'000);
    (void)wait(100);
    EXPECT_EQ(sub(), "stop-sigterm");
    (void)happen(CgroupChanged{name, false});
    EXPECT_EQ(record().status.result, ServiceResult::Timeout);
}

TEST_F(Scopes, KillModeNoneLeavesItsProcessesAlone) {
    Unit unit = record().unit;
    unit.settings.kill.mode = KillMode::None;
    (void)happen(UnitLoaded{unit});
    (void)run();
    const Outcome stopped = stop();
    EXPECT_EQ(action<SignalUnit>(stopped), nullptr);
    EXPECT_EQ(sub(), "dead");
}

TEST_F(Scopes, SaysThatItIsAbandoned) {
    (void)run();
    (void)happen(Abandoned{name});
    EXPECT_EQ(sub(), "abandoned");
    (void)stop();
    EXPECT_EQ(sub(), "stop-sigterm");
}

TEST_F(Scopes, NoStateMindsAStrangersEvent) {
    const std::vector<Event> events = {
        CgroupChanged{name, true},
        CgroupChanged{name, false},
        ScopeFilled{name, {}, "ab"},
        ScopeFilled{name, "no", "ab"},
        TimeElapsed{},
        Abandoned{name},
        ResetFailed{name},
        PresenceChanged{name, true},
        ProcessExited{name, 10, CLD_EXITED, 0, now}};
    std::vector<World> worlds = {world};
    (void)start();
    worlds.push_back(world);
    (void)happen(ScopeFilled{name, {}, "ab"});
    worlds.push_back(world);
    (void)stop();
    worlds.push_back(world);
    (void)wait(90);
    worlds.push_back(world);
    for (const World& before : worlds) {
        for (const Event& event : events) {
            world = before;
            for (const Transition& each : step(world, event, now).transitions) {
                EXPECT_NE(each.from, each.to);
            }
        }
    }
}

}  // namespace
}  // namespace hearth
