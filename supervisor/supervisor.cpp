// SPDX-License-Identifier: MIT
#include "supervisor/supervisor.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "supervisor/launch/planner.hpp"
#include "supervisor/log.hpp"
#include "supervisor/now.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "units/transaction.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// hearthd as the one who asks.
Requester itself(std::string why) {
    return {::geteuid(), 0, std::move(why)};
}

bool is_running(const UnitRecord& record) {
    switch (record.status.state) {
        case ServiceState::Dead:
        case ServiceState::Failed:
            return false;
        default:
            return true;
    }
}

/// Devices and mounts of the host go on without us, and what is built in has no end.
bool can_be_stopped(const UnitRecord& record) {
    return applicable(record, JobType::Stop).has_value();
}

bool is_ending(ServiceState state) {
    switch (state) {
        case ServiceState::Condition:
        case ServiceState::StartPre:
        case ServiceState::Start:
        case ServiceState::StartPost:
        case ServiceState::Running:
        case ServiceState::Exited:
        case ServiceState::Reload:
        case ServiceState::ReloadSignal:
        case ServiceState::ReloadNotify:
        case ServiceState::Waiting:
            return false;
        case ServiceState::Dead:
        case ServiceState::Stop:
        case ServiceState::StopWatchdog:
        case ServiceState::FinalWatchdog:
        case ServiceState::StopSigterm:
        case ServiceState::StopSigkill:
        case ServiceState::StopPost:
        case ServiceState::FinalSigterm:
        case ServiceState::FinalSigkill:
        case ServiceState::Failed:
        case ServiceState::AutoRestart:
            return true;
    }
    return true;
}

/// Whoever is ordered `before` another of them goes first; of a cycle all go last, as they came.
/// Jobs are asked for one by one, and one that runs already waits for no later one.
std::vector<std::string> in_order(
    const World& world, const std::vector<std::string>& units, Relation before) {
    const std::set<std::string_view> named(units.begin(), units.end());
    std::map<std::string_view, int> awaited;
    std::map<std::string_view, std::vector<std::string_view>> followers;
    for (const std::string& unit : units) {
        if (const UnitRecord* const record = world.find(unit)) {
            world.for_each_dependency(
                *record, [&](Relation relation, std::string_view other, DependencySource) {
                    const auto found = named.find(other);
                    if (relation == before && found != named.end() && other != unit) {
                        ++awaited[*found];
                        followers[unit].push_back(*found);
                    }
                });
        }
    }
    std::vector<std::string_view> sorted;
    std::set<std::string_view> taken;
    const auto take = [&](std::string_view unit) {
        if (taken.insert(unit).second) {
            sorted.push_back(unit);
        }
    };
    for (const std::string& unit : units) {
        if (!awaited.contains(unit)) {
            take(unit);
        }
    }
    // It grows meanwhile.
    for (std::size_t next = 0; next < sorted.size(); ++next) {  // NOLINT(modernize-loop-convert)
        for (const std::string_view follower : followers[sorted[next]]) {
            if (--awaited[follower] == 0) {
                take(follower);
            }
        }
    }
    std::ranges::for_each(units, take);
    return {sorted.begin(), sorted.end()};
}

}  // namespace

void Supervisor::start_units() {
    starting_ = !options_.units.empty();
    for (const std::string& unit : options_.units) {
        (void)load(unit);  // so that their order is known
    }
    for (const std::string& unit : in_order(world_, options_.units, Relation::Before)) {
        auto job = request(unit, Verb::Start, JobMode::Replace, itself("hearthd --unit"));
        if (!job) {
            log::write(log::Level::Error, "cannot start " + unit + ": " + job.error().message);
            start_failed_ = true;
            if (is_command_unit(unit)) {
                shut_down(1);
            }
        }
    }
    end_with_named_units();
}

// ---- events in, outcomes out --------------------------------------------------------------------

void Supervisor::happen(Event event) {
    queue_.push_back(std::move(event));
    if (!settling_) {
        settle_source_.trigger();
    }
}

/// From here on the unit's state tells of the process itself.
static const std::string* unit_launched(const Event& event) {
    if (const auto* launched = std::get_if<Launched>(&event)) {
        return &launched->unit;
    }
    const auto* failed = std::get_if<LaunchFailed>(&event);
    return failed != nullptr ? &failed->unit : nullptr;
}

