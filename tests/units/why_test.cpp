// SPDX-License-Identifier: MIT
//
// `hearthctl why` as a value: the chain of a unit's last change and what is waited for.
#include "units/why.hpp"

#include <csignal>

#include "graph_script.hpp"
#include "units/job.hpp"

namespace hearth::test {

namespace {

/// "b.service stopped: BindsTo=a.service; ... | a.service failed: ..."
std::string chain(const Graph& graph, std::string_view unit) {
    std::string text;
    for (const WhyLink& link :
         why(graph.world, *graph.world.find(full_name(unit)), graph.now).chain) {
        text += (text.empty() ? "" : " | ") + link.unit + " " + link.what;
        for (std::size_t index = 0; index < link.reasons.size(); ++index) {
            text += (index == 0 ? ": " : "; ") + link.reasons[index];
        }
    }
    return text;
}

std::string waits(const Graph& graph, std::string_view unit) {
    std::string text;
    for (const WhyWait& wait :
         why(graph.world, *graph.world.find(full_name(unit)), graph.now).waits) {
        text += (text.empty() ? "" : " | ") + wait.what;
    }
    return text;
}

void ask(Graph& graph, std::string_view unit, Verb verb) {
    auto asked = request_job(
        graph.world,
        full_name(unit),
        verb,
        JobMode::Replace,
        graph.now,
        Requester{1000, 77, "hearthctl"});
    EXPECT_TRUE(asked);
}

void kill(Graph& graph, std::string_view unit, int signal) {
    const std::string name = full_name(unit);
    const int pid = graph.world.find(name)->status.main_pid;
    (void)step(graph.world, CgroupChanged{name, false}, graph.now);
    (void)step(graph.world, ProcessExited{name, pid, CLD_KILLED, signal, graph.now}, graph.now);
}

TEST(Why, NamesWhoAsked) {
    Graph graph("a\n");
    EXPECT_EQ(chain(graph, "a"), "");
    ask(graph, "a", Verb::Start);
    graph.launch_all();
    EXPECT_EQ(
        chain(graph, "a"), "a.service started: start asked for by hearthctl (pid 77, uid 1000)");
    ask(graph, "a", Verb::Stop);
    EXPECT_EQ(
        chain(graph, "a"), "a.service is stopping: stop asked for by hearthctl (pid 77, uid 1000)");
    (void)graph.happen("gone a");
    EXPECT_EQ(
        chain(graph, "a"), "a.service stopped: stop asked for by hearthctl (pid 77, uid 1000)");
}

TEST(Why, FollowsTheChainAcrossUnits) {
    Graph graph("a\nb BindsTo=a After=a\nc BindsTo=b After=b\n");
    ask(graph, "c", Verb::Start);
    graph.launch_all();
    EXPECT_EQ(
        chain(graph, "a"),
        "a.service started: BindsTo= of b.service for c.service, start asked for by hearthctl "
        "(pid 77, uid 1000)");
    kill(graph, "a", SIGSEGV);
    (void)graph.happen("gone c");
    (void)graph.happen("gone b");
    const std::string text = chain(graph, "c");
    EXPECT_NE(text.find("c.service stopped: "), std::string::npos) << text;
    EXPECT_NE(text.find("BindsTo=a.service"), std::string::npos) << text;
    EXPECT_NE(
        text.find(
            " | a.service failed: main process exited, code=killed, status=11/SEGV; not started "
            "again: Restart=no, result 'signal'"),
        std::string::npos)
        << text;
}

TEST(Why, TellsTheWholeOfACauseThatWasUnderway) {
    Graph graph("a\nb BindsTo=a After=a\n");
    ask(graph, "b", Verb::Start);
    graph.launch_all();
    const int pid = graph.world.find("a.service")->status.main_pid;
    (void)step(graph.world, CgroupChanged{"a.service", true}, graph.now);
    (void)step(
        graph.world, ProcessExited{"a.service", pid, CLD_KILLED, SIGKILL, graph.now}, graph.now);
    EXPECT_EQ(graph.states(), "a:deactivating b:deactivating");
    (void)graph.happen("gone b");
    EXPECT_NE(
        chain(graph, "b").find("| a.service is stopping: main process exited"), std::string::npos)
        << chain(graph, "b");
    for (int round = 0; graph.state("a") == "deactivating" && round < 3; ++round) {
        (void)step(graph.world, CgroupChanged{"a.service", false}, graph.now);
        (void)graph.happen("after 2min");
    }
    EXPECT_NE(
        chain(graph, "b")
            .find(
                "| a.service failed: main process exited, code=killed, status=9/KILL; not started "
                "again: Restart=no, result 'signal'"),
        std::string::npos)
        << chain(graph, "b");
}

TEST(Why, SaysWhyItIsStartedAgain) {
    Graph graph("a: Restart=on-failure RestartSec=1s\n");
    ask(graph, "a", Verb::Start);
    graph.launch_all();
    kill(graph, "a", SIGKILL);
    EXPECT_EQ(
        chain(graph, "a"),
        "a.service ended and is started again: main process exited, code=killed, status=9/KILL; "
        "started again: Restart=on-failure, result 'signal'");
    EXPECT_EQ(waits(graph, "a"), "RestartSec= to be over");
    (void)graph.happen("after 2s");
    graph.launch_all();
    EXPECT_EQ(
        chain(graph, "a"),
        "a.service started: Restart= | a.service ended and is started again: main process exited, "
        "code=killed, status=9/KILL; started again: Restart=on-failure, result "
        "'signal'");
}

TEST(Why, SaysWhichConditionSkippedTheStart) {
    Graph graph("a ConditionPathExists=/there\n");
    ask(graph, "a", Verb::Start);
    EXPECT_EQ(
        waits(graph, "a"),
        "its conditions to be looked at, for its start job 1 (start asked for by hearthctl (pid "
        "77, uid 1000))");
    (void)graph.happen("unmet a");
    EXPECT_EQ(
        chain(graph, "a"),
        "a.service was not started (job result 'done'): start asked for by hearthctl (pid 77, uid "
        "1000); ConditionPathExists=/there is not met");
}

TEST(Why, SaysWhatFailedWhereAJobWasNotDone) {
    Graph graph("a: Type=oneshot\nb Requires=a After=a\n");
    ask(graph, "b", Verb::Start);
    EXPECT_EQ(
        waits(graph, "b"),
        "the start job 2 of a.service (After=), for its start job 1 (start asked for by hearthctl "
        "(pid 77, uid 1000))");
    (void)graph.happen("up a");
    EXPECT_EQ(waits(graph, "a"), "ExecStart= (pid 100) to end");
    (void)graph.happen("fail a");
    EXPECT_EQ(
        chain(graph, "b"),
        "b.service was not started (job result 'dependency'): start asked for by hearthctl (pid "
        "77, uid 1000); Requires=a.service | a.service failed to start: Requires= of b.service, "
        "start asked for by hearthctl (pid 77, uid 1000); main process exited, "
        "code=exited, status=1/FAILURE; not started again: Restart=no, result 'exit-code'");
}

TEST(Why, SaysWhatARunningStartWaitsForAndUntilWhen) {
    Graph graph(
        "a: Type=notify TimeoutStartSec=30s\nx.device\nb Requires=x.device After=x.device\n");
    ask(graph, "a", Verb::Start);
    EXPECT_EQ(waits(graph, "a"), "ExecStart= to be launched");
    (void)graph.happen("up a");
    EXPECT_EQ(waits(graph, "a"), "READY=1 of its main process 100 (Type=notify)");
    const auto until = why(graph.world, *graph.world.find("a.service"), graph.now).waits[0].until;
    ASSERT_TRUE(until);
    EXPECT_GT(*until, graph.now.realtime);
    EXPECT_LE(*until, graph.now.realtime + 30'000'000);
    ask(graph, "b", Verb::Start);
    EXPECT_EQ(
        waits(graph, "x.device"),
        "the kernel to have the device, for its start job 3 (Requires= of b.service, start asked "
        "for by hearthctl (pid 77, uid 1000))");
}

TEST(Why, NamesWhoCanceledAJob) {
    Graph graph("x.device\nb Requires=x.device After=x.device\n");
    ask(graph, "b", Verb::Start);
    const JobId job = *graph.world.find("b.service")->job;
    EXPECT_TRUE(cancel_job(graph.world, job, graph.now, Requester{0, 5, "systemctl"}));
    EXPECT_EQ(
        chain(graph, "b"),
        "b.service was not started (job result 'canceled'): start asked for by hearthctl (pid 77, "
        "uid 1000); canceled by systemctl (pid 5, uid 0)");
}

TEST(Why, KeepsSoManyChangesAndSaysWhatIsLost) {
    Graph graph("a\nb BindsTo=a After=a\n");
    ask(graph, "b", Verb::Start);
    graph.launch_all();
    kill(graph, "a", SIGSEGV);
    (void)graph.happen("gone b");
    for (int round = 0; round < 20; ++round) {
        ask(graph, "a", Verb::Start);
        graph.launch_all();
        (void)graph.happen("down a");
    }
    EXPECT_EQ(graph.world.find("a.service")->changes.size(), kept_changes);
    EXPECT_NE(
        chain(graph, "b").find("what a.service did then is no longer kept"), std::string::npos)
        << chain(graph, "b");
}

TEST(Jobs, KnowWhatTheyWaitForAndHoldUp) {
    Graph graph("a Requires=b After=b\nb Requires=c After=c\nc\n");
    (void)graph.happen("start a");
    const auto units = [](const std::vector<const Job*>& jobs) {
        std::string text;
        for (const Job* const job : jobs) {
            text += job->unit + " ";
        }
        return text;
    };
    const Job& job = graph.world.jobs.at(*graph.world.find("b.service")->job);
    EXPECT_EQ(units(jobs_waited_for(graph.world, job)), "c.service ");
    EXPECT_EQ(units(jobs_held_up(graph.world, job)), "a.service ");
}

}  // namespace

}  // namespace hearth::test
