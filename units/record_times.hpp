// SPDX-License-Identifier: MIT
//
// A unit's change of state, whichever machine made it: its Transition, and what it means for
// ActiveEnterTimestamp and kin.
#pragma once

#include <string>
#include <utility>

#include "units/engine.hpp"
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

/// The unit is in `state` from `now` on, and `outcome` tells so.
inline void change_state(
    UnitRecord& record, ServiceState state, std::string cause, Moment now, Outcome& outcome) {
    ServiceStatus& status = record.status;
    outcome.transitions.push_back(
        {record.unit.name, status.state, state, status.result, std::move(cause), now});
    const ActiveState before = record.active_state();
    status.state = state;
    note_times(record, before, now);
}

}  // namespace hearth
