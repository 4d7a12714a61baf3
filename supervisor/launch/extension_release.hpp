// SPDX-License-Identifier: MIT
//
// Whether an extension fits the system that it is laid over: os-release(5), "/usr/lib/
// extension-release.d/extension-release.IMAGE". Pure: texts in, a verdict out. What doesn't fit is
// an error that names the field with both values.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "parser/result.hpp"

namespace hearth::launch {

using ReleaseFields = std::map<std::string, std::string, std::less<>>;

/// NAME=value lines, unquoted. Lines that can't be read are skipped.
[[nodiscard]] ReleaseFields read_release(std::string_view text);

/// `machine`: uname(2)'s ("x86_64").
[[nodiscard]] Result<void> extension_fits(
    const ReleaseFields& extension, const ReleaseFields& host, std::string_view machine);

/// The IMAGE part for a path: its last name, without ".raw".
[[nodiscard]] std::string extension_name(std::string_view path);

}  // namespace hearth::launch
