// SPDX-License-Identifier: MIT
#include "parser/diagnostic.hpp"
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(const Description& description) {
    return directive<name, Section::Service, Context::Resources, &Settings::resources, member>(
        description);
}

template <Name name, auto member>
consteval Row accounting(std::string_view summary, std::string_view sample) {
    return row<name, member>({
        .summary = summary,
        .applied = applied::Reporting{},
        .nature = Nature::Shares,
        .sample = sample,
    });
}

Assigned assign_slice(Settings& settings, std::string_view text, const ValueContext& context) {
    std::string name = HEARTH_TRY(expand(text, context));
    if (!name.empty() && !name.ends_with(".slice")) {
        return bad_value(
            quoted(name) + " is no slice", "write the name of a unit that ends with .slice");
    }
    settings.resources.slice = std::move(name);
    return {};
}

constexpr std::array<Property, 1> slice_property = {{
    {"Slice",
     "s",
     [](const Settings& settings, ValueSink& sink) {
         const std::string& slice = settings.resources.slice;
         sink.string(slice.empty() ? "system.slice" : slice);
     }},
}};

constexpr std::array<Property, 1> quota_property = {{
    {"CPUQuotaPerSecUSec", "t", &Field<&Settings::resources, &ResourceSettings::cpu_quota>::write},
}};

constexpr std::array<Property, 1> quota_period_property = {{
    {"CPUQuotaPeriodUSec",
     "t",
     [](const Settings& settings, ValueSink& sink) {
         sink.unsigned64(
             settings.resources.cpu_quota_period.value_or(Timespan::never()).microseconds);
     }},
}};

constexpr std::array<Property, 1> weight_property = {{
    {"CPUWeight",
     "t",
     [](const Settings& settings, ValueSink& sink) {
         const std::optional<CpuWeight>& weight = settings.resources.cpu_weight;
         if (weight) {
             Codec<CpuWeight>::write(*weight, sink);
         } else {
             sink.unsigned64(infinity);  // systemd's "not set"
         }
     }},
}};

constexpr auto rows = std::to_array<Row>({
    accounting<"CPUAccounting", &ResourceSettings::cpu_accounting>(
        "Counts the CPU time of the service.", "yes"),
    row<"CPUQuota", &ResourceSettings::cpu_quota>({
        .summary = "The most CPU time that the service gets, as a percentage of one CPU.",
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "20%",
        .properties = quota_property,
    }),
    row<"CPUQuotaPeriodSec", &ResourceSettings::cpu_quota_period>({
        .summary = "The period over which CPUQuota= is measured, from 1ms to 1s.",
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "10ms",
        .properties = quota_period_property,
    }),
    row<"CPUWeight", &ResourceSettings::cpu_weight>({
        .summary = "The share of CPU time, among services that want more than there is.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "20",
        .properties = weight_property,
    }),
    accounting<"MemoryAccounting", &ResourceSettings::memory_accounting>(
        "Counts the memory of the service.", "no"),
    row<"MemoryHigh", &ResourceSettings::memory_high>({
        .summary = "Above so much memory the service is slowed down and its memory reclaimed.",
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "48M",
    }),
    row<"MemoryMax", &ResourceSettings::memory_max>({
        .summary = "The most memory that the service gets; beyond it, its processes are killed.",
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "64M",
    }),
    row<"Slice", &ResourceSettings::slice>({
        .summary = "The slice of the cgroup tree in which the service runs.",
        .applied = applied::Loading{},
        .nature = Nature::Confines,
        .sample = "system.slice",
        .properties = slice_property,
        .assign = &assign_slice,
        .syntax = "slice unit",
    }),
    accounting<"TasksAccounting", &ResourceSettings::tasks_accounting>(
        "Counts the processes and threads of the service.", "no"),
    row<"TasksMax", &ResourceSettings::tasks_max>({
        .summary = "The most processes and threads that the service may have.",
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "16",
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> resource_rows() {
    return directives::rows;
}

}  // namespace hearth
