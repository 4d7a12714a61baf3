// SPDX-License-Identifier: MIT
//
// Scheduling, personality, secure bits, labels and the newer filters, as the launched process finds
// them on this kernel.
#include <sched.h>
#include <unistd.h>

#include "supervisor/launch/seccomp_program.hpp"
#include "tests/support/launch_probe.hpp"

namespace hearth::launch {
namespace {

using testing_support::LaunchProbe;
using testing_support::ProbeResult;

std::string own(const char* path) {
    return sys::read_file(path, 4096).value_or("(none)");
}

std::string output_of(const std::string& script, Action action, Stage stage = Stage::Scheduling) {
    LaunchProbe probe(script);
    probe.add(stage, std::move(action));
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    return result.output;
}

TEST(LaunchScheduling, RunsOnTheCpusThatWereAskedFor) {
    cpu_set_t allowed;
    ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &allowed)) {
            EXPECT_EQ(
                output_of("grep Cpus_allowed_list /proc/self/status", SetCpuAffinity{{cpu}}),
                "Cpus_allowed_list:\t" + std::to_string(cpu) + "\n");
        }
    }
}

TEST(LaunchScheduling, ACpuThatIsNotThereFailsTheLaunch) {
    LaunchProbe probe("echo never");
    probe.add(Stage::Scheduling, SetCpuAffinity{{1000}}, {}, 215);
    const ProbeResult result = probe.run();
    ASSERT_TRUE(result.launch.failure.has_value());
    EXPECT_EQ(result.launch.failure->exit_status, 215);
    EXPECT_EQ(result.launch.failure->step, "set-cpu-affinity");
    EXPECT_EQ(result.output, "");
}

TEST(LaunchScheduling, PoliciesHoldAndAreResetOnFork) {
    // Field 41 of stat(5) is the policy: first of the shell, then of its child.
    const std::string script = "cut -d' ' -f41 /proc/$$/stat; cut -d' ' -f41 /proc/self/stat";
    EXPECT_EQ(output_of(script, SetScheduler{SCHED_BATCH, 0, false, false}), "3\n3\n");
    EXPECT_EQ(output_of(script, SetScheduler{SCHED_IDLE, 0, false, false}), "5\n5\n");
    LaunchProbe probe("nice");
    probe.add(Stage::Scheduling, SetNice{-5, true});
    probe.add(Stage::Scheduling, SetScheduler{SCHED_OTHER, 0, true, false});
    const ProbeResult result = probe.run();
    if (result.launch.shortfalls.empty()) {
        EXPECT_EQ(result.output, "0\n") << "`nice` is a child of the shell";
    }
}

TEST(LaunchScheduling, ARealTimePolicyIsGivenOrToldToFallShort) {
    LaunchProbe probe("cut -d' ' -f40,41 /proc/$$/stat");
    probe.add(
        Stage::Scheduling, SetScheduler{SCHED_RR, 7, false, true}, {"CPUSchedulingPolicy", "", {}});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, result.launch.shortfalls.empty() ? "7 2\n" : "0 0\n");
}

TEST(LaunchScheduling, IoPriorityTimerSlackAndPersonality) {
    EXPECT_EQ(output_of("ionice -p $$", SetIoPriority{3, 4}), "idle\n");
    EXPECT_EQ(output_of("ionice -p $$", SetIoPriority{2, 7}), "best-effort: prio 7\n");
    EXPECT_EQ(output_of("cat /proc/self/timerslack_ns", SetTimerSlack{123456}), "123456\n");
#if defined(__x86_64__)
    EXPECT_EQ(output_of("uname -m", SetPersonality{8}), "i686\n");
    EXPECT_EQ(output_of("uname -m", SetPersonality{0}), "x86_64\n");
#endif
}

TEST(LaunchScheduling, MemoryComesFromTheNodesThatWereAskedFor) {
    if (::access("/proc/self/numa_maps", R_OK) != 0) {
        GTEST_SKIP() << "this kernel has no memory nodes";
    }
    const std::string script = "head -n1 /proc/$$/numa_maps | cut -d' ' -f2";
    EXPECT_EQ(output_of(script, SetMemoryPolicy{2, {0}}), "bind:0\n");
    EXPECT_EQ(output_of(script, SetMemoryPolicy{3, {0}}), "interleave:0\n");
    EXPECT_EQ(output_of(script, SetMemoryPolicy{0, {}}), "default\n");
}

// ---- the core dump filter, an attribute of the memory

TEST(LaunchScheduling, ACoredumpFilterIsTheServicesAloneAndNeverOurs) {
    const std::string before = own("/proc/self/coredump_filter");
    EXPECT_EQ(
        output_of(
            "cat /proc/$$/coredump_filter /proc/self/coredump_filter", SetCoredumpFilter{0x101}),
        "00000101\n00000101\n");
    EXPECT_EQ(own("/proc/self/coredump_filter"), before);
    EXPECT_EQ(output_of("cat /proc/self/coredump_filter", SetTimerSlack{50000}), before);
}

