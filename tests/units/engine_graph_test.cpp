// SPDX-License-Identifier: MIT
//
// What the change of one unit does to the units around it: systemd.unit(5), one test per directive.
#include <algorithm>

#include "graph_script.hpp"

namespace hearth::test {

namespace {

TEST(EngineGraph, StartsWhatItRequiresInOrder) {
    Graph graph("a Requires=b After=b\nb Wants=c\nc Before=b\n");
    EXPECT_EQ(graph.happen("start a"), "c:activating");
    EXPECT_EQ(graph.jobs(), "a:start b:start c:start*");
    EXPECT_EQ(graph.happen("up c"), "b:activating c:active");
    EXPECT_EQ(graph.happen("up b"), "a:activating b:active c:active");
    EXPECT_EQ(graph.happen("up a"), "a:active b:active c:active");
    EXPECT_EQ(graph.jobs(), "");
}

TEST(EngineGraph, StopsInTheOtherOrder) {
    Graph graph("a Requires=b After=b\nb\n");
    (void)graph.happen("start a");
    graph.launch_all();
    EXPECT_EQ(graph.happen("stop b"), "a:deactivating b:active");
    EXPECT_EQ(graph.happen("gone a"), "b:deactivating");
    EXPECT_EQ(graph.happen("gone b"), "");
}

TEST(EngineGraph, AFailedRequirementFailsTheJobsThatNeedIt) {
    Graph graph("a Requires=b After=b\nb: Type=exec\nc Wants=b After=b\nd BindsTo=a After=a\n");
    (void)graph.happen("start c");
    (void)graph.happen("start d");
    const LaunchId launch = graph.world.find("b.service")->status.launch.value();
    const Outcome outcome = step(
        graph.world,
        LaunchFailed{"b.service", launch, true, 0, 203, "no", graph.now, "ab"},
        graph.now);
    std::string results;
    for (const JobChange& change : outcome.jobs) {
        if (change.what == JobChange::What::Removed) {
            results += change.job.unit + "=" + std::string(name(change.result)) + " ";
        }
    }
    EXPECT_EQ(results, "b.service=failed a.service=dependency d.service=dependency ");
    EXPECT_EQ(graph.jobs(), "c:start*");  // it only wanted b
}

TEST(EngineGraph, BindsToStopsWithWhatItIsBoundTo) {
    Graph graph("a BindsTo=b After=b\nb\nc Requires=b\n");
    (void)graph.happen("start a");
    (void)graph.happen("start c");
    graph.launch_all();
    EXPECT_EQ(graph.happen("fail b"), "a:deactivating b:failed c:active");
}

TEST(EngineGraph, PartOfFollowsStopAndRestartOnly) {
    Graph graph("a PartOf=b\nb\n");
    (void)graph.happen("start a");
    (void)graph.happen("start b");
    graph.launch_all();
    EXPECT_EQ(graph.happen("restart b"), "a:deactivating b:deactivating");
    (void)graph.happen("gone a");
    (void)graph.happen("gone b");
    graph.launch_all();
    EXPECT_EQ(graph.states(), "a:active b:active");
    EXPECT_EQ(graph.happen("down b"), "a:active");
    (void)graph.happen("start b");
    graph.launch_all();
    EXPECT_EQ(graph.happen("stop b"), "a:deactivating b:deactivating");
}

TEST(EngineGraph, ConflictsStopEachOther) {
    Graph graph("a Conflicts=b After=b\nb\n");
    (void)graph.happen("start b");
    graph.launch_all();
    EXPECT_EQ(graph.happen("start a"), "b:deactivating");
    EXPECT_EQ(graph.happen("gone b"), "a:activating");
    graph.launch_all();
    EXPECT_EQ(graph.happen("start b"), "a:deactivating");  // ordered: the stop goes first
}

TEST(EngineGraph, UpholdsStartsAgainWhatEnds) {
    Graph graph("a Upholds=b\nb\n");
    (void)graph.happen("start a");
    graph.launch_all();
    EXPECT_EQ(graph.states(), "a:active b:active");
    EXPECT_EQ(graph.happen("down b"), "a:active b:activating");
    graph.launch_all();
    (void)graph.happen("stop a");
    (void)graph.happen("gone a");
    EXPECT_EQ(graph.happen("down b"), "");
}

TEST(EngineGraph, UpholdingIsGivenUpWhereItNeverHolds) {
    Graph graph("a Upholds=b\nb StartLimitBurst=0\n");
    (void)graph.happen("start a");
    graph.launch_all();
    int starts = 0;
    for (; starts < 100 && graph.state("b") == "active"; ++starts) {
        (void)graph.happen("down b");
        graph.launch_all();
    }
    EXPECT_EQ(starts, 17);
    EXPECT_EQ(graph.jobs(), "");
}

TEST(EngineGraph, StopWhenUnneededStopsTheLastNeed) {
    Graph graph("a Wants=c\nb Requires=c\nc StopWhenUnneeded=yes\n");
    (void)graph.happen("start a");
    (void)graph.happen("start b");
    graph.launch_all();
    (void)graph.happen("stop a");
    EXPECT_EQ(graph.happen("gone a"), "b:active c:active");
    EXPECT_EQ(graph.happen("down b"), "c:deactivating");
}

TEST(EngineGraph, OnFailureAndOnSuccessStartUnits) {
    Graph graph("a OnFailure=alert OnSuccess=next\nalert\nnext\n");
    (void)graph.happen("start a");
    graph.launch_all();
    EXPECT_EQ(graph.happen("fail a"), "a:failed alert:activating");
    EXPECT_EQ(graph.world.jobs.begin()->second.why, "OnFailure= of a.service");
    (void)graph.happen("start a");
    (void)graph.happen("up a");
    EXPECT_EQ(graph.happen("down a"), "alert:activating next:activating");
}

TEST(EngineGraph, OnFailureWaitsForTheLastRestart) {
    Graph graph("a OnFailure=alert: Restart=on-failure\nalert\n");
    (void)graph.happen("start a");
    graph.launch_all();
    EXPECT_EQ(graph.happen("fail a"), "a:activating");
}

TEST(EngineGraph, ReloadsAndStopsArePropagated) {
    Graph graph("a PropagatesReloadTo=b PropagatesStopTo=b\nb\nc StopPropagatedFrom=a\n");
    (void)graph.happen("start a");
    (void)graph.happen("start b");
    (void)graph.happen("start c");
    graph.launch_all();
    EXPECT_EQ(graph.happen("reload a"), "a:reloading b:reloading c:active");
    for (const char* const unit : {"a", "b"}) {
        (void)graph.happen("up " + std::string(unit));
        (void)graph.happen("down " + std::string(unit));
    }
    EXPECT_EQ(graph.happen("stop a"), "a:deactivating b:deactivating c:deactivating");
}

TEST(EngineGraph, RequisiteMustBeActive) {
    Graph graph("a Requisite=b After=b\nb\n");
    EXPECT_EQ(graph.happen("start a"), "");
    EXPECT_EQ(graph.jobs(), "");
    (void)graph.happen("start b");
    graph.launch_all();
    EXPECT_EQ(graph.happen("start a"), "a:activating b:active");
}

TEST(EngineGraph, ConditionsAreAskedForAndSkipTheStart) {
    Graph graph("a ConditionPathExists=/there Wants=b\nb Requisite=c After=c\nc\n");
    EXPECT_EQ(graph.happen("start a"), "");
    EXPECT_TRUE(std::ranges::count(
        graph.last.actions,
        Action(CheckConditions{"a.service", *graph.world.find("a.service")->job})));
    EXPECT_EQ(graph.jobs(), "a:start*");
    EXPECT_EQ(graph.happen("unmet a"), "");
    EXPECT_EQ(graph.jobs(), "");
    EXPECT_EQ(graph.last.jobs.back().result, JobResult::Done);
    EXPECT_FALSE(graph.world.find("a.service")->status.condition_met);
    EXPECT_EQ(graph.told, "a.service: not started: ConditionPathExists=/there is not met\n");
    (void)graph.happen("start a");
    EXPECT_EQ(graph.happen("met a"), "a:activating");
}

TEST(EngineGraph, AStaleAnswerAboutConditionsIsNoAnswer) {
    Graph graph("a ConditionPathExists=/there\n");
    (void)graph.happen("start a");
    const JobId first = *graph.world.find("a.service")->job;
    (void)graph.happen("stop a");
    (void)graph.happen("start a");
    ConditionsChecked late{"a.service", first, {}};
    late.facts.paths["/there"].exists = true;
    (void)step(graph.world, late, graph.now);
    EXPECT_EQ(graph.states(), "");
    EXPECT_EQ(graph.happen("met a"), "a:activating");
}

TEST(EngineGraph, AssertsFailTheJob) {
    Graph graph("a AssertPathExists=/there\nb Requires=a After=a\n");
    (void)graph.happen("start b");
    (void)graph.happen("unmet a");
    EXPECT_EQ(graph.last.jobs.front().result, JobResult::Assert);
    EXPECT_EQ(graph.last.jobs.back().result, JobResult::Dependency);
}

TEST(EngineGraph, JobsTimeOut) {
    Graph graph(
        "a Requires=x.device After=x.device JobTimeoutSec=10s FailureAction=exit\n"
        "x.device\n");
    EXPECT_EQ(graph.happen("start a"), "");
    EXPECT_EQ(graph.world.next_deadline(), graph.now.monotonic + 10'000'000);
    (void)graph.happen("after 11s");
    EXPECT_EQ(graph.jobs(), "x.device:start*");
    EXPECT_EQ(graph.happen("plug x.device"), "x.device:active");
    EXPECT_EQ(graph.jobs(), "");
}

TEST(EngineGraph, ADeviceBringsAndTakesWhatIsBoundToIt) {
    Graph graph("a BindsTo=x.device After=x.device\nx.device Wants=a\n");
    EXPECT_EQ(graph.happen("start a"), "");
    EXPECT_EQ(graph.happen("plug x.device"), "a:activating x.device:active");
    graph.launch_all();
    EXPECT_EQ(graph.happen("unplug x.device"), "a:deactivating");
    (void)graph.happen("gone a");
    EXPECT_EQ(graph.happen("plug x.device"), "a:activating x.device:active");
}

TEST(EngineGraph, ActionsAreAskedForByTheirDirective) {
    Graph graph("a FailureAction=exit FailureActionExitStatus=7 SuccessAction=exit\n");
    const auto acted = [&] {
        for (const Action& action : graph.last.actions) {
            if (const auto* act = std::get_if<PerformAction>(&action)) {
                return act->why + " " + std::to_string(act->exit_status);
            }
        }
        return std::string();
    };
    (void)graph.happen("start a");
    graph.launch_all();
    (void)graph.happen("fail a");
    EXPECT_EQ(acted(), "FailureAction=exit 7");
    (void)graph.happen("start a");
    graph.launch_all();
    (void)graph.happen("down a");
    EXPECT_EQ(acted(), "SuccessAction=exit 0");
}

TEST(EngineGraph, ARebootIsGivenTheArgumentOfItsCause) {
    Graph graph(
        "a FailureAction=reboot-force SuccessAction=reboot RebootArgument=recovery\n"
        "b Requires=x.device After=x.device JobTimeoutSec=10s JobTimeoutAction=reboot "
        "JobTimeoutRebootArgument=late RebootArgument=other\n"
        "x.device\n"
        "c StartLimitBurst=1 StartLimitAction=reboot RebootArgument=looping\n");
    const auto acted = [&] {
        for (const Action& action : graph.last.actions) {
            if (const auto* act = std::get_if<PerformAction>(&action)) {
                return act->why + " " + act->reboot_argument;
            }
        }
        return std::string();
    };
    (void)graph.happen("start a");
    graph.launch_all();
    (void)graph.happen("fail a");
    EXPECT_EQ(acted(), "FailureAction=reboot-force recovery");
    (void)graph.happen("start a");
    graph.launch_all();
    (void)graph.happen("down a");
    EXPECT_EQ(acted(), "SuccessAction=reboot recovery");
    (void)graph.happen("start b");
    (void)graph.happen("after 11s");
    EXPECT_EQ(acted(), "JobTimeoutAction=reboot late");
    (void)graph.happen("start c");
    graph.launch_all();
    (void)graph.happen("fail c");
    (void)graph.happen("start c");
    EXPECT_EQ(acted(), "StartLimitAction=reboot looping");
}

TEST(EngineGraph, TargetsAreActiveOnceWhatTheyAreOrderedAfterIs) {
    Graph graph("t.target Wants=a After=a\na\n");
    EXPECT_EQ(graph.happen("start t.target"), "a:activating");
    EXPECT_EQ(graph.happen("up a"), "a:active t.target:active");
    EXPECT_EQ(describe(graph.last.transitions.back()), "dead -> active");
    EXPECT_EQ(graph.happen("stop t.target"), "a:active");
}

TEST(EngineGraph, IsolateStopsTheRest) {
    Graph graph("t.target Wants=a AllowIsolate=yes\na\nb\nc IgnoreOnIsolate=yes\n");
    for (const char* const unit : {"b", "c"}) {
        (void)graph.happen("start " + std::string(unit));
    }
    graph.launch_all();
    EXPECT_EQ(graph.happen("start b isolate").substr(0, 12), "NoIsolation:");
    EXPECT_EQ(
        graph.happen("start t.target isolate"),
        "a:activating b:deactivating c:active t.target:active");
}

TEST(EngineGraph, AChainOfManyUnitsNeedsNoDeepStack) {
    std::string lines;
    constexpr int length = 20'000;
    for (int i = 0; i < length; ++i) {
        lines += "t" + std::to_string(i) + ".target Requires=t" + std::to_string(i + 1) +
                 ".target After=t" + std::to_string(i + 1) + ".target\n";
    }
    Graph graph(lines + "t" + std::to_string(length) + ".target\n");
    auto started = request_job(graph.world, "t0.target", Verb::Start, JobMode::Replace, graph.now);
    ASSERT_TRUE(started);
    EXPECT_EQ(started->outcome.transitions.size(), length + 1U);
    EXPECT_EQ(started->outcome.transitions.front().unit, "t" + std::to_string(length) + ".target");
    EXPECT_TRUE(graph.world.jobs.empty());
}

}  // namespace

}  // namespace hearth::test
