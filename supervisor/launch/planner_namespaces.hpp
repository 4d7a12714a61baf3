// SPDX-License-Identifier: MIT
//
// The planner's passes about namespaces, in three files: planner_namespaces.cpp (network, IPC, UTS,
// cgroup, PID), planner_user_namespace.cpp (whether there is one, when it is entered, its maps),
// planner_namespace_mounts.cpp (what a user namespace changes about mounts).
#pragma once

#include "supervisor/launch/mounts.hpp"
#include "supervisor/launch/planner_passes.hpp"

namespace hearth::launch {

/// `planning.user_namespace`, and what falls short of it.
void decide_user_namespace(Planning& planning);
/// The preparation, and the step that enters it. The maps need the identity.
void prepare_user_namespace(Planning& planning);
/// Adds a namespace that is made in, and owned by, the prepared user namespace.
void own_in_user_namespace(Planning& planning, MakeNamespace owned);

/// The ids of the unit's User= and Group=, for all its commands.
struct UnitIds {
    std::uint32_t uid = 0, gid = 0;
};
[[nodiscard]] UnitIds unit_ids(const Planning& planning);

/// The range that UserNamespaceRange= means here, or nothing and a refusal.
[[nodiscard]] std::optional<IdRange> chosen_range(Planning& planning);

}  // namespace hearth::launch
