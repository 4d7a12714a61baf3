// SPDX-License-Identifier: MIT
//
// The system call filter, judged by running it: a small interpreter of the classic BPF that the
// kernel takes for seccomp, and one helper per question.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

#include "supervisor/launch/seccomp_abis.hpp"
#include "supervisor/launch/seccomp_program.hpp"
#include "tests/supervisor/launch_plan_support.hpp"

namespace hearth::launch::testing {

// ---- the interpreter
// --------------------------------------------------------------------------------

struct Run {
    std::uint32_t verdict = 0;
    std::size_t length = 0;  ///< instructions on the way
    bool looked_at_arguments = false;
};

inline Run run(const SeccompProgram& program, const seccomp_data& data) {
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

inline constexpr std::uint32_t allow = SECCOMP_RET_ALLOW;
inline constexpr std::uint32_t kill_process = SECCOMP_RET_KILL_PROCESS;
inline std::uint32_t errno_is(int number) {
    return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(number);
}

inline const Abi& native() {
    return local_abis().front();
}

inline std::uint32_t verdict(
    const SeccompProgram& program,
    std::uint32_t audit,
    std::uint32_t number,
    std::array<std::uint64_t, 6> arguments = {}) {
    seccomp_data data{};
    data.nr = static_cast<int>(number);
    data.arch = audit;
    std::ranges::copy(arguments, data.args);
    return run(program, data).verdict;
}

/// The verdict of a native call by name.
inline std::uint32_t verdict(
    const SeccompProgram& program,
    std::string_view call,
    std::array<std::uint64_t, 6> arguments = {}) {
    const auto number = call_number(native(), call);
    EXPECT_TRUE(number.has_value()) << call;
    return verdict(program, native().audit_architecture, number.value_or(0), arguments);
}

inline SeccompProgram compiled(const std::string& lines) {
    const Unit unit = service(lines);
    EXPECT_TRUE(unit.refusals.empty())
        << (unit.refusals.empty() ? "" : one_line(unit.refusals.front()));
    auto program = compile(unit.settings.sandbox);
    EXPECT_TRUE(program.has_value());
    return program.value_or(SeccompProgram());
}

}  // namespace hearth::launch::testing