/// No transition, and nothing that the next hearthd could decide wrongly without: it may be written
/// a moment later (decisions/0034).
static bool is_sign_of_life(const Event& event) {
    const auto* const said = std::get_if<Notified>(&event);
    if (said == nullptr) {
        return false;
    }
    Notification rest = said->message;
    rest.status.reset();
    rest.error_number.reset();
    rest.bus_error.reset();
    rest.watchdog = rest.barrier = false;
    return said->descriptors.empty() && rest == Notification{};
}

void Supervisor::settle() {
    settling_ = true;
    while (!queue_.empty()) {
        Event event = std::move(queue_.front());
        queue_.pop_front();
        if (const std::string* unit = unit_launched(event)) {
            if (const auto live = live_.find(*unit); live != live_.end()) {
                live->second.launch_began = 0;
                live->second.given_up = {};
            }
        }
        handle(step(world_, event, now()));
        if (const auto* said = std::get_if<Notified>(&event)) {
            store_of_descriptors_->decline(said->descriptors);
        }
        const bool may_wait = is_sign_of_life(event);
        std::visit(
            [this, may_wait](const auto& fact) {
                if constexpr (requires { save(fact.unit); }) {
                    may_wait ? save_soon(fact.unit) : save(fact.unit);
                }
            },
            event);
    }
    settling_ = false;
    reap_recorded();
    if (!delayed_.empty()) {
        launch_delayed(false);
    }
    end_starting();
    forget_collected();
    arm_deadline();
    end_with_named_units();
    watch_the_end();
    try_finish_shutdown();
}

void Supervisor::handle(const Outcome& outcome) {
    carry_out(outcome, note_due(outcome));
}

/// `due`: the units that something is to be sent to.
void Supervisor::carry_out(const Outcome& outcome, const std::set<std::string>& due) {
    hold_stored(outcome);
    // The kernel doesn't mind to be answered twice, and who waits for an answer waits for ever.
    for (const Action& action : outcome.actions) {
        if (std::holds_alternative<AnswerAutofs>(action)) {
            perform(action);
        }
    }
    save_units_of(outcome);
    // The observer first: a job's queueing must be on the bus before what its launch causes.
    told(outcome);
    std::span<const Action> left = outcome.actions;
    while (!left.empty()) {
        const Action& action = left.front();
        left = left.subspan(1);
        if (const auto* const launch = std::get_if<Launch>(&action)) {
            note_sent(launch->unit, left);
        }
        if (!std::holds_alternative<AnswerAutofs>(action)) {
            perform(action);
        }
    }
    for (const std::string& unit : due) {  // sent: nobody is to send it again
        if (const auto live = live_.find(unit); live != live_.end()) {
            live->second.due.clear();
            save(unit);
        }
    }
}

void Supervisor::told(const Outcome& outcome) {
    show_status(outcome);
    for (const Transition& transition : outcome.transitions) {
        const UnitRecord* const changed = world_.find(transition.unit);
        // How a command ended, if it began, is told by its status.
        const bool told_by_status = is_command_unit(transition.unit) && changed != nullptr &&
                                    changed->status.failure.empty();
        const bool bad = transition.to == ServiceState::Failed && !told_by_status;
        log::write(
            bad ? log::Level::Warning : log::Level::Information,
            transition.unit,
            describe(transition));
        if (transition.from == ServiceState::AutoRestart &&
            (transition.to == ServiceState::Dead || transition.to == ServiceState::Failed)) {
            release_preserved(transition.unit);  // the restart that it was kept for won't come
        }
        if (const auto found = live_.find(transition.unit);
            is_ending(transition.to) && found != live_.end() && found->second.frozen) {
            (void)freeze(transition.unit, false);  // it could not hear that it is to stop
        }
        if (const UnitRecord* const record = world_.find(transition.unit);
            record != nullptr && at_rest(record->active_state()) && !record->job) {
            close_stdio(transition.unit);
        }
        follow_bus_name(transition.unit);
        if (presence_source_ &&
            (transition.unit.ends_with(".mount") || transition.unit.ends_with(".swap"))) {
            presence_source_.arm_in(1);  // the kernel's word on what mount or umount has done
        }
        if (is_ending(transition.to)) {
            attach_->end_unit(
                transition.unit);  // a shell that ignores SIGTERM must not hold up the stop
        }
    }
    if (observer_ != nullptr) {
        observer_->happened(outcome);
    }
}

void Supervisor::arm_deadline() {
    const auto deadline = world_.next_deadline();
    if (deadline) {
        deadline_source_.arm_at(*deadline);
    } else {
        deadline_source_.disarm();
    }
    arm_clock();
}

// ---- requests -----------------------------------------------------------------------------------

