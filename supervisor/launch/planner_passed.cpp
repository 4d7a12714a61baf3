// SPDX-License-Identifier: MIT
//
// What a service is passed beside its streams: the descriptors that it stored and the files of
// OpenFile=, from descriptor 3 on, by the protocol of sd_listen_fds(3); and the ways in which it
// talks to the manager, sd_notify(3). Only ExecStart= gets descriptors.
#include <fcntl.h>

#include <string>
#include <utility>

#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/planner_passes.hpp"
#include "units/codecs.hpp"

namespace hearth::launch {

namespace {

int flags_of(const PassedFile& file, bool non_blocking) {
    return (file.read_only ? O_RDONLY : O_RDWR) | (file.append ? O_APPEND : 0) |
           (file.truncate ? O_TRUNC : 0) | (non_blocking ? O_NONBLOCK : 0) | O_NOCTTY;
}

}  // namespace

void pass_descriptors(Planning& planning) {
    const Invocation& invocation = planning.invocation;
    if (invocation.control || invocation.attach) {
        return;
    }
    planning.plan.passed = invocation.stored;
    const ServiceSettings& service = planning.settings.service;
    for (std::size_t index = 0; index < service.open_files.size(); ++index) {
        const PassedFile& file = service.open_files[index];
        OpenFile preparation;
        preparation.slot = "file-" + std::to_string(index);
        preparation.path = file.path;
        preparation.flags = flags_of(file, service.non_blocking);
        preparation.mode = 0;
        preparation.optional = file.graceful;
        preparation.connect = true;
        planning.plan.passed.push_back({preparation.slot, file.name});
        planning.prepare(
            std::move(preparation), planning.asked("OpenFile", file.path), descriptors_status);
    }
    if (invocation.watchdog_microseconds != 0) {
        planning.plan.own_pid_variables.emplace_back("WATCHDOG_PID");
    }
}

}  // namespace hearth::launch
