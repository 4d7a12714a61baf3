// SPDX-License-Identifier: MIT
//
// The reference of directives, made from the tables (units/directive.hpp) and the rules of lint:
// the text of docs/directives.md. A test compares the file in the repository with it, so that
// neither can be stale (renew it with HEARTH_UPDATE_GOLDEN=1).
#pragma once

#include <string>

#include "units/directive.hpp"

namespace hearth {

/// `enforced when the unit is prepared`, `refused: not built yet` ...: a row's fate in a few words.
[[nodiscard]] std::string fate(const Row& row);

/// The whole of docs/directives.md.
[[nodiscard]] std::string reference_markdown();

}  // namespace hearth
