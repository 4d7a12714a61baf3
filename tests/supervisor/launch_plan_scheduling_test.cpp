// SPDX-License-Identifier: MIT
//
// CPUs, nodes, policies, priorities, labels, secure bits and terminals as plan values, and what is
// refused of them.
#include "tests/supervisor/launch_plan_support.hpp"

namespace hearth::launch::testing {
namespace {

using Lines = std::vector<std::string>;

/// The steps of a stage that a directive asked for, one line each.
Lines asked_steps(const std::string& lines, Stage stage, const Host& host = machine()) {
    Lines found;
    for (const Step& step : planned(service(lines), host).steps) {
        if (step.stage == stage && !step.asked.directive.empty()) {
            found.push_back(describe(step.action));
        }
    }
    return found;
}

/// The one refusal, without the file's name.
std::string refusal(const std::string& lines, const Host& host = machine()) {
    const auto all = refused(service(lines), host);
    EXPECT_EQ(all.size(), 1U);
    const std::string text = all.empty() ? std::string() : all.front();
    const std::size_t place = text.find(".service:");
    return place == std::string::npos ? text : text.substr(place + 9);
}

TEST(PlanScheduling, EachIsAStepOfItsOwn) {
    EXPECT_EQ(
        asked_steps(
            "CPUAffinity=0 2\nCPUSchedulingPolicy=rr\nCPUSchedulingPriority=7\n"
            "NUMAPolicy=bind\nNUMAMask=1\nIOSchedulingClass=idle\nTimerSlackNSec=1us\n"
            "CoredumpFilter=private-anonymous",
            Stage::Scheduling),
        (Lines{
            "set-scheduler policy 2 priority 7",
            "set-cpu-affinity 0 2",
            "set-memory-policy mode 2 nodes 1",
            "set-io-priority class 3 priority 4",
            "set-timer-slack 1000 ns",
            "set-coredump-filter 0x1, in memory of its own"}));
}

TEST(PlanScheduling, ARealTimePolicyHasAPriorityAndAnOrdinaryOneHasNone) {
    EXPECT_EQ(
        asked_steps("CPUSchedulingPolicy=fifo", Stage::Scheduling),
        Lines{"set-scheduler policy 1 priority 1"});
    EXPECT_EQ(
        asked_steps("CPUSchedulingPolicy=batch\nCPUSchedulingPriority=9", Stage::Scheduling),
        Lines{"set-scheduler policy 3 priority 0"});
}

TEST(PlanScheduling, ResettingOnForkHoldsWhateverBecomesOfThePolicy) {
    const Plan plan = planned(service("CPUSchedulingPolicy=rr\nCPUSchedulingResetOnFork=yes"));
    EXPECT_EQ(
        steps<SetScheduler>(plan),
        (std::vector<SetScheduler>{{0, 0, true, false}, {2, 1, true, true}}));
    EXPECT_EQ(steps<SetScheduler>(planned(service("CPUSchedulingResetOnFork=yes"))).size(), 1U);
}

TEST(PlanScheduling, OnlyACoredumpFilterNeedsMemoryOfItsOwn) {
    EXPECT_TRUE(needs_own_memory(planned(service("CoredumpFilter=all"))));
    EXPECT_FALSE(needs_own_memory(planned(service("CPUSchedulingPolicy=idle"))));
}

TEST(PlanScheduling, CpusFollowTheNodes) {
    EXPECT_EQ(
        asked_steps("CPUAffinity=numa\nNUMAMask=1", Stage::Scheduling),
        Lines{"set-cpu-affinity 2 3"});
    EXPECT_EQ(
        asked_steps("CPUAffinity=numa\nNUMAMask=all", Stage::Scheduling),
        Lines{"set-cpu-affinity 0 1 2 3"});
}

TEST(PlanScheduling, RefusesWhatTheMachineLacks) {
    EXPECT_EQ(
        refusal("CPUAffinity=8-9"),
        "3: CPUAffinity=8-9 can't be given here: this machine has CPU 0-3 only");
    EXPECT_EQ(
        refusal("CPUAffinity=numa"),
        "3: CPUAffinity=numa can't be given here: no node of NUMAMask= has a CPU on this machine");
    EXPECT_EQ(
        refusal("NUMAPolicy=bind\nNUMAMask=0 5"),
        "4: NUMAMask=0 5 can't be given here: this machine has memory node 0-1 only");
    Host host = machine();
    host.memory_nodes.clear();
    EXPECT_EQ(
        refusal("NUMAPolicy=local", host),
        "3: NUMAPolicy=local can't be given here: this kernel has no memory nodes (CONFIG_NUMA)");
    EXPECT_EQ(
        refusal("Personality=s390x"),
        "3: Personality=s390x can't be given here: this machine has no such personality");
}

TEST(PlanScheduling, RefusesPoliciesWithoutTheirNodes) {
    EXPECT_EQ(refusal("NUMAPolicy=interleave"), "3: NUMAPolicy=interleave names no memory node");
    EXPECT_EQ(
        refusal("NUMAPolicy=preferred\nNUMAMask=0-1"),
        "4: NUMAMask=0-1: NUMAPolicy=preferred takes a single node");
    EXPECT_EQ(
        asked_steps("NUMAPolicy=local", Stage::Scheduling),
        Lines{"set-memory-policy mode 4 nodes "});
}

TEST(PlanScheduling, AMissingCpuIsRelaxedByName) {
    const Plan plan = planned(service("CPUAffinity=9\n[X-Hearth]\nRelaxConfinement=CPUAffinity"));
    EXPECT_TRUE(steps<SetCpuAffinity>(plan).empty());
    EXPECT_EQ(plan.shortfalls.size(), 1U);
}

#if defined(__x86_64__)
TEST(PlanScheduling, PersonalitiesOfThisMachine) {
    EXPECT_EQ(asked_steps("Personality=x86", Stage::Scheduling), Lines{"set-personality 0x8"});
    EXPECT_EQ(asked_steps("Personality=x86-64", Stage::Scheduling), Lines{"set-personality 0x0"});
}
#endif

// ---- secure bits and labels

TEST(PlanPrivileges, SecureBitsAreSetWithTheirCapabilityHeldOverTheUidChange) {
    const Plan plan = planned(service("SecureBits=noroot noroot-locked\nUser=heat"));
    EXPECT_EQ(steps<KeepCapabilities>(plan).size(), 1U);
    std::vector<std::string> last;
    for (const Step& step : plan.steps) {
        if (step.stage == Stage::Capabilities) {
            last.emplace_back(name(step.action));
        }
    }
    EXPECT_EQ(last, (Lines{"set-capabilities", "set-secure-bits", "set-capabilities"}));
    EXPECT_EQ(steps<SetSecureBits>(plan), std::vector<SetSecureBits>{{3}});
    EXPECT_EQ(steps<SetCapabilities>(plan).front().effective, std::uint64_t{1} << 8);
    EXPECT_EQ(steps<SetCapabilities>(plan).back(), SetCapabilities());
}

TEST(PlanPrivileges, SecureBitsNeedTheirCapability) {
    Host host = machine();
    host.capabilities &= ~(std::uint64_t{1} << 8);
    EXPECT_EQ(
        refusal("SecureBits=noroot", host),
        "3: SecureBits=noroot can't be given here: hearthd lacks CAP_SETPCAP");
}

TEST(PlanPrivileges, AFullyPrivilegedCommandHasNeitherLabelNorSecureBits) {
    Host host = machine();
    host.linux_security_modules = {"apparmor"};
    const Unit unit = load(
        "test.service",
        "[Service]\nExecStart=+/bin/true\nAppArmorProfile=heat\nSecureBits=noroot\n");
    const Plan plan = planned(unit, host);
    EXPECT_TRUE(steps<SetSecurityLabel>(plan).empty());
    EXPECT_TRUE(steps<SetSecureBits>(plan).empty());
}

TEST(PlanPrivileges, LabelsAreWrittenWhereTheirModuleIs) {
    Host host = machine();
    host.linux_security_modules = {"apparmor", "selinux", "smack"};
    const Plan plan = planned(
        service("AppArmorProfile=-heat\nSELinuxContext=u:r:heat_t\nSmackProcessLabel=warm"), host);
    EXPECT_EQ(
        steps<SetSecurityLabel>(plan),
        (std::vector<SetSecurityLabel>{
            {"apparmor/exec", "exec heat", true},
            {"exec", "u:r:heat_t", false},
            {"smack/current", "warm", false}}));
}

TEST(PlanPrivileges, ALabelWithoutItsModuleIsRefusedUnlessItMayBeMissing) {
    EXPECT_EQ(
        refusal("SmackProcessLabel=warm"),
        "3: SmackProcessLabel=warm can't be given here: this kernel has no Smack");
    EXPECT_EQ(exit_status(plan_of(service("SmackProcessLabel=warm"), machine()).error()), 236);
    EXPECT_EQ(exit_status(plan_of(service("SELinuxContext=a:b"), machine()).error()), 229);
    const Plan plan = planned(service("SELinuxContext=-a:b\nAppArmorProfile=-heat"));
    EXPECT_TRUE(steps<SetSecurityLabel>(plan).empty());
    EXPECT_TRUE(plan.shortfalls.empty());
}

TEST(PlanPrivileges, FileSystemsAreRefusedWithTheReason) {
    const auto lines = refused(service("RestrictFileSystems=ext4"));
    ASSERT_FALSE(lines.empty());
    EXPECT_NE(lines.front().find("RestrictFileSystems=ext4"), std::string::npos);
    const Plan relaxed = planned(
        service("RestrictFileSystems=ext4\n[X-Hearth]\nRelaxConfinement=RestrictFileSystems"));
    ASSERT_EQ(relaxed.shortfalls.size(), 1U);
    EXPECT_NE(relaxed.shortfalls[0].message.find("no BPF security module"), std::string::npos)
        << relaxed.shortfalls[0].message;
}

// ---- terminals and data

Lines stream_steps(const std::string& lines) {
    const Plan plan = planned(service(lines));
    Lines found;
    for (const Prepared& prepared : plan.preparations) {
        if (std::holds_alternative<MakeInput>(prepared.preparation) ||
            std::holds_alternative<PrepareTerminal>(prepared.preparation) ||
            std::holds_alternative<OpenFile>(prepared.preparation)) {
            found.push_back(describe(prepared.preparation));
        }
    }
    for (const Step& step : plan.steps) {
        if (step.stage == Stage::Descriptors) {
            found.push_back(describe(step.action));
        }
    }
    return found;
}

TEST(PlanTerminal, InputTakesItAndOutputFollows) {
    EXPECT_EQ(
        stream_steps("StandardInput=tty\nTTYPath=/dev/tty9"),
        (Lines{
            "acquire-terminal /dev/tty9, waiting for it",
            "copy-descriptor 1 of 0",
            "copy-descriptor 2 of 0"}));
    EXPECT_EQ(
        stream_steps("StandardInput=tty-force").front(), "acquire-terminal /dev/console, by force");
    EXPECT_EQ(
        stream_steps("StandardInput=tty-fail").front(),
        "acquire-terminal /dev/console, if it is free");
    EXPECT_EQ(
        stream_steps("StandardInput=tty\nStandardOutput=journal\nStandardError=tty"),
        (Lines{
            "acquire-terminal /dev/console, waiting for it",
            "use-descriptor 1 log",
            "copy-descriptor 2 of 0"}));
}

TEST(PlanTerminal, OutputAloneNeitherTakesNorWaits) {
    EXPECT_EQ(
        stream_steps("StandardOutput=tty\nTTYPath=/dev/tty9"),
        (Lines{
            "open-file null /dev/null read-write,noctty",
            "open-file stdout /dev/tty9 write,noctty",
            "use-descriptor 0 null",
            "use-descriptor 1 stdout",
            "use-descriptor 2 stdout"}));
}

TEST(PlanTerminal, IsPreparedFirst) {
    EXPECT_EQ(
        stream_steps("TTYReset=yes\nTTYVHangup=yes\nTTYRows=25\nTTYColumns=80\n"
                     "TTYVTDisallocate=yes\nTTYPath=/dev/tty9")
            .front(),
        "prepare-terminal /dev/tty9, reset, hang up, 25 rows, 80 columns, clear");
}

TEST(PlanStreams, DataIsTheDefaultWhereThereIsSome) {
    EXPECT_EQ(stream_steps("StandardInputText=heat").front(), "make-input stdin of 5 bytes");
    EXPECT_EQ(
        stream_steps("StandardInputText=heat\nStandardInput=null").back(), "use-descriptor 2 log");
    EXPECT_EQ(
        preparations<MakeInput>(planned(service("StandardInputText=heat\nStandardInputData=AA==")))
            .front()
            .bytes,
        std::string("heat\n\0", 6));
}

}  // namespace
}  // namespace hearth::launch::testing
