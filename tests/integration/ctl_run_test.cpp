// SPDX-License-Identifier: MIT
//
// hearthctl run with a terminal, and over the death of hearthd.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "places.hpp"
#include "tests/support/hearthd_process.hpp"
#include "tests/support/stock_client.hpp"

namespace hearth::testing {
namespace {

/// hearthctl on a terminal of 91 columns, as a user has it.
class OnTerminal {
public:
    OnTerminal(const HearthdProcess& hearthd, std::vector<std::string> words) {
        winsize size{33, 91, 0, 0};
        words.insert(
            words.begin(),
            {HEARTH_BINARY_DIR "/hearthctl", "--runtime-dir", hearthd.place() + "/runtime"});
        child_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
        if (child_ == 0) {
            std::vector<char*> argv;
            for (std::string& word : words) {
                argv.push_back(word.data());
            }
            argv.push_back(nullptr);
            ::setenv("TERM", "dumb", 1);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    ~OnTerminal() {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
        ::close(terminal_);
    }
    OnTerminal(const OnTerminal&) = delete;
    OnTerminal& operator=(const OnTerminal&) = delete;

    void type(const std::string& text) const {
        EXPECT_EQ(::write(terminal_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void resize(unsigned short rows, unsigned short columns) const {
        const winsize size{rows, columns, 0, 0};
        EXPECT_EQ(::ioctl(terminal_, TIOCSWINSZ, &size), 0);
    }
    /// Reads until the text was shown.
    bool shows(const std::string& wanted) {
        return eventually([&] {
            read();
            return shown_.find(wanted) != std::string::npos;
        });
    }
    int status() {
        int status = -1;
        const bool ended = eventually([&] {
            read();
            return ::waitpid(child_, &status, WNOHANG) == child_;
        });
        read();
        child_ = ended ? -1 : child_;
        return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    [[nodiscard]] const std::string& shown() const { return shown_; }

private:
    void read() {
        char buffer[4096];
        pollfd ready{terminal_, POLLIN, 0};
        while (::poll(&ready, 1, 0) > 0) {
            const ssize_t count = ::read(terminal_, buffer, sizeof buffer);
            if (count <= 0) {
                return;
            }
            shown_.append(buffer, static_cast<std::size_t>(count));
        }
    }
    int terminal_ = -1;
    pid_t child_ = -1;
    std::string shown_;
};

TEST(CtlRun, GivesTheServiceATerminalOfItsOwn) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    OnTerminal run(hearthd, {"run", "-q", "-t", "sh", "-c", "stty size; tty; exit 7"});
    EXPECT_TRUE(run.shows("33 91")) << run.shown();
    EXPECT_TRUE(run.shows("/dev/pts/")) << run.shown();
    EXPECT_EQ(run.status(), 7) << run.shown();
}

TEST(CtlRun, PassesKeysSignalsAndSizesOn) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    OnTerminal run(
        hearthd,
        {"run",
         "--pty",
         "--unit=shell",
         "sh",
         "-c",
         "echo in; exec sed -u 's/.*/<&>/'"});  // whose line says that it is there
    ASSERT_TRUE(run.shows("in\r\n")) << run.shown();
    run.type("words\r");
    EXPECT_TRUE(run.shows("<words>")) << run.shown();
    run.type("\x03");  // Ctrl-C, which the terminal makes a SIGINT of
    EXPECT_EQ(run.status(), 0) << run.shown() << "SIGINT is one of a service's good ends";
    EXPECT_NE(run.shown().find("code=killed/status=INT"), std::string::npos) << run.shown();
}

TEST(CtlRun, PassesTheSizeOnAsItChanges) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    OnTerminal run(
        hearthd,
        {"run",
         "-q",
         "-t",
         "sh",
         "-c",
         "trap 'stty size; exit 0' WINCH; echo in; while :; do sleep 0.05; done"});
    ASSERT_TRUE(run.shows("in\r\n")) << run.shown();
    run.resize(20, 50);
    EXPECT_TRUE(run.shows("20 50")) << run.shown();
    EXPECT_EQ(run.status(), 0);
}

TEST(CtlRun, HasAShellWithOneOption) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    ::setenv("SHELL", "/bin/sh", 1);
    OnTerminal run(hearthd, {"run", "-q", "-S"});
    run.type("pwd; exit 3\r");
    EXPECT_TRUE(run.shows(std::filesystem::current_path().string() + "\r\n")) << run.shown();
    EXPECT_EQ(run.status(), 3) << run.shown();
}

TEST(CtlRun, TakesItsInputFromAPipeWithATerminalToo) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const Output piped = run_program(
        {"/bin/sh",
         "-c",
         "printf 'read line; echo \"<$line>\"; exit 5\\nwords\\n' | " HEARTH_BINARY_DIR
         "/hearthctl --runtime-dir " +
             hearthd.place() + "/runtime run -q -t sh"});
    EXPECT_EQ(piped.status, 5) << piped.out << piped.err;
    EXPECT_NE(piped.out.find("<words>"), std::string::npos) << piped.out;
}

TEST(CtlRun, WaitsOverTheDeathOfHearthd) {
    SKIP_WITHOUT_ROOT();
    HearthdProcess hearthd({}, {}, {{}, 0, "hearth-init"});
    ASSERT_TRUE(eventually([&] { return hearthd.kept() != 0; }));
    const std::string go = hearthd.place() + "/go";
    for (const char* const way : {"--wait", "--pty"}) {
        std::filesystem::remove(go);
        OnTerminal run(
            hearthd,
            {"run",
             way,
             "--unit=lasts",
             "sh",
             "-c",
             "while ! test -e " + go + "; do sleep 0.02; done; exit 6"});
        ASSERT_TRUE(hearthd.becomes("lasts.service", "ActiveState", "active"));
        const pid_t first = hearthd.kept();
        ::kill(first, SIGKILL);
        ASSERT_TRUE(run.shows("hearthd went away")) << run.shown();
        ASSERT_TRUE(eventually([&] { return hearthd.kept() != 0 && hearthd.kept() != first; }));
        ASSERT_TRUE(hearthd.becomes("lasts.service", "ActiveState", "active"));
        const int made = ::open(go.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        ::close(made);
        EXPECT_EQ(run.status(), 6) << way << ": " << run.shown() << hearthd.log();
        EXPECT_EQ(hearthd.ctl({"reset-failed", "lasts.service"}).status, 0);
    }
}

TEST(CtlRun, HasTheOptionsOfSystemdRun) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const auto out = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"run", "-q", "--pipe"});
        const Output ran = hearthd.ctl(words);
        return std::to_string(ran.status) + ":" + ran.out + ran.err;
    };
    EXPECT_EQ(out({"--nice=4", "nice"}), "0:4\n");
    EXPECT_EQ(out({"--uid=65534", "--gid=65534", "id", "-u"}), "0:65534\n");
    EXPECT_EQ(out({"--working-directory=/usr", "pwd"}), "0:/usr\n");
    EXPECT_EQ(out({"-d", "pwd"}), "0:" + std::filesystem::current_path().string() + "\n");
    EXPECT_EQ(out({"-E", "A=b", "sh", "-c", "echo $A"}), "0:b\n");
    EXPECT_EQ(out({"--service-type=oneshot", "sh", "-c", "exit 9"}), "9:");
    EXPECT_EQ(out({"-p", "LimitNOFILE=77", "sh", "-c", "ulimit -n"}), "0:77\n");
    EXPECT_NE(
        out({"--slice=a-b.slice", "cat", "/proc/self/cgroup"}).find("/a.slice/a-b.slice/run"),
        std::string::npos);
    // Below the slice of the one that asks.
    const std::string inner = std::string(HEARTH_BINARY_DIR) + "/hearthctl --runtime-dir " +
                              hearthd.place() +
                              "/runtime run -q --pipe --slice-inherit "
                              "--slice=inner cat /proc/self/cgroup";
    EXPECT_NE(
        out({"--slice=outer.slice", "sh", "-c", inner}).find("/outer-inner.slice/run"),
        std::string::npos);
    EXPECT_EQ(hearthd.ctl({"run", "--no-block", "--unit=n", "-r", "true"}).status, 0);
    EXPECT_TRUE(hearthd.becomes("n.service", "SubState", "exited"));
}

