// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Resource = Unbuilt<Section::Service, Context::Resources>;

constexpr auto rows = std::to_array<Row>({
    Resource::refused<"AllowedCPUs">(
        Nature::Confines, "The CPUs on which the service's cgroup runs.", "0-1"),
    Resource::refused<"AllowedMemoryNodes">(
        Nature::Confines, "The memory nodes of the service's cgroup.", "0"),
    Resource::refused<"BPFProgram">(
        Nature::Confines,
        "A BPF program that is attached to the service's cgroup.",
        "egress:/sys/fs/bpf/x"),
    Resource::no_effect<"BlockIOAccounting">(
        "The old name of IOAccounting=.", "not built yet; it only counts", "yes"),
    Resource::no_effect<"BlockIODeviceWeight">(
        "The old name of IODeviceWeight=.",
        "not built yet; weights share and confine nothing",
        "/dev/sda 500"),
    Resource::refused<"BlockIOReadBandwidth">(
        Nature::Confines, "The old name of IOReadBandwidthMax=.", "/dev/sda 1M"),
    Resource::no_effect<"BlockIOWeight">(
        "The old name of IOWeight=.", "not built yet; weights share and confine nothing", "500"),
    Resource::refused<"BlockIOWriteBandwidth">(
        Nature::Confines, "The old name of IOWriteBandwidthMax=.", "/dev/sda 1M"),
    Resource::no_effect<"CPUShares">(
        "The old form of CPUWeight=.", "not built yet; weights share and confine nothing", "512"),
    Resource::refused<"DefaultMemoryLow", "0">(
        Nature::Gives, "MemoryLow= of the units below this one.", "16M"),
    Resource::refused<"DefaultMemoryMin", "0">(
        Nature::Gives, "MemoryMin= of the units below this one.", "16M"),
    Resource::refused<"Delegate", "no">(
        Nature::Gives, "The service manages its own part of the cgroup tree.", "yes"),
    Resource::refused<"DeviceAllow">(
        Nature::Confines, "Devices that the service may use.", "/dev/null rw"),
    Resource::refused<"DevicePolicy", "auto">(
        Nature::Confines, "Which devices the service may use.", "closed"),
    Resource::refused<"DisableControllers">(
        Nature::Shares, "Controllers that are not used for the units below this one.", "cpu"),
    Resource::no_effect<"IOAccounting">(
        "Counts the block IO of the service.", "not built yet; it only counts", "yes"),
    Resource::refused<"IODeviceLatencyTargetSec">(
        Nature::Gives,
        "The latency that the service's IO on a device is to have.",
        "/dev/sda 25ms"),
    Resource::no_effect<"IODeviceWeight">(
        "The share of IO on one device.",
        "not built yet; weights share and confine nothing",
        "/dev/sda 500"),
    Resource::refused<"IOReadBandwidthMax">(
        Nature::Confines, "The most bytes per second that are read from a device.", "/dev/sda 1M"),
    Resource::refused<"IOReadIOPSMax">(
        Nature::Confines, "The most reads per second from a device.", "/dev/sda 100"),
    Resource::no_effect<"IOWeight">(
        "The share of block IO.", "not built yet; weights share and confine nothing", "500"),
    Resource::refused<"IOWriteBandwidthMax">(
        Nature::Confines, "The most bytes per second that are written to a device.", "/dev/sda 1M"),
    Resource::refused<"IOWriteIOPSMax">(
        Nature::Confines, "The most writes per second to a device.", "/dev/sda 100"),
    Resource::no_effect<"IPAccounting">(
        "Counts the packets and bytes of the service.", "not built yet; it only counts", "yes"),
    Resource::refused<"IPAddressAllow">(
        Nature::Confines, "Addresses that the service may exchange packets with.", "localhost"),
    Resource::refused<"IPAddressDeny">(
        Nature::Confines, "Addresses that the service may not exchange packets with.", "any"),
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
    Resource::refused<"MemoryLimit", "infinity">(
        Nature::Confines, "The old name of MemoryMax=.", "64M"),
    Resource::refused<"MemoryLow", "0">(
        Nature::Gives, "So much memory of the service is reclaimed last.", "16M"),
    Resource::refused<"MemoryMin", "0">(
        Nature::Gives, "So much memory of the service is never reclaimed.", "16M"),
    Resource::refused<"MemorySwapMax", "infinity">(
        Nature::Confines, "The most swap that the service gets.", "64M"),
    Resource::refused<"RestrictNetworkInterfaces">(
        Nature::Confines, "The network interfaces that the service can use.", "lo"),
    Resource::refused<"SocketBindAllow">(
        Nature::Confines, "Addresses that the service can bind sockets to.", "tcp:8080"),
    Resource::refused<"SocketBindDeny">(
        Nature::Confines, "Addresses that the service can't bind sockets to.", "any"),
    Resource::refused<"StartupAllowedCPUs">(
        Nature::Confines, "AllowedCPUs= while the system starts and stops.", "0-1"),
    Resource::refused<"StartupAllowedMemoryNodes">(
        Nature::Confines, "AllowedMemoryNodes= while the system starts and stops.", "0"),
    Resource::no_effect<"StartupBlockIOWeight">(
        "The old name of StartupIOWeight=.",
        "not built yet; weights share and confine nothing",
        "500"),
    Resource::no_effect<"StartupCPUShares">(
        "The old form of StartupCPUWeight=.",
        "not built yet; weights share and confine nothing",
        "512"),
    Resource::no_effect<"StartupCPUWeight">(
        "CPUWeight= while the system starts and stops.",
        "not built yet; weights share and confine nothing",
        "50"),
    Resource::no_effect<"StartupIOWeight">(
        "IOWeight= while the system starts and stops.",
        "not built yet; weights share and confine nothing",
        "500"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_resource_rows() {
    return rows;
}

}  // namespace hearth::directives
