// SPDX-License-Identifier: MIT
#include "units/status_line.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// Words around a unit's description; empty: nothing is said.
struct Words {
    UnitType type{};
    std::string_view starting, started, start_failed, stopping, stopped;
};
constexpr auto words = std::to_array<Words>({
    {UnitType::Service, "Starting", "Started", "Failed to start", "Stopping", "Stopped"},
    {UnitType::Mount, "Mounting", "Mounted", "Failed to mount", "Unmounting", "Unmounted"},
    {UnitType::Swap,
     "Activating swap",
     "Activated swap",
     "Failed to activate swap",
     "Deactivating swap",
     "Deactivated swap"},
    {UnitType::Socket, "", "Listening on", "Failed to listen on", "", "Closed"},
    {UnitType::Automount,
     "",
     "Set up automount",
     "Failed to set up automount",
     "",
     "Unset automount"},
    {UnitType::Target, "", "Reached target", "", "", "Stopped target"},
    {UnitType::Slice, "", "Created slice", "", "", "Removed slice"},
    {UnitType::Device, "", "Found device", "", "", ""},
    {UnitType::Timer, "", "Started", "Failed to start", "", "Stopped"},
    {UnitType::Path, "", "Started", "Failed to start", "", "Stopped"},
    {UnitType::Scope, "", "Started", "Failed to start", "", "Stopped"},
});

constexpr std::string_view green = "\x1b[0;32m";
constexpr std::string_view red = "\x1b[0;1;31m";
constexpr std::string_view yellow = "\x1b[0;1;38;5;185m";

std::string boxed(std::string_view colour, std::string_view word) {
    return "[" + std::string(colour) + std::string(word) + "\x1b[0m] ";
}

/// A description comes from a file: nothing of it may steer a terminal.
std::string shown(const Unit& unit) {
    std::string text =
        unit.settings.unit.description.empty() ? unit.name : unit.settings.unit.description;
    for (char& byte : text) {
        if (static_cast<unsigned char>(byte) < ' ' || byte == '\x7f') {
            byte = '?';
        }
    }
    return text;
}

StatusLine begun(const Words& of, const Unit& unit, JobType type) {
    const std::string_view word = type == JobType::Start  ? of.starting
                                  : type == JobType::Stop ? of.stopping
                                                          : std::string_view();
    return {word.empty() ? "" : "         " + std::string(word) + " " + shown(unit) + "..."};
}

StatusLine started(const Words& of, const UnitRecord& record) {
    const bool finished =
        of.type == UnitType::Service && record.unit.settings.service.type == ServiceType::Oneshot;
    const std::string_view word = finished ? "Finished" : of.started;
    return {boxed(green, "  OK  ") + std::string(word) + " " + shown(record.unit) + "."};
}

StatusLine failed(const Words& of, const Unit& unit, JobResult result) {
    const std::string what = shown(unit) + ".";
    switch (result) {
        case JobResult::Timeout:
            return {boxed(red, " TIME ") + "Timed out starting " + what, true};
        case JobResult::Dependency:
            return {boxed(yellow, "DEPEND") + "Dependency failed for " + what, true};
        case JobResult::Assert:
            return {boxed(yellow, "ASSERT") + "Assertion failed for " + what, true};
        case JobResult::Unsupported:
            return {boxed(yellow, "UNSUPP") + "Starting of " + shown(unit) + " unsupported.", true};
        case JobResult::Failed:
            return {
                boxed(red, "FAILED") +
                    std::string(of.start_failed.empty() ? "Failed to start" : of.start_failed) +
                    " " + what + "\nSee 'hearthctl status " + unit.name + "' for details.",
                true};
        default:
            return {};
    }
}

}  // namespace

StatusLine status_line(const UnitRecord& record, const JobChange& change) {
    const auto* const of = std::ranges::find(words, unit_type(record.unit.name), &Words::type);
    const bool starts = change.job.type == JobType::Start;
    if (of == words.end() || (!starts && change.job.type != JobType::Stop)) {
        return {};
    }
    switch (change.what) {
        case JobChange::What::Queued:
            return {};
        case JobChange::What::Running:
            return begun(*of, record.unit, change.job.type);
        case JobChange::What::Removed:
            break;
    }
    if (!starts) {
        const bool done = change.result == JobResult::Done && !of->stopped.empty();
        return {
            done
                ? boxed(green, "  OK  ") + std::string(of->stopped) + " " + shown(record.unit) + "."
                : ""};
    }
    if (change.result != JobResult::Done) {
        return failed(*of, record.unit, change.result);
    }
    const bool skipped =
        std::ranges::find(record.condition_results, -1) != record.condition_results.end() ||
        (of->type == UnitType::Service && record.status.state == ServiceState::Dead &&
         !record.status.condition_met);
    return skipped || of->started.empty() ? StatusLine() : started(*of, record);
}

}  // namespace hearth
