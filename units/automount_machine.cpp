// SPDX-License-Identifier: MIT
#include "units/automount_machine.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "units/record_times.hpp"
#include "units/trigger.hpp"

namespace hearth {

void AutomountMachine::start() {
    if (!at_rest(record_.active_state())) {
        return;
    }
    if (auto refusal = begin_start(record_, mount_, "mount", now_.monotonic, outcome_)) {
        return fail(refusal->result, std::move(refusal->cause));
    }
    status_.stop_requested = false;
    outcome_.actions.emplace_back(MountAutofs{record_.unit.name});
}

void AutomountMachine::mounted(const AutofsMounted& fact) {
    if (!at_rest(record_.active_state())) {
        return;
    }
    if (!fact.failure.empty()) {
        return fail(ServiceResult::Resources, fact.failure);
    }
    enter(ServiceState::Waiting, {});
}

void AutomountMachine::stop() {
    answer(status_.automount.mount_tokens, EHOSTDOWN);
    answer(status_.automount.expire_tokens, EHOSTDOWN);
    status_.deadline.reset();
    outcome_.actions.emplace_back(UnmountAutofs{record_.unit.name});
    enter(ServiceState::Dead, {});
}

void AutomountMachine::gone() {
    if (!at_rest(record_.active_state())) {
        status_.automount = {};
        status_.deadline.reset();
        outcome_.actions.emplace_back(UnmountAutofs{record_.unit.name});
        enter(ServiceState::Dead, "somebody has unmounted it");
    }
}

void AutomountMachine::forget() {
    status_.recent_starts.clear();
    if (status_.state == ServiceState::Failed) {
        status_.result = ServiceResult::Success;
        enter(ServiceState::Dead, "reset-failed");
    }
}

bool AutomountMachine::asked(const AutofsAsked& fact) {
    AutomountStatus& requests = status_.automount;
    auto& tokens = fact.expires ? requests.expire_tokens : requests.mount_tokens;
    if (std::ranges::find(tokens, fact.token) == tokens.end()) {  // it may be told of twice
        tokens.push_back(fact.token);
    }
    const bool up = mount_ != nullptr && is_active(mount_->active_state());
    if (!fact.expires && up && !mount_->job) {
        answer(requests.mount_tokens, 0);
        return false;
    }
    if (fact.expires && !up) {
        answer(requests.expire_tokens, 0);
        return false;
    }
    if (!fact.expires) {
        enter(ServiceState::Running, "it was entered by " + fact.by);
    }
    return true;
}

void AutomountMachine::refused(const AutofsAsked& fact) {
    if (fact.expires) {
        return answer(status_.automount.expire_tokens, EBUSY);
    }
    answer(status_.automount.mount_tokens, ENODEV);
    enter(ServiceState::Waiting, "its mount can't be started");
}

void AutomountMachine::mount_changed() {
    if (at_rest(record_.active_state()) || mount_ == nullptr || mount_->job) {
        return;
    }
    AutomountStatus& requests = status_.automount;
    const ActiveState state = mount_->active_state();
    if (is_active(state)) {
        answer(requests.mount_tokens, 0);
        answer(requests.expire_tokens, EBUSY);
        enter(ServiceState::Running, mount_->unit.name + " is mounted");
        arm();
    } else if (at_rest(state)) {
        answer(requests.mount_tokens, ENODEV);
        answer(requests.expire_tokens, 0);
        status_.deadline.reset();
        if (mount_->status.result == ServiceResult::StartLimitHit) {
            return fail(
                ServiceResult::MountStartLimitHit, mount_->unit.name + " was started too often");
        }
        enter(ServiceState::Waiting, mount_->unit.name + " is not mounted any more");
    }
}

/// autofs itself knows how long nobody was there: it is asked three times as often as that.
void AutomountMachine::arm() {
    const std::uint64_t idle = record_.unit.settings.automount.timeout_idle.microseconds;
    status_.deadline = idle == 0
                           ? std::nullopt
                           : std::optional(now_.monotonic + std::max<std::uint64_t>(idle / 3, 1));
}

void AutomountMachine::time_elapsed() {
    if (status_.state == ServiceState::Running && status_.deadline &&
        *status_.deadline <= now_.monotonic) {
        outcome_.actions.emplace_back(ExpireAutofs{record_.unit.name});
        arm();
    }
}

void AutomountMachine::fail(ServiceResult result, std::string cause) {
    if (!at_rest(record_.active_state())) {
        stop();
    }
    status_.result = result;
    status_.failure = cause;
    enter(ServiceState::Failed, std::move(cause));
}

void AutomountMachine::answer(std::vector<std::uint32_t>& tokens, int error) {
    if (!tokens.empty()) {
        outcome_.actions.emplace_back(
            AnswerAutofs{record_.unit.name, std::exchange(tokens, {}), error});
    }
}

void AutomountMachine::enter(ServiceState state, std::string cause) {
    if (status_.state == state) {
        return;
    }
    change_state(record_, state, std::move(cause), now_, outcome_);
}

}  // namespace hearth
