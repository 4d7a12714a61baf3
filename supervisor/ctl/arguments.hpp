// SPDX-License-Identifier: MIT
//
// The command line, taken apart: a verb from the constexpr table below and what was said beside it.
// arguments.cpp is the only file that sees CLI11, and it builds a parser for the verb in question
// only: building one for all verbs takes longer than answering `is-active`.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::ctl {

/// Of `run`: systemd-run(1)'s options.
struct RunArguments {
    std::string unit, description, slice, user, group, service_type, directory, nice;
    std::vector<std::string> properties, environment;
    bool scope = false, wait = false, pipe = false, pty = false, remain = false, collect = false,
         same_directory = false, send_hangup = false, shell = false, inherit_slice = false;
    std::vector<std::string> timers;  ///< of [Timer]: when; not empty: the command is a timer's
    std::vector<std::string> timer_properties, path_properties;
    std::vector<std::string> refused;  ///< options of systemd-run that can't be, with the reason
    std::vector<std::string> command;
};

/// Of poweroff, reboot and kin (ending.cpp).
struct EndingArguments {
    int force = 0;  ///< how often it was said
    bool no_wall = false;
    std::string message, when;
};

struct Arguments {
    std::string runtime_directory;
    std::vector<std::string> names;  ///< units, files or jobs: what stands after the verb
    std::vector<std::string> properties, states, types, namespaces, command;
    std::string signal = "SIGTERM";
    std::string kill_whom = "all";
    std::optional<int> kill_value;
    std::optional<std::uint64_t> lines;
    bool value = false, all = false, json = false, no_legend = false, plain = false, quiet = false;
    bool plan = false, reverse = false, after = false, before = false;
    bool no_block = false, follow = false, full = false, as_service = false, privileged = false,
         no_pager = false;
    bool probe = false, watch = false, fresh = false, offline = false;
    double interval = 2, threshold = 10;
    std::string job_mode = "replace";
    bool now = false, force = false, no_reload = false;  ///< of enable and kin
    bool runtime = false;                                ///< of `set-property`, enable and kin
    std::string root;  ///< --root=: the unit files of that tree, without hearthd
    std::string preset_mode = "full";
    std::string timeout = "10s";    ///< of `upgrade`
    bool once = false;              ///< of `top`
    std::string order = "cpu";      ///< of `top`: its column
    std::vector<std::string> what;  ///< of `clean`: empty stands for cache and runtime
    bool wait = false;    ///< of jobs: until the units are at rest again; of `is-system-running`
    bool failed = false;  ///< of `list-units`: --state=failed
    bool from_input = false;           ///< `edit --stdin`
    std::string drop_in = "override";  ///< of `edit`: the name of the drop-in
    std::string output;                ///< --output=, systemctl's way to ask for JSON
    RunArguments run;
    EndingArguments ending;
};

/// Options that a verb may have; each verb names its own.
enum class Option : std::uint64_t {
    Property = 1U << 0U,
    Value = 1U << 1U,
    All = 1U << 2U,
    Json = 1U << 3U,
    Legend = 1U << 4U,
    Plain = 1U << 5U,
    Quiet = 1U << 6U,
    NoBlock = 1U << 7U,
    Follow = 1U << 8U,
    Lines = 1U << 9U,
    Signal = 1U << 10U,
    State = 1U << 11U,
    Type = 1U << 12U,
    Full = 1U << 13U,
    Attach = 1U << 14U,
    JobMode = 1U << 15U,
    What = 1U << 24U,
    Confinement = 1U << 16U,
    Security = 1U << 17U,
    Plan = 1U << 20U,
    Reverse = 1U << 21U,
    Order = 1U << 22U,
    Top = 1U << 23U,
    Root = 1U << 25U,
    Runtime = 1U << 26U,
    NoReload = 1U << 18U,
    Force = 1U << 27U,
    Now = 1U << 28U,
    PresetMode = 1U << 29U,
    Run = 1U << 30U,
    Ending = 1U << 19U,
    Upgrade = 1ULL << 31U,
    Edit = 1ULL << 32U,
    Wait = 1ULL << 33U,
};

/// How many names stand after the verb.
enum class Names : std::uint8_t { None, One, Any, Some };

struct Verb {
    std::string_view name;
    std::string_view summary;
    std::string_view names;  ///< "UNIT..." for the help
    Names count;
    std::uint64_t options;  ///< of Option
    int (*run)(const Arguments&);
};

[[nodiscard]] std::span<const Verb> verbs();
/// By its name, or one that systemctl knows it by, too ("condrestart").
[[nodiscard]] const Verb* find_verb(std::string_view name);
[[nodiscard]] constexpr bool has(const Verb& verb, Option option) {
    return (verb.options & static_cast<std::uint64_t>(option)) != 0;
}

/// An option of a verb, as --help and completion have it.
struct OptionHelp {
    std::string names;  ///< "-p,--property"
    std::string help;
    bool takes_value = false;
};
[[nodiscard]] std::vector<OptionHelp> options_of(const Verb& verb);

/// What a command line that isn't run answers: help or a mistake, and the exit code.
struct Answer {
    int exit_code = 0;
    std::string text;
};
/// Parses what follows the verb. An Answer where there is nothing to run.
[[nodiscard]] std::optional<Answer> parse(
    const Verb& verb, std::vector<std::string> words, Arguments& arguments);

}  // namespace hearth::ctl
