// SPDX-License-Identifier: MIT
#include "supervisor/report/filter_verdict.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cstring>

#include "supervisor/launch/seccomp_abis.hpp"

namespace hearth::report {

std::optional<std::uint32_t> filter_verdict(
    const std::vector<std::uint64_t>& program,
    std::uint32_t architecture,
    std::uint32_t number,
    const std::array<std::uint64_t, 6>& arguments) {
    seccomp_data data{};
    data.nr = static_cast<int>(number);
    data.arch = architecture;
    std::ranges::copy(arguments, data.args);
    std::uint32_t accumulator = 0;
    for (std::size_t at = 0; at < program.size(); ++at) {
        sock_filter code{};
        std::memcpy(&code, &program[at], sizeof code);
        const auto jump = [&](bool condition) { at += condition ? code.jt : code.jf; };
        switch (code.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                if (code.k > sizeof data - sizeof accumulator) {
                    return std::nullopt;
                }
                std::memcpy(
                    &accumulator,
                    reinterpret_cast<const char*>(&data) + code.k,
                    sizeof accumulator);
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
                return code.k;
            default:
                return std::nullopt;
        }
    }
    return std::nullopt;
}

std::optional<std::uint32_t> filter_verdict(
    const std::vector<std::uint64_t>& program,
    std::string_view call,
    const std::array<std::uint64_t, 6>& arguments) {
    const launch::Abi& native = launch::local_abis().front();
    const auto number = launch::call_number(native, call);
    if (!number) {
        return std::nullopt;
    }
    return filter_verdict(program, native.audit_architecture, *number, arguments);
}

}  // namespace hearth::report
