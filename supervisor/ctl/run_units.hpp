// SPDX-License-Identifier: MIT
//
// What `run` asks hearthd for: the names and the directives of the transient units that its options
// stand for, as systemd-run(1) makes them.
#pragma once

#include <string>
#include <vector>

#include "supervisor/ctl/common.hpp"

namespace hearth::ctl {

/// "NAME" takes its value from this process.
[[nodiscard]] std::string environment_line(const std::string& text);

/// What is started: the service or scope itself, or what will start it.
struct RunNames {
    std::string unit;     ///< the service or scope
    std::string trigger;  ///< the timer or path; empty: none

    [[nodiscard]] const std::string& started() const { return trigger.empty() ? unit : trigger; }
};
[[nodiscard]] RunNames names_of(const RunArguments& run);

/// A timer or path starts the command, not this one.
[[nodiscard]] bool has_trigger(const RunArguments& run);

/// Asks for the units. `terminal` is the path of the service's terminal; empty: none. The answer
/// has the job's path.
[[nodiscard]] Result<Message, CallError> request_start(
    Client& client,
    const RunArguments& run,
    const RunNames& names,
    const std::string& program,
    const std::string& terminal);

}  // namespace hearth::ctl
