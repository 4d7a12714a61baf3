// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "supervisor/cgroup/mounts.hpp"
#include "supervisor/cgroup/tree.hpp"

namespace hearth::cgroup {
namespace {

// A development machine: v1 controllers one by one, a v2 tree without controllers.
constexpr const char* hybrid_mounts =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
constexpr const char* hybrid_self =
    "9:name=systemd:/\n8:pids:/\n4:memory:/process_api/c2c6\n1:cpu:/\n0::/\n";

// Debian 12 under systemd: all on v2, hearthd in a service.
constexpr const char* unified_mounts =
    "24 22 0:22 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 "
    "rw,nsdelegate,memory_recursiveprot\n";

// A docker container with v1: each mount shows the container's own cgroup, read-only.
constexpr const char* docker_mounts =
    "900 890 0:30 /docker/1f /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:11 - cgroup cgroup "
    "rw,cpu,cpuacct\n"
    "901 890 0:29 /docker/1f /sys/fs/cgroup/unified ro,nosuid master:10 - cgroup2 cgroup rw\n";
constexpr const char* docker_self = "4:cpu,cpuacct:/docker/1f/x\n0::/docker/1f\n";

void check(
    const std::optional<Place>& place,
    const std::string& mount,
    const std::string& own,
    bool read_only = false) {
    ASSERT_TRUE(place.has_value());
    EXPECT_EQ(place->mount, mount);
    EXPECT_EQ(place->own, own);
    EXPECT_EQ(place->read_only, read_only);
}

std::optional<Place> v1(const Hierarchies& found, const std::string& controller) {
    const auto place = found.v1.find(controller);
    return place == found.v1.end() ? std::nullopt : std::optional(place->second);
}

TEST(CgroupMounts, OwnPathsDifferPerHierarchyOnAHybridMachine) {
    const Hierarchies found = find_hierarchies(hybrid_mounts, hybrid_self, false);
    check(found.unified, "/sys/fs/cgroup/unified", "");
    check(v1(found, "memory"), "/sys/fs/cgroup/memory", "/process_api/c2c6");
    check(v1(found, "cpu"), "/sys/fs/cgroup/cpu", "");
    check(v1(found, "systemd"), "/sys/fs/cgroup/systemd", "");
    EXPECT_EQ(found.v1.size(), 4U);
    EXPECT_TRUE(found.v1_problems.empty());
}

TEST(CgroupMounts, WhatIsHiddenByAnotherMountIsNotFound) {
    // cgroup2 over all of the hybrid machine's hierarchies; a container does so for its processes.
    const std::string over =
        hybrid_mounts + std::string("50 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    const Hierarchies all = find_hierarchies(over, hybrid_self, false);
    check(all.unified, "/sys/fs/cgroup", "");
    EXPECT_TRUE(all.v1.empty());
    // One of them alone, by a mount on top of it; and none by one beside it.
    const std::string one =
        hybrid_mounts + std::string(
                            "51 35 0:50 / /sys/fs/cgroup/memory rw - tmpfs t rw\n52 31 0:51 / "
                            "/sys/fs/cgroup/cpuset rw - tmpfs t rw\n");
    const Hierarchies rest = find_hierarchies(one, hybrid_self, false);
    EXPECT_FALSE(rest.v1.contains("memory"));
    EXPECT_EQ(rest.v1.size(), 3U);
    check(rest.unified, "/sys/fs/cgroup/unified", "");
}

TEST(CgroupMounts, UnifiedMachineHasNoV1Controllers) {
    const Hierarchies found =
        find_hierarchies(unified_mounts, "0::/system.slice/hearth.service\n", false);
    check(found.unified, "/sys/fs/cgroup", "/system.slice/hearth.service");
    EXPECT_TRUE(found.v1.empty());
}

TEST(CgroupMounts, LeafThatHearthdMovedIntoIsNotPartOfItsPlace) {
    check(
        find_hierarchies(unified_mounts, "0::/init.scope\n", false).unified, "/sys/fs/cgroup", "");
    check(
        find_hierarchies(unified_mounts, "0::/a/init.scope\n", false).unified,
        "/sys/fs/cgroup",
        "/a");
}

TEST(CgroupMounts, MountOfASubtreeIsRelativeToIt) {
    const Hierarchies found = find_hierarchies(docker_mounts, docker_self, false);
    check(found.unified, "/sys/fs/cgroup/unified", "", true);
    check(v1(found, "cpu"), "/sys/fs/cgroup/cpu,cpuacct", "/x", true);
    check(v1(found, "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct", "/x", true);
}

TEST(CgroupMounts, OwnCgroupOutsideTheMountIsAProblemInWords) {
    const Hierarchies found = find_hierarchies(docker_mounts, "0::/other\n", false);
    EXPECT_FALSE(found.unified.has_value());
    EXPECT_NE(found.unified_problem.find("\"/other\" is not visible"), std::string::npos);
    // A prefix of the name is no parent.
    EXPECT_FALSE(find_hierarchies(docker_mounts, "0::/docker/1ff\n", false).unified.has_value());
    // Outside of our cgroup namespace.
    EXPECT_FALSE(find_hierarchies(unified_mounts, "0::/../a\n", false).unified.has_value());
}

TEST(CgroupMounts, AbsoluteRootDoesNotNeedOurOwnPlace) {
    const Hierarchies found = find_hierarchies(docker_mounts, "0::/other\n", true);
    check(found.unified, "/sys/fs/cgroup/unified", "", true);
}

TEST(CgroupMounts, WritableMountIsPreferredAndLaterMountHidesEarlier) {
    const std::string read_only =
        "1 0 0:1 / /a ro - cgroup2 cgroup2 rw\n2 0 0:1 / /b rw - cgroup2 cgroup2 rw\n";
    check(find_hierarchies(read_only, "0::/\n", false).unified, "/b", "");
    const std::string covered =
        "1 0 0:1 / /a rw - cgroup2 cgroup2 rw\n2 1 0:1 /x /a rw - cgroup2 cgroup2 rw\n";
    check(find_hierarchies(covered, "0::/x/y\n", false).unified, "/a", "/y");
}

TEST(CgroupMounts, RubbishIsSkipped) {
    EXPECT_TRUE(parse_mountinfo("").empty());
    EXPECT_TRUE(parse_mountinfo("1 2 3 - cgroup\n - \n-\n\n\x01\xff").empty());
    EXPECT_TRUE(parse_mountinfo("1 0 0:1 / /a rw - cgroup2\n").empty());
    EXPECT_TRUE(parse_self_cgroup("\n:\nrubbish\n3:\n").empty());
    EXPECT_EQ(parse_self_cgroup("5:a,b:/p:q\n0::/").at("b"), "/p:q");
}

TEST(CgroupMounts, EscapedMountPointsAreDecoded) {
    const auto mounts = parse_mountinfo("1 0 0:1 / /a\\040b\\134 rw - cgroup2 c rw\n");
    ASSERT_EQ(mounts.size(), 1U);
    EXPECT_EQ(mounts[0].point, "/a b\\");
}

TEST(CgroupMounts, PathsAreNamesWithSlashesBetween) {
    EXPECT_EQ(components("system.slice/heat.service")->size(), 2U);
    for (const char* path : {"", "/", "a//b", "a/", "/a", "..", "a/../b", "./a"}) {
        EXPECT_FALSE(components(path).has_value()) << path;
    }
    EXPECT_EQ(join("/", "a"), "/a");
    EXPECT_EQ(join("/a/", "/b"), "/a/b");
    EXPECT_EQ(join("/", ""), "/");
    EXPECT_EQ(join("/a", ""), "/a");
}

class CgroupTreeErrors : public testing::Test {
protected:
    void SetUp() override {
        base_ = testing::TempDir() + "hearth-cgroup-" + std::to_string(::getpid());
    }
    void TearDown() override {
        std::remove((base_ + ".mounts").c_str());
        std::remove((base_ + ".self").c_str());
    }
    std::string error(const std::string& mounts, const std::string& self, const std::string& root) {
        std::ofstream(base_ + ".mounts") << mounts;
        std::ofstream(base_ + ".self") << self;
        Tree::Options options;
        options.root = root;
        options.mountinfo_path = base_ + ".mounts";
        options.self_cgroup_path = base_ + ".self";
        const Result<Tree> tree = Tree::open(options);
        return tree ? "" : tree.error().what;
    }
    std::string base_;
};

TEST_F(CgroupTreeErrors, NoUnifiedHierarchyTellsHowToMountOne) {
    EXPECT_NE(
        error("32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup c rw,cpu\n", "1:cpu:/\n", "hearth")
            .find("mount -t cgroup2"),
        std::string::npos);
}

TEST_F(CgroupTreeErrors, OwnCgroupOutOfSightTellsOfAnAbsoluteRoot) {
    EXPECT_NE(error(docker_mounts, "0::/x\n", "hearth").find("--cgroup-root /"), std::string::npos);
}

TEST_F(CgroupTreeErrors, MountPointThatIsNoCgroupFileSystemIsCalledHidden) {
    EXPECT_NE(
        error("1 0 0:1 / /tmp rw - cgroup2 c rw\n", "0::/\n", "hearth").find("hidden"),
        std::string::npos);
}

TEST_F(CgroupTreeErrors, RootMustBeNames) {
    for (const char* root : {"", "/", "..", "a/../..", "/.."}) {
        EXPECT_NE(error(unified_mounts, "0::/\n", root).find("no cgroup path"), std::string::npos)
            << root;
    }
}

}  // namespace
}  // namespace hearth::cgroup
