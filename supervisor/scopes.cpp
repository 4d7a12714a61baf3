// SPDX-License-Identifier: MIT
//
// Scopes: processes that others started are moved into a cgroup of the unit's. This is the one
// place where hearthd writes a pid to a cgroup.procs for more than a change of limits: they exist
// already, so they can't be born there. It may take the kernel some milliseconds, so the worker
// does it.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "supervisor/cgroup/bpf.hpp"
#include "supervisor/launch/cgroup_limits.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

RequestError invalid(std::string message) {
    return {"org.freedesktop.DBus.Error.InvalidArgs", std::move(message)};
}

/// All of the plan but the launch: the slices above, the scope's own cgroup, its filters.
Result<void> make_cgroups(const cgroup::Tree& tree, const launch::Plan& plan) {
    const launch::Asked* asked = nullptr;
    for (const launch::Prepared& prepared : plan.preparations) {
        if (const auto* slice = std::get_if<launch::LimitSlice>(&prepared.preparation)) {
            HEARTH_TRY(launch::limit_slice(tree, *slice, asked));
        } else if (const auto* made = std::get_if<launch::MakeCgroup>(&prepared.preparation)) {
            HEARTH_TRY(launch::make_cgroup(tree, *made));
            HEARTH_TRY(launch::write_knobs(tree, *made, asked));
        } else if (const auto* filter = std::get_if<launch::FilterCgroup>(&prepared.preparation)) {
            HEARTH_TRY(launch::attach_filters(tree, *filter));
        } else if (
            const auto* program = std::get_if<launch::AttachProgram>(&prepared.preparation)) {
            HEARTH_TRY(cgroup::attach_pinned(tree.directory(program->path), program->program));
        }
    }
    return {};
}

std::vector<std::string> hierarchies_of(const launch::Plan& plan, const std::string& path) {
    std::vector<std::string> controllers = {""};  // v2
    for (const launch::Prepared& prepared : plan.preparations) {
        const auto* const made = std::get_if<launch::MakeCgroup>(&prepared.preparation);
        if (made != nullptr && made->path == path) {
            controllers.insert(
                controllers.end(), made->v1_controllers.begin(), made->v1_controllers.end());
        }
    }
    return controllers;
}

/// Limits first, so that nothing runs in the scope without them.
Result<void> fill(
    const cgroup::Tree& tree,
    const launch::Plan& plan,
    const std::string& path,
    const std::vector<pid_t>& pids) {
    HEARTH_TRY(make_cgroups(tree, plan));
    std::size_t moved = 0;
    for (const pid_t pid : pids) {
        for (const std::string& controller : hierarchies_of(plan, path)) {
            const auto joined = sys::write_file(
                tree.directory(path, controller) + "/cgroup.procs", std::to_string(pid));
            if (!joined && joined.error().code == ESRCH) {
                break;  // it has ended meanwhile
            }
            HEARTH_TRY(joined);
            moved += controller.empty() ? 1 : 0;
        }
    }
    return moved > 0 ? Result<void>() : failure("none of its processes exists any more", ESRCH);
}

}  // namespace

Result<void, RequestError> Supervisor::judge_scope(const TransientUnit& unit) const {
    if (tree_.layout() == launch::CgroupLayout::None) {
        return Unexpected(RequestError{
            "org.freedesktop.DBus.Error.NotSupported",
            "hearthd runs without cgroups, and a scope is one"});
    }
    if (unit.pids.empty()) {
        return Unexpected(invalid("a scope needs PIDs=: the processes that it begins with"));
    }
    for (const pid_t pid : unit.pids) {
        if (pid == ::getpid()) {
            return Unexpected(invalid("hearthd itself can't be in a scope"));
        }
        if (!sys::start_time(pid)) {
            return Unexpected(
                invalid("Process with ID " + std::to_string(pid) + " does not exist."));
        }
    }
    return {};
}

void Supervisor::perform_fill(const std::string& unit) {
    const UnitRecord& record = *world_.find(unit);
    LiveUnit& live = live_[unit];
    live.invocation_id = sys::random_hex(16).value_or(std::string(32, '0'));
    live.cgroup = launch::cgroup_path(record.unit);
    auto plan = launch::plan_limits(record.unit, limits_invocation(record.unit), facts_.host());
    if (!plan) {
        return happen(ScopeFilled{unit, one_line(plan.error().front()), live.invocation_id});
    }
    plan->cgroup = live.cgroup;
    note_slices(*plan);
    std::vector<pid_t> pids;
    if (const auto given = given_.find(unit); given != given_.end()) {
        pids = std::move(given->second.pids);
        given->second.pids.clear();
    }
    auto failed = std::make_shared<std::string>();
    ++filling_;
    worker_->run(
        [this, failed, pids, path = live.cgroup, limits = std::move(*plan)] {
            if (const auto filled = fill(tree_, limits, path, pids); !filled) {
                *failed = filled.error().what;
            }
        },
        [this, unit, failed] {
            --filling_;
            LiveUnit& filled = live_[unit];
            filled.cgroup_made = true;  // or a part of it
            watch_cgroup(unit);
            happen(ScopeFilled{unit, *failed, filled.invocation_id});
        });
}

Result<void, RequestError> Supervisor::abandon(const std::string& unit) {
    const UnitRecord* const record = HEARTH_TRY(load(unit));
    if (unit_type(record->unit.name) != UnitType::Scope) {
        return Unexpected(invalid(unit + " is no scope"));
    }
    if (!is_active(record->active_state())) {
        return Unexpected(
            RequestError{"ScopeNotRunning", "Scope " + unit + " is not running, cannot abandon."});
    }
    happen(Abandoned{record->unit.name});
    return {};
}

/// Its processes are where they were; nothing else of it is known to anybody.
void Supervisor::adopt_scope(const KeptUnit& unit) {
    LiveUnit& live = live_[unit.name];
    StateLines lines = unit.lines;
    live.invocation_id = unit.status.invocation_id;
    if (const auto kept = lines.find("cgroup"); kept != lines.end()) {
        live.cgroup = text_of_state(kept->second);
    }
    const auto cgroups = tree_.existing();
    live.cgroup_made = std::ranges::find(cgroups, cgroup_of(unit.name)) != cgroups.end();
    if (unit.status.state == ServiceState::Start) {
        const bool moved = tree_.populated(cgroup_of(unit.name)).value_or(false);
        happen(ScopeFilled{
            unit.name,
            moved ? "" : "hearthd ended before its processes were moved",
            live.invocation_id});
    }
    if (live.cgroup_made) {
        watch_cgroup(unit.name);
    } else {
        happen(CgroupChanged{unit.name, false});
    }
    if (unit.status.state == ServiceState::Dead || unit.status.state == ServiceState::Failed) {
        perform_release(unit.name);
    }
}

}  // namespace hearth
