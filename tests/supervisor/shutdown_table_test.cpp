// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "supervisor/init/shutdown/table.hpp"

namespace {

using hearth::shutdown::has_option;
using hearth::shutdown::is_below;
using hearth::shutdown::is_virtual;
using hearth::shutdown::Mount;
using hearth::shutdown::next_mount;
using hearth::shutdown::next_swap;

TEST(ShutdownMounts, LinesAreTakenApart) {
    std::string text =
        "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n"
        "36 21 98:0 /a /with\\040space\\134 ro,noatime master:1 propagate_from:2 - fuse.sshfs "
        "host:/a\\040b rw,user_id=0\n"
        "37 21 0:5 / /none rw - tmpfs tmpfs rw\n";
    char* at = text.data();
    Mount mount;
    ASSERT_TRUE(next_mount(at, mount));
    EXPECT_STREQ(mount.where, "/");
    EXPECT_STREQ(mount.type, "ext4");
    EXPECT_STREQ(mount.source, "/dev/sda1");
    EXPECT_STREQ(mount.super_options, "rw,errors=remount-ro");
    ASSERT_TRUE(next_mount(at, mount));
    EXPECT_STREQ(mount.where, "/with space\\");
    EXPECT_STREQ(mount.options, "ro,noatime");
    EXPECT_STREQ(mount.type, "fuse.sshfs");
    EXPECT_STREQ(mount.source, "host:/a b");
    ASSERT_TRUE(next_mount(at, mount));
    EXPECT_STREQ(mount.where, "/none");
    EXPECT_STREQ(mount.type, "tmpfs") << "no optional fields";
    EXPECT_FALSE(next_mount(at, mount));
}

TEST(ShutdownMounts, WhatIsNoLineHasNoPlace) {
    std::string text = "\n21 1 8:1\nlast line without end";
    char* at = text.data();
    std::vector<std::string> places;
    Mount mount;
    while (next_mount(at, mount)) {
        places.emplace_back(mount.where);
    }
    EXPECT_EQ(places, (std::vector<std::string>{"", "", ""}));
}

TEST(ShutdownSwaps, AreTheFirstWords) {
    std::string text =
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/swap\\040file                          file\t\t65532\t\t0\t\t-2\n";
    char* at = text.data();
    EXPECT_STREQ(next_swap(at), "Filename");
    EXPECT_STREQ(next_swap(at), "/swap file");
    EXPECT_EQ(next_swap(at), nullptr);
}

TEST(ShutdownMounts, WordsAreWhole) {
    EXPECT_TRUE(is_below("/dev/shm", "/dev"));
    EXPECT_TRUE(is_below("/dev", "/dev"));
    EXPECT_FALSE(is_below("/device", "/dev"));
    EXPECT_TRUE(is_virtual("tmpfs"));
    EXPECT_FALSE(is_virtual("ext4"));
    EXPECT_TRUE(has_option("rw,noatime", "noatime"));
    EXPECT_FALSE(has_option("rw,errors=remount-ro", "ro"));
    EXPECT_FALSE(has_option("", "ro"));
}

}  // namespace
