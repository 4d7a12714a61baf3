// SPDX-License-Identifier: MIT
//
// Terminals and fed input, on a pseudo terminal of the test's own.
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "tests/support/launch_probe.hpp"
#include "tests/support/scratch_directory.hpp"

namespace hearth::launch {
namespace {

using testing_support::LaunchProbe;
using testing_support::ProbeResult;
using testing_support::ScratchDirectory;

class PseudoTerminal {
public:
    PseudoTerminal() {
        int master = -1, slave = -1;
        char name[64] = {};
        EXPECT_EQ(::openpty(&master, &slave, name, nullptr, nullptr), 0);
        master_ = sys::Descriptor(master);
        slave_ = sys::Descriptor(slave);
        path_ = name;
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int slave() const { return slave_.number(); }
    [[nodiscard]] int master() const { return master_.number(); }

    [[nodiscard]] std::string written() const {
        char text[256];
        const ssize_t length = ::read(master_.number(), text, sizeof text);
        return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
    }

private:
    sys::Descriptor master_, slave_;
    std::string path_;
};

/// A process whose session has the terminal until it is ended.
class Holder {
public:
    explicit Holder(const std::string& path) {
        int ready[2];
        EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::setsid();
            const int terminal = ::open(path.c_str(), O_RDWR);
            const bool taken = terminal >= 0 && ::ioctl(terminal, TIOCSCTTY, 0) == 0;
            (void)!::write(ready[1], taken ? "y" : "n", 1);
            while (true) {
                ::pause();
            }
        }
        char answer = 'n';
        EXPECT_EQ(::read(ready[0], &answer, 1), 1);
        EXPECT_EQ(answer, 'y');
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~Holder() { end(); }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    void end() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
            pid_ = -1;
        }
    }

private:
    pid_t pid_ = -1;
};

LaunchProbe on_terminal(
    const std::string& script, const std::string& path, AcquireTerminal::Mode mode) {
    LaunchProbe probe(script);
    probe.add(Stage::Session, NewSession{});
    probe.add(Stage::Descriptors, AcquireTerminal{path, mode}, {}, 208);
    probe.add(Stage::Descriptors, CopyDescriptor{0, 2});
    return probe;
}

using Mode = AcquireTerminal::Mode;

TEST(LaunchTerminal, AFreeOneIsTakenInEveryWay) {
    for (const Mode mode : {Mode::Wait, Mode::Force, Mode::Fail}) {
        const PseudoTerminal terminal;
        LaunchProbe probe = on_terminal("tty; echo through >/dev/tty", terminal.path(), mode);
        const ProbeResult result = probe.run();
        EXPECT_EQ(result.failure(), "");
        EXPECT_EQ(result.output, terminal.path() + "\n");
        EXPECT_EQ(terminal.written(), "through\r\n");
    }
}

TEST(LaunchTerminal, ErrorOutputGoesThereToo) {
    const PseudoTerminal terminal;
    LaunchProbe probe = on_terminal("echo oops >&2", terminal.path(), Mode::Fail);
    EXPECT_EQ(probe.run().failure(), "");
    EXPECT_EQ(terminal.written(), "oops\r\n");
}

TEST(LaunchTerminal, AnotherSessionsIsRefusedTakenByForceOrWaitedFor) {
    HEARTH_NEEDS_ROOT();
    const PseudoTerminal terminal;
    {
        const Holder holder(terminal.path());
        LaunchProbe refused = on_terminal("echo never", terminal.path(), Mode::Fail);
        const ProbeResult result = refused.run();
        ASSERT_TRUE(result.launch.failure.has_value());
        EXPECT_EQ(result.launch.failure->step, "acquire-terminal");
        EXPECT_EQ(result.launch.failure->error, EPERM);
        EXPECT_EQ(result.launch.failure->exit_status, 208);
        LaunchProbe forced = on_terminal("tty", terminal.path(), Mode::Force);
        EXPECT_EQ(forced.run().output, terminal.path() + "\n");
    }
    const PseudoTerminal other;
    Holder holder(other.path());
    LaunchProbe waiting = on_terminal("tty; echo mine >/dev/tty", other.path(), Mode::Wait);
    std::thread ending([&] { holder.end(); });
    const ProbeResult result = waiting.run();
    ending.join();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, other.path() + "\n");
}

