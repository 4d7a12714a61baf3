// SPDX-License-Identifier: MIT
//
// `hearthd --check-state`: what of the state that an earlier hearthd wrote this program could not
// carry on. It only looks: nothing is made, changed or removed, and no process touched, for the
// hearthd that wrote it runs. That one starts this as a child before it makes room (upgrade.cpp),
// and reads the answer: lines of `version V`, `state-version N`, `units N`, and for each thing that
// would be lost `lost TEXT`, for each that is only carried along `note TEXT`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"

namespace hearth {

struct Options;

struct StateVerdict {
    std::string version;         ///< of the program
    unsigned state_version = 0;  ///< the newest that it reads and writes
    std::size_t units = 0;
    std::vector<std::string> losses;  ///< each a line for a person
    std::vector<std::string> notes;
    bool operator==(const StateVerdict&) const = default;
};

[[nodiscard]] StateVerdict check_state(const Options& options);

[[nodiscard]] std::string verdict_text(const StateVerdict& verdict);
/// Lines that aren't known are passed over. An error: it is no answer of --check-state.
[[nodiscard]] Result<StateVerdict> read_verdict(std::string_view text);

}  // namespace hearth
