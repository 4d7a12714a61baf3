// SPDX-License-Identifier: MIT
#include "units/runtime_fields.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "engine_script.hpp"
#include "tests/support/value_recorder.hpp"
#include "units/directive.hpp"

namespace hearth::test {

namespace {

std::string shown(const Script& script, std::string_view field, const LiveFacts& live = {}) {
    for (const RuntimeField& each : runtime_fields()) {
        if (each.name == field) {
            ValueRecorder recorder;
            each.write(UnitView{script.world, script.record(), live}, recorder);
            return recorder.text();
        }
    }
    return "no such field";
}

TEST(RuntimeFields, AreSortedAndUniqueWithinTheirInterface) {
    const auto fields = runtime_fields();
    for (std::size_t i = 1; i < fields.size(); ++i) {
        const auto key = [](const RuntimeField& field) {
            return std::pair(field.interface, field.name);
        };
        EXPECT_LT(key(fields[i - 1]), key(fields[i])) << fields[i].name;
    }
}

TEST(RuntimeFields, AreNoDirectivesProperties) {
    // Two limits can be shares of the machine: only the live facts know the number.
    // Type is a service's, and what the kernel says of a mount.
    const std::set<std::string_view> meant = {"MemoryMax", "TasksMax", "Type"};
    std::set<std::string_view> fields;
    for (const RuntimeField& field : runtime_fields()) {
        fields.insert(field.name);
    }
    for (const std::span<const Row> table : service_tables()) {
        for (const Row& row : table) {
            for (const Property& property : row.properties) {
                EXPECT_TRUE(!fields.contains(property.name) || meant.contains(property.name))
                    << property.name;
            }
        }
    }
}

TEST(RuntimeFields, WriteWhatTheirSignatureSays) {
    Script started(
        "ExecStart=-/bin/a x\nExecStartPre=/bin/p\nExecReload=/bin/r\n[Unit]\nAfter=b.service");
    started.run("start\nlaunched 9\nexit 9 0\nlaunched 10\nstop");
    for (const Script& script : {Script(""), started}) {
        for (const RuntimeField& field : runtime_fields()) {
            ValueRecorder recorder;
            field.write(UnitView{script.world, script.record(), {}}, recorder);
            EXPECT_EQ(recorder.signature(), field.signature) << field.name;
            EXPECT_TRUE(recorder.signatures_match()) << field.name;
        }
    }
}

TEST(RuntimeFields, ShowARunningService) {
    Script script("ExecStart=/bin/a one two\nUser=nobody");
    script.run("start\nlaunched 10");
    LiveFacts live;
    live.control_group = "/hearth/system.slice/heat.service";
    live.uid = 65534;
    live.usage.memory_current_bytes = 4096;
    const std::map<std::string_view, std::string> expected = {
        {"Id", "s \"heat.service\""},
        {"Names", "as [\"heat.service\"]"},
        {"LoadState", "s \"loaded\""},
        {"ActiveState", "s \"active\""},
        {"SubState", "s \"running\""},
        {"Result", "s \"success\""},
        {"MainPID", "u 10"},
        {"ExecMainPID", "u 10"},
        {"ExecMainCode", "i 0"},
        {"ControlPID", "u 0"},
        {"NRestarts", "u 0"},
        {"UID", "u 65534"},
        {"GID", "u 4294967295"},
        {"ControlGroup", "s \"/hearth/system.slice/heat.service\""},
        {"MemoryCurrent", "t 4096"},
        {"CPUUsageNSec", "t 18446744073709551615"},
        {"IPIngressBytes", "t 18446744073709551615"},
        {"Job", "(uo) (0,\"/\")"},
        {"LoadError", "(ss) (\"\",\"\")"},
        {"CanStart", "b true"},
        {"CanReload", "b false"},
        {"ConditionResult", "b true"},
        {"FragmentPath", "s \"/etc/systemd/system/heat.service\""},
        {"ActiveEnterTimestampMonotonic", "t " + std::to_string(script.now.monotonic)},
        {"ActiveEnterTimestamp", "t " + std::to_string(script.now.realtime)},
        {"ExecMainExitTimestamp", "t 0"},
        {"FreezerState", "s \"running\""},
    };
    for (const auto& [field, value] : expected) {
        EXPECT_EQ(shown(script, field, live), value) << field;
    }
    std::string id = "ay [";
    for (int i = 0; i < 16; ++i) {
        id += (i == 0 ? "" : ",") + std::to_string(0xaa);
    }
    EXPECT_EQ(shown(script, "InvocationID", live), id + "]");
}

TEST(RuntimeFields, ShowADeadServiceWithWhatBecameOfIt) {
    Script script("ExecStart=/bin/a");
    EXPECT_EQ(shown(script, "InvocationID"), "ay []");
    EXPECT_EQ(shown(script, "WatchdogUSec"), "t 18446744073709551615");
    EXPECT_EQ(shown(script, "ConditionResult"), "b false");
    script.run("start");
    EXPECT_EQ(shown(script, "Job"), "(uo) (1,\"/org/freedesktop/systemd1/job/1\")");
    script.run("launched 10\nempty\nsignal 10 9");
    EXPECT_EQ(shown(script, "ActiveState"), "s \"failed\"");
    EXPECT_EQ(shown(script, "Result"), "s \"signal\"");
    EXPECT_EQ(shown(script, "MainPID"), "u 0");
    EXPECT_EQ(shown(script, "ExecMainPID"), "u 10");
    EXPECT_EQ(shown(script, "ExecMainCode"), "i 2");
    EXPECT_EQ(shown(script, "ExecMainStatus"), "i 9");
    EXPECT_EQ(shown(script, "WatchdogUSec"), "t 0");
    EXPECT_EQ(shown(script, "UID"), "u 4294967295");
}

TEST(RuntimeFields, ShowCommandsWithTheirLastRun) {
    Script script("ExecStart=-:/bin/a one\nExecStop=+/bin/s");
    script.run("start\nlaunched 10");
    const std::string started =
        std::to_string(script.now.realtime) + "," + std::to_string(script.now.monotonic);
    EXPECT_EQ(
        shown(script, "ExecStart"),
        "a(sasbttttuii) [(\"/bin/a\",[\"/bin/a\",\"one\"],true," + started + ",0,0,10,0,0)]");
    EXPECT_EQ(
        shown(script, "ExecStartEx"),
        "a(sasasttttuii) "
        "[(\"/bin/a\",[\"/bin/a\",\"one\"],[\"ignore-failure\",\"no-env-expand\"]," +
            started + ",0,0,10,0,0)]");
    EXPECT_EQ(
        shown(script, "ExecStopEx"),
        "a(sasasttttuii) [(\"/bin/s\",[\"/bin/s\"],[\"privileged\"],0,0,0,0,0,0,0)]");
    EXPECT_EQ(shown(script, "ExecReload"), "a(sasbttttuii) []");
}

TEST(RuntimeFields, ShowDependenciesFromBothEnds) {
    Script script("");
    const auto load = [&](const char* text, const char* name) {
        Unit unit = unit_of(text, name);
        unit.settings.unit.default_dependencies = false;
        unit.dependencies = dependencies_of(unit, {}, {}, {});
        (void)step(script.world, UnitLoaded{std::move(unit)}, script.now);
    };
    load("[Unit]\nAfter=b.service\nWants=b.service", "heat.service");
    load("[Unit]\nBefore=heat.service\nRequires=heat.service\nConflicts=heat.service", "c.service");
    EXPECT_EQ(shown(script, "After"), "as [\"b.service\",\"system.slice\",\"c.service\"]");
    EXPECT_EQ(shown(script, "Wants"), "as [\"b.service\"]");
    EXPECT_EQ(shown(script, "RequiredBy"), "as [\"c.service\"]");
    EXPECT_EQ(shown(script, "ConflictedBy"), "as [\"c.service\"]");
    EXPECT_EQ(shown(script, "Before"), "as []");
}

TEST(RuntimeFields, ShowLimitsAsNumbers) {
    LiveFacts live;
    live.effective_memory_max = 1'000'000;
    live.effective_tasks_max = 77;
    EXPECT_EQ(shown(Script("MemoryMax=50%\nTasksMax=10%"), "MemoryMax", live), "t 1000000");
    EXPECT_EQ(shown(Script("TasksMax=10%"), "TasksMax", live), "t 77");
    EXPECT_EQ(shown(Script("MemoryMax=32M"), "MemoryMax"), "t 33554432");
    EXPECT_EQ(shown(Script("TasksMax=8"), "TasksMax"), "t 8");
    EXPECT_EQ(shown(Script(""), "MemoryMax"), "t 18446744073709551615");
}

TEST(RuntimeFields, ShowWhatARefusedUnitAskedFor) {
    EXPECT_EQ(shown(Script(""), "USBFunctionStrings"), "s \"\"");
    EXPECT_EQ(shown(Script("USBFunctionStrings=/x"), "USBFunctionStrings"), "s \"/x\"");
    Script script("");
    script.world.units[script.name].unit.load_state = LoadState::Masked;
    EXPECT_EQ(
        shown(script, "LoadError"),
        "(ss) (\"org.freedesktop.systemd1.UnitMasked\",\"Unit heat.service is masked.\")");
    EXPECT_EQ(shown(script, "CanStart"), "b false");
}

}  // namespace

}  // namespace hearth::test
