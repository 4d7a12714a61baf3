// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Unit = Unbuilt<Section::Unit, Context::Unit>;

constexpr auto rows = std::to_array<Row>({
    Unit::no_effect<"JobTimeoutRebootArgument">(
        "The argument of the reboot after a job's timeout.",
        "a reboot that a unit's action causes has no argument; `hearthctl reboot ARGUMENT` has",
        "x"),
    Unit::no_effect<"RebootArgument">(
        "The argument of a reboot that the unit's actions cause.",
        "a reboot that a unit's action causes has no argument; `hearthctl reboot ARGUMENT` has",
        "x"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_unit_rows() {
    return rows;
}

}  // namespace hearth::directives
