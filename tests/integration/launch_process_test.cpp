// SPDX-License-Identifier: MIT
//
// What a process has beside its ids: signals, session, terminal, umask, priority, limits, keyring.
#include <pty.h>
#include <signal.h>
#include <sys/resource.h>

#include "tests/support/launch_probe.hpp"

namespace hearth::launch {
namespace {

using testing_support::LaunchProbe;
using testing_support::ProbeResult;

TEST(LaunchProcess, DoesNotInheritIgnoredOrBlockedSignals) {
    // Trap 6 and its neighbour: CLONE_CLEAR_SIGHAND resets handlers but leaves SIG_IGN.
    struct sigaction before{};
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ASSERT_EQ(::sigaction(SIGUSR1, &ignore, &before), 0);
    LaunchProbe probe("cat /proc/self/status");
    probe.add(Stage::Signals, DefaultSignals{{SIGPIPE}});
    const ProbeResult result = probe.run();
    ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.field("SigIgn"), "0000000000001000") << "SIGPIPE alone, as asked";
    EXPECT_EQ(result.field("SigBlk"), "0000000000000000");
    EXPECT_EQ(result.field("SigCgt"), "0000000000000000");
}

TEST(LaunchProcess, LeadsASessionOfItsOwn) {
    LaunchProbe probe("cut -d' ' -f1,5,6 /proc/$$/stat");
    probe.add(Stage::Session, NewSession{});
    const ProbeResult result = probe.run();
    const std::string pid = std::to_string(result.launch.pid);
    EXPECT_EQ(result.output, pid + " " + pid + " " + pid + "\n");
}

TEST(LaunchProcess, TakesAControllingTerminal) {
    int master = -1, terminal = -1;
    char name[64] = {};
    ASSERT_EQ(::openpty(&master, &terminal, name, nullptr, nullptr), 0);
    const sys::Descriptor owned(master);
    LaunchProbe probe("tty <&0; echo through >/dev/tty");
    probe.give("terminal", sys::Descriptor(terminal));
    probe.add(Stage::Session, NewSession{});
    probe.add(Stage::Descriptors, UseDescriptor{"terminal", 0});
    probe.add(Stage::Descriptors, ControllingTerminal{0});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, std::string(name) + "\n");
    std::string text;
    for (char byte = 0; byte != '\n' && ::read(master, &byte, 1) == 1;) {
        text += byte;
    }
    EXPECT_EQ(text, "through\r\n");
}

TEST(LaunchProcess, HasItsUmaskNiceAndOomScoreAndOursAreUntouched) {
    // Trap 5: without CLONE_VFORK the OOM score would be ours too.
    const std::string before = *sys::read_file("/proc/self/oom_score_adj", 64);
    LaunchProbe probe("umask; nice; cat /proc/self/oom_score_adj");
    probe.add(Stage::Scheduling, SetUmask{0027});
    probe.add(Stage::Scheduling, SetNice{7, false});
    probe.add(Stage::Scheduling, SetOomScoreAdjust{321, false});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, "0027\n7\n321\n");
    EXPECT_EQ(*sys::read_file("/proc/self/oom_score_adj", 64), before);
}

TEST(LaunchProcess, SetsResourceLimits) {
    LaunchProbe probe("ulimit -Sn; ulimit -Hn; ulimit -Sc");
    probe.add(Stage::Limits, SetResourceLimit{RLIMIT_NOFILE, 100, 200, true}, {}, 205);
    probe.add(Stage::Limits, SetResourceLimit{RLIMIT_CORE, 0, 0, true}, {}, 205);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.output, "100\n200\n0\n");
    EXPECT_TRUE(result.launch.shortfalls.empty());
}

TEST(LaunchProcess, IsGivenALimitAsFarAsPossibleAndTheShortfallIsTold) {
    rlimit64 own{};
    ASSERT_EQ(::getrlimit64(RLIMIT_NOFILE, &own), 0);
    const std::uint64_t more = own.rlim_max + 1;
    LaunchProbe probe("ulimit -Hn");
    // As another user, without CAP_SYS_RESOURCE, on every machine.
    probe.add(Stage::Scheduling, SetUser{65534});
    probe.add(
        Stage::Limits,
        SetResourceLimit{RLIMIT_NOFILE, more, more, true},
        {"LimitNOFILE", std::to_string(more), {"u", 4, 1}},
        205);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, std::to_string(own.rlim_max) + "\n");
    ASSERT_EQ(result.launch.shortfalls.size(), 1U);
    EXPECT_EQ(
        result.launch.shortfalls[0].message,
        "u:4: LimitNOFILE=" + std::to_string(more) +
            ": step \"set-resource-limit\" failed: Operation not permitted (given as far as "
            "possible)");
}

TEST(LaunchProcess, FailsWhereAShortfallIsNotAllowed) {
    HEARTH_NEEDS_ROOT();
    LaunchProbe probe("true");
    probe.add(Stage::Cgroup, SetUser{65534});
    probe.add(Stage::Scheduling, SetNice{-5, false}, {"Nice", "-5", {"u", 2, 1}}, 201);
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "u:2: Nice=-5: step \"set-nice\" failed: Permission denied");
    EXPECT_EQ(result.exit->status, 201);
    LaunchProbe soft("nice");
    soft.add(Stage::Cgroup, SetUser{65534});
    soft.add(Stage::Scheduling, SetNice{-5, true}, {"Nice", "-5", {"u", 2, 1}}, 201);
    const ProbeResult given = soft.run();
    EXPECT_EQ(given.output, "0\n");
    EXPECT_EQ(given.launch.shortfalls.size(), 1U);
}

TEST(LaunchProcess, HasASessionKeyringOfItsOwn) {
    const auto keyrings = sys::read_file("/proc/keys", 1 << 20);
    if (!keyrings) {
        GTEST_SKIP() << "this kernel has no keyrings";
    }
    LaunchProbe probe("cat /proc/keys");
    probe.add(Stage::Keyring, NewSessionKeyring{});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_NE(result.output.find("keyring   _ses"), std::string::npos) << result.output;
}

TEST(LaunchProcess, StartsInItsWorkingDirectory) {
    LaunchProbe probe("pwd");
    probe.add(Stage::WorkingDirectory, ChangeDirectory{"/usr/bin", false}, {}, 200);
    EXPECT_EQ(probe.run().output, "/usr/bin\n");

    LaunchProbe missing("pwd");
    missing.add(
        Stage::WorkingDirectory,
        ChangeDirectory{"/nonexistent", false},
        {"WorkingDirectory", "/nonexistent", {"u", 3, 1}},
        200);
    const ProbeResult result = missing.run();
    EXPECT_EQ(
        result.failure(),
        "u:3: WorkingDirectory=/nonexistent: step \"change-directory\" failed: "
        "No such file or directory");
    EXPECT_EQ(result.exit->status, 200);

    LaunchProbe tolerated("pwd");
    tolerated.add(Stage::WorkingDirectory, ChangeDirectory{"/nonexistent", true}, {}, 200);
    EXPECT_EQ(tolerated.run().output, "/\n");
}

}  // namespace
}  // namespace hearth::launch
