// SPDX-License-Identifier: MIT
#include "supervisor/logd/daemon.hpp"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/socket.hpp"

namespace hearth::logd {
namespace {

constexpr std::uint64_t control_key = 1, signal_key = 2, progress_key = 3;
constexpr auto longest_stop = std::chrono::seconds(5);

void say(const std::string& text) {
    const std::string line = std::string(own_identifier) + ": " + text + "\n";
    static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()) < 0);
}

Result<sys::Descriptor> signal_descriptor() {
    sigset_t ends;
    ::sigemptyset(&ends);
    ::sigaddset(&ends, SIGTERM);
    ::sigaddset(&ends, SIGINT);
    ::sigprocmask(SIG_BLOCK, &ends, nullptr);
    const int number = ::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    if (number < 0) {
        return sys::call_failure("signalfd", "", errno);
    }
    return sys::Descriptor(number);
}

}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::create(
    sys::Descriptor control, const std::string& directory, sys::Descriptor account) {
    std::unique_ptr<Daemon> daemon(new Daemon);
    daemon->directory_ = directory;
    daemon->control_ = std::move(control);
    HEARTH_TRY(sys::set_nonblocking(daemon->control_.number(), true));
    daemon->signals_ = HEARTH_TRY(signal_descriptor());
    daemon->progress_ = HEARTH_TRY(sys::eventfd());
    daemon->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!daemon->epoll_) {
        return sys::call_failure("epoll_create1", "", errno);
    }
    HEARTH_TRY(daemon->watch(daemon->control_.number(), control_key, EPOLLIN));
    HEARTH_TRY(daemon->watch(daemon->signals_.number(), signal_key, EPOLLIN));
    HEARTH_TRY(daemon->watch(daemon->progress_.number(), progress_key, EPOLLIN));
    daemon->writer_ = std::make_unique<Writer>(directory, daemon->progress_.number());
    if (account) {
        daemon->take_up_account(std::move(account));
    }
    return daemon;
}

void Daemon::echo_to_stdout(EchoForm form) {
    echo_ = std::make_unique<Echo>(STDOUT_FILENO, form);
}

Result<void> Daemon::watch(int descriptor, std::uint64_t key, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = key;
    if (::epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, descriptor, &event) < 0) {
        return sys::call_failure("epoll_ctl", "", errno);
    }
    return {};
}

int Daemon::run() {
    std::array<epoll_event, 64> events{};
    while (!done_) {
        const int count = ::epoll_wait(
            epoll_.number(), events.data(), static_cast<int>(events.size()), timeout());
        if (count < 0 && errno != EINTR) {
            say("epoll_wait failed: " + sys::call_failure("", "", errno).error().what);
            return 1;
        }
        for (int i = 0; i < count; ++i) {
            dispatch(events[static_cast<std::size_t>(i)].data.u64);
        }
        look_after_resting_units();
        if (hearthd_gone_ && streams_.empty() && !stopping_) {
            stopping_ = true;
            start_flush();
        }
        continue_flush();
        if (stop_by_ && Clock::now() >= *stop_by_) {
            say("the disk doesn't answer: what could not be stored is lost");
            ::_exit(1);  // the writer can't be joined
        }
    }
    std::uint64_t lost = 0;
    for (const auto& [name, unit] : units_) {
        if (unit->untold > 0) {
            say(std::to_string(unit->untold) + " lines of " + name + " dropped");
        }
        lost += unit->untold;
        if (const Writer::State state = writer_->state(unit->log); state.buffered > 0) {
            say(std::to_string(state.buffered) + " bytes of " + name +
                " could not be stored: " + state.error);
            lost += 1;
        }
    }
    return lost == 0 ? 0 : 1;
}

