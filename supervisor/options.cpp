// SPDX-License-Identifier: MIT
#include "supervisor/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string_view>

#include "supervisor/command_unit.hpp"
#include "supervisor/container_places.hpp"
#include "supervisor/logd/protocol.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/unit_files/install_files.hpp"
#include "supervisor/unit_files/manager_files.hpp"
#include "supervisor/unit_store.hpp"

namespace hearth {

namespace {

std::vector<std::string> split_path(const std::string& text) {
    std::vector<std::string> directories;
    std::stringstream stream(text);
    for (std::string part; std::getline(stream, part, ':');) {
        if (!part.empty()) {
            directories.push_back(part);
        }
    }
    return directories;
}

std::string environment(const char* name, const std::string& fallback) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? value : fallback;
}

std::vector<std::string> user_unit_path(const std::string& runtime_directory) {
    const std::string home = environment("HOME", "/");
    const std::string config = environment("XDG_CONFIG_HOME", home + "/.config");
    const std::string data = environment("XDG_DATA_HOME", home + "/.local/share");
    return {
        config + "/systemd/user.control",
        runtime_directory + "/transient",
        config + "/systemd/user",
        "/etc/systemd/user",
        "/run/systemd/user",
        data + "/systemd/user",
        "/usr/local/lib/systemd/user",
        "/usr/lib/systemd/user"};
}

/// Words of the command line that stand for something else once all are read.
struct Words {
    std::string unit_path;
    std::string confinement, compat, access, to_stdout;  ///< empty: as the manager's files say
    std::string role = "guest";
    CLI::Option* runtime = nullptr;  ///< the application's
    CLI::Option* logs = nullptr;
    CLI::Option* cgroup_root = nullptr;
};

void declare_places(CLI::App& app, Options& options, Words& words) {
    app.add_option(
           "--unit-path",
           words.unit_path,
           "directories of unit files, separated by ':' (replaces systemd's own path)")
        ->type_name("DIR[:DIR...]");
    words.runtime =
        app.add_option(
               "--runtime-dir", options.runtime_directory, "sockets and state; belongs on tmpfs")
            ->type_name("DIR");
    words.logs = app.add_option("--log-dir", options.log_directory, "where hearth-logd writes")
                     ->type_name("DIR");
    words.cgroup_root =
        app.add_option(
               "--cgroup-root",
               options.cgroup_root,
               "below hearthd's own cgroup, or from the mount's root with a leading '/'")
            ->type_name("PATH");
    app.add_option(
           "--directories-root",
           options.directories_root,
           "where the /run, /var/lib, /var/cache, /var/log and /etc of StateDirectory= and kin are")
        ->type_name("DIR");
}

void declare_behaviour(CLI::App& app, Options& options, Words& words) {
    app.add_option("--unit", options.units, "unit to start; may be repeated")->type_name("NAME");
    app.add_option(
           "--confinement",
           words.confinement,
           "strict refuses what can't be confined as asked; best-effort tells the shortfall")
        ->check(CLI::IsMember({"strict", "best-effort"}));
    app.add_option(
           "--systemd-compat",
           words.compat,
           "also serve the stock systemctl at /run/systemd/private")
        ->check(CLI::IsMember({"yes", "no", "auto"}));
    app.add_option("--bus-access", words.access, "who may read over the bus")
        ->check(CLI::IsMember({"owner", "everyone"}));
    app.add_option(
           "--log-to-stdout",
           words.to_stdout,
           "show the services' output on standard output, too (in a container with --unit: plain)")
        ->check(CLI::IsMember({"no", "plain", "json"}));
    app.add_option("--role", words.role, "what hearth-init found itself to be; said by it alone")
        ->check(CLI::IsMember({"machine", "container", "guest"}));
    app.add_option("--keeper-fd", options.keeper, "the socket to hearth-init; said by it alone")
        ->type_name("N");
    app.add_option(
           "--config",
           options.config,
           "settings of the manager, in place of /etc/systemd/system.conf and its drop-ins")
        ->type_name("FILE");
    app.add_flag("--user", options.user, "manage a user's services");
    app.add_flag(
        "--doctor", options.doctor, "tell what this machine can't give, as JSON, and exit");
    app.add_flag(
        "--check-state",
        options.check_state,
        "tell what of the state of the hearthd that runs this one couldn't carry, and exit");
    app.add_flag("--debug", options.debug, "log more");
    app.set_version_flag("--version", "hearth " HEARTH_VERSION);
}

/// What the command line doesn't name, where the usual places can't be written to.
std::optional<EarlyExit> settle_container_places(Options& options, bool runtime, bool logs) {
    if (!runtime) {
        auto found = find_container_runtime_directory();
        if (!found) {
            return EarlyExit{2, "hearthd: " + found.error().what + "\n"};
        }
        options.runtime_directory = *std::move(found);
    }
    if (!logs) {
        options.log_directory = find_container_log_directory();
    }
    return std::nullopt;
}

/// A user's own places, where the command line names none; then all must be absolute.
std::optional<EarlyExit> settle_places(Options& options, const Words& words) {
    if (options.user && words.runtime->count() == 0) {
        const std::string base = environment("XDG_RUNTIME_DIR", "");
        if (base.empty()) {
            return EarlyExit{2, "--user needs XDG_RUNTIME_DIR or --runtime-dir\n"};
        }
        options.runtime_directory = base + "/hearth";
    }
    if (options.user && words.logs->count() == 0) {
        const std::string home = environment("HOME", "/");
        options.log_directory =
            environment("XDG_STATE_HOME", home + "/.local/state") + "/hearth/log";
    }
    if (words.cgroup_root->count() != 0 && options.cgroup_root.empty()) {
        return EarlyExit{
            2, "--cgroup-root: '' is no cgroup path: expected names with '/' between\n"};
    }
    if (words.cgroup_root->count() == 0 && options.role != Role::Guest && !options.user) {
        options.cgroup_root.clear();
    }
    if (options.makes_do()) {
        if (auto refused = settle_container_places(
                options, words.runtime->count() != 0, words.logs->count() != 0)) {
            return refused;
        }
    }
    for (const std::string* directory : {&options.runtime_directory, &options.log_directory}) {
        if (*directory != logd::no_directory && (directory->empty() || directory->front() != '/')) {
            return EarlyExit{
                2,
                "'" + *directory +
                    "' is not an absolute path; expected one that starts with '/'\n"};
        }
    }
    return std::nullopt;
}

/// What the command line doesn't say, the manager's files may.
void settle_words(Words& words, const ManagerSettings& manager) {
    const auto settle =
        [](std::string& word, const std::optional<std::string>& said, const char* fallback) {
            if (word.empty()) {
                word = said.value_or(fallback);
            }
        };
    settle(words.confinement, manager.confinement, "strict");
    settle(words.compat, manager.systemd_compat, "auto");
    settle(words.access, manager.bus_access, "owner");
}

void settle_unit_path(Options& options, const std::string& asked) {
    options.unit_path = split_path(asked);
    if (options.unit_path.empty()) {
        options.unit_path = options.user ? user_unit_path(options.runtime_directory)
                                         : UnitStore::default_path(options.runtime_directory);
    }
    if (options.user || !asked.empty()) {
        // Links of enable --runtime stand right behind those of enable.
        const auto roles = unit_directories(options.unit_path, options.runtime_directory);
        const auto config =
            std::ranges::find(roles, UnitDirectory::Role::Config, &UnitDirectory::role);
        const auto behind = config == roles.end() ? config : config + 1;
        options.unit_path.insert(
            options.unit_path.begin() + (behind - roles.begin()),
            options.runtime_directory + "/system");
    }
    if (!options.command.empty()) {
        const std::string transient = options.runtime_directory + "/transient";
        if (std::ranges::find(options.unit_path, transient) == options.unit_path.end()) {
            options.unit_path.insert(options.unit_path.begin(), transient);
        }
        options.units.emplace_back(command_unit);
    }
}

/// A machine's kernel hands on every word that it doesn't know itself ("single", "3"), and a slip
/// there must not keep it from booting: what is no `--NAME=VALUE` is passed over. The keeper's own
/// words come first.
std::vector<char*> words_of_machine(const std::vector<char*>& given) {
    constexpr std::size_t own_words = 5;
    std::vector<char*> words;
    for (std::size_t each = 0; each < given.size(); ++each) {
        const std::string_view word = given[each];
        if (each < own_words || word == "--debug" ||
            (word.starts_with("--") && word.find('=') != std::string_view::npos)) {
            words.push_back(given[each]);
        }
    }
    return words;
}

/// What another hearthd is given in this one's place: all but the number of the keeper's socket.
std::vector<std::string> words_for_another(const std::vector<char*>& given) {
    std::vector<std::string> words;
    bool options = true;
    for (std::size_t index = 1; index < given.size(); ++index) {
        const std::string_view word = given[index];
        options = options && word != "--";
        if (options && word == "--keeper-fd") {
            ++index;
        } else if (!options || (!word.starts_with("--keeper-fd=") && word != "--check-state")) {
            words.emplace_back(word);
        }
    }
    return words;
}

bool is_machine(const std::vector<char*>& given) {
    constexpr std::size_t role = 3;  // hearthd --keeper-fd N --role R
    return given.size() > role + 1 && std::string_view(given[role]) == "--role" &&
           std::string_view(given[role + 1]) == "machine";
}

/// systemd.unit(5)'s path with generators' places in it (systemd.generator(7)), and what is built
/// in behind all.
void add_boot_directories(Options& options) {
    std::vector<std::string>& path = options.unit_path;
    const auto at = [&](std::string_view name) { return std::ranges::find(path, name); };
    const auto config = at("/etc/systemd/system");
    path.insert(config == path.end() ? path.begin() : config, "/run/systemd/generator.early");
    path.insert(at("/usr/local/lib/systemd/system"), "/run/systemd/generator");
    path.emplace_back("/run/systemd/generator.late");
    path.push_back(options.runtime_directory + "/boot");
}

void settle_boot(Options& options) {
    if (options.role == Role::Machine) {
        options.kernel = parse_kernel_command_line(
            sys::read_file("/proc/cmdline", 65536).value_or(""), "/proc/cmdline");
        if (options.units.empty()) {
            options.units.push_back(
                options.kernel.unit.empty() ? "default.target" : options.kernel.unit);
        }
    }
    options.boots = options.role == Role::Machine ||
                    (options.role == Role::Container &&
                     std::ranges::find(options.units, "default.target") != options.units.end());
    if (options.boots) {
        add_boot_directories(options);
    }
}

/// Who starts a container for its services reads its output; a command has that for itself.
void settle_log(Options& options, const std::string& asked) {
    const bool expected =
        options.role == Role::Container && options.command.empty() && !options.units.empty();
    options.log_to_stdout = asked.empty() ? (expected ? "plain" : "") : asked;
    if (options.log_to_stdout == "no") {
        options.log_to_stdout.clear();
    }
}

}  // namespace

