// SPDX-License-Identifier: MIT
//
// World: every unit, every job and every deadline as one value. Only the engine changes it
// (units/engine.hpp); the bus and the report read it as `const World&`. Nothing in it refers to a
// descriptor, a callback or a clock: it can be copied, compared, printed and driven by a test.
//
// Names of states, results and jobs are systemd's: systemd.service(5), org.freedesktop.systemd1(5).
// All times are microseconds.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "units/time_zone.hpp"
#include "units/unit.hpp"

namespace hearth {

/// One instant on both clocks; 0/0 means "never".
struct Moment {
    std::uint64_t monotonic = 0;
    std::uint64_t realtime = 0;
    bool operator==(const Moment&) const = default;
};

/// The sub-state of a service, in the order of a life. See the prose in service_machine.hpp.
enum class ServiceState : std::uint8_t {
    Dead,
    Condition,
    StartPre,
    Start,
    StartPost,
    Running,
    Exited,
    Reload,
    ReloadSignal,
    ReloadNotify,
    Stop,
    StopWatchdog,
    StopSigterm,
    StopSigkill,
    StopPost,
    FinalWatchdog,
    FinalSigterm,
    FinalSigkill,
    Failed,
    AutoRestart,
    Waiting,  ///< of timers, paths and automounts alone
};
[[nodiscard]] std::string_view name(ServiceState state);  // "stop-sigterm" ...

enum class ActiveState : std::uint8_t {
    Active,
    Reloading,
    Inactive,
    Failed,
    Activating,
    Deactivating
};
[[nodiscard]] std::string_view name(ActiveState state);
[[nodiscard]] ActiveState active_state(ServiceState state, ServiceType type);
/// Up, also while it reloads.
[[nodiscard]] constexpr bool is_active(ActiveState state) {
    return state == ActiveState::Active || state == ActiveState::Reloading;
}
/// Nothing of it runs or is about to.
[[nodiscard]] constexpr bool at_rest(ActiveState state) {
    return state == ActiveState::Inactive || state == ActiveState::Failed;
}

enum class ServiceResult : std::uint8_t {
    Success,
    Resources,
    Protocol,
    Timeout,
    ExitCode,
    Signal,
    CoreDump,
    Watchdog,
    StartLimitHit,
    OomKill,
    ExecCondition,
    UnitStartLimitHit,   ///< of paths: the unit that they trigger may not be started any more
    TriggerLimitHit,     ///< of paths: TriggerLimitBurst=
    MountStartLimitHit,  ///< of automounts
};
[[nodiscard]] std::string_view name(ServiceResult result);  // "exit-code" ...

/// Which Exec line a command belongs to.
enum class ExecKind : std::uint8_t {
    Condition,
    StartPre,
    Start,
    StartPost,
    Reload,
    Stop,
    StopPost,
    Health,  ///< HealthCheck= of [X-Hearth]
};
inline constexpr std::size_t exec_kinds = 8;
[[nodiscard]] std::string_view name(ExecKind kind);  // "ExecStartPre" ...
[[nodiscard]] const CommandLines& commands(const Unit& unit, ExecKind kind);
/// Whether there is a way to reload it: ExecReload=, or Type=notify-reload.
[[nodiscard]] bool can_reload(const Unit& unit);

/// What became of one process. `code` is a CLD_* value of waitid(2), 0 while it runs or never ran.
struct ProcessRecord {
    int pid = 0;
    Moment started, exited;
    int code = 0;
    int status = 0;  ///< exit code or signal number
    bool operator==(const ProcessRecord&) const = default;
};

/// What the service last said of itself, see sd_notify(3).
enum class NotifyState : std::uint8_t { Unknown, Ready, Reloading, Stopping };

/// A descriptor that the service stored (FDSTORE=1); the supervisor holds it under this id.
struct StoredDescriptor {
    std::uint64_t id = 0;
    std::string name;
    bool operator==(const StoredDescriptor&) const = default;
};

using LaunchId = std::uint64_t;
using JobId = std::uint32_t;

/// What a timer knows beside its state. Times are microseconds.
struct TimerStatus {
    Moment last_trigger;                          ///< LastTriggerUSec
    std::vector<std::uint32_t> spent;             ///< of TimerList::monotonic: elapsed for good
    std::optional<std::uint64_t> next_monotonic;  ///< NextElapseUSecMonotonic
    std::optional<std::uint64_t> next_realtime;   ///< NextElapseUSecRealtime
    std::optional<std::uint64_t> wake_realtime;   ///< within AccuracySec= after next_realtime
    bool reads_stamp = false;                     ///< its start waits for TimerStampRead
    bool operator==(const TimerStatus&) const = default;
};

/// Why a path unit looks at its paths.
enum class PathLook : std::uint8_t {
    Started,
    TriggerEnded,
    Change,
    Resumed  ///< an earlier hearthd had looked
};
[[nodiscard]] std::string_view name(PathLook look);

struct PathStatus {
    PathLook look = PathLook::Started;
    std::vector<std::uint64_t> seen;     ///< SeenPath::stamp of each, when it was looked at last
    std::deque<std::uint64_t> triggers;  ///< monotonic; for TriggerLimitBurst=
    bool operator==(const PathStatus&) const = default;
};

/// The kernel's requests that wait for an answer, by their tokens (autofs, protocol 5).
struct AutomountStatus {
    std::vector<std::uint32_t> mount_tokens, expire_tokens;
    bool operator==(const AutomountStatus&) const = default;
};

struct ServiceStatus {
    ServiceState state = ServiceState::Dead;
    ServiceResult result = ServiceResult::Success;  ///< property Result
    ServiceResult reload_result = ServiceResult::Success;
    std::optional<LaunchId> launch;  ///< the launch in flight; at most one per unit
    ExecKind launch_kind = ExecKind::Start;
    int main_pid = 0;  ///< 0: none
    int control_pid = 0;
    ExecKind control_kind = ExecKind::Start;
    std::size_t command = 0;  ///< index within the list being run
    ProcessRecord main;       ///< ExecMain* properties; kept after the exit
    std::array<std::vector<ProcessRecord>, exec_kinds> history;  ///< last run of each command
    std::uint32_t restarts = 0;                                  ///< NRestarts
    bool restarts_stale = false;  ///< the next start that is not automatic counts from 0 again
    std::deque<std::uint64_t> recent_starts;  ///< monotonic; for the start limit
    std::optional<std::uint64_t> deadline;    ///< monotonic; when this unit next wants TimeElapsed
    bool cgroup_populated = false;
    bool stop_requested = false;  ///< by a job: an automatic restart is off
    bool refused = false;         ///< the last start was refused before any process existed
    std::string invocation_id;    ///< 32 hex digits, of the current or last activation
    /// what failed, for a person: the launch error or refusal, may be several lines
    std::string failure;
    /// of this activation; what the text says may change underway
    ServiceType type = ServiceType::Simple;
    bool main_known = false;  ///< of this activation; false: a forking service's was never found
    bool searching = false;   ///< FindMainProcess is under way
    std::optional<std::uint64_t> search_at;  ///< monotonic; when to look for the PID file again
    /// what the main process's end means, if no other one has taken over
    std::optional<ServiceResult> moving;

