// SPDX-License-Identifier: MIT
#include "supervisor/sys/socket.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "supervisor/sys/file.hpp"

namespace hearth::sys {
namespace {

constexpr std::size_t MaximumDescriptors = 64;

struct Address {
    sockaddr_un value{};
    socklen_t length = 0;
};

Result<Address> address_of(const std::string& path) {
    Address address;
    address.value.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.value.sun_path) {
        return failure(
            "socket path " + path + " is too long: at most " +
                std::to_string(sizeof address.value.sun_path - 1) + " bytes",
            ENAMETOOLONG);
    }
    path.copy(address.value.sun_path, path.size());
    address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return address;
}

int connected(int number, const Address& address) {
    const sockaddr generic{};
    static_assert(sizeof address.value >= sizeof generic);
    const void* raw = &address.value;
    int result = 0;
    do {
        result = ::connect(number, static_cast<const sockaddr*>(raw), address.length);
    } while (result < 0 && errno == EINTR);
    return result;
}

/// Removes a socket file that nobody listens on. An error where somebody does.
Result<void> remove_stale(const std::string& path, const Address& address, int type) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) < 0 || !S_ISSOCK(status.st_mode)) {
        return {};
    }
    const Descriptor probe = HEARTH_TRY(socket(AF_UNIX, type | SOCK_NONBLOCK));
    if (connected(probe.number(), address) == 0 || errno != ECONNREFUSED) {
        return call_failure("bind", path, EADDRINUSE);
    }
    return unlink(path);
}

constexpr int scm_pidfd = 4;  // SCM_PIDFD

void collect(Message& message, const cmsghdr& control) {
    if (control.cmsg_level != SOL_SOCKET) {
        return;
    }
    const std::size_t size = control.cmsg_len - CMSG_LEN(0);
    if (control.cmsg_type == SCM_RIGHTS) {
        for (std::size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(&control) + at, sizeof number);
            message.descriptors.emplace_back(number);
        }
    } else if (control.cmsg_type == scm_pidfd && size >= sizeof(int)) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(&control), sizeof number);
        message.pidfd = Descriptor(number);
    } else if (control.cmsg_type == SCM_CREDENTIALS && size >= sizeof(ucred)) {
        ucred sender{};
        std::memcpy(&sender, CMSG_DATA(&control), sizeof sender);
        message.credentials = Credentials{sender.pid, sender.uid, sender.gid};
    }
}

}  // namespace

Result<SocketPair> socketpair(int type) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0) {
        return call_failure("socketpair", "", errno);
    }
    return SocketPair{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<Descriptor> socket(int family, int type, int protocol) {
    const int number = ::socket(family, type | SOCK_CLOEXEC, protocol);
    if (number < 0) {
        return call_failure("socket", "", errno);
    }
    return Descriptor(number);
}

Result<Descriptor> listen_unix(const std::string& path, int type, mode_t mode) {
    const Address address = HEARTH_TRY(address_of(path));
    HEARTH_TRY(remove_stale(path, address, type & ~SOCK_NONBLOCK));
    Descriptor listener = HEARTH_TRY(socket(AF_UNIX, type));
    // The mode of the socket's inode is the file's at bind: no moment with a wider one, no umask.
    HEARTH_TRY(fchmod(listener.number(), mode & 0600));
    const void* raw = &address.value;
    if (::bind(listener.number(), static_cast<const sockaddr*>(raw), address.length) < 0) {
        return call_failure("bind", path, errno);
    }
    HEARTH_TRY(chmod(path, mode));
    const bool connection_based = (type & 0xf) == SOCK_STREAM || (type & 0xf) == SOCK_SEQPACKET;
    if (connection_based && ::listen(listener.number(), SOMAXCONN) < 0) {
        return call_failure("listen", path, errno);
    }
    return listener;
}

Result<Descriptor> connect_unix(const std::string& path, int type) {
    const Address address = HEARTH_TRY(address_of(path));
    Descriptor client = HEARTH_TRY(socket(AF_UNIX, type));
    if (connected(client.number(), address) < 0) {
        return call_failure("connect", path, errno);
    }
    return client;
}

Result<std::optional<Descriptor>> accept4(int listener, int flags) {
    int number = -1;
    do {
        number = ::accept4(listener, nullptr, nullptr, flags | SOCK_CLOEXEC);
    } while (number < 0 && errno == EINTR);
    if (number < 0 && (errno == EAGAIN || errno == ECONNABORTED)) {
        return std::optional<Descriptor>();
    }
    if (number < 0) {
        return call_failure("accept4", "", errno);
    }
    return std::optional<Descriptor>(Descriptor(number));
}

Result<Credentials> peer_credentials(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
        return call_failure("getsockopt", "SO_PEERCRED", errno);
    }
    return Credentials{peer.pid, peer.uid, peer.gid};
}

Result<void> send_message(int socket, std::string_view bytes, const std::vector<int>& descriptors) {
    if (descriptors.size() > MaximumDescriptors) {
        return call_failure("sendmsg", std::to_string(descriptors.size()) + " descriptors", EINVAL);
    }
    std::string content(bytes);
    iovec vector{content.data(), content.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * MaximumDescriptors)] = {};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    if (!descriptors.empty()) {
        const std::size_t size = sizeof(int) * descriptors.size();
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(size);
        cmsghdr* first = CMSG_FIRSTHDR(&header);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN(size);
        std::memcpy(CMSG_DATA(first), descriptors.data(), size);
    }
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(socket, &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return call_failure("sendmsg", "", errno);
    }
    if (static_cast<std::size_t>(sent) != content.size()) {
        return call_failure("sendmsg", "cut short", EMSGSIZE);
    }
    return {};
}

Result<std::optional<Message>> receive_message(int socket, std::size_t maximum) {
    Message message;
    message.bytes.resize(maximum);
    iovec vector{message.bytes.data(), message.bytes.size()};
    alignas(cmsghdr) char control
        [CMSG_SPACE(sizeof(int) * MaximumDescriptors) + CMSG_SPACE(sizeof(ucred)) +
         CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    ssize_t received = 0;
    do {
        received = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0 && errno == EAGAIN) {
        return std::optional<Message>();
    }
    if (received < 0) {
        return call_failure("recvmsg", "", errno);
    }
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr;
         part = CMSG_NXTHDR(&header, part)) {
        collect(message, *part);
    }
    if ((header.msg_flags & MSG_CTRUNC) != 0) {
        return call_failure("recvmsg", "more descriptors than expected", EMSGSIZE);
    }
    message.bytes.resize(static_cast<std::size_t>(received));
    message.truncated = (header.msg_flags & MSG_TRUNC) != 0;
    return std::optional(std::move(message));
}

}  // namespace hearth::sys
