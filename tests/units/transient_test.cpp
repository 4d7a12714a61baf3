// SPDX-License-Identifier: MIT
//
// StartTransientUnit() as a text: what it is given stands in the file of the unit as a person would
// have written it, and what can't be is refused by its name.
#include "units/transient.hpp"

#include <gtest/gtest.h>

#include "tests/units/unit_text.hpp"
#include "units/type_section.hpp"

namespace hearth {
namespace {

std::string text_of(const std::string& unit, const std::vector<TransientAssignment>& assignments) {
    const auto file = transient_file(unit, assignments, LoadContext{});
    return file ? file->text.substr(file->text.find('\n') + 1)
                : file.error().name + ": " + file.error().message;
}

TEST(Transient, WritesEachDirectiveIntoItsSection) {
    EXPECT_EQ(
        text_of(
            "nap.service",
            {{"ExecStart", "/bin/sleep 1"},
             {"Description", "100%% of it"},
             {"MemoryMax", "1048576"},
             {"RelaxConfinement", "PrivateTmp"},
             {"After", "a.service"}}),
        "[Unit]\nDescription=100%% of it\nAfter=a.service\n"
        "[Service]\nExecStart=/bin/sleep 1\nMemoryMax=1048576\n"
        "[X-Hearth]\nRelaxConfinement=PrivateTmp\n");
    EXPECT_EQ(
        text_of("a.scope", {{"RuntimeMaxSec", "5"}, {"TasksMax", "3"}, {"KillSignal", "2"}}),
        "[Scope]\nRuntimeMaxSec=5\nTasksMax=3\nKillSignal=2\n");
    EXPECT_EQ(text_of("a.slice", {{"CPUQuota", "20%"}}), "[Slice]\nCPUQuota=20%\n");
}

TEST(Transient, IsReadBackAsItWasMeant) {
    const Unit unit =
        load_text(transient_file(
                      "heat.service",
                      std::vector<TransientAssignment>{
                          {"ExecStart", "/bin/echo \"a b\" 50%%"}, {"Environment", "\"A=1 2\""}},
                      LoadContext{})
                      ->text);
    EXPECT_EQ(messages(unit.diagnostics), "");
    EXPECT_EQ(
        unit.settings.service.exec_start.at(0).argv,
        (std::vector<std::string>{"/bin/echo", "a b", "50%"}));
}

TEST(Transient, RefusesByNameWhatItsTypeDoesNotHave) {
    const std::string read_only =
        "org.freedesktop.DBus.Error.PropertyReadOnly: Cannot set property ";
    EXPECT_EQ(
        text_of("nap.service", {{"Frobnicate", "yes"}}),
        read_only + "Frobnicate: a service has no such property");
    EXPECT_EQ(
        text_of("a.scope", {{"User", "heat"}}), read_only + "User: a scope has no such property");
    EXPECT_EQ(
        text_of("a.slice", {{"Delegate", "yes"}}),
        read_only + "Delegate: a slice has no such property");
    EXPECT_TRUE(text_of("nap.service", {{"RestrictFileSystems", "ext4"}})
                    .starts_with(read_only + "RestrictFileSystems: "));
}

TEST(Transient, RefusesValuesThatAreNoneOrWouldBeMore) {
    EXPECT_TRUE(text_of("nap.service", {{"Nice", "99"}})
                    .starts_with("org.freedesktop.DBus.Error.InvalidArgs: Invalid Nice '99': "));
    for (const char* const value : {"a\nExecStart=/bin/evil", "a\\", "a\rb"}) {
        EXPECT_NE(
            text_of("nap.service", {{"Description", value}}).find("Description: its value has"),
            std::string::npos);
    }
}

TEST(Transient, KeepsSecretsFromReaders) {
    const std::vector<TransientAssignment> secret = {{"SetCredential", "id:value"}};
    EXPECT_TRUE(transient_file("nap.service", secret, LoadContext{})->secret);
    EXPECT_FALSE(transient_file("nap.service", {}, LoadContext{})->secret);
}

TEST(TypeSection, ScopesAndSlicesShareTheRowsOfServices) {
    EXPECT_NE(find_row(UnitType::Scope, "Scope", "KillMode"), nullptr);
    EXPECT_EQ(find_row(UnitType::Scope, "Service", "KillMode"), nullptr);
    EXPECT_EQ(find_row(UnitType::Scope, "Scope", "ExecStart"), nullptr);
    EXPECT_EQ(find_row(UnitType::Slice, "Slice", "KillMode"), nullptr);
    EXPECT_NE(find_row(UnitType::Slice, "Unit", "Description"), nullptr);
    EXPECT_NE(find_row(UnitType::Service, "Service", "ExecStart"), nullptr);
}

TEST(Scope, IsNotMadeByAFile) {
    const Unit unit = load_text("[Scope]\nMemoryMax=1G\n", {}, "a.scope");
    EXPECT_EQ(unit.load_state, LoadState::BadSetting);
    EXPECT_NE(messages(unit.refusals).find("can't be made by a unit file"), std::string::npos);
}

}  // namespace
}  // namespace hearth
