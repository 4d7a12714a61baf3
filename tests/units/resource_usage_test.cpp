// SPDX-License-Identifier: MIT
#include "units/resource_usage.hpp"

#include <gtest/gtest.h>

namespace hearth::test {
namespace {

using Lines = std::vector<std::string>;

TEST(ResourceUsage, IsSummedUpInSystemdsWords) {
    ResourceUsage usage;
    EXPECT_EQ(consumption(usage), "");
    usage.cpu_nanoseconds = 2'105'400'000;
    EXPECT_EQ(consumption(usage), "Consumed 2.105s CPU time.");
    usage.memory_peak_bytes = 10'800'332;
    usage.io_read_bytes = 0;
    usage.ip_ingress_bytes = 1536;
    EXPECT_EQ(
        consumption(usage),
        "Consumed 2.105s CPU time, 10.2M memory peak, received 1.5K IP traffic.");
    usage.cpu_nanoseconds.reset();
    usage.memory_peak_bytes.reset();
    usage.io_read_bytes = 4096;
    EXPECT_EQ(consumption(usage), "Read 4.0K from disk, received 1.5K IP traffic.");
}

TEST(ResourceUsage, WhatIsCurrentEndsWithTheCgroup) {
    ResourceUsage usage;
    usage.cpu_nanoseconds = 1;
    usage.memory_current_bytes = 2;
    usage.memory_peak_bytes = 3;
    usage.tasks_current = 4;
    ResourceUsage last;
    last.cpu_nanoseconds = 1;
    last.memory_peak_bytes = 3;
    EXPECT_EQ(usage.final_figures(), last);
}

TEST(LimitHits, AreToldOnceAndCounted) {
    LimitHits hits;
    ResourceUsage usage;
    usage.refused_forks = 0;
    EXPECT_EQ(hits.note(usage, {10, 100}), Lines{});
    EXPECT_TRUE(hits.all().empty());
    usage.refused_forks = 1;
    EXPECT_EQ(hits.note(usage, {11, 101}), Lines{"TasksMax refused it a new task once"});
    usage.refused_forks = 3;
    EXPECT_EQ(hits.note(usage, {15, 105}), Lines{});
    EXPECT_EQ(hits.note(usage, {19, 109}), Lines{});
    ASSERT_EQ(hits.all().size(), 1U);
    EXPECT_EQ(hits.all()[0], (LimitHit{"TasksMax", 3, {11, 101}, {15, 105}, {}}));
    EXPECT_EQ(describe(hits.all()[0]), "TasksMax refused it a new task 3 times");
}

TEST(LimitHits, HaveNoTimeThatNobodyTold) {
    LimitHits hits;
    ResourceUsage usage;
    usage.throttled_periods = 7;
    usage.out_of_memory_kills = 1;
    EXPECT_EQ(
        hits.note(usage, {}),
        (Lines{"CPUQuota made it wait 7 times", "OOMKill ended a process once"}));
    ASSERT_EQ(hits.all().size(), 2U);
    EXPECT_EQ(hits.all()[0], (LimitHit{"CPUQuota", 7, {}, {}, {}}));
    // A figure that can't be read any more takes nothing back.
    EXPECT_EQ(hits.note({}, {20, 200}), Lines{});
    EXPECT_EQ(hits.all()[0].count, 7U);
}

TEST(LimitHits, TravelAsText) {
    LimitHit hit{"TasksMax", 3, {11, 101}, {15, 105}, {}};
    EXPECT_EQ(to_text(hit), "TasksMax count=3 first=101 last=105");
    EXPECT_EQ(limit_hit(to_text(hit)), (LimitHit{"TasksMax", 3, {0, 101}, {0, 105}, {}}));
    EXPECT_EQ(limit_hit("Unheard count=3"), std::nullopt);
    hit.detail = "a first=7 (pid 12, 15.8M)";
    EXPECT_EQ(to_text(hit), "TasksMax count=3 first=101 last=105 detail=a first=7 (pid 12, 15.8M)");
    EXPECT_EQ(limit_hit(to_text(hit))->detail, hit.detail);
    EXPECT_EQ(limit_hit(to_text(hit))->first.realtime, 101U);
}

TEST(LimitHits, AreExplainedWhereTheyHappened) {
    LimitHits hits;
    hits.explain("OOMKill", "tail");
    EXPECT_TRUE(hits.all().empty());
    ResourceUsage usage;
    usage.out_of_memory_kills = 1;
    static_cast<void>(hits.note(usage, {}));
    hits.explain("OOMKill", "tail");
    usage.out_of_memory_kills = 2;
    static_cast<void>(hits.note(usage, {}));
    ASSERT_EQ(hits.all().size(), 1U);
    EXPECT_EQ(hits.all()[0].detail, "tail");
}

}  // namespace
}  // namespace hearth::test
