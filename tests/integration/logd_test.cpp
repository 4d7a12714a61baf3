// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <thread>

#include "supervisor/sys/process.hpp"
#include "tests/integration/logd_support.hpp"

namespace hearth::logd {
namespace {

using testing_support::Folder;
using testing_support::numbered_lines;
using testing_support::TestLog;
using testing_support::write;
using Lines = std::vector<std::string>;

constexpr const char* heat = "heat.service";
constexpr uid_t nobody = 65534;

TEST(Logd, LinesOfAServiceAreInItsFileAfterAFlush) {
    const Folder folder;
    TestLog log(folder.path() + "/made/by/logd");
    ASSERT_TRUE(log);
    const auto stream = log->open_stream({heat, "burn er", "", 0, 0});
    ASSERT_TRUE(stream.has_value()) << stream.error().what;
    write(*stream, "one\ntwo\nhalf");
    log.flush();
    EXPECT_EQ(log.lines(heat), (Lines{"one", "two"}));
    write(*stream, " and half\n");
    log.flush();
    EXPECT_EQ(log.lines(heat), (Lines{"one", "two", "half and half"}));

    const std::string path = log_path(folder.path() + "/made/by/logd", heat);
    const auto read = read_last(path, 1);
    EXPECT_EQ(split_line(read->at(0)).identifier, "burn_er");
    EXPECT_EQ(sys::stat(path)->st_mode & 07777U, 0640U);
    EXPECT_EQ(sys::stat(folder.path() + "/made/by/logd")->st_mode & 07777U, 0750U);
    const auto stats = log->stats(heat);
    ASSERT_TRUE(stats.has_value());
    EXPECT_EQ(*stats, (Stats{1, 3, 0, 0, ""}));
}

/// Runs `body` in a child with `stream` as its standard error, as `user`; its exit status.
int in_child(const sys::Descriptor& stream, uid_t user, const std::function<int()>& body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        const bool ready = ::dup2(stream.number(), STDERR_FILENO) >= 0 && ::setgid(user) == 0 &&
                           ::setuid(user) == 0;
        ::_exit(ready ? body() : 99);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int write_by_path(const char* path) {
    const int file = ::open(path, O_WRONLY | O_APPEND);
    const std::string line = std::string("by ") + path + "\n";
    return file >= 0 && ::write(file, line.data(), line.size()) > 0 ? 0 : errno;
}

TEST(Logd, DaemonOfAUserCanOpenItsStandardErrorByPath) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "changing the user needs root";
    }
    const Folder folder;
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    const sys::Descriptor stream = log.open(heat, nobody, nobody);
    const sys::Descriptor roots = log.open(heat);
    for (const char* path : {"/dev/stderr", "/proc/self/fd/2"}) {
        EXPECT_EQ(in_child(stream, nobody, [&] { return write_by_path(path); }), 0) << path;
        EXPECT_EQ(in_child(roots, nobody, [&] { return write_by_path(path); }), EACCES) << path;
    }
    log.flush();
    EXPECT_EQ(log.lines(heat), (Lines{"by /dev/stderr", "by /proc/self/fd/2"}));
}

TEST(Logd, EndOfAStreamWritesItsLastHalfLine) {
    const Folder folder;
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    {
        const sys::Descriptor stream = log.open(heat);
        write(stream, "whole\nhalf");
    }
    while (log->stats(heat)->streams > 0) {
        std::this_thread::yield();
    }
    log.flush();
    EXPECT_EQ(log.lines(heat), (Lines{"whole", "half"}));
}

TEST(Logd, LongLineIsSplitAndNothingOfItLost) {
    const Folder folder;
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    const sys::Descriptor stream = log.open(heat);
    write(stream, std::string(3 * longest_line + 7, 'x') + "\nnext\n");
    log.flush();
    const Lines lines = log.lines(heat);
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_EQ(lines[0].size(), longest_line);
    EXPECT_EQ(lines[3], "xxxxxxx");
    EXPECT_EQ(lines[4], "next");
}

TEST(Logd, ManyWritersAtOnceLoseNothingAndKeepTheirOrder) {
    constexpr std::size_t units = 6, count = 20'000;
    const Folder folder;
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    std::vector<sys::Descriptor> streams;
    std::vector<std::thread> writers;
    for (std::size_t unit = 0; unit < units; ++unit) {
        streams.push_back(log.open("unit" + std::to_string(unit) + ".service"));
    }
    for (const sys::Descriptor& stream : streams) {
        writers.emplace_back([&stream] { write(stream, numbered_lines(0, count)); });
    }
    for (std::thread& writer : writers) {
        writer.join();
    }
    log.flush();
    for (std::size_t unit = 0; unit < units; ++unit) {
        const Lines lines = log.lines("unit" + std::to_string(unit) + ".service");
        ASSERT_EQ(lines.size(), count);
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_EQ(lines[i].substr(0, lines[i].find(' ')), std::to_string(i));
        }
    }
}

