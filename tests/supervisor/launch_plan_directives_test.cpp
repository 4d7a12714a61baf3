// SPDX-License-Identifier: MIT
//
// EveryDirective, the planner's half: for each row that says it takes effect in the preparation or
// in the child, setting its sample changes the plan there, and only there and where the row's other
// effects (listed below) are. A row that is accepted and dead fails here.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "tests/supervisor/launch_plan_support.hpp"
#include "units/directive.hpp"

namespace hearth::launch::testing {
namespace {

std::vector<const Row*> planned_rows() {
    std::vector<const Row*> rows;
    for (const std::span<const Row> table : service_tables()) {
        for (const Row& row : table) {
            if (std::holds_alternative<applied::Child>(row.applied) ||
                std::holds_alternative<applied::Preparation>(row.applied)) {
                rows.push_back(&row);
            }
        }
    }
    return rows;
}

/// What a directive needs beside it to have any effect; in the plan that it is compared with, too.
std::string company(std::string_view name) {
    static const std::map<std::string_view, std::string> lines = {
        {"AmbientCapabilities", "User=heat"},
        {"IPAddressAllow", "IPAddressDeny=any"},
        {"MemorySwapMax", "MemoryMax=64M"},
        {"JoinsNamespaceOf", "PrivateNetwork=yes"},
        {"ExecPaths", "NoExecPaths=/"},
        {"MountAPIVFS", "RootDirectory=/srv/root\nMountAPIVFS=no"},
        {"NonBlocking", "OpenFile=/etc/hosts"},
        {"DelegateSubgroup", "Delegate=yes"},
        {"SocketBindAllow", "SocketBindDeny=any"},
        {"CPUSchedulingPriority", "CPUSchedulingPolicy=fifo"},
        {"MemoryPressureThresholdSec", "MemoryPressureWatch=on"},
        {"NUMAMask", "NUMAPolicy=interleave\nNUMAMask=1"},
        {"NUMAPolicy", "NUMAMask=0-1"},
        {"StandardInputData", "StandardInput=data"},
        {"StandardInputText", "StandardInput=data"},
        {"RootEphemeral", "RootDirectory=/srv/root"},
        {"RootImageOptions", "RootImage=/srv/root.raw"},
        {"CacheDirectoryMode", "CacheDirectory=heat"},
        {"ConfigurationDirectoryMode", "ConfigurationDirectory=heat"},
        {"LogsDirectoryMode", "LogsDirectory=heat"},
        {"RemoveIPC", "User=heat"},
        {"RuntimeDirectoryMode", "RuntimeDirectory=heat"},
        {"RuntimeDirectoryPreserve", "RuntimeDirectory=heat"},
        {"StateDirectoryMode", "StateDirectory=heat"},
        {"SystemCallErrorNumber", "SystemCallFilter=~@mount"},
        {"TTYPath", "StandardOutput=tty"},
        {"UnsetEnvironment", "Environment=HEAT=1 PATH=/bin LANG=C TERM=dumb"},
    };
    const auto found = lines.find(name);
    return found == lines.end() ? std::string() : found->second + "\n";
}

constexpr std::string_view preparation = "preparation", arguments = "environment";

std::string stage_name(Stage stage) {
    return std::string(hearth::name(stage));
}

/// Where two plans differ: names of stages, "preparation", "environment".
std::set<std::string> differences(const Plan& left, const Plan& right) {
    std::set<std::string> changed;
    const auto steps_of = [](const Plan& plan, Stage stage) {
        std::vector<Action> found;
        for (const Step& step : plan.steps) {
            if (step.stage == stage) {
                found.push_back(step.action);
            }
        }
        return found;
    };
    for (int number = 0; number <= static_cast<int>(Stage::Seccomp); ++number) {
        const auto stage = static_cast<Stage>(number);
        if (steps_of(left, stage) != steps_of(right, stage)) {
            changed.insert(stage_name(stage));
        }
    }
    const auto prepared = [](const Plan& plan) {
        std::vector<Preparation> found;
        for (const Prepared& each : plan.preparations) {
            found.push_back(each.preparation);
        }
        return found;
    };
    if (prepared(left) != prepared(right)) {
        changed.emplace(preparation);
    }
    if (left.environment != right.environment || left.argv != right.argv) {
        changed.emplace(arguments);
    }
    return changed;
}

/// Effects beside the one that the row names. Everything not listed must not change.
std::set<std::string> other_effects(const std::string& name) {
    const std::string filter = stage_name(Stage::Seccomp), mounts = stage_name(Stage::Mounts),
                      bounding = stage_name(Stage::BoundingSet),
                      set = stage_name(Stage::Capabilities), join = stage_name(Stage::Cgroup);
    const std::string before(preparation), block(arguments);
    static const std::map<std::string, std::set<std::string>> effects = {
        {"AmbientCapabilities", {stage_name(Stage::Identity)}},  // keeping them over the uid change
        {"AllowedCPUs", {join}},
        {"AllowedMemoryNodes", {join}},
        {"BindPaths", {before}},
        {"BindReadOnlyPaths", {before}},
        {"BlockIODeviceWeight", {join}},
        {"BlockIOReadBandwidth", {join}},
        {"BlockIOWeight", {join}},
        {"BlockIOWriteBandwidth", {join}},
        {"CPUQuota", {join}},
        {"CPUQuotaPeriodSec", {join}},
        {"CPUShares", {join}},
        {"CPUWeight", {join}},
        {"Cgroup", {join}},
        {"CapabilityBoundingSet", {set}},
        {"IODeviceWeight", {join}},
        {"IOReadBandwidthMax", {join}},
        {"IOReadIOPSMax", {join}},
        {"IOWeight", {join}},
        {"IOWriteBandwidthMax", {join}},
        {"IOWriteIOPSMax", {join}},
        {"MemoryLimit", {join}},
        {"IPCNamespacePath", {before, mounts}},
        {"CacheDirectory", {block}},
        {"ConfigurationDirectory", {block}},
        {"DynamicUser", {before, block, filter, mounts, set, stage_name(Stage::NoNewPrivileges)}},
        {"LoadCredential", {block}},
        {"LogsDirectory", {block}},
        {"MemoryMax", {join}},
        {"MountAPIVFS", {before}},
        {"NetworkNamespacePath", {before}},
        {"ExecPaths", {before}},
        {"ExtensionDirectories", {before}},
        {"ExtensionImages", {before}},
        {"MemoryMax", {join}},
        {"MemoryPressureWatch", {block}},
        {"MountImages", {before}},
        {"PrivateDevices", {before, filter, bounding, set}},
        {"PrivateIPC", {before, mounts}},
        {"PrivateNetwork", {before}},
        {"PrivateTmp", {before}},
        {"PrivateUsers", {before}},
        {"ProtectClock", {filter, set}},
        {"ProtectHostname", {filter, mounts}},
        {"ProtectKernelLogs", {filter, bounding, set}},
        {"ProtectKernelModules", {filter, bounding, set}},
        {"ProtectKernelTunables", {before, filter}},  // a writable hole for cgroups
        {"ProtectSystem", {before}},
        {"RootDirectory", {before, mounts}},
        {"RootEphemeral", {before, stage_name(Stage::Root)}},
        {"RootImage", {before, mounts}},
        {"RuntimeDirectory", {block}},
        {"SetCredential", {block}},
        {"StandardError", {before}},
        {"StandardInput", {before}},
        {"StandardOutput", {before}},
        {"StateDirectory", {block}},
        {"StartupAllowedCPUs", {join}},
        {"StartupAllowedMemoryNodes", {join}},
        {"StartupBlockIOWeight", {join}},
        {"StartupCPUShares", {join}},
        {"StartupCPUWeight", {join}},
        {"StartupIOWeight", {join}},
        {"TasksMax", {join}},
        {"User", {set, block}},
        {"UserNamespaceRange", {before, stage_name(Stage::Identity)}},
    };
    const auto found = effects.find(name);
    return found == effects.end() ? std::set<std::string>() : found->second;
}

class EveryDirective : public ::testing::TestWithParam<const Row*> {};

TEST_P(EveryDirective, ChangesThePlanWhereItsRowSays) {
    const Row& row = *GetParam();
    const std::string name(row.name), lines = company(row.name);
    const std::string assignment = "[" + std::string(hearth::name(row.section)) + "]\n" + name +
                                   "=" + std::string(row.sample) + "\n";
    // What is about the units below a slice is stated there.
    static const std::set<std::string_view> of_slices = {
        "DefaultMemoryLow", "DefaultMemoryMin", "DisableControllers"};
    const bool above = of_slices.contains(row.name);
    const std::string slice =
        above ? "[Slice]\n" + assignment.substr(assignment.find('\n') + 1) : "";
    const Unit slice_without = load("kiln.slice", "[Slice]\n"),
               slice_with = load("kiln.slice", slice);
    const Unit without = load("test.service", "[Service]\nExecStart=/bin/true $HEAT\n" + lines);
    const bool exec = row.syntax == "command line";
    const Unit with = load(
        "test.service",
        exec || above ? "[Service]\nExecStart=/bin/true $HEAT\n" + (above ? "" : assignment)
                      : "[Service]\nExecStart=/bin/true $HEAT\n" + lines + assignment);
    Host host = machine();
    static const std::set<std::string_view> unified_only = {
        "DefaultMemoryLow",
        "DefaultMemoryMin",
        "DisableControllers",
        "IODeviceLatencyTargetSec",
        "MemoryHigh",
        "MemoryLow",
        "MemoryMin",
        "MemoryZSwapMax"};
    if (unified_only.contains(row.name)) {  // the refusal on v1 is tested by name
        host = machine(CgroupLayout::Unified);
    }
    host.linux_security_modules = {"apparmor", "selinux", "smack"};
    host.environment
        [with.settings.exec.pass_environment.empty()
             ? "NONE"
             : with.settings.exec.pass_environment.front()] = "1";
    for (const Unit* const unit : {&without, &with}) {
        for (const std::string& group : unit->settings.exec.supplementary_groups) {
            host.groups.try_emplace(group, 4321);
        }
        if (!unit->settings.exec.group.empty()) {
            host.groups.try_emplace(unit->settings.exec.group, 4322);
        }
    }
    Invocation invocation;
    if (!with.settings.exec.environment_files.empty()) {
        invocation.environment_files = {{"FROM_FILE", "1"}};  // the caller reads the file
    }
    Invocation usual;
    if (above) {
        usual.slices = {&slice_without};
        invocation.slices = {&slice_with};
    }
    usual.startup_phase = invocation.startup_phase = row.name.starts_with("Startup");
    const std::set<std::string> changed =
        differences(planned(without, host, usual), planned(with, host, invocation));
    std::set<std::string> expected = other_effects(name);
    if (const auto* child = std::get_if<applied::Child>(&row.applied)) {
        expected.insert(stage_name(child->stage));
    } else if (
        row.name == "MemoryPressureThresholdSec" || row.name.ends_with("Environment") ||
        row.name == "EnvironmentFile" || row.name == "ExecSearchPath") {
        expected.emplace(arguments);
    } else {
        expected.emplace(preparation);
    }
    EXPECT_EQ(changed, expected) << assignment;
}

INSTANTIATE_TEST_SUITE_P(
    Rows, EveryDirective, ::testing::ValuesIn(planned_rows()), [](const auto& each) {
        std::string name(each.param->name);
        std::erase_if(
            name, [](char byte) { return !std::isalnum(static_cast<unsigned char>(byte)); });
        return name;
    });

/// What isn't built is refused by its name; nothing of it is planned.
TEST(EveryRefusedDirective, RefusesTheStartByNameAndLine) {
    int tested = 0;
    for (const std::span<const Row> table : service_tables()) {
        for (const Row& row : table) {
            if (!std::holds_alternative<applied::Refused>(row.applied)) {
                continue;
            }
            const std::string section(hearth::name(row.section));
            const Unit unit = load(
                "test.service",
                "[Service]\nExecStart=/bin/true\n[" + section + "]\n" + std::string(row.name) +
                    "=" + std::string(row.sample) + "\n");
            const auto lines = refused(unit);
            const bool named = std::ranges::any_of(lines, [&](const std::string& line) {
                return line.find(":4: " + std::string(row.name) + "=") != std::string::npos;
            });
            EXPECT_TRUE(named) << row.name
                               << (lines.empty() ? " is planned" : " gives: " + lines.front());
            ++tested;
        }
    }
    EXPECT_GT(tested, 5);
}

}  // namespace
}  // namespace hearth::launch::testing
