// SPDX-License-Identifier: MIT
//
// When hearthd ends by itself, and with which status: for `hearth-init -- COMMAND`, and in a
// container, where the units of --unit are what it is for (DESIGN 6).
#include <algorithm>
#include <csignal>
#include <string>

#include "supervisor/command_unit.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "units/restart_policy.hpp"

namespace hearth {

bool Supervisor::is_command_unit(const std::string& unit) const {
    return !options_.command.empty() && unit == command_unit;
}

/// One that can't be copied is missed by the launch, which then says so.
void Supervisor::lend_streams(launch::LaunchRequest& request) {
    for (int number = 0; number <= 2; ++number) {
        if (auto copy = sys::duplicate(number)) {
            request.descriptors.emplace(launch::given_stream(number), std::move(*copy));
        }
    }
}

PerformAction Supervisor::as_command(PerformAction action) const {
    const UnitRecord* const record =
        is_command_unit(action.unit) ? world_.find(action.unit) : nullptr;
    if (record != nullptr) {
        const ProcessRecord& main = record->status.main;
        if (main.code == CLD_KILLED || main.code == CLD_DUMPED) {
            action.exit_status = 128 + main.status;
        }
    }
    return action;
}

void Supervisor::end_with_named_units() {
    const bool asked = options_.role == Role::Container && !options_.units.empty();
    if (!asked || exit_status_ || adopting_) {
        return;
    }
    int status = start_failed_ ? 1 : 0;
    std::uint64_t first_failure = UINT64_MAX;
    for (const std::string& name : options_.units) {
        const UnitRecord* const record = world_.find(name);
        if (record == nullptr) {
            continue;  // it could not be loaded: start_failed_
        }
        if (record->job || !at_rest(record->active_state()) ||
            record->status.state == ServiceState::AutoRestart) {
            return;
        }
        if (record->active_state() == ActiveState::Failed &&
            record->inactive_enter.monotonic < first_failure) {
            first_failure = record->inactive_enter.monotonic;
            status = essential_status(record->status);
        }
    }
    log::write(
        log::Level::Notice,
        "all units of --unit have ended: stopping all others, to exit with status " +
            std::to_string(status));
    shut_down(status);
}

}  // namespace hearth
