// SPDX-License-Identifier: MIT
//
// Limits and weights of block IO, the CPUs and memory nodes, and files that the unit names itself.
// A device is a path here; the launcher looks up its number when it writes.
#include <fmt/format.h>

#include <algorithm>

#include "supervisor/launch/planner_cgroup.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth::launch {
namespace {

/// How one list of amounts is written in each tree.
struct IoFile {
    std::string_view directive{};
    std::string_view unified_file{}, unified_key{};  ///< "io.max", "rbps="
    std::string_view v1_file{};                      ///< empty: v1 has no such limit
    std::string_view v1_unlimited{};                 ///< what stands for infinity there
    bool soft = false;
};

template <DeviceAmountKind kind>
void limit_devices(CgroupLimits& limits, const DeviceAmounts<kind>& amounts, const IoFile& file) {
    for (const DeviceAmount& entry : amounts.entries) {
        const std::string text = Codec<DeviceAmounts<kind>>::format(DeviceAmounts<kind>{{entry}});
        const std::string controller = limits.unified ? "io" : "blkio";
        const bool possible = file.v1_file.empty()
                                  ? limits.has_unified("io", file.directive, text)
                                  : limits.has_controller(controller, file.directive, text);
        if (!possible) {
            continue;
        }
        const bool unlimited = entry.amount == UINT64_MAX;
        const std::string number = std::to_string(entry.amount);
        std::string value = limits.unified
                                ? fmt::format("{}{}", file.unified_key, unlimited ? "max" : number)
                                : (unlimited ? std::string(file.v1_unlimited) : number);
        MakeCgroup::Knob& knob = limits.knob(
            controller,
            std::string(limits.unified ? file.unified_file : file.v1_file),
            std::move(value),
            limits.planning.asked(file.directive, text));
        knob.device = entry.path;
        knob.soft = file.soft;
    }
}

void weigh_io(CgroupLimits& limits) {
    const auto& startup = limits.resources.startup_io_weight;
    const auto& asked_weight = limits.in_phase(limits.resources.io_weight, startup);
    if (!asked_weight) {
        return;
    }
    const std::string_view directive =
        limits.directive_in_phase(startup, "IOWeight", "StartupIOWeight");
    const std::string weight = std::to_string(*asked_weight);
    const std::string controller = limits.unified ? "io" : "blkio";
    if (!limits.has_controller(controller, directive, weight)) {
        return;
    }
    // Two schedulers weigh: io.cost by io.weight, BFQ by a file of its own, from 1 to 1000.
    const Asked asked = limits.planning.asked(directive, weight);
    const std::uint64_t bfq = std::min<std::uint64_t>(*asked_weight, 1000);
    if (limits.unified) {
        limits.knob("io", "io.weight", "default " + weight, asked).soft = true;
        limits.knob("io", "io.bfq.weight", "default " + std::to_string(bfq), asked).soft = true;
    } else {
        limits.knob("blkio", "blkio.bfq.weight", std::to_string(bfq), asked).soft = true;
    }
}

void place(
    CgroupLimits& limits, const IndexSet& wanted, std::string_view directive, std::string file) {
    if (wanted.indices.empty()) {
        return;
    }
    const std::string text = Codec<IndexSet>::format(wanted);
    if (limits.has_controller("cpuset", directive, text)) {
        limits.knob("cpuset", std::move(file), text, limits.planning.asked(directive, text));
    }
}

}  // namespace

void limit_placement(CgroupLimits& limits) {
    const ResourceSettings& resources = limits.resources;
    const IndexSet& cpus = resources.startup_allowed_cpus;
    const IndexSet& nodes = resources.startup_allowed_memory_nodes;
    place(
        limits,
        limits.in_phase(resources.allowed_cpus, cpus),
        limits.directive_in_phase(cpus, "AllowedCPUs", "StartupAllowedCPUs"),
        "cpuset.cpus");
    place(
        limits,
        limits.in_phase(resources.allowed_memory_nodes, nodes),
        limits.directive_in_phase(nodes, "AllowedMemoryNodes", "StartupAllowedMemoryNodes"),
        "cpuset.mems");
    for (const CgroupKnob& each : limits.planning.settings.hearth.cgroup_knobs) {
        const std::string controller = each.file.substr(0, each.file.find('.'));
        const std::string text = each.file + "=" + each.value;
        if (limits.has_controller(controller, "Cgroup", text)) {
            limits.knob(controller, each.file, each.value, limits.planning.asked("Cgroup", text));
        }
    }
}

void limit_io(CgroupLimits& limits) {
    const ResourceSettings& resources = limits.resources;
    weigh_io(limits);
    limit_devices(
        limits,
        resources.io_device_weight,
        {.directive = "IODeviceWeight",
         .unified_file = "io.weight",
         .v1_file = "blkio.bfq.weight_device",
         .soft = true});
    limit_devices(
        limits,
        resources.io_read_bandwidth_max,
        {.directive = "IOReadBandwidthMax",
         .unified_file = "io.max",
         .unified_key = "rbps=",
         .v1_file = "blkio.throttle.read_bps_device",
         .v1_unlimited = "0"});
    limit_devices(
        limits,
        resources.io_write_bandwidth_max,
        {.directive = "IOWriteBandwidthMax",
         .unified_file = "io.max",
         .unified_key = "wbps=",
         .v1_file = "blkio.throttle.write_bps_device",
         .v1_unlimited = "0"});
    limit_devices(
        limits,
        resources.io_read_iops_max,
        {.directive = "IOReadIOPSMax",
         .unified_file = "io.max",
         .unified_key = "riops=",
         .v1_file = "blkio.throttle.read_iops_device",
         .v1_unlimited = "0"});
    limit_devices(
        limits,
        resources.io_write_iops_max,
        {.directive = "IOWriteIOPSMax",
         .unified_file = "io.max",
         .unified_key = "wiops=",
         .v1_file = "blkio.throttle.write_iops_device",
         .v1_unlimited = "0"});
    limit_devices(
        limits,
        resources.io_device_latency_target,
        {.directive = "IODeviceLatencyTargetSec",
         .unified_file = "io.latency",
         .unified_key = "target=",
         .soft = true});
}

}  // namespace hearth::launch
