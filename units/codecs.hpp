// SPDX-License-Identifier: MIT
//
// How the domain types of units/types.hpp are written in a unit file, printed back and sent over
// the bus: their Codec<T> (parser/codec.hpp has the contract). Grammar and merging are those of
// systemd.service(5), systemd.exec(5), systemd.kill(5) and systemd.resource-control(5); bus forms
// those of org.freedesktop.systemd1(5). Pure: names only, nothing here knows what this kernel has.
// An empty assignment resets; where the empty text is a value of its own the codec says so
// (`empty_is_a_value`), and the row then doesn't put the directive's default in its place.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "parser/codec.hpp"
#include "parser/enum_codec.hpp"
#include "parser/values.hpp"
#include "units/types.hpp"

namespace hearth {

inline constexpr auto service_type_names = std::to_array<EnumName<ServiceType>>({
    {ServiceType::Simple, "simple"},
    {ServiceType::Exec, "exec"},
    {ServiceType::Forking, "forking"},
    {ServiceType::Oneshot, "oneshot"},
    {ServiceType::Dbus, "dbus"},
    {ServiceType::Notify, "notify"},
    {ServiceType::NotifyReload, "notify-reload"},
    {ServiceType::Idle, "idle"},
});
template <>
struct Codec<ServiceType> : EnumCodec<service_type_names> {};

inline constexpr auto restart_names = std::to_array<EnumName<Restart>>({
    {Restart::No, "no"},
    {Restart::OnSuccess, "on-success"},
    {Restart::OnFailure, "on-failure"},
    {Restart::OnAbnormal, "on-abnormal"},
    {Restart::OnWatchdog, "on-watchdog"},
    {Restart::OnAbort, "on-abort"},
    {Restart::Always, "always"},
});
template <>
struct Codec<Restart> : EnumCodec<restart_names> {};

inline constexpr auto kill_mode_names = std::to_array<EnumName<KillMode>>({
    {KillMode::ControlGroup, "control-group"},
    {KillMode::Process, "process"},
    {KillMode::Mixed, "mixed"},
    {KillMode::None, "none"},
});
template <>
struct Codec<KillMode> : EnumCodec<kill_mode_names> {};

inline constexpr auto notify_access_names = std::to_array<EnumName<NotifyAccess>>({
    {NotifyAccess::None, "none"},
    {NotifyAccess::Main, "main"},
    {NotifyAccess::Exec, "exec"},
    {NotifyAccess::All, "all"},
});
template <>
struct Codec<NotifyAccess> : EnumCodec<notify_access_names> {};

inline constexpr auto exit_type_names = std::to_array<EnumName<ExitType>>({
    {ExitType::Main, "main"},
    {ExitType::Cgroup, "cgroup"},
});
template <>
struct Codec<ExitType> : EnumCodec<exit_type_names> {};

inline constexpr auto oom_policy_names = std::to_array<EnumName<OomPolicy>>({
    {OomPolicy::Continue, "continue"},
    {OomPolicy::Stop, "stop"},
    {OomPolicy::Kill, "kill"},
});
template <>
struct Codec<OomPolicy> : EnumCodec<oom_policy_names> {};

inline constexpr auto memory_pressure_watch_names = std::to_array<EnumName<MemoryPressureWatch>>({
    {MemoryPressureWatch::Auto, "auto"},
    {MemoryPressureWatch::On, "on"},
    {MemoryPressureWatch::On, "yes"},
    {MemoryPressureWatch::On, "true"},
    {MemoryPressureWatch::On, "1"},
    {MemoryPressureWatch::Off, "off"},
    {MemoryPressureWatch::Off, "no"},
    {MemoryPressureWatch::Off, "false"},
    {MemoryPressureWatch::Off, "0"},
    {MemoryPressureWatch::Skip, "skip"},
});
template <>
struct Codec<MemoryPressureWatch> : EnumCodec<memory_pressure_watch_names> {};

inline constexpr auto timeout_failure_mode_names = std::to_array<EnumName<TimeoutFailureMode>>({
    {TimeoutFailureMode::Terminate, "terminate"},
    {TimeoutFailureMode::Abort, "abort"},
    {TimeoutFailureMode::Kill, "kill"},
});
template <>
struct Codec<TimeoutFailureMode> : EnumCodec<timeout_failure_mode_names> {};

inline constexpr auto restart_mode_names = std::to_array<EnumName<RestartMode>>({
    {RestartMode::Normal, "normal"},
    {RestartMode::Direct, "direct"},
});
template <>
struct Codec<RestartMode> : EnumCodec<restart_mode_names> {};

inline constexpr auto confinement_names = std::to_array<EnumName<Confinement>>({
    {Confinement::Strict, "strict"},
    {Confinement::BestEffort, "best-effort"},
});
template <>
struct Codec<Confinement> : EnumCodec<confinement_names> {};

// A boolean that has grown more values: every spelling of a boolean is read too.
inline constexpr auto protect_system_names = std::to_array<EnumName<ProtectSystem>>({
    {ProtectSystem::No, "no"},
    {ProtectSystem::Yes, "yes"},
    {ProtectSystem::Full, "full"},
    {ProtectSystem::Strict, "strict"},
});
inline constexpr auto protect_home_names = std::to_array<EnumName<ProtectHome>>({
    {ProtectHome::No, "no"},
    {ProtectHome::Yes, "yes"},
    {ProtectHome::ReadOnly, "read-only"},
    {ProtectHome::Tmpfs, "tmpfs"},
});
template <const auto& table>
struct BooleanOrEnumCodec : EnumCodec<table> {
    using E = typename EnumCodec<table>::E;

