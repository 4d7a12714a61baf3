// SPDX-License-Identifier: MIT
//
// Control: what the bus may ask of the supervisor, and nothing more. The bus sees `const World&`
// and these calls; it knows no launcher, no cgroup. Implemented by Supervisor, faked in the bus's
// tests. All calls come on the event loop's thread and must not block; what takes time answers
// through a callback, called exactly once, later, on the same thread.
#pragma once

#include <sys/types.h>

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/machine_end.hpp"
#include "supervisor/sys/descriptor.hpp"
#include "units/engine.hpp"
#include "units/install.hpp"
#include "units/runtime_fields.hpp"
#include "units/transient.hpp"

namespace hearth {

/// Sees every outcome, in order, after the World has changed. The bus turns them into signals.
class OutcomeObserver {
public:
    virtual ~OutcomeObserver() = default;
    virtual void happened(const Outcome& outcome) = 0;
    virtual void units_reloading(bool active) = 0;
};

/// One process of a unit, as GetUnitProcesses answers.
struct UnitProcess {
    std::string control_group;
    pid_t pid = 0;
    std::string command_line;
};

/// `hearthctl attach`: DESIGN 6. Descriptors are the client's terminal or pipes.
struct AttachRequest {
    /// Fresh: of a unit that doesn't run, its sandbox with the command in place of its program.
    enum class Level : std::uint8_t { Default, Privileged, AsService, Fresh };
    std::string unit;
    Level level = Level::Default;
    std::vector<std::string> namespaces;  ///< empty: all; names "mount", "network", "ipc", "uts",
                                          ///< "pid", "cgroup", "user"
    std::vector<std::string> command;     ///< empty: a shell
    /// TERM and kin, from the client
    std::vector<std::pair<std::string, std::string>> environment;
    bool terminal = false;  ///< descriptor 0 is a pty slave to become the controlling terminal
    std::vector<sys::Descriptor> stdio;  ///< three
};
/// The session: its pid and a pidfd the client can wait on, or why not.
struct AttachSession {
    std::uint64_t id = 0;
    pid_t pid = 0;
};
struct AttachExit {
    int code = 0;  ///< CLD_*
    int status = 0;
};

/// StartTransientUnit(): a unit that is made by a client. Descriptors are duplicates; an empty one
/// was not passed.
struct TransientUnit {
    std::string name;
    std::vector<TransientAssignment> assignments;
    std::array<sys::Descriptor, 3> stdio;
    std::vector<pid_t> pids;  ///< that a scope begins with
};

/// The machine's hardware watchdog, as the bus shows it; times in microseconds.
struct WatchdogFacts {
    std::string device;  ///< empty: none is open
    std::uint64_t runtime = 0, reboot = 0, kexec = 0;
    Moment last_ping;
};
/// Another hearthd in the place of this one.
struct UpgradeRequest {
    std::string program;                  ///< a path; empty: this hearthd's own file, as it is now
    bool force = false;                   ///< what it can't carry is lost
    std::uint64_t patience = 10'000'000;  ///< microseconds that it has to become ready
};

class Control {
public:
    virtual ~Control() = default;

    [[nodiscard]] virtual const World& world() const = 0;
    [[nodiscard]] virtual LiveFacts live(const UnitRecord& record) const = 0;
    virtual void observe(OutcomeObserver* observer) = 0;  ///< one; null removes it

