// SPDX-License-Identifier: MIT
//
// What a unit asks for, as plain structs by concern: the fields behind the directive rows. Every
// field has its systemd default; std::optional means "not set" where that differs from any value.
// A field belongs to exactly one row of units/directives/*. Nothing here says whether the host can
// give it: that is the planner's judgement. A default-constructed Settings is an empty unit file.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "parser/command_line.hpp"
#include "parser/compiled_once.hpp"
#include "units/process_types.hpp"
#include "units/resource_types.hpp"
#include "units/trigger_types.hpp"
#include "units/types.hpp"

namespace hearth {

struct UnitSettings {  // [Unit], systemd.unit(5)
    std::string description;
    std::vector<std::string> documentation;
    Timespan start_limit_interval = Timespan::seconds(10);
    std::uint32_t start_limit_burst = 5;
    bool default_dependencies = true;
    // What the text says; what is implied beside it is in Unit::dependencies
    // (units/dependency.hpp).
    DependencyNames after, before, wants, requires_, requisite, binds_to, part_of, upholds,
        conflicts, on_failure, on_success, propagates_reload_to, reload_propagated_from,
        propagates_stop_to, stop_propagated_from;
    std::vector<AbsolutePath> requires_mounts_for, wants_mounts_for;
    JobMode on_failure_job_mode = JobMode::Replace;
    JobMode on_success_job_mode = JobMode::Fail;
    std::vector<Condition> conditions, asserts;
    bool refuse_manual_start = false;
    bool refuse_manual_stop = false;
    bool allow_isolate = false;
    bool ignore_on_isolate = false;  ///< the loader's default is yes for slices, mounts ...
    bool stop_when_unneeded = false;
    CollectMode collect_mode = CollectMode::Inactive;
    Timespan job_timeout = Timespan::never();
    Timespan job_running_timeout = Timespan::never();
    EmergencyAction failure_action = EmergencyAction::None;
    EmergencyAction success_action = EmergencyAction::None;
    EmergencyAction start_limit_action = EmergencyAction::None;
    EmergencyAction job_timeout_action = EmergencyAction::None;
    std::string reboot_argument, job_timeout_reboot_argument;
    ActionExitStatus failure_action_exit_status, success_action_exit_status;
    std::string source_path;

    bool operator==(const UnitSettings&) const = default;
};

struct InstallSettings {  // [Install]; read by enable, no effect on a running unit
    UnitNames wanted_by, required_by, upheld_by, also, alias;
    std::string default_instance;

    bool operator==(const InstallSettings&) const = default;
};

using CommandLines = std::vector<CommandLine>;

struct ServiceSettings {  // [Service], systemd.service(5)
    ServiceType type = ServiceType::Simple;
    CommandLines exec_condition, exec_start_pre, exec_start, exec_start_post;
    CommandLines exec_reload, exec_stop, exec_stop_post;
    Restart restart = Restart::No;
    Timespan restart_delay = Timespan::milliseconds(100);
    std::optional<Timespan> timeout_start;  ///< unset: 90 s, infinity for oneshot
    Timespan timeout_stop = Timespan::seconds(90);
    std::optional<Timespan> timeout_abort;
    TimeoutFailureMode timeout_start_failure_mode = TimeoutFailureMode::Terminate;
    TimeoutFailureMode timeout_stop_failure_mode = TimeoutFailureMode::Terminate;
    Timespan runtime_max = Timespan::never();
    Timespan runtime_randomized_extra;
    Timespan watchdog;  ///< 0: none
    std::uint32_t restart_steps = 0;
    Timespan restart_max_delay = Timespan::never();
    RestartMode restart_mode = RestartMode::Normal;
    std::string pid_file, bus_name;
    ExitType exit_type = ExitType::Main;
    std::optional<NotifyAccess> notify_access;  ///< unset: main where the type notifies, else none
    std::uint32_t file_descriptor_store_max = 0;
    std::vector<PassedFile> open_files;
    bool non_blocking = false;
    std::optional<OomPolicy> oom_policy;  ///< unset: stop
    bool root_directory_start_only = false;
    bool permissions_start_only = false;
    bool remain_after_exit = false;
    bool guess_main_pid = true;
    ExitStatusSet success_exit_status, restart_prevent_exit_status, restart_force_exit_status;

    bool operator==(const ServiceSettings&) const = default;
};

struct KillSettings {  // systemd.kill(5)
    KillMode mode = KillMode::ControlGroup;
    Signal signal{15};
    std::optional<Signal> restart_signal;  ///< unset: `signal`
    bool send_hangup = false;
    bool send_kill = true;
    Signal final_signal{9};
    Signal watchdog_signal{6};
    Signal reload_signal{1};  ///< Type=notify-reload

