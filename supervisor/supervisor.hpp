// SPDX-License-Identifier: MIT
//
// Supervisor: the imperative shell around the engine. It turns facts (a pidfd became readable, a
// launch returned, a deadline passed) and requests (the bus) into Events, and Actions into calls.
// It decides nothing: a unit's state is changed by units/engine alone, and everything here that
// looks like a decision belongs there.
//
// One event loop thread runs all of this; launches block on launcher threads, clean-up and reads of
// hostile files on the worker. Outcomes are handled in order, never re-entrantly: what an action
// causes is queued and stepped after the current outcome has been told to everybody.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "supervisor/attach.hpp"
#include "supervisor/cgroup/kernel_log.hpp"
#include "supervisor/cgroup/tree.hpp"
#include "supervisor/check_state.hpp"
#include "supervisor/control.hpp"
#include "supervisor/dynamic_users.hpp"
#include "supervisor/host_facts.hpp"
#include "supervisor/keeper.hpp"
#include "supervisor/launch/launcher.hpp"
#include "supervisor/live_unit.hpp"
#include "supervisor/logd/client.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/notify/bus_names.hpp"
#include "supervisor/notify/socket.hpp"
#include "supervisor/notify/store.hpp"
#include "supervisor/now.hpp"
#include "supervisor/options.hpp"
#include "supervisor/report/report.hpp"
#include "supervisor/state_files.hpp"
#include "supervisor/unit_files/install_files.hpp"
#include "supervisor/unit_store.hpp"
#include "supervisor/worker.hpp"
#include "units/state.hpp"

namespace hearth {

class HardwareWatchdog;
class ShutdownConsole;
struct Blocker;

class Supervisor final : public Control {
public:
    /// Takes the cgroup root, starts hearth-logd and the launchers. Errors say what to do.
    static Result<std::unique_ptr<Supervisor>> create(
        EventLoop& loop, Options options, KeeperChannel keeper = {});
    ~Supervisor() override;

    /// Starts the units of --unit; called once the bus listens.
    void start_units();
    /// Stops every unit in order, then exits the loop with `status`. A second call kills what still
    /// runs.
    void shut_down(int status);

    /// As systemd(1), "Signals", has them for a machine's manager; main takes those of all roles.
    void signal_received(int signal);
    /// What the keeper is to be told once the loop has ended.
    [[nodiscard]] const MachineEnd& end() const { return end_; }

    /// Our root in the v2 tree, as /proc/PID/cgroup shows it.
    [[nodiscard]] std::string control_group() const { return tree_.shown(""); }
    [[nodiscard]] KeeperChannel& keeper() { return keeper_; }

