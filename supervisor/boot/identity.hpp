// SPDX-License-Identifier: MIT
//
// A machine's name and number: hostname(5) and machine-id(5).
#pragma once

#include <string>

#include "parser/result.hpp"

namespace hearth::boot {

/// sethostname(2): `wanted`, else what /etc/hostname says, else what the kernel has already, else
/// "localhost".
[[nodiscard]] Result<void> set_host_name(const std::string& wanted);

/// Leaves a valid /etc/machine-id. One that is missing, empty or "uninitialized" becomes `wanted`,
/// or that of D-Bus (/var/lib/dbus/machine-id), or a random one: written to the file; where that
/// can't be, to /run/machine-id, which is mounted on the file, and gone after the boot.
/// `first_boot`: the file was missing or "uninitialized"; then /run/systemd/first-boot is made, as
/// ConditionFirstBoot= looks for it.
[[nodiscard]] Result<void> settle_machine_id(const std::string& wanted, bool& first_boot);

}  // namespace hearth::boot
