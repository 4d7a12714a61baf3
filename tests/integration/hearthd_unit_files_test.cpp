// SPDX-License-Identifier: MIT
//
// enable and kin over the bus, by hearthctl and by the stock systemctl, against a real hearthd
// whose unit path is a directory of the test's own: links go there, those of --runtime below
// RUNTIME.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "stock_systemctl.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth::test {
namespace {

namespace fs = std::filesystem;
using testing::Ground;
using testing::HearthdProcess;
using testing::Output;
using testing_support::ScratchDirectory;

constexpr const char* nap =
    "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=day.target\n";

/// Where a link leads; "" where there is none.
std::string target(const std::string& path) {
    std::error_code none;
    const fs::path there = fs::read_symlink(path, none);
    return none ? std::string() : there.string();
}

class HearthdUnitFiles : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }
    static void add_units(const HearthdProcess& hearthd) {
        hearthd.add("nap.service", nap);
        hearthd.add("day.target", "[Unit]\nDescription=Day\n");
        hearthd.add("night.target", "[Unit]\nDescription=Night\n");
        hearthd.add("static.service", "[Service]\nExecStart=/bin/true\n");
    }
};

TEST_F(HearthdUnitFiles, EnablesAndDisables) {
    const HearthdProcess hearthd;
    add_units(hearthd);
    const std::string file = hearthd.units() + "/nap.service";
    const std::string link = hearthd.units() + "/day.target.wants/nap.service";
    EXPECT_EQ(hearthd.ctl({"is-enabled", "nap"}).out, "disabled\n");
    EXPECT_EQ(hearthd.ctl({"is-enabled", "nap"}).status, 1);
    const Output enabled = hearthd.ctl({"enable", "nap"});
    EXPECT_EQ(enabled.status, 0);
    EXPECT_EQ(enabled.err, "Created symlink " + link + " → " + file + ".\n");
    EXPECT_EQ(target(link), file);
    EXPECT_EQ(hearthd.ctl({"is-enabled", "nap"}).status, 0);
    EXPECT_EQ(hearthd.show("nap.service", "UnitFileState"), "enabled");
    EXPECT_EQ(hearthd.show("nap.service", "UnitFilePreset"), "enabled");
    EXPECT_EQ(hearthd.ctl({"start", "day.target"}).status, 0);  // the new link counts at once
    EXPECT_EQ(hearthd.ctl({"is-active", "nap"}).out, "active\n");
    const Output disabled = hearthd.ctl({"disable", "--now", "nap"});
    EXPECT_EQ(disabled.status, 0) << disabled.err;
    EXPECT_EQ(disabled.err, "Removed \"" + link + "\".\n");
    EXPECT_FALSE(fs::exists(hearthd.units() + "/day.target.wants"));
    EXPECT_EQ(hearthd.ctl({"is-active", "nap"}).out, "inactive\n");
    EXPECT_EQ(hearthd.show("nap.service", "UnitFileState"), "disabled");
    EXPECT_EQ(hearthd.ctl({"enable", "--now", "nap"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"is-active", "nap"}).out, "active\n");
    const Output hint = hearthd.ctl({"enable", "static"});
    EXPECT_EQ(hint.status, 0);
    EXPECT_NE(hint.err.find("no installation config"), std::string::npos) << hint.err;
    const Output missing = hearthd.ctl({"enable", "nosuch"});
    EXPECT_EQ(missing.status, 1);
    EXPECT_EQ(missing.err, "Failed to enable unit: Unit file nosuch.service does not exist.\n");
}

// A unit is loaded when it is first asked for, also one whose file came after its directory was
// read.
TEST_F(HearthdUnitFiles, AFileThatCameLaterHasAState) {
    const HearthdProcess hearthd;
    add_units(hearthd);
    EXPECT_EQ(hearthd.show("nap.service", "UnitFileState"), "disabled");
    hearthd.add("late.service", nap);
    EXPECT_EQ(hearthd.show("late.service", "UnitFileState"), "disabled");
    EXPECT_EQ(hearthd.show("late.service", "UnitFilePreset"), "enabled");
    hearthd.add("later.service", "[Service]\nExecStart=/bin/true\n");
    EXPECT_EQ(hearthd.show("later.service", "UnitFileState"), "static");
}