    [[nodiscard]] const World& world() const override { return world_; }
    [[nodiscard]] LiveFacts live(const UnitRecord& record) const override;
    void observe(OutcomeObserver* observer) override { observer_ = observer; }
    Result<const UnitRecord*, RequestError> load(const std::string& unit) override;
    Result<JobId, RequestError> request(
        const std::string& unit, Verb verb, JobMode mode, const Requester& by) override;
    Result<JobId, RequestError> start_transient(
        std::vector<TransientUnit> units, JobMode mode, const Requester& by) override;
    Result<void, RequestError> abandon(const std::string& unit) override;
    void refer(const std::string& unit, bool refers) override;
    Result<void, RequestError> cancel(JobId job, const Requester& by) override;
    Result<void, RequestError> kill(
        const std::string& unit,
        const std::string& whom,
        int signal,
        std::optional<int> value,
        const Requester& by) override;
    void upgrade(
        UpgradeRequest request,
        std::function<void(Result<std::string, RequestError>)> done) override;
    [[nodiscard]] std::string taken_over() const override;
    /// The bus answers. From now on state is written as this version has it.
    void announce_ready();
    /// The loop ended for another hearthd: everything goes on without this process.
    [[nodiscard]] bool makes_room() const { return makes_room_; }
    Result<void, RequestError> reset_failed(const std::string& unit) override;
    void reload(std::function<void()> done) override;
    [[nodiscard]] std::string reload_plan() const override;
    [[nodiscard]] std::string unit_by_pid(pid_t pid) const override;
    [[nodiscard]] std::vector<UnitProcess> processes(const std::string& unit) const override;
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> unit_files() const override;
    Result<InstallPlan, RequestError> change_unit_files(const UnitFileRequest& request) override;
    [[nodiscard]] Result<std::string, RequestError> unit_file_state(
        const std::string& unit) const override;
    [[nodiscard]] Result<std::vector<std::string>, RequestError> unit_file_links(
        const std::string& unit, bool runtime) const override;
    [[nodiscard]] Result<std::string, RequestError> default_target() const override;
    [[nodiscard]] std::vector<std::string> unit_path() const override { return store_.path(); }
    [[nodiscard]] std::string system_state() const override;
    [[nodiscard]] Moment started() const { return started_; }
    [[nodiscard]] std::map<std::string, std::string> environment() const override;
    [[nodiscard]] std::map<std::uint32_t, std::string> dynamic_users() const override;
    [[nodiscard]] const ManagerSettings& manager_settings() const override {
        return options_.manager;
    }
    Result<void, RequestError> change_environment(
        const std::vector<std::string>& unset, const std::vector<std::string>& set) override;
    [[nodiscard]] bool service_watchdogs() const override { return world_.service_watchdogs; }
    void set_service_watchdogs(bool enabled) override;
    [[nodiscard]] std::string dump(const std::vector<std::string>& patterns) const override;
    Result<std::string, RequestError> why(const std::string& unit) override;
    Result<std::string, Diagnostics> plan_text(const std::string& unit) override;
    void confinement(
        const std::string& unit,
        std::function<void(Result<std::string, RequestError>)> done) override;
    void inquire(
        Inquiry what,
        const std::vector<std::string>& units,
        std::function<void(Result<std::string, RequestError>)> done) override;
    [[nodiscard]] std::string log_directory() const override { return options_.log_directory; }
    void attach(
        AttachRequest request,
        std::function<void(Result<AttachSession, RequestError>)> started,
        std::function<void(std::uint64_t, AttachExit)> ended) override;
    void clean(
        const std::string& unit,
        std::vector<std::string> what,
        std::function<void(Result<void, RequestError>)> done) override;
    Result<void, RequestError> set_properties(
        const std::string& unit,
        bool runtime,
        const std::vector<std::string>& assignments) override;
    Result<void, RequestError> freeze(const std::string& unit, bool frozen) override;
    Result<void, RequestError> end_machine(const EndRequest& request, const Requester& by) override;
    void blockers(std::function<void(Result<std::string, RequestError>)> done) override;
    [[nodiscard]] WatchdogFacts watchdog() const override;
    Result<void, RequestError> set_exit_code(std::uint8_t code) override;
    [[nodiscard]] std::uint8_t exit_code() const override { return exit_code_; }
    void end_attach(std::uint64_t session) override;
    void signal_attach(std::uint64_t session, int signal) override;

private:
    Supervisor(EventLoop& loop, Options options, KeeperChannel keeper, cgroup::Tree tree);
    Result<void> set_up();
    Result<void> set_up_facts();
    Result<void> set_up_sources();
    void take_up_work();

    // Events in, outcomes out (supervisor.cpp).
    void happen(Event event);
    void handle(const Outcome& outcome);
    void carry_out(const Outcome& outcome, const std::set<std::string>& due);
    void settle();
    void arm_deadline();
    void told(const Outcome& outcome);
    /// On the console of a machine (console_status.cpp).
    void show_status(const Outcome& outcome) const;
    void forget_collected();

