// SPDX-License-Identifier: MIT
//
// shutdown(8). A time to come is waited for by a unit of its own, shutdown-at.service, a transient
// one that runs this program again: it outlives hearthd's death, is seen by `status`, and is
// stopped by `shutdown -c`. It tells those who are logged in as the time comes near.
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <filesystem>

#include "parser/command_line.hpp"
#include "parser/specifiers.hpp"
#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/ending.hpp"

namespace hearth::ctl {

namespace {

using Action = ShutdownCommand::Action;
constexpr const char* unit = "shutdown-at.service";
constexpr std::uint64_t minute = 60;
constexpr std::uint64_t day = 24 * 60 * minute;

std::optional<unsigned> number(std::string_view text, unsigned most) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = !text.empty() && error == std::errc() && end == text.data() + text.size();
    return whole && value <= most ? std::optional(value) : std::nullopt;
}

/// "now", "+5", "23:15"; nothing: it is no time.
std::optional<std::uint64_t> read_time(
    const std::string& word, std::uint64_t now, std::uint64_t midnight) {
    constexpr unsigned most_minutes = 60 * 24 * 365;
    if (word == "now") {
        return now;
    }
    if (word.starts_with('+')) {
        const auto minutes = number(std::string_view(word).substr(1), most_minutes);
        return minutes ? std::optional(now + *minutes * minute) : std::nullopt;
    }
    const std::size_t colon = word.find(':');
    const auto hours = number(std::string_view(word).substr(0, std::min(colon, word.size())), 23);
    const auto minutes = colon == std::string::npos
                             ? std::nullopt
                             : number(std::string_view(word).substr(colon + 1), 59);
    if (!hours || !minutes) {
        return std::nullopt;
    }
    const std::uint64_t at = midnight + (*hours * 60 + *minutes) * minute;
    return at > now ? at : at + day;
}

const char* flag_of(Action action) {
    switch (action) {
        case Action::Reboot:
            return "-r";
        case Action::Halt:
            return "-H";
        case Action::KExec:
            return "--kexec";
        case Action::WallOnly:
            return "-k";
        default:
            return "-P";
    }
}

const char* said_of(Action action) {
    switch (action) {
        case Action::Reboot:
            return "reboot";
        case Action::Halt:
            return "halt";
        case Action::KExec:
            return "reboot with kexec";
        default:
            return "power off";
    }
}

std::string clock_text(std::uint64_t at) {
    const auto time = static_cast<std::time_t>(at);
    std::tm parts{};
    std::array<char, 64> text{};
    (void)std::strftime(
        text.data(), text.size(), "%a %Y-%m-%d %H:%M:%S %Z", ::localtime_r(&time, &parts));
    return text.data();
}

int act(const ShutdownCommand& command, Arguments arguments) {
    arguments.names.clear();
    arguments.ending.message = command.message;
    arguments.ending.no_wall = command.no_wall;
    switch (command.action) {
        case Action::Reboot:
            return reboot_verb(arguments);
        case Action::Halt:
            return halt_verb(arguments);
        case Action::KExec:
            return kexec_verb(arguments);
        case Action::WallOnly:
            tell_everybody(
                (command.message.empty() ? "" : command.message + "\n\n") +
                "The system is going down now!");
            return Done;
        default:
            return poweroff_verb(arguments);
    }
}

void warn(const ShutdownCommand& command) {
    if (!command.no_wall) {
        tell_everybody(
            (command.message.empty() ? "" : command.message + "\n\n") + "The system will " +
            said_of(command.action) + " at " + clock_text(*command.at) + "!");
    }
}

/// In the unit: until the time has come, by the wall clock, which may be set meanwhile.
int wait_and_act(const ShutdownCommand& command, const Arguments& arguments) {
    // Seconds before the end at which it is told again.
    constexpr auto warnings = std::to_array<std::uint64_t>(
        {60 * minute, 30 * minute, 10 * minute, 5 * minute, 2 * minute, 1 * minute});
    warn(command);
    std::uint64_t told =
        *command.at -
        std::min<std::uint64_t>(*command.at, static_cast<std::uint64_t>(std::time(nullptr)));
    while (true) {
        const auto now = static_cast<std::uint64_t>(std::time(nullptr));
        if (now >= *command.at) {
            break;
        }
        const std::uint64_t left = *command.at - now;
        const auto due = std::ranges::find_if(
            warnings, [&](std::uint64_t each) { return left <= each && each < told; });
        if (due != warnings.end()) {
            warn(command);
            told = left;
        }
        const timespec second{1, 0};
        (void)::nanosleep(&second, nullptr);
    }
    return act(command, arguments);
}

int schedule(const ShutdownCommand& command, const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    (void)client->manager("StopUnit", "ss", unit, "replace");  // an earlier time is forgotten
    CommandLine line;
    line.path = std::filesystem::read_symlink("/proc/self/exe");
    line.argv = {
        line.path,
        "--runtime-dir=" + arguments.runtime_directory,
        "shutdown",
        "--wait=" + std::to_string(*command.at),
        flag_of(command.action)};
    if (command.no_wall) {
        line.argv.emplace_back("--no-wall");
    }
    line.argv.push_back("now");
    if (!command.message.empty()) {
        line.argv.push_back(command.message);
    }
    const std::string title = std::string("Shutdown scheduled for ") + clock_text(*command.at) +
                              " (" + said_of(command.action) + ")";
    const auto call = client->new_call(manager_path, hearth_manager_interface, "StartTransient");
    int result = call ? sd_bus_message_append(call->get(), "ss", unit, "replace") : -EINVAL;
    result = result < 0 ? result
                        : append_strings(
                              call->get(),
                              {"Description=" + escape_specifiers(title),
                               "CollectMode=inactive-or-failed",
                               "ExecStart=" + escape_specifiers(format_command_line(line))});
    result = result < 0 ? result : sd_bus_message_append(call->get(), "ahauba(sas)", 0, 0, 0, 0);
    if (result < 0) {
        return complain("Failed to build the request");
    }
    const auto reply = client->send(*call);
    if (!reply) {
        complain("Failed to schedule the shutdown: " + reply.error().message);
        return exit_code(reply.error());
    }
    print(title + ", use 'shutdown -c' to cancel.\n");
    return Done;
}

int show(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    if (unit_property(*client, unit, unit_interface, "ActiveState") != "active") {
        return complain("No scheduled shutdown.");
    }
    print(unit_property(*client, unit, unit_interface, "Description") + "\n");
    return Done;
}

int cancel(const ShutdownCommand& command, const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const auto reply = client->manager("StopUnit", "ss", unit, "replace");
    if (!reply && !reply.error().is("NoSuchUnit")) {
        complain("Failed to cancel the shutdown: " + reply.error().message);
        return exit_code(reply.error());
    }
    if (!command.no_wall && reply) {
        tell_everybody("The system shutdown has been cancelled");
    }
    return Done;
}

constexpr const char* help =
    "shutdown [OPTIONS] [TIME] [MESSAGE...]\n"
    "TIME: now, +MINUTES (default: +1) or HH:MM.\n\n"
    "  -P, -h, --poweroff  power off (default)\n"
    "  -r, --reboot        reboot\n"
    "  -H, --halt          halt\n"
    "      --kexec         start the kernel that kexec(8) has loaded\n"
    "  -k                  only tell those who are logged in\n"
    "      --no-wall       don't tell them\n"
    "  -c                  cancel a shutdown that waits for its time\n"
    "      --show          show it\n";

std::optional<Action> action_of(const std::string& word) {
    struct Flag {
        std::string_view word;
        Action action;
    };
    constexpr auto flags = std::to_array<Flag>({
        {"-P", Action::PowerOff},
        {"-h", Action::PowerOff},
        {"--poweroff", Action::PowerOff},
        {"-r", Action::Reboot},
        {"--reboot", Action::Reboot},
        {"-H", Action::Halt},
        {"--halt", Action::Halt},
        {"--kexec", Action::KExec},
        {"-k", Action::WallOnly},
        {"-c", Action::Cancel},
        {"--show", Action::Show},
        {"--help", Action::Help},
    });
    const auto* const found = std::ranges::find(flags, word, &Flag::word);
    return found == flags.end() ? std::nullopt : std::optional(found->action);
}

}  // namespace