TEST_F(HearthdUnitFiles, RuntimeLinksStandBelowTheRuntimeDirectory) {
    const HearthdProcess hearthd;
    add_units(hearthd);
    EXPECT_EQ(hearthd.ctl({"enable", "--runtime", "nap"}).status, 0);
    EXPECT_EQ(
        target(hearthd.place() + "/runtime/system/day.target.wants/nap.service"),
        hearthd.units() + "/nap.service");
    EXPECT_EQ(hearthd.ctl({"is-enabled", "nap"}).out, "enabled-runtime\n");
    EXPECT_EQ(hearthd.ctl({"start", "day.target"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"is-active", "nap"}).out, "active\n");
    EXPECT_EQ(hearthd.ctl({"disable", "--runtime", "nap"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"is-enabled", "nap"}).out, "disabled\n");
    const ScratchDirectory elsewhere;
    elsewhere.file("far.service", nap);
    EXPECT_EQ(hearthd.ctl({"link", "--runtime", elsewhere.path("far.service")}).status, 0);
    EXPECT_EQ(hearthd.ctl({"is-enabled", "far"}).out, "linked-runtime\n");
    EXPECT_EQ(hearthd.ctl({"start", "far"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"stop", "far"}).status, 0);
}

TEST_F(HearthdUnitFiles, MasksLinksAndReverts) {
    const HearthdProcess hearthd;
    add_units(hearthd);
    const ScratchDirectory elsewhere;
    elsewhere.file("far.service", nap);
    EXPECT_EQ(hearthd.ctl({"enable", elsewhere.path("far.service")}).status, 0);
    EXPECT_EQ(target(hearthd.units() + "/far.service"), elsewhere.path("far.service"));
    EXPECT_EQ(hearthd.ctl({"start", "far"}).status, 0);
    const Output masked = hearthd.ctl({"mask", "--now", "gone.service"});
    EXPECT_EQ(masked.status, 0) << masked.err;
    EXPECT_EQ(target(hearthd.units() + "/gone.service"), "/dev/null");
    EXPECT_EQ(hearthd.ctl({"is-enabled", "gone"}).out, "masked\n");
    EXPECT_NE(hearthd.ctl({"start", "gone"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"unmask", "gone"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"mask", "nap"}).status, 1);  // its own file is in the way
    EXPECT_EQ(hearthd.ctl({"disable", "--now", "far"}).status, 0);
    EXPECT_EQ(target(hearthd.units() + "/far.service"), "");
    EXPECT_EQ(hearthd.ctl({"is-enabled", "far"}).status, 1);
    EXPECT_EQ(hearthd.ctl({"add-wants", "night.target", "static"}).status, 0);
    EXPECT_EQ(
        target(hearthd.units() + "/night.target.wants/static.service"),
        hearthd.units() + "/static.service");
    EXPECT_EQ(hearthd.ctl({"set-default", "night"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"get-default"}).out, "night.target\n");
    hearthd.add("nap.service.d/more.conf", "[Unit]\nDescription=More\n");
    EXPECT_EQ(hearthd.ctl({"revert", "nap"}).status, 0);
    EXPECT_FALSE(fs::exists(hearthd.units() + "/nap.service.d"));
}

TEST_F(HearthdUnitFiles, PresetsStandBesideTheUnitDirectories) {
    const HearthdProcess hearthd;
    add_units(hearthd);
    hearthd.add(
        "../" + fs::path(hearthd.units()).filename().string() + "-preset/1.preset",
        "enable nap.service\ndisable *\n");
    EXPECT_EQ(hearthd.ctl({"preset-all"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"is-enabled", "nap"}).out, "enabled\n");
    EXPECT_EQ(hearthd.show("static.service", "UnitFilePreset"), "disabled");
    EXPECT_EQ(
        hearthd.ctl({"list-unit-files", "--no-legend", "nap.service", "static.service"}).out,
        "nap.service    enabled enabled\nstatic.service static  -\n");
    EXPECT_EQ(hearthd.ctl({"preset", "--preset-mode=sometimes", "nap"}).status, 1);
}