    // What outlives this process (adoption.cpp).
    /// Writes the unit's state, or removes it where there is none.
    void save(const std::string& unit);
    void save_soon(const std::string& unit);
    void save_unsaved();
    bool hold_state(const std::string& unit, const std::string& text);
    void drop_held_state(const std::string& unit);
    std::map<std::string, Result<StateText>> read_kept();
    void write_again();
    void save_units_of(const Outcome& outcome);
    /// A launch takes the activation away for a while, and may be under way at our death.
    static void intend(LiveUnit& live);
    void add_lines(const std::string& unit, LiveUnit& live, StateLines& lines);
    void forget_unneeded();
    void forget_state();
    void adopt();
    void adopt_unit(const KeptUnit& unit);
    void remember(const KeptUnit& unit, LiveUnit& live, StateLines& lines);
    std::set<pid_t> adopt_processes(
        const KeptUnit& unit, const std::string& recorded, const std::vector<pid_t>& members);
    [[nodiscard]] std::uint64_t start_of_named(
        const std::string& unit, pid_t pid, const std::vector<pid_t>& members) const;
    void adopt_process(
        const std::string& unit,
        pid_t pid,
        std::uint64_t started,
        const std::vector<pid_t>& members);
    // What was under way (settling.cpp).
    void note_launch(
        const KeptUnit& unit, const std::set<pid_t>& known, const std::vector<pid_t>& members);
    void settle_adopted(const std::vector<KeptUnit>& units, const Outcome& resumed);
    bool end_given_up(const std::string& unit, pid_t pid, const sys::Descriptor& pidfd);
    [[nodiscard]] bool settle_ended_launch(const KeptUnit& unit);
    void settle_launch(const KeptUnit& unit, pid_t pid);
    std::set<std::string> note_due(const Outcome& outcome);
    void note_sent(const std::string& unit, std::span<const Action> left);
    void send_due(const std::string& unit, const std::string& signals);

    // Another hearthd in the place of this one (upgrade.cpp).
    struct Upgrade {
        sys::Descriptor program;
        std::string path;
        UpgradeRequest request;
        std::function<void(Result<std::string, RequestError>)> done;
        int waited = 0;  ///< times, for launches to return
    };
    void examine(std::shared_ptr<Upgrade> upgrade);
    void examined(const std::shared_ptr<Upgrade>& upgrade, const Result<StateVerdict>& verdict);
    void refuse_upgrade(Upgrade& upgrade, RequestError error);
    void make_room(const std::shared_ptr<Upgrade>& upgrade);
    void write_all_state(unsigned version);

    // Loading (loading.cpp).
    Result<const UnitRecord*, RequestError> load_now(const std::string& unit);
    /// `units` with all that they name and that isn't loaded yet.
    [[nodiscard]] std::vector<Unit> read_units(
        std::vector<std::string> names, const UnitStore& store) const;
    void take_in(std::vector<Unit> units);
    // daemon-reload: read on a thread of its own, taken in at once (reloading.cpp).
    struct Reading;
    void begin_reload();
    void end_reload(Reading& reading);
    /// Units that others name and that were missing may be there by now.
    void refresh_missing();
    [[nodiscard]] std::vector<Unit> read_all(const UnitStore& store) const;
    void look_for_devices();
    bool check_presence();
    void watch_mounts();

    // Timers, paths, automounts, and mounts of others (triggers.cpp).
    Result<void> set_up_triggers();
    void set_timer_bases();
    void read_zones(const std::set<std::string>& names);
    void read_zones_of(const std::vector<Unit>& units);
    void arm_clock();
    void perform_trigger(const ReadTimerStamp& action);
    void perform_trigger(const WriteTimerStamp& action);
    void perform_trigger(const WatchPaths& action);
    void perform_trigger(const UnwatchPaths& action);
    void perform_trigger(const MountAutofs& action);
    void perform_trigger(const UnmountAutofs& action);
    void perform_trigger(const AnswerAutofs& action);
    void perform_trigger(const ExpireAutofs& action);
    void adopt_automount(const std::string& unit);
    static void show_mount(const UnitRecord& record, LiveFacts& facts);

    // Transient units (transient.cpp).
    Result<void, RequestError> make_transient(const TransientUnit& unit);
    [[nodiscard]] bool is_held(const std::string& unit) const;
    void forget_transient(const std::string& unit);
    void lend_stdio(const std::string& unit, launch::LaunchRequest& request);
    void close_stdio(const std::string& unit);
    // Scopes (scopes.cpp).
    [[nodiscard]] Result<void, RequestError> judge_scope(const TransientUnit& unit) const;
    void perform_fill(const std::string& unit);
    void adopt_scope(const KeptUnit& unit);

