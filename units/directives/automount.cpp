// SPDX-License-Identifier: MIT
//
// [Automount], systemd.automount(5).
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(std::string_view summary, std::string_view sample) {
    return directive<name, Section::Automount, Context::Automount, &Settings::automount, member>({
        .summary = summary,
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = sample,
    });
}

/// systemd.automount(5): infinity and 0 are both no timeout.
Assigned assign_idle(Settings& settings, std::string_view text, const ValueContext&) {
    const Timespan span = text.empty() ? Timespan{} : HEARTH_TRY(read_timespan(text));
    settings.automount.timeout_idle = span.is_infinite() ? Timespan{} : span;
    return {};
}

constexpr auto rows = std::to_array<Row>({
    row<"DirectoryMode", &AutomountSettings::directory_mode>(
        "The mode of directories that are made because the automount point is missing.", "0700"),
    row<"ExtraOptions", &AutomountSettings::extra_options>(
        "More mount options of the autofs mount itself.", "nosuid"),
    directive<
        "TimeoutIdleSec",
        Section::Automount,
        Context::Automount,
        &Settings::automount,
        &AutomountSettings::timeout_idle>({
        .summary = "Unmounts what nobody has used for so long; 0: never.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "10min",
        .assign = &assign_idle,
    }),
    directive<
        "Where",
        Section::Automount,
        Context::Automount,
        &Settings::automount,
        &AutomountSettings::where>({
        .summary = "The automount point; the unit's name says the same, escaped.",
        .applied = applied::Loading{},
        .nature = Nature::Shares,
        .sample = "/srv/x",
        .assign = &assign_path<&Settings::automount, &AutomountSettings::where>,
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> automount_rows() {
    return directives::rows;
}

}  // namespace hearth
