// SPDX-License-Identifier: MIT
#include "parser/logical_lines.hpp"

#include <algorithm>

#include "parser/words.hpp"

namespace hearth {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_comment(std::string_view line) {
    for (const char byte : line) {
        if (!is_white_space(byte)) {
            return byte == '#' || byte == ';';
        }
    }
    return false;
}

/// An even number of backslashes at the end are escaped ones.
bool is_continued(std::string_view line) {
    std::size_t backslashes = 0;
    while (backslashes < line.size() && line[line.size() - 1 - backslashes] == '\\') {
        ++backslashes;
    }
    return backslashes % 2 == 1;
}

}  // namespace

Origin LogicalLine::origin_of(std::size_t offset) const {
    const auto after = std::ranges::upper_bound(segments, offset, {}, &ValueSegment::offset);
    if (after == segments.begin()) {
        return Origin{{}, number, 1};
    }
    const ValueSegment& segment = *(after - 1);
    const std::size_t inside = offset - segment.offset;
    return Origin{{}, segment.line, segment.column + static_cast<std::uint32_t>(inside)};
}

LogicalLines::LogicalLines(std::string_view text, std::size_t max_length)
    : text_(text), max_length_(max_length) {
    if (text_.starts_with(byte_order_mark)) {
        text_.remove_prefix(byte_order_mark.size());
    }
    newline_ = std::min(text_.find('\n'), text_.size());
}

std::string_view LogicalLines::next_physical() {
    // The newline is remembered: a text of many CRs without LF is not searched again for each.
    if (newline_ < at_) {
        newline_ = std::min(text_.find('\n', at_), text_.size());
    }
    const std::string_view until_newline = text_.substr(at_, newline_ - at_);
    const std::size_t length = std::min(until_newline.find('\r'), until_newline.size());
    const std::string_view line = until_newline.substr(0, length);
    at_ += length;
    const bool is_crlf = text_.substr(at_).starts_with("\r\n");
    at_ = std::min(at_ + (is_crlf ? 2 : 1), text_.size());
    ++number_;
    return line;
}

bool LogicalLines::next(LogicalLine& line) {
    line.text.clear();
    line.segments.clear();
    line.too_long = false;
    bool continued = false;
    while (at_ < text_.size()) {
        const std::string_view physical = next_physical();
        if (is_comment(physical)) {
            continue;
        }
        if (!continued) {
            line.first = physical;
            line.number = number_;
        }
        continued = is_continued(physical);
        if (line.too_long || physical.size() > max_length_ - line.text.size()) {
            line.too_long = true;
        } else {
            line.segments.push_back({line.text.size(), number_, 1});
            line.text += physical;
            if (continued) {
                line.text.back() = ' ';
            }
        }
        if (!continued) {
            return true;
        }
    }
    return continued;  // the text ended in a continuation: what is there counts
}

}  // namespace hearth
