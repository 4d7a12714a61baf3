// SPDX-License-Identifier: MIT
//
// Mount units: their text, the commands that it becomes, what they depend on, and their lives,
// which the kernel's table of mounts has a word in.
#include "units/mount_unit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "tests/units/unit_text.hpp"
#include "units/engine.hpp"
#include "units/type_section.hpp"

namespace hearth {
namespace {

Unit mount_of(const std::string& lines, const std::string& name = "srv-x.mount") {
    return load_text("[Mount]\n" + lines, {}, name);
}

std::vector<std::string> words(const CommandLines& lines) {
    return lines.empty() ? std::vector<std::string>{} : lines.front().argv;
}

TEST(MountUnit, BecomesTheCommandsOfMountAndUmount) {
    const Unit unit = mount_of(
        "What=tmpfs\nWhere=/srv/x\nType=tmpfs\nOptions=size=1M,x-hearth.note,nofail,ro\n"
        "SloppyOptions=yes\nReadWriteOnly=yes\nLazyUnmount=yes\nForceUnmount=yes\n"
        "DirectoryMode=0700\nTimeoutSec=7\n");
    EXPECT_EQ(messages(unit.diagnostics), "");
    EXPECT_EQ(unit.load_state, LoadState::Loaded);
    const ServiceSettings& service = unit.settings.service;
    using Words = std::vector<std::string>;
    EXPECT_EQ(
        words(service.exec_start),
        (Words{"/bin/mount", "tmpfs", "/srv/x", "-t", "tmpfs", "-s", "-w", "-o", "size=1M,ro"}));
    EXPECT_EQ(
        words(service.exec_reload),
        (Words{
            "/bin/mount",
            "tmpfs",
            "/srv/x",
            "-t",
            "tmpfs",
            "-s",
            "-w",
            "-o",
            "remount,size=1M,ro"}));
    EXPECT_EQ(words(service.exec_stop), (Words{"/bin/umount", "/srv/x", "-c", "-l", "-f"}));
    EXPECT_EQ(
        words(service.exec_start_pre), (Words{"/bin/mkdir", "-p", "-m", "0700", "--", "/srv/x"}));
    EXPECT_EQ(service.timeout_start, Timespan::seconds(7));
    EXPECT_EQ(service.timeout_stop, Timespan::seconds(7));
    EXPECT_TRUE(service.remain_after_exit);
}

TEST(MountUnit, TakesWhereFromItsNameAndMakesWhatIsBound) {
    const Unit unit = mount_of("What=/var/a b\nOptions=bind\n", "srv-x\\x2dy.mount");
    EXPECT_EQ(unit.settings.mount.where, "/srv/x-y");
    EXPECT_EQ(words(unit.settings.service.exec_start_pre).back(), "/var/a b");
    EXPECT_TRUE(unit.settings.service.exec_start.front().no_environment_expansion);
}

TEST(MountUnit, IsNotLoadedWhereNameAndTextDisagree) {
    const Unit other = mount_of("What=tmpfs\nWhere=/srv/y-z\n");
    EXPECT_EQ(other.load_state, LoadState::BadSetting);
    EXPECT_EQ(
        one_line(other.refusals.at(0)),
        "/etc/systemd/system/srv-x.mount:3: Where=/srv/y-z doesn't match the unit's name "
        "srv-x.mount");
    EXPECT_EQ(other.refusals.at(0).hint, "name the file srv-y\\x2dz.mount");
    EXPECT_EQ(mount_of("Where=/srv/x\n").load_state, LoadState::BadSetting);
}

TEST(MountUnit, ItsOwnDirectivesAreReadAndPrintedBack) {
    for (const Row& row : mount_rows()) {
        Settings settings;
        ASSERT_TRUE(row.assign(settings, row.sample, {})) << row.name;
        EXPECT_FALSE(row.is_default(settings)) << row.name;
        Settings again;
        ASSERT_TRUE(row.assign(again, row.format(settings), {})) << row.name;
        EXPECT_EQ(again, settings) << row.name;
        EXPECT_EQ(find_row(UnitType::Mount, "Mount", row.name), &row);
        EXPECT_TRUE(row.summary.ends_with('.')) << row.name;
    }
    EXPECT_NE(find_row(UnitType::Mount, "Mount", "KillSignal"), nullptr);
    EXPECT_EQ(find_row(UnitType::Mount, "Mount", "ExecStart"), nullptr);
    EXPECT_EQ(find_row(UnitType::Service, "Service", "What"), nullptr);
}

TEST(MountUnit, NoDirectiveOfItsOwnIsDead) {
    const Unit plain = mount_of("What=tmpfs\n");
    for (const Row& row : mount_rows()) {
        if (row.name == "Where" || row.name == "What") {
            continue;
        }
        const Unit unit =
            mount_of("What=tmpfs\n" + std::string(row.name) + "=" + std::string(row.sample));
        EXPECT_NE(unit.settings.service, plain.settings.service) << row.name;
    }
}

bool depends(const Unit& unit, Relation relation, const std::string& other) {
    return std::ranges::any_of(unit.dependencies, [&](const Dependency& each) {
        return each.relation == relation && each.unit == other;
    });
}

TEST(MountUnit, DependsOnWhatStandsAboveItAndOnItsDevice) {
    TextSource source;
    const auto file = [&](const std::string& name, const std::string& text) {
        source.fragments[name] = {"/etc/systemd/system/" + name, text, false};
    };
    file("srv.mount", "[Mount]\nWhat=tmpfs\n");
    file("data.mount", "[Mount]\nWhat=tmpfs\n");
    file("srv-x.mount", "[Mount]\nWhat=/data/y\nOptions=bind\n");
    file("srv-d.mount", "[Mount]\nWhat=/dev/sda1\nOptions=nofail\n");
    file("srv-n.mount", "[Mount]\nWhat=host:/y\nType=nfs\n");
    const Unit bound = load_unit("srv-x.mount", source, test_context());
    EXPECT_TRUE(depends(bound, Relation::Requires, "srv.mount"));
    EXPECT_TRUE(depends(bound, Relation::After, "srv.mount"));
    EXPECT_TRUE(depends(bound, Relation::Requires, "data.mount"));
    EXPECT_TRUE(depends(bound, Relation::Conflicts, "umount.target"));
    EXPECT_TRUE(depends(bound, Relation::Before, "umount.target"));
    EXPECT_TRUE(depends(bound, Relation::Before, "local-fs.target"));
    EXPECT_TRUE(depends(bound, Relation::After, "local-fs-pre.target"));
    const Unit device = load_unit("srv-d.mount", source, test_context());
    EXPECT_TRUE(depends(device, Relation::Requires, "dev-sda1.device"));
    EXPECT_TRUE(depends(device, Relation::After, "dev-sda1.device"));
    EXPECT_FALSE(depends(device, Relation::Before, "local-fs.target"));
    const Unit network = load_unit("srv-n.mount", source, test_context());
    EXPECT_TRUE(depends(network, Relation::After, "network-online.target"));
    EXPECT_TRUE(depends(network, Relation::Before, "remote-fs.target"));
    EXPECT_FALSE(depends(network, Relation::Before, "local-fs.target"));
}

// ---- lives --------------------------------------------------------------------------------------

class Mounts : public ::testing::Test {
protected:
    void SetUp() override { (void)happen(UnitLoaded{alone()}); }
    /// Nothing else need be in the world.
    static Unit alone() {
        Unit unit = mount_of("What=tmpfs\nType=tmpfs\n");
        unit.dependencies.clear();
        return unit;
    }
    Outcome happen(const Event& event) { return step(world, event, now); }
    Result<Requested, RequestError> ask(Verb verb) {
        return request_job(world, name, verb, JobMode::Replace, now);
    }
    /// The launch that is under way begins, and ends so.
    Outcome command(int status) {
        const ServiceStatus& state = world.find(name)->status;
        (void)happen(Launched{name, *state.launch, ++pid, now, "ab"});
        Outcome outcome = happen(ProcessExited{name, pid, CLD_EXITED, status, now});
        (void)happen(CgroupChanged{name, false});
        return outcome;
    }
    void mount() {
        ASSERT_TRUE(ask(Verb::Start));
        (void)command(0);  // mkdir
        EXPECT_EQ(sub(), "mounting");
        (void)command(0);
        (void)happen(PresenceChanged{name, true});
    }
    [[nodiscard]] std::string sub() const { return std::string(sub_state(*world.find(name))); }

