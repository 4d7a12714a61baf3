// SPDX-License-Identifier: MIT
//
// hearthd's own log: one line per message on stderr (DESIGN 6). Only supervisor/ logs; parser/ and
// units/ return diagnostics. A unit's own output never comes here, it goes to hearth-logd.
#pragma once

#include <string_view>

#include "parser/diagnostic.hpp"

namespace hearth::log {

enum class Level : std::uint8_t { Debug, Information, Notice, Warning, Error };

/// Once, before anything is logged. `timestamps`: with the time before each line (not under a
/// logger that adds its own).
void start(Level minimum, bool timestamps);
/// From now on to the kernel's log (/dev/kmsg, as `dmesg` shows it), for a machine that has no
/// other log yet. There Information and less are of the level debug: consoles don't show them.
/// False: it can't be opened, and nothing has changed.
bool to_kernel_log();
/// By syslog(3)'s names, from "emerg" to "debug", what is written from now on; false: no such name.
bool set_level(std::string_view name);
[[nodiscard]] std::string level_name();
void write(Level level, std::string_view message);
/// `heat.service: main process exited ...`
void write(Level level, std::string_view unit, std::string_view message);
/// A load diagnostic in its one-line form.
void write(const Diagnostic& diagnostic);
void write(const Diagnostics& diagnostics);
[[nodiscard]] Level level_of(Severity severity);

}  // namespace hearth::log