/// The long options in a program's --help.
std::set<std::string> options_in(const std::string& help) {
    std::set<std::string> found;
    for (std::size_t at = help.find("--"); at != std::string::npos; at = help.find("--", at + 2)) {
        const std::size_t end = help.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at);
        found.insert(help.substr(at, end - at));
        at = std::min(end, help.size()) - 2;
    }
    return found;
}

// By name and reason is how an option is refused: one that is not known fails otherwise.
TEST(CtlRun, KnowsEveryOptionOfSystemdRun) {
    SKIP_WITHOUT_ROOT();
    if (test::stock_client("systemd-run").empty()) {
        GTEST_SKIP() << "no systemd-run on this machine";
    }
    const HearthdProcess hearthd;
    const std::set<std::string> theirs =
        options_in(run_program({test::stock_client("systemd-run"), "--help"}).out);
    ASSERT_GT(theirs.size(), 35U);
    const std::set<std::string> ours = options_in(hearthd.ctl({"run", "--help"}).out);
    const std::set<std::string> refused = {"--socket-property", "--host", "--machine"};
    for (const std::string& option : theirs) {
        if (refused.contains(option)) {
            const Output answer = hearthd.ctl({"run", option, "x", "true"});
            EXPECT_EQ(answer.status, 1) << option;
            EXPECT_NE(answer.err.find(option + " is refused: "), std::string::npos) << answer.err;
        } else if (option == "--user") {  // another hearthd: which one is said before the verb, too
            const Output answer = hearthd.ctl({"run", "--user", "true"});
            EXPECT_EQ(answer.err.find("not expected"), std::string::npos) << answer.err;
        } else {
            EXPECT_TRUE(ours.contains(option)) << option;
        }
    }
    EXPECT_EQ(hearthd.ctl({"run", "--version"}).out, hearthd.ctl({"--version"}).out);
}

