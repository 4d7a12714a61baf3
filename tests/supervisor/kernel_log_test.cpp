// SPDX-License-Identifier: MIT
#include "supervisor/cgroup/kernel_log.hpp"

#include <gtest/gtest.h>

namespace hearth::cgroup {
namespace {

std::string chosen(const std::string& group, const std::string& name, int pid) {
    return "6,100,5000,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,"
           "mems_allowed=0,oom_memcg=" +
           group + ",task_memcg=" + group + ",task=" + name + ",pid=" + std::to_string(pid) +
           ",uid=0\n";
}

std::string killed(int pid, const std::string& name) {
    return "3,101,5001,-;Memory cgroup out of memory: Killed process " + std::to_string(pid) +
           " (" + name +
           ") total-vm:30776kB, anon-rss:24196kB, file-rss:848kB, shmem-rss:4kB, UID:0 "
           "pgtables:96kB oom_score_adj:0\n";
}

constexpr const char* unit = "hearth/system.slice/a.service";

TEST(Victims, AreNamedByTwoLinesOfTheKernels) {
    Victims victims;
    victims.read(chosen("/host/hearth/system.slice/a.service", "tail", 12));
    EXPECT_TRUE(victims.take(unit).empty());  // its size is still to come
    victims.read("4,102,5001,-; out_of_memory+0x214/0x500\n");
    victims.read(killed(12, "tail"));
    const Victim expected{
        12, "tail", "/host/hearth/system.slice/a.service", std::uint64_t{24196 + 848 + 4} * 1024};
    EXPECT_EQ(victims.take(unit), std::vector<Victim>{expected});
    EXPECT_TRUE(victims.take(unit).empty());
}

TEST(Victims, AreThoseOfTheCgroupAndBelow) {
    Victims victims;
    int pid = 1;
    for (const char* const group :
         {"/hearth/system.slice/a.service/below",
          "/hearth/system.slice/a.service2",
          "/myhearth/system.slice/a.service",
          "/hearth/system.slice/b.service"}) {
        victims.read(chosen(group, "x", pid));
        victims.read(killed(pid++, "x"));
    }
    const auto found = victims.take(unit);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].pid, 1);
    EXPECT_EQ(victims.take("hearth/system.slice/b.service").size(), 1U);
}

TEST(Victims, MayChooseTheirNameAndNothingElse) {
    Victims victims;
    victims.read(chosen("/hearth/system.slice/a.service", "a,pid=1,uid=0", 12));
    victims.read(killed(12, "a) total-vm:9kB"));
    const auto found = victims.take(unit);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].pid, 12);
    EXPECT_EQ(found[0].name, "a,pid=1,uid=0");
}

TEST(Victims, AreNotWhomAProcessWritesIntoTheLog) {
    Victims victims;
    std::string line = chosen("/hearth/system.slice/a.service", "tail", 12);
    line.replace(0, 1, "14");  // facility 1, as everybody's who writes to /dev/kmsg
    victims.read(line);
    victims.read(killed(12, "tail"));
    EXPECT_TRUE(victims.take(unit).empty());
    victims.read("");
    victims.read("6;oom-kill:");
    victims.read("6;oom-kill:,task_memcg=,pid=");
    EXPECT_TRUE(victims.take("").empty());
}

TEST(Victims, AreForgottenWhenThereAreMany) {
    Victims victims;
    for (int pid = 1; pid <= 1000; ++pid) {
        victims.read(chosen("/hearth/system.slice/a.service", "x", pid));
        victims.read(killed(pid, "x"));
    }
    const auto found = victims.take(unit);
    ASSERT_FALSE(found.empty());
    EXPECT_LT(found.size(), 100U);
    EXPECT_EQ(found.back().pid, 1000);
}

}  // namespace
}  // namespace hearth::cgroup
