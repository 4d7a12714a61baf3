// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Resource = Unbuilt<Section::Service, Context::Resources>;

constexpr auto rows = std::to_array<Row>({
    Resource::refused<"BPFProgram">(
        Nature::Confines,
        "A BPF program that is attached to the service's cgroup.",
        "egress:/sys/fs/bpf/x"),
    Resource::refused<"DefaultMemoryLow", "0">(
        Nature::Gives, "MemoryLow= of the units below this one.", "16M"),
    Resource::refused<"DefaultMemoryMin", "0">(
        Nature::Gives, "MemoryMin= of the units below this one.", "16M"),
    Resource::refused<"DisableControllers">(
        Nature::Shares, "Controllers that are not used for the units below this one.", "cpu"),
    Resource::refused<"IPEgressFilterPath">(
        Nature::Confines, "A BPF program that filters what the service sends.", "/sys/fs/bpf/x"),
    Resource::refused<"IPIngressFilterPath">(
        Nature::Confines, "A BPF program that filters what the service receives.", "/sys/fs/bpf/x"),
    Resource::no_effect<"ManagedOOMMemoryPressure">(
        "What systemd-oomd does under memory pressure.", "there is no systemd-oomd here", "kill"),
    Resource::no_effect<"ManagedOOMMemoryPressureLimit">(
        "The memory pressure from which systemd-oomd acts.",
        "there is no systemd-oomd here",
        "60%"),
    Resource::no_effect<"ManagedOOMPreference">(
        "How readily systemd-oomd chooses the unit.", "there is no systemd-oomd here", "avoid"),
    Resource::no_effect<"ManagedOOMSwap">(
        "What systemd-oomd does when swap runs out.", "there is no systemd-oomd here", "kill"),
    Resource::refused<"StartupAllowedCPUs">(
        Nature::Confines, "AllowedCPUs= while the system starts and stops.", "0-1"),
    Resource::refused<"StartupAllowedMemoryNodes">(
        Nature::Confines, "AllowedMemoryNodes= while the system starts and stops.", "0"),
    Resource::no_effect<"StartupBlockIOWeight">(
        "The old name of StartupIOWeight=.",
        "the phases of starting and stopping are a machine's, and weights confine nothing",
        "500"),
    Resource::no_effect<"StartupCPUShares">(
        "The old form of StartupCPUWeight=.",
        "the phases of starting and stopping are a machine's, and weights confine nothing",
        "512"),
    Resource::no_effect<"StartupCPUWeight">(
        "CPUWeight= while the system starts and stops.",
        "the phases of starting and stopping are a machine's, and weights confine nothing",
        "50"),
    Resource::no_effect<"StartupIOWeight">(
        "IOWeight= while the system starts and stops.",
        "the phases of starting and stopping are a machine's, and weights confine nothing",
        "500"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_resource_rows() {
    return rows;
}

}  // namespace hearth::directives
