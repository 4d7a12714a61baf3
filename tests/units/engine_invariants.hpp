// SPDX-License-Identifier: MIT
//
// What must hold of every World after every event, whatever happened before.
#pragma once

#include <string>

#include "units/world.hpp"

namespace hearth::test {

/// The first invariant that is broken, or nothing.
[[nodiscard]] std::string broken_invariant(const World& world);

}  // namespace hearth::test
