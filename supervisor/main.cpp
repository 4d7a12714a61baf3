// SPDX-License-Identifier: MIT
//
// hearthd: reads its options, makes the loop, the supervisor and the bus, says that it is ready,
// runs.
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <optional>
#include <utility>

#include "supervisor/booting.hpp"
#include "supervisor/bus/server.hpp"
#include "supervisor/check_state.hpp"
#include "supervisor/command_unit.hpp"
#include "supervisor/compatibility.hpp"
#include "supervisor/log.hpp"
#include "supervisor/logd/protocol.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/options.hpp"
#include "supervisor/own_settings.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {
namespace {

/// What systemd(1) gives a meaning, for a machine's manager.
std::vector<int> signals_of_machine(Role role) {
    std::vector<int> signals;
    if (role == Role::Machine) {
        signals = {SIGINT, SIGPWR, SIGWINCH, SIGUSR1, SIGUSR2};
        for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) {
            signals.push_back(signal);
        }
    }
    return signals;
}

/// Signals are taken by the loop; blocked here, before any thread exists, so that all inherit it.
void block_signals(Role role) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGRTMIN + 3}) {
        sigaddset(&set, signal);
    }
    for (const int signal : signals_of_machine(role)) {
        sigaddset(&set, signal);
    }
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

/// Stdio must be open, or a socket of ours would become somebody's standard output.
void open_missing_stdio() {
    for (int number = 0; number < 3; ++number) {
        if (::fcntl(number, F_GETFD) < 0) {
            (void)::open("/dev/null", O_RDWR);
        }
    }
}

/// Two pidfds, an event descriptor and a log pipe per service: take what the hard limit gives.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

Result<void> write_command_unit(const Options& options) {
    const std::string directory = options.runtime_directory + "/transient";
    HEARTH_TRY(sys::make_directories(directory, 0755));
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        variables.emplace_back(*variable);
    }
    return sys::replace_file(
        directory + "/" + command_unit,
        command_unit_text(options.command, variables, HEARTH_TRY(sys::readlink("/proc/self/cwd"))),
        0600);
}

Result<void> make_directories(const Options& options) {
    HEARTH_TRY(sys::make_directories(options.runtime_directory, 0755));
    const auto made = options.log_directory == logd::no_directory
                          ? Result<void>()
                          : sys::make_directories(options.log_directory, 0750);
    if (!made) {
        if (!options.boots) {
            return made;
        }
        // hearth-logd keeps what it can't write, and tries again.
        log::write(log::Level::Warning, made.error().what);
    }
    if (!options.command.empty()) {
        HEARTH_TRY(write_command_unit(options));
    }
    return {};
}

bus::Options bus_options(const Options& options, const Supervisor& supervisor) {
    bus::Options result;
    result.paths = {options.runtime_directory + "/private"};
    if (options.systemd_compat) {
        result.paths.emplace_back("/run/systemd/private");
    }
    result.access = options.bus_for_everyone ? bus::BusAccess::Everyone : bus::BusAccess::Owner;
    result.user_mode = options.user;
    result.started = supervisor.started();
    result.control_group = supervisor.control_group();
    result.log_level = log::level_name;
    result.set_log_level = log::set_level;
    return result;
}

/// Connections that came while no hearthd ran wait in the listeners that the keeper holds.
Result<std::unique_ptr<bus::BusServer>> listen(
    EventLoop& loop, Supervisor& supervisor, const Options& options) {
    const auto held_as = [](std::size_t index) { return "bus-" + std::to_string(index); };
    bus::Options wanted = bus_options(options, supervisor);
    std::vector<sys::Descriptor> inherited;
    for (std::size_t index = 0; index < wanted.paths.size(); ++index) {
        if (auto listener = supervisor.keeper().take(held_as(index))) {
            inherited.push_back(std::move(listener));
        }
    }
    auto server = HEARTH_TRY(
        bus::BusServer::listen(loop, supervisor, std::move(wanted), std::move(inherited)));
    const std::vector<int> listeners = server->listeners();
    for (std::size_t index = 0; index < listeners.size(); ++index) {
        supervisor.keeper().hold(held_as(index), listeners[index]);
    }
    return server;
}

