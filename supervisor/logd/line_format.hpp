// SPDX-License-Identifier: MIT
//
// Turns what a service writes, in whatever pieces the pipe gives it, into the lines of its log file
// (the format is protocol.hpp's). Pure: time is an argument. Keeps at most one line of 48 KiB. Text
// is never judged or changed: NUL, broken UTF-8 and terminal escapes stay as they are.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace hearth::logd {

/// "2026-11-22T12:34:56.123456Z". The calendar part is kept while the second is the same.
class TimeText {
public:
    [[nodiscard]] const std::string& of(const std::timespec& time);

private:
    std::time_t second_ = -1;
    std::string text_;
};

class LineFormatter {
public:
    /// `identifier` as shown_identifier() returns it.
    explicit LineFormatter(std::string identifier) : identifier_(std::move(identifier)) {}

    /// Appends the lines that `chunk` completes, and returns how many.
    std::uint64_t format(std::string_view chunk, const std::string& time, std::string& out);
    /// Appends what is left of a last line without newline.
    std::uint64_t finish(const std::string& time, std::string& out);

    /// A line has begun, and its end has not come.
    [[nodiscard]] bool has_begun() const { return !partial_.empty() || continued_; }

    /// No chunk of so many bytes can make more than `room` bytes of lines.
    [[nodiscard]] std::size_t chunk_for(std::size_t room) const;

private:
    void start_batch(const std::string& time);
    void put(std::string_view text, bool continues, std::string& out);

    std::string identifier_;
    std::string partial_;     ///< of the line that has begun, at most longest_line
    bool continued_ = false;  ///< pieces of it are out already
    std::string prefix_;      ///< "TIME IDENTIFIER: " of this batch
};

}  // namespace hearth::logd
