// SPDX-License-Identifier: MIT
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "supervisor/launch/oci_profile.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::launch {
namespace {

constexpr std::size_t longest_program = 4096;  // BPF_MAXINSNS

struct ReleaseContext {
    void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, ReleaseContext>;

scmp_arg_cmp condition(const OciArgument& argument) {
    scmp_arg_cmp made{};
    made.arg = argument.index;
    made.op = static_cast<scmp_compare>(argument.comparison);
    made.datum_a = argument.value;
    made.datum_b = argument.second_value;
    return made;
}

Result<void> add(
    void* context, std::uint32_t action, int call, const std::vector<scmp_arg_cmp>& conditions) {
    const int error = seccomp_rule_add_array(
        context, action, call, static_cast<unsigned>(conditions.size()), conditions.data());
    if (error < 0 && error != -EEXIST) {
        return failure("libseccomp doesn't take a rule", -error);
    }
    return {};
}

/// Two tests of one argument can't stand in one rule of libseccomp's: the runtimes then make a rule
/// of each.
bool tests_an_argument_twice(const OciRule& rule) {
    std::array<int, 6> count{};
    return std::ranges::any_of(rule.arguments, [&](const OciArgument& argument) {
        return ++count.at(argument.index) > 1;
    });
}

Result<void> add_rule(void* context, const OciRule& rule, int call) {
    std::vector<scmp_arg_cmp> conditions;
    std::ranges::transform(rule.arguments, std::back_inserter(conditions), condition);
    if (!tests_an_argument_twice(rule)) {
        return add(context, rule.action, call, conditions);
    }
    for (const scmp_arg_cmp& each : conditions) {
        HEARTH_TRY(add(context, rule.action, call, {each}));
    }
    return {};
}

Result<SeccompProgram> exported(void* context) {
    const sys::Descriptor memory = HEARTH_TRY(sys::memfd_create("hearth-seccomp"));
    if (const int error = seccomp_export_bpf(context, memory.number()); error < 0) {
        return failure("libseccomp can't make the program", -error);
    }
    const std::string code = HEARTH_TRY(sys::read_file(
        "/proc/self/fd/" + std::to_string(memory.number()),
        longest_program * sizeof(sock_filter) + 1));
    SeccompProgram program(code.size() / sizeof(SeccompProgram::value_type));
    std::memcpy(program.data(), code.data(), program.size() * sizeof program.front());
    return program;
}

constexpr std::uint16_t answer = BPF_RET | BPF_K;

sock_filter instruction(std::uint64_t word) {
    sock_filter made{};
    std::memcpy(&made, &word, sizeof made);
    return made;
}

std::uint64_t word(const sock_filter& code) {
    std::uint64_t made = 0;
    std::memcpy(&made, &code, sizeof made);
    return made;
}

bool answers(std::uint64_t code, std::uint32_t verdict) {
    const sock_filter made = instruction(code);
    return made.code == answer && made.k == verdict;
}

}  // namespace

Result<SeccompProgram> compile_oci_profile(const OciProfile& profile) {
    const Context context(seccomp_init(profile.default_action));
    if (!context) {
        return failure("libseccomp doesn't take the default action");
    }
    for (const std::uint32_t architecture : profile.architectures) {
        const int error = seccomp_arch_add(context.get(), architecture);
        if (error < 0 && error != -EEXIST) {
            return failure("libseccomp doesn't take an architecture", -error);
        }
    }
    for (const OciRule& rule : profile.rules) {
        if (rule.action == profile.default_action) {
            continue;
        }
        for (const std::string& name : rule.calls) {
            const int call = seccomp_syscall_resolve_name(name.c_str());
            if (call != __NR_SCMP_ERROR) {  // else newer than libseccomp, or of no architecture
                HEARTH_TRY(add_rule(context.get(), rule, call));
            }
        }
    }
    return exported(context.get());
}

Result<SeccompProgram> chain(SeccompProgram first, const SeccompProgram& second) {
    if (first.empty() || second.empty()) {
        return first.empty() ? second : first;
    }
    // An answer that allows becomes a jump to the second program, which begins anew.
    const auto lead_on = [&](std::uint32_t verdict, std::size_t target, std::size_t end) {
        for (std::size_t at = 0; at < end; ++at) {
            if (answers(first[at], verdict)) {
                const auto distance = static_cast<std::uint32_t>(target - at - 1);
                first[at] = word({BPF_JMP | BPF_JA, 0, 0, distance});
            }
        }
    };
    const std::size_t end = first.size();
    const bool logs = std::ranges::any_of(
        first, [](std::uint64_t code) { return answers(code, SECCOMP_RET_LOG); });
    lead_on(SECCOMP_RET_ALLOW, end, end);
    first.insert(first.end(), second.begin(), second.end());
    if (logs) {
        lead_on(SECCOMP_RET_LOG, first.size(), end);
        for (const std::uint64_t code : second) {
            const bool allows = answers(code, SECCOMP_RET_ALLOW);
            first.push_back(allows ? word({answer, 0, 0, SECCOMP_RET_LOG}) : code);
        }
    }
    if (first.size() > longest_program) {
        return failure(
            "the system call filter has " + std::to_string(first.size()) +
            " instructions, the kernel takes 4096: name fewer calls beside SeccompProfile=");
    }
    return first;
}

}  // namespace hearth::launch
