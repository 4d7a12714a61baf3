// SPDX-License-Identifier: MIT
#include "units/directives/row.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth {

namespace directives {
namespace {

// hearth's own settings, in a section that systemd passes over: no properties of systemd's
// interfaces.
template <Name name, auto member>
consteval Row row(
    std::string_view summary,
    std::string_view sample,
    Applied applied = applied::Loading{},
    std::optional<AssignFunction> assign = std::nullopt) {
    return directive<name, Section::Hearth, Context::Hearth, &Settings::hearth, member>({
        .summary = summary,
        .applied = applied,
        .nature = Nature::Shares,
        .sample = sample,
        .properties = no_properties,
        .assign = assign,
    });
}

/// One command: the last assignment counts.
Assigned assign_health_check(
    Settings& settings, std::string_view text, const ValueContext& context) {
    CommandLines made;
    HEARTH_TRY(Codec<CommandLines>::assign(made, text, context));
    if (made.size() > 1) {
        return bad_value("HealthCheck= is one command", "put several into a script");
    }
    settings.hearth.health_check = std::move(made);
    return {};
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
    row<"Essential", &HearthSettings::essential>(
        "When the service ends for good, hearthd stops all others and exits with its status.",
        "yes",
        applied::Machine{}),
    row<"HealthCheck", &HearthSettings::health_check>(
        "A command that is run again and again while the service runs; exit status 0 is healthy.",
        "/bin/test -e /run/heat",
        applied::Machine{},
        &assign_health_check),
    row<"HealthCheckIntervalSec", &HearthSettings::health_interval>(
        "How long to wait between health checks.", "10s", applied::Machine{}),
    row<"HealthCheckRetries", &HearthSettings::health_retries>(
        "How many health checks in a row must fail to end the service, with result watchdog.",
        "5",
        applied::Machine{}),
    row<"HealthCheckStartPeriodSec", &HearthSettings::health_start_period>(
        "For how long after the start failed health checks don't count.",
        "1min",
        applied::Machine{}),
    row<"HealthCheckTimeoutSec", &HearthSettings::health_timeout>(
        "How long a health check may take before it counts as failed.", "5s", applied::Machine{}),
    row<"RelaxConfinement", &HearthSettings::relax_confinement>(
        "Directives that may fall short, each by its name; the report then says what is missing.",
        "PrivateTmp ProtectSystem"),
    row<"RestartJitterSec", &HearthSettings::restart_jitter>(
        "A random time up to this is added to each wait for an automatic restart.",
        "2s",
        applied::Machine{}),
    row<"RestartResetSec", &HearthSettings::restart_reset>(
        "A service that was up for so long begins anew with RestartSec= when it fails.",
        "10min",
        applied::Machine{}),
    row<"ResumeWith", &HearthSettings::resume_with>(
        "When the service was stopped, or not started, for a failure of what it needs (Requires=, "
        "Requisite=, BindsTo=), it is started as soon as all of that is active again.",
        "yes",
        applied::Graph{}),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> hearth_rows() {
    return directives::rows;
}

}  // namespace hearth
