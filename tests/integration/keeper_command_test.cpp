// SPDX-License-Identifier: MIT
//
// DESIGN 6: `hearth-init -- COMMAND [ARG...]` and `hearth-init --unit NAME`, as a guest and as PID
// 1 of a PID namespace.
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "places.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::Output;
using hearth::testing::run_program;
namespace fs = std::filesystem;

class Command : public ::testing::Test {
protected:
    void SetUp() override {
        SKIP_WITHOUT_ROOT();
        char name[] = "/run/hearth-test.XXXXXX";
        place = ::mkdtemp(name);
        fs::create_directory(place + "/units");
    }
    void TearDown() override {
        for (const char* const hierarchy : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
            EXPECT_FALSE(fs::exists(std::string(hierarchy) + "/" + cgroup()));
        }
        if (!place.empty()) {
            fs::remove_all(place);
        }
    }
    [[nodiscard]] std::string cgroup() const {
        return "hearth-test" + place.substr(place.rfind('.'));
    }
    [[nodiscard]] std::vector<std::string> words(const std::vector<std::string>& rest) const {
        std::vector<std::string> words = {
            HEARTH_BINARY_DIR "/hearth-init",
            "--unit-path",
            place + "/units",
            "--runtime-dir",
            place + "/runtime",
            "--log-dir",
            place + "/log",
            "--cgroup-root",
            cgroup()};
        words.insert(words.end(), rest.begin(), rest.end());
        return words;
    }
    [[nodiscard]] Output run(
        std::vector<std::string> command, const std::vector<std::string>& environment = {}) const {
        command.insert(command.begin(), "--");
        return run_program(words(command), environment);
    }
    /// As PID 1 of a PID namespace with a /proc of its own.
    [[nodiscard]] Output contain(const std::vector<std::string>& rest) const {
        std::vector<std::string> all = {"unshare", "-p", "-f", "--mount-proc"};
        if (run_program({"unshare", "--help"}).out.find("--kill-child") != std::string::npos) {
            all.emplace_back("--kill-child");  // busybox's hasn't that
        }
        const std::vector<std::string> inner = words(rest);
        all.insert(all.end(), inner.begin(), inner.end());
        return run_program(all);
    }
    void add(const std::string& name, const std::string& text) const {
        std::ofstream(place + "/units/" + name) << text;
    }

    std::string place;
};

TEST_F(Command, ItsExitStatusIsOurs) {
    EXPECT_EQ(run({"/bin/true"}).status, 0);
    EXPECT_EQ(run({"sh", "-c", "exit 5"}).status, 5);
    const Output killed = run({"sh", "-c", "kill -TERM $$"});
    EXPECT_EQ(killed.status, 128 + SIGTERM) << killed.err;
    EXPECT_EQ(run({"sh", "-c", "kill -KILL $$"}).status, 128 + SIGKILL);
    const Output missing = run({"/nonexistent/program"});
    EXPECT_EQ(missing.status, 127);  // as a shell says it
    EXPECT_EQ(run({"/etc/passwd"}).status, 126);
    EXPECT_NE(missing.err.find("/nonexistent/program"), std::string::npos) << missing.err;
    EXPECT_EQ(run({}).status, 2);
}

TEST_F(Command, WordsArriveAsTheyAre) {
    const std::vector<std::string> odd = {
        "",
        " ",
        "a b",
        "%n %%",
        "$HOME ${HOME} $$",
        "'single' \"double\"",
        "back\\slash \\n",
        "tab\tnew\nline",
        "semi ; colon",
        ";",
        "-",
        "# no comment",
        "\xc3\xa4 \xff"};
    std::vector<std::string> command = {"printf", "<%s>"};
    command.insert(command.end(), odd.begin(), odd.end());
    std::string expected;
    for (const std::string& word : odd) {
        expected += "<" + word + ">";
    }
    const Output said = run(command);
    EXPECT_EQ(said.out, expected) << said.err;
    EXPECT_EQ(said.status, 0);
}

TEST_F(Command, HasTheCallersStreamsEnvironmentAndDirectory) {
    const Output said =
        run({"sh", "-c", "cat; echo \"$HEARTH_TEST_VARIABLE|$PWD|$0\"; echo to-error >&2", "zero"},
            {"HEARTH_TEST_VARIABLE=with a space"});
    EXPECT_EQ(said.out, "with a space|" + fs::current_path().string() + "|zero\n") << said.err;
    EXPECT_NE(said.err.find("to-error\n"), std::string::npos) << said.err;
    // Input, through a pipe.
    std::string line;
    for (const std::string& word : words({"--", "cat"})) {
        line += "'" + word + "' ";
    }
    EXPECT_EQ(run_program({"sh", "-c", "echo hello | " + line}).out, "hello\n");
}

TEST_F(Command, SigtermReachesIt) {
    std::string line;
    for (const std::string& word : words(
             {"--",
              "sh",
              "-c",
              "trap 'echo bye; exit 6' TERM; echo up; while :; do sleep 0.02; done"})) {
        line += "\"" + word + "\" ";
    }
    const Output said = run_program(
        {"sh",
         "-c",
         line + "> " + place + "/out & pid=$!; while ! grep -q up " + place +
             "/out; do sleep 0.02; done; kill -TERM $pid; wait $pid"});
    EXPECT_EQ(said.status, 6) << said.err;
    std::ifstream out(place + "/out");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(out), {}), "up\nbye\n");
}

