// SPDX-License-Identifier: MIT
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(
    std::string_view summary,
    std::string_view sample,
    std::optional<std::span<const Property>> properties = std::nullopt) {
    return directive<name, Section::Service, Context::Kill, &Settings::kill, member>({
        .summary = summary,
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = sample,
        .properties = properties,
    });
}

constexpr std::array<Property, 1> restart_signal_property = {{
    {"RestartKillSignal",
     "i",
     [](const Settings& settings, ValueSink& sink) {
         sink.signed32(settings.kill.restart_signal.value_or(settings.kill.signal).number);
     }},
}};

constexpr auto rows = std::to_array<Row>({
    row<"FinalKillSignal", &KillSettings::final_signal>(
        "The signal that ends what survives the stop timeout.", "SIGQUIT"),
    row<"KillMode", &KillSettings::mode>(
        "Which processes of the service are killed when it stops.", "mixed"),
    row<"KillSignal", &KillSettings::signal>("The signal that asks the service to stop.", "SIGINT"),
    row<"ReloadSignal", &KillSettings::reload_signal>(
        "The signal that asks a Type=notify-reload service to reload.", "SIGUSR1", no_properties),
    row<"RestartKillSignal", &KillSettings::restart_signal>(
        "The signal that asks the service to stop when it is to be restarted.",
        "SIGUSR1",
        restart_signal_property),
    row<"SendSIGHUP", &KillSettings::send_hangup>(
        "Sends SIGHUP right after KillSignal=, for shells and the like.", "yes"),
    row<"SendSIGKILL", &KillSettings::send_kill>("Kills what is left after TimeoutStopSec=.", "no"),
    row<"WatchdogSignal", &KillSettings::watchdog_signal>(
        "The signal that ends a service whose watchdog has run out.", "SIGQUIT"),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> kill_rows() {
    return directives::rows;
}

}  // namespace hearth
