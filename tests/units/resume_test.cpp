// SPDX-License-Identifier: MIT
//
// [X-Hearth] ResumeWith=: units that lost what they need come back with it, and nothing else does.
#include "graph_script.hpp"

namespace hearth::test {

namespace {

const std::string resumes = "[X-Hearth] ResumeWith=yes";

TEST(Resume, StartsAgainWhatWasStoppedForAFailure) {
    Graph graph("a\nb BindsTo=a After=a: " + resumes + "\nc BindsTo=a After=a\n");
    (void)graph.happen("start b");
    (void)graph.happen("start c");
    graph.launch_all();
    EXPECT_EQ(graph.happen("fail a"), "a:failed b:deactivating c:deactivating");
    (void)graph.happen("gone b");
    EXPECT_EQ(graph.happen("gone c"), "a:failed");
    (void)graph.happen("start a");
    EXPECT_EQ(graph.happen("up a"), "a:active b:activating");
    EXPECT_EQ(graph.world.jobs.begin()->second.why, "ResumeWith=, a.service is back");
    EXPECT_EQ(graph.happen("up b"), "a:active b:active");
}

TEST(Resume, FollowsAnAutomaticRestart) {
    Graph graph("a: Restart=on-failure RestartSec=1s\nb BindsTo=a After=a: " + resumes + "\n");
    (void)graph.happen("start b");
    graph.launch_all();
    (void)graph.happen("fail a");
    (void)graph.happen("gone b");
    EXPECT_EQ(graph.states(), "a:activating");
    (void)graph.happen("after 2s");
    graph.launch_all();
    EXPECT_EQ(graph.states(), "a:active b:active");
}

TEST(Resume, StartsWhatCouldNotBeStarted) {
    Graph graph("a: Type=oneshot RemainAfterExit=yes\nb Requires=a After=a: " + resumes + "\n");
    (void)graph.happen("start b");
    (void)graph.happen("up a");
    EXPECT_EQ(graph.happen("fail a"), "a:failed");
    (void)graph.happen("start a");
    (void)graph.happen("up a");
    EXPECT_EQ(graph.happen("down a"), "a:active b:activating");
}

TEST(Resume, GoesDownAChainAndUpAgain) {
    Graph graph("a\nb BindsTo=a After=a: " + resumes + "\nc BindsTo=b After=b: " + resumes + "\n");
    (void)graph.happen("start c");
    graph.launch_all();
    (void)graph.happen("fail a");
    (void)graph.happen("gone c");
    (void)graph.happen("gone b");
    EXPECT_EQ(graph.states(), "a:failed");
    (void)graph.happen("start a");
    graph.launch_all();
    EXPECT_EQ(graph.states(), "a:active b:active c:active");
}

TEST(Resume, WaitsForAllThatItNeeds) {
    Graph graph("a\nx\nb BindsTo=a After=a BindsTo=x After=x: " + resumes + "\n");
    (void)graph.happen("start b");
    graph.launch_all();
    (void)graph.happen("fail a");
    (void)graph.happen("gone b");
    (void)graph.happen("fail x");
    (void)graph.happen("start a");
    EXPECT_EQ(graph.happen("up a"), "a:active x:failed");
    (void)graph.happen("start x");
    EXPECT_EQ(graph.happen("up x"), "a:active b:activating x:active");
}

TEST(Resume, LeavesAloneWhatAPersonStopped) {
    Graph graph("a\nb BindsTo=a After=a: " + resumes + "\n");
    (void)graph.happen("start b");
    graph.launch_all();
    (void)graph.happen("stop a");  // no failure
    (void)graph.happen("gone b");
    (void)graph.happen("gone a");
    (void)graph.happen("start a");
    EXPECT_EQ(graph.happen("up a"), "a:active");
    (void)graph.happen("start b");
    graph.launch_all();
    (void)graph.happen("fail a");
    (void)graph.happen("gone b");
    (void)graph.happen("stop b");  // stopped already: it stays so
    (void)graph.happen("start a");
    EXPECT_EQ(graph.happen("up a"), "a:active");
}

TEST(Resume, LeavesAloneWhatEndedByItself) {
    Graph graph("a\nb BindsTo=a After=a: " + resumes + "\n");
    (void)graph.happen("start b");
    graph.launch_all();
    EXPECT_EQ(graph.happen("down b"), "a:active");
    EXPECT_EQ(graph.happen("down a"), "");  // a clean end
    (void)graph.happen("start a");
    EXPECT_EQ(graph.happen("up a"), "a:active");
}

}  // namespace

}  // namespace hearth::test
