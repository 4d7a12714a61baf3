// SPDX-License-Identifier: MIT
//
// systemd.generator(7): programs that write unit files for a boot. Run in parallel, each in a
// process group of its own, with the three directories as arguments and nothing of ours but
// standard output and error. One that isn't done in time is killed with its group, and what it
// wrote stays. Blocks; for the start, and for the worker. Never for a guest.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace hearth::boot {

/// The directories of generators, the preferred first.
[[nodiscard]] const std::vector<std::string>& generator_directories();

/// Paths, sorted by name; of one name the first directory's counts, and an empty file or a link to
/// /dev/null there means none. systemd's own for fstab, login prompts and the kernel's command line
/// are left out: hearth does their work (docs/decisions/0021).
[[nodiscard]] std::vector<std::string> find_generators(const std::vector<std::string>& directories);

struct GeneratorRun {
    /// normal, early, late
    std::vector<std::string> arguments;
    /// NAME=VALUE: the whole of it
    std::vector<std::string> environment;
    std::chrono::milliseconds time = std::chrono::seconds(90);
};
/// What has failed, a line each.
[[nodiscard]] std::vector<std::string> run_generators(
    const std::vector<std::string>& generators, const GeneratorRun& run);

}  // namespace hearth::boot
