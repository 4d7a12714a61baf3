// SPDX-License-Identifier: MIT
//
// The log writer, and what outlives it. Each service's log pipe has a second read end, hearthd's
// own and the keeper's: whoever writes while no hearth-logd runs finds a reader, waits at most for
// a full pipe, and gets no SIGPIPE. A new hearth-logd is handed all of them. A pipe is dropped when
// its last writer is gone and it is empty.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <csignal>

#include "supervisor/activation_lines.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

constexpr const char* held_log_socket = "log-socket";
constexpr const char* held_log_process = "log-process";
constexpr const char* held_log_account = "log-account";
constexpr std::string_view held_log_pipe = "log-pipe-";
constexpr std::string_view held_log_name = "log-name-";
constexpr std::uint64_t drain_interval = 100'000;  // microseconds

/// The process runs another file than the one at `path`.
bool is_another(pid_t pid, const std::string& path) {
    const auto runs = sys::stat("/proc/" + std::to_string(pid) + "/exe");
    const auto there = sys::stat(path);
    return runs && there && (runs->st_ino != there->st_ino || runs->st_dev != there->st_dev);
}

std::string text_of(const logd::Stream& stream) {
    std::string text = "unit=" + state_text(stream.unit) + "\n";
    text += "identifier=" + state_text(stream.identifier) + "\n";
    return text + "invocation=" + stream.invocation + "\n";
}

logd::Stream stream_of(std::string_view text) {
    logd::Stream stream;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        const std::size_t equals = std::min(line.find('='), line.size());
        const std::string_view value = line.substr(std::min(equals + 1, line.size()));
        if (line.starts_with("unit=")) {
            stream.unit = text_of_state(value);
        } else if (line.starts_with("identifier=")) {
            stream.identifier = text_of_state(value);
        } else if (line.starts_with("invocation=")) {
            stream.invocation = value;
        }
    }
    return stream;
}

/// hearth-logd has ended, and another one is about to be started.
bool is_gone(const Error& error) {
    return error.code == EPIPE || error.code == ECONNRESET;
}

bool is_empty(int pipe) {
    int waiting = 0;
    return ::ioctl(pipe, FIONREAD, &waiting) < 0 || waiting == 0;
}

}  // namespace

// ---- the process --------------------------------------------------------------------------------

/// hearth-logd goes on when hearthd dies, and so do the pipes that it reads. One of another build
/// is ended: it stores what it has, and the one beside this hearthd goes on with the pipes.
Result<void> Supervisor::take_log_writer() {
    const std::string program = sys::program_beside("hearth-logd");
    sys::Descriptor control = keeper_.take(held_log_socket);
    sys::Descriptor pidfd = keeper_.take(held_log_process);
    sys::Descriptor account = keeper_.take(held_log_account);
    const bool resumed = control && pidfd;
    logs_ = HEARTH_TRY(
        resumed ? logd::LogClient::resume(
                      program,
                      options_.log_directory,
                      std::move(control),
                      std::move(pidfd),
                      options_.log_to_stdout)
                : logd::LogClient::start(program, options_.log_directory, options_.log_to_stdout));
    if (resumed) {
        logs_->use_account(std::move(account));
        log_writer_replaced_ = logs_->pid() > 0 && is_another(logs_->pid(), program);
        if (log_writer_replaced_) {
            (void)sys::pidfd_send_signal(logs_->pidfd(), SIGTERM);
        }
    }
    hold_log_writer();
    restore_log_pipes();
    // The one before may have died while it handed them over: what this hearth-logd has already it
    // passes over. One that has ended is followed by another, which gets them all.
    if (resumed && !log_writer_replaced_) {
        hand_over_log_pipes();
    }
    return {};
}

void Supervisor::hold_log_writer() {
    if (auto placed = tree_.place_log_writer(logs_->pid()); !placed) {
        log::write(log::Level::Warning, "hearth-logd: " + placed.error().what);
    }
    keeper_.hold(held_log_socket, logs_->control());
    keeper_.hold(held_log_process, logs_->pidfd());
    if (logs_->account() >= 0) {
        keeper_.hold(held_log_account, logs_->account());
    }
}

void Supervisor::log_writer_ended() {
    log_source_ = {};
    auto how = logs_->restart();
    if (!how) {
        log::write(
            log::Level::Error, "hearth-logd ended and can't be started again: " + how.error().what);
        return;
    }
    const bool meant = std::exchange(log_writer_replaced_, false);
    log::write(
        meant ? log::Level::Notice : log::Level::Error,
        meant ? "another hearth-logd goes on with " + std::to_string(log_pipes_.size()) + " pipes"
              : "hearth-logd ended (" + *how + ") and was started again; it goes on with " +
                    std::to_string(log_pipes_.size()) +
                    " pipes, and tells in the logs what was lost");
    hold_log_writer();
    hand_over_log_pipes();
    auto source = loop_.on_io(
        logs_->pidfd(), EPOLLIN, Priority::Process, [this](std::uint32_t) { log_writer_ended(); });
    if (source) {
        log_source_ = std::move(*source);
    }
}

// ---- the pipes ----------------------------------------------------------------------------------

