// SPDX-License-Identifier: MIT
//
// hearthd is killed at any instant, under the keeper, while services start, stop, end by themselves
// and restart. Each process writes down how it is going to end; the unit's ExecStopPost= must be
// told exactly those, once each.
#include <chrono>
#include <filesystem>
#include <iterator>
#include <random>
#include <set>
#include <thread>

#include "tests/support/keeper_fixture.hpp"
#include "tests/support/members.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::Keeper;
using hearth::testing::members;
namespace fs = std::filesystem;

class KeeperAtRandom : public Keeper {
protected:
    /// Restarts for ever; each run says its pid and ends by a status of its own.
    void add_ending(const std::string& name, const std::string& pause) const {
        hearthd.add(
            name + ".service",
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=20ms\n"
            "ExecStart=/bin/sh -c 'sleep " +
                pause + "; n=$$(( $$$$ % 100 + 1 )); echo $$$$ $$n >> " + hearthd.place() + "/" +
                name + "; exit $$n'\nExecStopPost=/bin/sh -c 'echo $$EXIT_CODE $$EXIT_STATUS >> " +
                hearthd.place() + "/" + name + ".told'\n");
    }
    void add_lasting(const std::string& name) const {
        hearthd.add(
            name + ".service",
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sh -c 'echo $$$$ >> " +
                hearthd.place() + "/" + name +
                "; exec sleep infinity'\nPrivateTmp=yes\nTimeoutStopSec=5\n");
    }
    [[nodiscard]] std::size_t alive(const std::string& name) const {
        return members(hearthd, name + ".service").size();
    }
    /// Exit statuses that ExecStopPost= was told, once for each end.
    [[nodiscard]] std::multiset<int> told(const std::string& name) const {
        std::multiset<int> statuses;
        std::istringstream file(text(name + ".told"));
        std::string code;
        for (std::string status; file >> code >> status;) {
            if (code == "exited") {
                statuses.insert(std::atoi(status.c_str()));
            }
        }
        return statuses;
    }
    [[nodiscard]] std::multiset<int> left(const std::string& name) const {
        std::multiset<int> statuses;
        std::istringstream file(text(name));
        pid_t pid = 0;
        for (int status = 0; file >> pid >> status;) {
            statuses.insert(status);
        }
        return statuses;
    }
};

TEST_F(KeeperAtRandom, EveryExitIsAccountedFor) {
    const int rounds = std::getenv("HEARTH_LONG") != nullptr ? 300 : 30;
    for (const char* const name : {"kept-still", "kept-busy", "kept-eager"}) {
        add_lasting(name);
    }
    const std::vector<std::string> ending = {"kept-quick", "kept-slow"};
    add_ending("kept-quick", "0");
    add_ending("kept-slow", "0.05");
    ASSERT_EQ(
        hearthd
            .ctl(
                {"start",
                 "kept-still.service",
                 "kept-busy.service",
                 "kept-quick.service",
                 "kept-slow.service"})
            .status,
        0)
        << hearthd.log();
    std::minstd_rand random(20261123);
    for (int round = 0; round < rounds; ++round) {
        (void)hearthd.ctl({"restart", "--no-block", "kept-busy.service"});
        (void)hearthd.ctl({round % 2 == 0 ? "start" : "stop", "--no-block", "kept-eager.service"});
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 30'000));
        die_and_return();
    }
    for (const std::string& name : ending) {
        ASSERT_EQ(hearthd.ctl({"stop", name + ".service"}).status, 0) << hearthd.log();
    }
    EXPECT_TRUE(eventually([&] {
        return hearthd.ctl({"list-jobs", "--no-legend"}).out.find(".service") == std::string::npos;
    })) << hearthd.log();
    EXPECT_EQ(lines("kept-still"), 1U) << hearthd.log();
    for (const char* const name : {"kept-still", "kept-busy", "kept-eager"}) {
        EXPECT_EQ(alive(name), main_pid(std::string(name) + ".service") == 0 ? 0U : 1U)
            << name << hearthd.log();
    }
    for (const std::string& name : ending) {
        // Killed by `stop` between its line and its end: said, and then ended by a signal.
        const std::multiset<int> expected = left(name);
        const std::multiset<int> found = told(name);
        std::vector<int> untold;
        std::ranges::set_difference(expected, found, std::back_inserter(untold));
        EXPECT_LE(untold.size(), 1U) << name << ": of\n"
                                     << text(name) << "told\n"
                                     << text(name + ".told") << hearthd.log();
        std::vector<int> invented;
        std::ranges::set_difference(found, expected, std::back_inserter(invented));
        EXPECT_TRUE(invented.empty()) << name << ": of\n"
                                      << text(name) << "told\n"
                                      << text(name + ".told") << hearthd.log();
        EXPECT_GE(found.size(), static_cast<std::size_t>(rounds) / 4);
    }
    EXPECT_EQ(hearthd.log().find("counts as a failure"), std::string::npos) << hearthd.log();
    EXPECT_EQ(hearthd.log().find("exit status lost"), std::string::npos) << hearthd.log();
    EXPECT_EQ(hearthd.stop(), 0);
    for (const char* const directory : {"/tmp", "/var/tmp"}) {
        for (const auto& entry : fs::directory_iterator(directory)) {
            EXPECT_FALSE(entry.path().filename().string().starts_with("hearth-kept-"))
                << entry.path();
        }
    }
}

}  // namespace
