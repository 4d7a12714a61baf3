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

}  // namespace hearth
