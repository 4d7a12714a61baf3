// SPDX-License-Identifier: MIT
//
// Lives of timers, paths and automounts, through the engine: what they start and when, and what the
// end of that means for them. Time and what is at the paths are arguments.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <sstream>

#include "places.hpp"
#include "unit_text.hpp"
#include "units/engine.hpp"
#include "units/trigger.hpp"
#include "units/type_section.hpp"

namespace hearth {
namespace {

constexpr std::uint64_t second = 1'000'000;

class Triggering : public ::testing::Test {
protected:
    void SetUp() override {
        world.manager_started = now;
        world.zones[""] = TimeZone{};
        load_built_in();
    }
    void load_built_in() {
        for (const char* const name : {"-.slice", "system.slice", "-.mount"}) {
            (void)step(world, UnitLoaded{load_unit(name, TextSource(), test_context())}, now);
        }
    }
    void load(const std::string& name, const std::string& text) {
        TextSource source;
        source.fragments[name] = {
            "/etc/systemd/system/" + name, text + "[Unit]\nDefaultDependencies=no\n", false};
        (void)step(world, UnitLoaded{load_unit(name, source, test_context())}, now);
    }
    /// job.service, which runs until it is told to end.
    void load_job() { load("job.service", "[Service]\nExecStart=/bin/job\n"); }
    Outcome happen(const Event& event) { return last = step(world, event, now); }
    Outcome start(const std::string& name) {
        const auto asked = request_job(world, name, Verb::Start, JobMode::Replace, now);
        EXPECT_TRUE(asked) << asked.error().message;
        return last = asked ? asked->outcome : Outcome();
    }
    Outcome stop(const std::string& name) {
        return last = request_job(world, name, Verb::Stop, JobMode::Replace, now)->outcome;
    }
    void wait(std::uint64_t microseconds) {
        now.monotonic += microseconds;
        now.realtime += microseconds;
        (void)happen(TimeElapsed{});
    }
    /// To where the supervisor would wake next.
    void wait_for_next() {
        const auto deadline = world.next_deadline();
        const auto wake = world.next_wake();
        ASSERT_TRUE(deadline || wake);
        const std::uint64_t span = std::min(
            deadline ? *deadline - std::min(*deadline, now.monotonic) : UINT64_MAX,
            wake ? *wake - std::min(*wake, now.realtime) : UINT64_MAX);
        wait(span);
    }
    void job_runs() {
        (void)happen(
            Launched{"job.service", *world.find("job.service")->status.launch, 77, now, "ab"});
    }
    void job_ends() {
        (void)happen(ProcessExited{"job.service", 77, CLD_EXITED, 0, now});
        (void)happen(CgroupChanged{"job.service", false});
    }
    [[nodiscard]] std::string sub(const std::string& name) const {
        return std::string(sub_state(*world.find(name)));
    }
    [[nodiscard]] bool job_starts() const {
        return std::ranges::any_of(last.actions, [](const Action& each) {
            const auto* const launch = std::get_if<Launch>(&each);
            return launch != nullptr && launch->unit == "job.service";
        });
    }
    template <class A>
    [[nodiscard]] const A* action() const {
        for (const Action& each : last.actions) {
            if (const auto* found = std::get_if<A>(&each)) {
                return found;
            }
        }
        return nullptr;
    }
    [[nodiscard]] const TimerStatus& timer() const { return world.find("job.timer")->status.timer; }

