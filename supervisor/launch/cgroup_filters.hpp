// SPDX-License-Identifier: MIT
//
// From a plan's FilterCgroup to the programs that the kernel runs: device names and interfaces are
// looked up now, as the launcher sees them; the rest is pure (cgroup/bpf_program.hpp). The report
// makes the same programs again to compare their tags with the kernel's.
#pragma once

#include <vector>

#include "parser/result.hpp"
#include "supervisor/cgroup/bpf_program.hpp"
#include "supervisor/launch/plan.hpp"

namespace hearth::launch {

/// Of one directive's programs; an error names the device that is missing or not known.
struct CgroupFilters {
    std::vector<cgroup::BpfProgram> devices, addresses, binds, interfaces;
    [[nodiscard]] std::vector<cgroup::BpfProgram> all() const;
};

/// A device that doesn't exist is no error: it can't be opened anyway, and systemd passes over it.
[[nodiscard]] Result<CgroupFilters> cgroup_filters(const FilterCgroup& filter);

/// The numbers of a rule's devices: none, one, or one per class that a pattern matches.
/// `proc_devices`: the text of /proc/devices.
[[nodiscard]] std::vector<cgroup::DeviceNumbers> class_devices(
    const DeviceRule& rule, std::string_view proc_devices);

}  // namespace hearth::launch
