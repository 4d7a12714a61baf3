// SPDX-License-Identifier: MIT
//
// CPUs, memory nodes, policies and priorities: systemd.exec(5), Scheduling; with what is set at the
// same moment: timer slack, core dump filter, personality. What this machine lacks is known from
// the host's facts; what the kernel refuses besides (a real-time policy without CAP_SYS_NICE) the
// child tells.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "supervisor/launch/planner_passes.hpp"
#include "supervisor/launch/seccomp_abis.hpp"
#include "units/process_codecs.hpp"

namespace hearth::launch {
namespace {

enum Status : int {  // systemd.exec(5), Process Exit Codes
    IoPriorityFailed = 211,
    TimerSlackFailed = 212,
    SchedulerFailed = 214,
    AffinityFailed = 215,
    PersonalityFailed = 230,
    MemoryPolicyFailed = 242,
};

template <class T>
std::string text_of(const T& value) {
    std::string text = Codec<T>::format(value);
    std::ranges::replace(text, '\n', ' ');
    return text;
}

std::string numbers(const std::set<unsigned>& all) {
    return Codec<CpuAffinity>::format({all, false});
}

std::set<unsigned> nodes_of(const Host& host) {
    std::set<unsigned> nodes;
    for (const auto& [node, cpus] : host.memory_nodes) {
        nodes.insert(node);
    }
    return nodes;
}

std::set<unsigned> wanted_nodes(const Planning& planning) {
    const NumaMask& mask = planning.settings.exec.scheduling.numa_mask;
    std::set<unsigned> nodes = mask.nodes;
    if (mask.all) {
        nodes.merge(nodes_of(planning.host));
    }
    return nodes;
}

void set_affinity(Planning& planning) {
    const CpuAffinity& affinity = planning.settings.exec.scheduling.cpu_affinity;
    if (!affinity.asked()) {
        return;
    }
    std::set<unsigned> cpus = affinity.cpus;
    if (affinity.from_numa) {
        for (const unsigned node : wanted_nodes(planning)) {
            const auto found = planning.host.memory_nodes.find(node);
            if (found != planning.host.memory_nodes.end()) {
                cpus.insert(found->second.begin(), found->second.end());
            }
        }
        if (cpus.empty()) {
            planning.falls_short(
                "CPUAffinity", "numa", "no node of NUMAMask= has a CPU on this machine");
            return;
        }
    }
    const bool any =
        std::ranges::any_of(cpus, [&](unsigned cpu) { return planning.host.cpus.contains(cpu); });
    if (!any && !planning.host.cpus.empty()) {
        planning.falls_short(
            "CPUAffinity",
            text_of(affinity),
            "this machine has CPU " + numbers(planning.host.cpus) + " only");
        return;
    }
    planning.add(
        Stage::Scheduling,
        SetCpuAffinity{{cpus.begin(), cpus.end()}},
        planning.asked("CPUAffinity", text_of(affinity)),
        AffinityFailed);
}

bool is_realtime(CpuSchedulingPolicy policy) {
    return policy == CpuSchedulingPolicy::Fifo || policy == CpuSchedulingPolicy::RoundRobin;
}

/// Two steps, so that what resets on fork holds where the policy itself is refused.
void set_cpu_policy(Planning& planning) {
    const SchedulingSettings& scheduling = planning.settings.exec.scheduling;
    const CpuSchedulingPolicy policy = scheduling.cpu_policy.value_or(CpuSchedulingPolicy::Other);
    const bool reset = scheduling.cpu_reset_on_fork;
    if (reset) {
        planning.add(
            Stage::Scheduling,
            SetScheduler{0, 0, true, false},
            planning.asked("CPUSchedulingResetOnFork", "yes"),
            SchedulerFailed);
    }
    if (scheduling.cpu_policy && (!reset || policy != CpuSchedulingPolicy::Other)) {
        const int priority = is_realtime(policy) ? std::max(scheduling.cpu_priority, 1) : 0;
        planning.add(
            Stage::Scheduling,
            SetScheduler{static_cast<int>(policy), priority, reset, true},
            planning.asked("CPUSchedulingPolicy", text_of(policy)),
            SchedulerFailed);
    }
}

void set_memory_policy(Planning& planning) {
    const SchedulingSettings& scheduling = planning.settings.exec.scheduling;
    if (!scheduling.numa_policy) {
        return;
    }
    const NumaPolicy policy = *scheduling.numa_policy;
    const bool needs_nodes = policy != NumaPolicy::Default && policy != NumaPolicy::Local;
    const std::set<unsigned> nodes = needs_nodes ? wanted_nodes(planning) : std::set<unsigned>();
    if (needs_nodes && nodes.empty()) {
        planning.refuse(
            "NUMAPolicy",
            fmt::format("NUMAPolicy={} names no memory node", text_of(policy)),
            "write NUMAMask= with the nodes, or NUMAMask=all");
        return;
    }
    if (policy == NumaPolicy::Preferred && nodes.size() != 1) {
        planning.refuse(
            "NUMAMask",
            fmt::format(
                "NUMAMask={}: NUMAPolicy=preferred takes a single node",
                text_of(scheduling.numa_mask)),
            "name one node");
        return;
    }
    if (planning.host.memory_nodes.empty()) {
        planning.falls_short(
            "NUMAPolicy", text_of(policy), "this kernel has no memory nodes (CONFIG_NUMA)");
        return;
    }
    for (const unsigned node : nodes) {
        if (!planning.host.memory_nodes.contains(node)) {
            planning.falls_short(
                "NUMAMask",
                text_of(scheduling.numa_mask),
                "this machine has memory node " + numbers(nodes_of(planning.host)) + " only");
            return;
        }
    }
    planning.add(
        Stage::Scheduling,
        SetMemoryPolicy{static_cast<int>(policy), {nodes.begin(), nodes.end()}},
        planning.asked("NUMAPolicy", text_of(policy)),
        MemoryPolicyFailed);
}

void set_io_priority(Planning& planning) {
    const SchedulingSettings& scheduling = planning.settings.exec.scheduling;
    if (!scheduling.io_class && !scheduling.io_priority) {
        return;
    }
    IoSchedulingClass io_class = scheduling.io_class.value_or(IoSchedulingClass::BestEffort);
    if (io_class == IoSchedulingClass::None) {
        io_class = IoSchedulingClass::BestEffort;
    }
    const Asked who =
        scheduling.io_class
            ? planning.asked("IOSchedulingClass", text_of(*scheduling.io_class))
            : planning.asked("IOSchedulingPriority", std::to_string(*scheduling.io_priority));
    planning.add(
        Stage::Scheduling,
        SetIoPriority{static_cast<int>(io_class), scheduling.io_priority.value_or(4)},
        who,
        IoPriorityFailed);
}

void set_personality(Planning& planning) {
    const Personality& wanted = planning.settings.sandbox.personality;
    if (wanted.architecture.empty()) {
        return;
    }
    const auto persona = personality_number(wanted.architecture);
    if (!persona) {
        planning.falls_short(
            "Personality", wanted.architecture, "this machine has no such personality");
        return;
    }
    planning.add(
        Stage::Scheduling,
        SetPersonality{*persona},
        planning.asked("Personality", wanted.architecture),
        PersonalityFailed);
}

}  // namespace

void set_scheduling(Planning& planning) {
    const SchedulingSettings& scheduling = planning.settings.exec.scheduling;
    set_cpu_policy(planning);
    set_affinity(planning);
    set_memory_policy(planning);
    set_io_priority(planning);
    if (scheduling.timer_slack && scheduling.timer_slack->nanoseconds != infinity) {
        planning.add(
            Stage::Scheduling,
            SetTimerSlack{scheduling.timer_slack->nanoseconds},
            planning.asked("TimerSlackNSec", text_of(*scheduling.timer_slack)),
            TimerSlackFailed);
    }
    if (scheduling.coredump_filter.mask) {
        planning.add(
            Stage::Scheduling,
            SetCoredumpFilter{*scheduling.coredump_filter.mask},
            planning.asked("CoredumpFilter", text_of(scheduling.coredump_filter)),
            1);
    }
    set_personality(planning);
}

}  // namespace hearth::launch
