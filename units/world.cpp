// SPDX-License-Identifier: MIT
#include "units/world.hpp"

#include <algorithm>

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

ActiveState UnitRecord::active_state() const {
    return hearth::active_state(status.state, unit.settings.service.type);
}

const UnitRecord* World::find(std::string_view name) const {
    const auto found = units.find(name);
    return found == units.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> World::next_deadline() const {
    std::optional<std::uint64_t> next;
    for (const auto& [name, record] : units) {
        if (const auto own = record.status.next_deadline()) {
            next = next ? std::min(*next, *own) : *own;
        }
    }
    return next;
}

}  // namespace hearth
