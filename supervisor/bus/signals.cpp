// SPDX-License-Identifier: MIT
//
// Outcomes to signals. They are collected while the World changes and told from a deferred source,
// so a reply is always queued before the JobRemoved of its job, and a unit that changed five times
// in one iteration is announced once.
#include <utility>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/object_path.hpp"

namespace hearth::bus {

namespace {

/// Errors of sending are the client's loss (-ENOBUFS, -ECONNRESET ...): its disconnect tells the
/// rest.
template <class... Arguments>
void emit(Connection& connection, const char* member, const char* types, Arguments... arguments) {
    (void)sd_bus_emit_signal(
        connection.bus.get(), manager_path, manager_interface, member, types, arguments...);
}

void emit_job(Connection& connection, const JobChange& change) {
    const std::string path = job_path(change.job.id);
    const std::string unit = sendable(change.job.unit);
    if (change.what == JobChange::What::Queued) {
        emit(connection, "JobNew", "uos", change.job.id, path.c_str(), unit.c_str());
    } else if (change.what == JobChange::What::Removed) {
        const std::string result(name(change.result));
        emit(
            connection,
            "JobRemoved",
            "uoss",
            change.job.id,
            path.c_str(),
            unit.c_str(),
            result.c_str());
    }
}

}  // namespace

void BusServer::Core::happened(const Outcome& outcome) {
    live_of = nullptr;
    for (const Transition& transition : outcome.transitions) {
        changed_units.insert(transition.unit);
    }
    for (const JobChange& change : outcome.jobs) {
        changed_units.insert(change.job.unit);  // property Job
        job_changes.push_back(change);
    }
    if (!outcome.transitions.empty() || !outcome.jobs.empty()) {
        units_may_have_changed();
    }
}

void BusServer::Core::units_may_have_changed() {
    compare_units = true;
    teller.trigger();
}

void BusServer::Core::units_reloading(bool active) {
    live_of = nullptr;
    units_may_have_changed();
    for (auto& [id, connection] : connections) {
        connection->unit = nullptr;
        if (connection->listens()) {
            emit(*connection, "Reloading", "b", active ? 1 : 0);
        }
    }
}

void BusServer::Core::unit_files_changed() {
    for (auto& [id, connection] : connections) {
        if (connection->listens()) {
            emit(*connection, "UnitFilesChanged", "");
        }
    }
}

/// Which units have come and gone since this was asked last.
void BusServer::Core::compare(std::vector<std::string>& added, std::vector<std::string>& removed) {
    const auto& units = control.world().units;
    for (const auto& [name, record] : units) {
        if (known_units.insert(name).second) {
            added.push_back(name);
        }
    }
    std::erase_if(known_units, [&](const std::string& name) {
        return !units.contains(name) && (removed.push_back(name), true);
    });
}

void BusServer::Core::tell() {
    const std::vector<JobChange> jobs = std::exchange(job_changes, {});
    const std::set<std::string> changed = std::exchange(changed_units, {});
    std::vector<std::string> added, removed;
    if (std::exchange(compare_units, false)) {
        compare(added, removed);
    }
    live_of = nullptr;
    for (auto& [id, connection] : connections) {
        if (!connection->listens()) {
            continue;
        }
        if (overfull(*connection)) {
            doom(*connection);
            continue;
        }
        for (const std::string& unit : added) {
            emit(*connection, "UnitNew", "so", sendable(unit).c_str(), unit_path(unit).c_str());
        }
        for (const JobChange& job : jobs) {
            if (job.what == JobChange::What::Queued) {
                emit_job(*connection, job);
            }
        }
        for (const std::string& unit : changed) {
            emit_unit_changed(*connection, unit);
        }
        for (const JobChange& job : jobs) {
            if (job.what == JobChange::What::Removed) {
                emit_job(*connection, job);
            }
        }
        for (const std::string& unit : removed) {
            emit(*connection, "UnitRemoved", "so", sendable(unit).c_str(), unit_path(unit).c_str());
        }
    }
}

}  // namespace hearth::bus
