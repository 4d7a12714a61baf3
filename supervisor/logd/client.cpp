// SPDX-License-Identifier: MIT
#include "supervisor/logd/client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "supervisor/logd/account.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "supervisor/sys/socket.hpp"

namespace hearth::logd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int control_number = 3, account_number = 4;
constexpr auto longest_send = std::chrono::milliseconds(100);

/// Waits for one descriptor. False: the time is over.
bool wait_for(int descriptor, short events, Clock::time_point until) {
    while (true) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
        pollfd wanted{descriptor, events, 0};
        const int ready = ::poll(&wanted, 1, static_cast<int>(left < 0 ? 0 : left));
        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
    }
}

/// What the child of posix_spawn gets: no signal of ours, nothing open but 0 to 3.
class Spawn {
public:
    Spawn(int control, int account) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        // First the copy: opening 0 must not overwrite a control socket that has that number.
        ::posix_spawn_file_actions_adddup2(&actions_, control, control_number);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (account >= 0) {  // made with a number that none of these overwrites
            ::posix_spawn_file_actions_adddup2(&actions_, account, account_number);
        }
        ::posix_spawn_file_actions_addclosefrom_np(
            &actions_, account >= 0 ? account_number + 1 : control_number + 1);
        sigset_t ends, all;
        ::sigemptyset(&ends);
        ::sigaddset(&ends, SIGTERM);
        ::sigaddset(&ends, SIGINT);
        ::sigfillset(&all);
        // Born with those blocked that it reads from a descriptor: one that comes before it is
        // ready waits, and does not kill it with lines unread.
        ::posix_spawnattr_setsigmask(&attributes_, &ends);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        // A session of its own: Ctrl-C on hearthd's terminal must not end the log before the
        // services.
        constexpr int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID;
        ::posix_spawnattr_setflags(&attributes_, static_cast<short>(flags));
    }
    ~Spawn() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    Spawn(const Spawn&) = delete;
    Spawn& operator=(const Spawn&) = delete;

    Result<pid_t> run(std::vector<std::string> words) {
        std::vector<char*> argv;
        for (std::string& word : words) {
            argv.push_back(word.data());
        }
        argv.push_back(nullptr);
        pid_t pid = -1;
        const int error =
            ::posix_spawn(&pid, argv[0], &actions_, &attributes_, argv.data(), environ);
        if (error != 0) {
            return sys::call_failure("cannot start", words[0], error);
        }
        return pid;
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

std::string told(const sys::ExitStatus& status) {
    return (status.code == sys::ExitStatus::Code::Exited ? "exited with status "
                                                         : "killed by signal ") +
           std::to_string(status.status);
}

}  // namespace

Result<LogClient> LogClient::start(
    const std::string& program, const std::string& directory, const std::string& echo) {
    LogClient client;
    client.echo_ = echo;
    client.program_ = program;
    client.directory_ = directory;
    HEARTH_TRY(client.spawn());
    return client;
}

Result<LogClient> LogClient::resume(
    const std::string& program,
    const std::string& directory,
    sys::Descriptor control,
    sys::Descriptor pidfd,
    const std::string& echo) {
    LogClient client;
    client.echo_ = echo;
    client.program_ = program;
    client.directory_ = directory;
    client.control_ = std::move(control);
    client.pid_ = HEARTH_TRY(sys::pid_of(pidfd.number()));
    client.pidfd_ = std::move(pidfd);
    client.last_serial_ = static_cast<std::uint32_t>(sys::monotonic_microseconds());
    return client;
}

Result<void> LogClient::spawn() {
    sys::SocketPair pair = HEARTH_TRY(sys::socketpair(SOCK_SEQPACKET));
    HEARTH_TRY(sys::set_nonblocking(pair.first.number(), true));
    if (!account_) {
        account_ = HEARTH_TRY(Account::make());
    }
    Spawn child(pair.second.number(), account_.number());
    std::vector<std::string> words = {
        program_,
        "--control-fd",
        std::to_string(control_number),
        "--account-fd",
        std::to_string(account_number),
        "--log-dir",
        directory_};
    if (!echo_.empty()) {
        words.insert(words.end(), {"--stdout", echo_});
    }
    pid_ = HEARTH_TRY(child.run(words));
    pidfd_ = HEARTH_TRY(sys::pidfd_open(pid_));  // our child, not reaped: the pid is still its own
    control_ = std::move(pair.first);
    return {};
}

Result<std::uint32_t> LogClient::send(Message message, int descriptor) {
    message.serial = ++last_serial_;
    const std::string packet = encode(message);
    if (packet.size() > longest_packet) {
        return failure("a message to hearth-logd is longer than a packet may be", EMSGSIZE);
    }
    const std::vector<int> passed =
        descriptor < 0 ? std::vector<int>() : std::vector<int>{descriptor};
    const auto until = Clock::now() + longest_send;
    while (true) {
        const Result<void> sent = sys::send_message(control_.number(), packet, passed);
        if (sent) {
            return message.serial;
        }
        if (sent.error().code != EAGAIN || !wait_for(control_.number(), POLLOUT, until)) {
            return failure("hearth-logd can't be reached: " + sent.error().what, sent.error().code);
        }
    }
}

