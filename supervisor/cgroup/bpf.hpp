// SPDX-License-Identifier: MIT
//
// Loads BPF programs and attaches them to cgroups of the v2 tree, by bpf(2) alone. A program stays
// attached as long as its cgroup exists and nobody detaches it; hearthd holds no descriptor, so its
// death changes nothing. Ours are told from others' by their name (`hearth_` and a number made of
// their code): attaching twice is attaching once, and what is no longer wanted goes only after its
// successor is in place. Others' programs are never touched.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "parser/result.hpp"
#include "supervisor/cgroup/bpf_program.hpp"

namespace hearth::cgroup {

/// For each hook that occurs in `programs`: exactly those of ours are attached to the cgroup whose
/// v2 directory this is. An empty list for a hook: `hooks` says which are to be emptied.
[[nodiscard]] Result<void> attach(
    const std::string& directory,
    const std::vector<BpfProgram>& programs,
    const std::vector<Hook>& hooks);

/// The kernel's tags (16 hexadecimal digits) of all programs at that hook of that very cgroup.
[[nodiscard]] Result<std::vector<std::string>> attached_tags(
    const std::string& directory, Hook hook);

/// The tag that the kernel gives to this program: it is loaded, asked, and forgotten.
[[nodiscard]] Result<std::string> tag_of(const BpfProgram& program);

/// Why this kernel or our privileges don't allow programs for the hook, or nothing.
[[nodiscard]] std::optional<std::string> why_not(Hook hook);

/// The pinned program is attached to the cgroup, where it isn't already; it is told from others by
/// the kernel's number for it. Never detached: it goes with the cgroup.
[[nodiscard]] Result<void> attach_pinned(
    const std::string& directory, const PinnedProgram& program);
/// Whether it is, and its tag.
struct PinnedState {
    bool attached = false;
    std::string tag;
};
[[nodiscard]] Result<PinnedState> pinned_state(
    const std::string& directory, const PinnedProgram& program);

struct AddressCounters {
    std::uint64_t ingress_bytes = 0, ingress_packets = 0, egress_bytes = 0, egress_packets = 0;
};
/// What IPAccounting= counted in that cgroup since its programs were attached; nothing without it.
[[nodiscard]] std::optional<AddressCounters> address_counters(const std::string& directory);

}  // namespace hearth::cgroup
