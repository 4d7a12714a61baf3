// SPDX-License-Identifier: MIT
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

// [Install] is read when the unit is enabled; a running unit has no properties of it.
template <Name name, auto member>
consteval Row row(std::string_view summary, std::string_view sample) {
    return directive<name, Section::Install, Context::Install, &Settings::install, member>({
        .summary = summary,
        .applied = applied::Loading{},
        .nature = Nature::Shares,
        .sample = sample,
        .properties = no_properties,
    });
}

constexpr auto rows = std::to_array<Row>({
    row<"Alias", &InstallSettings::alias>(
        "Further names under which the unit is installed.", "warmth.service"),
    row<"Also", &InstallSettings::also>(
        "Units that are enabled and disabled together with this one.", "heat-log.service"),
    row<"DefaultInstance", &InstallSettings::default_instance>(
        "The instance that enabling a template enables.", "main"),
    row<"RequiredBy", &InstallSettings::required_by>(
        "Units that get a Requires= on this one when it is enabled.", "multi-user.target"),
    row<"UpheldBy", &InstallSettings::upheld_by>(
        "Units that get an Upholds= on this one when it is enabled.", "multi-user.target"),
    row<"WantedBy", &InstallSettings::wanted_by>(
        "Units that get a Wants= on this one when it is enabled.", "multi-user.target"),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> install_rows() {
    return directives::rows;
}

}  // namespace hearth