Result<JobId, RequestError> Supervisor::request(
    const std::string& unit, Verb verb, JobMode mode, const Requester& by) {
    if (exit_status_ && verb != Verb::Stop) {
        return Unexpected(
            RequestError{"ShuttingDown", "hearthd is stopping all units; nothing new is started"});
    }
    (void)HEARTH_TRY(load(unit));
    refresh_missing();
    const Requested requested = HEARTH_TRY(request_job(world_, unit, verb, mode, now(), by));
    handle(requested.outcome);
    settle_source_.trigger();
    return requested.job;
}

Result<void, RequestError> Supervisor::cancel(JobId job, const Requester& by) {
    handle(HEARTH_TRY(cancel_job(world_, job, now(), by)));
    settle_source_.trigger();
    return {};
}

Result<void, RequestError> Supervisor::kill(
    const std::string& unit,
    const std::string& whom,
    int signal,
    std::optional<int> value,
    const Requester& by) {
    const UnitRecord* record = HEARTH_TRY(load(unit));
    if (signal < 1 || signal > SIGRTMAX) {
        return Unexpected(RequestError{
            "org.freedesktop.DBus.Error.InvalidArgs",
            "signal " + std::to_string(signal) + " is out of range"});
    }
    if (value && signal < SIGRTMIN) {
        return Unexpected(RequestError{
            "org.freedesktop.DBus.Error.InvalidArgs",
            "a value goes with real-time signals only (SIGRTMIN to SIGRTMAX), not with signal " +
                std::to_string(signal)});
    }
    const bool must = whom.ends_with("-fail");
    const std::string target = must ? whom.substr(0, whom.size() - 5) : whom;
    if (target != "main" && target != "control" && target != "all") {
        return Unexpected(RequestError{
            "org.freedesktop.DBus.Error.InvalidArgs",
            "'" + whom + "' is not whom to kill; expected main, control or all"});
    }
    const SignalUnit action{
        unit, signal, target == "main", target == "control", target == "all", false, value};
    const bool anybody = (action.main && record->status.main_pid != 0) ||
                         (action.control && record->status.control_pid != 0) ||
                         (action.everything && tree_.populated(cgroup_of(unit)).value_or(false));
    if (!anybody) {
        if (!must && action.everything) {
            return {};
        }
        return Unexpected(
            RequestError{"NoSuchProcess", "No " + target + " process to kill in " + unit});
    }
    // First: what ends of it is to be explained by it.
    handle(step(
        world_,
        SignalSent{
            record->unit.name,
            signal,
            target == "all" ? "all of its processes" : "its " + target + " process",
            by},
        now()));
    save(record->unit.name);
    perform_signal(action);
    return {};
}

Result<void, RequestError> Supervisor::reset_failed(const std::string& unit) {
    if (!unit.empty()) {
        (void)HEARTH_TRY(load(unit));
    }
    handle(step(world_, ResetFailed{unit}, now()));
    settle_source_.trigger();  // a transient unit may be forgotten now
    return {};
}

// ---- what may be read ---------------------------------------------------------------------------

LiveFacts Supervisor::live(const UnitRecord& record) const {
    LiveFacts facts;
    const std::string& name = record.unit.name;
    const auto found = live_.find(name);
    if (found != live_.end() && found->second.cgroup_made) {
        const std::string path = cgroup_of(name);
        facts.control_group = tree_.shown(path);
        facts.usage = tree_.usage(path);
        facts.limit_hits = found->second.limit_hits;
        static_cast<void>(facts.limit_hits.note(facts.usage, {}));
        show_freezer(path, facts);
    } else if (name.ends_with(".slice") && slices_.contains(launch::cgroup_path(record.unit))) {
        const std::string path = launch::cgroup_path(record.unit);
        facts.control_group = tree_.shown(path);
        facts.usage = tree_.usage(path);
        static_cast<void>(facts.limit_hits.note(facts.usage, {}));
        show_freezer(path, facts);
    } else if (const auto ended = ended_.find(name); ended != ended_.end()) {
        facts.usage = ended->second.usage;
        facts.limit_hits = ended->second.limit_hits;
    }
    add_file_state(record.unit, facts);
    show_mount(record, facts);
    facts.files_changed = store_.need_reload(record.unit);
    facts.effective_memory_max =
        record.unit.settings.resources.memory_max.bytes.value_or(UINT64_MAX);
    facts.effective_tasks_max = record.unit.settings.resources.tasks_max.count.value_or(UINT64_MAX);
    const launch::Host& host = facts_.snapshot();
    const std::string& user = record.unit.settings.exec.user;
    const auto account = host.accounts.find(user);
    if (account != host.accounts.end()) {
        facts.uid = account->second.uid;
        facts.gid = account->second.gid;
    }
    return facts;
}

