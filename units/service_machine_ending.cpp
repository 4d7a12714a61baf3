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

void ServiceMachine::in_stop_watchdog(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this](const Started&) {
            signal_processes(Operation::Abort);
            stop_signal_ended();
        },
        [this](const Ended&) { stop_signal_ended(); },
        [this](const CgroupEmptied&) { stop_signal_ended(); },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this](const DeadlinePassed&) { stop_signal_timed_out(); },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_stop_sigterm(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this](const Started&) {
            signal_processes(Operation::Terminate);
            stop_signal_ended();
        },
        [this](const Ended&) { stop_signal_ended(); },
        [this](const CgroupEmptied&) { stop_signal_ended(); },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this](const DeadlinePassed&) { stop_signal_timed_out(); },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_stop_sigkill(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this](const Started&) {
            signal_processes(Operation::Kill);
            stop_signal_ended();
        },
        [this](const Ended&) { stop_signal_ended(); },
        [this](const CgroupEmptied&) { stop_signal_ended(); },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this](const DeadlinePassed&) {
            if (status_.launch) {
                return enter_signal(ServiceState::StopSigkill, ServiceResult::Timeout);
            }
            tell(
                Severity::Warning,
                "processes are still there after SIGKILL; going on without them");
            enter_stop_post(ServiceResult::Timeout);
        },
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

void ServiceMachine::in_final_watchdog(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this](const Started&) {
            signal_processes(Operation::Abort);
            final_signal_ended();
        },
        [this](const Ended&) { final_signal_ended(); },
        [this](const CgroupEmptied&) { final_signal_ended(); },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this](const DeadlinePassed&) { final_signal_timed_out(); },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_final_sigterm(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this](const Started&) {
            signal_processes(Operation::Terminate);
            final_signal_ended();
        },
        [this](const Ended&) { final_signal_ended(); },
        [this](const CgroupEmptied&) { final_signal_ended(); },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this](const DeadlinePassed&) { final_signal_timed_out(); },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_final_sigkill(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this](const Started&) {
            signal_processes(Operation::Kill);
            final_signal_ended();
        },
        [this](const Ended&) { final_signal_ended(); },
        [this](const CgroupEmptied&) { final_signal_ended(); },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this](const DeadlinePassed&) {
            if (status_.launch) {
                return enter_signal(ServiceState::FinalSigkill, ServiceResult::Timeout);
            }
            tell(Severity::Error, "processes are still there after the final SIGKILL");
            enter_dead(ServiceResult::Timeout, true);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested>{},
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
