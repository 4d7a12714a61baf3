// SPDX-License-Identifier: MIT
//
// A random walk: a small kernel of its own keeps processes, launches and a cgroup as the engine's
// actions say, and everything that can happen does, in any order. After each event the invariants
// hold; at the end a stop brings every service to rest, and every job that was queued was removed
// exactly once.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <random>
#include <set>
#include <utility>

#include "engine_script.hpp"
#include "units/engine_match.hpp"

namespace hearth::test {

namespace {

constexpr std::array texts = {
    "ExecStart=/bin/a",
    "Type=exec\nExecStart=/bin/a\nExecReload=/bin/r\nExecStop=/bin/"
    "s\nRestart=on-failure\nRestartSec=1s",
    "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/a\nExecStart=-/bin/b\nExecStopPost=/bin/"
    "p\nExecStopPost=/bin/q",
    "ExecCondition=/bin/c\nExecStartPre=/bin/p\nExecStartPre=-/bin/q\nExecStart=/bin/"
    "a\nExecStartPost=/bin/z\n"
    "ExecReload=/bin/r\nExecStop=/bin/s\nExecStopPost=/bin/"
    "t\nKillMode=mixed\nRestart=always\nRestartSec=0\n"
    "RuntimeMaxSec=30s\nTimeoutStopSec=2s\nTimeoutStartSec=3s",
    "KillMode=process\nExecStart=/bin/a\nExecStop=/bin/"
    "s\nRestart=on-abnormal\nSendSIGKILL=no\nTimeoutStopSec=2s",
    "KillMode=none\nExecStart=/bin/a\nExecStop=/bin/s\nExecReload=/bin/"
    "r\nRestart=always\nRestartSec=1s",
    "Type=notify\nExecStart=/bin/a\nNotifyAccess=all\nExecReload=/bin/r\nExecStop=/bin/s\n"
    "WatchdogSec=3s\nFileDescriptorStoreMax=2\nRestart=on-failure\nRestartSec=1s\nRestartSteps=3\n"
    "RestartMaxDelaySec=9s\nTimeoutStopFailureMode=abort",
    "Type=notify-reload\nExecStart=/bin/a\nExecStartPost=/bin/p\nTimeoutStartSec=3s\n"
    "TimeoutStartFailureMode=abort\nFileDescriptorStoreMax=1\nRestart=always\nRestartMode=direct\n"
    "RestartSec=1s\nTimeoutStopSec=2s",
    "Type=forking\nExecStart=/bin/a\nExecStop=/bin/s\nExecReload=/bin/r\nRestart=on-failure\n"
    "RestartSec=1s\nTimeoutStartSec=3s\nOOMPolicy=kill",
    "Type=forking\nPIDFile=/run/a.pid\nExecStart=/bin/a\nExecStartPost=/bin/p\nExecReload=/bin/r\n"
    "Restart=always\nRestartSec=1s\nTimeoutStartSec=3s\nTimeoutStopFailureMode=kill",
    "ExitType=cgroup\nExecStart=/bin/a\nExecStopPost=/bin/p\nRestart=on-failure\nRestartSec=1s\n"
    "RuntimeMaxSec=30s\nRuntimeRandomizedExtraSec=10s\nOOMPolicy=continue",
    "ExecStart=/bin/a\nExecStop=/bin/s\nRestart=on-failure\nRestartSec=1s\n[X-Hearth]\n"
    "HealthCheck=/bin/h\nHealthCheckIntervalSec=1s\nHealthCheckTimeoutSec=2s\nRestartJitterSec=1s\n"
    "RestartResetSec=1min\nEssential=yes",
    "Type=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\nExecStartPost=/bin/"
    "p\nRestart=on-failure\nRestartSec=2s",
};

class Walk {
public:
    Walk(unsigned seed, const char* text)
        : script_(
              std::string("[Unit]\nStartLimitBurst=50\nStartLimitIntervalSec=1min\n[Service]\n") +
              text),
          random_(seed) {}

    void run(int steps) {
        for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
            one_step();
        }
    }