    // hearth's own questions (inquiries.cpp, requests.cpp).
    using Answered = std::function<void(Result<std::string, RequestError>)>;
    Result<report::Question, RequestError> question(const std::string& unit);
    void add_companion(report::Question& question, const std::string& unit);
    void probe(const std::string& unit, const Answered& done);
    void examine_host(const std::vector<std::string>& units, const Answered& done);
    void score(const std::vector<std::string>& units, const Answered& done);
    /// How the unit's own command would fare if it were started now.
    Result<launch::Plan, Diagnostics> plan_of_main(const std::string& unit);
    void attach_fresh(
        AttachRequest request,
        std::function<void(Result<AttachSession, RequestError>)> started,
        std::function<void(std::uint64_t, AttachExit)> ended);

    // Actions (actions.cpp).
    void perform(const Action& action);
    void perform_launch(const Launch& action);
    void note_plan(const std::string& unit, LiveUnit& live, launch::Plan& plan);
    [[nodiscard]] bool begin_launch(const Launch& action, LiveUnit& live);
    Result<sys::Descriptor> open_log(const std::string& unit, const launch::Plan& plan);
    void perform_signal(const SignalUnit& action);
    void perform_release(const std::string& unit);
    void retry_release(const std::string& unit, LiveUnit& live);
    void perform_check(const CheckConditions& action);
    void perform_action(const PerformAction& action);
    void refuse(const Launch& action, int exit_status, std::string message);
    [[nodiscard]] launch::Invocation invocation_of(
        const Launch& action, const UnitRecord& record, const Unit& unit) const;
    Result<launch::Plan, Diagnostics> make_plan(const Launch& action, LiveUnit& live);
    // What the manager was told about itself (manager_state.cpp).
    void restore_manager();
    void restore_manager_line(std::string_view line);
    void save_manager();
    [[nodiscard]] std::map<std::string, std::string> passed_environment() const;

    // JoinsNamespaceOf= and ranges of ids: what units share or must not (sharing.cpp).
    void share_ranges(const std::string& unit, launch::Invocation& invocation);
    void note_range(LiveUnit& live, const launch::Plan& plan);
    [[nodiscard]] bool waits_for_joined(const Launch& action, const launch::Plan& plan);
    void join_namespaces(LiveUnit& live, const launch::Plan& plan);
    void launches_may_join();
    [[nodiscard]] bool abort_waiting(LaunchId launch);
    // The end of an activation, and cleaning (release.cpp). While the worker removes something of
    // a unit its launches wait.
    void release_activation(const std::string& unit, launch::Activation activation);
    void release_preserved(const std::string& unit);
    void release_identity(const std::string& unit, LiveUnit& live);
    void remove_for(
        const std::string& unit, std::function<void()> work, std::function<void()> then = {});
    [[nodiscard]] bool will_restart(const std::string& unit) const;
    /// The number of a DynamicUser=, claimed for the activation.
    Result<void> claim_dynamic_user(const Unit& unit, LiveUnit& live);
    /// Starts ending what an earlier hearthd left in the unit's cgroup; true: the launch goes on
    /// later.
    bool clear_leftovers(const Launch& action);

    // What services say, and what follows from it (notifications.cpp).
    void notification_received(notify::Datagram datagram);
    void notification_of(const std::string& unit, notify::Datagram datagram);
    void release_notifications();
    [[nodiscard]] bool is_launching(std::string_view unit) const;
    [[nodiscard]] std::string sender_unit(const notify::Datagram& datagram) const;
    void follow_bus_name(const std::string& unit);
    void find_main_process(const std::string& unit);
    void watch_main_process(const std::string& unit, pid_t pid);
    void lend_stored(const Launch& action, launch::LaunchRequest& request);
    /// `hearth-init -- COMMAND`: it has our standard input, output and error (roles.cpp).
    [[nodiscard]] bool is_command_unit(const std::string& unit) const;
    static void lend_streams(launch::LaunchRequest& request);
    /// A shell tells of a signal by 128+N, whether the service would have been clean or not.
    [[nodiscard]] PerformAction as_command(PerformAction action) const;
    /// In a container, the end of the units of --unit is hearthd's.
    void end_with_named_units();
    /// Type=idle: true where the launch waits for the jobs of others.
    bool delay_until_idle(const Launch& action);
    void launch_delayed(bool all);
    void abort_launch(const AbortLaunch& action);

