// SPDX-License-Identifier: MIT
#include "units/simple_machine.hpp"

#include <utility>

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
    record_.status.state = state;
    record_.state_change = now_;
    if (state == ServiceState::Running) {
        record_.inactive_exit = now_;
        record_.active_enter = now_;
    } else {
        record_.active_exit = now_;
        record_.inactive_enter = now_;
    }
}

}  // namespace hearth