    void come_to_rest() {
        happen("stop replace");
        for (int i = 0; i < 200; ++i) {
            if (script_.status().launch) {
                happen("no-process");
            } else if (script_.status().health_launch) {
                happen("unchecked");
            } else if (std::exchange(searching_, false)) {
                happen("main 0");
            } else if (!processes_.empty()) {
                end_one(fmt::format("signal {} 9", *processes_.begin()));
            } else if (script_.status().cgroup_populated) {
                children_ = false;
                happen("empty");
            } else if (at_rest()) {
                break;
            } else {
                happen("after 1d");
            }
        }
        EXPECT_TRUE(at_rest()) << "still " << name(script_.status().state);
        EXPECT_FALSE(script_.status().health_launch);
        EXPECT_TRUE(script_.world.jobs.empty());
        EXPECT_EQ(queued_, removed_);
        EXPECT_TRUE(stored_.empty()) << "descriptors are kept for a service that is over";
    }

private:
    bool at_rest() const {
        return script_.status().state == ServiceState::Dead ||
               script_.status().state == ServiceState::Failed;
    }
    int below(int limit) { return std::uniform_int_distribution(0, limit - 1)(random_); }

    void one_step() {
        switch (below(20)) {
            case 16:
            case 17:
                return say();
            case 18:
                return answer_search();
            case 19:
                return resolve_health();
            case 0:
            case 1:
            case 2:
                return request();
            case 3:
            case 4:
            case 5:
            case 6:
                return script_.status().launch ? resolve_launch() : end_any();
            case 7:
            case 8:
                return end_any();
            case 9:
                children_ = below(2) == 0;
                return tell_cgroup();
            case 10:
                return tell_cgroup();
            case 11:
            case 12:
                return happen(std::array{
                    "after 1us",
                    "after 1s",
                    "after 4s",
                    "after 40s",
                    "after 2min"}[static_cast<std::size_t>(below(5))]);
            case 13:
                return happen(below(3) == 0 ? "oom" : "after 10ms");
            case 14:
                return stranger();
            default:
                return rare();
        }
    }

    void request() {
        constexpr std::array verbs = {
            "start",
            "start",
            "start",
            "stop",
            "restart",
            "reload",
            "try-restart",
            "reload-or-restart",
            "reload-or-try-restart"};
        constexpr std::array modes = {"replace", "replace", "replace", "fail", "flush"};
        happen(fmt::format(
            "{} {}",
            verbs[static_cast<std::size_t>(below(verbs.size()))],
            modes[static_cast<std::size_t>(below(modes.size()))]));
    }

    void resolve_launch() {
        const int pid = next_pid_++;
        switch (below(6)) {
            case 0:
                return happen(fmt::format("exec-failed {} 203", pid));
            case 1:
                return happen(below(4) == 0 ? "refused 226" : "no-process");
            default:
                processes_.insert(pid);
                return happen(fmt::format("launched {}", pid));
        }
    }

    int any_process() {
        return processes_.empty()
                   ? 99'998
                   : *std::next(processes_.begin(), below(static_cast<int>(processes_.size())));
    }

    void say() {
        constexpr std::array words = {
            "READY=1",
            "READY=1",
            "RELOADING=1",
            "RELOADING=1 MONOTONIC_USEC=2000000000",
            "STOPPING=1",
            "WATCHDOG=1",
            "WATCHDOG=trigger",
            "EXTEND_TIMEOUT_USEC=9000000",
            "WATCHDOG_USEC=700000",
            "FDSTORE=1 FDNAME=a DESCRIPTOR={}",
            "FDSTOREREMOVE=1 FDNAME=a",
            "STATUS=warm ERRNO=2"};
        const std::uint64_t descriptor = next_descriptor_++;
        happen(fmt::format(
            "notify {} {}",
            below(3) == 0 ? script_.status().main_pid : any_process(),
            fmt::format(
                fmt::runtime(words[static_cast<std::size_t>(below(words.size()))]), descriptor)));
        if (below(4) == 0 && !processes_.empty()) {
            happen(fmt::format("notify {0} MAINPID={0}", any_process()));
        }
        if (!stored_.empty() && below(3) == 0) {
            happen(fmt::format("hung-up {}", *stored_.begin()));
        }
    }

    void answer_search() {
        if (std::exchange(searching_, false)) {
            happen(fmt::format(
                "main {}", below(2) == 0 || processes_.empty() ? 0 : *processes_.rbegin()));
        }
    }

    void resolve_health() {
        if (!script_.status().health_launch) {
            return;
        }
        if (below(3) == 0) {
            return happen("unchecked");
        }
        const int pid = next_pid_++;
        processes_.insert(pid);
        happen(fmt::format("checked {}", pid));
    }

    void end_any() {
        if (processes_.empty()) {
            return;
        }
        const int pid = *std::next(processes_.begin(), below(static_cast<int>(processes_.size())));
        constexpr std::array ends = {
            "exit {} 0",
            "exit {} 0",
            "exit {} 1",
            "exit {} 255",
            "signal {} 15",
            "signal {} 9",
            "dump {} 11"};
        end_one(fmt::format(fmt::runtime(ends[static_cast<std::size_t>(below(ends.size()))]), pid));
    }

