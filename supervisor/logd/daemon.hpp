// SPDX-License-Identifier: MIT
//
// The event loop of hearth-logd: reads all services' pipes, makes lines of what comes, and gives
// them to the Writer. It never touches a log file, so it never waits for a disk. One epoll, no
// library. When a unit's buffer is full its pipes rest for up to 50 ms, so that a disk which is
// merely slower than a burst loses nothing; after that, or where the disk refuses, new lines are
// dropped and counted, and the count is written as a line when half of the buffer is free again.
//
// Ends on SIGTERM and SIGINT, once all that could be read then is stored (or 5 s have passed), and
// when hearthd is gone and so is the last stream.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/logd/account.hpp"
#include "supervisor/logd/echo.hpp"
#include "supervisor/logd/line_format.hpp"
#include "supervisor/logd/protocol.hpp"
#include "supervisor/logd/writer.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::logd {

class Daemon {
public:
    /// Blocks SIGTERM and SIGINT, which are read from a descriptor. `account`: of Account::make(),
    /// with what the one before left in it; or none.
    [[nodiscard]] static Result<std::unique_ptr<Daemon>> create(
        sys::Descriptor control, const std::string& directory, sys::Descriptor account = {});
    /// From now on lines are shown on standard output, too.
    void echo_to_stdout(EchoForm form);
    /// Until the end; the program's exit status.
    [[nodiscard]] int run();

private:
    using Clock = std::chrono::steady_clock;

    struct Unit {
        Unit(std::string unit, std::string path) : name(std::move(unit)), log(std::move(path)) {}
        const std::string name;
        Log log;
        std::size_t streams = 0;
        std::uint64_t lines = 0, dropped = 0;
        std::uint64_t untold = 0;  ///< dropped since the last line that told so
        bool dropping = false;
        std::string drop_reason;  ///< what the disk said then; empty: it was too slow
        Account::Slot* slot = nullptr;
        std::optional<Clock::time_point> rests_until;  ///< its pipes are not read
    };
    struct Stream {
        sys::Descriptor pipe;
        ino_t number = 0;  ///< of the pipe
        Unit* unit = nullptr;
        LineFormatter formatter;
        std::uint64_t owed = 0;  ///< bytes that must be read before the flush goes on
        bool watched = false;
        bool partial = false;  ///< counted in the account
    };
    enum class FlushState : std::uint8_t { Idle, Reading, Writing };

    Daemon() = default;
    [[nodiscard]] Result<void> watch(int descriptor, std::uint64_t key, std::uint32_t events);
    [[nodiscard]] int timeout() const;
    void dispatch(std::uint64_t key);

    void read_control();
    void open_stream(const OpenStream& request, sys::Descriptor pipe);
    void answer(std::uint32_t serial, const StatsRequest& request);
    void send(const Message& message);
    Unit& unit(const std::string& name);
    void forget_idle_units();

    void read_stream(std::uint64_t key, Stream& stream);
    void end_stream(std::uint64_t key, Stream& stream);
    void take(Unit& unit, std::uint64_t lines);
    void append(Unit& unit, std::string& text);
    void account_for(Unit& unit, Stream& stream);
    void take_up_account(sys::Descriptor memory);
    void rest(Unit& unit);
    void stop_dropping_if_possible(Unit& unit);
    void set_watched(std::uint64_t key, Stream& stream, bool watched);
    void set_watched(const Unit& unit, bool watched);

    void look_after_resting_units();
    void start_flush();
    void continue_flush();
    void finish_partial_lines();
    const std::string& now_text();

    sys::Descriptor control_, signals_, progress_, epoll_;
    std::string directory_;
    std::unique_ptr<Account> account_;  ///< outlives the writer, which counts in it
    std::map<std::string, std::unique_ptr<Unit>> units_;
    std::unordered_map<std::uint64_t, Stream> streams_;
    std::set<ino_t> pipes_;  ///< of streams_
    std::uint64_t last_key_ = 100;
    std::unique_ptr<Writer> writer_;
    std::unique_ptr<Echo> echo_;  ///< none: standard output is left alone
    TimeText time_;
    std::string input_, output_;  ///< kept for their capacity

    FlushState flush_ = FlushState::Idle;
    std::uint64_t flush_number_ = 0;
    std::vector<std::uint32_t> flush_serials_, next_flush_serials_;
    std::optional<Clock::time_point> stop_by_;
    bool flush_again_ = false;  ///< asked for while one was under way
    bool stopping_ = false, done_ = false, hearthd_gone_ = false;
    bool anybody_waits_ = false;  ///< a unit rests or drops: look at it when the writer got on
};

}  // namespace hearth::logd
