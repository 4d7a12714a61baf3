// SPDX-License-Identifier: MIT
//
// Which processes belong to a unit where there is no cgroup to be born in (hearthd --user, plain
// containers): those that were launched for it, what descends from them, and orphans that came to
// hearthd, the subreaper, with the unit's INVOCATION_ID in their environment. What is found is
// remembered by pid and start time, so losing its parent doesn't hide it; a process that was never
// seen with its parent and has cleaned its environment is missed, which no cgroup would.
// Thread-safe: the loop adds, the worker may ask. Reads /proc only; follows proc(5).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "parser/result.hpp"

namespace hearth::cgroup {

class Descendants {
public:
    /// A process launched for `unit`, whose environment holds INVOCATION_ID=`invocation`.
    void add(const std::string& unit, pid_t pid, const std::string& invocation);
    /// Forgets the unit.
    void remove(const std::string& unit);
    /// Those that live now, zombies left out, in ascending order.
    [[nodiscard]] std::vector<pid_t> processes(const std::string& unit);
    /// By pidfd, and only if the pid is still that of the process that was found.
    [[nodiscard]] Result<void> signal(const std::string& unit, pid_t pid, int signal);

private:
    struct Entry {
        std::map<pid_t, std::uint64_t> known;  ///< pid to start time
        std::string invocation;
    };
    void look(Entry& entry) const;

    std::mutex mutex_;
    std::map<std::string, Entry> units_;
};

}  // namespace hearth::cgroup
