// SPDX-License-Identifier: MIT
//
// The system call filter, judged by running it: a small interpreter of the classic BPF that the kernel
// takes for seccomp. Verdicts for every call number of every ABI are compared with libseccomp's own
// program (the oracle) where libseccomp can say the same, and with tables where it can't.
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "supervisor/launch/seccomp_abis.hpp"
#include "supervisor/launch/seccomp_program.hpp"
#include "tests/supervisor/launch_plan_support.hpp"
#include "units/system_call_groups.hpp"

namespace hearth::launch::testing {
namespace {

// ---- the interpreter --------------------------------------------------------------------------------

struct Run {
    std::uint32_t verdict = 0;
    std::size_t length = 0;       ///< instructions on the way
    bool looked_at_arguments = false;
};

Run run(const SeccompProgram& program, const seccomp_data& data) {
    Run result;
    std::uint32_t accumulator = 0;
    for (std::size_t at = 0; at < program.size(); ++at) {
        sock_filter code{};
        std::memcpy(&code, &program[at], sizeof code);
        ++result.length;
        const auto jump = [&](bool condition) { at += condition ? code.jt : code.jf; };
        switch (code.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                EXPECT_LE(code.k + 4, sizeof data);
                EXPECT_EQ(code.k % 4, 0U);
                std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + code.k, 4);
                result.looked_at_arguments |= code.k >= offsetof(seccomp_data, args);
                break;
            case BPF_ALU | BPF_AND | BPF_K:
                accumulator &= code.k;
                break;
            case BPF_JMP | BPF_JA:
                at += code.k;
                break;
            case BPF_JMP | BPF_JEQ | BPF_K:
                jump(accumulator == code.k);
                break;
            case BPF_JMP | BPF_JGE | BPF_K:
                jump(accumulator >= code.k);
                break;
            case BPF_JMP | BPF_JGT | BPF_K:
                jump(accumulator > code.k);
                break;
            case BPF_JMP | BPF_JSET | BPF_K:
                jump((accumulator & code.k) != 0);
                break;
            case BPF_RET | BPF_K:
                result.verdict = code.k;
                return result;
            default:
                ADD_FAILURE() << "instruction " << code.code;
                return result;
        }
    }
    ADD_FAILURE() << "ran off the end of the program";
    return result;
}

constexpr std::uint32_t allow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kill_process = SECCOMP_RET_KILL_PROCESS;
constexpr std::uint32_t errno_is(int number) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(number); }

const Abi& native() { return local_abis().front(); }

std::uint32_t verdict(const SeccompProgram& program, std::uint32_t audit, std::uint32_t number,
                      std::array<std::uint64_t, 6> arguments = {}) {
    seccomp_data data{};
    data.nr = static_cast<int>(number);
    data.arch = audit;
    std::copy(arguments.begin(), arguments.end(), data.args);
    return run(program, data).verdict;
}

/// The verdict of a native call by name.
std::uint32_t verdict(const SeccompProgram& program, std::string_view call, std::array<std::uint64_t, 6> arguments = {}) {
    const auto number = call_number(native(), call);
    EXPECT_TRUE(number.has_value()) << call;
    return verdict(program, native().audit_architecture, number.value_or(0), arguments);
}

SeccompProgram compiled(const std::string& lines) {
    const Unit unit = service(lines);
    EXPECT_TRUE(unit.refusals.empty()) << (unit.refusals.empty() ? "" : one_line(unit.refusals.front()));
    auto program = compile(unit.settings.sandbox);
    EXPECT_TRUE(program.has_value());
    return program.value_or(SeccompProgram());
}

// ---- libseccomp, the oracle --------------------------------------------------------------------------

SeccompProgram exported(scmp_filter_ctx context) {
    const int memory = memfd_create("oracle", MFD_CLOEXEC);
    EXPECT_EQ(seccomp_export_bpf(context, memory), 0);
    const off_t size = lseek(memory, 0, SEEK_END);
    SeccompProgram program(static_cast<std::size_t>(size) / sizeof(std::uint64_t));
    EXPECT_EQ(pread(memory, program.data(), static_cast<std::size_t>(size), 0), size);
    close(memory);
    return program;
}