    NotifyState notify_state = NotifyState::Unknown;
    std::string status_text;                    ///< StatusText
    int status_errno = 0;                       ///< StatusErrno
    std::string bus_error;                      ///< BUSERROR=
    std::optional<Timespan> watchdog_override;  ///< WATCHDOG_USEC=
    Moment watchdog_at;                         ///< WatchdogTimestamp
    std::optional<std::uint64_t> watchdog_deadline;
    std::uint64_t reload_began = 0;  ///< monotonic; when ReloadSignal= was sent
    std::vector<StoredDescriptor> stored;
    bool bus_name_owned = false;  ///< BusName= has an owner

    std::uint32_t back_off = 0;       ///< automatic restarts since the last healthy time
    std::uint64_t runtime_extra = 0;  ///< microseconds; of RuntimeRandomizedExtraSec=

    std::optional<LaunchId> health_launch;
    int health_pid = 0;
    std::uint32_t health_failures = 0;  ///< in a row
    bool health_late = false;           ///< the one that runs was told to end
    std::optional<std::uint64_t> health_deadline;

    bool mounted_here = false;  ///< a mount: its own command made it, so it may end it
    TimerStatus timer;
    PathStatus path;
    AutomountStatus automount;
    bool abandoned = false;  ///< a scope: whoever made it doesn't care for it any more

