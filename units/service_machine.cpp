// SPDX-License-Identifier: MIT
//
// What each state answers to each event: one function per state, one arm per event. An arm that
// does nothing is written down as Ignored<>; there is no catch-all.
#include "units/service_machine.hpp"

#include "units/engine_match.hpp"

namespace hearth {

namespace {

constexpr bool is_main(ExecKind kind) {
    return kind == ExecKind::Start;
}

}  // namespace

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
        case Stop:
            return in_stop(happening);
        case StopSigterm:
            return in_stop_sigterm(happening);
        case StopSigkill:
            return in_stop_sigkill(happening);
        case StopPost:
            return in_stop_post(happening);
        case FinalSigterm:
            return in_final_sigterm(happening);
        case FinalSigkill:
            return in_final_sigkill(happening);
        case Failed:
            return in_failed(happening);
        case AutoRestart:
            return in_auto_restart(happening);
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
            DeadlinePassed>{});
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
        [this](const OutOfMemory&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::OomKill);
        },
        [this](const DeadlinePassed&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, CgroupEmptied>{});
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
        [this](const OutOfMemory&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::OomKill);
        },
        [this](const DeadlinePassed&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, CgroupEmptied>{});
}

void ServiceMachine::in_start(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { stop_before_started(); },
        [this](const Started&) {
            if (service().type != ServiceType::Oneshot) {
                enter_start_post();
            }
        },
        [this](const Ended& ended) {
            if (service().type != ServiceType::Oneshot) {
                return enter_running(ended.result);  // an exec that failed; harmless only with '-'
            }
            if (ended.result != ServiceResult::Success) {
                return enter_signal(ServiceState::StopSigterm, ended.result);
            }
            if (!run_next(ended)) {
                enter_start_post();
            }
        },
        [this](const OutOfMemory&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::OomKill);
        },
        [this](const DeadlinePassed&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, CgroupEmptied>{});
}

void ServiceMachine::in_start_post(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { stop_before_started(); },
        [this](const Ended& ended) {
            if (is_main(ended.kind)) {
                if (status_.control_pid == 0 && !status_.launch) {
                    enter_stop(ended.result);
                }
                return;  // ExecStartPost= is waited for first
            }
            if (ended.result != ServiceResult::Success) {
                return enter_signal(ServiceState::StopSigterm, ended.result);
            }
            if (!run_next(ended)) {
                enter_running(ServiceResult::Success);
            }
        },
        [this](const OutOfMemory&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::OomKill);
        },
        [this](const DeadlinePassed&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, CgroupEmptied>{});
}

void ServiceMachine::in_running(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) {
            status_.stop_requested = true;
            enter_stop(ServiceResult::Success);
        },
        [this](const ReloadRequested&) { enter_reload(); },
        [this](const Ended& ended) {
            if (is_main(ended.kind)) {
                enter_running(ended.result);
            }
        },
        [this](const CgroupEmptied&) {
            // With a main process its exit status says more, and is on its way.
            if (status_.main_pid == 0) {
                enter_running(ServiceResult::Success);
            }
        },
        [this](const OutOfMemory&) { enter_stop(ServiceResult::OomKill); },
        [this](const DeadlinePassed&) {
            cause_ = "RuntimeMaxSec= is over";
            enter_stop(ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, Started>{});
}

void ServiceMachine::in_exited(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) {
            status_.stop_requested = true;
            enter_stop(ServiceResult::Success);
        },
        [this](const ReloadRequested&) { enter_reload(); },
        [this](const OutOfMemory&) { enter_stop(ServiceResult::OomKill); },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, Started, Ended, CgroupEmptied, DeadlinePassed>{});
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
            if (is_main(ended.kind)) {
                if (status_.control_pid == 0 && !status_.launch) {
                    enter_stop(ended.result);
                }
                return;  // ExecReload= is waited for first
            }
            const bool timed_out = status_.reload_result != ServiceResult::Success;
            if (timed_out || !run_next(ended)) {
                reload_ended(ended.result);
            }
        },
        [this](const OutOfMemory&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::OomKill);
        },
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
        Ignored<StartRequested, ReloadRequested, CgroupEmptied>{});
}

void ServiceMachine::in_stop(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this](const Ended& ended) {
            if (is_main(ended.kind)) {
                return;  // what ExecStop= is for; the command is waited for
            }
            if (!run_next(ended)) {
                enter_signal(ServiceState::StopSigterm, ended.result);
            }
        },
        [this](const OutOfMemory&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::OomKill);
        },
        [this](const DeadlinePassed&) {
            enter_signal(ServiceState::StopSigterm, ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, CgroupEmptied>{});
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
        [this](const DeadlinePassed&) {
            if (kill().send_kill || status_.launch) {
                enter_signal(ServiceState::StopSigkill, ServiceResult::Timeout);
            } else {
                tell(
                    Severity::Warning,
                    "processes survived the stop signal; SendSIGKILL=no spares them");
                enter_stop_post(ServiceResult::Timeout);
            }
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested>{});
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
        Ignored<StartRequested, ReloadRequested>{});
}

void ServiceMachine::in_stop_post(const Happening& happening) {
    match(happening)(
        [this](const StopRequested&) { status_.stop_requested = true; },
        [this](const Ended& ended) {
            if (!is_main(ended.kind) && run_next(ended)) {
                return;
            }
            if (!process_left()) {
                enter_signal(ServiceState::FinalSigterm, ended.result);
            }
        },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this](const DeadlinePassed&) {
            enter_signal(ServiceState::FinalSigterm, ServiceResult::Timeout);
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, CgroupEmptied>{});
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
        [this](const DeadlinePassed&) {
            if (kill().send_kill || status_.launch) {
                enter_signal(ServiceState::FinalSigkill, ServiceResult::Timeout);
            } else {
                tell(
                    Severity::Warning,
                    "processes survived the final stop signal; SendSIGKILL=no spares them");
                enter_dead(ServiceResult::Timeout, false);
            }
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested>{});
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
        Ignored<StartRequested, ReloadRequested>{});
}

void ServiceMachine::in_failed(const Happening& happening) {
    match(happening)(
        [this](const StartRequested&) { start(); },
        [this](const OutOfMemory&) { blame_out_of_memory(); },
        [this](const Forget&) { forget(); },
        Ignored<StopRequested, ReloadRequested, Started, Ended, CgroupEmptied, DeadlinePassed>{});
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
            }
        },
        [this](const Forget&) { forget(); },
        Ignored<StartRequested, ReloadRequested, Started, Ended, CgroupEmptied>{});
}

}  // namespace hearth
