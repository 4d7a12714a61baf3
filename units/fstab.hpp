// SPDX-License-Identifier: MIT
//
// fstab(5) as unit files, as systemd-fstab-generator(8) writes them, with the x-systemd.* options
// of systemd.mount(5). For a hearthd that boots a machine or container alone (DESIGN 1): a guest's
// fstab is its host's. Pure: a text in, texts out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parser/diagnostic.hpp"
#include "units/generated_unit.hpp"

namespace hearth {

struct Fstab {
    std::vector<GeneratedUnit> units;
    Diagnostics diagnostics;  ///< lines that can't be a unit, and options that have no effect
};

/// The options of the root's line; empty: there is none.
[[nodiscard]] std::string root_options_of_fstab(std::string_view text);

/// What there is beside mount(8) to do as a line asks.
struct FstabTools {
    /// File systems that systemd-fsck@.service can check: those with a fsck.TYPE.
    std::vector<std::string> checked_types = {};
    bool operator==(const FstabTools&) const = default;
};

/// `path` is for messages and SourcePath=. The root is left out, and what the keeper mounts before
/// all (/proc, /dev ...).
[[nodiscard]] Fstab units_of_fstab(
    std::string_view text, const std::string& path, const FstabTools& tools = {});

}  // namespace hearth
