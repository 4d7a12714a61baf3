// SPDX-License-Identifier: MIT
//
// Verbs of one call each: kill, daemon-reload, reset-failed, is-active, is-failed, cat, plan.
#include <fmt/format.h>

#include <algorithm>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/outcome.hpp"
#include "supervisor/sys/file.hpp"
#include "units/names.hpp"

namespace hearth::ctl {

namespace {

constexpr std::size_t largest_unit_file = std::size_t{64} << 20U;

/// One state for each unit, one line each; 0 if any of them is among `good`.
int state_of_units(
    const Arguments& arguments, std::initializer_list<std::string_view> good, int otherwise) {
    auto client = connect(arguments);
    const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
    if (!units) {
        return Failure;
    }
    bool any = false;
    Json states = Json::list();
    for (const std::string& unit : *units) {
        const auto state = client->property(object_path(unit), unit_interface, "ActiveState");
        if (!state) {
            return complain("Failed to get the state of " + unit + ": " + state.error().message);
        }
        any = any || std::ranges::count(good, std::string_view(state->text)) > 0;
        states.items.push_back({{"unit", unit}, {"state", state->text}});
        if (!arguments.quiet && !arguments.json) {
            print(state->text + "\n");
        }
    }
    if (arguments.json) {
        print(states.dump() + "\n");
    }
    return any ? Done : otherwise;
}

std::optional<std::string> file_content(const std::string& path) {
    auto content = sys::read_file(path, largest_unit_file);
    if (!content) {
        complain("Failed to cat " + path + ": " + content.error().what);
        return std::nullopt;
    }
    return std::move(*content);
}

/// Number and name of every signal.
std::string signal_list() {
    std::string text = "SIGNAL NAME\n";
    for (int number = 1; number <= SIGRTMAX; ++number) {
        if (const std::string name(signal_name(number)); !name.empty()) {
            text += fmt::format("{:<6} {}\n", number, name);
        }
    }
    return text;
}

}  // namespace

int is_active_verb(const Arguments& arguments) {
    return state_of_units(arguments, {"active", "reloading"}, ProgramNotRunning);
}

int is_failed_verb(const Arguments& arguments) {
    return state_of_units(arguments, {"failed"}, Failure);
}

int kill_verb(const Arguments& arguments) {
    if (arguments.signal == "help" || arguments.signal == "list") {
        print(signal_list());
        return Done;
    }
    if (arguments.names.empty()) {
        return complain("kill: expected a unit");
    }
    const auto signal = signal_number(arguments.signal);
    if (!signal) {
        return complain("'" + arguments.signal + "' is no signal: try SIGTERM, KILL or 15");
    }
    auto client = connect(arguments);
    const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
    if (!units) {
        return Failure;
    }
    int worst = Done;
    for (const std::string& unit : *units) {
        const char* const whom = arguments.kill_whom.c_str();
        const auto reply =
            arguments.kill_value
                ? client->manager(
                      "QueueSignalUnit", "ssii", unit.c_str(), whom, *signal, *arguments.kill_value)
                : client->manager("KillUnit", "ssi", unit.c_str(), whom, *signal);
        if (!reply) {
            worst = complain("Failed to kill unit " + unit + ": " + reply.error().message);
        }
    }
    return worst;
}

int clean_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
    if (!units) {
        return Failure;
    }
    std::vector<std::string> what = arguments.what;
    if (what.empty()) {
        what = {"cache", "runtime"};  // what systemctl takes
    }
    std::vector<char*> words;
    for (std::string& each : what) {
        words.push_back(each.data());
    }
    words.push_back(nullptr);
    int worst = Done;
    for (const std::string& unit : *units) {
        const auto call =
            client->new_call(manager_path, "org.freedesktop.systemd1.Manager", "CleanUnit");
        if (!call || sd_bus_message_append(call->get(), "s", unit.c_str()) < 0 ||
            sd_bus_message_append_strv(call->get(), words.data()) < 0) {
            return complain("Failed to build the request to clean " + unit);
        }
        const auto reply = client->send(*call);
        if (!reply) {
            complain("Failed to clean unit " + unit + ": " + reply.error().message);
            worst = std::max(worst, exit_code(reply.error()));
        }
    }
    return worst;
}

