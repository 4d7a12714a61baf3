// SPDX-License-Identifier: MIT
//
// Reading a process's filter must tell what is loaded and leave no trace on the process.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <functional>
#include <utility>

#include "supervisor/report/filter_reader.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "tests/support/hearthd_process.hpp"

namespace hearth::report {
namespace {

std::string status(pid_t pid, const std::string& key) {
    const std::string text =
        sys::read_file("/proc/" + std::to_string(pid) + "/status", 65536).value_or("");
    const std::size_t at = text.find("\n" + key + ":\t");
    const std::size_t start = at == std::string::npos ? at : at + key.size() + 3;
    return at == std::string::npos ? "" : text.substr(start, text.find('\n', start) - start);
}

/// A child that runs `body`; killed and reaped at the end.
class Child {
public:
    explicit Child(const std::function<void()>& body) : pid_(::fork()) {
        if (pid_ == 0) {
            body();
            ::_exit(0);
        }
        if (auto opened = sys::pidfd_open(pid_)) {
            pidfd_ = std::move(*opened);
        }
    }
    ~Child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] int pidfd() const { return pidfd_.number(); }
    /// Until it sleeps in that call.
    void wait_for_call(long number) const {
        const std::string wanted = std::to_string(number) + " ";
        while (!sys::read_file("/proc/" + std::to_string(pid_) + "/syscall", 4096)
                    .value_or(wanted)
                    .starts_with(wanted)) {
            ::usleep(1000);
        }
    }

private:
    pid_t pid_;
    sys::Descriptor pidfd_;
};

sock_filter instructions[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};

FilterProgram loaded() {
    FilterProgram program(std::size(instructions));
    std::memcpy(program.data(), instructions, sizeof instructions);
    return program;
}

void sleep_filtered() {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const sock_fprog program{std::size(instructions), instructions};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
        ::_exit(1);
    }
    const timespec long_time{1000, 0};
    ::syscall(SYS_nanosleep, &long_time, nullptr);
}

#define NEEDS_ROOT()                                                      \
    if (::geteuid() != 0) {                                               \
        GTEST_SKIP() << "needs root: filters are shown to CAP_SYS_ADMIN"; \
    }

TEST(FilterReader, ReadsWhatWasLoadedAndLetsTheProcessGoOn) {
    NEEDS_ROOT();
    const Child child(sleep_filtered);
    child.wait_for_call(SYS_nanosleep);
    const auto program = read_filter(child.pid(), child.pidfd());
    ASSERT_TRUE(program.has_value()) << program.error().what;
    EXPECT_EQ(*program, loaded());
    EXPECT_EQ(status(child.pid(), "TracerPid"), "0");
    EXPECT_TRUE(sys::waitid(child.pidfd()).has_value());
    EXPECT_FALSE(sys::waitid(child.pidfd())->has_value());  // it has not ended, and isn't stopped:
    EXPECT_NE(status(child.pid(), "State").substr(0, 1), "T");
    EXPECT_NE(status(child.pid(), "State").substr(0, 1), "t");
}

TEST(FilterReader, AsksTheKernelOncePerProcess) {
    NEEDS_ROOT();
    FilterMemory memory;
    const Child child(sleep_filtered);
    child.wait_for_call(SYS_nanosleep);
    EXPECT_EQ(memory.filter(child.pid(), child.pidfd()).value_or(FilterProgram{}), loaded());
    // It was stopped once: let it be asleep again.
    std::string switches;
    EXPECT_TRUE(testing::eventually([&] {
        const std::string before =
            std::exchange(switches, status(child.pid(), "voluntary_ctxt_switches"));
        return before == switches && status(child.pid(), "State").starts_with('S');
    }));
    EXPECT_EQ(memory.filter(child.pid(), child.pidfd()).value_or(FilterProgram{}), loaded());
    EXPECT_EQ(status(child.pid(), "voluntary_ctxt_switches"), switches);
}

// epoll_wait answers a stop with EINTR, which a careless service takes for a failure.
TEST(FilterReader, LeavesAProcessAloneThatAStopWouldDisturb) {
    const Child child([] {
        epoll_event event{};
        ::epoll_wait(::epoll_create1(0), &event, 1, -1);
        ::_exit(7);
    });
#ifdef SYS_epoll_wait
    child.wait_for_call(SYS_epoll_wait);
#else
    child.wait_for_call(SYS_epoll_pwait);
#endif
    const auto program = read_filter(child.pid(), child.pidfd());
    ASSERT_FALSE(program.has_value());
    EXPECT_NE(program.error().what.find("could interrupt"), std::string::npos)
        << program.error().what;
    const auto ended = sys::waitid(child.pidfd(), WNOHANG | WNOWAIT);
    EXPECT_TRUE(ended.has_value() && !ended->has_value());
}

TEST(FilterReader, KeepsAStoppedProcessStopped) {
    NEEDS_ROOT();
    const Child child(sleep_filtered);
    child.wait_for_call(SYS_nanosleep);
    ::kill(child.pid(), SIGSTOP);
    while (status(child.pid(), "State").substr(0, 1) != "T") {
        ::usleep(1000);
    }
    const auto program = read_filter(child.pid(), child.pidfd());
    EXPECT_TRUE(program.has_value()) << (program ? "" : program.error().what);
    // Let go of, it runs for a moment inside the kernel, back to where it was stopped.
    EXPECT_TRUE(testing::eventually([&] { return status(child.pid(), "State")[0] == 'T'; }));
    EXPECT_EQ(status(child.pid(), "TracerPid"), "0");
}

TEST(FilterReader, NeverReadsAnotherProcessThanThePidfds) {
    NEEDS_ROOT();
    const Child other(sleep_filtered);
    other.wait_for_call(SYS_nanosleep);
    sys::Descriptor gone;
    {
        const Child child([] {});
        gone = std::move(*sys::duplicate(child.pidfd()));
    }
    EXPECT_FALSE(read_filter(other.pid(), gone.number()).has_value());
    EXPECT_EQ(status(other.pid(), "TracerPid"), "0");
}

}  // namespace
}  // namespace hearth::report
