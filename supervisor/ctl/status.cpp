// SPDX-License-Identifier: MIT
//
// status: what a person wants to know about a unit, in systemctl's layout, then hearth's own: why
// it failed or was refused, and the last lines of its log.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <map>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/time_format.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "units/amount_text.hpp"
#include "units/names.hpp"
#include "units/resource_usage.hpp"

namespace hearth::ctl {

namespace {

constexpr std::uint64_t default_log_lines = 10;

std::string field(std::string_view name, std::string_view text) {
    return fmt::format("{:>11}: {}\n", name, text);
}

std::string continued(std::string_view text) {
    return fmt::format("{:13}{}\n", "", text);
}

struct Look {
    Tone tone;
    std::string_view glyph;
};

Look look_of(const std::string& active) {
    if (active == "active") {
        return {Tone::Good, "●"};
    }
    if (active == "reloading") {
        return {Tone::Good, "↻"};
    }
    if (active == "failed") {
        return {Tone::Bad, "×"};
    }
    return {Tone::Plain, active == "inactive" ? "○" : "●"};
}

std::string exit_text(std::uint64_t code, std::int64_t status) {
    if (code == CLD_EXITED) {
        const auto name = exit_status_name(static_cast<int>(status));
        return fmt::format(
            "code=exited, status={}{}", status, name ? "/" + std::string(*name) : "");
    }
    std::string name(signal_name(static_cast<int>(status)));
    name = name.starts_with("SIG") ? name.substr(3) : name;
    return fmt::format("code={}, signal={}", code == CLD_DUMPED ? "dumped" : "killed", name);
}

std::string loaded_line(const PropertyMap& unit) {
    const std::string load = unit.text("LoadState");
    const std::string text = load == "loaded" ? load : tinted(Tone::Bad, load);
    std::string origin = unit.text("FragmentPath");
    if (const std::string state = unit.text("UnitFileState"); !state.empty()) {
        origin += (origin.empty() ? "" : "; ") + state;
    }
    return field("Loaded", origin.empty() ? text : text + " (" + origin + ")");
}

/// Why the unit goes on with what was loaded before.
std::string kept_lines(const PropertyMap& unit) {
    std::string text;
    for (const std::string& line : unit.texts("KeptBecause")) {
        text += text.empty() ? field(
                                   "Kept",
                                   "runs with the settings loaded before; its file can't be "
                                   "loaded any more:")
                             : "";
        text += continued(tinted(Tone::Warning, line));
    }
    if (text.empty() && unit.number("NeedDaemonReload") != 0) {
        text = field(
            "Kept",
            tinted(Tone::Warning, "its files changed; 'hearthctl daemon-reload' loads them"));
    }
    return text;
}

std::string drop_in_lines(const PropertyMap& unit) {
    std::map<std::string, std::string> by_directory;
    for (const std::string& path : unit.texts("DropInPaths")) {
        const std::size_t slash = path.rfind('/');
        std::string& names = by_directory[path.substr(0, slash)];
        names += (names.empty() ? "" : ", ") + path.substr(slash + 1);
    }
    std::string text;
    for (const auto& [directory, names] : by_directory) {
        text += text.empty() ? field("Drop-In", directory) : continued(directory);
        text += continued("└─" + names);
    }
    return text;
}

std::string active_line(const PropertyMap& unit) {
    const std::string active = unit.text("ActiveState");
    const std::string result = unit.text("Result");
    std::string detail = unit.text("SubState");
    if (active == "failed") {
        detail = "Result: " + result;
    }
    const bool running = active == "active" || active == "reloading";
    const std::string_view moment = running                    ? "ActiveEnterTimestamp"
                                    : active == "activating"   ? "InactiveExitTimestamp"
                                    : active == "deactivating" ? "ActiveExitTimestamp"
                                                               : "InactiveEnterTimestamp";
    std::string text = tinted(look_of(active).tone, active + " (" + detail + ")");
    const std::uint64_t since = unit.number(moment);
    if (const std::string when = timestamp(since); !when.empty()) {
        text += " since " + when + "; " + ago(since, sys::realtime_microseconds());
    }
    return field("Active", text);
}

/// Processes of the Exec lists that have ended, as systemctl shows them.
std::string process_lines(const PropertyMap& unit) {
    std::string text;
    for (const char* list :
         {"ExecCondition",
          "ExecStartPre",
          "ExecStart",
          "ExecStartPost",
          "ExecReload",
          "ExecStop",
          "ExecStopPost"}) {
        const Value* commands = unit.find(list);
        for (const Value& command :
             commands == nullptr ? std::vector<Value>() : commands->members) {
            const auto& member = command.members;
            const bool main = std::string_view(list) == "ExecStart" &&
                              member[7].number == unit.number("ExecMainPID");
            if (member[7].number == 0 || member[8].number == 0 || main) {
                continue;
            }
            std::string line;
            for (const Value& argument : member[1].members) {
                line += (line.empty() ? "" : " ") + argument.text;
            }
            const std::string how = exit_text(member[8].number, member[9].integer());
            const bool good = member[8].number == CLD_EXITED && member[9].number == 0;
            text += field(
                "Process",
                fmt::format(
                    "{} {}={} ({})",
                    member[7].number,
                    list,
                    line,
                    tinted(good ? Tone::Plain : Tone::Bad, how)));
        }
    }
    return text;
}

std::string main_process_line(const PropertyMap& unit) {
    const std::uint64_t running = unit.number("MainPID");
    if (running != 0) {
        auto name =
            sys::read_file(fmt::format("/proc/{}/comm", running), 64).value_or(std::string());
        if (!name.empty() && name.back() == '\n') {
            name.pop_back();
        }
        return field(
            "Main PID", fmt::format("{}{}", running, name.empty() ? "" : " (" + name + ")"));
    }
    const std::uint64_t last = unit.number("ExecMainPID");
    const std::uint64_t code = unit.number("ExecMainCode");
    if (last == 0 || code == 0) {
        return {};
    }
    const Value* status = unit.find("ExecMainStatus");
    const std::string how = exit_text(code, status == nullptr ? 0 : status->integer());
    return field("Main PID", fmt::format("{} ({})", last, how));
}

std::string limit(std::string_view word, std::string_view text) {
    return fmt::format("{}: {}", word, text);
}

/// "IP: 1.2K in, 340B out", where it is known.
std::string traffic_line(
    const PropertyMap& unit,
    std::string_view name,
    const std::string& incoming,
    const std::string& outgoing,
    std::string_view in,
    std::string_view out) {
    const std::uint64_t first = unit.counter(incoming + "Bytes");
    const std::uint64_t second = unit.counter(outgoing + "Bytes");
    if (first == UINT64_MAX || second == UINT64_MAX) {
        return {};
    }
    return field(name, fmt::format("{}{}{}{}", size_text(first), in, size_text(second), out));
}

/// "Limits: TasksMax refused it a new task 3 times, last 5s ago (first 2min ago)".
std::string limit_lines(const PropertyMap& unit) {
    std::string text;
    const std::uint64_t now = sys::realtime_microseconds();
    for (const std::string& each : unit.texts("LimitHits")) {
        const auto known = limit_hit(each);
        if (!known) {
            continue;
        }
        const LimitHit& hit = *known;
        std::string line = describe(hit);
        const std::uint64_t first = hit.first.realtime, last = hit.last.realtime;
        if (hit.limit == "CPUQuota" && unit.counter("CPUThrottledNSec") != UINT64_MAX) {
            line += ", for " + timespan_text(unit.counter("CPUThrottledNSec") / 1000, 1000);
        }
        if (last != 0) {
            line += ", last " + ago(last, now);
        }
        if (!hit.detail.empty()) {
            line += ": " + hit.detail;
        }
        if (first != 0 && first != last) {
            line += fmt::format(" (first {})", ago(first, now));
        }
        text += text.empty() ? field("Limits", tinted(Tone::Warning, line)) : continued(line);
    }
    return text;
}

/// "Pressure: waited 1.2s for CPU, 30ms for memory", where it waited at all.
std::string pressure_line(const PropertyMap& unit) {
    std::string text;
    for (const auto& [name, what] :
         {std::pair("CPUPressureUSec", "CPU"),
          std::pair("MemoryPressureUSec", "memory"),
          std::pair("IOPressureUSec", "IO")}) {
        const std::uint64_t waited = unit.counter(name);
        if (waited != UINT64_MAX && waited >= 1000) {
            text += fmt::format(
                "{}{} for {}", text.empty() ? "waited " : ", ", timespan_text(waited, 1000), what);
        }
    }
    return text.empty() ? text : field("Pressure", text);
}

std::string resource_lines(const PropertyMap& unit) {
    std::string text;
    if (const std::uint64_t tasks = unit.counter("TasksCurrent"); tasks != UINT64_MAX) {
        const std::uint64_t most = unit.counter("TasksMax");
        text += field(
            "Tasks",
            std::to_string(tasks) +
                (most == UINT64_MAX ? "" : " (" + limit("limit", std::to_string(most)) + ")"));
    }
    if (const std::uint64_t memory = unit.counter("MemoryCurrent"); memory != UINT64_MAX) {
        std::string limits;
        for (const auto& [word, name] :
             {std::pair("peak", "MemoryPeak"),
              std::pair("high", "MemoryHigh"),
              std::pair("max", "MemoryMax")}) {
            if (const std::uint64_t most = unit.counter(name); most != UINT64_MAX) {
                limits += (limits.empty() ? " (" : " ") + limit(word, size_text(most));
            }
        }
        text += field("Memory", size_text(memory) + limits + (limits.empty() ? "" : ")"));
    } else if (const std::uint64_t peak = unit.counter("MemoryPeak"); peak != UINT64_MAX) {
        text += field("Mem peak", size_text(peak));
    }
    if (const std::uint64_t time = unit.counter("CPUUsageNSec"); time != UINT64_MAX) {
        const std::uint64_t quota = unit.counter("CPUQuotaPerSecUSec");
        std::string share;
        if (quota != UINT64_MAX) {
            share = fmt::format(" (quota: {:g}%)", static_cast<double>(quota) / 10'000);
        }
        text += field("CPU", timespan_text(time / 1000, 1000) + share);
    }
    return text + traffic_line(unit, "IO", "IORead", "IOWrite", " read, ", " written") +
           traffic_line(unit, "IP", "IPIngress", "IPEgress", " in, ", " out") +
           pressure_line(unit) + limit_lines(unit);
}

/// A process's line, cut to the terminal's width.
std::string fitted(const std::string& line) {
    const unsigned columns = terminal_width();
    const std::size_t room = columns > 24 ? columns - 18 : 0;
    return room != 0 && line.size() > room ? line.substr(0, room - 1) + "…" : line;
}

/// The processes of one group of the tree, below its name where it has one.
std::string group_lines(
    const std::string& name, const std::vector<std::string>& processes, bool last_group) {
    std::string text;
    if (!name.empty()) {
        text += continued((last_group ? "└─" : "├─") + name);
    }
    const std::string bar = name.empty() ? "" : (last_group ? "  " : "│ ");
    for (std::size_t index = 0; index < processes.size(); ++index) {
        const bool last = index + 1 == processes.size() && (last_group || !name.empty());
        text += continued(bar + (last ? "└─" : "├─") + fitted(processes[index]));
    }
    return text;
}

/// The unit's control group, if there are any, with its processes; those of sub-groups below their
/// group's name.
std::string process_tree(
    Client& client, const std::string& unit, const std::string& control_group) {
    auto reply = client.manager("GetUnitProcesses", "s", unit.c_str());
    const auto rows = reply ? read_value(reply->get()) : Result<Value>(Value());
    std::map<std::string, std::vector<std::string>> groups;
    std::size_t count = 0;
    for (const Value& row : rows ? rows->members : std::vector<Value>()) {
        const std::string& group = row.members[0].text;
        const std::string below = !control_group.empty() && group.starts_with(control_group + "/")
                                      ? group.substr(control_group.size() + 1)
                                      : std::string();
        ++count;
        groups[below].push_back(fmt::format("{} {}", row.members[1].number, row.members[2].text));
    }
    std::string text = control_group.empty() ? field("Processes", std::to_string(count))
                                             : field("CGroup", control_group);
    for (auto group = groups.begin(); group != groups.end(); ++group) {
        text += group_lines(group->first, group->second, std::next(group) == groups.end());
    }
    return text;
}

std::string failure_lines(const PropertyMap& unit) {
    std::string failure = unit.text("Failure");
    if (failure.empty()) {
        for (const std::string& line : unit.texts("Refusals")) {
            failure += line + "\n";
        }
    }
    if (failure.empty()) {
        return {};
    }
    std::string text;
    std::size_t begin = 0;
    while (begin < failure.size()) {
        const std::size_t end = std::min(failure.find('\n', begin), failure.size());
        const std::string line = failure.substr(begin, end - begin);
        text += text.empty() ? field(
                                   unit.number("Refused") != 0 ? "Refused" : "Failure",
                                   tinted(Tone::Bad, line))
                             : continued(line);
        begin = end + 1;
    }
    return text;
}

int status_code(const PropertyMap& unit) {
    if (unit.text("LoadState") == "not-found") {
        return UnknownProgram;
    }
    const std::string active = unit.text("ActiveState");
    return active == "inactive" || active == "failed" ? ProgramNotRunning : Done;
}

std::string unit_status(Client& client, const PropertyMap& unit) {
    const std::string id = unit.text("Id");
    const std::string description = unit.text("Description");
    const Look look = look_of(unit.text("ActiveState"));
    std::string text = tinted(look.tone, look.glyph) + " " + id;
    if (!description.empty() && description != id) {
        text += " - " + description;
    }
    text += "\n" + loaded_line(unit) + kept_lines(unit) + drop_in_lines(unit) + active_line(unit);
    bool first = true;
    for (const std::string& documentation : unit.texts("Documentation")) {
        text += first ? field("Docs", documentation) : continued(documentation);
        first = false;
    }
    text += process_lines(unit) + main_process_line(unit);
    if (const std::uint64_t restarts = unit.number("NRestarts"); restarts > 0) {
        text += field("Restarts", std::to_string(restarts));
    }
    if (unit.number("MainPID") != 0) {
        const std::string confined = confinement_summary(client, id);
        text += confined.empty() ? confined : field("Confined", confined);
    }
    text += resource_lines(unit);
    // Without cgroups hearthd knows the processes all the same.
    if (const std::string group = unit.text("ControlGroup");
        !group.empty() || unit.number("MainPID") != 0) {
        text += process_tree(client, id, group);
    }
    return text + failure_lines(unit);
}

int manager_status(Client& client, bool json) {
    const auto properties = client.properties(manager_path);
    if (!properties) {
        return complain("Failed to get the manager's state: " + properties.error().message);
    }
    if (json) {
        print(to_json(*properties) + "\n");
        return Done;
    }
    const PropertyMap manager(*properties);
    const std::string state = manager.text("SystemState");
    const Tone tone = state == "running" ? Tone::Good : Tone::Warning;
    const std::uint64_t since = manager.number("UserspaceTimestamp");
    print(
        tinted(tone, "●") + " hearthd " + manager.text("Version") + "\n" +
        field("State", tinted(tone, state)) +
        field("Units", fmt::format("{} loaded", manager.number("NNames"))) +
        field("Jobs", fmt::format("{} queued", manager.number("NJobs"))) +
        field("Failed", fmt::format("{} units", manager.number("NFailedUnits"))) +
        field("Since", timestamp(since) + "; " + ago(since, sys::realtime_microseconds())) +
        (manager.text("ControlGroup").empty() ? ""
                                              : field("CGroup", manager.text("ControlGroup"))));
    return Done;
}

/// A number is a process: its unit is meant.
std::optional<std::vector<std::string>> paths_of(Client& client, const std::string& name) {
    std::vector<std::string> paths;
    if (name.find_first_not_of("0123456789") == std::string::npos && name.size() < 10) {
        auto reply =
            client.manager("GetUnitByPID", "u", static_cast<std::uint32_t>(std::stoul(name)));
        if (!reply) {
            complain("Failed to get the unit of PID " + name + ": " + reply.error().message);
            return std::nullopt;
        }
        const auto path = read_value(reply->get());
        paths.push_back(path ? path->text : "");
        return paths;
    }
    const auto units = unit_names(client, {name});
    if (!units) {
        return std::nullopt;
    }
    std::ranges::transform(*units, std::back_inserter(paths), object_path);
    return paths;
}

/// Prints what `status` shows of one unit; `parted`: an empty line comes first.
/// False where nothing was shown that the next one should be parted from.
bool show_status(
    Client& client,
    const Properties& properties,
    const Arguments& arguments,
    const std::string& log_directory,
    bool parted) {
    const PropertyMap unit(properties);
    if (arguments.json) {
        print(to_json(properties) + "\n");
        return false;
    }
    if (unit.text("LoadState") == "not-found" && unit.text("ActiveState") == "inactive") {
        complain("Unit " + unit.text("Id") + " could not be found.");
        return false;
    }
    std::string text = (parted ? "\n" : "") + unit_status(client, unit);
    const auto lines =
        last_log_lines(log_directory, unit.text("Id"), arguments.lines.value_or(default_log_lines));
    for (std::size_t index = 0; index < lines.size(); ++index) {
        text += (index == 0 ? "\n" : "") + lines[index] + "\n";
    }
    print(text);
    return true;
}

}  // namespace

int status_verb(const Arguments& arguments) {
    auto client = connect(arguments);
    if (!client) {
        return Failure;
    }
    if (arguments.names.empty()) {
        return manager_status(*client, arguments.json);
    }
    const auto logs = client->property(manager_path, hearth_manager_interface, "LogDirectory");
    int worst = Done;
    bool parted = false;
    for (const std::string& name : arguments.names) {
        const auto paths = paths_of(*client, name);
        if (!paths) {
            worst = std::max<int>(worst, UnknownProgram);
            continue;
        }
        for (const std::string& path : *paths) {
            const auto properties = client->properties(path);
            if (!properties) {
                return complain(
                    "Failed to get the state of " + name + ": " + properties.error().message);
            }
            worst = std::max(worst, status_code(PropertyMap(*properties)));
            parted = show_status(*client, *properties, arguments, logs ? logs->text : "", parted) ||
                     parted;
        }
    }
    return worst;
}

}  // namespace hearth::ctl
