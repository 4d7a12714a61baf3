// SPDX-License-Identifier: MIT
//
// /run/systemd/system: taken again by the hearthd that made it, refused where somebody else did.
#include "supervisor/compatibility.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/scratch_directory.hpp"

namespace {

using hearth::SystemdCompatibility;
namespace fs = std::filesystem;

class Compatibility : public ::testing::Test {
protected:
    hearth::testing_support::ScratchDirectory scratch;
    const std::string directory = scratch.path() + "/systemd/system";

    [[nodiscard]] auto create(const std::string& runtime, bool successor = false) const {
        return SystemdCompatibility::create(runtime, successor, directory);
    }
};

TEST_F(Compatibility, TheDirectoryGoesWithHearthd) {
    {
        const auto made = create("/run/hearth");
        ASSERT_TRUE(made.has_value()) << made.error().what;
        EXPECT_TRUE(fs::is_directory(directory));
    }
    EXPECT_FALSE(fs::exists(directory));
}

TEST_F(Compatibility, OneThatWasKilledLeavesItToTheNext) {
    fs::create_directories(directory);
    std::ofstream(directory + "/.hearth") << "/run/hearth\n";
    const auto other = create("/run/other");
    ASSERT_FALSE(other.has_value());
    EXPECT_NE(other.error().what.find("--runtime-dir /run/hearth"), std::string::npos)
        << other.error().what;
    {
        const auto again = create("/run/hearth");
        EXPECT_TRUE(again.has_value()) << again.error().what;
    }
    EXPECT_FALSE(fs::exists(directory));
}

TEST_F(Compatibility, SystemdsOwnIsRefused) {
    fs::create_directories(directory);
    const auto refused = create("/run/hearth");
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().what.find("a systemd runs here"), std::string::npos)
        << refused.error().what;
    EXPECT_TRUE(fs::is_empty(directory));
    // But to a successor its keeper has said that a hearthd was there before.
    EXPECT_TRUE(create("/run/hearth", true).has_value());
}

TEST_F(Compatibility, WhatOthersPutThereStays) {
    {
        const auto made = create("/run/hearth");
        ASSERT_TRUE(made.has_value());
        std::ofstream(directory + "/a.service") << "[Service]\n";
    }
    EXPECT_TRUE(fs::exists(directory + "/a.service"));
    EXPECT_TRUE(create("/run/hearth").has_value()) << "and is ours still";
}

}  // namespace
