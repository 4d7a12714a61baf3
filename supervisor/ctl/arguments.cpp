// SPDX-License-Identifier: MIT
#include "supervisor/ctl/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "supervisor/ctl/option_values.hpp"

namespace hearth::ctl {

namespace {

class Builder {
public:
    Builder(CLI::App& app, const Verb& verb) : app_(app), verb_(verb) {}

    void flag(Option option, const char* names, bool& target, const char* help) {
        if (has(option)) {
            app_.add_flag(names, target, help);
        }
    }
    template <class Target>
    CLI::Option* value(Option option, const char* names, Target& target, const char* help) {
        return has(option) ? app_.add_option(names, target, help) : nullptr;
    }
    /// A list: repeated, or with commas.
    void list(
        Option option, const char* names, std::vector<std::string>& target, const char* help) {
        if (has(option)) {
            app_.add_option(names, target, help)->delimiter(',')->allow_extra_args(false);
        }
    }

    /// -P NAME: --property NAME --value.
    void only_values(const char* names, Arguments& arguments) {
        app_.add_option_function<std::vector<std::string>>(
                names,
                [&arguments](const std::vector<std::string>& properties) {
                    arguments.properties.insert(
                        arguments.properties.end(), properties.begin(), properties.end());
                    arguments.value = true;
                },
                "--property and --value in one")
            ->delimiter(',')
            ->allow_extra_args(false);
    }
    [[nodiscard]] bool has(Option option) const { return ctl::has(verb_, option); }

private:
    CLI::App& app_;
    const Verb& verb_;
};

/// What makes `run` a timer or path that starts the command.
void add_trigger_options(CLI::App& app, RunArguments& run) {
    const auto when = [&](const char* name, const char* directive, const char* help) {
        app.add_option_function<std::vector<std::string>>(
               name,
               [&run, directive](const std::vector<std::string>& values) {
                   for (const std::string& value : values) {
                       run.timers.push_back(std::string(directive) + "=" + value);
                   }
               },
               help)
            ->allow_extra_args(false);
    };
    const auto on = [&](const char* name, const char* directive, const char* help) {
        app.add_flag_callback(
            name,
            [&run, directive] { run.timers.push_back(std::string(directive) + "=yes"); },
            help);
    };
    when("--on-active", "OnActiveSec", "Run it this long after now");
    when("--on-boot", "OnBootSec", "Run it this long after the machine was booted");
    when("--on-startup", "OnStartupSec", "Run it this long after hearthd's start");
    when("--on-unit-active", "OnUnitActiveSec", "Run it this long after its last start");
    when("--on-unit-inactive", "OnUnitInactiveSec", "Run it this long after its last end");
    when("--on-calendar", "OnCalendar", "Run it at these times");
    on("--on-timezone-change", "OnTimezoneChange", "Run it when the time zone changes");
    on("--on-clock-change", "OnClockChange", "Run it when the clock is set");
    app.add_option_function<std::vector<std::string>>(
           "--timer-property",
           [&run](const std::vector<std::string>& values) {
               for (const std::string& value : values) {
                   const bool says_when = value.starts_with("On");
                   (says_when ? run.timers : run.timer_properties).push_back(value);
               }
           },
           "NAME=VALUE of the timer; repeatable")
        ->allow_extra_args(false);
    app.add_option("--path-property", run.path_properties, "NAME=VALUE of a path; repeatable")
        ->allow_extra_args(false);
}

/// What follows the first word that is no option is the command.
void add_run_options(CLI::App& app, RunArguments& run) {
    const auto value = [&](const char* names, std::string& target, const char* help) {
        app.add_option(names, target, help);
    };
    const auto flag = [&](const char* names, bool& target, const char* help) {
        app.add_flag(names, target, help);
    };
    const auto list = [&](const char* names, std::vector<std::string>& target, const char* help) {
        app.add_option(names, target, help)->allow_extra_args(false);
    };
    app.prefix_command();
    value("-u,--unit", run.unit, "The unit's name (default: made up)");
    value("--description", run.description, "A title of the unit (default: the command)");
    value("--slice", run.slice, "Run in this slice");
    value("--uid", run.user, "Run as this user");
    value("--gid", run.group, "Run as this group");
    value("--nice", run.nice, "Run at this nice level");
    value("--service-type", run.service_type, "Type= of the service");
    value("--working-directory", run.directory, "Run in this directory");
    list("-p,--property", run.properties, "NAME=VALUE, as in a unit file; repeatable");
    list("-E,--setenv", run.environment, "NAME=VALUE, or NAME to pass it on; repeatable");
    flag("--scope", run.scope, "Run it from here, in a scope");
    flag("--wait", run.wait, "Wait for its end, and exit with its status");
    flag("-P,--pipe", run.pipe, "Let it have this command's input and outputs");
    flag("-t,--pty", run.pty, "Let it have a terminal of its own, shown here");
    flag("-S,--shell", run.shell, "Run $SHELL: --pty --same-dir --wait --collect");
    flag("--slice-inherit", run.inherit_slice, "Run in --slice= below this process's own slice");
    flag("-r,--remain-after-exit", run.remain, "Keep it active after its end");
    flag("-G,--collect", run.collect, "Forget it also when it has failed");
    flag("-d,--same-dir", run.same_directory, "Run in this directory");
    flag("--send-sighup", run.send_hangup, "Send SIGHUP after SIGTERM when it is stopped");
    add_trigger_options(app, run);
    const auto refused = [&](const char* names, const char* why) {
        app.add_option_function<std::string>(
               names, [&run, why](const std::string&) { run.refused.emplace_back(why); }, why)
            ->group("");
    };
    refused("--socket-property", "--socket-property is refused: hearthd starts no socket units");
    refused("-H,--host", "--host is refused: hearthctl has no remote connections; use ssh");
    refused(
        "-M,--machine",
        "--machine is refused: run hearthctl inside the container, or name its --runtime-dir");
    app.set_version_flag("--version", "hearthctl " HEARTH_VERSION);
}

void add_ending_options(CLI::App& app, EndingArguments& ending) {
    app.add_flag(
        "-f,--force",
        ending.force,
        "Don't stop units in order; twice: don't even ask hearthd, nor unmount");
    app.add_flag("--no-wall", ending.no_wall, "Don't tell those who are logged in");
    app.add_option("--message", ending.message, "What to tell them");
    app.add_option("--when", ending.when, "Refused: use 'hearthctl shutdown TIME'");
}

/// What several verbs share.
void add_shared_options(Builder& add, Arguments& arguments) {
    add.list(Option::Property, "-p,--property", arguments.properties, "Show only this property");
    if (add.has(Option::Value)) {
        add.only_values("-P", arguments);
    }
    add.flag(Option::Value, "--value", arguments.value, "Print values without names");
    add.flag(Option::All, "-a,--all", arguments.all, "Also what is empty or inactive");
    add.flag(Option::Json, "--json", arguments.json, "Print JSON");
    add.flag(Option::Legend, "--no-legend", arguments.no_legend, "Without head and foot lines");
    add.flag(Option::Plain, "--plain", arguments.plain, "Without marks before the names");
    add.flag(Option::Quiet, "-q,--quiet", arguments.quiet, "Print nothing, answer by exit status");
    add.flag(Option::NoBlock, "--no-block", arguments.no_block, "Don't wait for the job");
    add.flag(Option::Plan, "--plan", arguments.plan, "Only show what would change");
    add.flag(
        Option::Reverse, "--reverse", arguments.reverse, "Show what depends on the unit instead");
    add.flag(
        Option::Order,
        "--after",
        arguments.after,
        "Show what comes first; of jobs, what each waits for");
    add.flag(
        Option::Order,
        "--before",
        arguments.before,
        "Show what comes later; of jobs, what each holds up");
    add.flag(Option::Follow, "-f,--follow", arguments.follow, "Go on with new lines as they come");
    add.value(Option::Lines, "-n,--lines", arguments.lines, "How many lines of the log");
    add.value(Option::Signal, "-s,--signal", arguments.signal, "Which signal, by name or number");
    add.value(
        Option::Signal, "--kill-whom,--kill-who", arguments.kill_whom, "main, control or all");
    add.value(
        Option::Signal,
        "--kill-value",
        arguments.kill_value,
        "A number to send with a real-time signal, as sigqueue(3) does");
    add.list(
        Option::What,
        "--what",
        arguments.what,
        "runtime, state, cache, logs, configuration or all (else cache and runtime)");
    add.flag(Option::Top, "--once", arguments.once, "Print one table and end");
    add.value(
        Option::Top,
        "-o,--order",
        arguments.order,
        "Sort by unit, cpu, throttled, memory, tasks, io or restarts");
    add.value(Option::Top, "-d,--delay", arguments.interval, "Seconds between two looks");
    add.list(Option::State, "--state", arguments.states, "Only units in one of these states");
    add.list(Option::Type, "-t,--type", arguments.types, "Only units of these types");
    add.flag(Option::Full, "-l,--full", arguments.full, "Don't shorten lines");
    add.value(
        Option::JobMode,
        "--job-mode",
        arguments.job_mode,
        "What to do with queued jobs: replace, fail ...");
}

/// What one verb or a family of verbs has for itself.
void add_own_options(Builder& add, Arguments& arguments) {
    add.flag(
        Option::Attach,
        "--as-service",
        arguments.as_service,
        "As the unit's own user, confined as it is");
    add.flag(
        Option::Attach,
        "--fresh",
        arguments.fresh,
        "In a new sandbox of a unit that doesn't run, in place of its program");
    add.flag(
        Option::Confinement,
        "--probe",
        arguments.probe,
        "Try what is forbidden, from inside the unit's sandbox");
    add.flag(Option::Confinement, "--watch", arguments.watch, "Go on and print what changes");
    add.value(Option::Confinement, "--interval", arguments.interval, "Seconds between two looks");
    add.flag(
        Option::Security,
        "--offline",
        arguments.offline,
        "The names are unit files; ask no hearthd");
    add.value(
        Option::Security,
        "--threshold",
        arguments.threshold,
        "Exit with 1 where a score is above this (0 to 10)");
    add.flag(Option::Attach, "--privileged", arguments.privileged, "As root with all capabilities");
    add.list(Option::Attach, "--namespaces", arguments.namespaces, "Enter only these namespaces");
    add.value(
        Option::Attach, "command", arguments.command, "What to run (default: a shell), after --");
    add.value(
        Option::Root, "--root", arguments.root, "Work on the unit files below DIR; ask no hearthd");
    add.flag(Option::Runtime, "--runtime", arguments.runtime, "Only until the machine stops");
    add.flag(
        Option::NoReload,
        "--no-reload",
        arguments.no_reload,
        "Don't let hearthd reload afterwards");
    add.flag(Option::Force, "-f,--force", arguments.force, "Replace links that lead elsewhere");
    add.flag(
        Option::Upgrade, "-f,--force", arguments.force, "Upgrade though some state would be lost");
    add.value(
        Option::Upgrade,
        "--timeout",
        arguments.timeout,
        "How long the new hearthd has to become ready (10s)");
    add.flag(Option::Now, "--now", arguments.now, "Start or stop the units, too");
    add.value(
        Option::PresetMode,
        "--preset-mode",
        arguments.preset_mode,
        "full, enable-only or disable-only");
}

void add_options(CLI::App& app, const Verb& verb, Arguments& arguments) {
    Builder add(app, verb);
    if (has(verb, Option::Run)) {
        add_run_options(app, arguments.run);
    }
    if (has(verb, Option::Ending)) {
        add_ending_options(app, arguments.ending);
    }
    add_shared_options(add, arguments);
    add_own_options(add, arguments);
    add.flag(
        Option::Edit, "--stdin", arguments.from_input, "Take the new text from standard input");
    add.value(Option::Edit, "--drop-in", arguments.drop_in, "The name of the drop-in (override)");
    if (verb.name == "list-units") {
        app.add_flag("--failed", arguments.failed, "As --state=failed");
    }
    // systemctl takes each of its options with every verb; those that change nothing here are
    // taken, too, and not shown.
    const auto tolerate = [&](Option option, const char* names, bool& into) {
        if (!has(verb, option) && !has(verb, Option::Run) && !has(verb, Option::Attach)) {
            app.add_flag(names, into)->group("");
        }
    };
    tolerate(Option::Quiet, "-q,--quiet", arguments.quiet);
    tolerate(Option::Full, "-l,--full", arguments.full);
    tolerate(Option::All, "-a,--all", arguments.all);
    tolerate(Option::Plain, "--plain", arguments.plain);
    tolerate(Option::Legend, "--no-legend", arguments.no_legend);
    add.flag(
        Option::Wait,
        "--wait",
        arguments.wait,
        "Wait until the units have ended, or hearthd is up");
    if (has(verb, Option::Json) && !has(verb, Option::Top)) {
        app.add_option("-o,--output", arguments.output, "json, as --json; others change nothing");
    } else if (!has(verb, Option::Json) && !has(verb, Option::Attach)) {
        app.add_flag("--json", arguments.json, "Print how it ended as JSON");
    }
    app.add_flag(
        has(verb, Option::Ending) ? "--no-pager,--no-ask-password"
                                  : "--no-pager,--no-ask-password,--no-wall",
        arguments.no_pager,
        "Accepted for systemctl's sake");
}

void declare(CLI::App& app, const Verb& verb, Arguments& arguments, std::string& unit) {
    app.add_option("--runtime-dir", arguments.runtime_directory, "Where hearthd's socket is");
    if (verb.count != Names::None) {
        auto* names = verb.count == Names::One
                          ? app.add_option("unit", unit, std::string(verb.names))
                          : app.add_option("names", arguments.names, std::string(verb.names));
        if (verb.count != Names::Any) {
            names->required();
        }
    }
    add_options(app, verb, arguments);
}

}  // namespace

std::vector<OptionHelp> options_of(const Verb& verb) {
    CLI::App app;
    Arguments arguments;
    std::string unit;
    declare(app, verb, arguments, unit);
    std::vector<OptionHelp> options;
    for (const CLI::Option* const each : app.get_options()) {
        if (!each->get_positional() && !each->get_group().empty()) {
            options.push_back(
                {each->get_name(false, true), each->get_description(), each->get_type_size() > 0});
        }
    }
    return options;
}

std::optional<Answer> parse(
    const Verb& verb, std::vector<std::string> words, Arguments& arguments) {
    CLI::App app(std::string(verb.summary), "hearthctl " + std::string(verb.name));
    std::string unit;
    declare(app, verb, arguments, unit);
    std::ranges::reverse(words);  // as CLI11 wants them
    try {
        app.parse(std::move(words));
    } catch (const CLI::CallForHelp&) {
        return Answer{0, app.help()};
    } catch (const CLI::CallForVersion& version) {
        return Answer{0, std::string(version.what()) + "\n"};
    } catch (const CLI::ParseError& error) {
        if (auto values = asked_values(arguments)) {  // needs no names of units
            return Answer{0, std::move(*values)};
        }
        return Answer{
            1,
            std::string("hearthctl ") + std::string(verb.name) + ": " + error.what() +
                "\nTry 'hearthctl " + std::string(verb.name) + " --help'.\n"};
    }
    if (!unit.empty()) {
        arguments.names.push_back(unit);
    }
    arguments.run.command = app.remaining();
    if (auto values = asked_values(arguments)) {
        return Answer{0, std::move(*values)};
    }
    if (!arguments.output.empty() && !is_output(arguments.output)) {
        return Answer{1, "Unknown output '" + arguments.output + "'.\n"};
    }
    arguments.json = arguments.json || arguments.output.starts_with("json");
    if (arguments.failed) {
        arguments.states.emplace_back("failed");
    }
    return std::nullopt;
}

}  // namespace hearth::ctl
