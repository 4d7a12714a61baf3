// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Service = Unbuilt<Section::Service, Context::Service>;

constexpr auto rows = std::to_array<Row>({
    Service::refused<"BusName">(
        Nature::Shares,
        "The D-Bus name whose appearance means that the service has started.",
        "org.example.Heat"),
    Service::refused<"ExitType", "main">(
        Nature::Shares,
        "Whether the service ends with its main process or with its last one.",
        "cgroup"),
    Service::refused<"FileDescriptorStoreMax", "0">(
        Nature::Gives, "How many descriptors the service may store with the manager.", "16"),
    Service::refused<"NonBlocking", "no">(
        Nature::Shares, "Passed sockets are set non-blocking.", "yes"),
    Service::refused<"NotifyAccess", "none">(
        Nature::Shares, "Which processes may send notifications to the manager.", "main"),
    Service::refused<"OOMPolicy", "stop">(
        Nature::Shares,
        "What happens when the kernel kills a process of the service for want of memory.",
        "kill"),
    Service::refused<"PIDFile">(
        Nature::Shares,
        "The file in which the service writes the number of its main process.",
        "/run/heat.pid"),
    Service::refused<"PermissionsStartOnly", "no">(
        Nature::Confines, "The old form of '+' before the commands other than ExecStart=.", "yes"),
    Service::no_effect<"RebootArgument">(
        "The old place of RebootArgument= of [Unit].",
        "actions that reboot are not built yet",
        "x"),
    Service::refused<"RootDirectoryStartOnly", "no">(
        Nature::Confines, "RootDirectory= is for ExecStart= alone.", "yes"),
    Service::refused<"RuntimeRandomizedExtraSec", "0">(
        Nature::Shares, "A random time that is added to RuntimeMaxSec=.", "1min"),
    Service::refused<"Sockets">(
        Nature::Gives, "Socket units whose sockets the service gets.", "heat.socket"),
    Service::refused<"TimeoutStartFailureMode", "terminate">(
        Nature::Shares, "How the service is ended when its start takes too long.", "abort"),
    Service::refused<"TimeoutStopFailureMode", "terminate">(
        Nature::Shares, "How the service is ended when its stop takes too long.", "kill"),
    Service::refused<"USBFunctionDescriptors">(
        Nature::Gives, "The file with the descriptors of a USB gadget function.", "/etc/usb"),
    Service::refused<"USBFunctionStrings">(
        Nature::Gives, "The file with the strings of a USB gadget function.", "/etc/usb"),
    Service::refused<"WatchdogSec", "0">(
        Nature::Shares, "How often the service must say that it is alive.", "30s"),
    Service::no_effect<"WatchdogSignal">(
        "The signal that ends a service whose watchdog has run out.",
        "WatchdogSec= is not built yet",
        "SIGQUIT"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_service_rows() {
    return rows;
}

}  // namespace hearth::directives
