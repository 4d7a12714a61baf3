// SPDX-License-Identifier: MIT
#include "units/transaction.hpp"

#include <fmt/format.h>

#include <utility>

#include "units/job.hpp"
#include "units/transaction_graph.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

Unexpected<RequestError> refusal(std::string error_name, std::string message) {
    return Unexpected(RequestError{std::move(error_name), std::move(message)});
}

/// What the loader had to say about it, one line each.
std::string errors_of(const Unit& unit) {
    std::string text;
    for (const Diagnostic& diagnostic : unit.diagnostics) {
        if (diagnostic.severity == Severity::Error) {
            text += "\n" + one_line(diagnostic);
        }
    }
    return text;
}

Unexpected<RequestError> not_applicable(const UnitRecord& record, JobType type, std::string why) {
    return refusal(
        "JobTypeNotApplicable",
        fmt::format(
            "Job type {} is not applicable for unit {}: {}.", name(type), record.unit.name, why));
}

/// DESIGN 1: what hearthd didn't mount is shown, never unmounted.
Result<void, RequestError> applicable_to_mount(const UnitRecord& record, JobType type) {
    const bool foreign = record.status.state == ServiceState::Running;
    const bool ends = type == JobType::Stop || type == JobType::Restart;
    if (foreign && (ends || type == JobType::Reload)) {
        return refusal(
            "org.freedesktop.DBus.Error.NotSupported",
            fmt::format(
                "Unit {} can't get a {} job: somebody else mounted it, and hearthd leaves the "
                "mounts of its host alone.",
                record.unit.name,
                name(type)));
    }
    if (type == JobType::Reload && !can_reload(record.unit)) {
        return not_applicable(record, type, "there is nothing to mount again");
    }
    return {};
}

}  // namespace

Result<void, RequestError> startable(const Unit& unit) {
    switch (unit.load_state) {
        case LoadState::Loaded:
        case LoadState::Merged:
            return {};
        case LoadState::Stub:
        case LoadState::NotFound:
            return refusal("NoSuchUnit", fmt::format("Unit {} not found.", unit.name));
        case LoadState::BadSetting:
            return refusal(
                "BadUnitSetting",
                fmt::format("Unit {} has a bad unit file setting.{}", unit.name, errors_of(unit)));
        case LoadState::Error:
            return refusal(
                "LoadFailed", fmt::format("Unit {} failed to load.{}", unit.name, errors_of(unit)));
        case LoadState::Masked:
            return refusal("UnitMasked", fmt::format("Unit {} is masked.", unit.name));
    }
    return {};
}

Result<void, RequestError> applicable(const UnitRecord& record, JobType type) {
    const UnitType kind = unit_type(record.unit.name);
    const bool stops = type == JobType::Stop || type == JobType::Restart;
    if (record.unit.built_in && !record.unit.starts_active && type == JobType::Start) {
        return refusal(
            "org.freedesktop.DBus.Error.NotSupported",
            fmt::format(
                "Unit {} can't be started: hearthd is a guest, and doesn't end or interrupt its "
                "machine's run.",
                record.unit.name));
    }
    if (record.unit.built_in && stops) {
        return not_applicable(record, type, "it is built in, and stays as it is");
    }
    switch (kind) {
        case UnitType::Service:
            if (type == JobType::Reload && !can_reload(record.unit)) {
                return not_applicable(record, type, "it has no ExecReload=");
            }
            return {};
        case UnitType::Target:
        case UnitType::Slice:
        case UnitType::Scope:
            if (type == JobType::Reload) {
                return not_applicable(record, type, "there is nothing to reload");
            }
            return {};
        case UnitType::Device:
            if (stops || type == JobType::Reload) {
                return not_applicable(record, type, "a device comes and goes by itself");
            }
            return {};
        case UnitType::Mount:
        case UnitType::Swap:
            return applicable_to_mount(record, type);
        case UnitType::Automount:
        case UnitType::Timer:
        case UnitType::Path:
            if (type == JobType::Reload) {
                return not_applicable(record, type, "there is nothing to reload");
            }
            return {};
        case UnitType::Socket:
            break;
    }
    const bool so_already = type == JobType::Start && is_active(record.active_state());
    if (so_already || type == JobType::VerifyActive || record.unit.built_in) {
        return {};
    }
    return refusal(
        "org.freedesktop.DBus.Error.NotSupported",
        fmt::format(
            "Unit {} can't get a {} job: units of type {} are not built yet.",
            record.unit.name,
            name(type),
            name(kind)));
}

bool is_redundant(JobType type, ActiveState state) {
    switch (type) {
        case JobType::Start:
        case JobType::VerifyActive:
            return is_active(state);
        case JobType::Stop:
            return state == ActiveState::Inactive || state == ActiveState::Failed;
        case JobType::Reload:
            return state == ActiveState::Reloading;
        case JobType::Restart:
        case JobType::TryRestart:
        case JobType::ReloadOrStart:
            return false;
    }
    return false;
}

bool waits_although_before(JobType second) {
    return second == JobType::Stop || second == JobType::Restart;
}

bool waits_because_after(JobType own) {
    return own != JobType::Stop && own != JobType::Restart;
}

Result<Transaction, RequestError> plan_transaction(
    const World& world, std::string_view unit, JobType type, JobMode mode) {
    TransactionGraph graph(world, mode);
    HEARTH_TRY(graph.request(unit, type));
    HEARTH_TRY(graph.resolve());
    return graph.take();
}

}  // namespace hearth
