// SPDX-License-Identifier: MIT
//
// Fail closed: what a host can't give is refused by name, line and what is missing; all of it at
// once; unless it is relaxed by name or doesn't confine. And the drop-in that would let the unit
// start.
#include <linux/capability.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/supervisor/launch_plan_support.hpp"

namespace hearth::launch::testing {
namespace {

using Lines = std::vector<std::string>;

Host without(unsigned capability) {
    Host host = machine();
    host.capabilities &= ~(std::uint64_t{1} << capability);
    return host;
}
Host without_filter() {
    Host host = machine();
    host.seccomp = false;
    return host;
}
Host without_controller(const std::string& controller, const std::string& reason) {
    Host host = machine();
    host.controllers.erase(controller);
    host.controllers_missing[controller] = reason;
    return host;
}

struct Case {
    std::string directive, value;
    Host host;
    std::string reason;
    int status;
};

/// Refused alone, relaxed by name, relaxed wholesale.
void check(const std::vector<Case>& cases) {
    for (const Case& each : cases) {
        const std::string line = each.directive + "=" + each.value;
        const std::string message =
            each.directive + "=" + each.value + " can't be given here: " + each.reason;
        const auto result = plan_of(service(line), each.host);
        ASSERT_FALSE(result.has_value()) << line;
        ASSERT_EQ(result.error().size(), 1U) << line;
        EXPECT_EQ(one_line(result.error()[0]), "/etc/systemd/system/test.service:3: " + message);
        EXPECT_EQ(result.error()[0].severity, Severity::Error);
        EXPECT_EQ(exit_status(result.error()), each.status) << line;
        const std::string drop_in = relaxing_drop_in(result.error());
        EXPECT_EQ(drop_in, "[X-Hearth]\nRelaxConfinement=" + each.directive + "\n");
        for (const std::string& relaxation :
             {drop_in, std::string("[X-Hearth]\nConfinement=best-effort\n")}) {
            const Plan plan = planned(service(line + "\n" + relaxation), each.host);
            ASSERT_EQ(plan.shortfalls.size(), 1U) << line;
            EXPECT_EQ(plan.shortfalls[0].message, message);
            EXPECT_EQ(plan.shortfalls[0].origin.line, 3U);
        }
    }
}

TEST(Refusals, NamespacesAndMountsNeedSysAdmin) {
    const Host host = without(CAP_SYS_ADMIN);
    const std::string reason = "hearthd lacks CAP_SYS_ADMIN";
    check({
        {"PrivateNetwork", "yes", host, reason, 225},
        {"PrivateIPC", "yes", host, reason, 226},
        {"PrivateTmp", "yes", host, reason, 226},
        {"PrivateMounts", "yes", host, reason, 226},
        {"ProtectSystem", "strict", host, reason, 226},
        {"ProtectHome", "read-only", host, reason, 226},
        {"ProtectControlGroups", "yes", host, reason, 226},
        {"ReadOnlyPaths", "/srv", host, reason, 226},
        {"ReadWritePaths", "/srv", host, reason, 226},
        {"InaccessiblePaths", "/srv", host, reason, 226},
        {"BindPaths", "/srv", host, reason, 226},
        {"BindReadOnlyPaths", "/srv", host, reason, 226},
        {"TemporaryFileSystem", "/srv", host, reason, 226},
    });
}

TEST(Refusals, TheBoundingSetNeedsSetpcap) {
    check(
        {{"CapabilityBoundingSet",
          "CAP_KILL",
          without(CAP_SETPCAP),
          "hearthd lacks CAP_SETPCAP",
          218}});
}

TEST(Refusals, FiltersNeedTheKernels) {
    const std::string reason = "this kernel has no system call filter (CONFIG_SECCOMP_FILTER)";
    check({
        {"SystemCallArchitectures", "native", without_filter(), reason, 228},
        {"RestrictAddressFamilies", "AF_UNIX", without_filter(), reason, 232},
        {"LockPersonality", "yes", without_filter(), reason, 228},
        {"MemoryDenyWriteExecute", "yes", without_filter(), reason, 228},
        {"RestrictRealtime", "yes", without_filter(), reason, 228},
        {"RestrictSUIDSGID", "yes", without_filter(), reason, 228},
    });
}

TEST(Refusals, LimitsNeedTheirControllers) {
    const std::string reason = "the v1 cpu hierarchy is mounted read-only";
    check({
        {"CPUQuota", "20%", without_controller("cpu", reason), reason, 219},
        {"MemoryMax",
         "32M",
         without_controller("memory", "not in cgroup.controllers"),
         "not in cgroup.controllers",
         219},
        {"TasksMax", "8", without_controller("pids", "no"), "no", 219},
        {"TasksMax",
         "8",
         machine(CgroupLayout::None),
         "there is no cgroup that hearthd may write to",
         219},
        {"MemoryHigh",
         "16M",
         machine(),
         "the v1 memory controller of this host has no such limit; MemoryMax= it has",
         219},
    });
}

TEST(Refusals, ProfilesNeedAppArmor) {
    const Unit unit = service("AppArmorProfile=heat");
    EXPECT_EQ(
        refused(unit),
        Lines{"/etc/systemd/system/test.service:3: AppArmorProfile=heat can't be given here: "
              "this kernel has no AppArmor"});
    EXPECT_EQ(exit_status(plan_of(unit, machine()).error()), 231);
    EXPECT_EQ(
        planned(service("AppArmorProfile=heat\n[X-Hearth]\nRelaxConfinement=AppArmorProfile"))
            .shortfalls.size(),
        1U);
}

TEST(Refusals, ProfilesMustBeLoaded) {
    Host host = machine();
    host.linux_security_modules = {"apparmor"};
    Invocation invocation;
    invocation.apparmor_profiles = {"heat"};
    EXPECT_EQ(
        refused(service("AppArmorProfile=cold"), host, invocation),
        Lines{"/etc/systemd/system/test.service:3: AppArmorProfile=cold can't be given here: "
              "no such profile is loaded"});
    EXPECT_EQ(
        steps<SetSecurityLabel>(planned(service("AppArmorProfile=heat"), host, invocation)).size(),
        1U);
    EXPECT_TRUE(steps<SetSecurityLabel>(planned(service("AppArmorProfile=-cold"), host, invocation))
                    .empty());
}

TEST(Refusals, SharesNeverRefuse) {
    const Plan plan = planned(service("CPUWeight=50"), without_controller("cpu", "no cpu here"));
    ASSERT_EQ(plan.shortfalls.size(), 1U);
    EXPECT_EQ(plan.shortfalls[0].message, "CPUWeight=50 can't be given here: no cpu here");
}

TEST(Refusals, AllAreToldAtOnce) {
    Host host = without(CAP_SYS_ADMIN);
    host.seccomp = false;
    host.controllers.clear();
    const Unit unit = service(
        "User=nosuch\nCPUQuota=20%\nPrivateNetwork=yes\nPrivateTmp=yes\nProtectHome="
        "yes\nLockPersonality=yes\n"
        "PAMName=login");
    const Lines lines = refused(unit, host);
    for (const std::string expected :
         {":3: User=nosuch",
          ":4: CPUQuota=20%",
          ":5: PrivateNetwork=yes",
          ":6: PrivateTmp=yes",
          ":7: ProtectHome=yes",
          ":8: LockPersonality=yes",
          ":9: PAMName=login"}) {
        EXPECT_TRUE(std::ranges::any_of(lines, [&](const std::string& line) {
            return line.find(expected) != std::string::npos;
        })) << expected;
    }
    EXPECT_EQ(lines.size(), 7U);
}

TEST(Refusals, TheDropInNamesAllThatIsNeededAndNoMore) {
    const auto drop_in = [](const std::string& lines, const Host& host) {
        return relaxing_drop_in(plan_of(service(lines), host).error());
    };
    const Host host = without(CAP_SYS_ADMIN);
    const std::string both =
        drop_in("PrivateTmp=yes\nPrivateNetwork=yes\nNoNewPrivileges=yes", host);
    EXPECT_EQ(both, "[X-Hearth]\nRelaxConfinement=PrivateNetwork PrivateTmp\n");
    EXPECT_TRUE(
        plan_of(service("PrivateTmp=yes\nPrivateNetwork=yes\nNoNewPrivileges=yes\n" + both), host)
            .has_value());
    EXPECT_EQ(drop_in("PrivateTmp=yes\nUser=nosuch", host), "")
        << "a missing user can't be relaxed";
    EXPECT_EQ(drop_in("RootDirectory=/srv/root", host), "") << "another root is another program";
    EXPECT_EQ(
        drop_in("PAMName=login\nPrivateTmp=yes", host),
        "[X-Hearth]\nRelaxConfinement=PAMName PrivateTmp\n");
}

TEST(Refusals, RelaxingOneLeavesTheOthers) {
    EXPECT_EQ(
        refused(
            service("PrivateTmp=yes\nProtectHome=yes\n[X-Hearth]\nRelaxConfinement=PrivateTmp"),
            without(CAP_SYS_ADMIN)),
        Lines{"/etc/systemd/system/test.service:4: ProtectHome=yes can't be given here: hearthd "
              "lacks CAP_SYS_ADMIN"});
}

TEST(Refusals, WhatIsRelaxedButCanBeGivenIsGiven) {
    const Plan plan =
        planned(service("PrivateTmp=yes\nPrivateNetwork=yes\n[X-Hearth]\nConfinement=best-effort"));
    EXPECT_TRUE(plan.shortfalls.empty());
    EXPECT_EQ(preparations<MakePrivateTmp>(plan).size(), 2U);
    EXPECT_EQ(preparations<MakeNamespace>(plan).size(), 1U);
}

TEST(Refusals, TheRootItselfCanNotBeReplaced) {
    for (const std::string line :
         {"TemporaryFileSystem=/", "InaccessiblePaths=/", "BindPaths=/srv:/"}) {
        const auto lines = refused(service(line));
        ASSERT_EQ(lines.size(), 1U) << line;
        EXPECT_NE(lines[0].find("the root directory itself can't be replaced"), std::string::npos)
            << lines[0];
    }
}

TEST(Refusals, AFilterThatWasAskedForIsNeverLeftOut) {
    const Unit unit = service("SystemCallFilter=@system-service");
    const std::vector<std::uint64_t> none;
    Invocation invocation;
    invocation.command = &unit.settings.service.exec_start.front();
    EXPECT_FALSE(plan(unit, invocation, machine()).has_value());
    invocation.seccomp = &none;
    EXPECT_FALSE(plan(unit, invocation, machine()).has_value());
}

TEST(Refusals, AUnitThatWasNotJudgedIsHeldToItsRefusedDirectivesAllTheSame) {
    Unit unit = service("");
    unit.settings.refused = {{"RestrictFileSystems", "yes"}, {"PAMName", "no"}};
    const Lines lines = refused(unit);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_NE(
        lines[0].find("RestrictFileSystems=yes can't be given here: this kernel has no BPF"),
        std::string::npos);
}

TEST(Refusals, ValuesAreShownInOneLine) {
    const auto lines = refused(
        service("CapabilityBoundingSet=CAP_KILL\nCapabilityBoundingSet=CAP_CHOWN"),
        without(CAP_SETPCAP));
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].find('\n'), std::string::npos);
}

}  // namespace
}  // namespace hearth::launch::testing
