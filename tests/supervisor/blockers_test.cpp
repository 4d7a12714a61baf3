// SPDX-License-Identifier: MIT
#include "supervisor/blockers.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace hearth {

namespace {

UnitRecord& add(World& world, const std::string& name, ServiceState state, std::uint64_t since) {
    UnitRecord& record = world.units[name];
    record.unit.name = name;
    record.unit.load_state = LoadState::Loaded;
    record.status.state = state;
    record.active_exit.monotonic = since;
    return record;
}

constexpr std::uint64_t second = 1'000'000;

}  // namespace

TEST(Blockers, AreTheUnitsThatAreBeingStoppedTheLongestFirst) {
    World world;
    add(world, "runs.service", ServiceState::Running, 5 * second);
    add(world, "ended.service", ServiceState::Dead, 5 * second);
    add(world, "late.service", ServiceState::StopSigterm, 90 * second).status.deadline =
        130 * second;
    add(world, "longest.service", ServiceState::Stop, 40 * second);
    const auto found = find_blockers(world, 100 * second);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].unit, "longest.service");
    EXPECT_EQ(found[0].since, 60 * second);
    EXPECT_FALSE(found[0].left);
    EXPECT_EQ(found[1].unit, "late.service");
    EXPECT_EQ(found[1].doing, "stop-sigterm");
    EXPECT_EQ(found[1].left, 30 * second);
    EXPECT_EQ(find_blockers(world, 200 * second)[1].left, 0U) << "it is due";
}

TEST(Blockers, AreTextForAConsoleAndJson) {
    Blocker blocker;
    blocker.unit = "a.service";
    blocker.doing = "stop-sigterm";
    blocker.since = 12'400'000;
    blocker.left = 78 * second;
    blocker.processes = {
        {7, "sh", "D", "rpc_wait", "fsync", "/mnt/x"}, {8, "q\"", "S", "", "", ""}};
    Blocker other;
    other.unit = "b.service";
    other.doing = "stop";
    EXPECT_EQ(
        blockers_text({blocker, other}),
        "  1 a.service: stop-sigterm for 12s, 1min 18s left\n"
        "      sh (7): D in rpc_wait, fsync of /mnt/x\n"
        "      q\" (8): S\n"
        "  2 b.service: stop for 0, no limit\n");
    EXPECT_EQ(to_json({}), "[]");
    EXPECT_EQ(
        to_json({blocker, other}),
        R"([{"unit":"a.service","doing":"stop-sigterm","since_usec":12400000,"left_usec":78000000,)"
        R"("processes":[{"pid":7,"name":"sh","state":"D","wchan":"rpc_wait","call":"fsync",)"
        R"("path":"/mnt/x"},{"pid":8,"name":"q\"","state":"S","wchan":"","call":"","path":""}]},)"
        R"({"unit":"b.service","doing":"stop","since_usec":0,"left_usec":null,"processes":[]}])");
}

TEST(Blockers, WhatAProcessWaitsInIsTheKernelsWord) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[1]);  // or its own end would keep it waiting
        char byte = 0;
        (void)!::read(ends[0], &byte, 1);
        ::_exit(0);
    }
    std::vector<BlockingProcess> found;
    for (int tries = 0; tries < 500; ++tries) {
        found = look_at({child, 0x3fffffff});
        if (found.size() == 1 && found[0].state == "S") {
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ::close(ends[1]);
    (void)::waitpid(child, nullptr, 0);
    ::close(ends[0]);
    ASSERT_EQ(found.size(), 1U) << "a process that is gone is left out";
    EXPECT_EQ(found[0].pid, child);
    EXPECT_EQ(found[0].state, "S");
    EXPECT_TRUE(std::ranges::all_of(found[0].name, [](char each) { return each > ' '; }));
    if (!found[0].call.empty()) {  // a kernel may not tell
        EXPECT_EQ(found[0].call, "read");
        EXPECT_TRUE(found[0].path.starts_with("pipe:[")) << found[0].path;
    }
}

}  // namespace hearth
