// SPDX-License-Identifier: MIT
//
// Verdicts of the filter's directives, call by call: lists and their errors, rules over arguments,
// and what counts where directives disagree.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "tests/supervisor/launch_plan_seccomp_support.hpp"

namespace hearth::launch::testing {
namespace {

// ---- verdicts of SystemCallFilter=
// -------------------------------------------------------------------

struct Case {
    std::string lines;
    std::string_view call;
    std::array<std::uint64_t, 6> arguments;
    std::uint32_t expected;
};

void check(const std::vector<Case>& cases) {
    for (const Case& each : cases) {
        EXPECT_EQ(verdict(compiled(each.lines), each.call, each.arguments), each.expected)
            << each.lines << "\n"
            << each.call << " " << each.arguments[0] << " " << each.arguments[1] << " "
            << each.arguments[2] << " " << each.arguments[3];
    }
}

TEST(Seccomp, TheListsOwnActionAndTheCallsOwnErrno) {
    check({
        {"SystemCallFilter=~mount", "mount", {}, kill_process},
        {"SystemCallFilter=~mount\nSystemCallErrorNumber=EPERM", "mount", {}, errno_is(EPERM)},
        {"SystemCallFilter=~mount:ENOSYS\nSystemCallErrorNumber=EPERM",
         "mount",
         {},
         errno_is(ENOSYS)},
        {"SystemCallFilter=~mount:kill\nSystemCallErrorNumber=EPERM", "mount", {}, kill_process},
        {"SystemCallFilter=~mount", "umount2", {}, allow},
        {"SystemCallFilter=read", "mount", {}, kill_process},
        {"SystemCallFilter=read\nSystemCallErrorNumber=ENOSYS", "mount", {}, errno_is(ENOSYS)},
        {"SystemCallFilter=@mount\nSystemCallFilter=~mount", "mount", {}, kill_process},
        {"SystemCallFilter=@mount\nSystemCallFilter=~mount", "umount2", {}, allow},
        {"SystemCallFilter=~fchmodat2", "fchmodat2", {}, kill_process},  // younger than libseccomp
    });
}

TEST(Seccomp, WhatExecutionNeedsIsAllowedByEveryAllowList) {
    const SeccompProgram program = compiled("SystemCallFilter=read");
    for (const std::string_view call :
         {"execve",
          "exit",
          "exit_group",
          "rt_sigreturn",
          "clock_gettime",
          "nanosleep",
          "prlimit64"}) {
        EXPECT_EQ(verdict(program, call), allow) << call;
    }
}

// ---- rules over arguments
// ------------------------------------------------------------------------------

TEST(Seccomp, AddressFamilies) {
    constexpr std::uint64_t garbage = std::uint64_t{1} << 32;
    const std::string list = "RestrictAddressFamilies=AF_UNIX AF_INET";
    const std::string denied = "RestrictAddressFamilies=~AF_PACKET";
    check({
        {list, "socket", {AF_UNIX}, allow},
        {list, "socket", {AF_INET}, allow},
        {list, "socket", {AF_INET6}, errno_is(EAFNOSUPPORT)},
        {list, "socket", {AF_INET6 + garbage}, errno_is(EAFNOSUPPORT)},
        {list, "socket", {0xffffffff}, errno_is(EAFNOSUPPORT)},
        {list, "socketpair", {AF_UNIX}, allow},
        {denied, "socket", {AF_PACKET}, errno_is(EAFNOSUPPORT)},
        {denied, "socket", {AF_PACKET + garbage}, errno_is(EAFNOSUPPORT)},
        {denied, "socket", {AF_INET6}, allow},
        {"RestrictAddressFamilies=none", "socket", {AF_UNIX}, errno_is(EAFNOSUPPORT)},
    });
}

TEST(Seccomp, SetUserIdBits) {
    const std::string on = "RestrictSUIDSGID=yes";
    check({
        {on, "chmod", {0, 0755}, allow},
        {on, "chmod", {0, 04755}, errno_is(EPERM)},
        {on, "chmod", {0, 02755}, errno_is(EPERM)},
        {on, "chmod", {0, 01777}, allow},
        {on, "fchmod", {0, 04000}, errno_is(EPERM)},
        {on, "fchmodat", {0, 0, 02000}, errno_is(EPERM)},
        {on, "fchmodat2", {0, 0, 02000}, errno_is(EPERM)},
        {on, "mkdirat", {0, 0, 02755}, errno_is(EPERM)},
        {on, "mknodat", {0, 0, 04755}, errno_is(EPERM)},
        {on, "creat", {0, 04755}, errno_is(EPERM)},
        {on, "openat", {0, 0, O_CREAT, 04755}, errno_is(EPERM)},
        {on, "openat", {0, 0, O_CREAT, 0755}, allow},
        {on, "openat", {0, 0, O_RDONLY, 04755}, allow},  // no mode is read
        {on, "openat", {0, 0, O_TMPFILE | O_RDWR, 04755}, errno_is(EPERM)},
        {on, "openat", {0, 0, O_DIRECTORY, 04755}, allow},
        {on, "open", {0, O_CREAT, 02755}, errno_is(EPERM)},
        {on, "openat2", {}, errno_is(ENOSYS)},
    });
}

TEST(Seccomp, MemoryPersonalityAndRealtime) {
    const std::string memory = "MemoryDenyWriteExecute=yes", locked = "LockPersonality=yes",
                      realtime = "RestrictRealtime=yes";
    check({
        {memory, "mmap", {0, 1, PROT_READ | PROT_WRITE}, allow},
        {memory, "mmap", {0, 1, PROT_READ | PROT_EXEC}, allow},
        {memory, "mmap", {0, 1, PROT_WRITE | PROT_EXEC}, errno_is(EPERM)},
        {memory, "mprotect", {0, 1, PROT_READ | PROT_EXEC}, errno_is(EPERM)},
        {memory, "mprotect", {0, 1, PROT_READ | PROT_WRITE}, allow},
        {memory, "pkey_mprotect", {0, 1, PROT_EXEC}, errno_is(EPERM)},
        {memory, "shmat", {0, 0, SHM_EXEC}, errno_is(EPERM)},
        {memory, "shmat", {0, 0, SHM_RDONLY}, allow},
        {locked, "personality", {0}, allow},
        {locked, "personality", {0xffffffff}, allow},
        {locked, "personality", {8}, errno_is(EPERM)},
        {realtime, "sched_setscheduler", {0, SCHED_OTHER}, allow},
        {realtime, "sched_setscheduler", {0, SCHED_BATCH | 0x40000000}, allow},
        {realtime, "sched_setscheduler", {0, SCHED_FIFO}, errno_is(EPERM)},
        {realtime, "sched_setscheduler", {0, SCHED_RR | 0x40000000}, errno_is(EPERM)},
        {realtime, "sched_setscheduler", {0, 6}, errno_is(EPERM)},
        {realtime, "sched_setattr", {}, errno_is(EPERM)},
    });
}

TEST(Seccomp, WhatProtectionsRefuse) {
    check({
        {"ProtectClock=yes", "clock_settime", {}, errno_is(EPERM)},
        {"ProtectClock=yes", "adjtimex", {}, errno_is(EPERM)},
        {"ProtectKernelModules=yes", "init_module", {}, errno_is(EPERM)},
        {"ProtectKernelModules=yes", "finit_module", {}, errno_is(EPERM)},
        {"ProtectKernelLogs=yes", "syslog", {}, errno_is(EPERM)},
        {"ProtectHostname=yes", "sethostname", {}, errno_is(EPERM)},
        {"ProtectHostname=yes", "setdomainname", {}, errno_is(EPERM)},
        {"ProtectHostname=yes", "uname", {}, allow},
#if defined(__x86_64__)
        {"PrivateDevices=yes", "ioperm", {}, errno_is(EPERM)},
        {"PrivateDevices=yes", "iopl", {}, errno_is(EPERM)},
        {"ProtectKernelTunables=yes", "_sysctl", {}, errno_is(EPERM)},
#endif
    });
}

TEST(Seccomp, TheStrictestVerdictCountsWhereDirectivesDisagree) {
    check({
        // Allowed by the list, refused by the other.
        {"SystemCallFilter=@clock\nProtectClock=yes", "clock_settime", {}, errno_is(EPERM)},
        // Killed by the list: an error would be laxer.
        {"SystemCallFilter=~@clock\nProtectClock=yes", "clock_settime", {}, kill_process},
        // Two errors: the filter's.
        {"SystemCallFilter=~@clock\nSystemCallErrorNumber=ENOSYS\nProtectClock=yes",
         "clock_settime",
         {},
         errno_is(ENOSYS)},
        // An allow-list and an argument rule on one of its calls, which libseccomp can't say in one
        // filter.
        {"SystemCallFilter=socket\nRestrictAddressFamilies=AF_UNIX", "socket", {AF_UNIX}, allow},
        {"SystemCallFilter=socket\nRestrictAddressFamilies=AF_UNIX",
         "socket",
         {AF_INET},
         errno_is(EAFNOSUPPORT)},
        {"SystemCallFilter=read\nRestrictAddressFamilies=AF_UNIX",
         "socket",
         {AF_UNIX},
         kill_process},
        {"SystemCallFilter=@default\nMemoryDenyWriteExecute=yes",
         "mmap",
         {0, 0, 6},
         errno_is(EPERM)},
        {"SystemCallFilter=@default\nMemoryDenyWriteExecute=yes", "mmap", {0, 0, 2}, allow},
    });
}

}  // namespace
}  // namespace hearth::launch::testing
