// SPDX-License-Identifier: MIT
#include "supervisor/launch/terminal.hpp"

#include <fcntl.h>
#include <linux/kd.h>
#include <linux/vt.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "supervisor/sys/file.hpp"

namespace hearth::launch {
namespace {

/// Not our controlling terminal, and no waiting for a carrier or for room in its buffer.
sys::Descriptor opened(const std::string& path, int access) {
    auto terminal = sys::open(path, access | O_NOCTTY | O_NONBLOCK);
    return terminal && ::isatty(terminal->number()) != 0 ? std::move(*terminal) : sys::Descriptor();
}

/// The modes that a login expects: canonical input with echo, newlines translated, the usual keys.
void reset(int terminal) {
    ::ioctl(terminal, TIOCNXCL);
    ::ioctl(terminal, KDSETMODE, KD_TEXT);  // of a virtual console only
    termios modes{};
    if (::tcgetattr(terminal, &modes) != 0) {
        return;
    }
    modes.c_iflag &= ~static_cast<tcflag_t>(IGNBRK | BRKINT | ISTRIP | INLCR | IGNCR | IUCLC);
    modes.c_iflag |= ICRNL | IMAXBEL | IUTF8;
    modes.c_oflag |= OPOST | ONLCR;
    modes.c_cflag |= CREAD;
    modes.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
    constexpr auto control = [](char letter) { return static_cast<cc_t>(letter - '@'); };
    modes.c_cc[VINTR] = control('C');
    modes.c_cc[VQUIT] = control('\\');
    modes.c_cc[VERASE] = 0x7f;
    modes.c_cc[VKILL] = control('U');
    modes.c_cc[VEOF] = control('D');
    modes.c_cc[VSTART] = control('Q');
    modes.c_cc[VSTOP] = control('S');
    modes.c_cc[VSUSP] = control('Z');
    modes.c_cc[VLNEXT] = control('V');
    modes.c_cc[VWERASE] = control('W');
    modes.c_cc[VREPRINT] = control('R');
    modes.c_cc[VEOL] = 0;
    modes.c_cc[VEOL2] = 0;
    modes.c_cc[VTIME] = 0;
    modes.c_cc[VMIN] = 1;
    ::tcsetattr(terminal, TCSANOW, &modes);
    ::tcflush(terminal, TCIOFLUSH);
}

void resize(int terminal, const PrepareTerminal& work) {
    winsize size{};
    if (::ioctl(terminal, TIOCGWINSZ, &size) != 0) {
        return;
    }
    size.ws_row = work.rows != 0 ? work.rows : size.ws_row;
    size.ws_col = work.columns != 0 ? work.columns : size.ws_col;
    ::ioctl(terminal, TIOCSWINSZ, &size);
}

/// 9 of "/dev/tty9".
std::optional<int> console_number(std::string_view path) {
    constexpr std::string_view prefix = "/dev/tty";
    int number = 0;
    if (!path.starts_with(prefix)) {
        return std::nullopt;
    }
    const auto [end, error] =
        std::from_chars(path.data() + prefix.size(), path.data() + path.size(), number);
    const bool whole = error == std::errc() && end == path.data() + path.size();
    return whole && number > 0 ? std::optional(number) : std::nullopt;
}

/// A virtual console nobody uses is given back, with its scrollback; any other is cleared.
void clear(const std::string& path) {
    if (const auto number = console_number(path)) {
        const sys::Descriptor first = opened("/dev/tty0", O_RDWR);
        if (first && ::ioctl(first.number(), VT_DISALLOCATE, *number) == 0) {
            return;
        }
    }
    // The whole screen scrolls, the cursor goes home, screen and scrollback are erased.
    constexpr std::string_view sequence = "\033[r\033[H\033[2J\033[3J";
    const sys::Descriptor terminal = opened(path, O_WRONLY);
    if (terminal) {
        static_cast<void>(sys::write_all(terminal.number(), sequence, path));
    }
}

}  // namespace

void prepare_terminal(const PrepareTerminal& work) {
    if (work.vhangup) {
        const sys::Descriptor terminal = opened(work.path, O_RDWR);
        if (terminal) {
            ::ioctl(terminal.number(), TIOCVHANGUP);
        }
    }
    if (work.reset || work.rows != 0 || work.columns != 0) {
        const sys::Descriptor terminal = opened(work.path, O_RDWR);
        if (terminal && work.reset) {
            reset(terminal.number());
        }
        if (terminal) {
            resize(terminal.number(), work);
        }
    }
    if (work.disallocate) {
        clear(work.path);
    }
}

}  // namespace hearth::launch
