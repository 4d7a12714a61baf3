// SPDX-License-Identifier: MIT
//
// The socket behind $NOTIFY_SOCKET: receives what services say, with the kernel's word for who said
// it (SCM_CREDENTIALS, and a pidfd where the kernel passes one) and the descriptors that came
// along. Who that is and whether it counts is not judged here. Read at the priority before exits of
// processes: a service that says something and ends has said it. A flood of them has its turns as
// the bus has (decisions/0034); whoever is about to tell of an exit meanwhile reads first what came
// before it.
//
// The socket is a file that everybody may write to: services run as any user. It lives with the
// object and is removed by it. Errors carry errno.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/socket.hpp"
#include "units/notification.hpp"

namespace hearth::notify {

struct Datagram {
    Notification message;
    sys::Credentials sender;
    sys::Descriptor pidfd;  ///< of the sender; empty where the kernel passes none
    std::vector<sys::Descriptor> descriptors;
};

class NotifySocket {
public:
    /// `received` is called for each message with a sender. `told` hears of those that can't be
    /// read. `inherited`: the socket of an earlier hearthd, with what came meanwhile.
    static Result<NotifySocket> open(
        EventLoop& loop,
        std::string path,
        std::function<void(Datagram)> received,
        std::function<void(const std::string&)> told,
        sys::Descriptor inherited = {});
    NotifySocket(NotifySocket&& other) noexcept;
    NotifySocket& operator=(NotifySocket&& other) noexcept;
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;
    ~NotifySocket();

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int number() const { return socket_.number(); }
    /// What was sent before now is received, also while others have their turn.
    void read_what_came_before();

private:
    struct Reader;
    NotifySocket(sys::Descriptor socket, std::string path, std::unique_ptr<Reader> reader);

    sys::Descriptor socket_;
    std::string path_;
    std::unique_ptr<Reader> reader_;
};

}  // namespace hearth::notify
