// SPDX-License-Identifier: MIT
#include "supervisor/shutdown_console.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "supervisor/log.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth {

namespace {

constexpr const char* console = "/dev/console";
constexpr std::uint64_t first_look = 5'000'000;
constexpr std::uint64_t next_look = 1'000'000;
constexpr std::size_t looks_until_shown_again = 10;

/// Who it is about, without the times, which change always.
std::vector<std::pair<std::string, std::string>> names(const std::vector<Blocker>& blockers) {
    std::vector<std::pair<std::string, std::string>> made;
    for (const Blocker& each : blockers) {
        made.emplace_back(each.unit, each.doing);
    }
    return made;
}

}  // namespace

std::unique_ptr<ShutdownConsole> ShutdownConsole::open(EventLoop& loop, Calls calls) {
    auto terminal = sys::open(console, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (!terminal) {
        return nullptr;
    }
    std::unique_ptr<ShutdownConsole> made(
        new ShutdownConsole(loop, std::move(calls), std::move(*terminal)));
    if (const auto watched = made->watch(loop); !watched) {
        log::write(log::Level::Warning, "the console is not watched: " + watched.error().what);
        return nullptr;
    }
    return made;
}

ShutdownConsole::ShutdownConsole(EventLoop&, Calls calls, sys::Descriptor terminal)
    : calls_(std::move(calls)), terminal_(std::move(terminal)) {}

ShutdownConsole::~ShutdownConsole() {
    *alive_ = false;
    if (changed_) {
        (void)::tcsetattr(terminal_.number(), TCSANOW, &before_);
    }
}

Result<void> ShutdownConsole::watch(EventLoop& loop) {
    timer_ = HEARTH_TRY(loop.timer(Priority::Timer, [this] { look(); }));
    timer_.arm_in(first_look);
    input_ = HEARTH_TRY(loop.on_io(
        terminal_.number(), EPOLLIN, Priority::Io, [this](std::uint32_t) { keys_pressed(); }));
    input_.enable(false);  // until something is shown, input is a login's or nobody's
    return {};
}

void ShutdownConsole::look() {
    calls_.look([this, alive = std::weak_ptr(alive_)](std::vector<Blocker> found) {
        if (!alive.expired()) {
            show(std::move(found));
        }
    });
}

void ShutdownConsole::show(std::vector<Blocker> blockers) {
    timer_.arm_in(next_look);
    ++since_shown_;
    if (blockers.empty() ||
        (names(blockers) == names(shown_) && since_shown_ < looks_until_shown_again)) {
        return;
    }
    shown_ = std::move(blockers);
    since_shown_ = 0;
    if (!changed_ && ::tcgetattr(terminal_.number(), &before_) == 0) {
        termios keys = before_;
        keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        keys.c_cc[VMIN] = 1;
        keys.c_cc[VTIME] = 0;
        changed_ = ::tcsetattr(terminal_.number(), TCSANOW, &keys) == 0;
    }
    input_.enable(true);
    write(
        "\nhearthd waits for " + std::to_string(shown_.size()) +
        (shown_.size() == 1 ? " unit to stop:\n" : " units to stop:\n") + blockers_text(shown_) +
        "Keys: k and its number kills a unit's processes, K kills those of all.\n");
}

void ShutdownConsole::keys_pressed() {
    std::array<char, 64> keys{};
    const ssize_t count = ::read(terminal_.number(), keys.data(), keys.size());
    if (count <= 0) {  // it hung up
        input_.enable(false);
        return;
    }
    for (const char each : std::span(keys.data(), static_cast<std::size_t>(count))) {
        key(each);
    }
}

void ShutdownConsole::key(char pressed) {
    const bool number = number_follows_ && pressed >= '1' && pressed <= '9';
    number_follows_ = pressed == 'k';
    std::vector<std::string> units;
    if (pressed == 'K') {
        for (const Blocker& each : shown_) {
            units.push_back(each.unit);
        }
    } else if (number && static_cast<std::size_t>(pressed - '1') < shown_.size()) {
        units.push_back(shown_[static_cast<std::size_t>(pressed - '1')].unit);
    }
    for (const std::string& unit : units) {
        calls_.kill(unit);
    }
}

/// What the terminal doesn't take at once is lost: nobody waits for a terminal that is held.
void ShutdownConsole::write(const std::string& text) const {
    std::string lines;
    for (const char each : text) {
        lines += each == '\n' ? std::string("\r\n") : std::string(1, each);
    }
    (void)!::write(terminal_.number(), lines.data(), lines.size());
}

}  // namespace hearth