    World world;
    Moment now{100 * second, 1'700'000'000 * second};
    Outcome last;
};

TEST_F(Triggering, EveryDirectiveOfTheirSectionsIsReadPrintedBackAndFound) {
    for (const UnitType type :
         {UnitType::Timer, UnitType::Path, UnitType::Automount, UnitType::Swap, UnitType::Socket}) {
        for (const Row& row : own_rows(type)) {
            SCOPED_TRACE(row.name);
            Settings settings;
            ASSERT_TRUE(row.assign(settings, row.sample, {}));
            EXPECT_FALSE(row.is_default(settings));
            EXPECT_FALSE(settings == Settings{});
            Settings again;
            ASSERT_TRUE(row.assign(again, row.format(settings), {}));
            EXPECT_TRUE(again == settings) << row.format(settings);
            ASSERT_TRUE(row.assign(again, "", {}));
            EXPECT_TRUE(again == Settings{});
            EXPECT_EQ(find_row(type, own_section(type), row.name), &row);
            EXPECT_EQ(find_row(UnitType::Service, own_section(type), row.name), nullptr);
            EXPECT_TRUE(row.summary.ends_with('.'));
        }
    }
}

TEST_F(Triggering, ATimerStartsItsUnitAndWaitsForItsEnd) {
    load_job();
    load("job.timer", "[Timer]\nOnActiveSec=10\nOnUnitInactiveSec=30\nAccuracySec=1us\n");
    (void)start("job.timer");
    EXPECT_EQ(sub("job.timer"), "waiting");
    EXPECT_EQ(timer().next_monotonic, now.monotonic + 10 * second);
    wait(9 * second);
    EXPECT_EQ(sub("job.timer"), "waiting");
    wait_for_next();
    EXPECT_EQ(sub("job.timer"), "running");
    EXPECT_TRUE(job_starts());
    EXPECT_EQ(timer().last_trigger, now);
    EXPECT_EQ(
        pairs_of(world.find("job.service")->activation).front(),
        std::pair(std::string("trigger_unit"), std::string("job.timer")));
    job_runs();
    wait(1'000 * second);
    EXPECT_EQ(sub("job.timer"), "running");
    job_ends();
    EXPECT_EQ(sub("job.timer"), "waiting");
    EXPECT_EQ(timer().next_monotonic, now.monotonic + 30 * second);
    EXPECT_TRUE(world.find("job.service")->activation.trigger_unit.empty());
}

TEST_F(Triggering, WhatElapsesButOnceIsElapsedThen) {
    load_job();
    load("job.timer", "[Timer]\nOnActiveSec=1\nAccuracySec=1us\n");
    (void)start("job.timer");
    wait_for_next();
    job_runs();
    wait(2 * second);
    job_ends();
    EXPECT_EQ(sub("job.timer"), "elapsed");
    EXPECT_EQ(world.find("job.timer")->active_state(), ActiveState::Active);
    load("job.timer", "[Timer]\nOnActiveSec=1\nAccuracySec=1us\nRemainAfterElapse=no\n");
    (void)stop("job.timer");
    (void)start("job.timer");
    wait_for_next();
    job_runs();
    wait(2 * second);
    job_ends();
    EXPECT_EQ(sub("job.timer"), "dead");
}

TEST_F(Triggering, ACalendarTimerCountsFromItsLastTime) {
    load_job();
    load("job.timer", "[Timer]\nOnCalendar=*:0/10\nAccuracySec=1us\n");
    (void)start("job.timer");
    ASSERT_TRUE(timer().next_realtime);
    const std::uint64_t first = *timer().next_realtime;
    EXPECT_EQ(first % (600 * second), 0U);
    EXPECT_LE(first - now.realtime, 600 * second);
    wait_for_next();
    EXPECT_EQ(sub("job.timer"), "running");
    job_runs();
    wait(5 * second);
    job_ends();
    EXPECT_EQ(timer().next_realtime, first + 600 * second);
}

TEST_F(Triggering, WhatWasMissedWhileItsUnitRanIsMadeUpForAtOnce) {
    load_job();
    load("job.timer", "[Timer]\nOnCalendar=*:0/10\nAccuracySec=1us\n");
    (void)start("job.timer");
    wait_for_next();
    job_runs();
    wait(1'500 * second);
    job_ends();
    EXPECT_EQ(sub("job.timer"), "waiting");
    wait_for_next();
    EXPECT_EQ(sub("job.timer"), "running");
}

TEST_F(Triggering, APersistentTimerMakesUpForWhatPassedWhileItWasDown) {
    load_job();
    load("job.timer", "[Timer]\nOnCalendar=daily\nPersistent=yes\nAccuracySec=1us\n");
    (void)start("job.timer");
    ASSERT_NE(action<ReadTimerStamp>(), nullptr);
    EXPECT_EQ(sub("job.timer"), "dead");
    (void)happen(TimerStampRead{"job.timer", now.realtime - 2 * std::uint64_t{86'400} * second});
    EXPECT_EQ(sub("job.timer"), "waiting");
    wait_for_next();
    EXPECT_EQ(sub("job.timer"), "running");
    EXPECT_NE(action<WriteTimerStamp>(), nullptr);

    (void)stop("job.timer");
    (void)start("job.timer");
    (void)happen(TimerStampRead{"job.timer", now.realtime + second});  // the clock was wrong
    EXPECT_EQ(timer().last_trigger, Moment{});
    EXPECT_GT(*timer().next_realtime, now.realtime);
}

TEST_F(Triggering, TheClockAndTheZoneMayBeSet) {
    load_job();
    load("job.timer", "[Timer]\nOnCalendar=12:00\nAccuracySec=1us\n");
    (void)start("job.timer");
    const std::uint64_t noon = *timer().next_realtime;
    now.realtime += 86'400 * second;
    (void)happen(ClockChanged{});
    EXPECT_EQ(sub("job.timer"), "running");  // noon is past: systemd starts it, too
    (void)stop("job.timer");
    now.realtime = noon - 3'600 * second;
    (void)start("job.timer");
    TimeZone east;
    east.offsets = {{INT64_MIN, 1'800}};
    (void)happen(ZonesRead{{{"", east}}, true});
    EXPECT_EQ(timer().next_realtime, noon - 1'800 * second);

    load("zone.timer", "[Timer]\nOnTimezoneChange=yes\nUnit=job.service\n");
    (void)start("zone.timer");
    EXPECT_EQ(sub("zone.timer"), "waiting");
    (void)happen(ZonesRead{{{"", TimeZone{}}}, true});
    EXPECT_EQ(sub("zone.timer"), "running");
}

TEST_F(Triggering, DelaysAreRandomOrTheMachinesOwn) {
    load_job();
    load("job.timer", "[Timer]\nOnActiveSec=0\nRandomizedDelaySec=1h\nFixedRandomDelay=yes\n");
    (void)start("job.timer");
    const std::uint64_t first = *timer().next_monotonic - now.monotonic;
    EXPECT_LT(first, 3'600 * second);
    (void)stop("job.timer");
    (void)start("job.timer");
    EXPECT_EQ(*timer().next_monotonic - now.monotonic, first);
    (void)stop("job.timer");
    ++world.machine;
    (void)start("job.timer");
    EXPECT_NE(*timer().next_monotonic - now.monotonic, first);
}

TEST_F(Triggering, WakingUpsFallTogetherWithinTheirAccuracy) {
    for (const std::uint64_t accuracy : {std::uint64_t{1}, second, 60 * second, 3'600 * second}) {
        for (std::uint64_t from = 0; from < 500 * second; from += 7'654'321) {
            const std::uint64_t at = wake_within(from, accuracy, 1'234'567'890);
            EXPECT_GE(at, from);
            EXPECT_LE(at, from + accuracy);
        }
    }
    EXPECT_EQ(wake_within(100 * second, 60 * second, 5), wake_within(110 * second, 60 * second, 5));
}

TEST_F(Triggering, ATimerOfAUnitThatIsNotThereFailsAndSaysSo) {
    load("job.timer", "[Timer]\nOnActiveSec=10\n");
    (void)start("job.timer");
    EXPECT_EQ(sub("job.timer"), "failed");
    EXPECT_EQ(world.find("job.timer")->status.failure, "job.service, its unit, is not loaded");
}

TEST_F(Triggering, ATimerGoesOnWithTheTimeThatItHadAfterTheManagersDeath) {
    load_job();
    load("job.timer", "[Timer]\nOnActiveSec=10\nRandomizedDelaySec=10\nAccuracySec=1us\n");
    (void)start("job.timer");
    const auto text = read_state(write_state(kept(world, *world.find("job.timer"))));
    ASSERT_TRUE(text);
    World next;
    next.zones = world.zones;
    std::swap(world, next);
    load_built_in();
    load_job();
    load("job.timer", "[Timer]\nOnActiveSec=10\nRandomizedDelaySec=10\nAccuracySec=1us\n");
    now.monotonic += 3 * second;
    (void)happen(UnitsRestored{{*text}});
    EXPECT_EQ(sub("job.timer"), "waiting");
    EXPECT_EQ(timer(), next.find("job.timer")->status.timer);
    EXPECT_EQ(world.next_deadline(), next.next_deadline());
}

// ---- paths --------------------------------------------------------------------------------------

TEST_F(Triggering, APathStartsItsUnitForWhatIsThere) {
    load_job();
    load("job.path", "[Path]\nPathExists=/srv/x\n");
    (void)start("job.path");
    ASSERT_NE(action<WatchPaths>(), nullptr);
    (void)happen(PathsSeen{"job.path", {{0, false}}, {}});
    EXPECT_EQ(sub("job.path"), "waiting");
    (void)happen(PathsSeen{"job.path", {{5, false}}, {}});
    EXPECT_EQ(sub("job.path"), "running");
    EXPECT_TRUE(job_starts());
    EXPECT_NE(action<UnwatchPaths>(), nullptr);
    EXPECT_EQ(world.find("job.service")->activation.path, "/srv/x");
    job_runs();
    job_ends();
    EXPECT_EQ(sub("job.path"), "waiting");
    EXPECT_NE(action<WatchPaths>(), nullptr);
    (void)happen(PathsSeen{"job.path", {{5, false}}, {}});  // still there: once more
    EXPECT_EQ(sub("job.path"), "running");
}

TEST_F(Triggering, AChangeCountsOnlyOnceItIsOne) {
    load_job();
    load("job.path", "[Path]\nPathChanged=/srv/x\n");
    (void)start("job.path");
    (void)happen(PathsSeen{"job.path", {{5, false}}, {}});
    (void)happen(PathsSeen{"job.path", {{6, false}}, {}});  // written to, not closed yet
    EXPECT_EQ(sub("job.path"), "waiting");
    (void)happen(PathsSeen{"job.path", {{6, true}}, {}});
    EXPECT_EQ(sub("job.path"), "running");
    job_runs();
    job_ends();
    (void)happen(PathsSeen{"job.path", {{7, false}}, {}});  // the first look after it
    EXPECT_EQ(sub("job.path"), "waiting");
    (void)happen(PathsSeen{"job.path", {{0, false}}, {}});  // it is gone
    EXPECT_EQ(sub("job.path"), "running");
}

TEST_F(Triggering, APathThatTriggersInALoopIsLimited) {
    load("job.service", "[Service]\nExecStart=/bin/job\n[Unit]\nStartLimitBurst=0\n");
    load(
        "job.path", "[Path]\nPathExists=/srv/x\nTriggerLimitBurst=3\nTriggerLimitIntervalSec=10\n");
    (void)start("job.path");
    int rounds = 0;
    for (; rounds < 10 && sub("job.path") != "failed"; ++rounds) {
        (void)happen(PathsSeen{"job.path", {{5, false}}, {}});
        if (sub("job.path") == "running") {
            job_runs();
            job_ends();
        }
    }
    EXPECT_EQ(rounds, 4);
    EXPECT_EQ(world.find("job.path")->status.result, ServiceResult::TriggerLimitHit);
}

TEST_F(Triggering, APathFailsWithAUnitThatMayNotBeStartedAnyMore) {
    load("job.service", "[Service]\nExecStart=/bin/job\n[Unit]\nStartLimitBurst=1\n");
    load("job.path", "[Path]\nPathExists=/srv/x\n");
    (void)start("job.path");
    for (int round = 0; round < 2; ++round) {
        (void)happen(PathsSeen{"job.path", {{5, false}}, {}});
        if (world.find("job.service")->status.launch) {
            job_runs();
            job_ends();
        }
    }
    EXPECT_EQ(sub("job.path"), "failed");
    EXPECT_EQ(world.find("job.path")->status.result, ServiceResult::UnitStartLimitHit);
}

TEST_F(Triggering, APathNoticesWhatChangedWhileTheManagerWasDead) {
    load_job();
    const std::string text = "[Path]\nPathModified=/srv/x\n";
    load("job.path", text);
    (void)start("job.path");
    (void)happen(PathsSeen{"job.path", {{5, false}}, {}});
    const auto state = read_state(write_state(kept(world, *world.find("job.path"))));
    ASSERT_TRUE(state);
    for (const std::uint64_t stamp : {5, 6}) {
        world = World();
        load_built_in();
        load_job();
        load("job.path", text);
        (void)happen(UnitsRestored{{*state}});
        ASSERT_NE(action<WatchPaths>(), nullptr);
        (void)happen(PathsSeen{"job.path", {{stamp, false}}, {}});
        EXPECT_EQ(sub("job.path"), stamp == 5 ? "waiting" : "running");
    }
}

// ---- automounts ---------------------------------------------------------------------------------

class Automounting : public Triggering {
protected:
    void SetUp() override {
        Triggering::SetUp();
        load("srv-x.mount", "[Mount]\nWhat=tmpfs\nType=tmpfs\n");
        load("srv-x.automount", "[Automount]\nTimeoutIdleSec=30\n");
        (void)start("srv-x.automount");
        EXPECT_NE(action<MountAutofs>(), nullptr);
        (void)happen(AutofsMounted{"srv-x.automount", {}});
    }
    /// The mount's commands end, one after the other.
    void commands_end(int status = 0) {
        while (world.find("srv-x.mount")->status.launch) {
            (void)happen(
                Launched{"srv-x.mount", *world.find("srv-x.mount")->status.launch, 9, now, "ab"});
            (void)happen(ProcessExited{"srv-x.mount", 9, CLD_EXITED, status, now});
        }
        (void)happen(CgroupChanged{"srv-x.mount", false});
    }
    void collect_answers() {
        for (const Action& each : last.actions) {
            if (const auto* answer = std::get_if<AnswerAutofs>(&each)) {
                for (const std::uint32_t token : answer->tokens) {
                    EXPECT_TRUE(answers.emplace(token, answer->error).second) << token;
                }
            }
        }
    }
    std::map<std::uint32_t, int> answers;
};

TEST_F(Automounting, WhoeverEntersWaitsUntilItIsMounted) {
    EXPECT_EQ(sub("srv-x.automount"), "waiting");
    (void)happen(AutofsAsked{"srv-x.automount", 1, false, "ls (pid 5)"});
    (void)happen(AutofsAsked{"srv-x.automount", 2, false, "cat (pid 6)"});
    EXPECT_EQ(sub("srv-x.automount"), "running");
    while (world.find("srv-x.mount")->status.launch) {
        (void)happen(
            Launched{"srv-x.mount", *world.find("srv-x.mount")->status.launch, 9, now, "ab"});
        collect_answers();
        EXPECT_TRUE(answers.empty());
        (void)happen(ProcessExited{"srv-x.mount", 9, CLD_EXITED, 0, now});
    }
    collect_answers();
    EXPECT_EQ(answers, (std::map<std::uint32_t, int>{{1, 0}, {2, 0}}));
    EXPECT_EQ(sub("srv-x.mount"), "mounted");
}

/// By a hearthd that died before it took the request, and then by the next one.
TEST_F(Automounting, ARequestThatIsToldOfTwiceIsAnsweredOnce) {
    (void)happen(AutofsAsked{"srv-x.automount", 1, false, "ls (pid 5)"});
    (void)happen(AutofsAsked{"srv-x.automount", 1, false, "ls (pid 5)"});
    EXPECT_EQ(
        world.find("srv-x.automount")->status.automount.mount_tokens,
        (std::vector<std::uint32_t>{1}));
    commands_end();
    collect_answers();
    EXPECT_EQ(sub("srv-x.mount"), "mounted");
}

TEST_F(Automounting, AMountThatFailsIsToldToThoseWhoWait) {
    (void)happen(AutofsAsked{"srv-x.automount", 1, false, "ls (pid 5)"});
    for (int rounds = 0; rounds < 4 && answers.empty(); ++rounds) {
        commands_end(32);
        collect_answers();
    }
    EXPECT_EQ(answers, (std::map<std::uint32_t, int>{{1, ENODEV}}));
    EXPECT_EQ(sub("srv-x.automount"), "waiting");
}

TEST_F(Automounting, WhatIsIdleIsUnmounted) {
    (void)happen(AutofsAsked{"srv-x.automount", 1, false, "ls (pid 5)"});
    commands_end();
    wait(10 * second);
    EXPECT_NE(action<ExpireAutofs>(), nullptr);
    (void)happen(AutofsAsked{"srv-x.automount", 7, true, {}});
    EXPECT_EQ(sub("srv-x.mount"), "unmounting");
    while (world.find("srv-x.mount")->status.launch) {
        (void)happen(
            Launched{"srv-x.mount", *world.find("srv-x.mount")->status.launch, 9, now, "ab"});
        (void)happen(ProcessExited{"srv-x.mount", 9, CLD_EXITED, 0, now});
    }
    collect_answers();
    (void)happen(CgroupChanged{"srv-x.mount", false});
    collect_answers();
    EXPECT_EQ(answers[7], 0);
    EXPECT_EQ(sub("srv-x.automount"), "waiting");
}

TEST_F(Automounting, AStopUnmountsWhatIsThereFirst) {
    (void)happen(AutofsAsked{"srv-x.automount", 1, false, "ls (pid 5)"});
    commands_end();
    EXPECT_EQ(sub("srv-x.mount"), "mounted");
    (void)stop("srv-x.automount");
    EXPECT_EQ(sub("srv-x.mount"), "unmounting");
    EXPECT_EQ(sub("srv-x.automount"), "running");
    commands_end();
    EXPECT_EQ(sub("srv-x.mount"), "dead");
    EXPECT_EQ(sub("srv-x.automount"), "dead");
    EXPECT_NE(action<UnmountAutofs>(), nullptr);
}

TEST_F(Automounting, AStopLeavesNobodyWaiting) {
    (void)happen(AutofsAsked{"srv-x.automount", 1, false, "ls (pid 5)"});
    (void)stop("srv-x.automount");
    collect_answers();
    EXPECT_EQ(answers, (std::map<std::uint32_t, int>{{1, EHOSTDOWN}}));
    EXPECT_NE(action<UnmountAutofs>(), nullptr);
}

// ---- what they depend on, and swaps -------------------------------------------------------------

bool depends(const Unit& unit, Relation relation, const std::string& other) {
    return std::ranges::any_of(unit.dependencies, [&](const Dependency& each) {
        return each.relation == relation && each.unit == other;
    });
}

TEST(TriggerUnits, HaveTheDependenciesOfTheirManualPages) {
    const Unit timer = load_text("[Timer]\nOnCalendar=daily\n", {}, "a.timer");
    EXPECT_EQ(messages(timer.diagnostics), "");
    EXPECT_TRUE(depends(timer, Relation::Triggers, "a.service"));
    EXPECT_TRUE(depends(timer, Relation::Before, "a.service"));
    EXPECT_TRUE(depends(timer, Relation::Before, "timers.target"));
    EXPECT_TRUE(depends(timer, Relation::After, "time-sync.target"));
    EXPECT_TRUE(depends(timer, Relation::Requires, "sysinit.target"));
    const Unit path = load_text("[Path]\nPathExists=/x\nUnit=b.service\n", {}, "a.path");
    EXPECT_TRUE(depends(path, Relation::Triggers, "b.service"));
    EXPECT_TRUE(depends(path, Relation::Before, "paths.target"));
    const Unit automount = load_text("[Automount]\nWhere=/srv/x\n", {}, "srv-x.automount");
    EXPECT_TRUE(depends(automount, Relation::Triggers, "srv-x.mount"));
    EXPECT_TRUE(depends(automount, Relation::Before, "local-fs.target"));
    EXPECT_TRUE(depends(automount, Relation::Conflicts, "umount.target"));
    const Unit socket = load_text("[Socket]\nListenStream=80\n", {}, "a.socket");
    EXPECT_EQ(messages(socket.diagnostics), "");
    EXPECT_TRUE(depends(socket, Relation::Triggers, "a.service"));
    EXPECT_TRUE(depends(socket, Relation::Before, "sockets.target"));
    const Unit swap = load_text("[Swap]\nWhat=/dev/sda2\nPriority=5\n", {}, "dev-sda2.swap");
    EXPECT_TRUE(depends(swap, Relation::BindsTo, "dev-sda2.device"));
    EXPECT_TRUE(depends(swap, Relation::Before, "swap.target"));
    ASSERT_EQ(swap.settings.service.exec_start.size(), 1U);
    EXPECT_EQ(
        swap.settings.service.exec_start.front().argv,
        (std::vector<std::string>{"/sbin/swapon", "-p", "5", "/dev/sda2"}));
}

TEST(TriggerUnits, TheExamplesLoadWithoutAWord) {
    for (const char* const name :
         {"heartbeat.timer", "heartbeat.service", "inbox.path", "inbox.service"}) {
        const std::ifstream file(std::string(HEARTH_SOURCE_DIR "/examples/") + name);
        std::stringstream text;
        text << file.rdbuf();
        const Unit unit = load_text(text.str(), {}, name);
        EXPECT_EQ(messages(unit.diagnostics), "") << name;
        EXPECT_EQ(unit.load_state, LoadState::Loaded) << name;
        EXPECT_FALSE(unit.settings.unit.description.empty()) << name;
    }
}

TEST(TriggerUnits, AreNotLoadedWhereNameAndTextDisagree) {
    const Unit swap = load_text("[Swap]\nWhat=/dev/sda3\n", {}, "dev-sda2.swap");
    EXPECT_EQ(swap.load_state, LoadState::BadSetting);
    const Unit automount = load_text("[Automount]\nWhere=/y\n", {}, "srv-x.automount");
    EXPECT_EQ(automount.load_state, LoadState::BadSetting);
    const Unit timer = load_text("[Timer]\nOnCalendar=25:00\nUnit=x@.service\n", {}, "a.timer");
    EXPECT_EQ(
        messages(timer.diagnostics),
        "a.timer:2: Invalid OnCalendar='25:00', ignored: the hour goes from 0 to 23; expected a "
        "calendar expression\n"
        "a.timer:3: Invalid Unit='x@.service', ignored: 'x@.service' is no unit's name; expected "
        "one with its type, such as x.service\n");
}

}  // namespace
}  // namespace hearth
