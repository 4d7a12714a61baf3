// SPDX-License-Identifier: MIT
//
// What verbs share: connecting, naming units, and turning errors into words and exit codes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "supervisor/ctl/arguments.hpp"
#include "supervisor/ctl/client.hpp"

namespace hearth::ctl {

// Exit codes of systemctl(1), "Exit status": the LSB's.
enum ExitCode : int {
    Done = 0,
    Failure = 1,
    NotImplemented = 3,
    NotPermitted = 4,
    NotInstalled = 5,
    NotConfigured = 6,
    ProgramNotRunning = 3,
    UnknownProgram = 4,
};

/// Connects, or complains.
[[nodiscard]] std::optional<Client> connect(const Arguments& arguments);

/// Exit code of a verb that changes something and was answered with that error.
[[nodiscard]] int exit_code(const CallError& error);

/// "heat" is heat.service; complains about what can't be a unit name.
[[nodiscard]] std::optional<std::string> unit_name(const std::string& text);
/// The units meant: names completed, then the loaded units that match the patterns. Complains
/// and answers nothing where a name is no name.
[[nodiscard]] std::optional<std::vector<std::string>> unit_names(
    Client& client, const std::vector<std::string>& texts);
/// One of org.hearth1's questions about units: its JSON, or complains.
[[nodiscard]] std::optional<std::string> inquire(
    Client& client, const char* question, const std::vector<std::string>& units);
/// org.hearth1's Why: JSON, see report/report.hpp.
[[nodiscard]] Result<std::string, CallError> ask_why(Client& client, const std::string& unit);
/// /org/freedesktop/systemd1/unit/...
[[nodiscard]] std::string object_path(const std::string& unit);

/// Waits for what fork(2) has answered: whether there was a child, and it exited with 0.
[[nodiscard]] bool ended_well(pid_t child);

/// The text of a property of a unit; empty where it can't be had.
[[nodiscard]] std::string unit_property(
    Client& client, const std::string& unit, const char* interface, const char* name);
/// An "as"; negative where it can't be sent.
[[nodiscard]] int append_strings(sd_bus_message* message, const std::vector<std::string>& texts);

inline constexpr const char* manager_path = "/org/freedesktop/systemd1";
inline constexpr const char* unit_interface = "org.freedesktop.systemd1.Unit";
inline constexpr const char* service_interface = "org.freedesktop.systemd1.Service";
inline constexpr const char* hearth_unit_interface = "org.hearth1.Unit";
inline constexpr const char* hearth_manager_interface = "org.hearth1.Manager";

// The verbs, one file per subject; see arguments.hpp's table in verbs.cpp.
int start_verb(const Arguments&);
int stop_verb(const Arguments&);
int restart_verb(const Arguments&);
int reload_verb(const Arguments&);
int try_restart_verb(const Arguments&);
int reload_or_restart_verb(const Arguments&);
int try_reload_or_restart_verb(const Arguments&);
int kill_verb(const Arguments&);
int status_verb(const Arguments&);
int show_verb(const Arguments&);
int is_active_verb(const Arguments&);
int is_failed_verb(const Arguments&);
int list_units_verb(const Arguments&);
int list_timers_verb(const Arguments&);
int list_paths_verb(const Arguments&);
int list_automounts_verb(const Arguments&);
int list_sockets_verb(const Arguments&);
int list_unit_files_verb(const Arguments&);
int enable_verb(const Arguments&);
int disable_verb(const Arguments&);
int reenable_verb(const Arguments&);
int preset_verb(const Arguments&);
int preset_all_verb(const Arguments&);
int mask_verb(const Arguments&);
int unmask_verb(const Arguments&);
int link_verb(const Arguments&);
int revert_verb(const Arguments&);
int add_wants_verb(const Arguments&);
int add_requires_verb(const Arguments&);
int set_default_verb(const Arguments&);
int get_default_verb(const Arguments&);
int is_enabled_verb(const Arguments&);
int list_jobs_verb(const Arguments&);
int why_verb(const Arguments&);
int list_dependencies_verb(const Arguments&);
int cancel_verb(const Arguments&);
int isolate_verb(const Arguments&);
int poweroff_verb(const Arguments&);
int reboot_verb(const Arguments&);
int halt_verb(const Arguments&);
int kexec_verb(const Arguments&);
int exit_verb(const Arguments&);
int default_verb(const Arguments&);
int rescue_verb(const Arguments&);
int emergency_verb(const Arguments&);
int switch_root_verb(const Arguments&);
int list_blockers_verb(const Arguments&);
int shutdown_verb(const Arguments&);
int show_environment_verb(const Arguments&);
int set_environment_verb(const Arguments&);
int unset_environment_verb(const Arguments&);
int import_environment_verb(const Arguments&);
int log_level_verb(const Arguments&);
int log_target_verb(const Arguments&);
int edit_verb(const Arguments&);
int complete_verb(const Arguments&);
int service_watchdogs_verb(const Arguments&);
int is_system_running_verb(const Arguments&);
int list_machines_verb(const Arguments&);
int cat_verb(const Arguments&);
int daemon_reload_verb(const Arguments&);
int daemon_reexec_verb(const Arguments&);
int upgrade_verb(const Arguments&);
int clean_verb(const Arguments&);
int reset_failed_verb(const Arguments&);
int plan_verb(const Arguments&);
int lint_verb(const Arguments&);
int logs_verb(const Arguments&);
int confinement_verb(const Arguments&);
int attach_verb(const Arguments&);
int probe_confinement(const Arguments&);  ///< confinement --probe
int watch_confinement(const Arguments&);  ///< confinement --watch
int set_property_verb(const Arguments&);
int run_verb(const Arguments&);
int freeze_verb(const Arguments&);
int thaw_verb(const Arguments&);
int top_verb(const Arguments&);
int doctor_verb(const Arguments&);
int security_verb(const Arguments&);
int help_verb(const Arguments&);

/// Waits until the job at `path` is over, and says what went wrong.
[[nodiscard]] int wait_for_job(
    Client& client, const Arguments& arguments, const std::string& path, const std::string& unit);

/// After hearthd was killed or replaced: a connection to the next one, which goes on with the same
/// jobs by the same numbers. Complains, and gives up after a minute.
[[nodiscard]] std::optional<Client> come_back(const Arguments& arguments);
/// Waits until the unit is at rest without a job, over the deaths of hearthd; "inactive" or
/// "failed". Complains.
[[nodiscard]] std::optional<std::string> wait_until_ended(
    Client& client, const Arguments& arguments, const std::string& unit);

/// What the kernel says of a running unit's confinement, in a few words; empty where that can't be
/// had, or not at once: a process may make its own /proc slow to read.
[[nodiscard]] std::string confinement_summary(Client& client, const std::string& unit);

/// The last lines of a unit's log, each ready to print; empty where there is no log to be read.
[[nodiscard]] std::vector<std::string> last_log_lines(
    const std::string& log_directory, const std::string& unit, std::uint64_t count);

}  // namespace hearth::ctl
