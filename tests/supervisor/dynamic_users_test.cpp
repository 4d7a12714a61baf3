// SPDX-License-Identifier: MIT
#include "supervisor/dynamic_users.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "supervisor/launch/dynamic_user.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth {
namespace {

namespace fs = std::filesystem;

class DynamicUsersTest : public ::testing::Test {
protected:
    [[nodiscard]] DynamicUsers users() const {
        return DynamicUsers(scratch.path() + "/run", scratch.path() + "/systemd");
    }
    [[nodiscard]] std::string lock(std::uint32_t uid) const {
        return scratch.path() + "/run/dynamic-uid/" + std::to_string(uid);
    }
    static std::uint32_t first(const std::string& name) {
        return launch::dynamic_uid_candidate(name, 0);
    }

    testing_support::ScratchDirectory scratch;
    launch::Host host;
};

TEST_F(DynamicUsersTest, GivesTheNameItsNumberAndTakesItBack) {
    {
        const auto claim = users().claim("heat", {}, host);
        ASSERT_TRUE(claim) << claim.error().what;
        EXPECT_EQ(claim->uid(), first("heat"));
        EXPECT_TRUE(fs::exists(lock(claim->uid())));
    }
    EXPECT_FALSE(fs::exists(lock(first("heat"))));
}

TEST_F(DynamicUsersTest, NeverGivesOneNumberTwice) {
    const auto one = users().claim("heat", {}, host);
    const auto two = users().claim("heat", {}, host);
    ASSERT_TRUE(one && two);
    EXPECT_NE(one->uid(), two->uid());
    EXPECT_TRUE(launch::is_dynamic_uid(two->uid()));
}

TEST_F(DynamicUsersTest, PassesOverNumbersOfTheAccountFilesAndOfSystemd) {
    const std::uint32_t uid = first("heat");
    host.account_by_uid[uid] = "somebody";
    host.groups["some"] = launch::dynamic_uid_candidate("heat", 1);
    fs::create_directories(scratch.path() + "/systemd");
    const std::ofstream made(
        scratch.path() + "/systemd/" + std::to_string(launch::dynamic_uid_candidate("heat", 2)));
    const auto claim = users().claim("heat", {}, host);
    ASSERT_TRUE(claim);
    EXPECT_EQ(claim->uid(), launch::dynamic_uid_candidate("heat", 3));
}

TEST_F(DynamicUsersTest, TakesAFileThatAKilledHearthdLeft) {
    fs::create_directories(scratch.path() + "/run/dynamic-uid");
    std::ofstream(lock(first("heat"))) << "heat\n";
    const auto claim = users().claim("heat", {}, host);
    ASSERT_TRUE(claim);
    EXPECT_EQ(claim->uid(), first("heat")) << "nothing runs as that number";
}

TEST_F(DynamicUsersTest, IsMovedWithoutBeingGivenBack) {
    auto claim = users().claim("heat", {}, host);
    ASSERT_TRUE(claim);
    DynamicUsers::Claim held = std::move(*claim);
    EXPECT_TRUE(fs::exists(lock(held.uid())));
    held = {};
    EXPECT_FALSE(fs::exists(lock(first("heat"))));
}

}  // namespace
}  // namespace hearth
