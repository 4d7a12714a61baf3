// SPDX-License-Identifier: MIT
//
// Who the program is: ids, capabilities, no_new_privs, the system call filter. Everything is read
// from the program's own /proc/self/status.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>
#include <cstring>

#include "tests/support/launch_probe.hpp"

namespace hearth::launch {
namespace {

using testing_support::LaunchProbe;
using testing_support::ProbeResult;

constexpr std::uint64_t NetBindService = std::uint64_t{1} << 10;
constexpr std::uint64_t Kill = std::uint64_t{1} << 5;
constexpr const char* Status = "cat /proc/self/status";

TEST(LaunchIdentity, SetsUserGroupAndSupplementaryGroups) {
    HEARTH_NEEDS_ROOT();
    LaunchProbe probe(Status);
    probe.add(Stage::Identity, SetGroups{1234, {33, 44}}, {}, 216);
    probe.add(Stage::Identity, SetUser{65534}, {}, 217);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.field("Uid"), "65534\t65534\t65534\t65534");
    EXPECT_EQ(result.field("Gid"), "1234\t1234\t1234\t1234");
    EXPECT_EQ(result.field("Groups"), "33 44 ");
    EXPECT_EQ(result.field("CapEff"), "0000000000000000");
}

TEST(LaunchIdentity, LeavesOutWhatTheBoundingSetDoesNotKeep) {
    HEARTH_NEEDS_ROOT();
    LaunchProbe probe(Status);
    probe.add(Stage::BoundingSet, DropBoundingSet{Kill | NetBindService});
    const ProbeResult kept = probe.run();
    EXPECT_EQ(kept.failure(), "");
    EXPECT_EQ(kept.field("CapBnd"), "0000000000000420");
    EXPECT_EQ(kept.field("CapEff"), "0000000000000420") << "root gets what the bounding set has";

    LaunchProbe none(Status);
    none.add(Stage::BoundingSet, DropBoundingSet{0});
    EXPECT_EQ(none.run().field("CapBnd"), "0000000000000000");
}

TEST(LaunchIdentity, DropsNothingOfItsOwn) {
    // The bounding set is per thread: the child's must not be the launching thread's.
    HEARTH_NEEDS_ROOT();
    LaunchProbe probe("true");
    probe.add(Stage::BoundingSet, DropBoundingSet{0});
    EXPECT_EQ(probe.run().failure(), "");
    EXPECT_EQ(::prctl(PR_CAPBSET_READ, 0), 1);
}

TEST(LaunchIdentity, GivesAmbientCapabilitiesToAnotherUser) {
    HEARTH_NEEDS_ROOT();
    LaunchProbe probe(Status);
    probe.add(Stage::Identity, KeepCapabilities{});
    probe.add(Stage::Identity, SetGroups{65534, {}}, {}, 216);
    probe.add(Stage::Identity, SetUser{65534}, {}, 217);
    probe.add(
        Stage::Capabilities,
        SetCapabilities{NetBindService, NetBindService, NetBindService},
        {},
        218);
    probe.add(Stage::Capabilities, RaiseAmbient{NetBindService}, {}, 218);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    for (const char* field : {"CapEff", "CapPrm", "CapInh", "CapAmb"}) {
        EXPECT_EQ(result.field(field), "0000000000000400") << field;
    }
}

TEST(LaunchIdentity, RefusesCapabilitiesOutsideTheBoundingSet) {
    HEARTH_NEEDS_ROOT();
    LaunchProbe probe("true");
    probe.add(Stage::BoundingSet, DropBoundingSet{std::uint64_t{1} << 8});  // CAP_SETPCAP
    probe.add(
        Stage::Capabilities,
        SetCapabilities{Kill, Kill, Kill},
        {"AmbientCapabilities", "CAP_KILL", {"u", 8, 1}},
        218);
    probe.add(
        Stage::Capabilities,
        RaiseAmbient{NetBindService},
        {"AmbientCapabilities", "x", {"u", 9, 1}},
        218);
    const ProbeResult result = probe.run();
    EXPECT_EQ(
        result.failure(),
        "u:8: AmbientCapabilities=CAP_KILL: step \"set-capabilities\" failed: Operation not "
        "permitted");
    ASSERT_TRUE(result.exit);
    EXPECT_EQ(result.exit->status, 218);
}

TEST(LaunchIdentity, NeverGainsPrivilegesWhenAsked) {
    LaunchProbe probe(Status);
    EXPECT_EQ(probe.run().field("NoNewPrivs"), "0");
    LaunchProbe asked(Status);
    asked.add(Stage::NoNewPrivileges, NoNewPrivileges{}, {}, 227);
    EXPECT_EQ(asked.run().field("NoNewPrivs"), "1");
}

std::uint64_t instruction(sock_filter filter) {
    std::uint64_t bytes = 0;
    static_assert(sizeof filter == sizeof bytes);
    std::memcpy(&bytes, &filter, sizeof bytes);
    return bytes;
}

/// Answers `number` with EPERM and allows the rest.
LoadSeccomp refusing(unsigned number) {
    return LoadSeccomp{{
        instruction(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))),
        instruction(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1)),
        instruction(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)),
        instruction(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)),
    }};
}

