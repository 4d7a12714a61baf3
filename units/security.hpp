// SPDX-License-Identifier: MIT
//
// The exposure score of `hearthctl security`, as `systemd-analyze security` has it: each directive
// that could confine a service has a weight (its row's `exposure`; where a directive has parts,
// such as the capabilities, the parts' in security.cpp), and the score is the share of the weights
// that the service leaves open, from 0.0 (nothing) to 10.0 (everything). Pure. It judges what the
// unit asks, or where it runs what the kernel was seen to do: what isn't verified counts as not
// asked.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "units/unit.hpp"

namespace hearth {

struct ExposureRow {
    std::string name;  ///< "ProtectHome", "CapabilityBoundingSet=~CAP_SYS_ADMIN"
    std::string_view summary;
    std::uint32_t weight = 0;
    double open = 0;      ///< 0: closed, 1: wide open
    double exposure = 0;  ///< its share of the score
    bool unverified = false;

    bool operator==(const ExposureRow&) const = default;
};

struct Exposure {
    double score = 0;  ///< 0.0 to 10.0, one decimal
    std::vector<ExposureRow> rows;
    /// "SAFE", "OK", "MEDIUM", "EXPOSED", "UNSAFE": systemd's words
    [[nodiscard]] std::string_view level() const;
};

/// `unverified`: directives that were asked for and not seen to hold.
[[nodiscard]] Exposure exposure(const Unit& unit, const std::set<std::string>& unverified = {});

}  // namespace hearth
