// SPDX-License-Identifier: MIT
#include "units/state.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "units/engine.hpp"

namespace hearth {
namespace {

/// Nothing in it has its default.
KeptUnit everything() {
    KeptUnit unit;
    unit.name = "heat.service";
    ServiceStatus& status = unit.status;
    status.state = ServiceState::FinalSigkill;
    status.result = ServiceResult::ExecCondition;
    status.reload_result = ServiceResult::Timeout;
    status.launch = 7;
    status.launch_kind = ExecKind::StopPost;
    status.main_pid = 11;
    status.control_pid = 12;
    status.control_kind = ExecKind::Reload;
    status.command = 2;
    status.main = {11, {1, 2}, {3, 4}, 1, 5};
    status.history[0] = {{13, {1, 2}, {}, 0, 0}, {}};
    status.history[exec_kinds - 1] = {{14, {1, 2}, {3, 4}, 2, 9}};
    status.restarts = 3;
    status.restarts_stale = true;
    status.recent_starts = {100, 200};
    status.deadline = 300;
    status.cgroup_populated = true;
    status.stop_requested = true;
    status.refused = true;
    status.invocation_id = "0123456789abcdef0123456789abcdef";
    status.failure = "heat.service:3: User=nobody\\: there is no such user;\nadd one = or not";
    status.type = ServiceType::NotifyReload;
    status.main_known = true;
    status.searching = true;
    status.search_at = 400;
    status.moving = ServiceResult::Signal;
    status.notify_state = NotifyState::Stopping;
    status.status_text = "warm; \xc3\xa4";
    status.status_errno = 5;
    status.bus_error = "org.example.Cold";
    status.watchdog_override = Timespan::never();
    status.watchdog_at = {5, 6};
    status.watchdog_deadline = 500;
    status.reload_began = 600;
    status.stored = {{1, "a"}, {2, "b c"}};
    status.bus_name_owned = true;
    status.back_off = 4;
    status.runtime_extra = 700;
    status.health_launch = 8;
    status.health_pid = 15;
    status.health_failures = 2;
    status.health_late = true;
    status.health_deadline = 800;
    status.condition_met = true;
    status.condition_asked = {7, 8};
    unit.job =
        Job{9,
            "heat.service",
            JobType::ReloadOrStart,
            JobMode::ReplaceIrreversibly,
            JobState::Running,
            {9, 10},
            "Requires= of a.service",
            900};
    unit.checking = true;
    unit.assert_met = true;
    unit.resumes = true;
    unit.condition_results = {1, -1, 0};
    unit.assert_results = {-1};
    unit.state_change = {11, 12};
    unit.active_enter = {13, 14};
    unit.active_exit = {15, 16};
    unit.inactive_enter = {17, 18};
    unit.inactive_exit = {19, 20};
    unit.next_job = 10;
    unit.next_launch = 20;
    unit.lines = {{"colour", "red"}};
    unit.next_change = 30;
    Change change;
    change.number = 28;
    change.at = {21, 22};
    change.from = ServiceState::Running;
    change.to = ServiceState::StopSigterm;
    change.cause = "a\ttab; a line\nand \\ more";
    change.job = unit.job;
    change.job->cause = {
        "other.service", JobType::Stop, "PartOf=", Requester{1, 2, "systemctl"}, "", 7, true};
    unit.changes.push_back(change);
    Change last;
    last.number = 29;
    last.from = ServiceState::StopSigterm;
    unit.changes.push_back(last);
    return unit;
}

TEST(State, IsReadAsItWasWritten) {
    const KeptUnit unit = everything();
    const std::string text = write_state(unit);
    const auto read = read_state(text);
    ASSERT_TRUE(read.has_value()) << read.error().what;
    EXPECT_EQ(*read, unit) << text;
    EXPECT_EQ(write_state(*read), text);
}

TEST(State, LeavesDefaultsOut) {
    KeptUnit unit;
    unit.name = "a.service";
    EXPECT_EQ(write_state(unit), "unit=a.service\n");
    EXPECT_EQ(read_state(write_state(unit)).value(), unit);
}

TEST(State, IsReadByAPerson) {
    const std::string text = write_state(everything());
    for (const char* const line :
         {"\nstate=final-sigkill\n",
          "\nresult=exec-condition\n",
          "\nmain-pid=11\n",
          "\njob-type=reload-or-start\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
}

TEST(State, EveryStateAndResultHasAWayBack) {
    for (int number = 0; number <= static_cast<int>(ServiceState::AutoRestart); ++number) {
        KeptUnit unit;
        unit.name = "a.service";
        unit.status.state = static_cast<ServiceState>(number);
        unit.status.result = static_cast<ServiceResult>(
            number % (static_cast<int>(ServiceResult::ExecCondition) + 1));
        EXPECT_EQ(read_state(write_state(unit)).value(), unit) << write_state(unit);
    }
}

TEST(State, TellsWhatCannotBeRead) {
    const auto message = [](std::string_view text) {
        const auto read = read_state(text);
        return read ? std::string("read") : read.error().what;
    };
    EXPECT_EQ(message(""), "no unit= line");
    EXPECT_EQ(message("unit=a.service\nstate=ru"), "the last line is cut off");
    EXPECT_EQ(message("unit=a.service\nstate=warm\n"), "state='warm' can't be read");
    EXPECT_EQ(message("unit=a.service\nmain-pid=x\n"), "main-pid='x' can't be read");
    EXPECT_EQ(message("unit=a.service\nmain=1 2\n"), "main='1 2' can't be read");
    EXPECT_EQ(
        message("unit=a.service\nmain-pid=99999999999999999999\n"),
        "main-pid='99999999999999999999' can't be read");
}

TEST(State, IsCarriedIntoAnotherWorld) {
    World world;
    Unit text;
    text.name = "heat.service";
    text.load_state = LoadState::Loaded;
    (void)step(world, UnitsLoaded{{text}}, {1000, 1000});
    KeptUnit unit = everything();
    unit.status.state = ServiceState::Running;
    unit.checking = false;
    const Outcome outcome = step(world, UnitsRestored{{unit}}, {1000, 1000});
    const UnitRecord& record = *world.find("heat.service");
    EXPECT_EQ(record.status.main_pid, 11);
    EXPECT_EQ(record.status.restarts, 3U);
    EXPECT_EQ(record.active_enter, (Moment{13, 14}));
    EXPECT_TRUE(record.status.stored.empty());  // descriptors die with the process
    EXPECT_EQ(record.job, 9U);
    EXPECT_EQ(world.jobs.at(9).type, JobType::ReloadOrStart);
    EXPECT_EQ(world.next_job, 10U);
    EXPECT_EQ(world.next_launch, 20U);
    const auto told = std::ranges::count_if(
        outcome.actions, [](const Action& action) { return std::holds_alternative<Tell>(action); });
    EXPECT_EQ(told, 1);
    // What has happened here already is not undone by a file.
    KeptUnit other = unit;
    other.status.main_pid = 99;
    (void)step(world, UnitsRestored{{other}}, {1000, 1000});
    EXPECT_EQ(world.find("heat.service")->status.main_pid, 11);
}

/// A ping may not have been written down when the last manager died.
TEST(State, AWatchdogIsGivenTheTimeThatIsMissingFromTheText) {
    World world;
    Unit text;
    text.name = "heat.service";
    text.load_state = LoadState::Loaded;
    (void)step(world, UnitsLoaded{{text}}, {1000, 1000});
    KeptUnit unit;
    unit.name = "heat.service";
    unit.status.state = ServiceState::Running;
    unit.status.main_pid = 11;
    unit.status.watchdog_override = Timespan{5'000'000};
    unit.status.watchdog_at = {2'000'000, 2'000'000};
    unit.status.watchdog_deadline = 7'000'000;
    UnitsRestored restored{{unit}, {}, 1'000'000};
    (void)step(world, restored, {3'000'000, 3'000'000});
    EXPECT_EQ(world.find("heat.service")->status.watchdog_deadline, 8'000'000U);
    // From one manager to the next it doesn't grow.
    World next;
    (void)step(next, UnitsLoaded{{text}}, {1000, 1000});
    restored.units[0].status = world.find("heat.service")->status;
    (void)step(next, restored, {3'500'000, 3'500'000});
    EXPECT_EQ(next.find("heat.service")->status.watchdog_deadline, 8'000'000U);
}

TEST(State, LongTextsOfTheHistoryAreCut) {
    KeptUnit unit;
    unit.name = "a.service";
    for (std::uint64_t number = 1; number <= kept_changes; ++number) {
        Change change;
        change.number = number;
        change.cause = std::string(10'000, 'x');
        unit.changes.push_back(change);
    }
    const std::string text = write_state(unit);
    EXPECT_LT(text.size(), kept_changes * 600);
    EXPECT_EQ(read_state(text)->changes.size(), kept_changes);
}

TEST(State, VersionsThatAreNotKnownAreRefused) {
    const auto read = read_state("unit=a.service\n", newest_state_version() + 1);
    ASSERT_FALSE(read.has_value());
    EXPECT_NE(
        read.error().what.find("version " + std::to_string(newest_state_version() + 1)),
        std::string::npos)
        << read.error().what;
    EXPECT_FALSE(read_state("unit=a.service\n", 0).has_value());
}

TEST(State, EveryVersionLeadsBackToTheOneBefore) {
    const auto rows = state_versions();
    for (std::size_t index = 0; index < rows.size(); ++index) {
        EXPECT_EQ(rows[index].number, index + 1);
        EXPECT_EQ(rows[index].upgrade != nullptr, index > 0) << "the first has no step";
        EXPECT_EQ(rows[index].downgrade != nullptr, index > 0);
        const std::string text = write_state(everything(), rows[index].number);
        const auto read = read_state(text, rows[index].number);
        ASSERT_TRUE(read.has_value()) << read.error().what;
        EXPECT_EQ(read->status, everything().status) << text;
        EXPECT_EQ(read->lines.at("colour"), "red");
    }
}

TEST(State, TextsFitIntoOneLine) {
    for (const char* const text :
         {"", "a", "a\nb", "a\\nb", "\\", "a;b; c", "ends with \\", "tab\there"}) {
        const std::string line = state_text(text);
        EXPECT_EQ(line.find('\n'), std::string::npos);
        EXPECT_EQ(text_of_state(line), text);
    }
}

}  // namespace
}  // namespace hearth
