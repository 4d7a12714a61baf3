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
        case StopSigterm:
        case StopSigkill:
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
        case Stop:
        case StopPost:
        case Failed:
        case AutoRestart:
            return false;
    }
    return false;
}

}  // namespace

ServiceMachine::ServiceMachine(
    UnitRecord& record, LaunchId& next_launch, bool restarting, Moment now, Outcome& outcome)
    : record_(record),
      status_(record.status),
      next_launch_(next_launch),
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
            dispatch(OutOfMemory{});
        },
        [this](const TimeElapsed&) {
            if (status_.deadline && *status_.deadline <= now_.monotonic) {
                cause_ = fmt::format("{} timed out", name(status_.state));
                status_.deadline.reset();
                dispatch(DeadlinePassed{});
            }
        },
        [this](const ResetFailed&) {
            cause_ = "reset-failed requested";
            dispatch(Forget{});
        });
}

void ServiceMachine::launched(const Launched& event) {
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
        return dispatch(Ended{kind, ServiceResult::Success});
    }
    status_.failure = event.message;
    if (event.pid == 0) {
        return no_process(event);
    }
    adopt(kind, event.pid, event.at);
    const ServiceType type = service().type;
    if (status_.state == ServiceState::Start &&
        (type == ServiceType::Simple || type == ServiceType::Idle)) {
        // systemd.service(5), Type=simple: started once the process exists, whatever becomes of it.
        cause_ = fmt::format("{}= runs as process {}", name(kind), event.pid);
        dispatch(Started{kind});
    }
    end_process(kind, event.pid, CLD_EXITED, event.exit_status, event.at);
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
    dispatch(Ended{kind, result});
}

void ServiceMachine::process_exited(const ProcessExited& event) {
    if (event.pid == 0) {
        return;
    }
    if (event.pid == status_.main_pid) {
        end_process(ExecKind::Start, event.pid, event.code, event.status, event.at);
    } else if (event.pid == status_.control_pid) {
        end_process(status_.control_kind, event.pid, event.code, event.status, event.at);
    }
}

void ServiceMachine::cgroup_changed(const CgroupChanged& event) {
    status_.cgroup_populated = event.populated;
    if (!event.populated) {
        cause_ = "its cgroup is empty";
        dispatch(CgroupEmptied{});
    }
}

// ---- records ------------------------------------------------------------------------------------

void ServiceMachine::adopt(ExecKind kind, int pid, Moment at) {
    const ProcessRecord record{pid, at, {}, 0, 0};
    if (kind == ExecKind::Start) {
        status_.main_pid = pid;
        status_.main = record;
    } else {
        status_.control_pid = pid;
        status_.control_kind = kind;
    }
    if (ProcessRecord* entry = history(kind, status_.command)) {
        *entry = record;
    }
}

void ServiceMachine::end_process(ExecKind kind, int pid, int code, int exit_status, Moment at) {
    const ServiceResult result = judge(kind, pid, code, exit_status);
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
    if (kind == ExecKind::Start) {
        status_.main_pid = 0;
        finish(status_.main);
        cause_ = "main process exited, " + describe_exit(code, exit_status);
    } else {
        status_.control_pid = 0;
        cause_ =
            fmt::format("{}= process exited, {}", name(kind), describe_exit(code, exit_status));
    }
    if (kind == ExecKind::Condition && result == ServiceResult::ExecCondition) {
        status_.condition_met = false;
    }
    if (kind != ExecKind::Reload || status_.state != ServiceState::Reload) {
        fail(result);
    }
    dispatch(Ended{kind, result});
}

/// The result of a process's end for the unit, `-` and ExecCondition='s codes included.
ServiceResult ServiceMachine::judge(ExecKind kind, int pid, int code, int exit_status) const {
    const bool daemon = kind == ExecKind::Start && main_is_daemon(record_.unit);
    const ServiceResult result = judge_exit(record_.unit, daemon, code, exit_status);
    if (result == ServiceResult::Success) {
        return result;
    }
    std::size_t index = status_.command;
    if (kind == ExecKind::Start) {
        // Beside a running main process, `command` counts the lines of a control command.
        const auto& records = status_.history[static_cast<std::size_t>(kind)];
        const auto found = std::ranges::find(records, pid, &ProcessRecord::pid);
        index = static_cast<std::size_t>(found - records.begin());
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
