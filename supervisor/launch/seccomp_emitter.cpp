// SPDX-License-Identifier: MIT
#include "supervisor/launch/seccomp_emitter.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <bit>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <map>
#include <span>

#include "supervisor/launch/seccomp_abis.hpp"

namespace hearth::launch {
namespace {

static_assert(
    std::endian::native == std::endian::little, "the lower half of an argument comes first");
static_assert(sizeof(sock_filter) == sizeof(std::uint64_t));

using Code = std::vector<sock_filter>;

constexpr std::size_t longest_program = 4096;  // BPF_MAXINSNS
constexpr std::size_t longest_jump = 255;

sock_filter instruction(
    unsigned code, std::uint32_t k, std::size_t jump_true = 0, std::size_t jump_false = 0) {
    return {
        static_cast<std::uint16_t>(code),
        static_cast<std::uint8_t>(jump_true),
        static_cast<std::uint8_t>(jump_false),
        k};
}
sock_filter load(std::size_t offset) {
    return instruction(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}
sock_filter jump(std::size_t distance) {
    return instruction(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(distance));
}
sock_filter answer(Verdict verdict) {
    switch (verdict.kind) {
        case Verdict::Kind::Allow:
            return instruction(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        case Verdict::Kind::Error:
            return instruction(
                BPF_RET | BPF_K,
                SECCOMP_RET_ERRNO | (static_cast<std::uint32_t>(verdict.error) & SECCOMP_RET_DATA));
        case Verdict::Kind::Kill:
            break;
    }
    return instruction(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
}

void append(Code& code, const Code& more) {
    code.insert(code.end(), more.begin(), more.end());
}

/// Goes on behind itself when the argument passes, `after` instructions further on when it doesn't.
Code test_code(const ArgumentTest& test, std::size_t after) {
    Code code{load(offsetof(seccomp_data, args) + test.argument * sizeof(std::uint64_t))};
    if (test.kind == ArgumentTest::Kind::AnyBit) {
        code.push_back(instruction(BPF_JMP | BPF_JSET | BPF_K, test.mask, 0, after));
        return code;
    }
    if (test.mask != UINT32_MAX) {
        code.push_back(instruction(BPF_ALU | BPF_AND | BPF_K, test.mask));
    }
    const bool one_of = test.kind == ArgumentTest::Kind::OneOf;
    for (std::size_t left = test.values.size(); const std::uint32_t value : test.values) {
        --left;
        code.push_back(instruction(
            BPF_JMP | BPF_JEQ | BPF_K,
            value,
            one_of ? left : left + after,
            one_of && left == 0 ? after : 0));
    }
    if (one_of && test.values.empty()) {
        code.push_back(jump(after));
    }
    return code;
}

Code rule_code(const CallRule& rule) {
    Code code;
    for (const ArgumentRule& arguments : rule.arguments) {
        Code body{answer(arguments.verdict)};
        for (auto test = arguments.tests.rbegin(); test != arguments.tests.rend(); ++test) {
            Code before = test_code(*test, body.size());
            append(before, body);
            body = std::move(before);
        }
        append(code, body);
    }
    code.push_back(answer(rule.otherwise));
    return code;
}

/// From `first` to the next leaf's.
struct Leaf {
    std::uint32_t first = 0;
    const CallRule* rule = nullptr;
};

Code search_code(std::span<const Leaf> leaves) {
    if (leaves.size() == 1) {
        return rule_code(*leaves.front().rule);
    }
    const std::size_t middle = leaves.size() / 2;
    const Code lower = search_code(leaves.first(middle));
    const Code upper = search_code(leaves.subspan(middle));
    const std::uint32_t pivot = leaves[middle].first;
    Code code;
    if (lower.size() <= longest_jump) {
        code.push_back(instruction(BPF_JMP | BPF_JGE | BPF_K, pivot, lower.size(), 0));
    } else {
        code.push_back(instruction(BPF_JMP | BPF_JGE | BPF_K, pivot, 0, 1));
        code.push_back(jump(lower.size()));
    }
    append(code, lower);
    append(code, upper);
    return code;
}

/// Every number of an AUDIT_ARCH: x32 shares x86-64's.
using Numbers = std::map<std::uint32_t, CallRule>;

Numbers all_numbers(const SeccompRules& rules, std::uint32_t audit_architecture) {
    Numbers numbers;
    const std::uint32_t second = first_call_of_second_abi();
    bool first_abi = true;
    CallRule beyond_second{{}, rules.otherwise};
    for (const AbiRules& abi : rules.abis) {
        if (abi.audit_architecture == audit_architecture) {
            if (!first_abi && !abi.permitted) {
                beyond_second.otherwise = {Verdict::Kind::Kill, 0};
            }
            first_abi = false;
            numbers.insert(abi.calls.begin(), abi.calls.end());
        }
    }
    const auto default_of = [&](std::uint32_t number) {
        // -1 is what a tracer writes to skip a call: no ABI's.
        const bool beyond = second != 0 && number >= second && number != UINT32_MAX &&
                            audit_architecture == rules.abis.front().audit_architecture;
        return beyond ? beyond_second : CallRule{{}, rules.otherwise};
    };
    Numbers gaps{{0, default_of(0)}, {UINT32_MAX, default_of(UINT32_MAX)}};
    if (second != 0) {
        gaps.emplace(second, default_of(second));
    }
    for (const auto& [number, rule] : numbers) {
        gaps.emplace(number + 1, default_of(number + 1));
    }
    numbers.merge(gaps);
    return numbers;
}

Code architecture_code(const Numbers& numbers) {
    std::vector<Leaf> leaves;
    for (const auto& [number, rule] : numbers) {
        const bool same = !leaves.empty() && rule.arguments.empty() && *leaves.back().rule == rule;
        if (!same) {
            leaves.push_back({number, &rule});
        }
    }
    Code code{load(offsetof(seccomp_data, nr))};
    append(code, search_code(leaves));
    return code;
}

}  // namespace

Result<std::vector<std::uint64_t>> emit(const SeccompRules& rules) {
    Code code{load(offsetof(seccomp_data, arch))};
    std::map<std::uint32_t, bool> done;
    for (const AbiRules& abi : rules.abis) {
        if (!abi.permitted || done[abi.audit_architecture]) {
            continue;
        }
        done[abi.audit_architecture] = true;
        const Code section = architecture_code(all_numbers(rules, abi.audit_architecture));
        code.push_back(instruction(BPF_JMP | BPF_JEQ | BPF_K, abi.audit_architecture, 1, 0));
        code.push_back(jump(section.size()));
        append(code, section);
    }
    code.push_back(answer({Verdict::Kind::Kill, 0}));
    if (code.size() > longest_program) {
        return failure(
            "the system call filter has " + std::to_string(code.size()) +
            " instructions, the kernel takes 4096: name fewer calls or add "
            "SystemCallArchitectures=native");
    }
    std::vector<std::uint64_t> program(code.size());
    std::memcpy(program.data(), code.data(), code.size() * sizeof(sock_filter));
    return program;
}

}  // namespace hearth::launch
