// SPDX-License-Identifier: MIT
//
// What TTYReset= and kin do to a terminal, by hearthd in the host's view, before a command and
// after the last one: systemd.exec(5), tty_ioctl(4), ioctl_console(2). Best effort by design: each
// part is done where the terminal takes it and passed over where not. Never makes the terminal
// hearthd's own, and never waits for it.
#pragma once

#include "supervisor/launch/plan.hpp"

namespace hearth::launch {

void prepare_terminal(const PrepareTerminal& work);

}  // namespace hearth::launch
