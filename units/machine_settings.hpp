// SPDX-License-Identifier: MIT
//
// What [Manager] of systemd-system.conf(5) says of the machine itself: its hardware watchdog, and
// what follows an impatient Ctrl-Alt-Del. Only the manager of a machine acts on it (DESIGN 1).
#pragma once

#include <string>
#include <string_view>

#include "parser/result.hpp"
#include "parser/values.hpp"
#include "units/directive.hpp"
#include "units/types.hpp"

namespace hearth {

/// A time of the watchdog: 0 is off, never() what the device has already ("default").
struct MachineSettings {
    Timespan runtime_watchdog = Timespan::seconds(0);
    Timespan reboot_watchdog = Timespan::seconds(600);
    Timespan kexec_watchdog = Timespan::seconds(0);
    std::string watchdog_device = "/dev/watchdog0";
    EmergencyAction burst_action = EmergencyAction::RebootForce;

    bool operator==(const MachineSettings&) const = default;
};

// Readers of rows: an empty text is what stands above.
[[nodiscard]] Assigned read_runtime_watchdog(MachineSettings& settings, const std::string& text);
[[nodiscard]] Assigned read_reboot_watchdog(MachineSettings& settings, const std::string& text);
[[nodiscard]] Assigned read_kexec_watchdog(MachineSettings& settings, const std::string& text);
[[nodiscard]] Assigned read_watchdog_device(MachineSettings& settings, const std::string& text);
[[nodiscard]] Assigned read_burst_action(MachineSettings& settings, const std::string& text);

}  // namespace hearth
