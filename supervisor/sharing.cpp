// SPDX-License-Identifier: MIT
//
// What activations of different units share, or must not: JoinsNamespaceOf= (network, IPC and user
// namespaces, private /tmp) and the ranges of UserNamespaceRange=auto. A namespace is shared by
// duplicating its descriptor, a directory by counting who has it.
#include <algorithm>
#include <csignal>

#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth {

namespace {

const launch::JoinActivation* join_of(const launch::Plan& plan) {
    for (const launch::Prepared& prepared : plan.preparations) {
        if (const auto* join = std::get_if<launch::JoinActivation>(&prepared.preparation)) {
            return join;
        }
    }
    return nullptr;
}

bool has_slot(const launch::Activation& activation, const std::string& slot) {
    return activation.descriptors.contains(slot) || activation.directories.contains(slot);
}

bool has_some(const launch::Activation& activation, const launch::JoinActivation& join) {
    return std::ranges::any_of(
        join.slots, [&](const std::string& slot) { return has_slot(activation, slot); });
}

}  // namespace

// ---- ranges

void Supervisor::share_ranges(const std::string& unit, launch::Invocation& invocation) {
    for (const auto& [name, live] : live_) {
        if (live.user_range && name == unit) {
            invocation.own_range = live.user_range;
        } else if (live.user_range) {
            invocation.ranges_in_use.push_back(*live.user_range);
        }
    }
    // systemd.unit(5): the other direction is implied.
    for (const auto& [name, record] : world_.units) {
        const auto& joins = record.unit.settings.namespaces.joins_namespace_of.names;
        if (name != unit && std::ranges::find(joins, unit) != joins.end()) {
            invocation.joined_by.push_back(name);
        }
    }
}

void Supervisor::note_range(LiveUnit& live, const launch::Plan& plan) {
    for (const launch::Prepared& prepared : plan.preparations) {
        const auto* made = std::get_if<launch::MakeUserNamespace>(&prepared.preparation);
        if (made != nullptr && !made->uids.empty() &&
            made->uids.front().inside != made->uids.front().outside) {
            live.user_range = made->uids.front();
        }
    }
}

// ---- joining

/// While a unit's launch is in flight its activation is the launcher's.
bool Supervisor::waits_for_joined(const Launch& action, const launch::Plan& plan) {
    const launch::JoinActivation* const join = join_of(plan);
    if (join == nullptr || has_some(live_[action.unit].activation, *join)) {
        return false;
    }
    const bool busy = std::ranges::any_of(launching_, [&](const auto& entry) {
        return std::ranges::find(join->units, entry.second) != join->units.end();
    });
    if (busy) {
        waiting_to_join_.push_back(action);
        waiting_to_join_.back().begins_activation = false;  // that has been done
    }
    return busy;
}

void Supervisor::launches_may_join() {
    for (const Launch& action : std::exchange(waiting_to_join_, {})) {
        perform_launch(action);
    }
}

bool Supervisor::abort_waiting(LaunchId launch) {
    const auto found = std::ranges::find(waiting_to_join_, launch, &Launch::launch);
    if (found == waiting_to_join_.end()) {
        return false;
    }
    const Launch action = std::move(*found);
    waiting_to_join_.erase(found);
    refuse(action, 0, "the launch was aborted");
    return true;
}

void Supervisor::join_namespaces(LiveUnit& live, const launch::Plan& plan) {
    const launch::JoinActivation* const join = join_of(plan);
    if (join == nullptr || has_some(live.activation, *join)) {
        return;
    }
    for (const std::string& name : join->units) {
        const auto other = live_.find(name);
        if (other == live_.end() || &other->second == &live ||
            !has_some(other->second.activation, *join)) {
            continue;
        }
        launch::Activation& theirs = other->second.activation;
        for (const std::string& slot : join->slots) {
            if (const auto kept = theirs.descriptors.find(slot); kept != theirs.descriptors.end()) {
                auto copy = sys::duplicate(kept->second.number());
                if (!copy) {
                    log::write(log::Level::Warning, plan.unit, copy.error().what);
                    continue;
                }
                live.activation.descriptors[slot] = std::move(*copy);
            }
            launch::share_directory(theirs, live.activation, slot);
        }
        return;
    }
}

}  // namespace hearth
