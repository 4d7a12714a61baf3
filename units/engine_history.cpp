// SPDX-License-Identifier: MIT
//
// The history of units, for `hearthctl why` (units/why.hpp): each transition with the job that
// explains it, and jobs that ended without one.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "units/engine_queue.hpp"
#include "units/names.hpp"
#include "units/restart_policy.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// Whether the transition ends an activation, so that Restart= has been asked.
bool ends(const UnitRecord& record, const Transition& transition, bool restarts) {
    if (unit_type(record.unit.name) != UnitType::Service || restarts) {
        return false;
    }
    const ActiveState before = state_of(record, transition.from);
    const bool ran = before != ActiveState::Inactive && before != ActiveState::Failed &&
                     transition.from != ServiceState::AutoRestart;
    const bool over = transition.to == ServiceState::Dead || transition.to == ServiceState::Failed;
    return transition.to == ServiceState::AutoRestart || (ran && over);
}

/// In a row: a service that is sent SIGHUP every day has a history of more than that.
constexpr std::ptrdiff_t most_signals = 4;

/// A mount or swap that somebody else made is like a device.
bool is_foreign(const UnitRecord& record) {
    const UnitType type = unit_type(record.unit.name);
    return (type == UnitType::Mount || type == UnitType::Swap) && record.unit.fragment_path.empty();
}

/// A service on its way down that ended well has not failed; a device that is gone has.
bool has_failed(const UnitRecord& record) {
    const UnitType type = unit_type(record.unit.name);
    return type == UnitType::Device || is_foreign(record) ||
           record.status.result != ServiceResult::Success;
}

}  // namespace

std::optional<Job> Queue::running_job(const UnitRecord& record) const {
    if (!record.job) {
        return std::nullopt;
    }
    const Job& job = world_.jobs.at(*record.job);
    return job.state == JobState::Running ? std::optional(job) : std::nullopt;
}

Because Queue::last_change(const UnitRecord& record) {
    const auto last = std::ranges::find_if(
        record.changes.rbegin(), record.changes.rend(), std::not_fn(&Change::is_signal));
    return {record.unit.name, last == record.changes.rend() ? 0 : last->number};
}

/// A job for what the unit did last.
JobCause Queue::caused_by(const UnitRecord& record, std::string why) {
    JobCause cause;
    cause.why = std::move(why);
    auto [of, change] = last_change(record);
    cause.of = std::move(of);
    cause.change = change;
    cause.failure = has_failed(record);
    return cause;
}

void Queue::keep(UnitRecord& record, Change change) {
    change.number = world_.next_change++;
    change.at = now_;
    const auto signals = std::ranges::find_if_not(
        record.changes.rbegin(), record.changes.rend(), &Change::is_signal);
    const auto count = std::distance(record.changes.rbegin(), signals);
    if (change.is_signal() && count == most_signals) {
        record.changes.erase(signals.base());
    } else if (record.changes.size() == kept_changes) {
        record.changes.erase(record.changes.begin());
    }
    record.changes.push_back(std::move(change));
}

void Queue::signal_sent(const SignalSent& fact) {
    UnitRecord* const record = find(fact.unit);
    if (record == nullptr) {
        return;
    }
    Change change;
    change.from = change.to = record->status.state;
    change.result = record->status.result;
    change.cause = fmt::format(
        "{} was sent to {} by {}", signal_name(fact.signal), fact.to, describe(fact.by));
    keep(*record, std::move(change));
}

/// `job`: what explains the transition. `restarts`: the one to auto-restart comes next.
void Queue::note(
    UnitRecord& record, const Transition& transition, bool restarts, std::optional<Job> job) {
    Change change;
    change.from = transition.from;
    change.to = transition.to;
    change.result = transition.result;
    change.cause = transition.cause;
    if (!job && ends(record, transition, restarts)) {
        change.restart = restart_reason(record.unit, record.status);
    }
    change.job = std::move(job);
    keep(record, std::move(change));
}

/// The unit's job is about to end and leaves the unit as it is.
void Queue::note(UnitRecord& record, JobResult result, std::string cause, Because because) {
    Change change;
    change.from = change.to = record.status.state;
    change.cause = std::move(cause);
    change.job = world_.jobs.at(*record.job);
    change.ended = result;
    change.of = std::move(because.of);
    change.because = because.change;
    keep(record, std::move(change));
}

void Queue::finish(UnitRecord& record, JobResult result, std::string cause, Because because) {
    note(record, result, std::move(cause), std::move(because));
    finish(record, result);
}

}  // namespace hearth
