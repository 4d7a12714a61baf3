// SPDX-License-Identifier: MIT
//
// Writes the limits of a plan to the kernel: before a launch on the launcher's thread, and for a
// unit that runs on hearthd's own. Only system calls, no state. `asked` is set to what asked for
// the knob that failed, null where it was none. Follows cgroup-v2.rst and cgroup-v1/.
#pragma once

#include "parser/result.hpp"
#include "supervisor/cgroup/tree.hpp"
#include "supervisor/launch/plan.hpp"

namespace hearth::launch {

/// The directory, with the controllers that it joins, passes on and withholds; no knobs.
[[nodiscard]] Result<void> make_cgroup(const cgroup::Tree& tree, const MakeCgroup& cgroup);
/// In order; a soft one may fail.
[[nodiscard]] Result<void> write_knobs(
    const cgroup::Tree& tree, const MakeCgroup& cgroup, const Asked*& asked);
/// Exactly these programs of ours are attached.
[[nodiscard]] Result<void> attach_filters(const cgroup::Tree& tree, const FilterCgroup& filter);
/// Makes the slice's cgroup where it is missing, too.
[[nodiscard]] Result<void> limit_slice(
    const cgroup::Tree& tree, const LimitSlice& slice, const Asked*& asked);

/// The slice's BPF programs alone.
[[nodiscard]] Result<void> filter_slice(const cgroup::Tree& tree, const LimitSlice& slice);

/// `cgroup` as it replaces `before` on a unit that runs: what is no longer asked is written back to
/// the kernel's default. Knobs that depend on each other (v1's memory and memory+swap) are tried in
/// both orders.
[[nodiscard]] Result<void> change_limits(
    const cgroup::Tree& tree,
    const MakeCgroup& before,
    const MakeCgroup& cgroup,
    const Asked*& asked);

/// The unit's processes join the v1 hierarchies that `before` had not.
[[nodiscard]] Result<void> join_hierarchies(
    const cgroup::Tree& tree, const MakeCgroup& before, const MakeCgroup& cgroup);

}  // namespace hearth::launch
