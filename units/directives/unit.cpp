// SPDX-License-Identifier: MIT
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(const Description& description) {
    return directive<name, Section::Unit, Context::Unit, &Settings::unit, member>(description);
}

// The lists of dependencies are properties of the World (units/runtime_fields.hpp): systemd shows
// what was added to them, and the other direction too.
constexpr auto rows = std::to_array<Row>({
    row<"After", &UnitSettings::after>({
        .summary =
            "Starts this unit only after the listed units have started, and stops it before them.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "network.target",
        .properties = no_properties,
    }),
    row<"Before", &UnitSettings::before>({
        .summary = "Starts this unit before the listed units, and stops it after them.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "multi-user.target",
        .properties = no_properties,
    }),
    row<"Conflicts", &UnitSettings::conflicts>({
        .summary = "Starting this unit stops the listed units, and the other way round.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "shutdown.target",
        .properties = no_properties,
    }),
    row<"DefaultDependencies", &UnitSettings::default_dependencies>({
        .summary =
            "Orders this unit after basic system start and before shutdown, as most units need.",
        .applied =
            applied::NoEffect{"the units that it orders against are built in, and met before any "
                              "service starts"},
        .nature = Nature::Shares,
        .sample = "no",
    }),
    row<"Description", &UnitSettings::description>({
        .summary = "A short title of the unit, for people.",
        .applied = applied::Reporting{},
        .nature = Nature::Shares,
        .sample = "A warm room",
    }),
    row<"Documentation", &UnitSettings::documentation>({
        .summary = "Where to read about the unit: a list of URIs.",
        .applied = applied::Reporting{},
        .nature = Nature::Shares,
        .sample = "man:dd(1) https://example.org/heat",
    }),
    row<"RefuseManualStart", &UnitSettings::refuse_manual_start>({
        .summary = "The unit can be started as another unit's dependency only.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    row<"RefuseManualStop", &UnitSettings::refuse_manual_stop>({
        .summary = "The unit can be stopped as another unit's dependency only.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    row<"Requires", &UnitSettings::requires_>({
        .summary = "Starts the listed units too; stops this unit when one of them is stopped.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "sysinit.target",
        .properties = no_properties,
    }),
    row<"StartLimitBurst", &UnitSettings::start_limit_burst>({
        .summary = "How often the unit may start within StartLimitIntervalSec=; 0 is no limit.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "3",
    }),
    row<"StartLimitInterval", &UnitSettings::start_limit_interval>({
        .summary = "The old name of StartLimitIntervalSec=.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "30s",
        .properties = no_properties,
    }),
    row<"StartLimitIntervalSec", &UnitSettings::start_limit_interval>({
        .summary = "The time in which StartLimitBurst= starts are allowed; 0 is no limit.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "30s",
    }),
    row<"Wants", &UnitSettings::wants>({
        .summary = "Starts the listed units too, but doesn't mind when they fail.",
        .applied = applied::Graph{},
        .nature = Nature::Shares,
        .sample = "network-online.target",
        .properties = no_properties,
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> unit_rows() {
    return directives::rows;
}

}  // namespace hearth