Result<ShutdownCommand> read_shutdown(
    const std::vector<std::string>& words, std::uint64_t now, std::uint64_t midnight) {
    constexpr std::string_view waiting = "--wait=";
    ShutdownCommand command;
    std::optional<std::string> time;
    for (const std::string& word : words) {
        if (time) {  // then all is the message
            command.message += (command.message.empty() ? "" : " ") + word;
        } else if (const auto action = action_of(word)) {
            command.action = *action;
        } else if (word == "--no-wall") {
            command.no_wall = true;
        } else if (word.starts_with(waiting)) {
            const auto at = number(std::string_view(word).substr(waiting.size()), UINT32_MAX);
            if (!at) {
                return failure("'" + word + "' is no time");
            }
            command.at = *at;
            command.waits = true;
        } else if (word.starts_with('-')) {
            return failure("'" + word + "' is not understood; 'shutdown --help' lists the options");
        } else if (command.action == Action::Cancel) {
            time = word;
            command.message = word;
        } else {
            time = word;
        }
    }
    if (command.waits || command.action == Action::Cancel || command.action == Action::Show ||
        command.action == Action::Help) {
        return command;
    }
    const auto at = read_time(time.value_or("+1"), now, midnight);
    if (!at) {
        return failure("'" + *time + "' is no time: expected now, +MINUTES or HH:MM");
    }
    if (*at > now) {
        command.at = *at;
    }
    return command;
}

int shutdown_verb(const Arguments& arguments) {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    (void)::localtime_r(&now, &parts);
    parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
    const auto command = read_shutdown(
        arguments.names,
        static_cast<std::uint64_t>(now),
        static_cast<std::uint64_t>(std::mktime(&parts)));
    if (!command) {
        return complain("shutdown: " + command.error().what);
    }
    switch (command->action) {
        case Action::Help:
            print(help);
            return Done;
        case Action::Show:
            return show(arguments);
        case Action::Cancel:
            return cancel(*command, arguments);
        default:
            break;
    }
    if (command->waits) {
        return wait_and_act(*command, arguments);
    }
    return command->at ? schedule(*command, arguments) : act(*command, arguments);
}

}  // namespace hearth::ctl
