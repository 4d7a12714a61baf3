// SPDX-License-Identifier: MIT
//
// The end of a machine as hearthd sees it: targets that are started for signals and actions of
// units, and the last word to the keeper, who ends processes, unmounts and calls reboot(2). A
// container's manager only exits, a guest's refuses.
#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <climits>
#include <csignal>

#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth {

namespace {

constexpr const char* reboot_parameter_file = "/run/systemd/reboot-param";

RequestError not_supported(std::string why) {
    return {"NotSupported", std::move(why)};
}

std::string reboot_parameter() {
    std::string text = sys::read_file(reboot_parameter_file, PATH_MAX).value_or("");
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.pop_back();
    }
    return text;
}

/// Where `systemctl reboot ARGUMENT` leaves it, too: the reboot in order may be another hearthd's.
void note_reboot_parameter(const PerformAction& action) {
    (void)sys::make_directories("/run/systemd", 0755);
    const auto written =
        sys::replace_file(reboot_parameter_file, action.reboot_argument + "\n", 0600);
    if (!written) {
        log::write(
            log::Level::Warning,
            action.unit,
            "its RebootArgument= may be lost: " + written.error().what);
    }
}

/// systemctl(1), switch-root: what it demands of the directory.
Result<sys::Descriptor, RequestError> open_root(const std::string& path, const std::string& init) {
    const auto invalid = [](std::string what) {
        return Unexpected(RequestError{"InvalidArgs", std::move(what)});
    };
    if (!path.starts_with('/') || path.find_first_not_of('/') == std::string::npos) {
        return invalid("Switch root path '" + path + "' must be absolute, and not the root itself");
    }
    if (!init.empty() && (!init.starts_with('/') || init.size() > keeper::longest_name)) {
        return invalid("Path to init binary '" + init + "' is not absolute, or too long");
    }
    if (!sys::stat(path + "/etc/os-release") && !sys::stat(path + "/usr/lib/os-release")) {
        return invalid(
            "Specified switch root path '" + path +
            "' does not seem to be an OS tree. os-release file is missing.");
    }
    auto root = sys::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!root) {
        return invalid(root.error().what);
    }
    return std::move(*root);
}

}  // namespace

bool Supervisor::stops_machine() const {
    const UnitRecord* const record = world_.find("shutdown.target");
    if (record == nullptr || !record->job) {
        return record != nullptr && record->active_state() == ActiveState::Active &&
               !record->unit.built_in;
    }
    return world_.jobs.at(*record->job).type == JobType::Start;
}

Result<void, RequestError> Supervisor::end_machine(const EndRequest& request, const Requester& by) {
    const std::string what(name(request.how));
    switch (options_.role) {
        case Role::Guest:
            return Unexpected(not_supported(
                what +
                " is not possible here: hearthd is a guest, and doesn't end or interrupt its "
                "machine's run"));
        case Role::Container:
            if (request.how == keeper::Ending::KExec || request.how == keeper::Ending::SwitchRoot) {
                return Unexpected(not_supported(what + " is not possible in a container"));
            }
            log::write(log::Level::Notice, what + ", asked for by " + by.command);
            shut_down(exit_code_);
            return {};
        case Role::Machine:
            break;
    }
    MachineEnd end;
    end.how = request.how == keeper::Ending::Exit ? keeper::Ending::PowerOff : request.how;
    if (request.how == keeper::Ending::SwitchRoot) {
        end.root = HEARTH_TRY(open_root(request.root, request.init));
        end.argument = request.init;
    }
    log::write(
        log::Level::Notice,
        what + ", asked for by " + (by.command.empty() ? "a client" : by.command) +
            ": units are not stopped one by one");
    end_now(std::move(end));
    return {};
}

Result<void, RequestError> Supervisor::set_exit_code(std::uint8_t code) {
    if (options_.role != Role::Container) {
        return Unexpected(
            not_supported("ExitCode can only be set for user service managers or in containers."));
    }
    exit_code_ = code;
    save_manager();
    return {};
}

void Supervisor::end_now(MachineEnd end) {
    if (end.how == keeper::Ending::Reboot && end.argument.empty()) {
        end.argument = reboot_parameter();
    }
    if (end.argument.size() > keeper::longest_name) {
        log::write(
            log::Level::Error,
            fmt::format(
                "the argument of a reboot is left out: it has {} bytes, and {} are possible",
                end.argument.size(),
                keeper::longest_name));
        end.argument.clear();
    }
    log::write(log::Level::Notice, "all is handed to hearth-init: " + std::string(name(end.how)));
    end_ = std::move(end);
    end_.timeout_microseconds = options_.manager.units.service.timeout_stop.microseconds;
    hand_over_watchdog();
    attach_->end_all();
    log_source_ = {};
    if (auto stopped = logs_->stop(); !stopped) {
        log::write(log::Level::Warning, "hearth-logd: " + stopped.error().what);
    }
    loop_.exit(0);
}

/// Starts it in place of all that runs against it; a target that isn't there is told.
bool Supervisor::start_target(const std::string& target, JobMode mode, const std::string& why) {
    log::write(log::Level::Notice, why + ": starting " + target);
    const auto job = request(target, Verb::Start, mode, Requester{0, 0, why});
    if (!job) {
        log::write(log::Level::Error, "cannot start " + target + ": " + job.error().message);
    }
    return job.operator bool();
}

