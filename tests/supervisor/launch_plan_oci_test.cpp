// SPDX-License-Identifier: MIT
//
// SeccompProfile=: what the reader takes, and the verdict of every system call under every argument
// condition of a profile of the default one's kind, compared with a model that knows nothing of
// libseccomp or BPF: the rules as the OCI runtime specification explains them, asked one by one.
#include <linux/audit.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

#include <cerrno>
#include <set>
#include <string>

#include "supervisor/launch/oci_profile.hpp"
#include "tests/supervisor/launch_plan_seccomp_support.hpp"

namespace hearth::launch::testing {
namespace {

constexpr std::uint64_t cap_sys_admin = std::uint64_t{1} << 21;

/// Of the shape of Docker's default: an error by default, what is common allowed, more of it with
/// capabilities, calls allowed by their arguments, errors of their own.
const std::string default_like = R"({
  "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
  "archMap": [
    {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
    {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}],
  "syscalls": [
    {"names": ["bdflush", "io_pgetevents", "mbind", "vserver"], "action": "SCMP_ACT_ERRNO",
     "errnoRet": 1},
    {"names": ["read", "write", "openat", "close", "execve", "exit_group", "mmap", "fcntl64",
               "getpid", "not_a_call", "futex", "statx", "kill", "uname"],
     "action": "SCMP_ACT_ALLOW"},
    {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 0, "value": 0, "op": "SCMP_CMP_EQ"}]},
    {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]},
    {"names": ["personality"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 0, "value": 4294967295, "op": "SCMP_CMP_EQ"}]},
    {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
    {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}]},
    {"names": ["clone"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}],
     "excludes": {"caps": ["CAP_SYS_ADMIN"], "arches": ["s390", "s390x"]}},
    {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38,
     "excludes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["mount", "setns", "clone", "clone3"], "action": "SCMP_ACT_ALLOW",
     "includes": {"caps": ["CAP_SYS_ADMIN"]}},
    {"names": ["arch_prctl"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["amd64"]}},
    {"names": ["breakpoint"], "action": "SCMP_ACT_ALLOW", "includes": {"arches": ["arm"]}},
    {"names": ["prlimit64"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 1, "value": 7, "op": "SCMP_CMP_LE"},
              {"index": 2, "value": 0, "op": "SCMP_CMP_GT"}]},
    {"names": ["lseek"], "action": "SCMP_ACT_ALLOW",
     "args": [{"index": 1, "value": 4294967296, "op": "SCMP_CMP_GE"}]},
    {"names": ["alarm"], "action": "SCMP_ACT_KILL_PROCESS",
     "args": [{"index": 0, "value": 3, "op": "SCMP_CMP_LT"}]},
    {"names": ["sysinfo"], "action": "SCMP_ACT_LOG"},
    {"names": ["acct"], "action": "SCMP_ACT_TRAP"},
    {"names": ["swapon"], "action": "SCMP_ACT_KILL"}
  ]})";

OciProfile parsed(const std::string& text, const OciCircumstances& circumstances) {
    auto profile = parse_oci_profile(text, circumstances);
    EXPECT_TRUE(profile.has_value()) << (profile ? "" : profile.error().what);
    return profile.value_or(OciProfile());
}

std::string error_of(const std::string& text) {
    const auto profile = parse_oci_profile(text, {});
    return profile ? "" : profile.error().what;
}

// ---- the model: numbers are compared as the 64-bit values that the kernel shows

bool holds(const OciArgument& test, const std::array<std::uint64_t, 6>& arguments) {
    const std::uint64_t value = arguments.at(test.index);
    switch (test.comparison) {
        case SCMP_CMP_EQ:
            return value == test.value;
        case SCMP_CMP_NE:
            return value != test.value;
        case SCMP_CMP_LT:
            return value < test.value;
        case SCMP_CMP_LE:
            return value <= test.value;
        case SCMP_CMP_GT:
            return value > test.value;
        case SCMP_CMP_GE:
            return value >= test.value;
        case SCMP_CMP_MASKED_EQ:
            return (value & test.value) == test.second_value;
        default:
            ADD_FAILURE() << "comparison " << test.comparison;
            return false;
    }
}

