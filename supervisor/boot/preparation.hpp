// SPDX-License-Identifier: MIT
//
// What hearthd does for a machine before its first unit, beside what the keeper has done
// (supervisor/init/machine.hpp): the root as fstab wants it, host name, machine id, the loopback
// interface, links and further mounts that programs expect. Called once for each boot, never by a
// hearthd that takes over, never by a guest. What fails is told and the boot goes on: a machine
// without its name is better than none.
#pragma once

#include <string>
#include <vector>

#include "parser/diagnostic.hpp"
#include "units/kernel_command_line.hpp"

namespace hearth::boot {

struct Prepared {
    bool first_boot = false;  ///< machine-id(5): also told by /run/systemd/first-boot
    std::vector<std::string> problems;
};

/// A machine's.
[[nodiscard]] Prepared prepare_machine(const KernelCommandLine& kernel);
/// A container's own part: the machine id and the loopback interface; its runtime has done the
/// rest.
[[nodiscard]] Prepared prepare_container();

}  // namespace hearth::boot
