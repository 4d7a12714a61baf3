// SPDX-License-Identifier: MIT
//
// The predefined sets of system calls of SystemCallFilter= (systemd.exec(5), table "Currently
// predefined system call sets"), as systemd 252 has them: @default, @system-service, @privileged
// ... A group may contain groups. Names only: which calls an architecture or a kernel has is
// decided where the filter is compiled.
#pragma once

#include <span>
#include <string_view>

namespace hearth {

struct SystemCallGroup {
    std::string_view name;                      ///< "@aio"
    std::span<const std::string_view> members;  ///< sorted; calls, and groups with their '@'
};

/// All groups, by name.
[[nodiscard]] std::span<const SystemCallGroup> system_call_groups();

/// The group, or null.
[[nodiscard]] const SystemCallGroup* find_system_call_group(std::string_view name);

/// Whether systemd 252 knows a call of this name on any architecture.
[[nodiscard]] bool is_known_system_call(std::string_view name);

/// Calls `visit(call)` for each call of the group and of the groups in it; a call may come twice.
template <class Visitor>
void for_each_call(const SystemCallGroup& group, const Visitor& visit) {
    for (const std::string_view member : group.members) {
        if (!member.starts_with('@')) {
            visit(member);
        } else if (const SystemCallGroup* const inner = find_system_call_group(member)) {
            for_each_call(*inner, visit);
        }
    }
}

}  // namespace hearth
