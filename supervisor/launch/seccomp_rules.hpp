// SPDX-License-Identifier: MIT
//
// What a unit's directives say about each system call of each ABI, merged: a table per ABI from
// call number to rule. No instructions here; seccomp_emitter.hpp makes those. Arguments are
// compared by their lower 32 bits, which is all that the kernel reads of an int or an unsigned int:
// garbage above them must not get a call past a rule.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "parser/diagnostic.hpp"
#include "units/settings.hpp"

namespace hearth::launch {

struct Verdict {
    enum class Kind : std::uint8_t { Allow, Log, Error, Kill };  // from lenient to strict
    Kind kind = Kind::Allow;
    int error = 0;

    bool operator==(const Verdict&) const = default;
};

/// A test of one argument.
struct ArgumentTest {
    enum class Kind : std::uint8_t {
        AnyBit,  ///< argument & mask is not 0
        OneOf,   ///< argument & mask is one of `values`
        NoneOf,  ///< argument & mask is none of `values`
    };
    unsigned argument = 0;
    Kind kind{};
    std::uint32_t mask = UINT32_MAX;
    std::vector<std::uint32_t> values;

    bool operator==(const ArgumentTest&) const = default;
};

/// The verdict of a call whose arguments pass all tests.
struct ArgumentRule {
    std::vector<ArgumentTest> tests;
    Verdict verdict;

    bool operator==(const ArgumentRule&) const = default;
};

/// The first argument rule that fits decides, else `otherwise`.
struct CallRule {
    std::vector<ArgumentRule> arguments;
    Verdict otherwise;

    bool operator==(const CallRule&) const = default;
};

/// The calls of one ABI.
struct AbiRules {
    std::uint32_t scmp_architecture = 0;   ///< SCMP_ARCH_*
    std::uint32_t audit_architecture = 0;  ///< AUDIT_ARCH_*: what the kernel shows to a filter
    bool permitted = true;                 ///< false: every call of it kills
    std::map<std::uint32_t, CallRule> calls;
};

struct SeccompRules {
    Verdict otherwise;           ///< calls without a rule
    std::vector<AbiRules> abis;  ///< native first
};

/// The rules of `sandbox` for the ABIs of this machine.
[[nodiscard]] SeccompRules seccomp_rules(const SandboxSettings& sandbox, Diagnostics* notes);

}  // namespace hearth::launch
