// SPDX-License-Identifier: MIT
//
// Whom the kernel killed when a cgroup ran out of memory: it says so in its log alone. Follows the
// log by /dev/kmsg from the moment it is opened, and never waits. The kernel may leave a victim out
// when it kills many at once, and the log may be closed to us: then nobody knows. Follows the
// kernel's Documentation/ABI/testing/dev-kmsg.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::cgroup {

struct Victim {
    pid_t pid = 0;
    std::string name;
    std::string cgroup;       ///< as the kernel names it, from the hierarchy's own root
    std::uint64_t bytes = 0;  ///< that were in memory
    bool operator==(const Victim&) const = default;
};

/// Puts the lines of the log together. Pure.
class Victims {
public:
    /// One record of /dev/kmsg. What did not come from the kernel itself is passed over: everybody
    /// who may write to the log could name a victim.
    void read(std::string_view record);
    /// Those killed in the cgroup whose path ends with `cgroup`, or below it; they are forgotten.
    [[nodiscard]] std::vector<Victim> take(std::string_view cgroup);

private:
    std::map<pid_t, Victim> chosen_;  ///< named, their size not yet told
    std::vector<Victim> killed_;      ///< a bounded number, oldest first
};

class KernelLog {
public:
    /// From now on. An error is kept: why_not().
    void open();
    [[nodiscard]] std::vector<Victim> victims(std::string_view cgroup);
    /// Why the log can't be read; empty where it can.
    [[nodiscard]] const std::string& why_not() const { return why_not_; }

private:
    sys::Descriptor log_;
    std::string why_not_ = "it was not opened";
    Victims victims_;
};

}  // namespace hearth::cgroup