    bool operator==(const KillSettings&) const = default;
};

struct LimitSettings {  // Limit*=, setrlimit(2); unset: inherited
    std::optional<SecondsLimit> cpu;
    std::optional<SizeLimit> file_size, data, stack, core, resident_set, address_space,
        locked_memory, message_queue;
    std::optional<CountLimit> open_files, processes, locks, pending_signals, realtime_priority;
    std::optional<MicrosecondsLimit> realtime_time;
    std::optional<NiceLimit> nice;

    bool operator==(const LimitSettings&) const = default;
};

struct SchedulingSettings {  // systemd.exec(5), Scheduling, and what is set like it
    std::optional<CpuSchedulingPolicy> cpu_policy;
    std::int32_t cpu_priority = 0;
    bool cpu_reset_on_fork = false;
    CpuAffinity cpu_affinity;
    std::optional<NumaPolicy> numa_policy;
    NumaMask numa_mask;
    std::optional<IoSchedulingClass> io_class;
    std::optional<std::int32_t> io_priority;
    std::optional<TimerSlack> timer_slack;
    CoredumpFilter coredump_filter;

    bool operator==(const SchedulingSettings&) const = default;
};

struct TerminalSettings {  // TTY*=, and what StandardInput=data is fed with
    std::string path;      ///< empty: /dev/console
    bool reset = false, vhangup = false, vt_disallocate = false;
    std::uint16_t rows = 0, columns = 0;  ///< 0: the kernel's
    InputData input_data;

    bool operator==(const TerminalSettings&) const = default;
};

struct ExecSettings {  // systemd.exec(5), without confinement
    std::string user, group;
    std::vector<std::string> supplementary_groups;
    WorkingDirectory working_directory;
    std::string root_directory;
    Mode umask{0022};
    std::optional<std::int32_t> nice;
    std::optional<std::int32_t> oom_score_adjust;
    bool ignore_sigpipe = true;
    Environment environment;
    std::vector<EnvironmentFile> environment_files;
    std::vector<std::string> pass_environment, unset_environment;
    StreamTarget<StandardInput> standard_input{StandardInput::Null, {}};
    StreamTarget<StandardOutput> standard_output{StandardOutput::Journal, {}};
    StreamTarget<StandardOutput> standard_error{StandardOutput::Inherit, {}};
    std::string syslog_identifier;
    LimitSettings limits;
    SchedulingSettings scheduling;
    TerminalSettings terminal;

    bool operator==(const ExecSettings&) const = default;
};

struct IdentitySettings {  // systemd.exec(5), who runs and with what around it
    bool dynamic_user = false;
    bool remove_ipc = false;
    KeyringMode keyring_mode = KeyringMode::Private;  ///< the loader: Inherit for a user's manager
    /// unset: where User= or DynamicUser= is; $HOME and kin
    std::optional<bool> set_login_environment;
    SearchPath exec_search_path;

    bool operator==(const IdentitySettings&) const = default;
};

struct DirectorySettings {  // systemd.exec(5), the directories made for a service
    ServiceDirectories state, cache, logs, runtime;
    ConfigurationDirectories configuration;
    Mode state_mode{0755}, cache_mode{0755}, logs_mode{0755}, runtime_mode{0755},
        configuration_mode{0755};
    RuntimePreserve runtime_preserve = RuntimePreserve::No;
    Timespan timeout_clean = Timespan::never();

    bool operator==(const DirectorySettings&) const = default;
};

struct CredentialSettings {  // systemd.exec(5), Credentials
    std::vector<LoadedCredential> load;
    std::vector<InlineCredential> set;

    bool operator==(const CredentialSettings&) const = default;
};

struct SandboxSettings {  // systemd.exec(5), what confines
    BoundingSet capability_bounding_set;
    AmbientSet ambient_capabilities;
    bool no_new_privileges = false;
    SystemCallFilter system_call_filter;
    SystemCallError system_call_error_number;
    ArchitectureSet system_call_architectures;
    AddressFamilies restrict_address_families;
    bool lock_personality = false;
    bool restrict_realtime = false;
    bool restrict_suid_sgid = false;
    bool memory_deny_write_execute = false;
    bool private_network = false;
    PrivateTmp private_tmp;
    bool private_devices = false;
    bool private_ipc = false;
    bool private_mounts = false;
    ProtectHostname protect_hostname;
    bool protect_kernel_tunables = false;
    bool protect_kernel_modules = false;
    bool protect_kernel_logs = false;
    ProtectControlGroups protect_control_groups = ProtectControlGroups::No;
    bool protect_clock = false;
    ProtectSystem protect_system = ProtectSystem::No;
    ProtectHome protect_home = ProtectHome::No;
    std::vector<PathEntry> read_write_paths, read_only_paths, inaccessible_paths;
    std::vector<BindEntry> bind_paths, bind_read_only_paths;
    std::vector<TmpfsEntry> temporary_file_systems;
    std::optional<bool> mount_api_vfs;  ///< unset: yes with a root directory
    SecureBits secure_bits;
    NamespaceRestriction restrict_namespaces;
    SystemCallLog system_call_log;
    Personality personality;
    SecurityLabel apparmor_profile, selinux_context, smack_process_label;
    std::string seccomp_profile;  ///< [X-Hearth]: path of a Docker/OCI seccomp profile

