// SPDX-License-Identifier: MIT
#include "supervisor/bus/server.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/object_path.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "supervisor/sys/socket.hpp"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // Linux 6.5
#endif

namespace hearth::bus {

namespace {

constexpr int accepts_per_wakeup = 16;
constexpr std::uint64_t descriptors_exhausted_pause = 100'000;
constexpr std::uint64_t flush_microseconds = 200000;

/// The peer's supplementary groups. A kernel or socket that can't tell: none.
std::vector<gid_t> peer_groups(int socket) {
    std::vector<gid_t> groups(64);
    for (int attempt = 0; attempt < 2; ++attempt) {
        auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) {
            groups.resize(size / sizeof(gid_t));
            return groups;
        }
        if (errno != ERANGE) {
            break;
        }
        groups.resize(size / sizeof(gid_t));
    }
    return {};
}

/// Whether the process that connected still exists. By pidfd of the socket where the kernel has it:
/// a pid alone may have been reused since.
bool still_exists(int socket, pid_t pid) {
    int number = -1;
    socklen_t size = sizeof number;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &number, &size) == 0) {
        const sys::Descriptor pidfd(number);
        pollfd waiting{number, POLLIN, 0};
        return poll(&waiting, 1, 0) == 0;  // readable: it has exited
    }
    if (errno == ESRCH || errno == EINVAL) {
        return false;  // the kernel knows it is gone
    }
    return sys::pidfd_open(pid).has_value();
}

Result<Peer> inspect(int socket, const Control& control) {
    const sys::Credentials credentials = HEARTH_TRY(sys::peer_credentials(socket));
    Peer peer;
    peer.pid = credentials.pid;
    peer.uid = credentials.uid;
    peer.gid = credentials.gid;
    peer.groups = peer_groups(socket);
    if (peer.pid > 0) {  // 0: a process of a PID namespace above ours, so of no service
        peer.unit = control.unit_by_pid(peer.pid);
        peer.command = sys::command_name(peer.pid).value_or("");
        peer.vanished = !still_exists(socket, peer.pid);
    }
    return peer;
}

int on_disconnected(sd_bus_message*, void* userdata, sd_bus_error*) noexcept {
    auto* connection = static_cast<Connection*>(userdata);
    connection->core.doom(*connection);
    return 0;
}

Unexpected<Error> bus_failure(const char* call, int result) {
    return failure(std::string(call) + ": " + std::strerror(-result), -result);
}

}  // namespace

BusServer::Core::Core(EventLoop& on, Control& of, Options with)
    : loop(on), control(of), options(std::move(with)) {
    policy.access = options.access;
    policy.own_uid = geteuid();
    policy.user_mode = options.user_mode;
    if (const auto groups = sys::read_file("/etc/group", 4U << 20U)) {
        policy.group = group_id(*groups, options.group);
    }
    for (const auto& [name, record] : control.world().units) {
        known_units.insert(name);
    }
}

BusServer::Core::~Core() {
    control.observe(nullptr);
    for (auto& [id, connection] : connections) {
        for (const std::uint64_t session : connection->sessions) {
            control.end_attach(session);
        }
    }
    for (const Listener& listener : listeners) {
        (void)sys::unlink(listener.path);
    }
}

Result<void> BusServer::Core::open(std::vector<sys::Descriptor> inherited) {
    if (const int result = sd_id128_randomize(&bus_id); result < 0) {
        return bus_failure("sd_id128_randomize", result);
    }
    resume_accepting = HEARTH_TRY(loop.timer(Priority::Bus, [this] {
        for (Listener& listener : listeners) {
            listener.source.enable(true);
        }
    }));
    logins = HEARTH_TRY(loop.on_post([this] { finish_logins(); }));
    logins.enable(false);
    reaper = HEARTH_TRY(loop.deferred(Priority::Bus, [this] { reap(); }));
    teller = HEARTH_TRY(loop.deferred(Priority::Bus, [this] { tell(); }));
    mode_t mode = policy.group ? 0660 : 0600;
    if (options.access == BusAccess::Everyone) {
        mode = 0666;
    }
    for (std::size_t index = 0; index < options.paths.size(); ++index) {
        const std::string& path = options.paths[index];
        Listener listener;
        listener.path = path;
        if (index < inherited.size()) {
            listener.socket = std::move(inherited[index]);
        } else {
            listener.socket = HEARTH_TRY(sys::listen_unix(path, SOCK_STREAM, mode));
            if (policy.group && mode == 0660 &&
                !sys::chown(path, static_cast<uid_t>(-1), *policy.group)) {
                HEARTH_TRY(sys::chmod(path, 0600));  // not ours to give: then for us alone
            }
        }
        HEARTH_TRY(sys::set_nonblocking(listener.socket.number(), true));
        listener.source = HEARTH_TRY(loop.on_io(
            listener.socket.number(), EPOLLIN, Priority::Bus, [this, index](std::uint32_t) {
                accept_some(index);
            }));
        listeners.push_back(std::move(listener));
    }
    control.observe(this);
    return {};
}

