// SPDX-License-Identifier: MIT
//
// The versions of a unit's state text (units/state.hpp), and the way from each to the next and back
// (docs/state.md). A version goes up when the meaning or the name of a key changes; a key that is
// only added needs none, for whoever doesn't know it carries it along. Each step works on the
// lines, knows no struct, and must leave what it doesn't know as it is: so that a unit's state may
// go from one hearthd to an older one and back with nothing lost. Pure.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "parser/result.hpp"

namespace hearth {

/// Lines by key.
using StateLines = std::map<std::string, std::string, std::less<>>;

/// One version, and how to come to it from the one before, and back.
struct StateVersion {
    unsigned number = 0;
    std::string_view summary;  ///< what it changed, for docs/state.md
    void (*upgrade)(StateLines&) = nullptr;
    void (*downgrade)(StateLines&) = nullptr;
};

/// In order; the first has no step before it.
[[nodiscard]] std::span<const StateVersion> state_versions();
[[nodiscard]] unsigned newest_state_version();
/// What the lists of fields in units/state.cpp are: lines are brought to it before they are read.
inline constexpr unsigned state_version_of_fields = 1;

/// Step by step, up or down. An error: a version that isn't known here, with its number.
[[nodiscard]] Result<void> convert_state(StateLines& lines, unsigned from, unsigned to);

}  // namespace hearth
