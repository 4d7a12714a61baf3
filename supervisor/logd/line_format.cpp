// SPDX-License-Identifier: MIT
#include "supervisor/logd/line_format.hpp"

#include <algorithm>
#include <cstdio>

#include "supervisor/logd/protocol.hpp"

namespace hearth::logd {
namespace {

constexpr std::size_t time_size = std::string_view("2026-11-22T12:34:56.123456Z").size();

}  // namespace

const std::string& TimeText::of(const std::timespec& time) {
    if (text_.empty() || time.tv_sec != second_) {
        second_ = time.tv_sec;
        std::tm calendar{};
        ::gmtime_r(&time.tv_sec, &calendar);
        char buffer[64];
        text_.assign(
            buffer, std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%S.000000Z", &calendar));
    }
    long microseconds = time.tv_nsec / 1000;
    for (std::size_t i = 0; i < 6; ++i) {
        text_[text_.size() - 2 - i] = static_cast<char>('0' + microseconds % 10);
        microseconds /= 10;
    }
    return text_;
}

void LineFormatter::start_batch(const std::string& time) {
    prefix_.assign(time).append(1, ' ').append(identifier_).append(": ");
}

void LineFormatter::put(std::string_view text, bool continues, std::string& out) {
    prefix_[prefix_.size() - 2] = continues ? '+' : ':';
    out.append(prefix_).append(text).append(1, '\n');
}

std::uint64_t LineFormatter::format(
    std::string_view chunk, const std::string& time, std::string& out) {
    start_batch(time);
    std::uint64_t lines = 0;
    while (!chunk.empty()) {
        const std::size_t newline = chunk.find('\n');
        const bool ends = newline != std::string_view::npos;
        std::string_view text = chunk.substr(0, newline);
        chunk.remove_prefix(ends ? newline + 1 : chunk.size());
        while (partial_.size() + text.size() > longest_line) {
            const std::size_t taken = longest_line - partial_.size();
            partial_.append(text.substr(0, taken));
            text.remove_prefix(taken);
            put(partial_, true, out);
            ++lines;
            partial_.clear();
            continued_ = true;
        }
        if (!ends) {
            partial_.append(text);
            break;
        }
        if (partial_.empty()) {
            put(text, false, out);
        } else {
            partial_.append(text);
            put(partial_, false, out);
            partial_.clear();
        }
        continued_ = false;
        ++lines;
    }
    return lines;
}

std::uint64_t LineFormatter::finish(const std::string& time, std::string& out) {
    if (partial_.empty() && !continued_) {
        return 0;
    }
    start_batch(time);
    put(partial_, false, out);
    partial_.clear();
    partial_.shrink_to_fit();
    continued_ = false;
    return 1;
}

std::size_t LineFormatter::chunk_for(std::size_t room) const {
    // The worst is a chunk of empty lines: each byte becomes a prefix and a newline.
    const std::size_t line = time_size + 1 + identifier_.size() + 2 + 1;
    const std::size_t held = partial_.size() + 2 * line;
    return room <= held ? 0 : (room - held) / line;
}

}  // namespace hearth::logd
