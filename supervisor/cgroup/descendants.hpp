// SPDX-License-Identifier: MIT
//
// Which processes belong to a unit where there is no cgroup to be born in (hearthd --user, plain
// containers): those that were launched for it, what descends from them, and orphans that came to
// hearthd, the subreaper, with the unit's INVOCATION_ID in their environment. What is found is
// remembered by pid and start time, so losing its parent doesn't hide it. Below a shim, a subreaper
// per launch, that is exact: no process can leave it. Without one, or once it was killed, a process
// that was never seen with its parent and has cleaned its environment is missed.
// Thread-safe: the loop adds, the worker may ask. Reads /proc only; follows proc(5).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::cgroup {

class Descendants {
public:
    /// A process launched for `unit`, whose environment holds INVOCATION_ID=`invocation`.
    void add(const std::string& unit, pid_t pid, const std::string& invocation);
    /// The subreaper above a launch for `unit` (init/shim.hpp); none of the unit's own processes.
    void add_shim(const std::string& unit, pid_t pid, std::uint64_t started);
    void remove_shim(const std::string& unit, pid_t pid);
    /// Whether a process lives, or a shim, which has none only for a moment.
    [[nodiscard]] bool populated(const std::string& unit);
    /// Forgets the unit.
    void remove(const std::string& unit);
    /// Those that live now, zombies left out, in ascending order.
    [[nodiscard]] std::vector<pid_t> processes(const std::string& unit);
    /// By pidfd, and only if the pid is still that of the process that was found.
    [[nodiscard]] Result<void> signal(
        const std::string& unit, pid_t pid, const sys::Signal& signal);

private:
    struct Entry {
        std::map<pid_t, std::uint64_t> known;  ///< pid to start time
        std::string invocation;
        std::map<pid_t, std::uint64_t> shims;
    };
    void look(Entry& entry) const;

    std::mutex mutex_;
    std::map<std::string, Entry> units_;
};

}  // namespace hearth::cgroup