    bool operator==(const SandboxSettings&) const = default;
};

struct NamespaceSettings {  // systemd.exec(5), whose namespaces a service has
    std::string network_namespace_path, ipc_namespace_path;  ///< empty: none is joined
    UnitNames joins_namespace_of;
    PrivateUsers private_users = PrivateUsers::No;
    bool private_pids = false;
    UserNamespaceRange user_namespace_range;

    bool operator==(const NamespaceSettings&) const = default;
};

struct RootSettings {  // systemd.exec(5): images, layers, what /proc shows, what may be executed
    std::string root_image;
    ImageOptions root_image_options;
    bool root_ephemeral = false;
    std::vector<ImageEntry> mount_images;
    std::vector<ExtensionEntry> extension_images;
    std::vector<DirectoryEntry> extension_directories;
    std::vector<PathEntry> exec_paths, no_exec_paths;
    MountFlags mount_flags = MountFlags::Unset;
    ProtectProc protect_proc = ProtectProc::Default;
    ProcSubset proc_subset = ProcSubset::All;

    bool operator==(const RootSettings&) const = default;
};

struct ResourceSettings {  // systemd.resource-control(5)
    bool cpu_accounting = false;
    bool io_accounting = false;
    bool ip_accounting = false;
    CpuQuota cpu_quota;
    std::optional<Timespan> cpu_quota_period;
    std::optional<CpuWeight> cpu_weight;
    bool memory_accounting = true;
    MemoryLimit memory_max, memory_high;
    bool tasks_accounting = true;
    TasksLimit tasks_max;
    std::string slice;  ///< empty: system.slice
    IndexSet allowed_cpus, allowed_memory_nodes;
    MemoryProtection memory_min, memory_low;
    SwapLimit memory_swap_max, memory_zswap_max;
    std::optional<MemoryPressureWatch> memory_pressure_watch;          ///< unset: as skip
    Timespan memory_pressure_threshold = Timespan::milliseconds(200);  ///< of stalls in 2 s
    std::optional<std::uint64_t> io_weight;
    DeviceAmounts<DeviceAmountKind::Weight> io_device_weight;
    DeviceAmounts<DeviceAmountKind::Bandwidth> io_read_bandwidth_max, io_write_bandwidth_max;
    DeviceAmounts<DeviceAmountKind::Operations> io_read_iops_max, io_write_iops_max;
    DeviceAmounts<DeviceAmountKind::Latency> io_device_latency_target;
    DevicePolicy device_policy = DevicePolicy::Auto;
    std::vector<DeviceRule> device_allow;
    AddressPrefixes ip_address_allow, ip_address_deny;
    std::vector<SocketBindRule> socket_bind_allow, socket_bind_deny;
    InterfaceList restrict_network_interfaces;
    Delegation delegate;
    std::string delegate_subgroup;  ///< a name; empty: none
    /// for units below this one that state none of their own
    MemoryProtection default_memory_min, default_memory_low;
    // While hearthd starts its first units, and while it stops all.
    std::optional<CpuWeight> startup_cpu_weight;
    std::optional<std::uint64_t> startup_io_weight;
    IndexSet startup_allowed_cpus, startup_allowed_memory_nodes;
    ControllerSet disable_controllers;
    PinnedPaths ip_ingress_filter_path, ip_egress_filter_path;
    std::vector<PinnedProgram> bpf_program;

    bool operator==(const ResourceSettings&) const = default;
};

struct HearthSettings {  // [X-Hearth], ours
    Confinement confinement = Confinement::Strict;
    RelaxedNames relax_confinement;
    std::optional<Timespan> restart_reset;  ///< unset: the back-off never forgets itself
    Timespan restart_jitter;
    CommandLines health_check;
    Timespan health_interval = Timespan::seconds(30);
    Timespan health_timeout = Timespan::seconds(30);
    Timespan health_start_period;
    std::uint32_t health_retries = 3;
    bool essential = false;
    std::vector<CgroupKnob> cgroup_knobs;
    /// whether its processes may change things over the bus; unset: with CAP_SYS_ADMIN in the
    /// bounding set
    std::optional<bool> control_access;
    bool resume_with = false;