    bool condition_met = false;  ///< ConditionResult: false if ExecCondition= said "not now"
    Moment condition_asked;      ///< ConditionTimestamp: the last start
    bool operator==(const ServiceStatus&) const = default;

    /// The earliest of its deadlines.
    [[nodiscard]] std::optional<std::uint64_t> next_deadline() const;
};

enum class JobType : std::uint8_t {
    Start,
    Stop,
    Restart,
    Reload,
    TryRestart,
    ReloadOrStart,
    VerifyActive
};
[[nodiscard]] std::string_view name(JobType type);
[[nodiscard]] std::string_view name(JobMode mode);
[[nodiscard]] std::optional<JobMode> job_mode(std::string_view text);
enum class JobState : std::uint8_t { Waiting, Running };
enum class JobResult : std::uint8_t {
    Done,
    Canceled,
    Timeout,
    Failed,
    Dependency,
    Skipped,
    Invalid,
    Assert,
    Unsupported,
    Collected,
    Once
};
[[nodiscard]] std::string_view name(JobResult result);

/// Who asked for something: a client of the bus, by what the kernel says of who connected
/// (SO_PEERCRED, /proc/PID/comm). pid 0: hearthd itself, or a process that it can't see.
struct Requester {
    std::uint32_t uid = 0;
    int pid = 0;
    std::string command;
    bool operator==(const Requester&) const = default;
};
/// "hearthctl (pid 12, uid 0)"
[[nodiscard]] std::string describe(const Requester& requester);

/// What a transaction began with: a request, or the change of a unit.
struct JobCause {
    std::string unit;  ///< what it was for; the other jobs of it are for that one's sake
    JobType type{};
    std::string why;              ///< "BindsTo=a.service", "Restart="; empty: a request
    std::optional<Requester> by;  ///< who requested it
    std::string of;               ///< whose change caused it
    std::uint64_t change = 0;     ///< Change::number of that one; 0: none
    bool failure = false;         ///< that one failed: what is stopped for it may come back
    bool operator==(const JobCause&) const = default;
};

struct Job {
    JobId id = 0;
    std::string unit;
    JobType type{};
    JobMode mode{};
    JobState state = JobState::Waiting;
    Moment queued;
    std::string why;  ///< "Requires= of a.service", "Restart="; empty: asked for by a client
    std::optional<std::uint64_t> deadline;  ///< monotonic; JobTimeoutSec=, JobRunningTimeoutSec=
    JobCause cause{};
    bool operator==(const Job&) const = default;
};

/// One line of a unit's history: a transition, or a job that ended without one (from == to).
struct Change {
    std::uint64_t number = 0;  ///< counts the changes of all units
    Moment at;
    ServiceState from{}, to{};
    ServiceResult result{};
    std::string cause;       ///< of the transition, or why the job ended
    std::string restart;     ///< why it is, or isn't, started again; empty: no question
    std::optional<Job> job;  ///< that did it, or that ended
    std::optional<JobResult> ended;
    std::string of;             ///< the other unit that it comes from, where no job says so
    std::uint64_t because = 0;  ///< number of that unit's change; 0: none
    bool operator==(const Change&) const = default;
    /// Nothing changed: a client had a signal sent, and `cause` says who and which.
    [[nodiscard]] bool is_signal() const { return from == to && !ended && !job; }
};
/// Of each unit so many changes are kept: two lives of a service that fails and is started again.
inline constexpr std::size_t kept_changes = 16;

/// What a unit was started for, by a timer or path: $TRIGGER_UNIT and kin, ActivationDetails.
struct ActivationDetails {
    std::string trigger_unit;  ///< empty: it was started otherwise
    std::string path;
    Moment timer;  ///< when the timer elapsed
    bool operator==(const ActivationDetails&) const = default;
};
/// "trigger_timer_realtime_usec" and its value, as ActivationDetails shows them.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> pairs_of(
    const ActivationDetails& details);