    // Facts (facts.cpp).
    void launches_returned();
    void launch_returned(launch::LaunchResult result);
    void launch_failed(const std::string& unit, const launch::LaunchResult& result);
    bool launch_without(const std::string& unit, launch::LaunchResult& result);
    void watch_process(const std::string& unit, pid_t pid, sys::Descriptor pidfd);
    void process_ended(const std::string& unit, pid_t pid);
    [[nodiscard]] Result<std::optional<sys::ExitStatus>> exit_of_foreign(
        pid_t pid, const Watched& watched);
    void reap_recorded();
    // Parents of launches where there are no cgroups (shims.cpp).
    void find_shim_program();
    void give_shim(const std::string& unit, launch::LaunchRequest& request);
    void shim_launched(const std::string& unit, pid_t pid);
    void watch_shim(
        const std::string& unit, const std::string& mark, pid_t pid, std::uint64_t started);
    void shim_ended(std::string unit, std::string mark);
    void drop_shim(const std::string& unit, const std::string& mark);
    void forget_shims();
    [[nodiscard]] std::optional<std::optional<sys::ExitStatus>> exit_by_shim(
        const std::string& unit, pid_t pid, std::uint64_t started);
    void ask_shim_later(const std::string& unit, pid_t pid);
    void ask_shims_again();
    [[nodiscard]] static std::string shim_line(const LiveUnit& live);
    void adopt_shims(const std::string& unit, const std::string& line);
    void adopt_shim(
        const std::string& unit, const std::string& mark, pid_t pid, std::uint64_t started);
    void release_adopted_shims(const std::string& unit);
    [[nodiscard]] std::optional<std::pair<pid_t, sys::ExitStatus>> launched_below_shim(
        const std::string& unit);
    void keeper_speaks();
    void watch_cgroup(const std::string& unit);
    void cgroup_changed(const std::string& unit);
    void orphans_ended();
    void descendants_changed();
    // The log writer, and the pipes that outlive it (log_pipes.cpp).
    void log_writer_ended();
    Result<void> take_log_writer();
    void hold_log_writer();
    Result<sys::Descriptor> open_log_stream(const logd::Stream& stream);
    void keep_log_pipe(std::uint64_t number, sys::Descriptor read, logd::Stream stream);
    void restore_log_pipes();
    bool name_log_pipe(std::uint64_t number, const logd::Stream& stream);
    void log_pipe_ended(std::uint64_t number);
    void drop_empty_log_pipes();
    void hand_over_log_pipes();
    /// Before the state is written that tells of them.
    void hold_stored(const Outcome& outcome);
    /// Those that earlier services stored and the keeper still has; their ids.
    std::set<std::uint64_t> restore_stored(const std::vector<KeptUnit>& units);
    void try_finish_shutdown();

    // The end of a machine (machine_end.cpp).
    [[nodiscard]] bool stops_machine() const;
    void end_now(MachineEnd end);
    bool start_target(const std::string& target, JobMode mode, const std::string& why);
    void act_on_machine(const PerformAction& action);
    void look_for_blockers(std::function<void(std::vector<Blocker>)> done);
    /// The console shows who holds up the end, and takes keys, from the moment it is asked for.
    void watch_the_end();
    void kill_blocker(const std::string& unit);
    void set_up_watchdog();
    void hand_over_watchdog();
    void control_alt_delete();
    void real_time_signal(int number);

    // Unit files (unit_file_requests.cpp).
    void forget_install_view();
    void add_file_state(const Unit& unit, LiveFacts& facts) const;

    // Limits that bite, and what a unit used (limits.cpp).
    bool out_of_memory_check(const std::string& unit);
    void watch_limits(const std::string& unit);
    void watch_memory(const std::string& unit);
    void watch_tasks(const std::string& unit);
    void memory_event(const std::string& unit);
    void note_limits(const std::string& unit);
    void name_victims(const std::string& unit, LiveUnit& live, LimitHits& hits);
    void account_end(const std::string& unit, LiveUnit& live, const ResourceUsage& usage);

