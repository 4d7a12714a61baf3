// SPDX-License-Identifier: MIT
//
// LogClient: hearthd's side of hearth-logd. It starts the program, makes a pipe for each stream,
// hands the read end over and returns the write end, which the caller gives to the launch ("log")
// and closes. hearthd never reads a log. For the event loop's thread only; nothing here waits, but
// flush() and stats(), which tests and `logs` use, and at most 100 ms where hearth-logd is behind
// with its packets. Not copied; destruction closes the control socket, on which hearth-logd goes on
// until the last stream ends: services must not die of SIGPIPE because hearthd did.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "parser/result.hpp"
#include "supervisor/logd/protocol.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::logd {

struct Stream {
    std::string unit;        ///< "heat.service"
    std::string identifier;  ///< empty: the unit's name
    std::string invocation;
    uid_t uid = 0;  ///< owner of the write end, so that a daemon under User= can
    gid_t gid = 0;  ///< open /dev/stderr and /proc/self/fd/2 by path
};

class LogClient {
public:
    /// Runs `program` (hearth-logd) with `--log-dir directory`, in a session of its own. `echo`:
    /// "plain" or "json", on our standard output too; empty: no.
    [[nodiscard]] static Result<LogClient> start(
        const std::string& program, const std::string& directory, const std::string& echo = {});

    /// Goes on with a hearth-logd that an earlier hearthd started: its socket, and its pidfd.
    [[nodiscard]] static Result<LogClient> resume(
        const std::string& program,
        const std::string& directory,
        sys::Descriptor control,
        sys::Descriptor pidfd,
        const std::string& echo = {});

    /// The write end, O_CLOEXEC and blocking. A buffer that is full never makes it fail.
    [[nodiscard]] Result<sys::Descriptor> open_stream(const Stream& stream);
    /// The same in two steps: a caller who keeps a copy of the read end can hand it over once more,
    /// to the hearth-logd that restart() made, and the writer has noticed nothing.
    [[nodiscard]] static Result<sys::Pipe> make_pipe(const Stream& stream);
    [[nodiscard]] Result<void> hand_over(const Stream& stream, int read_end);

    /// hearth-logd's process: readable when it has died. Then restart() reaps it and starts
    /// another; the streams of the dead one are lost unless somebody hands them over again (else
    /// their writers get SIGPIPE), and its answer says how it died: "killed by signal 9".
    [[nodiscard]] int pidfd() const { return pidfd_.number(); }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] Result<std::string> restart();
    /// The memory that outlives hearth-logd (account.hpp); to be held as control() is.
    [[nodiscard]] int account() const { return account_.number(); }
    /// Before a restart: of one that an earlier hearthd made. Another version's is left: the
    /// hearth-logd of that version stores what it has before it ends.
    void use_account(sys::Descriptor account);

    /// Everything written before the call is in the files on return.
    [[nodiscard]] Result<void> flush(std::chrono::milliseconds timeout = std::chrono::seconds(5));
    [[nodiscard]] Result<Stats> stats(
        const std::string& unit, std::chrono::milliseconds timeout = std::chrono::seconds(5));

    /// The same for an event loop: ask, watch control() for reading, and take what comes.
    [[nodiscard]] Result<std::uint32_t> request_flush();
    [[nodiscard]] Result<std::uint32_t> request_stats(const std::string& unit);
    [[nodiscard]] int control() const { return control_.number(); }
    [[nodiscard]] Result<std::optional<Message>> take_answer();

    /// SIGTERM, then waits until it has stored what it could and is gone (at exit). How it ended,
    /// as restart().
    [[nodiscard]] Result<std::string> stop(
        std::chrono::milliseconds timeout = std::chrono::seconds(10));

private:
    LogClient() = default;
    [[nodiscard]] Result<void> spawn();
    [[nodiscard]] Result<std::uint32_t> send(Message message, int descriptor = -1);
    [[nodiscard]] Result<Message> wait_answer(
        std::uint32_t serial, std::chrono::milliseconds timeout);
    [[nodiscard]] Result<std::string> reap();

    std::string program_, directory_, echo_;
    sys::Descriptor control_, pidfd_, account_;
    pid_t pid_ = -1;
    std::uint32_t last_serial_ = 0;  ///< of a resumed one: none that an answer may still be for
};

}  // namespace hearth::logd