    std::string name = "srv-x.mount";
    World world;
    Moment now{1'000'000'000, 1'700'000'000'000'000};
    int pid = 10;
};

TEST_F(Mounts, IsMountedAndUnmountedByCommandsOfItsOwn) {
    mount();
    EXPECT_EQ(sub(), "mounted");
    EXPECT_EQ(world.find(name)->active_state(), ActiveState::Active);
    ASSERT_TRUE(ask(Verb::Stop));
    EXPECT_EQ(sub(), "unmounting");
    (void)happen(PresenceChanged{name, false});
    EXPECT_EQ(sub(), "unmounting");
    (void)command(0);
    EXPECT_EQ(sub(), "dead");
    EXPECT_FALSE(world.find(name)->status.mounted_here);
}

TEST_F(Mounts, FailsWithItsCommand) {
    ASSERT_TRUE(ask(Verb::Start));
    (void)command(1);  // mkdir: ignored
    (void)command(32);
    EXPECT_EQ(sub(), "failed");
    EXPECT_EQ(world.find(name)->status.result, ServiceResult::ExitCode);
    (void)happen(PresenceChanged{name, false});
    EXPECT_EQ(sub(), "failed");
}

TEST_F(Mounts, NoticesThatSomebodyElseUnmountedIt) {
    mount();
    (void)happen(PresenceChanged{name, false});
    EXPECT_EQ(sub(), "dead");
}

TEST_F(Mounts, StaysMountedAndFailsTheJobWhereItIsBusy) {
    mount();
    const auto stop = ask(Verb::Stop);
    ASSERT_TRUE(stop);
    const World before = world;
    (void)command(32);
    EXPECT_EQ(sub(), "failed");
    world = before;
    const ServiceStatus& state = world.find(name)->status;
    (void)happen(Launched{name, *state.launch, ++pid, now, "ab"});
    (void)happen(ProcessExited{name, pid, CLD_EXITED, 32, now});
    const Outcome over = happen(CgroupChanged{name, false});
    (void)happen(PresenceChanged{name, true});
    EXPECT_EQ(sub(), "mounted");
    EXPECT_TRUE(ask(Verb::Stop)) << "it is still ours to unmount";
}

TEST_F(Mounts, OfOthersAreShownAndLeftAlone) {
    (void)happen(PresenceChanged{name, true});
    EXPECT_EQ(sub(), "mounted");
    for (const Verb verb : {Verb::Stop, Verb::Restart}) {
        const auto refused = ask(verb);
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().message.find("somebody else mounted it"), std::string::npos);
    }
    EXPECT_TRUE(ask(Verb::Start)) << "it is mounted already";
    EXPECT_EQ(sub(), "mounted");
    (void)happen(PresenceChanged{name, false});
    EXPECT_EQ(sub(), "dead");
}

TEST_F(Mounts, IsTakenOverAsItsOwnByTheNextManager) {
    mount();
    const KeptUnit before = kept(world, *world.find(name));
    world = {};
    (void)happen(UnitLoaded{alone()});
    (void)happen(PresenceChanged{name, true});  // seen before its state is read
    (void)happen(UnitsRestored{{*read_state(write_state(before))}});
    EXPECT_TRUE(world.find(name)->status.mounted_here);
    EXPECT_TRUE(ask(Verb::Stop));
    EXPECT_EQ(sub(), "unmounting");
}

}  // namespace
}  // namespace hearth
