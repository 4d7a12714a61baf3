// SPDX-License-Identifier: MIT
//
// The units that a boot goes by, systemd.special(7) and bootup(7), as unit files: for the machine,
// or container that boots, whose unit path has no files for them. They stand behind all other
// directories of the path, so any file of that name wins, and drop-ins and .wants/ of anywhere
// apply. A guest never has them: there they are met already (units/special.hpp). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "units/generated_unit.hpp"

namespace hearth {

/// What of the programs that these units run is there; empty: it is not.
struct BootPrograms {
    std::string sulogin, shell;  ///< of rescue.service and emergency.service
    std::string agetty, getty;   ///< util-linux's, busybox's
    std::string sysctl, modprobe, tmpfiles, fsck;
    std::string control;                    ///< hearthctl: how a rescue shell goes on with the boot
    std::vector<std::string> modules;       ///< of modules-load.d(5) and modules_load=
    std::vector<std::string> sysctl_files;  ///< sysctl.d(5)'s, in the order in which they apply
};

/// The modules that a file of modules-load.d(5) names.
[[nodiscard]] std::vector<std::string> modules_of(std::string_view text);

/// Targets, the two shells, login prompts as templates, and what loads modules, kernel settings and
/// temporary files where their tools are there and systemd's own units are not.
[[nodiscard]] std::vector<GeneratedUnit> boot_units(const BootPrograms& programs);

/// What keeps units of systemd's own daemons from failing at each boot: its journal is
/// hearth-logd's work (masked), udevd opens its own sockets, logind is skipped where no message bus
/// runs. Written where generators write, so a file in /etc wins. For a machine that has these
/// daemons.
[[nodiscard]] std::vector<GeneratedUnit> units_beside_systemd();

/// Links that pull in serial-getty@ for each serial console and getty@tty1, as
/// systemd-getty-generator(8) does. `consoles`: of the kernel's command line.
/// `has_virtual_terminals`: whether there is a /dev/tty1.
[[nodiscard]] std::vector<GeneratedUnit> getty_units(
    const std::vector<std::string>& consoles, bool has_virtual_terminals);

}  // namespace hearth
