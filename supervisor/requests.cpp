// SPDX-License-Identifier: MIT
//
// hearth's own verbs on the Control interface: attach and confinement.
#include <unistd.h>

#include "supervisor/report/report.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth {

namespace {

Unexpected<RequestError> not_running(const std::string& unit) {
    return Unexpected(RequestError{"NoSuchProcess", unit + " has no main process; start it first"});
}

}  // namespace

void Supervisor::attach(
    AttachRequest request,
    std::function<void(Result<AttachSession, RequestError>)> started,
    std::function<void(std::uint64_t, AttachExit)> ended) {
    const auto record = load(request.unit);
    if (!record) {
        started(Unexpected(record.error()));
        return;
    }
    if (request.level == AttachRequest::Level::Fresh) {
        attach_fresh(std::move(request), std::move(started), std::move(ended));
        return;
    }
    const auto live = live_.find(request.unit);
    const pid_t main = (*record)->status.main_pid;
    if (main == 0 || live == live_.end() || !live->second.main_plan ||
        !live->second.processes.contains(main)) {
        started(not_running(request.unit));
        return;
    }
    if (request.stdio.size() != 3) {
        started(Unexpected(RequestError{
            "org.freedesktop.DBus.Error.InvalidArgs", "attach needs three descriptors"}));
        return;
    }
    auto pidfd = sys::duplicate(live->second.processes.at(main).pidfd.number());
    if (!pidfd) {
        started(Unexpected(RequestError{"AttachFailed", pidfd.error().what}));
        return;
    }
    AttachSessions::Target target;
    target.main_pid = main;
    target.pidfd = std::move(*pidfd);
    target.plan = *live->second.main_plan;
    target.cgroup = cgroup_of(request.unit);
    target.capabilities = facts_.snapshot().capabilities;
    const TasksLimit& tasks = (*record)->unit.settings.resources.tasks_max;
    if (tasks.count && *tasks.count != UINT64_MAX) {
        target.tasks_limit = std::to_string(*tasks.count);
    }
    attach_->start(
        std::move(request),
        std::move(target),
        *worker_,
        *launchers_,
        std::move(started),
        std::move(ended));
}

void Supervisor::end_attach(std::uint64_t session) {
    attach_->end(session);
}

void Supervisor::signal_attach(std::uint64_t session, int signal) {
    attach_->signal(session, signal);
}

void Supervisor::add_companion(report::Question& question, const std::string& unit) {
    const auto record = world_.units.find(unit);
    const auto live = live_.find(unit);
    if (record == world_.units.end() || live == live_.end()) {
        return;
    }
    const auto process = live->second.processes.find(record->second.status.main_pid);
    if (process == live->second.processes.end()) {
        return;
    }
    if (auto pidfd = sys::duplicate(process->second.pidfd.number())) {
        question.companions.push_back({record->second.unit, process->first, std::move(*pidfd)});
    }
}

Result<report::Question, RequestError> Supervisor::question(const std::string& unit) {
    const UnitRecord* const record = HEARTH_TRY(load(unit));
    const auto live = live_.find(unit);
    const pid_t main = record->status.main_pid;
    if (main == 0 || live == live_.end() || !live->second.main_plan ||
        !live->second.processes.contains(main)) {
        return not_running(unit);
    }
    auto pidfd = sys::duplicate(live->second.processes.at(main).pidfd.number());
    if (!pidfd) {
        return Unexpected(RequestError{"Failed", pidfd.error().what});
    }
    report::Question asked;
    asked.unit = record->unit;
    asked.plan = *live->second.main_plan;
    asked.shortfalls = live->second.main_shortfalls;
    if (live->second.main_unit && live->second.main_unit->settings != record->unit.settings) {
        asked.launched = live->second.main_unit;
    }
    asked.host = facts_.snapshot();
    asked.main_pid = main;
    asked.pidfd = std::move(*pidfd);
    asked.cgroup = cgroup_of(unit);
    for (const std::string& name : record->unit.settings.namespaces.joins_namespace_of.names) {
        add_companion(asked, name);
    }
    return asked;
}

void Supervisor::confinement(
    const std::string& unit, std::function<void(Result<std::string, RequestError>)> done) {
    auto asked = question(unit);
    if (!asked) {
        done(Unexpected(asked.error()));
        return;
    }
    // The kernel's view is read on the worker: a process may make its own /proc entries slow to
    // read.
    struct Examination {
        report::Question question;
        std::string answer;
    };
    auto job = std::make_shared<Examination>(Examination{std::move(*asked), {}});
    worker_->run(
        [this, job] {
            job->answer = report::to_json(report::examine(job->question, tree_, &filter_memory_));
        },
        [job, done] { done(std::move(job->answer)); });
}

}  // namespace hearth
