// SPDX-License-Identifier: MIT
#include "units/world.hpp"

#include <gtest/gtest.h>

#include <set>

namespace hearth {

namespace {

/// Every enumerator has a name of its own.
template <class Enum>
void check_names(int count) {
    std::set<std::string_view> names;
    for (int i = 0; i < count; ++i) {
        const std::string_view text = name(static_cast<Enum>(i));
        EXPECT_FALSE(text.empty()) << i;
        EXPECT_TRUE(names.insert(text).second) << text;
    }
    EXPECT_TRUE(name(static_cast<Enum>(count)).empty());
}

TEST(World, EveryStateAndResultHasItsName) {
    check_names<ServiceState>(static_cast<int>(ServiceState::Waiting) + 1);
    check_names<ActiveState>(static_cast<int>(ActiveState::Deactivating) + 1);
    check_names<ServiceResult>(static_cast<int>(ServiceResult::MountStartLimitHit) + 1);
    check_names<ExecKind>(static_cast<int>(exec_kinds));
    check_names<JobType>(static_cast<int>(JobType::VerifyActive) + 1);
    check_names<JobMode>(static_cast<int>(JobMode::RestartDependencies) + 1);
    check_names<JobResult>(static_cast<int>(JobResult::Once) + 1);
    EXPECT_EQ(name(ServiceState::StopSigterm), "stop-sigterm");
    EXPECT_EQ(name(ServiceResult::StartLimitHit), "start-limit-hit");
    EXPECT_EQ(name(ExecKind::StopPost), "ExecStopPost");
}

TEST(World, ActiveStatesAreThoseOfSystemd) {
    const auto of = [](ServiceState state) { return active_state(state, ServiceType::Simple); };
    EXPECT_EQ(of(ServiceState::Dead), ActiveState::Inactive);
    EXPECT_EQ(of(ServiceState::Condition), ActiveState::Activating);
    EXPECT_EQ(of(ServiceState::StartPost), ActiveState::Activating);
    EXPECT_EQ(of(ServiceState::Running), ActiveState::Active);
    EXPECT_EQ(of(ServiceState::Exited), ActiveState::Active);
    EXPECT_EQ(of(ServiceState::Reload), ActiveState::Reloading);
    EXPECT_EQ(of(ServiceState::Stop), ActiveState::Deactivating);
    EXPECT_EQ(of(ServiceState::FinalSigkill), ActiveState::Deactivating);
    EXPECT_EQ(of(ServiceState::Failed), ActiveState::Failed);
    EXPECT_EQ(of(ServiceState::AutoRestart), ActiveState::Activating);
    EXPECT_EQ(active_state(ServiceState::Start, ServiceType::Idle), ActiveState::Active);
}

TEST(World, NextDeadlineIsTheEarliest) {
    World world;
    EXPECT_FALSE(world.next_deadline());
    world.units["a.service"].status.deadline = 7;
    world.units["b.service"].status.deadline = 5;
    world.units["c.service"];
    EXPECT_EQ(world.next_deadline(), 5U);
    EXPECT_EQ(world.find("b.service"), &world.units["b.service"]);
    EXPECT_EQ(world.find("d.service"), nullptr);
}

}  // namespace

}  // namespace hearth
