// SPDX-License-Identifier: MIT
//
// The built-in units of a boot: each loads without a word, and default.target's transaction reaches
// what bootup(7) draws, in its order.
#include "units/boot_units.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/units/unit_text.hpp"
#include "units/engine.hpp"

namespace hearth {
namespace {

BootPrograms all_programs() {
    BootPrograms programs;
    programs.sulogin = "/sbin/sulogin";
    programs.shell = "/bin/sh";
    programs.agetty = "/sbin/agetty";
    programs.sysctl = "/sbin/sysctl";
    programs.modprobe = "/sbin/modprobe";
    programs.tmpfiles = "/bin/systemd-tmpfiles";
    programs.fsck = "/sbin/fsck";
    programs.control = "/usr/bin/hearthctl";
    programs.modules = {"loop"};
    programs.sysctl_files = {"/etc/sysctl.d/a b.conf"};
    return programs;
}

/// The built-in units, with their links, as a machine sees them.
class BootSource final : public UnitSource {
public:
    explicit BootSource(std::vector<GeneratedUnit> units) : units_(std::move(units)) {}

    Result<std::optional<File>> fragment(const std::string& name) const override {
        const std::size_t at = name.find('@');
        const std::string its_template =
            at == std::string::npos ? name : name.substr(0, at + 1) + name.substr(name.rfind('.'));
        for (const GeneratedUnit& unit : units_) {
            if (!unit.text.empty() && (unit.name == name || unit.name == its_template)) {
                return std::optional(File{"/run/hearth/boot/" + unit.name, unit.text, false});
            }
            if (std::ranges::find(unit.links, name) != unit.links.end()) {  // an alias
                auto found = fragment(unit.name);
                (*found)->canonical = unit.name;
                return found;
            }
        }
        return std::optional<File>();
    }
    Result<std::vector<File>> drop_ins(const std::string&) const override {
        return std::vector<File>();
    }
    LinkedDependencies links(const std::string& name) const override {
        LinkedDependencies found;
        for (const GeneratedUnit& unit : units_) {
            if (std::ranges::find(unit.links, name + ".wants/" + unit.name) != unit.links.end()) {
                found.wants.push_back(unit.name);
            }
        }
        return found;
    }
    [[nodiscard]] const std::vector<GeneratedUnit>& units() const { return units_; }

private:
    std::vector<GeneratedUnit> units_;
};

LoadContext machine_context() {
    LoadContext context = test_context();
    context.guest = false;
    return context;
}

/// Whatever `first` leads to, loaded.
World world_from(const std::string& first, const UnitSource& source) {
    World world;
    std::vector<std::string> names = {first};
    std::vector<Unit> units;
    for (std::size_t next = 0; next < names.size(); ++next) {
        units.push_back(load_unit(names[next], source, machine_context()));
        for (const Dependency& each : units.back().dependencies) {
            if (std::ranges::find(names, each.unit) == names.end()) {
                names.push_back(each.unit);
            }
        }
    }
    (void)step(world, UnitsLoaded{std::move(units)}, {});
    return world;
}

bool has_job(const World& world, const std::string& unit) {
    const UnitRecord* const record = world.find(unit);
    return record != nullptr && record->job.has_value();
}

TEST(BootUnits, EachLoadsWithoutAWord) {
    const BootSource source(boot_units(all_programs()));
    for (const GeneratedUnit& each : source.units()) {
        if (each.text.empty()) {
            continue;
        }
        const std::size_t at = each.name.find("@.");
        const std::string name = at == std::string::npos
                                     ? each.name
                                     : each.name.substr(0, at) + "@tty9" + each.name.substr(at + 1);
        const Unit unit = load_unit(name, source, machine_context());
        EXPECT_EQ(unit.load_state, LoadState::Loaded) << name;
        // Actions that end a machine's run are judged elsewhere.
        if (each.text.find("Action=") == std::string::npos) {
            EXPECT_EQ(messages(unit.diagnostics), "") << name;
        }
    }
}

TEST(BootUnits, DefaultTargetPullsInTheWholeBoot) {
    std::vector<GeneratedUnit> units = boot_units(all_programs());
    for (GeneratedUnit& each : getty_units({"ttyS0"}, true)) {
        units.push_back(std::move(each));
    }
    const BootSource source(std::move(units));
    World world = world_from("default.target", source);
    const auto requested =
        request_job(world, "multi-user.target", Verb::Start, JobMode::Replace, {}, {});
    ASSERT_TRUE(requested) << requested.error().message;
    for (const char* unit :
         {"sysinit.target",
          "local-fs.target",
          "swap.target",
          "basic.target",
          "sockets.target",
          "timers.target",
          "paths.target",
          "slices.target",
          "getty.target",
          "remote-fs.target",
          "systemd-sysctl.service",
          "systemd-modules-load.service",
          "getty@tty1.service",
          "serial-getty@ttyS0.service"}) {
        const UnitRecord* const record = world.find(unit);
        ASSERT_NE(record, nullptr) << unit;
        EXPECT_TRUE(has_job(world, unit) || record->active_state() == ActiveState::Active) << unit;
    }
    for (const char* unit : {"rescue.target", "emergency.target", "shutdown.target"}) {
        EXPECT_FALSE(has_job(world, unit)) << unit;
    }
}

TEST(BootUnits, WhatLacksAProgramIsNotThere) {
    const auto units = boot_units({});
    for (const GeneratedUnit& unit : units) {
        EXPECT_EQ(unit.text.find("ExecStart="), std::string::npos) << unit.name;
    }
    EXPECT_NE(std::ranges::find(units, "multi-user.target", &GeneratedUnit::name), units.end());
}

TEST(BootUnits, GettysAreForSerialConsolesAndTheFirstTerminal) {
    const auto links = [](const std::vector<std::string>& consoles, bool terminals) {
        std::string text;
        for (const GeneratedUnit& unit : getty_units(consoles, terminals)) {
            text += unit.links.front() + " ";
        }
        return text;
    };
    EXPECT_EQ(
        links({"tty0", "ttyS0", "ttyAMA0", "hvc0"}, false),
        "getty.target.wants/serial-getty@ttyS0.service "
        "getty.target.wants/serial-getty@ttyAMA0.service "
        "getty.target.wants/serial-getty@hvc0.service ");
    EXPECT_EQ(links({"null", "tty"}, true), "getty.target.wants/getty@tty1.service ");
}

TEST(BootUnits, WhatStandsBesideSystemdsOwnDaemonsLoads) {
    for (const GeneratedUnit& unit : units_beside_systemd()) {
        const std::size_t folder = unit.name.find(".d/");
        if (folder != std::string::npos) {
            const Unit loaded = load_text(
                "[Service]\nExecStart=/bin/true\nSockets=a.socket\n",
                {unit.text},
                unit.name.substr(0, folder),
                machine_context());
            EXPECT_EQ(loaded.load_state, LoadState::Loaded) << unit.name;
            EXPECT_TRUE(
                !loaded.settings.unit.conditions.empty() ||
                loaded.settings.hearth.relax_confinement !=
                    Unit().settings.hearth.relax_confinement);
        } else {
            EXPECT_EQ(unit.name, "/dev/null");
            EXPECT_EQ(unit.links.size(), 2U);
        }
    }
}

TEST(BootUnits, ReadsModulesOfAFile) {
    EXPECT_EQ(
        modules_of("# a comment\n; too\n\n loop \next4"),
        (std::vector<std::string>{"loop", "ext4"}));
}

}  // namespace
}  // namespace hearth
