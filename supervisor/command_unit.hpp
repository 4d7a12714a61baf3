// SPDX-License-Identifier: MIT
//
// `hearth-init -- COMMAND [ARG...]` (DESIGN 6): the command as a unit file. It is essential, so
// hearthd ends with it; it has the caller's environment and directory, and its standard input,
// output and error (launch::Invocation::given_streams). The text is pure; nothing is written
// here.
#pragma once

#include <string>
#include <vector>

namespace hearth {

inline constexpr const char* command_unit = "main.service";

/// `variables`: NAME=VALUE of the caller, whose names are passed on. Every byte of the words
/// arrives as it is: no variable, specifier or quote is interpreted.
[[nodiscard]] std::string command_unit_text(
    const std::vector<std::string>& words,
    const std::vector<std::string>& variables,
    const std::string& directory);

}  // namespace hearth
