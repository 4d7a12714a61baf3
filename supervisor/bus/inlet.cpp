// SPDX-License-Identifier: MIT
#include "supervisor/bus/inlet.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/socket.hpp"

namespace hearth::bus {

namespace {

constexpr std::size_t block = std::size_t{16} << 10U;
constexpr std::size_t login_bytes = std::size_t{4} << 10U;
constexpr std::size_t header_bytes = 16;

std::uint32_t number_at(std::string_view bytes, std::size_t offset, bool big) {
    std::array<unsigned char, 4> part{};
    std::memcpy(part.data(), bytes.data() + offset, part.size());
    if (!big) {
        std::ranges::reverse(part);
    }
    std::uint32_t value = 0;
    for (const unsigned char byte : part) {
        value = value << 8U | byte;
    }
    return value;
}

/// D-Bus Specification, "Message Format": header, fields to a multiple of eight, body.
std::uint64_t size_of_message(std::string_view bytes) {
    const bool big = bytes[0] == 'B';
    const std::uint64_t fields = number_at(bytes, 12, big), body = number_at(bytes, 4, big);
    return header_bytes + (fields + 7) / 8 * 8 + body;
}

}  // namespace

Result<std::unique_ptr<Inlet>> Inlet::open(
    EventLoop& loop, int client, InletBudget budget, Calls calls) {
    std::unique_ptr<Inlet> inlet(new Inlet(loop, client, budget, std::move(calls)));
    HEARTH_TRY(inlet->start());
    return inlet;
}

Result<void> Inlet::start() {
    sys::SocketPair pair = HEARTH_TRY(sys::socketpair(SOCK_STREAM));
    input_ = std::move(pair.first);
    output_ = std::move(pair.second);
    HEARTH_TRY(sys::set_nonblocking(input_.number(), true));
    HEARTH_TRY(sys::set_nonblocking(output_.number(), true));
    // The client's own descriptor is sd-bus's to write to; a second registration needs a copy.
    copy_ = HEARTH_TRY(sys::duplicate(client_));
    reading_ = HEARTH_TRY(
        loop_.on_io(copy_.number(), EPOLLIN, Priority::Bus, [this](std::uint32_t) { readable(); }));
    writing_ = HEARTH_TRY(loop_.on_io(
        input_.number(), EPOLLOUT, Priority::Bus, [this](std::uint32_t) { advance(); }));
    writing_.enable(false);
    patience_ = HEARTH_TRY(loop_.timer(Priority::Bus, [this] { refuse(); }));
    return {};
}

void Inlet::refuse() {
    if (!refused_) {
        refused_ = true;
        reading_.enable(false);
        writing_.enable(false);
        calls_.cut_off();
    }
}

/// Room for a message (or the login) of that size in all.
bool Inlet::accept(std::size_t size) {
    if (size <= buffer_.capacity()) {
        return true;
    }
    if (size > budget_.message + 2 * block || !calls_.may_hold(size - buffer_.capacity())) {
        return false;
    }
    buffer_.reserve(size);
    return true;
}

void Inlet::readable() {
    std::array<char, block> part;
    // Not more at a time than a message may begin with: what is said to come is judged first.
    const ssize_t count = ::recv(copy_.number(), part.data(), part.size(), MSG_DONTWAIT);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            refuse();
        }
        return;
    }
    if (count == 0) {
        reading_.enable(false);
        writing_ = {};
        input_.reset();  // sd-bus sees the end, and answers what came before it
        return;
    }
    const auto more = static_cast<std::size_t>(count);
    if (!accept(buffer_.size() + more)) {
        refuse();
        return;
    }
    const bool begins = buffer_.empty();
    buffer_.append(part.data(), more);
    if (begins) {
        patience_.arm_in(budget_.message_microseconds);
    }
    advance();
}

/// Lines up to BEGIN.
std::size_t Inlet::whole_lines() {
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = buffer_.find("\r\n", begin)) != std::string::npos;) {
        const std::string_view line(buffer_.data() + begin, end - begin);
        begin = end + 2;
        if (line == "BEGIN") {
            phase_ = Phase::Begun;
            return begin;
        }
    }
    if (buffer_.size() - begin > login_bytes) {
        refuse();
    }
    return begin;
}

/// How many bytes of the buffer are whole; refuses what is too large to become so.
std::size_t Inlet::whole() {
    if (phase_ != Phase::Messages) {
        return phase_ == Phase::Login ? whole_lines() : 0;
    }
    std::size_t size = 0;
    while (buffer_.size() - size >= header_bytes) {
        const std::uint64_t next = size_of_message(std::string_view(buffer_).substr(size));
        if (next > budget_.message || !accept(size + static_cast<std::size_t>(next))) {
            refuse();
            return 0;
        }
        if (buffer_.size() - size < next) {
            break;
        }
        size += static_cast<std::size_t>(next);
    }
    return size;
}

void Inlet::logged_in() {
    phase_ = Phase::Messages;
    advance();
}

/// False: sd-bus must read first, or the client is cut off.
bool Inlet::hand_on() {
    while (ready_ > 0) {
        const ssize_t sent = ::send(input_.number(), buffer_.data(), ready_, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN) {
                refuse();
            }
            return false;
        }
        buffer_.erase(0, static_cast<std::size_t>(sent));
        ready_ -= static_cast<std::size_t>(sent);
    }
    return true;
}

void Inlet::advance() {
    if (ready_ == 0) {
        ready_ = whole();
    }
    const bool some = ready_ > 0;
    const bool all = hand_on();
    if (refused_) {
        return;
    }
    reading_.enable(all);  // what isn't taken from the socket holds up the client alone
    writing_.enable(!all);
    if (buffer_.empty()) {
        patience_.disarm();
        buffer_.shrink_to_fit();
    } else if (some) {
        patience_.arm_in(budget_.message_microseconds);
    }
}

}  // namespace hearth::bus
