// SPDX-License-Identifier: MIT
//
// The methods about unit files: what they hand on, what they answer, when UnitFilesChanged is said.
#include "tests/support/bus_fixture.hpp"

namespace hearth::test {
namespace {

using Kind = FileChange::Kind;

class BusUnitFiles : public BusFixture {
protected:
    void SetUp() override {
        BusFixture::SetUp();
        control.files = {{"/etc/systemd/system/heat.service", "enabled"}};
        control.install_plan.changes = {
            {Kind::Unlink, "/etc/systemd/system/heat.service"},
            {Kind::Symlink, "/etc/systemd/system/heat.service", "/srv/heat.service"},
            {Kind::DestinationNotPresent, "x.target", "/srv/heat.service"}};
        serve();
    }
    const UnitFileRequest& asked() const { return control.asked_of_unit_files; }
};

TEST_F(BusUnitFiles, HandOnWhatIsAsked) {
    const auto bus = connect();
    ASSERT_TRUE(manager(bus, "EnableUnitFiles", "asbb", 2, "a.service", "b.service", 1, 0).good());
    EXPECT_EQ(asked().verb, UnitFileVerb::Enable);
    EXPECT_EQ(asked().names, (std::vector<std::string>{"a.service", "b.service"}));
    EXPECT_TRUE(asked().runtime);
    EXPECT_FALSE(asked().force);
    ASSERT_TRUE(manager(bus, "EnableUnitFilesWithFlags", "ast", 1, "a.service", 2UL).good());
    EXPECT_FALSE(asked().runtime);
    EXPECT_TRUE(asked().force);
    EXPECT_EQ(
        manager(bus, "EnableUnitFilesWithFlags", "ast", 1, "a.service", 8UL).error,
        "org.freedesktop.DBus.Error.InvalidArgs");
    ASSERT_TRUE(manager(bus, "DisableUnitFilesWithFlags", "ast", 1, "a.service", 1UL).good());
    EXPECT_EQ(asked().verb, UnitFileVerb::Disable);
    EXPECT_TRUE(asked().runtime);
    ASSERT_TRUE(
        manager(
            bus, "AddDependencyUnitFiles", "asssbb", 1, "a.service", "x.target", "Requires", 0, 1)
            .good());
    EXPECT_EQ(asked().verb, UnitFileVerb::AddRequires);
    EXPECT_EQ(asked().target, "x.target");
    EXPECT_TRUE(asked().force);
    EXPECT_EQ(
        manager(
            bus, "AddDependencyUnitFiles", "asssbb", 1, "a.service", "x.target", "BindsTo", 0, 0)
            .error,
        "org.freedesktop.DBus.Error.InvalidArgs");
    ASSERT_TRUE(manager(bus, "PresetAllUnitFiles", "sbb", "disable-only", 0, 0).good());
    EXPECT_EQ(asked().verb, UnitFileVerb::PresetAll);
    EXPECT_EQ(asked().mode, PresetMode::DisableOnly);
    EXPECT_EQ(
        manager(bus, "PresetUnitFilesWithMode", "assbb", 1, "a.service", "never", 0, 0).error,
        "org.freedesktop.DBus.Error.InvalidArgs");
    ASSERT_TRUE(manager(bus, "SetDefaultTarget", "sb", "x.target", 1).good());
    EXPECT_EQ(asked().names, (std::vector<std::string>{"x.target"}));
}

TEST_F(BusUnitFiles, AnswerChangesAndTellEverybody) {
    const auto bus = connect();
    const auto other = connect();
    ASSERT_TRUE(manager(other, "ListUnits", "").good());  // who says nothing is told nothing
    SignalLog log(other);
    const auto answer = manager(bus, "MaskUnitFiles", "asbb", 1, "heat.service", 0, 0);
    ASSERT_TRUE(answer.good()) << answer.message;
    ASSERT_EQ(answer.value.members.size(), 3U);
    EXPECT_EQ(answer.value.members[0].members[0].text, "unlink");
    EXPECT_EQ(answer.value.members[1].members[0].text, "symlink");
    EXPECT_EQ(answer.value.members[1].members[1].text, "/etc/systemd/system/heat.service");
    EXPECT_EQ(answer.value.members[1].members[2].text, "/srv/heat.service");
    EXPECT_EQ(answer.value.members[2].members[0].text, "destination not present");
    EXPECT_TRUE(run_until([&] { return log.count("UnitFilesChanged") == 1; }));
    control.install_plan.changes.clear();
    ASSERT_TRUE(manager(bus, "MaskUnitFiles", "asbb", 1, "heat.service", 0, 0).good());
    settle();
    EXPECT_EQ(log.count("UnitFilesChanged"), 1U);  // nothing was changed
}

TEST_F(BusUnitFiles, AFailureIsAnErrorThoughSomethingWasDone) {
    const auto bus = connect();
    settle();
    SignalLog log(bus);
    control.install_plan.changes.push_back({Kind::IsMasked, "/etc/systemd/system/b.service"});
    control.install_plan.failed = true;
    const auto answer = manager(bus, "EnableUnitFiles", "asbb", 1, "heat.service", 0, 0);
    EXPECT_EQ(answer.error, "org.freedesktop.systemd1.UnitMasked");
    EXPECT_EQ(answer.message, "Unit file /etc/systemd/system/b.service is masked.");
    EXPECT_TRUE(run_until([&] { return log.count("UnitFilesChanged") == 1; }));
}

TEST_F(BusUnitFiles, AnswerStatesLinksAndTheDefault) {
    const auto bus = connect();
    EXPECT_EQ(manager(bus, "GetUnitFileState", "s", "heat.service").value.text, "enabled");
    EXPECT_EQ(
        manager(bus, "GetUnitFileState", "s", "no.service").error,
        "org.freedesktop.DBus.Error.FileNotFound");
    EXPECT_EQ(manager(bus, "GetDefaultTarget", "").value.text, "multi-user.target");
    const auto links = manager(bus, "GetUnitFileLinks", "sb", "heat.service", 0);
    ASSERT_EQ(links.value.members.size(), 1U);
    EXPECT_EQ(links.value.members[0].text, "/etc/systemd/system/x.wants/heat.service");
}

}  // namespace
}  // namespace hearth::test
