// SPDX-License-Identifier: MIT
#include "parser/diagnostic.hpp"
#include "units/directives/row.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth {

namespace directives {
namespace {

using R = ResourceSettings;

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

template <auto member, Name name>
constexpr std::array<Property, 1> weight_property = {{
    {name.view(),
     "t",
     [](const Settings& settings, ValueSink& sink) {
         const std::optional<CpuWeight>& weight = settings.resources.*member;
         if (weight) {
             Codec<CpuWeight>::write(*weight, sink);
         } else {
             sink.unsigned64(infinity);  // systemd's "not set"
         }
     }},
}};

/// An old name whose numbers are other ones: read and printed by functions of its own.
consteval Row converted(Row row, AssignFunction assign, FormatFunction format) {
    row.assign = assign;
    row.format = format;
    return row;
}

template <Name name, auto member>
consteval Row limit(std::string_view summary, std::string_view sample) {
    return row<name, member>({
        .summary = summary,
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = sample,
    });
}

template <Name name, auto member>
consteval Row old_limit(std::string_view summary, std::string_view sample) {
    return row<name, member>({
        .summary = summary,
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = sample,
        .properties = no_properties,
    });
}

template <Name name, auto member>
consteval Row protection(std::string_view summary, std::string_view sample) {
    return row<name, member>({
        .summary = summary,
        .applied = applied::Preparation{},
        .nature = Nature::Gives,
        .sample = sample,
    });
}

template <Name name, auto member>
consteval Row share(
    std::string_view summary,
    std::string_view sample,
    std::optional<std::span<const Property>> properties = {}) {
    return row<name, member>({
        .summary = summary,
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = sample,
        .properties = properties,
    });
}

// cgroup v1's numbers in v2's: shares of 1024 stand for a weight of 100, blkio's 500 for IO's 100.
constexpr std::uint64_t shares_of_weight_100 = 1024, block_io_of_weight_100 = 500;

std::uint64_t converted_weight(std::uint64_t old, std::uint64_t old_of_100) {
    return std::clamp<std::uint64_t>(old * 100 / old_of_100, 1, 10'000);
}

template <auto member>
Assigned assign_shares(Settings& settings, std::string_view text, const ValueContext&) {
    std::optional<CpuWeight>& weight = settings.resources.*member;
    if (text.empty()) {
        weight.reset();
        return {};
    }
    const std::uint64_t shares = HEARTH_TRY(read_unsigned(text, 2, 262'144));
    weight = CpuWeight{converted_weight(shares, shares_of_weight_100), false};
    return {};
}

template <auto member>
std::string format_shares(const Settings& settings) {
    const std::optional<CpuWeight>& weight = settings.resources.*member;
    if (!weight) {
        return {};
    }
    const std::uint64_t shares = (weight->weight * shares_of_weight_100 + 99) / 100;
    return std::to_string(weight->idle ? 2 : std::max<std::uint64_t>(shares, 2));
}

template <auto member>
Assigned assign_block_io_weight(Settings& settings, std::string_view text, const ValueContext&) {
    std::optional<std::uint64_t>& weight = settings.resources.*member;
    if (text.empty()) {
        weight.reset();
        return {};
    }
    weight = converted_weight(HEARTH_TRY(read_unsigned(text, 10, 1000)), block_io_of_weight_100);
    return {};
}

template <auto member>
std::string format_block_io_weight(const Settings& settings) {
    const std::optional<std::uint64_t>& weight = settings.resources.*member;
    return weight ? std::to_string(*weight * block_io_of_weight_100 / 100) : std::string();
}

Assigned assign_block_io_device_weight(
    Settings& settings, std::string_view text, const ValueContext& context) {
    using Weights = DeviceAmounts<DeviceAmountKind::Weight>;
    Weights made;
    HEARTH_TRY(Codec<Weights>::assign(made, text, context));
    Weights& weights = settings.resources.io_device_weight;
    if (made.entries.empty()) {
        weights.entries.clear();
        return {};
    }
    DeviceAmount entry = std::move(made.entries.front());
    if (entry.amount < 10 || entry.amount > 1000) {
        return bad_value(
            "expected a weight from 10 to 1000, got " + std::to_string(entry.amount),
            "or use IODeviceWeight=, from 1 to 10000");
    }
    entry.amount = converted_weight(entry.amount, block_io_of_weight_100);
    std::erase_if(weights.entries, [&](const DeviceAmount& old) { return old.path == entry.path; });
    weights.entries.push_back(std::move(entry));
    return {};
}

std::string format_block_io_device_weight(const Settings& settings) {
    DeviceAmounts<DeviceAmountKind::Weight> weights = settings.resources.io_device_weight;
    for (DeviceAmount& entry : weights.entries) {
        entry.amount = entry.amount * block_io_of_weight_100 / 100;
    }
    return Codec<DeviceAmounts<DeviceAmountKind::Weight>>::format(weights);
}

template <auto member, Name name>
constexpr std::array<Property, 1> unset_is_infinity = {{
    {name.view(),
     "t",
     [](const Settings& settings, ValueSink& sink) {
         sink.unsigned64((settings.resources.*member).value_or(infinity));
     }},
}};

/// A file name that is none of the kernel's ("cgroup.procs", "memory.max").
Assigned assign_subgroup(Settings& settings, std::string_view text, const ValueContext& context) {
    const std::string name = HEARTH_TRY(expand(text, context));
    if (name.find('/') != std::string::npos || name == "." || name == ".." || name.size() > 255) {
        return bad_value(
            quoted(name) + " is no name of a cgroup", "expected a name, not a path: 'manager'");
    }
    constexpr auto of_the_kernel = std::to_array<std::string_view>(
        {"cgroup",
         "cpu",
         "cpuacct",
         "cpuset",
         "devices",
         "hugetlb",
         "io",
         "blkio",
         "irq",
         "memory",
         "misc",
         "pids",
         "rdma"});
    const std::size_t dot = name.find('.');
    if (dot != std::string::npos &&
        std::ranges::find(of_the_kernel, name.substr(0, dot)) != of_the_kernel.end()) {
        return bad_value(
            quoted(name) + " may be the name of a file of the kernel's there", "choose another");
    }
    settings.resources.delegate_subgroup = name;
    return {};
}

constexpr std::array<Property, 2> delegate_properties = {{
    {"Delegate",
     "b",
     [](const Settings& settings, ValueSink& sink) {
         sink.boolean(settings.resources.delegate.delegated);
     }},
    {"DelegateControllers",
     "as",
     [](const Settings& settings, ValueSink& sink) {
         const std::set<std::string>& names = settings.resources.delegate.controllers;
         sink.strings(std::vector<std::string>(names.begin(), names.end()));
     }},
}};

template <Name name, auto member>
consteval Row weight(std::string_view summary, std::string_view sample) {
    Row row = share<name, member>(summary, sample, unset_is_infinity<member, name>);
    row.assign = &assign_within<1, 10'000, &Settings::resources, member>;
    return row;
}

constexpr auto rows = std::to_array<Row>({
    limit<"AllowedCPUs", &R::allowed_cpus>("The CPUs on which the service's cgroup runs.", "0"),
    limit<"AllowedMemoryNodes", &R::allowed_memory_nodes>(
        "The memory nodes from which the service's cgroup gets memory.", "0"),
    limit<"BPFProgram", &R::bpf_program>(
        "BPF programs of others that are attached to the service's cgroup.",
        "egress:/sys/fs/bpf/x"),
    row<"BlockIOAccounting", &R::io_accounting>({
        .summary = "The old name of IOAccounting=.",
        .applied = applied::Reporting{},
        .nature = Nature::Shares,
        .sample = "yes",
        .properties = no_properties,
    }),
    converted(
        share<"BlockIODeviceWeight", &R::io_device_weight>(
            "The old form of IODeviceWeight=, from 10 to 1000.", "/dev/sda 250", no_properties),
        &assign_block_io_device_weight,
        &format_block_io_device_weight),
    old_limit<"BlockIOReadBandwidth", &R::io_read_bandwidth_max>(
        "The old name of IOReadBandwidthMax=.", "/dev/sda 1M"),
    converted(
        share<"BlockIOWeight", &R::io_weight>(
            "The old form of IOWeight=, from 10 to 1000.", "250", no_properties),
        &assign_block_io_weight<&R::io_weight>,
        &format_block_io_weight<&R::io_weight>),
    old_limit<"BlockIOWriteBandwidth", &R::io_write_bandwidth_max>(
        "The old name of IOWriteBandwidthMax=.", "/dev/sda 1M"),
    accounting<"CPUAccounting", &R::cpu_accounting>("Counts the CPU time of the service.", "yes"),
    row<"CPUQuota", &R::cpu_quota>({
        .summary = "The most CPU time that the service gets, as a percentage of one CPU.",
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "20%",
        .properties = quota_property,
    }),
    row<"CPUQuotaPeriodSec", &R::cpu_quota_period>({
        .summary = "The period over which CPUQuota= is measured, from 1ms to 1s.",
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "10ms",
        .properties = quota_period_property,
    }),
    converted(
        share<"CPUShares", &R::cpu_weight>(
            "The old form of CPUWeight=, from 2 to 262144.", "512", no_properties),
        &assign_shares<&R::cpu_weight>,
        &format_shares<&R::cpu_weight>),
    share<"CPUWeight", &R::cpu_weight>(
        "The share of CPU time, among services that want more than there is.",
        "20",
        weight_property<&R::cpu_weight, "CPUWeight">),
    protection<"DefaultMemoryLow", &R::default_memory_low>(
        "MemoryLow= of the units below this slice that state none.", "16M"),
    protection<"DefaultMemoryMin", &R::default_memory_min>(
        "MemoryMin= of the units below this slice that state none.", "16M"),
    row<"Delegate", &R::delegate>({
        .summary = "The service manages its own part of the cgroup tree.",
        .applied = applied::Preparation{},
        .nature = Nature::Gives,
        .sample = "yes",
        .properties = delegate_properties,
    }),
    row<"DelegateSubgroup", &R::delegate_subgroup>({
        .summary =
            "The cgroup below the service's own that its processes start in, with Delegate=.",
        .applied = applied::Preparation{},
        .nature = Nature::Gives,
        .sample = "manager",
        .properties = no_properties,  // systemd 254 has it
        .assign = &assign_subgroup,
    }),
    limit<"DeviceAllow", &R::device_allow>("Devices that the service may use.", "/dev/null rw"),
    limit<"DevicePolicy", &R::device_policy>(
        "Whether the service may use other devices than those of DeviceAllow=.", "closed"),
    share<"DisableControllers", &R::disable_controllers>(
        "Controllers that the units below this slice don't get.", "cpu"),
    accounting<"IOAccounting", &R::io_accounting>("Counts the block IO of the service.", "yes"),
    protection<"IODeviceLatencyTargetSec", &R::io_device_latency_target>(
        "The latency that the service's IO on a device is to have.", "/dev/sda 25ms"),
    share<"IODeviceWeight", &R::io_device_weight>("The share of IO on one device.", "/dev/sda 500"),
    limit<"IOReadBandwidthMax", &R::io_read_bandwidth_max>(
        "The most bytes per second that are read from a device.", "/dev/sda 1M"),
    limit<"IOReadIOPSMax", &R::io_read_iops_max>(
        "The most reads per second from a device.", "/dev/sda 100"),
    weight<"IOWeight", &R::io_weight>("The share of block IO.", "500"),
    limit<"IOWriteBandwidthMax", &R::io_write_bandwidth_max>(
        "The most bytes per second that are written to a device.", "/dev/sda 1M"),
    limit<"IOWriteIOPSMax", &R::io_write_iops_max>(
        "The most writes per second to a device.", "/dev/sda 100"),
    accounting<"IPAccounting", &R::ip_accounting>(
        "Counts the packets and bytes that the service's sockets send and receive.", "yes"),
    limit<"IPAddressAllow", &R::ip_address_allow>(
        "Addresses that the service may exchange packets with, before IPAddressDeny=.",
        "localhost 10.0.0.0/8"),
    limit<"IPAddressDeny", &R::ip_address_deny>(
        "Addresses that the service may not exchange packets with.", "any"),
    limit<"IPEgressFilterPath", &R::ip_egress_filter_path>(
        "BPF programs of others that judge what the service sends.", "/sys/fs/bpf/x"),
    limit<"IPIngressFilterPath", &R::ip_ingress_filter_path>(
        "BPF programs of others that judge what the service receives.", "/sys/fs/bpf/x"),
    accounting<"MemoryAccounting", &R::memory_accounting>(
        "Counts the memory of the service.", "no"),
    limit<"MemoryHigh", &R::memory_high>(
        "Above so much memory the service is slowed down and its memory reclaimed.", "48M"),
    old_limit<"MemoryLimit", &R::memory_max>("The old name of MemoryMax=.", "64M"),
    protection<"MemoryLow", &R::memory_low>(
        "So much memory of the service is reclaimed only when nothing else is left.", "16M"),
    limit<"MemoryMax", &R::memory_max>(
        "The most memory that the service gets; beyond it, its processes are killed.", "64M"),
    protection<"MemoryMin", &R::memory_min>(
        "So much memory of the service is never reclaimed.", "16M"),
    row<"MemoryPressureThresholdSec", &R::memory_pressure_threshold>({
        .summary = "For how much of two seconds memory must be short before the service is woken.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "150ms",
        .properties = no_properties,  // systemd 254 has it
    }),
    row<"MemoryPressureWatch", &R::memory_pressure_watch>({
        .summary =
            "Whether the service is told, by $MEMORY_PRESSURE_WATCH, where to watch its memory "
            "pressure.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "on",
        .properties = no_properties,
    }),
    limit<"MemorySwapMax", &R::memory_swap_max>("The most swap that the service gets.", "0"),
    limit<"MemoryZSwapMax", &R::memory_zswap_max>(
        "The most memory that the service's compressed swap takes.", "16M"),
    limit<"RestrictNetworkInterfaces", &R::restrict_network_interfaces>(
        "The network interfaces that the service can send and receive on.", "lo"),
    row<"Slice", &R::slice>({
        .summary = "The slice of the cgroup tree in which the service runs.",
        .applied = applied::Loading{},
        .nature = Nature::Confines,
        .sample = "system.slice",
        .properties = slice_property,
        .assign = &assign_slice,
        .syntax = "slice unit",
    }),
    limit<"SocketBindAllow", &R::socket_bind_allow>(
        "Addresses that the service can bind sockets to, before SocketBindDeny=.", "tcp:8080"),
    limit<"SocketBindDeny", &R::socket_bind_deny>(
        "Addresses that the service can't bind sockets to.", "any"),
    limit<"StartupAllowedCPUs", &R::startup_allowed_cpus>(
        "AllowedCPUs= while hearthd starts its first units and while it stops all.", "0"),
    limit<"StartupAllowedMemoryNodes", &R::startup_allowed_memory_nodes>(
        "AllowedMemoryNodes= while hearthd starts its first units and while it stops all.", "0"),
    converted(
        share<"StartupBlockIOWeight", &R::startup_io_weight>(
            "The old form of StartupIOWeight=, from 10 to 1000.", "250", no_properties),
        &assign_block_io_weight<&R::startup_io_weight>,
        &format_block_io_weight<&R::startup_io_weight>),
    converted(
        share<"StartupCPUShares", &R::startup_cpu_weight>(
            "The old form of StartupCPUWeight=, from 2 to 262144.", "512", no_properties),
        &assign_shares<&R::startup_cpu_weight>,
        &format_shares<&R::startup_cpu_weight>),
    share<"StartupCPUWeight", &R::startup_cpu_weight>(
        "CPUWeight= while hearthd starts its first units and while it stops all.",
        "50",
        weight_property<&R::startup_cpu_weight, "StartupCPUWeight">),
    weight<"StartupIOWeight", &R::startup_io_weight>(
        "IOWeight= while hearthd starts its first units and while it stops all.", "500"),
    accounting<"TasksAccounting", &R::tasks_accounting>(
        "Counts the processes and threads of the service.", "no"),
    limit<"TasksMax", &R::tasks_max>(
        "The most processes and threads that the service may have.", "16"),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> resource_rows() {
    return directives::rows;
}

}  // namespace hearth
