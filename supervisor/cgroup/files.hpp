// SPDX-License-Identifier: MIT
//
// The handful of things one does with a cgroup directory, by absolute path, in either version:
// make, remove with all below, list its processes, read numbers. A directory that vanishes
// meanwhile counts as empty. Errors name the path. Follows cgroup-v2.rst and cgroup-v1/cgroups.rst.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::cgroup {

/// True where it was made, false where it existed.
[[nodiscard]] Result<bool> make_directory(const std::string& path);
/// rmdir of everything below, then of itself. EBUSY where processes remain; missing is fine.
[[nodiscard]] Result<void> remove_directory(const std::string& path);
/// Names of the cgroups in a cgroup, sorted; none where it is missing.
[[nodiscard]] Result<std::vector<std::string>> children(const std::string& path);
/// Adds the processes of a cgroup and of all below it.
[[nodiscard]] Result<void> collect_processes(const std::string& path, std::vector<pid_t>& pids);
/// The processes of this cgroup alone. 0 stands for one of another PID namespace.
[[nodiscard]] Result<std::vector<pid_t>> own_processes(const std::string& path);
/// A file that holds one number.
[[nodiscard]] std::optional<std::uint64_t> read_number(const std::string& path);
/// The number behind `key` in a file of "key number" lines.
[[nodiscard]] std::optional<std::uint64_t> read_keyed(
    const std::string& path, std::string_view key);
/// An eventfd that v1's memory controller signals when a cgroup (a directory of that hierarchy)
/// runs out of memory, a moment before it kills.
[[nodiscard]] Result<sys::Descriptor> watch_v1_memory(const std::string& directory);
/// The words of a file, such as cgroup.controllers.
[[nodiscard]] Result<std::vector<std::string>> read_words(const std::string& path);

/// v1 alone: nothing can join a new cgroup of the cpuset controller before it has CPUs and nodes.
/// Gives `directory` its parent's, where it has none yet.
[[nodiscard]] Result<void> inherit_cpuset(const std::string& directory);

}  // namespace hearth::cgroup
