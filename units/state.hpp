// SPDX-License-Identifier: MIT
//
// What must outlive the manager's death, as a text per unit (DESIGN 1): the state of its machine,
// its job, its times. The text is for persons too: `key=value` lines, defaults left out. Keys that
// this version doesn't know (a newer one's) are carried along. Pure; who writes the files, and what
// else stands in them, is supervisor/state_files' business.
//
// Never in it: the unit's settings (they are in its files), secrets, descriptors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"
#include "units/state_versions.hpp"
#include "units/world.hpp"

namespace hearth {

/// A unit as the manager last knew it.
struct KeptUnit {
    std::string name;
    ServiceStatus status;
    std::optional<Job> job;
    bool checking = false;
    bool assert_met = false;
    bool resumes = false;
    ActivationDetails activation;
    std::vector<int> condition_results, assert_results;
    Moment state_change, active_enter, active_exit, inactive_enter, inactive_exit;
    JobId next_job = 1;             ///< no job of this manager has that number or a higher one
    LaunchId next_launch = 1;       ///< likewise
    std::vector<Change> changes;    ///< its history, at most kept_changes; jobs' `unit` is `name`
    std::uint64_t next_change = 1;  ///< as next_job
    /// What is not about the engine: the supervisor's own, and unknown ones.
    StateLines lines;
    bool operator==(const KeptUnit&) const = default;
};

/// Nothing of the unit runs, or is to end.
[[nodiscard]] bool is_over(ServiceState state);

[[nodiscard]] KeptUnit kept(const World& world, const UnitRecord& record);

/// The text, each line ended by a newline, as that version has it (one of state_versions()). Values
/// of `lines` hold no newline. Long texts of the history are cut.
[[nodiscard]] std::string write_state(
    const KeptUnit& unit, unsigned version = newest_state_version());

/// Errors name the line's key and quote its value, or the version that isn't known.
[[nodiscard]] Result<KeptUnit> read_state(
    std::string_view text, unsigned version = newest_state_version());

/// `text` so that it fits in one line, and back.
[[nodiscard]] std::string state_text(std::string_view text);
[[nodiscard]] std::string text_of_state(std::string_view line);

}  // namespace hearth
