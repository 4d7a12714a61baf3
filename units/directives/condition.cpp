// SPDX-License-Identifier: MIT
//
// ConditionX= and AssertX=: one row per name, all of a kind in one list, because their order and
// the reset by any of them are shared (systemd.unit(5), "Conditions and Asserts").
#include "units/conditions.hpp"
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <bool asserts>
auto& list_of(auto& settings) {
    if constexpr (asserts) {
        return settings.unit.asserts;
    } else {
        return settings.unit.conditions;
    }
}

template <Name name, ConditionType type>
struct ConditionField {
    static constexpr bool asserts = name.view().starts_with("Assert");

    static Assigned assign(Settings& settings, std::string_view text, const ValueContext& context) {
        auto& list = list_of<asserts>(settings);
        if (text.empty()) {
            list.clear();  // all of the kind, whatever the name
            return {};
        }
        list.push_back(HEARTH_TRY(read_condition(type, text, context)));
        return {};
    }
    static std::string format(const Settings& settings) {
        return format_conditions(list_of<asserts>(settings), type);
    }
    static bool is_default(const Settings& settings) {
        return std::ranges::find(list_of<asserts>(settings), type, &Condition::type) ==
               list_of<asserts>(settings).end();
    }
};

template <Name name, ConditionType type>
consteval Row row(std::string_view summary, std::string_view sample) {
    using F = ConditionField<name, type>;
    return {
        .name = name.view(),
        .section = Section::Unit,
        .context = Context::Unit,
        .summary = summary,
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = sample,
        .syntax = "a test, with '|' and '!' before it",
        .assign = &F::assign,
        .format = &F::format,
        .is_default = &F::is_default,
        .properties = {},
    };
}

