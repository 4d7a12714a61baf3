// SPDX-License-Identifier: MIT
//
// `hearthctl why UNIT`: the last change of a unit, what it came from, where that came from, and so
// on across units; and what is still waited for, since when. Read from the history that the engine
// keeps (Change in units/world.hpp), nothing else: what is no longer kept is said to be so. Pure;
// times stay numbers, for the client prints them in its own zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "units/world.hpp"

namespace hearth {

/// One unit's step of the chain.
struct WhyLink {
    std::string unit;
    std::string what;  ///< "stopped", "failed", "was not started" ...
    Moment at;
    std::vector<std::string> reasons;      ///< "main process exited, ...", "BindsTo=a.service"
    std::vector<std::string> transitions;  ///< "running -> stop-sigterm", oldest first
    bool operator==(const WhyLink&) const = default;
};

struct WhyWait {
    std::string what;  ///< "the start job 2 of b.service (After=), for its start job 3"
    Moment since;
    std::optional<std::uint64_t> until;  ///< realtime; when it is given up, or goes on
    bool operator==(const WhyWait&) const = default;
};

struct Why {
    std::string unit;
    std::string active, sub;     ///< ActiveState, SubState
    std::vector<WhyLink> chain;  ///< the unit's own last change first, each because of the next
    std::vector<WhyWait> waits;
    bool operator==(const Why&) const = default;
};

[[nodiscard]] Why why(const World& world, const UnitRecord& record, Moment now);

}  // namespace hearth
