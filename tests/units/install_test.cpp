// SPDX-License-Identifier: MIT
//
// enable and kin as values: directories in, changes out. That the links are systemctl's is shown by
// tests/integration/unit_files_parity_test.
#include "units/install.hpp"

#include <gtest/gtest.h>

namespace hearth {
namespace {

using Kind = FileChange::Kind;
using Role = UnitDirectory::Role;

constexpr const char* etc = "/etc/systemd/system/";
constexpr const char* vendor = "/usr/lib/systemd/system/";

class Install : public ::testing::Test {
protected:
    Install() {
        view.directories = {
            {"/etc/systemd/system.control", Role::Control, false},
            {"/run/systemd/transient", Role::Transient, true},
            {"/etc/systemd/system", Role::Config, false},
            {"/run/systemd/system", Role::Config, true},
            {"/run/systemd/generator", Role::Generator, true},
            {"/usr/lib/systemd/system", Role::Vendor, false}};
        view.context.machine_id = "4711";
        file(std::string(vendor) + "multi-user.target", "");
        file(std::string(vendor) + "graphical.target", "");
    }

    void file(const std::string& path, const std::string& install) {
        view.entries[path] = {InstallEntry::Kind::File};
        if (!install.empty()) {
            view.install[path] = read_install_section("[Install]\n" + install, path);
        }
    }
    void unit(const std::string& name, const std::string& install) { file(vendor + name, install); }
    void link(const std::string& path, const std::string& target) {
        view.entries[path] = {InstallEntry::Kind::Link, target};
    }
    InstallPlan plan(UnitFileVerb verb, std::vector<std::string> names) const {
        return plan_unit_files(view, {.verb = verb, .names = std::move(names)});
    }
    /// "PATH -> TARGET" of what is made, "- PATH" of what goes, and the rest in words.
    static std::vector<std::string> lines(const InstallPlan& plan) {
        std::vector<std::string> text;
        for (const FileChange& change : plan.changes) {
            text.push_back(
                change.kind == Kind::Symlink  ? change.path + " -> " + change.source
                : change.kind == Kind::Unlink ? "- " + change.path
                                              : describe(change, "enable", ""));
        }
        return text;
    }
    std::vector<std::string> enabled(const std::string& name) const {
        return lines(plan(UnitFileVerb::Enable, {name}));
    }
    /// Does what the plan says, so that a test can go on from there.
    void carry_out(const InstallPlan& plan) {
        for (const FileChange& change : plan.changes) {
            if (change.kind == Kind::Symlink) {
                link(change.path, change.source);
            } else if (change.kind == Kind::Unlink) {
                view.entries.erase(change.path);
            }
        }
    }
    std::string state(const std::string& name) const {
        const auto state = enabled_state(view, name);
        return state ? *state : state.error().name;
    }
    static std::string in_etc(const std::string& name) { return etc + name; }

