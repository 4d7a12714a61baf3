// SPDX-License-Identifier: MIT
//
// Where the files of transient units are: on the unit path of this hearthd, and of the next.
#pragma once

#include <string>

#include "supervisor/options.hpp"

namespace hearth {

[[nodiscard]] std::string transient_directory(const Options& options);

}  // namespace hearth
