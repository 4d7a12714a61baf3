// SPDX-License-Identifier: MIT
//
// Echo: the lines of all services on hearth-logd's standard output too, with the names of their
// units, as whoever reads a container's output expects it. `a.service: text`, or one JSON object
// per line: time, unit, identifier, message, and `"partial":true` on a piece of a line that goes
// on.
//
// A thread of its own writes, so an output that nobody reads stalls nobody. At most 1 MiB waits;
// what comes then is dropped and counted, and the count is written, as a line of hearth-logd's own,
// when there is room again. An output that is closed is given up, told once on stderr.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace hearth::logd {

enum class EchoForm : std::uint8_t { Plain, Json };

/// What Echo writes for lines of a log file (protocol.hpp): pure.
[[nodiscard]] std::string echoed(EchoForm form, std::string_view unit, std::string_view lines);

class Echo {
public:
    static constexpr std::size_t longest_wait = std::size_t{1} << 20;  ///< bytes

    /// `output` is borrowed, and stays blocking: it may be shared with others.
    Echo(int output, EchoForm form);
    ~Echo();  ///< writes for at most a second more

    void add(std::string_view unit, std::string_view lines);
    [[nodiscard]] std::uint64_t dropped();

private:
    using Lock = std::unique_lock<std::mutex>;
    void run();
    [[nodiscard]] bool write(std::string_view text);
    [[nodiscard]] bool stopping();

    const int output_;
    const EchoForm form_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::string waiting_;
    std::uint64_t dropped_ = 0, untold_ = 0;  ///< lines
    bool stop_ = false, closed_ = false;
    std::thread thread_;  ///< last: it uses all of the above
};

}  // namespace hearth::logd
