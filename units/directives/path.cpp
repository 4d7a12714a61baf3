// SPDX-License-Identifier: MIT
//
// [Path], systemd.path(5).
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

/// One of the lists of paths: they share a field, for the empty text takes back all of them.
template <PathCondition condition>
struct OfCondition {
    static Assigned assign(Settings& settings, std::string_view text, const ValueContext& context) {
        if (text.empty()) {
            settings.path.specs = {};
            return {};
        }
        settings.path.specs.specs.push_back(
            {condition, HEARTH_TRY(read_absolute_path(text, context))});
        return {};
    }
    static std::string format(const Settings& settings) {
        std::string text;
        for (const PathSpec& each : settings.path.specs.specs) {
            if (each.condition == condition) {
                text += (text.empty() ? "" : "\n") + each.path;
            }
        }
        return text;
    }
    static bool is_default(const Settings& settings) {
        return std::ranges::count(settings.path.specs.specs, condition, &PathSpec::condition) == 0;
    }
};

template <PathCondition condition>
consteval Row watched(std::string_view name, std::string_view summary, std::string_view sample) {
    return {
        .name = name,
        .section = Section::Path,
        .context = Context::Path,
        .summary = summary,
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = sample,
        .syntax = "absolute path; several add up to a list",
        .assign = &OfCondition<condition>::assign,
        .format = &OfCondition<condition>::format,
        .is_default = &OfCondition<condition>::is_default,
        .properties = no_properties,
    };
}

template <Name name, auto member>
consteval Row row(std::string_view summary, std::string_view sample) {
    return directive<name, Section::Path, Context::Path, &Settings::path, member>({
        .summary = summary,
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = sample,
    });
}

constexpr auto rows = std::to_array<Row>({
    row<"DirectoryMode", &PathSettings::directory_mode>(
        "The mode of directories that MakeDirectory= makes.", "0700"),
    watched<PathCondition::DirectoryNotEmpty>(
        "DirectoryNotEmpty", "Starts the unit while this directory holds something.", "/srv/in"),
    row<"MakeDirectory", &PathSettings::make_directory>(
        "Makes the watched paths as directories before they are watched; not those of PathExists=.",
        "yes"),
    watched<PathCondition::Changed>(
        "PathChanged",
        "Starts the unit when this is changed and closed, or comes or goes.",
        "/srv/f"),
    watched<PathCondition::Exists>(
        "PathExists", "Starts the unit while there is something at this path.", "/srv/f"),
    watched<PathCondition::ExistsGlob>(
        "PathExistsGlob", "Starts the unit while something matches this pattern.", "/srv/*.job"),
    watched<PathCondition::Modified>(
        "PathModified", "As PathChanged=, and at each write too.", "/srv/f"),
    row<"TriggerLimitBurst", &PathSettings::trigger_limit_burst>(
        "How often the unit may be started within TriggerLimitIntervalSec=.", "20"),
    row<"TriggerLimitIntervalSec", &PathSettings::trigger_limit_interval>(
        "The time within which TriggerLimitBurst= counts; 0: no limit.", "10s"),
    directive<"Unit", Section::Path, Context::Path, &Settings::path, &PathSettings::unit>({
        .summary = "The unit that is started; by default the service of the same name.",
        .applied = applied::Loading{},
        .nature = Nature::Shares,
        .sample = "x.service",
        .properties = no_properties,
        .assign = &assign_triggered_unit<&Settings::path, &PathSettings::unit>,
        .syntax = "unit name",
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> path_rows() {
    return directives::rows;
}

}  // namespace hearth
