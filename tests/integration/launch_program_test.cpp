// SPDX-License-Identifier: MIT
//
// What a launch is without any confinement: the program, its arguments, its descriptors, and what
// is said when it can't be run.
#include <sys/stat.h>

#include <cstdlib>

#include "tests/support/launch_probe.hpp"

namespace hearth::launch {
namespace {

using testing_support::LaunchProbe;
using testing_support::ProbeResult;
using Code = sys::ExitStatus::Code;

TEST(LaunchProgram, RunsWithItsArgumentsEnvironmentAndExitStatus) {
    LaunchProbe probe("printf '%s,%s,%s' \"$1\" \"$2\" \"$COLOUR\"; exit 7");
    probe.plan.argv.insert(probe.plan.argv.end(), {"zero", "one two", "**"});
    probe.plan.environment.emplace_back("COLOUR=deep blue");
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, "one two,**,deep blue");
    ASSERT_TRUE(result.exit);
    EXPECT_EQ(result.exit->code, Code::Exited);
    EXPECT_EQ(result.exit->status, 7);
    EXPECT_EQ(result.exit->pid, result.launch.pid);
    EXPECT_GT(result.launch.started_monotonic_microseconds, 0U);
    EXPECT_GT(result.launch.started_realtime_microseconds, 0U);
}

TEST(LaunchProgram, GivesThePlanBack) {
    LaunchProbe probe("true");
    sys::Descriptor output;
    LaunchRequest request = probe.request(output);
    request.id = 77;
    const Plan before = request.plan;
    const LaunchResult result = launch_now(std::move(request), cgroup::Tree());
    EXPECT_EQ(result.id, 77U);
    EXPECT_EQ(result.plan, before);
    EXPECT_TRUE(testing_support::reap(result.pidfd)->success());
}

void check_not_run(const std::string& path, const std::string& expected) {
    LaunchProbe probe("true");
    probe.plan.executable = path;
    probe.plan.executable_asked = {"ExecStart", path, {"/etc/x/heat.service", 9, 1}};
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), expected);
    ASSERT_TRUE(result.exit) << "the process existed and must be reaped";
    EXPECT_EQ(result.exit->code, Code::Exited);
    EXPECT_EQ(result.exit->status, 203);  // systemd.exec(5): EXEC
    ASSERT_TRUE(result.launch.failure);
    EXPECT_EQ(result.launch.failure->exit_status, 203);
    EXPECT_FALSE(result.launch.failure->before_clone);
}

TEST(LaunchProgram, TellsWhyAProgramCanNotBeRun) {
    check_not_run(
        "/nonexistent/program",
        "heat.service:9: ExecStart=/nonexistent/program: step \"execve\" failed: "
        "No such file or directory");
    check_not_run(
        "/etc", "heat.service:9: ExecStart=/etc: step \"execve\" failed: Permission denied");
    check_not_run(
        "/etc/passwd",
        "heat.service:9: ExecStart=/etc/passwd: step \"execve\" failed: Permission denied");
}

TEST(LaunchProgram, IsNotMadeWithoutADescriptorItNeeds) {
    LaunchProbe probe("true");
    probe.add(
        Stage::Descriptors, UseDescriptor{"socket", 3}, {"Sockets", "a.socket", {"u", 4, 1}}, 202);
    const ProbeResult result = probe.run();
    EXPECT_EQ(
        result.failure(),
        "u:4: Sockets=a.socket: step \"use-descriptor\" failed: Bad file descriptor "
        "(no descriptor was given for 'socket')");
    EXPECT_TRUE(result.launch.failure->before_clone);
    EXPECT_EQ(result.launch.failure->exit_status, 202);
    EXPECT_EQ(result.launch.pid, 0);
    EXPECT_FALSE(result.launch.pidfd);
}

TEST(LaunchProgram, InheritsTheDescriptorsOfItsPlanAndNoOthers) {
    // One that is not close-on-exec, as a careless library might leave behind.
    auto pipe = sys::pipe2();
    ASSERT_TRUE(pipe.has_value());
    ASSERT_EQ(::fcntl(pipe->read.number(), F_SETFD, 0), 0);
    LaunchProbe probe("for f in /proc/self/fd/*; do echo ${f##*/}; done; echo given >&5");
    auto given = sys::memfd_create("given");
    ASSERT_TRUE(given.has_value());
    auto seen = sys::duplicate(given->number());
    probe.give("given", std::move(*given));
    probe.plan.preparations.push_back({OpenFile{"null", "/dev/null", O_RDONLY}, {}, 208});
    probe.add(Stage::Descriptors, UseDescriptor{"null", 0});
    probe.add(Stage::Descriptors, UseDescriptor{"out", 2});
    probe.add(Stage::Descriptors, UseDescriptor{"given", 5});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    // The shell's own: the directory that the pattern is read from.
    EXPECT_TRUE(result.output == "0\n1\n2\n3\n5\n" || result.output == "0\n1\n2\n5\n")
        << result.output;
    ASSERT_EQ(::lseek(seen->number(), 0, SEEK_SET), 0);
    EXPECT_EQ(*sys::read_all(seen->number(), 100, "given"), "given\n");
}

TEST(LaunchProgram, PassesDescriptorsWhoseNumbersAreTheirTargetsCrosswise) {
    // The sources sit exactly where targets are: each must still end up as what was asked.
    const int low = 20, high = 21;
    auto first = sys::memfd_create("first");
    auto second = sys::memfd_create("second");
    ASSERT_EQ(::dup3(first->number(), low, O_CLOEXEC), low);
    ASSERT_EQ(::dup3(second->number(), high, O_CLOEXEC), high);
    LaunchProbe probe("readlink /proc/self/fd/20; readlink /proc/self/fd/21");
    probe.give("first", sys::Descriptor(low)).give("second", sys::Descriptor(high));
    probe.add(Stage::Descriptors, UseDescriptor{"first", high});
    probe.add(Stage::Descriptors, UseDescriptor{"second", low});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, "/memfd:second (deleted)\n/memfd:first (deleted)\n");
}

TEST(LaunchProgram, OpensFilesBeforeItAndSaysWhichOneIsMissing) {
    LaunchProbe probe("true");
    probe.plan.preparations.push_back(
        {OpenFile{"in", "/nonexistent/input", O_RDONLY},
         {"StandardInput", "file:/nonexistent/input", {"a.service", 6, 1}},
         208});
    const ProbeResult result = probe.run();
    EXPECT_EQ(
        result.failure(),
        "a.service:6: StandardInput=file:/nonexistent/input: step \"open-file\" failed: "
        "No such file or directory (open /nonexistent/input: No such file or directory)");
    EXPECT_TRUE(result.launch.failure->before_clone);
    EXPECT_EQ(result.launch.failure->exit_status, 208);
}

TEST(LaunchFailureMessage, IsTheLineOfTheUnitFileThatAskedForTheStep) {
    LaunchFailure failure;
    failure.step = "mount-attributes";
    failure.error = ENOENT;
    failure.asked = {"ReadOnlyPaths", "/srv/x", {"/etc/systemd/system/heat.service", 14, 1}};
    EXPECT_EQ(
        message(failure),
        "heat.service:14: ReadOnlyPaths=/srv/x: step \"mount-attributes\" failed: "
        "No such file or directory");
    failure.asked = {};
    failure.error = 0;
    failure.detail = "killed by signal 9";
    EXPECT_EQ(message(failure), "step \"mount-attributes\" failed: killed by signal 9");
}

}  // namespace
}  // namespace hearth::launch