TEST(LaunchIdentity, LoadsTheSystemCallFilter) {
    HEARTH_NEEDS_ROOT();
    LaunchProbe probe("cat /proc/self/status; mkdir /tmp/hearth-probe-never || echo refused");
    probe.add(Stage::Descriptors, UseDescriptor{"out", 2});
    probe.add(Stage::NoNewPrivileges, NoNewPrivileges{}, {}, 227);
#ifdef __NR_mkdir
    probe.add(Stage::Seccomp, refusing(__NR_mkdir), {}, 228);
#else
    probe.add(Stage::Seccomp, refusing(__NR_mkdirat), {}, 228);
#endif
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.field("Seccomp"), "2");
    EXPECT_EQ(result.field("Seccomp_filters"), "1");
    EXPECT_NE(result.output.find("refused"), std::string::npos);
    EXPECT_NE(result.output.find("Operation not permitted"), std::string::npos);
}

TEST(LaunchIdentity, TellsWhenTheKernelRejectsTheFilter) {
    LaunchProbe probe("true");
    probe.add(Stage::NoNewPrivileges, NoNewPrivileges{}, {}, 227);
    probe.add(
        Stage::Seccomp,
        LoadSeccomp{{instruction(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4096))}},
        {"SystemCallFilter", "@x", {"u", 5, 1}},
        228);
    const ProbeResult result = probe.run();
    EXPECT_EQ(
        result.failure(),
        "u:5: SystemCallFilter=@x: step \"load-seccomp\" failed: Invalid argument");
    EXPECT_EQ(result.exit->status, 228);
}

TEST(LaunchIdentity, DiesOfAFilterThatForbidsTheProgramItself) {
    // Not the launch's failure: execve was reached, and the filter's answer to it is the service's
    // end.
    LaunchProbe probe("true");
    probe.add(Stage::NoNewPrivileges, NoNewPrivileges{}, {}, 227);
    probe.add(
        Stage::Seccomp,
        LoadSeccomp{{instruction(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS))}},
        {},
        228);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_NE(result.exit->code, sys::ExitStatus::Code::Exited);
    EXPECT_EQ(result.exit->status, SIGSYS);
}

TEST(LaunchIdentity, LeavesTheSupervisorsMemoryReadableByItself) {
    // Trap 4: a child that shares our memory and changes its uid makes us non-dumpable, for good
    // unless it is set back.
    HEARTH_NEEDS_ROOT();
    ASSERT_EQ(::prctl(PR_GET_DUMPABLE), 1);
    LaunchProbe probe("true");
    probe.add(Stage::Identity, SetGroups{65534, {}});
    probe.add(Stage::Identity, SetUser{65534});
    EXPECT_EQ(probe.run().failure(), "");
    EXPECT_EQ(::prctl(PR_GET_DUMPABLE), 1);
    EXPECT_EQ(::geteuid(), 0U);
}

}  // namespace
}  // namespace hearth::launch
