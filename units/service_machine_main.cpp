// SPDX-License-Identifier: MIT
//
// The main process: when a start is over, and how the main process of a forking service is found,
// by PIDFile= or by guessing. Looking is the supervisor's (FindMainProcess, answered by
// MainProcessFound); what the answer means is decided here.
#include <fmt/format.h>

#include "units/restart_policy.hpp"
#include "units/service_machine.hpp"

namespace hearth {

namespace {

/// How often a PID file that isn't there yet is looked for.
constexpr Timespan search_interval = Timespan::milliseconds(50);

}  // namespace

/// The starter of a forking service is a control process.
bool ServiceMachine::is_main(ExecKind kind) const {
    return kind == ExecKind::Start && status_.type != ServiceType::Forking;
}

/// Whether the service goes on: by its main process, or by anything in its cgroup where that
/// counts; and by its name on the bus where that is what it is there for.
bool ServiceMachine::alive() const {
    if (status_.type == ServiceType::Dbus && !status_.bus_name_owned) {
        return false;
    }
    const bool unknown = status_.type == ServiceType::Forking && !status_.main_known;
    const bool cgroup_counts = unknown || service().exit_type == ExitType::Cgroup;
    return status_.main_pid != 0 || (cgroup_counts && status_.cgroup_populated);
}

/// A PID file is the only way to know the main process, and it must come.
bool ServiceMachine::waits_for_pid_file() const {
    return status_.type == ServiceType::Forking && !service().pid_file.empty();
}

/// ExecStart= ended, or its process, before the start was over.
void ServiceMachine::start_ended(const Ended& ended) {
    const bool well = ended.result == ServiceResult::Success;
    switch (status_.type) {
        case ServiceType::Simple:
        case ServiceType::Exec:
        case ServiceType::Idle:
            return enter_running(ended.result);  // an exec that failed; harmless only with '-'
        case ServiceType::Oneshot:
            if (well && !run_next(ended)) {
                enter_start_post();
            } else if (!well) {
                enter_signal(ServiceState::StopSigterm, ended.result);
            }
            return;
        case ServiceType::Forking:
            return well ? find_main_process()
                        : enter_signal(ServiceState::StopSigterm, ended.result);
        case ServiceType::Dbus:
        case ServiceType::Notify:
        case ServiceType::NotifyReload:
            break;
    }
    if (well) {
        cause_ += status_.type == ServiceType::Dbus ? ", before BusName= was there"
                                                    : ", before it said READY=1";
        status_.failure = cause_;
    }
    enter_signal(ServiceState::StopSigterm, well ? ServiceResult::Protocol : ended.result);
}

void ServiceMachine::find_main_process() {
    if (service().pid_file.empty() && !service().guess_main_pid) {
        return main_found_in_start(MainSearched{false});
    }
    status_.searching = true;
    outcome_.actions.emplace_back(FindMainProcess{record_.unit.name});
}

void ServiceMachine::main_searched(const MainProcessFound& event) {
    if (!status_.searching) {
        return;
    }
    status_.searching = false;
    if (event.pid != 0 && event.pid != status_.main_pid) {
        cause_ = fmt::format(
            "main process is {}, {}",
            event.pid,
            service().pid_file.empty() ? "guessed" : "by PIDFile=");
        set_main(event.pid);
    } else if (
        event.pid == 0 && !event.why.empty() && event.why != status_.failure && !status_.moving) {
        status_.failure = event.why;
        tell(Severity::Warning, event.why);
    }
    if (status_.moving) {
        const ServiceResult result = *status_.moving;
        status_.moving.reset();
        if (event.pid != 0) {
            return;  // it goes on as another process
        }
        fail(result);
        cause_ = "main process exited, " + describe_exit(status_.main.code, status_.main.status);
        return dispatch(Ended{ExecKind::Start, result, true});
    }
    dispatch(MainSearched{event.pid != 0});
}

/// Its end may be the old process's, after a new one has taken over: the PID file tells.
bool ServiceMachine::may_have_moved() const {
    return waits_for_pid_file() && status_.state == ServiceState::Running;
}

/// In `start`, when ExecStart= has exited; in `start-post`, after ExecStartPost=.
void ServiceMachine::main_found_in_start(const MainSearched& searched) {
    if (status_.control_pid != 0 || status_.launch) {
        return;  // ExecStartPost= is waited for first
    }
    const bool in_start = status_.state == ServiceState::Start;
    if (searched.found) {
        status_.failure.clear();
    } else if (waits_for_pid_file() && !(in_start && !service().exec_start_post.empty())) {
        if (!status_.cgroup_populated) {
            return main_never_came();
        }
        status_.search_at = now_.monotonic + search_interval.microseconds;
        return;
    }
    in_start ? enter_start_post() : enter_running(ServiceResult::Success);
}

/// The commands of `start-post` are done; the PID file may have been theirs to write.
void ServiceMachine::started_up() {
    if (waits_for_pid_file() && !status_.main_known) {
        status_.control_pid = 0;
        return find_main_process();
    }
    enter_running(ServiceResult::Success);
}

/// The cgroup is empty while a PID file is waited for: nobody is left to write it.
void ServiceMachine::main_never_came() {
    const bool waiting = waits_for_pid_file() && !status_.main_known && status_.control_pid == 0 &&
                         !status_.launch && !status_.searching;
    if (waiting) {
        cause_ = "all processes ended and PIDFile= names none of them";
        status_.search_at.reset();
        enter_signal(ServiceState::StopSigterm, ServiceResult::Protocol);
    }
}

/// What was the main process till now goes on as one of the others.
void ServiceMachine::set_main(int pid) {
    status_.main_pid = pid;
    status_.main_known = true;
    status_.main = ProcessRecord{pid, now_, {}, 0, 0};
    outcome_.actions.emplace_back(WatchProcess{record_.unit.name, pid});
}

}  // namespace hearth
