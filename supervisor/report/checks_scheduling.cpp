// SPDX-License-Identifier: MIT
//
// CPUs, nodes, policies and priorities, labels of security modules: what the kernel tells of the
// process itself. The numbers come from sched(7), ioprio_get(2), numa(7) and proc(5).
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>

#include "supervisor/launch/host.hpp"
#include "supervisor/launch/seccomp_abis.hpp"
#include "supervisor/report/checks.hpp"
#include "units/process_codecs.hpp"

namespace hearth::report {

namespace {

const SchedulingSettings& asked(const Evidence& evidence) {
    return evidence.exec().scheduling;
}

std::string told(const Evidence& evidence, const std::string& key) {
    const auto found = evidence.view.properties.find(key);
    return found == evidence.view.properties.end() ? std::string() : found->second;
}

std::optional<std::uint64_t> number(const std::string& text, int base = 10) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return !text.empty() && error == std::errc() && end == text.data() + text.size()
               ? std::optional(value)
               : std::nullopt;
}

Finding not_told(const Evidence& evidence, const std::string& key) {
    const auto why = evidence.view.errors.find(key);
    return cannot_know(
        why == evidence.view.errors.end() ? key + " isn't told by the kernel" : why->second);
}

std::string list_of(const std::set<unsigned>& numbers) {
    return Codec<CpuAffinity>::format({numbers, false});
}

std::set<unsigned> wanted_nodes(const Evidence& evidence) {
    const auto& existing = evidence.question.host.memory_nodes;
    std::set<unsigned> nodes = asked(evidence).numa_mask.nodes;
    for (const auto& [node, cpus] : existing) {
        if (asked(evidence).numa_mask.all) {
            nodes.insert(node);
        }
    }
    return nodes;
}

/// What exists of the CPUs that were asked for; a cpuset may leave less.
Finding cpu_affinity(const Evidence& evidence) {
    const auto found = evidence.view.status.find("Cpus_allowed_list");
    if (found == evidence.view.status.end()) {
        return cannot_know("/proc/PID/status tells no Cpus_allowed_list");
    }
    const launch::Host& host = evidence.question.host;
    std::set<unsigned> wanted = asked(evidence).cpu_affinity.cpus;
    if (asked(evidence).cpu_affinity.from_numa) {
        for (const unsigned node : wanted_nodes(evidence)) {
            const auto cpus = host.memory_nodes.find(node);
            if (cpus != host.memory_nodes.end()) {
                wanted.insert(cpus->second.begin(), cpus->second.end());
            }
        }
    }
    std::erase_if(wanted, [&](unsigned cpu) { return !host.cpus.contains(cpu); });
    return either(
        launch::read_number_list(found->second) == wanted,
        "CPUs " + found->second,
        "expected " + list_of(wanted) + "; a cpuset or the process itself may have changed it");
}

// ---- "POLICY PRIORITY", the policy with SCHED_RESET_ON_FORK as its 31st bit

struct Scheduler {
    std::uint64_t policy = 0, priority = 0;
    bool reset_on_fork = false;
};

std::optional<Scheduler> scheduler(const Evidence& evidence) {
    constexpr std::uint64_t reset = 0x40000000;
    const std::string text = told(evidence, "scheduler");
    const std::size_t space = text.find(' ');
    if (space == std::string::npos) {
        return std::nullopt;
    }
    const auto policy = number(text.substr(0, space)), priority = number(text.substr(space + 1));
    return policy && priority
               ? std::optional(Scheduler{*policy & ~reset, *priority, (*policy & reset) != 0})
               : std::nullopt;
}

std::string policy_name(std::uint64_t policy) {
    const auto name =
        name_of(static_cast<CpuSchedulingPolicy>(policy), cpu_scheduling_policy_names);
    return name.empty() ? "policy " + std::to_string(policy) : std::string(name);
}

Finding cpu_policy(const Evidence& evidence) {
    const auto now = scheduler(evidence);
    if (!now) {
        return not_told(evidence, "scheduler");
    }
    const CpuSchedulingPolicy wanted =
        asked(evidence).cpu_policy.value_or(CpuSchedulingPolicy::Other);
    return either(
        now->policy == static_cast<std::uint64_t>(wanted),
        policy_name(now->policy),
        "expected " + policy_name(static_cast<std::uint64_t>(wanted)));
}

Finding cpu_priority(const Evidence& evidence) {
    const auto now = scheduler(evidence);
    if (!now) {
        return not_told(evidence, "scheduler");
    }
    const auto policy = asked(evidence).cpu_policy.value_or(CpuSchedulingPolicy::Other);
    const bool realtime =
        policy == CpuSchedulingPolicy::Fifo || policy == CpuSchedulingPolicy::RoundRobin;
    const int wanted = realtime ? std::max(asked(evidence).cpu_priority, 1) : 0;
    return either(
        now->priority == static_cast<std::uint64_t>(wanted),
        fmt::format("priority {} under {}", now->priority, policy_name(now->policy)),
        fmt::format(
            "expected {}{}", wanted, realtime ? "" : ": this policy has no other priority"));
}

Finding cpu_reset_on_fork(const Evidence& evidence) {
    const auto now = scheduler(evidence);
    if (!now) {
        return not_told(evidence, "scheduler");
    }
    return either(
        now->reset_on_fork,
        now->reset_on_fork ? "resets on fork" : "handed on by fork",
        "expected SCHED_RESET_ON_FORK");
}

// ---- IO: the class above bit 13, the priority below

Finding io_class(const Evidence& evidence) {
    const auto now = number(told(evidence, "ioprio"));
    if (!now) {
        return not_told(evidence, "ioprio");
    }
    const auto wanted = asked(evidence).io_class.value_or(IoSchedulingClass::BestEffort);
    const auto expected =
        wanted == IoSchedulingClass::None ? IoSchedulingClass::BestEffort : wanted;
    const auto found = static_cast<IoSchedulingClass>(*now >> 13);
    return either(
        found == expected,
        "class " + std::string(name_of(found, io_scheduling_class_names)),
        "expected " + std::string(name_of(expected, io_scheduling_class_names)));
}

Finding io_priority(const Evidence& evidence) {
    const auto now = number(told(evidence, "ioprio"));
    if (!now) {
        return not_told(evidence, "ioprio");
    }
    const auto wanted = static_cast<std::uint64_t>(asked(evidence).io_priority.value_or(4));
    const std::uint64_t found = *now & 7U;
    return either(
        found == wanted, fmt::format("priority {}", found), fmt::format("expected {}", wanted));
}

// ---- memory nodes: "bind:0-1", the policy of a mapping that has none of its own

std::string policy_now(const Evidence& evidence) {
    return told(evidence, "numa policy");
}

Finding numa_policy(const Evidence& evidence) {
    const std::string now = policy_now(evidence);
    if (now.empty()) {
        return not_told(evidence, "numa policy");
    }
    constexpr auto names =
        std::to_array<std::string_view>({"default", "prefer", "bind", "interleave", "local"});
    const auto wanted = names.at(
        static_cast<std::size_t>(asked(evidence).numa_policy.value_or(NumaPolicy::Default)));
    const std::string_view found = std::string_view(now).substr(0, now.find(':'));
    return either(found == wanted, now, fmt::format("expected {}", wanted));
}

Finding numa_mask(const Evidence& evidence) {
    const NumaPolicy policy = asked(evidence).numa_policy.value_or(NumaPolicy::Default);
    if (policy == NumaPolicy::Default || policy == NumaPolicy::Local) {
        return asked(evidence).cpu_affinity.from_numa
                   ? cpu_affinity(evidence)
                   : verified("without effect: NUMAPolicy= names no nodes");
    }
    const std::string now = policy_now(evidence);
    const std::size_t colon = now.find(':');
    if (now.empty()) {
        return not_told(evidence, "numa policy");
    }
    const auto found = colon == std::string::npos ? std::set<unsigned>()
                                                  : launch::read_number_list(now.substr(colon + 1));
    return either(
        found == wanted_nodes(evidence), now, "expected nodes " + list_of(wanted_nodes(evidence)));
}

// ---- the rest

Finding timer_slack(const Evidence& evidence) {
    const auto now = number(told(evidence, "timerslack_ns"));
    const auto& wanted = asked(evidence).timer_slack;
    if (!now || !wanted) {
        return not_told(evidence, "timerslack_ns");
    }
    const std::string text = fmt::format("{} ns", *now);
    if (wanted->nanoseconds == 0 || wanted->nanoseconds == infinity) {
        return verified(text + ", the kernel's own");
    }
    const auto policy = asked(evidence).cpu_policy.value_or(CpuSchedulingPolicy::Other);
    const bool realtime =
        policy == CpuSchedulingPolicy::Fifo || policy == CpuSchedulingPolicy::RoundRobin;
    if (*now == 0 && realtime) {
        return verified("0 ns: a real-time policy has none");
    }
    return either(
        *now == wanted->nanoseconds, text, fmt::format("expected {} ns", wanted->nanoseconds));
}

Finding coredump_filter(const Evidence& evidence) {
    const auto now = number(told(evidence, "coredump_filter"), 16);
    const auto& wanted = asked(evidence).coredump_filter.mask;
    if (!now || !wanted) {
        return not_told(evidence, "coredump_filter");
    }
    constexpr std::uint64_t known = 0x1ff;
    return either(
        *now == (*wanted & known),
        fmt::format("coredump_filter 0x{:x}", *now),
        fmt::format("expected 0x{:x}", *wanted & known));
}

Finding personality(const Evidence& evidence) {
    const auto now = number(told(evidence, "personality"), 16);
    if (!now) {
        return not_told(evidence, "personality");
    }
    constexpr std::uint64_t domain = 0xff;  // PER_MASK; execve may set flags above
    const std::uint64_t wanted =
        launch::personality_number(evidence.sandbox().personality.architecture).value_or(domain);
    return either(
        (*now & domain) == wanted,
        fmt::format("personality 0x{:08x}", *now),
        fmt::format("expected 0x{:02x} in its last byte", wanted));
}

Finding secure_bits(const Evidence&) {
    return cannot_know("the kernel tells a process's secure bits to nobody but itself");
}

template <auto member>
Finding label(const Evidence& evidence, const std::string& key) {
    const SecurityLabel& wanted = evidence.sandbox().*member;
    const std::string now = told(evidence, key);
    if (now.empty()) {
        return wanted.optional ? cannot_know("this kernel has no such module, and '-' lets that be")
                               : not_told(evidence, key);
    }
    // AppArmor adds its mode: "heat (enforce)".
    const std::string_view name = std::string_view(now).substr(0, now.find(" ("));
    return either(name == wanted.label, now, "expected " + wanted.label);
}

constexpr auto checks = std::to_array<Check>({
    {"AppArmorProfile",
     [](const Evidence& e) {
         return label<&SandboxSettings::apparmor_profile>(e, "attr/apparmor/current");
     }},
    {"CPUAffinity", cpu_affinity},
    {"CPUSchedulingPolicy", cpu_policy},
    {"CPUSchedulingPriority", cpu_priority},
    {"CPUSchedulingResetOnFork", cpu_reset_on_fork},
    {"CoredumpFilter", coredump_filter},
    {"IOSchedulingClass", io_class},
    {"IOSchedulingPriority", io_priority},
    {"NUMAMask", numa_mask},
    {"NUMAPolicy", numa_policy},
    {"Personality", personality},
    {"SELinuxContext",
     [](const Evidence& e) { return label<&SandboxSettings::selinux_context>(e, "attr/current"); }},
    {"SecureBits", secure_bits},
    {"SmackProcessLabel",
     [](const Evidence& e) {
         return label<&SandboxSettings::smack_process_label>(e, "attr/smack/current");
     }},
    {"TimerSlackNSec", timer_slack},
});

}  // namespace

std::span<const Check> scheduling_checks() {
    return checks;
}

}  // namespace hearth::report
