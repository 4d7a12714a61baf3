// SPDX-License-Identifier: MIT
//
// What the manager was told about itself by set-environment, service-watchdogs and kin. It outlives
// hearthd as units do, in RUNTIME/manager, and ends with the machine's run. And dump: all that is
// known, as text.
#include <fmt/format.h>

#include <algorithm>

#include "parser/values.hpp"
#include "supervisor/activation_lines.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/unit_files/environment_file.hpp"
#include "units/condition_parts.hpp"
#include "units/state.hpp"

namespace hearth {

namespace {

constexpr const char* file_name = "manager";
constexpr std::string_view watchdogs_off = "service-watchdogs=no";
constexpr std::string_view exit_code_line = "exit-code=";
constexpr std::string_view variable = "environment=";
constexpr std::string_view first_start = "started=";
constexpr std::string_view made_room = "made-room=";

std::string indented(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        out += "\t" + std::string(text.substr(0, end)) + "\n";
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

}  // namespace

std::map<std::string, std::string> Supervisor::environment() const {
    std::map<std::string, std::string> all = passed_environment();
    all.emplace("PATH", facts_.snapshot().default_path);
    return all;
}

/// What set-environment set; below it DefaultEnvironment=.
std::map<std::string, std::string> Supervisor::passed_environment() const {
    std::map<std::string, std::string> all = manager_environment_;
    const Environment& given = options_.manager.units.exec.environment;
    all.insert(given.variables.begin(), given.variables.end());
    return all;
}

Result<void, RequestError> Supervisor::change_environment(
    const std::vector<std::string>& unset, const std::vector<std::string>& set) {
    constexpr std::size_t most = 4096;
    for (const std::string& each : set) {
        if (!is_environment_assignment(each)) {
            return Unexpected(RequestError{
                "InvalidArgs",
                "Invalid environment assignment " + quoted(each) +
                    ": expected NAME=VALUE, a name of letters, digits and '_'"});
        }
    }
    for (const std::string& each : unset) {
        if (!is_environment_assignment(each) && !is_environment_name(each)) {
            return Unexpected(RequestError{
                "InvalidArgs", "Invalid environment variable name or assignment " + quoted(each)});
        }
    }
    std::map<std::string, std::string> changed = manager_environment_;
    for (const std::string& each : unset) {
        const std::size_t equals = each.find('=');
        const auto found = changed.find(each.substr(0, equals));
        if (found != changed.end() &&
            (equals == std::string::npos || found->second == each.substr(equals + 1))) {
            changed.erase(found);
        }
    }
    for (const std::string& each : set) {
        const std::size_t equals = each.find('=');
        changed[each.substr(0, equals)] = each.substr(equals + 1);
    }
    if (changed.size() > most) {
        return Unexpected(RequestError{
            "LimitsExceeded", fmt::format("more than {} environment variables", most)});
    }
    manager_environment_ = std::move(changed);
    save_manager();
    return {};
}

void Supervisor::set_service_watchdogs(bool enabled) {
    world_.service_watchdogs = enabled;
    save_manager();
}

void Supervisor::save_manager() {
    if (!manager_state_) {
        return;
    }
    std::string text = fmt::format("{}{} {}\n", first_start, started_.monotonic, started_.realtime);
    if (!world_.service_watchdogs) {
        text += std::string(watchdogs_off) + "\n";
    }
    if (exit_code_ != 0) {
        text += fmt::format("{}{}\n", exit_code_line, exit_code_);
    }
    for (const auto& [name, value] : manager_environment_) {
        text += std::string(variable) + state_text(name + "=" + value) + "\n";
    }
    if (left_ && !announced_) {
        text += fmt::format("{}{} {} {}\n", made_room, left_->at, left_->pid, left_->version);
    }
    for (const std::string& line : unknown_manager_lines_) {
        text += line + "\n";
    }
    if (const auto written = manager_state_->write(file_name, text); !written) {
        log::write(
            log::Level::Error,
            "the manager's environment can't be kept (" + written.error().what +
                "): it would not outlive this process");
    }
}

void Supervisor::restore_manager() {
    auto files = StateFiles::open(options_.runtime_directory + "/manager");
    if (!files) {
        log::write(log::Level::Error, "the manager's state can't be kept: " + files.error().what);
        return;
    }
    manager_state_ = std::move(*files);
    for (const auto& [name, text] : manager_state_->read()) {
        if (!text) {
            log::write(
                log::Level::Error, "what set-environment set before is lost: " + text.error().what);
            continue;
        }
        std::string_view rest = text->text;
        while (!rest.empty()) {
            const std::string_view line = rest.substr(0, rest.find('\n'));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
            restore_manager_line(line);
        }
    }
    save_manager();
}

void Supervisor::restore_manager_line(std::string_view line) {
    if (line == watchdogs_off) {
        world_.service_watchdogs = false;
    } else if (line.starts_with(exit_code_line)) {
        exit_code_ = static_cast<std::uint8_t>(number(line.substr(exit_code_line.size())));
    } else if (line.starts_with(variable)) {
        const std::string entry = text_of_state(line.substr(variable.size()));
        const std::size_t equals = std::min(entry.find('='), entry.size() - 1);
        manager_environment_[entry.substr(0, equals)] = entry.substr(equals + 1);
    } else if (line.starts_with(first_start)) {
        line.remove_prefix(first_start.size());
        const std::size_t blank = std::min(line.find(' '), line.size());
        started_ = {
            number(line.substr(0, blank)), number(line.substr(std::min(blank + 1, line.size())))};
    } else if (line.starts_with(made_room)) {
        const auto words = entries(std::string(line.substr(made_room.size())));
        if (!words.empty() && words[0].size() == 3) {
            left_ = {number(words[0][0]), static_cast<pid_t>(number(words[0][1])), words[0][2]};
        }
    } else {
        unknown_manager_lines_.emplace_back(line);
    }
}

std::string Supervisor::dump(const std::vector<std::string>& patterns) const {
    std::string text = fmt::format(
        "Manager: hearthd {}\nRuntime directory: {}\n", HEARTH_VERSION, options_.runtime_directory);
    for (const auto& [name, record] : world_.units) {
        const bool wanted =
            patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) {
                return glob_matches(pattern, name);
            });
        if (!wanted) {
            continue;
        }
        text += fmt::format(
            "-> Unit {}:\n\tDescription: {}\n\tFragment: {}\n\tCGroup: {}\n",
            name,
            record.unit.settings.unit.description,
            record.unit.fragment_path,
            live(record).control_group);
        world_.for_each_dependency(
            record, [&](Relation relation, std::string_view other, DependencySource) {
                text += fmt::format("\t{}: {}\n", hearth::name(relation), other);
            });
        text += indented(write_state(kept(world_, record)));
    }
    for (const auto& [id, job] : world_.jobs) {
        text += fmt::format(
            "-> Job {}:\n\tAction: {} -> {}\n\tState: {}\n",
            id,
            job.unit,
            hearth::name(job.type),
            job.state == JobState::Running ? "running" : "waiting");
    }
    return text;
}

}  // namespace hearth