TEST(Logd, HalfLineOfADeadWriterIsClosedAndARemovedFileMadeAnew) {
    const Folder folder;
    const std::string path = log_path(folder.path(), heat);
    std::ofstream(path) << "torn";
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    const sys::Descriptor stream = log.open(heat);
    write(stream, "one\n");
    log.flush();
    EXPECT_EQ(log.lines(heat), (Lines{"torn", "one"}));
    ASSERT_TRUE(sys::unlink(path).has_value());
    write(stream, "two\n");
    log.flush();
    EXPECT_EQ(log.lines(heat), Lines{"two"});
}

TEST(Logd, NamesThatLeaveTheFolderAreRefused) {
    const Folder folder;
    TestLog log(folder.path() + "/logs");
    ASSERT_TRUE(log);
    for (const char* unit : {"../heat", "a/b", ".", "..", ""}) {
        EXPECT_FALSE(log->open_stream({unit, "", "", 0, 0}).has_value()) << unit;
    }
    EXPECT_FALSE(
        log->open_stream({heat, "", std::string(2 * longest_packet, 'x'), 0, 0}).has_value());
    log.flush();
}

TEST(Logd, FifoInPlaceOfALogIsToldAndHangsNobody) {
    const Folder folder;
    ASSERT_EQ(::mkfifo(log_path(folder.path(), "evil.service").c_str(), 0600), 0);
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    const sys::Descriptor evil = log.open("evil.service");
    const sys::Descriptor stream = log.open(heat);
    write(evil, "lost\n");
    write(stream, "one\n");
    const Result<void> flushed = log->flush();
    ASSERT_FALSE(flushed.has_value());
    EXPECT_NE(flushed.error().what.find("evil.service.log"), std::string::npos);
    EXPECT_EQ(log.lines(heat), Lines{"one"});
    EXPECT_FALSE(log->stats("evil.service")->error.empty());
    EXPECT_TRUE(log->stats(heat)->error.empty());
}

TEST(Logd, StopStoresAllThatWasWritten) {
    const Folder folder;
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    const sys::Descriptor stream = log.open(heat);
    write(stream, numbered_lines(0, 1000) + "half");
    const auto ended = log->stop();
    ASSERT_TRUE(ended.has_value()) << ended.error().what;
    EXPECT_EQ(*ended, "exited with status 0");
    const Lines lines = log.lines(heat);
    ASSERT_EQ(lines.size(), 1001U);
    EXPECT_EQ(lines.back(), "half");
}

TEST(Logd, DeathIsToldAndANewOneTakesNewStreams) {
    const Folder folder;
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    EXPECT_FALSE(log->restart().has_value()) << "it still runs";
    const sys::Descriptor lost = log.open(heat);
    ASSERT_TRUE(sys::pidfd_send_signal(log->pidfd(), SIGKILL).has_value());
    pollfd death{log->pidfd(), POLLIN, 0};
    ASSERT_EQ(::poll(&death, 1, 30'000), 1);
    EXPECT_FALSE(log->open_stream({heat, "", "", 0, 0}).has_value());
    const auto died = log->restart();
    ASSERT_TRUE(died.has_value()) << died.error().what;
    EXPECT_EQ(*died, "killed by signal 9");
    const sys::Descriptor stream = log.open(heat);
    write(stream, "again\n");
    log.flush();
    EXPECT_EQ(log.lines(heat), Lines{"again"});
}

TEST(Logd, StreamsOutliveHearthdAndLogdEndsAfterTheLast) {
    const Folder folder;
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    sys::Descriptor stream = log.open(heat);
    const sys::Descriptor pidfd = *sys::pidfd_open(log->pid());
    log.client().reset();  // hearthd is gone
    write(stream, "still there\n");
    pollfd death{pidfd.number(), POLLIN, 0};
    EXPECT_EQ(::poll(&death, 1, 0), 0);
    stream.reset();
    ASSERT_EQ(::poll(&death, 1, 30'000), 1);
    EXPECT_TRUE((*sys::waitid(pidfd.number()))->success());
    EXPECT_EQ(log.lines(heat), Lines{"still there"});
}

TEST(Logd, MissingProgramIsAnErrorThatNamesIt) {
    const auto client = LogClient::start("/nowhere/hearth-logd", "/tmp");
    ASSERT_FALSE(client.has_value());
    EXPECT_NE(client.error().what.find("/nowhere/hearth-logd"), std::string::npos);
}

TEST(Logd, AnswersComeToAnEventLoopToo) {
    const Folder folder;
    TestLog log(folder.path());
    ASSERT_TRUE(log);
    const auto serial = log->request_flush();
    const auto other = log->request_stats("");
    ASSERT_TRUE(serial.has_value() && other.has_value());
    std::vector<std::uint32_t> answered;
    while (answered.size() < 2) {
        pollfd answer{log->control(), POLLIN, 0};
        ASSERT_EQ(::poll(&answer, 1, 30'000), 1);
        const auto message = log->take_answer();
        ASSERT_TRUE(message.has_value()) << message.error().what;
        if (*message) {
            answered.push_back((*message)->serial);
        }
    }
    EXPECT_NE(answered[0], answered[1]);
    EXPECT_FALSE((*log->take_answer()).has_value());
}

}  // namespace
}  // namespace hearth::logd