    /// Where the unit's cgroup is while it has one; else where it would be.
    [[nodiscard]] std::string cgroup_of(const std::string& unit) const;

    // Limits of what runs already, and the slices above (live_limits.cpp).
    [[nodiscard]] std::vector<const Unit*> slices_of(const std::string& cgroup) const;
    Result<void, Diagnostics> apply_limits(const std::string& unit);
    Result<void, Diagnostics> apply_limits_below(const std::string& cgroup);
    Result<void> apply_prepared(
        LiveUnit* live, const launch::Prepared& prepared, const launch::Asked*& asked);
    void apply_all_limits();
    /// hearthd starts its first units, or stops all: Startup...= hold, of those who state them.
    [[nodiscard]] bool in_startup_phase() const { return starting_ || exit_status_; }
    void end_starting();
    void apply_startup_limits();
    /// What a plan of the limits alone must know.
    [[nodiscard]] launch::Invocation limits_invocation(const Unit& unit) const;
    void note_slices(const launch::Plan& plan);
    void prune_slices();
    [[nodiscard]] Result<void, RequestError> write_drop_ins(
        const Unit& changed, bool runtime, const std::vector<std::string>& names);
    void show_freezer(const std::string& path, LiveFacts& facts) const;

    EventLoop& loop_;
    Options options_;
    KeeperChannel keeper_;
    UnitStore store_;
    LoadContext load_context_;
    std::optional<InstallFiles> install_files_;
    /// As UnitFileState shows it: read anew after a reload and after what we changed ourselves.
    mutable std::optional<InstallView> install_view_;
    mutable std::set<std::string> sought_again_;  ///< files it was read anew for, once each
    HostFacts facts_;
    cgroup::Tree tree_;
    report::FilterMemory filter_memory_;  ///< the worker's alone
    std::unique_ptr<Worker> worker_;
    std::unique_ptr<Worker> prober_;  ///< made when first asked: a probe may take seconds
    std::size_t probing_ = 0;
    std::uint64_t last_probe_ = 0;
    std::unique_ptr<launch::LauncherPool> launchers_;
    std::optional<logd::LogClient> logs_;
    /// A read end besides hearth-logd's: whoever writes while none runs finds a reader.
    struct LogPipe {
        sys::Descriptor read;
        logd::Stream stream;
        EventSource ended;  ///< the last writer is gone
        bool over = false;
        bool named_by_keeper = false;  ///< there was no room for its file
    };
    std::map<std::uint64_t, LogPipe> log_pipes_;  ///< by the number in their name
    std::optional<StateFiles> log_pipe_files_;    ///< what the keeper's names don't tell
    std::uint64_t last_log_pipe_ = 0;
    bool log_writer_replaced_ = false;  ///< it was asked to end, for another takes its place
    EventSource log_pipes_source_;
    DynamicUsers dynamic_users_;
    struct Removal {
        std::size_t jobs = 0;         ///< on the worker
        std::vector<Launch> waiting;  ///< launches that go on when none is left
        StateLines lines;             ///< of activations that are being released
    };
    std::map<std::string, Removal, std::less<>> removals_;
    /// RuntimeDirectory= kept for a restart that is to come
    std::map<std::string, launch::Activation, std::less<>> preserved_;
    std::unique_ptr<AttachSessions> attach_;
    std::optional<notify::NotifySocket> notify_;
    std::unique_ptr<notify::BusNames> bus_names_;
    std::optional<notify::DescriptorStore> store_of_descriptors_;
    /// What came with StartTransientUnit() and can't be in a file.
    struct Given {
        std::array<sys::Descriptor, 3> stdio;
        std::vector<pid_t> pids;
    };
    std::map<std::string, Given, std::less<>> given_;
    std::map<std::string, std::size_t, std::less<>> references_;  ///< clients' to units
    std::size_t filling_ = 0;             ///< scopes whose processes are being moved
    std::map<LaunchId, Launch> delayed_;  ///< Type=idle
    /// Said by processes whose launch has not returned yet: a program may be quicker than our
    /// thread.
    std::deque<std::pair<std::string, notify::Datagram>> early_notifications_;

    struct Triggers;
    struct TriggersDeleter {
        void operator()(Triggers* triggers) const;
    };
    std::unique_ptr<Triggers, TriggersDeleter> triggers_;

