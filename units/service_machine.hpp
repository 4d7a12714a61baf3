// SPDX-License-Identifier: MIT
//
// The life of one service, as a function: what it is, what happened, what time it is -> what to do.
// It follows systemd 252's services of every Type=, and later systemds' notify-reload,
// RestartSteps= and kin; see systemd.service(5), systemd.kill(5), sd_notify(3). Pure and total:
// every state answers every event; an event about an unknown launch or process is ignored. Called
// only by the engine (units/engine.cpp), which owns the jobs.
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
//                a process: the start fails. forking is started when ExecStart= has exited and the
//                main process is known (or can't be); notify when READY=1 came; dbus when the bus
//                knows BusName=.
// start-post     ExecStartPost= runs beside the main process. If that one ends meanwhile, the
//                commands are waited for first.
// running        The main process runs (ExitType=cgroup, a forking service without known main
//                process: something in the cgroup does), and a dbus service has its BusName=. The
//                end of either, RuntimeMaxSec=, a watchdog or health check that failed, or a stop
//                leads away.
// exited         RemainAfterExit=: nothing runs, the service counts as active.
// reload         ExecReload= runs. Its failure or timeout is told as ReloadResult, and the service
//                goes on.
// reload-signal  Type=notify-reload: ReloadSignal= was sent, RELOADING=1 is waited for.
// reload-notify  The service said RELOADING=1, asked or by itself; READY=1 ends it.
// stop           ExecStop= runs, if the service had been started and has not failed.
// stop-watchdog  WatchdogSignal= was sent: the watchdog ran out, or a timeout's failure mode is
// abort. stop-sigterm   KillSignal= was sent as KillMode= says, then SIGCONT, then SIGHUP if
// SendSIGHUP=.
//                Left when main and control process are gone.
// stop-sigkill   TimeoutStopSec= passed, or KillMode=mixed has only others than the main process to
//                reach: FinalKillSignal= was sent.
// stop-post      ExecStopPost= runs, after every end, good or bad, also of a start that failed.
// final-watchdog As stop-watchdog, where ExecStopPost= took too long.
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
//
// The watchdog has a deadline of its own from start-post to the end of running and reload. Health
// checks (HealthCheck=) run beside the main process in running only, with a launch, a process and a
// deadline of their own that no other state waits for: leaving running kills them.
#pragma once

#include <string>
#include <variant>

#include "parser/compiled_once.hpp"
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
struct ServiceEvent : std::variant<
                          StartRequested,
                          StopRequested,
                          ReloadRequested,
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
                          ResetFailed> {
    using variant::variant;
    HEARTH_COMPILED_ONCE(ServiceEvent);
};

class ServiceMachine {
public:
    /// `restarting`: a restart job is what stops the service, so RestartKillSignal= applies.
    /// Transitions and actions are appended to `outcome`. All references must outlive the machine,
    /// which lives for one event.
    /// Of `world` only the next launch id, the random number and service_watchdogs are used.
    ServiceMachine(UnitRecord& record, World& world, bool restarting, Moment now, Outcome& outcome);

    void on(const ServiceEvent& event);

