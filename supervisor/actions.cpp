// SPDX-License-Identifier: MIT
//
// Actions of the engine become calls here, one function per action.
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/log.hpp"
#include "supervisor/now.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/process.hpp"
#include "units/restart_policy.hpp"
#include "units/rules.hpp"

namespace hearth {

namespace {

constexpr std::uint64_t retry_microseconds = 10'000;

template <class... Arms>
struct Overloaded : Arms... {
    using Arms::operator()...;
};

/// A refusal for a person: each reason on its line, then what to do: the one drop-in that would let
/// the unit start, or where there is none each reason's own hint.
std::string refusal_text(const Diagnostics& refusals) {
    const std::string drop_in = launch::relaxing_drop_in(refusals);
    std::string text;
    for (const Diagnostic& refusal : refusals) {
        text += (text.empty() ? "" : "\n") + one_line(refusal);
        if (drop_in.empty() && !refusal.hint.empty()) {
            text += "\n  " + refusal.hint;
        }
    }
    if (!drop_in.empty()) {
        text += "\nthis drop-in would let it start without:\n" + drop_in;
    }
    while (text.ends_with('\n')) {
        text.pop_back();
    }
    return text;
}

/// Variables that only control processes get: $MAINPID, and for stopping commands the results.
std::vector<std::pair<std::string, std::string>> extra_environment(
    const UnitRecord& record, ExecKind kind) {
    std::vector<std::pair<std::string, std::string>> variables;
    const ServiceStatus& status = record.status;
    if (status.main_pid != 0) {
        variables.emplace_back("MAINPID", std::to_string(status.main_pid));
    }
    for (auto& [key, value] : pairs_of(record.activation)) {
        std::ranges::transform(key, key.begin(), [](unsigned char byte) {
            return static_cast<char>(std::toupper(byte));
        });
        variables.emplace_back(std::move(key), std::move(value));
    }
    if (kind == ExecKind::Stop || kind == ExecKind::StopPost) {
        variables.emplace_back("SERVICE_RESULT", name(status.result));
        if (status.main.code != 0) {
            const bool exited = status.main.code == CLD_EXITED;
            variables.emplace_back(
                "EXIT_CODE",
                exited                           ? "exited"
                : status.main.code == CLD_DUMPED ? "dumped"
                                                 : "killed");
            const char* abbreviation = exited ? nullptr : ::sigabbrev_np(status.main.status);
            variables.emplace_back(
                "EXIT_STATUS",
                abbreviation != nullptr ? abbreviation : std::to_string(status.main.status));
        }
    }
    return variables;
}

}  // namespace

void Supervisor::perform(const Action& action) {
    std::visit(
        Overloaded{
            [this](const Launch& launch) { perform_launch(launch); },
            [this](const AbortLaunch& abort) {
                if (!abort_waiting(abort.launch)) {
                    abort_launch(abort);
                }
            },
            [this](const SignalUnit& signal) {
                perform_signal(signal);
                if (signal.everything) {
                    cgroup_changed(signal.unit);
                }
            },
            [this](const KillCgroup& kill) {
                const auto done = tree_.kill(cgroup_of(kill.unit));
                if (!done && done.error().code != ENOENT) {
                    log::write(log::Level::Error, kill.unit, done.error().what);
                }
                cgroup_changed(kill.unit);
            },
            [this](const FindMainProcess& find) { find_main_process(find.unit); },
            [this](const WatchProcess& watch) { watch_main_process(watch.unit, watch.pid); },
            [this](const StoreDescriptor& store) {
                store_of_descriptors_->keep(store.id, store.poll);
            },
            [this](const CloseDescriptor& close) {
                keeper_.drop(notify::slot_of(close.id));
                keeper_.drop(notify::slot_of(close.id) + notify::unpolled);
                store_of_descriptors_->close(close.id);
            },
            [this](const Release& release) { perform_release(release.unit); },
            [this](const CheckConditions& check) { perform_check(check); },
            [this](const FillScope& fill) { perform_fill(fill.unit); },
            [this](const PerformAction& machine) { perform_action(machine); },
            [](const Tell& tell) {
                log::write(log::level_of(tell.severity), tell.unit, tell.message);
            },
            [this](const auto& of_trigger) { perform_trigger(of_trigger); },
        },
        action);
}

// ---- launch -------------------------------------------------------------------------------------

/// What a launch is given from this side: streams, sockets, variables.
launch::Invocation Supervisor::invocation_of(
    const Launch& action, const UnitRecord& record, const Unit& unit) const {
    launch::Invocation invocation;
    const bool main = action.kind == ExecKind::Start;
    invocation.control = !main;
    invocation.manager_environment = passed_environment();
    invocation.environment = extra_environment(record, action.kind);
    if (!unit.settings.sandbox.apparmor_profile.label.empty()) {
        invocation.apparmor_profiles = HostFacts::apparmor_profiles();
    }
    if (main && is_command_unit(action.unit)) {
        invocation.given_streams.fill(true);
    }
    const NotifyAccess access = notify_access(unit);
    if (access != NotifyAccess::None && (main || access != NotifyAccess::Main)) {
        invocation.notify_socket = notify_->path();
    }
    const Timespan watchdog = unit.settings.service.watchdog;
    if (main && !watchdog.is_infinite()) {
        invocation.watchdog_microseconds = watchdog.microseconds;
    }
    for (const StoredDescriptor& stored : record.status.stored) {
        invocation.stored.push_back({notify::slot_of(stored.id), stored.name});
    }
    if (const auto given = given_.find(action.unit); given != given_.end()) {
        std::ranges::transform(
            given->second.stdio, invocation.given_streams.begin(), [](const auto& stream) {
                return static_cast<bool>(stream);
            });
    }
    return invocation;
}

Result<launch::Plan, Diagnostics> Supervisor::make_plan(const Launch& action, LiveUnit& live) {
    const UnitRecord& record = *world_.find(action.unit);
    std::optional<Unit> reduced;
    for (const auto& [dropped, shortfall] : live.dropped) {
        reduced = without(reduced ? *reduced : record.unit, dropped);
    }
    const bool main = action.kind == ExecKind::Start;
    if (!main && record.unit.settings.service.root_directory_start_only) {
        reduced = reduced ? *reduced : record.unit;
        reduced->settings.exec.root_directory.clear();
    }
    const Unit& unit = reduced ? *reduced : record.unit;
    const CommandLines& lines = commands(unit, action.kind);
    const std::string directive(name(action.kind));
    const auto refusal = [&](const std::string& about, std::string message) {
        return Unexpected(
            Diagnostics{{Severity::Error, unit.origin_of(about), std::move(message), {}, {}}});
    };
    if (action.index >= lines.size()) {
        return refusal(directive, directive + "= is gone from the unit file");
    }
    launch::Invocation invocation = invocation_of(action, record, unit);
    invocation.command = &lines[action.index];
    invocation.directive = directive;
    invocation.invocation_id = live.invocation_id;
    auto files = HostFacts::environment_files(unit);
    if (!files) {
        return refusal("EnvironmentFile", files.error().what);
    }
    invocation.environment_files = std::move(*files);
    // What an image holds is not known before it is mounted: the planner asks for a whole path.
    const bool in_image = !unit.settings.roots.root_image.empty();
    invocation.executable = in_image ? invocation.command->path
                                     : facts_.executable(
                                           *invocation.command,
                                           unit.settings.exec.root_directory,
                                           unit.settings.identity.exec_search_path);
    if (live.dynamic_user) {
        invocation.dynamic_uid = live.dynamic_user.uid();
    }
    auto program = facts_.seccomp(unit);
    if (!program) {
        const bool profile = program.error().what.starts_with("SeccompProfile=");
        return refusal(profile ? "SeccompProfile" : "SystemCallFilter", program.error().what);
    }
    invocation.seccomp = *program;
    invocation.slices = slices_of(launch::cgroup_path(unit));
    invocation.startup_phase = in_startup_phase();
    share_ranges(action.unit, invocation);
    return launch::plan(unit, invocation, facts_.host());
}

void Supervisor::refuse(const Launch& action, int exit_status, std::string message) {
    LaunchFailed failed;
    failed.unit = action.unit;
    failed.launch = action.launch;
    failed.refused = true;
    failed.exit_status = exit_status;
    failed.message = std::move(message);
    failed.at = now();
    failed.invocation_id = live_[action.unit].invocation_id;
    happen(std::move(failed));
}

bool Supervisor::clear_leftovers(const Launch& action) {
    const std::string path = cgroup_of(action.unit);
    if (!tree_.populated(path).value_or(false)) {
        return false;
    }
    log::write(
        log::Level::Warning,
        action.unit,
        "ending processes that an earlier hearthd left in its cgroup");
    // A directory that was killed is spoilt for the next clone: it must be empty and made anew, and
    // emptying takes the kernel a moment.
    worker_->run(
        [this, path] {
            (void)tree_.kill(path);
            for (int tries = 0; tries < 500 && !tree_.remove(path); ++tries) {
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
            }
        },
        [this, action] {
            if (tree_.populated(cgroup_of(action.unit)).value_or(false)) {
                refuse(
                    action,
                    launch::cgroup_status,
                    "processes of an earlier hearthd in its cgroup can't be ended");
            } else {
                Launch again = action;
                again.begins_activation = false;
                perform_launch(again);
            }
        });
    return true;
}

static bool wants_log(const launch::Plan& plan) {
    return std::ranges::any_of(plan.steps, [](const launch::Step& step) {
        const auto* use = std::get_if<launch::UseDescriptor>(&step.action);
        return use != nullptr && use->slot == "log";
    });
}

/// The write end of a pipe that hearth-logd reads; it belongs to whom the process becomes.
Result<sys::Descriptor> Supervisor::open_log(const std::string& unit, const launch::Plan& plan) {
    logd::Stream stream;
    stream.unit = unit;
    stream.identifier = world_.find(unit)->unit.settings.exec.syslog_identifier;
    stream.invocation = live_[unit].invocation_id;
    stream.uid = facts_.snapshot().own_uid;
    stream.gid = facts_.snapshot().own_gid;
    for (const launch::Step& step : plan.steps) {
        if (const auto* user = std::get_if<launch::SetUser>(&step.action)) {
            stream.uid = user->uid;
        } else if (const auto* groups = std::get_if<launch::SetGroups>(&step.action)) {
            stream.gid = groups->gid;
        }
    }
    return open_log_stream(stream);
}

/// What the unit has of this activation stands ready; false: the launch goes on later, or is
/// refused.
bool Supervisor::begin_launch(const Launch& action, LiveUnit& live) {
    if (action.begins_activation) {
        live.invocation_id = sys::random_hex(16).value_or(std::string(32, '0'));
        live.release_when_empty = false;
        live.dropped.clear();
        if (!live.cgroup_made && clear_leftovers(action)) {
            return false;  // goes on from there
        }
    }
    if (const auto claimed = claim_dynamic_user(world_.find(action.unit)->unit, live); !claimed) {
        refuse(action, launch::user_status, "DynamicUser=yes: " + claimed.error().what);
        return false;
    }
    return true;
}

/// What is known of a launch before it is made.
void Supervisor::note_plan(const std::string& unit, LiveUnit& live, launch::Plan& plan) {
    if (!live.cgroup_made) {
        live.cgroup = launch::cgroup_path(world_.find(unit)->unit);
    }
    note_slices(plan);
    join_namespaces(live, plan);
    note_range(live, plan);
    for (const Diagnostic& shortfall : plan.shortfalls) {
        log::write(log::Level::Warning, one_line(shortfall));
    }
    live.ipc_owner.reset();
    for (const launch::Prepared& prepared : plan.preparations) {
        if (const auto* ipc = std::get_if<launch::RemoveIpc>(&prepared.preparation)) {
            live.ipc_owner = *ipc;
        }
    }
}

void Supervisor::perform_launch(const Launch& action) {
    if (delay_until_idle(action)) {
        return;
    }
    if (const auto removal = removals_.find(action.unit); removal != removals_.end()) {
        removal->second.waiting.push_back(action);
        return;
    }
    LiveUnit& live = live_[action.unit];
    if (!begin_launch(action, live)) {
        return;
    }
    auto plan = make_plan(action, live);
    if (!plan) {
        const std::string text = refusal_text(plan.error());
        if (options_.role == Role::Container) {  // there nobody waits at a client for the way out
            log::write(log::Level::Error, action.unit, text);
        }
        refuse(action, launch::exit_status(plan.error()), text);
        return;
    }
    if (waits_for_joined(action, *plan)) {
        return;  // goes on when that launch is back
    }
    note_plan(action.unit, live, *plan);
    launch::LaunchRequest request;
    request.id = action.launch;
    if (wants_log(*plan)) {
        auto pipe = open_log(action.unit, *plan);
        if (!pipe) {
            refuse(action, launch::exec_status, "no log for its output: " + pipe.error().what);
            return;
        }
        request.descriptors.emplace("log", std::move(*pipe));
    }
    if (const auto kept = preserved_.find(action.unit); kept != preserved_.end()) {
        live.activation.runtime_directories = std::move(kept->second.runtime_directories);
        preserved_.erase(kept);
    }
    request.plan = std::move(*plan);
    if (action.kind == ExecKind::Start) {
        lend_stored(action, request);
    }
    lend_stdio(action.unit, request);
    intend(live);
    request.mark = live.launch_mark;
    give_shim(action.unit, request);
    if (action.kind == ExecKind::Health) {
        auto lent = launch::borrowed(live.activation);  // another command may want it meanwhile
        if (!lent) {
            return refuse(action, 0, lent.error().what);
        }
        request.activation = std::move(*lent);
    } else {
        request.activation = std::move(live.activation);
        live.activation = {};
    }
    launching_.emplace(action.launch, action.unit);
    save(action.unit);
    launchers_->launch(std::move(request));
}

Result<std::string, Diagnostics> Supervisor::plan_text(const std::string& unit) {
    const UnitRecord* record = world_.find(unit);
    if (record == nullptr) {
        return Unexpected(
            Diagnostics{{Severity::Error, {}, "unit " + unit + " is not loaded", {}, {}}});
    }
    std::string text;
    for (const ExecKind kind :
         {ExecKind::Condition,
          ExecKind::StartPre,
          ExecKind::Start,
          ExecKind::StartPost,
          ExecKind::Reload,
          ExecKind::Stop,
          ExecKind::StopPost,
          ExecKind::Health}) {
        for (std::size_t index = 0; index < commands(record->unit, kind).size(); ++index) {
            const Launch action{unit, 0, kind, index, false};
            LiveUnit probe;
            probe.invocation_id = "(made at launch)";
            text += launch::print(HEARTH_TRY(make_plan(action, probe)));
            text += '\n';
        }
    }
    if (text.empty()) {
        return Unexpected(record->unit.refusals);
    }
    return text;
}

// ---- signals and the end of an activation -------------------------------------------------------

void Supervisor::perform_signal(const SignalUnit& action) {
    const auto live = live_.find(action.unit);
    const UnitRecord* record = world_.find(action.unit);
    if (live == live_.end() || record == nullptr) {
        return;
    }
    const sys::Signal signal(action.signal, action.value);
    std::set<pid_t> signalled;
    const auto to_process = [&](pid_t pid) {
        const auto watched = live->second.processes.find(pid);
        if (pid == 0 || watched == live->second.processes.end()) {
            return;
        }
        signalled.insert(pid);
        auto sent = sys::pidfd_send_signal(watched->second.pidfd.number(), signal);
        if (!sent && sent.error().code != ESRCH) {
            log::write(log::Level::Warning, action.unit, sent.error().what);
        }
    };
    if (action.main || action.everything) {
        to_process(record->status.main_pid);
    }
    if (action.health) {
        to_process(record->status.health_pid);
    }
    if (action.control || action.everything) {
        to_process(record->status.control_pid);
    }
    if (action.everything) {
        if (auto sent = tree_.signal(cgroup_of(action.unit), signal, signalled); !sent) {
            log::write(log::Level::Warning, action.unit, sent.error().what);
        }
    }
}

void Supervisor::retry_release(const std::string& unit, LiveUnit& live) {
    if (!live.retry) {
        auto timer = loop_.timer(Priority::Timer, [this, unit] {
            const auto again = live_.find(unit);
            if (again != live_.end() && again->second.release_when_empty) {
                perform_release(unit);
                try_finish_shutdown();
            }
        });
        if (timer) {
            live.retry = std::move(*timer);
        }
    }
    live.retry.arm_in(retry_microseconds);
}

void Supervisor::perform_release(const std::string& unit) {
    const auto found = live_.find(unit);
    if (found == live_.end()) {
        return;
    }
    LiveUnit& live = found->second;
    live.main_plan.reset();
    live.user_range.reset();
    live.main_unit.reset();
    live.main_shortfalls.clear();
    if (!live.activation.empty()) {
        release_activation(unit, std::move(live.activation));
        live.activation = {};
    }
    if (!live.cgroup_made) {
        release_identity(unit, live);
        return;
    }
    const ResourceUsage usage = tree_.usage(cgroup_of(unit));
    if (auto removed = tree_.remove(cgroup_of(unit)); !removed) {
        // Processes that KillMode= spared: cgroup_changed() comes back here when they are gone. A
        // directory that is empty but still busy with a dying process: the retry does. An
        // activation that has begun meanwhile keeps the directory.
        live.release_when_empty = true;
        if (!tree_.populated(cgroup_of(unit)).value_or(false)) {
            retry_release(unit, live);
        }
        return;
    }
    account_end(unit, live, usage);
    release_identity(unit, live);
    live.cgroup_source = {};
    live.memory_source = {};
    live.memory_retry = {};
    live.memory_events.reset();
    live.tasks_source = {};
    live.tasks_events.reset();
    live.cgroup_events.reset();
    live.cgroup_made = false;
    live.release_when_empty = false;
    live.out_of_memory_kills = 0;
    live.frozen = false;
    live.cgroup.clear();
    if (live.processes.empty()) {
        live_.erase(found);
    }
    save(unit);
    prune_slices();
    settle_source_.trigger();  // a transient unit may be forgotten now
}

}  // namespace hearth