void BusServer::Core::accept_some(std::size_t listener) {
    for (int count = 0; count < accepts_per_wakeup; ++count) {
        auto socket = sys::accept4(listeners[listener].socket.number());
        if (!socket) {
            const int code = socket.error().code;
            if (code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM) {
                // The listener stays readable: without a pause the loop would spin.
                for (Listener& each : listeners) {
                    each.source.enable(false);
                }
                resume_accepting.arm_in(descriptors_exhausted_pause);
            }
            return;
        }
        if (!*socket) {
            return;
        }
        admit(std::move(**socket));
    }
}

bool BusServer::Core::room_for(const Peer& peer) const {
    if (peer.uid == 0) {
        return connections.size() < options.connections;
    }
    const auto of_user = std::ranges::count_if(
        connections, [&](const auto& entry) { return entry.second->peer.uid == peer.uid; });
    return connections.size() + options.reserved_for_root < options.connections &&
           static_cast<std::size_t>(of_user) < options.connections_per_user;
}

void BusServer::Core::admit(sys::Descriptor socket) {
    auto peer = inspect(socket.number(), control);
    if (!peer || !policy.may_connect(*peer) || !room_for(*peer) || closing) {
        return;  // closed: the client sees a reset
    }
    const std::uint64_t id = next_connection++;
    auto connection = std::make_unique<Connection>(*this, id, std::move(*peer));
    if (start(*connection, std::move(socket))) {
        connections.emplace(id, std::move(connection));
        logging_in.insert(id);
        logins.enable(true);
    }
}

bool BusServer::Core::may_hold(const Peer& peer, std::size_t bytes) const {
    std::size_t of_user = bytes, of_all = bytes;
    for (const auto& [id, connection] : connections) {
        const std::size_t held = connection->inlet ? connection->inlet->held() : 0;
        of_all += held;
        of_user += connection->peer.uid == peer.uid ? held : 0;
    }
    return of_user <= options.half_messages.user && of_all <= options.half_messages.all;
}

Result<sys::Descriptor> BusServer::Core::guard(Connection& connection, int socket) {
    if (connection.peer.uid == 0 || connection.peer.uid == policy.own_uid) {
        return sys::Descriptor();
    }
    connection.inlet = HEARTH_TRY(Inlet::open(
        loop,
        socket,
        options.half_messages,
        {.may_hold = [this,
                      &connection](std::size_t bytes) { return may_hold(connection.peer, bytes); },
         .cut_off = [this, &connection] { doom(connection); }}));
    return connection.inlet->take_output();
}

Result<void> BusServer::Core::start(Connection& connection, sys::Descriptor socket) {
    sd_bus* bus = nullptr;
    if (const int result = sd_bus_new(&bus); result < 0) {
        return bus_failure("sd_bus_new", result);
    }
    connection.bus.reset(bus);
    sys::Descriptor input = HEARTH_TRY(guard(connection, socket.number()));
    const bool guarded = static_cast<bool>(input);
    const int number = connection.socket = socket.release();
    const int read = guarded ? input.release() : number;
    int result = sd_bus_set_fd(bus, read, number);
    if (result < 0) {
        socket.reset(number);
        input.reset(guarded ? read : -1);
        return bus_failure("sd_bus_set_fd", result);
    }
    // Descriptors from others could be piled up without limit by a message that never ends.
    const auto step = [&result](int next) { result = result < 0 ? result : next; };
    step(sd_bus_set_server(bus, 1, bus_id));
    step(sd_bus_negotiate_fds(bus, connection.peer.uid == 0 ? 1 : 0));
    step(sd_bus_set_sender(bus, "org.freedesktop.systemd1"));
    // Who it is was asked of the client's own socket; sd-bus sees the credentials of the Inlet's.
    step(sd_bus_set_anonymous(bus, guarded ? 1 : 0));
    step(sd_bus_start(bus));
    step(sd_bus_attach_event(bus, loop.handle(), static_cast<int>(Priority::Bus)));
    if (result >= 0) {
        step(sd_bus_match_signal_async(
            bus,
            nullptr,
            "org.freedesktop.DBus.Local",
            nullptr,
            "org.freedesktop.DBus.Local",
            "Disconnected",
            on_disconnected,
            nullptr,
            &connection));
        step(sd_bus_add_filter(bus, nullptr, filter, &connection));
        step(result < 0 ? result : add_objects(connection));
    }
    if (result < 0) {
        return bus_failure("sd-bus", result);
    }
    connection.deadline = HEARTH_TRY(loop.timer(Priority::Bus, [this, &connection] {
        if (!connection.ready) {
            doom(connection);
        }
    }));
    connection.deadline.arm_in(options.login_microseconds);
    return {};
}