/// FailureAction= and kin of a machine's unit, by systemd.unit(5).
void Supervisor::act_on_machine(const PerformAction& action) {
    using keeper::Ending;
    MachineEnd end;
    bool in_order = false;
    switch (action.action) {
        case EmergencyAction::None:
            return;
        case EmergencyAction::Reboot:
            in_order = true;
            [[fallthrough]];
        case EmergencyAction::RebootForce:
        case EmergencyAction::RebootImmediate:
            end.how = Ending::Reboot;
            break;
        case EmergencyAction::Poweroff:
        case EmergencyAction::Exit:  // there is nobody to exit to
            in_order = true;
            [[fallthrough]];
        case EmergencyAction::PoweroffForce:
        case EmergencyAction::PoweroffImmediate:
        case EmergencyAction::ExitForce:
            end.how = Ending::PowerOff;
            break;
    }
    end.immediate = action.action == EmergencyAction::RebootImmediate ||
                    action.action == EmergencyAction::PoweroffImmediate;
    if (end.how == Ending::Reboot && !action.reboot_argument.empty()) {
        end.argument = action.reboot_argument;
        note_reboot_parameter(action);
    }
    if (!in_order) {
        log::write(log::Level::Notice, action.unit, "has ended, with " + action.why);
        return end_now(std::move(end));
    }
    if (!start_target(
            std::string(name(end.how)) + ".target",
            JobMode::ReplaceIrreversibly,
            action.why + " of " + action.unit)) {
        end_now(std::move(end));
    }
}

// ---- signals ------------------------------------------------------------------------------------

void Supervisor::control_alt_delete() {
    constexpr std::size_t burst = 7;
    constexpr std::uint64_t within = 2'000'000;
    const std::uint64_t at = now().monotonic;
    std::erase_if(keys_, [&](std::uint64_t each) { return each + within < at; });
    keys_.push_back(at);
    if (keys_.size() > burst) {
        keys_.clear();
        const EmergencyAction action = options_.manager.machine.burst_action;
        if (action != EmergencyAction::None) {
            log::write(
                log::Level::Warning,
                "Ctrl-Alt-Del was pressed more than 7 times within 2s: CtrlAltDelBurstAction=");
            return act_on_machine({"hearthd", action, 0, "CtrlAltDelBurstAction=", ""});
        }
    }
    if (!start_target("ctrl-alt-del.target", JobMode::ReplaceIrreversibly, "Ctrl-Alt-Del")) {
        (void)start_target("reboot.target", JobMode::ReplaceIrreversibly, "Ctrl-Alt-Del");
    }
}

/// systemd(1), "Signals": those from SIGRTMIN on.
void Supervisor::real_time_signal(int number) {
    using keeper::Ending;
    struct Target {
        const char* name;
        JobMode mode;
    };
    constexpr auto targets = std::to_array<Target>({
        {"default.target", JobMode::Isolate},
        {"rescue.target", JobMode::Isolate},
        {"emergency.target", JobMode::Isolate},
        {"halt.target", JobMode::ReplaceIrreversibly},
        {"poweroff.target", JobMode::ReplaceIrreversibly},
        {"reboot.target", JobMode::ReplaceIrreversibly},
        {"kexec.target", JobMode::ReplaceIrreversibly},
    });
    constexpr auto endings =
        std::to_array<Ending>({Ending::Halt, Ending::PowerOff, Ending::Reboot, Ending::KExec});
    constexpr int first_ending = 13;
    constexpr int debug = 22;
    constexpr int no_debug = 23;
    const std::string why = "SIGRTMIN+" + std::to_string(number);
    if (number < static_cast<int>(targets.size())) {
        const Target& target = targets.at(static_cast<std::size_t>(number));
        (void)start_target(target.name, target.mode, why);
    } else if (number >= first_ending && number < first_ending + static_cast<int>(endings.size())) {
        MachineEnd end;
        end.how = endings.at(static_cast<std::size_t>(number - first_ending));
        end_now(std::move(end));
    } else if (number == debug || number == no_debug) {
        (void)log::set_level(number == debug ? "debug" : "info");
    }
}

void Supervisor::signal_received(int signal) {
    switch (signal) {
        case SIGINT:
            return control_alt_delete();
        case SIGPWR:
            (void)start_target("sigpwr.target", JobMode::Replace, "SIGPWR");
            return;
        case SIGWINCH:
            (void)start_target("kbrequest.target", JobMode::Replace, "the keyboard's request");
            return;
        case SIGUSR2:
            log::write(log::Level::Information, "SIGUSR2:\n" + dump({}));
            return;
        case SIGTERM:
            return upgrade({}, [](const Result<std::string, RequestError>& done) {
                if (!done) {
                    log::write(log::Level::Error, "SIGTERM: " + done.error().message);
                }
            });
        case SIGUSR1:  // systemd connects to the bus anew: ours is where it was
            return;
        default:
            if (signal >= SIGRTMIN) {
                real_time_signal(signal - SIGRTMIN);
            }
    }
}

}  // namespace hearth