TEST(CtlRun, LeavesTheCommandToATimer) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const std::string done = hearthd.place() + "/done";
    const Output ran = hearthd.ctl(
        {"run",
         "--unit=nap",
         "--on-active=100ms",
         "--on-calendar=*-*-* 04:00:00",
         "--timer-property=AccuracySec=1us",
         "sh",
         "-c",
         "echo $TRIGGER_UNIT >> " + done});
    ASSERT_EQ(ran.status, 0) << ran.err << hearthd.log();
    EXPECT_EQ(ran.err, "Running timer as unit: nap.timer\nWill run service as unit: nap.service\n");
    std::string text;
    EXPECT_TRUE(eventually([&] {
        std::getline(std::ifstream(done), text);
        return text == "nap.timer";
    })) << hearthd.log();
    EXPECT_NE(hearthd.show("nap.timer", "TimersCalendar").find("04:00:00"), std::string::npos);
    EXPECT_EQ(hearthd.ctl({"stop", "nap.timer"}).status, 0);
    EXPECT_TRUE(hearthd.becomes("nap.service", "LoadState", "not-found"));
    const std::vector<std::pair<std::string, std::string>> whens = {
        {"--on-boot=300d", "OnBootUSec=9month"},
        {"--on-startup=1h", "OnStartupUSec=1h"},
        {"--on-unit-active=2h", "OnUnitActiveUSec=2h"},
        {"--on-unit-inactive=3h", "OnUnitInactiveUSec=3h"},
        {"--timer-property=OnActiveSec=4h", "OnActiveUSec=4h"},
    };
    for (const auto& [option, shown] : whens) {
        const Output made = hearthd.ctl({"run", "-q", "--unit=t.timer", option, "true"});
        ASSERT_EQ(made.status, 0) << option << made.err;
        EXPECT_EQ(made.err, "");
        EXPECT_NE(hearthd.show("t.timer", "TimersMonotonic").find(shown), std::string::npos)
            << option << ": " << hearthd.show("t.timer", "TimersMonotonic");
        EXPECT_EQ(hearthd.ctl({"stop", "t.timer"}).status, 0);
        EXPECT_TRUE(hearthd.becomes("t.timer", "LoadState", "not-found"));
    }
    for (const auto& [option, property] : std::vector<std::pair<std::string, std::string>>{
             {"--on-clock-change", "OnClockChange"},
             {"--on-timezone-change", "OnTimezoneChange"}}) {
        ASSERT_EQ(hearthd.ctl({"run", "-q", "--unit=c", option, "true"}).status, 0) << option;
        EXPECT_EQ(hearthd.show("c.timer", property), "yes");
        EXPECT_EQ(hearthd.ctl({"stop", "c.timer"}).status, 0);
        EXPECT_TRUE(hearthd.becomes("c.timer", "LoadState", "not-found"));
    }
}

