// SPDX-License-Identifier: MIT
//
// fstab(5) as unit files.
#include "units/fstab.hpp"

#include <gtest/gtest.h>

#include "tests/units/unit_text.hpp"

namespace hearth {
namespace {

Fstab read(const std::string& text) {
    return units_of_fstab(text, "/etc/fstab");
}

TEST(Fstab, MakesAMountOfEachLine) {
    const Fstab fstab = read(
        "# comment\n\n/dev/sda1 / ext4 defaults 0 1\n"
        "/dev/sda2\t/srv/a\\040b  ext4 ro,noatime 0 0\n"
        "proc /proc proc defaults 0 0\n");
    ASSERT_EQ(fstab.units.size(), 1U);
    EXPECT_EQ(messages(fstab.diagnostics), "");
    EXPECT_EQ(fstab.units[0].name, "srv-a\\x20b.mount");
    EXPECT_EQ(
        fstab.units[0].text,
        "# Made by hearthd out of /etc/fstab\n[Unit]\nDocumentation=man:fstab(5)\n"
        "SourcePath=/etc/fstab\nBefore=local-fs.target\n\n[Mount]\nWhat=/dev/sda2\n"
        "Where=/srv/a b\nType=ext4\nOptions=ro,noatime\n");
    EXPECT_EQ(
        fstab.units[0].links,
        (std::vector<std::string>{"local-fs.target.requires/srv-a\\x20b.mount"}));
}

TEST(Fstab, WhatItMakesLoads) {
    const Fstab fstab = read(
        "LABEL=\"a\\040b\" /srv/x auto nofail,x-systemd.mount-timeout=7,x-systemd.rw-only,"
        "x-systemd.requires=a.service,x-systemd.requires-mounts-for=/opt 0 0\n");
    ASSERT_EQ(fstab.units.size(), 1U);
    const Unit unit = load_text(fstab.units[0].text, {}, fstab.units[0].name);
    EXPECT_EQ(messages(unit.diagnostics), "");
    EXPECT_EQ(unit.settings.mount.what, "/dev/disk/by-label/a\\x20b");
    EXPECT_EQ(unit.settings.mount.timeout, Timespan::seconds(7));
    EXPECT_TRUE(unit.settings.mount.read_write_only);
    EXPECT_EQ(unit.settings.mount.type, "");
    EXPECT_EQ(unit.settings.unit.requires_.names, (std::vector<std::string>{"a.service"}));
    EXPECT_EQ(
        fstab.units[0].links, (std::vector<std::string>{"local-fs.target.wants/srv-x.mount"}));
}

TEST(Fstab, PullsInWhatTheOptionsSay) {
    EXPECT_TRUE(read("a /x tmpfs noauto 0 0").units.at(0).links.empty());
    EXPECT_EQ(
        read("h:/a /x nfs defaults 0 0").units.at(0).links,
        (std::vector<std::string>{"remote-fs.target.requires/x.mount"}));
    EXPECT_EQ(
        read("a /x ext4 _netdev,nofail 0 0").units.at(0).links,
        (std::vector<std::string>{"remote-fs.target.wants/x.mount"}));
    EXPECT_EQ(
        read("a /x ext4 x-systemd.wanted-by=b.service,x-systemd.required-by=c.service 0 0")
            .units.at(0)
            .links,
        (std::vector<std::string>{"b.service.wants/x.mount", "c.service.requires/x.mount"}));
}

TEST(Fstab, TellsWhatItLeavesOut) {
    const Fstab fstab = read(
        "alone\na relative ext4 defaults 0 0\n"
        "/dev/a /x ext4 x-systemd.growfs,x-systemd.after= 0 2\nb /x ext4 defaults 0 0\n"
        "a none swap sw 0 0\n");
    ASSERT_EQ(fstab.units.size(), 1U);
    EXPECT_EQ(
        messages(fstab.diagnostics),
        "fstab:1: a line needs at least what to mount and where\n"
        "fstab:2: the mount point 'relative' is no absolute path\n"
        "fstab:3: x-systemd.after= names no unit\n"
        "fstab:3: the file system is not checked before it is mounted (field 6 is 2): there is no "
        "fsck.ext4\n"
        "fstab:3: x-systemd.growfs has no effect: it is not built\n"
        "fstab:4: a line before mounts there already; this one is left out\n"
        "fstab:5: the swap space 'a' is no absolute path\n");
}

TEST(Fstab, MakesSwapUnits) {
    const Fstab fstab = read(
        "/dev/sda3 none swap sw 0 0\nUUID=1 none swap pri=5,nofail 0 0\n"
        "/swap none swap noauto 0 0\n");
    ASSERT_EQ(fstab.units.size(), 3U);
    EXPECT_EQ(messages(fstab.diagnostics), "");
    EXPECT_EQ(fstab.units[0].name, "dev-sda3.swap");
    EXPECT_EQ(
        fstab.units[0].text,
        "# Made by hearthd out of /etc/fstab\n[Unit]\nDocumentation=man:fstab(5)\n"
        "SourcePath=/etc/fstab\nBefore=swap.target\n\n[Swap]\nWhat=/dev/sda3\n");
    EXPECT_EQ(
        fstab.units[0].links, (std::vector<std::string>{"swap.target.requires/dev-sda3.swap"}));
    EXPECT_NE(fstab.units[1].text.find("Options=pri=5,nofail\n"), std::string::npos);
    EXPECT_EQ(
        fstab.units[1].links,
        (std::vector<std::string>{"swap.target.wants/dev-disk-by\\x2duuid-1.swap"}));
    EXPECT_TRUE(fstab.units[2].links.empty());
}

TEST(Fstab, AnAutomountIsPulledInInTheMountsPlace) {
    const Fstab fstab =
        read("/dev/a /x ext4 noauto,x-systemd.automount,x-systemd.idle-timeout=1min 0 0\n");
    ASSERT_EQ(fstab.units.size(), 2U);
    EXPECT_EQ(fstab.units[0].name, "x.mount");
    EXPECT_TRUE(fstab.units[0].links.empty());
    EXPECT_EQ(fstab.units[1].name, "x.automount");
    EXPECT_NE(
        fstab.units[1].text.find("[Automount]\nWhere=/x\nTimeoutIdleSec=1min\n"),
        std::string::npos);
    EXPECT_EQ(
        fstab.units[1].links, (std::vector<std::string>{"local-fs.target.requires/x.automount"}));
}

TEST(Fstab, ADeviceIsWaitedForAsLongAsTheLineSays) {
    const Fstab fstab = read("/dev/a /x ext4 nofail,x-systemd.device-timeout=3 0 0\n");
    ASSERT_EQ(fstab.units.size(), 2U);
    EXPECT_EQ(fstab.units[1].name, "dev-a.device.d/50-device-timeout.conf");
    EXPECT_EQ(
        fstab.units[1].text,
        "# Made by hearthd out of /etc/fstab\n[Unit]\nJobRunningTimeoutSec=3\n");
    EXPECT_TRUE(fstab.units[1].links.empty());
}

TEST(Fstab, IsCheckedWhereThereIsAFsck) {
    const Fstab fstab =
        units_of_fstab("/dev/a /x ext4 defaults 0 2\n", "/etc/fstab", {{"ext4", "vfat"}});
    EXPECT_EQ(messages(fstab.diagnostics), "");
    EXPECT_NE(
        fstab.units.at(0).text.find(
            "Requires=systemd-fsck@dev-a.service\nAfter=systemd-fsck@dev-a.service\n"),
        std::string::npos);
}

TEST(Fstab, KnowsTheRootsOptions) {
    EXPECT_EQ(root_options_of_fstab("# /dev/x / ext4 ro\n/dev/a /x ext4 ro\n"), "");
    EXPECT_EQ(root_options_of_fstab("/dev/a / ext4\n"), "defaults");
    EXPECT_EQ(root_options_of_fstab("/dev/a / ext4 noatime,rw 0 1\n"), "noatime,rw");
}

}  // namespace
}  // namespace hearth
