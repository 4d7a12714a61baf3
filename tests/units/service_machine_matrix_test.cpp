// SPDX-License-Identifier: MIT
//
// Every state meets every event. The answers are printed to docs/service-states.md, which is
// compared (HEARTH_UPDATE_GOLDEN=1 writes it anew); invariants are checked after each answer.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "engine_script.hpp"
#include "places.hpp"

namespace hearth::test {

namespace {

constexpr const char* everything = R"(
    NotifyAccess=exec
    FileDescriptorStoreMax=1
    ExecCondition=/bin/condition
    ExecStartPre=/bin/pre
    ExecStart=/bin/main
    ExecStartPost=/bin/post
    ExecReload=/bin/reload
    ExecStop=/bin/stop
    ExecStopPost=/bin/stop-post
    RuntimeMaxSec=1h
    Restart=on-failure
    RestartSec=5s
)";

/// A way into a state. Main processes have pid 10, control processes 20.
struct Context {
    ServiceState state;
    const char* when;  ///< which of the ways, for the reader
    const char* more;  ///< directives beside `everything`
    const char* lines;
};

constexpr const char* to_pre = "start\nlaunched 20\nempty\nexit 20 0\n";
constexpr const char* to_start =
    "start\nlaunched 20\nempty\nexit 20 0\nlaunched 20\nempty\nexit 20 0\n";
constexpr const char* to_post =
    "start\nlaunched 20\nempty\nexit 20 0\nlaunched 20\nempty\nexit 20 0\nlaunched 10\n";
constexpr const char* to_running =
    "start\nlaunched 20\nempty\nexit 20 0\nlaunched 20\nempty\nexit 20 0\nlaunched 10\nlaunched "
    "20\nexit 20 0\n";

using enum ServiceState;
const std::array contexts = std::to_array<std::pair<Context, std::string>>({
    {{Dead, "", "", ""}, ""},
    {{Condition, "launch in flight", "", "start"}, ""},
    {{Condition, "command running", "", "start\nlaunched 20"}, ""},
    {{StartPre, "launch in flight", "", ""}, to_pre},
    {{StartPre, "command running", "", "launched 20"}, to_pre},
    {{Start, "launch in flight", "", ""}, to_start},
    {{Start, "launch in flight, Type=exec", "Type=exec", ""}, to_start},
    {{Start, "command running, Type=oneshot", "Type=oneshot", "launched 10"}, to_start},
    {{Start, "waiting for READY=1, Type=notify", "Type=notify", "launched 10"}, to_start},
    {{Start, "the starter running, Type=forking", "Type=forking", "launched 20"}, to_start},
    {{Start,
      "the main process is looked for, Type=forking",
      "Type=forking",
      "launched 20\nexit 20 0"},
     to_start},
    {{StartPost, "launch in flight", "", ""}, to_post},
    {{StartPost, "command running", "", "launched 20"}, to_post},
    {{Running, "", "", ""}, to_running},
    {{Running,
      "health check running",
      "[X-Hearth]\nHealthCheck=/bin/h\nHealthCheckIntervalSec=10s\nHealthCheckRetries=1\n[Service]",
      "after 11s\nchecked 50"},
     to_running},
    {{Exited, "", "RemainAfterExit=yes", "empty\nexit 10 0"}, to_running},
    {{Reload, "launch in flight", "", "reload"}, to_running},
    {{Reload, "command running", "", "reload\nlaunched 20"}, to_running},
    {{ReloadSignal,
      "",
      "Type=notify-reload\nExecReload=",
      "notify 10 READY=1\nlaunched 20\nexit 20 0\nreload"},
     to_post},
    {{ReloadNotify, "", "", "notify 10 RELOADING=1"}, to_running},
    {{Stop, "launch in flight", "", "stop"}, to_running},
    {{Stop, "command running", "", "stop\nlaunched 20"}, to_running},
    {{StopWatchdog, "", "", "notify 10 WATCHDOG=trigger"}, to_running},
    {{StopSigterm, "main process left", "", "stop\nlaunched 20\nexit 20 0"}, to_running},
    {{StopSigterm, "launch in flight", "", "stop"}, to_start},
    {{StopSigkill, "main process left", "", "stop\nlaunched 20\nexit 20 0\nafter 1d"}, to_running},
    {{StopSigkill, "launch in flight", "", "stop\nafter 1d"}, to_start},
    {{StopPost, "launch in flight", "", "empty\nexit 10 1"}, to_running},
    {{StopPost, "command running", "", "empty\nexit 10 1\nlaunched 20"}, to_running},
    {{FinalWatchdog, "", "TimeoutStopFailureMode=abort", "empty\nexit 10 1\nlaunched 20\nafter 1d"},
     to_running},
    {{FinalSigterm, "control process left", "", "empty\nexit 10 1\nlaunched 20\nafter 1d"},
     to_running},
    {{FinalSigterm, "launch in flight", "", "empty\nexit 10 1\nafter 1d"}, to_running},
    {{FinalSigkill,
      "control process left",
      "",
      "empty\nexit 10 1\nlaunched 20\nafter 1d\nafter 1d"},
     to_running},
    {{FinalSigkill, "launch in flight", "", "empty\nexit 10 1\nafter 1d\nafter 1d"}, to_running},
    {{Failed, "", "Restart=no", "empty\nexit 10 1\nlaunched 20\nempty\nexit 20 0"}, to_running},
    {{AutoRestart, "", "", "empty\nexit 10 1\nlaunched 20\nempty\nexit 20 0"}, to_running},
});

struct EventName {
    const char* event;
    const char* text;
};

constexpr std::array events = std::to_array<EventName>({
    {"start", "start requested"},
    {"stop", "stop requested"},
    {"restart", "restart requested"},
    {"reload", "reload requested"},
    {"launched 30", "launch succeeded"},
    {"exec-failed 30 203", "launch failed in the child"},
    {"no-process", "launch failed without a process"},
    {"refused 226", "launch refused"},
    {"exit 10 0", "main process: exit 0"},
    {"exit 10 1", "main process: exit 1"},
    {"signal 10 9", "main process: SIGKILL"},
    {"exit 20 0", "control process: exit 0"},
    {"exit 20 1", "control process: exit 1"},
    {"exit 20 255", "control process: exit 255"},
    {"exit 99 1", "unknown process ended"},
    {"empty", "cgroup empty"},
    {"populated", "cgroup populated"},
    {"oom", "OOM killer"},
    {"after 1us", "time passed"},
    {"after 2d", "deadline passed"},
    {"reset-failed", "reset-failed requested"},
    {"notify 10 READY=1", "READY=1"},
    {"notify 10 RELOADING=1 MONOTONIC_USEC=2000000000", "RELOADING=1"},
    {"notify 10 STOPPING=1", "STOPPING=1"},
    {"notify 10 WATCHDOG=trigger", "WATCHDOG=trigger"},
    {"notify 10 MAINPID=40", "MAINPID= of another process"},
    {"notify 10 FDSTORE=1 DESCRIPTOR=1", "FDSTORE=1"},
    {"notify 77 READY=1 STOPPING=1 MAINPID=40", "READY=1 of a process that may not notify"},
    {"main 40", "main process found"},
    {"main 0", "no main process found"},
    {"checked 50", "health check launched"},
    {"exit 50 0", "health check: exit 0"},
    {"exit 50 1", "health check: exit 1"},
    {"bus-name 1", "bus name acquired"},
    {"bus-name 0", "bus name lost"},
});

Script arrive(const Context& context, const std::string& before, const std::string& more = "") {
    Script script(std::string(everything) + context.more + "\n" + more);
    script.run(before);
    script.run(context.lines);
    return script;
}

/// What happened without the jobs, which are the engine's matter, as two cells of a table.
std::string cells(Outcome outcome) {
    outcome.jobs.clear();
    const std::string text = text_of(outcome);
    const std::size_t bar = text.find("| |");
    std::string states = text.substr(0, bar);
    while (states.ends_with(' ')) {
        states.pop_back();
    }
    const std::string actions = bar == std::string::npos ? "" : text.substr(bar + 4);
    return states.empty() && actions.empty() ? "" : states + " | " + actions;
}

std::string page() {
    std::ostringstream page;
    page << "# What each state of a service answers to each event\n\n"
            "Written by tests/units/service_machine_matrix_test.cpp; don't edit, run it with\n"
            "`HEARTH_UPDATE_GOLDEN=1`. The states are explained in units/service_machine.hpp. The "
            "service has one\n"
            "command of every kind, `Restart=on-failure` and `KillMode=control-group`; events that "
            "a state only\n"
            "records, or ignores, are listed below its table. `TERM:all` is a signal to the whole "
            "cgroup, `main` and `control` are single\n"
            "processes; `*` begins a new activation.\n";
    for (const auto& [context, before] : contexts) {
        page << "\n## " << name(context.state) << (*context.when != 0 ? ", " : "") << context.when
             << "\n\n| event | passes through | does |\n| --- | --- | --- |\n";
        std::string ignored;
        const Script arrived = arrive(context, before);
        EXPECT_EQ(arrived.status().state, context.state) << context.when;
        for (const EventName& event : events) {
            Script script = arrived;
            script.last = {};
            script.apply(event.event);
            const std::string answer = cells(script.last);
            if (answer.empty()) {
                ignored += (ignored.empty() ? "" : ", ") + std::string(event.text);
            } else {
                page << "| " << event.text << " | " << answer << " |\n";
            }
        }
        page << "\nRecorded or ignored: " << ignored << ".\n";
    }
    return page.str();
}

TEST(ServiceMachineMatrix, IsThePageInDocs) {
    const std::string path = std::string(HEARTH_SOURCE_DIR) + "/docs/service-states.md";
    const std::string now = page();
    if (std::getenv("HEARTH_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(path) << now;
        return;
    }
    std::ifstream file(path);
    const std::string golden(
        (std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    const auto differs = std::ranges::mismatch(now, golden);
    EXPECT_TRUE(now == golden) << "docs/service-states.md differs from here on:\n"
                               << std::string(differs.in1, now.end()).substr(0, 300)
                               << "\nrenew it with HEARTH_UPDATE_GOLDEN=1 if the change is meant";
}

TEST(ServiceMachineMatrix, HasAWayIntoEveryState) {
    std::map<ServiceState, int> ways;
    for (const auto& [context, before] : contexts) {
        ++ways[context.state];
    }
    EXPECT_EQ(ways.size(), static_cast<std::size_t>(AutoRestart) + 1);
}

TEST(ServiceMachineMatrix, NoVariantOfAServiceBreaksAnInvariant) {
    for (const char* variant :
         {"KillMode=mixed",
          "KillMode=process",
          "KillMode=none",
          "SendSIGKILL=no",
          "Type=exec",
          "Type=oneshot",
          "Type=oneshot\nRemainAfterExit=yes",
          "RemainAfterExit=yes",
          "TimeoutStopSec=infinity",
          "Type=idle",
          "ExitType=cgroup",
          "OOMPolicy=kill",
          "OOMPolicy=continue",
          "TimeoutStartFailureMode=abort\nTimeoutStopFailureMode=abort",
          "TimeoutStartFailureMode=kill\nTimeoutStopFailureMode=kill",
          "RestartMode=direct",
          "WatchdogSec=1s",
          "ExecStop=\nExecStopPost=",
          "ExecCondition=\nExecStartPre=\nExecStartPost=\nExecReload="}) {
        SCOPED_TRACE(variant);
        for (const auto& [context, before] : contexts) {
            const Script arrived = arrive(context, before, variant);
            for (const char* event :
                 {"stop",
                  "restart",
                  "launched 30",
                  "no-process",
                  "exit 10 1",
                  "exit 20 0",
                  "empty",
                  "oom",
                  "after 2d"}) {
                SCOPED_TRACE(event);
                Script(arrived).apply(event);
            }
        }
    }
}

TEST(ServiceMachineMatrix, NoPairOfEventsBreaksAnInvariant) {
    for (const auto& [context, before] : contexts) {
        const Script arrived = arrive(context, before);
        for (const EventName& first : events) {
            Script once = arrived;
            once.apply(first.event);
            if (once.world == arrived.world) {
                continue;  // ignored: the second event would meet what the first has met
            }
            for (const EventName& second : events) {
                SCOPED_TRACE(
                    std::string(name(context.state)) + ": " + first.event + ", " + second.event);
                Script(once).apply(second.event);
            }
        }
    }
}

TEST(ServiceMachineMatrix, TextsThatChangeUnderwayAreHarmless) {
    const std::array texts = {
        std::string("ExecStart=/bin/other"),
        std::string("Type=oneshot\nExecStart=/bin/x\nExecStart=/bin/y\nExecStopPost=/bin/z"),
        std::string("Type=oneshot\nRemainAfterExit=yes\nExecStop=/bin/x"),
        std::string("KillMode=mixed\nExecStart=/bin/x\nRuntimeMaxSec=1s"),
    };
    for (const auto& [context, before] : contexts) {
        const Script arrived = arrive(context, before);
        for (const std::string& text : texts) {
            Script changed = arrived;
            changed.load(unit_of(text));
            for (const EventName& event : events) {
                SCOPED_TRACE(std::string(name(context.state)) + ": " + text + ", " + event.event);
                Script(changed).apply(event.event);
            }
        }
    }
}

}  // namespace

}  // namespace hearth::test
