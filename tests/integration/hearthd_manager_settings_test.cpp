// SPDX-License-Identifier: MIT
//
// What hearthd's own files say ([Manager] of systemd-system.conf(5)), and what comes of it.
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include "limits_support.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth::testing {
namespace {

struct Configured {
    explicit Configured(const std::string& text) {
        write(text);
        hearthd.emplace("", std::vector<std::string>{"--config", path()});
    }
    [[nodiscard]] std::string path() const { return directory.path() + "/hearth.conf"; }
    void write(const std::string& text) const { std::ofstream(path()) << text; }

    testing_support::ScratchDirectory directory;
    std::optional<HearthdProcess> hearthd;
};

/// Of the unit's main process: "NoNewPrivs" of /proc/PID/status.
std::string status_of(
    const HearthdProcess& hearthd, const std::string& unit, const std::string& key) {
    std::ifstream file("/proc/" + hearthd.show(unit, "MainPID") + "/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(key + ":\t")) {
            return line.substr(key.size() + 2);
        }
    }
    return "no such line";
}

std::string environment_of(const HearthdProcess& hearthd, const std::string& unit) {
    std::ifstream file("/proc/" + hearthd.show(unit, "MainPID") + "/environ");
    std::string text{std::istreambuf_iterator<char>(file), {}};
    std::ranges::replace(text, '\0', '\n');
    return "\n" + text;
}

constexpr const char* sleeper = "[Service]\nType=exec\nExecStart=/bin/sleep 600\n";

TEST(HearthdManagerSettings, DefaultsLimitTheUnitsThatDontSay) {
    SKIP_WITHOUT_ROOT();
    const Configured place("[Manager]\nDefaultTasksMax=33\nDefaultLimitNOFILE=100:200\n");
    const HearthdProcess& hearthd = *place.hearthd;
    hearthd.add("silent.service", sleeper);
    hearthd.add("own.service", std::string(sleeper) + "TasksMax=44\n");
    ASSERT_EQ(hearthd.ctl({"start", "silent.service", "own.service"}).status, 0) << hearthd.log();
    EXPECT_EQ(in_cgroup(hearthd, "system.slice/silent.service", "pids.max"), "33");
    EXPECT_EQ(in_cgroup(hearthd, "system.slice/own.service", "pids.max"), "44");
    const auto limits = hearthd.show("silent.service", "LimitNOFILESoft");
    EXPECT_EQ(limits, "100");
    const Output report = hearthd.ctl({"confinement", "silent.service"});
    EXPECT_EQ(report.status, 0) << report.out;
    EXPECT_NE(report.out.find("TasksMax"), std::string::npos) << report.out;
    EXPECT_EQ(hearthd.ctl({"show", "-p", "DefaultTasksMax"}).out, "DefaultTasksMax=33\n");

    // daemon-reload reads them again, and what runs is held to the new ones.
    place.write("[Manager]\nDefaultTasksMax=55\n");
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_EQ(in_cgroup(hearthd, "system.slice/silent.service", "pids.max"), "55");
    EXPECT_EQ(in_cgroup(hearthd, "system.slice/own.service", "pids.max"), "44");

    // A slip is told with its place, and keeps nothing from starting.
    place.write("[Manager]\nDefaultTasksMax=plenty\n");
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    EXPECT_NE(
        hearthd.log().find("hearth.conf:2: Invalid DefaultTasksMax='plenty', ignored"),
        std::string::npos)
        << hearthd.log();
    EXPECT_EQ(hearthd.ctl({"restart", "silent.service"}).status, 0) << hearthd.log();
}

TEST(HearthdManagerSettings, DefaultEnvironmentIsBelowAllOthers) {
    SKIP_WITHOUT_ROOT();
    const Configured place(
        "[Manager]\nDefaultEnvironment=KETTLE=on POT=off\nManagerEnvironment=SECRET=1\n");
    const HearthdProcess& hearthd = *place.hearthd;
    ASSERT_EQ(hearthd.ctl({"set-environment", "POT=set"}).status, 0);
    hearthd.add("tea.service", std::string(sleeper) + "Environment=OWN=1\n");
    ASSERT_EQ(hearthd.ctl({"start", "tea.service"}).status, 0) << hearthd.log();
    const std::string environment = environment_of(hearthd, "tea.service");
    EXPECT_NE(environment.find("\nKETTLE=on\n"), std::string::npos) << environment;
    EXPECT_NE(environment.find("\nPOT=set\n"), std::string::npos) << environment;
    EXPECT_EQ(environment.find("SECRET"), std::string::npos) << environment;
    EXPECT_NE(hearthd.ctl({"show-environment"}).out.find("KETTLE=on"), std::string::npos);
}

TEST(HearthdManagerSettings, WhatHearthdGaveUpNoServiceHas) {
    SKIP_WITHOUT_ROOT();
    const Configured place(
        "[Manager]\nNoNewPrivileges=yes\nCapabilityBoundingSet=~CAP_NET_RAW CAP_SYS_MODULE\n");
    const HearthdProcess& hearthd = *place.hearthd;
    hearthd.add(
        "bound.service", std::string(sleeper) + "CapabilityBoundingSet=CAP_NET_RAW CAP_KILL\n");
    ASSERT_EQ(hearthd.ctl({"start", "bound.service"}).status, 0) << hearthd.log();
    EXPECT_EQ(status_of(hearthd, "bound.service", "NoNewPrivs"), "1");
    EXPECT_EQ(status_of(hearthd, "bound.service", "CapBnd"), "0000000000000020")
        << "CAP_KILL alone";
}

TEST(HearthdManagerSettings, TheCommandLineWins) {
    SKIP_WITHOUT_ROOT();
    const testing_support::ScratchDirectory directory;
    const std::string path = directory.path() + "/hearth.conf";
    std::ofstream(path) << "[X-Hearth]\nConfinement=best-effort\n[Manager]\nLogLevel=debug\n";
    const auto shortfall =
        "[Service]\nExecStart=/bin/sleep 600\nAppArmorProfile=nobody-loaded-it\n";
    {
        const HearthdProcess relaxed("", {"--config", path});
        relaxed.add("asks.service", shortfall);
        EXPECT_EQ(relaxed.ctl({"start", "asks.service"}).status, 0) << relaxed.log();
        EXPECT_EQ(relaxed.ctl({"log-level"}).out, "debug\n");
    }
    const HearthdProcess strict("", {"--config", path, "--confinement", "strict"});
    strict.add("asks.service", shortfall);
    EXPECT_NE(strict.ctl({"start", "asks.service"}).status, 0);
}

}  // namespace
}  // namespace hearth::testing