std::uint32_t kernel_action(std::uint32_t scmp_action) {
    return scmp_action;  // libseccomp's numbers are SECCOMP_RET_*
}

/// The verdict of the native call with that number.
std::uint32_t model(
    const OciProfile& profile,
    std::uint32_t number,
    const std::array<std::uint64_t, 6>& arguments) {
    for (const OciRule& rule : profile.rules) {
        const bool named = std::ranges::any_of(rule.calls, [&](const std::string& call) {
            return seccomp_syscall_resolve_name(call.c_str()) == static_cast<int>(number);
        });
        const bool fits = std::ranges::all_of(
            rule.arguments, [&](const OciArgument& test) { return holds(test, arguments); });
        if (named && fits) {
            return kernel_action(rule.action);
        }
    }
    return kernel_action(profile.default_action);
}

/// Each tested argument just below, at and just above each value that any rule tests it by, and
/// with garbage in the upper half.
std::vector<std::array<std::uint64_t, 6>> cases(const OciProfile& profile, std::uint32_t number) {
    std::vector<std::array<std::uint64_t, 6>> all{{}};
    for (const OciRule& rule : profile.rules) {
        const bool named = std::ranges::any_of(rule.calls, [&](const std::string& call) {
            return seccomp_syscall_resolve_name(call.c_str()) == static_cast<int>(number);
        });
        if (!named) {
            continue;
        }
        for (const OciArgument& test : rule.arguments) {
            std::vector<std::array<std::uint64_t, 6>> more;
            for (const auto& base : all) {
                for (const std::uint64_t value :
                     {test.value - 1,
                      test.value,
                      test.value + 1,
                      std::uint64_t{1} << 32 | test.value,
                      std::uint64_t{CLONE_NEWUSER},
                      UINT64_MAX}) {
                    auto changed = base;
                    changed.at(test.index) = value;
                    more.push_back(changed);
                }
            }
            all.insert(all.end(), more.begin(), more.end());
        }
    }
    return all;
}

void check_every_call(const OciProfile& profile, const SeccompProgram& program) {
    int checked = 0;
    for (std::uint32_t number = 0; number < 500; ++number) {
        for (const auto& arguments : cases(profile, number)) {
            EXPECT_EQ(
                verdict(program, native().audit_architecture, number, arguments),
                model(profile, number, arguments))
                << "call " << number << " with " << arguments[0] << " " << arguments[1] << " "
                << arguments[2];
            ++checked;
        }
    }
    EXPECT_GT(checked, 500);
}

TEST(OciProfile, AnswersEveryCallAsTheRulesSay) {
    for (const std::uint64_t capabilities : {std::uint64_t{0}, cap_sys_admin}) {
        const OciProfile profile = parsed(default_like, {capabilities, 6, 1});
        const auto program = compile_oci_profile(profile);
        ASSERT_TRUE(program.has_value());
        check_every_call(profile, *program);
    }
}

TEST(OciProfile, ConditionsAreDockersOwn) {
    const auto calls = [](const OciCircumstances& circumstances) {
        std::set<std::string> named;
        for (const OciRule& rule : parsed(default_like, circumstances).rules) {
            named.insert(rule.calls.begin(), rule.calls.end());
        }
        return named;
    };
    EXPECT_FALSE(calls({0, 6, 1}).contains("mount"));
    EXPECT_TRUE(calls({cap_sys_admin, 6, 1}).contains("mount"));
    EXPECT_TRUE(calls({0, 6, 1}).contains("ptrace"));
    EXPECT_TRUE(calls({0, 4, 8}).contains("ptrace"));
    EXPECT_FALSE(calls({0, 4, 7}).contains("ptrace"));
    EXPECT_EQ(calls({0, 6, 1}).contains("arch_prctl"), native().name == "x86-64");
    EXPECT_FALSE(calls({0, 6, 1}).contains("breakpoint"));
}

