// SPDX-License-Identifier: MIT
//
// The filter as a whole: the same verdict as libseccomp's own program (the oracle) for every call
// number of every ABI where libseccomp can say the same, the shape of the program, the cache.
#include <linux/audit.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/supervisor/launch_plan_seccomp_support.hpp"
#include "units/system_call_groups.hpp"

namespace hearth::launch::testing {
namespace {

// ---- libseccomp, the oracle
// --------------------------------------------------------------------------

SeccompProgram exported(scmp_filter_ctx context) {
    const int memory = memfd_create("oracle", MFD_CLOEXEC);
    EXPECT_EQ(seccomp_export_bpf(context, memory), 0);
    const off_t size = lseek(memory, 0, SEEK_END);
    SeccompProgram program(static_cast<std::size_t>(size) / sizeof(std::uint64_t));
    EXPECT_EQ(pread(memory, program.data(), static_cast<std::size_t>(size), 0), size);
    close(memory);
    return program;
}

/// What no name of @known stands for.
SeccompProgram oracle_of_allow_list(
    std::uint32_t refusal, const std::vector<std::string_view>& allowed) {
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    EXPECT_EQ(seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), 0);
    EXPECT_EQ(seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2), 0);
    std::map<int, std::uint32_t> verdicts;
    const auto decide = [&](std::string_view call, std::uint32_t action) {
        const int number = seccomp_syscall_resolve_name(std::string(call).c_str());
        if (number >= 0) {
            verdicts[number] = action;
        }
    };
    for_each_call(
        *find_system_call_group("@known"), [&](std::string_view call) { decide(call, refusal); });
    for (const std::string_view call : allowed) {
        decide(call, SCMP_ACT_ALLOW);
    }
    for (const auto& [number, action] : verdicts) {
        EXPECT_EQ(seccomp_rule_add(context, action, number, 0), 0) << number;
    }
    SeccompProgram program = exported(context);
    seccomp_release(context);
    return program;
}

/// A filter of the native ABI alone: `fallback` for all but `calls`, which get `action`.
SeccompProgram oracle(
    std::uint32_t fallback, std::uint32_t action, const std::vector<std::string_view>& calls) {
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
        EXPECT_EQ(verdict(ours, audit, number), verdict(theirs, audit, number))
            << std::hex << audit << " " << number;
    };
    for (std::uint32_t number = 0; number < highest; ++number) {
        check(native().audit_architecture, number);
        check(AUDIT_ARCH_I386, number);
        check(AUDIT_ARCH_ARM, number);
        check(native().audit_architecture, 0x40000000U + number);
    }
    for (const std::uint32_t edge :
         {0x3fffffffU, 0x40000000U, 0x7fffffffU, 0x80000000U, 0xfffffffeU, 0xffffffffU}) {
        check(native().audit_architecture, edge);
    }
}

std::vector<std::string_view> calls_of(std::initializer_list<std::string_view> groups) {
    std::vector<std::string_view> calls;
    for (const std::string_view group : groups) {
        for_each_call(
            *find_system_call_group(group), [&](std::string_view call) { calls.push_back(call); });
    }
    return calls;
}

TEST(Seccomp, AnAllowListAgreesWithLibseccompOnEveryCall) {
    check_same(
        compiled("SystemCallFilter=@system-service\nSystemCallErrorNumber="
                 "EPERM\nSystemCallArchitectures=native"),
        oracle_of_allow_list(SCMP_ACT_ERRNO(EPERM), calls_of({"@system-service", "@default"})));
}
TEST(Seccomp, AShortAllowListAgreesWithLibseccompOnEveryCall) {
    auto calls = calls_of({"@default", "@basic-io"});
    calls.emplace_back("uname");
    check_same(
        compiled("SystemCallFilter=@basic-io uname\nSystemCallArchitectures=native"),
        oracle_of_allow_list(SCMP_ACT_KILL_PROCESS, calls));
}
TEST(Seccomp, ADenyListAgreesWithLibseccompOnEveryCall) {
    check_same(
        compiled("SystemCallFilter=~@mount "
                 "@privileged\nSystemCallErrorNumber=EACCES\nSystemCallArchitectures=native"),
        oracle(SCMP_ACT_ALLOW, SCMP_ACT_ERRNO(EACCES), calls_of({"@mount", "@privileged"})));
}
TEST(Seccomp, ADenyListThatKillsAgreesWithLibseccompOnEveryCall) {
    check_same(
        compiled("SystemCallFilter=~@obsolete @debug\nSystemCallArchitectures=native"),
        oracle(SCMP_ACT_ALLOW, SCMP_ACT_KILL_PROCESS, calls_of({"@obsolete", "@debug"})));
}

/// The same for a secondary ABI, whose numbers are its own.
void check_abi(
    const Abi& abi, const SeccompProgram& program, const std::vector<std::string_view>& allowed) {
    std::map<std::uint32_t, std::uint32_t> expected;
    for (const std::string_view call : calls_of({"@known"})) {
        if (const auto number = call_number(abi, call)) {
            expected[*number] = errno_is(EPERM);
        }
    }
    for (const std::string_view call : allowed) {
        if (const auto number = call_number(abi, call)) {
            expected[*number] = allow;
        }
    }
    const std::uint32_t base = abi.name == "x32" ? first_call_of_second_abi() : 0;
    for (std::uint32_t number = base; number < base + highest; ++number) {
        const bool multiplexer = abi.multiplexed && (number == call_number(abi, "socketcall") ||
                                                     number == call_number(abi, "ipc"));
        if (!multiplexer) {
            const auto found = expected.find(number);
            EXPECT_EQ(
                verdict(program, abi.audit_architecture, number),
                found == expected.end() ? errno_is(ENOSYS) : found->second)
                << abi.name << " " << number;
        }
    }
}

