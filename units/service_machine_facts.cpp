// SPDX-License-Identifier: MIT
//
// Bookkeeping: which launch and which process a fact is about, what is recorded of it, and which
// happening it is for the state. Facts about launches and processes that the unit doesn't know end
// here.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "units/engine_match.hpp"
#include "units/restart_policy.hpp"
#include "units/service_machine.hpp"

namespace hearth {

namespace {

/// systemd.service(5), ExecCondition=: from 1 to 254 is "not now", 255 is a failure.
constexpr int condition_failure = 255;

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

/// States that a launch was told to abort in: whatever became of it is no failure of its own.
bool aborts_launches(const ServiceStatus& status) {
    switch (status.state) {
        using enum ServiceState;
        case StopWatchdog:
        case StopSigterm:
        case StopSigkill:
        case FinalWatchdog:
        case FinalSigterm:
        case FinalSigkill:
            return true;
        case Reload:
            return status.reload_result != ServiceResult::Success;
        case Dead:
        case Condition:
        case StartPre:
        case Start:
        case StartPost:
        case Running:
        case Exited:
        case ReloadSignal:
        case ReloadNotify:
        case Stop:
        case StopPost:
        case Failed:
        case AutoRestart:
        case Waiting:
            return false;
    }
    return false;
}

}  // namespace

ServiceMachine::ServiceMachine(
    UnitRecord& record, World& world, bool restarting, Moment now, Outcome& outcome)
    : record_(record),
      status_(record.status),
      next_launch_(world.next_launch),
      random_(world.random),
      watchdogs_(world.service_watchdogs),
      restarting_(restarting),
      now_(now),
      outcome_(outcome) {}

void ServiceMachine::on(const ServiceEvent& event) {
    match(event)(
        [this](const StartRequested& request) {
            cause_ = status_.restarts != 0 && !status_.restarts_stale ? "automatic restart"
                                                                      : "start requested";
            dispatch(request);
        },
        [this](const StopRequested& request) {
            cause_ = restarting_ ? "restart requested" : "stop requested";
            if (restarting_ && status_.state == ServiceState::AutoRestart) {
                cause_ = fmt::format("restart due, restart counter is at {}", status_.restarts);
            }
            dispatch(request);
        },
        [this](const ReloadRequested& request) {
            cause_ = "reload requested";
            dispatch(request);
        },
        [this](const Launched& fact) { launched(fact); },
        [this](const LaunchFailed& fact) { launch_failed(fact); },
        [this](const ProcessExited& fact) { process_exited(fact); },
        [this](const CgroupChanged& fact) { cgroup_changed(fact); },
        [this](const OutOfMemoryKilled&) {
            cause_ = "the kernel's OOM killer ended one of its processes";
            if (service().oom_policy == OomPolicy::Continue) {
                return tell(Severity::Warning, cause_ + "; OOMPolicy=continue goes on");
            }
            dispatch(OutOfMemory{});
        },
        [this](const Notified& fact) { notified(fact); },
        [this](const MainProcessFound& fact) { main_searched(fact); },
        [this](const StoredDescriptorEnded& fact) { stored_descriptor_ended(fact); },
        [this](const BusNameChanged& fact) { bus_name_changed(fact); },
        [this](const TimeElapsed&) { time_elapsed(); },
        [this](const ResetFailed&) {
            cause_ = "reset-failed requested";
            dispatch(Forget{});
        });
}

/// Each deadline is asked anew: what an earlier one led to may have moved the later ones.
void ServiceMachine::time_elapsed() {
    const auto passed = [this](std::optional<std::uint64_t>& deadline) {
        if (!deadline || *deadline > now_.monotonic) {
            return false;
        }
        deadline.reset();
        return true;
    };
    if (passed(status_.deadline)) {
        cause_ = fmt::format("{} timed out", name(status_.state));
        dispatch(DeadlinePassed{});
    }
    if (passed(status_.watchdog_deadline) && watchdogs_) {
        cause_ = fmt::format(
            "no WATCHDOG=1 within {}, WatchdogSec=", format_timespan(watchdog(record_)));
        dispatch(WatchdogPassed{});
    }
    if (passed(status_.search_at) &&
        (status_.state == ServiceState::Start || status_.state == ServiceState::StartPost)) {
        find_main_process();
    }
    if (passed(status_.health_deadline)) {
        health_due();
    }
}

void ServiceMachine::launched(const Launched& event) {
    if (status_.health_launch == event.launch) {
        return health_launched(event);
    }
    if (status_.launch != event.launch) {
        return;
    }
    const ExecKind kind = status_.launch_kind;
    status_.launch.reset();
    status_.cgroup_populated = true;
    if (!event.invocation_id.empty()) {
        status_.invocation_id = event.invocation_id;
    }
    cause_ = fmt::format("{}= runs as process {}", name(kind), event.pid);
    adopt(kind, event.pid, event.at);
    dispatch(Started{kind});
}

void ServiceMachine::launch_failed(const LaunchFailed& event) {
    if (status_.health_launch == event.launch) {
        status_.health_launch.reset();
        status_.health_deadline.reset();
        return health_ended(false, first_line(event.message));
    }
    if (status_.launch != event.launch) {
        return;
    }
    const ExecKind kind = status_.launch_kind;
    const bool aborted = aborts_launches(status_);
    status_.launch.reset();
    if (!event.invocation_id.empty()) {
        status_.invocation_id = event.invocation_id;
    }
    if (aborted) {
        cause_ = fmt::format("the launch of {}= was aborted", name(kind));
        return dispatch(Ended{kind, ServiceResult::Success, is_main(kind)});
    }
    status_.failure = event.message;
    if (event.pid == 0) {
        return no_process(event);
    }
    const bool main = adopt(kind, event.pid, event.at);
    const ServiceType type = status_.type;
    if (status_.state == ServiceState::Start &&
        (type == ServiceType::Simple || type == ServiceType::Idle)) {
        // systemd.service(5), Type=simple: started once the process exists, whatever becomes of it.
        cause_ = fmt::format("{}= runs as process {}", name(kind), event.pid);
        dispatch(Started{kind});
    }
    end_process(
        kind, main, event.pid, CLD_EXITED, event.exit_status, event.at, first_line(event.message));
}

/// Refused, or no process could be made. A `-` before the command says that its failure is
/// harmless, not that it may run less confined or not at all.
void ServiceMachine::no_process(const LaunchFailed& event) {
    const ExecKind kind = status_.launch_kind;
    const ServiceResult result = event.refused ? ServiceResult::ExitCode : ServiceResult::Resources;
    const bool starting = kind == ExecKind::Condition || kind == ExecKind::StartPre ||
                          kind == ExecKind::Start || kind == ExecKind::StartPost;
    if (event.refused && starting) {
        status_.refused = true;
    }
    const ProcessRecord record{0, {}, event.at, CLD_EXITED, event.exit_status};
    if (kind == ExecKind::Start) {
        status_.main = record;
    }
    if (ProcessRecord* entry = history(kind, status_.command)) {
        *entry = record;
    }
    if (status_.state != ServiceState::Reload) {
        fail(result);
    }
    cause_ = fmt::format(
        "{}= was {}: {}",
        name(kind),
        event.refused ? "refused" : "not launched",
        first_line(event.message));
    dispatch(Ended{kind, result, is_main(kind)});
}

void ServiceMachine::process_exited(const ProcessExited& event) {
    if (event.pid == 0) {
        return;
    }
    if (event.pid == status_.main_pid) {
        end_process(ExecKind::Start, true, event.pid, event.code, event.status, event.at);
    } else if (event.pid == status_.control_pid) {
        end_process(status_.control_kind, false, event.pid, event.code, event.status, event.at);
    } else if (event.pid == status_.health_pid) {
        status_.health_pid = 0;
        status_.health_deadline.reset();
        const bool well = event.code == CLD_EXITED && event.status == 0 && !status_.health_late;
        health_ended(
            well, status_.health_late ? "timed out" : describe_exit(event.code, event.status));
    }
}

void ServiceMachine::cgroup_changed(const CgroupChanged& event) {
    status_.cgroup_populated = event.populated;
    if (!event.populated) {
        cause_ = "none of its processes is left";
        dispatch(CgroupEmptied{});
    }
}

// ---- records ------------------------------------------------------------------------------------

/// True: as the main process. The starter of a forking service is a control process.
bool ServiceMachine::adopt(ExecKind kind, int pid, Moment at) {
    const ProcessRecord record{pid, at, {}, 0, 0};
    const bool main = is_main(kind);
    if (main) {
        status_.main_pid = pid;
        status_.main_known = true;
        status_.main = record;
    } else {
        status_.control_pid = pid;
        status_.control_kind = kind;
    }
    if (ProcessRecord* entry = history(kind, status_.command)) {
        *entry = record;
    }
    return main;
}

void ServiceMachine::end_process(
    ExecKind kind,
    bool main,
    int pid,
    int code,
    int exit_status,
    Moment at,
    const std::string& why) {
    const ServiceResult result = judge(kind, main, pid, code, exit_status);
    const std::string end =
        describe_exit(code, exit_status) + (why.empty() ? std::string() : ": " + why);
    const auto finish = [&](ProcessRecord& record) {
        record.exited = at;
        record.code = code;
        record.status = exit_status;
    };
    for (ProcessRecord& record : status_.history[static_cast<std::size_t>(kind)]) {
        if (record.pid == pid && record.code == 0) {
            finish(record);
        }
    }
    if (main) {
        status_.main_pid = 0;
        finish(status_.main);
        cause_ = "main process exited, " + end;
        if (may_have_moved()) {
            status_.moving = result;
            return find_main_process();
        }
    } else {
        status_.control_pid = 0;
        cause_ = fmt::format("{}= process exited, {}", name(kind), end);
    }
    if (kind == ExecKind::Condition && result == ServiceResult::ExecCondition) {
        status_.condition_met = false;
    }
    if (kind != ExecKind::Reload || status_.state != ServiceState::Reload) {
        fail(result);
    }
    dispatch(Ended{kind, result, main});
}

/// The result of a process's end for the unit, `-` and ExecCondition='s codes included.
ServiceResult ServiceMachine::judge(
    ExecKind kind, bool main, int pid, int code, int exit_status) const {
    const bool daemon = kind == ExecKind::Start && main_is_daemon(record_.unit);
    const ServiceResult result = judge_exit(record_.unit, daemon, code, exit_status);
    if (result == ServiceResult::Success) {
        return result;
    }
    std::size_t index = status_.command;
    if (main) {
        // Beside a running main process, `command` counts the lines of a control command.
        const auto& records = status_.history[static_cast<std::size_t>(kind)];
        const auto found = std::ranges::find(records, pid, &ProcessRecord::pid);
        index = status_.type == ServiceType::Forking
                    ? 0  // the starter's `-` speaks for what it left running
                    : static_cast<std::size_t>(found - records.begin());
    }
    if (failure_ignored(kind, index)) {
        return ServiceResult::Success;
    }
    if (kind == ExecKind::Condition && status_.state == ServiceState::Condition &&
        result == ServiceResult::ExitCode && exit_status < condition_failure) {
        return ServiceResult::ExecCondition;
    }
    return result;
}

bool ServiceMachine::failure_ignored(ExecKind kind, std::size_t index) const {
    const CommandLines& lines = commands(record_.unit, kind);
    return index < lines.size() && lines[index].ignore_failure;
}

/// The record of a command, or null if the list is shorter by now.
ProcessRecord* ServiceMachine::history(ExecKind kind, std::size_t index) {
    auto& records = status_.history[static_cast<std::size_t>(kind)];
    if (index >= commands(record_.unit, kind).size()) {
        return nullptr;
    }
    records.resize(commands(record_.unit, kind).size());
    return &records[index];
}

}  // namespace hearth
