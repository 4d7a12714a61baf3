// SPDX-License-Identifier: MIT
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(const Description& description) {
    return directive<name, Section::Service, Context::Service, &Settings::service, member>(
        description);
}

/// systemd.service(5): a start or stop timeout of 0 is none at all.
Result<Timespan, ValueError> read_timeout(std::string_view text) {
    const Timespan span = HEARTH_TRY(read_timespan(text));
    return span.microseconds == 0 ? Timespan::never() : span;
}

Assigned assign_timeout_start(Settings& settings, std::string_view text, const ValueContext&) {
    if (text.empty()) {
        settings.service.timeout_start.reset();
        return {};
    }
    settings.service.timeout_start = HEARTH_TRY(read_timeout(text));
    return {};
}

Assigned assign_timeout_stop(Settings& settings, std::string_view text, const ValueContext&) {
    settings.service.timeout_stop =
        text.empty() ? ServiceSettings{}.timeout_stop : HEARTH_TRY(read_timeout(text));
    return {};
}

Assigned assign_timeouts(Settings& settings, std::string_view text, const ValueContext& context) {
    HEARTH_TRY(assign_timeout_start(settings, text, context));
    return assign_timeout_stop(settings, text, context);
}

constexpr std::array<Property, 1> timeout_start_property = {{
    {"TimeoutStartUSec",
     "t",
     [](const Settings& settings, ValueSink& sink) {
         const bool oneshot = settings.service.type == ServiceType::Oneshot;
         const Timespan unset = oneshot ? Timespan::never() : Timespan::seconds(90);
         sink.unsigned64(settings.service.timeout_start.value_or(unset).microseconds);
     }},
}};

constexpr std::array<Property, 1> timeout_abort_property = {{
    {"TimeoutAbortUSec",
     "t",
     [](const Settings& settings, ValueSink& sink) {
         const ServiceSettings& service = settings.service;
         sink.unsigned64(service.timeout_abort.value_or(service.timeout_stop).microseconds);
     }},
}};

constexpr std::array<Property, 1> oom_policy_property = {{
    {"OOMPolicy",
     "s",
     [](const Settings& settings, ValueSink& sink) {
         Codec<OomPolicy>::write(settings.service.oom_policy.value_or(OomPolicy::Stop), sink);
     }},
}};

/// systemd.service(5): a relative path is one below /run.
Assigned assign_pid_file(Settings& settings, std::string_view text, const ValueContext& context) {
    std::string& field = settings.service.pid_file;
    if (text.empty()) {
        field.clear();
        return {};
    }
    field = HEARTH_TRY(read_absolute_path(
        text.front() == '/' ? std::string(text) : "/run/" + std::string(text), context));
    return {};
}

// ExecStart= and kin: their properties show pids and times too, so they are live ones
// (units/runtime_fields.hpp).
template <Name name, auto member>
consteval Row command(std::string_view summary, std::string_view sample) {
    return row<name, member>({
        .summary = summary,
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = sample,
        .properties = no_properties,
    });
}

