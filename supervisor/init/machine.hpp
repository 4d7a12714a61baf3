// SPDX-License-Identifier: MIT
//
// What only PID 1 of a machine does: the mounts that a kernel hands over without, a console, and a
// shell on it where hearthd can't be started. Everything that can wait for hearthd is done by
// hearthd (supervisor/boot). Nothing here allocates; what fails is said, and the boot goes on.
#pragma once

#include <stdint.h>

namespace hearth::keeper {

/// /proc, /sys, /dev, /dev/pts, /dev/shm, /run and cgroup2 on /sys/fs/cgroup, each unless something
/// is mounted there; then /dev/console as descriptors 0 to 2, each unless it is open. Works on an
/// initramfs's root as on a real one, read-only too where the directories are there.
void prepare_machine();

/// A shell on /dev/console, for the one who sits there: sulogin(8), which asks for root's password,
/// and only where the machine has none, /bin/sh. Its process id; 0: it couldn't be started.
int32_t start_rescue_shell();

}  // namespace hearth::keeper
