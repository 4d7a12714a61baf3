// SPDX-License-Identifier: MIT
//
// Who holds up a stop: the units that are being stopped, since when, how long they are waited for,
// and what each of their processes waits in, by /proc. Reading may hang on a process that does: on
// a worker only. What is read is a picture of one moment, and a stranger's names are made
// printable.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "units/world.hpp"

namespace hearth {

struct BlockingProcess {
    pid_t pid = 0;
    std::string name;   ///< /proc/PID/comm
    std::string state;  ///< "D", as in ps(1)
    std::string
        wchan;         ///< the kernel's function that it sleeps in; empty: it runs, or none is told
    std::string call;  ///< the system call, by name; empty: not known
    std::string path;  ///< of the file that the call is about, where that is a descriptor
    bool operator==(const BlockingProcess&) const = default;
};

struct Blocker {
    std::string unit;
    std::string doing;                  ///< sub-state: "stop-sigterm"
    std::uint64_t since = 0;            ///< microseconds ago: it stopped being active
    std::optional<std::uint64_t> left;  ///< microseconds until hearthd does more; none: no limit
    std::vector<pid_t> pids;
    std::vector<BlockingProcess> processes;
    bool operator==(const Blocker&) const = default;
};

/// Of units that are being stopped now, the longest first; without processes. `now`: monotonic.
[[nodiscard]] std::vector<Blocker> find_blockers(const World& world, std::uint64_t now);

/// Looks at each of `pids`; those that are gone are left out. May block.
[[nodiscard]] std::vector<BlockingProcess> look_at(const std::vector<pid_t>& pids);

/// For a console: numbered from 1.
[[nodiscard]] std::string blockers_text(const std::vector<Blocker>& blockers);
/// A list of objects: unit, doing, since_usec, left_usec (null: no limit), processes.
[[nodiscard]] std::string to_json(const std::vector<Blocker>& blockers);

}  // namespace hearth
