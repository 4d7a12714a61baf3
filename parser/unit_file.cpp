// SPDX-License-Identifier: MIT
#include "parser/unit_file.hpp"

#include <algorithm>

namespace hearth {

namespace {

/// Enough for a line that a person wrote; a diagnostic is no place for a megabyte.
constexpr std::size_t longest_source = 4096;

/// The last segment that begins at or before `offset`. Precondition: not empty.
std::vector<ValueSegment>::const_iterator segment_at(
    const std::vector<ValueSegment>& segments, std::size_t offset) {
    const auto after = std::ranges::upper_bound(segments, offset, {}, &ValueSegment::offset);
    return after == segments.begin() ? after : after - 1;
}

}  // namespace

Origin Assignment::origin_of(std::size_t offset) const {
    if (segments.empty()) {
        return origin;
    }
    offset = std::min(offset, value.size());
    const auto segment = segment_at(segments, offset);
    const std::size_t inside = offset - std::min(offset, segment->offset);
    return Origin{origin.file, segment->line, segment->column + static_cast<std::uint32_t>(inside)};
}

std::string Assignment::source_of(std::size_t offset) const {
    std::string line;
    const auto place_at = [&line](std::uint32_t column, std::string_view text) {
        if (column != 0 && column - 1 <= longest_source) {
            line.resize(std::max<std::size_t>(line.size(), column - 1), ' ');
            line += text.substr(0, longest_source);
        }
    };
    const std::uint32_t wanted = origin_of(offset).line;
    if (wanted == origin.line) {
        place_at(origin.column, key);
        line += '=';
    }
    for (auto segment = segments.begin(); segment != segments.end(); ++segment) {
        if (segment->line == wanted) {
            const auto next = segment + 1;
            const std::size_t end = next == segments.end() ? value.size() : next->offset;
            place_at(
                segment->column,
                std::string_view(value).substr(segment->offset, end - segment->offset));
        }
    }
    while (!line.empty() && line.back() == ' ') {
        line.pop_back();
    }
    line.resize(std::min(line.size(), longest_source));
    return line;
}

Diagnostic Assignment::diagnostic(
    Severity severity, std::string message, const ValueError& error) const {
    return Diagnostic{
        severity,
        origin_of(error.offset),
        std::move(message),
        error.hint,
        source_of(error.offset),
    };
}

Diagnostic Assignment::diagnostic(Severity severity, std::string message, std::string hint) const {
    std::string source;
    if (segments.empty() || segments.front().line == origin.line) {
        source = source_of(0);
    } else {
        source = std::string(origin.column == 0 ? 0 : origin.column - 1, ' ') + key + '=';
        source.resize(std::min(source.size(), longest_source));
    }
    return Diagnostic{severity, origin, std::move(message), std::move(hint), std::move(source)};
}

}  // namespace hearth