#if defined(__x86_64__)
TEST(OciProfile, OtherArchitecturesAreHeldToTheSameNamesOrKilled) {
    const OciProfile profile = parsed(default_like, {0, 6, 1});
    const auto program = compile_oci_profile(profile);
    ASSERT_TRUE(program.has_value());
    EXPECT_EQ(verdict(*program, AUDIT_ARCH_I386, 3), allow);          // read
    EXPECT_EQ(verdict(*program, AUDIT_ARCH_I386, 21), errno_is(38));  // mount
    EXPECT_EQ(verdict(*program, AUDIT_ARCH_ARM, 3), SECCOMP_RET_KILL_THREAD);
    const auto native_only =
        compile_oci_profile(parsed(R"({"defaultAction": "SCMP_ACT_ALLOW"})", {0, 6, 1}));
    ASSERT_TRUE(native_only.has_value());
    EXPECT_EQ(verdict(*native_only, AUDIT_ARCH_I386, 3), SECCOMP_RET_KILL_THREAD);
}
#endif

TEST(OciProfile, TwoTestsOfOneArgumentAreTwoRulesAsInTheRuntimes) {
    const auto program = compile_oci_profile(parsed(
        R"({"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {"name": "alarm", "action": "SCMP_ACT_ALLOW",
             "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
                      {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]}]})",
        {}));
    ASSERT_TRUE(program.has_value());
    const auto number = call_number(native(), "alarm");
    if (!number) {
        return;  // arm64 has none
    }
    EXPECT_EQ(verdict(*program, "alarm", {1}), allow);
    EXPECT_EQ(verdict(*program, "alarm", {2}), allow);
    EXPECT_EQ(verdict(*program, "alarm", {3}), errno_is(EPERM));
}

TEST(OciProfile, RefusesWhatItCannotTakeWhole) {
    EXPECT_EQ(error_of("[]"), "is no JSON object");
    EXPECT_EQ(error_of("{"), "is no JSON object");
    EXPECT_EQ(error_of("{}"), "defaultAction is missing");
    const std::string start = R"({"defaultAction": "SCMP_ACT_ALLOW", )";
    EXPECT_EQ(
        error_of(R"({"defaultAction": "SCMP_ACT_NOTIFY"})"),
        "defaultAction 'SCMP_ACT_NOTIFY' is not supported");
    EXPECT_EQ(
        error_of(start + R"("flags": ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]})"),
        "the flag 'SECCOMP_FILTER_FLAG_SPEC_ALLOW' is not supported");
    EXPECT_EQ(
        error_of(start + R"("syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}]})"),
        "a system call has no argument 6");
    EXPECT_EQ(
        error_of(start + R"("syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW",
            "args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]}]})"),
        "value is no whole number");
    EXPECT_EQ(
        error_of(start + R"("syscalls": [{"names": 5, "action": "SCMP_ACT_ALLOW"}]})"),
        "names is no list");
    EXPECT_EQ(
        error_of(start + R"("syscalls": [{"action": "SCMP_ACT_ALLOW"}]})"),
        "an entry of syscalls names no call");
    EXPECT_EQ(
        error_of(start + R"("architectures": ["SCMP_ARCH_VAX"]})"),
        "'SCMP_ARCH_VAX' is no architecture");
    EXPECT_EQ(error_of(start + R"("flags": ["SECCOMP_FILTER_FLAG_TSYNC"]})"), "");
}

// ---- beside the unit's own directives

SeccompProgram both(const std::string& lines, const std::string& profile_text) {
    const Unit unit = service(lines + "\n[X-Hearth]\nSeccompProfile=/etc/profile.json");
    const ProfileText profile{profile_text, 0, 6, 1};
    const auto program = compile(unit.settings.sandbox, nullptr, &profile);
    EXPECT_TRUE(program.has_value()) << (program ? "" : program.error().what);
    return program.value_or(SeccompProgram());
}

