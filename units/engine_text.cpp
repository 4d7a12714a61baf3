// SPDX-License-Identifier: MIT
//
// What the engine's records look like to a person.
#include <fmt/format.h>

#include <csignal>

#include "units/engine.hpp"
#include "units/names.hpp"

namespace hearth {

namespace {

std::string short_signal_name(int signal) {
    const std::string full = signal_name(signal);
    return full.starts_with("SIG") ? full.substr(3) : full;
}

}  // namespace

std::string describe_exit(int code, int status) {
    switch (code) {
        case CLD_EXITED: {
            const auto known = exit_status_name(status);
            return known ? fmt::format("code=exited, status={}/{}", status, *known)
                         : fmt::format("code=exited, status={}", status);
        }
        case CLD_KILLED:
            return fmt::format("code=killed, status={}/{}", status, short_signal_name(status));
        case CLD_DUMPED:
            return fmt::format("code=dumped, status={}/{}", status, short_signal_name(status));
        default:
            return fmt::format("code={}, status={}", code, status);  // no CLD_* that ends a process
    }
}

std::string describe(const Transition& transition) {
    const bool at_rest =
        transition.to == ServiceState::Failed || transition.to == ServiceState::Dead;
    std::string text = fmt::format(
        "{} -> {}",
        sub_state(transition.unit, transition.from),
        sub_state(transition.unit, transition.to));
    if (at_rest && transition.result != ServiceResult::Success) {
        text += fmt::format(" (result '{}')", name(transition.result));
    }
    if (!transition.cause.empty()) {
        text += ": " + transition.cause;
    }
    return text;
}

std::string describe(const Requester& requester) {
    const std::string& command = requester.command;
    if (requester.pid == 0 && !command.empty()) {
        return command;
    }
    return requester.pid == 0 ? fmt::format("a process (uid {})", requester.uid)
                              : fmt::format(
                                    "{} (pid {}, uid {})",
                                    command.empty() ? "a process" : command,
                                    requester.pid,
                                    requester.uid);
}

}  // namespace hearth
