// SPDX-License-Identifier: MIT
//
// Is it UTF-8 (RFC 3629: shortest forms, no surrogates, up to U+10FFFF)? Used on the lines of unit
// files, which must be, and on the user's text in messages, which must not upset a terminal.
#pragma once

#include <cstddef>
#include <string_view>

namespace hearth {

/// The length of the character at the begin of `text`; 0 if there is no valid one.
[[nodiscard]] std::size_t utf8_length(std::string_view text);

/// The offset of the first byte that is not valid UTF-8, or npos.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

}  // namespace hearth
