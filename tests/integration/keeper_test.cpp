// SPDX-License-Identifier: MIT
//
// DESIGN 1, the keeper: what an adoption alone can't save is saved too. How a process ended that
// nobody watched is known, descriptors come back, what was said and asked meanwhile is answered.
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "places.hpp"
#include "tests/support/keeper_fixture.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::HearthdProcess;
using hearth::testing::Keeper;
using hearth::testing::Output;
using hearth::testing::run_program;
namespace fs = std::filesystem;

TEST_F(Keeper, NobodyNoticesThatHearthdDied) {
    hearthd.add("a.service", "[Service]\nExecStart=/bin/sleep infinity\nRestart=always\n");
    hearthd.add("b.service", "[Service]\nExecStart=/bin/sh -c 'exit 3'\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0) << hearthd.log();
    (void)hearthd.ctl({"start", "b.service"});
    ASSERT_TRUE(hearthd.becomes("b.service", "ActiveState", "failed"));
    const pid_t main = main_pid("a.service");
    for (int deaths = 0; deaths < 5; ++deaths) {
        die_and_return();
        EXPECT_EQ(main_pid("a.service"), main) << hearthd.log();
        EXPECT_EQ(hearthd.show("a.service", "NRestarts"), "0");
        EXPECT_EQ(hearthd.show("b.service", "ExecMainStatus"), "3");
    }
    EXPECT_EQ(::kill(main, 0), 0);
    // Watched again, although it is the keeper's child now.
    ::kill(main, SIGKILL);
    EXPECT_TRUE(hearthd.becomes("a.service", "NRestarts", "1"));
    EXPECT_NE(hearthd.log().find("code=killed, status=9"), std::string::npos) << hearthd.log();
}

TEST_F(Keeper, HowAProcessEndedMeanwhileIsKnown) {
    add_gated("seven.service", "seven", "exit 7");
    add_gated("well.service", "well", "exit 0", "Restart=on-failure\n");
    add_gated("killed.service", "killed", "kill -USR1 $$$$; sleep infinity");
    add_gated("later.service", "later", "exit 9");
    const std::vector<std::string> units = {
        "seven.service", "well.service", "killed.service", "later.service"};
    for (const std::string& unit : units) {
        ASSERT_EQ(hearthd.ctl({"start", unit}).status, 0) << hearthd.log();
    }
    const pid_t last = main_pid("later.service");
    die();
    for (const char* const gate : {"seven", "well", "killed"}) {
        open(gate);
    }
    resume();
    EXPECT_TRUE(hearthd.becomes("seven.service", "ActiveState", "failed"));
    EXPECT_EQ(hearthd.show("seven.service", "ExecMainStatus"), "7");
    EXPECT_EQ(hearthd.show("seven.service", "ExecMainCode"), std::to_string(CLD_EXITED));
    EXPECT_TRUE(hearthd.becomes("well.service", "ActiveState", "inactive"));
    EXPECT_EQ(hearthd.show("well.service", "Result"), "success");
    EXPECT_EQ(hearthd.show("well.service", "NRestarts"), "0");
    EXPECT_TRUE(hearthd.becomes("killed.service", "Result", "signal"));
    EXPECT_EQ(hearthd.show("killed.service", "ExecMainStatus"), std::to_string(SIGUSR1));
    // A child of the keeper by now, and once more nobody's.
    EXPECT_EQ(main_pid("later.service"), last);
    die();
    open("later");
    resume();
    EXPECT_TRUE(hearthd.becomes("later.service", "ExecMainStatus", "9"));
    EXPECT_EQ(hearthd.log().find("counts as a failure"), std::string::npos) << hearthd.log();
}

TEST_F(Keeper, WhatIsSaidAndAskedMeanwhileIsHeard) {
    add_gated(
        "talk.service",
        "talk",
        "exec " + hearthd.program("hearth-test-service") + " notify STATUS=said-meanwhile wait",
        "NotifyAccess=main\n");
    ASSERT_EQ(hearthd.ctl({"start", "talk.service"}).status, 0) << hearthd.log();
    const pid_t main = main_pid("talk.service");
    die();
    open("talk");
    ASSERT_TRUE(eventually([&] {  // it has said it when it waits
        const std::ifstream name("/proc/" + std::to_string(main) + "/wchan");
        std::string comm;
        std::getline(std::ifstream("/proc/" + std::to_string(main) + "/comm"), comm);
        return comm.starts_with("hearth-test");
    }));
    Output asked;
    std::thread client([&] { asked = hearthd.ctl({"show", "-p", "MainPID", "talk.service"}); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the client waits in the queue
    resume();
    client.join();
    EXPECT_EQ(asked.status, 0) << asked.err;
    EXPECT_EQ(asked.out, "MainPID=" + std::to_string(main) + "\n");
    EXPECT_TRUE(hearthd.becomes("talk.service", "StatusText", "said-meanwhile"));
}

TEST_F(Keeper, StoredDescriptorsComeBack) {
    hearthd.add(
        "a.service",
        "[Service]\nType=notify\nFileDescriptorStoreMax=2\nExecStart=" +
            hearthd.program("hearth-test-service") + " write-listen " + hearthd.place() +
            "/listen store one store two confirm notify READY=1 wait\n");
    hearthd.add(
        "pipe.service",
        "[Service]\nType=notify\nFileDescriptorStoreMax=2\nExecStart=" +
            hearthd.program("hearth-test-service") +
            " store-pipe p confirm notify READY=1 on-hup-once sleep 100 wait\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service", "pipe.service"}).status, 0) << hearthd.log();
    for (int deaths = 0; deaths < 2; ++deaths) {
        die_and_return();
        EXPECT_EQ(hearthd.show("a.service", "NFileDescriptorStore"), "2") << hearthd.log();
    }
    ASSERT_EQ(hearthd.ctl({"restart", "a.service"}).status, 0) << hearthd.log();
    const std::string listen = text("listen");
    EXPECT_NE(listen.find("one blocking one\ntwo blocking two\n"), std::string::npos) << listen;
    // Still watched: its other end goes with the service's process.
    EXPECT_EQ(hearthd.show("pipe.service", "NFileDescriptorStore"), "1");
    ASSERT_EQ(hearthd.ctl({"kill", "-s", "KILL", "pipe.service"}).status, 0);
    EXPECT_TRUE(hearthd.becomes("pipe.service", "NFileDescriptorStore", "0"));
    // What was closed is not held either.
    ASSERT_EQ(hearthd.ctl({"stop", "a.service"}).status, 0);
    EXPECT_TRUE(eventually([&] {
        std::size_t files = 0;
        for (const auto& entry :
             fs::directory_iterator("/proc/" + std::to_string(hearthd.pid()) + "/fd")) {
            std::error_code ignored;
            const std::string name = fs::read_symlink(entry, ignored).string();
            const bool log_account = name.starts_with("/memfd:hearth-logd-account");
            files += name.starts_with("/memfd:") && !log_account ? 1U : 0U;
        }
        return files == 0;
    }));
    EXPECT_EQ(hearthd.log().find("are lost"), std::string::npos) << hearthd.log();
}

TEST_F(Keeper, TheLogWriterGoesOn) {
    hearthd.add(
        "talk.service",
        "[Service]\nExecStart=/bin/sh -c 'i=0; while :; do echo line $i; i=$((i+1)); "
        "sleep 0.01; done'\n");
    ASSERT_EQ(hearthd.ctl({"start", "talk.service"}).status, 0);
    const auto count = [&] {
        std::istringstream log(hearthd.ctl({"logs", "talk.service", "-n", "100000"}).out);
        int expected = 0;
        for (std::string each; std::getline(log, each);) {
            expected += each.ends_with("line " + std::to_string(expected)) ? 1 : 0;
        }
        return expected;
    };
    ASSERT_TRUE(eventually([&] { return count() > 5; }));
    die_and_return();
    die_and_return();
    const int then = count();
    EXPECT_TRUE(eventually([&] { return count() > then + 20; })) << count() << hearthd.log();
    std::size_t writers = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
        const std::ifstream file(entry.path() / "cmdline");
        std::ostringstream command;
        command << file.rdbuf();
        writers += command.str().find(hearthd.place() + "/log") != std::string::npos &&
                           command.str().find("hearth-logd") != std::string::npos
                       ? 1U
                       : 0U;
    }
    EXPECT_EQ(writers, 1U);
}