    InstallView view;
    using Lines = std::vector<std::string>;
};

TEST_F(Install, EnablesByEachListOfTheSection) {
    unit(
        "a.service",
        "WantedBy=multi-user.target\nRequiredBy=graphical.target\nUpheldBy=multi-user.target\n"
        "Alias=b.service\n");
    const std::string to = " -> /usr/lib/systemd/system/a.service";
    const InstallPlan made = plan(UnitFileVerb::Enable, {"a.service"});
    EXPECT_EQ(
        lines(made),
        (Lines{
            in_etc("b.service") + to,
            in_etc("multi-user.target.wants/a.service") + to,
            in_etc("graphical.target.requires/a.service") + to,
            in_etc("multi-user.target.upholds/a.service") + to}));
    EXPECT_TRUE(made.carries_install_information);
    EXPECT_FALSE(made.failed);
    EXPECT_EQ(state("a.service"), "disabled");
    carry_out(made);
    EXPECT_EQ(state("a.service"), "enabled");
    EXPECT_EQ(state("b.service"), "alias");
    EXPECT_EQ(plan(UnitFileVerb::Enable, {"a.service"}).changes, std::vector<FileChange>{});
    const InstallPlan undone = plan(UnitFileVerb::Disable, {"a.service"});
    EXPECT_EQ(undone.changes.size(), 4U);
    carry_out(undone);
    EXPECT_EQ(state("a.service"), "disabled");
}

TEST_F(Install, FollowsAlso) {
    unit("a.service", "Also=b.socket nosuch.service\nWantedBy=multi-user.target\n");
    unit("b.socket", "WantedBy=multi-user.target\n");
    EXPECT_EQ(
        enabled("a.service"),
        (Lines{
            in_etc("multi-user.target.wants/a.service -> ") + vendor + "a.service",
            in_etc("multi-user.target.wants/b.socket -> ") + vendor + "b.socket",
            "Failed to enable auxiliary unit nosuch.service, ignoring."}));
    EXPECT_FALSE(plan(UnitFileVerb::Enable, {"a.service"}).failed);
    unit("only.service", "Also=b.socket\n");
    EXPECT_EQ(state("only.service"), "indirect");
    unit("plain.service", "");
    EXPECT_EQ(state("plain.service"), "static");
    EXPECT_FALSE(plan(UnitFileVerb::Enable, {"plain.service"}).carries_install_information);
}

TEST_F(Install, TwoThatNameEachOtherEnd) {
    unit("a.service", "Also=b.service\nWantedBy=multi-user.target\n");
    unit("b.service", "Also=a.service\nWantedBy=multi-user.target\n");
    const InstallPlan made = plan(UnitFileVerb::Enable, {"a.service"});
    EXPECT_EQ(made.changes.size(), 2U);
    carry_out(made);
    EXPECT_EQ(plan(UnitFileVerb::Disable, {"b.service"}).changes.size(), 2U);
}

TEST_F(Install, TemplatesNeedAnInstance) {
    unit("t@.service", "WantedBy=multi-user.target\n");
    const InstallPlan refused = plan(UnitFileVerb::Enable, {"t@.service"});
    EXPECT_TRUE(refused.failed);
    EXPECT_EQ(
        lines(refused),
        (Lines{"Failed to enable t@.service, destination unit multi-user.target is a non-template "
               "unit."}));
    carry_out(plan(UnitFileVerb::Enable, {"t@x.service"}));
    EXPECT_EQ(state("t@x.service"), "enabled");
    EXPECT_EQ(state("t@y.service"), "disabled");
    EXPECT_EQ(state("t@.service"), "indirect");
    EXPECT_EQ(
        lines(plan(UnitFileVerb::Disable, {"t@.service"})),
        (Lines{"- " + in_etc("multi-user.target.wants/t@x.service")}));
}

TEST_F(Install, DefaultInstanceStandsForTheTemplate) {
    unit("d@.service", "DefaultInstance=one\nWantedBy=multi-user.target w-%i.target\n");
    EXPECT_EQ(
        enabled("d@.service"),
        (Lines{
            in_etc("multi-user.target.wants/d@one.service -> ") + vendor + "d@.service",
            in_etc("w-one.target.wants/d@one.service -> ") + vendor + "d@.service",
            "Unit /usr/lib/systemd/system/d@.service is added as a dependency to a non-existent "
            "unit w-one.target."}));
    carry_out(plan(UnitFileVerb::Enable, {"d@.service"}));
    EXPECT_EQ(state("d@.service"), "enabled");
    EXPECT_EQ(state("d@one.service"), "enabled");
    EXPECT_EQ(state("d@two.service"), "disabled");
}

TEST_F(Install, InstancesPassTheirNameOnToTheAlias) {
    unit("t@.service", "Alias=u@.service\n");
    EXPECT_EQ(enabled("t@x.service"), (Lines{in_etc("u@x.service -> ") + vendor + "t@.service"}));
}

TEST_F(Install, ReplacesTheSpecifiersThatInstallHas) {
    unit("a.service", "WantedBy=%p.target %m.target\nAlias=%N-b.service\n");
    const Lines made = enabled("a.service");
    EXPECT_EQ(made[0], in_etc("a-b.service -> ") + vendor + "a.service");
    EXPECT_EQ(made[1], in_etc("a.target.wants/a.service -> ") + vendor + "a.service");
    EXPECT_EQ(made[3], in_etc("4711.target.wants/a.service -> ") + vendor + "a.service");
    unit("bad.service", "WantedBy=x%t.target\n");  // %t is none of [Install]'s
    EXPECT_EQ(
        enabled("bad.service"),
        (Lines{"Failed to enable unit, invalid specifier in \"x%t.target\"."}));
    unit("none.service", "WantedBy=x%b.target\n");  // the test's host has no boot id
    EXPECT_EQ(
        enabled("none.service"),
        (Lines{"Failed to enable unit, cannot resolve specifiers in \"x%b.target\"."}));
}

TEST_F(Install, RefusesAliasesThatCannotBe) {
    unit("a.service", "Alias=a.socket\n");
    EXPECT_TRUE(plan(UnitFileVerb::Enable, {"a.service"}).failed);
    EXPECT_EQ(
        enabled("a.service"),
        (Lines{"Failed to enable unit, cannot alias a.service as a.socket."}));
    unit("m.mount", "Alias=n.mount\n");  // Alias= is not for mounts
    EXPECT_EQ(plan(UnitFileVerb::Enable, {"m.mount"}).changes, std::vector<FileChange>{});
    unit("self.service", "Alias=self.service\n");
    EXPECT_EQ(enabled("self.service"), Lines{});
}

TEST_F(Install, ReplacesALinkByForceOnly) {
    unit("a.service", "Alias=x.service\n");
    unit("b.service", "Alias=x.service\n");
    carry_out(plan(UnitFileVerb::Enable, {"a.service"}));
    const InstallPlan refused = plan(UnitFileVerb::Enable, {"b.service"});
    EXPECT_TRUE(refused.failed);
    EXPECT_EQ(
        lines(refused),
        (Lines{
            "Failed to enable unit, file \"/etc/systemd/system/x.service\" already exists and is a "
            "symlink to \"/usr/lib/systemd/system/a.service\"."}));
    const InstallPlan forced = plan_unit_files(
        view, {.verb = UnitFileVerb::Enable, .names = {"b.service"}, .force = true});
    EXPECT_EQ(
        lines(forced),
        (Lines{"- " + in_etc("x.service"), in_etc("x.service -> ") + vendor + "b.service"}));
    file(in_etc("y.service"), "");
    unit("c.service", "Alias=y.service\n");  // a file is never replaced
    EXPECT_TRUE(
        plan_unit_files(view, {.verb = UnitFileVerb::Enable, .names = {"c.service"}, .force = true})
            .failed);
}

TEST_F(Install, RuntimeLinksAreTheirOwn) {
    unit("a.service", "WantedBy=multi-user.target\n");
    const InstallPlan made = plan_unit_files(
        view, {.verb = UnitFileVerb::Enable, .names = {"a.service"}, .runtime = true});
    ASSERT_EQ(made.changes.size(), 1U);
    EXPECT_EQ(made.changes[0].path, "/run/systemd/system/multi-user.target.wants/a.service");
    carry_out(made);
    EXPECT_EQ(state("a.service"), "enabled-runtime");
    EXPECT_EQ(plan(UnitFileVerb::Disable, {"a.service"}).changes.size(), 0U);
}

TEST_F(Install, MasksAndUnmasks) {
    unit("a.service", "WantedBy=multi-user.target\n");
    const InstallPlan masked = plan(UnitFileVerb::Mask, {"a.service", "nosuch.service"});
    EXPECT_EQ(
        lines(masked),
        (Lines{in_etc("a.service -> /dev/null"), in_etc("nosuch.service -> /dev/null")}));
    carry_out(masked);
    EXPECT_EQ(state("a.service"), "masked");
    EXPECT_EQ(
        enabled("a.service"),
        (Lines{"Failed to enable unit, unit /etc/systemd/system/a.service is masked."}));
    EXPECT_EQ(
        lines(plan(UnitFileVerb::Unmask, {"a.service"})), (Lines{"- " + in_etc("a.service")}));
    file(in_etc("own.service"), "");
    EXPECT_TRUE(plan(UnitFileVerb::Mask, {"own.service"}).failed);
    EXPECT_EQ(plan(UnitFileVerb::Unmask, {"own.service"}).changes.size(), 0U);
    EXPECT_TRUE(plan(UnitFileVerb::Mask, {"no name"}).failed);
}

TEST_F(Install, LinksFilesFromElsewhere) {
    file("/srv/a.service", "WantedBy=multi-user.target\n");
    const InstallPlan linked = plan(UnitFileVerb::Link, {"/srv/a.service"});
    EXPECT_EQ(lines(linked), (Lines{in_etc("a.service -> /srv/a.service")}));
    carry_out(linked);
    EXPECT_EQ(state("a.service"), "linked");
    carry_out(plan(UnitFileVerb::Enable, {"a.service"}));
    EXPECT_EQ(state("a.service"), "enabled");
    EXPECT_EQ(
        lines(plan(UnitFileVerb::Disable, {"a.service"})),
        (Lines{"- " + in_etc("a.service"), "- " + in_etc("multi-user.target.wants/a.service")}));
    EXPECT_TRUE(plan(UnitFileVerb::Link, {"/srv/none.service"}).failed);
    EXPECT_TRUE(plan(UnitFileVerb::Link, {"a.service"}).failed);
    unit("v.service", "");
    EXPECT_EQ(plan(UnitFileVerb::Link, {std::string(vendor) + "v.service"}).changes.size(), 0U);
}

TEST_F(Install, EnablesAFileByItsPath) {
    file("/srv/a.service", "WantedBy=multi-user.target\n");
    EXPECT_EQ(
        enabled("/srv/a.service"),
        (Lines{
            in_etc("a.service -> /srv/a.service"),
            in_etc("multi-user.target.wants/a.service -> /srv/a.service")}));
}

TEST_F(Install, KnowsWhatIsGeneratedAndTransient) {
    file("/run/systemd/generator/g.service", "WantedBy=multi-user.target\n");
    file("/run/systemd/transient/t.service", "WantedBy=multi-user.target\n");
    EXPECT_EQ(state("g.service"), "generated");
    EXPECT_EQ(state("t.service"), "transient");
    EXPECT_TRUE(plan(UnitFileVerb::Enable, {"g.service"}).failed);
    EXPECT_TRUE(plan(UnitFileVerb::Enable, {"t.service"}).failed);
}

TEST_F(Install, SaysWhatIsNotThere) {
    EXPECT_EQ(state("nosuch.service"), "org.freedesktop.DBus.Error.FileNotFound");
    EXPECT_EQ(state("no name"), "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_TRUE(plan(UnitFileVerb::Enable, {"nosuch.service"}).failed);
    EXPECT_FALSE(plan(UnitFileVerb::Disable, {"nosuch.service"}).failed);
    link(std::string(vendor) + "dangling.service", "gone.service");
    EXPECT_EQ(state("dangling.service"), "NoSuchUnit");
    EXPECT_EQ(unit_file_states(view).front().state, "bad");
}

TEST_F(Install, AliasesInALoopEnd) {
    link(std::string(vendor) + "a.service", "b.service");
    link(std::string(vendor) + "b.service", "a.service");
    EXPECT_EQ(state("a.service"), "UnitLinked");
    EXPECT_TRUE(plan(UnitFileVerb::Enable, {"a.service"}).failed);
    link(in_etc("c.service"), "c.service");
    EXPECT_EQ(state("c.service"), "UnitLinked");
}

TEST_F(Install, DropInsAddToTheSection) {
    unit("a.service", "WantedBy=multi-user.target\n");
    file(std::string(vendor) + "a.service.d/x.conf", "WantedBy=graphical.target\n");
    file(in_etc("a.service.d/x.conf"), "WantedBy=\nWantedBy=graphical.target\n");
    EXPECT_EQ(  // of one file name the first directory's counts
        enabled("a.service"),
        (Lines{in_etc("graphical.target.wants/a.service -> ") + vendor + "a.service"}));
}

TEST_F(Install, RevertLeavesWhatWasShipped) {
    unit("a.service", "");
    file(in_etc("a.service"), "");
    view.entries[in_etc("a.service.d")] = {InstallEntry::Kind::Directory};
    file(in_etc("a.service.d/x.conf"), "");
    file(in_etc("own.service"), "");
    EXPECT_EQ(
        lines(plan(UnitFileVerb::Revert, {"a.service", "own.service"})),
        (Lines{
            "- " + in_etc("a.service.d/x.conf"),
            "- " + in_etc("a.service.d"),
            "- " + in_etc("a.service")}));
}

TEST_F(Install, DefaultTarget) {
    EXPECT_FALSE(default_target(view));
    link(std::string(vendor) + "default.target", "graphical.target");
    EXPECT_EQ(default_target(view).value_or(""), "graphical.target");
    carry_out(plan(UnitFileVerb::SetDefault, {"multi-user.target"}));
    EXPECT_EQ(default_target(view).value_or(""), "multi-user.target");
    EXPECT_TRUE(plan(UnitFileVerb::SetDefault, {"default.target"}).failed);
    EXPECT_TRUE(plan(UnitFileVerb::SetDefault, {"a.service"}).failed);
}

TEST_F(Install, AddsDependencies) {
    unit("a.service", "WantedBy=multi-user.target\n");
    const InstallPlan made = plan_unit_files(
        view,
        {.verb = UnitFileVerb::AddRequires, .names = {"a.service"}, .target = "graphical.target"});
    EXPECT_EQ(
        lines(made),
        (Lines{in_etc("graphical.target.requires/a.service -> ") + vendor + "a.service"}));
    EXPECT_TRUE(
        plan_unit_files(
            view,
            {.verb = UnitFileVerb::AddWants, .names = {"a.service"}, .target = "nosuch.target"})
            .failed);
    // A guest has the boot's targets without their files; a machine has not.
    const UnitFileRequest online{
        .verb = UnitFileVerb::AddWants, .names = {"a.service"}, .target = "network-online.target"};
    EXPECT_EQ(
        lines(plan_unit_files(view, online)),
        (Lines{in_etc("network-online.target.wants/a.service -> ") + vendor + "a.service"}));
    view.context.guest = false;
    EXPECT_TRUE(plan_unit_files(view, online).failed);
}

TEST_F(Install, ReadsPresets) {
    const auto rules = read_presets(
        "# rest\n\n; too\n enable a.service \nenable t@.service x y\ndisable *.socket\nenable\n"
        "nonsense a\nenable plain.service x\ndisable b.service c\n");
    EXPECT_EQ(
        rules,
        (std::vector<PresetRule>{
            {true, "a.service", {}}, {true, "t@.service", {"x", "y"}}, {false, "*.socket", {}}}));
    EXPECT_FALSE(ask_presets(rules, "s.socket").enable);
    EXPECT_TRUE(ask_presets(rules, "other.service").enable);
    EXPECT_EQ(
        ask_presets(rules, "t@.service").instances,
        (std::vector<std::string>{"t@x.service", "t@y.service"}));
}

TEST_F(Install, PresetsEnableAndDisable) {
    unit("a.service", "WantedBy=multi-user.target\n");
    unit("b.service", "WantedBy=multi-user.target\n");
    unit("t@.service", "WantedBy=multi-user.target\n");
    carry_out(plan(UnitFileVerb::Enable, {"b.service"}));
    view.presets = read_presets("enable a.service\nenable t@.service x\ndisable *\n");
    const Lines all = {
        "- " + in_etc("multi-user.target.wants/b.service"),
        in_etc("multi-user.target.wants/a.service -> ") + vendor + "a.service",
        in_etc("multi-user.target.wants/t@x.service -> ") + vendor + "t@.service"};
    EXPECT_EQ(lines(plan(UnitFileVerb::PresetAll, {})), all);
    EXPECT_EQ(
        lines(plan_unit_files(
            view, {.verb = UnitFileVerb::PresetAll, .mode = PresetMode::DisableOnly})),
        (Lines{all[0]}));
    EXPECT_EQ(
        lines(plan_unit_files(
            view, {.verb = UnitFileVerb::PresetAll, .mode = PresetMode::EnableOnly})),
        (Lines{all[1], all[2]}));
    EXPECT_EQ(preset_state(view, "a.service"), "enabled");
    EXPECT_EQ(preset_state(view, "b.service"), "disabled");
}

TEST_F(Install, DirectoriesThatAreLinksAreTheSamePlace) {
    view.directories.insert(
        view.directories.end() - 1, {"/lib/systemd/system", Role::Vendor, false});
    view.real_directories["/lib/systemd/system"] = "/usr/lib/systemd/system";
    unit("a.service", "WantedBy=multi-user.target\n");
    view.entries["/lib/systemd/system/a.service"] = {InstallEntry::Kind::File};
    view.install["/lib/systemd/system/a.service"] = {{"WantedBy", "multi-user.target"}};
    link(in_etc("multi-user.target.wants/a.service"), "/usr/lib/systemd/system/a.service");
    EXPECT_EQ(enabled("a.service"), Lines{});  // made by somebody who said /usr/lib
    link(in_etc("multi-user.target.wants/a.service"), "../../../../lib/systemd/system/a.service");
    EXPECT_EQ(enabled("a.service"), Lines{});
}

TEST_F(Install, ErrorsHaveTheirNamesOnTheBus) {
    EXPECT_EQ(to_error({Kind::Exists, "/a", "/b"}).name, "UnitExists");
    EXPECT_EQ(to_error({Kind::IsMasked, "/a"}).name, "UnitMasked");
    EXPECT_EQ(to_error({Kind::Generated, "/a"}).name, "UnitGenerated");
    EXPECT_EQ(to_error({Kind::Linked, "a.service"}).name, "UnitLinked");
    EXPECT_EQ(to_error({Kind::NotFound, "a.service"}).name, "NoSuchUnit");
    EXPECT_EQ(to_error({Kind::NoTemplate, "a.target", "t@.service"}).name, "BadUnitSetting");
    EXPECT_EQ(
        to_error({Kind::NotFound, "/a.service"}, "/root").message,
        "Unit file /root/a.service does not exist.");
}

}  // namespace
}  // namespace hearth
