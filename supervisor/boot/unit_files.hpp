// SPDX-License-Identifier: MIT
//
// What a boot's unit path has besides the files of packages and administrators: generators' output
// (systemd.generator(7)), in three directories of three priorities, and behind all the targets of a
// boot, built in. Written anew at the start and with each daemon-reload; never for a guest. What
// was there is replaced as a whole when all is written; where a generator fails, what it may have
// made before stays.
//
// Blocks while generators run, at most for `generator_time`: for the start, and for the worker.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "parser/diagnostic.hpp"
#include "supervisor/boot/generators.hpp"
#include "units/kernel_command_line.hpp"

namespace hearth::boot {

inline constexpr std::chrono::seconds generator_time(90);

struct Places {
    /// The three of systemd.generator(7), in its order: normal, early, late.
    std::string generator = "/run/systemd/generator";
    std::string early = "/run/systemd/generator.early";
    std::string late = "/run/systemd/generator.late";
    std::string built_in;  ///< RUNTIME/boot
    std::string fstab = "/etc/fstab";
    std::vector<std::string> generators = generator_directories();
};

struct Asked {
    Places places;
    KernelCommandLine kernel;
    bool is_machine = true;
    bool first_boot = false;
    /// "vm:qemu", "container:docker"; empty: none, or not known
    std::string virtualization;
    std::string architecture;  ///< as ConditionArchitecture= has it
};

struct Written {
    Diagnostics diagnostics;            ///< of fstab
    std::vector<std::string> problems;  ///< and what else is to be told, a line each
};

[[nodiscard]] Written write_unit_files(const Asked& asked);

}  // namespace hearth::boot
