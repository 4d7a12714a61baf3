// SPDX-License-Identifier: MIT
#include "supervisor/ctl/run_units.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "parser/command_line.hpp"
#include "parser/specifiers.hpp"
#include "parser/words.hpp"
#include "supervisor/sys/process.hpp"
#include "units/unit_name.hpp"

namespace hearth::ctl {

namespace {

std::string title_of(const RunArguments& run) {
    if (!run.description.empty()) {
        return run.description;
    }
    return run.command.empty() ? run.unit : join_words(run.command);
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
    made.plain("Description", title_of(run));
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

/// Of the timer or path.
Assignments trigger_assignments(const RunArguments& run) {
    Assignments made;
    made.plain("Description", title_of(run));
    if (run.collect) {
        made.raw("CollectMode=inactive-or-failed");
    }
    if (!run.timers.empty()) {
        made.raw("RemainAfterElapse=no");  // a name that was used once is free again
    }
    for (const auto* const lines : {&run.timers, &run.timer_properties, &run.path_properties}) {
        for (const std::string& line : *lines) {
            made.raw(line);
        }
    }
    return made;
}

int append_units(
    sd_bus_message* message,
    const RunNames& names,
    const RunArguments& run,
    const Assignments& of) {
    if (names.trigger.empty() || run.command.empty()) {
        return sd_bus_message_append(message, "a(sas)", 0);
    }
    int result = sd_bus_message_open_container(message, 'a', "(sas)");
    result = result < 0 ? result : sd_bus_message_open_container(message, 'r', "sas");
    result = result < 0 ? result : sd_bus_message_append(message, "s", names.unit.c_str());
    result = result < 0 ? result : append_strings(message, of.lines());
    result = result < 0 ? result : sd_bus_message_close_container(message);
    return result < 0 ? result : sd_bus_message_close_container(message);
}

}  // namespace

std::string environment_line(const std::string& text) {
    if (text.find('=') != std::string::npos) {
        return text;
    }
    const char* const value = std::getenv(text.c_str());
    return text + "=" + (value == nullptr ? "" : value);
}

bool has_trigger(const RunArguments& run) {
    return !run.timers.empty() || !run.path_properties.empty();
}

RunNames names_of(const RunArguments& run) {
    const std::string type = run.scope ? ".scope" : ".service";
    const std::string trigger = run.timers.empty() ? ".path" : ".timer";
    if (run.unit.empty()) {
        const std::string made = "run-r" + sys::random_hex(16).value_or("");
        return {made + type, has_trigger(run) ? made + trigger : ""};
    }
    const bool typed = parse_unit_name(run.unit).has_value();
    if (!has_trigger(run)) {
        return {typed ? run.unit : escape_unit_name(run.unit) + type, ""};
    }
    const std::string stem =
        typed ? run.unit.substr(0, run.unit.rfind('.')) : escape_unit_name(run.unit);
    return {typed && !run.unit.ends_with(trigger) ? run.unit : stem + type, stem + trigger};
}

Result<Message, CallError> request_start(
    Client& client,
    const RunArguments& run,
    const RunNames& names,
    const std::string& program,
    const std::string& terminal) {
    const Assignments own =
        run.command.empty() ? Assignments() : assignments_of(run, program, terminal);
    const Message call =
        HEARTH_TRY(client.new_call(manager_path, hearth_manager_interface, "StartTransient"));
    sd_bus_message* const message = call.get();
    int result = sd_bus_message_append(message, "ss", names.started().c_str(), "fail");
    result =
        result < 0
            ? result
            : append_strings(
                  message, names.trigger.empty() ? own.lines() : trigger_assignments(run).lines());
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
    result = result < 0 ? result : append_units(message, names, run, own);
    if (result < 0) {
        return Unexpected(CallError{"", "a word is not UTF-8, or a descriptor is closed"});
    }
    return client.send(call);
}

}  // namespace hearth::ctl
