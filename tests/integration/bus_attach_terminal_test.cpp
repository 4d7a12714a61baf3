// SPDX-License-Identifier: MIT
//
// hearthctl attach on a terminal: the test plays the user's terminal with a pseudo terminal of its
// own and types. Job control, window size, Ctrl-C and the exit status must come through, and the
// user's terminal must be as before.
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include <cstdlib>

#include "places.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {
namespace {

class User {
public:
    explicit User(const std::vector<std::string>& argv) {
        winsize size{};
        size.ws_row = 31;
        size.ws_col = 99;
        int master = -1, slave = -1;
        EXPECT_EQ(openpty(&master, &slave, nullptr, nullptr, &size), 0);
        master_.reset(master);
        slave_.reset(slave);
        tcgetattr(slave, &before_);
        child_ = fork();
        if (child_ == 0) {
            login_tty(slave);
            std::vector<char*> words;
            for (const std::string& word : argv) {
                words.push_back(const_cast<char*>(word.c_str()));
            }
            words.push_back(nullptr);
            setenv("TERM", "dumb", 1);
            execv(words[0], words.data());
            _exit(127);
        }
    }
    User(const User&) = delete;
    User& operator=(const User&) = delete;
    ~User() {
        if (child_ > 0) {
            kill(child_, SIGKILL);
            waitpid(child_, nullptr, 0);
        }
    }

    void type(const std::string& text) {
        EXPECT_EQ(
            write(master_.number(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void resize(unsigned short rows, unsigned short columns) {
        winsize size{};
        size.ws_row = rows;
        size.ws_col = columns;
        EXPECT_EQ(ioctl(master_.number(), TIOCSWINSZ, &size), 0);
    }
    /// Whether `text` appears on the screen.
    bool sees(const std::string& text) {
        return eventually([&] {
            fd_set readable;
            FD_ZERO(&readable);
            FD_SET(master_.number(), &readable);
            timeval none{};
            if (select(master_.number() + 1, &readable, nullptr, nullptr, &none) == 1) {
                char buffer[4096];
                const ssize_t count = read(master_.number(), buffer, sizeof buffer);
                screen_.append(buffer, count > 0 ? static_cast<std::size_t>(count) : 0);
            }
            return screen_.find(text) != std::string::npos;
        });
    }
    int ended() {
        int status = 0;
        EXPECT_TRUE(eventually([&] {
            (void)sees("");
            return waitpid(child_, &status, WNOHANG) == child_;
        }));
        child_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    [[nodiscard]] bool terminal_is_as_before() const {
        termios now{};
        tcgetattr(slave_.number(), &now);
        return now.c_lflag == before_.c_lflag && now.c_iflag == before_.c_iflag &&
               now.c_oflag == before_.c_oflag;
    }
    [[nodiscard]] const std::string& screen() const { return screen_; }

private:
    sys::Descriptor master_, slave_;
    termios before_{};
    pid_t child_ = -1;
    std::string screen_;
};

TEST(AttachTerminal, IsATerminalOfItsOwn) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("nap.service", "[Service]\nExecStart=/bin/sleep infinity\nPrivateTmp=yes\n");
    ASSERT_EQ(hearthd.ctl({"start", "nap.service"}).status, 0);
    const std::string program = HEARTH_BINARY_DIR "/hearthctl";
    User user(
        {program,
         "--runtime-dir",
         hearthd.place() + "/runtime",
         "attach",
         "nap.service",
         "--",
         "/bin/sh"});
    user.type("stty size; echo one$((1+1))three\n");
    EXPECT_TRUE(user.sees("31 99")) << user.screen();
    EXPECT_TRUE(user.sees("one2three")) << user.screen();
    user.resize(17, 71);
    user.type("stty size\n");
    EXPECT_TRUE(user.sees("17 71")) << user.screen();
    user.type("sh -c 'echo go$((1+1)); exec sleep 1000'\n");
    EXPECT_TRUE(user.sees("go2")) << user.screen();
    user.type("\x03");
    user.type("echo still $((40+2))\n");
    EXPECT_TRUE(user.sees("still 42")) << user.screen();
    user.type("exit 7\n");
    EXPECT_EQ(user.ended(), 7) << user.screen();
    EXPECT_TRUE(user.terminal_is_as_before());
}

TEST(AttachTerminal, IsGivenBackWhenTheUnitStops) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    hearthd.add("nap.service", "[Service]\nExecStart=/bin/sleep infinity\n");
    ASSERT_EQ(hearthd.ctl({"start", "nap.service"}).status, 0);
    const std::string program = HEARTH_BINARY_DIR "/hearthctl";
    User user(
        {program,
         "--runtime-dir",
         hearthd.place() + "/runtime",
         "attach",
         "nap.service",
         "--",
         "/bin/sh"});
    user.type("echo in$((3+4))side\n");
    ASSERT_TRUE(user.sees("in7side")) << user.screen();
    EXPECT_EQ(hearthd.ctl({"stop", "nap.service"}).status, 0);
    EXPECT_GT(user.ended(), 0);
    EXPECT_TRUE(user.terminal_is_as_before());
}

}  // namespace
}  // namespace hearth::testing
