// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include "supervisor/mount_table.hpp"

namespace hearth {
namespace {

TEST(Mountinfo, ReadsLinesOfMountinfo) {
    const auto table = read_mount_table(
        "36 35 98:3 /a /mnt\\040x rw,noatime master:1 - ext4 /dev/root rw,errors=continue\n"
        "37 36 0:41 / /am rw,relatime - autofs systemd-1 rw,fd=3\n"
        "a broken line\n");
    ASSERT_EQ(table.size(), 2U);
    EXPECT_EQ(
        table[0],
        (MountEntry{makedev(98, 3), "/mnt x", "/dev/root", "ext4", "rw,noatime,errors=continue"}));
    EXPECT_EQ(table[1].type, "autofs");
}

TEST(Mountinfo, ReadsLinesOfSwaps) {
    const auto table = read_swap_table(
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/dev/sda2                               partition\t1000\t\t0\t\t-2\n"
        "/swap\\040file file 5 0 7\n");
    EXPECT_EQ(table, (std::vector<SwapEntry>{{"/dev/sda2", -2}, {"/swap file", 7}}));
}

}  // namespace
}  // namespace hearth