    /// Loads the unit if it isn't loaded yet. NoSuchUnit with the search path in the message if
    /// there is none; a unit that can't be parsed is loaded with its LoadState and returned.
    virtual Result<const UnitRecord*, RequestError> load(const std::string& unit) = 0;
    virtual Result<JobId, RequestError> request(
        const std::string& unit, Verb verb, JobMode mode, const Requester& by) = 0;
    /// Makes the units' files and starts the first; all or none of them are made.
    virtual Result<JobId, RequestError> start_transient(
        std::vector<TransientUnit> units, JobMode mode, const Requester& by) = 0;
    /// Of a scope: whoever made it leaves it to itself.
    virtual Result<void, RequestError> abandon(const std::string& unit) = 0;
    /// A client refers to that unit (or doesn't any more): meanwhile it is not forgotten. Counts.
    virtual void refer(const std::string& unit, bool refers) = 0;
    virtual Result<void, RequestError> cancel(JobId job, const Requester& by) = 0;
    /// whom: "main", "control", "all" (and "-fail" forms).
    /// `value`: goes with a real-time signal, as with sigqueue(3).
    virtual Result<void, RequestError> kill(
        const std::string& unit,
        const std::string& whom,
        int signal,
        std::optional<int> value = {},
        const Requester& by = {}) = 0;
    virtual Result<void, RequestError> reset_failed(const std::string& unit) = 0;  ///< "" = all
    virtual void reload(std::function<void()> done) = 0;  ///< daemon-reload; never fails as a whole
    /// What `daemon-reload --plan` prints: one line for each unit that a reload would change.
    [[nodiscard]] virtual std::string reload_plan() const { return {}; }
    [[nodiscard]] virtual std::string unit_by_pid(pid_t pid) const = 0;  ///< "" where none
    [[nodiscard]] virtual std::vector<UnitProcess> processes(const std::string& unit) const = 0;
    /// Path and state of each unit file along the unit path.
    [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> unit_files() const = 0;
    /// enable, disable, mask and kin. A plan that failed has done what could be done. The units are
    /// loaded again by reload() only.
    virtual Result<InstallPlan, RequestError> change_unit_files(const UnitFileRequest& request) = 0;
    /// "enabled", "masked" ... (units/install.hpp).
    [[nodiscard]] virtual Result<std::string, RequestError> unit_file_state(
        const std::string& unit) const = 0;
    /// The links that disable would remove.
    [[nodiscard]] virtual Result<std::vector<std::string>, RequestError> unit_file_links(
        const std::string& unit, bool runtime) const = 0;
    [[nodiscard]] virtual Result<std::string, RequestError> default_target() const = 0;
    [[nodiscard]] virtual std::vector<std::string> unit_path() const = 0;
    [[nodiscard]] virtual std::string system_state() const = 0;  ///< "running", "degraded" ...
    [[nodiscard]] virtual std::map<std::string, std::string> environment() const = 0;
    /// The numbers that DynamicUser= has given out, and the names that go with them.
    [[nodiscard]] virtual std::map<std::uint32_t, std::string> dynamic_users() const = 0;
    /// What system.conf and its drop-ins said when they were read last.
    [[nodiscard]] virtual const ManagerSettings& manager_settings() const = 0;
    /// set-environment and unset-environment: names or assignments to take out, then assignments to
    /// add; all or none. Commands that start from now on get them.
    virtual Result<void, RequestError> change_environment(
        const std::vector<std::string>& unset, const std::vector<std::string>& set) = 0;
    /// Whether WatchdogSec= of services is acted on.
    [[nodiscard]] virtual bool service_watchdogs() const = 0;
    virtual void set_service_watchdogs(bool enabled) = 0;
    /// All that is known of units and jobs, for a person who looks for a mistake. Empty patterns:
    /// of all units.
    [[nodiscard]] virtual std::string dump(const std::vector<std::string>& patterns) const = 0;

    /// The other program looks at the state first, off the loop. `done` gets an error, which names
    /// what it can't carry, and nothing has happened; or `key=value` lines about both, and then
    /// this hearthd ends and the keeper starts the other, or brings this one back.
    virtual void upgrade(
        UpgradeRequest request, std::function<void(Result<std::string, RequestError>)> done) = 0;
    /// How this hearthd came to be, as `key=value` lines (docs/state.md).
    [[nodiscard]] virtual std::string taken_over() const = 0;

    // org.hearth1: hearth's own verbs.
    /// JSON of units/why.hpp.
    virtual Result<std::string, RequestError> why(const std::string& unit) = 0;
    /// What `hearthctl plan` prints; refusals as diagnostics.
    virtual Result<std::string, Diagnostics> plan_text(const std::string& unit) = 0;
    /// JSON: rows of {directive, asked, applied, verified, reason}. Read on a worker, hence the
    /// callback.
    virtual void confinement(
        const std::string& unit, std::function<void(Result<std::string, RequestError>)> done) = 0;
    /// JSON, see report/probe.hpp, doctor.hpp, units/security.hpp. On a thread of its own, hence
    /// the callback.
    enum class Inquiry : std::uint8_t { Probe, Doctor, Security };
    virtual void inquire(
        Inquiry what,
        const std::vector<std::string>& units,
        std::function<void(Result<std::string, RequestError>)> done) = 0;
    [[nodiscard]] virtual std::string log_directory() const = 0;
    virtual void attach(
        AttachRequest request,
        std::function<void(Result<AttachSession, RequestError>)> started,
        std::function<void(std::uint64_t session, AttachExit)> ended) = 0;
    /// Removes the unit's directories: "runtime", "state", "cache", "logs", "configuration", "all".
    /// Answered when they are gone.
    virtual void clean(
        const std::string& unit,
        std::vector<std::string> what,
        std::function<void(Result<void, RequestError>)> done) = 0;
    /// set-property: "NAME=VALUE" of resource control, for now and (`runtime`: until the machine
    /// stops) for later. All or none of them.
    virtual Result<void, RequestError> set_properties(
        const std::string& unit, bool runtime, const std::vector<std::string>& assignments) = 0;
    /// Stops all processes of an active unit where they are, or lets them go on.
    virtual Result<void, RequestError> freeze(const std::string& unit, bool frozen) = 0;
    /// PowerOff() and kin of a machine: at once, without stopping units in order. A container
    /// exits; a guest refuses with NotSupported.
    virtual Result<void, RequestError> end_machine(
        const EndRequest& request, const Requester& by) = 0;
    /// JSON of blockers.hpp: the units that are being stopped, and what their processes wait in.
    virtual void blockers(std::function<void(Result<std::string, RequestError>)> done) = 0;
    [[nodiscard]] virtual WatchdogFacts watchdog() const = 0;
    virtual Result<void, RequestError> set_exit_code(std::uint8_t code) = 0;
    [[nodiscard]] virtual std::uint8_t exit_code() const = 0;
    virtual void end_attach(std::uint64_t session) = 0;  ///< client went away: SIGHUP, then kill
    virtual void signal_attach(std::uint64_t session, int signal) = 0;
};

}  // namespace hearth
