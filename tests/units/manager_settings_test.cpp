// SPDX-License-Identifier: MIT
#include "units/manager_settings.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit_text.hpp"

namespace hearth {

namespace {

ManagerSettings settings_of(const std::string& text) {
    const std::vector<ManagerFile> files = {{"/etc/systemd/system.conf", text}};
    return read_manager_settings(files, specifiers("manager.service", test_context(), ""));
}

Unit load_under(
    const ManagerSettings& manager,
    const std::string& text,
    const std::string& name = "heat.service") {
    LoadContext context = test_context();
    context.defaults = manager.defaults;
    return load_text(text, {}, name, context);
}

constexpr const char* service = "[Service]\nExecStart=/bin/true\n";

}  // namespace

TEST(ManagerSettings, EveryRowReadsItsSampleAndChangesWhatItSaysItChanges) {
    const ManagerSettings none = settings_of("");
    for (const ManagerRow& row : manager_rows()) {
        SCOPED_TRACE(std::string(row.name));
        EXPECT_EQ(row.summary.back(), '.');
        const std::string section = row.of_hearth ? "[X-Hearth]\n" : "[Manager]\n";
        const ManagerSettings said =
            settings_of(section + std::string(row.name) + "=" + std::string(row.sample) + "\n");
        EXPECT_TRUE(said.diagnostics.empty()) << one_line(said.diagnostics.front());
        switch (row.kind) {
            case ManagerRow::Kind::Default: {
                const auto only = [&row](UnitType type) {
                    return row.of_type != nullptr && row.of_type(type) &&
                           !row.of_type(UnitType::Service);
                };
                const std::string name = only(UnitType::Device)  ? "dev-sda.device"
                                         : only(UnitType::Timer) ? "heat.timer"
                                                                 : "heat.service";
                const std::string text = name == "heat.service" ? service
                                         : name == "heat.timer" ? "[Timer]\nOnBootSec=1h\n"
                                                                : "";
                EXPECT_NE(
                    load_under(said, text, name).settings, load_under(none, text, name).settings);
                break;
            }
            case ManagerRow::Kind::Passed:
                EXPECT_NE(said.units, none.units);
                EXPECT_TRUE(said.defaults.empty());
                break;
            case ManagerRow::Kind::Own:
                EXPECT_TRUE(
                    said.own != none.own || !(said.machine == none.machine) ||
                    (row.choice != nullptr && (said.*row.choice).value_or("") == row.sample));
                break;
            case ManagerRow::Kind::NoEffect:
                EXPECT_EQ(said.own, none.own);
                EXPECT_TRUE(said.defaults.empty());
                break;
        }
    }
}

TEST(ManagerSettings, ADefaultStandsBeforeTheUnitsOwnLinesAndKeepsItsPlace) {
    const ManagerSettings manager =
        settings_of("[Manager]\nDefaultTasksMax=100\nDefaultLimitNOFILE=512\n");
    const Unit silent = load_under(manager, service);
    EXPECT_EQ(silent.settings.resources.tasks_max.count, 100U);
    EXPECT_EQ(silent.origin_of("TasksMax").file, "/etc/systemd/system.conf");
    EXPECT_EQ(silent.origin_of("TasksMax").line, 2U);
    const Unit own = load_under(manager, std::string(service) + "TasksMax=7\n");
    EXPECT_EQ(own.settings.resources.tasks_max.count, 7U);
    EXPECT_EQ(own.origin_of("TasksMax").file, "/etc/systemd/system/heat.service");
    const Unit reset = load_under(manager, std::string(service) + "TasksMax=7\nTasksMax=\n");
    EXPECT_EQ(reset.settings.resources.tasks_max.count, 100U) << "empty: the default again";
}

TEST(ManagerSettings, ADefaultIsForTheUnitsThatTheManualNames) {
    const ManagerSettings manager = settings_of(
        "[Manager]\nDefaultTasksMax=100\nDefaultTimeoutStartSec=5\nDefaultOOMPolicy=kill\n"
        "DefaultMemoryAccounting=yes\nDefaultStandardOutput=null\n");
    EXPECT_FALSE(load_under(manager, "[Slice]\n", "warm.slice").settings.resources.tasks_max.count);
    EXPECT_EQ(load_under(manager, service).settings.service.timeout_start, Timespan::seconds(5));
    EXPECT_FALSE(load_under(manager, std::string(service) + "Type=oneshot\n")
                     .settings.service.timeout_start);
    EXPECT_EQ(
        load_under(manager, std::string(service) + "Type=oneshot\nTimeoutStartSec=7\n")
            .settings.service.timeout_start,
        Timespan::seconds(7));
    EXPECT_EQ(load_under(manager, service).settings.service.oom_policy, OomPolicy::Kill);
    EXPECT_EQ(
        load_under(manager, std::string(service) + "Delegate=yes\n").settings.service.oom_policy,
        OomPolicy::Continue);
    const Unit terminal = load_under(manager, std::string(service) + "StandardInput=tty\n");
    EXPECT_EQ(terminal.settings.exec.standard_output.kind, StandardOutput::Inherit);
    EXPECT_EQ(
        load_under(manager, service).settings.exec.standard_output.kind, StandardOutput::Null);
}

TEST(ManagerSettings, WhatIsBadIsToldWithItsPlaceAndTakesNothingBack) {
    const ManagerSettings manager = settings_of(
        "[Manager]\nDefaultTasksMax=100\nDefaultTasksMax=plenty\nDefaultTaskMax=3\n"
        "LogLevel=loud\n[Service]\nExecStart=/bin/true\n");
    ASSERT_EQ(manager.diagnostics.size(), 4U);
    EXPECT_NE(
        one_line(manager.diagnostics[0]).find("system.conf:3: Invalid DefaultTasksMax='plenty'"),
        std::string::npos)
        << one_line(manager.diagnostics[0]);
    EXPECT_NE(manager.diagnostics[1].hint.find("DefaultTasksMax"), std::string::npos);
    EXPECT_NE(one_line(manager.diagnostics[2]).find("LogLevel"), std::string::npos);
    EXPECT_NE(one_line(manager.diagnostics[3]).find("[Service]"), std::string::npos);
    EXPECT_EQ(load_under(manager, service).settings.resources.tasks_max.count, 100U);
    EXPECT_EQ(load_under(manager, service).load_state, LoadState::Loaded);
}

TEST(ManagerSettings, WhatIsLeftOutOfAListIsTold) {
    const ManagerSettings manager = settings_of("[Manager]\nDefaultEnvironment=A=1 =x B\n");
    ASSERT_FALSE(manager.diagnostics.empty());
    EXPECT_NE(
        one_line(manager.diagnostics[0]).find("system.conf:2: DefaultEnvironment="),
        std::string::npos)
        << one_line(manager.diagnostics[0]);
    EXPECT_EQ(manager.units.exec.environment.variables.size(), 1U);
}

TEST(ManagerSettings, AWatchdogIsOffOrAsTheDeviceHasIt) {
    const auto machine = [](const std::string& lines) {
        return settings_of("[Manager]\n" + lines).machine;
    };
    EXPECT_EQ(machine("RuntimeWatchdogSec=30\n").runtime_watchdog, Timespan::seconds(30));
    EXPECT_EQ(machine("RuntimeWatchdogSec=default\n").runtime_watchdog, Timespan::never());
    EXPECT_EQ(machine("RebootWatchdogSec=off\n").reboot_watchdog, Timespan::seconds(0));
    EXPECT_EQ(machine("ShutdownWatchdogSec=2min\n").reboot_watchdog, Timespan::seconds(120));
    EXPECT_EQ(machine("RebootWatchdogSec=5\nRebootWatchdogSec=\n"), MachineSettings{});
    const ManagerSettings bad =
        settings_of("[Manager]\nWatchdogDevice=watchdog\nCtrlAltDelBurstAction=explode\n");
    EXPECT_EQ(bad.diagnostics.size(), 2U);
    EXPECT_EQ(bad.machine, MachineSettings{});
}

TEST(ManagerSettings, AnEmptyValueTakesADefaultBack) {
    const ManagerSettings manager =
        settings_of("[Manager]\nDefaultTasksMax=100\nDefaultTasksMax=\n");
    EXPECT_TRUE(manager.defaults.empty());
    EXPECT_FALSE(load_under(manager, service).settings.resources.tasks_max.count);
}

TEST(ManagerSettings, DefaultsAreProperties) {
    const auto& properties = default_properties();
    for (const char* const expected :
         {"DefaultTimeoutStartUSec",
          "DefaultTasksMax",
          "DefaultLimitNOFILE",
          "DefaultLimitNOFILESoft",
          "DefaultStartLimitBurst",
          "DefaultOOMPolicy"}) {
        EXPECT_EQ(std::ranges::count(properties, expected, &DefaultProperty::name), 1) << expected;
    }
}

}  // namespace hearth
