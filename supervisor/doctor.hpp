// SPDX-License-Identifier: MIT
//
// `hearthctl doctor`: what this kernel and this level of privilege can't give, and which directives
// each missing piece breaks, before anything is started. One table of facilities, doctor.cpp: how
// each is looked for and what needs it. What needs it is, wherever the planner knows the facility,
// the planner's own answer: every directive's sample is planned on a host that has everything and
// on one that lacks only this. For the rest the table names the directives. Blocks for some tens of
// milliseconds (worker).
#pragma once

#include <string>
#include <vector>

#include "supervisor/launch/host.hpp"
#include "units/unit.hpp"

namespace hearth::doctor {

/// How a unit would fare: made where units and their commands are known.
struct UnitVerdict {
    Unit unit;
    Diagnostics refusals, shortfalls;
    std::string drop_in;  ///< the smallest one that would let it start
};

struct Facility {
    std::string name, detail;
    bool given = false;
    std::vector<std::string> breaks;  ///< directives that can't be given without it
};

[[nodiscard]] std::vector<Facility> facilities(
    const launch::Host& host, const std::string& runtime_directory);

/// {"facilities": [{"name", "given", "detail", "breaks": []}], "units": [{"unit", "given",
/// "refusals": [], "shortfalls": [], "drop_in"}]}
[[nodiscard]] std::string to_json(
    const std::vector<Facility>& facilities, const std::vector<UnitVerdict>& units);

}  // namespace hearth::doctor