// Without a command it is a timer for a service that is there already.
TEST(CtlRun, MakesATimerForAServiceThatIsThere) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const std::string done = hearthd.place() + "/done";
    hearthd.add("there.service", "[Service]\nExecStart=/bin/touch " + done + "\n");
    const Output ran = hearthd.ctl(
        {"run", "--unit=there.service", "--on-active=10ms", "--timer-property=AccuracySec=1us"});
    ASSERT_EQ(ran.status, 0) << ran.err << hearthd.log();
    EXPECT_EQ(ran.err, "Running timer as unit: there.timer\n");
    EXPECT_TRUE(eventually([&] { return std::filesystem::exists(done); })) << hearthd.log();
    const Output taken = hearthd.ctl({"run", "--unit=there.service", "--on-active=1h", "true"});
    EXPECT_EQ(taken.status, 1) << taken.err;
    EXPECT_NE(taken.err.find("already loaded or has a fragment"), std::string::npos) << taken.err;
}

TEST(CtlRun, LeavesTheCommandToAPath) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const std::string wanted = hearthd.place() + "/wanted";
    const Output ran =
        hearthd.ctl({"run", "--unit=watch", "--path-property=PathExists=" + wanted, "rm", wanted});
    ASSERT_EQ(ran.status, 0) << ran.err << hearthd.log();
    EXPECT_EQ(
        ran.err, "Running path as unit: watch.path\nWill run service as unit: watch.service\n");
    std::ofstream(wanted).put('x');
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(wanted); })) << hearthd.log();
    EXPECT_EQ(hearthd.ctl({"stop", "watch.path"}).status, 0);
}

TEST(CtlRun, SaysWhichOptionsDoNotGoTogether) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"--on-active=1h", "--wait", "true"},
             {"--on-active=1h", "--pipe", "true"},
             {"--on-active=1h", "--scope", "true"},
             {"--on-active=1h", "--path-property=PathExists=/x", "true"},
             {"--timer-property=AccuracySec=1", "true"},
             {"--on-active=1h"},
             {"--wait", "--no-block", "true"},
         }) {
        std::vector<std::string> all = {"run"};
        all.insert(all.end(), words.begin(), words.end());
        const Output refused = hearthd.ctl(all);
        EXPECT_EQ(refused.status, 1) << words.front();
        EXPECT_TRUE(refused.err.starts_with("run: ")) << refused.err;
    }
    const Output wrong = hearthd.ctl({"run", "--on-calendar=never", "true"});
    EXPECT_EQ(wrong.status, 1);
    EXPECT_NE(wrong.err.find("OnCalendar"), std::string::npos) << wrong.err;
}

}  // namespace
}  // namespace hearth::testing
