// SPDX-License-Identifier: MIT
//
// What --type=help, --state=help and --what=help print, as systemctl(1) has it, and whether a value
// of --output= is one of systemctl's. Each list is made of the very names that units have.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "supervisor/ctl/arguments.hpp"

namespace hearth::ctl {

/// The lists that were asked for; nothing where none was.
[[nodiscard]] std::optional<std::string> asked_values(const Arguments& arguments);

/// As journalctl's and systemctl's --output= have it.
[[nodiscard]] bool is_output(std::string_view name);

}  // namespace hearth::ctl