/// A filter of the native ABI alone: `fallback` for all but `calls`, which get `action`.
SeccompProgram oracle(std::uint32_t fallback, std::uint32_t action, const std::vector<std::string_view>& calls) {
    scmp_filter_ctx context = seccomp_init(fallback);
    EXPECT_EQ(seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), 0);
    EXPECT_EQ(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), 0);
    for (const std::string_view call : calls) {
        const int number = seccomp_syscall_resolve_name(std::string(call).c_str());
        if (number >= 0) {
            EXPECT_EQ(seccomp_rule_add(context, action, number, 0), 0) << call;
        }
    }
    SeccompProgram program = exported(context);
    seccomp_release(context);
    return program;
}

constexpr std::uint32_t highest = 1200;  // beyond every table

/// Same verdict for every number, near every edge, and for foreign architectures.
void check_same(const SeccompProgram& ours, const SeccompProgram& theirs) {
    const auto check = [&](std::uint32_t audit, std::uint32_t number) {
        // libseccomp doesn't know calls beyond 450; ours then has its own table.
        if (audit == native().audit_architecture && number > 450 && number < 500) {
            return;
        }
        EXPECT_EQ(verdict(ours, audit, number), verdict(theirs, audit, number)) << std::hex << audit << " " << number;
    };
    for (std::uint32_t number = 0; number < highest; ++number) {
        check(native().audit_architecture, number);
        check(AUDIT_ARCH_I386, number);
        check(AUDIT_ARCH_ARM, number);
        check(native().audit_architecture, 0x40000000U + number);
    }
    for (const std::uint32_t edge : {0x3fffffffU, 0x40000000U, 0x7fffffffU, 0x80000000U, 0xfffffffeU, 0xffffffffU}) {
        check(native().audit_architecture, edge);
    }
}

std::vector<std::string_view> calls_of(std::initializer_list<std::string_view> groups) {
    std::vector<std::string_view> calls;
    for (const std::string_view group : groups) {
        for_each_call(*find_system_call_group(group), [&](std::string_view call) { calls.push_back(call); });
    }
    return calls;
}

TEST(Seccomp, AnAllowListAgreesWithLibseccompOnEveryCall) {
    check_same(compiled("SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM\nSystemCallArchitectures=native"),
               oracle(SCMP_ACT_ERRNO(EPERM), SCMP_ACT_ALLOW, calls_of({"@system-service", "@default"})));
}
TEST(Seccomp, AShortAllowListAgreesWithLibseccompOnEveryCall) {
    auto calls = calls_of({"@default", "@basic-io"});
    calls.emplace_back("uname");
    check_same(compiled("SystemCallFilter=@basic-io uname\nSystemCallArchitectures=native"),
               oracle(SCMP_ACT_KILL_PROCESS, SCMP_ACT_ALLOW, calls));
}
TEST(Seccomp, ADenyListAgreesWithLibseccompOnEveryCall) {
    check_same(compiled("SystemCallFilter=~@mount @privileged\nSystemCallErrorNumber=EACCES\nSystemCallArchitectures=native"),
               oracle(SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(EACCES), calls_of({"@mount", "@privileged"})));
}
TEST(Seccomp, ADenyListThatKillsAgreesWithLibseccompOnEveryCall) {
    check_same(compiled("SystemCallFilter=~@obsolete @debug\nSystemCallArchitectures=native"),
               oracle(SCMP_ACT_ALLOW, SCMP_ACT_KILL_PROCESS, calls_of({"@obsolete", "@debug"})));
}

