// SPDX-License-Identifier: MIT
//
// What follows when the kernel kills for memory: the three policies, the result, and who is spared.
#include <unistd.h>

#include <filesystem>

#include "limits_support.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth::testing {
namespace {

/// A child that takes all it gets, when the shell beside it rests: it notes when it is asked to
/// stop.
std::string service(const std::string& policy, const std::string& note) {
    return "MemoryMax=16M\nMemorySwapMax=0\nOOMPolicy=" + policy +
           "\nExecStart=/bin/sh -c 'trap \"echo asked >" + note +
           "; exit 0\" TERM; sleep 600 & rest=$!; (sleep 0.2; exec tail /dev/zero) & wait $rest'\n";
}

class HearthdOom : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }
    testing_support::ScratchDirectory scratch;
};

/// The kernel may kill a second time before the first victim's memory is free.
#define SKIP_UNLESS_ONE_WAS_KILLED(hearthd)                                                     \
    do {                                                                                        \
        const std::string hits = (hearthd).ctl({"show", "-p", "LimitHits", "a.service"}).out;   \
        if (hits.find("OOMKill count=1 ") == std::string::npos) {                               \
            GTEST_SKIP() << "the kernel killed more than the one process: " << (hearthd).log(); \
        }                                                                                       \
    } while (false)

TEST_F(HearthdOom, StopAsksTheRestToEnd) {
    const HearthdProcess hearthd;
    start(hearthd, "a.service", service("stop", scratch.path("note")));
    ASSERT_TRUE(hearthd.becomes("a.service", "ActiveState", "failed"));
    EXPECT_EQ(hearthd.show("a.service", "Result"), "oom-kill");
    SKIP_UNLESS_ONE_WAS_KILLED(hearthd);
    EXPECT_EQ(text_of(scratch.path("note")), "asked\n");
    const std::string status = hearthd.ctl({"status", "a.service"}).out;
    EXPECT_NE(status.find("OOMKill ended a process once"), std::string::npos) << status;
}

TEST_F(HearthdOom, KillEndsTheRestAtOnce) {
    const HearthdProcess hearthd;
    start(hearthd, "a.service", service("kill", scratch.path("note")));
    ASSERT_TRUE(hearthd.becomes("a.service", "ActiveState", "failed"));
    EXPECT_EQ(hearthd.show("a.service", "Result"), "oom-kill");
    EXPECT_FALSE(std::filesystem::exists(scratch.path("note")));
    if (unified(hearthd)) {  // there the kernel itself is told to
        start(hearthd, "b.service", "OOMPolicy=kill\nExecStart=/bin/sleep 600\n");
        EXPECT_EQ(in_cgroup(hearthd, "system.slice/b.service", "memory.oom.group"), "1");
    }
}

TEST_F(HearthdOom, ContinueSparesTheRest) {
    const HearthdProcess hearthd;
    start(hearthd, "a.service", service("continue", scratch.path("note")));
    ASSERT_TRUE(eventually([&] {
        return hearthd.log().find("OOMPolicy=continue goes on") != std::string::npos;
    })) << hearthd.log();
    SKIP_UNLESS_ONE_WAS_KILLED(hearthd);
    EXPECT_EQ(hearthd.show("a.service", "ActiveState"), "active");
    EXPECT_EQ(hearthd.show("a.service", "Result"), "success");
    EXPECT_FALSE(std::filesystem::exists(scratch.path("note")));
}

/// The limit comes when both have what they need: 100 KiB more than that kill the child, which is
/// the larger one and offers itself.
TEST_F(HearthdOom, AHundredKibibytesKillTheChildAndNotTheShell) {
    const HearthdProcess hearthd;
    const std::string go = scratch.path("go"), said = scratch.path("said");
    start(
        hearthd,
        "shell.service",
        "MemoryMax=64M\nMemorySwapMax=0\nOOMPolicy=continue\nExecStart=/bin/sh -c '"
        "(echo 1000 >/proc/self/oom_score_adj; x=eightlet; i=0; "
        "while [ $i -lt 17 ]; do x=$x$x; i=$((i+1)); done; echo >" +
            scratch.path("ready") + "; while ! test -e " + go +
            "; do :; done; while :; do x=$x$x; done) & wait $!; echo $? >" + said +
            "; exec sleep 600'\n");
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(scratch.path("ready")); }));
    const std::uint64_t has = number(hearthd, "shell.service", "MemoryCurrent");
    ASSERT_NE(has, unknown);
    ASSERT_EQ(
        hearthd
            .ctl(
                {"set-property",
                 "--runtime",
                 "shell.service",
                 "MemoryMax=" + std::to_string(has + std::uint64_t{100} * 1024)})
            .status,
        0)
        << hearthd.log();
    scratch.file("go", "");
    ASSERT_TRUE(eventually([&] { return !text_of(said).empty(); })) << hearthd.log();
    EXPECT_EQ(text_of(said), "137\n");
    EXPECT_EQ(hearthd.show("shell.service", "ActiveState"), "active");
    EXPECT_NE(
        hearthd.ctl({"show", "-p", "LimitHits", "shell.service"}).out.find("OOMKill count="),
        std::string::npos);
}

}  // namespace
}  // namespace hearth::testing
