// SPDX-License-Identifier: MIT
//
// Everything that can be said about a unit from its text alone, each with a stable id
// (units/rules.hpp): what loading said, what stops a start, and advice that only lint gives.
// `hearthctl lint` prints it; whether this host can give what is asked is `doctor`'s question.
// Pure.
#pragma once

#include <vector>

#include "units/rules.hpp"
#include "units/unit.hpp"

namespace hearth {

/// All findings of a loaded unit, in the order of its files and lines, each once.
[[nodiscard]] std::vector<Finding> lint(const Unit& unit);

/// The worst severity among `findings`; Note where there are none.
[[nodiscard]] Severity worst(const std::vector<Finding>& findings);

}  // namespace hearth
