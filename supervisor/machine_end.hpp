// SPDX-License-Identifier: MIT
//
// How a machine ends: what is told to the keeper with the last word of a hearthd
// (init/protocol.hpp), and what a client asked for. Values.
#pragma once

#include <cstdint>
#include <string>

#include "supervisor/init/protocol.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth {

struct MachineEnd {
    keeper::Ending how = keeper::Ending::Exit;
    bool immediate = false;  ///< reboot(2) without ending or unmounting anything first
    /// reboot(2)'s, or the program to run in the new root ("": its init); a longer one is refused.
    std::string argument;
    sys::Descriptor root;  ///< SwitchRoot: the directory
    /// What runs in no unit has so long from SIGTERM to SIGKILL: DefaultTimeoutStopSec=.
    std::uint64_t timeout_microseconds = 0;
};

/// PowerOff(), Reboot() ... of the bus, SwitchRoot() with its words.
struct EndRequest {
    keeper::Ending how = keeper::Ending::Exit;
    std::string root, init;
};

/// "poweroff" ... as in names of targets.
[[nodiscard]] constexpr std::string_view name(keeper::Ending how) {
    using enum keeper::Ending;
    switch (how) {
        case Halt:
            return "halt";
        case PowerOff:
            return "poweroff";
        case Reboot:
            return "reboot";
        case KExec:
            return "kexec";
        case SwitchRoot:
            return "switch-root";
        case Exit:
            break;
    }
    return "exit";
}

}  // namespace hearth