Result<std::vector<EventSource>> take_signals(EventLoop& loop, Supervisor& supervisor, Role role) {
    std::vector<EventSource> sources;
    for (const int signal : signals_of_machine(role)) {
        sources.push_back(HEARTH_TRY(loop.on_signal(
            signal, [&](int number, pid_t) { supervisor.signal_received(number); })));
    }
    if (role != Role::Machine) {
        for (const int signal : {SIGTERM, SIGINT, SIGRTMIN + 3}) {
            sources.push_back(
                HEARTH_TRY(loop.on_signal(signal, [&](int, pid_t) { supervisor.shut_down(0); })));
        }
    } else {
        sources.push_back(HEARTH_TRY(
            loop.on_signal(SIGTERM, [&](int, pid_t) { supervisor.signal_received(SIGTERM); })));
    }
    sources.push_back(
        HEARTH_TRY(loop.on_signal(SIGHUP, [&](int, pid_t) { supervisor.reload([] {}); })));
    return sources;
}

Result<int> run(const Options& options) {
    KeeperChannel keeper;
    if (options.keeper) {
        keeper = HEARTH_TRY(KeeperChannel::open(*options.keeper));
    }
    if (options.boots && !keeper.is_successor()) {
        begin_boot(options);
    }
    HEARTH_TRY(make_directories(options));
    auto loop = HEARTH_TRY(EventLoop::open());
    EventLoop::on_defect([](const char* what) noexcept {
        log::write(
            log::Level::Error, std::string("defect: an exception reached the loop: ") + what);
    });
    auto supervisor = HEARTH_TRY(Supervisor::create(*loop, options, std::move(keeper)));
    const std::vector<EventSource> sources =
        HEARTH_TRY(take_signals(*loop, *supervisor, options.role));
    std::optional<SystemdCompatibility> compatibility;
    if (options.systemd_compat) {
        compatibility.emplace(HEARTH_TRY(SystemdCompatibility::create(
            options.runtime_directory,
            options.role == Role::Machine || supervisor->keeper().is_successor())));
    }
    auto bus = HEARTH_TRY(listen(*loop, *supervisor, options));
    if (!supervisor->keeper().is_successor()) {
        supervisor->start_units();
    }
    log::write(log::Level::Notice, "ready, answering at " + options.runtime_directory + "/private");
    sd_notify(0, "READY=1");
    supervisor->announce_ready();
    auto status = loop->run();
    bus->flush();
    if (supervisor->makes_room()) {
        std::fflush(nullptr);
        ::_exit(0);  // as a death: nothing is taken down, for another hearthd goes on with all
    }
    supervisor->keeper().stopped(supervisor->end());
    return status;
}

int run_program(int argc, char** argv) {
    open_missing_stdio();
    auto parsed = read_options(argc, argv);
    if (const auto* early = std::get_if<EarlyExit>(&parsed)) {
        std::fputs(early->text.c_str(), early->status == 0 ? stdout : stderr);
        return early->status;
    }
    const Options& options = std::get<Options>(parsed);
    log::start(
        options.debug             ? log::Level::Debug
        : options.command.empty() ? log::Level::Information
                                  : log::Level::Warning,  // who runs a command looks at that
        ::isatty(STDERR_FILENO) != 0);
    if (options.role == Role::Machine && !options.check_state) {
        (void)log::to_kernel_log();
    }
    if (!options.check_state) {
        log::write(options.manager.diagnostics);
    }
    if (options.manager.log_level && !options.debug) {
        log::set_level(*options.manager.log_level);
    }
    if (const auto applied = apply_own_settings(options.manager.own); !applied) {
        log::write(log::Level::Error, applied.error().what);
        return 1;
    }
    if (options.check_state) {
        std::fputs(verdict_text(check_state(options)).c_str(), stdout);
        return 0;
    }
    // The keeper may have started this from a descriptor, whose number would be the name.
    (void)sys::prctl(PR_SET_NAME, reinterpret_cast<unsigned long>("hearthd"));
    block_signals(options.role);
    raise_descriptor_limit();
    ::umask(0022);
    auto status = options.doctor ? run_doctor(options) : run(options);
    if (!status) {
        log::write(log::Level::Error, status.error().what);
        // What can't begin ends, and whoever started it decides: the keeper gives up a first
        // hearthd that says 2, but a machine's.
        const bool kept = options.keeper.has_value();
        return kept && options.role != Role::Machine ? 2 : 1;
    }
    return *status;
}

}  // namespace
}  // namespace hearth

int main(int argc, char** argv) {
    try {
        return hearth::run_program(argc, argv);
    } catch (const std::exception& error) {  // before the loop runs: no memory, for one
        std::fprintf(stderr, "hearthd: %s\n", error.what());
        return 1;
    }
}