TEST(Seccomp, WithoutArchitecturesEveryAbiOfTheMachineIsHeldToTheSameNames) {
    const SeccompProgram program =
        compiled("SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM");
    for (const Abi& abi : local_abis()) {
        check_abi(abi, program, calls_of({"@system-service", "@default"}));
    }
}

TEST(Seccomp, AnArchitectureThatIsNotListedIsKilled) {
    const SeccompProgram program = compiled("SystemCallArchitectures=native");
    EXPECT_EQ(verdict(program, "read"), allow);
    for (const Abi& abi : local_abis().subspan(1)) {
        EXPECT_EQ(
            verdict(program, abi.audit_architecture, call_number(abi, "read").value_or(0)),
            kill_process)
            << abi.name;
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
    const SeccompProgram deny =
        compiled("SystemCallFilter=~socket shmget\nSystemCallErrorNumber=EPERM");
    EXPECT_EQ(verdict(deny, AUDIT_ARCH_I386, socketcall, {1}), errno_is(EPERM));  // SYS_SOCKET
    EXPECT_EQ(verdict(deny, AUDIT_ARCH_I386, socketcall, {2}), allow);            // SYS_BIND
    EXPECT_EQ(
        verdict(deny, AUDIT_ARCH_I386, ipc, {0x10017}), errno_is(EPERM));  // SHMGET, version 1
    EXPECT_EQ(verdict(deny, AUDIT_ARCH_I386, ipc, {21}), allow);
    const SeccompProgram list = compiled("SystemCallFilter=socket\nSystemCallErrorNumber=EPERM");
    EXPECT_EQ(verdict(list, AUDIT_ARCH_I386, socketcall, {1}), allow);
    EXPECT_EQ(verdict(list, AUDIT_ARCH_I386, socketcall, {2}), errno_is(EPERM));
}
#endif

// ---- the shape
// ---------------------------------------------------------------------------------------------

const std::string everything =
    "SystemCallFilter=@system-service\nRestrictAddressFamilies=AF_UNIX AF_INET "
    "AF_INET6\nLockPersonality=yes\n"
    "RestrictRealtime=yes\nRestrictSUIDSGID=yes\nMemoryDenyWriteExecute=yes\nProtectClock=yes\n"
    "ProtectKernelModules=yes\nProtectKernelLogs=yes\nProtectHostname=yes\nPrivateDevices=yes";

TEST(Seccomp, OnlyCallsWithArgumentRulesLookAtArguments) {
    const std::string all_but_filter = everything.substr(everything.find('\n') + 1);
    const SeccompProgram program = compiled(all_but_filter + "\nSystemCallArchitectures=native");
    std::set<std::uint32_t> looking;
    for (const std::string_view call :
         {"socket",
          "personality",
          "sched_setscheduler",
          "chmod",
          "fchmod",
          "fchmodat",
          "fchmodat2",
          "creat",
          "mkdir",
          "mkdirat",
          "mknod",
          "mknodat",
          "open",
          "openat",
          "mmap",
          "mprotect",
          "pkey_mprotect",
          "shmat"}) {
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
        if (char* const name = seccomp_syscall_resolve_num_arch(
                native().scmp_architecture, static_cast<int>(number))) {
            (lines += name) += ' ';
            std::free(name);
        }
    }
    const SeccompProgram program = compiled(lines + "\n" + everything);
    ASSERT_FALSE(program.empty());
    for (const Abi& abi : local_abis()) {
        for (std::uint32_t number = 0; number < highest; ++number) {
            const std::uint32_t found = verdict(program, abi.audit_architecture, number);
            EXPECT_TRUE(
                found == allow || found == kill_process ||
                (found & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO);
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
    // A name that can't be resolved can't be refused by a deny-list: none may be left that a kernel
    // for this architecture has.
    std::set<std::string_view> unresolved;
    for (const SystemCallGroup& group : system_call_groups()) {
        for_each_call(group, [&](std::string_view call) {
            if (group.name != "@known" &&
                !is_resolvable(call)) {  // @known has those of dead architectures
                unresolved.insert(call);
            }
        });
    }
    const std::set<std::string_view> elsewhere = {
        "riscv_hwprobe", "uretprobe"};  // uretprobe only serves the kernel itself
    EXPECT_EQ(unresolved, elsewhere);
}

TEST(SeccompCache, UnitsThatAskForTheSameShareAProgram) {
    SeccompCache cache;
    const Unit one = service("SystemCallFilter=@system-service\nUser=nobody"),
               two = service("SystemCallFilter=@system-service\nCPUQuota=10%");
    const Unit other = service("SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM"),
               none = service("");
    const auto first = cache.program(one.settings.sandbox),
               second = cache.program(two.settings.sandbox);
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
