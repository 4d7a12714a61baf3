// SPDX-License-Identifier: MIT
//
// Runs another hearthd's --check-state (check_state.hpp) and reads its answer. Blocks, so it is the
// worker's: at most `patience`, then the child is killed. Signals nobody, changes nothing.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/check_state.hpp"

namespace hearth {

/// `program`: a descriptor (O_PATH will do). `words`: the options of the hearthd that asks. Errors
/// quote what the program said.
[[nodiscard]] Result<StateVerdict> ask_candidate(
    int program, const std::vector<std::string>& words, std::chrono::milliseconds patience);

}  // namespace hearth
