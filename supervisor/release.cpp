// SPDX-License-Identifier: MIT
//
// What a unit leaves when it ends, and `clean`: directories, IPC objects, the number of a dynamic
// user. Removing blocks, so the worker does it; a launch of the unit meanwhile waits for its end,
// or it would find half of what it makes.
#include <algorithm>
#include <map>
#include <set>

#include "supervisor/activation_lines.hpp"
#include "supervisor/ipc_objects.hpp"
#include "supervisor/launch/dynamic_user.hpp"
#include "supervisor/launch/service_directories.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

constexpr std::uint32_t nobody = 0;  ///< whose objects remove_ipc_objects() leaves alone

/// Whether another running unit may own what this owner owns.
template <class Live>
launch::RemoveIpc not_shared(const Live& live, std::string_view unit, launch::RemoveIpc owner) {
    for (const auto& [name, other] : live) {
        if (name == unit || !other.ipc_owner) {
            continue;
        }
        owner.owner = other.ipc_owner->owner == owner.owner ? nobody : owner.owner;
        owner.group = other.ipc_owner->group == owner.group ? nobody : owner.group;
    }
    return owner;
}

bool is_dead(const UnitRecord* record) {
    if (record == nullptr) {
        return true;
    }
    const ActiveState state = record->active_state();
    return (state == ActiveState::Inactive || state == ActiveState::Failed) && !record->job &&
           record->status.state != ServiceState::AutoRestart;
}

bool is_wanted(const std::vector<std::string>& what, std::string_view kind) {
    return std::ranges::find(what, kind) != what.end() ||
           std::ranges::find(what, "all") != what.end();
}

std::vector<launch::MadeDirectory> directories_of(
    const Unit& unit, const launch::Host& host, const std::vector<std::string>& what) {
    std::vector<launch::MadeDirectory> found;
    for (const launch::DirectoryKind& kind : launch::directory_kinds()) {
        if (!is_wanted(what, kind.what)) {
            continue;
        }
        for (const ServiceDirectory& entry : kind.entries(unit.settings.directories)) {
            found.push_back(
                {host.bases.*kind.base, entry.path, launch::is_private(unit, kind), entry.links});
        }
    }
    return found;
}

}  // namespace

// ---- the end of an activation -------------------------------------------------------------------

bool Supervisor::will_restart(const std::string& unit) const {
    const UnitRecord* record = world_.find(unit);
    if (record == nullptr) {
        return false;
    }
    if (record->status.state == ServiceState::AutoRestart) {
        return true;
    }
    const auto job = record->job ? world_.jobs.find(*record->job) : world_.jobs.end();
    return job != world_.jobs.end() && job->second.type != JobType::Stop;
}

void Supervisor::remove_for(
    const std::string& unit, std::function<void()> work, std::function<void()> then) {
    ++removals_[unit].jobs;
    worker_->run(std::move(work), [this, unit, then = std::move(then)] {
        if (then) {
            then();
        }
        const auto removal = removals_.find(unit);
        if (removal == removals_.end() || --removal->second.jobs != 0) {
            return;
        }
        const std::vector<Launch> waiting = std::move(removal->second.waiting);
        removals_.erase(removal);
        save(unit);
        settle_source_.trigger();  // a transient unit may be forgotten now
        for (const Launch& action : waiting) {
            perform_launch(action);
        }
    });
}

void Supervisor::release_activation(const std::string& unit, launch::Activation activation) {
    const bool restarts = will_restart(unit);
    removals_[unit].lines.merge(lines_of(activation, leaving));
    auto held = std::make_shared<launch::Activation>(std::move(activation));
    remove_for(
        unit,
        [held, restarts] { launch::release(*held, restarts); },
        [this, unit, held] {
            if (!held->empty()) {
                preserved_[unit] = std::move(*held);
                if (is_dead(world_.find(unit))) {
                    release_preserved(unit);
                }
            }
        });
}

void Supervisor::release_preserved(const std::string& unit) {
    const auto found = preserved_.find(unit);
    if (found != preserved_.end()) {
        removals_[unit].lines.merge(lines_of(found->second, leaving));
        auto held = std::make_shared<launch::Activation>(std::move(found->second));
        preserved_.erase(found);
        remove_for(unit, [held] { launch::release(*held); });
    }
}