TEST(LaunchScheduling, AChildWithMemoryOfItsOwnStillReportsItsFailure) {
    LaunchProbe probe("echo never");
    probe.add(Stage::Scheduling, SetCoredumpFilter{1});
    probe.add(Stage::WorkingDirectory, ChangeDirectory{"/no/such/place", false}, {}, 200);
    const ProbeResult result = probe.run();
    ASSERT_TRUE(result.launch.failure.has_value());
    EXPECT_EQ(result.launch.failure->step, "change-directory");
    EXPECT_EQ(result.launch.failure->error, ENOENT);
    EXPECT_EQ(result.launch.failure->exit_status, 200);
    probe.plan.steps.clear();
    LaunchProbe missing("");
    missing.plan.executable = "/no/such/program";
    missing.add(Stage::Scheduling, SetCoredumpFilter{1});
    const ProbeResult other = missing.run();
    ASSERT_TRUE(other.launch.failure.has_value());
    EXPECT_EQ(other.launch.failure->step, "execve");
    EXPECT_EQ(other.launch.failure->exit_status, 203);
}

// ---- secure bits and labels

TEST(LaunchPrivileges, UnderNorootTheSuperUserHasNoPower) {
    HEARTH_NEEDS_ROOT();
    LaunchProbe probe("cat /proc/self/status");
    probe.add(Stage::Capabilities, SetSecureBits{1});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.field("CapEff"), "0000000000000000");
    EXPECT_EQ(result.field("CapPrm"), "0000000000000000");
    LaunchProbe control("cat /proc/self/status");
    EXPECT_NE(control.run().field("CapEff"), "0000000000000000");
}

TEST(LaunchPrivileges, SecureBitsAreSetAfterTheUidChange) {
    HEARTH_NEEDS_ROOT();
    const std::uint64_t change = std::uint64_t{1} << 8;  // CAP_SETPCAP
    LaunchProbe probe("cat /proc/self/status");
    probe.add(Stage::Identity, KeepCapabilities{});
    probe.add(Stage::Identity, SetUser{65534});
    probe.add(Stage::Capabilities, SetCapabilities{change, change, 0});
    probe.add(Stage::Capabilities, SetSecureBits{3});
    probe.add(Stage::Capabilities, SetCapabilities{});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.field("Uid"), "65534\t65534\t65534\t65534");
    EXPECT_EQ(result.field("CapPrm"), "0000000000000000");
}

TEST(LaunchPrivileges, ALabelThatCannotBeSetFailsUnlessItMay) {
    LaunchProbe strict("echo never");
    strict.add(Stage::Keyring, SetSecurityLabel{"no-such-module/exec", "heat", false}, {}, 231);
    const ProbeResult refused = strict.run();
    ASSERT_TRUE(refused.launch.failure.has_value());
    EXPECT_EQ(refused.launch.failure->exit_status, 231);
    EXPECT_EQ(
        output_of("echo on", SetSecurityLabel{"no-such-module/exec", "heat", true}, Stage::Keyring),
        "on\n");
}

// ---- filters

std::string filtered(
    const std::string& script, const SandboxSettings& sandbox, const char* profile) {
    const ProfileText text{profile == nullptr ? "" : profile, 0, 6, 1};
    const auto program = compile(sandbox, nullptr, profile == nullptr ? nullptr : &text);
    EXPECT_TRUE(program.has_value()) << (program ? "" : program.error().what);
    LaunchProbe probe(script);
    if (program && !program->empty()) {
        probe.add(Stage::NoNewPrivileges, NoNewPrivileges{});
        probe.add(Stage::Seccomp, LoadSeccomp{*program});
    }
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    return result.output;
}

TEST(LaunchFilter, NamespacesAreMadeOnlyWhereTheyAreAllowed) {
    HEARTH_NEEDS_ROOT();
    const std::string script =
        "for kind in --net --uts --ipc --mount; do unshare $kind true 2>/dev/null && echo $kind; "
        "done; nsenter --net=/proc/self/ns/net true 2>/dev/null && echo entered; echo end";
    SandboxSettings sandbox;
    EXPECT_EQ(filtered(script, sandbox, nullptr), "--net\n--uts\n--ipc\n--mount\nentered\nend\n");
    sandbox.restrict_namespaces.allowed = 0;
    EXPECT_EQ(filtered(script, sandbox, nullptr), "end\n");
    sandbox.restrict_namespaces.allowed = CLONE_NEWUTS;
    EXPECT_EQ(filtered(script, sandbox, nullptr), "--uts\nend\n");
    sandbox.restrict_namespaces.allowed = NamespaceRestriction::everything & ~CLONE_NEWNET;
    EXPECT_EQ(filtered(script, sandbox, nullptr), "--uts\n--ipc\n--mount\nend\n");
}

TEST(LaunchFilter, AProfileOfARuntimeHoldsOnThisKernel) {
    constexpr const char* profile = R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["uname"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13},
        {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
         "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
        {"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"}]})";
    SandboxSettings sandbox;
    const std::string script = "uname >/dev/null 2>&1 && echo uname; echo on";
    EXPECT_EQ(filtered(script, sandbox, nullptr), "uname\non\n");
    sandbox.seccomp_profile = "/profile.json";
    EXPECT_EQ(filtered(script, sandbox, profile), "on\n");
    sandbox.restrict_namespaces.allowed = 0;  // and one of the unit's own, behind it
    EXPECT_EQ(
        filtered("unshare --uts true 2>/dev/null && echo uts; " + script, sandbox, profile),
        "on\n");
}

TEST(LaunchFilter, ALoggedCallGoesOn) {
    SandboxSettings sandbox;
    sandbox.system_call_log.calls = {"uname"};
    sandbox.system_call_log.text = {"uname"};
    EXPECT_EQ(filtered("uname >/dev/null && echo on", sandbox, nullptr), "on\n");
}

}  // namespace
}  // namespace hearth::launch
