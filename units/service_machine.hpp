// SPDX-License-Identifier: MIT
//
// The life of one service, as a function: what it is, what happened, what time it is -> what to do.
// It follows systemd 252's services of Type=simple, exec and oneshot (idle as simple); see
// systemd.service(5), systemd.kill(5). Pure and total: every state answers every event; an event
// about an unknown launch or process is ignored. Called only by the engine (units/engine.cpp),
// which owns the jobs.
//
// THE STATES, in the order of a life.
//
// dead           Nothing runs. A start goes to the first of condition, start-pre, start that has a
//                command.
// condition      ExecCondition= runs, one command after the other. Exit 0 goes on; 1 to 254 means
//                "not now": the service ends dead, not failed, with result exec-condition; 255, a
//                signal or a timeout is a failure.
// start-pre      ExecStartPre= runs, one after the other. What a command leaves running in the
//                cgroup is killed before the next one, unless KillMode= spares the cgroup.
// start          ExecStart= is on its way. simple and exec leave this state as soon as the launch
//                has reached exec; a oneshot runs all its commands here, and its start is over with
//                the last. A simple service whose launch failed after the process existed counts as
//                started and then as exited, so its start job succeeds and the unit fails
//                (systemd.service(5)); exec and oneshot fail the start. A refused launch never had
//                a process: the start fails.
// start-post     ExecStartPost= runs beside the main process. If that one ends meanwhile, the
//                commands are waited for first.
// running        The main process runs. Its end, RuntimeMaxSec= or a stop leads away.
// exited         RemainAfterExit=: nothing runs, the service counts as active.
// reload         ExecReload= runs. Its failure or timeout is told as ReloadResult, and the service
//                goes on.
// stop           ExecStop= runs, if the service had been started and has not failed.
// stop-sigterm   KillSignal= was sent as KillMode= says, then SIGCONT, then SIGHUP if SendSIGHUP=.
//                Left when main and control process are gone.
// stop-sigkill   TimeoutStopSec= passed, or KillMode=mixed has only others than the main process to
//                reach: FinalKillSignal= was sent.
// stop-post      ExecStopPost= runs, after every end, good or bad, also of a start that failed.
// final-sigterm  What is left in the cgroup, of the service or of ExecStopPost=, gets KillSignal=,
// final-sigkill  and then FinalKillSignal=. Left when main, control process and cgroup are gone.
// failed         Like dead, with a result that tells why. reset-failed makes it dead.
// auto-restart   The service ended, was dead or failed for an instant, and waits RestartSec= before
//                its next start, which the engine makes a job.
//
// RULES THAT HOLD IN ALL OF THEM.
//
// Results: the first failure of an activation sticks; later ones change nothing. One exception: a
// SIGKILL by the OOM killer may be known a moment before its cause, and oom-kill then replaces
// signal.
//
// Deadlines: at most one, for the command or the signal that is waited for; entering a state that
// waits for nothing clears it.
//
// Launches: at most one is in flight. It counts as a process that can't be signalled yet. Where a
// state must be left early (stop, timeout, OOM), the launch is told to abort and its end is waited
// for in the next state; if a process came of it nevertheless, that state signals it as if it had
// always been there.
//
// Other processes in the cgroup hold up final-sigterm and final-sigkill only.
#pragma once

#include <string>
#include <variant>

#include "units/engine.hpp"
#include "units/world.hpp"

namespace hearth {

struct StartRequested {
    bool operator==(const StartRequested&) const = default;
};
struct StopRequested {
    bool operator==(const StopRequested&) const = default;
};
struct ReloadRequested {
    bool operator==(const ReloadRequested&) const = default;
};

/// What the machine is told: requests of jobs, and the facts of engine.hpp. TimeElapsed means that
/// the unit's own deadline may have passed.
using ServiceEvent = std::variant<
    StartRequested,
    StopRequested,
    ReloadRequested,
    Launched,
    LaunchFailed,
    ProcessExited,
    CgroupChanged,
    OutOfMemoryKilled,
    TimeElapsed,
    ResetFailed>;

class ServiceMachine {
public:
    /// `restarting`: a restart job is what stops the service, so RestartKillSignal= applies.
    /// Transitions and actions are appended to `outcome`. All references must outlive the machine,
    /// which lives for one event.
    ServiceMachine(
        UnitRecord& record, LaunchId& next_launch, bool restarting, Moment now, Outcome& outcome);

