// SPDX-License-Identifier: MIT
// The half of the loop that reads pipes: full buffers, resting, dropping and telling so.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "supervisor/logd/daemon.hpp"

namespace hearth::logd {
namespace {

constexpr std::size_t largest_read = std::size_t{128} * 1024;
constexpr std::size_t smallest_read = 4096;
constexpr auto longest_rest = std::chrono::milliseconds(50);

}  // namespace

void Daemon::read_stream(std::uint64_t key, Stream& stream) {
    Unit& unit = *stream.unit;
    std::size_t size = largest_read;
    stop_dropping_if_possible(unit);
    if (!unit.dropping) {
        // No more is read than surely fits; a unit that drops reads on whatever there is room for.
        size = std::min(size, stream.formatter.chunk_for(writer_->room(unit.log)));
        if (size < smallest_read) {
            rest(unit);
            return;
        }
    }
    static_assert(largest_read <= Account::input_size);
    input_.resize(account_ ? 0 : largest_read);
    char* const input = account_ ? account_->reading(unit.slot) : input_.data();
    const ssize_t count = ::read(stream.pipe.number(), input, size);
    if (account_ && count <= 0) {
        const int error = errno;
        account_->read_done(0);
        errno = error;
    }
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        stream.owed = 0;  // FIONREAD said more than there was: somebody else reads this pipe
        return;
    }
    if (count <= 0) {
        end_stream(key, stream);
        return;
    }
    const auto read = static_cast<std::size_t>(count);
    stream.owed -= std::min<std::uint64_t>(stream.owed, read);
    output_.clear();
    take(unit, stream.formatter.format({input, read}, now_text(), output_));
    account_for(unit, stream);
    if (account_) {
        account_->read_done(read);
    }
}

/// What isn't with the writer, and would be lost with this process.
void Daemon::account_for(Unit& unit, Stream& stream) {
    if (unit.slot == nullptr) {
        return;
    }
    unit.slot->untold = unit.untold;
    if (const bool partial = stream.formatter.has_begun(); partial != stream.partial) {
        stream.partial = partial;
        unit.slot->partial += partial ? 1 : -1;
    }
}

void Daemon::append(Unit& unit, std::string& text) {
    if (unit.slot != nullptr) {
        unit.slot->taken += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
    }
    writer_->append(unit.log, text);
}

/// The one before may have been killed: what it had is told in the logs of those who wrote it.
void Daemon::take_up_account(sys::Descriptor memory) {
    auto account = Account::open(std::move(memory));
    if (!account) {
        return;  // without it a death is not told of, and that is all
    }
    account_ = std::move(*account);
    for (const Account::Loss& loss : account_->take_losses()) {
        Unit& lost = unit(loss.unit);
        lost.untold = lost.dropped = loss.lines;
        lost.dropping = true;
        lost.drop_reason = "hearth-logd was killed before it had stored them";
        stop_dropping_if_possible(lost);
        writer_->close(lost.log, true);  // until a stream of it comes
    }
}

/// Gives `lines` lines in output_ to the writer: all of them, or as many as there is room for.
void Daemon::take(Unit& unit, std::uint64_t lines) {
    if (lines == 0) {
        return;
    }
    if (echo_) {
        echo_->add(unit.name, output_);
    }
    std::uint64_t dropped = 0;
    if (const std::size_t room = writer_->room(unit.log); output_.size() > room || unit.dropping) {
        // While it drops, all is dropped: lines before the one that tells the count must not follow
        // it.
        std::size_t kept = 0;
        if (!unit.dropping && room > 0) {
            const std::size_t last = output_.rfind('\n', room - 1);
            kept = last == std::string::npos ? 0 : last + 1;
        }
        dropped = static_cast<std::uint64_t>(
            std::count(output_.begin() + static_cast<std::ptrdiff_t>(kept), output_.end(), '\n'));
        output_.resize(kept);
        unit.dropping = true;
        unit.untold += dropped;
        unit.dropped += dropped;
        if (unit.slot != nullptr) {
            // Before the others count as taken, which is the end of what counts as just read.
            unit.slot->untold = unit.untold;
        }
        if (std::string error = writer_->state(unit.log).error; !error.empty()) {
            unit.drop_reason = std::move(error);
        }
        anybody_waits_ = true;
        writer_->want_progress(true);
    }
    unit.lines += lines - std::min(lines, dropped);
    append(unit, output_);
    if (output_.capacity() > kept_capacity) {  // another's, swapped in
        std::string().swap(output_);
    }
}

/// The pipes of a full unit are left alone for a moment, unless its disk refuses anyway.
void Daemon::rest(Unit& unit) {
    anybody_waits_ = true;
    writer_->want_progress(true);
    if (!writer_->state(unit.log).error.empty()) {
        unit.dropping = true;
        return;
    }
    unit.rests_until = Clock::now() + longest_rest;
    set_watched(unit, false);
}

void Daemon::stop_dropping_if_possible(Unit& unit) {
    if (!unit.dropping) {
        return;
    }
    const Writer::State state = writer_->state(unit.log);
    if (state.room < unit_buffer / 2) {
        return;
    }
    unit.dropping = false;
    if (unit.untold == 0) {
        return;
    }
    const std::string why =
        unit.drop_reason.empty() ? "the disk is too slow" : std::exchange(unit.drop_reason, {});
    std::string line = now_text() + ' ' + std::string(own_identifier) + ": " +
                       std::to_string(unit.untold) +
                       (unit.untold == 1 ? " line dropped: " : " lines dropped: ") + why + '\n';
    if (unit.slot != nullptr) {
        Account::tell(unit.slot, unit.untold);
    }
    unit.untold = 0;
    if (echo_) {
        echo_->add(unit.name, line);
    }
    append(unit, line);
    if (unit.slot != nullptr) {
        unit.slot->untold = 0;
    }
}

void Daemon::look_after_resting_units() {
    if (!anybody_waits_) {
        return;
    }
    anybody_waits_ = false;
    const auto now = Clock::now();
    for (auto& [name, unit] : units_) {
        if (unit->rests_until) {
            const Writer::State state = writer_->state(unit->log);
            const bool room = state.room >= unit_buffer / 2;
            if (room || !state.error.empty() || now >= *unit->rests_until) {
                unit->dropping = !room;
                unit->rests_until.reset();
                set_watched(*unit, true);
            }
        }
        stop_dropping_if_possible(*unit);
        anybody_waits_ = anybody_waits_ || unit->rests_until || unit->dropping;
    }
    writer_->want_progress(anybody_waits_);
}

void Daemon::end_stream(std::uint64_t key, Stream& stream) {
    Unit& unit = *stream.unit;
    output_.clear();
    take(unit, stream.formatter.finish(now_text(), output_));
    account_for(unit, stream);
    set_watched(key, stream, false);
    pipes_.erase(stream.number);
    streams_.erase(key);
    if (--unit.streams == 0) {
        writer_->close(unit.log, true);
    }
}

void Daemon::set_watched(const Unit& unit, bool watched) {
    for (auto& [key, stream] : streams_) {
        if (stream.unit == &unit) {
            set_watched(key, stream, watched);
        }
    }
}

/// Taken out of the epoll, not just given no events: a hang-up would be told over and over.
void Daemon::set_watched(std::uint64_t key, Stream& stream, bool watched) {
    if (stream.watched == watched) {
        return;
    }
    stream.watched = watched;
    if (watched) {
        static_cast<void>(watch(stream.pipe.number(), key, EPOLLIN));
    } else {
        ::epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, stream.pipe.number(), nullptr);
    }
}

}  // namespace hearth::logd
