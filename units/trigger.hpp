// SPDX-License-Identifier: MIT
//
// What timers, paths, automounts and sockets have in common: a unit that they start. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "units/unit.hpp"

namespace hearth {

/// Unit= of a timer or path, or the service of the same name; the mount of an automount; the
/// service of a socket. Empty: units of that type trigger nothing, or (Accept=yes) none by name.
[[nodiscard]] std::string triggered_unit(const Unit& unit);

/// A point from `from` to `from + accuracy`, such that those of many timers fall together: the
/// later ones of whole minutes, tens of seconds, seconds, quarters of a second, each `shift`ed by
/// the same amount on one machine.
[[nodiscard]] std::uint64_t wake_within(
    std::uint64_t from, std::uint64_t accuracy, std::uint64_t shift);

/// A number of `name`'s own on the machine that `machine` stands for.
[[nodiscard]] std::uint64_t fixed_number(std::uint64_t machine, const std::string& name);

}  // namespace hearth
