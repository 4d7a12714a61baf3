// SPDX-License-Identifier: MIT
//
// Why a text is not a value of the type it should be. The reader of a value knows only the text, so
// the place is an offset into it; Assignment::origin_of() turns that into a line and column. Used
// by everything in parser/ that reads one value: specifiers, words, command lines, codecs.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "parser/result.hpp"

namespace hearth {

/// Why a value could not be read: lower case, quotes the text, says what was expected.
struct ValueError {
    std::string what;
    std::string hint;
    std::size_t offset = 0;  ///< byte of the value that is at fault; the caret goes there

    bool operator==(const ValueError&) const = default;
};

/// What assigning a text gives: nothing, or why not.
using Assigned = Result<void, ValueError>;

/// Doubts about a value that was read nevertheless.
using ValueNotes = std::vector<ValueError>;

/// More doubts about one value are not collected.
inline constexpr std::size_t max_notes = 100;

[[nodiscard]] inline Unexpected<ValueError> bad_value(
    std::string what, std::string hint = {}, std::size_t offset = 0) {
    return Unexpected<ValueError>(ValueError{std::move(what), std::move(hint), offset});
}

}  // namespace hearth
