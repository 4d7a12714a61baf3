// SPDX-License-Identifier: MIT
#include "engine_script.hpp"

#include <fmt/format.h>

#include <charconv>
#include <csignal>

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

std::string_view next_word(std::string_view& text) {
    text = trimmed(text);
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

/// 0 for what is no number.
int number(std::string_view text) {
    int value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
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
    add(action.health, "health");
    return text;
}

std::string text_of(const Action& action) {
    return match(action)(
        [](const Launch& launch) {
            const std::string index = launch.index == 0 ? "" : fmt::format("[{}]", launch.index);
            return fmt::format(
                "launch:{}{}{}", name(launch.kind), index, launch.begins_activation ? "*" : "");
        },
        [](const AbortLaunch&) { return std::string("abort"); },
        [](const SignalUnit& signal) {
            return fmt::format("{}:{}", signal_name(signal.signal).substr(3), whom(signal));
        },
        [](const KillCgroup&) { return std::string("kill-cgroup"); },
        [](const Release&) { return std::string("release"); },
        [](const FindMainProcess&) { return std::string("find-main"); },
        [](const WatchProcess& watch) { return fmt::format("watch:{}", watch.pid); },
        [](const StoreDescriptor& store) { return fmt::format("store:{}", store.id); },
        [](const CloseDescriptor& close) { return fmt::format("close:{}", close.id); },
        [](const CheckConditions&) { return std::string("check"); },
        [](const FillScope&) { return std::string("fill"); },
        [](const ReadTimerStamp&) { return std::string("read-stamp"); },
        [](const WriteTimerStamp&) { return std::string("write-stamp"); },
        [](const WatchPaths&) { return std::string("watch-paths"); },
        [](const UnwatchPaths&) { return std::string("unwatch-paths"); },
        [](const MountAutofs&) { return std::string("mount-autofs"); },
        [](const UnmountAutofs&) { return std::string("unmount-autofs"); },
        [](const AnswerAutofs& answer) { return fmt::format("answer-autofs:{}", answer.error); },
        [](const ExpireAutofs&) { return std::string("expire-autofs"); },
        [](const PerformAction& act) { return fmt::format("act:{}:{}", act.why, act.exit_status); },
        [](const Tell&) { return std::string(); });
}

void add_word(std::string& text, const std::string& word) {
    if (!word.empty()) {
        text += (text.empty() ? "" : " ") + word;
    }
}

/// The words of `notify`, as sd_notify(3) writes them; DESCRIPTOR=ID is one that came along.
Notified notified(std::string_view words, std::string unit, int pid) {
    Notified fact;
    fact.unit = std::move(unit);
    fact.pid = pid;
    fact.main_is_ours = true;
    Notification& message = fact.message;
    for (std::string_view word = next_word(words); !word.empty(); word = next_word(words)) {
        const std::size_t equals = word.find('=');
        const std::string_view key = word.substr(0, equals);
        const std::string_view value = word.substr(equals + 1);
        const auto count = static_cast<std::uint64_t>(number(value));
        if (key == "READY") {
            message.ready = true;
        } else if (key == "RELOADING") {
            message.reloading = true;
        } else if (key == "STOPPING") {
            message.stopping = true;
        } else if (key == "MONOTONIC_USEC") {
            message.monotonic = count;
        } else if (key == "STATUS") {
            message.status = std::string(value);
        } else if (key == "ERRNO") {
            message.error_number = number(value);
        } else if (key == "MAINPID") {
            message.main_pid = number(value);
        } else if (key == "MAINPID-OF-OTHERS") {
            message.main_pid = number(value);
            fact.main_is_ours = false;
        } else if (key == "WATCHDOG") {
            (value == "trigger" ? message.watchdog_trigger : message.watchdog) = true;
        } else if (key == "WATCHDOG_USEC") {
            message.watchdog_interval = count;
        } else if (key == "EXTEND_TIMEOUT_USEC") {
            message.extend_timeout = count;
        } else if (key == "FDSTORE") {
            message.store = true;
        } else if (key == "FDSTOREREMOVE") {
            message.remove = true;
        } else if (key == "FDNAME") {
            message.descriptor_name = std::string(value);
        } else {
            EXPECT_EQ(key, "DESCRIPTOR");
            fact.descriptors.push_back(count);
        }
    }
    return fact;
}

Verb verb_of(std::string_view word) {
    if (word == "start") {
        return Verb::Start;
    }
    if (word == "stop") {
        return Verb::Stop;
    }
    if (word == "restart") {
        return Verb::Restart;
    }
    if (word == "reload") {
        return Verb::Reload;
    }
    if (word == "try-restart") {
        return Verb::TryRestart;
    }
    if (word == "reload-or-restart") {
        return Verb::ReloadOrRestart;
    }
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
            case JobChange::What::Running:
                break;
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

void Script::told(Outcome outcome) {
    last = std::move(outcome);
    error.clear();
    const std::string broken = broken_invariant(world);
    EXPECT_TRUE(broken.empty()) << broken;
}

std::string Script::load(Unit unit) {
    told(step(world, UnitLoaded{std::move(unit)}, now));
    return text_of(last);
}

void Script::request(Verb verb, std::string_view mode) {
    auto requested = request_job(
        world, name, verb, mode.empty() ? JobMode::Replace : job_mode(mode).value(), now);
    if (requested) {
        return told(std::move(requested->outcome));
    }
    told({});
    error = requested.error().name;
    error_message = requested.error().message;
}

void Script::cancel(JobId job) {
    auto cancelled = cancel_job(world, job, now);
    told(cancelled ? std::move(*cancelled) : Outcome{});
    error = cancelled ? "" : cancelled.error().name;
}

std::string Script::happen(std::string_view event) {
    apply(event);
    return error.empty() ? text_of(last) : "error " + error;
}

void Script::apply(std::string_view event) {
    const std::string_view word = next_word(event);
    const std::string_view argument = next_word(event);
    const int pid = number(argument);
    if (word == "notify") {
        now = {now.monotonic + 1, now.realtime + 1};
        return told(step(world, notified(event, name, pid), now));
    }
    const int value = number(next_word(event));
    const LaunchId launch = status().launch.value_or(0);
    now = {now.monotonic + 1, now.realtime + 1};
    const auto exited = [&](int code) {
        told(step(world, ProcessExited{name, pid, code, value, now}, now));
    };
    const auto failed = [&](bool refused, int process, int exit_status) {
        told(step(
            world,
            LaunchFailed{
                name, launch, refused, process, exit_status, "heat.service:3: no\nmore", now, "ab"},
            now));
    };
    if (word == "launched") {
        return told(step(world, Launched{name, launch, pid, now, std::string(32, 'a')}, now));
    }
    if (word == "checked") {
        const LaunchId check = status().health_launch.value_or(0);
        return told(step(world, Launched{name, check, pid, now, ""}, now));
    }
    if (word == "unchecked") {
        const LaunchId check = status().health_launch.value_or(0);
        return told(step(world, LaunchFailed{name, check, false, 0, 203, "no", now, ""}, now));
    }
    if (word == "main") {
        return told(step(world, MainProcessFound{name, pid, pid == 0 ? "not there" : ""}, now));
    }
    if (word == "hung-up") {
        return told(step(world, StoredDescriptorEnded{name, static_cast<std::uint64_t>(pid)}, now));
    }
    if (word == "bus-name") {
        return told(step(world, BusNameChanged{name, pid != 0}, now));
    }
    if (word == "exec-failed") {
        return failed(false, pid, value);
    }
    if (word == "refused") {
        return failed(true, 0, pid);
    }
    if (word == "no-process") {
        return failed(false, 0, 0);
    }
    if (word == "exit") {
        return exited(CLD_EXITED);
    }
    if (word == "signal") {
        return exited(CLD_KILLED);
    }
    if (word == "dump") {
        return exited(CLD_DUMPED);
    }
    if (word == "empty") {
        return told(step(world, CgroupChanged{name, false}, now));
    }
    if (word == "populated") {
        return told(step(world, CgroupChanged{name, true}, now));
    }
    if (word == "oom") {
        return told(step(world, OutOfMemoryKilled{name}, now));
    }
    if (word == "reset-failed") {
        return told(step(world, ResetFailed{name}, now));
    }
    if (word == "cancel") {
        return cancel(static_cast<JobId>(pid));
    }
    if (word == "after") {
        const std::uint64_t span = read_timespan(argument).value().microseconds;
        now = {now.monotonic + span, now.realtime + span};
        return told(step(world, TimeElapsed{}, now));
    }
    request(verb_of(word), argument);
}

void Script::run(std::string_view lines) {
    for (const std::string_view line : lines_of(lines)) {
        const std::size_t arrow = line.find("=>");
        if (arrow == std::string_view::npos) {
            apply(line);
        } else {
            const std::string happened = happen(trimmed(line.substr(0, arrow)));
            EXPECT_EQ(happened, trimmed(line.substr(arrow + 2)))
                << "after: " << line.substr(0, arrow);
        }
    }
}

void check(std::string_view unit_text, std::string_view lines) {
    SCOPED_TRACE(unit_text);
    Script(unit_text).run(lines);
}

}  // namespace hearth::test
