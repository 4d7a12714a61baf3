// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Unit = Unbuilt<Section::Unit, Context::Unit>;

// A condition that nobody checks would start what must not start: refused, all of them.
constexpr auto rows = std::to_array<Row>({
    Unit::refused<"AssertACPower">(
        Nature::Shares, "The start fails unless the machine runs on mains power.", "true"),
    Unit::refused<"AssertArchitecture">(
        Nature::Shares, "The start fails unless the machine has this architecture.", "arm64"),
    Unit::refused<"AssertCPUFeature">(
        Nature::Shares, "The start fails unless the CPU has this feature.", "avx2"),
    Unit::refused<"AssertCPUPressure">(
        Nature::Shares, "The start fails unless CPU pressure is below this level.", "30%"),
    Unit::refused<"AssertCPUs">(
        Nature::Shares, "The start fails unless there are so many CPUs.", "> 4"),
    Unit::refused<"AssertCapability">(
        Nature::Shares,
        "The start fails unless the manager's bounding set has this capability.",
        "CAP_SYS_ADMIN"),
    Unit::refused<"AssertControlGroupController">(
        Nature::Shares, "The start fails unless this cgroup controller is there.", "memory"),
    Unit::refused<"AssertCredential">(
        Nature::Shares,
        "The start fails unless this credential was passed to the system.",
        "secret"),
    Unit::refused<"AssertDirectoryNotEmpty">(
        Nature::Shares,
        "The start fails unless this directory exists and is not empty.",
        "/etc/heat.d"),
    Unit::refused<"AssertEnvironment">(
        Nature::Shares,
        "The start fails unless this variable is in the manager's environment.",
        "A=1"),
    Unit::refused<"AssertFileIsExecutable">(
        Nature::Shares,
        "The start fails unless this file exists and is executable.",
        "/usr/bin/heat"),
    Unit::refused<"AssertFileNotEmpty">(
        Nature::Shares, "The start fails unless this file exists and is not empty.", "/etc/heat"),
    Unit::refused<"AssertFirstBoot">(
        Nature::Shares, "The start fails unless this is the system's first boot.", "yes"),
    Unit::refused<"AssertGroup">(
        Nature::Shares, "The start fails unless the manager runs as this group.", "adm"),
    Unit::refused<"AssertHost">(
        Nature::Shares, "The start fails unless the host has this name or machine id.", "kettle"),
    Unit::refused<"AssertIOPressure">(
        Nature::Shares, "The start fails unless IO pressure is below this level.", "30%"),
    Unit::refused<"AssertKernelCommandLine">(
        Nature::Shares, "The start fails unless the kernel was started with this option.", "quiet"),
    Unit::refused<"AssertKernelVersion">(
        Nature::Shares, "The start fails unless the kernel's version matches.", "> 5.14"),
    Unit::refused<"AssertMemory">(
        Nature::Shares, "The start fails unless there is so much memory.", "> 1G"),
    Unit::refused<"AssertMemoryPressure">(
        Nature::Shares, "The start fails unless memory pressure is below this level.", "30%"),
    Unit::refused<"AssertNeedsUpdate">(
        Nature::Shares, "The start fails unless this directory is older than /usr.", "/etc"),
    Unit::refused<"AssertOSRelease">(
        Nature::Shares, "The start fails unless os-release(5) has this field.", "ID=debian"),
    Unit::refused<"AssertPathExists">(
        Nature::Shares, "The start fails unless this path exists.", "/etc/heat"),
    Unit::refused<"AssertPathExistsGlob">(
        Nature::Shares, "The start fails unless this pattern matches a path.", "/etc/heat*"),
    Unit::refused<"AssertPathIsDirectory">(
        Nature::Shares, "The start fails unless this path is a directory.", "/etc/heat.d"),
    Unit::refused<"AssertPathIsEncrypted">(
        Nature::Shares, "The start fails unless this path is on encrypted storage.", "/srv"),
    Unit::refused<"AssertPathIsMountPoint">(
        Nature::Shares, "The start fails unless this path is a mount point.", "/srv"),
    Unit::refused<"AssertPathIsReadWrite">(
        Nature::Shares, "The start fails unless this path is on a writable file system.", "/srv"),
    Unit::refused<"AssertPathIsSymbolicLink">(
        Nature::Shares, "The start fails unless this path is a symbolic link.", "/etc/heat"),
    Unit::refused<"AssertSecurity">(
        Nature::Shares, "The start fails unless this security module is active.", "apparmor"),
    Unit::refused<"AssertUser">(
        Nature::Shares, "The start fails unless the manager runs as this user.", "root"),
    Unit::refused<"AssertVirtualization">(
        Nature::Shares,
        "The start fails unless the system runs in this kind of virtualisation.",
        "container"),
    Unit::refused<"ConditionACPower">(
        Nature::Shares, "The start is skipped unless the machine runs on mains power.", "true"),
    Unit::refused<"ConditionArchitecture">(
        Nature::Shares, "The start is skipped unless the machine has this architecture.", "arm64"),
    Unit::refused<"ConditionCPUFeature">(
        Nature::Shares, "The start is skipped unless the CPU has this feature.", "avx2"),
    Unit::refused<"ConditionCPUPressure">(
        Nature::Shares, "The start is skipped unless CPU pressure is below this level.", "30%"),
    Unit::refused<"ConditionCPUs">(
        Nature::Shares, "The start is skipped unless there are so many CPUs.", "> 4"),
    Unit::refused<"ConditionCapability">(
        Nature::Shares,
        "The start is skipped unless the manager's bounding set has this capability.",
        "CAP_SYS_ADMIN"),
    Unit::refused<"ConditionControlGroupController">(
        Nature::Shares, "The start is skipped unless this cgroup controller is there.", "memory"),
    Unit::refused<"ConditionCredential">(
        Nature::Shares,
        "The start is skipped unless this credential was passed to the system.",
        "secret"),
    Unit::refused<"ConditionDirectoryNotEmpty">(
        Nature::Shares,
        "The start is skipped unless this directory exists and is not empty.",
        "/etc/heat.d"),
    Unit::refused<"ConditionEnvironment">(
        Nature::Shares,
        "The start is skipped unless this variable is in the manager's environment.",
        "A=1"),
    Unit::refused<"ConditionFileIsExecutable">(
        Nature::Shares,
        "The start is skipped unless this file exists and is executable.",
        "/usr/bin/heat"),
    Unit::refused<"ConditionFileNotEmpty">(
        Nature::Shares,
        "The start is skipped unless this file exists and is not empty.",
        "/etc/heat"),
    Unit::refused<"ConditionFirmware">(
        Nature::Shares, "The start is skipped unless the machine has this firmware.", "uefi"),
    Unit::refused<"ConditionFirstBoot">(
        Nature::Shares, "The start is skipped unless this is the system's first boot.", "yes"),
    Unit::refused<"ConditionGroup">(
        Nature::Shares, "The start is skipped unless the manager runs as this group.", "adm"),
    Unit::refused<"ConditionHost">(
        Nature::Shares,
        "The start is skipped unless the host has this name or machine id.",
        "kettle"),
    Unit::refused<"ConditionIOPressure">(
        Nature::Shares, "The start is skipped unless IO pressure is below this level.", "30%"),
    Unit::refused<"ConditionKernelCommandLine">(
        Nature::Shares,
        "The start is skipped unless the kernel was started with this option.",
        "quiet"),
    Unit::refused<"ConditionKernelVersion">(
        Nature::Shares, "The start is skipped unless the kernel's version matches.", "> 5.14"),
    Unit::refused<"ConditionMemory">(
        Nature::Shares, "The start is skipped unless there is so much memory.", "> 1G"),
    Unit::refused<"ConditionMemoryPressure">(
        Nature::Shares, "The start is skipped unless memory pressure is below this level.", "30%"),
    Unit::refused<"ConditionNeedsUpdate">(
        Nature::Shares, "The start is skipped unless this directory is older than /usr.", "/etc"),
    Unit::refused<"ConditionOSRelease">(
        Nature::Shares, "The start is skipped unless os-release(5) has this field.", "ID=debian"),
    Unit::refused<"ConditionPathExists">(
        Nature::Shares, "The start is skipped unless this path exists.", "/etc/heat"),
    Unit::refused<"ConditionPathExistsGlob">(
        Nature::Shares, "The start is skipped unless this pattern matches a path.", "/etc/heat*"),
    Unit::refused<"ConditionPathIsDirectory">(
        Nature::Shares, "The start is skipped unless this path is a directory.", "/etc/heat.d"),
    Unit::refused<"ConditionPathIsEncrypted">(
        Nature::Shares, "The start is skipped unless this path is on encrypted storage.", "/srv"),
    Unit::refused<"ConditionPathIsMountPoint">(
        Nature::Shares, "The start is skipped unless this path is a mount point.", "/srv"),
    Unit::refused<"ConditionPathIsReadWrite">(
        Nature::Shares,
        "The start is skipped unless this path is on a writable file system.",
        "/srv"),
    Unit::refused<"ConditionPathIsSymbolicLink">(
        Nature::Shares, "The start is skipped unless this path is a symbolic link.", "/etc/heat"),
    Unit::refused<"ConditionSecurity">(
        Nature::Shares, "The start is skipped unless this security module is active.", "apparmor"),
    Unit::refused<"ConditionUser">(
        Nature::Shares, "The start is skipped unless the manager runs as this user.", "root"),
    Unit::refused<"ConditionVirtualization">(
        Nature::Shares,
        "The start is skipped unless the system runs in this kind of virtualisation.",
        "container"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_condition_rows() {
    return rows;
}

}  // namespace hearth::directives
