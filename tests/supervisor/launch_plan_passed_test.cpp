// SPDX-License-Identifier: MIT
//
// What a service is passed beside its streams, and how it reaches the notify socket.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "launch_plan_support.hpp"

namespace hearth::launch::testing {
namespace {

bool has_line(const std::vector<std::string>& lines, std::string_view part) {
    return std::ranges::any_of(
        lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

bool has_variable(const Plan& plan, const std::string& variable) {
    return std::ranges::find(plan.environment, variable) != plan.environment.end();
}

TEST(PlanPassed, StoredDescriptorsComeBeforeFiles) {
    Invocation invocation;
    invocation.stored = {{"stored-4", "old"}};
    const Unit unit = service(
        "OpenFile=/etc/hosts:hosts:read-only\nOpenFile=/var/log/a::append,graceful\n"
        "NonBlocking=yes");
    const Plan plan = planned(unit, machine(), invocation);
    EXPECT_EQ(
        plan.passed,
        (std::vector<Passed>{{"stored-4", "old"}, {"file-0", "hosts"}, {"file-1", "a"}}));
    std::vector<OpenFile> files = preparations<OpenFile>(plan);
    std::erase_if(files, [](const OpenFile& file) { return !file.slot.starts_with("file-"); });
    ASSERT_EQ(files.size(), 2U);
    EXPECT_EQ(files[0].flags, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    EXPECT_FALSE(files[0].optional);
    EXPECT_EQ(files[1].flags, O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY);
    EXPECT_TRUE(files[1].optional);
}

TEST(PlanPassed, ControlCommandsGetNothing) {
    Invocation invocation;
    invocation.control = true;
    invocation.stored = {{"stored-4", "old"}};
    const Plan plan = planned(service("OpenFile=/etc/hosts"), machine(), invocation);
    EXPECT_TRUE(plan.passed.empty());
}

TEST(PlanNotify, SaysWhereTheSocketIs) {
    Invocation invocation;
    invocation.notify_socket = "/run/hearth/notify";
    invocation.watchdog_microseconds = 5;
    const Plan plan = planned(service("Type=notify"), machine(), invocation);
    EXPECT_TRUE(has_variable(plan, "NOTIFY_SOCKET=/run/hearth/notify"));
    EXPECT_TRUE(has_variable(plan, "WATCHDOG_USEC=5"));
    EXPECT_EQ(plan.own_pid_variables, std::vector<std::string>{"WATCHDOG_PID"});
    EXPECT_TRUE(mount_lines(plan).empty());
    const Plan silent = planned(service("Type=notify"));
    EXPECT_FALSE(has_line(silent.environment, "NOTIFY_SOCKET="));
}

TEST(PlanNotify, TheSocketIsAllThatAMountNamespaceShowsOfTheRuntimeDirectory) {
    Invocation invocation;
    invocation.notify_socket = "/run/hearth/notify";
    const auto lines = mount_lines(planned(service("ProtectHome=yes"), machine(), invocation));
    EXPECT_TRUE(has_line(lines, "tmpfs on /run/hearth")) << lines.size();
    EXPECT_TRUE(has_line(lines, "/run/hearth/notify"));
    const auto hidden = mount_lines(planned(service("ProtectHome=yes")));
    EXPECT_TRUE(has_line(hidden, "hide-path /run/hearth"));
    EXPECT_FALSE(has_line(hidden, "/run/hearth/notify"));
}

TEST(PlanNotify, ARootOfItsOwnHasTheSocketAtAFixedPlace) {
    Invocation invocation;
    invocation.notify_socket = "/tmp/elsewhere/notify";
    const Plan plan = planned(service("RootDirectory=/srv/root"), machine(), invocation);
    EXPECT_TRUE(has_variable(plan, "NOTIFY_SOCKET=/run/hearth/notify"));
    EXPECT_TRUE(has_line(mount_lines(plan), "/srv/root/run/hearth/notify"));
}

TEST(PlanPermissions, StartOnlyLeavesControlCommandsTheirPrivileges) {
    const Unit unit = service("User=heat\nProtectHome=yes\nPermissionsStartOnly=yes");
    EXPECT_FALSE(steps<SetUser>(planned(unit)).empty());
    Invocation invocation;
    invocation.control = true;
    const Plan control = planned(unit, machine(), invocation);
    EXPECT_TRUE(steps<SetUser>(control).empty());
    EXPECT_TRUE(mount_lines(control).empty());
}

}  // namespace
}  // namespace hearth::launch::testing
