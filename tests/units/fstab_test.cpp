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
        "/dev/sda3 none swap sw 0 0\n");
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
        "alone\na relative ext4 defaults 0 0\na /x ext4 x-systemd.automount,x-systemd.after= 0 2\n"
        "b /x ext4 defaults 0 0\n");
    ASSERT_EQ(fstab.units.size(), 1U);
    EXPECT_EQ(
        messages(fstab.diagnostics),
        "fstab:1: a line needs at least what to mount and where\n"
        "fstab:2: the mount point 'relative' is no absolute path\n"
        "fstab:3: x-systemd.after= names no unit\n"
        "fstab:3: x-systemd.automount has no effect: it is not built\n"
        "fstab:3: the file system is not checked before it is mounted (field 6 is 2)\n"
        "fstab:4: a line before mounts there already; this one is left out\n");
}

}  // namespace
}  // namespace hearth