/// The same for a secondary ABI, whose numbers are its own.
void check_abi(const Abi& abi, const SeccompProgram& program, const std::vector<std::string_view>& allowed) {
    std::map<std::uint32_t, std::uint32_t> expected;
    for (const std::string_view call : allowed) {
        if (const auto number = call_number(abi, call)) {
            expected[*number] = allow;
        }
    }
    const std::uint32_t base = abi.name == "x32" ? first_call_of_second_abi() : 0;
    for (std::uint32_t number = base; number < base + highest; ++number) {
        const bool multiplexer = abi.multiplexed && (number == call_number(abi, "socketcall") || number == call_number(abi, "ipc"));
        if (!multiplexer) {
            const auto found = expected.find(number);
            EXPECT_EQ(verdict(program, abi.audit_architecture, number), found == expected.end() ? errno_is(EPERM) : allow)
                << abi.name << " " << number;
        }
    }
}

TEST(Seccomp, WithoutArchitecturesEveryAbiOfTheMachineIsHeldToTheSameNames) {
    const SeccompProgram program = compiled("SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM");
    for (const Abi& abi : local_abis()) {
        check_abi(abi, program, calls_of({"@system-service", "@default"}));
    }
}

TEST(Seccomp, AnArchitectureThatIsNotListedIsKilled) {
    const SeccompProgram program = compiled("SystemCallArchitectures=native");
    EXPECT_EQ(verdict(program, "read"), allow);
    for (const Abi& abi : local_abis().subspan(1)) {
        EXPECT_EQ(verdict(program, abi.audit_architecture, call_number(abi, "read").value_or(0)), kill_process) << abi.name;
    }
    EXPECT_EQ(verdict(program, AUDIT_ARCH_S390X, 1), kill_process);
}

#if defined(__x86_64__)
TEST(Seccomp, AListedArchitectureIsPermittedBesideTheNativeOne) {
    const SeccompProgram program = compiled("SystemCallArchitectures=x86");
    EXPECT_EQ(verdict(program, "read"), allow);
    EXPECT_EQ(verdict(program, AUDIT_ARCH_I386, 3), allow);
    EXPECT_EQ(verdict(program, AUDIT_ARCH_X86_64, 0x40000000), kill_process);
}

TEST(Seccomp, CallsBehindX86MultiplexersAreFilteredBySelector) {
    constexpr std::uint32_t socketcall = 102, ipc = 117;
    const SeccompProgram deny = compiled("SystemCallFilter=~socket shmget\nSystemCallErrorNumber=EPERM");
    EXPECT_EQ(verdict(deny, AUDIT_ARCH_I386, socketcall, {1}), errno_is(EPERM));   // SYS_SOCKET
    EXPECT_EQ(verdict(deny, AUDIT_ARCH_I386, socketcall, {2}), allow);             // SYS_BIND
    EXPECT_EQ(verdict(deny, AUDIT_ARCH_I386, ipc, {0x10017}), errno_is(EPERM));    // SHMGET, version 1
    EXPECT_EQ(verdict(deny, AUDIT_ARCH_I386, ipc, {21}), allow);
    const SeccompProgram list = compiled("SystemCallFilter=socket\nSystemCallErrorNumber=EPERM");
    EXPECT_EQ(verdict(list, AUDIT_ARCH_I386, socketcall, {1}), allow);
    EXPECT_EQ(verdict(list, AUDIT_ARCH_I386, socketcall, {2}), errno_is(EPERM));
}
#endif

// ---- verdicts of SystemCallFilter= -------------------------------------------------------------------

struct Case {
    std::string lines;
    std::string_view call;
    std::array<std::uint64_t, 6> arguments;
    std::uint32_t expected;
};

void check(const std::vector<Case>& cases) {
    for (const Case& each : cases) {
        EXPECT_EQ(verdict(compiled(each.lines), each.call, each.arguments), each.expected)
            << each.lines << "\n" << each.call << " " << each.arguments[0] << " " << each.arguments[1] << " "
            << each.arguments[2] << " " << each.arguments[3];
    }
}

