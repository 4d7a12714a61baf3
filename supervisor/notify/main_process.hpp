// SPDX-License-Identifier: MIT
//
// Which process is the main one of a forking service: what its PID file says, judged as
// systemd.service(5) has it (PIDFile=), or a guess from what lives in its cgroup (GuessMainPID=).
// Reads files that others write and that may hang: called on the worker. Nothing is logged; an
// answer without a pid says why, for a person.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::notify {

struct MainSearch {
    pid_t pid = 0;  ///< 0: none
    std::string why;
};

/// `members`: the processes of the unit's cgroup. A file of an unprivileged user, or one that is
/// reached through what an unprivileged user can change, counts only for one of them.
[[nodiscard]] MainSearch main_by_pid_file(
    const std::string& path, const std::vector<pid_t>& members, pid_t control);

/// The only member that is a child of `parent` (a daemon's parent is gone), if there is just one.
[[nodiscard]] MainSearch guess_main(const std::vector<pid_t>& members, pid_t control, pid_t parent);

struct OpenedPath {
    sys::Descriptor descriptor;  ///< O_PATH
    bool questionable = false;   ///< an unprivileged owner leads on to what another one owns
};
/// Opens `path` component by component, symbolic links followed.
[[nodiscard]] Result<OpenedPath> open_judged(const std::string& path);

}  // namespace hearth::notify
