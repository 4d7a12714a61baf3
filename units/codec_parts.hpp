// SPDX-License-Identifier: MIT
//
// What the domain codecs share and nobody else needs: walking the words of a value with their
// offsets, the `~` before a list, doubts that skip one word. Only codecs*.cpp files include this.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "parser/codec.hpp"
#include "parser/words.hpp"

namespace hearth::codec_parts {

/// `error` moved to where its word stood.
[[nodiscard]] inline ValueError shifted(ValueError error, std::size_t offset) {
    error.offset += offset;
    return error;
}

/// One word of a list is doubtful: it is left out, told, and the rest counts (as systemd does).
inline void note(const ValueContext& context, ValueError doubt) {
    if (context.notes != nullptr) {
        context.notes->push_back(std::move(doubt));
    }
}

/// A list that may begin with `~`.
struct Inverted {
    bool invert = false;
    std::string_view rest;
    std::size_t offset = 0;  ///< of `rest` in the value
};
[[nodiscard]] inline Inverted inverted(std::string_view text) {
    return text.starts_with('~') ? Inverted{true, text.substr(1), 1} : Inverted{false, text, 0};
}

}  // namespace hearth::codec_parts
