// SPDX-License-Identifier: MIT
#include "supervisor/launch/seccomp_rules.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "supervisor/launch/seccomp_abis.hpp"
#include "units/names.hpp"
#include "units/process_codecs.hpp"
#include "units/system_call_groups.hpp"

namespace hearth::launch {
namespace {

using enum Verdict::Kind;

Verdict error(int number) {
    return {Error, number};
}

Verdict verdict_of(int number) {
    return number == SystemCallFilter::kill_process ? Verdict{Kill, 0} : error(number);
}

/// The rules of one ABI while they are collected.
class Table {
public:
    Table(const Abi& abi, AbiRules& rules, Verdict otherwise)
        : abi_(abi), rules_(rules), otherwise_(otherwise) {}

    [[nodiscard]] const Abi& abi() const { return abi_; }

    /// What SystemCallFilter= says of a call. Comes before all others.
    void decide(std::string_view call, Verdict verdict) {
        if (const auto number = call_number(abi_, call)) {
            rules_.calls[*number].otherwise = verdict;
        }
        decide_multiplexed(call, verdict);
    }

    /// What a call gets that an allow-list knows and doesn't name.
    void refuse_known(std::string_view call, Verdict verdict) {
        if (const auto number = call_number(abi_, call)) {
            rules_.calls[*number].otherwise = verdict;
        }
    }

    /// Logged where it is allowed.
    void log(std::string_view call) {
        if (CallRule* const rule = permitted_rule(call)) {
            log(*rule);
        }
        for_each_multiplexer(call, [&](CallRule& rule, ArgumentTest test) {
            const auto known = std::ranges::find_if(rule.arguments, [&](const auto& each) {
                return each.tests == std::vector<ArgumentTest>{test};
            });
            if (known != rule.arguments.end()) {
                known->verdict = logged(known->verdict);
            } else if (rule.otherwise.kind == Allow) {
                rule.arguments.push_back({{std::move(test)}, {Log, 0}});
            }
        });
    }

    /// All logged that is allowed, but for `spared`.
    void log_all_but(const std::set<std::string>& spared, Verdict& otherwise) {
        std::set<std::uint32_t> left;
        for (const std::string& call : spared) {
            if (const auto number = call_number(abi_, call)) {
                rules_.calls.try_emplace(*number, CallRule{{}, otherwise_});
                left.insert(*number);
            }
        }
        for (auto& [number, rule] : rules_.calls) {
            if (!left.contains(number)) {
                log(rule);
            }
        }
        otherwise = logged(otherwise_);
    }

    /// Refused, whatever its arguments, unless it is refused already.
    void deny(std::string_view call, int number) {
        if (CallRule* const rule = permitted_rule(call)) {
            *rule = {{}, error(number)};
        }
    }

    /// Refused where the arguments fit, unless it is refused already.
    void deny(std::string_view call, std::vector<ArgumentTest> tests, int number) {
        if (CallRule* const rule = permitted_rule(call)) {
            rule->arguments.push_back({std::move(tests), error(number)});
        }
    }

private:
    CallRule* permitted_rule(std::string_view call) {
        const auto number = call_number(abi_, call);
        if (!number) {
            return nullptr;
        }
        const auto found = rules_.calls.find(*number);
        const Verdict verdict = found == rules_.calls.end() ? otherwise_ : found->second.otherwise;
        if (verdict.kind != Allow) {
            return nullptr;
        }
        return &rules_.calls.try_emplace(*number, CallRule{{}, verdict}).first->second;
    }

    static Verdict logged(Verdict verdict) {
        return verdict.kind == Allow ? Verdict{Log, 0} : verdict;
    }
    static void log(CallRule& rule) {
        rule.otherwise = logged(rule.otherwise);
        for (ArgumentRule& each : rule.arguments) {
            each.verdict = logged(each.verdict);
        }
    }

    template <class Visitor>
    void for_each_multiplexer(std::string_view call, const Visitor& visit) {
        for (const MultiplexedCall& multiplexed : multiplexed_calls()) {
            const auto number =
                abi_.multiplexed ? call_number(abi_, multiplexed.multiplexer) : std::nullopt;
            if (multiplexed.call != call || !number) {
                continue;
            }
            // The lower half of ipc's selector; the upper is a version.
            ArgumentTest test{0, ArgumentTest::Kind::OneOf, 0xffff, {multiplexed.selector}};
            visit(
                rules_.calls.try_emplace(*number, CallRule{{}, otherwise_}).first->second,
                std::move(test));
        }
    }

    void decide_multiplexed(std::string_view call, Verdict verdict) {
        for_each_multiplexer(call, [&](CallRule& rule, ArgumentTest test) {
            rule.arguments.push_back({{std::move(test)}, verdict});
        });
    }

