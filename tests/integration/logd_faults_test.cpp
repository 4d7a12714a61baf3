// SPDX-License-Identifier: MIT
// hearth-logd where the disk is full, missing, or hangs: the services go on, lines are counted.
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>

#include <charconv>
#include <fstream>
#include <functional>
#include <thread>

#include "tests/integration/logd_support.hpp"

namespace hearth::logd {
namespace {

using testing_support::Folder;
using testing_support::numbered_lines;
using testing_support::TestLog;
using testing_support::write;
using Lines = std::vector<std::string>;

constexpr const char* heat = "heat.service";

/// Runs `body` on a thread with a mount namespace of its own, where `folder` is a tmpfs of `size`.
/// Returns why it can't be had, or "".
std::string on_small_disk(
    const std::string& folder, const char* options, const std::function<void()>& body) {
    std::string problem;
    std::thread([&] {
        const bool ready = ::unshare(CLONE_NEWNS) == 0 &&
                           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                           ::mount("none", folder.c_str(), "tmpfs", 0, options) == 0;
        if (!ready) {
            problem = "no mount namespace with a tmpfs of its own: " + std::to_string(errno);
            return;
        }
        body();
    }).join();
    return problem;
}

/// "!12 lines dropped: why" -> 12; the sum of all such lines.
std::uint64_t told_drops(const Lines& lines, const std::string& why) {
    std::uint64_t sum = 0;
    for (const std::string& line : lines) {
        if (line.starts_with('!')) {
            std::uint64_t count = 0;
            std::from_chars(line.data() + 1, line.data() + line.size(), count);
            EXPECT_TRUE(line.ends_with(" dropped: " + why)) << line;
            sum += count;
        }
    }
    return sum;
}

/// The service's own lines must be 0, 1, 2 ... with gaps only where a line tells that some were
/// dropped.
void check_order_and_gaps(const Lines& lines) {
    std::uint64_t next = 0, allowed = 0;
    for (const std::string& line : lines) {
        std::uint64_t number = 0;
        if (line.starts_with('!')) {
            std::from_chars(line.data() + 1, line.data() + line.size(), number);
            allowed += number;
            continue;
        }
        std::from_chars(line.data(), line.data() + line.size(), number);
        ASSERT_EQ(number, next + allowed) << line;
        next = number + 1;
        allowed = 0;
    }
}

TEST(LogdFaults, FullDiskKeepsDropsCountsAndRecovers) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "mounting a small disk needs root";
    }
    const Folder folder;
    constexpr std::size_t count = 200'000;  // 12.8 MB, with times and names some 19 MB
    const std::string problem = on_small_disk(folder.path(), "size=8m", [&] {
        TestLog log(folder.path());
        ASSERT_TRUE(log);
        const std::string filler = folder.path() + "/filler";
        std::ofstream(filler) << std::string(std::size_t{6} << 20, 'f');
        const sys::Descriptor stream = log.open(heat);
        write(stream, numbered_lines(0, count));  // must come to its end, disk or no disk
        const Result<void> flushed = log->flush();
        ASSERT_FALSE(flushed.has_value());
        EXPECT_NE(flushed.error().what.find("No space left on device"), std::string::npos);
        const auto full = log->stats(heat);
        ASSERT_TRUE(full.has_value());
        EXPECT_EQ(full->error, "No space left on device");
        EXPECT_GT(full->dropped_lines, 0U);
        EXPECT_EQ(full->lines + full->dropped_lines, count);
        EXPECT_LE(full->buffered_bytes, std::size_t{4} << 20);
        EXPECT_GT(full->buffered_bytes, 0U);

        ASSERT_TRUE(sys::unlink(filler).has_value());
        while (log->stats(heat)->buffered_bytes > 0) {
            std::this_thread::yield();
        }
        write(stream, numbered_lines(count, 10));
        log.flush();
        const Lines lines = log.lines(heat);
        EXPECT_EQ(told_drops(lines, "No space left on device"), full->dropped_lines);
        check_order_and_gaps(lines);
        EXPECT_EQ(lines.back().substr(0, 7), std::to_string(count + 9) + " ");
        EXPECT_EQ(log->stats(heat)->error, "");
    });
    if (!problem.empty()) {
        GTEST_SKIP() << problem;
    }
}

