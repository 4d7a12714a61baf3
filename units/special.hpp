// SPDX-License-Identifier: MIT
//
// Units that exist without a file. Where hearth is a guest or a container (DESIGN 1), the targets
// of systemd.special(7) that order a boot are built in and active from the start: the host has
// booted already, and its files for them are not read. A service may order itself against them or
// require them; both are met. Slices that exist everywhere are in the list too.
#pragma once

#include <span>
#include <string_view>

namespace hearth {

/// Names, sorted.
[[nodiscard]] std::span<const std::string_view> built_in_units();

[[nodiscard]] bool is_built_in_unit(std::string_view name);

/// Whether it is active from the start: all are, save those that end a boot (shutdown.target and
/// its kin) or interrupt one, and what runs for real only under systemd.
[[nodiscard]] bool is_active_built_in(std::string_view name);

}  // namespace hearth
