// SPDX-License-Identifier: MIT
//
// The clock of the supervisor: when a fact that it tells the engine happened. units/ has none.
#pragma once

#include "supervisor/sys/process.hpp"
#include "units/world.hpp"

namespace hearth {

[[nodiscard]] inline Moment now() {
    return {sys::monotonic_microseconds(), sys::realtime_microseconds()};
}

}  // namespace hearth