    const Abi& abi_;
    AbiRules& rules_;
    Verdict otherwise_;
};

// ---- SystemCallFilter=
// ---------------------------------------------------------------------------

Verdict list_verdict(const SandboxSettings& sandbox) {
    const SystemCallError& number = sandbox.system_call_error_number;
    return number.kill ? Verdict{Kill, 0} : error(number.number);
}

/// An explicit multiplexer speaks for all its calls in an allow-list; its calls' own words count
/// beside it in a deny-list, so they are decided in any order and the multiplexer's rule merely
/// stands under them.
void filter_calls(Table& table, const SandboxSettings& sandbox) {
    const SystemCallFilter& filter = sandbox.system_call_filter;
    if (filter.allow_list) {
        for_each_call(*find_system_call_group("@known"), [&](std::string_view call) {
            table.refuse_known(call, list_verdict(sandbox));
        });
        // Always permitted, or nothing could be executed (systemd.exec(5)).
        if (const SystemCallGroup* const implicit = find_system_call_group("@default")) {
            for_each_call(
                *implicit, [&](std::string_view call) { table.decide(call, {Allow, 0}); });
        }
    }
    const Verdict listed = filter.allow_list ? Verdict{Allow, 0} : list_verdict(sandbox);
    for (const auto& [call, number] : filter.calls) {
        table.decide(call, number ? verdict_of(*number) : listed);
    }
}

void note_unknown_calls(const SystemCallFilter& filter, Diagnostics* notes) {
    if (notes == nullptr) {
        return;
    }
    for (const auto& [call, number] : filter.calls) {
        if (!is_resolvable(call)) {
            notes->push_back(
                {filter.allow_list ? Severity::Note : Severity::Warning,
                 {},
                 fmt::format(
                     "SystemCallFilter=: libseccomp doesn't know the system call {}, so {}",
                     quoted(call),
                     filter.allow_list ? "it stays refused" : "it can't be refused"),
                 {},
                 {}});
        }
    }
}

// ---- what is refused without regard to arguments
// ---------------------------------------------------

struct Denial {
    bool SandboxSettings::* asked;
    std::string_view group;                   ///< a group, or
    std::span<const std::string_view> calls;  ///< calls
};

constexpr auto log_calls = std::to_array<std::string_view>({"syslog"});
constexpr auto tunable_calls = std::to_array<std::string_view>({"_sysctl"});
constexpr auto host_name_calls = std::to_array<std::string_view>({"sethostname", "setdomainname"});
// Its policy stands behind a pointer.
constexpr auto realtime_calls = std::to_array<std::string_view>({"sched_setattr"});

constexpr auto denials = std::to_array<Denial>({
    {&SandboxSettings::protect_clock, "@clock", {}},
    {&SandboxSettings::protect_kernel_modules, "@module", {}},
    {&SandboxSettings::private_devices, "@raw-io", {}},
    {&SandboxSettings::protect_kernel_logs, {}, log_calls},
    {&SandboxSettings::protect_kernel_tunables, {}, tunable_calls},
    {&SandboxSettings::restrict_realtime, {}, realtime_calls},
});

void deny_calls(Table& table, const SandboxSettings& sandbox) {
    for (const Denial& denial : denials) {
        if (!(sandbox.*denial.asked)) {
            continue;
        }
        if (const SystemCallGroup* const group = find_system_call_group(denial.group)) {
            for_each_call(*group, [&](std::string_view call) { table.deny(call, EPERM); });
        }
        for (const std::string_view call : denial.calls) {
            table.deny(call, EPERM);
        }
    }
    if (sandbox.protect_hostname.locked()) {
        for (const std::string_view call : host_name_calls) {
            table.deny(call, EPERM);
        }
    }
}

// ---- what is refused by its arguments
// ---------------------------------------------------------------

ArgumentTest any_bit(unsigned argument, unsigned bits) {
    return {argument, ArgumentTest::Kind::AnyBit, bits, {}};
}
ArgumentTest all_bits(unsigned argument, unsigned bits) {
    return {argument, ArgumentTest::Kind::OneOf, bits, {bits}};
}

void restrict_families(Table& table, const AddressFamilies& wanted) {
    if (table.abi().multiplexed || (!wanted.allow_list && wanted.families.empty())) {
        return;
    }
    ArgumentTest test{0, ArgumentTest::Kind::OneOf, UINT32_MAX, {}};
    test.kind = wanted.allow_list ? ArgumentTest::Kind::NoneOf : ArgumentTest::Kind::OneOf;
    for (const std::string& family : wanted.families) {
        if (const auto number = address_family_number(family)) {
            test.values.push_back(static_cast<std::uint32_t>(*number));
        }
    }
    table.deny("socket", {std::move(test)}, EAFNOSUPPORT);
}

void lock_personality(Table& table, const Personality& own) {
    // 0 is the default; all ones only asks which one it is.
    const std::uint32_t persona = personality_number(own.architecture).value_or(0);
    table.deny(
        "personality", {{0, ArgumentTest::Kind::NoneOf, UINT32_MAX, {persona, UINT32_MAX}}}, EPERM);
}

/// systemd.exec(5), RestrictNamespaces=. clone3(2) has its flags behind a pointer: programs fall
/// back to clone(2) where it is missing.
void restrict_namespaces(Table& table, const NamespaceRestriction& wanted) {
    constexpr std::uint64_t time = 0x80;  // CLONE_NEWTIME; in clone(2) a part of the exit signal
    std::uint64_t refused = time & ~wanted.allowed;
    for (const NamespaceKind& kind : namespace_kinds()) {
        refused |= kind.flag & ~wanted.allowed;
    }
    if (refused == 0) {
        return;
    }
    const auto bits = static_cast<unsigned>(refused);
    table.deny("clone3", ENOSYS);
    table.deny("clone", {any_bit(0, bits & ~static_cast<unsigned>(time))}, EPERM);
    table.deny("unshare", {any_bit(0, bits)}, EPERM);
    table.deny("setns", {any_bit(1, bits)}, EPERM);
    // Without a type it joins whatever the descriptor is of.
    table.deny("setns", {{1, ArgumentTest::Kind::OneOf, UINT32_MAX, {0}}}, EPERM);
}

void restrict_realtime(Table& table) {
    constexpr std::uint32_t without_reset_on_fork = ~std::uint32_t{0x40000000};
    table.deny(
        "sched_setscheduler",
        {{1,
          ArgumentTest::Kind::NoneOf,
          without_reset_on_fork,
          {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE}}},
        EPERM);
}

void restrict_suid_sgid(Table& table) {
    constexpr unsigned bits = S_ISUID | S_ISGID;
    constexpr unsigned creates = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);  // else `mode` is garbage
    struct ModeArgument {
        std::string_view call;
        unsigned argument;
    };
    for (const ModeArgument& mode : std::to_array<ModeArgument>(
             {{"chmod", 1},
              {"fchmod", 1},
              {"fchmodat", 2},
              {"fchmodat2", 2},
              {"creat", 1},
              {"mkdir", 1},
              {"mkdirat", 2},
              {"mknod", 1},
              {"mknodat", 2}})) {
        table.deny(mode.call, {any_bit(mode.argument, bits)}, EPERM);
    }
    table.deny("open", {any_bit(1, creates), any_bit(2, bits)}, EPERM);
    table.deny("openat", {any_bit(2, creates), any_bit(3, bits)}, EPERM);
    table.deny("openat2", ENOSYS);  // so that programs fall back to openat
}

void deny_write_execute(Table& table) {
    if (table.abi().legacy_mmap) {
        table.deny("mmap", EPERM);
    } else {
        table.deny("mmap", {all_bits(2, PROT_WRITE | PROT_EXEC)}, EPERM);
    }
    table.deny("mmap2", {all_bits(2, PROT_WRITE | PROT_EXEC)}, EPERM);
    table.deny("mprotect", {any_bit(2, PROT_EXEC)}, EPERM);
    table.deny("pkey_mprotect", {any_bit(2, PROT_EXEC)}, EPERM);
    table.deny("shmat", {any_bit(2, SHM_EXEC)}, EPERM);
}

void restrict_arguments(Table& table, const SandboxSettings& sandbox) {
    restrict_families(table, sandbox.restrict_address_families);
    if (sandbox.lock_personality) {
        lock_personality(table, sandbox.personality);
    }
    if (sandbox.restrict_namespaces.allowed != NamespaceRestriction::everything) {
        restrict_namespaces(table, sandbox.restrict_namespaces);
    }
    if (sandbox.restrict_realtime) {
        restrict_realtime(table);
    }
    if (sandbox.restrict_suid_sgid) {
        restrict_suid_sgid(table);
    }
    if (sandbox.memory_deny_write_execute) {
        deny_write_execute(table);
    }
}

// ---- SystemCallLog=
// ------------------------------------------------------------------------------

/// Last: what is refused is told by its refusal.
void log_calls_of(Table& table, const SystemCallLog& wanted, Verdict& otherwise) {
    if (!wanted.asked()) {
        return;
    }
    if (wanted.inverted) {
        table.log_all_but(wanted.calls, otherwise);
        return;
    }
    for (const std::string& call : wanted.calls) {
        table.log(call);
    }
}

// ---- SystemCallArchitectures=
// -----------------------------------------------------------------------

bool is_permitted(const Abi& abi, const ArchitectureSet& wanted) {
    return wanted.names.empty() || &abi == local_abis().data() ||
           wanted.names.contains(std::string(abi.name));
}

}  // namespace

SeccompRules seccomp_rules(const SandboxSettings& sandbox, Diagnostics* notes) {
    SeccompRules rules;
    if (sandbox.system_call_filter.allow_list) {
        rules.otherwise = error(ENOSYS);  // what @known doesn't know: programs fall back
    }
    const Verdict otherwise = rules.otherwise;
    note_unknown_calls(sandbox.system_call_filter, notes);
    for (const Abi& abi : local_abis()) {
        AbiRules& of_abi = rules.abis.emplace_back();
        of_abi.scmp_architecture = abi.scmp_architecture;
        of_abi.audit_architecture = abi.audit_architecture;
        of_abi.permitted = is_permitted(abi, sandbox.system_call_architectures);
        if (of_abi.permitted) {
            Table table(abi, of_abi, otherwise);
            filter_calls(table, sandbox);
            deny_calls(table, sandbox);
            restrict_arguments(table, sandbox);
            log_calls_of(table, sandbox.system_call_log, rules.otherwise);
        }
    }
    return rules;
}

}  // namespace hearth::launch
