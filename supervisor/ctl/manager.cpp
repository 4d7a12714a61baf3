// SPDX-License-Identifier: MIT
//
// Verbs about the manager itself: its environment, its log level, the switch of all watchdogs, its
// state. What a script reads is printed as systemctl prints it.
#include <fnmatch.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/outcome.hpp"

namespace hearth::ctl {

namespace {

constexpr const char* log_control_path = "/org/freedesktop/LogControl1";
constexpr const char* log_control_interface = "org.freedesktop.LogControl1";
constexpr const char* manager_interface = "org.freedesktop.systemd1.Manager";

/// For a shell to read: as it is, or as $'...' where it holds what a shell would take apart.
std::string shell_text(const std::string& value) {
    constexpr std::string_view special = "\"\\`$*?['()<>|&;!\n\t ";
    if (value.find_first_of(special) == std::string::npos) {
        return value;
    }
    std::string text = "$'";
    for (const char each : value) {
        switch (each) {
            case '\n':
                text += "\\n";
                break;
            case '\t':
                text += "\\t";
                break;
            case '\\':
            case '\'':
                text += std::string("\\") + each;
                break;
            default:
                text += each;
        }
    }
    return text + "'";
}

int change_environment(
    const Arguments& arguments, const char* member, const std::vector<std::string>& values) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const auto call = client->new_call(manager_path, manager_interface, member);
    if (!call || append_strings(call->get(), values) < 0) {
        return complain("Failed to build the request");
    }
    const auto reply = client->send(*call);
    if (!reply) {
        complain("Failed to change the environment: " + reply.error().message);
        return exit_code(reply.error());
    }
    return Done;
}

/// The property's value printed, or with an argument set to that.
int show_or_set(
    const Arguments& arguments,
    const char* path,
    const char* interface,
    const char* name,
    const char* type,
    std::string (*shown)(const Value&)) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    if (arguments.names.empty()) {
        const auto value = client->property(path, interface, name);
        if (!value) {
            return complain(std::string("Failed to get ") + name + ": " + value.error().message);
        }
        const std::string text = shown(*value);
        print((arguments.json ? Json{{name, text}}.dump() : text) + "\n");
        return Done;
    }
    const std::string& wanted = arguments.names.front();
    const auto reply = std::string_view(type) == "b" ? client->call(
                                                           path,
                                                           "org.freedesktop.DBus.Properties",
                                                           "Set",
                                                           "ssv",
                                                           interface,
                                                           name,
                                                           type,
                                                           static_cast<int>(wanted == "yes"))
                                                     : client->call(
                                                           path,
                                                           "org.freedesktop.DBus.Properties",
                                                           "Set",
                                                           "ssv",
                                                           interface,
                                                           name,
                                                           type,
                                                           wanted.c_str());
    if (!reply) {
        complain(std::string("Failed to set ") + name + ": " + reply.error().message);
        return exit_code(reply.error());
    }
    if (arguments.json) {
        print(Json{{name, wanted}}.dump() + "\n");
    }
    return Done;
}

bool is_starting(std::string_view state) {
    return state == "initializing" || state == "starting";
}

}  // namespace

int show_environment_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const auto value = client->property(manager_path, manager_interface, "Environment");
    if (!value) {
        return complain("Failed to get the environment: " + value.error().message);
    }
    std::string text;
    Json variables{{"", ""}};
    variables.members.clear();
    for (const Value& each : value->members) {
        const std::size_t equals = std::min(each.text.find('='), each.text.size() - 1);
        text += each.text.substr(0, equals + 1) + shell_text(each.text.substr(equals + 1)) + "\n";
        variables.members.emplace_back(each.text.substr(0, equals), each.text.substr(equals + 1));
    }
    print(arguments.json ? variables.dump() + "\n" : text);
    return Done;
}

int set_environment_verb(const Arguments& arguments) {
    return change_environment(arguments, "SetEnvironment", arguments.names);
}

