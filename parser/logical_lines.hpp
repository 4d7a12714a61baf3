// SPDX-License-Identifier: MIT
//
// The logical lines of a unit file (systemd.syntax(7)): physical lines joined where one ends in a
// backslash, which becomes a space; comment lines dropped, also between joined lines. Knows lines,
// not what is on them. Ends of line are LF, CRLF and CR. Only for ini_reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parser/unit_file.hpp"

namespace hearth {

struct LogicalLine {
    std::string text;                    ///< joined; white space as it was; cut where too_long
    std::vector<ValueSegment> segments;  ///< of text, one per physical line
    std::string_view first;              ///< the first physical line, in the reader's text
    std::uint32_t number = 0;            ///< of the first physical line
    bool too_long = false;

    /// Where byte `offset` of text stood. Gives no file.
    [[nodiscard]] Origin origin_of(std::size_t offset) const;
};

class LogicalLines {
public:
    /// `text` must outlive this.
    LogicalLines(std::string_view text, std::size_t max_length);

    /// The next line into `line`, whose memory is used again; false at the end.
    [[nodiscard]] bool next(LogicalLine& line);

private:
    [[nodiscard]] std::string_view next_physical();

    std::string_view text_;
    std::size_t max_length_;
    std::size_t at_ = 0;
    std::size_t newline_ = 0;  ///< the first LF at or after at_, or the end of the text
    std::uint32_t number_ = 0;
};

}  // namespace hearth
