// SPDX-License-Identifier: MIT
#include "units/directives/row.hpp"
#include "units/process_codecs.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(const Description& description) {
    return directive<
        name,
        Section::Service,
        Context::Exec,
        &Settings::exec,
        &ExecSettings::scheduling,
        member>(description);
}

SchedulingSettings& of(Settings& settings) {
    return settings.exec.scheduling;
}
const SchedulingSettings& of(const Settings& settings) {
    return settings.exec.scheduling;
}

// ---- properties that are the kernel's numbers

constexpr std::array<Property, 1> policy_property = {{
    {"CPUSchedulingPolicy",
     "i",
     [](const Settings& settings, ValueSink& sink) {
         sink.signed32(
             static_cast<std::int32_t>(of(settings).cpu_policy.value_or(CpuSchedulingPolicy())));
     }},
}};
constexpr std::array<Property, 2> affinity_properties = {{
    {"CPUAffinity",
     "ay",
     [](const Settings& settings, ValueSink& sink) {
         Codec<CpuAffinity>::write(of(settings).cpu_affinity, sink);
     }},
    {"CPUAffinityFromNUMA",
     "b",
     [](const Settings& settings, ValueSink& sink) {
         sink.boolean(of(settings).cpu_affinity.from_numa);
     }},
}};
constexpr std::array<Property, 1> numa_policy_property = {{
    {"NUMAPolicy",
     "i",
     [](const Settings& settings, ValueSink& sink) {
         const auto& policy = of(settings).numa_policy;
         sink.signed32(policy ? static_cast<std::int32_t>(*policy) : -1);
     }},
}};
// Unset, they are the kernel's default: best-effort, 4.
constexpr std::array<Property, 1> io_class_property = {{
    {"IOSchedulingClass",
     "i",
     [](const Settings& settings, ValueSink& sink) {
         const auto wanted = of(settings).io_class.value_or(IoSchedulingClass::BestEffort);
         sink.signed32(static_cast<std::int32_t>(
             wanted == IoSchedulingClass::None ? IoSchedulingClass::BestEffort : wanted));
     }},
}};
constexpr std::array<Property, 1> io_priority_property = {{
    {"IOSchedulingPriority",
     "i",
     [](const Settings& settings, ValueSink& sink) {
         sink.signed32(of(settings).io_priority.value_or(4));
     }},
}};
constexpr std::array<Property, 1> timer_slack_property = {{
    {"TimerSlackNSec",
     "t",
     [](const Settings& settings, ValueSink& sink) {
         constexpr std::uint64_t kernel_default = 50'000;
         sink.unsigned64(of(settings).timer_slack.value_or(TimerSlack{kernel_default}).nanoseconds);
     }},
}};

// ---- what is assigned in a way of its own

/// An empty text takes back both (systemd.exec(5)).
template <auto assign_value>
Assigned assign_io(Settings& settings, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        of(settings).io_class.reset();
        of(settings).io_priority.reset();
        return {};
    }
    return assign_value(settings, text, context);
}

constexpr auto rows = std::to_array<Row>({
    row<"CPUAffinity", &SchedulingSettings::cpu_affinity>({
        .summary = "The CPUs on which the service runs.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Confines,
        .sample = "0-1,3",
        .properties = affinity_properties,
    }),
    row<"CPUSchedulingPolicy", &SchedulingSettings::cpu_policy>({
        .summary = "The CPU scheduling policy of the service.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Gives,
        .sample = "rr",
        .properties = policy_property,
    }),
    row<"CPUSchedulingPriority", &SchedulingSettings::cpu_priority>({
        .summary = "The priority under a real-time policy, from 1 (last served) to 99.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Gives,
        .sample = "20",
        .assign = &assign_within<
            0,
            99,
            &Settings::exec,
            &ExecSettings::scheduling,
            &SchedulingSettings::cpu_priority>,
        .syntax = "number from 0 to 99",
    }),
    row<"CPUSchedulingResetOnFork", &SchedulingSettings::cpu_reset_on_fork>({
        .summary = "Children of the service start with the ordinary policy.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Confines,
        .sample = "yes",
    }),
    row<"CoredumpFilter", &SchedulingSettings::coredump_filter>({
        .summary = "Which kinds of memory a core file of the service has.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Confines,
        .sample = "private-anonymous 0x10",
    }),
    row<"IOSchedulingClass", &SchedulingSettings::io_class>({
        .summary = "The class in which the service's IO is scheduled.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Gives,
        .sample = "idle",
        .properties = io_class_property,
        .assign = &assign_io<
            &Field<&Settings::exec, &ExecSettings::scheduling, &SchedulingSettings::io_class>::
                assign>,
    }),
    row<"IOSchedulingPriority", &SchedulingSettings::io_priority>({
        .summary = "The priority within IOSchedulingClass=, from 0 (first served) to 7.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Gives,
        .sample = "7",
        .properties = io_priority_property,
        .assign = &assign_io<&assign_within<
            0,
            7,
            &Settings::exec,
            &ExecSettings::scheduling,
            &SchedulingSettings::io_priority>>,
        .syntax = "number from 0 to 7",
    }),
    row<"NUMAMask", &SchedulingSettings::numa_mask>({
        .summary = "The memory nodes of NUMAPolicy=.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Confines,
        .sample = "0",
    }),
    row<"NUMAPolicy", &SchedulingSettings::numa_policy>({
        .summary = "From which memory nodes the service gets memory.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Confines,
        .sample = "bind",
        .properties = numa_policy_property,
    }),
    row<"TimerSlackNSec", &SchedulingSettings::timer_slack>({
        .summary = "How late the service's timers may be.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Gives,
        .sample = "1ms",
        .properties = timer_slack_property,
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> scheduling_rows() {
    return directives::rows;
}

}  // namespace hearth