TEST_F(HearthdUnitFiles, SaysWhereADiskIsReadOnly) {
    const ScratchDirectory units;
    units.file("nap.service", nap);
    units.file("day.target", "[Unit]\n");
    const std::string& place = units.path();
    Ground ground;
    ground.command = {
        "/usr/bin/unshare",
        "--mount",
        "/bin/sh",
        "-c",
        "mount --bind " + place + " " + place + " && mount -o remount,ro,bind " + place +
            " && exec \"$@\"",
        "sh"};
    const HearthdProcess hearthd(place, {}, ground);
    const Output refused = hearthd.ctl({"enable", "nap"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.err.find(place + "/day.target.wants"), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("Read-only file system"), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("--runtime"), std::string::npos) << refused.err;
    EXPECT_EQ(hearthd.ctl({"enable", "--runtime", "nap"}).status, 0);
    EXPECT_EQ(hearthd.ctl({"is-enabled", "nap"}).out, "enabled-runtime\n");
}

TEST_F(HearthdUnitFiles, ServesTheStockClient) {
    if (stock_systemctl().empty()) {
        GTEST_SKIP() << "no systemctl on this machine";
    }
    HearthdProcess hearthd;
    add_units(hearthd);
    const auto systemctl = [&](const std::string& words) {
        return run_stock_systemctl(hearthd, words);
    };
    const std::string file = hearthd.units() + "/nap.service";
    const std::string link = hearthd.units() + "/day.target.wants/nap.service";
    const Output enabled = systemctl("enable --now nap.service");
    EXPECT_EQ(enabled.status, 0);
    EXPECT_EQ(enabled.err, "Created symlink " + link + " → " + file + ".\n");
    EXPECT_EQ(systemctl("is-enabled nap.service").out, "enabled\n");
    EXPECT_EQ(systemctl("is-enabled --full nap.service").out, "enabled\n  " + link + "\n");
    EXPECT_EQ(systemctl("is-active nap.service").out, "active\n");
    EXPECT_EQ(systemctl("reenable nap.service").status, 0);
    EXPECT_EQ(systemctl("disable --now nap.service").err, "Removed \"" + link + "\".\n");
    EXPECT_EQ(systemctl("is-enabled nap.service").status, 1);
    EXPECT_EQ(systemctl("enable --runtime nap.service").status, 0);
    EXPECT_EQ(systemctl("is-enabled nap.service").out, "enabled-runtime\n");
    EXPECT_EQ(systemctl("mask gone.service").status, 0);
    EXPECT_EQ(systemctl("is-enabled gone.service").out, "masked\n");
    EXPECT_EQ(systemctl("unmask gone.service").status, 0);
    EXPECT_EQ(systemctl("preset nap.service").status, 0);
    EXPECT_EQ(systemctl("preset-all --preset-mode=disable-only").status, 0);
    EXPECT_EQ(systemctl("add-requires night.target static.service").status, 0);
    EXPECT_EQ(systemctl("set-default night.target").status, 0);
    EXPECT_EQ(systemctl("get-default").out, "night.target\n");
    EXPECT_EQ(systemctl("revert nap.service").status, 0);
    EXPECT_EQ(
        systemctl("list-unit-files --no-legend nap.service static.service").out.substr(0, 11),
        "nap.service");
    const Output missing = systemctl("enable nosuch.service");
    EXPECT_EQ(missing.status, 1);
    EXPECT_NE(missing.err.find("nosuch.service does not exist"), std::string::npos) << missing.err;
}

}  // namespace
}  // namespace hearth::test