constexpr auto rows = std::to_array<Row>({
    row<"BusName", &ServiceSettings::bus_name>({
        .summary = "The D-Bus name whose appearance means that the service has started.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "org.example.Heat",
    }),
    command<"ExecCondition", &ServiceSettings::exec_condition>(
        "Commands that are run first; if one exits with 1 to 254, the start is skipped without "
        "failing.",
        "/bin/test -e /etc/heat"),
    command<"ExecReload", &ServiceSettings::exec_reload>(
        "Commands that make the service read its configuration again.", "/bin/kill -HUP $MAINPID"),
    command<"ExecStart", &ServiceSettings::exec_start>(
        "The command that is the service.", "/bin/dd if=/dev/zero of=/dev/null"),
    command<"ExecStartPost", &ServiceSettings::exec_start_post>(
        "Commands that are run once the service has started.", "-/bin/echo 'it is warm'"),
    command<"ExecStartPre", &ServiceSettings::exec_start_pre>(
        "Commands that are run before ExecStart=, in order.", "/bin/mkdir -p /tmp/heat"),
    command<"ExecStop", &ServiceSettings::exec_stop>(
        "Commands that ask the service to stop; what still runs afterwards is killed.",
        "/bin/kill -TERM $MAINPID"),
    command<"ExecStopPost", &ServiceSettings::exec_stop_post>(
        "Commands that are run after the service has ended, however it ended.",
        "/bin/rm -rf /tmp/heat"),
    row<"ExitType", &ServiceSettings::exit_type>({
        .summary = "Whether the service ends with its main process or with its last one.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "cgroup",
    }),
    row<"FileDescriptorStoreMax", &ServiceSettings::file_descriptor_store_max>({
        .summary = "How many descriptors the service may store with the manager.",
        .applied = applied::Machine{},
        .nature = Nature::Gives,
        .sample = "16",
    }),
    row<"GuessMainPID", &ServiceSettings::guess_main_pid>({
        .summary = "Guesses the main process of a Type=forking service without PIDFile=.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "no",
    }),
    row<"NonBlocking", &ServiceSettings::non_blocking>({
        .summary = "Files and sockets that are passed to the service are set non-blocking.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    row<"NotifyAccess", &ServiceSettings::notify_access>({
        .summary = "Which processes may send notifications to the manager.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "exec",
        .properties = no_properties,
    }),
    row<"OOMPolicy", &ServiceSettings::oom_policy>({
        .summary =
            "What happens when the kernel kills a process of the service for want of memory.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "kill",
        .properties = oom_policy_property,
    }),
    row<"OpenFile", &ServiceSettings::open_files>({
        .summary = "A file that is opened before the service starts and passed to it.",
        .applied = applied::Preparation{},
        .nature = Nature::Gives,
        .sample = "/etc/hosts:hosts:read-only",
        .properties = no_properties,
    }),
    row<"PIDFile", &ServiceSettings::pid_file>({
        .summary = "The file in which the service writes the number of its main process.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "/run/heat.pid",
        .assign = &assign_pid_file,
    }),
    row<"PermissionsStartOnly", &ServiceSettings::permissions_start_only>({
        .summary = "The old form of '+' before the commands other than ExecStart=.",
        .applied = applied::Loading{},
        .nature = Nature::Shares,
        .sample = "yes",
        .properties = no_properties,
    }),
    row<"RemainAfterExit", &ServiceSettings::remain_after_exit>({
        .summary = "The service counts as active when all its processes have exited.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    row<"Restart", &ServiceSettings::restart>({
        .summary = "After which ends of its process the service is started again.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "on-failure",
    }),
    row<"RestartForceExitStatus", &ServiceSettings::restart_force_exit_status>({
        .summary = "Exit statuses and signals that start the service again whatever Restart= says.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "133 SIGUSR1",
    }),
    row<"RestartMaxDelaySec", &ServiceSettings::restart_max_delay>({
        .summary = "The longest time between restarts, reached after RestartSteps=.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "1min",
        .properties = no_properties,
    }),
    row<"RestartMode", &ServiceSettings::restart_mode>({
        .summary = "Whether a restart passes through inactive or failed, where other units see it.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "direct",
        .properties = no_properties,
    }),
    row<"RestartPreventExitStatus", &ServiceSettings::restart_prevent_exit_status>({
        .summary = "Exit statuses and signals after which the service is not started again.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "CONFIG SIGKILL",
    }),
    row<"RestartSec", &ServiceSettings::restart_delay>({
        .summary = "How long to wait before the service is started again.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "5s",
        .syntax = "time span",
    }),
    row<"RestartSteps", &ServiceSettings::restart_steps>({
        .summary = "In how many steps RestartSec= grows to RestartMaxDelaySec=.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "5",
        .properties = no_properties,
    }),
    row<"RootDirectoryStartOnly", &ServiceSettings::root_directory_start_only>({
        .summary = "RootDirectory= is for ExecStart= alone.",
        .applied = applied::Loading{},
        .nature = Nature::Shares,
        .sample = "yes",
    }),
    row<"RuntimeMaxSec", &ServiceSettings::runtime_max>({
        .summary = "The service is ended, and has failed, when it has run for so long.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "1h",
    }),
    row<"RuntimeRandomizedExtraSec", &ServiceSettings::runtime_randomized_extra>({
        .summary = "A random time that is added to RuntimeMaxSec=.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "1min",
    }),
    directive<
        "StartLimitBurst",
        Section::Service,
        Context::Service,
        &Settings::unit,
        &UnitSettings::start_limit_burst>({
        .summary = "The old place of StartLimitBurst= of [Unit].",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "3",
        .properties = no_properties,
    }),
    directive<
        "StartLimitInterval",
        Section::Service,
        Context::Service,
        &Settings::unit,
        &UnitSettings::start_limit_interval>({
        .summary = "The old name and place of StartLimitIntervalSec= of [Unit].",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "30s",
        .properties = no_properties,
    }),
    row<"SuccessExitStatus", &ServiceSettings::success_exit_status>({
        .summary = "Further exit statuses and signals that count as success.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "TEMPFAIL 250 SIGKILL",
    }),
    row<"TimeoutAbortSec", &ServiceSettings::timeout_abort>({
        .summary = "How long the service may take to end when its watchdog has aborted it.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "20s",
        .properties = timeout_abort_property,
    }),
    row<"TimeoutSec", &ServiceSettings::timeout_start>({
        .summary = "Sets TimeoutStartSec= and TimeoutStopSec= at once.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "30s",
        .properties = no_properties,
        .assign = &assign_timeouts,
    }),
    row<"TimeoutStartFailureMode", &ServiceSettings::timeout_start_failure_mode>({
        .summary = "How the service is ended when its start takes too long.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "abort",
    }),
    row<"TimeoutStartSec", &ServiceSettings::timeout_start>({
        .summary = "How long each step of the start may take; 0 or infinity is no limit.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "30s",
        .properties = timeout_start_property,
        .assign = &assign_timeout_start,
    }),
    row<"TimeoutStopFailureMode", &ServiceSettings::timeout_stop_failure_mode>({
        .summary = "How the service is ended when its stop takes too long.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "kill",
    }),
    row<"TimeoutStopSec", &ServiceSettings::timeout_stop>({
        .summary =
            "How long each step of the stop may take before SIGKILL; 0 or infinity is no limit.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "30s",
        .assign = &assign_timeout_stop,
    }),
    row<"Type", &ServiceSettings::type>({
        .summary = "When the service counts as started.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "oneshot",
    }),
    row<"WatchdogSec", &ServiceSettings::watchdog>({
        .summary = "How often the service must say that it is alive.",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "30s",
        .properties = no_properties,
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> service_rows() {
    return directives::rows;
}

}  // namespace hearth
