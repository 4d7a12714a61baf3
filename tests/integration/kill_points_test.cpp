// SPDX-License-Identifier: MIT
//
// hearthd dies at a chosen system call: what it had decided on and written down, and not done yet,
// is done by the next one. And what it does of its own accord while it takes over is written down
// first, as ever.
#include <sys/inotify.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

#include "tests/support/keeper_fixture.hpp"
#include "tests/support/members.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::Keeper;
using hearth::testing::members;
namespace fs = std::filesystem;

class KillPoints : public Keeper {
protected:
    /// What is done at a system call; `path`: of openat(2) alone, what is to be opened there;
    /// `when`: and not before that is so.
    struct Point {
        long call = 0;
        std::string path;
        std::function<bool()> when;
    };
    /// Lets hearthd's loop run to its next such call, does `there` while it stands before it, and
    /// lets it go. `cause` is what brings it there. Skips where nobody may be traced.
    void stop_at(
        pid_t pid,
        const Point& point,
        const std::function<void()>& cause,
        const std::function<void()>& there) {
        if (::ptrace(
                PTRACE_SEIZE,
                pid,
                nullptr,
                reinterpret_cast<void*>(PTRACE_O_TRACESYSGOOD)) != 0) {  // NOLINT
            GTEST_SKIP() << "no process may be traced here";
        }
        ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr), 0);
        std::thread other(cause);
        bool found = false, ended = false;
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!found && !ended && std::chrono::steady_clock::now() < until) {
            int status = 0;
            if (::waitpid(pid, &status, __WALL | WNOHANG) == 0) {
                std::this_thread::sleep_for(std::chrono::microseconds(20));
                continue;
            }
            ended = !WIFSTOPPED(status);
            found = !ended && WSTOPSIG(status) == (SIGTRAP | 0x80) && stands_before(pid, point);
            if (!found && !ended) {
                const bool of_tracing = (WSTOPSIG(status) & 0x7f) == SIGTRAP;
                const long signal = of_tracing ? 0 : WSTOPSIG(status);
                (void)::ptrace(
                    PTRACE_SYSCALL, pid, nullptr, reinterpret_cast<void*>(signal));  // NOLINT
            }
        }
        if (found) {
            there();
            (void)::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
        } else if (!ended) {
            (void)::kill(pid, SIGKILL);  // nobody traces it any more then
        }
        other.join();
        EXPECT_TRUE(found) << "it never came there\n" << hearthd.log();
    }
    static bool stands_before(pid_t pid, const Point& point) {
        __ptrace_syscall_info information{};
        if (::ptrace(
                PTRACE_GET_SYSCALL_INFO,
                pid,
                reinterpret_cast<void*>(sizeof information),  // NOLINT
                &information) <= 0 ||
            information.op != PTRACE_SYSCALL_INFO_ENTRY ||
            information.entry.nr != static_cast<std::uint64_t>(point.call)) {
            return false;
        }
        if (point.when && !point.when()) {
            return false;
        }
        if (point.path.empty()) {
            return true;
        }
        std::string path(point.path.size() + 1, '?');
        const iovec here{path.data(), path.size()};
        const iovec its{reinterpret_cast<void*>(information.entry.args[1]), path.size()};  // NOLINT
        return ::process_vm_readv(pid, &here, 1, &its, 1, 0) == static_cast<ssize_t>(path.size()) &&
               path.c_str() == point.path;
    }
    /// hearthd is killed before the kernel does anything of that call, and after `there`.
    void die_at(
        const Point& point,
        const std::function<void()>& cause,
        const std::function<void()>& there = [] {}) {
        const pid_t pid = hearthd.kept();
        ASSERT_GT(pid, 0) << hearthd.log();
        stop_at(pid, point, cause, [pid, &there] {
            there();
            (void)::kill(pid, SIGKILL);
            // Its death is told to its tracer first, and only then to its parent.
            int status = 0;
            (void)::waitpid(pid, &status, __WALL);
        });
        if (IsSkipped()) {
            return;
        }
        ASSERT_TRUE(eventually([&] {
            const pid_t next = hearthd.kept();
            return next != 0 && next != pid;
        })) << hearthd.log();
    }
    void ask(const std::vector<std::string>& words) const { (void)hearthd.ctl(words); }
};

