// SPDX-License-Identifier: MIT
//
// What each state on the way down answers to each event, from stop to auto-restart.
#include "units/engine_match.hpp"
#include "units/restart_policy.hpp"
#include "units/service_machine.hpp"

namespace hearth {

void ServiceMachine::in_stop(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this](const Ended& ended) {
            if (ended.main) {
                return;  // what ExecStop= is for; the command is waited for
            }
            if (!run_next(ended)) {
                enter_signal(ServiceState::StopSigterm, ended.result);
            }
        },
        [this](const OutOfMemory&) { out_of_memory(); },
        [this](const DeadlinePassed&) {
            enter_signal(
                failure_state(service().timeout_stop_failure_mode), ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, CgroupEmptied>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

/// A signal is on its way to all of it: which one, and what its end or its silence leads to, is all
/// in which these states differ.
void ServiceMachine::in_signal(
    const Happening& happening, Operation operation, Answer ended, Answer timed_out) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this, operation, ended](const Started&) {
            signal_processes(operation);
            (this->*ended)();
        },
        [this, ended](const Ended&) { (this->*ended)(); },
        [this, ended](const CgroupEmptied&) { (this->*ended)(); },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this, timed_out](const DeadlinePassed&) { (this->*timed_out)(); },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_stop_post(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this](const Ended& ended) {
            if (!ended.main && run_next(ended)) {
                return;
            }
            if (!process_left()) {
                enter_signal(ServiceState::FinalSigterm, ended.result);
            }
        },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this](const DeadlinePassed&) {
            enter_signal(
                final_failure_state(service().timeout_stop_failure_mode), ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, CgroupEmptied>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_failed(const Happening& happening) {
    match(happening)(
        [this](const StartRequested&) { start(); },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this](const Forget&) { forget(); },
        Ignored<StopRequested, ReloadRequested, Started, Ended, CgroupEmptied, DeadlinePassed>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_auto_restart(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) {
            status_.deadline.reset();
            status_.restarts_stale = !restarting_;
            enter(ServiceState::Dead);
        },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        // The engine sees the deadline gone and makes the restart a job.
        [this](const DeadlinePassed&) {
            if (record_.unit.load_state == LoadState::Loaded) {
                ++status_.restarts;
                ++status_.back_off;
            }
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, Ended, CgroupEmptied>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

}  // namespace hearth
