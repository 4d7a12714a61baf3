// SPDX-License-Identifier: MIT
//
// Reads the log files for `hearthctl logs UNIT [-n N] [-f]`. The last lines are found from the end,
// in blocks, so a log of gigabytes costs what its last lines cost. Follower goes on from there
// without a gap: it survives that the file doesn't exist yet, is cut short, or is replaced (it
// reads the old one to its end first). Errors are values; a missing file is no error but an empty
// log. Positions are bytes. Follows inotify(7).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::logd {

/// A line of a log file, taken apart; views into the line. See protocol.hpp for the format.
struct LogLine {
    std::string_view time;  ///< "2026-11-22T12:34:56.123456Z"
    std::string_view identifier;
    std::string_view text;
    bool continues = false;  ///< a piece of a long line; the next line of this identifier goes on
};
/// A line that is not in our format is all text.
[[nodiscard]] LogLine split_line(std::string_view line);

/// Where the last `count` lines of the file begin. 0 where there are fewer or there is no file.
[[nodiscard]] Result<std::uint64_t> position_of_last(const std::string& path, std::uint64_t count);

/// The last `count` lines, oldest first, without their newlines.
[[nodiscard]] Result<std::vector<std::string>> read_last(
    const std::string& path, std::uint64_t count);

class Follower {
public:
    /// Begins at `position` of the file (position_of_last()). `watch` false: no inotify, for
    /// reading once. The folder must exist if watched.
    [[nodiscard]] static Result<Follower> open(
        std::string path, std::uint64_t position, bool watch = true);

    /// Lines without their newlines, at most about 1 MiB per call; none: there are no more now.
    [[nodiscard]] Result<std::vector<std::string>> next();
    /// Readable when next() may have more; level-triggered until next() has returned none.
    [[nodiscard]] int descriptor() const { return inotify_.number(); }

private:
    Follower() = default;
    [[nodiscard]] Result<bool> read_block();
    [[nodiscard]] Result<bool> reopen();
    void drain_events();

    std::string path_;
    std::uint64_t position_ = 0;
    std::string partial_;
    sys::Descriptor file_, inotify_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace hearth::logd