TEST_F(KillPoints, ASignalThatWasDecidedOnIsSent) {
    hearthd.add(
        "a.service",
        "[Service]\nTimeoutStopSec=infinity\nExecStart=/bin/sleep infinity\n"
        "ExecStopPost=/bin/sh -c 'echo $$EXIT_CODE $$EXIT_STATUS >> " +
            hearthd.place() + "/ended'\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    die_at({SYS_pidfd_send_signal, {}, {}}, [this] { ask({"stop", "--no-block", "a.service"}); });
    if (IsSkipped()) {
        return;
    }
    EXPECT_TRUE(hearthd.becomes("a.service", "ActiveState", "inactive"));
    EXPECT_EQ(text("ended"), "killed TERM\n") << hearthd.log();
}

/// What was killed outright is told as such, too.
TEST_F(KillPoints, AKillOfAllIsSent) {
    hearthd.add(
        "a.service",
        "[Service]\nTimeoutStopSec=infinity\nKillSignal=SIGKILL\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    die_at({SYS_pidfd_send_signal, {}, {}}, [this] { ask({"stop", "--no-block", "a.service"}); });
    if (IsSkipped()) {
        return;
    }
    EXPECT_TRUE(hearthd.becomes("a.service", "SubState", "failed")) << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "ExecMainStatus"), "9");
}

/// The keeper tells of an end and then reaps: both may come between two looks of a hearthd that has
/// adopted the process, and finds neither a word nor a zombie. (A kernel with PIDFD_GET_INFO, 6.15,
/// would tell all the same; the VM's doesn't.)
TEST_F(KillPoints, AnEndThatTheKeeperTellsOfInBetweenIsKnown) {
    add_gated("a.service", "gate", "exit 7");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    die_and_return();
    const pid_t process = main_pid("a.service");
    ASSERT_GT(process, 0) << hearthd.log();
    const std::string directory = "/proc/" + std::to_string(process);
    ASSERT_EQ(::kill(hearthd.pid(), SIGSTOP), 0);
    stop_at(
        hearthd.kept(),
        {SYS_openat, directory + "/status", {}},
        [this] { open("gate"); },
        [&] {
            resume();
            EXPECT_TRUE(eventually([&] { return !fs::exists(directory); }));
        });
    resume();
    if (IsSkipped()) {
        return;
    }
    EXPECT_TRUE(hearthd.becomes("a.service", "SubState", "failed")) << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "ExecMainStatus"), "7") << hearthd.log();
    EXPECT_EQ(hearthd.show("a.service", "Result"), "exit-code");
}

/// A launch was decided on and not begun: the next hearthd begins it, and before it does so its own
/// state says that it does. Once that hearthd has died as well, the third one finds the process.
TEST_F(KillPoints, ALaunchOfATakeOverIsWrittenDownFirst) {
    constexpr int others = 24;
    const std::string state = hearthd.place() + "/runtime/units/a.service";
    hearthd.add(
        "a.service",
        "[Service]\nExecStart=/bin/sh -c 'grep -oE \"^(launch-began|main-pid)\" " + state + " > " +
            hearthd.place() + "/written; exec sleep infinity'\n");
    std::vector<std::string> start = {"start"};
    for (int index = 0; index < others; ++index) {
        start.push_back("z" + std::to_string(index) + ".service");
        hearthd.add(start.back(), "[Service]\nExecStart=/bin/sleep infinity\n");
    }
    ASSERT_EQ(hearthd.ctl(start).status, 0);
    // The pipe of its log, of which its state knows nothing.
    die_at({SYS_pipe2, {}, {}}, [this] { ask({"start", "--no-block", "a.service"}); });
    if (IsSkipped()) {
        return;
    }
    EXPECT_TRUE(hearthd.becomes("a.service", "SubState", "running"));
    EXPECT_TRUE(eventually([&] { return !text("written").empty(); }))
        << "its state didn't tell of the launch\n"
        << hearthd.log();
    const pid_t pid = main_pid("a.service");
    die_and_return();
    EXPECT_EQ(main_pid("a.service"), pid) << hearthd.log();
}

