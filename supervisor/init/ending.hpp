// SPDX-License-Identifier: MIT
//
// The end of a machine, as its first process does it once hearthd has stopped all units: the rest
// is left to hearth-shutdown, a program beside this one that may allocate and may hang; then
// sync(2) and reboot(2). Every wait is bounded: a hearth-shutdown that is missing, or hangs on a
// dead file system, delays the end and doesn't prevent it. Allocates nothing.
#pragma once

#include "supervisor/init/protocol.hpp"
#include "supervisor/init/world.hpp"

namespace hearth::keeper {

/// What a Stopped said.
struct Verdict {
    Ending how = Ending::Exit;
    bool immediate = false;
    int root = -1;              ///< SwitchRoot: the directory to be the root; ours
    int32_t patience = 90'000;  ///< milliseconds from SIGTERM to SIGKILL for what still runs
    char argument[longest_name + 1] = {};
};
/// Of the packet and the descriptor that came along; a number of a newer hearthd powers off.
Verdict verdict_of(const Packet& packet, int descriptor);

struct Place {
    const char* shutdown_program = nullptr;  ///< path of hearth-shutdown
    int signals = -1;                        ///< of open_signals()
    int watchdog = -1;                       ///< the open watchdog device, for hearth-shutdown
    const OomScore* score = nullptr;
};

/// Comes back only where the kernel refuses, or the new root has nothing to run; it was told.
void end_machine(const Verdict& verdict, const Place& place);

}  // namespace hearth::keeper
