// SPDX-License-Identifier: MIT
//
// Namespaces in the plan: which are made, which are joined, in what order, and what is refused.
#include <linux/capability.h>
#include <sched.h>

#include <algorithm>

#include "tests/supervisor/launch_plan_support.hpp"

namespace hearth::launch::testing {
namespace {

using Lines = std::vector<std::string>;

std::uint64_t without(unsigned capability) {
    return every_capability & ~(std::uint64_t{1} << capability);
}

/// hearthd --user of uid 1000, which may make user namespaces.
Host user_manager() {
    Host host = machine();
    host.user_manager = true;
    host.own_uid = host.own_gid = 1000;
    host.capabilities = 0;
    host.cgroup_layout = CgroupLayout::None;
    host.cgroup_points.clear();
    host.controllers.clear();
    host.runtime_directory = "/run/user/1000/hearth";
    return host;
}

Lines namespace_lines(const Plan& plan) {
    Lines lines;
    for (const Prepared& prepared : plan.preparations) {
        const bool ours = std::holds_alternative<MakeNamespace>(prepared.preparation) ||
                          std::holds_alternative<OpenNamespace>(prepared.preparation) ||
                          std::holds_alternative<MakeUserNamespace>(prepared.preparation) ||
                          std::holds_alternative<JoinActivation>(prepared.preparation);
        if (ours) {
            lines.push_back(describe(prepared.preparation));
        }
    }
    for (const Step& step : plan.steps) {
        if (step.stage == Stage::Namespaces || step.stage == Stage::UserNamespace ||
            step.stage == Stage::Hostname || step.stage == Stage::Identity) {
            lines.push_back(std::string(hearth::name(step.stage)) + ": " + describe(step.action));
        }
    }
    return lines;
}

bool contains(const Lines& lines, const std::string& text) {
    return std::ranges::any_of(
        lines, [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

// ---- joined by path

TEST(PlannedNamespaces, OfAPathAreOpenedOnceAndWinOverThePrivateOnes) {
    const Plan plan = planned(service(
        "PrivateNetwork=yes\nNetworkNamespacePath=/run/netns/heat\nIPCNamespacePath=/run/ipc"));
    EXPECT_EQ(
        namespace_lines(plan),
        (Lines{
            "open-namespace ipc, ipc at /run/ipc",
            "open-namespace network, network at /run/netns/heat",
            "namespaces: enter-namespace ipc",
            "namespaces: enter-namespace network",
        }));
}

TEST(PlannedNamespaces, OfAPathNeedTheRightToEnterThem) {
    Host host = machine();
    host.capabilities = without(CAP_SYS_ADMIN);
    EXPECT_EQ(
        refused(service("NetworkNamespacePath=/run/netns/heat"), host),
        Lines{"/etc/systemd/system/test.service:3: NetworkNamespacePath=/run/netns/heat can't be "
              "given here: hearthd lacks CAP_SYS_ADMIN"});
    EXPECT_TRUE(contains(
        refused(service("IPCNamespacePath=/run/ipc\nPrivateUsers=yes"), user_manager()),
        "IPCNamespacePath=/run/ipc can't be given here: hearthd lacks CAP_SYS_ADMIN"));
}

TEST(PlannedNamespaces, AreJoinedOfOtherUnitsBeforeAnyIsMade) {
    const std::string text =
        "[Unit]\nJoinsNamespaceOf=a.service b.service\n[Service]\nExecStart=/bin/true\n";
    const Plan plan = planned(load("test.service", text + "PrivateNetwork=yes\nPrivateTmp=yes\n"));
    EXPECT_EQ(
        namespace_lines(plan),
        (Lines{
            "join-activation network tmp var-tmp of a.service b.service",
            "make-namespace network, network with loopback",
            "namespaces: enter-namespace network",
        }));
    // Nothing of it is private: nothing is shared.
    EXPECT_EQ(namespace_lines(planned(load("test.service", text))), Lines{});
}

TEST(PlannedNamespaces, AreJoinedInTheOtherDirectionToo) {
    Invocation invocation;
    invocation.joined_by = {"b.service"};
    const Plan plan = planned(service("PrivateIPC=yes"), machine(), invocation);
    EXPECT_TRUE(contains(namespace_lines(plan), "join-activation ipc of b.service"));
}

// ---- host name, control groups, processes

TEST(PlannedHostname, MayBeTheServicesOwn) {
    const Plan own = planned(service("ProtectHostname=private:furnace"));
    EXPECT_EQ(
        namespace_lines(own),
        (Lines{"namespaces: new-namespaces uts", "hostname: set-hostname furnace"}));
    EXPECT_TRUE(steps<LoadSeccomp>(own).empty()) << "the name is its own to change";
    EXPECT_TRUE(mount_lines(own).empty());
    EXPECT_EQ(steps<LoadSeccomp>(planned(service("ProtectHostname=yes"))).size(), 1U);
}

TEST(PlannedControlGroups, AreFreshMountsInANamespaceOfTheirOwn) {
    const Plan plan = planned(service("MemoryMax=32M\nProtectControlGroups=strict"));
    EXPECT_EQ(namespace_lines(plan), Lines{"namespaces: new-namespaces cgroup"});
    const Lines lines = mount_lines(plan);
    for (const char* const line :
         {"mount-file-system tmpfs on /sys/fs/cgroup nosuid,nodev,noexec mode=0755",
          "mount-file-system cgroup on /sys/fs/cgroup/memory nosuid,nodev,noexec memory",
          "mount-file-system cgroup2 on /sys/fs/cgroup/unified nosuid,nodev,noexec",
          "mount-attributes /sys/fs/cgroup/memory ro, not recursive",
          "mount-attributes /sys/fs/cgroup/unified ro, not recursive",
          "mount-attributes /sys/fs/cgroup ro, not recursive"}) {
        EXPECT_NE(std::ranges::find(lines, line), lines.end()) << line;
    }
    const Lines own = mount_lines(planned(service("ProtectControlGroups=private")));
    EXPECT_FALSE(contains(own, " ro"));
    EXPECT_FALSE(contains(own, "memory")) << "there the service is in hearthd's own cgroup";
    const Lines unified = mount_lines(
        planned(service("ProtectControlGroups=private"), machine(CgroupLayout::Unified)));
    EXPECT_TRUE(contains(unified, "mount-file-system cgroup2 on /sys/fs/cgroup nosuid"));
    EXPECT_FALSE(contains(unified, "tmpfs"));
}

TEST(PlannedControlGroups, OfItsOwnNeedCgroups) {
    Host host = machine();
    host.cgroup_layout = CgroupLayout::None;
    EXPECT_TRUE(contains(
        refused(service("ProtectControlGroups=private"), host),
        ":3: ProtectControlGroups=private can't be given here: hearthd has no cgroups here"));
}

TEST(PlannedProcesses, OfItsOwnComeWithAProcOfTheirOwn) {
    const Plan plan = planned(service("PrivatePIDs=yes"));
    EXPECT_TRUE(plan.new_pid_namespace);
    EXPECT_TRUE(contains(mount_lines(plan), "mount-file-system proc on /proc"));
    EXPECT_FALSE(
        planned(service("ExecStart=\nExecStart=+/bin/true\nPrivatePIDs=yes")).new_pid_namespace);
}

TEST(PlannedProcesses, OfItsOwnEndWithAForkingServicesFirst) {
    EXPECT_TRUE(contains(
        refused(service("Type=forking\nPrivatePIDs=yes")),
        ":4: PrivatePIDs=yes is not allowed with Type=forking"));
}

// ---- user namespaces

TEST(PlannedUsers, OfItsOwnAreEnteredLastAndMapRootAndTheUnitsOwn) {
    const Plan plan = planned(service("User=heat\nPrivateUsers=yes\nPrivateNetwork=yes"));
    EXPECT_EQ(
        namespace_lines(plan),
        (Lines{
            "make-user-namespace user, uids 0:0:1 990:990:1, gids 0:0:1 991:991:1",
            "make-namespace network, network with loopback",
            "namespaces: enter-namespace network",
            "user-namespace: set-groups 991 and 4 44 991",
            "user-namespace: enter-namespace user",
            "identity: set-user 990",
        }));
    // Entering gives all capabilities over it, and the unit says which of these stay.
    const Plan bounded = planned(service("PrivateUsers=yes\nCapabilityBoundingSet=CAP_CHOWN"));
    const auto dropped = steps<DropBoundingSet>(bounded);
    ASSERT_EQ(dropped.size(), 1U);
    EXPECT_EQ(dropped.front().keep, std::uint64_t{1} << CAP_CHOWN);
}

TEST(PlannedUsers, AreBoundedEvenByWhatHearthdLacksItself) {
    Host host = machine();
    host.bounding_set = host.capabilities = without(CAP_SYS_RESOURCE);
    const Plan plan =
        planned(service("PrivateUsers=yes\nCapabilityBoundingSet=~CAP_SYS_RESOURCE"), host);
    EXPECT_EQ(steps<DropBoundingSet>(plan).size(), 1U)
        << "a new user namespace fills the bounding set";
}

TEST(PlannedUsers, MapTheHostsIdsWhereAsked) {
    EXPECT_TRUE(contains(
        namespace_lines(planned(service("PrivateUsers=identity"))),
        "make-user-namespace user, uids 0:0:65536, gids 0:0:65536"));
    EXPECT_TRUE(contains(
        namespace_lines(planned(service("PrivateUsers=full"))),
        "uids 0:0:1 1:1:4294967294, gids 0:0:1 1:1:4294967294"));
}

TEST(PlannedUsers, AreNotForCommandsWithFullPrivileges) {
    const Plan plan = planned(service("ExecStart=\nExecStart=+/bin/true\nPrivateUsers=yes"));
    EXPECT_EQ(namespace_lines(plan), Lines{});
}

TEST(PlannedUsers, NeedTheKernelAndTheRightToMap) {
    Host host = machine();
    host.user_namespaces_missing = "this kernel has no user namespaces";
    EXPECT_EQ(
        refused(service("PrivateUsers=yes"), host),
        Lines{"/etc/systemd/system/test.service:3: PrivateUsers=yes can't be given here: this "
              "kernel has no user namespaces"});
    host = machine();
    host.capabilities = without(CAP_SETGID);
    EXPECT_TRUE(contains(
        refused(service("PrivateUsers=yes"), host), "PrivateUsers=yes can't be given here"));
    EXPECT_EQ(exit_status(plan_of(service("PrivateUsers=yes"), host).error()), 217);
}

// ---- ranges

TEST(PlannedRange, OfTheUnitsUserStandsForZeroAndUpInside) {
    const Plan plan =
        planned(service("User=heat\n"
                        "[X-Hearth]\nUserNamespaceRange=600000:65536"));
    EXPECT_EQ(
        namespace_lines(plan),
        (Lines{
            "make-user-namespace user, uids 0:600000:65536, gids 0:600000:65536",
            "user-namespace: enter-namespace user",
            "identity: set-groups 991 and 4 44 991",
            "identity: set-user 990",
        }));
}

TEST(PlannedRange, MakesRootOfWhoIsNobodyElse) {
    const Plan plan = planned(service("[X-Hearth]\nUserNamespaceRange=100000:65536"));
    EXPECT_TRUE(contains(namespace_lines(plan), "identity: set-groups 0 and no others"));
    EXPECT_TRUE(contains(namespace_lines(plan), "identity: set-user 0"));
}

TEST(PlannedRange, IsFoundAndSharedWithNobody) {
    const Unit unit = service("[X-Hearth]\nUserNamespaceRange=auto");
    const auto base = [&](Invocation invocation) {
        return preparations<MakeUserNamespace>(planned(unit, machine(), std::move(invocation)))
            .front()
            .uids.front()
            .outside;
    };
    const std::uint32_t first = base({});
    EXPECT_TRUE(first == 100000 || first == 165536) << first;
    Invocation busy;
    busy.ranges_in_use = {{0, first, 65536}};
    const std::uint32_t second = base(busy);
    EXPECT_NE(second, first);
    busy.ranges_in_use.push_back({0, second, 65536});
    busy.command = &unit.settings.service.exec_start.front();
    const auto none = plan_of(unit, machine(), busy);
    ASSERT_FALSE(none);
    EXPECT_EQ(
        one_line(none.error().front()),
        "/etc/systemd/system/test.service:4: UserNamespaceRange=auto can't be given here: other "
        "units use each of the 2 ranges of hearth, root");
    Invocation again;
    again.own_range = IdRange{0, 165536, 65536};
    EXPECT_EQ(base(again), 165536U) << "one activation, one range";
}

TEST(PlannedRange, IsGivenByTheFilesOrRefused) {
    const auto why = [](const std::string& range, const Host& host) {
        return refused(service("[X-Hearth]\nUserNamespaceRange=" + range), host);
    };
    EXPECT_EQ(
        why("100000:200000", machine()),
        Lines{"/etc/systemd/system/test.service:4: UserNamespaceRange=100000:200000 can't be given "
              "here: no line of /etc/subuid and of /etc/subgid gives it to one of hearth, root"});
    EXPECT_TRUE(contains(why("600000:1000", machine()), "gives it to one of hearth, root"))
        << "that is heat's";
    Host host = machine();
    host.subordinate_gids.clear();
    EXPECT_TRUE(contains(why("auto", host), "don't give the same 65536 ids"));
    host = machine();
    host.capabilities = without(CAP_SYS_ADMIN);
    EXPECT_TRUE(contains(why("auto", host), "UserNamespaceRange=auto can't be given here"));
}

TEST(PlannedRange, HoldsTheIdsOfTheUnit) {
    EXPECT_TRUE(contains(
        refused(service("User=heat\n[X-Hearth]\nUserNamespaceRange=600000:500")),
        ":3: User=heat has the id 990, and UserNamespaceRange= only 500 ids"));
    EXPECT_TRUE(contains(
        refused(service("PrivateUsers=full\n[X-Hearth]\nUserNamespaceRange=auto")),
        "UserNamespaceRange=auto contradicts PrivateUsers=full"));
}

TEST(PlannedRange, ShowsTheUnitsOwnPathsWithTheIdsThatAreOnDisk) {
    const Plan plan =
        planned(service("BindPaths=/srv/heat\nRootDirectory=/srv/root\nProtectSystem=strict\n"
                        "ReadWritePaths=+/var/heat\n[X-Hearth]\nUserNamespaceRange=auto"));
    std::map<std::string, std::string> maps;
    for (const CloneTree& tree : preparations<CloneTree>(plan)) {
        maps[tree.slot] = tree.id_map;
    }
    EXPECT_EQ(maps["bind:/srv/heat"], "user");
    EXPECT_EQ(maps["root"], "user");
    EXPECT_EQ(maps["writable:/var/heat"], "user") << "a part of that root";
    EXPECT_EQ(maps["bind:/dev"], "") << "devices are the host's";
    // Without a root of its own, the host's files stay whose they are.
    for (const CloneTree& tree :
         preparations<CloneTree>(planned(service("ProtectSystem=strict\nReadWritePaths=/var/"
                                                 "heat\n[X-Hearth]\nUserNamespaceRange=auto")))) {
        EXPECT_EQ(tree.id_map, "") << tree.slot;
    }
}

// ---- the third ground: hearthd --user, or without CAP_SYS_ADMIN

TEST(PlannedForAUser, TakesItsRightsFromAUserNamespaceThatComesFirst) {
    const Plan plan = planned(service("PrivateNetwork=yes\nPrivateIPC=yes"), user_manager());
    EXPECT_EQ(
        namespace_lines(plan),
        (Lines{
            "make-user-namespace user, uids 1000:1000:1, gids 1000:1000:1, no setgroups, with ipc, "
            "ipc, with network, network with loopback",
            "namespaces: enter-namespace user",
            "namespaces: enter-namespace ipc",
            "namespaces: enter-namespace network",
        }));
    EXPECT_EQ(namespace_lines(planned(service(""), user_manager())), Lines{});
}

TEST(PlannedForAUser, CopiesItsMountsItself) {
    const Plan plan = planned(service("ProtectSystem=strict\nPrivateTmp=yes"), user_manager());
    EXPECT_TRUE(preparations<CloneTree>(plan).empty()) << "hearthd may not";
    const Lines lines = mount_lines(plan);
    ASSERT_GT(lines.size(), 4U);
    const auto unshared = std::ranges::find(lines, "new-namespaces mount");
    const auto slave = std::ranges::find(lines, "mount-propagation / slave, read-only");
    EXPECT_NE(unshared, lines.end());
    EXPECT_NE(slave, lines.end());
    EXPECT_TRUE(contains(lines, "keep-tree writable:/dev of /dev"));
    EXPECT_LT(unshared, slave);
}

TEST(PlannedForAUser, RefusesWhatAUserNamespaceDoesNotGive) {
    const Host host = user_manager();
    EXPECT_TRUE(contains(
        refused(service("PrivatePIDs=yes\nPrivateUsers=yes"), host),
        ":3: PrivatePIDs=yes can't be given here: hearthd lacks CAP_SYS_ADMIN"));
    EXPECT_TRUE(contains(
        refused(service("PrivateUsers=full"), host),
        ":3: PrivateUsers=full can't be given here: hearthd lacks CAP_SETUID"));
    EXPECT_TRUE(contains(
        refused(service("User=heat\nPrivateTmp=yes"), host),
        ":3: User=heat can't be given here: hearthd lacks CAP_SETUID"));
    EXPECT_TRUE(contains(
        refused(service("[X-Hearth]\nUserNamespaceRange=auto"), host),
        ":4: UserNamespaceRange=auto can't be given here: hearthd lacks CAP_SYS_ADMIN"));
}

TEST(PlannedForAUser, RefusesEverythingWhereTheKernelHasNoUserNamespacesForHim) {
    Host host = user_manager();
    host.user_namespaces_missing = "user.max_user_namespaces is 0";
    EXPECT_EQ(
        refused(service("PrivateNetwork=yes"), host),
        Lines{"/etc/systemd/system/test.service:3: PrivateNetwork=yes can't be given here: hearthd "
              "lacks CAP_SYS_ADMIN, and can't have it in a user namespace: "
              "user.max_user_namespaces is 0"});
}

TEST(PlannedWithoutSysAdmin, MapsAsRootMayWhenAskedForUsers) {
    Host host = machine();
    host.capabilities = without(CAP_SYS_ADMIN);
    const Plan plan = planned(service("User=heat\nPrivateUsers=yes\nPrivateIPC=yes"), host);
    EXPECT_EQ(
        namespace_lines(plan),
        (Lines{
            "make-user-namespace user, uids 0:0:1 990:990:1, gids 0:0:1 991:991:1, with ipc, ipc",
            "namespaces: set-groups 991 and 4 44 991",
            "namespaces: enter-namespace user",
            "namespaces: enter-namespace ipc",
            "identity: set-user 990",
        }));
    EXPECT_EQ(refused(service("PrivateIPC=yes"), host).size(), 1U) << "nothing implies it for root";
}

// ---- facts, read as text

TEST(HostNamespaces, AreReadOfTheAccountFilesAndMounts) {
    EXPECT_EQ(
        read_subordinate_ranges("# ranges\nheat:100000:65536\n1000:200000:10\nbad:1\nx:0:5\n"
                                "far:4294967290:100\n"),
        (std::vector<SubordinateRange>{{"heat", 100000, 65536}, {"1000", 200000, 10}}));
    EXPECT_EQ(
        read_cgroup_points(
            "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
            "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
            "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
            "40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
            "50 31 0:39 / /elsewhere rw - cgroup2 cgroup2 rw\n"),
        (std::vector<CgroupPoint>{
            {"/sys/fs/cgroup/cpu,cpuacct", false, "cpu,cpuacct"},
            {"/sys/fs/cgroup/systemd", false, "none,name=systemd"},
            {"/sys/fs/cgroup/unified", true, ""}}));
}

}  // namespace
}  // namespace hearth::launch::testing
