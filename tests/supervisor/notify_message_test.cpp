// SPDX-License-Identifier: MIT
//
// Datagrams of sd_notify(3) as values, and paths of PID files judged.
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "supervisor/notify/main_process.hpp"
#include "supervisor/notify/message.hpp"

namespace hearth::notify {

namespace {

TEST(NotifyMessage, ReadsEveryAssignment) {
    Notification all;
    all.ready = all.reloading = all.stopping = true;
    all.monotonic = 17;
    all.status = "a=b c";
    all.error_number = 2;
    all.bus_error = "org.example.Failed";
    all.main_pid = 4711;
    all.watchdog = true;
    all.watchdog_interval = 20'000'000;
    all.extend_timeout = 5;
    all.store = all.remove = true;
    all.descriptor_name = "listen";
    all.poll = false;
    all.barrier = true;
    EXPECT_EQ(
        read_notification("READY=1\nRELOADING=1\nSTOPPING=1\nMONOTONIC_USEC=17\nSTATUS=a=b c\n"
                          "ERRNO=2\nBUSERROR=org.example.Failed\nMAINPID=4711\nWATCHDOG=1\n"
                          "WATCHDOG_USEC=20000000\nEXTEND_TIMEOUT_USEC=5\nFDSTORE=1\n"
                          "FDSTOREREMOVE=1\nFDNAME=listen\nFDPOLL=0\nBARRIER=1\nX_OTHER=1"),
        all);
    EXPECT_TRUE(read_notification("WATCHDOG=trigger").watchdog_trigger);
    EXPECT_FALSE(read_notification("WATCHDOG=trigger").watchdog);
}

TEST(NotifyMessage, PassesOverWhatCannotBeRead) {
    for (const char* text :
         {"",
          "\n\n",
          "READY=0",
          "READY=11",
          "READY",
          "XREADY=1",
          "MAINPID=0",
          "MAINPID=1",
          "MAINPID=-5",
          "MAINPID=12x",
          "MAINPID=99999999999",
          "ERRNO=-1",
          "ERRNO=5000",
          "WATCHDOG=2",
          "WATCHDOG_USEC=0",
          "WATCHDOG_USEC=18446744073709551616",
          "EXTEND_TIMEOUT_USEC=-1",
          "STATUS=\xff\xfe",
          "FDNAME=a:b",
          "FDNAME=\x01"}) {
        EXPECT_EQ(read_notification(text), Notification{}) << text;
    }
    EXPECT_EQ(read_notification(std::string("READY=1\0STATUS=x", 16)), Notification{});
    EXPECT_EQ(read_notification("STATUS=first\nSTATUS=second").status, "first");
    EXPECT_EQ(read_notification("STATUS=").status, "");
}

TEST(PidFile, GuessTakesOneChildAndNoneOfSeveral) {
    const pid_t parent = ::getppid();
    EXPECT_EQ(guess_main({::getpid()}, 0, parent).pid, ::getpid());
    EXPECT_EQ(guess_main({::getpid()}, ::getpid(), parent).pid, 0);
    EXPECT_EQ(guess_main({::getpid(), ::getpid()}, 0, parent).pid, 0);
    EXPECT_EQ(guess_main({::getpid()}, 0, parent + 1).pid, 0);
    EXPECT_EQ(guess_main({}, 0, parent).pid, 0);
}

TEST(PidFile, OneThatIsMissingIsNotThereYet) {
    const MainSearch search = main_by_pid_file("/nonexistent/heat.pid", {}, 0);
    EXPECT_EQ(search.pid, 0);
    EXPECT_EQ(search.why, "PIDFile=/nonexistent/heat.pid is not there yet");
    EXPECT_NE(main_by_pid_file("/proc/self", {}, 0).why.find("no regular file"), std::string::npos);
    EXPECT_NE(
        main_by_pid_file("/proc/self/comm", {}, 0).why.find("no process number"),
        std::string::npos);
}

}  // namespace

}  // namespace hearth::notify