// SIGTERM that comes while no hearthd runs is for the next one.
TEST_F(Keeper, AStopThatIsAskedMeanwhileIsDone) {
    hearthd.add(
        "a.service",
        "[Service]\nExecStart=/bin/sleep infinity\nExecStop=/bin/sh -c 'echo stopped > " +
            hearthd.place() + "/said'\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service"}).status, 0);
    die();
    ASSERT_EQ(::kill(hearthd.pid(), SIGTERM), 0);
    resume();
    EXPECT_EQ(hearthd.stop(), 0) << hearthd.log();
    EXPECT_EQ(text("said"), "stopped\n") << hearthd.log();
}

TEST_F(Keeper, AHearthdThatDiesWhileItStopsIsNotTheEnd) {
    add_gated(
        "a.service",
        "gate",
        "exit 0",
        "ExecStop=/bin/sh -c 'read line < " + hearthd.place() + "/leave'\n");
    ASSERT_EQ(::mkfifo((hearthd.place() + "/leave").c_str(), 0600), 0);
    hearthd.add("b.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "a.service", "b.service"}).status, 0);
    ASSERT_EQ(::kill(hearthd.pid(), SIGTERM), 0);
    ASSERT_TRUE(hearthd.becomes("a.service", "SubState", "stop"));
    die_and_return();
    open("leave");
    // The next one was told to stop as soon as it was ready: nothing to be asked any more.
    int status = -1;
    EXPECT_TRUE(eventually([&] {
        return ::waitid(
                   P_PID, static_cast<id_t>(hearthd.pid()), nullptr, WEXITED | WNOHANG | WNOWAIT) ==
                   0 &&
               !fs::exists(hearthd.place() + "/runtime/private");
    })) << hearthd.log();
    status = hearthd.stop();
    EXPECT_EQ(status, 0) << hearthd.log();
}

TEST_F(Keeper, IsSmall) {
    die_and_return();
    std::ifstream file("/proc/" + std::to_string(hearthd.pid()) + "/status");
    long kilobytes = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("VmRSS:")) {
            kilobytes = std::strtol(line.c_str() + 6, nullptr, 10);
        }
    }
    RecordProperty("keeper_rss_kB", std::to_string(kilobytes));
    EXPECT_GT(kilobytes, 0);
    EXPECT_LT(kilobytes, 1024);
}