void Supervisor::release_identity(const std::string& unit, LiveUnit& live) {
    if (live.ipc_owner) {
        const launch::RemoveIpc owner = not_shared(live_, unit, *live.ipc_owner);
        live.ipc_owner.reset();
        auto failures = std::make_shared<std::vector<std::string>>();
        remove_for(
            unit,
            [owner, failures] { *failures = remove_ipc_objects(owner.owner, owner.group); },
            [unit, failures] {
                for (const std::string& each : *failures) {
                    log::write(log::Level::Warning, unit, each);
                }
            });
    }
    if (live.dynamic_user) {
        // After all that is on the worker for it: nobody else gets the number before.
        auto claim = std::make_shared<DynamicUsers::Claim>(std::move(live.dynamic_user));
        live.dynamic_user = {};
        remove_for(unit, [] {}, [claim] { *claim = {}; });
    }
}

Result<void> Supervisor::claim_dynamic_user(const Unit& unit, LiveUnit& live) {
    if (!unit.settings.identity.dynamic_user || live.dynamic_user) {
        return {};
    }
    const launch::Host& host = facts_.host();
    const std::string name = launch::dynamic_user_name(unit);
    const bool possible = ((host.capabilities >> 7U) & 1U) != 0;  // CAP_SETUID
    if (!possible || host.accounts.contains(name)) {
        return {};
    }
    std::vector<std::string> homes;
    for (const launch::DirectoryKind& kind : launch::directory_kinds()) {
        for (const ServiceDirectory& entry : kind.entries(unit.settings.directories)) {
            homes.push_back(launch::real_directory_path(unit, host, kind, entry));
        }
    }
    live.dynamic_user = HEARTH_TRY(dynamic_users_.claim(name, homes, host));
    return {};
}

std::map<std::uint32_t, std::string> Supervisor::dynamic_users() const {
    std::map<std::uint32_t, std::string> users;
    for (const auto& [name, live] : live_) {
        const UnitRecord* const record = world_.find(name);
        if (live.dynamic_user && record != nullptr) {
            users.emplace(live.dynamic_user.uid(), launch::dynamic_user_name(record->unit));
        }
    }
    return users;
}

// ---- clean --------------------------------------------------------------------------------------

void Supervisor::clean(
    const std::string& unit,
    std::vector<std::string> what,
    std::function<void(Result<void, RequestError>)> done) {
    const auto refuse = [&](const char* name, std::string message) {
        done(Unexpected(RequestError{name, std::move(message)}));
    };
    const auto loaded = load(unit);
    if (!loaded) {
        done(Unexpected(loaded.error()));
        return;
    }
    const UnitRecord& record = **loaded;
    for (const std::string& each : what) {
        const auto kinds = launch::directory_kinds();
        const bool known =
            each == "all" || each == "fdstore" ||
            std::ranges::find(kinds, each, &launch::DirectoryKind::what) != kinds.end();
        if (!known) {
            return refuse(
                "org.freedesktop.DBus.Error.InvalidArgs",
                "'" + each +
                    "' is nothing to clean; expected configuration, state, cache, logs, runtime "
                    "or all");
        }
    }
    if (!is_dead(&record)) {
        return refuse("UnitBusy", "Unit " + unit + " is not inactive or has a pending job");
    }
    auto directories = std::make_shared<std::vector<launch::MadeDirectory>>(
        directories_of(record.unit, facts_.host(), what));
    if (directories->empty()) {
        return refuse("NothingToClean", "Unit " + unit + " has no such directories");
    }
    const Timespan limit = record.unit.settings.directories.timeout_clean;
    auto failed = std::make_shared<std::optional<Error>>();
    remove_for(
        unit,
        [directories, limit, failed] {
            const std::uint64_t begin = sys::monotonic_microseconds();
            const auto late = [&] {
                return !limit.is_infinite() &&
                       sys::monotonic_microseconds() - begin > limit.microseconds;
            };
            for (const launch::MadeDirectory& each : *directories) {
                const auto removed = launch::remove_service_directory(each, late);
                if (!removed && !*failed) {
                    *failed = removed.error();
                }
            }
        },
        [unit, failed, done = std::move(done)] {
            if (!*failed) {
                done({});
                return;
            }
            const bool late = (*failed)->code == ECANCELED;
            done(Unexpected(RequestError{
                late ? "org.freedesktop.DBus.Error.Timeout" : "org.freedesktop.DBus.Error.Failed",
                late ? "TimeoutCleanSec= of " + unit + " has passed, what is left stays"
                     : "cannot clean " + unit + ": " + (*failed)->what}));
        });
}

}  // namespace hearth
