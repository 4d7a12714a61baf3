// SPDX-License-Identifier: MIT
//
// What system.conf says about hearthd itself, done to this process. Before any thread is made, so
// that all of them, hearth-logd and every service inherit it.
#pragma once

#include "parser/result.hpp"
#include "units/settings.hpp"

namespace hearth {

/// ManagerEnvironment=, CapabilityBoundingSet= (of all sets of capabilities(7)) and
/// NoNewPrivileges=.
[[nodiscard]] Result<void> apply_own_settings(const Settings& own);

}  // namespace hearth
