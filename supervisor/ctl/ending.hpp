// SPDX-License-Identifier: MIT
//
// The end of a machine from the command line: poweroff, reboot, halt and kin; shutdown(8), halt(8),
// telinit(8) and runlevel(8) as names of hearthctl.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "parser/result.hpp"

namespace hearth::ctl {

/// Where `program` (argv[0]) is one of those names: what running it came to.
[[nodiscard]] std::optional<int> run_as(
    const std::string& program, const std::vector<std::string>& words);

/// A line of text to the terminals of all who are logged in (utmp(5)); never blocks on one.
void tell_everybody(const std::string& text);

// ---- shutdown(8) --------------------------------------------------------------------------------

struct ShutdownCommand {
    enum class Action : std::uint8_t {
        PowerOff,
        Reboot,
        Halt,
        KExec,
        WallOnly,
        Cancel,
        Show,
        Help
    };
    Action action = Action::PowerOff;
    bool no_wall = false;
    std::optional<std::uint64_t> at;  ///< seconds of CLOCK_REALTIME; none: now
    bool waits = false;  ///< --wait: the process of the unit that a time is waited for in
    std::string message;
};

/// `now`: seconds of CLOCK_REALTIME; `midnight` of this day, local time.
[[nodiscard]] Result<ShutdownCommand> read_shutdown(
    const std::vector<std::string>& words, std::uint64_t now, std::uint64_t midnight);

}  // namespace hearth::ctl
