// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"

namespace hearth::ctl {

namespace {

template <class... Options>
constexpr std::uint32_t with(Options... options) {
    return (0U | ... | static_cast<std::uint32_t>(options));
}

constexpr std::uint32_t job_options = with(Option::NoBlock, Option::JobMode, Option::Quiet);
constexpr std::uint32_t list_options = with(
    Option::All,
    Option::Plain,
    Option::Legend,
    Option::State,
    Option::Type,
    Option::Full,
    Option::Json);

using enum Names;
constexpr auto table = std::to_array<Verb>({
    {"start",
     "Start units and wait until they are started",
     "UNIT...",
     Some,
     job_options,
     start_verb},
    {"stop", "Stop units and wait until they are stopped", "UNIT...", Some, job_options, stop_verb},
    {"restart", "Stop and start units", "UNIT...", Some, job_options, restart_verb},
    {"reload",
     "Let services reload their configuration",
     "UNIT...",
     Some,
     job_options,
     reload_verb},
    {"try-restart", "Restart units that run", "UNIT...", Some, job_options, try_restart_verb},
    {"reload-or-restart",
     "Reload units that can, else restart",
     "UNIT...",
     Some,
     job_options,
     reload_or_restart_verb},
    {"try-reload-or-restart",
     "As before, if they run",
     "UNIT...",
     Some,
     job_options,
     try_reload_or_restart_verb},
    {"kill",
     "Send a signal to processes of units",
     "UNIT...",
     Some,
     with(Option::Signal),
     kill_verb},
    {"clean",
     "Remove directories of units: runtime, state, cache, logs, configuration",
     "UNIT...",
     Some,
     with(Option::What),
     clean_verb},
    {"set-property",
     "Change limits of a unit, at once and for later",
     "UNIT NAME=VALUE...",
     Some,
     with(Option::Runtime),
     set_property_verb},
    {"freeze", "Stop all processes of units where they are", "UNIT...", Some, 0, freeze_verb},
    {"thaw", "Let frozen units go on", "UNIT...", Some, 0, thaw_verb},
    {"top",
     "Show what units use, again and again",
     "[PATTERN...]",
     Any,
     with(Option::Json, Option::Top, Option::Legend),
     top_verb},
    {"status",
     "Show what units do",
     "[UNIT...]",
     Any,
     with(Option::Lines, Option::Json, Option::Full),
     status_verb},
    {"show",
     "Show properties",
     "[UNIT|JOB...]",
     Any,
     with(Option::Property, Option::Value, Option::All, Option::Json),
     show_verb},
    {"is-active",
     "Exit with 0 if a unit is active",
     "UNIT...",
     Some,
     with(Option::Quiet),
     is_active_verb},
    {"is-failed",
     "Exit with 0 if a unit has failed",
     "UNIT...",
     Some,
     with(Option::Quiet),
     is_failed_verb},
    {"list-units", "List loaded units", "[PATTERN...]", Any, list_options, list_units_verb},
    {"list-unit-files", "List unit files", "[PATTERN...]", Any, list_options, list_unit_files_verb},
    {"list-dependencies",
     "Show what a unit pulls in, as a tree",
     "UNIT",
     One,
     with(Option::Reverse, Option::All, Option::Plain),
     list_dependencies_verb},
    {"list-jobs", "List queued jobs", "", None, with(Option::Legend), list_jobs_verb},
    {"cancel", "Cancel jobs", "JOB...", Some, 0, cancel_verb},
    {"cat", "Show the files of units", "UNIT...", Some, 0, cat_verb},
    {"daemon-reload",
     "Load all unit files again",
     "",
     None,
     with(Option::Plan),
     daemon_reload_verb},
    {"reset-failed", "Forget that units failed", "[UNIT...]", Any, 0, reset_failed_verb},
    {"plan", "Show every step of a start, without starting", "UNIT", One, 0, plan_verb},
    {"lint", "Check unit files without a running hearthd", "FILE...", Some, 0, lint_verb},
    {"logs", "Show the log of a unit", "UNIT", One, with(Option::Lines, Option::Follow), logs_verb},
    {"confinement",
     "Show what was asked, applied, and what the kernel says",
     "UNIT",
     One,
     with(Option::Json, Option::Confinement),
     confinement_verb},
    {"doctor",
     "Show what this machine can't give, and what units would miss",
     "[UNIT...]",
     Any,
     with(Option::Json, Option::All),
     doctor_verb},
    {"security",
     "Show how exposed units are",
     "[UNIT...]",
     Any,
     with(Option::Json, Option::Security),
     security_verb},
    {"attach",
     "Run a command, or a shell, inside a unit",
     "UNIT",
     One,
     with(Option::Attach),
     attach_verb},
    {"help", "Show the verbs", "", Any, 0, help_verb},
});

}  // namespace

std::span<const Verb> verbs() {
    return table;
}

const Verb* find_verb(std::string_view name) {
    const auto* found = std::ranges::find(table, name, &Verb::name);
    return found == table.end() ? nullptr : found;
}

int help_verb(const Arguments&) {
    const std::string text =
        "hearthctl [--runtime-dir DIR | --user] VERB ...\n"
        "Asks hearthd at DIR/private (HEARTH_RUNTIME_DIR, else /run/hearth).\n\n";
    Table rows(3);
    for (const Verb& verb : table) {
        rows.row(
            {"  " + std::string(verb.name), std::string(verb.names), std::string(verb.summary)},
            {Tone::Bold});
    }
    print(text + rows.text() + "\n'hearthctl VERB --help' has the options of each.\n");
    return Done;
}

}  // namespace hearth::ctl
