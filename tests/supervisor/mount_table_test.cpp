// SPDX-License-Identifier: MIT
#include "supervisor/report/mount_table.hpp"

#include <gtest/gtest.h>

namespace hearth::report {
namespace {

// As since Linux 6.8: in the order of creation. The tree for /dev (40) was cloned before the
// namespace was made, so it stands before the /dev (52) that it was moved over.
constexpr const char* table =
    "40 52 0:6 / /dev rw,nosuid - devtmpfs devtmpfs rw,size=1\n"
    "50 1 254:0 / / ro,relatime master:1 - ext4 /dev/vda rw\n"
    "51 50 0:21 / /proc rw,relatime shared:7 - proc proc rw\n"
    "52 50 0:6 / /dev ro,relatime - devtmpfs devtmpfs rw\n"
    "53 52 0:23 / /dev/shm ro - tmpfs tmpfs rw\n"
    "54 40 0:24 / /dev/pts rw - devpts devpts rw\n"
    "55 50 0:30 /tmp/hearth-a/tmp /tmp rw - ext4 /dev/vda rw\n"
    "56 50 0:31 / /mnt/with\\040space\\134 ro,noexec - tmpfs none ro\n"
    "rubbish\n"
    "57 50 0:32 / /half ro\n";

struct Case {
    const char* path;
    std::uint64_t covering;
    bool exact;
};

TEST(MountTable, FollowsALookupDownFromTheTop) {
    const MountTable mounts(table);
    const auto check = [&](const Case& expected) {
        SCOPED_TRACE(expected.path);
        const Mount* found = mounts.covering(expected.path);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->id, expected.covering);
        EXPECT_EQ(mounts.at(expected.path) != nullptr, expected.exact);
    };
    check({"/", 50, true});
    check({"/usr/bin", 50, false});
    check({"/proc/1", 51, false});
    check({"/dev", 40, true});
    check({"/dev/null", 40, false});
    check({"/dev/pts", 54, true});
    check({"/dev/shm", 40, false});  // on the /dev that is covered
    check({"/tmp", 55, true});
    check({"/tmpx", 50, false});
    check({"/mnt/with space\\", 56, true});
    check({"/mnt/with space\\/in", 56, false});
}

TEST(MountTable, ShowsOnlyWhatALookupCanReach) {
    const MountTable mounts(table);
    std::vector<std::uint64_t> ids;
    for (const Mount* mount : mounts.visible()) {
        ids.push_back(mount->id);
    }
    EXPECT_EQ(ids, (std::vector<std::uint64_t>{40, 50, 51, 54, 55, 56}));
}

TEST(MountTable, ReadsOptionsWholeAndNotByTheirBeginning) {
    const Mount* mount = MountTable(table).by_id(99);
    EXPECT_EQ(mount, nullptr);
    const MountTable mounts(table);
    EXPECT_TRUE(mounts.by_id(56)->has("noexec"));
    EXPECT_FALSE(mounts.by_id(56)->has("no"));
    EXPECT_FALSE(mounts.by_id(55)->has("ro"));
    EXPECT_TRUE(mounts.by_id(50)->read_only());
    EXPECT_EQ(mounts.by_id(55)->root, "/tmp/hearth-a/tmp");
    EXPECT_EQ(mounts.by_id(40)->super_options, "rw,size=1");
    EXPECT_TRUE(mounts.has_peer_group(7));
    EXPECT_FALSE(mounts.has_peer_group(1));  // a master is another's group
    EXPECT_FALSE(mounts.has_peer_group(0));
}

TEST(MountTable, TakesThreeOnOnePlaceByTheirParents) {
    const MountTable mounts(
        "1 1 0:1 / / rw - rootfs rootfs rw\n"
        "9 7 0:3 / /run ro - tmpfs c rw\n"
        "7 5 0:2 / /run rw - tmpfs b rw\n"
        "5 1 0:2 / /run rw - tmpfs a rw\n"
        "4 9 0:2 / /run/user rw - tmpfs d rw\n");
    EXPECT_EQ(mounts.at("/run")->id, 9U);
    EXPECT_EQ(mounts.at("/run/user")->id, 4U);
    EXPECT_EQ(mounts.visible().size(), 3U);
}

TEST(MountTable, SurvivesNothingAndLoops) {
    EXPECT_EQ(MountTable("").covering("/"), nullptr);
    EXPECT_TRUE(MountTable("\n\n").visible().empty());
    const MountTable loop(
        "1 2 0:1 / / rw - a a rw\n"
        "2 1 0:1 / / rw - a a rw\n");
    EXPECT_EQ(loop.covering("/x"), nullptr);  // no top
    const MountTable broken(
        "5 1 0:1 / / rw - a a rw\n6 7 0:1 / /a rw - a a rw\n7 6 0:1 / /a rw - a a rw\n");
    EXPECT_EQ(broken.covering("/a")->id, 5U);
}

TEST(MountTable, LeavesWhatIsNoEscapeAsItIs) {
    const MountTable mounts("1 0 0:1 / / rw - a a rw\n2 1 0:1 / /a\\09x\\1 rw - a a rw\n");
    EXPECT_NE(mounts.at("/a\\09x\\1"), nullptr);
}

TEST(IsBelow, StopsAtWholeNames) {
    EXPECT_TRUE(is_below("/a", "/"));
    EXPECT_TRUE(is_below("/a/b", "/a"));
    EXPECT_TRUE(is_below("/a", "/a"));
    EXPECT_FALSE(is_below("/ab", "/a"));
    EXPECT_FALSE(is_below("/", "/a"));
}

}  // namespace
}  // namespace hearth::report
