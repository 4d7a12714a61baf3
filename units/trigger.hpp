// SPDX-License-Identifier: MIT
//
// What timers, paths, automounts and sockets have in common: a unit that they start. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "units/world.hpp"

namespace hearth {

struct Outcome;

/// Unit= of a timer or path, or the service of the same name; the mount of an automount; the
/// service of a socket. Empty: units of that type trigger nothing, or (Accept=yes) none by name.
[[nodiscard]] std::string triggered_unit(const Unit& unit);

/// Why one of them does not start.
struct StartRefusal {
    ServiceResult result;
    std::string cause;
};
/// Counts a start of `record`, whose result is a success from here on. Or why there is none:
/// `triggered`, its `kind` ("unit", "mount"), is not loaded, or its start limit is hit. `now`:
/// monotonic. What StartLimitAction= asks for is added to `outcome`.
[[nodiscard]] std::optional<StartRefusal> begin_start(
    UnitRecord& record,
    const UnitRecord* triggered,
    std::string_view kind,
    std::uint64_t now,
    Outcome& outcome);

/// A point from `from` to `from + accuracy`, such that those of many timers fall together: the
/// later ones of whole minutes, tens of seconds, seconds, quarters of a second, each `shift`ed by
/// the same amount on one machine.
[[nodiscard]] std::uint64_t wake_within(
    std::uint64_t from, std::uint64_t accuracy, std::uint64_t shift);

/// A number of `name`'s own on the machine that `machine` stands for.
[[nodiscard]] std::uint64_t fixed_number(std::uint64_t machine, const std::string& name);

}  // namespace hearth
