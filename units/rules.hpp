// SPDX-License-Identifier: MIT
//
// Rules across the directives of one unit, each with a stable id that people can search for: what
// systemd itself refuses to load, what hearth doesn't build yet, what is doubtful. A rule reads a
// Unit and says what it found; it changes nothing and knows nothing of the host (that is the
// planner's judgement). Severity::Error stops a start.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "units/unit.hpp"

namespace hearth {

struct Finding {
    std::string_view id;  ///< "exec-start-missing"
    Diagnostic diagnostic;
    bool bad_setting = false;  ///< systemd wouldn't load the unit either

    bool operator==(const Finding&) const = default;
};

/// What load_unit() applies: refusals, and doubts that systemd tells at load, too. `guest`: the
/// unit's actions can't end the machine.
[[nodiscard]] std::vector<Finding> load_findings(const Unit& unit, bool guest = true);

/// What only `hearthctl lint` tells: directives without effect, combinations that miss their aim.
[[nodiscard]] std::vector<Finding> advice(const Unit& unit);

/// Directives that each are right and don't go together: lint's advice, too.
[[nodiscard]] std::vector<Finding> contradictions(const Unit& unit);

/// Whether the unit lets `directive` fall short, by RelaxConfinement= or, for what confines or
/// gives, by Confinement=best-effort.
[[nodiscard]] bool is_relaxed(const Unit& unit, std::string_view directive);

/// The unit as if it did not ask for `directive`; nothing where it can't be taken back.
[[nodiscard]] std::optional<Unit> without(Unit unit, std::string_view directive);

/// The id and the sentence of each rule, sorted, for the manual.
struct Rule {
    std::string_view id;
    std::string_view summary;
};
[[nodiscard]] std::vector<Rule> rules();

}  // namespace hearth
