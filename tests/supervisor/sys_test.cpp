// SPDX-License-Identifier: MIT
//
// The system call layer: errors that say call, path and reason; bounded reads; trees removed
// whatever is in them; descriptors over sockets; exits seen before they are reaped.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "supervisor/sys/socket.hpp"

namespace hearth::sys {
namespace {

class SysFile : public ::testing::Test {
protected:
    void SetUp() override {
        // In memory where there is a place: a disk makes every removal a write.
        const std::string parent = stat("/dev/shm") ? "/dev/shm" : "/tmp";
        directory_ = parent + "/hearth-sys-" + *random_hex(6);
        ASSERT_TRUE(mkdir(directory_, 0700).has_value());
    }
    void TearDown() override {
        EXPECT_TRUE(remove_tree(directory_).has_value());
        EXPECT_FALSE(lstat(directory_).has_value());
    }
    std::string directory_;
};

TEST_F(SysFile, ErrorsSayTheCallThePathAndTheReason) {
    const auto missing = open("/nonexistent/x", O_RDONLY);
    ASSERT_FALSE(missing.has_value());
    EXPECT_EQ(missing.error().what, "open /nonexistent/x: No such file or directory");
    EXPECT_EQ(missing.error().code, ENOENT);
    EXPECT_EQ(mkdir(directory_, 0700).error().code, EEXIST);
    EXPECT_EQ(rmdir("/nonexistent").error().what, "rmdir /nonexistent: No such file or directory");
}

TEST_F(SysFile, ReadsAtMostWhatIsAllowed) {
    const std::string path = directory_ + "/file";
    ASSERT_TRUE(replace_file(path, std::string(10'000, 'x'), 0600).has_value());
    EXPECT_EQ(read_file(path, 10'000)->size(), 10'000U);
    EXPECT_EQ(read_file(path, 9'999).error().code, EFBIG);
    EXPECT_EQ(read_file("/dev/zero", 100'000).error().code, EFBIG);
    EXPECT_EQ(*read_file("/dev/null", 0), "");
}

TEST_F(SysFile, ReplacesAFileWholeWithTheModeGiven) {
    const std::string path = directory_ + "/file";
    ASSERT_TRUE(replace_file(path, "old", 0644).has_value());
    const mode_t mask = ::umask(077);
    ASSERT_TRUE(replace_file(path, "new", 0640).has_value());
    ::umask(mask);
    EXPECT_EQ(*read_file(path, 100), "new");
    EXPECT_EQ(stat(path)->st_mode & 07777, 0640U);
    EXPECT_EQ(read_directory(directory_)->size(), 1U) << "no temporary file is left";
    EXPECT_FALSE(write_file(directory_ + "/none", "x").has_value()) << "write_file never creates";
}

TEST_F(SysFile, RemovesTreesHoweverDeepWithoutFollowingLinks) {
    const std::string outside = directory_ + "/outside", tree = directory_ + "/tree";
    ASSERT_TRUE(make_directories(outside, 0700).has_value());
    ASSERT_TRUE(replace_file(outside + "/kept", "x", 0600).has_value());
    ASSERT_TRUE(make_directories(tree + "/a/b", 0700).has_value());
    ASSERT_TRUE(symlink(outside, tree + "/a/link").has_value());
    // Deeper than PATH_MAX and than the number of descriptors that a recursion could hold.
    Descriptor at = std::move(*open(tree, O_RDONLY | O_DIRECTORY));
    for (int depth = 0; depth < 600; ++depth) {
        ASSERT_EQ(::mkdirat(at.number(), "deep-directory", 0700), 0);
        at = std::move(*openat(at, "deep-directory", O_RDONLY | O_DIRECTORY));
    }
    at.reset();
    const auto removed = remove_tree(tree);
    EXPECT_TRUE(removed.has_value()) << removed.error().what;
    EXPECT_FALSE(lstat(tree).has_value());
    EXPECT_TRUE(stat(outside + "/kept").has_value());
    EXPECT_TRUE(remove_tree(tree).has_value()) << "a missing tree is fine";
}

TEST_F(SysFile, LocksForOneHolder) {
    const std::string path = directory_ + "/lock";
    const auto first = open(path, O_RDWR | O_CREAT, 0600), second = open(path, O_RDWR);
    ASSERT_TRUE(flock(first->number(), LOCK_EX | LOCK_NB).has_value());
    EXPECT_EQ(flock(second->number(), LOCK_EX | LOCK_NB).error().code, EWOULDBLOCK);
}

TEST_F(SysFile, EveryDescriptorIsCloseOnExec) {
    const auto check = [](const Descriptor& descriptor) {
        EXPECT_EQ(::fcntl(descriptor.number(), F_GETFD), FD_CLOEXEC);
    };
    const auto pipe = pipe2();
    check(pipe->read);
    check(pipe->write);
    check(*open("/dev/null", O_RDONLY));
    check(*eventfd());
    check(*memfd_create("x"));
    const auto copy = duplicate(pipe->read.number(), 100);
    check(*copy);
    EXPECT_GE(copy->number(), 100);
    check(socketpair(SOCK_STREAM)->first);
    check(*pidfd_open(::getpid()));
}

TEST_F(SysFile, ListensWhereNobodyElseDoes) {
    const std::string path = directory_ + "/socket";
    {
        auto first = listen_unix(path, SOCK_STREAM | SOCK_NONBLOCK, 0600);
        ASSERT_TRUE(first.has_value());
        EXPECT_EQ(listen_unix(path, SOCK_STREAM, 0600).error().code, EADDRINUSE);
    }
    auto again = listen_unix(path, SOCK_STREAM | SOCK_NONBLOCK, 0660);
    ASSERT_TRUE(again.has_value()) << "a file that nobody listens on is replaced";
    EXPECT_EQ(stat(path)->st_mode & 0777, 0660U);
    const auto client = connect_unix(path, SOCK_STREAM);
    ASSERT_TRUE(client.has_value());
    const auto accepted = accept4(again->number());
    ASSERT_TRUE(accepted.has_value() && accepted->has_value());
    EXPECT_EQ(peer_credentials((*accepted)->number())->pid, ::getpid());
    EXPECT_EQ(listen_unix(std::string(200, 'x'), SOCK_STREAM, 0600).error().code, ENAMETOOLONG);
}

TEST(SysSocket, PassesDescriptorsAndTellsWhenNothingWaits) {
    const auto pair = socketpair(SOCK_SEQPACKET | SOCK_NONBLOCK);
    EXPECT_FALSE(receive_message(pair->first.number(), 100)->has_value());
    const auto file = memfd_create("given");
    ASSERT_TRUE(write_all(file->number(), "content", "memfd").has_value());
    ASSERT_TRUE(send_message(pair->second.number(), "take", {file->number()}).has_value());
    const auto received = receive_message(pair->first.number(), 100);
    ASSERT_TRUE(received.has_value() && received->has_value());
    EXPECT_EQ((*received)->bytes, "take");
    ASSERT_EQ((*received)->descriptors.size(), 1U);
    ASSERT_EQ(::lseek((*received)->descriptors[0].number(), 0, SEEK_SET), 0);
    EXPECT_EQ(*read_all((*received)->descriptors[0].number(), 100, "memfd"), "content");
    ASSERT_TRUE(send_message(pair->second.number(), "too long for it").has_value());
    EXPECT_TRUE((*receive_message(pair->first.number(), 4))->truncated);
}

TEST(SysProcess, SeesAnExitBeforeItIsReaped) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::_exit(9);
    }
    const auto pidfd = pidfd_open(pid);
    ASSERT_TRUE(pidfd.has_value());
    EXPECT_EQ(*pid_of(pidfd->number()), pid);
    const ExitStatus expected{ExitStatus::Code::Exited, 9, pid};
    EXPECT_EQ(**waitid(pidfd->number(), WNOWAIT), expected);
    EXPECT_EQ(**waitid(pidfd->number(), 0), expected);
    EXPECT_EQ(waitid(pidfd->number()).error().code, ECHILD);
}

TEST(SysProcess, TellsKilledFromExitedAndRunning) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        while (true) {
            ::pause();
        }
    }
    const auto pidfd = pidfd_open(pid);
    EXPECT_FALSE(waitid(pidfd->number())->has_value());
    EXPECT_GT(*start_time(pid), 0U);
    ASSERT_TRUE(pidfd_send_signal(pidfd->number(), SIGKILL).has_value());
    const auto status = *waitid(pidfd->number(), 0);
    EXPECT_EQ(status->code, ExitStatus::Code::Killed);
    EXPECT_EQ(status->status, SIGKILL);
    EXPECT_FALSE(status->success());
    EXPECT_EQ(pidfd_send_signal(pidfd->number(), SIGKILL).error().code, ESRCH);
}

TEST(SysProcess, ReadsTheStartTimeBehindAnyName) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        static_cast<void>(
            prctl(15, reinterpret_cast<unsigned long>(") S 1 (x) 2")));  // PR_SET_NAME
        while (true) {
            ::pause();
        }
    }
    const std::string comm = "/proc/" + std::to_string(pid) + "/comm";
    while (read_file(comm, 64)->find(") S 1") == std::string::npos) {
    }
    const auto strange = start_time(pid), own = start_time(::getpid());
    ASSERT_TRUE(strange.has_value() && own.has_value());
    EXPECT_GE(*strange, *own);
    EXPECT_LT(*strange, *own + 100'000'000);
    ASSERT_TRUE(kill(pid, SIGKILL).has_value());
    EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

}  // namespace
}  // namespace hearth::sys
