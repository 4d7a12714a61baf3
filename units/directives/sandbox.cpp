// SPDX-License-Identifier: MIT
#include "units/directives/row.hpp"
#include "units/process_codecs.hpp"
#include "units/root_codecs.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(const Description& description) {
    return directive<name, Section::Service, Context::Sandbox, &Settings::sandbox, member>(
        description);
}

// Unset, MountAPIVFS= follows RootDirectory=.
constexpr std::array<Property, 1> mount_api_vfs_property = {{
    {"MountAPIVFS",
     "b",
     [](const Settings& settings, ValueSink& sink) {
         sink.boolean(settings.sandbox.mount_api_vfs.value_or(
             !settings.exec.root_directory.empty() || !settings.roots.root_image.empty()));
     }},
}};

/// An empty assignment to one of the two resets both (systemd.exec(5)).
template <auto member>
Assigned assign_binds(Settings& settings, std::string_view text, const ValueContext& context) {
    if (text.empty()) {
        settings.sandbox.bind_paths.clear();
        settings.sandbox.bind_read_only_paths.clear();
        return {};
    }
    auto& field = settings.sandbox.*member;
    return Codec<std::vector<BindEntry>>::assign(field, text, context);
}

// A directive that works at several stages stands at the one that matters most: ProtectClock= also
// filters calls and hides devices, ProtectKernelModules= also drops a capability and filters calls.
constexpr auto rows = std::to_array<Row>({
    row<"AmbientCapabilities", &SandboxSettings::ambient_capabilities>({
        .summary = "Capabilities that the service keeps across execve() although it isn't root.",
        .applied = applied::Child{Stage::Capabilities},
        .nature = Nature::Gives,
        .sample = "CAP_NET_BIND_SERVICE",
    }),
    row<"AppArmorProfile", &SandboxSettings::apparmor_profile>({
        .summary = "The AppArmor profile that the service runs under.",
        .applied = applied::Child{Stage::Keyring},
        .nature = Nature::Confines,
        .sample = "heat",
    }),
    row<"BindPaths", &SandboxSettings::bind_paths>({
        .summary = "Files and directories that appear at other places in the service's view.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/srv/heat:/mnt",
        .assign = &assign_binds<&SandboxSettings::bind_paths>,
    }),
    row<"BindReadOnlyPaths", &SandboxSettings::bind_read_only_paths>({
        .summary = "The same as BindPaths=, read-only.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/etc/hosts:/mnt/hosts:norbind",
        .assign = &assign_binds<&SandboxSettings::bind_read_only_paths>,
    }),
    row<"CapabilityBoundingSet", &SandboxSettings::capability_bounding_set>({
        .summary = "The capabilities that the service and its children can ever have.",
        .applied = applied::Child{Stage::BoundingSet},
        .nature = Nature::Confines,
        .sample = "CAP_CHOWN CAP_KILL",
    }),
    row<"InaccessibleDirectories", &SandboxSettings::inaccessible_paths>({
        .summary = "The old name of InaccessiblePaths=.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/srv -/mnt",
        .properties = no_properties,
    }),
    row<"InaccessiblePaths", &SandboxSettings::inaccessible_paths>({
        .summary = "Paths that the service can't look into.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/srv -/mnt",
    }),
    row<"LockPersonality", &SandboxSettings::lock_personality>({
        .summary = "The service can't change its execution domain by personality().",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 100,
    }),
    row<"MemoryDenyWriteExecute", &SandboxSettings::memory_deny_write_execute>({
        .summary = "The service can't have memory that is writable and executable.",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 100,
    }),
    row<"MountAPIVFS", &SandboxSettings::mount_api_vfs>({
        .summary = "Mounts /proc, /sys, /dev and /run in the service's root.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "yes",
        .properties = mount_api_vfs_property,
    }),
    row<"NoNewPrivileges", &SandboxSettings::no_new_privileges>({
        .summary = "The service and its children can never gain privileges through execve().",
        .applied = applied::Child{Stage::NoNewPrivileges},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 1000,
    }),
    row<"Personality", &SandboxSettings::personality>({
        .summary = "What uname() tells the service about the architecture.",
        .applied = applied::Child{Stage::Scheduling},
        .nature = Nature::Confines,
        .sample = "x86",
    }),
    row<"PrivateDevices", &SandboxSettings::private_devices>({
        .summary = "The service sees a /dev with pseudo devices only.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 1000,
    }),
    row<"PrivateIPC", &SandboxSettings::private_ipc>({
        .summary = "The service has System V and POSIX inter-process communication of its own.",
        .applied = applied::Child{Stage::Namespaces},
        .nature = Nature::Confines,
        .sample = "yes",
    }),
    row<"PrivateMounts", &SandboxSettings::private_mounts>({
        .summary = "What the service mounts is seen by nobody else.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 1000,
    }),
    row<"PrivateNetwork", &SandboxSettings::private_network>({
        .summary = "The service has a network of its own, with a loopback device only.",
        .applied = applied::Child{Stage::Namespaces},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 2500,
    }),
    row<"PrivateTmp", &SandboxSettings::private_tmp>({
        .summary = "The service has /tmp and /var/tmp of its own, removed when it stops.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 1000,
    }),
    row<"ProtectClock", &SandboxSettings::protect_clock>({
        .summary = "The service can't set the system's or the hardware's clock.",
        .applied = applied::Child{Stage::BoundingSet},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 1000,
    }),
    row<"ProtectHome", &SandboxSettings::protect_home>({
        .summary = "The service can't use /home, /root and /run/user.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "read-only",
        .exposure = 1000,
    }),
    row<"ProtectKernelLogs", &SandboxSettings::protect_kernel_logs>({
        .summary = "The service can't read or write the kernel's log.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 1000,
    }),
    row<"ProtectKernelModules", &SandboxSettings::protect_kernel_modules>({
        .summary = "The service can't load kernel modules or see their files.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 1000,
    }),
    row<"ProtectKernelTunables", &SandboxSettings::protect_kernel_tunables>({
        .summary = "The service sees the kernel's variables in /proc and /sys read-only.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 1000,
    }),
    row<"ProtectSystem", &SandboxSettings::protect_system>({
        .summary = "How much of the file system the service sees read-only.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "strict",
        .exposure = 1000,
    }),
    row<"ReadOnlyDirectories", &SandboxSettings::read_only_paths>({
        .summary = "The old name of ReadOnlyPaths=.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/srv -/mnt",
        .properties = no_properties,
    }),
    row<"ReadOnlyPaths", &SandboxSettings::read_only_paths>({
        .summary = "Paths below which the service can't write.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/srv -/mnt",
    }),
    row<"ReadWriteDirectories", &SandboxSettings::read_write_paths>({
        .summary = "The old name of ReadWritePaths=.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/srv -/mnt",
        .properties = no_properties,
    }),
    row<"ReadWritePaths", &SandboxSettings::read_write_paths>({
        .summary = "Paths that stay writable below those that are read-only.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/srv -/mnt",
    }),
    row<"RestrictAddressFamilies", &SandboxSettings::restrict_address_families>({
        .summary = "The kinds of sockets that the service can make.",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Confines,
        .sample = "AF_UNIX AF_INET",
    }),
    row<"RestrictNamespaces", &SandboxSettings::restrict_namespaces>({
        .summary = "The kinds of namespaces that the service can make or join.",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Confines,
        .sample = "~user mnt",
    }),
    row<"RestrictRealtime", &SandboxSettings::restrict_realtime>({
        .summary = "The service can't take a real-time scheduling policy.",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 500,
    }),
    row<"RestrictSUIDSGID", &SandboxSettings::restrict_suid_sgid>({
        .summary = "The service can't make files with the set-user-ID or set-group-ID bit.",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Confines,
        .sample = "yes",
        .exposure = 1000,
    }),
    row<"SELinuxContext", &SandboxSettings::selinux_context>({
        .summary = "The SELinux context of the service.",
        .applied = applied::Child{Stage::Keyring},
        .nature = Nature::Confines,
        .sample = "system_u:system_r:heat_t",
    }),
    row<"SecureBits", &SandboxSettings::secure_bits>({
        .summary = "The secure bits of the service.",
        .applied = applied::Child{Stage::Capabilities},
        .nature = Nature::Confines,
        .sample = "noroot noroot-locked",
    }),
    row<"SmackProcessLabel", &SandboxSettings::smack_process_label>({
        .summary = "The Smack label of the service.",
        .applied = applied::Child{Stage::Limits},
        .nature = Nature::Confines,
        .sample = "heat",
    }),
    row<"SystemCallArchitectures", &SandboxSettings::system_call_architectures>({
        .summary = "The architectures whose system calls the service can make.",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Confines,
        .sample = "native",
        .exposure = 1000,
    }),
    row<"SystemCallErrorNumber", &SandboxSettings::system_call_error_number>({
        .summary = "What a filtered system call answers, in place of killing the service.",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Confines,
        .sample = "EPERM",
    }),
    row<"SystemCallFilter", &SandboxSettings::system_call_filter>({
        .summary = "The system calls that the service can make.",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Confines,
        .sample = "~@mount @swap:EPERM",
    }),
    row<"SystemCallLog", &SandboxSettings::system_call_log>({
        .summary = "System calls that the kernel logs.",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Shares,
        .sample = "@mount",
    }),
    row<"TemporaryFileSystem", &SandboxSettings::temporary_file_systems>({
        .summary = "Places that are empty and private to the service, in memory.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "/var:ro,mode=0700",
    }),
    // hearth's own, of which systemd's interfaces know nothing.
    directive<
        "SeccompProfile",
        Section::Hearth,
        Context::Sandbox,
        &Settings::sandbox,
        &SandboxSettings::seccomp_profile>({
        .summary = "A seccomp profile as Docker and Podman have them, in JSON.",
        .applied = applied::Child{Stage::Seccomp},
        .nature = Nature::Confines,
        .sample = "/etc/heat/seccomp.json",
        .properties = no_properties,
        .assign = &assign_path<&Settings::sandbox, &SandboxSettings::seccomp_profile>,
        .syntax = "absolute path",
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> sandbox_rows() {
    return directives::rows;
}

}  // namespace hearth