TEST(OciProfile, TheStricterVerdictCountsBesideOtherDirectives) {
    const std::string text = R"({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13,
        "syscalls": [
            {"names": ["read", "uname", "mount", "personality"], "action": "SCMP_ACT_ALLOW"},
            {"names": ["getpid", "sysinfo"], "action": "SCMP_ACT_LOG"}]})";
    const SeccompProgram program = both(
        "SystemCallFilter=~@mount sysinfo\nSystemCallErrorNumber=EBUSY\nLockPersonality=yes", text);
    EXPECT_EQ(verdict(program, "read"), allow);
    EXPECT_EQ(verdict(program, "write"), errno_is(EACCES));
    EXPECT_EQ(verdict(program, "mount"), errno_is(EBUSY));
    EXPECT_EQ(verdict(program, "personality", {8}), errno_is(EPERM));
    EXPECT_EQ(verdict(program, "personality", {0}), allow);
    EXPECT_EQ(verdict(program, "getpid"), SECCOMP_RET_LOG);
    EXPECT_EQ(verdict(program, "sysinfo"), errno_is(EBUSY));
}

TEST(OciProfile, AloneIsThatProgram) {
    const OciProfile profile = parsed(default_like, {0, 6, 1});
    EXPECT_EQ(both("", default_like), *compile_oci_profile(profile));
}

TEST(OciProfile, AProfileThatIsNoneIsAnErrorOfItsDirective) {
    const Unit unit = service("[X-Hearth]\nSeccompProfile=/etc/profile.json");
    const ProfileText rubbish{"heat", 0, 6, 1};
    const auto program = compile(unit.settings.sandbox, nullptr, &rubbish);
    ASSERT_FALSE(program.has_value());
    EXPECT_EQ(program.error().what, "SeccompProfile=/etc/profile.json is no JSON object");
    EXPECT_FALSE(compile(unit.settings.sandbox).has_value());
}

/// HEARTH_OCI_PROFILE names a runtime's own default profile (golang-github-containers-common has
/// /usr/share/containers/seccomp.json): the same table over all of it.
TEST(OciProfile, ARuntimesOwnDefaultProfile) {
    const char* const named = std::getenv("HEARTH_OCI_PROFILE");
    const std::string path = named != nullptr ? named : "/usr/share/containers/seccomp.json";
    const std::string text = content_of(path);
    if (text.empty()) {
        GTEST_SKIP() << "no profile at " << path;
    }
    for (const std::uint64_t capabilities : {std::uint64_t{0}, cap_sys_admin, every_capability}) {
        const OciProfile profile = parsed(text, {capabilities, 6, 1});
        EXPECT_GT(profile.rules.size(), 5U);
        const auto program = compile_oci_profile(profile);
        ASSERT_TRUE(program.has_value()) << (program ? "" : program.error().what);
        check_every_call(profile, *program);
    }
}

// ---- the rules that came with it

TEST(Seccomp, NamespacesByFlag) {
    const SeccompProgram none = compiled("RestrictNamespaces=yes");
    EXPECT_EQ(verdict(none, "clone3"), errno_is(ENOSYS));
    for (const std::uint64_t flag :
         {CLONE_NEWCGROUP,
          CLONE_NEWIPC,
          CLONE_NEWNET,
          CLONE_NEWNS,
          CLONE_NEWPID,
          CLONE_NEWUSER,
          CLONE_NEWUTS}) {
        EXPECT_EQ(verdict(none, "unshare", {flag}), errno_is(EPERM));
        EXPECT_EQ(verdict(none, "clone", {flag | 17}), errno_is(EPERM));
        EXPECT_EQ(verdict(none, "setns", {3, flag}), errno_is(EPERM));
    }
    EXPECT_EQ(verdict(none, "unshare", {0x80}), errno_is(EPERM));  // CLONE_NEWTIME
    EXPECT_EQ(verdict(none, "setns", {3, 0}), errno_is(EPERM));
    EXPECT_EQ(verdict(none, "clone", {CLONE_VM | CLONE_VFORK | 17}), allow);
    EXPECT_EQ(verdict(none, "unshare", {CLONE_FILES}), allow);

    const SeccompProgram listed = compiled("RestrictNamespaces=mnt user");
    EXPECT_EQ(verdict(listed, "unshare", {CLONE_NEWNS | CLONE_NEWUSER}), allow);
    EXPECT_EQ(verdict(listed, "unshare", {CLONE_NEWNS | CLONE_NEWNET}), errno_is(EPERM));
    EXPECT_EQ(verdict(listed, "unshare", {0x80}), errno_is(EPERM));
    EXPECT_EQ(verdict(listed, "setns", {3, CLONE_NEWNS}), allow);
    EXPECT_EQ(verdict(listed, "setns", {3, 0}), errno_is(EPERM));

    const SeccompProgram denied = compiled("RestrictNamespaces=~user");
    EXPECT_EQ(verdict(denied, "unshare", {CLONE_NEWUSER}), errno_is(EPERM));
    EXPECT_EQ(verdict(denied, "unshare", {CLONE_NEWNET | 0x80}), allow);
    EXPECT_EQ(verdict(denied, "clone3"), errno_is(ENOSYS));
    EXPECT_TRUE(compiled("RestrictNamespaces=no").empty());
}

