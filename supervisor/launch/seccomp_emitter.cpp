// SPDX-License-Identifier: MIT
#include "supervisor/launch/seccomp_emitter.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <map>
#include <ranges>
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
        case Verdict::Kind::Log:
            return instruction(BPF_RET | BPF_K, SECCOMP_RET_LOG);
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
        for (const ArgumentTest& test : std::views::reverse(arguments.tests)) {
            Code before = test_code(test, body.size());
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

/// Written from its end to its start, because jumps only go forward: when one is written its target
/// is already there, and a verdict within reach serves all that come to it. Positions count from
/// the end.
class Writer {
public:
    std::size_t push(sock_filter code) {
        code_.push_back(code);
        return code_.size() - 1;
    }
    std::size_t push_jump(std::size_t target) { return push(jump(distance(target))); }
    std::size_t push(const Code& forward) {
        code_.insert(code_.end(), forward.rbegin(), forward.rend());
        return code_.size() - 1;
    }

    /// The search for the leaf that a number belongs to.
    std::size_t push_search(std::span<const Leaf> leaves) {
        if (leaves.size() == 1) {
            return push_leaf(*leaves.front().rule);
        }
        const auto lower = leaves.first(leaves.size() / 2),
                   upper = leaves.subspan(leaves.size() / 2);
        std::size_t above = push_search(upper);
        std::size_t below = push_search(lower);
        above = within_reach(above, upper);
        below = within_reach(below, lower);  // one more than the other may have pushed
        return push(instruction(
            BPF_JMP | BPF_JGE | BPF_K, upper.front().first, distance(above), distance(below)));
    }

    /// What is pushed next falls through to `target`.
    void push_entry(std::size_t target) {
        if (distance(target) != 0) {  // a single leaf that was there already
            push_jump(target);
        }
    }

    [[nodiscard]] Code finished() const { return {code_.rbegin(), code_.rend()}; }

private:
    /// From the next instruction to be pushed.
    [[nodiscard]] std::size_t distance(std::size_t target) const {
        return code_.size() - target - 1;
    }

    std::size_t push_leaf(const CallRule& rule) {
        if (!rule.arguments.empty()) {
            return push(rule_code(rule));
        }
        const sock_filter verdict = answer(rule.otherwise);
        const auto last = verdicts_.find(verdict.k);
        // Half the reach is left to what is pushed before the jump is.
        if (last != verdicts_.end() && distance(last->second) <= longest_jump / 2) {
            return last->second;
        }
        return verdicts_[verdict.k] = push(verdict);
    }

    std::size_t within_reach(std::size_t target, std::span<const Leaf> leaves) {
        if (distance(target) < longest_jump) {
            return target;
        }
        const bool verdict = leaves.size() == 1 && leaves.front().rule->arguments.empty();
        return verdict ? push_leaf(*leaves.front().rule) : push_jump(target);
    }

    Code code_;
    std::map<std::uint32_t, std::size_t> verdicts_;  ///< the last place of each
};

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

std::size_t push_architecture(Writer& writer, const Numbers& numbers) {
    std::vector<Leaf> leaves;
    for (const auto& [number, rule] : numbers) {
        const bool same = !leaves.empty() && rule.arguments.empty() && *leaves.back().rule == rule;
        if (!same) {
            leaves.push_back({number, &rule});
        }
    }
    writer.push_entry(writer.push_search(leaves));
    return writer.push(load(offsetof(seccomp_data, nr)));
}

}  // namespace

Result<std::vector<std::uint64_t>> emit(const SeccompRules& rules) {
    std::vector<std::uint32_t> architectures;
    for (const AbiRules& abi : rules.abis) {
        const bool known =
            std::ranges::find(architectures, abi.audit_architecture) != architectures.end();
        if (abi.permitted && !known) {
            architectures.push_back(abi.audit_architecture);
        }
    }
    Writer writer;
    std::size_t otherwise = writer.push(answer({Verdict::Kind::Kill, 0}));
    for (const std::uint32_t audit : std::views::reverse(architectures)) {
        push_architecture(writer, all_numbers(rules, audit));
        writer.push_jump(otherwise);
        otherwise = writer.push(instruction(BPF_JMP | BPF_JEQ | BPF_K, audit, 1, 0));
    }
    writer.push(load(offsetof(seccomp_data, arch)));
    const Code code = writer.finished();
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