    bool operator==(const HearthSettings&) const = default;
};

struct MountSettings {  // [Mount], systemd.mount(5)
    std::string what, where, type, options;
    bool sloppy_options = false;
    bool lazy_unmount = false;
    bool read_write_only = false;
    bool force_unmount = false;
    Mode directory_mode{0755};
    Timespan timeout = Timespan::seconds(90);

    bool operator==(const MountSettings&) const = default;
};

struct TimerSettings {  // [Timer], systemd.timer(5)
    TimerList timers;
    Timespan accuracy = Timespan::seconds(60);
    Timespan randomized_delay;
    bool fixed_random_delay = false;
    bool on_clock_change = false;
    bool on_timezone_change = false;
    std::string unit;  ///< empty: the service of the same name
    bool persistent = false;
    bool wake_system = false;
    bool remain_after_elapse = true;

    bool operator==(const TimerSettings&) const = default;
};

struct PathSettings {  // [Path], systemd.path(5)
    PathSpecs specs;
    bool make_directory = false;
    Mode directory_mode{0755};
    Timespan trigger_limit_interval = Timespan::seconds(2);
    std::uint32_t trigger_limit_burst = 200;
    std::string unit;  ///< empty: the service of the same name

    bool operator==(const PathSettings&) const = default;
};

struct AutomountSettings {  // [Automount], systemd.automount(5)
    std::string where, extra_options;
    Mode directory_mode{0755};
    Timespan timeout_idle;  ///< 0: never unmounted for being idle

    bool operator==(const AutomountSettings&) const = default;
};

struct SwapSettings {  // [Swap], systemd.swap(5)
    std::string what, options;
    std::optional<std::int32_t> priority;
    Timespan timeout = Timespan::seconds(90);

    bool operator==(const SwapSettings&) const = default;
};

struct SocketSettings {  // [Socket], systemd.socket(5)
    ListenAddresses listen;
    std::string protocol, bind_ipv6_only, bind_to_device, user, group, service, smack_label,
        smack_label_in, smack_label_out, tcp_congestion, timestamping, file_descriptor_name, ip_tos;
    std::vector<AbsolutePath> symlinks;
    CommandLines exec_start_pre, exec_start_post, exec_stop_pre, exec_stop_post;
    std::uint32_t backlog = UINT32_MAX;
    std::uint32_t max_connections = 64, max_connections_per_source = 0, keep_alive_probes = 0;
    Mode mode{0666}, directory_mode{0755};
    Timespan timeout = Timespan::seconds(90), keep_alive_time, keep_alive_interval, defer_accept;
    Timespan trigger_limit_interval = Timespan::seconds(2);
    std::optional<std::uint32_t> trigger_limit_burst;  ///< unset: 20, 200 with Accept=yes
    std::optional<std::int32_t> priority, ip_ttl, mark;
    Bytes receive_buffer, send_buffer, pipe_size;
    std::int64_t queue_messages = 0, queue_message_size = 0;
    bool accept = false, writable = false, flush_pending = false, keep_alive = false,
         no_delay = false, reuse_port = false, selinux_context_from_net = false, free_bind = false,
         transparent = false, broadcast = false, pass_credentials = false, pass_security = false,
         pass_packet_info = false, remove_on_stop = false;

    bool operator==(const SocketSettings&) const = default;
};

/// A directive that systemd 252 has and this hearth doesn't build yet, as the unit stated it. It
/// refuses the start by name (Applied::Refused) unless it was assigned the empty or its `no` value.
struct RefusedDirective {
    std::string name;
    std::string value;
    bool operator==(const RefusedDirective&) const = default;
};

struct Settings {
    UnitSettings unit;
    InstallSettings install;
    ServiceSettings service;
    KillSettings kill;
    ExecSettings exec;
    IdentitySettings identity;
    DirectorySettings directories;
    CredentialSettings credentials;
    SandboxSettings sandbox;
    NamespaceSettings namespaces;
    RootSettings roots;
    ResourceSettings resources;
    HearthSettings hearth;
    MountSettings mount;
    TimerSettings timer;
    PathSettings path;
    AutomountSettings automount;
    SwapSettings swap;
    SocketSettings socket;
    std::vector<RefusedDirective> refused;

    HEARTH_COMPILED_ONCE(Settings);
};

}  // namespace hearth
