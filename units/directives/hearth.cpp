// SPDX-License-Identifier: MIT
#include "units/directives/row.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth {

namespace directives {
namespace {

// hearth's own settings, in a section that systemd passes over: no properties of systemd's
// interfaces.
template <Name name, auto member>
consteval Row row(std::string_view summary, std::string_view sample) {
    return directive<name, Section::Hearth, Context::Hearth, &Settings::hearth, member>({
        .summary = summary,
        .applied = applied::Loading{},
        .nature = Nature::Shares,
        .sample = sample,
        .properties = no_properties,
    });
}

constexpr auto rows = std::to_array<Row>({
    directive<
        "Cgroup",
        Section::Hearth,
        Context::Hearth,
        &Settings::hearth,
        &HearthSettings::cgroup_knobs>({
        .summary = "A file of the service's cgroup that no directive stands for, and its value.",
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "memory.swappiness=10",
        .properties = no_properties,
    }),
    row<"Confinement", &HearthSettings::confinement>(
        "Whether the service may start with less confinement than it asks for.", "best-effort"),
    row<"ControlAccess", &HearthSettings::control_access>(
        "Whether the service's own processes may change things over hearthd's bus; unset: if its "
        "bounding set keeps CAP_SYS_ADMIN.",
        "yes"),
    row<"RelaxConfinement", &HearthSettings::relax_confinement>(
        "Directives that may fall short, each by its name; the report then says what is missing.",
        "PrivateTmp ProtectSystem"),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> hearth_rows() {
    return directives::rows;
}

}  // namespace hearth
