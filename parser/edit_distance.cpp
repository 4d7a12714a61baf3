// SPDX-License-Identifier: MIT
#include "parser/edit_distance.hpp"

#include <algorithm>
#include <array>

namespace hearth {

namespace {

constexpr std::size_t longest_compared = 64;

char lower(char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

}  // namespace

std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit) {
    const std::size_t difference =
        left.size() > right.size() ? left.size() - right.size() : right.size() - left.size();
    if (difference > limit || left.size() > longest_compared || right.size() > longest_compared) {
        return limit + 1;
    }
    using Row = std::array<std::size_t, longest_compared + 1>;
    Row before_last{};
    Row last{};
    Row row{};
    for (std::size_t j = 0; j <= right.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= left.size(); ++i) {
        row[0] = i;
        std::size_t smallest = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const std::size_t change = left[i - 1] == right[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
            smallest = std::min(smallest, row[j]);
        }
        // A swap looks two rows back, so one row above the limit isn't the end yet.
        if (smallest > limit + 1) {
            return limit + 1;
        }
        before_last = last;
        last = row;
    }
    return std::min(last[right.size()], limit + 1);
}

std::optional<std::string_view> closest(
    std::string_view word, std::span<const std::string_view> candidates) {
    if (word.empty() || word.size() > longest_compared) {
        return std::nullopt;
    }
    std::string folded(word);
    std::ranges::transform(folded, folded.begin(), lower);
    // A third of the word wrong is another word.
    std::size_t limit = std::min<std::size_t>(3, (word.size() + 2) / 3);
    std::optional<std::string_view> nearest;
    for (const std::string_view candidate : candidates) {
        if (candidate == word) {
            return candidate;
        }
        std::string other(candidate.substr(0, longest_compared + 1));
        std::ranges::transform(other, other.begin(), lower);
        const std::size_t distance = edit_distance(folded, other, limit);
        if (distance <= limit && (!nearest || distance < limit)) {
            nearest = candidate;
            limit = distance;
        }
    }
    return nearest;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    const auto nearest = closest(word, candidates);
    return nearest ? "did you mean '" + std::string(*nearest) + "'?" : std::string();
}

}  // namespace hearth
