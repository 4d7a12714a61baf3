// SPDX-License-Identifier: MIT
#include "supervisor/logd/echo.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>

#include "parser/utf8.hpp"
#include "supervisor/logd/protocol.hpp"

namespace hearth::logd {

namespace {

/// What a pipe that poll(2) calls writable takes without blocking (PIPE_BUF).
constexpr std::size_t one_write = 4096;
constexpr int look_again = 100;  // milliseconds
constexpr auto last_words = std::chrono::seconds(1);

void put_json(std::string_view text, std::string& out) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    while (!text.empty()) {
        const std::size_t good = std::min(find_invalid_utf8(text), text.size());
        for (const char each : text.substr(0, good)) {
            const auto byte = static_cast<unsigned char>(each);
            if (each == '"' || each == '\\') {
                out += {'\\', each};
            } else if (byte < 0x20 || byte == 0x7f) {
                out += {'\\', 'u', '0', '0', digits[byte / 16], digits[byte % 16]};
            } else {
                out += each;
            }
        }
        text.remove_prefix(good);
        if (!text.empty()) {
            out += "\\ufffd";  // a byte that is no UTF-8; the log file has it as it came
            text.remove_prefix(1);
        }
    }
    out += '"';
}

void put_line(EchoForm form, std::string_view unit, std::string_view line, std::string& out) {
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos) {
        return;
    }
    const std::string_view identifier = line.substr(first + 1, second - first - 2);
    const std::string_view text = line.substr(second + 1);
    const std::string_view from = identifier == own_identifier ? identifier : unit;
    if (form == EchoForm::Plain) {
        out.append(from).append(": ").append(text).append("\n");
        return;
    }
    out += "{\"time\":";
    put_json(line.substr(0, first), out);
    out += ",\"unit\":";
    put_json(unit, out);
    out += ",\"identifier\":";
    put_json(identifier, out);
    out += ",\"message\":";
    put_json(text, out);
    out += line[second - 1] == '+' ? ",\"partial\":true}\n" : "}\n";
}

}  // namespace

std::string echoed(EchoForm form, std::string_view unit, std::string_view lines) {
    std::string out;
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        put_line(form, unit, lines.substr(0, end), out);
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return out;
}

Echo::Echo(int output, EchoForm form) : output_(output), form_(form), thread_([this] { run(); }) {}

Echo::~Echo() {
    {
        const Lock lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Echo::add(std::string_view unit, std::string_view lines) {
    const Lock lock(mutex_);
    if (closed_ || lines.empty()) {
        return;
    }
    if (waiting_.size() + lines.size() > longest_wait) {
        const auto count = static_cast<std::uint64_t>(std::ranges::count(lines, '\n'));
        dropped_ += count;
        untold_ += count;
        return;
    }
    if (untold_ > 0) {
        // In its place: behind what was kept before, ahead of what comes now.
        const std::string told = std::string(lines.substr(0, lines.find(' '))) + ' ' +
                                 std::string(own_identifier) + ": " + std::to_string(untold_) +
                                 (untold_ == 1 ? " line" : " lines") +
                                 " not shown here: standard output is read too slowly";
        waiting_ += echoed(form_, own_identifier, told);
        untold_ = 0;
    }
    waiting_ += echoed(form_, unit, lines);
    wake_.notify_one();
}

std::uint64_t Echo::dropped() {
    const Lock lock(mutex_);
    return dropped_;
}

void Echo::run() {
    Lock lock(mutex_);
    while (!closed_) {
        wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
        if (waiting_.empty()) {
            return;
        }
        // Taken piece by piece, so that what waits and is bounded is all that there is.
        const std::string piece = waiting_.substr(0, one_write);
        lock.unlock();
        const bool written = write(piece);
        lock.lock();
        waiting_.erase(0, piece.size());
        if (!written) {
            closed_ = true;
            waiting_.clear();
        }
    }
}

/// False: nobody will read it any more.
bool Echo::write(std::string_view text) {
    std::optional<std::chrono::steady_clock::time_point> until;
    while (!text.empty()) {
        pollfd output{output_, POLLOUT, 0};
        if (::poll(&output, 1, look_again) <= 0) {
            if (stopping()) {
                const auto now = std::chrono::steady_clock::now();
                until = until.value_or(now + last_words);
                if (now >= *until) {
                    return false;
                }
            }
            continue;
        }
        const ssize_t count = ::write(output_, text.data(), text.size());
        if (count > 0) {
            text.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno != EINTR && errno != EAGAIN) {
            const std::string said =
                "hearth-logd: standard output: " + std::string(::strerrordesc_np(errno)) +
                ": lines of services are not shown there any more\n";
            static_cast<void>(::write(STDERR_FILENO, said.data(), said.size()) < 0);
            return false;
        }
    }
    return true;
}

bool Echo::stopping() {
    const Lock lock(mutex_);
    return stop_;
}

}  // namespace hearth::logd
