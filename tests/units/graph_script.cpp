// SPDX-License-Identifier: MIT
#include "graph_script.hpp"

#include <algorithm>
#include <csignal>
#include <set>
#include <sstream>

#include "engine_invariants.hpp"
#include "parser/values.hpp"
#include "units/unit_name.hpp"

namespace hearth::test {

namespace {

std::string with_full_names(std::string_view assignment) {
    const std::size_t equals = assignment.find('=');
    const std::string key(assignment.substr(0, equals));
    const std::string value(assignment.substr(equals + 1));
    static const std::set<std::string> plain = {"JobTimeoutSec",        "AllowIsolate",
                                                "StopWhenUnneeded",     "IgnoreOnIsolate",
                                                "FailureAction",        "SuccessAction",
                                                "OnFailureJobMode",     "ConditionPathExists",
                                                "AssertPathExists",     "DefaultDependencies",
                                                "RefuseManualStart",    "RefuseManualStop",
                                                "JobTimeoutAction",     "JobTimeoutRebootArgument",
                                                "RebootArgument",       "StartLimitAction",
                                                "JobRunningTimeoutSec", "FailureActionExitStatus",
                                                "StartLimitBurst",      "CollectMode"};
    return key + "=" + (plain.contains(key) ? value : full_name(value));
}

}  // namespace

std::string full_name(std::string_view name) {
    return name.find('.') == std::string_view::npos ? std::string(name) + ".service"
                                                    : std::string(name);
}

Graph::Graph(std::string_view lines) {
    std::istringstream stream{std::string(lines)};
    for (std::string line; std::getline(stream, line);) {
        const std::size_t colon = line.find(": ");
        std::istringstream words(line.substr(0, colon));
        std::string name;
        if (!(words >> name)) {
            continue;
        }
        name = full_name(name);
        std::string text = "[Unit]\n";
        for (std::string word; words >> word;) {
            text += with_full_names(word) + "\n";
        }
        if (unit_type(name) == UnitType::Service) {
            text += "[Service]\nExecStart=/bin/x\nExecReload=/bin/r\n";
        }
        if (colon != std::string::npos) {
            std::istringstream settings(line.substr(colon + 2));
            for (std::string word; settings >> word;) {
                text += word + "\n";
            }
        }
        Unit unit = unit_of(text, name);
        unit.dependencies = dependencies_of(unit, {}, {}, {});
        std::erase_if(unit.dependencies, [](const Dependency& each) {
            return each.source != DependencySource::File;
        });
        (void)step(world, UnitLoaded{std::move(unit)}, now);
    }
}

std::string Graph::plan(std::string_view unit, JobType type, JobMode mode) {
    const auto planned = plan_transaction(world, full_name(unit), type, mode);
    if (!planned) {
        return planned.error().name + ": " + planned.error().message;
    }
    std::set<std::string> jobs;
    for (const PlannedJob& job : planned->jobs) {
        const std::string stem = job.unit.substr(0, job.unit.rfind(".service"));
        jobs.insert(stem + ":" + std::string(name(job.type)));
    }
    std::string text;
    for (const std::string& job : jobs) {
        text += (text.empty() ? "" : " ") + job;
    }
    return text;
}

void Graph::take(Outcome outcome) {
    last = std::move(outcome);
    told.clear();
    for (const Action& action : last.actions) {
        if (const auto* tell = std::get_if<Tell>(&action)) {
            told += tell->unit + ": " + tell->message + "\n";
        }
    }
    const std::string broken = broken_invariant(world);
    EXPECT_TRUE(broken.empty()) << broken;
}

void Graph::launch_all() {
    for (;;) {
        const auto waiting = std::ranges::find_if(
            world.units, [](const auto& each) { return each.second.status.launch.has_value(); });
        if (waiting == world.units.end()) {
            return;
        }
        (void)happen("up " + waiting->first);
    }
}

std::string Graph::happen(std::string_view words) {
    std::istringstream stream{std::string(words)};
    std::string verb;
    std::string unit;
    std::string mode;
    stream >> verb >> unit >> mode;
    now = {now.monotonic + 1, now.realtime + 1};
    if (verb == "after") {
        now.monotonic += read_timespan(unit).value().microseconds;
        take(step(world, TimeElapsed{}, now));
    } else {
        unit = full_name(unit);
    }
    UnitRecord* const record = world.find(unit);
    const auto exited = [&](int code, int status) {
        const int pid = pids_[unit];
        take(step(world, CgroupChanged{unit, false}, now));
        take(step(world, ProcessExited{unit, pid, code, status, now}, now));
    };
    static const std::map<std::string, Verb> verbs = {
        {"start", Verb::Start},
        {"stop", Verb::Stop},
        {"restart", Verb::Restart},
        {"reload", Verb::Reload}};
    if (const auto known = verbs.find(verb); known != verbs.end()) {
        auto requested = request_job(
            world,
            unit,
            known->second,
            mode.empty() ? JobMode::Replace : job_mode(mode).value(),
            now);
        if (!requested) {
            take({});
            return requested.error().name + ": " + requested.error().message;
        }
        take(std::move(requested->outcome));
    } else if (verb == "up" && record != nullptr) {
        const int pid = next_pid_++;
        pids_[unit] = pid;
        const LaunchId launch = record->status.launch.value_or(0);
        take(step(world, Launched{unit, launch, pid, now, std::string(32, 'a')}, now));
    } else if (verb == "down") {
        exited(CLD_EXITED, 0);
    } else if (verb == "fail") {
        exited(CLD_EXITED, 1);
    } else if (verb == "gone") {
        exited(CLD_KILLED, SIGTERM);
    } else if (verb == "plug" || verb == "unplug") {
        take(step(world, PresenceChanged{unit, verb == "plug"}, now));
    } else if ((verb == "met" || verb == "unmet") && record != nullptr && record->job) {
        ConditionsChecked answer{unit, *record->job, {}};
        answer.facts.paths["/there"].exists = verb == "met";
        take(step(world, std::move(answer), now));
    } else if (verb != "after") {
        ADD_FAILURE() << "no such words: " << words;
    }
    return states();
}

std::string Graph::state(std::string_view unit) const {
    const UnitRecord* const record = world.find(full_name(unit));
    return record == nullptr ? "none" : std::string(name(record->active_state()));
}

std::string Graph::states() const {
    std::string text;
    for (const auto& [unit, record] : world.units) {
        if (record.active_state() != ActiveState::Inactive) {
            text += (text.empty() ? "" : " ") + unit.substr(0, unit.rfind(".service")) + ":" +
                    std::string(name(record.active_state()));
        }
    }
    return text;
}

std::string Graph::jobs() const {
    std::string text;
    for (const auto& [id, job] : world.jobs) {
        text += (text.empty() ? "" : " ") + job.unit.substr(0, job.unit.rfind(".service")) + ":" +
                std::string(name(job.type)) + (job.state == JobState::Running ? "*" : "");
    }
    return text;
}

}  // namespace hearth::test
