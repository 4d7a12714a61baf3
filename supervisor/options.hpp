// SPDX-License-Identifier: MIT
//
// hearthd's command line (DESIGN 6), as a value. Every default is settled here, so the rest of the
// supervisor never looks at argv or the environment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "parser/result.hpp"
#include "units/kernel_command_line.hpp"
#include "units/manager_settings.hpp"
#include "units/types.hpp"

namespace hearth {

/// What the keeper says that we are (DESIGN 1); alone, a guest.
enum class Role : std::uint8_t { Machine, Container, Guest };

struct Options {
    std::vector<std::string> unit_path;  ///< never empty
    std::string runtime_directory = "/run/hearth";
    std::string log_directory = "/var/log/hearth";
    std::string cgroup_root = "hearth";
    /// before /run, /var/lib, /var/cache, /var/log and /etc of StateDirectory= and kin
    std::string directories_root;
    std::vector<std::string> units;  ///< --unit: what to start
    Confinement confinement = Confinement::Strict;
    bool bus_for_everyone = false;
    bool systemd_compat = false;  ///< /run/systemd/private and /run/systemd/system
    bool user = false;
    bool debug = false;
    bool doctor = false;               ///< look, print, exit
    bool check_state = false;          ///< likewise, at what an earlier hearthd left
    std::vector<std::string> words;    ///< as they were given, but what the keeper says
    std::string log_to_stdout;         ///< "plain", "json", or empty: files only
    std::vector<std::string> command;  ///< behind `--`: it becomes main.service, one of `units`
    std::string config;                ///< --config: in place of system.conf and its drop-ins
    ManagerSettings manager;           ///< what those say; the command line wins
    Role role = Role::Guest;
    std::optional<int> keeper;  ///< --keeper-fd: the inherited socket
    /// A machine, or a container that is to start default.target (DESIGN 1): it mounts, runs
    /// generators, and reads the files of the targets that order a boot.
    bool boots = false;
    KernelCommandLine kernel;  ///< of a machine

    /// In a container, or there for a command: it makes do with what it finds.
    [[nodiscard]] bool makes_do() const {
        return !user && (role == Role::Container || (role == Role::Guest && !command.empty()));
    }
};

/// Options, or what the process should print and exit with (--help, --version, a usage error).
struct EarlyExit {
    int status = 0;
    std::string text;  ///< to stdout for status 0, else to stderr
};
[[nodiscard]] std::variant<Options, EarlyExit> read_options(int argc, char** argv);

/// The unit path with what this hearthd writes itself: transient units, set-property.
[[nodiscard]] std::vector<std::string> searched_path(const Options& options);

/// --doctor (doctor_program.cpp).
[[nodiscard]] Result<int> run_doctor(const Options& options);

}  // namespace hearth
