// SPDX-License-Identifier: MIT
#include "supervisor/keeper.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "supervisor/log.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/socket.hpp"

namespace hearth {

namespace {

constexpr int longest_send = 100;     // milliseconds
constexpr int longest_answer = 5000;  // milliseconds

bool wait_for(int socket, short events, int milliseconds) {
    pollfd waiting{socket, events, 0};
    int ready = 0;
    do {
        ready = ::poll(&waiting, 1, milliseconds);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

keeper::Packet packet_of(keeper::Kind kind) {
    keeper::Packet packet;
    packet.kind = kind;
    return packet;
}

keeper::Packet about(keeper::Kind kind, const std::string& name) {
    keeper::Packet packet = packet_of(kind);
    name.copy(packet.name, keeper::longest_name);
    return packet;
}

keeper::Packet about(keeper::Kind kind, pid_t pid, std::uint64_t started) {
    keeper::Packet packet = packet_of(kind);
    packet.pid = pid;
    packet.started = started;
    return packet;
}

std::string failure_of(const keeper::Packet& packet) {
    if (packet.number != 0) {
        return "it was not ready in its time and was killed";
    }
    return (packet.code == CLD_EXITED ? "it exited with status " : "it was killed by signal ") +
           std::to_string(packet.status) + " before it was ready";
}

sys::ExitStatus exit_status(const keeper::Packet& packet) {
    sys::ExitStatus status;
    status.code = packet.code == CLD_EXITED   ? sys::ExitStatus::Code::Exited
                  : packet.code == CLD_DUMPED ? sys::ExitStatus::Code::Dumped
                                              : sys::ExitStatus::Code::Killed;
    status.status = packet.status;
    status.pid = packet.pid;
    return status;
}

}  // namespace

Result<KeeperChannel> KeeperChannel::open(int number) {
    KeeperChannel channel;
    if (::fcntl(number, F_SETFD, FD_CLOEXEC) < 0) {
        return sys::call_failure("--keeper-fd", std::to_string(number), errno);
    }
    channel.socket_.reset(number);
    HEARTH_TRY(sys::set_nonblocking(number, true));
    channel.pid_ = HEARTH_TRY(sys::peer_credentials(number)).pid;
    HEARTH_TRY(channel.take_all());
    channel.opened_ = true;
    channel.news_.clear();  // known before anything is watched
    return channel;
}

Result<void> KeeperChannel::take_all() {
    complete_ = false;
    send(packet_of(keeper::Kind::Take));
    while (!complete_) {
        if (!HEARTH_TRY(take_packet()) && !wait_for(socket_.number(), POLLIN, longest_answer)) {
            return failure("the keeper doesn't answer", ETIMEDOUT);
        }
    }
    return {};
}

Result<bool> KeeperChannel::take_packet() {
    auto message = HEARTH_TRY(sys::receive_message(socket_.number(), sizeof(keeper::Packet)));
    if (!message) {
        return false;
    }
    if (message->bytes.empty()) {
        return failure("the keeper is gone", EPIPE);
    }
    keeper::Packet packet;
    if (message->bytes.size() != sizeof packet) {
        return failure("the keeper's messages have another size: it is of another version", EPROTO);
    }
    std::memcpy(&packet, message->bytes.data(), sizeof packet);
    if (packet.protocol != keeper::version) {
        return failure(
            "the keeper speaks version " + std::to_string(packet.protocol) + ", expected " +
                std::to_string(keeper::version),
            EPROTO);
    }
    switch (packet.kind) {
        case keeper::Kind::Held:
            // A later synchronise() brings again what was taken.
            if (!opened_ && !message->descriptors.empty()) {
                packet.name[keeper::longest_name] = '\0';
                held_.insert_or_assign(packet.name, std::move(message->descriptors.front()));
            }
            break;
        case keeper::Kind::Ended:
            ended_.insert_or_assign(
                {packet.pid, packet.started}, Ended{exit_status(packet), packet.cgroup});
            news_.emplace_back(packet.pid, packet.started);
            break;
        case keeper::Kind::Done:
            ready_before_ = packet.number;
            can_replace_ = (packet.code & keeper::feature_replace) != 0;
            complete_ = true;
            break;
        case keeper::Kind::NotReplaced:
            replacement_failure_ = failure_of(packet);
            break;
        default:
            break;  // a kind that is only sent to the keeper
    }
    return true;
}

void KeeperChannel::send(const keeper::Packet& packet, int descriptor) {
    if (!socket_) {
        return;
    }
    std::string bytes(sizeof packet, '\0');
    std::memcpy(bytes.data(), &packet, sizeof packet);
    const std::vector<int> passed =
        descriptor < 0 ? std::vector<int>() : std::vector<int>{descriptor};
    auto sent = sys::send_message(socket_.number(), bytes, passed);
    if (!sent && sent.error().code == EAGAIN && wait_for(socket_.number(), POLLOUT, longest_send)) {
        sent = sys::send_message(socket_.number(), bytes, passed);
    }
    if (!sent) {
        log::write(
            log::Level::Error,
            "the keeper can't be told (" + sent.error().what + "): of " +
                (packet.name[0] != '\0' ? std::string(packet.name)
                                        : "process " + std::to_string(packet.pid)));
    }
}

void KeeperChannel::hold(const std::string& name, int descriptor) {
    send(about(keeper::Kind::Hold, name), descriptor);
}

void KeeperChannel::drop(const std::string& name) {
    held_.erase(name);
    send(about(keeper::Kind::Drop, name));
}

sys::Descriptor KeeperChannel::take(const std::string& name) {
    const auto found = held_.find(name);
    if (found == held_.end()) {
        return {};
    }
    sys::Descriptor taken = std::move(found->second);
    held_.erase(found);
    return taken;
}

std::vector<std::string> KeeperChannel::untaken() const {
    std::vector<std::string> names;
    for (const auto& [name, descriptor] : held_) {
        names.push_back(name);
    }
    return names;
}

void KeeperChannel::watch(pid_t pid, std::uint64_t started) {
    send(about(keeper::Kind::Watch, pid, started));
}

void KeeperChannel::forget(pid_t pid, std::uint64_t started) {
    ended_.erase({pid, started});
    send(about(keeper::Kind::Forget, pid, started));
}

std::optional<sys::ExitStatus> KeeperChannel::exit_of(pid_t pid, std::uint64_t started) {
    while (socket_) {
        const auto more = take_packet();
        if (!more || !*more) {
            break;  // that it is gone is read() to tell
        }
    }
    const auto found = ended_.find({pid, started});
    return found == ended_.end() ? std::nullopt : std::optional(found->second.status);
}

void KeeperChannel::synchronise() {
    if (!socket_) {
        return;
    }
    if (const auto taken = take_all(); !taken) {
        log::write(log::Level::Error, "hearth-init: " + taken.error().what);
    }
}

std::vector<KeeperChannel::Orphan> KeeperChannel::ended_in(const std::string& cgroup) const {
    const std::uint64_t wanted = keeper::hash(cgroup.data(), cgroup.size());
    std::vector<Orphan> found;
    for (const auto& [process, ended] : ended_) {
        if (ended.cgroup == wanted) {
            found.push_back({process.first, process.second, ended.status});
        }
    }
    std::ranges::stable_sort(found, {}, &Orphan::started);
    return found;
}

Result<std::vector<std::pair<pid_t, std::uint64_t>>> KeeperChannel::read() {
    while (true) {
        const auto more = take_packet();
        if (!more) {
            socket_.reset();
            return Unexpected(more.error());
        }
        if (!*more) {
            return std::exchange(news_, {});
        }
    }
}

void KeeperChannel::replace(int program, std::uint64_t microseconds) {
    keeper::Packet packet = packet_of(keeper::Kind::Replace);
    packet.number =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(microseconds / 1000, INT32_MAX));
    send(packet, program);
}

void KeeperChannel::ready() {
    send(packet_of(keeper::Kind::Ready));
}

void KeeperChannel::stopped(const MachineEnd& end) {
    keeper::Packet packet = about(keeper::Kind::Stopped, end.argument);
    packet.number = static_cast<std::uint32_t>(end.how) | (end.immediate ? keeper::immediate : 0);
    packet.code = static_cast<std::int32_t>(
        std::clamp<std::uint64_t>(end.timeout_microseconds / 1000, 1, INT32_MAX));
    send(packet, end.root ? end.root.number() : -1);
}

}  // namespace hearth