int Daemon::timeout() const {
    std::optional<Clock::time_point> next = stop_by_;
    if (!next && !anybody_waits_) {
        return -1;
    }
    for (const auto& [name, unit] : units_) {
        if (unit->rests_until && (!next || *unit->rests_until < *next)) {
            next = unit->rests_until;
        }
    }
    if (!next) {
        return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

void Daemon::dispatch(std::uint64_t key) {
    std::uint64_t ignored = 0;
    switch (key) {
        case control_key:
            read_control();
            return;
        case signal_key: {
            signalfd_siginfo info{};
            if (::read(signals_.number(), &info, sizeof info) > 0 && !stopping_) {
                stopping_ = true;
                stop_by_ = Clock::now() + longest_stop;
                read_control();  // streams that were handed over before the signal count too
                start_flush();
            }
            return;
        }
        case progress_key:
            static_cast<void>(::read(progress_.number(), &ignored, sizeof ignored) < 0);
            return;  // looked after below, once per round
        default:
            // An event of this round may be of a stream that an earlier one has ended.
            if (const auto stream = streams_.find(key); stream != streams_.end()) {
                read_stream(key, stream->second);
            }
    }
}

// ---- hearthd's messages

void Daemon::read_control() {
    while (control_) {
        auto received = sys::receive_message(control_.number(), longest_packet);
        if (!received) {
            say("a message of hearthd's is lost: " + received.error().what);
            if (received.error().code == EMSGSIZE) {
                continue;
            }
            hearthd_gone_ = true;
            control_.reset();
            return;
        }
        if (!*received) {
            return;
        }
        sys::Message& packet = **received;
        if (packet.bytes.empty()) {
            hearthd_gone_ = true;
            control_.reset();
            return;
        }
        Result<Message> message = decode(packet.bytes);
        if (!message) {
            say(message.error().what);
        } else if (const auto* open = std::get_if<OpenStream>(&message->body)) {
            open_stream(
                *open,
                packet.descriptors.empty() ? sys::Descriptor() : std::move(packet.descriptors[0]));
        } else if (const auto* request = std::get_if<StatsRequest>(&message->body)) {
            answer(message->serial, *request);
        } else if (std::holds_alternative<Flush>(message->body)) {
            next_flush_serials_.push_back(message->serial);
            start_flush();
        }
    }
}

void Daemon::open_stream(const OpenStream& request, sys::Descriptor pipe) {
    if (!is_valid_unit(request.unit) || !pipe) {
        say("a stream of \"" + request.unit +
            "\" is refused: " + (pipe ? "no name for a file" : "it came without its pipe"));
        return;
    }
    const std::uint64_t key = ++last_key_;
    ino_t number = 0;
    const auto ready = [&]() -> Result<void> {
        number = HEARTH_TRY(sys::fstat(pipe.number())).st_ino;
        if (pipes_.contains(number)) {
            return {};
        }
        HEARTH_TRY(sys::set_nonblocking(pipe.number(), true));
        return watch(pipe.number(), key, EPOLLIN);
    }();
    if (!ready) {
        say("a stream of " + request.unit + " is lost: " + ready.error().what);
        return;
    }
    if (!pipes_.insert(number).second) {
        return;  // a hearthd that took over doesn't know how far the one before it came
    }
    Unit& owner = unit(request.unit);
    LineFormatter formatter(
        shown_identifier(request.identifier.empty() ? request.unit : request.identifier));
    Stream& stream =
        streams_
            .emplace(key, Stream{std::move(pipe), number, &owner, std::move(formatter), 0, true})
            .first->second;
    if (++owner.streams == 1) {
        writer_->close(owner.log, false);
    }
    if (owner.rests_until) {
        set_watched(key, stream, false);
    }
}

Daemon::Unit& Daemon::unit(const std::string& name) {
    std::unique_ptr<Unit>& found = units_[name];
    if (!found) {
        found = std::make_unique<Unit>(name, log_path(directory_, name));
        Unit& made = *found;
        made.slot = account_ ? account_->slot(name) : nullptr;
        made.log.stored = made.slot != nullptr ? &made.slot->stored : nullptr;
        forget_idle_units();
        return made;
    }
    return *found;
}

/// Counters of units that have ended are kept for `status`, but not of any number of them.
void Daemon::forget_idle_units() {
    if (units_.size() % 4096 != 0) {
        return;
    }
    std::erase_if(units_, [&](const auto& entry) {
        const Unit& unit = *entry.second;
        const bool idle = unit.streams == 0 && unit.lines > 0 && unit.untold == 0 &&
                          writer_->state(unit.log).idle;
        if (idle) {
            Account::release(unit.slot);
        }
        return idle;
    });
}

void Daemon::answer(std::uint32_t serial, const StatsRequest& request) {
    Stats stats;
    for (const auto& [name, unit] : units_) {
        if (!request.unit.empty() && request.unit != name) {
            continue;
        }
        const Writer::State state = writer_->state(unit->log);
        stats.streams += unit->streams;
        stats.lines += unit->lines;
        stats.dropped_lines += unit->dropped;
        stats.buffered_bytes += state.buffered;
        if (stats.error.empty()) {
            stats.error = state.error;
        }
    }
    send({serial, std::move(stats)});
}

void Daemon::send(const Message& message) {
    if (!control_) {
        return;
    }
    if (const Result<void> sent = sys::send_message(control_.number(), encode(message)); !sent) {
        say("an answer to hearthd is lost: " + sent.error().what);
    }
}

// ---- flushing and ending

/// All that is in the pipes at this moment is owed: read before the writer is asked to write.
void Daemon::start_flush() {
    if (flush_ != FlushState::Idle) {
        flush_again_ = true;  // the one under way may have looked before this; another follows it
        return;
    }
    flush_again_ = false;
    flush_ = FlushState::Reading;
    flush_serials_ = std::exchange(next_flush_serials_, {});
    for (auto& [key, stream] : streams_) {
        int waiting = 0;
        stream.owed = ::ioctl(stream.pipe.number(), FIONREAD, &waiting) < 0 || waiting < 0
                          ? 0
                          : static_cast<std::uint64_t>(waiting);
    }
}

void Daemon::continue_flush() {
    if (flush_ == FlushState::Reading) {
        const bool owed =
            std::ranges::any_of(streams_, [](const auto& entry) { return entry.second.owed > 0; });
        if (owed) {
            return;
        }
        if (stopping_) {
            finish_partial_lines();
        }
        flush_number_ = writer_->request_flush();
        flush_ = FlushState::Writing;
        return;
    }
    if (flush_ != FlushState::Writing) {
        return;
    }
    const Writer::Flush flushed = writer_->flushed();
    if (flushed.number < flush_number_) {
        return;
    }
    for (const std::uint32_t serial : flush_serials_) {
        send({serial, Flushed{flushed.error}});
    }
    flush_serials_.clear();
    flush_ = FlushState::Idle;
    if (flush_again_) {
        start_flush();
    } else {
        done_ = stopping_;
    }
}

void Daemon::finish_partial_lines() {
    for (auto& [key, stream] : streams_) {
        output_.clear();
        take(*stream.unit, stream.formatter.finish(now_text(), output_));
        account_for(*stream.unit, stream);
    }
    for (auto& [name, unit] : units_) {
        stop_dropping_if_possible(*unit);
    }
}

const std::string& Daemon::now_text() {
    std::timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return time_.of(now);
}

}  // namespace hearth::logd