TEST(LogdFaults, FolderThatCannotBeMadeIsTriedAgainUntilItCan) {
    const Folder folder;
    const std::string blocker = folder.path() + "/blocker";
    std::ofstream(blocker) << "a file where a folder should be";
    TestLog log(blocker + "/logs");
    ASSERT_TRUE(log);
    const sys::Descriptor stream = log.open(heat);
    write(stream, "one\ntwo\n");
    const Result<void> flushed = log->flush();
    ASSERT_FALSE(flushed.has_value());
    EXPECT_NE(flushed.error().what.find("Not a directory"), std::string::npos)
        << flushed.error().what;
    EXPECT_GT(log->stats(heat)->buffered_bytes, 0U);
    ASSERT_TRUE(sys::unlink(blocker).has_value());
    while (log->stats(heat)->buffered_bytes > 0) {  // by itself, within its interval
        std::this_thread::yield();
    }
    EXPECT_EQ(log.lines(heat), (Lines{"one", "two"}));
}

/// Stops one thread of another process, as a disk that hangs would. It goes on when this one ends.
class StoppedThread {
public:
    explicit StoppedThread(pid_t thread) : thread_(thread) {
        stopped_ = ::ptrace(PTRACE_SEIZE, thread_, nullptr, nullptr) == 0 &&
                   ::ptrace(PTRACE_INTERRUPT, thread_, nullptr, nullptr) == 0 &&
                   ::waitpid(thread_, nullptr, __WALL) == thread_;
    }
    ~StoppedThread() { release(); }
    StoppedThread(const StoppedThread&) = delete;
    StoppedThread& operator=(const StoppedThread&) = delete;
    [[nodiscard]] explicit operator bool() const { return stopped_; }
    void release() {
        if (std::exchange(stopped_, false)) {
            ::ptrace(PTRACE_DETACH, thread_, nullptr, nullptr);
        }
    }

private:
    pid_t thread_;
    bool stopped_ = false;
};

/// The thread that writes, once it sleeps and so holds no lock. 0: can't be seen.
pid_t writer_thread(pid_t process) {
    const std::string tasks = "/proc/" + std::to_string(process) + "/task";
    const auto names = sys::read_directory(tasks);
    for (const std::string& name : *names) {
        if (sys::read_file(tasks + "/" + name + "/comm", 64).value_or("") != "log-writer\n") {
            continue;
        }
        while (true) {
            const auto call = sys::read_file(tasks + "/" + name + "/syscall", 4096);
            if (!call) {
                return 0;
            }
            if (call->starts_with("202 ")) {  // futex
                return static_cast<pid_t>(std::stol(name));
            }
            std::this_thread::yield();
        }
    }
    return 0;
}

TEST(LogdFaults, DiskThatHangsStallsNeitherItsServiceNorOthers) {
#ifndef __x86_64__
    GTEST_SKIP() << "knows futex(2) by its number on x86_64 only";
#endif
    constexpr std::size_t count = 150'000;
    const Folder folder;
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    const sys::Descriptor loud = log.open("loud.service");
    const sys::Descriptor quiet = log.open("quiet.service");
    log.flush();
    StoppedThread writer(writer_thread(log->pid()));
    if (!writer) {
        GTEST_SKIP() << "the writer thread can't be stopped by ptrace here";
    }
    write(loud, numbered_lines(0, count));
    write(quiet, "quiet line\n");
    while (log->stats("quiet.service")->lines == 0) {
        std::this_thread::yield();
    }
    while (true) {
        const auto stats = log->stats("loud.service");
        ASSERT_TRUE(stats.has_value()) << stats.error().what;
        EXPECT_LE(stats->buffered_bytes, std::size_t{4} << 20);
        if (stats->lines + stats->dropped_lines == count) {
            EXPECT_GT(stats->dropped_lines, 0U);
            break;
        }
    }
    writer.release();
    log.flush();
    write(loud, numbered_lines(count, 1));
    log.flush();
    const Lines lines = log.lines("loud.service");
    EXPECT_EQ(told_drops(lines, "the disk is too slow"), log->stats("loud.service")->dropped_lines);
    check_order_and_gaps(lines);
    EXPECT_EQ(log.lines("quiet.service"), Lines{"quiet line"});
}

}  // namespace
}  // namespace hearth::logd
