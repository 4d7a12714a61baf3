// SPDX-License-Identifier: MIT
//
// The text of a unit file -> UnitFile, by inih; the only part of hearth that sees <ini.h>. Follows
// systemd.syntax(7): comments, `\` continuation, CRLF, a byte order mark. It never fails: what is
// wrong with the text becomes a diagnostic with its place, the line is ignored and reading goes on.
// Time and memory are linear in the text and bounded by the limits below.
//
// inih judges only what it judges well (docs: its lines are cut, `:` assigns, ` ;` comments): it is
// given logical lines, and values pass it by. inih's run-time switches are set here, once.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "parser/unit_file.hpp"

namespace hearth {

struct ReadLimits {
    /// A logical line (continuations joined) longer than this is ignored and told, as an error.
    std::size_t line_length = std::size_t{1} << 20U;
    /// Assignments of one file after these are ignored and told, as an error.
    std::size_t assignments = std::size_t{1} << 18U;
    /// Diagnostics of one file after these are only counted; one more says how many.
    std::size_t diagnostics = 1000;
};

/// Reads `text`, the content of the file at `path`. `path` only names it; nothing is opened.
[[nodiscard]] UnitFile read_unit_file(
    std::string_view text, std::string path, const ReadLimits& limits = {});

}  // namespace hearth
