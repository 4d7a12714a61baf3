// SPDX-License-Identifier: MIT
//
// step(): the one place where hearth decides. It takes the World, one Event and the time, changes
// the World, and returns what happened (Transitions, JobChanges) and what to do (Actions). Pure: no
// system call, no clock, no log, no random number. The supervisor turns facts and requests into
// Events and Actions into calls; nothing else may change a unit's state.
//
// Requests are answered by value: request_job() says at once whether a job was queued, merged or
// refused, and why, in the error names of the bus.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "parser/compiled_once.hpp"
#include "parser/result.hpp"
#include "units/conditions.hpp"
#include "units/notification.hpp"
#include "units/state.hpp"
#include "units/world.hpp"

namespace hearth {

// ---- facts --------------------------------------------------------------------------------------

/// A launch ended with exec: the process runs.
struct Launched {
    std::string unit;
    LaunchId launch = 0;
    int pid = 0;
    Moment at;
    std::string invocation_id;
    bool operator==(const Launched&) const = default;
};

/// A launch failed. Refused: the plan could not be made, or a preparation failed; no process
/// existed. Otherwise `pid` existed and its exit is known already (exit_status of the failed step).
struct LaunchFailed {
    std::string unit;
    LaunchId launch = 0;
    bool refused = false;  ///< by promise 1: no automatic restart, it would be refused again
    int pid = 0;
    int exit_status = 0;  ///< systemd.exec(5): 203, 226 ...
    std::string message;  ///< file, line, directive, step, error; for people; may be several lines
    Moment at;
    std::string invocation_id;
    bool operator==(const LaunchFailed&) const = default;
};

struct ProcessExited {
    std::string unit;
    int pid = 0;
    int code = 0;  ///< CLD_EXITED, CLD_KILLED, CLD_DUMPED
    int status = 0;
    Moment at;
    bool operator==(const ProcessExited&) const = default;
};

/// What cgroup.events says of the unit's cgroup. Owed whenever it fires, and once more (whatever it
/// says) after each SignalUnit{everything} and KillCgroup was carried out: the engine counts a
/// cgroup as populated from each Launched on, and a short-lived process may have left it before it
/// could be told.
struct CgroupChanged {
    std::string unit;
    bool populated = false;
    bool operator==(const CgroupChanged&) const = default;
};
/// The kernel's OOM killer killed a process of the unit. Told before the ProcessExited of a process
/// that died of SIGKILL where that is possible, so that the result is oom-kill and not signal.
struct OutOfMemoryKilled {
    std::string unit;
    bool operator==(const OutOfMemoryKilled&) const = default;
};
/// A process of the unit said something by sd_notify(3).
struct Notified {
    std::string unit;
    int pid = 0;  ///< the sender, by the kernel's credentials
    Notification message;
    bool main_is_ours = false;  ///< the process of MAINPID= lives in the unit's cgroup
    /// what came along, by the ids that the supervisor gave them; closed unless StoreDescriptor
    /// claims them
    std::vector<std::uint64_t> descriptors;
    bool operator==(const Notified&) const = default;
};
/// The answer to FindMainProcess. Without a pid: none was found, and why, for a person.
struct MainProcessFound {
    std::string unit;
    int pid = 0;
    std::string why;
    bool operator==(const MainProcessFound&) const = default;
};
/// The other end of a stored descriptor hung up.
struct StoredDescriptorEnded {
    std::string unit;
    std::uint64_t id = 0;
    bool operator==(const StoredDescriptorEnded&) const = default;
};
/// BusName= of the unit has an owner on the message bus, or has none any more.
struct BusNameChanged {
    std::string unit;
    bool owned = false;
    bool operator==(const BusNameChanged&) const = default;
};
/// some deadline may have passed
struct TimeElapsed {
    bool operator==(const TimeElapsed&) const = default;
};
/// A unit was loaded for the first time or again. A running service keeps running as it was; a unit
/// that failed to parse replaces only a unit that is not running (otherwise the old one is kept,
/// told).
struct UnitLoaded {
    Unit unit;
    bool operator==(const UnitLoaded&) const = default;
};
/// The same for many at once, so that daemon-reload is one change.
struct UnitsLoaded {
    std::vector<Unit> units;
    bool operator==(const UnitsLoaded&) const = default;
};
/// The answer to CheckConditions.
struct ConditionsChecked {
    std::string unit;
    JobId job = 0;
    ConditionFacts facts;
    bool operator==(const ConditionsChecked&) const = default;
};
/// The kernel has the device, mount or swap of that name, or not any more.
struct PresenceChanged {
    std::string unit;
    bool present = false;
    bool operator==(const PresenceChanged&) const = default;
};
/// The answer to FillScope. `failure`: why none of the processes could be taken; empty: it runs.
struct ScopeFilled {
    std::string unit;
    std::string failure;
    std::string invocation_id;
    bool operator==(const ScopeFilled&) const = default;
};
/// Whoever made that scope leaves it to itself.
struct Abandoned {
    std::string unit;
    bool operator==(const Abandoned&) const = default;
};
/// Somebody has set the clock.
struct ClockChanged {
    bool operator==(const ClockChanged&) const = default;
};
/// The rules of time zones, by name; the local one's is empty. `local_changed`: it is another zone
/// than before.
struct ZonesRead {
    std::map<std::string, TimeZone, std::less<>> zones;
    bool local_changed = false;
    bool operator==(const ZonesRead&) const = default;
};
/// The answer to ReadTimerStamp: when the timer elapsed last, 0 where it never did.
struct TimerStampRead {
    std::string unit;
    std::uint64_t realtime = 0;
    bool operator==(const TimerStampRead&) const = default;
};
/// One path of a path unit: something that differs whenever it has changed, 0 where there is
/// nothing (no such file, no match, an empty directory); and whether the kernel has just told of a
/// change.
struct SeenPath {
    std::uint64_t stamp = 0;
    bool changed = false;
    bool operator==(const SeenPath&) const = default;
};
/// The answer to WatchPaths, and told again at each change until UnwatchPaths.
struct PathsSeen {
    std::string unit;
    std::vector<SeenPath> paths;  ///< in the order of PathSpecs
    std::string failure;          ///< why they can't be watched
    bool operator==(const PathsSeen&) const = default;
};
/// The answer to MountAutofs. `failure`: why not.
struct AutofsMounted {
    std::string unit;
    std::string failure;
    bool operator==(const AutofsMounted&) const = default;
};
/// A process waits for what is to be mounted, or the kernel asks for an idle mount to go. Answered
/// by AnswerAutofs with that token.
struct AutofsAsked {
    std::string unit;
    std::uint32_t token = 0;
    bool expires = false;
    std::string by;  ///< "ls (pid 12)", for a person
    bool operator==(const AutofsAsked&) const = default;
};
/// Somebody has unmounted an automount point.
struct AutofsGone {
    std::string unit;
    bool operator==(const AutofsGone&) const = default;
};
/// A client had a signal sent to processes of the unit: for its history, nothing follows from it.
struct SignalSent {
    std::string unit;
    int signal = 0;
    std::string to;  ///< "its main process", "all of its processes" ...
    Requester by;
    bool operator==(const SignalSent&) const = default;
};
/// "" = all
struct ResetFailed {
    std::string unit;
    bool operator==(const ResetFailed&) const = default;
};

/// What an earlier manager left, once the units are loaded. For each `launch` and process in it the
/// facts are owed as if this manager had launched them: Launched or LaunchFailed, ProcessExited.
struct UnitsRestored {
    std::vector<KeptUnit> units;
    std::set<std::uint64_t> held = {};  ///< the stored descriptors that are still there
    /// Microseconds: a sign of life may have come so much later than the text says.
    std::uint64_t signs_of_life_lag = 0;
    bool operator==(const UnitsRestored&) const = default;
};

struct Event : std::variant<
                   Launched,
                   LaunchFailed,
                   ProcessExited,
                   CgroupChanged,
                   OutOfMemoryKilled,
                   Notified,
                   MainProcessFound,
                   StoredDescriptorEnded,
                   BusNameChanged,
                   TimeElapsed,
                   UnitLoaded,
                   UnitsLoaded,
                   UnitsRestored,
                   ConditionsChecked,
                   PresenceChanged,
                   ScopeFilled,
                   Abandoned,
                   ClockChanged,
                   ZonesRead,
                   TimerStampRead,
                   PathsSeen,
                   AutofsMounted,
                   AutofsAsked,
                   AutofsGone,
                   SignalSent,
                   ResetFailed> {
    using variant::variant;
    HEARTH_COMPILED_ONCE(Event);
};

// ---- what to do ---------------------------------------------------------------------------------

/// Plan and launch commands(unit, kind)[index]. Exactly one Launched or LaunchFailed with `launch`
/// must follow, even after AbortLaunch.
struct Launch {
    std::string unit;
    LaunchId launch = 0;
    ExecKind kind{};
    std::size_t index = 0;
    bool begins_activation = false;  ///< a new invocation id
    bool when_idle = false;          ///< Type=idle: once no job runs, or after 5 s
    bool operator==(const Launch&) const = default;
};
struct AbortLaunch {
    std::string unit;
    LaunchId launch = 0;
    bool operator==(const AbortLaunch&) const = default;
};
/// Signal some of the unit's processes. `everything`: all processes of the cgroup.
struct SignalUnit {
    std::string unit;
    int signal = 0;
    bool main = false, control = false, everything = false;
    bool health = false;            ///< the process of HealthCheck=
    std::optional<int> value = {};  ///< as sigqueue(3) has it
    bool operator==(const SignalUnit&) const = default;
};
/// SIGKILL, all, by cgroup.kill
struct KillCgroup {
    std::string unit;
    bool operator==(const KillCgroup&) const = default;
};
/// The activation is over: remove private directories, namespaces, and the cgroup as soon as it is
/// empty (KillMode= may leave processes in it).
struct Release {
    std::string unit;
    bool operator==(const Release&) const = default;
};
/// Something a person should read in the log.
struct Tell {
    Severity severity{};
    std::string unit;
    std::string message;
    bool operator==(const Tell&) const = default;
};

/// Look for the main process of a forking service, by its PIDFile= or by what lives in its cgroup.
/// One MainProcessFound must follow.
struct FindMainProcess {
    std::string unit;
    bool operator==(const FindMainProcess&) const = default;
};
/// A process that was not launched as such is the main process now: its ProcessExited is owed.
struct WatchProcess {
    std::string unit;
    int pid = 0;
    bool operator==(const WatchProcess&) const = default;
};
/// Keep a descriptor of the last Notified; `poll`: StoredDescriptorEnded is wanted.
struct StoreDescriptor {
    std::string unit;
    std::uint64_t id = 0;
    bool poll = true;
    bool operator==(const StoreDescriptor&) const = default;
};
struct CloseDescriptor {
    std::string unit;
    std::uint64_t id = 0;
    bool operator==(const CloseDescriptor&) const = default;
};
/// Look at what the unit's conditions and asserts ask about (units/conditions.hpp); one
/// ConditionsChecked with this job must follow.
struct CheckConditions {
    std::string unit;
    JobId job = 0;
    bool operator==(const CheckConditions&) const = default;
};
/// Make the scope's cgroup and move its processes there. One ScopeFilled must follow.
struct FillScope {
    std::string unit;
    bool operator==(const FillScope&) const = default;
};
/// Look at when the timer elapsed last, in an earlier life too. One TimerStampRead must follow.
struct ReadTimerStamp {
    std::string unit;
    bool operator==(const ReadTimerStamp&) const = default;
};
/// The timer elapses now: keep that for later lives.
struct WriteTimerStamp {
    std::string unit;
    bool operator==(const WriteTimerStamp&) const = default;
};
/// Watch the paths of a path unit. At least one PathsSeen must follow.
struct WatchPaths {
    std::string unit;
    bool operator==(const WatchPaths&) const = default;
};
struct UnwatchPaths {
    std::string unit;
    bool operator==(const UnwatchPaths&) const = default;
};
/// Make Where= an automount point. One AutofsMounted must follow.
struct MountAutofs {
    std::string unit;
    bool operator==(const MountAutofs&) const = default;
};
struct UnmountAutofs {
    std::string unit;
    bool operator==(const UnmountAutofs&) const = default;
};
/// Whoever waits goes on: `error` 0, it is mounted (or unmounted); else an errno.
struct AnswerAutofs {
    std::string unit;
    std::vector<std::uint32_t> tokens;
    int error = 0;
    bool operator==(const AnswerAutofs&) const = default;
};
/// Ask the kernel whether the mount there is idle: AutofsAsked with `expires` if so.
struct ExpireAutofs {
    std::string unit;
    bool operator==(const ExpireAutofs&) const = default;
};
/// FailureAction= and kin, and the end of an essential service.
struct PerformAction {
    std::string unit;
    EmergencyAction action{};
    int exit_status = 0;          ///< what the supervisor ends with, if the action ends it
    std::string why;              ///< "FailureAction=exit", "Essential=yes"
    std::string reboot_argument;  ///< for reboot(2), if the action reboots; empty: none
    bool operator==(const PerformAction&) const = default;
};

struct Action : std::variant<
                    Launch,
                    AbortLaunch,
                    SignalUnit,
                    KillCgroup,
                    Release,
                    Tell,
                    FindMainProcess,
                    WatchProcess,
                    StoreDescriptor,
                    CloseDescriptor,
                    CheckConditions,
                    FillScope,
                    ReadTimerStamp,
                    WriteTimerStamp,
                    WatchPaths,
                    UnwatchPaths,
                    MountAutofs,
                    UnmountAutofs,
                    AnswerAutofs,
                    ExpireAutofs,
                    PerformAction> {
    using variant::variant;
    HEARTH_COMPILED_ONCE(Action);
};

// ---- what happened ------------------------------------------------------------------------------

/// One change of a unit's state. Log, bus, jobs and history see only this.
struct Transition {
    std::string unit;
    ServiceState from{}, to{};
    ServiceResult result{};
    std::string cause;  ///< "main process exited, code=killed, status=9/KILL"
    Moment at;
    bool operator==(const Transition&) const = default;
};

struct JobChange {
    enum class What : std::uint8_t { Queued, Running, Removed };
    Job job;
    What what{};
    JobResult result{};  ///< with Removed
    bool operator==(const JobChange&) const = default;
};

struct Outcome {
    std::vector<Transition> transitions;
    std::vector<JobChange> jobs;
    std::vector<Action> actions;
    bool operator==(const Outcome&) const = default;
};

/// Errors of requests: `name` is the D-Bus error name without prefix "org.freedesktop.systemd1."; a
/// name with a dot in it is complete as it is ("org.freedesktop.DBus.Error.InvalidArgs").
/// ("NoSuchUnit", "LoadFailed", "JobTypeNotApplicable", "TransactionIsDestructive", "UnitMasked"
/// ...).
struct RequestError {
    std::string name;
    std::string message;
    bool operator==(const RequestError&) const = default;
};

/// The verbs of the bus in terms of jobs.
enum class Verb : std::uint8_t {
    Start,
    Stop,
    Restart,
    Reload,
    TryRestart,
    ReloadOrRestart,
    ReloadOrTryRestart
};

struct Requested {
    JobId job = 0;
    Outcome outcome;  ///< already contains what the job set in motion
};

[[nodiscard]] Outcome step(World& world, const Event& event, Moment now);
[[nodiscard]] Result<Requested, RequestError> request_job(
    World& world,
    const std::string& unit,
    Verb verb,
    JobMode mode,
    Moment now,
    const Requester& by = {});
[[nodiscard]] Result<Outcome, RequestError> cancel_job(
    World& world, JobId job, Moment now, const Requester& by = {});

/// Forgets units that have no text, no process and no job (what asking for unknown names leaves
/// behind), and transient ones that have ended; not those that `held` says are still needed.
/// Returns their names.
std::vector<std::string> collect(
    World& world, const std::function<bool(const std::string& unit)>& held = {});

/// `running -> stop-sigterm: main process exited, code=exited, status=1/FAILURE`, one line, without
/// the unit.
[[nodiscard]] std::string describe(const Transition& transition);

/// `code=exited, status=1/FAILURE`: how a process ended (CLD_* code of waitid(2)), as in the log.
[[nodiscard]] std::string describe_exit(int code, int status);

}  // namespace hearth