std::variant<Options, EarlyExit> read_options(int argc, char** argv) {
    Options options;
    Words words;
    CLI::App app{"hearthd runs systemd unit files without systemd.", "hearthd"};
    app.footer(
        "Behind `--` stands a command to run as the unit main.service; hearthd ends with it.");
    declare_places(app, options, words);
    declare_behaviour(app, options, words);
    std::vector<char*> given(argv, argv + argc);
    if (is_machine(given)) {
        given = words_of_machine(given);
    }
    options.words = words_for_another(given);
    const auto end = std::ranges::find_if(
        given, [](const char* word) { return std::string_view(word) == "--"; });
    if (end != given.end()) {
        options.command.assign(end + 1, given.end());
        if (options.command.empty()) {
            return EarlyExit{2, "behind '--' stands no command; expected COMMAND [ARG...]\n"};
        }
    }
    try {
        app.parse(static_cast<int>(end - given.begin()), given.data());
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ExtrasError)) {
            const auto rest = app.remaining();
            return EarlyExit{
                2,
                "'" + (rest.empty() ? "" : rest.front()) +
                    "' was not expected: see --help; a command to run stands behind '--'\n"};
        }
        std::ostringstream out;
        std::ostringstream err;
        const int status = app.exit(error, out, err);
        return EarlyExit{status == 0 ? 0 : 2, status == 0 ? out.str() : err.str()};
    }
    options.role = words.role == "machine"     ? Role::Machine
                   : words.role == "container" ? Role::Container
                                               : Role::Guest;
    if (auto refused = settle_places(options, words)) {
        return *std::move(refused);
    }
    settle_unit_path(options, words.unit_path);
    settle_boot(options);
    options.manager = load_manager_settings(options.config, options.user, options.kernel.settings);
    settle_words(words, options.manager);
    options.confinement =
        words.confinement == "strict" ? Confinement::Strict : Confinement::BestEffort;
    options.systemd_compat =
        words.compat == "yes" || (words.compat == "auto" && options.role == Role::Machine);
    settle_log(options, words.to_stdout);
    options.bus_for_everyone = words.access == "everyone";
    return options;
}

}  // namespace hearth
