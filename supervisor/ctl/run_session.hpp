// SPDX-License-Identifier: MIT
//
// What `run` does once its unit has started: waits for the end of it, with --pty shows its terminal
// meanwhile, and says how it ended as systemd-run(1) does. A hearthd that is replaced meanwhile is
// waited for.
#pragma once

#include <string>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/terminal.hpp"

namespace hearth::ctl {

/// Waits for the unit's end; the exit status of the command.
int wait_for_service(Client& client, const Arguments& arguments, const std::string& unit);

/// The same with the unit's terminal, whose slave it has, on standard input and output. Ends also
/// where the user's terminal goes.
int show_service(
    Client& client, const Arguments& arguments, const std::string& unit, PseudoTerminal& terminal);

}  // namespace hearth::ctl
