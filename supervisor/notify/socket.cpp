// SPDX-License-Identifier: MIT
#include "supervisor/notify/socket.hpp"

#include <sys/epoll.h>

#include <cerrno>
#include <utility>

#include "supervisor/notify/message.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::notify {

namespace {

constexpr int passes_pidfd = 76;  // SO_PASSPIDFD, Linux 6.5
constexpr int buffer_bytes = 8 * 1024 * 1024;

/// Datagrams in one turn. Between two turns everybody else who is ready has one, too.
constexpr int batch = 64;
/// net.unix.max_dgram_qlen may be that high; what was sent before now is not behind more.
constexpr int longest_queue = 4096;

/// False: there is none.
bool receive(
    int socket,
    const std::function<void(Datagram)>& received,
    const std::function<void(const std::string&)>& told) {
    auto message = sys::receive_message(socket, maximum_message_bytes);
    if (!message) {
        told("a notification can't be received: " + message.error().what);
        return false;
    }
    if (!*message) {
        return false;
    }
    sys::Message& read = **message;
    if (!read.credentials || read.credentials->pid <= 0) {
        told("a notification came from outside our PID namespace and was dropped");
        return true;
    }
    if (read.truncated) {
        told(
            "a notification of process " + std::to_string(read.credentials->pid) +
            " is longer than " + std::to_string(maximum_message_bytes) + " bytes and was dropped");
        return true;
    }
    Datagram datagram;
    datagram.message = read_notification(read.bytes);
    datagram.sender = *read.credentials;
    datagram.pidfd = std::move(read.pidfd);
    datagram.descriptors = std::move(read.descriptors);
    received(std::move(datagram));
    return true;
}

}  // namespace

struct NotifySocket::Reader {
    int socket = -1;
    std::function<void(Datagram)> received;
    std::function<void(const std::string&)> told;
    EventSource readable, resume;
    bool pausing = false;

    void read_batch() {
        for (int read = 0; read < batch; ++read) {
            if (!receive(socket, received, told)) {
                return;
            }
        }
        // As one of the bus' connections, among which sd-event goes round.
        pausing = true;
        readable.enable(false);
        resume.trigger();
    }
    void go_on() {
        pausing = false;
        readable.enable(true);
        read_batch();
    }
};

Result<NotifySocket> NotifySocket::open(
    EventLoop& loop,
    std::string path,
    std::function<void(Datagram)> received,
    std::function<void(const std::string&)> told,
    sys::Descriptor inherited) {
    sys::Descriptor socket =
        inherited ? std::move(inherited)
                  : HEARTH_TRY(sys::listen_unix(path, SOCK_DGRAM | SOCK_NONBLOCK, 0666));
    const int number = socket.number();
    const int on = 1;
    if (::setsockopt(number, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0) {
        return sys::call_failure("setsockopt", "SO_PASSCRED", errno);
    }
    // Both as far as this kernel has them and lets us.
    (void)::setsockopt(number, SOL_SOCKET, passes_pidfd, &on, sizeof on);
    (void)::setsockopt(number, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    auto reader = std::make_unique<Reader>();
    Reader* const raw = reader.get();
    raw->socket = number;
    raw->received = std::move(received);
    raw->told = std::move(told);
    raw->readable = HEARTH_TRY(
        loop.on_io(number, EPOLLIN, Priority::Notify, [raw](std::uint32_t) { raw->read_batch(); }));
    raw->resume = HEARTH_TRY(loop.deferred(Priority::Bus, [raw] { raw->go_on(); }));
    return NotifySocket(std::move(socket), std::move(path), std::move(reader));
}

NotifySocket::NotifySocket(sys::Descriptor socket, std::string path, std::unique_ptr<Reader> reader)
    : socket_(std::move(socket)), path_(std::move(path)), reader_(std::move(reader)) {}
NotifySocket::NotifySocket(NotifySocket&&) noexcept = default;
NotifySocket& NotifySocket::operator=(NotifySocket&&) noexcept = default;

void NotifySocket::read_what_came_before() {
    for (int read = 0; reader_->pausing && read < longest_queue; ++read) {
        if (!receive(reader_->socket, reader_->received, reader_->told)) {
            return;
        }
    }
}

NotifySocket::~NotifySocket() {
    if (socket_) {
        (void)sys::unlink(path_);
    }
}

}  // namespace hearth::notify
