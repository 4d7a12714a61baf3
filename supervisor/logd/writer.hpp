// SPDX-License-Identifier: MIT
//
// Writer: the thread of hearth-logd that touches the disk, so that a disk that hangs stalls nobody
// who reads pipes. The loop appends text to a Log (a unit's buffer) and goes on; the thread takes
// what has gathered and writes it with one write(2). What can't be written is kept, in order, and
// tried again twice a second. The Writer bounds nothing by itself: it tells how much room is left,
// and the loop appends no more than that.
//
// One mutex guards what both threads see; it is never held over a system call on a file. Everything
// the Writer has to say to a person goes to stderr, once per change. Sizes in bytes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::logd {

inline constexpr std::size_t unit_buffer = std::size_t{4} << 20;
inline constexpr std::size_t all_buffers = std::size_t{64} << 20;
/// An empty buffer keeps no more memory than this, ready for the next lines.
inline constexpr std::size_t kept_capacity = std::size_t{512} << 10;

/// One unit's way to its file. Owned by the loop; may go when the writer has nothing of it
/// (idle()).
struct Log {
    explicit Log(std::string log_path) : path(std::move(log_path)) {}
    const std::string path;
    std::atomic<std::uint64_t>* stored = nullptr;  ///< counts lines that are in the file; or none

    // guarded by the writer's mutex
    std::string pending;        ///< appended, not taken
    std::size_t in_flight = 0;  ///< taken, not written
    std::string error;          ///< of the last attempt
    bool queued = false;        ///< the writer has it in a list
    bool close = false;         ///< no stream is left: close the file once all is written

    // the writer thread's alone
    std::string taken;
    std::size_t written = 0;  ///< of `taken`
    sys::Descriptor file;
    std::chrono::steady_clock::time_point retry_at;
};

class Writer {
public:
    /// `progress` is an eventfd, written to when want_progress() is on and room was made, and when
    /// a flush is done.
    Writer(std::string directory, int progress);
    ~Writer();  ///< tries once more to write all, then ends the thread

    /// Adds `text` (left empty, or with another buffer's capacity).
    void append(Log& log, std::string& text);
    /// The last stream of the log has ended; or (false) there is one again.
    void close(Log& log, bool closed);

    struct State {
        std::size_t room = 0;  ///< that may be appended
        std::size_t buffered = 0;
        std::string error;
        bool idle = false;  ///< nothing buffered, and in none of the writer's lists
    };
    [[nodiscard]] State state(const Log& log);
    [[nodiscard]] std::size_t room(const Log& log);
    void want_progress(bool wanted);

    /// Tries to write all that was appended before, also what failed lately. Done when flushed()
    /// returns the number given out here, or a later one.
    std::uint64_t request_flush();
    struct Flush {
        std::uint64_t number = 0;
        std::string error;  ///< the first log's that still can't be written
    };
    [[nodiscard]] Flush flushed();

private:
    using Lock = std::unique_lock<std::mutex>;
    void run();
    void wait(Lock& lock);
    void write_lists(Lock& lock, bool retry_all);
    void write_log(Lock& lock, Log& log);
    [[nodiscard]] Result<void> write_once(Lock& lock, Log& log);
    [[nodiscard]] std::string settle(Log& log, const Result<void>& result);
    [[nodiscard]] Result<void> write_out(Log& log) const;
    [[nodiscard]] Result<void> open_file(Log& log) const;
    [[nodiscard]] std::size_t room_locked(const Log& log) const;
    void signal_progress() const;

    const std::string directory_;
    const int progress_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Log*> ready_, failing_;
    std::size_t total_ = 0;  ///< of all logs
    bool wanted_ = false, stop_ = false;
    std::uint64_t flush_requested_ = 0;
    Flush flush_done_;
    std::thread thread_;  ///< last: it uses all of the above
};

}  // namespace hearth::logd
