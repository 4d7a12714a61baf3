// SPDX-License-Identifier: MIT
//
// Environment, arguments, streams, limits, working directory, cgroup: what each unit gets of them.
#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "places.hpp"
#include "tests/supervisor/launch_plan_support.hpp"

namespace hearth::launch::testing {
namespace {

using Lines = std::vector<std::string>;

// ---- environment
// ------------------------------------------------------------------------------------------

Lines environment(const std::string& lines, Invocation invocation = {}) {
    Lines block = planned(service(lines), machine(), std::move(invocation)).environment;
    std::erase(block, "PATH=" + machine().default_path);
    std::erase(block, "INVOCATION_ID=00112233445566778899aabbccddeeff");
    return block;
}

TEST(PlannedEnvironment, HoldsPathAndInvocationId) {
    EXPECT_EQ(
        planned(service("")).environment,
        (Lines{
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "INVOCATION_ID=00112233445566778899aabbccddeeff"}));
}

TEST(PlannedEnvironment, TellsTheUsersAccount) {
    EXPECT_EQ(
        environment("User=heat"),
        (Lines{"HOME=/var/lib/heat", "LOGNAME=heat", "USER=heat", "SHELL=/bin/sh"}));
    EXPECT_EQ(
        environment("User=990"),
        (Lines{"HOME=/var/lib/heat", "LOGNAME=heat", "USER=heat", "SHELL=/bin/sh"}));
    EXPECT_EQ(
        environment("User=daemon"), (Lines{"HOME=/usr/sbin", "LOGNAME=daemon", "USER=daemon"}));
    EXPECT_EQ(environment("User=nobody"), (Lines{"LOGNAME=nobody", "USER=nobody"}));
}

TEST(PlannedEnvironment, LaterSourcesReplaceEarlierOnes) {
    Invocation invocation;
    invocation.environment = {{"MAINPID", "42"}, {"A", "manager"}};
    invocation.environment_files = {{"A", "file"}, {"F", "1"}};
    EXPECT_EQ(
        environment(
            "Environment=A=unit B=unit LANG=de_DE\nPassEnvironment=LANG NOSUCH A", invocation),
        (Lines{"MAINPID=42", "A=file", "LANG=de_DE", "B=unit", "F=1"}));
    EXPECT_EQ(environment("PassEnvironment=LANG"), Lines{"LANG=C.UTF-8"});
}

TEST(PlannedEnvironment, UnsettingIsLast) {
    EXPECT_EQ(
        environment("User=heat\nEnvironment=A=1 B=2 C=3\nUnsetEnvironment=A B=3 C=3 SHELL HOME"),
        (Lines{"LOGNAME=heat", "USER=heat", "B=2"}));
}

TEST(PlannedArguments, AreExpandedFromTheBlockUnlessTheColonSaysNo) {
    const auto arguments = [](const std::string& command) {
        return planned(
                   load(
                       "test.service",
                       "[Service]\nEnvironment=\"WORDS=a b\" ONE=1\nExecStart=" + command + "\n"))
            .argv;
    };
    EXPECT_EQ(
        arguments("/bin/echo $WORDS x${ONE}y ${WORDS} $$ONE"),
        (Lines{"/bin/echo", "a", "b", "x1y", "a b", "$ONE"}));
    EXPECT_EQ(arguments(":/bin/echo $WORDS"), (Lines{"/bin/echo", "$WORDS"}));
    EXPECT_EQ(arguments("@/bin/echo name $ONE"), (Lines{"name", "1"}));
}

TEST(PlannedArguments, AnAbsolutePathIsExecvesToJudgeABareNameOurs) {
    EXPECT_EQ(planned(service("")).executable, "/bin/true");
    const Unit bare = load("test.service", "[Service]\nExecStart=nosuch --help\n");
    const auto result = plan_of(bare, machine());
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(
        one_line(result.error().front()),
        "/etc/systemd/system/test.service:2: ExecStart=nosuch: there is no such program in " +
            machine().default_path);
    EXPECT_EQ(exit_status(result.error()), 203);
    Invocation found;
    found.executable = "/usr/bin/nosuch";
    EXPECT_EQ(planned(bare, machine(), found).executable, "/usr/bin/nosuch");
}

// ---- streams
// ------------------------------------------------------------------------------------------------

Lines streams(const std::string& lines) {
    const Plan plan = planned(service(lines));
    Lines found;
    for (const OpenFile& file : preparations<OpenFile>(plan)) {
        found.push_back(describe(Preparation(file)));
    }
    for (const UseDescriptor& use : steps<UseDescriptor>(plan)) {
        found.push_back(describe(Action(use)));
    }
    return found;
}

TEST(PlannedStreams, DefaultToNothingAndTheLog) {
    EXPECT_EQ(
        streams(""),
        (Lines{
            "open-file null /dev/null read-write,noctty",
            "use-descriptor 0 null",
            "use-descriptor 1 log",
            "use-descriptor 2 log"}));
}

TEST(PlannedStreams, ErrorInheritsOutputAndOutputInput) {
    EXPECT_EQ(
        streams("StandardOutput=null"),
        (Lines{
            "open-file null /dev/null read-write,noctty",
            "use-descriptor 0 null",
            "use-descriptor 1 null",
            "use-descriptor 2 null"}));
    EXPECT_EQ(
        streams("StandardOutput=inherit\nStandardInput=file:/in"),
        (Lines{
            "open-file stdin /in read,noctty",
            "use-descriptor 0 stdin",
            "use-descriptor 1 stdin",
            "use-descriptor 2 stdin"}));
    EXPECT_EQ(streams("StandardOutput=null\nStandardError=journal").back(), "use-descriptor 2 log");
}

TEST(PlannedStreams, FilesAreOpenedAsAskedAndOnceIfTheyAreTheSame) {
    EXPECT_EQ(
        streams("StandardOutput=append:/out\nStandardError=truncate:/err"),
        (Lines{
            "open-file null /dev/null read-write,noctty",
            "open-file stdout /out write,create,append,noctty",
            "open-file stderr /err write,create,truncate,noctty",
            "use-descriptor 0 null",
            "use-descriptor 1 stdout",
            "use-descriptor 2 stderr"}));
    EXPECT_EQ(
        streams("StandardOutput=file:/out\nStandardError=file:/out").back(),
        "use-descriptor 2 stdout");
    EXPECT_EQ(
        streams("StandardInput=file:/both\nStandardOutput=file:/both"),
        (Lines{
            "open-file stdin /both read-write,create,noctty",
            "use-descriptor 0 stdin",
            "use-descriptor 1 stdin",
            "use-descriptor 2 stdin"}));
}

TEST(PlannedStreams, FilesThatAreMadeHaveTheUnitsUmask) {
    EXPECT_EQ(
        preparations<OpenFile>(planned(service("UMask=0077\nStandardOutput=file:/out")))
            .back()
            .mode,
        0600U);
}

TEST(PlannedStreams, AnAttachHasItsTerminal) {
    Invocation invocation;
    invocation.attach = true;
    const Plan plan = planned(service("StandardOutput=file:/out"), machine(), invocation);
    EXPECT_TRUE(preparations<OpenFile>(plan).empty());
    EXPECT_EQ(
        steps<UseDescriptor>(plan),
        (std::vector<UseDescriptor>{{"terminal", 0}, {"terminal", 1}, {"terminal", 2}}));
    EXPECT_EQ(steps<ControllingTerminal>(plan).size(), 1U);
}

// ---- process properties
// ----------------------------------------------------------------------------------------

TEST(PlannedProcess, WorkingDirectories) {
    const auto directory = [](const std::string& lines) {
        return steps<ChangeDirectory>(planned(service(lines))).at(0);
    };
    EXPECT_EQ(directory(""), (ChangeDirectory{"/", false}));
    EXPECT_EQ(directory("WorkingDirectory=/srv"), (ChangeDirectory{"/srv", false}));
    EXPECT_EQ(directory("WorkingDirectory=-/srv"), (ChangeDirectory{"/srv", true}));
    EXPECT_EQ(
        directory("WorkingDirectory=~\nUser=heat"), (ChangeDirectory{"/var/lib/heat", false}));
    EXPECT_EQ(directory("WorkingDirectory=~"), (ChangeDirectory{"/root", false}));
}

TEST(PlannedProcess, SignalsLimitsAndPriorities) {
    const Plan plan =
        planned(service("IgnoreSIGPIPE=no\nLimitNOFILE=100:200\nLimitCPU=10\nNice=-"
                        "5\nOOMScoreAdjust=-100\nUMask=0027"));
    EXPECT_EQ(steps<DefaultSignals>(plan).at(0).ignored, std::vector<int>{});
    EXPECT_EQ(steps<DefaultSignals>(planned(service(""))).at(0).ignored, std::vector<int>{SIGPIPE});
    EXPECT_EQ(
        steps<SetResourceLimit>(plan),
        (std::vector<SetResourceLimit>{
            {RLIMIT_CPU, 10, 10, true}, {RLIMIT_NOFILE, 100, 200, true}}));
    EXPECT_EQ(steps<SetNice>(plan).at(0), (SetNice{-5, true}));
    EXPECT_EQ(steps<SetOomScoreAdjust>(plan).at(0), (SetOomScoreAdjust{-100, true}));
    EXPECT_EQ(steps<SetUmask>(plan).at(0).mask, 0027U);
}

TEST(PlannedProcess, StagesAreInTheLawsOrder) {
    const Plan plan = planned(load(
        "heat.service", content_of(std::string(HEARTH_SOURCE_DIR) + "/examples/heat.service")));
    EXPECT_TRUE(std::ranges::is_sorted(plan.steps, {}, &Step::stage));
    EXPECT_EQ(plan.steps.back().stage, Stage::Seccomp);
}

// ---- cgroup
// -----------------------------------------------------------------------------------------------------

Lines knobs(const std::string& lines, CgroupLayout layout) {
    const MakeCgroup cgroup =
        preparations<MakeCgroup>(planned(service(lines), machine(layout))).at(0);
    Lines found = cgroup.v1_controllers;
    for (const MakeCgroup::Knob& knob : cgroup.knobs) {
        found.push_back(knob.file + "=" + knob.value);
    }
    return found;
}

struct KnobCase {
    std::string lines;
    Lines hybrid, unified;
};

TEST(PlannedCgroup, KnobsOfBothTrees) {
    for (const KnobCase& each : std::vector<KnobCase>{
             {"", {}, {}},
             {"CPUQuota=20%",
              {"cpu", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=20000"},
              {"cpu.max=20000 100000"}},
             {"CPUQuota=250%",
              {"cpu", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=250000"},
              {"cpu.max=250000 100000"}},
             {"CPUQuota=20%\nCPUQuotaPeriodSec=10ms",
              {"cpu", "cpu.cfs_period_us=10000", "cpu.cfs_quota_us=2000"},
              {"cpu.max=2000 10000"}},
             // A quota below the kernel's 1 ms takes a longer period.
             {"CPUQuota=1%\nCPUQuotaPeriodSec=10ms",
              {"cpu", "cpu.cfs_period_us=100000", "cpu.cfs_quota_us=1000"},
              {"cpu.max=1000 100000"}},
             {"CPUQuotaPeriodSec=10ms",
              {"cpu", "cpu.cfs_period_us=10000", "cpu.cfs_quota_us=-1"},
              {"cpu.max=max 10000"}},
             {"CPUWeight=50", {"cpu", "cpu.shares=512"}, {"cpu.weight=50"}},
             {"CPUWeight=1", {"cpu", "cpu.shares=10"}, {"cpu.weight=1"}},
             {"CPUWeight=idle", {"cpu", "cpu.shares=2"}, {"cpu.idle=1"}},
             {"MemoryMax=32M",
              {"memory", "memory.limit_in_bytes=33554432"},
              {"memory.max=33554432"}},
             {"MemoryMax=25%",
              {"memory", "memory.limit_in_bytes=1073741824"},
              {"memory.max=1073741824"}},
             {"MemoryMax=infinity", {"memory", "memory.limit_in_bytes=-1"}, {"memory.max=max"}},
             {"TasksMax=8", {"pids", "pids.max=8"}, {"pids.max=8"}},
             {"TasksMax=10%", {"pids", "pids.max=3276"}, {"pids.max=3276"}},
             {"TasksMax=infinity", {"pids", "pids.max=max"}, {"pids.max=max"}},
             {"MemoryAccounting=yes", {"memory"}, {}},
             {"TasksAccounting=yes", {"pids"}, {}},
             {"CPUAccounting=yes", {}, {}},
         }) {
        EXPECT_EQ(knobs(each.lines, CgroupLayout::Hybrid), each.hybrid) << each.lines;
        EXPECT_EQ(knobs(each.lines, CgroupLayout::Unified), each.unified) << each.lines;
    }
    EXPECT_EQ(knobs("MemoryHigh=16M", CgroupLayout::Unified), Lines{"memory.high=16777216"});
}

TEST(PlannedCgroup, OnlyHierarchiesThatLimitAreJoined) {
    EXPECT_TRUE(steps<JoinCgroups>(planned(service(""), machine())).empty());
    EXPECT_EQ(steps<JoinCgroups>(planned(service("TasksMax=8"), machine())).size(), 1U);
    EXPECT_TRUE(
        steps<JoinCgroups>(planned(service("TasksMax=8"), machine(CgroupLayout::Unified))).empty());
}

TEST(PlannedCgroup, WithoutAnyCgroupThereIsNoneToBeBornIn) {
    const Plan plan = planned(service(""), machine(CgroupLayout::None));
    EXPECT_EQ(plan.cgroup, "");
    EXPECT_TRUE(preparations<MakeCgroup>(plan).empty());
}

TEST(PlannedCgroup, Paths) {
    const auto path = [](const std::string& name, const std::string& slice = {}) {
        Unit unit;
        unit.name = name;
        unit.settings.resources.slice = slice;
        return cgroup_path(unit);
    };
    EXPECT_EQ(path("heat.service"), "system.slice/heat.service");
    EXPECT_EQ(path("getty@tty1.service"), "system.slice/system-getty.slice/getty@tty1.service");
    EXPECT_EQ(path("a-b@c-d.service"), "system.slice/system-a\\x2db.slice/a-b@c-d.service");
    EXPECT_EQ(path("heat.service", "a-b-c.slice"), "a.slice/a-b.slice/a-b-c.slice/heat.service");
    EXPECT_EQ(path("heat.service", "-.slice"), "heat.service");
    EXPECT_EQ(path("heat.service", "system.slice"), "system.slice/heat.service");
}

}  // namespace
}  // namespace hearth::launch::testing