Result<sys::Pipe> LogClient::make_pipe(const Stream& stream) {
    if (!is_valid_unit(stream.unit)) {
        return failure("\"" + stream.unit + "\" can't name a log file: no '/', no leading '.'");
    }
    sys::Pipe pipe = HEARTH_TRY(sys::pipe2());
    // The inode belongs to both ends: this is what open("/dev/stderr") asks.
    HEARTH_TRY(sys::fchown(pipe.write.number(), stream.uid, stream.gid));
    return pipe;
}

Result<void> LogClient::hand_over(const Stream& stream, int read_end) {
    HEARTH_TRY(send(
        {0,
         OpenStream{
             stream.unit,
             shown_identifier(stream.identifier.empty() ? stream.unit : stream.identifier),
             stream.invocation}},
        read_end));
    return {};
}

Result<sys::Descriptor> LogClient::open_stream(const Stream& stream) {
    sys::Pipe pipe = HEARTH_TRY(make_pipe(stream));
    HEARTH_TRY(hand_over(stream, pipe.read.number()));
    return std::move(pipe.write);
}

Result<std::string> LogClient::reap() {
    auto status = sys::waitid(pidfd_.number(), WNOHANG);
    const bool foreign = !status && status.error().code == ECHILD;
    if (foreign) {
        status = sys::exit_of_foreign(pidfd_.number());
    } else if (!status) {
        return Unexpected(status.error());
    } else if (!*status) {
        return failure("hearth-logd still runs", EBUSY);
    }
    pidfd_.reset();
    control_.reset();
    pid_ = -1;
    return status && *status ? told(**status) : std::string("how is not known");
}

void LogClient::use_account(sys::Descriptor account) {
    if (Account::fits(account)) {
        account_ = std::move(account);
    }
}

Result<std::string> LogClient::restart() {
    std::string died = "hearth-logd could not be started";
    if (pidfd_) {
        died = HEARTH_TRY(reap());
    }
    HEARTH_TRY(spawn());
    return died;
}

Result<std::optional<Message>> LogClient::take_answer() {
    auto packet = HEARTH_TRY(sys::receive_message(control_.number(), longest_packet));
    if (!packet) {
        return std::optional<Message>();
    }
    if (packet->bytes.empty()) {
        return failure("hearth-logd has closed its control socket", EPIPE);
    }
    return std::optional(HEARTH_TRY(decode(packet->bytes)));
}

Result<Message> LogClient::wait_answer(std::uint32_t serial, std::chrono::milliseconds timeout) {
    const auto until = Clock::now() + timeout;
    while (true) {
        std::optional<Message> answer = HEARTH_TRY(take_answer());
        if (answer && answer->serial == serial) {
            return std::move(*answer);
        }
        if (!answer && !wait_for(control_.number(), POLLIN, until)) {
            return failure("hearth-logd doesn't answer", ETIMEDOUT);
        }
    }
}

Result<std::uint32_t> LogClient::request_flush() {
    return send({0, Flush{}});
}

Result<std::uint32_t> LogClient::request_stats(const std::string& unit) {
    return send({0, StatsRequest{unit}});
}

Result<void> LogClient::flush(std::chrono::milliseconds timeout) {
    const std::uint32_t serial = HEARTH_TRY(request_flush());
    const Message answer = HEARTH_TRY(wait_answer(serial, timeout));
    const auto* flushed = std::get_if<Flushed>(&answer.body);
    if (flushed == nullptr || !flushed->error.empty()) {
        return failure("lines could not be stored: " + (flushed ? flushed->error : "odd answer"));
    }
    return {};
}

Result<Stats> LogClient::stats(const std::string& unit, std::chrono::milliseconds timeout) {
    const std::uint32_t serial = HEARTH_TRY(request_stats(unit));
    Message answer = HEARTH_TRY(wait_answer(serial, timeout));
    auto* found = std::get_if<Stats>(&answer.body);
    if (found == nullptr) {
        return failure("odd answer of hearth-logd to a question for numbers");
    }
    return std::move(*found);
}

Result<std::string> LogClient::stop(std::chrono::milliseconds timeout) {
    if (!pidfd_) {
        return std::string("was not running");
    }
    HEARTH_TRY(sys::pidfd_send_signal(pidfd_.number(), SIGTERM));
    if (!wait_for(pidfd_.number(), POLLIN, Clock::now() + timeout)) {
        return failure("hearth-logd doesn't end on SIGTERM", ETIMEDOUT);
    }
    return reap();
}

}  // namespace hearth::logd
