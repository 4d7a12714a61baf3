// SPDX-License-Identifier: MIT
#include "units/directives/refused.hpp"

namespace hearth::directives {

namespace {

using Resource = Unbuilt<Section::Service, Context::Resources>;

constexpr auto rows = std::to_array<Row>({
    Resource::no_effect<"ManagedOOMMemoryPressure">(
        "What systemd-oomd does under memory pressure.", "there is no systemd-oomd here", "kill"),
    Resource::no_effect<"ManagedOOMMemoryPressureLimit">(
        "The memory pressure from which systemd-oomd acts.",
        "there is no systemd-oomd here",
        "60%"),
    Resource::no_effect<"ManagedOOMPreference">(
        "How readily systemd-oomd chooses the unit.", "there is no systemd-oomd here", "avoid"),
    Resource::no_effect<"ManagedOOMSwap">(
        "What systemd-oomd does when swap runs out.", "there is no systemd-oomd here", "kill"),
});
static_assert(sorted(rows));

}  // namespace

std::span<const Row> refused_resource_rows() {
    return rows;
}

}  // namespace hearth::directives
