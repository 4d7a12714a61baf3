// SPDX-License-Identifier: MIT
//
// "Did you mean": the candidate nearest to a word that nobody knows. Pure; ASCII case counts less
// than a letter. Long words are not compared: nobody mistyped a page of text.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hearth {

/// Insertions, deletions, replacements and swaps of neighbours that turn `left` into `right`;
/// stops counting at `limit` + 1.
[[nodiscard]] std::size_t edit_distance(
    std::string_view left, std::string_view right, std::size_t limit);

/// The nearest candidate, if it is near enough to be what was meant.
[[nodiscard]] std::optional<std::string_view> closest(
    std::string_view word, std::span<const std::string_view> candidates);

/// `did you mean 'Restart'?`, or empty.
[[nodiscard]] std::string did_you_mean(
    std::string_view word, std::span<const std::string_view> candidates);

}  // namespace hearth
