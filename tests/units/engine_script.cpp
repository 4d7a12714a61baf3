// SPDX-License-Identifier: MIT
#include "engine_script.hpp"

#include <fmt/format.h>

#include <csignal>
#include <sstream>

#include "engine_invariants.hpp"
#include "parser/values.hpp"
#include "units/directive.hpp"
#include "units/engine_match.hpp"
#include "units/names.hpp"

namespace hearth::test {

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    while (!text.empty() && text.back() == ' ') {
        text.remove_suffix(1);
    }
    return text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (const std::string_view line = trimmed(text.substr(0, end)); !line.empty()) {
            lines.push_back(line);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::string whom(const SignalUnit& action) {
    std::string text = action.everything ? "all" : "";
    const auto add = [&text](bool set, const char* word) {
        if (set) {
            text += (text.empty() ? "" : "+") + std::string(word);
        }
    };
    add(action.main, "main");
    add(action.control, "control");
    return text;
}

std::string text_of(const Action& action) {
    return match(action)(
        [](const Launch& launch) {
            const std::string index = launch.index == 0 ? "" : fmt::format("[{}]", launch.index);
            return fmt::format("launch:{}{}{}", name(launch.kind), index, launch.begins_activation ? "*" : "");
        },
        [](const AbortLaunch&) { return std::string("abort"); },
        [](const SignalUnit& signal) {
            return fmt::format("{}:{}", signal_name(signal.signal).substr(3), whom(signal));
        },
        [](const KillCgroup&) { return std::string("kill-cgroup"); },
        [](const Release&) { return std::string("release"); },
        [](const Tell&) { return std::string(); });
}

void add_word(std::string& text, const std::string& word) {
    if (!word.empty()) {
        text += (text.empty() ? "" : " ") + word;
    }
}

Verb verb_of(std::string_view word) {
    if (word == "start") return Verb::Start;
    if (word == "stop") return Verb::Stop;
    if (word == "restart") return Verb::Restart;
    if (word == "reload") return Verb::Reload;
    if (word == "try-restart") return Verb::TryRestart;
    if (word == "reload-or-restart") return Verb::ReloadOrRestart;
    EXPECT_EQ(word, "reload-or-try-restart");
    return Verb::ReloadOrTryRestart;
}

}  // namespace

Unit unit_of(std::string_view text, std::string name) {
    Unit unit;
    unit.name = std::move(name);
    unit.load_state = LoadState::Loaded;
    unit.fragment_path = "/etc/systemd/system/" + unit.name;
    std::string section = "Service";
    for (const std::string_view line : lines_of(text)) {
        if (line.front() == '[') {
            section = line.substr(1, line.size() - 2);
            continue;
        }
        const std::size_t equals = line.find('=');
        const Row* row = find_row(section, line.substr(0, equals));
        if (row == nullptr) {
            ADD_FAILURE() << "no directive: " << line;
            continue;
        }
        const auto assigned = row->assign(unit.settings, line.substr(equals + 1), {});
        EXPECT_TRUE(assigned.has_value()) << line;
    }
    return unit;
}

std::string text_of(const Outcome& outcome) {
    std::string states;
    for (const Transition& transition : outcome.transitions) {
        add_word(states, std::string(name(transition.to)));
    }
    std::string jobs;
    for (const JobChange& change : outcome.jobs) {
        switch (change.what) {
            case JobChange::What::Queued:
                add_word(jobs, fmt::format("+{}:{}", change.job.id, name(change.job.type)));
                break;
            case JobChange::What::Running: break;
            case JobChange::What::Removed:
                add_word(jobs, fmt::format("{}:{}", change.job.id, name(change.result)));
                break;
        }
    }
    std::string actions;
    for (const Action& action : outcome.actions) {
        add_word(actions, text_of(action));
    }
    std::string text = states;
    if (!jobs.empty() || !actions.empty()) {
        text += text.empty() ? "|" : " |";
        text += jobs.empty() ? "" : " " + jobs;
    }
    return actions.empty() ? text : text + " | " + actions;
}

Script::Script(std::string_view text) {
    world.units[name].unit = unit_of(text);
}

std::string Script::told(Outcome outcome) {
    last = std::move(outcome);
    EXPECT_EQ(broken_invariant(world), "");
    return text_of(last);
}

std::string Script::load(Unit unit) {
    return told(step(world, UnitLoaded{std::move(unit)}, now));
}

std::string Script::request(Verb verb, std::string_view mode) {
    const auto requested = request_job(
        world, name, verb, mode.empty() ? JobMode::Replace : job_mode(mode).value(), now);
    if (!requested) {
        error = requested.error().name;
        error_message = requested.error().message;
        EXPECT_EQ(broken_invariant(world), "");
        return "error " + error;
    }
    return told(requested->outcome);
}

std::string Script::happen(std::string_view event) {
    std::istringstream words{std::string(event)};
    std::string word;
    std::string argument;
    int value = 0;
    words >> word >> argument >> value;
    const int pid = argument.empty() || argument.front() < '0' || argument.front() > '9' ? 0 : std::stoi(argument);
    const LaunchId launch = status().launch.value_or(0);
    now = {now.monotonic + 1, now.realtime + 1};
    const auto exited = [&](int code) {
        return told(step(world, ProcessExited{name, pid, code, value, now}, now));
    };
    const auto failed = [&](bool refused, int process, int exit_status) {
        return told(step(
            world,
            LaunchFailed{name, launch, refused, process, exit_status, "heat.service:3: no\nmore", now, "ab"},
            now));
    };
    if (word == "launched") {
        return told(step(world, Launched{name, launch, pid, now, std::string(32, 'a')}, now));
    }
    if (word == "exec-failed") return failed(false, pid, value);
    if (word == "refused") return failed(true, 0, pid);
    if (word == "no-process") return failed(false, 0, 0);
    if (word == "exit") return exited(CLD_EXITED);
    if (word == "signal") return exited(CLD_KILLED);
    if (word == "dump") return exited(CLD_DUMPED);
    if (word == "empty") return told(step(world, CgroupChanged{name, false}, now));
    if (word == "populated") return told(step(world, CgroupChanged{name, true}, now));
    if (word == "oom") return told(step(world, OutOfMemoryKilled{name}, now));
    if (word == "reset-failed") return told(step(world, ResetFailed{name}, now));
    if (word == "after") {
        const std::uint64_t span = read_timespan(argument).value().microseconds;
        now = {now.monotonic + span, now.realtime + span};
        return told(step(world, TimeElapsed{}, now));
    }
    if (word == "cancel") {
        const auto cancelled = cancel_job(world, static_cast<JobId>(pid), now);
        return cancelled ? told(*cancelled) : "error " + cancelled.error().name;
    }
    return request(verb_of(word), argument);
}

void Script::run(std::string_view lines) {
    for (const std::string_view line : lines_of(lines)) {
        const std::size_t arrow = line.find("=>");
        const std::string happened = happen(trimmed(line.substr(0, arrow)));
        if (arrow != std::string_view::npos) {
            EXPECT_EQ(happened, trimmed(line.substr(arrow + 2))) << "after: " << line.substr(0, arrow);
        }
    }
}

void check(std::string_view unit_text, std::string_view lines) {
    SCOPED_TRACE(unit_text);
    Script(unit_text).run(lines);
}

}  // namespace hearth::test
