// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "supervisor/ctl/ending.hpp"

namespace hearth::ctl {

namespace {

using Action = ShutdownCommand::Action;
constexpr std::uint64_t midnight = 1'700'000'000;
constexpr std::uint64_t noon = midnight + 12 * 3600;

ShutdownCommand read(const std::vector<std::string>& words) {
    const auto command = read_shutdown(words, noon, midnight);
    EXPECT_TRUE(command) << command.error().what;
    return command ? *command : ShutdownCommand{};
}

}  // namespace

TEST(Shutdown, HasATimeOfThreeForms) {
    EXPECT_EQ(read({}).at, noon + 60) << "shutdown(8): +1";
    EXPECT_FALSE(read({"now"}).at);
    EXPECT_FALSE(read({"+0"}).at);
    EXPECT_EQ(read({"-r", "+5"}).at, noon + 300);
    EXPECT_EQ(read({"13:30"}).at, noon + 90 * 60);
    EXPECT_EQ(read({"11:00"}).at, noon + 23 * 3600) << "of the next day";
    for (const char* const wrong : {"25:00", "12:60", "12", "soon", "+", "+x", "1:2:3", ""}) {
        EXPECT_FALSE(read_shutdown({wrong}, noon, midnight)) << wrong;
    }
}

TEST(Shutdown, HasOptionsBeforeTheTimeAndAMessageBehind) {
    EXPECT_EQ(read({"now"}).action, Action::PowerOff);
    EXPECT_EQ(read({"-h", "now"}).action, Action::PowerOff);
    EXPECT_EQ(read({"-H", "now"}).action, Action::Halt);
    EXPECT_EQ(read({"-r", "now"}).action, Action::Reboot);
    EXPECT_EQ(read({"-k", "now"}).action, Action::WallOnly);
    EXPECT_EQ(read({"-c"}).action, Action::Cancel);
    EXPECT_EQ(read({"-c", "no", "more"}).message, "no more");
    const ShutdownCommand command = read({"-r", "--no-wall", "+5", "for", "-r", "updates"});
    EXPECT_TRUE(command.no_wall);
    EXPECT_EQ(command.message, "for -r updates");
    const ShutdownCommand waits = read({"--wait=1700000500", "-H", "now"});
    EXPECT_TRUE(waits.waits);
    EXPECT_EQ(waits.at, 1'700'000'500U);
    EXPECT_EQ(waits.action, Action::Halt);
    EXPECT_FALSE(read_shutdown({"--fast"}, noon, midnight));
    EXPECT_FALSE(read_shutdown({"--wait=soon"}, noon, midnight));
}

}  // namespace hearth::ctl
