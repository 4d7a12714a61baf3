// SPDX-License-Identifier: MIT
#include "units/swap_unit.hpp"

#include <fmt/format.h>

#include "units/mount_unit.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

constexpr const char* on_program = "/sbin/swapon";
constexpr const char* off_program = "/sbin/swapoff";

void refuse(Unit& unit, std::string_view directive, std::string message, std::string hint) {
    unit.refusals.push_back(
        {Severity::Error, unit.origin_of(directive), std::move(message), std::move(hint), {}});
    unit.diagnostics.push_back(unit.refusals.back());
    unit.load_state = LoadState::BadSetting;
}

CommandLine command(const char* program, std::vector<std::string> arguments) {
    CommandLine line;
    line.path = program;
    line.argv = {program};
    line.argv.insert(line.argv.end(), arguments.begin(), arguments.end());
    line.no_environment_expansion = true;
    return line;
}

/// The path that the unit's name says; false where it says none or `path` is another one.
bool agree(Unit& unit, std::string_view directive, std::string& path) {
    const auto parsed = parse_unit_name(unit.name);
    const auto named = parsed ? unescape_path(parsed->prefix) : Result<std::string>(failure("", 0));
    const std::string type(parsed ? name(parsed->type) : "");
    if (!parsed || parsed->instance || !named) {
        refuse(
            unit,
            directive,
            "the unit's name is no path",
            "name it as systemd-escape --path --suffix=" + type + " says");
        return false;
    }
    path = path.empty() ? *named : simplified_path(path);
    if (path == *named) {
        return true;
    }
    const auto right = escape_path(path);
    refuse(
        unit,
        directive,
        fmt::format("{}={} doesn't match the unit's name {}", directive, path, unit.name),
        right ? "name the file " + *right + "." + type : std::string());
    return false;
}

}  // namespace

void complete_swap(Unit& unit) {
    SwapSettings& swap = unit.settings.swap;
    if (!agree(unit, "What", swap.what) || unit.fragment_path.empty()) {
        return;  // without a file the kernel has it, nobody here made it
    }
    std::vector<std::string> on;
    if (swap.priority) {
        on.insert(on.end(), {"-p", std::to_string(*swap.priority)});
    }
    if (const std::string options = options_of_command(swap.options); !options.empty()) {
        on.insert(on.end(), {"-o", options});
    }
    on.push_back(swap.what);
    ServiceSettings& service = unit.settings.service;
    service.type = ServiceType::Oneshot;
    service.remain_after_exit = true;
    service.exec_start = {command(on_program, std::move(on))};
    service.exec_stop = {command(off_program, {swap.what})};
    service.timeout_start = swap.timeout;
    service.timeout_stop = swap.timeout;
}

void complete_automount(Unit& unit) {
    AutomountSettings& automount = unit.settings.automount;
    if (agree(unit, "Where", automount.where) && automount.where == "/") {
        refuse(
            unit, "Where", "the root can't be an automount point", "choose a directory below it");
    }
}

}  // namespace hearth