TEST_F(Command, OutlivesHearthd) {
    const Output said = run(
        {"sh",
         "-c",
         "echo start; kill -KILL $(sed -n 's/^PPid:\t//p' /proc/$$/status); sleep 0.3; "
         "echo end; exit 4"});
    EXPECT_EQ(said.out, "start\nend\n") << said.err;
    EXPECT_EQ(said.status, 4) << said.err;
    EXPECT_NE(said.err.find("starting it again"), std::string::npos) << said.err;
}

TEST_F(Command, AsTheFirstProcessOfAContainer) {
    const Output said = contain(
        {"--",
         "sh",
         "-c",
         "cat /proc/1/comm; (sh -c 'sleep 0.1 &' &); sleep 0.5; "
         "grep -l '^State:.Z' /proc/[0-9]*/status; exit 3"});
    EXPECT_EQ(said.status, 3) << said.err;
    EXPECT_EQ(said.out, "hearth-init\n") << said.err;  // and no zombie
    EXPECT_EQ(contain({"--", "sh", "-c", "kill -TERM $$"}).status, 128 + SIGTERM);
}

TEST_F(Command, NothingIsSaidBetweenItsLines) {
    EXPECT_EQ(run({"sh", "-c", "echo to-error >&2"}).err, "to-error\n");
}

/// `docker run -it` with units: Ctrl-C is for us, who have the terminal.
TEST_F(Command, AnInterruptTypedAtAContainerStopsItsUnits) {
    add("a.service",
        "[Service]\nExecStart=/bin/sh -c 'echo >" + place +
            "/up; exec sleep infinity'\nExecStopPost=/bin/sh -c 'echo >" + place + "/stopped'\n");
    std::vector<std::string> all = {"unshare", "-p", "-f", "--mount-proc", "setsid", "-c"};
    const std::vector<std::string> inner = words({"--unit", "a.service"});
    all.insert(all.end(), inner.begin(), inner.end());
    std::vector<char*> arguments;
    for (std::string& word : all) {
        arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    int terminal = -1;
    const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (pid == 0) {
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    ASSERT_GT(pid, 0);
    const hearth::sys::Descriptor owned(terminal);
    EXPECT_TRUE(eventually([&] { return fs::exists(place + "/up"); }));
    ASSERT_EQ(::write(terminal, "\x03", 1), 1);
    int status = -1;
    const bool ended = eventually([&] {
        char text[4096];  // or what is said would wait for a reader
        pollfd waiting{terminal, POLLIN, 0};
        if (::poll(&waiting, 1, 0) > 0) {
            (void)!::read(terminal, text, sizeof text);
        }
        return ::waitpid(pid, &status, WNOHANG) == pid;
    });
    EXPECT_TRUE(ended);
    if (!ended) {
        (void)::kill(pid, SIGKILL);
        (void)::waitpid(pid, nullptr, 0);
    }
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(fs::exists(place + "/stopped"));
}

TEST_F(Command, AttachNeedsNoCgroups) {
    const std::string ctl =
        std::string(HEARTH_BINARY_DIR) + "/hearthctl --runtime-dir " + place + "/runtime ";
    add("a.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    add("b.service",
        "[Unit]\nAfter=a.service\n[Service]\nType=oneshot\nExecStart=/bin/sh -c '" + ctl +
            "attach a.service -- /bin/sh -c \"setsid sleep 100 & echo inside; exit 5\" >" + place +
            "/said 2>&1; echo $$? >>" + place + "/said; kill -TERM 1'\n");
    std::vector<std::string> all = {
        "unshare",
        "-m",
        "-p",
        "-f",
        "--mount-proc",
        "sh",
        "-c",
        "mount -t tmpfs none /sys/fs/cgroup; exec \"$0\" \"$@\""};
    const std::vector<std::string> inner = words({"--unit", "a.service", "--unit", "b.service"});
    all.insert(all.end(), inner.begin(), inner.end());
    const Output ended = run_program(all);
    EXPECT_EQ(ended.status, 0) << ended.err;
    std::ifstream file(place + "/said");
    std::string inside, status;
    std::getline(file, inside);
    std::getline(file, status);
    EXPECT_EQ(inside + " " + status, "inside 5") << ended.err;
}

TEST_F(Command, AContainerEndsWithItsUnits) {
    add("good.service", "[Service]\nExecStart=/bin/true\n");
    add("later.service", "[Service]\nExecStart=/bin/sh -c 'sleep 0.2; exit 7'\n");
    add("again.service",
        "[Service]\nExecStart=/bin/sh -c 'echo x >> " + place + "/tries; [ $(wc -l < " + place +
            "/tries) -ge 3 ]'\nRestart=on-failure\nRestartSec=50ms\n");
    add("helper.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    add("wants.service", "[Unit]\nWants=helper.service\n[Service]\nExecStart=/bin/sleep 0.1\n");
    EXPECT_EQ(contain({"--unit", "good.service"}).status, 0);
    const Output both = contain({"--unit", "good.service", "--unit", "later.service"});
    EXPECT_EQ(both.status, 7) << both.err;
    EXPECT_EQ(contain({"--unit", "again.service"}).status, 0);
    EXPECT_EQ(contain({"--unit", "wants.service"}).status, 0);
    const Output missing = contain({"--unit", "nonexistent.service"});
    EXPECT_EQ(missing.status, 1) << missing.err;
    add("refused.service", "[Service]\nStandardInput=socket\nExecStart=/bin/true\n");
    EXPECT_EQ(contain({"--unit", "refused.service"}).status, 1);
    // It ended well, but without the word that it was to say.
    add("silent.service", "[Service]\nType=notify\nExecStart=/bin/true\n");
    EXPECT_EQ(contain({"--unit", "silent.service"}).status, 1);
}

}  // namespace