    void on(const ServiceEvent& event);

    /// The scheduled restart can't be made (the unit's text is gone): failed, result resources.
    void give_up_restart(std::string why);

private:
    // What a state is told, after the bookkeeping of pids and launches (service_machine_facts.cpp).
    struct Started {
        ExecKind kind{};
    };  ///< a launch in flight became a process
    struct Ended {
        ExecKind kind{};
        ServiceResult result{};
    };  ///< main (kind Start) or control ended
    struct CgroupEmptied {};
    struct OutOfMemory {};
    struct DeadlinePassed {};
    struct Forget {};  ///< reset-failed
    using Happening = std::variant<
        StartRequested,
        StopRequested,
        ReloadRequested,
        Started,
        Ended,
        CgroupEmptied,
        OutOfMemory,
        DeadlinePassed,
        Forget>;
    enum class Operation { Terminate, Kill };

    // One function per state: service_machine.cpp.
    void dispatch(const Happening& happening);
    void in_dead(const Happening& happening);
    void in_condition(const Happening& happening);
    void in_start_pre(const Happening& happening);
    void in_start(const Happening& happening);
    void in_start_post(const Happening& happening);
    void in_running(const Happening& happening);
    void in_exited(const Happening& happening);
    void in_reload(const Happening& happening);
    void in_stop(const Happening& happening);
    void in_stop_sigterm(const Happening& happening);
    void in_stop_sigkill(const Happening& happening);
    void in_stop_post(const Happening& happening);
    void in_final_sigterm(const Happening& happening);
    void in_final_sigkill(const Happening& happening);
    void in_failed(const Happening& happening);
    void in_auto_restart(const Happening& happening);
    void stop_before_started();
    void before_start_ended(const Ended& ended);
    void stop_signal_ended();
    void final_signal_ended();
    void reload_ended(ServiceResult result);
    void blame_out_of_memory();
    void forget();

    // The ways into a state: service_machine_enter.cpp.
    void start();
    void enter_condition();
    void enter_start_pre();
    void enter_start();
    void enter_start_post();
    void enter_running(ServiceResult result);
    void enter_reload();
    void enter_stop(ServiceResult result);
    void enter_signal(ServiceState state, ServiceResult result);
    void enter_stop_post(ServiceResult result);
    void enter_dead(ServiceResult result, bool may_restart);
    void refuse_start(ServiceResult result, std::string why);
    [[nodiscard]] std::string with_lines(std::string reason) const;

    void enter(ServiceState state);
    void run(ExecKind kind, std::size_t index, Timespan timeout);
    [[nodiscard]] bool run_next(const Ended& ended);
    void fail(ServiceResult result);
    void arm(Timespan timeout);
    void reset_activation();
    void end_forked_processes();
    [[nodiscard]] static Operation operation(ServiceState state);
    [[nodiscard]] bool reaches_cgroup(Operation operation) const;
    [[nodiscard]] bool awaits(Operation operation) const;
    [[nodiscard]] bool process_left() const;
    void signal_processes(Operation operation);
    void send(int signal, bool everything);
    void send_and_wake(int signal, bool everything);
    void kill_control_process();
    void tell(Severity severity, std::string message);

    // Facts to happenings: service_machine_facts.cpp.
    void launched(const Launched& event);
    void launch_failed(const LaunchFailed& event);
    void no_process(const LaunchFailed& event);
    void process_exited(const ProcessExited& event);
    void cgroup_changed(const CgroupChanged& event);
    void adopt(ExecKind kind, int pid, Moment at);
    void end_process(ExecKind kind, int pid, int code, int exit_status, Moment at);
    [[nodiscard]] ServiceResult judge(ExecKind kind, int pid, int code, int exit_status) const;
    [[nodiscard]] bool failure_ignored(ExecKind kind, std::size_t index) const;
    [[nodiscard]] ProcessRecord* history(ExecKind kind, std::size_t index);

    [[nodiscard]] const ServiceSettings& service() const { return record_.unit.settings.service; }
    [[nodiscard]] const KillSettings& kill() const { return record_.unit.settings.kill; }

    UnitRecord& record_;
    ServiceStatus& status_;
    LaunchId& next_launch_;
    bool restarting_;
    Moment now_;
    Outcome& outcome_;
    std::string cause_;  ///< of the transitions to come
};

}  // namespace hearth
