// SPDX-License-Identifier: MIT
//
// What each state answers to each event: one function per state, one arm per event. An arm that
// does nothing is written down as Ignored<>; there is no catch-all.
#include "units/service_machine.hpp"

#include "units/engine_match.hpp"
#include "units/restart_policy.hpp"

namespace hearth {

// The table of states.  NOLINTNEXTLINE(readability-function-size)
void ServiceMachine::dispatch(const Happening& happening) {
    switch (status_.state) {
        using enum ServiceState;
        case Dead:
            return in_dead(happening);
        case Condition:
            return in_condition(happening);
        case StartPre:
            return in_start_pre(happening);
        case Start:
            return in_start(happening);
        case StartPost:
            return in_start_post(happening);
        case Running:
            return in_running(happening);
        case Exited:
            return in_exited(happening);
        case Reload:
            return in_reload(happening);
        case ReloadSignal:
            return in_reload_signal(happening);
        case ReloadNotify:
            return in_reload_notify(happening);
        case Stop:
            return in_stop(happening);
        case StopWatchdog:
            return in_signal(
                happening,
                Operation::Abort,
                &ServiceMachine::stop_signal_ended,
                &ServiceMachine::stop_signal_timed_out);
        case StopSigterm:
            return in_signal(
                happening,
                Operation::Terminate,
                &ServiceMachine::stop_signal_ended,
                &ServiceMachine::stop_signal_timed_out);
        case StopSigkill:
            return in_signal(
                happening,
                Operation::Kill,
                &ServiceMachine::stop_signal_ended,
                &ServiceMachine::stop_kill_timed_out);
        case StopPost:
            return in_stop_post(happening);
        case FinalWatchdog:
            return in_signal(
                happening,
                Operation::Abort,
                &ServiceMachine::final_signal_ended,
                &ServiceMachine::final_signal_timed_out);
        case FinalSigterm:
            return in_signal(
                happening,
                Operation::Terminate,
                &ServiceMachine::final_signal_ended,
                &ServiceMachine::final_signal_timed_out);
        case FinalSigkill:
            return in_signal(
                happening,
                Operation::Kill,
                &ServiceMachine::final_signal_ended,
                &ServiceMachine::final_kill_timed_out);
        case Failed:
            return in_failed(happening);
        case AutoRestart:
            return in_auto_restart(happening);
        case Waiting:
            return;  // no service waits
    }
}

void ServiceMachine::in_dead(const Happening& happening) {
    match(happening)(
        [this](const StartRequested&) { start(); },
        [this](const Forget&) { forget(); },
        Ignored<
            StopRequested,
            ReloadRequested,
            Started,
            Ended,
            CgroupEmptied,
            OutOfMemory,
            DeadlinePassed>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_condition(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { stop_before_started(); },
        [this](const Ended& ended) {
            if (ended.result != ServiceResult::Success) {
                return enter_signal(ServiceState::StopSigterm, ended.result);
            }
            end_forked_processes();
            if (!run_next(ended)) {
                enter_start_pre();
            }
        },
        [this](const OutOfMemory&) { out_of_memory(); },
        [this](const DeadlinePassed&) {
            enter_signal(
                failure_state(service().timeout_start_failure_mode), ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, CgroupEmptied>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_start_pre(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { stop_before_started(); },
        [this](const Ended& ended) {
            if (ended.result != ServiceResult::Success) {
                return enter_signal(ServiceState::StopSigterm, ended.result);
            }
            end_forked_processes();
            if (!run_next(ended)) {
                enter_start();
            }
        },
        [this](const OutOfMemory&) { out_of_memory(); },
        [this](const DeadlinePassed&) {
            enter_signal(
                failure_state(service().timeout_start_failure_mode), ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, CgroupEmptied>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_start(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { stop_before_started(); },
        [this](const Started&) {
            if (starts_with_process(status_.type)) {
                enter_start_post();
            }
        },
        [this](const Ended& ended) { start_ended(ended); },
        [this](const Ready&) {
            // A forking service is started when its starter has exited, whatever it says before.
            if (notifies(status_.type) || status_.type == ServiceType::Dbus) {
                enter_start_post();
            }
        },
        [this](const MainSearched& searched) { main_found_in_start(searched); },
        [this](const CgroupEmptied&) { main_never_came(); },
        [this](const OutOfMemory&) { out_of_memory(); },
        [this](const DeadlinePassed&) {
            enter_signal(
                failure_state(service().timeout_start_failure_mode), ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<
            StartRequested,
            ReloadRequested,
            Reloading,
            Stopping,
            WatchdogPassed,
            BusNameLost>{});
}

void ServiceMachine::in_start_post(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { stop_before_started(); },
        [this](const Ended& ended) {
            if (ended.main) {
                if (status_.control_pid == 0 && !status_.launch) {
                    enter_stop(ended.result);
                }
                return;  // ExecStartPost= is waited for first
            }
            if (ended.result != ServiceResult::Success) {
                return enter_signal(ServiceState::StopSigterm, ended.result);
            }
            if (!run_next(ended)) {
                started_up();
            }
        },
        [this](const OutOfMemory&) { out_of_memory(); },
        [this](const DeadlinePassed&) {
            enter_signal(
                failure_state(service().timeout_start_failure_mode), ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        [this](const MainSearched& searched) { main_found_in_start(searched); },
        [this](const CgroupEmptied&) { main_never_came(); },
        [this](const WatchdogPassed&) {
            enter_signal(ServiceState::StopWatchdog, ServiceResult::Watchdog);
        },
        Ignored<
            StartRequested,
            ReloadRequested,
            Started,
            Ready,
            Reloading,
            Stopping,
            BusNameLost>{});
}

void ServiceMachine::in_running(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) {
            status_.stop_requested = true;
            enter_stop(ServiceResult::Success);
        },
        [this](const ReloadRequested&) { enter_reload(); },
        [this](const Ended& ended) {
            if (ended.main) {
                enter_running(ended.result);
            }
        },
        [this](const CgroupEmptied&) {
            // With a main process its exit status says more, and is on its way; so is the answer
            // whether another one has taken over.
            if (status_.main_pid == 0 && !status_.moving) {
                enter_running(ServiceResult::Success);
            }
        },
        [this](const OutOfMemory&) { out_of_memory(); },
        [this](const DeadlinePassed&) {
            cause_ = "RuntimeMaxSec= is over";
            enter_stop(ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        [this](const Reloading&) { enter_reload_notify(); },
        [this](const Stopping&) { enter_stop_by_notify(); },
        [this](const WatchdogPassed&) {
            enter_signal(ServiceState::StopWatchdog, ServiceResult::Watchdog);
        },
        [this](const BusNameLost&) { enter_running(ServiceResult::Success); },
        Ignored<StartRequested, Started, Ready, MainSearched>{});
}

void ServiceMachine::in_exited(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) {
            status_.stop_requested = true;
            enter_stop(ServiceResult::Success);
        },
        [this](const ReloadRequested&) { enter_reload(); },
        [this](const OutOfMemory&) { out_of_memory(); },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, Started, Ended, CgroupEmptied, DeadlinePassed>{},
        Ignored<Ready, Reloading, Stopping, MainSearched, WatchdogPassed, BusNameLost>{});
}

void ServiceMachine::in_reload(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { stop_before_started(); },
        [this](const Started&) {
            if (status_.reload_result != ServiceResult::Success) {
                kill_control_process();  // its time was up while the launch was in flight
                arm(service().timeout_stop);
            }
        },
        [this](const Ended& ended) {
            if (ended.main) {
                if (status_.control_pid == 0 && !status_.launch) {
                    enter_stop(ended.result);
                }
                return;  // ExecReload= is waited for first
            }
            const bool timed_out = status_.reload_result != ServiceResult::Success;
            if (timed_out || !run_next(ended)) {
                reload_command_ended(ended.result);
            }
        },
        [this](const OutOfMemory&) { out_of_memory(); },
        [this](const DeadlinePassed&) {
            const bool again = status_.reload_result != ServiceResult::Success;
            status_.reload_result = ServiceResult::Timeout;
            if (status_.launch) {
                outcome_.actions.emplace_back(AbortLaunch{record_.unit.name, *status_.launch});
                arm(service().timeout_stop);
            } else if (!again) {
                tell(Severity::Warning, "reload timed out; killing the reload process");
                kill_control_process();
                arm(service().timeout_stop);
            } else {
                tell(Severity::Warning, "the reload process survived SIGKILL; going on without it");
                reload_ended(ServiceResult::Timeout);
            }
        },
        [this](const Forget&) { forget(); },
        [this](const WatchdogPassed&) {
            enter_signal(ServiceState::StopWatchdog, ServiceResult::Watchdog);
        },
        Ignored<
            StartRequested,
            ReloadRequested,
            CgroupEmptied,
            Ready,
            Reloading,
            Stopping,
            MainSearched,
            BusNameLost>{});
}

void ServiceMachine::in_reload_signal(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) {
            status_.stop_requested = true;
            enter_stop(ServiceResult::Success);
        },
        [this](const Ended& ended) {
            if (ended.main) {
                enter_running(ended.result);
            }
        },
        [this](const Reloading& reloading) {
            if (reloading.fresh) {
                enter_reload_notify();
            }
        },
        [this](const Stopping&) { enter_stop_by_notify(); },
        [this](const OutOfMemory&) { out_of_memory(); },
        [this](const DeadlinePassed&) { reload_ended(ServiceResult::Timeout); },
        [this](const WatchdogPassed&) {
            enter_signal(ServiceState::StopWatchdog, ServiceResult::Watchdog);
        },
        [this](const CgroupEmptied&) { reload_left_alone(); },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, Ready, MainSearched, BusNameLost>{});
}

void ServiceMachine::in_reload_notify(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) {
            status_.stop_requested = true;
            enter_stop(ServiceResult::Success);
        },
        [this](const Ended& ended) {
            if (ended.main) {
                enter_running(ended.result);
            }
        },
        [this](const Ready&) { reload_ended(ServiceResult::Success); },
        [this](const Stopping&) { enter_stop_by_notify(); },
        [this](const OutOfMemory&) { out_of_memory(); },
        [this](const DeadlinePassed&) { reload_ended(ServiceResult::Timeout); },
        [this](const WatchdogPassed&) {
            enter_signal(ServiceState::StopWatchdog, ServiceResult::Watchdog);
        },
        [this](const CgroupEmptied&) { reload_left_alone(); },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, Reloading, MainSearched, BusNameLost>{});
}

}  // namespace hearth
