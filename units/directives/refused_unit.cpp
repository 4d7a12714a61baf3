// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Unit = Unbuilt<Section::Unit, Context::Unit>;

constexpr auto rows = std::to_array<Row>({
    Unit::no_effect<"AllowIsolate">(
        "Whether isolating this unit is allowed.", "there is no isolating yet", "yes"),
    Unit::refused<"BindTo">(Nature::Shares, "The old name of BindsTo=.", "dev-sda.device"),
    Unit::refused<"BindsTo">(
        Nature::Shares,
        "Like Requires=, and stops this unit when a listed one ends by itself.",
        "dev-sda.device"),
    Unit::no_effect<"CollectMode">(
        "When a stopped unit is forgotten.",
        "units stay loaded until their files are gone",
        "inactive-or-failed"),
    Unit::refused<"FailureAction", "none">(
        Nature::Shares, "What the machine does when the unit fails.", "reboot"),
    Unit::no_effect<"FailureActionExitStatus">(
        "The manager's exit status after FailureAction=exit.",
        "FailureAction= is not built yet",
        "3"),
    Unit::no_effect<"IgnoreOnIsolate">(
        "Isolating another unit leaves this one alone.", "there is no isolating yet", "yes"),
    Unit::refused<"JobRunningTimeoutSec", "infinity">(
        Nature::Shares, "How long a job of this unit may run.", "10min"),
    Unit::refused<"JobTimeoutAction", "none">(
        Nature::Shares, "What the machine does when a job of this unit times out.", "reboot"),
    Unit::no_effect<"JobTimeoutRebootArgument">(
        "The argument of the reboot after a job's timeout.",
        "JobTimeoutAction= is not built yet",
        "x"),
    Unit::refused<"JobTimeoutSec", "infinity">(
        Nature::Shares, "How long a job of this unit may wait and run.", "10min"),
    Unit::refused<"OnFailure">(
        Nature::Shares, "Units that are started when this one fails.", "alert.service"),
    Unit::no_effect<"OnFailureIsolate">(
        "The old form of OnFailureJobMode=isolate.", "OnFailure= is not built yet", "yes"),
    Unit::no_effect<"OnFailureJobMode">(
        "How the units of OnFailure= are enqueued.", "OnFailure= is not built yet", "fail"),
    Unit::refused<"OnSuccess">(
        Nature::Shares, "Units that are started when this one ends successfully.", "next.service"),
    Unit::no_effect<"OnSuccessJobMode">(
        "How the units of OnSuccess= are enqueued.", "OnSuccess= is not built yet", "replace"),
    Unit::refused<"PartOf">(
        Nature::Shares,
        "Stopping or restarting a listed unit stops or restarts this one.",
        "whole.service"),
    Unit::refused<"PropagateReloadFrom">(
        Nature::Shares, "The old name of ReloadPropagatedFrom=.", "other.service"),
    Unit::refused<"PropagateReloadTo">(
        Nature::Shares, "The old name of PropagatesReloadTo=.", "other.service"),
    Unit::refused<"PropagatesReloadTo">(
        Nature::Shares, "Units that are reloaded together with this one.", "other.service"),
    Unit::refused<"PropagatesStopTo">(
        Nature::Shares, "Units that are stopped together with this one.", "other.service"),
    Unit::no_effect<"RebootArgument">(
        "The argument of a reboot that the unit's actions cause.",
        "actions that reboot are not built yet",
        "x"),
    Unit::refused<"ReloadPropagatedFrom">(
        Nature::Shares, "Units whose reload reloads this one.", "other.service"),
    Unit::no_effect<"RequiresMountsFor">(
        "Paths whose mounts this unit needs and is ordered after.",
        "mounts are the host's here, and made before any service starts",
        "/srv"),
    Unit::refused<"RequiresOverridable">(
        Nature::Shares, "An old form of Requires=.", "other.service"),
    Unit::refused<"Requisite">(
        Nature::Shares, "Units that must be active already when this one starts.", "other.service"),
    Unit::refused<"RequisiteOverridable">(
        Nature::Shares, "An old form of Requisite=.", "other.service"),
    Unit::no_effect<"SourcePath">(
        "The file from which a generator made this unit.",
        "it only tells where the unit came from",
        "/etc/fstab"),
    Unit::refused<"StartLimitAction", "none">(
        Nature::Shares, "What the machine does when the start limit is hit.", "reboot"),
    Unit::refused<"StopPropagatedFrom">(
        Nature::Shares, "Units whose stop stops this one.", "other.service"),
    Unit::refused<"StopWhenUnneeded", "no">(
        Nature::Shares, "Stops the unit when no active unit needs it.", "yes"),
    Unit::refused<"SuccessAction", "none">(
        Nature::Shares, "What the machine does when the unit ends successfully.", "poweroff"),
    Unit::no_effect<"SuccessActionExitStatus">(
        "The manager's exit status after SuccessAction=exit.",
        "SuccessAction= is not built yet",
        "3"),
    Unit::refused<"Upholds">(
        Nature::Shares, "Units that are kept running while this one is active.", "other.service"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_unit_rows() {
    return rows;
}

}  // namespace hearth::directives
