// SPDX-License-Identifier: MIT
#include "engine_invariants.hpp"

#include <fmt/format.h>

#include "units/transaction.hpp"
#include "units/unit_name.hpp"

namespace hearth::test {

namespace {

bool is_signalling(ServiceState state) {
    return state == ServiceState::StopWatchdog || state == ServiceState::FinalWatchdog ||
           state == ServiceState::StopSigterm || state == ServiceState::StopSigkill ||
           state == ServiceState::FinalSigterm || state == ServiceState::FinalSigkill;
}

/// What each state is waiting for; a state that waits for nothing would never be left.
bool waits_for_something(const UnitRecord& record) {
    const ServiceStatus& status = record.status;
    const bool launch = status.launch.has_value();
    const bool main = status.main_pid != 0;
    const bool control = status.control_pid != 0;
    const bool forking = status.type == ServiceType::Forking;
    const bool waits = status.searching || status.search_at;
    const bool populated = status.cgroup_populated;
    switch (status.state) {
        using enum ServiceState;
        case Dead:
        case Failed:
            return !launch && !main && !control && !status.deadline && !status.health_launch;
        case AutoRestart:
            return !launch && !main && !control;
        case Waiting:
            return false;  // of no service
        case Condition:
        case StartPre:
            return launch != control && !main;
        case Start:
            // After the starter of a forking service: its PID file is waited for.
            return forking ? !(launch && control) && (launch || control || waits || populated)
                           : launch != main && !control;
        case StartPost:
            return launch != control || (forking && (waits || populated));
        case Reload:
        case Stop:
            return launch != control;
        case Running:
        case ReloadSignal:
        case ReloadNotify:
            // `searching`: another main process may have taken over.
            return (main || populated || status.searching) && !launch && !control;
        case Exited:
            return !launch && !control && !main && !status.deadline;
        case StopPost:
            return launch || control || main;
        case StopWatchdog:
        case StopSigterm:
        case StopSigkill:
        case FinalWatchdog:
        case FinalSigterm:
        case FinalSigkill:
            return launch || main || control || populated || status.health_launch;
    }
    return false;
}

std::string broken_unit(const UnitRecord& record) {
    const ServiceStatus& status = record.status;
    if (!waits_for_something(record)) {
        return fmt::format(
            "state {} with launch={} main={} control={} populated={} deadline={}",
            name(status.state),
            status.launch.has_value(),
            status.main_pid,
            status.control_pid,
            status.cgroup_populated,
            status.deadline.has_value());
    }
    const bool finite = !record.unit.settings.service.timeout_stop.is_infinite();
    if (is_signalling(status.state) && finite && !status.deadline) {
        return fmt::format("state {} without a deadline", name(status.state));
    }
    const bool well =
        status.result == ServiceResult::Success || status.result == ServiceResult::ExecCondition;
    if (status.state == ServiceState::Failed && well) {
        return "failed with result " + std::string(name(status.result));
    }
    for (std::size_t kind = 0; kind < exec_kinds; ++kind) {
        if (status.history[kind].size() >
            commands(record.unit, static_cast<ExecKind>(kind)).size()) {
            return "more records than commands";
        }
    }
    return {};
}

/// Whether a job of a neighbour has to go first.
bool waits_for_its_turn(const World& world, const UnitRecord& record, const Job& job) {
    bool waits = false;
    world.for_each_dependency(
        record, [&](Relation relation, std::string_view name, DependencySource) {
            const UnitRecord* const other = world.find(name);
            if (other == nullptr || !other->job || other == &record) {
                return;
            }
            const JobType theirs = world.jobs.at(*other->job).type;
            waits = waits || (relation == Relation::Before && waits_although_before(theirs)) ||
                    (relation == Relation::After && waits_because_after(job.type));
        });
    return waits && job.state == JobState::Waiting;
}

std::string broken_job(const UnitRecord& record, const Job& job) {
    const ActiveState state = record.active_state();
    const bool at_rest = state == ActiveState::Inactive || state == ActiveState::Failed;
    const bool active = state == ActiveState::Active || state == ActiveState::Reloading;
    const auto bad = [&] {
        return fmt::format(
            "job {} {} while {}",
            name(job.type),
            job.state == JobState::Running ? "running" : "waiting",
            name(record.status.state));
    };
    const bool running = job.state == JobState::Running;
    switch (job.type) {
        using enum JobType;
        case Start:
            if (record.checking && running && at_rest) {
                return {};
            }
            if (active || at_rest) {
                return bad();
            }
            return !running && state == ActiveState::Activating && !record.status.deadline ? bad()
                                                                                           : "";
        case Stop:
        case Restart:
            return !running || state != ActiveState::Deactivating ? bad() : "";
        case Reload:
            if (running) {
                return state == ActiveState::Reloading || state == ActiveState::Deactivating
                           ? ""
                           : bad();
            }
            return state == ActiveState::Reloading ? "" : bad();
        case VerifyActive:
            return running || state != ActiveState::Activating ? bad() : "";
        case TryRestart:
        case ReloadOrStart:
            return bad();  // never installed: they become one of the others
    }
    return {};
}

}  // namespace

std::string broken_invariant(const World& world) {
    for (const auto& [name, record] : world.units) {
        const UnitType type = unit_type(name);
        std::string broken = type == UnitType::Service ? broken_unit(record) : std::string();
        if (!broken.empty()) {
            return name + ": " + broken;
        }
        if (!record.job) {
            continue;
        }
        const auto job = world.jobs.find(*record.job);
        if (job == world.jobs.end() || job->second.unit != name) {
            return name + ": its job is not in the queue";
        }
        const bool waits_for_device =
            type == UnitType::Device && job->second.state == JobState::Running;
        if (waits_for_device || waits_for_its_turn(world, record, job->second)) {
            continue;
        }
        if (broken = broken_job(record, job->second); !broken.empty()) {
            return name + ": " + broken;
        }
    }
    for (const auto& [id, job] : world.jobs) {
        const UnitRecord* record = world.find(job.unit);
        if (record == nullptr || record->job != id) {
            return fmt::format("job {} belongs to no unit", id);
        }
    }
    return {};
}

}  // namespace hearth::test
