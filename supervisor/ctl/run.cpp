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

#include "parser/command_line.hpp"
#include "parser/specifiers.hpp"
#include "parser/words.hpp"
#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/outcome.hpp"
#include "supervisor/ctl/run_session.hpp"
#include "supervisor/sys/process.hpp"
#include "units/unit_name.hpp"

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

/// "NAME" takes its value from here.
std::string environment_line(const std::string& text) {
    if (text.find('=') != std::string::npos) {
        return text;
    }
    const char* const value = std::getenv(text.c_str());
    return text + "=" + (value == nullptr ? "" : value);
}

std::string unit_of(const RunArguments& run) {
    const std::string type = run.scope ? ".scope" : ".service";
    if (run.unit.empty()) {
        return "run-r" + sys::random_hex(16).value_or("") + type;
    }
    const bool typed = parse_unit_name(run.unit).has_value();
    return typed ? run.unit : escape_unit_name(run.unit) + type;
}

class Assignments {
public:
    void raw(std::string line) { lines_.push_back(std::move(line)); }
    /// A value that means itself.
    void plain(const char* name, const std::string& value) {
        if (!value.empty()) {
            raw(std::string(name) + "=" + escape_specifiers(value));
        }
    }
    void flag(const char* name, bool on) {
        if (on) {
            raw(std::string(name) + "=yes");
        }
    }
    [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

private:
    std::vector<std::string> lines_;
};

/// What makes it a service of that terminal, as systemd-run does.
void on_terminal(Assignments& made, const std::string& terminal) {
    for (const char* const stream : {"StandardInput", "StandardOutput", "StandardError"}) {
        made.raw(std::string(stream) + "=tty");
    }
    made.plain("TTYPath", terminal);
    if (const char* const type = std::getenv("TERM")) {
        made.raw("Environment=" + escape_specifiers(quote_word(std::string("TERM=") + type)));
    }
}

Assignments assignments_of(
    const RunArguments& run, const std::string& program, const std::string& terminal) {
    Assignments made;
    made.plain("Description", run.description.empty() ? join_words(run.command) : run.description);
    made.plain("Slice", run.slice);
    made.flag("SendSIGHUP", run.send_hangup);
    if (run.collect) {
        made.raw("CollectMode=inactive-or-failed");
    }
    if (!run.scope) {
        made.plain("User", run.user);
        made.plain("Group", run.group);
        made.plain("Nice", run.nice);
        made.plain("Type", run.service_type);
        made.plain(
            "WorkingDirectory",
            run.same_directory ? std::filesystem::current_path().string() : run.directory);
        made.flag("RemainAfterExit", run.remain);
        if (!terminal.empty()) {
            on_terminal(made, terminal);
        }
        for (const std::string& each : run.environment) {
            made.raw("Environment=" + escape_specifiers(quote_word(environment_line(each))));
        }
        CommandLine command;
        command.path = program;
        command.argv = run.command;
        command.argv0_given = run.command.front() != program;
        made.raw("ExecStart=" + escape_specifiers(format_command_line(command)));
    }
    for (const std::string& each : run.properties) {
        made.raw(each);
    }
    return made;
}

Result<Message, CallError> request_start(
    Client& client, const RunArguments& run, const std::string& unit, const Assignments& made) {
    const Message call =
        HEARTH_TRY(client.new_call(manager_path, hearth_manager_interface, "StartTransient"));
    sd_bus_message* const message = call.get();
    int result = sd_bus_message_append(message, "ss", unit.c_str(), "fail");
    result = result < 0 ? result : append_strings(message, made.lines());
    if (run.pipe) {
        result = result < 0 ? result
                            : sd_bus_message_append(
                                  message, "ah", 3, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO);
    } else {
        result = result < 0 ? result : sd_bus_message_append(message, "ah", 0);
    }
    if (run.scope) {
        result = result < 0 ? result : sd_bus_message_append(message, "au", 1, ::getpid());
    } else {
        result = result < 0 ? result : sd_bus_message_append(message, "au", 0);
    }
    const int referenced = run.wait || run.pipe || run.pty ? 1 : 0;
    result = result < 0 ? result : sd_bus_message_append(message, "b", referenced);
    if (result < 0) {
        return Unexpected(CallError{"", "a word is not UTF-8, or a descriptor is closed"});
    }
    return client.send(call);
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

/// What can't be, by its name; empty: all is well.
std::string mistake(const Arguments& arguments, const RunArguments& run) {
    if (!run.unbuilt.empty()) {
        return run.unbuilt.front() + " is not built: timers, paths and sockets can't be transient";
    }
    if (run.command.empty()) {
        return "expected a command";
    }
    if (run.command.front().starts_with('-')) {
        return "unknown option " + run.command.front();
    }
    const bool of_service =
        run.remain || run.wait || run.pipe || run.pty || !run.service_type.empty();
    if (run.scope && of_service) {
        return "--remain-after-exit, --service-type, --wait, --pty and --pipe are not for --scope";
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

}  // namespace

int run_verb(const Arguments& arguments) {
    RunArguments run = arguments.run;
    settle(run);
    if (const std::string wrong = mistake(arguments, run); !wrong.empty()) {
        return complain("run: " + wrong);
    }
    const std::string program = find_program(run.command.front());
    if (program.empty()) {
        return complain("run: there is no program " + run.command.front());
    }
    const std::string unit = unit_of(run);
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
    const auto reply =
        request_start(*client, run, unit, assignments_of(run, program, terminal.path));
    if (!reply) {
        complain("Failed to start transient unit " + unit + ": " + reply.error().message);
        return exit_code(reply.error());
    }
    const char* job = nullptr;
    if (sd_bus_message_read(reply->get(), "o", &job) < 0) {
        return complain("Failed to start transient unit " + unit + ": unreadable answer");
    }
    // Who waits for the end hears of a failed start by that, as with systemd-run.
    const bool waits = run.wait || run.pipe || run.pty;
    if (!waits && (!arguments.no_block || run.scope)) {
        if (const int result = wait_for_job(*client, arguments, job, unit); result != Done) {
            return result;
        }
    }
    if (!arguments.quiet) {
        complain((run.scope ? "Running scope as unit: " : "Running as unit: ") + unit);
    }
    if (run.scope) {
        client.reset();
        return run_here(run, program);
    }
    note("units", {{"unit", unit}});
    return after_start(*client, arguments, run, unit, terminal);
}

}  // namespace hearth::ctl
