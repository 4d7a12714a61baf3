// SPDX-License-Identifier: MIT
//
// read_paths(): what the paths that a unit's checks are about (asked_paths()) are in the service's
// view. The kernel looks each up below the process's root, so that links, stacked mounts and `..`
// mean what they mean to the service; nothing is opened but O_PATH, nothing below is followed out
// of it. May block on a file system of the service's own (worker thread only). Follows openat2(2),
// statx(2).
#pragma once

#include <string>

#include "supervisor/report/report.hpp"

namespace hearth::report {

/// Fills in `paths`, `devices`, `root` and `expected_root`. `process`: "/proc/PID".
void read_paths(KernelView& view, const Question& question, const std::string& process);

}  // namespace hearth::report