/// Linked against musl it doesn't even have one; the C library of this system brings its own along.
TEST(KeeperProgram, HasNoAllocator) {
    const Output symbols = run_program({"nm", HEARTH_BINARY_DIR "/hearth-init"});
    if (symbols.status == -1) {
        GTEST_SKIP() << "no nm on this machine";
    }
    ASSERT_EQ(symbols.status, 0) << symbols.err;
    if (symbols.out.find("gnu_get_libc_version") != std::string::npos) {
        GTEST_SKIP() << "musl was not there when hearth-init was built";
    }
    for (const char* const name : {" malloc\n", " calloc\n", " realloc\n", " mmap\n", " sbrk\n"}) {
        EXPECT_EQ(symbols.out.find(name), std::string::npos) << name;
    }
}

// ---- a hearthd that does not come to life -------------------------------------------------------

/// hearth-init in a directory of its own, with a script in hearthd's place.
class KeeperAlone : public ::testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/hearth-keeper.XXXXXX";
        place = ::mkdtemp(name);
        fs::copy_file(HEARTH_BINARY_DIR "/hearth-init", place + "/hearth-init");
    }
    void TearDown() override { fs::remove_all(place); }

    void script(const std::string& text) const {
        std::ofstream(place + "/hearthd") << "#!/bin/sh\n" << text;
        fs::permissions(place + "/hearthd", fs::perms::owner_all);
    }
    [[nodiscard]] Output run(std::vector<std::string> arguments = {}) const {
        arguments.insert(arguments.begin(), place + "/hearth-init");
        return run_program(arguments);
    }

    std::string place;
};

TEST_F(KeeperAlone, TriesAgainLaterAndLater) {
    script(
        "echo x >> " + place + "/tries\n[ $(wc -l < " + place +
        "/tries) -lt 4 ] && exit 1\nexit 2\n");
    const auto began = std::chrono::steady_clock::now();
    // Status 2 is about the command line, and ends it only where no hearthd was ever ready.
    EXPECT_EQ(run().status, 2);
    // At least 100, 200 and 400 ms lie between the four.
    EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(690));
    std::ifstream tries(place + "/tries");
    EXPECT_EQ(std::count(std::istreambuf_iterator<char>(tries), {}, '\n'), 4);
}

TEST_F(KeeperAlone, HelpAndAWrongCommandLineEndIt) {
    script("echo \"$@\"; exit 0\n");
    const Output help = run({"--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_EQ(help.out, "--keeper-fd 3 --role guest --help\n");
    const Output version = run({"--version"});
    EXPECT_EQ(version.status, 0);
    EXPECT_TRUE(version.out.starts_with("hearth-init ")) << version.out;
}

TEST_F(KeeperAlone, PassesArgumentsOnUnread) {
    script("for each; do echo \"[$each]\"; done; exit 0\n");
    const Output said = run({"--unit", "a b", "--", "", "*", "--version"});
    EXPECT_EQ(
        said.out,
        "[--keeper-fd]\n[3]\n[--role]\n[guest]\n[--unit]\n[a b]\n[--]\n[]\n[*]\n[--version]\n");
}

TEST_F(KeeperAlone, AMissingHearthdIsTold) {
    fs::remove(place + "/hearthd");
    const Output said = run_program({"timeout", "1", place + "/hearth-init"});
    EXPECT_NE(said.err.find("cannot run " + place + "/hearthd"), std::string::npos) << said.err;
}

}  // namespace
