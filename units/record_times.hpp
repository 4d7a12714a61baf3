// SPDX-License-Identifier: MIT
//
// ActiveEnterTimestamp and kin: what a change of state means for them, whichever machine made it.
#pragma once

#include "units/world.hpp"

namespace hearth {

/// `before`: the state that the unit left at `now`.
inline void note_times(UnitRecord& record, ActiveState before, Moment now) {
    const ActiveState after = record.active_state();
    record.state_change = now;
    if (at_rest(before) && !at_rest(after)) {
        record.inactive_exit = now;
    } else if (!at_rest(before) && at_rest(after)) {
        record.inactive_enter = now;
    }
    if (!is_active(before) && is_active(after)) {
        record.active_enter = now;
    } else if (is_active(before) && !is_active(after)) {
        record.active_exit = now;
    }
}

}  // namespace hearth
