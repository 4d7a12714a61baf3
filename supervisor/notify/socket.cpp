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

void receive(
    int socket,
    const std::function<void(Datagram)>& received,
    const std::function<void(const std::string&)>& told) {
    auto message = sys::receive_message(socket, maximum_message_bytes);
    if (!message) {
        return told("a notification can't be received: " + message.error().what);
    }
    if (!*message) {
        return;
    }
    sys::Message& read = **message;
    if (!read.credentials || read.credentials->pid <= 0) {
        return told("a notification came from outside our PID namespace and was dropped");
    }
    if (read.truncated) {
        return told(
            "a notification of process " + std::to_string(read.credentials->pid) +
            " is longer than " + std::to_string(maximum_message_bytes) + " bytes and was dropped");
    }
    Datagram datagram;
    datagram.message = read_notification(read.bytes);
    datagram.sender = *read.credentials;
    datagram.pidfd = std::move(read.pidfd);
    datagram.descriptors = std::move(read.descriptors);
    received(std::move(datagram));
}

}  // namespace

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
    NotifySocket made(std::move(socket), std::move(path));
    made.source_ = HEARTH_TRY(loop.on_io(
        number,
        EPOLLIN,
        Priority::Notify,
        [number, received = std::move(received), told = std::move(told)](std::uint32_t) {
            receive(number, received, told);
        }));
    return made;
}

NotifySocket::~NotifySocket() {
    if (socket_) {
        (void)sys::unlink(path_);
    }
}

}  // namespace hearth::notify