    void end_one(const std::string& event) {
        processes_.erase(std::stoi(event.substr(event.find(' ') + 1)));
        happen(event);
        if (below(2) == 0) {
            tell_cgroup();
        }
    }

    void tell_cgroup() { happen(processes_.empty() && !children_ ? "empty" : "populated"); }

    void stranger() {
        const LaunchId stale = script_.world.next_launch + 7;
        const Moment at = script_.now;
        follow(step(script_.world, Launched{script_.name, stale, 99'999, at, ""}, at));
        follow(step(script_.world, LaunchFailed{script_.name, stale, true, 0, 1, "", at, ""}, at));
        follow(step(script_.world, ProcessExited{script_.name, 99'999, CLD_EXITED, 1, at}, at));
        follow(step(script_.world, ProcessExited{"nobody.service", 1, CLD_EXITED, 1, at}, at));
    }

    void rare() {
        switch (below(4)) {
            case 0:
                return happen("reset-failed");
            case 1:
                return happen(fmt::format("cancel {}", script_.record().job.value_or(12'345)));
            case 2:
                script_.load(unit_of(texts[static_cast<std::size_t>(below(texts.size()))]));
                return follow(script_.last);
            default: {
                Unit gone = script_.record().unit;
                gone.load_state = below(2) == 0 ? LoadState::NotFound : LoadState::Error;
                script_.load(gone);
                follow(script_.last);
                script_.load(unit_of(texts[static_cast<std::size_t>(below(texts.size()))]));
                return follow(script_.last);
            }
        }
    }

    void happen(const std::string& event) {
        SCOPED_TRACE(event);
        script_.last = {};
        script_.apply(event);
        follow(script_.last);
    }

    /// What the actions ask of the kernel, and what they must never ask.
    void follow(const Outcome& outcome) {
        for (const JobChange& change : outcome.jobs) {
            if (change.what == JobChange::What::Queued) {
                EXPECT_TRUE(queued_.insert(change.job.id).second) << "job id used twice";
            } else if (change.what == JobChange::What::Removed) {
                EXPECT_TRUE(removed_.insert(change.job.id).second) << "job removed twice";
            }
        }
        bool signalled = false;
        for (const Action& action : outcome.actions) {
            match(action)(
                [this](const Launch& launch) {
                    EXPECT_GT(launch.launch, last_launch_) << "launch id used twice";
                    last_launch_ = launch.launch;
                },
                [this](const AbortLaunch& abort) { EXPECT_LE(abort.launch, last_launch_); },
                [&](const SignalUnit& signal) { signalled = signalled || signal.everything; },
                [&](const KillCgroup&) {
                    signalled = true;
                    children_ = false;
                },
                [this](const Release&) { ++released_; },
                [this](const WatchProcess& watch) { EXPECT_TRUE(processes_.contains(watch.pid)); },
                [this](const StoreDescriptor& store) {
                    EXPECT_TRUE(stored_.insert(store.id).second) << "stored twice";
                },
                [this](const CloseDescriptor& close) {
                    EXPECT_EQ(stored_.erase(close.id), 1U) << "closed, but never stored";
                },
                [this](const FindMainProcess&) { searching_ = true; },
                // Of the units that trigger others: the walk has none (trigger_states_test does).
                Ignored<
                    ReadTimerStamp,
                    WriteTimerStamp,
                    WatchPaths,
                    UnwatchPaths,
                    MountAutofs,
                    UnmountAutofs,
                    AnswerAutofs,
                    ExpireAutofs>{},
                Ignored<Tell, CheckConditions, FillScope, PerformAction>{});
        }
        if (signalled) {
            tell_cgroup();  // owed after such actions
        }
    }

    Script script_;
    std::mt19937 random_;
    std::set<int> processes_;
    std::set<std::uint64_t> stored_;
    std::uint64_t next_descriptor_ = 1;
    bool searching_ = false;
    bool children_ = false;
    int next_pid_ = 100;
    int released_ = 0;
    LaunchId last_launch_ = 0;
    std::set<JobId> queued_, removed_;
};

TEST(EngineWalk, HoldsItsInvariantsAndComesToRest) {
    for (const char* text : texts) {
        for (unsigned seed = 1; seed <= 4; ++seed) {
            SCOPED_TRACE(fmt::format("seed {} of\n{}", seed, text));
            Walk walk(seed, text);
            walk.run(250);
            walk.come_to_rest();
            if (testing::Test::HasFailure()) {
                return;  // the first broken walk says enough
            }
        }
    }
}

}  // namespace

}  // namespace hearth::test