TEST(Seccomp, TheListsOwnActionAndTheCallsOwnErrno) {
    check({
        {"SystemCallFilter=~mount", "mount", {}, kill_process},
        {"SystemCallFilter=~mount\nSystemCallErrorNumber=EPERM", "mount", {}, errno_is(EPERM)},
        {"SystemCallFilter=~mount:ENOSYS\nSystemCallErrorNumber=EPERM", "mount", {}, errno_is(ENOSYS)},
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
    for (const std::string_view call : {"execve", "exit", "exit_group", "rt_sigreturn", "clock_gettime", "nanosleep", "prlimit64"}) {
        EXPECT_EQ(verdict(program, call), allow) << call;
    }
}

// ---- rules over arguments ------------------------------------------------------------------------------

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
        {on, "chmod", {0, 0755}, allow},          {on, "chmod", {0, 04755}, errno_is(EPERM)},
        {on, "chmod", {0, 02755}, errno_is(EPERM)}, {on, "chmod", {0, 01777}, allow},
        {on, "fchmod", {0, 04000}, errno_is(EPERM)}, {on, "fchmodat", {0, 0, 02000}, errno_is(EPERM)},
        {on, "fchmodat2", {0, 0, 02000}, errno_is(EPERM)}, {on, "mkdirat", {0, 0, 02755}, errno_is(EPERM)},
        {on, "mknodat", {0, 0, 04755}, errno_is(EPERM)}, {on, "creat", {0, 04755}, errno_is(EPERM)},
        {on, "openat", {0, 0, O_CREAT, 04755}, errno_is(EPERM)}, {on, "openat", {0, 0, O_CREAT, 0755}, allow},
        {on, "openat", {0, 0, O_RDONLY, 04755}, allow},  // no mode is read
        {on, "openat", {0, 0, O_TMPFILE | O_RDWR, 04755}, errno_is(EPERM)},
        {on, "openat", {0, 0, O_DIRECTORY, 04755}, allow},
        {on, "open", {0, O_CREAT, 02755}, errno_is(EPERM)}, {on, "openat2", {}, errno_is(ENOSYS)},
    });
}

TEST(Seccomp, MemoryPersonalityAndRealtime) {
    const std::string memory = "MemoryDenyWriteExecute=yes", locked = "LockPersonality=yes", realtime = "RestrictRealtime=yes";
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
        {"SystemCallFilter=~@clock\nSystemCallErrorNumber=ENOSYS\nProtectClock=yes", "clock_settime", {}, errno_is(ENOSYS)},
        // An allow-list and an argument rule on one of its calls, which libseccomp can't say in one filter.
        {"SystemCallFilter=socket\nRestrictAddressFamilies=AF_UNIX", "socket", {AF_UNIX}, allow},
        {"SystemCallFilter=socket\nRestrictAddressFamilies=AF_UNIX", "socket", {AF_INET}, errno_is(EAFNOSUPPORT)},
        {"SystemCallFilter=read\nRestrictAddressFamilies=AF_UNIX", "socket", {AF_UNIX}, kill_process},
        {"SystemCallFilter=@default\nMemoryDenyWriteExecute=yes", "mmap", {0, 0, 6}, errno_is(EPERM)},
        {"SystemCallFilter=@default\nMemoryDenyWriteExecute=yes", "mmap", {0, 0, 2}, allow},
    });
}

// ---- the shape ---------------------------------------------------------------------------------------------

const std::string everything =
    "SystemCallFilter=@system-service\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\nLockPersonality=yes\n"
    "RestrictRealtime=yes\nRestrictSUIDSGID=yes\nMemoryDenyWriteExecute=yes\nProtectClock=yes\n"
    "ProtectKernelModules=yes\nProtectKernelLogs=yes\nProtectHostname=yes\nPrivateDevices=yes";

TEST(Seccomp, OnlyCallsWithArgumentRulesLookAtArguments) {
    const std::string all_but_filter = everything.substr(everything.find('\n') + 1);
    const SeccompProgram program = compiled(all_but_filter + "\nSystemCallArchitectures=native");
    std::set<std::uint32_t> looking;
    for (const std::string_view call : {"socket", "personality", "sched_setscheduler", "chmod", "fchmod", "fchmodat", "fchmodat2",
                                        "creat", "mkdir", "mkdirat", "mknod", "mknodat", "open", "openat", "mmap", "mprotect",
                                        "pkey_mprotect", "shmat"}) {
        looking.insert(call_number(native(), call).value_or(highest));
    }
    for (std::uint32_t number = 0; number < highest; ++number) {
        seccomp_data data{};
        data.nr = static_cast<int>(number);
        data.arch = native().audit_architecture;
        EXPECT_EQ(run(program, data).looked_at_arguments, looking.contains(number)) << number;
    }
}