int daemon_reload_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    if (arguments.plan) {
        auto reply = client->call(manager_path, hearth_manager_interface, "ReloadPlan", "");
        if (!reply) {
            return complain("Failed to plan the reload: " + reply.error().message);
        }
        const auto text = read_value(reply->get());
        if (arguments.json) {
            const Json lines = json_lines(text ? text->text : "");
            std::ranges::for_each(lines.items, [](const Json& line) { note("plan", line); });
            return Done;
        }
        print(text && !text->text.empty() ? text->text : "nothing would change\n");
        return Done;
    }
    const auto reply = client->manager("Reload", "");
    return reply ? Done : complain("Failed to reload: " + reply.error().message);
}

int reset_failed_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
    if (!units) {
        return Failure;
    }
    int worst = Done;
    if (arguments.names.empty()) {
        const auto reply = client->manager("ResetFailed", "");
        return reply ? Done : complain("Failed to reset failed units: " + reply.error().message);
    }
    for (const std::string& unit : *units) {
        const auto reply = client->manager("ResetFailedUnit", "s", unit.c_str());
        if (!reply) {
            worst = complain(
                "Failed to reset failed state of unit " + unit + ": " + reply.error().message);
        }
    }
    return worst;
}

/// The unit's own file first, as far as it has one, then its drop-ins.
std::vector<std::string> file_paths(const Value& fragment, const Value& drop_ins) {
    std::vector<std::string> paths;
    if (!fragment.text.empty()) {
        paths.push_back(fragment.text);
    }
    for (const Value& drop_in : drop_ins.members) {
        paths.push_back(drop_in.text);
    }
    return paths;
}

int cat_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    const auto units = client ? unit_names(*client, arguments.names) : std::nullopt;
    if (!units) {
        return Failure;
    }
    int worst = Done;
    std::string text;
    Json files = Json::list();
    for (const std::string& unit : *units) {
        const auto fragment = client->property(object_path(unit), unit_interface, "FragmentPath");
        const auto drop_ins = client->property(object_path(unit), unit_interface, "DropInPaths");
        if (!fragment || !drop_ins) {
            return complain("Failed to ask about " + unit);
        }
        const auto paths = file_paths(*fragment, *drop_ins);
        if (paths.empty()) {
            worst = complain("No files found for " + unit + ".");
        }
        for (const std::string& path : paths) {
            const auto content = file_content(path);
            worst = content ? worst : Failure;
            text += text.empty() ? "" : "\n";
            text += content ? tinted(Tone::Dim, "# " + path) + "\n" + *content : "";
            files.items.push_back({{"unit", unit}, {"path", path}, {"text", content.value_or("")}});
        }
    }
    print(arguments.json ? files.dump() + "\n" : text);
    return worst;
}

int plan_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    const auto unit = client ? unit_name(arguments.names.front()) : std::nullopt;
    if (!unit) {
        return Failure;
    }
    auto reply = client->call(manager_path, hearth_manager_interface, "Plan", "s", unit->c_str());
    if (!reply) {
        if (reply.error().is("Refused")) {
            complain(*unit + " would be refused:\n" + reply.error().message);
        } else {
            complain("Failed to plan " + *unit + ": " + reply.error().message);
        }
        return exit_code(reply.error());
    }
    const auto text = read_value(reply->get());
    if (arguments.json) {
        const Json plan{{"unit", *unit}, {"plan", json_lines(text ? text->text : "")}};
        print(plan.dump() + "\n");
    } else {
        print(text ? text->text : "");
    }
    return Done;
}

}  // namespace hearth::ctl
