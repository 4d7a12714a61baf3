// SPDX-License-Identifier: MIT
#include "units/machine_settings.hpp"

#include "parser/unit_file.hpp"
#include "units/codecs.hpp"

namespace hearth {

namespace {

Assigned read_time(Timespan& time, Timespan otherwise, const std::string& text) {
    if (text.empty()) {
        time = otherwise;
    } else if (text == "off") {
        time = Timespan::seconds(0);
    } else if (text == "default") {
        time = Timespan::never();
    } else {
        time = HEARTH_TRY(read_timespan(text));
    }
    return {};
}

}  // namespace

Assigned read_runtime_watchdog(MachineSettings& settings, const std::string& text) {
    return read_time(settings.runtime_watchdog, MachineSettings{}.runtime_watchdog, text);
}

Assigned read_reboot_watchdog(MachineSettings& settings, const std::string& text) {
    return read_time(settings.reboot_watchdog, MachineSettings{}.reboot_watchdog, text);
}

Assigned read_kexec_watchdog(MachineSettings& settings, const std::string& text) {
    return read_time(settings.kexec_watchdog, MachineSettings{}.kexec_watchdog, text);
}

Assigned read_watchdog_device(MachineSettings& settings, const std::string& text) {
    if (!text.empty() && !text.starts_with('/')) {
        return Unexpected(ValueError{"expected an absolute path, such as /dev/watchdog0", "", 0});
    }
    settings.watchdog_device = text.empty() ? MachineSettings{}.watchdog_device : text;
    return {};
}

Assigned read_burst_action(MachineSettings& settings, const std::string& text) {
    if (text.empty()) {
        settings.burst_action = MachineSettings{}.burst_action;
        return {};
    }
    return Codec<EmergencyAction>::assign(settings.burst_action, text, ValueContext{});
}

}  // namespace hearth