std::string Supervisor::unit_by_pid(pid_t pid) const {
    auto text = sys::read_file("/proc/" + std::to_string(pid) + "/cgroup", 65536);
    if (!text) {
        return {};
    }
    if (tree_.layout() == launch::CgroupLayout::None) {
        for (const auto& [name, live] : live_) {
            const auto pids = tree_.processes(cgroup_of(name));
            if (pids && std::ranges::find(*pids, pid) != pids->end()) {
                return name;
            }
        }
        return {};
    }
    for (const auto& [name, live] : live_) {
        if (!live.cgroup_made && !is_launching(name)) {
            continue;
        }
        const std::string path = "0::" + tree_.shown(cgroup_of(name));
        const std::size_t at = text->find(path);
        if (at != std::string::npos) {
            const std::size_t end = at + path.size();
            if (end == text->size() || (*text)[end] == '\n' || (*text)[end] == '/') {
                return name;
            }
        }
    }
    return {};
}

std::vector<UnitProcess> Supervisor::processes(const std::string& unit) const {
    std::vector<UnitProcess> result;
    const auto found = live_.find(unit);
    if (found == live_.end() || !found->second.cgroup_made) {
        return result;
    }
    const std::string shown = tree_.shown(cgroup_of(unit));
    for (const pid_t pid : tree_.processes(cgroup_of(unit)).value_or(std::vector<pid_t>{})) {
        std::string line =
            sys::read_file("/proc/" + std::to_string(pid) + "/cmdline", 4096).value_or("");
        while (!line.empty() && line.back() == '\0') {
            line.pop_back();
        }
        std::ranges::replace(line, '\0', ' ');
        result.push_back({shown, pid, std::move(line)});
    }
    return result;
}

std::string Supervisor::system_state() const {
    if (exit_status_ || stops_machine()) {
        return "stopping";
    }
    if (starting_) {
        return "starting";
    }
    const bool failed = std::ranges::any_of(world_.units, [](const auto& entry) {
        return entry.second.active_state() == ActiveState::Failed;
    });
    return failed ? "degraded" : "running";
}

// ---- the end ------------------------------------------------------------------------------------

void Supervisor::shut_down(int status) {
    if (exit_status_) {
        log::write(log::Level::Warning, "asked to stop again: killing what still runs");
        for (const auto& [name, record] : world_.units) {
            if (is_running(record)) {
                (void)tree_.kill(cgroup_of(name));
            }
        }
        return;
    }
    exit_status_ = status;
    apply_startup_limits();
    attach_->end_all();
    std::vector<std::string> names;
    for (const auto& [name, record] : world_.units) {
        if ((is_running(record) && can_be_stopped(record)) || record.job) {
            names.push_back(name);
        }
    }
    const Requester by = itself("hearthd, which shuts down");
    for (const std::string& name : in_order(world_, names, Relation::After)) {
        if (const UnitRecord* record = world_.find(name); record && !can_be_stopped(*record)) {
            if (record->job) {
                (void)cancel(*record->job, by);
            }
            continue;
        }
        (void)request(name, Verb::Stop, JobMode::Replace, by);
    }
    settle_source_.trigger();
}

void Supervisor::try_finish_shutdown() {
    if (!exit_status_) {
        return;
    }
    const bool busy = std::ranges::any_of(world_.units, [](const auto& entry) {
        return (is_running(entry.second) && can_be_stopped(entry.second)) || entry.second.job;
    });
    bool releasing = false;
    for (auto& [name, live] : live_) {
        releasing = releasing || live.cgroup_made;
        if (!busy && live.cgroup_made && live.release_when_empty &&
            !tree_.processes(cgroup_of(name)).value_or(std::vector<pid_t>{}).empty()) {
            log::write(
                log::Level::Warning, name, "ending the processes that its KillMode= left running");
            (void)tree_.kill(cgroup_of(name));
        }
    }
    if (busy || releasing || !launching_.empty() || attach_->active() > 0) {
        return;
    }
    forget_state();
    log_source_ = {};
    if (auto stopped = logs_->stop(); !stopped) {
        log::write(log::Level::Warning, "hearth-logd: " + stopped.error().what);
    }
    if (auto removed = tree_.remove_root(); !removed) {
        log::write(log::Level::Warning, removed.error().what);
    }
    loop_.exit(*exit_status_);
}

}  // namespace hearth