/// A hearth-logd that has just died is no reason to refuse a launch: the next one gets the pipe.
Result<sys::Descriptor> Supervisor::open_log_stream(const logd::Stream& stream) {
    sys::Pipe pipe = HEARTH_TRY(logd::LogClient::make_pipe(stream));
    const auto sent = logs_->hand_over(stream, pipe.read.number());
    if (!sent && !is_gone(sent.error())) {
        return Unexpected(sent.error());
    }
    keep_log_pipe(++last_log_pipe_, std::move(pipe.read), stream);
    return std::move(pipe.write);
}

void Supervisor::keep_log_pipe(std::uint64_t number, sys::Descriptor read, logd::Stream stream) {
    const std::string name = std::string(held_log_pipe) + std::to_string(number);
    if (keeper_) {
        keeper_.hold(name, read.number());
        log_pipes_[number].named_by_keeper = name_log_pipe(number, stream);
    }
    LogPipe& kept = log_pipes_[number];
    kept.read = std::move(read);
    kept.stream = std::move(stream);
    auto ended = loop_.on_io(kept.read.number(), 0, Priority::Io, [this, number](std::uint32_t) {
        log_pipe_ended(number);
    });
    if (ended) {
        kept.ended = std::move(*ended);
    }
}

/// Where there is no room for a file, in the keeper's hands as well.
bool Supervisor::name_log_pipe(std::uint64_t number, const logd::Stream& stream) {
    const std::string digits = std::to_string(number);
    if (!log_pipe_files_ || log_pipe_files_->write(digits, text_of(stream))) {
        return false;
    }
    auto text = log_pipe_files_->in_memory(text_of(stream));
    if (text) {
        keeper_.hold(std::string(held_log_name) + digits, text->number());
    }
    return static_cast<bool>(text);
}

void Supervisor::restore_log_pipes() {
    if (!keeper_) {
        return;
    }
    auto files = StateFiles::open(options_.runtime_directory + "/log-pipes");
    if (!files) {
        log::write(
            log::Level::Error,
            "log pipes would not outlive hearth-logd and hearthd together: " + files.error().what);
        return;
    }
    log_pipe_files_ = std::move(*files);
    std::map<std::string, std::string> texts;
    std::vector<std::string> names;  // that the keeper held
    for (auto& [number, text] : log_pipe_files_->read()) {
        texts.emplace(number, text ? text->text : "");
    }
    for (const std::string& name : keeper_.untaken()) {
        if (name.starts_with(held_log_name)) {
            if (auto text = log_pipe_files_->read(keeper_.take(name))) {
                texts.insert_or_assign(name.substr(held_log_name.size()), std::move(text->text));
            }
            names.push_back(name);
        }
    }
    for (const std::string& name : keeper_.untaken()) {
        if (!name.starts_with(held_log_pipe)) {
            continue;
        }
        const std::string digits = name.substr(held_log_pipe.size());
        sys::Descriptor read = keeper_.take(name);
        logd::Stream stream = stream_of(texts[digits]);
        if (stream.unit.empty()) {  // its launch was never begun: nobody has its other end
            keeper_.drop(name);
            continue;
        }
        last_log_pipe_ = std::max(last_log_pipe_, number(digits));
        keep_log_pipe(number(digits), std::move(read), std::move(stream));
        texts.erase(digits);
    }
    for (const std::string& name : names) {
        const auto pipe = log_pipes_.find(number(name.substr(held_log_name.size())));
        if (pipe == log_pipes_.end() || !pipe->second.named_by_keeper) {
            keeper_.drop(name);
        }
    }
    for (const auto& [digits, text] : texts) {
        (void)sys::unlink(options_.runtime_directory + "/log-pipes/" + digits);
    }
}

/// The last writer is gone.
void Supervisor::log_pipe_ended(std::uint64_t number) {
    const auto found = log_pipes_.find(number);
    if (found == log_pipes_.end()) {
        return;
    }
    found->second.ended = {};
    found->second.over = true;
    drop_empty_log_pipes();
}

/// What is over and still holds text waits for hearth-logd.
void Supervisor::drop_empty_log_pipes() {
    bool waiting = false;
    std::erase_if(log_pipes_, [&](auto& entry) {
        auto& [number, pipe] = entry;
        if (!pipe.over || !is_empty(pipe.read.number())) {
            waiting = waiting || pipe.over;
            return false;
        }
        if (keeper_) {
            keeper_.drop(std::string(held_log_pipe) + std::to_string(number));
            if (pipe.named_by_keeper) {
                keeper_.drop(std::string(held_log_name) + std::to_string(number));
            }
            if (log_pipe_files_) {
                log_pipe_files_->remove(std::to_string(number));
            }
        }
        return true;
    });
    if (!waiting) {
        return;
    }
    if (!log_pipes_source_) {
        if (auto timer = loop_.timer(Priority::Timer, [this] { drop_empty_log_pipes(); })) {
            log_pipes_source_ = std::move(*timer);
        }
    }
    log_pipes_source_.arm_in(drain_interval);
}

void Supervisor::hand_over_log_pipes() {
    for (const auto& [number, pipe] : log_pipes_) {
        const auto sent = logs_->hand_over(pipe.stream, pipe.read.number());
        if (sent) {
            continue;
        }
        if (is_gone(sent.error())) {
            return;  // the next one gets them
        }
        log::write(log::Level::Error, pipe.stream.unit, "its log: " + sent.error().what);
        if (sent.error().code == EAGAIN) {
            return;  // it takes nothing: not for each pipe is waited so long
        }
    }
}

}  // namespace hearth
