// SPDX-License-Identifier: MIT
#include "supervisor/ctl/terminal.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "supervisor/ctl/console.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::ctl {

namespace {

constexpr std::size_t block = 4096;

void copy_size(int from, int to) {
    winsize size{};
    if (ioctl(from, TIOCGWINSZ, &size) == 0) {
        (void)ioctl(to, TIOCSWINSZ, &size);  // the session's foreground gets SIGWINCH by that
    }
}

}  // namespace

Result<PseudoTerminal> open_pseudo_terminal(int like) {
    PseudoTerminal terminal;
    terminal.master.reset(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, 64> name{};
    if (!terminal.master || grantpt(terminal.master.number()) < 0 ||
        unlockpt(terminal.master.number()) < 0 ||
        ptsname_r(terminal.master.number(), name.data(), name.size()) != 0) {
        return sys::call_failure("posix_openpt", "/dev/ptmx", errno);
    }
    terminal.path = name.data();
    terminal.slave = HEARTH_TRY(sys::open(name.data(), O_RDWR | O_NOCTTY));
    copy_size(like, terminal.master.number());
    return terminal;
}

Result<RawMode> RawMode::enter(int terminal) {
    termios before{};
    if (tcgetattr(terminal, &before) < 0) {
        return sys::call_failure("tcgetattr", "the terminal", errno);
    }
    termios raw = before;
    cfmakeraw(&raw);
    if (tcsetattr(terminal, TCSADRAIN, &raw) < 0) {
        return sys::call_failure("tcsetattr", "the terminal", errno);
    }
    return RawMode(terminal, before);
}

RawMode::RawMode(RawMode&& other) noexcept : terminal_(other.terminal_), before_(other.before_) {
    other.terminal_ = -1;
}

RawMode::~RawMode() {
    if (terminal_ >= 0) {
        tcsetattr(terminal_, TCSADRAIN, &before_);
    }
}

Result<void> Relay::start() {
    auto input =
        loop_.on_io(STDIN_FILENO, EPOLLIN, Priority::Io, [this](std::uint32_t) { typed(); });
    if (input) {
        input_ = std::move(*input);
    } else if (input.error().code != EPERM) {
        return Unexpected(std::move(input).error());
    }  // EPERM: a file, which is always ready: read as the session takes it
    output_ = HEARTH_TRY(loop_.on_io(master_, EPOLLIN, Priority::Io, [this](std::uint32_t events) {
        if ((events & EPOLLOUT) != 0) {
            flush_typed();
        }
        if ((events & (EPOLLIN | EPOLLHUP)) != 0) {
            written();
        }
    }));
    resized_ = HEARTH_TRY(loop_.on_signal(SIGWINCH, [this](int, pid_t) { pass_size(); }));
    pass_size();
    if (!input_) {
        typed();
    }
    return {};
}

void Relay::input_ended() {
    constexpr char end_of_input = 4;  // VEOF of a new pair
    input_.enable(false);
    if (::isatty(STDIN_FILENO) == 1) {  // the user's terminal is gone
        loop_.exit(EXIT_FAILURE);
    } else if (!ended_) {
        ended_ = true;
        pending_ += end_of_input;
        flush_typed();
    }
}

void Relay::pass_size() const {
    copy_size(STDIN_FILENO, master_);
}

void Relay::typed() {
    std::array<char, block> buffer;
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count > 0) {
        pending_.append(buffer.data(), static_cast<std::size_t>(count));
        flush_typed();
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
        input_ended();
    }
}

void Relay::flush_typed() {
    const ssize_t count = pending_.empty() ? 0 : ::write(master_, pending_.data(), pending_.size());
    if (count > 0) {
        pending_.erase(0, static_cast<std::size_t>(count));
    }
    // A session that doesn't read holds up the typist, not us.
    input_.enable(pending_.empty() && !ended_);
    output_.wait_for(pending_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
    if (pending_.empty() && !input_ && !ended_) {
        typed();  // the next part of a file
    }
}

bool Relay::read_master() {
    std::array<char, block> buffer;
    const ssize_t count = ::read(master_, buffer.data(), buffer.size());
    if (count > 0) {
        print({buffer.data(), static_cast<std::size_t>(count)});
        return true;
    }
    return count < 0 && errno == EINTR;
}

void Relay::written() {
    if (!read_master() && errno != EAGAIN) {
        output_.enable(false);  // EIO: nobody holds the slave; AttachEnded says the rest
    }
}

void Relay::drain() {
    while (read_master()) {
    }
}

}  // namespace hearth::ctl