    std::optional<StateFiles> state_;
    bool adopting_ = false, state_failed_ = false, writes_again_ = false;
    std::map<std::string, std::uint64_t, std::less<>> held_states_;  ///< by the keeper: unit, slot
    std::uint64_t last_held_state_ = 0;
    std::set<std::string> unwritten_, unsaved_;  ///< no room for them; signs of life to be written
    EventSource unsaved_source_;
    std::vector<std::pair<KeptUnit, pid_t>> under_way_;  ///< while it adopts: what was made, or 0
    std::size_t adopted_ = 0, adopted_running_ = 0;

    std::unique_ptr<Worker> reader_;  ///< made when first asked
    bool reloading_ = false;
    std::set<std::string, std::less<>> loaded_meanwhile_;  ///< newer than what the reader has
    std::vector<std::function<void()>> reload_waiters_, next_reload_waiters_;

    bool upgrading_ = false, makes_room_ = false, announced_ = false;
    std::unique_ptr<Worker> examiner_;  ///< made when first asked
    EventSource room_source_;
    /// The hearthd that made room for this one, until others have died since.
    struct Left {
        std::uint64_t at = 0;  ///< monotonic
        pid_t pid = 0;
        std::string version;
    };
    std::optional<Left> left_;
    std::uint64_t gap_ = 0;  ///< microseconds from then to our being ready
    std::map<std::string, StateLines, std::less<>> unknown_lines_;  ///< a newer version's

    std::optional<StateFiles> manager_state_;
    Moment started_ = now();  ///< the first hearthd of those that took over from each other
    std::map<std::string, std::string> manager_environment_;  ///< by set-environment
    std::vector<std::string> unknown_manager_lines_;          ///< a newer version's
    World world_;
    std::map<std::string, LiveUnit, std::less<>> live_;
    struct Ended {
        ResourceUsage usage;
        LimitHits limit_hits;
    };
    std::map<std::string, Ended, std::less<>> ended_;  ///< the last activation, of units loaded
    struct Zombie {
        std::string unit;
        pid_t pid = 0;
        std::uint64_t started = 0;
        sys::Descriptor pidfd;
    };
    std::vector<Zombie> to_reap_;                ///< once their exits are written down
    std::map<LaunchId, std::string> launching_;  ///< launch in flight to its unit
    /// Cgroups of slices that a launch made, and what they are held to; "system.slice" and "",
    /// which is -.slice and our root, stay.
    std::map<std::string, launch::MakeCgroup> slices_;
    std::map<std::string, ResourceSettings> slices_held_to_;  ///< by unit, what was applied last
    cgroup::KernelLog kernel_log_;
    bool starting_ = false;
    std::size_t generating_ = 0;           ///< rounds of generators on the worker
    std::vector<Launch> waiting_to_join_;  ///< until a unit that they join has its launch back
    OutcomeObserver* observer_ = nullptr;

    sys::Descriptor shim_program_;          ///< hearth-init; empty: launches go without
    std::vector<std::string> ended_shims_;  ///< names of records, dropped once all is written down
    std::set<std::pair<std::string, pid_t>> unasked_;  ///< zombies whose shim has yet to tell
    EventSource shim_source_;
    std::deque<Event> queue_;
    bool settling_ = false;
    EventSource idle_source_, settle_source_, deadline_source_, launch_source_, child_source_,
        orphan_source_, presence_source_, mount_source_, log_source_, keeper_source_,
        keeper_news_source_;
    sys::Descriptor mount_table_;  ///< /proc/self/mountinfo, polled
    std::optional<int> exit_status_;
    MachineEnd end_;
    std::unique_ptr<Worker> viewer_;  ///< what is looked at may hang
    std::unique_ptr<ShutdownConsole> console_;
    std::unique_ptr<HardwareWatchdog> watchdog_;
    std::uint8_t exit_code_ = 0;       ///< SetExitCode()
    std::vector<std::uint64_t> keys_;  ///< when Ctrl-Alt-Del was pressed lately
    bool start_failed_ = false;        ///< of a unit of --unit
};

}  // namespace hearth
