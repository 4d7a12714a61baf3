// SPDX-License-Identifier: MIT
#include "units/world.hpp"

#include <algorithm>
#include <utility>

#include "units/unit_name.hpp"

namespace hearth {

std::string_view name(ServiceState state) {
    switch (state) {
        using enum ServiceState;
        case Dead:
            return "dead";
        case Condition:
            return "condition";
        case StartPre:
            return "start-pre";
        case Start:
            return "start";
        case StartPost:
            return "start-post";
        case Running:
            return "running";
        case Exited:
            return "exited";
        case Reload:
            return "reload";
        case ReloadSignal:
            return "reload-signal";
        case ReloadNotify:
            return "reload-notify";
        case Stop:
            return "stop";
        case StopWatchdog:
            return "stop-watchdog";
        case StopSigterm:
            return "stop-sigterm";
        case StopSigkill:
            return "stop-sigkill";
        case StopPost:
            return "stop-post";
        case FinalWatchdog:
            return "final-watchdog";
        case FinalSigterm:
            return "final-sigterm";
        case FinalSigkill:
            return "final-sigkill";
        case Failed:
            return "failed";
        case AutoRestart:
            return "auto-restart";
        case Waiting:
            return "waiting";
    }
    return "";
}

std::string_view name(ActiveState state) {
    switch (state) {
        using enum ActiveState;
        case Active:
            return "active";
        case Reloading:
            return "reloading";
        case Inactive:
            return "inactive";
        case Failed:
            return "failed";
        case Activating:
            return "activating";
        case Deactivating:
            return "deactivating";
    }
    return "";
}

ActiveState active_state(ServiceState state, ServiceType type) {
    // An idle service waits for the boot to be over, so the boot must not wait for it.
    const ActiveState starting =
        type == ServiceType::Idle ? ActiveState::Active : ActiveState::Activating;
    switch (state) {
        using enum ServiceState;
        case Dead:
            return ActiveState::Inactive;
        case Condition:
        case StartPre:
        case Start:
        case StartPost:
            return starting;
        case Running:
        case Exited:
        case Waiting:
            return ActiveState::Active;
        case Reload:
        case ReloadSignal:
        case ReloadNotify:
            return ActiveState::Reloading;
        case Stop:
        case StopWatchdog:
        case StopSigterm:
        case StopSigkill:
        case StopPost:
        case FinalWatchdog:
        case FinalSigterm:
        case FinalSigkill:
            return ActiveState::Deactivating;
        case Failed:
            return ActiveState::Failed;
        case AutoRestart:
            return ActiveState::Activating;
    }
    return ActiveState::Inactive;
}

std::string_view name(ServiceResult result) {
    switch (result) {
        using enum ServiceResult;
        case Success:
            return "success";
        case Resources:
            return "resources";
        case Protocol:
            return "protocol";
        case Timeout:
            return "timeout";
        case ExitCode:
            return "exit-code";
        case Signal:
            return "signal";
        case CoreDump:
            return "core-dump";
        case Watchdog:
            return "watchdog";
        case StartLimitHit:
            return "start-limit-hit";
        case OomKill:
            return "oom-kill";
        case ExecCondition:
            return "exec-condition";
        case UnitStartLimitHit:
            return "unit-start-limit-hit";
        case TriggerLimitHit:
            return "trigger-limit-hit";
        case MountStartLimitHit:
            return "mount-start-limit-hit";
    }
    return "";
}

std::string_view name(PathLook look) {
    switch (look) {
        using enum PathLook;
        case Started:
            return "started";
        case TriggerEnded:
            return "trigger-ended";
        case Change:
            return "change";
        case Resumed:
            return "resumed";
    }
    return "";
}

std::string_view name(ExecKind kind) {
    switch (kind) {
        using enum ExecKind;
        case Condition:
            return "ExecCondition";
        case StartPre:
            return "ExecStartPre";
        case Start:
            return "ExecStart";
        case StartPost:
            return "ExecStartPost";
        case Reload:
            return "ExecReload";
        case Stop:
            return "ExecStop";
        case StopPost:
            return "ExecStopPost";
        case Health:
            return "HealthCheck";
    }
    return "";
}

const CommandLines& commands(const Unit& unit, ExecKind kind) {
    const ServiceSettings& service = unit.settings.service;
    switch (kind) {
        using enum ExecKind;
        case Condition:
            return service.exec_condition;
        case StartPre:
            return service.exec_start_pre;
        case Start:
            return service.exec_start;
        case StartPost:
            return service.exec_start_post;
        case Reload:
            return service.exec_reload;
        case Stop:
            return service.exec_stop;
        case StopPost:
            return service.exec_stop_post;
        case Health:
            return unit.settings.hearth.health_check;
    }
    return service.exec_start;
}

bool can_reload(const Unit& unit) {
    const ServiceSettings& service = unit.settings.service;
    return !service.exec_reload.empty() || service.type == ServiceType::NotifyReload;
}

std::optional<std::uint64_t> ServiceStatus::next_deadline() const {
    std::optional<std::uint64_t> next;
    for (const auto& each : {deadline, watchdog_deadline, health_deadline, search_at}) {
        if (each) {
            next = next ? std::min(*next, *each) : *each;
        }
    }
    return next;
}

ActiveState state_of(const UnitRecord& record, ServiceState state) {
    return active_state(state, record.unit.settings.service.type);
}

/// What a service of that state does is mount(8)'s work here.
static std::string_view mount_sub_state(ServiceState state) {
    switch (state) {
        using enum ServiceState;
        case Dead:
        case Failed:
            return name(state);
        case Running:
        case Exited:
        case Waiting:
            return "mounted";
        case Reload:
        case ReloadSignal:
        case ReloadNotify:
            return "remounting";
        case Condition:
        case StartPre:
        case Start:
        case StartPost:
        case AutoRestart:
            return "mounting";
        case Stop:
        case StopPost:
            return "unmounting";
        case StopWatchdog:
        case StopSigterm:
        case FinalWatchdog:
        case FinalSigterm:
            return "unmounting-sigterm";
        case StopSigkill:
        case FinalSigkill:
            return "unmounting-sigkill";
    }
    return "";
}

/// What a service of that state does is the work of swapon(8) and swapoff(8) here.
static std::string_view swap_sub_state(ServiceState state) {
    switch (active_state(state, ServiceType::Oneshot)) {
        case ActiveState::Active:
        case ActiveState::Reloading:
            return "active";
        case ActiveState::Inactive:
            return "dead";
        case ActiveState::Failed:
            return "failed";
        case ActiveState::Activating:
            return "activating";
        case ActiveState::Deactivating:
            break;
    }
    if (state == ServiceState::Stop || state == ServiceState::StopPost) {
        return "deactivating";
    }
    return state == ServiceState::StopSigkill || state == ServiceState::FinalSigkill
               ? "deactivating-sigkill"
               : "deactivating-sigterm";
}

static std::string_view trigger_sub_state(ServiceState state) {
    return state == ServiceState::Exited ? "elapsed" : name(state);
}

std::string_view sub_state(std::string_view unit, ServiceState state) {
    const bool up = state == ServiceState::Running;
    switch (unit_type(unit)) {
        case UnitType::Service:
            return name(state);
        case UnitType::Scope:
            return state == ServiceState::Start ? "start-chown" : name(state);
        case UnitType::Device:
            return up ? "plugged" : "dead";
        case UnitType::Mount:
            return mount_sub_state(state);
        case UnitType::Timer:
        case UnitType::Path:
        case UnitType::Automount:
            return trigger_sub_state(state);
        case UnitType::Swap:
            return swap_sub_state(state);
        case UnitType::Socket:
            return up ? "listening" : "dead";
        case UnitType::Target:
        case UnitType::Slice:
            break;
    }
    return up ? "active" : "dead";
}

std::string_view sub_state(const UnitRecord& record) {
    if (record.status.abandoned && record.status.state == ServiceState::Running) {
        return "abandoned";
    }
    return sub_state(record.unit.name, record.status.state);
}

std::vector<std::pair<std::string, std::string>> pairs_of(const ActivationDetails& details) {
    std::vector<std::pair<std::string, std::string>> pairs;
    if (details.trigger_unit.empty()) {
        return pairs;
    }
    pairs.emplace_back("trigger_unit", details.trigger_unit);
    if (details.timer != Moment{}) {
        pairs.emplace_back("trigger_timer_realtime_usec", std::to_string(details.timer.realtime));
        pairs.emplace_back("trigger_timer_monotonic_usec", std::to_string(details.timer.monotonic));
    }
    if (!details.path.empty()) {
        pairs.emplace_back("trigger_path", details.path);
    }
    return pairs;
}

ActiveState UnitRecord::active_state() const {
    return state_of(*this, status.state);
}

const UnitRecord* World::find(std::string_view name) const {
    auto found = units.find(name);
    if (found == units.end()) {
        const auto alias = aliases.find(name);
        found = alias == aliases.end() ? found : units.find(alias->second);
    }
    return found == units.end() ? nullptr : &found->second;
}

UnitRecord* World::find(std::string_view name) {
    auto found = units.find(name);
    if (found == units.end()) {
        const auto alias = aliases.find(name);
        found = alias == aliases.end() ? found : units.find(alias->second);
    }
    return found == units.end() ? nullptr : &found->second;
}

bool World::has_dependency(
    const UnitRecord& record, Relation relation, std::string_view other) const {
    bool found = false;
    for_each_dependency(record, [&](Relation each, std::string_view name, DependencySource) {
        found = found || (each == relation && name == other);
    });
    return found;
}

bool World::is_in_force(const Unit& unit, const Dependency& dependency) const {
    if (dependency.source != DependencySource::DefaultOfTarget) {
        return true;
    }
    const UnitRecord* const other = find(dependency.unit);
    const UnitRecord* const own = find(unit.name);
    if (other == nullptr || own == nullptr) {
        return false;
    }
    // Relation::After here: `unit` is the target. Before: it is what the target pulls in.
    const bool is_target = dependency.relation == Relation::After;
    const Unit& target = is_target ? unit : other->unit;
    const Unit& pulled = is_target ? other->unit : unit;
    return pulled.settings.unit.default_dependencies &&
           std::ranges::none_of(pulled.dependencies, [&](const Dependency& each) {
               return each.relation == Relation::After && each.unit == target.name;
           });
}

void World::link(const Unit& unit) {
    for (const Dependency& each : unit.dependencies) {
        const auto alias = aliases.find(each.unit);
        incoming[alias == aliases.end() ? each.unit : alias->second].push_back(
            {inverse(each.relation), unit.name, each.source});
    }
}

void World::unlink(const Unit& unit) {
    for (const Dependency& each : unit.dependencies) {
        const auto alias = aliases.find(each.unit);
        const auto found = incoming.find(alias == aliases.end() ? each.unit : alias->second);
        if (found == incoming.end()) {
            continue;
        }
        std::erase_if(
            found->second, [&](const Dependency& edge) { return edge.unit == unit.name; });
        if (found->second.empty()) {
            incoming.erase(found);
        }
    }
}

void World::relink() {
    incoming.clear();
    for (const auto& [name, record] : units) {
        link(record.unit);
    }
}

void World::move_incoming(const std::string& from, const std::string& to) {
    const auto found = incoming.find(from);
    if (found == incoming.end()) {
        return;
    }
    Dependencies moved = std::move(found->second);
    incoming.erase(found);
    Dependencies& place = incoming[to];
    place.insert(place.end(), moved.begin(), moved.end());
}

std::optional<std::uint64_t> World::next_deadline() const {
    std::optional<std::uint64_t> next;
    for (const auto& [name, record] : units) {
        if (const auto own = record.status.next_deadline()) {
            next = next ? std::min(*next, *own) : *own;
        }
    }
    for (const auto& [id, job] : jobs) {
        if (job.deadline) {
            next = next ? std::min(*next, *job.deadline) : *job.deadline;
        }
    }
    return next;
}

std::optional<std::uint64_t> World::next_wake() const {
    std::optional<std::uint64_t> next;
    for (const auto& [name, record] : units) {
        if (const auto& own = record.status.timer.wake_realtime) {
            next = next ? std::min(*next, *own) : *own;
        }
    }
    return next;
}

}  // namespace hearth
