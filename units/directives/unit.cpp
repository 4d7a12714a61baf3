// SPDX-License-Identifier: MIT
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(const Description& description) {
    return directive<name, Section::Unit, Context::Unit, &Settings::unit, member>(description);
}

// The lists of dependencies are properties of the World (units/runtime_fields.hpp): systemd shows
// what was added to them, and the other direction too.
template <Name name, auto member>
consteval Row dependency(std::string_view summary, std::string_view sample) {
    return row<name, member>({
        .summary = summary,
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = sample,
        .properties = no_properties,
    });
}

/// What stood in [Service] once.
template <Name name, auto member>
consteval Row moved(std::string_view summary, std::string_view sample = "exit") {
    return directive<name, Section::Service, Context::Unit, &Settings::unit, member>({
        .summary = summary,
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = sample,
        .properties = no_properties,
    });
}

Assigned assign_isolate(Settings& settings, std::string_view text, const ValueContext& context) {
    JobMode& mode = settings.unit.on_failure_job_mode;
    if (text == "isolate" || text.empty()) {  // as it is printed back
        return Codec<JobMode>::assign(mode, text.empty() ? "replace" : text, context);
    }
    mode = HEARTH_TRY(read_boolean(text)) ? JobMode::Isolate : JobMode::Replace;
    return {};
}

