// SPDX-License-Identifier: MIT
//
// What a session may be (DESIGN 6), step by step: each level's whole plan, in words.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "supervisor/attach.hpp"

namespace hearth {
namespace {

using Level = AttachRequest::Level;

/// A step of each stage, as a confined service's plan has them.
launch::Plan unit_plan() {
    launch::Plan plan;
    plan.unit = "heat.service";
    plan.cgroup = "system.slice/heat.service";
    plan.environment = {"HOME=/srv", "SECRET=1"};
    launch::MakeCgroup cgroup{
        plan.cgroup, {"cpu", "memory"}, {{"memory", "memory.limit_in_bytes", "1", {}}}};
    plan.preparations.push_back({cgroup, {}, 219});
    plan.preparations.push_back(
        {launch::MakePrivateTmp{"tmp", "/tmp"}, {"PrivateTmp", "yes", {}}, 226});
    const auto add = [&](Stage stage, launch::Action action, const char* directive, int status) {
        plan.steps.push_back(
            {stage, std::move(action), {directive, "", {"heat.service", 7, 1}}, status});
    };
    add(Stage::Cgroup, launch::JoinCgroups{}, "CPUQuota", 219);
    add(Stage::Signals, launch::DefaultSignals{{13}}, "", 1);
    add(Stage::Session, launch::NewSession{}, "", 220);
    add(Stage::Descriptors, launch::UseDescriptor{"log", 1}, "", 209);
    add(Stage::Scheduling, launch::SetUmask{0027}, "UMask", 1);
    add(Stage::Keyring, launch::NewSessionKeyring{}, "", 237);
    add(Stage::Namespaces, launch::EnterNamespace{"network"}, "PrivateNetwork", 225);
    add(Stage::Mounts, launch::HidePath{"/home", true}, "ProtectHome", 226);
    add(Stage::Root, launch::PivotRoot{"/srv/root"}, "RootDirectory", 210);
    add(Stage::Limits, launch::SetResourceLimit{7, 64, 64, true}, "LimitNOFILE", 205);
    add(Stage::BoundingSet, launch::DropBoundingSet{1}, "CapabilityBoundingSet", 218);
    add(Stage::Identity, launch::SetGroups{7, {7}}, "User", 216);
    add(Stage::Identity, launch::SetUser{1000}, "User", 217);
    add(Stage::Capabilities, launch::SetCapabilities{0, 0, 0}, "User", 218);
    add(Stage::WorkingDirectory, launch::ChangeDirectory{"/srv", false}, "WorkingDirectory", 200);
    add(Stage::NoNewPrivileges, launch::NoNewPrivileges{}, "NoNewPrivileges", 227);
    add(Stage::CloseDescriptors, launch::CloseDescriptors{}, "", 202);
    add(Stage::SignalMask, launch::ResetSignalMask{}, "", 207);
    add(Stage::Seccomp, launch::LoadSeccomp{{1, 2}}, "SystemCallFilter", 228);
    return plan;
}

launch::Plan session(
    Level level,
    bool terminal = false,
    const std::vector<std::string>& entered = {"network", "mount"}) {
    AttachRequest request;
    request.unit = "heat.service";
    request.level = level;
    request.terminal = terminal;
    request.command = {"ls", "/tmp"};
    request.environment = {{"TERM", "xterm"}};
    return attach_plan(
        request, unit_plan(), entered, "/bin/ls", "system.slice/heat.service/attach-1", 1);
}

std::string steps(const launch::Plan& plan) {
    std::string text;
    for (const launch::Step& step : plan.steps) {
        text += fmt::format("{}: {}\n", name(step.stage), launch::describe(step.action));
    }
    return text;
}

TEST(AttachPlan, DefaultIsRootInTheUnitsNamespacesWithItsBoundingSetAndNoNewPrivileges) {
    EXPECT_EQ(
        steps(session(Level::Default)),
        "cgroup: join-cgroups\n"
        "signals: default-signals\n"
        "session: new-session\n"
        "descriptors: use-descriptor 0 stdin\n"
        "descriptors: use-descriptor 1 stdout\n"
        "descriptors: use-descriptor 2 stderr\n"
        "namespaces: enter-namespace network\n"
        "namespaces: enter-namespace mount\n"
        "bounding-set: drop-bounding-set keep CAP_CHOWN\n"
        "capabilities: set-capabilities effective CAP_CHOWN; permitted CAP_CHOWN; inheritable "
        "none\n"
        "working-directory: change-directory /\n"
        "no-new-privileges: no-new-privileges\n"
        "close-descriptors: close-descriptors\n"
        "signal-mask: reset-signal-mask\n");
}

TEST(AttachPlan, PrivilegedIsPlainNsenter) {
    EXPECT_EQ(
        steps(session(Level::Privileged)),
        "cgroup: join-cgroups\n"
        "signals: default-signals\n"
        "session: new-session\n"
        "descriptors: use-descriptor 0 stdin\n"
        "descriptors: use-descriptor 1 stdout\n"
        "descriptors: use-descriptor 2 stderr\n"
        "namespaces: enter-namespace network\n"
        "namespaces: enter-namespace mount\n"
        "capabilities: set-capabilities effective CAP_CHOWN; permitted CAP_CHOWN; inheritable "
        "none\n"
        "working-directory: change-directory /\n"
        "close-descriptors: close-descriptors\n"
        "signal-mask: reset-signal-mask\n");
}

TEST(AttachPlan, AsServiceIsTheUnitsOwnUserCapabilitiesAndFilter) {
    EXPECT_EQ(
        steps(session(Level::AsService)),
        "cgroup: join-cgroups\n"
        "signals: default-signals\n"
        "session: new-session\n"
        "descriptors: use-descriptor 0 stdin\n"
        "descriptors: use-descriptor 1 stdout\n"
        "descriptors: use-descriptor 2 stderr\n"
        "scheduling: set-umask 0027\n"
        "keyring: new-session-keyring\n"
        "namespaces: enter-namespace network\n"
        "namespaces: enter-namespace mount\n"
        "limits: set-resource-limit NOFILE 64:64\n"
        "bounding-set: drop-bounding-set keep CAP_CHOWN\n"
        "identity: set-groups 7 and 7\n"
        "identity: set-user 1000\n"
        "capabilities: set-capabilities none\n"
        "working-directory: change-directory /srv\n"
        "no-new-privileges: no-new-privileges\n"
        "close-descriptors: close-descriptors\n"
        "signal-mask: reset-signal-mask\n"
        "seccomp: load-seccomp 2 instructions\n");
}

TEST(AttachPlan, OnlyATerminalBecomesTheControllingOne) {
    for (const Level level : {Level::Default, Level::Privileged, Level::AsService}) {
        EXPECT_EQ(steps(session(level)).find("controlling-terminal"), std::string::npos);
        EXPECT_NE(
            steps(session(level, true))
                .find("use-descriptor 2 stderr\ndescriptors: controlling-terminal"),
            std::string::npos);
    }
}

TEST(AttachPlan, ThePidNamespaceIsTheLaunchersToEnter) {
    const std::string text = steps(session(Level::Default, false, {"user", "pid", "ipc", "mount"}));
    EXPECT_EQ(text.find("enter-namespace pid"), std::string::npos);
    EXPECT_NE(
        text.find("enter-namespace user\nnamespaces: enter-namespace ipc\nnamespaces: "
                  "enter-namespace mount"),
        std::string::npos);
}

TEST(AttachPlan, HasACgroupOfItsOwnWithoutLimitsOfItsOwn) {
    const launch::Plan plan = session(Level::Default);
    EXPECT_EQ(plan.unit, "heat.service");
    EXPECT_EQ(plan.cgroup, "system.slice/heat.service/attach-1");
    ASSERT_EQ(plan.preparations.size(), 1U);
    const auto& cgroup = std::get<launch::MakeCgroup>(plan.preparations.front().preparation);
    EXPECT_EQ(cgroup.path, plan.cgroup);
    EXPECT_EQ(cgroup.v1_controllers, (std::vector<std::string>{"cpu", "memory"}));
    EXPECT_TRUE(cgroup.knobs.empty());
}

TEST(AttachPlan, JoinsNoV1CgroupWhereTheUnitHasNone) {
    const AttachRequest request;
    const launch::Plan plan = attach_plan(request, {}, {}, "/bin/sh", "x", 1);
    EXPECT_EQ(steps(plan).find("join-cgroups"), std::string::npos);
    EXPECT_EQ(plan.argv, std::vector<std::string>{"sh"});
}

TEST(AttachPlan, MakesNoCgroupWhereThereAreNone) {
    const launch::Plan plan = attach_plan({}, {}, {}, "/bin/sh", "", 1);
    EXPECT_TRUE(plan.preparations.empty());
    EXPECT_EQ(plan.cgroup, "");
}

TEST(AttachPlan, TheServicesEnvironmentIsForItsOwnLevelOnly) {
    const auto has = [](const launch::Plan& plan, const std::string& entry) {
        return std::ranges::find(plan.environment, entry) != plan.environment.end();
    };
    EXPECT_FALSE(has(session(Level::Default), "SECRET=1"));
    EXPECT_FALSE(has(session(Level::Privileged), "SECRET=1"));
    EXPECT_TRUE(has(session(Level::AsService), "SECRET=1"));
    EXPECT_TRUE(has(session(Level::Default), "HOME=/root"));
    for (const Level level : {Level::Default, Level::Privileged, Level::AsService}) {
        EXPECT_TRUE(has(session(level), "TERM=xterm"));
        EXPECT_EQ(session(level).argv, (std::vector<std::string>{"ls", "/tmp"}));
        EXPECT_EQ(session(level).executable, "/bin/ls");
    }
}

TEST(AttachPlan, AKeptStepStillNamesTheLineThatAskedForIt) {
    for (const launch::Step& step : session(Level::AsService).steps) {
        const bool of_the_unit = step.stage == Stage::Seccomp || step.stage == Stage::BoundingSet;
        EXPECT_EQ(step.asked.directive == "attach", !of_the_unit && step.asked.origin.line != 7)
            << launch::describe(step.action);
    }
}

TEST(AttachPlan, EntersAUserNamespaceWhereTheServiceDid) {
    const auto steps_of = [](std::uint64_t capabilities, Level level) {
        AttachRequest request;
        request.unit = "heat.service";
        request.level = level;
        launch::Plan unit = unit_plan();
        launch::MakeUserNamespace range{
            "user", {{0, 100000, 65536}}, {{0, 100000, 65536}}, false, {}};
        unit.preparations.push_back({range, {"UserNamespaceRange", "auto", {}}, 217});
        const launch::Plan plan = attach_plan(
            request, unit, {"user", "network", "mount"}, "/bin/sh", "system.slice/a", capabilities);
        std::vector<std::string> lines;
        for (const launch::Step& step : plan.steps) {
            if (step.stage == Stage::Namespaces || step.stage == Stage::UserNamespace ||
                step.stage == Stage::Identity) {
                lines.push_back(launch::describe(step.action));
            }
        }
        return lines;
    };
    using Lines = std::vector<std::string>;
    constexpr std::uint64_t all = (std::uint64_t{1} << 41U) - 1;
    EXPECT_EQ(
        steps_of(all, Level::Default),
        (Lines{
            "enter-namespace network",
            "enter-namespace mount",
            "enter-namespace user",
            "set-groups 0 and no others",
            "set-user 0"}));
    EXPECT_EQ(
        steps_of(all, Level::AsService),
        (Lines{
            "enter-namespace network",
            "enter-namespace mount",
            "enter-namespace user",
            "set-groups 7 and 7",
            "set-user 1000"}));
    // A plain user's hearthd has its rights over the others from the user namespace.
    EXPECT_EQ(steps_of(0, Level::AsService).front(), "enter-namespace user");
}

}  // namespace
}  // namespace hearth
