// SPDX-License-Identifier: MIT
//
// Local sockets: making, listening, accepting, and passing descriptors with credentials. Paths
// longer than sockaddr_un are an error, never cut. Close-on-exec always. Received descriptors are
// owned by the message; a cut control message (more descriptors than expected) is an error and
// closes them. Follows unix(7). Errors as in file.hpp.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::sys {

struct SocketPair {
    Descriptor first, second;
};
/// `type`: SOCK_STREAM, SOCK_SEQPACKET ..., with SOCK_NONBLOCK where wanted.
Result<SocketPair> socketpair(int type);
Result<Descriptor> socket(int family, int type, int protocol = 0);
/// A bound (for streams: listening) socket at `path`, in the mode given. A socket file nobody
/// listens on is replaced; one that answers is an error (EADDRINUSE).
Result<Descriptor> listen_unix(const std::string& path, int type, mode_t mode);
Result<Descriptor> connect_unix(const std::string& path, int type);
/// Nothing where none waits (EAGAIN).
Result<std::optional<Descriptor>> accept4(int listener, int flags = SOCK_NONBLOCK);

struct Credentials {
    pid_t pid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
};
Result<Credentials> peer_credentials(int socket);

/// One message with the descriptors (at most 64), by number: the caller keeps them.
Result<void> send_message(
    int socket, std::string_view bytes, const std::vector<int>& descriptors = {});
struct Message {
    std::string bytes;  ///< empty with no descriptors: the other end closed
    std::vector<Descriptor> descriptors;
    std::optional<Credentials> credentials;  ///< with SO_PASSCRED
    Descriptor pidfd;                        ///< of the sender, with SO_PASSPIDFD (Linux 6.5)
    bool truncated = false;                  ///< longer than `maximum`
};
/// One message; nothing where none waits (EAGAIN on a non-blocking socket).
Result<std::optional<Message>> receive_message(int socket, std::size_t maximum);

}  // namespace hearth::sys
