// SPDX-License-Identifier: MIT
//
// run_probe(): starts hearth-probe inside a running unit's sandbox: the plan of its main process
// with another program (passed by descriptor), in a cgroup of its own below the unit's, with the
// activation's own namespaces and private directories. A try may kill the probe: then it is started
// again for the tries that are left. Blocks; a thread of its own, never the loop's. What it makes
// on the host (a file in /tmp, a segment, a socket) is gone when it returns.
#pragma once

#include <string>

#include "supervisor/cgroup/tree.hpp"
#include "supervisor/launch/launcher.hpp"
#include "units/unit.hpp"

namespace hearth {

struct ProbeJob {
    Unit unit;
    launch::Plan plan;
    launch::Activation activation;  ///< duplicates: directories stay the unit's
    std::string cgroup;             ///< a new one below the unit's
    std::string program;            ///< path of hearth-probe
};

/// JSON for the client, or why nothing could be tried at all.
[[nodiscard]] Result<std::string> run_probe(ProbeJob job, const cgroup::Tree& tree);

/// The unit's plan with another program: streams replaced by the slots "stdin", "stdout", "stderr",
/// its cgroup by `cgroup`, with its limits or without (below the unit's own, whose they are). Pure.
[[nodiscard]] launch::Plan with_another_program(
    launch::Plan plan, const std::string& cgroup, bool with_limits = false);

}  // namespace hearth