/// What an ExecStartPre= leaves running is killed before the next command is launched. The process
/// of that one is there, and hearthd dies before it has written that the signal was sent.
TEST_F(KillPoints, ASignalBeforeALaunchIsNotForItsProcess) {
    const std::string state = hearthd.place() + "/runtime/units/";
    ASSERT_EQ(::mkfifo((hearthd.place() + "/gate").c_str(), 0600), 0);
    hearthd.add(
        "a.service",
        "[Service]\nExecStartPre=/bin/sh -c 'sleep infinity & read line < " + hearthd.place() +
            "/gate'\nExecStart=/bin/sh -c 'echo $$$$ >> " + hearthd.place() +
            "/started; exec sleep infinity'\n");
    ASSERT_EQ(hearthd.ctl({"start", "--no-block", "a.service"}).status, 0);
    ASSERT_TRUE(eventually([this] { return hearthd.show("a.service", "ControlPID") != "0"; }));
    die_at(
        {SYS_openat,
         state + ".new",
         [&] {
             return text("runtime/units/a.service").find("\nlaunch-began") != std::string::npos;
         }},
        [this] { open("gate"); },
        [this] { EXPECT_TRUE(eventually([this] { return !text("started").empty(); })); });
    if (IsSkipped()) {
        return;
    }
    EXPECT_TRUE(hearthd.becomes("a.service", "SubState", "running")) << hearthd.log();
    EXPECT_EQ(std::to_string(main_pid("a.service")) + "\n", text("started")) << hearthd.log();
    EXPECT_EQ(members(hearthd, "a.service").size(), 1U) << "what the first left was ended";
}

/// The same, and hearthd dies before that launch has begun: what is killed late isn't the process.
TEST_F(KillPoints, ASignalBeforeALaunchThatHadNotBegunIsNotForItsProcess) {
    ASSERT_EQ(::mkfifo((hearthd.place() + "/gate").c_str(), 0600), 0);
    hearthd.add(
        "a.service",
        "[Service]\nExecStartPre=/bin/sh -c 'sleep infinity & read line < " + hearthd.place() +
            "/gate'\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "--no-block", "a.service"}).status, 0);
    ASSERT_TRUE(eventually([this] { return hearthd.show("a.service", "ControlPID") != "0"; }));
    die_at({SYS_pipe2, {}, {}}, [this] { open("gate"); });
    if (IsSkipped()) {
        return;
    }
    EXPECT_TRUE(hearthd.becomes("a.service", "SubState", "running")) << hearthd.log();
    EXPECT_EQ(members(hearthd, "a.service").size(), 1U) << "what the first left was ended";
    EXPECT_EQ(hearthd.show("a.service", "NRestarts"), "0");
}

/// As many signs of life as a service can send: the state file is written a few times a second, and
/// clients have their turn. Figures are printed.
TEST_F(KillPoints, AFloodOfNotificationsStarvesNobody) {
    constexpr int services = 4;
    const std::string program = hearthd.program("hearth-test-chaos");
    std::vector<std::string> start = {"start"};
    for (int index = 0; index < services; ++index) {
        start.push_back("flood" + std::to_string(index) + ".service");
        hearthd.add(
            start.back(),
            "[Service]\nType=notify\nNotifyAccess=main\nWatchdogSec=30\nExecStart=" + program +
                " " + hearthd.place() + "/ledger flood " + hearthd.place() + "/pings\n");
    }
    ASSERT_EQ(hearthd.ctl(start).status, 0) << hearthd.log();
    const auto pings = [&] {
        return fs::exists(hearthd.place() + "/pings") ? fs::file_size(hearthd.place() + "/pings")
                                                      : 0;
    };
    ASSERT_TRUE(eventually([&] { return pings() > 0; }));
    const int watch = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    ASSERT_GE(
        ::inotify_add_watch(watch, (hearthd.place() + "/runtime/units").c_str(), IN_MOVED_TO), 0);
    const auto before = pings();
    const auto begin = std::chrono::steady_clock::now();
    constexpr int calls = 20;
    for (int call = 0; call < calls; ++call) {
        ASSERT_EQ(hearthd.ctl({"show", "-p", "Version"}).status, 0) << hearthd.log();
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begin);
    ASSERT_TRUE(eventually([&] { return pings() > before + 8; }));
    std::size_t writes = 0;
    alignas(inotify_event) char buffer[65536];
    for (ssize_t size = ::read(watch, buffer, sizeof buffer); size > 0;
         size = ::read(watch, buffer, sizeof buffer)) {
        for (ssize_t at = 0; at < size;) {
            const auto* const event = reinterpret_cast<const inotify_event*>(buffer + at);
            at += static_cast<ssize_t>(sizeof *event) + event->len;
            ++writes;
        }
    }
    ::close(watch);
    const auto sent = (pings() - before) * 250;  // a byte for so many
    std::cout << sent << " notifications, " << writes << " writes of state, "
              << took.count() / calls << " ms a call\n";
    EXPECT_LT(writes, sent / 4) << hearthd.log();
    for (int index = 0; index < services; ++index) {
        EXPECT_EQ(hearthd.show(start[static_cast<std::size_t>(index) + 1], "NRestarts"), "0");
    }
}

}  // namespace