TEST(LaunchTerminal, AWaitIsEndedWithTheLaunch) {
    HEARTH_NEEDS_ROOT();
    const PseudoTerminal terminal;
    Holder holder(terminal.path());
    const cgroup::Tree tree;
    auto pool = LauncherPool::create(tree);
    ASSERT_TRUE(pool.has_value());
    LaunchProbe waiting = on_terminal("echo never", terminal.path(), Mode::Wait);
    sys::Descriptor output;
    LaunchRequest request = waiting.request(output);
    request.id = 7;
    (*pool)->launch(std::move(request));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // in the wait, most likely
    if (!(*pool)->abort(7)) {
        ADD_FAILURE() << "it is not in flight";
        holder.end();  // or it would wait for ever
    }
    const auto text = sys::read_all(output.number(), 4096, "the probe's output");
    EXPECT_EQ(text.value_or("?"), "");
    std::vector<LaunchResult> results;
    while (results.empty()) {
        results = (*pool)->take_results();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(results.front().failure.has_value());
    testing_support::reap(results.front().pidfd);
}

// ---- TTYReset= and kin

LaunchProbe prepared(const PrepareTerminal& work) {
    LaunchProbe probe("true");
    probe.plan.preparations.push_back({work, {"TTYReset", "yes", {}}, 208});
    return probe;
}

bool is_raw(int terminal) {
    termios modes{};
    EXPECT_EQ(::tcgetattr(terminal, &modes), 0);
    return (modes.c_lflag & (ICANON | ECHO)) != (ICANON | ECHO);
}

void make_raw(int terminal) {
    termios modes{};
    ASSERT_EQ(::tcgetattr(terminal, &modes), 0);
    ::cfmakeraw(&modes);
    ASSERT_EQ(::tcsetattr(terminal, TCSANOW, &modes), 0);
}

TEST(LaunchTerminal, IsResetBeforeAndAfter) {
    const PseudoTerminal terminal;
    make_raw(terminal.slave());
    ASSERT_TRUE(is_raw(terminal.slave()));
    PrepareTerminal work;
    work.path = terminal.path();
    work.reset = true;
    LaunchProbe probe = prepared(work);
    EXPECT_EQ(probe.run().failure(), "");
    EXPECT_FALSE(is_raw(terminal.slave()));
    make_raw(terminal.slave());
    release(probe.activation);
    EXPECT_FALSE(is_raw(terminal.slave()));
}

TEST(LaunchTerminal, HasTheSizeThatWasAskedFor) {
    const PseudoTerminal terminal;
    PrepareTerminal work;
    work.path = terminal.path();
    work.rows = 31;
    LaunchProbe probe = prepared(work);
    EXPECT_EQ(probe.run().failure(), "");
    winsize size{};
    ASSERT_EQ(::ioctl(terminal.master(), TIOCGWINSZ, &size), 0);
    EXPECT_EQ(size.ws_row, 31);
    EXPECT_EQ(size.ws_col, 0);
    EXPECT_FALSE(probe.activation.terminal.has_value()) << "a size is not taken back";
}

TEST(LaunchTerminal, OthersAreHungUp) {
    HEARTH_NEEDS_ROOT();
    const PseudoTerminal terminal;
    PrepareTerminal work;
    work.path = terminal.path();
    work.vhangup = true;
    LaunchProbe probe = prepared(work);
    EXPECT_EQ(::write(terminal.slave(), "x", 1), 1);
    EXPECT_EQ(probe.run().failure(), "");
    EXPECT_EQ(::write(terminal.slave(), "x", 1), -1);
    EXPECT_EQ(errno, EIO);
}

TEST(LaunchTerminal, IsCleared) {
    const PseudoTerminal terminal;
    PrepareTerminal work;
    work.path = terminal.path();
    work.disallocate = true;
    LaunchProbe probe = prepared(work);
    EXPECT_EQ(probe.run().failure(), "");
    EXPECT_NE(terminal.written().find("\033[2J"), std::string::npos);
}

TEST(LaunchTerminal, OneThatIsMissingIsPassedOver) {
    PrepareTerminal work;
    work.path = "/dev/no-such-terminal";
    work.reset = work.vhangup = work.disallocate = true;
    LaunchProbe probe = prepared(work);
    EXPECT_EQ(probe.run().failure(), "");
}

// ---- what standard input is fed with, and streams to sockets

TEST(LaunchStreams, DataIsReadOnceAndCannotBeChanged) {
    const std::string bytes = "heat\n" + std::string(100'000, 'x') + "\n";
    LaunchProbe probe("cat; (echo no >&0) 2>/dev/null || echo read-only");
    probe.plan.preparations.push_back({MakeInput{"stdin", bytes}, {}, 208});
    probe.add(Stage::Descriptors, UseDescriptor{"stdin", 0});
    const ProbeResult result = probe.run();
    EXPECT_EQ(result.failure(), "");
    EXPECT_EQ(result.output, bytes + "read-only\n");
}

/// A socket of that type, bound to `path`.
sys::Descriptor bound_socket(const std::string& path, int type) {
    sys::Descriptor made(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    EXPECT_LT(path.size(), sizeof address.sun_path);
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(made.number(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return made;
}

TEST(LaunchStreams, AFileThatIsASocketIsConnectedTo) {
    const ScratchDirectory scratch;
    const std::string path = scratch.path() + "/socket";
    const sys::Descriptor listener = bound_socket(path, SOCK_STREAM);
    ASSERT_EQ(::listen(listener.number(), 4), 0);
    LaunchProbe probe("echo hello >&3");
    probe.plan.preparations.push_back({OpenFile{"socket", path, O_WRONLY, 0}, {}, 209});
    probe.add(Stage::Descriptors, UseDescriptor{"socket", 3});
    EXPECT_EQ(probe.run().failure(), "");
    const sys::Descriptor stream(::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_EQ(sys::read_all(stream.number(), 64, "the stream").value_or("?"), "hello\n");
}

TEST(LaunchStreams, ASocketOfDatagramsIsConnectedToWhereAnyTypeWillDo) {
    const ScratchDirectory scratch;
    const std::string path = scratch.path() + "/socket";
    const sys::Descriptor receiver = bound_socket(path, SOCK_DGRAM);
    LaunchProbe probe("echo hello >&3");
    OpenFile file{"socket", path, O_RDWR, 0};
    probe.add(Stage::Descriptors, UseDescriptor{"socket", 3});
    probe.plan.preparations.push_back({file, {}, 209});
    EXPECT_NE(probe.run().failure(), "") << "StandardInput=file: wants a stream";
    file.connect = true;  // OpenFile=
    probe.plan.preparations.back().preparation = file;
    EXPECT_EQ(probe.run().failure(), "");
    char text[16] = {};
    EXPECT_EQ(::recv(receiver.number(), text, sizeof text, MSG_DONTWAIT), 6);
    EXPECT_STREQ(text, "hello\n");
}

}  // namespace
}  // namespace hearth::launch