TEST(Seccomp, CallsAreLoggedWhereTheyAreAllowed) {
    const SeccompProgram listed = compiled("SystemCallLog=uname mount\nSystemCallFilter=~mount");
    EXPECT_EQ(verdict(listed, "uname"), SECCOMP_RET_LOG);
    EXPECT_EQ(verdict(listed, "mount"), kill_process);
    EXPECT_EQ(verdict(listed, "read"), allow);
    const SeccompProgram all_but =
        compiled("SystemCallLog=~read\nSystemCallFilter=~mount\nLockPersonality=yes");
    EXPECT_EQ(verdict(all_but, "read"), allow);
    EXPECT_EQ(verdict(all_but, "uname"), SECCOMP_RET_LOG);
    EXPECT_EQ(verdict(all_but, "mount"), kill_process);
    EXPECT_EQ(verdict(all_but, "personality", {0}), SECCOMP_RET_LOG);
    EXPECT_EQ(verdict(all_but, "personality", {8}), errno_is(EPERM));
    const SeccompProgram within = compiled("SystemCallLog=uname\nSystemCallFilter=@basic-io uname");
    EXPECT_EQ(verdict(within, "uname"), SECCOMP_RET_LOG);
    EXPECT_EQ(verdict(within, "read"), allow);
    EXPECT_EQ(verdict(within, "mount"), kill_process);
}

TEST(Seccomp, AnAllowListsRefusalsHaveErrorsOfTheirOwn) {
    const SeccompProgram list = compiled(
        "SystemCallFilter=@basic-io uname\nSystemCallFilter=~read:EACCES write:kill dup\n"
        "SystemCallFilter=write\nSystemCallErrorNumber=EPERM");
    EXPECT_EQ(verdict(list, "read"), errno_is(EACCES));
    EXPECT_EQ(verdict(list, "write"), allow) << "the later assignment counts";
    EXPECT_EQ(verdict(list, "dup"), errno_is(EPERM));
    EXPECT_EQ(verdict(list, "uname"), allow);
}

TEST(Seccomp, WhatAnAllowListDoesNotKnowIsMissing) {
    const SeccompProgram list = compiled("SystemCallFilter=@basic-io");
    EXPECT_EQ(verdict(list, "mount"), kill_process);  // known, not listed
    EXPECT_EQ(verdict(list, "mseal"), errno_is(ENOSYS));
    EXPECT_EQ(verdict(list, native().audit_architecture, 1000), errno_is(ENOSYS));
    EXPECT_EQ(verdict(compiled("SystemCallFilter=~@mount"), "mseal"), allow);
}

#if defined(__x86_64__)
TEST(Seccomp, ThePersonalityOfTheUnitStaysAllowed) {
    const SeccompProgram locked = compiled("LockPersonality=yes\nPersonality=x86");
    EXPECT_EQ(verdict(locked, "personality", {8}), allow);
    EXPECT_EQ(verdict(locked, "personality", {0}), errno_is(EPERM));
    EXPECT_EQ(verdict(locked, "personality", {UINT32_MAX}), allow);
}
#endif

}  // namespace
}  // namespace hearth::launch::testing
