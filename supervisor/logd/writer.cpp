// SPDX-License-Identifier: MIT
#include "supervisor/logd/writer.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "supervisor/logd/protocol.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::logd {
namespace {

constexpr auto retry_interval = std::chrono::milliseconds(500);

void say(const std::string& text) {
    const std::string line = std::string(own_identifier) + ": " + text + "\n";
    static_cast<void>(::write(STDERR_FILENO, line.data(), line.size()) < 0);
}

std::string reason(int code) {
    char buffer[128];
    return ::strerror_r(code, buffer, sizeof buffer);
}

/// A file that ends inside a line (a writer died, the disk was full) gets the newline it lacks.
Result<void> complete_last_line(int file, std::size_t size, const std::string& path) {
    char last = '\n';
    if (size > 0 && ::pread(file, &last, 1, static_cast<off_t>(size) - 1) == 1 && last != '\n') {
        return sys::write_all(file, "\n", path);
    }
    return {};
}

}  // namespace

Writer::Writer(std::string directory, int progress)
    : directory_(std::move(directory)), progress_(progress) {
    // Signals are the loop's: the thread inherits a full mask.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Writer::~Writer() {
    {
        const Lock lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Writer::append(Log& log, std::string& text) {
    if (text.empty()) {
        return;
    }
    const Lock lock(mutex_);
    total_ += text.size();
    if (log.pending.empty()) {
        log.pending.swap(text);
    } else {
        log.pending += text;
    }
    text.clear();
    if (!log.queued) {
        log.queued = true;
        ready_.push_back(&log);
        wake_.notify_one();
    }
}

void Writer::close(Log& log, bool closed) {
    const Lock lock(mutex_);
    log.close = closed;
    if (closed && !log.queued) {
        log.queued = true;
        ready_.push_back(&log);
        wake_.notify_one();
    }
}

std::size_t Writer::room_locked(const Log& log) const {
    const std::size_t used = log.pending.size() + log.in_flight;
    const std::size_t own = unit_buffer - std::min(unit_buffer, used);
    return std::min(own, all_buffers - std::min(all_buffers, total_));
}

std::size_t Writer::room(const Log& log) {
    const Lock lock(mutex_);
    return room_locked(log);
}

Writer::State Writer::state(const Log& log) {
    const Lock lock(mutex_);
    const std::size_t buffered = log.pending.size() + log.in_flight;
    return {room_locked(log), buffered, log.error, buffered == 0 && !log.queued};
}

void Writer::want_progress(bool wanted) {
    const Lock lock(mutex_);
    wanted_ = wanted;
}

std::uint64_t Writer::request_flush() {
    const Lock lock(mutex_);
    wake_.notify_one();
    return ++flush_requested_;
}

Writer::Flush Writer::flushed() {
    const Lock lock(mutex_);
    return flush_done_;
}

void Writer::signal_progress() const {
    const std::uint64_t one = 1;
    static_cast<void>(::write(progress_, &one, sizeof one) < 0);
}

void Writer::run() {
    ::pthread_setname_np(::pthread_self(), "log-writer");
    Lock lock(mutex_);
    while (true) {
        wait(lock);
        const bool stopping = stop_;
        const std::uint64_t flush = flush_requested_;
        const bool flushing = flush != flush_done_.number;
        write_lists(lock, stopping || flushing);
        if (flushing) {
            flush_done_.number = flush;
            flush_done_.error.clear();
            if (!failing_.empty()) {
                flush_done_.error = failing_.front()->path + ": " + failing_.front()->error;
            }
            signal_progress();
        }
        if (stopping) {
            return;
        }
    }
}

void Writer::wait(Lock& lock) {
    const auto something = [this] {
        return stop_ || !ready_.empty() || flush_requested_ != flush_done_.number;
    };
    if (failing_.empty()) {
        wake_.wait(lock, something);
        return;
    }
    auto next = failing_.front()->retry_at;
    for (const Log* log : failing_) {
        next = std::min(next, log->retry_at);
    }
    wake_.wait_until(lock, next, something);
}

void Writer::write_lists(Lock& lock, bool retry_all) {
    const auto now = std::chrono::steady_clock::now();
    std::vector<Log*> due = std::exchange(ready_, {});
    std::erase_if(failing_, [&](Log* log) {
        const bool again = retry_all || log->retry_at <= now;
        if (again) {
            due.push_back(log);
        }
        return again;
    });
    for (Log* log : due) {
        write_log(lock, *log);
    }
}

void Writer::write_log(Lock& lock, Log& log) {
    const std::string path = log.path;  // once it is settled and the mutex let go, the log may go
    const Result<void> result = write_once(lock, log);
    if (const std::string told = settle(log, result); !told.empty()) {
        lock.unlock();  // stderr may be slow too
        say(path + ' ' + told);
        lock.lock();
    }
}

/// What is left of the last attempt, then what has gathered: once, so that a service that never
/// stops writing does not keep the others waiting. The log stays `queued`: nobody frees it
/// meanwhile.
Result<void> Writer::write_once(Lock& lock, Log& log) {
    for (int part = 0; part < 2; ++part) {
        if (log.written == log.taken.size()) {
            log.taken.clear();
            log.written = 0;
            log.taken.swap(log.pending);
            log.in_flight = log.taken.size();
        }
        if (log.taken.empty()) {
            break;
        }
        lock.unlock();
        Result<void> result = write_out(log);
        lock.lock();
        const std::size_t left = log.taken.size() - log.written;
        total_ -= log.in_flight - left;
        log.in_flight = left;
        if (wanted_) {
            signal_progress();
        }
        if (!result) {
            return result;
        }
    }
    return {};
}

/// Puts the log where it belongs now. What is to be said about a change, or nothing.
std::string Writer::settle(Log& log, const Result<void>& result) {
    const std::string before = log.error;
    if (!result) {
        log.error = reason(result.error().code);
        log.retry_at = std::chrono::steady_clock::now() + retry_interval;
        log.file.reset();  // the next attempt may find another disk below the same name
        failing_.push_back(&log);
        return log.error == before ? ""
                                   : "can't be written: " + log.error +
                                         "; up to 4 MiB of its lines are kept and tried again";
    }
    log.error.clear();
    if (!log.pending.empty()) {
        ready_.push_back(&log);
    } else {
        log.queued = false;
        for (std::string* buffer : {&log.taken, &log.pending}) {
            if (log.close || buffer->capacity() > kept_capacity) {
                std::string().swap(*buffer);
            }
        }
        log.written = log.taken.size();
        if (log.close) {
            log.file.reset();
        }
    }
    return before.empty() ? "" : "can be written again";
}

Result<void> Writer::write_out(Log& log) const {
    if (directory_ == no_directory) {
        log.written = log.taken.size();
        return {};
    }
    if (log.file) {
        // Removed under us: a file nobody can read is no log.
        const auto status = sys::fstat(log.file.number());
        if (!status || status->st_nlink == 0) {
            log.file.reset();
        }
    }
    if (!log.file) {
        HEARTH_TRY(open_file(log));
    }
    while (log.written < log.taken.size()) {
        const ssize_t count = ::write(
            log.file.number(), log.taken.data() + log.written, log.taken.size() - log.written);
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            return sys::call_failure("write", log.path, errno);
        }
        if (log.stored != nullptr) {
            const char* const from = log.taken.data() + log.written;
            *log.stored += static_cast<std::uint64_t>(std::count(from, from + count, '\n'));
        }
        log.written += static_cast<std::size_t>(count);
    }
    return {};
}

Result<void> Writer::open_file(Log& log) const {
    // O_NONBLOCK: should somebody have put a FIFO there, its open must not hang.
    constexpr int flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    Result<sys::Descriptor> file = sys::open(log.path, flags, 0640);
    if (!file && file.error().code == ENOENT) {
        HEARTH_TRY(sys::make_directories(directory_, 0750));
        file = sys::open(log.path, flags, 0640);
    }
    if (!file) {
        return Unexpected(std::move(file).error());
    }
    const struct stat status = HEARTH_TRY(sys::fstat(file->number()));
    if (!S_ISREG(status.st_mode)) {
        return sys::call_failure("open", log.path, EINVAL);
    }
    if (log.written == 0) {  // else the half line at the end is ours, and goes on
        HEARTH_TRY(
            complete_last_line(file->number(), static_cast<std::size_t>(status.st_size), log.path));
    }
    log.file = std::move(*file);
    return {};
}

}  // namespace hearth::logd
