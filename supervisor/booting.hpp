// SPDX-License-Identifier: MIT
//
// What a hearthd that boots (Options::boots) does beside the others: before its first unit, and at
// each daemon-reload. The parts are in supervisor/boot; here they are told of. For a guest nothing
// of this is ever called.
#pragma once

#include "supervisor/boot/unit_files.hpp"
#include "supervisor/options.hpp"

namespace hearth {

/// Once for a boot, before anything is loaded: prepares the machine, writes generated units.
/// Blocks.
void begin_boot(const Options& options);

/// What is to be written into the generators' directories.
[[nodiscard]] boot::Asked boot_files(const Options& options);

/// Into the log.
void tell(const boot::Written& written);

}  // namespace hearth