int unset_environment_verb(const Arguments& arguments) {
    return change_environment(arguments, "UnsetEnvironment", arguments.names);
}

int import_environment_verb(const Arguments& arguments) {
    std::vector<std::string> assignments;
    for (const std::string& name : arguments.names) {
        const char* const value = std::getenv(name.c_str());
        if (value == nullptr) {
            complain("Environment variable $" + name + " not set, ignoring.");
        } else {
            assignments.push_back(name + "=" + value);
        }
    }
    return change_environment(arguments, "SetEnvironment", assignments);
}

int log_level_verb(const Arguments& arguments) {
    return show_or_set(
        arguments,
        log_control_path,
        log_control_interface,
        "LogLevel",
        "s",
        [](const Value& value) { return value.text; });
}

int log_target_verb(const Arguments& arguments) {
    return show_or_set(
        arguments,
        log_control_path,
        log_control_interface,
        "LogTarget",
        "s",
        [](const Value& value) { return value.text; });
}

int service_watchdogs_verb(const Arguments& arguments) {
    if (!arguments.names.empty()) {
        constexpr auto words = std::to_array<std::string_view>({"yes", "no"});
        if (std::ranges::find(words, arguments.names.front()) == words.end()) {
            return complain("'" + arguments.names.front() + "' is neither yes nor no");
        }
    }
    return show_or_set(
        arguments,
        manager_path,
        manager_interface,
        "ServiceWatchdogs",
        "b",
        [](const Value& value) { return std::string(value.truth() ? "yes" : "no"); });
}

int is_system_running_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    auto state = client->property(manager_path, manager_interface, "SystemState");
    while (arguments.wait && state && is_starting(state->text) && client->next_signal()) {
        state = client->property(manager_path, manager_interface, "SystemState");
    }
    if (!state) {
        return complain("Failed to get the state of hearthd: " + state.error().message);
    }
    if (arguments.json) {
        print(Json{{"state", state->text}}.dump() + "\n");
    } else if (!arguments.quiet) {
        print(state->text + "\n");
    }
    return state->text == "running" ? Done : Failure;
}

int list_machines_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    const auto state = client->property(manager_path, manager_interface, "SystemState");
    const auto failed = client->property(manager_path, manager_interface, "NFailedUnits");
    const auto jobs = client->property(manager_path, manager_interface, "NJobs");
    if (!state || !failed || !jobs) {
        return complain("Failed to get the state of hearthd");
    }
    utsname host{};
    (void)::uname(&host);
    const std::string name = std::string(host.nodename) + " (host)";
    const auto wanted = [&](const std::string& pattern) {
        return ::fnmatch(pattern.c_str(), host.nodename, FNM_NOESCAPE) == 0;
    };
    const bool listed = arguments.names.empty() || std::ranges::any_of(arguments.names, wanted);
    if (arguments.json) {
        Json rows = Json::list();
        if (listed) {
            rows.items.push_back(
                {{"name", name},
                 {"state", state->text},
                 {"failed", static_cast<double>(failed->number)},
                 {"jobs", static_cast<double>(jobs->number)}});
        }
        print(rows.dump() + "\n");
        return Done;
    }
    const bool well = state->text == "running";
    Table table(4);
    const std::string indent = arguments.plain ? "" : "  ";
    if (!arguments.no_legend) {
        table.row(
            {indent + "NAME", "STATE", "FAILED", "JOBS"},
            {Tone::Bold, Tone::Bold, Tone::Bold, Tone::Bold});
    }
    if (listed) {
        const std::string mark = arguments.plain ? "" : well ? "  " : "● ";
        const Tone tone = well ? Tone::Plain : Tone::Bad;
        table.row(
            {mark + name,
             state->text,
             std::to_string(failed->number),
             std::to_string(jobs->number)},
            {tone, tone, tone, Tone::Plain});
    }
    print(table.text());
    if (!arguments.no_legend) {
        print(std::string("\n") + (listed ? "1" : "0") + " machines listed.\n");
    }
    return Done;
}

}  // namespace hearth::ctl
