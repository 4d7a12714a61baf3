// SPDX-License-Identifier: MIT
#include "units/path_machine.hpp"

#include <utility>

#include "units/record_times.hpp"
#include "units/trigger.hpp"

namespace hearth {

namespace {

/// Whether what was seen of one path is reason to start the unit.
bool is_good(const PathSpec& spec, const SeenPath& fact, std::uint64_t before, PathLook look) {
    switch (spec.condition) {
        case PathCondition::Exists:
        case PathCondition::ExistsGlob:
        case PathCondition::DirectoryNotEmpty:
            return fact.stamp != 0;
        case PathCondition::Changed:
        case PathCondition::Modified:
            switch (look) {
                case PathLook::Started:
                case PathLook::TriggerEnded:
                    return false;
                case PathLook::Change:
                    return fact.changed || (fact.stamp == 0) != (before == 0);
                case PathLook::Resumed:
                    return fact.stamp != before;
            }
    }
    return false;
}

}  // namespace

void PathMachine::start() {
    if (!at_rest(record_.active_state())) {
        return;
    }
    if (auto refusal = begin_start(record_, trigger_, "unit", now_.monotonic, outcome_)) {
        return fail(refusal->result, std::move(refusal->cause));
    }
    status_.path.triggers.clear();
    status_.path.seen.clear();
    if (!at_rest(trigger_->active_state())) {
        return enter(ServiceState::Running, trigger_->unit.name + " is up already");
    }
    wait(PathLook::Started, {});
}

void PathMachine::stop() {
    outcome_.actions.emplace_back(UnwatchPaths{record_.unit.name});
    enter(ServiceState::Dead, {});
}

void PathMachine::forget() {
    status_.recent_starts.clear();
    if (status_.state == ServiceState::Failed) {
        status_.result = ServiceResult::Success;
        enter(ServiceState::Dead, "reset-failed");
    }
}

void PathMachine::wait(PathLook look, std::string cause) {
    status_.path.look = look;
    enter(ServiceState::Waiting, std::move(cause));
    outcome_.actions.emplace_back(WatchPaths{record_.unit.name});
}

std::optional<std::string> PathMachine::seen(const PathsSeen& fact) {
    if (status_.state != ServiceState::Waiting) {
        return std::nullopt;
    }
    if (!fact.failure.empty()) {
        fail(ServiceResult::Resources, fact.failure);
        return std::nullopt;
    }
    const std::vector<PathSpec>& specs = record_.unit.settings.path.specs.specs;
    PathStatus& path = status_.path;
    const PathLook look = std::exchange(path.look, PathLook::Change);
    const std::vector<std::uint64_t> before = std::exchange(path.seen, {});
    std::optional<std::string> good;
    for (std::size_t index = 0; index < specs.size() && index < fact.paths.size(); ++index) {
        const std::uint64_t last = index < before.size() ? before[index] : 0;
        path.seen.push_back(fact.paths[index].stamp);
        if (!good && is_good(specs[index], fact.paths[index], last, look)) {
            good = specs[index].path;
        }
    }
    return good;
}

bool PathMachine::within_trigger_limit() {
    const PathSettings& settings = record_.unit.settings.path;
    const std::uint64_t interval = settings.trigger_limit_interval.microseconds;
    if (interval == 0 || settings.trigger_limit_burst == 0) {
        return true;
    }
    std::deque<std::uint64_t>& recent = status_.path.triggers;
    while (!recent.empty() && now_.monotonic - recent.front() >= interval) {
        recent.pop_front();
    }
    if (recent.size() >= settings.trigger_limit_burst) {
        return false;
    }
    recent.push_back(now_.monotonic);
    return true;
}

bool PathMachine::run(const std::string& path) {
    if (!within_trigger_limit()) {
        fail(ServiceResult::TriggerLimitHit, "TriggerLimitBurst= is used up");
        return false;
    }
    outcome_.actions.emplace_back(UnwatchPaths{record_.unit.name});
    enter(ServiceState::Running, path);
    return true;
}

void PathMachine::fail(ServiceResult result, std::string cause) {
    outcome_.actions.emplace_back(UnwatchPaths{record_.unit.name});
    status_.result = result;
    status_.failure = cause;
    enter(ServiceState::Failed, std::move(cause));
}

void PathMachine::trigger_changed() {
    const bool up =
        status_.state == ServiceState::Waiting || status_.state == ServiceState::Running;
    if (!up || trigger_ == nullptr || trigger_->unit.load_state != LoadState::Loaded) {
        return;
    }
    const bool rests = at_rest(trigger_->active_state());
    if (rests && trigger_->status.result == ServiceResult::StartLimitHit) {
        return fail(
            ServiceResult::UnitStartLimitHit, trigger_->unit.name + " was started too often");
    }
    if (trigger_->job) {
        return;
    }
    if (status_.state == ServiceState::Running && rests) {
        wait(PathLook::TriggerEnded, trigger_->unit.name + " has ended");
    } else if (status_.state == ServiceState::Waiting && !rests) {
        outcome_.actions.emplace_back(UnwatchPaths{record_.unit.name});
        enter(ServiceState::Running, trigger_->unit.name + " was started otherwise");
    }
}

void PathMachine::reloaded() {
    if (status_.state == ServiceState::Waiting) {
        status_.path.seen.clear();
        status_.path.look = PathLook::Started;
        outcome_.actions.emplace_back(WatchPaths{record_.unit.name});
    }
}

void PathMachine::enter(ServiceState state, std::string cause) {
    if (status_.state == state) {
        return;
    }
    change_state(record_, state, std::move(cause), now_, outcome_);
}

}  // namespace hearth