    /// Of a mount unit in state exited: the kernel has it no more.
    void unmounted();

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
        bool main = false;
    };  ///< main or control process ended
    struct CgroupEmptied {};
    struct OutOfMemory {};
    struct DeadlinePassed {};
    struct Forget {};  ///< reset-failed
    struct Ready {};   ///< READY=1, or the bus name is there
    struct Reloading {
        bool fresh = false;
    };  ///< RELOADING=1; fresh: not older than the last ReloadSignal=
    struct Stopping {};  ///< STOPPING=1
    struct MainSearched {
        bool found = false;
    };
    struct WatchdogPassed {};
    struct BusNameLost {};
    using Happening = std::variant<
        StartRequested,
        StopRequested,
        ReloadRequested,
        Started,
        Ended,
        CgroupEmptied,
        OutOfMemory,
        DeadlinePassed,
        Forget,
        Ready,
        Reloading,
        Stopping,
        MainSearched,
        WatchdogPassed,
        BusNameLost>;
    enum class Operation { Terminate, Abort, Kill };
    using Answer = void (ServiceMachine::*)();

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
    void in_reload_signal(const Happening& happening);
    void in_reload_notify(const Happening& happening);
    void in_stop(const Happening& happening);
    void in_signal(const Happening& happening, Operation operation, Answer ended, Answer timed_out);
    void in_stop_post(const Happening& happening);
    void in_failed(const Happening& happening);
    void in_auto_restart(const Happening& happening);
    void stop_before_started();
    void before_start_ended(const Ended& ended);
    void stop_signal_ended();
    void final_signal_ended();
    void reload_ended(ServiceResult result);
    void reload_command_ended(ServiceResult result);
    void reload_left_alone();
    void blame_out_of_memory();
    void out_of_memory();
    void stop_signal_timed_out();
    void stop_kill_timed_out();
    void final_signal_timed_out();
    void final_kill_timed_out();
    void forget();

    // The main process: service_machine_main.cpp.
    void start_ended(const Ended& ended);
    void find_main_process();
    void main_searched(const MainProcessFound& event);
    void main_found_in_start(const MainSearched& searched);
    void started_up();
    void main_never_came();
    [[nodiscard]] bool may_have_moved() const;
    void set_main(int pid);
    [[nodiscard]] bool alive() const;
    [[nodiscard]] bool is_main(ExecKind kind) const;
    [[nodiscard]] bool waits_for_pid_file() const;

    // What the service says of itself: service_machine_notify.cpp.
    void notified(const Notified& event);
    [[nodiscard]] bool may_notify(int pid) const;
    void told_status(const Notified& event);
    void told_descriptors(const Notified& event);
    void told_state(const Notification& message);
    void extend_timeout(std::uint64_t microseconds);
    void arm_watchdog();
    void drop_descriptors();
    void stored_descriptor_ended(const StoredDescriptorEnded& event);
    void bus_name_changed(const BusNameChanged& event);

    // Health checks: service_machine_health.cpp.
    void arm_health();
    void end_health();
    void health_due();
    void look_again();
    void health_launched(const Launched& event);
    void health_ended(bool well, const std::string& how);

    // The ways into a state: service_machine_enter.cpp.
    void start();
    void enter_condition();
    void enter_start_pre();
    void enter_start();
    void enter_start_post();
    void enter_running(ServiceResult result);
    void enter_reload();
    void enter_reload_notify();
    void enter_stop_by_notify();
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
    void restart_later();
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
    void time_elapsed();
    void launched(const Launched& event);
    void launch_failed(const LaunchFailed& event);
    void no_process(const LaunchFailed& event);
    void process_exited(const ProcessExited& event);
    void cgroup_changed(const CgroupChanged& event);
    bool adopt(ExecKind kind, int pid, Moment at);
    /// `why`: what a launch that failed says; empty: the program's own end.
    void end_process(
        ExecKind kind,
        bool main,
        int pid,
        int code,
        int exit_status,
        Moment at,
        const std::string& why = {});
    [[nodiscard]] ServiceResult judge(
        ExecKind kind, bool main, int pid, int code, int exit_status) const;
    [[nodiscard]] bool failure_ignored(ExecKind kind, std::size_t index) const;
    [[nodiscard]] ProcessRecord* history(ExecKind kind, std::size_t index);

    [[nodiscard]] const ServiceSettings& service() const { return record_.unit.settings.service; }
    [[nodiscard]] const KillSettings& kill() const { return record_.unit.settings.kill; }

    UnitRecord& record_;
    ServiceStatus& status_;
    LaunchId& next_launch_;
    std::uint64_t& random_;
    bool watchdogs_;  ///< of all services, by the manager's switch
    bool restarting_;
    Moment now_;
    Outcome& outcome_;
    std::string cause_;  ///< of the transitions to come
};

}  // namespace hearth