constexpr auto rows = std::to_array<Row>({
    dependency<"After", &UnitSettings::after>(
        "Starts this unit only after the listed units have started, and stops it before them.",
        "network.target"),
    row<"AllowIsolate", &UnitSettings::allow_isolate>({
        .summary = "Whether isolating this unit is allowed: systemctl isolate.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    dependency<"Before", &UnitSettings::before>(
        "Starts this unit before the listed units, and stops it after them.", "multi-user.target"),
    dependency<"BindTo", &UnitSettings::binds_to>("The old name of BindsTo=.", "dev-sda.device"),
    dependency<"BindsTo", &UnitSettings::binds_to>(
        "Like Requires=, and stops this unit when a listed one ends by itself.", "dev-sda.device"),
    row<"CollectMode", &UnitSettings::collect_mode>({
        .summary = "When a stopped unit is forgotten.",
        .applied = applied::Loading{},
        .nature = Nature::Shares,
        .sample = "inactive-or-failed",
    }),
    dependency<"Conflicts", &UnitSettings::conflicts>(
        "Starting this unit stops the listed units, and the other way round.", "shutdown.target"),
    row<"DefaultDependencies", &UnitSettings::default_dependencies>({
        .summary =
            "Orders this unit after basic system start and before shutdown, as most units need.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "no",
    }),
    row<"Description", &UnitSettings::description>({
        .summary = "A short title of the unit, for people.",
        .applied = applied::Reporting{},
        .nature = Nature::Shares,
        .sample = "A warm room",
    }),
    row<"Documentation", &UnitSettings::documentation>({
        .summary = "Where to read about the unit: a list of URIs.",
        .applied = applied::Reporting{},
        .nature = Nature::Shares,
        .sample = "man:dd(1) https://example.org/heat",
    }),
    row<"FailureAction", &UnitSettings::failure_action>({
        .summary = "What the machine or the manager does when the unit fails.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "exit",
    }),
    row<"FailureActionExitStatus", &UnitSettings::failure_action_exit_status>({
        .summary = "The manager's exit status after FailureAction=exit.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "3",
    }),
    row<"IgnoreOnIsolate", &UnitSettings::ignore_on_isolate>({
        .summary = "Isolating another unit leaves this one alone.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    row<"JobRunningTimeoutSec", &UnitSettings::job_running_timeout>({
        .summary = "How long a job of this unit may run.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "10min",
    }),
    row<"JobTimeoutAction", &UnitSettings::job_timeout_action>({
        .summary = "What the machine or the manager does when a job of this unit times out.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "exit",
    }),
    row<"JobTimeoutRebootArgument", &UnitSettings::job_timeout_reboot_argument>({
        .summary = "What reboot(2) is given when JobTimeoutAction= reboots the machine.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "recovery",
    }),
    row<"JobTimeoutSec", &UnitSettings::job_timeout>({
        .summary = "How long a job of this unit may wait and run.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "10min",
    }),
    dependency<"OnFailure", &UnitSettings::on_failure>(
        "Units that are started when this one fails.", "alert.service"),
    row<"OnFailureIsolate", &UnitSettings::on_failure_job_mode>({
        .summary = "The old form of OnFailureJobMode=isolate.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "yes",
        .properties = no_properties,
        .assign = &assign_isolate,
        .syntax = "boolean",
    }),
    row<"OnFailureJobMode", &UnitSettings::on_failure_job_mode>({
        .summary = "How the units of OnFailure= are enqueued.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "fail",
    }),
    dependency<"OnSuccess", &UnitSettings::on_success>(
        "Units that are started when this one ends successfully.", "next.service"),
    row<"OnSuccessJobMode", &UnitSettings::on_success_job_mode>({
        .summary = "How the units of OnSuccess= are enqueued.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "replace",
    }),
    dependency<"PartOf", &UnitSettings::part_of>(
        "Stopping or restarting a listed unit stops or restarts this one.", "whole.service"),
    dependency<"PropagateReloadFrom", &UnitSettings::reload_propagated_from>(
        "The old name of ReloadPropagatedFrom=.", "other.service"),
    dependency<"PropagateReloadTo", &UnitSettings::propagates_reload_to>(
        "The old name of PropagatesReloadTo=.", "other.service"),
    dependency<"PropagatesReloadTo", &UnitSettings::propagates_reload_to>(
        "Units that are reloaded together with this one.", "other.service"),
    dependency<"PropagatesStopTo", &UnitSettings::propagates_stop_to>(
        "Units that are stopped together with this one.", "other.service"),
    row<"RebootArgument", &UnitSettings::reboot_argument>({
        .summary = "What reboot(2) is given when an action of the unit reboots the machine.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "recovery",
    }),
    row<"RefuseManualStart", &UnitSettings::refuse_manual_start>({
        .summary = "The unit can be started as another unit's dependency only.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    row<"RefuseManualStop", &UnitSettings::refuse_manual_stop>({
        .summary = "The unit can be stopped as another unit's dependency only.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    dependency<"ReloadPropagatedFrom", &UnitSettings::reload_propagated_from>(
        "Units whose reload reloads this one.", "other.service"),
    dependency<"Requires", &UnitSettings::requires_>(
        "Starts the listed units too; stops this unit when one of them is stopped.",
        "sysinit.target"),
    row<"RequiresMountsFor", &UnitSettings::requires_mounts_for>({
        .summary = "Paths whose mount units this unit requires and is ordered after.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "/srv",
    }),
    dependency<"RequiresOverridable", &UnitSettings::requires_>(
        "An old form of Requires=.", "other.service"),
    dependency<"Requisite", &UnitSettings::requisite>(
        "Units that must be active already when this one starts.", "other.service"),
    dependency<"RequisiteOverridable", &UnitSettings::requisite>(
        "An old form of Requisite=.", "other.service"),
    row<"SourcePath", &UnitSettings::source_path>({
        .summary = "The file from which a generator made this unit.",
        .applied = applied::Loading{},
        .nature = Nature::Shares,
        .sample = "/etc/fstab",
    }),
    row<"StartLimitAction", &UnitSettings::start_limit_action>({
        .summary = "What the machine or the manager does when the start limit is hit.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "exit",
    }),
    row<"StartLimitBurst", &UnitSettings::start_limit_burst>({
        .summary = "How often the unit may start within StartLimitIntervalSec=; 0 is no limit.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "3",
    }),
    row<"StartLimitInterval", &UnitSettings::start_limit_interval>({
        .summary = "The old name of StartLimitIntervalSec=.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "30s",
        .properties = no_properties,
    }),
    row<"StartLimitIntervalSec", &UnitSettings::start_limit_interval>({
        .summary = "The time in which StartLimitBurst= starts are allowed; 0 is no limit.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "30s",
    }),
    dependency<"StopPropagatedFrom", &UnitSettings::stop_propagated_from>(
        "Units whose stop stops this one.", "other.service"),
    row<"StopWhenUnneeded", &UnitSettings::stop_when_unneeded>({
        .summary = "Stops the unit when no active unit needs it.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    row<"SuccessAction", &UnitSettings::success_action>({
        .summary = "What the machine or the manager does when the unit ends successfully.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "exit",
    }),
    row<"SuccessActionExitStatus", &UnitSettings::success_action_exit_status>({
        .summary = "The manager's exit status after SuccessAction=exit.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "3",
    }),
    dependency<"Upholds", &UnitSettings::upholds>(
        "Units that are kept running while this one is active.", "other.service"),
    dependency<"Wants", &UnitSettings::wants>(
        "Starts the listed units too, but doesn't mind when they fail.", "network-online.target"),
    row<"WantsMountsFor", &UnitSettings::wants_mounts_for>({
        .summary =
            "Paths whose mount units this unit wants and is ordered after; newer than systemd 252.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "/srv",
        .properties = no_properties,
    }),
    moved<"FailureAction", &UnitSettings::failure_action>(
        "The old place of FailureAction= of [Unit]."),
    moved<"RebootArgument", &UnitSettings::reboot_argument>(
        "The old place of RebootArgument= of [Unit].", "recovery"),
    moved<"StartLimitAction", &UnitSettings::start_limit_action>(
        "The old place of StartLimitAction= of [Unit]."),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> unit_rows() {
    return directives::rows;
}

}  // namespace hearth