void BusServer::Core::finish_logins() {
    // sd-bus leaves a message that arrived in the same read as BEGIN in its buffer until more bytes
    // come: each connection that has just become ready is processed until nothing is left. Later
    // reads are sized to the message, so once is enough.
    const std::set<std::uint64_t> waiting = logging_in;
    for (const std::uint64_t id : waiting) {
        Connection& connection = *connections.at(id);
        if (connection.doomed || sd_bus_is_ready(connection.bus.get()) <= 0) {
            continue;
        }
        connection.ready = true;
        connection.deadline.disarm();
        logging_in.erase(id);
        if (connection.inlet) {
            connection.inlet->logged_in();
        }
        while (!connection.doomed && sd_bus_process(connection.bus.get(), nullptr) > 0) {
        }
    }
    if (logging_in.empty()) {
        logins.enable(false);
    }
}

void BusServer::Core::doom(Connection& connection) {
    connection.doomed = true;
    reaper.trigger();
}

void BusServer::Core::reap() {
    for (auto each = connections.begin(); each != connections.end();) {
        if (!each->second->doomed) {
            ++each;
            continue;
        }
        for (const std::uint64_t session : each->second->sessions) {
            control.end_attach(session);
        }
        logging_in.erase(each->first);
        each = connections.erase(each);
    }
}

bool BusServer::Core::overfull(const Connection& connection) const {
    std::uint64_t queued = 0;
    if (sd_bus_get_n_queued_write(connection.bus.get(), &queued) < 0) {
        return false;
    }
    return queued >
           (connection.peer.uid == 0 ? options.queued_messages_root : options.queued_messages);
}

const LiveFacts& BusServer::Core::live(const UnitRecord& record) {
    if (live_of != &record) {
        live_facts = control.live(record);
        live_of = &record;
    }
    return live_facts;
}

Result<std::unique_ptr<BusServer>> BusServer::listen(
    EventLoop& loop, Control& control, Options options, std::vector<sys::Descriptor> inherited) {
    auto core = std::make_unique<Core>(loop, control, std::move(options));
    HEARTH_TRY(core->open(std::move(inherited)));
    return std::unique_ptr<BusServer>(new BusServer(std::move(core)));
}

BusServer::BusServer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
BusServer::~BusServer() = default;

std::vector<int> BusServer::listeners() const {
    std::vector<int> numbers;
    for (const Core::Listener& listener : core_->listeners) {
        numbers.push_back(listener.socket.number());
    }
    return numbers;
}

std::size_t BusServer::connections() const {
    return core_->connections.size();
}

void BusServer::flush() {
    core_->tell();
    core_->closing = true;  // what a client still asks is not answered
    const std::uint64_t end = sys::monotonic_microseconds() + flush_microseconds;
    for (auto& [id, connection] : core_->connections) {
        sd_bus* bus = connection->bus.get();
        std::uint64_t queued = 0;
        while (!connection->doomed && sd_bus_get_n_queued_write(bus, &queued) >= 0 && queued > 0) {
            const std::uint64_t now = sys::monotonic_microseconds();
            pollfd waiting{connection->socket, POLLOUT, 0};
            if (now >= end || poll(&waiting, 1, static_cast<int>((end - now) / 1000)) <= 0 ||
                sd_bus_process(bus, nullptr) < 0) {
                break;
            }
        }
    }
}

}  // namespace hearth::bus