constexpr auto rows = std::to_array<Row>({
    row<"AssertACPower", ConditionType::AcPower>(
        "The start fails unless the machine runs on mains power.", "true"),
    row<"AssertArchitecture", ConditionType::Architecture>(
        "The start fails unless the machine has this architecture.", "arm64"),
    row<"AssertCPUFeature", ConditionType::CpuFeature>(
        "The start fails unless the CPU has this feature.", "avx2"),
    row<"AssertCPUPressure", ConditionType::CpuPressure>(
        "The start fails unless CPU pressure is below this level.", "30%"),
    row<"AssertCPUs", ConditionType::Cpus>("The start fails unless there are so many CPUs.", "> 4"),
    row<"AssertCapability", ConditionType::Capability>(
        "The start fails unless the manager's bounding set has this capability.", "CAP_SYS_ADMIN"),
    row<"AssertControlGroupController", ConditionType::ControlGroupController>(
        "The start fails unless this cgroup controller is there.", "memory"),
    row<"AssertCredential", ConditionType::Credential>(
        "The start fails unless this credential was passed to the system.", "secret"),
    row<"AssertDirectoryNotEmpty", ConditionType::DirectoryNotEmpty>(
        "The start fails unless this directory exists and is not empty.", "/etc/heat.d"),
    row<"AssertEnvironment", ConditionType::Environment>(
        "The start fails unless this variable is in the manager's environment.", "A=1"),
    row<"AssertFileIsExecutable", ConditionType::FileIsExecutable>(
        "The start fails unless this file exists and is executable.", "/usr/bin/heat"),
    row<"AssertFileNotEmpty", ConditionType::FileNotEmpty>(
        "The start fails unless this file exists and is not empty.", "/etc/heat"),
    row<"AssertFirstBoot", ConditionType::FirstBoot>(
        "The start fails unless this is the system's first boot.", "yes"),
    row<"AssertGroup", ConditionType::Group>(
        "The start fails unless the manager runs as this group.", "adm"),
    row<"AssertHost", ConditionType::Host>(
        "The start fails unless the host has this name or machine id.", "kettle"),
    row<"AssertIOPressure", ConditionType::IoPressure>(
        "The start fails unless IO pressure is below this level.", "30%"),
    row<"AssertKernelCommandLine", ConditionType::KernelCommandLine>(
        "The start fails unless the kernel was started with this option.", "quiet"),
    row<"AssertKernelVersion", ConditionType::KernelVersion>(
        "The start fails unless the kernel's version matches.", "> 5.14"),
    row<"AssertMemory", ConditionType::Memory>(
        "The start fails unless there is so much memory.", "> 1G"),
    row<"AssertMemoryPressure", ConditionType::MemoryPressure>(
        "The start fails unless memory pressure is below this level.", "30%"),
    row<"AssertNeedsUpdate", ConditionType::NeedsUpdate>(
        "The start fails unless this directory is older than /usr.", "/etc"),
    row<"AssertOSRelease", ConditionType::OsRelease>(
        "The start fails unless os-release(5) has this field.", "ID=debian"),
    row<"AssertPathExists", ConditionType::PathExists>(
        "The start fails unless this path exists.", "/etc/heat"),
    row<"AssertPathExistsGlob", ConditionType::PathExistsGlob>(
        "The start fails unless this pattern matches a path.", "/etc/heat*"),
    row<"AssertPathIsDirectory", ConditionType::PathIsDirectory>(
        "The start fails unless this path is a directory.", "/etc/heat.d"),
    row<"AssertPathIsEncrypted", ConditionType::PathIsEncrypted>(
        "The start fails unless this path is on encrypted storage.", "/srv"),
    row<"AssertPathIsMountPoint", ConditionType::PathIsMountPoint>(
        "The start fails unless this path is a mount point.", "/srv"),
    row<"AssertPathIsReadWrite", ConditionType::PathIsReadWrite>(
        "The start fails unless this path is on a writable file system.", "/srv"),
    row<"AssertPathIsSymbolicLink", ConditionType::PathIsSymbolicLink>(
        "The start fails unless this path is a symbolic link.", "/etc/heat"),
    row<"AssertSecurity", ConditionType::Security>(
        "The start fails unless this security module is active.", "apparmor"),
    row<"AssertUser", ConditionType::User>(
        "The start fails unless the manager runs as this user.", "root"),
    row<"AssertVirtualization", ConditionType::Virtualization>(
        "The start fails unless the system runs in this kind of virtualisation.", "container"),
    row<"ConditionACPower", ConditionType::AcPower>(
        "The start is skipped unless the machine runs on mains power.", "true"),
    row<"ConditionArchitecture", ConditionType::Architecture>(
        "The start is skipped unless the machine has this architecture.", "arm64"),
    row<"ConditionCPUFeature", ConditionType::CpuFeature>(
        "The start is skipped unless the CPU has this feature.", "avx2"),
    row<"ConditionCPUPressure", ConditionType::CpuPressure>(
        "The start is skipped unless CPU pressure is below this level.", "30%"),
    row<"ConditionCPUs", ConditionType::Cpus>(
        "The start is skipped unless there are so many CPUs.", "> 4"),
    row<"ConditionCapability", ConditionType::Capability>(
        "The start is skipped unless the manager's bounding set has this capability.",
        "CAP_SYS_ADMIN"),
    row<"ConditionControlGroupController", ConditionType::ControlGroupController>(
        "The start is skipped unless this cgroup controller is there.", "memory"),
    row<"ConditionCredential", ConditionType::Credential>(
        "The start is skipped unless this credential was passed to the system.", "secret"),
    row<"ConditionDirectoryNotEmpty", ConditionType::DirectoryNotEmpty>(
        "The start is skipped unless this directory exists and is not empty.", "/etc/heat.d"),
    row<"ConditionEnvironment", ConditionType::Environment>(
        "The start is skipped unless this variable is in the manager's environment.", "A=1"),
    row<"ConditionFileIsExecutable", ConditionType::FileIsExecutable>(
        "The start is skipped unless this file exists and is executable.", "/usr/bin/heat"),
    row<"ConditionFileNotEmpty", ConditionType::FileNotEmpty>(
        "The start is skipped unless this file exists and is not empty.", "/etc/heat"),
    row<"ConditionFirmware", ConditionType::Firmware>(
        "The start is skipped unless the machine has this firmware.", "uefi"),
    row<"ConditionFirstBoot", ConditionType::FirstBoot>(
        "The start is skipped unless this is the system's first boot.", "yes"),
    row<"ConditionGroup", ConditionType::Group>(
        "The start is skipped unless the manager runs as this group.", "adm"),
    row<"ConditionHost", ConditionType::Host>(
        "The start is skipped unless the host has this name or machine id.", "kettle"),
    row<"ConditionIOPressure", ConditionType::IoPressure>(
        "The start is skipped unless IO pressure is below this level.", "30%"),
    row<"ConditionKernelCommandLine", ConditionType::KernelCommandLine>(
        "The start is skipped unless the kernel was started with this option.", "quiet"),
    row<"ConditionKernelVersion", ConditionType::KernelVersion>(
        "The start is skipped unless the kernel's version matches.", "> 5.14"),
    row<"ConditionMemory", ConditionType::Memory>(
        "The start is skipped unless there is so much memory.", "> 1G"),
    row<"ConditionMemoryPressure", ConditionType::MemoryPressure>(
        "The start is skipped unless memory pressure is below this level.", "30%"),
    row<"ConditionNeedsUpdate", ConditionType::NeedsUpdate>(
        "The start is skipped unless this directory is older than /usr.", "/etc"),
    row<"ConditionOSRelease", ConditionType::OsRelease>(
        "The start is skipped unless os-release(5) has this field.", "ID=debian"),
    row<"ConditionPathExists", ConditionType::PathExists>(
        "The start is skipped unless this path exists.", "/etc/heat"),
    row<"ConditionPathExistsGlob", ConditionType::PathExistsGlob>(
        "The start is skipped unless this pattern matches a path.", "/etc/heat*"),
    row<"ConditionPathIsDirectory", ConditionType::PathIsDirectory>(
        "The start is skipped unless this path is a directory.", "/etc/heat.d"),
    row<"ConditionPathIsEncrypted", ConditionType::PathIsEncrypted>(
        "The start is skipped unless this path is on encrypted storage.", "/srv"),
    row<"ConditionPathIsMountPoint", ConditionType::PathIsMountPoint>(
        "The start is skipped unless this path is a mount point.", "/srv"),
    row<"ConditionPathIsReadWrite", ConditionType::PathIsReadWrite>(
        "The start is skipped unless this path is on a writable file system.", "/srv"),
    row<"ConditionPathIsSymbolicLink", ConditionType::PathIsSymbolicLink>(
        "The start is skipped unless this path is a symbolic link.", "/etc/heat"),
    row<"ConditionSecurity", ConditionType::Security>(
        "The start is skipped unless this security module is active.", "apparmor"),
    row<"ConditionUser", ConditionType::User>(
        "The start is skipped unless the manager runs as this user.", "root"),
    row<"ConditionVirtualization", ConditionType::Virtualization>(
        "The start is skipped unless the system runs in this kind of virtualisation.", "container"),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> condition_rows() {
    return directives::rows;
}

}  // namespace hearth
