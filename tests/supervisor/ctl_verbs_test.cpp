// SPDX-License-Identifier: MIT
//
// hearthctl's verbs: exit codes, words, what they ask of hearthd.
#include "tests/support/ctl_fixture.hpp"

namespace hearth::test {
namespace {

class CtlVerbs : public CtlFixture {
protected:
    void SetUp() override {
        CtlFixture::SetUp();
        UnitRecord& heat = control.add("heat.service", ServiceState::Running);
        heat.unit.settings.unit.description = "Heat";
        heat.status.main_pid = getpid();
        control.add("cold.service");
        UnitRecord& broken = control.add("broken.service", ServiceState::Failed);
        broken.status.result = ServiceResult::ExitCode;
        serve();
    }
    static bool says(const std::string& text, std::string_view part) {
        return text.find(part) != std::string::npos;
    }
};

TEST_F(CtlVerbs, ExitAsSystemctlDoes) {
    struct Case {
        std::string verb;
        std::vector<std::string> words;
        int status;
        std::string out;  ///< a part of standard output
        std::string err;
    };
    const std::vector<Case> cases = {
        {"is-active", {"heat"}, 0, "active\n", ""},
        {"is-active", {"cold"}, 3, "inactive\n", ""},
        {"is-active", {"unknown"}, 3, "inactive\n", ""},
        {"is-active", {"cold", "heat"}, 0, "inactive\nactive\n", ""},
        {"is-active", {"-q", "heat"}, 0, "", ""},
        {"is-failed", {"broken"}, 0, "failed\n", ""},
        {"is-failed", {"heat"}, 1, "active\n", ""},
        {"status", {"heat"}, 0, "● heat.service - Heat", ""},
        {"status", {"cold"}, 3, "○ cold.service", ""},
        {"status", {"broken"}, 3, "failed (Result: exit-code)", ""},
        {"status", {"unknown"}, 4, "", "could not be found"},
        {"start", {"unknown"}, 5, "", "Failed to start unknown.service"},
        {"start", {"cold"}, 0, "", ""},
        {"start", {std::string(300, 'x')}, 1, "", ""},
        {"show",
         {"-p", "Id", "-p", "ActiveState", "heat"},
         0,
         "ActiveState=active\nId=heat.service\n",
         ""},
        {"show", {"-p", "Id,Nothing", "--value", "heat"}, 0, "heat.service\n", ""},
        {"show", {"-p", "LoadState", "unknown"}, 0, "LoadState=not-found\n", ""},
        {"show", {"--json", "-p", "Id", "heat"}, 0, "{\"Id\":\"heat.service\"}\n", ""},
        {"list-units",
         {"--plain", "--no-legend"},
         0,
         "heat.service   loaded active running Heat\n",
         ""},
        {"list-units",
         {"--state=failed", "--no-legend", "--plain"},
         0,
         "broken.service loaded failed failed",
         ""},
        {"list-units",
         {"--json", "heat*"},
         0,
         "{\"unit\":\"heat.service\",\"load\":\"loaded\"",
         ""},
        {"list-jobs", {}, 0, "No jobs running.", ""},
        {"list-jobs", {"--json"}, 0, "[]\n", ""},
        {"why", {"heat"}, 0, "heat.service: active (running)\n  nothing has happened to it", ""},
        {"why", {"--json", "heat"}, 0, "[{\"active\":\"active\",\"chain\":[],", ""},
        {"why", {"unknown"}, 5, "", "Failed to ask about unknown.service"},
        {"cancel", {"17"}, 1, "", "Job 17 does not exist"},
        {"cancel", {"x"}, 1, "", "no job number"},
        {"kill", {"-s", "KILL", "heat"}, 0, "", ""},
        {"kill", {"-s", "NOSUCH", "heat"}, 1, "", "is no signal"},
        {"kill", {"unknown"}, 1, "", "not loaded"},
        {"cat", {"unknown"}, 1, "", "No files found for unknown.service"},
        {"daemon-reload", {}, 0, "", ""},
        {"reset-failed", {"broken"}, 0, "", ""},
        {"clean", {"--what=state,logs", "broken"}, 0, "", ""},
        {"clean", {"broken"}, 0, "", ""},
        {"plan", {"heat"}, 0, "plan of heat.service\n", ""},
        {"start", {}, 91, "", ""},
        {"start", {"--bogus", "heat"}, 91, "", ""},
    };
    for (const Case& each : cases) {
        const Ended ended = hearthctl(each.verb, each.words);
        const std::string what = each.verb + " " + (each.words.empty() ? "" : each.words.back());
        EXPECT_EQ(ended.status, each.status) << what << ": " << ended.err;
        EXPECT_TRUE(says(ended.out, each.out)) << what << ": " << ended.out;
        EXPECT_TRUE(says(ended.err, each.err)) << what << ": " << ended.err;
    }
    for (const char* call :
         {"kill heat.service all 9",
          "reload",
          "reset-failed broken.service",
          "clean broken.service state logs",
          "clean broken.service cache runtime"}) {
        EXPECT_TRUE(control.called(call)) << call;
    }
}

TEST_F(CtlVerbs, WaitForTheirJob) {
    control.finish_at_once = false;
    bool waited = false;
    meanwhile = [&] {
        if (control.state.jobs.contains(1) && !waited) {
            waited = true;  // one more iteration passes: the client waits in it
        } else if (control.state.jobs.contains(1)) {
            control.finish(1, JobResult::Done);
        }
    };
    EXPECT_EQ(hearthctl("start", {"cold"}).status, 0);
    EXPECT_TRUE(waited);
    EXPECT_TRUE(control.state.jobs.empty());
}

TEST_F(CtlVerbs, DontWaitWhenTold) {
    control.finish_at_once = false;
    EXPECT_EQ(hearthctl("start", {"--no-block", "cold"}).status, 0);
    EXPECT_EQ(control.state.jobs.size(), 1U);
}

TEST_F(CtlVerbs, TellWhyAJobFailed) {
    UnitRecord& cold = control.state.units["cold.service"];
    control.job_result = JobResult::Failed;
    cold.status.result = ServiceResult::Timeout;
    const Ended failed = hearthctl("start", {"cold"});
    EXPECT_EQ(failed.status, 1);
    EXPECT_TRUE(says(failed.err, "Job for cold.service failed because a timeout was exceeded."))
        << failed.err;

    cold.status.refused = true;
    cold.status.failure =
        "cold.service:9: AppArmorProfile=x: no AppArmor "
        "here\n[X-Hearth]\nRelaxConfinement=AppArmorProfile";
    const Ended refused = hearthctl("start", {"cold"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_TRUE(says(refused.err, "cold.service:9: AppArmorProfile=x")) << refused.err;
    EXPECT_TRUE(says(refused.err, "[X-Hearth]\nRelaxConfinement=AppArmorProfile\n")) << refused.err;
    EXPECT_FALSE(says(refused.err, "because")) << refused.err;

    control.job_result = JobResult::Canceled;
    EXPECT_TRUE(says(hearthctl("start", {"cold"}).err, "was canceled"));
}

TEST_F(CtlVerbs, ReportConfinementAndItsContradictions) {
    control.report =
        R"([{"directive":"PrivateTmp","asked":"yes","applied":"tmp","kernel":"/tmp","verdict":"verified","reason":""}])";
    const Ended good = hearthctl("confinement", {"heat"});
    EXPECT_EQ(good.status, 0) << good.err;
    EXPECT_TRUE(says(good.out, "1 verified, 0 mismatched")) << good.out;
    control.report =
        R"([{"directive":"User","asked":"nobody","applied":"uid","kernel":"uid 0","verdict":"MISMATCH","reason":"runs as root"}])";
    const Ended bad = hearthctl("confinement", {"heat"});
    EXPECT_EQ(bad.status, 1);
    EXPECT_TRUE(says(bad.out, "User: runs as root")) << bad.out;
    EXPECT_EQ(hearthctl("confinement", {"--json", "heat"}).out, control.report + "\n");
}

TEST_F(CtlVerbs, AttachWithTheirOwnDescriptorsWhereThereIsNoTerminal) {
    if (getuid() != 0) {
        GTEST_SKIP() << "attach is for root";
    }
    meanwhile = [&] {
        if (control.attach_ended) {
            control.attach_ended(7, {CLD_EXITED, 5});
            control.attach_ended = nullptr;
        }
    };
    EXPECT_EQ(
        hearthctl("attach", {"heat", "--as-service", "--namespaces=mount,pid", "--", "ls", "-l"})
            .status,
        5);
    EXPECT_EQ(control.attached.command, (std::vector<std::string>{"ls", "-l"}));
    EXPECT_EQ(control.attached.namespaces, (std::vector<std::string>{"mount", "pid"}));
    EXPECT_FALSE(control.attached.terminal);
    meanwhile = [&] {
        if (control.attach_ended) {
            control.attach_ended(7, {CLD_KILLED, 9});
            control.attach_ended = nullptr;
        }
    };
    EXPECT_EQ(hearthctl("attach", {"heat"}).status, 137);
    EXPECT_EQ(hearthctl("attach", {"heat", "--as-service", "--privileged"}).status, 1);
}

TEST_F(CtlVerbs, ShowTheLogWhereItIs) {
    control.log_path = directory.path();
    std::string text;
    for (int line = 0; line < 30; ++line) {
        text += "2026-11-22T12:00:00.000000Z heat: line " + std::to_string(line) + "\n";
    }
    ASSERT_TRUE(sys::replace_file(directory.path() + "/heat.service.log", text, 0600).has_value());
    EXPECT_EQ(hearthctl("logs", {"heat"}).out, text);
    const Ended last = hearthctl("logs", {"-n", "2", "heat"});
    EXPECT_EQ(std::ranges::count(last.out, '\n'), 2) << last.out;
    EXPECT_TRUE(says(hearthctl("status", {"heat"}).out, "line 20\n"));
    EXPECT_FALSE(says(hearthctl("status", {"heat"}).out, "line 19\n"));
    EXPECT_TRUE(says(hearthctl("logs", {"cold"}).err, "No entries"));
}

TEST_F(CtlVerbs, ShowSeveralLogsAsOne) {
    control.log_path = directory.path();
    const auto line = [](int second, const std::string& who) {
        return "2026-11-22T12:00:0" + std::to_string(second) + ".000000Z " + who + ": line\n";
    };
    const std::string heat = line(1, "heat") + line(4, "heat"),
                      cold = line(2, "cold") + line(3, "cold");
    ASSERT_TRUE(sys::replace_file(directory.path() + "/heat.service.log", heat, 0600).has_value());
    ASSERT_TRUE(sys::replace_file(directory.path() + "/cold.service.log", cold, 0600).has_value());
    const std::string all = line(1, "heat") + line(2, "cold") + line(3, "cold") + line(4, "heat");
    EXPECT_EQ(hearthctl("logs", {"heat", "cold"}).out, all);
    EXPECT_EQ(
        hearthctl("logs", {"-n", "2", "cold", "heat"}).out, line(3, "cold") + line(4, "heat"));
    const Ended json = hearthctl("logs", {"--json", "-n", "1", "heat", "cold"});
    EXPECT_TRUE(says(json.out, "\"unit\":\"heat.service\"")) << json.out;
    EXPECT_TRUE(says(hearthctl("logs", {"none", "neither"}).err, "No entries"));
}

TEST_F(CtlVerbs, SendASignalWithAValue) {
    EXPECT_EQ(hearthctl("kill", {"-s", "RTMIN+1", "--kill-value=-7", "heat"}).status, 0);
    EXPECT_EQ(
        control.calls.back(), "kill heat.service all " + std::to_string(SIGRTMIN + 1) + " -7");
    const Ended signals = hearthctl("kill", {"--signal=help"});
    EXPECT_EQ(signals.status, 0);
    EXPECT_TRUE(says(signals.out, "\n15     SIGTERM\n")) << signals.out;
    EXPECT_EQ(hearthctl("kill").status, 1);
    EXPECT_EQ(hearthctl("kill", {"nothing"}).status, 1);
    EXPECT_EQ(hearthctl("show", {"-P", "Id", "heat"}).out, "heat.service\n");
}

TEST_F(CtlVerbs, AreRequestsOfTheProcessThatTheKernelNames) {
    EXPECT_EQ(hearthctl("start", {"cold"}).status, 0);
    EXPECT_EQ(control.requested_by.uid, getuid());
    EXPECT_GT(control.requested_by.pid, 0);
    EXPECT_NE(control.requested_by.pid, getpid());
    auto own = sys::read_file("/proc/self/comm", 64).value_or("");
    own.erase(own.find('\n'));
    EXPECT_EQ(control.requested_by.command, own);  // the client is a fork of this process
}

TEST_F(CtlVerbs, ListWhatJobsWaitFor) {
    UnitRecord& heat = *control.state.find("heat.service");
    UnitRecord& cold = *control.state.find("cold.service");
    cold.unit.dependencies.push_back({Relation::After, "heat.service", DependencySource::File});
    control.state.link(cold.unit);
    control.state.jobs[1] =
        Job{1, "heat.service", JobType::Start, JobMode::Replace, JobState::Running, {}, {}, {}};
    control.state.jobs[2] =
        Job{2, "cold.service", JobType::Start, JobMode::Replace, JobState::Waiting, {}, {}, {}};
    heat.job = 1;
    cold.job = 2;
    const std::string after = hearthctl("list-jobs", {"--after"}).out;
    EXPECT_TRUE(says(after, "waiting for job 1 (heat.service/start)")) << after;
    EXPECT_FALSE(says(after, "blocking")) << after;
    const std::string before = hearthctl("list-jobs", {"--before"}).out;
    EXPECT_TRUE(says(before, "blocking job 2 (cold.service/start)")) << before;
    const std::string one = hearthctl("list-jobs", {"--no-legend", "cold"}).out;
    EXPECT_TRUE(one.starts_with("2 ")) << one;
    EXPECT_FALSE(says(one, "heat.service")) << one;
}

TEST_F(CtlVerbs, SayWhyAUnitKeepsWhatItHas) {
    control.state.find("heat.service")->kept_because = {
        {Severity::Error, {"/x/heat.service", 3, 1}, "bad", {}, {}}};
    const std::string status = hearthctl("status", {"heat"}).out;
    EXPECT_TRUE(says(status, "Kept: runs with the settings loaded before")) << status;
    EXPECT_TRUE(says(status, "/x/heat.service:3: bad")) << status;
}

TEST_F(CtlVerbs, LintFilesWithoutHearthd) {
    const std::string path = directory.path() + "/typo.service";
    ASSERT_TRUE(sys::replace_file(path, "[Service]\nExecStart=/bin/true\nRestrat=always\n", 0600)
                    .has_value());
    const Ended typo = hearthctl("lint", {path});
    EXPECT_EQ(typo.status, 1) << typo.out;
    EXPECT_TRUE(says(typo.out, path + ":3")) << typo.out;
    EXPECT_TRUE(says(typo.out, "Restart")) << typo.out;
    ASSERT_TRUE(sys::replace_file(path, "[Service]\nType=simple\n", 0600).has_value());
    EXPECT_EQ(hearthctl("lint", {path}).status, 2);
    const Ended json = hearthctl("lint", {"--json", path});
    EXPECT_EQ(json.status, 2);
    EXPECT_TRUE(says(json.out, R"("id":"exec-none")")) << json.out;
    EXPECT_EQ(hearthctl("lint", {directory.path() + "/missing.service"}).status, 2);
    ASSERT_TRUE(sys::replace_file(path, "[Service]\nExecStart=/bin/true\n", 0600).has_value());
    EXPECT_EQ(hearthctl("lint", {path}).status, 0);
    const std::string of_template = directory.path() + "/disk@.service";
    ASSERT_TRUE(
        sys::replace_file(
            of_template,
            "[Unit]\nBindsTo=%i.device\nAfter=%i.device\n[Service]\nExecStart=/bin/true %i\n",
            0600)
            .has_value());
    const Ended instance = hearthctl("lint", {of_template});
    EXPECT_EQ(instance.status, 0) << instance.out;
    EXPECT_TRUE(says(instance.out, "0 errors, 0 warnings")) << instance.out;
}

TEST_F(CtlVerbs, SayWhereTheyLookedForHearthd) {
    server.reset();
    const Ended ended = hearthctl("is-active", {"heat"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_TRUE(says(ended.err, socket_path())) << ended.err;
    EXPECT_TRUE(says(ended.err, "HEARTH_RUNTIME_DIR")) << ended.err;
}

}  // namespace
}  // namespace hearth::test
