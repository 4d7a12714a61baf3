// SPDX-License-Identifier: MIT
//
// The life of a unit that has no processes of its own: targets and slices are active from the
// moment they are started until they are stopped; devices, mounts and swaps are active while the
// kernel has them. They pass between `dead` and `running` of ServiceState only; what each type
// calls these is sub_state() (units/world.hpp). Pure, called only by the engine.
#pragma once

#include "units/engine.hpp"
#include "units/world.hpp"

namespace hearth {

class SimpleMachine {
public:
    /// One transition at most is appended to `outcome`.
    SimpleMachine(UnitRecord& record, Moment now, Outcome& outcome)
        : record_(record), now_(now), outcome_(outcome) {}

    void start();
    void stop();
    /// The kernel has it, or not any more.
    void presence(bool present);
    /// A mount of ours that could not be unmounted is as it was.
    void remains();

private:
    void enter(ServiceState state, std::string cause);

    UnitRecord& record_;
    Moment now_;
    Outcome& outcome_;
};

}  // namespace hearth
