// SPDX-License-Identifier: MIT
#include "parser/edit_distance.hpp"

#include <gtest/gtest.h>

#include <array>

namespace hearth {
namespace {

constexpr std::array<std::string_view, 6> names{
    "ExecStart", "ExecStartPre", "ExecStop", "Restart", "RestartSec", "User"};

TEST(EditDistance, CountsEdits) {
    EXPECT_EQ(edit_distance("", "", 3), 0U);
    EXPECT_EQ(edit_distance("abc", "abc", 3), 0U);
    EXPECT_EQ(edit_distance("abc", "ab", 3), 1U);
    EXPECT_EQ(edit_distance("ab", "abc", 3), 1U);
    EXPECT_EQ(edit_distance("abc", "axc", 3), 1U);
    EXPECT_EQ(edit_distance("abcd", "abdc", 3), 1U);  // a swap
    EXPECT_EQ(edit_distance("kitten", "sitting", 3), 3U);
    EXPECT_EQ(edit_distance("kitten", "sitting", 2), 3U);  // stops at limit + 1
    EXPECT_EQ(edit_distance("abcdefgh", "zyxwvuts", 2), 3U);
    EXPECT_EQ(edit_distance(std::string(1000, 'a'), std::string(1000, 'a'), 3), 4U);
}

TEST(EditDistance, FindsWhatWasMeant) {
    EXPECT_EQ(closest("ExecStrat", names), "ExecStart");
    EXPECT_EQ(closest("execstart", names), "ExecStart");
    EXPECT_EQ(closest("Restrat", names), "Restart");
    EXPECT_EQ(closest("RestartSecs", names), "RestartSec");
    EXPECT_EQ(closest("Uesr", names), "User");
    EXPECT_EQ(closest("User", names), "User");
    EXPECT_EQ(did_you_mean("Usr", names), "did you mean 'User'?");
}

TEST(EditDistance, DoesNotGuessWildly) {
    EXPECT_EQ(closest("", names), std::nullopt);
    EXPECT_EQ(closest("Foo", names), std::nullopt);
    EXPECT_EQ(closest("Description", names), std::nullopt);
    EXPECT_EQ(closest(std::string(100'000, 'x'), names), std::nullopt);
    EXPECT_EQ(did_you_mean("Foo", names), "");
}

}  // namespace
}  // namespace hearth