struct UnitRecord {
    Unit unit;
    ServiceStatus status;
    std::optional<JobId> job;  ///< at most one job per unit
    bool need_daemon_reload = false;
    Diagnostics kept_because;  ///< why the newer text of a unit that runs could not be taken
    bool checking = false;     ///< its start waits for ConditionsChecked
    /// One for each condition and assert: 1 held, -1 didn't, 0 was not asked; the last start's.
    std::vector<int> condition_results, assert_results;
    bool assert_met = false;  ///< AssertResult
    /// ResumeWith=: what it needs failed; it is started when that is back.
    bool resumes = false;
    ActivationDetails activation;
    std::deque<std::uint64_t> automatic_jobs;  ///< monotonic; StopWhenUnneeded=, Upholds= ...
    Moment state_change, active_enter, active_exit, inactive_enter, inactive_exit;
    std::vector<Change> changes;  ///< the last kept_changes, oldest first (units/why.hpp)
    bool operator==(const UnitRecord&) const = default;

    [[nodiscard]] ActiveState active_state() const;
};

/// What `record` would be in that state of its machine.
[[nodiscard]] ActiveState state_of(const UnitRecord& record, ServiceState state);
/// SubState: "running", "plugged" ... in the words of the unit's type.
[[nodiscard]] std::string_view sub_state(std::string_view unit, ServiceState state);
[[nodiscard]] std::string_view sub_state(const UnitRecord& record);

struct World {
    std::map<std::string, UnitRecord, std::less<>> units;
    std::map<std::string, std::string, std::less<>> aliases;  ///< other names to the unit's own
    /// The other direction of all Unit::dependencies, by the name that they name, whether there is
    /// such a unit or not; `relation` is the inverse.
    std::map<std::string, Dependencies, std::less<>> incoming;
    std::map<JobId, Job> jobs;
    JobId next_job = 1;
    LaunchId next_launch = 1;
    std::uint64_t next_change = 1;
    bool service_watchdogs = true;  ///< false: WatchdogSec= that passes is told, and nothing done
    std::uint64_t random = 0;       ///< state of the random numbers; the supervisor seeds it
    // What timers count from and by; the supervisor fills it in.
    Moment manager_started;       ///< OnStartupSec=
    std::uint64_t booted_at = 0;  ///< monotonic; OnBootSec=: 0, in a container its own start
    std::uint64_t machine = 0;    ///< a number of this machine's: FixedRandomDelay=
    std::map<std::string, TimeZone, std::less<>> zones;  ///< by name; empty: the local one
    bool operator==(const World&) const = default;

    /// By any of its names.
    [[nodiscard]] const UnitRecord* find(std::string_view name) const;
    [[nodiscard]] UnitRecord* find(std::string_view name);

    /// Calls visit(Relation, std::string_view other, DependencySource) for each dependency of the
    /// unit, its own and the inverses of the others'.
    template <class Visit>
    void for_each_dependency(const UnitRecord& record, Visit visit) const {
        for (const Dependency& each : record.unit.dependencies) {
            if (is_in_force(record.unit, each)) {
                visit(each.relation, std::string_view(each.unit), each.source);
            }
        }
        const auto found = incoming.find(record.unit.name);
        if (found == incoming.end()) {
            return;
        }
        for (const Dependency& each : found->second) {
            if (is_in_force(record.unit, each)) {
                visit(each.relation, std::string_view(each.unit), each.source);
            }
        }
    }
    [[nodiscard]] bool has_dependency(
        const UnitRecord& record, Relation relation, std::string_view other) const;
    /// DependencySource::DefaultOfTarget depends on the other unit, too.
    [[nodiscard]] bool is_in_force(const Unit& unit, const Dependency& dependency) const;

    // Keeping `incoming`: the engine's alone.
    void link(const Unit& unit);
    void unlink(const Unit& unit);
    void move_incoming(const std::string& from, const std::string& to);
    void relink();  ///< from nothing; for names that stop being aliases

    /// The earliest deadline of all units, monotonic.
    [[nodiscard]] std::optional<std::uint64_t> next_deadline() const;
    /// The earliest time of day at which a timer is to be looked at, realtime.
    [[nodiscard]] std::optional<std::uint64_t> next_wake() const;
};

}  // namespace hearth
