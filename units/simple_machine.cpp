// SPDX-License-Identifier: MIT
#include "units/simple_machine.hpp"

#include <utility>

#include "units/record_times.hpp"

namespace hearth {

void SimpleMachine::start() {
    enter(ServiceState::Running, {});
}

void SimpleMachine::stop() {
    enter(ServiceState::Dead, {});
}

void SimpleMachine::presence(bool present) {
    enter(
        present ? ServiceState::Running : ServiceState::Dead,
        present ? "it is there" : "it is gone");
}

void SimpleMachine::remains() {
    enter(ServiceState::Exited, "it is still mounted");
}

void SimpleMachine::enter(ServiceState state, std::string cause) {
    if (record_.status.state == state) {
        return;
    }
    Transition transition;
    transition.unit = record_.unit.name;
    transition.from = record_.status.state;
    transition.to = state;
    transition.cause = std::move(cause);
    transition.at = now_;
    outcome_.transitions.push_back(std::move(transition));
    const ActiveState before = record_.active_state();
    record_.status.state = state;
    note_times(record_, before, now_);
}

}  // namespace hearth
