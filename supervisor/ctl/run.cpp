// SPDX-License-Identifier: MIT
//
// run: a command as a transient service, or from here in a scope, with systemd-run(1)'s options.
// What a property may be is hearthd's to judge: it gets the directives' own text.
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/outcome.hpp"
#include "supervisor/ctl/run_session.hpp"
#include "supervisor/ctl/run_units.hpp"

namespace hearth::ctl {

namespace {

/// The program that the shell would start; empty: none.
std::string find_program(const std::string& name) {
    if (name.find('/') != std::string::npos) {
        return std::filesystem::absolute(name).lexically_normal().string();
    }
    const char* const path = std::getenv("PATH");
    std::string_view rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        const std::string candidate = std::string(rest.substr(0, end)) + "/" + name;
        if (::access(candidate.c_str(), X_OK) == 0) {
            return candidate;
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return {};
}

template <class Number>
bool read_number(const std::string& text, Number& number) {
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    return error == std::errc{} && stopped == end;
}

/// What a service would get from its unit: who and where. Complains.
bool become(const RunArguments& run) {
    const std::string directory = run.directory;
    if (!directory.empty() && ::chdir(directory.c_str()) != 0) {
        complain("Failed to change to " + directory + ": " + std::strerror(errno));
        return false;
    }
    int nice = 0;
    if (!run.nice.empty() &&
        (!read_number(run.nice, nice) || ::setpriority(PRIO_PROCESS, 0, nice) != 0)) {
        complain("Failed to set the nice level " + run.nice);
        return false;
    }
    gid_t group = ::getgid();
    uid_t user = ::getuid();
    bool changes = false;
    if (!run.user.empty()) {
        const passwd* const account = ::getpwnam(run.user.c_str());
        if (account == nullptr && !read_number(run.user, user)) {
            complain("There is no user " + run.user);
            return false;
        }
        user = account == nullptr ? user : account->pw_uid;
        group = account == nullptr ? group : account->pw_gid;
        changes = true;
    }
    if (!run.group.empty()) {
        const struct group* const found = ::getgrnam(run.group.c_str());
        if (found == nullptr && !read_number(run.group, group)) {
            complain("There is no group " + run.group);
            return false;
        }
        group = found == nullptr ? group : found->gr_gid;
        changes = true;
    }
    const bool done =
        !changes || (::setgroups(1, &group) == 0 && ::setresgid(group, group, group) == 0 &&
                     ::setresuid(user, user, user) == 0);
    if (!done) {
        complain(std::string("Failed to change user or group: ") + std::strerror(errno));
    }
    return done;
}

int run_here(const RunArguments& run, const std::string& program) {
    if (!become(run)) {
        return Failure;
    }
    for (const std::string& each : run.environment) {
        const std::string line = environment_line(each);
        const std::size_t equals = line.find('=');
        ::setenv(line.substr(0, equals).c_str(), line.substr(equals + 1).c_str(), 1);
    }
    std::vector<std::string> words = run.command;
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    ::execv(program.c_str(), argv.data());
    return complain("Failed to execute " + program + ": " + std::strerror(errno));
}

/// What the options of timers and paths go with.
std::string trigger_mistake(const RunArguments& run) {
    if (!run.timer_properties.empty() && run.timers.empty()) {
        return "--timer-property has no effect without an option that says when, like --on-active";
    }
    if (!has_trigger(run)) {
        return {};
    }
    if (!run.timers.empty() && !run.path_properties.empty()) {
        return "only one of a timer and a path can be made";
    }
    if (run.scope || run.pipe || run.pty) {
        return "timers and paths start services elsewhere: leave out --scope, --pty and --pipe";
    }
    return run.wait ? "--wait is not for timers and paths" : "";
}

/// What can't be, by its name; empty: all is well.
std::string mistake(const Arguments& arguments, const RunArguments& run) {
    if (!run.refused.empty()) {
        return run.refused.front();
    }
    if (run.command.empty() && (run.unit.empty() || !has_trigger(run))) {
        return "expected a command";
    }
    if (!run.command.empty() && run.command.front().starts_with('-')) {
        return "unknown option " + run.command.front();
    }
    if (std::string wrong = trigger_mistake(run); !wrong.empty()) {
        return wrong;
    }
    const bool of_service =
        run.remain || run.wait || run.pipe || run.pty || !run.service_type.empty();
    if (run.scope && of_service) {
        return "--remain-after-exit, --service-type, --wait, --pty and --pipe are not for --scope";
    }
    if (arguments.no_block && (run.wait || run.pipe || run.pty)) {
        return "--wait, --pty and --pipe wait: leave out --no-block";
    }
    if (arguments.json && (run.pipe || run.pty || run.scope)) {
        return "with --json standard output is not the command's: leave out --pipe, --pty and "
               "--scope";
    }
    return {};
}

/// What options stand for others, as systemd-run has it.
void settle(RunArguments& run) {
    if (!run.command.empty() && run.command.front() == "--") {
        run.command.erase(run.command.begin());
    }
    if (run.shell && run.command.empty()) {
        const char* const shell = std::getenv("SHELL");
        run.command = {shell == nullptr || *shell == '\0' ? "/bin/sh" : shell};
        run.pty = run.same_directory = run.wait = run.collect = true;
        run.service_type = run.service_type.empty() ? "exec" : run.service_type;
    }
    if (run.pipe && run.pty) {  // which of them depends on where it is run
        run.pty = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 &&
                  ::isatty(STDERR_FILENO) == 1;
        run.pipe = !run.pty;
    }
}

/// --slice-inherit: the named slice below that of the unit this process is of.
void inherit_slice(Client& client, RunArguments& run) {
    const auto own = client.property("/org/freedesktop/systemd1/unit/self", unit_interface, "Id");
    const std::string unit = own ? own->text : "";
    const std::string slice =
        unit.empty()
            ? std::string()
            : unit_property(
                  client,
                  unit,
                  unit.ends_with(".scope") ? "org.freedesktop.systemd1.Scope" : service_interface,
                  "Slice");
    if (slice.empty() || slice == "-.slice") {
        return;
    }
    const std::string above = slice.substr(0, slice.rfind('.'));
    const std::string below = run.slice.substr(0, run.slice.rfind(".slice"));
    run.slice = above + (below.empty() ? "" : "-" + below) + ".slice";
}

/// Once it was started: waits where that is asked. The exit status.
int after_start(
    Client& client,
    const Arguments& arguments,
    const RunArguments& run,
    const std::string& unit,
    PseudoTerminal& terminal) {
    if (run.pty) {
        return show_service(client, arguments, unit, terminal);
    }
    return run.wait || run.pipe ? wait_for_service(client, arguments, unit) : Done;
}

/// The job of the start, and what systemd-run says of it.
int finish_start(
    Client& client,
    const Arguments& arguments,
    const RunArguments& run,
    const RunNames& names,
    const Message& reply) {
    const char* job = nullptr;
    if (sd_bus_message_read(reply.get(), "o", &job) < 0) {
        return complain(
            "Failed to start transient unit " + names.started() + ": unreadable answer");
    }
    // Who waits for the end hears of a failed start by that, as with systemd-run.
    const bool waits = run.wait || run.pipe || run.pty;
    if (!waits && (!arguments.no_block || run.scope)) {
        if (const int result = wait_for_job(client, arguments, job, names.started());
            result != Done) {
            return result;
        }
    }
    if (arguments.quiet) {
        return Done;
    }
    if (names.trigger.empty()) {
        complain((run.scope ? "Running scope as unit: " : "Running as unit: ") + names.unit);
        return Done;
    }
    complain(
        (run.timers.empty() ? "Running path as unit: " : "Running timer as unit: ") +
        names.trigger);
    if (!run.command.empty()) {
        complain("Will run service as unit: " + names.unit);
    }
    return Done;
}

}  // namespace

int run_verb(const Arguments& arguments) {
    RunArguments run = arguments.run;
    settle(run);
    if (const std::string wrong = mistake(arguments, run); !wrong.empty()) {
        return complain("run: " + wrong);
    }
    const std::string program = run.command.empty() ? "" : find_program(run.command.front());
    if (program.empty() && !run.command.empty()) {
        return complain("run: there is no program " + run.command.front());
    }
    const RunNames names = names_of(run);
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    if (run.pipe) {
        client->finish_login();
    }
    if (run.inherit_slice) {
        inherit_slice(*client, run);
    }
    PseudoTerminal terminal;
    if (run.pty) {
        auto opened = open_pseudo_terminal(STDIN_FILENO);
        if (!opened) {
            return complain("Failed to open a pseudo terminal: " + opened.error().what);
        }
        terminal = std::move(*opened);
    }
    const auto reply = request_start(*client, run, names, program, terminal.path);
    if (!reply) {
        complain(
            "Failed to start transient unit " + names.started() + ": " + reply.error().message);
        return exit_code(reply.error());
    }
    if (const int result = finish_start(*client, arguments, run, names, *reply); result != Done) {
        return result;
    }
    if (run.scope) {
        client.reset();
        return run_here(run, program);
    }
    note("units", {{"unit", names.started()}});
    return after_start(*client, arguments, run, names.unit, terminal);
}

}  // namespace hearth::ctl