TEST(Seccomp, ThePathIsShortForEveryCall) {
    const SeccompProgram program = compiled(everything);
    EXPECT_LT(program.size(), 1200U);
    for (std::uint32_t number = 0; number < highest; ++number) {
        seccomp_data data{};
        data.nr = static_cast<int>(number);
        data.arch = native().audit_architecture;
        EXPECT_LE(run(program, data).length, 26U) << number;
    }
}

TEST(Seccomp, NothingAskedIsNoProgram) {
    EXPECT_FALSE(asks_for_seccomp(service("NoNewPrivileges=yes").settings.sandbox));
    EXPECT_TRUE(compiled("PrivateTmp=yes").empty());
}

TEST(Seccomp, EveryJumpStaysInsideWhateverIsListed) {
    // Every other call: as many ranges as there can be.
    std::string lines = "SystemCallFilter=";
    for (std::uint32_t number = 0; number < 450; number += 2) {
        if (char* const name = seccomp_syscall_resolve_num_arch(native().scmp_architecture, static_cast<int>(number))) {
            (lines += name) += ' ';
            std::free(name);
        }
    }
    const SeccompProgram program = compiled(lines + "\n" + everything);
    ASSERT_FALSE(program.empty());
    for (const Abi& abi : local_abis()) {
        for (std::uint32_t number = 0; number < highest; ++number) {
            const std::uint32_t found = verdict(program, abi.audit_architecture, number);
            EXPECT_TRUE(found == allow || found == kill_process || (found & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO);
        }
    }
}

TEST(Seccomp, UnknownNamesAreTold) {
    SandboxSettings sandbox;
    sandbox.system_call_filter.calls = {{"no_such_call", std::nullopt}};
    Diagnostics notes;
    ASSERT_TRUE(compile(sandbox, &notes).has_value());
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_EQ(notes[0].severity, Severity::Warning);
    EXPECT_NE(notes[0].message.find("'no_such_call'"), std::string::npos);
}

TEST(Seccomp, EveryGroupsCallsAreResolvableOrOfAnotherArchitecture) {
    // A name that can't be resolved can't be refused by a deny-list: none may be left that a kernel for
    // this architecture has.
    std::set<std::string_view> unresolved;
    for (const SystemCallGroup& group : system_call_groups()) {
        for_each_call(group, [&](std::string_view call) {
            if (group.name != "@known" && !is_resolvable(call)) {  // @known has those of dead architectures
                unresolved.insert(call);
            }
        });
    }
    const std::set<std::string_view> elsewhere = {"riscv_hwprobe", "uretprobe"};  // uretprobe only serves the kernel itself
    EXPECT_EQ(unresolved, elsewhere);
}

TEST(SeccompCache, UnitsThatAskForTheSameShareAProgram) {
    SeccompCache cache;
    const Unit one = service("SystemCallFilter=@system-service\nUser=nobody"), two = service("SystemCallFilter=@system-service\nCPUQuota=10%");
    const Unit other = service("SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM"), none = service("");
    const auto first = cache.program(one.settings.sandbox), second = cache.program(two.settings.sandbox);
    ASSERT_TRUE(first.has_value() && second.has_value());
    EXPECT_EQ(*first, *second);
    EXPECT_NE(cache.program(other.settings.sandbox).value_or(nullptr), *first);
    EXPECT_EQ(cache.program(none.settings.sandbox).value_or(*first), nullptr);
    EXPECT_EQ(cache.size(), 2U);
    cache.keep_only({&two.settings.sandbox});
    EXPECT_EQ(cache.size(), 1U);
    EXPECT_EQ(cache.program(one.settings.sandbox).value_or(nullptr), *first);
}

}  // namespace
}  // namespace hearth::launch::testing