    static Assigned assign(E& field, std::string_view text, const ValueContext& context) {
        if (!text.empty()) {
            if (const Result<bool, ValueError> boolean = read_boolean(text)) {
                field = *boolean ? E::Yes : E::No;
                return {};
            }
        }
        return EnumCodec<table>::assign(field, text, context);
    }
};
template <>
struct Codec<ProtectSystem> : BooleanOrEnumCodec<protect_system_names> {};
template <>
struct Codec<ProtectHome> : BooleanOrEnumCodec<protect_home_names> {};

inline constexpr auto runtime_preserve_names = std::to_array<EnumName<RuntimePreserve>>({
    {RuntimePreserve::No, "no"},
    {RuntimePreserve::Yes, "yes"},
    {RuntimePreserve::Restart, "restart"},
});
template <>
struct Codec<RuntimePreserve> : BooleanOrEnumCodec<runtime_preserve_names> {};

inline constexpr auto keyring_mode_names = std::to_array<EnumName<KeyringMode>>({
    {KeyringMode::Private, "private"},
    {KeyringMode::Shared, "shared"},
    {KeyringMode::Inherit, "inherit"},
});
template <>
struct Codec<KeyringMode> : EnumCodec<keyring_mode_names> {};

inline constexpr auto standard_input_names = std::to_array<EnumName<StandardInput>>({
    {StandardInput::Null, "null"},
    {StandardInput::Tty, "tty"},
    {StandardInput::TtyForce, "tty-force"},
    {StandardInput::TtyFail, "tty-fail"},
    {StandardInput::Data, "data"},
    {StandardInput::File, "file"},
    {StandardInput::Socket, "socket"},
    {StandardInput::Fd, "fd"},
});
inline constexpr auto standard_output_names = std::to_array<EnumName<StandardOutput>>({
    {StandardOutput::Inherit, "inherit"},
    {StandardOutput::Null, "null"},
    {StandardOutput::Tty, "tty"},
    {StandardOutput::Journal, "journal"},
    {StandardOutput::JournalConsole, "journal+console"},
    {StandardOutput::Kmsg, "kmsg"},
    {StandardOutput::KmsgConsole, "kmsg+console"},
    {StandardOutput::File, "file"},
    {StandardOutput::Append, "append"},
    {StandardOutput::Truncate, "truncate"},
    {StandardOutput::Socket, "socket"},
    {StandardOutput::Fd, "fd"},
    {StandardOutput::Journal, "syslog"},  // until systemd 246
    {StandardOutput::JournalConsole, "syslog+console"},
});

inline constexpr auto protect_control_groups_names = std::to_array<EnumName<ProtectControlGroups>>({
    {ProtectControlGroups::No, "no"},
    {ProtectControlGroups::Yes, "yes"},
    {ProtectControlGroups::Private, "private"},
    {ProtectControlGroups::Strict, "strict"},
});
template <>
struct Codec<ProtectControlGroups> : BooleanOrEnumCodec<protect_control_groups_names> {};

inline constexpr auto collect_mode_names = std::to_array<EnumName<CollectMode>>({
    {CollectMode::Inactive, "inactive"},
    {CollectMode::InactiveOrFailed, "inactive-or-failed"},
});
template <>
struct Codec<CollectMode> : EnumCodec<collect_mode_names> {};

inline constexpr auto emergency_action_names = std::to_array<EnumName<EmergencyAction>>({
    {EmergencyAction::None, "none"},
    {EmergencyAction::Reboot, "reboot"},
    {EmergencyAction::RebootForce, "reboot-force"},
    {EmergencyAction::RebootImmediate, "reboot-immediate"},
    {EmergencyAction::Poweroff, "poweroff"},
    {EmergencyAction::PoweroffForce, "poweroff-force"},
    {EmergencyAction::PoweroffImmediate, "poweroff-immediate"},
    {EmergencyAction::Exit, "exit"},
    {EmergencyAction::ExitForce, "exit-force"},
});
template <>
struct Codec<EmergencyAction> : EnumCodec<emergency_action_names> {};

inline constexpr auto job_mode_names = std::to_array<EnumName<JobMode>>({
    {JobMode::Replace, "replace"},
    {JobMode::Fail, "fail"},
    {JobMode::ReplaceIrreversibly, "replace-irreversibly"},
    {JobMode::Isolate, "isolate"},
    {JobMode::IgnoreDependencies, "ignore-dependencies"},
    {JobMode::IgnoreRequirements, "ignore-requirements"},
    {JobMode::Flush, "flush"},
    {JobMode::Triggering, "triggering"},
    {JobMode::RestartDependencies, "restart-dependencies"},
});
template <>
struct Codec<JobMode> : EnumCodec<job_mode_names> {};

// codecs.cpp
HEARTH_DECLARE_CODEC(StreamTarget<StandardInput>, "null|file:PATH|...", "s");
HEARTH_DECLARE_CODEC(
    StreamTarget<StandardOutput>,
    "inherit|null|journal|file:PATH|append:PATH|truncate:PATH|...",
    "s");
HEARTH_DECLARE_CODEC(
    WorkingDirectory, "absolute path or '~', '-' before it if it may be missing", "s");
HEARTH_DECLARE_CODEC(Environment, "list of NAME=VALUE", "as");
HEARTH_DECLARE_CODEC(
    std::vector<EnvironmentFile>, "absolute path, '-' before it if it may be missing", "a(sb)");
HEARTH_DECLARE_CODEC(UnitNames, "list of unit names", "as");
HEARTH_DECLARE_CODEC(ActionExitStatus, "0 to 255", "i");
HEARTH_DECLARE_CODEC(RelaxedNames, "list of directive names", "as");
HEARTH_DECLARE_CODEC(Signal, "signal", "i");
HEARTH_DECLARE_CODEC(ExitStatusSet, "list of exit statuses and signals", "(aiai)");

// service_codecs.cpp
HEARTH_DECLARE_CODEC(std::vector<PassedFile>, "PATH[:NAME[:OPTIONS]]", "a(sst)");

// path_codecs.cpp
HEARTH_DECLARE_CODEC(
    std::vector<PathEntry>, "list of absolute paths, '-' and '+' before them", "as");
HEARTH_DECLARE_CODEC(std::vector<BindEntry>, "list of SOURCE[:DESTINATION[:OPTIONS]]", "a(ssbt)");
HEARTH_DECLARE_CODEC(std::vector<TmpfsEntry>, "list of PATH[:OPTIONS]", "a(ss)");

// directory_codecs.cpp
HEARTH_DECLARE_CODEC(
    ServiceDirectories, "list of relative paths, each with ':LINK' if wanted", "as");
HEARTH_DECLARE_CODEC(ConfigurationDirectories, "list of relative paths", "as");
HEARTH_DECLARE_CODEC(SearchPath, "absolute paths, ':' between them", "as");

// credential_codecs.cpp
HEARTH_DECLARE_CODEC(
    std::vector<LoadedCredential>, "ID, or ID:PATH of a file, directory or socket", "a(ss)");
HEARTH_DECLARE_CODEC(std::vector<InlineCredential>, "ID:VALUE, with C escapes", "a(say)");

// sandbox_codecs.cpp
HEARTH_DECLARE_CODEC(AmbientSet, "list of capabilities, '~' before it inverts", "t");
HEARTH_DECLARE_CODEC(
    SystemCallFilter, "list of system calls and @groups, '~' before it inverts", "(bas)");
HEARTH_DECLARE_CODEC(SystemCallError, "errno name or number, or 'kill'", "i");
HEARTH_DECLARE_CODEC(ArchitectureSet, "list of architectures", "as");
HEARTH_DECLARE_CODEC(
    AddressFamilies, "list of address families or 'none', '~' before it inverts", "(bas)");

// namespace_codecs.cpp
HEARTH_DECLARE_CODEC(PrivateUsers, "no|yes|self|identity|full", "s");
HEARTH_DECLARE_CODEC(ProtectHostname, "no|yes|private[:NAME]", "(ss)");
HEARTH_DECLARE_CODEC(UserNamespaceRange, "auto or BASE:COUNT", "s");

// resource_codecs.cpp
HEARTH_DECLARE_CODEC(CountLimit, "NUMBER or SOFT:HARD", "t");
HEARTH_DECLARE_CODEC(SizeLimit, "SIZE or SOFT:HARD", "t");
HEARTH_DECLARE_CODEC(SecondsLimit, "time span or SOFT:HARD", "t");
HEARTH_DECLARE_CODEC(MicrosecondsLimit, "time span or SOFT:HARD", "t");
HEARTH_DECLARE_CODEC(NiceLimit, "nice level with its sign, or 1 to 40; or SOFT:HARD", "t");
HEARTH_DECLARE_CODEC(MemoryLimit, "size, percentage or 'infinity'", "t");
HEARTH_DECLARE_CODEC(TasksLimit, "number, percentage or 'infinity'", "t");
HEARTH_DECLARE_CODEC(CpuQuota, "percentage", "t");
HEARTH_DECLARE_CODEC(CpuWeight, "1 to 10000, or 'idle'", "t");

/// Unit= of timers and paths: a name of any type, and no template.
[[nodiscard]] Result<std::string, ValueError> read_triggered_unit(
    std::string_view text, const ValueContext& context);

/// a(sst): StateDirectorySymlink and kin: directory, link, flags.
void write_links(const ServiceDirectories& value, ValueSink& sink);

/// The empty text takes nothing back.
template <>
struct Codec<DependencyNames> {
    static constexpr std::string_view syntax = "list of unit names; can't be reset";
    static constexpr const char* signature = "as";
    static constexpr bool empty_is_a_value = true;
    static Assigned assign(
        DependencyNames& field, std::string_view text, const ValueContext& context);
    static std::string format(const DependencyNames& value);
    static void write(const DependencyNames& value, ValueSink& sink);
};

/// The empty text is the empty set here, not "as if never assigned".
template <>
struct Codec<BoundingSet> {
    static constexpr std::string_view syntax = Codec<AmbientSet>::syntax;
    static constexpr const char* signature = "t";
    static constexpr bool empty_is_a_value = true;
    static Assigned assign(BoundingSet& field, std::string_view text, const ValueContext& context);
    static std::string format(const BoundingSet& value);
    static void write(const BoundingSet& value, ValueSink& sink);
};

}  // namespace hearth
