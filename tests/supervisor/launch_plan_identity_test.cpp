// SPDX-License-Identifier: MIT
//
// Who the command runs as and with which privileges; the prefixes of Exec lines.
#include <linux/capability.h>

#include <string>
#include <vector>

#include "tests/supervisor/launch_plan_support.hpp"

namespace hearth::launch::testing {
namespace {

using Lines = std::vector<std::string>;

constexpr std::uint64_t bit(unsigned capability) {
    return std::uint64_t{1} << capability;
}

/// The steps from the bounding set to no_new_privs, one line each.
Lines privileges(const Plan& plan) {
    Lines lines;
    for (const Step& step : plan.steps) {
        if (step.stage >= Stage::BoundingSet && step.stage <= Stage::NoNewPrivileges &&
            step.stage != Stage::WorkingDirectory) {
            lines.push_back(describe(step.action));
        }
    }
    return lines;
}

struct Case {
    std::string lines;
    Lines expected;
};

void check(const std::vector<Case>& cases, const Host& host = machine()) {
    for (const Case& each : cases) {
        EXPECT_EQ(privileges(planned(service(each.lines), host)), each.expected) << each.lines;
    }
}

TEST(Identity, UsersByNameAndNumber) {
    const Lines heat = {"set-groups 991 and 4 44 991", "set-user 990", "set-capabilities none"};
    check({
        {"", {}},
        {"User=heat", heat},
        {"User=990", heat},
        {"User=root", {"set-groups 0 and 0", "set-user 0"}},
        {"User=heat\nGroup=adm",
         {"set-groups 4 and 4 44", "set-user 990", "set-capabilities none"}},
        {"User=heat\nGroup=4", {"set-groups 4 and 4 44", "set-user 990", "set-capabilities none"}},
        {"User=heat\nSupplementaryGroups=daemon 44",
         {"set-groups 991 and 1 4 44 991", "set-user 990", "set-capabilities none"}},
        {"Group=adm", {"set-groups 4 and no others"}},
        {"SupplementaryGroups=adm video", {"set-groups 0 and 4 44"}},
        {"Group=adm\nSupplementaryGroups=video", {"set-groups 4 and 44"}},
    });
}

TEST(Identity, WhoIsNotThereIsRefusedWithItsStatus) {
    struct Missing {
        std::string lines, message;
        int status;
    };
    for (const Missing& each : std::vector<Missing>{
             {"User=nosuch", "User=nosuch: there is no such user in /etc/passwd", 217},
             {"User=4711", "User=4711: there is no such user in /etc/passwd", 217},
             {"Group=nosuch", "Group=nosuch: there is no such group in /etc/group", 216},
             {"Group=4711", "Group=4711: there is no such group in /etc/group", 216},
             {"SupplementaryGroups=adm nosuch",
              "SupplementaryGroups=nosuch: there is no such group in /etc/group",
              216},
         }) {
        const auto result = plan_of(service(each.lines), machine());
        ASSERT_FALSE(result.has_value()) << each.lines;
        EXPECT_EQ(
            one_line(result.error().front()),
            "/etc/systemd/system/test.service:3: " + each.message);
        EXPECT_EQ(exit_status(result.error()), each.status);
        EXPECT_EQ(relaxing_drop_in(result.error()), "")
            << "running as somebody else is no relaxation";
    }
}

TEST(Identity, BestEffortNeverRunsAsSomebodyElse) {
    EXPECT_EQ(refused(service("User=nosuch\n[X-Hearth]\nConfinement=best-effort")).size(), 1U);
}

TEST(Capabilities, TheBoundingSet) {
    check({
        {"CapabilityBoundingSet=",
         {"drop-bounding-set keep none",
          "set-capabilities effective all; permitted all; inheritable none"}},
        {"CapabilityBoundingSet=CAP_KILL\nUser=heat",
         {"drop-bounding-set keep CAP_KILL",
          "set-groups 991 and 4 44 991",
          "set-user 990",
          "set-capabilities none"}},
        {"CapabilityBoundingSet=~CAP_SYS_ADMIN",
         {"drop-bounding-set keep all -CAP_SYS_ADMIN",
          "set-capabilities effective all; permitted all; inheritable none"}},
        {"PrivateDevices=yes\nUser=nobody\nNoNewPrivileges=yes",
         {"drop-bounding-set keep all -CAP_SYS_RAWIO -CAP_MKNOD",
          "set-groups 65534 and 65534",
          "set-user 65534",
          "set-capabilities none",
          "no-new-privileges"}},
    });
    const auto keep = [](const std::string& lines) {
        return steps<DropBoundingSet>(planned(service(lines))).front().keep;
    };
    EXPECT_EQ(
        keep("ProtectClock=yes"), every_capability & ~bit(CAP_SYS_TIME) & ~bit(CAP_WAKE_ALARM));
    EXPECT_EQ(keep("ProtectKernelModules=yes"), every_capability & ~bit(CAP_SYS_MODULE));
    EXPECT_EQ(keep("ProtectKernelLogs=yes"), every_capability & ~bit(CAP_SYSLOG));
}

TEST(Capabilities, WhatHearthdLacksItselfNeedsNoDrop) {
    Host host = machine();
    host.bounding_set = bit(CAP_KILL) | bit(CAP_CHOWN);
    EXPECT_EQ(
        steps<DropBoundingSet>(
            planned(service("CapabilityBoundingSet=CAP_KILL CAP_CHOWN CAP_SYS_ADMIN"), host))
            .size(),
        0U);
    EXPECT_EQ(
        steps<DropBoundingSet>(
            planned(service("CapabilityBoundingSet=CAP_KILL CAP_SYS_ADMIN"), host))
            .at(0)
            .keep,
        bit(CAP_KILL));
}

TEST(Capabilities, AmbientOnesSurviveTheUserChange) {
    check({
        {"User=heat\nAmbientCapabilities=CAP_NET_BIND_SERVICE",
         {"keep-capabilities",
          "set-groups 991 and 4 44 991",
          "set-user 990",
          "set-capabilities CAP_NET_BIND_SERVICE",
          "raise-ambient CAP_NET_BIND_SERVICE"}},
        {"AmbientCapabilities=CAP_NET_BIND_SERVICE",
         {"set-capabilities effective all; permitted all; inheritable CAP_NET_BIND_SERVICE",
          "raise-ambient CAP_NET_BIND_SERVICE"}},
    });
}

TEST(Capabilities, AmbientOnesThatCanNotBeHadAreTold) {
    Host host = machine();
    host.capabilities &= ~bit(CAP_SYS_RESOURCE);
    const Plan lacking =
        planned(service("User=heat\nAmbientCapabilities=CAP_KILL CAP_SYS_RESOURCE"), host);
    EXPECT_EQ(steps<RaiseAmbient>(lacking).at(0).mask, bit(CAP_KILL));
    ASSERT_EQ(lacking.shortfalls.size(), 1U);
    EXPECT_EQ(
        lacking.shortfalls[0].message,
        "AmbientCapabilities=CAP_SYS_RESOURCE can't be given here: hearthd itself lacks it");
    const Plan outside = planned(
        service("User=heat\nAmbientCapabilities=CAP_KILL\nCapabilityBoundingSet=CAP_CHOWN"));
    EXPECT_TRUE(steps<RaiseAmbient>(outside).empty());
    ASSERT_EQ(outside.shortfalls.size(), 1U);
    EXPECT_EQ(
        outside.shortfalls[0].message,
        "AmbientCapabilities=CAP_KILL can't be given here: the unit's own bounding set leaves it "
        "out");
}

TEST(Capabilities, NoNewPrivilegesIsImpliedByAFilterWithoutSysAdmin) {
    const auto implied = [](const std::string& lines, const Host& host) {
        return steps<NoNewPrivileges>(planned(service(lines), host)).size();
    };
    const Host host = machine();
    Host weak = machine();
    weak.capabilities &= ~bit(CAP_SYS_ADMIN);
    EXPECT_EQ(implied("NoNewPrivileges=yes", host), 1U);
    EXPECT_EQ(implied("SystemCallFilter=@system-service", host), 0U);
    EXPECT_EQ(implied("SystemCallFilter=@system-service\nUser=heat", host), 1U);
    EXPECT_EQ(implied("SystemCallFilter=@system-service\nUser=root", host), 0U);
    EXPECT_EQ(
        implied(
            "SystemCallFilter=@system-service\nUser=heat\nAmbientCapabilities=CAP_SYS_ADMIN", host),
        0U);
    EXPECT_EQ(implied("SystemCallFilter=@system-service", weak), 1U);
    EXPECT_EQ(implied("LockPersonality=yes\nUser=heat", host), 1U);
    EXPECT_EQ(implied("PrivateTmp=yes\nUser=heat", host), 0U);
    // Until execve() uid 0 keeps what the filter needs.
    EXPECT_EQ(
        steps<SetCapabilities>(planned(service("CapabilityBoundingSet=\nLockPersonality=yes")))
            .at(0)
            .effective,
        every_capability);
}

TEST(Identity, WithoutTheCapabilitiesOnlyOneselfWillDo) {
    Host user = machine();
    user.capabilities = 0;
    user.own_uid = 990;
    user.own_gid = 991;
    EXPECT_EQ(privileges(planned(service("User=heat"), user)), Lines{});
    EXPECT_EQ(privileges(planned(service(""), user)), Lines{});
    EXPECT_EQ(
        refused(service("User=nobody"), user),
        (Lines{
            "/etc/systemd/system/test.service:3: User=nobody can't be given here: hearthd lacks "
            "CAP_SETUID",
            "/etc/systemd/system/test.service:3: User=nobody can't be given here: hearthd lacks "
            "CAP_SETGID"}));
    EXPECT_EQ(
        refused(service("User=heat\nGroup=adm"), user),
        Lines{"/etc/systemd/system/test.service:4: Group=adm can't be given here: hearthd lacks "
              "CAP_SETGID"});
}

Plan with_prefix(const std::string& prefix, const std::string& lines) {
    return planned(
        load("test.service", "[Service]\nExecStart=" + prefix + "/bin/true\n" + lines + "\n"));
}

TEST(Prefixes, APlusKeepsAllPrivilegesButTheNamespacesOfTheUnit) {
    const Plan plan = with_prefix(
        "+",
        "User=heat\nCapabilityBoundingSet=\nNoNewPrivileges=yes\nSystemCallFilter=@basic-io\n"
        "PrivateNetwork=yes\nProtectHostname=yes\nProtectSystem=strict\nCPUQuota=10%");
    EXPECT_EQ(privileges(plan), Lines{});
    EXPECT_TRUE(steps<LoadSeccomp>(plan).empty());
    EXPECT_EQ(steps<EnterNamespace>(plan), std::vector<EnterNamespace>{{"network"}});
    EXPECT_TRUE(steps<NewNamespaces>(plan).empty());
    EXPECT_EQ(preparations<MakeCgroup>(plan).at(0).knobs.size(), 2U)
        << "limits hold for the whole cgroup";
    EXPECT_EQ(plan.environment.at(2), "LOGNAME=heat") << "the variables are the unit's";
}

TEST(Prefixes, AnExclamationMarkKeepsOnlyTheUser) {
    const Plan plan = with_prefix(
        "!",
        "User=heat\nCapabilityBoundingSet=CAP_KILL\nNoNewPrivileges=yes\nSystemCallFilter=@basic-"
        "io\nPrivateTmp=yes");
    EXPECT_EQ(
        privileges(plan),
        (Lines{
            "drop-bounding-set keep CAP_KILL",
            "set-capabilities effective all; permitted all; inheritable none",
            "no-new-privileges"}));
    EXPECT_EQ(steps<LoadSeccomp>(plan).size(), 1U);
    EXPECT_FALSE(mount_lines(plan).empty());
}

TEST(Prefixes, TwoExclamationMarksChangeNothingWhereAmbientCapabilitiesAre) {
    const Plan plan = with_prefix("!!", "User=heat"), plain = with_prefix("", "User=heat");
    EXPECT_EQ(plan, plain);
}

}  // namespace
}  // namespace hearth::launch::testing
