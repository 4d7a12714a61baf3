// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "units/loader.hpp"

namespace hearth {

/// The specifier facts of this machine, gathered once. `directories_root`: a prefix for the places
/// of the directories of services ("/srv/test" makes "/srv/test/var/lib"); not for a user's own.
/// `root`: where the system lies that machine-id(5) and os-release(5) are read from.
[[nodiscard]] LoadContext gather_load_context(
    bool user, const std::string& directories_root = {}, const std::string& root = {});

}  // namespace hearth
