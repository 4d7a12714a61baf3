// SPDX-License-Identifier: MIT
//
// systemd.exec(5)'s environment files, which os-release(5) is one of.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth {

/// Comments, continuations, quotes; no expansion. Pure.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> parse_environment_file(
    std::string_view text);

/// A name as environ(7) has them here: letters, digits and '_', not beginning with a digit.
[[nodiscard]] bool is_environment_name(std::string_view text);
/// NAME=VALUE, the value without control characters but newline and tabulator.
[[nodiscard]] bool is_environment_assignment(std::string_view text);

}  // namespace hearth
