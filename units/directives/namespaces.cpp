// SPDX-License-Identifier: MIT
//
// Whose namespaces a service has: systemd.exec(5) of 252, with what 257 has added (PrivatePIDs=,
// and more values of PrivateUsers=, ProtectHostname= and ProtectControlGroups=), JoinsNamespaceOf=
// of systemd.unit(5), and our UserNamespaceRange=.
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto member>
consteval Row row(const Description& description) {
    return directive<name, Section::Service, Context::Sandbox, &Settings::namespaces, member>(
        description);
}
template <Name name, auto member>
consteval Row sandbox(const Description& description) {
    return directive<name, Section::Service, Context::Sandbox, &Settings::sandbox, member>(
        description);
}

// In 252 these are booleans, and so are their properties.
constexpr std::array<Property, 1> private_users_property = {{
    {"PrivateUsers",
     "b",
     [](const Settings& settings, ValueSink& sink) {
         sink.boolean(settings.namespaces.private_users != PrivateUsers::No);
     }},
}};
constexpr std::array<Property, 1> protect_hostname_property = {{
    {"ProtectHostname",
     "b",
     [](const Settings& settings, ValueSink& sink) {
         sink.boolean(settings.sandbox.protect_hostname.asked());
     }},
}};
constexpr std::array<Property, 1> protect_control_groups_property = {{
    {"ProtectControlGroups",
     "b",
     [](const Settings& settings, ValueSink& sink) {
         sink.boolean(settings.sandbox.protect_control_groups != ProtectControlGroups::No);
     }},
}};

constexpr auto rows = std::to_array<Row>({
    directive<
        "JoinsNamespaceOf",
        Section::Unit,
        Context::Unit,
        &Settings::namespaces,
        &NamespaceSettings::joins_namespace_of>({
        .summary = "Shares network, IPC, /tmp and /var/tmp with the first listed unit that runs, "
                   "as far as they are private to both.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "other.service",
    }),
    row<"IPCNamespacePath", &NamespaceSettings::ipc_namespace_path>({
        .summary = "The IPC namespace that the service joins.",
        .applied = applied::Child{Stage::Namespaces},
        .nature = Nature::Confines,
        .sample = "/run/ipc",
        .assign = &assign_path<&Settings::namespaces, &NamespaceSettings::ipc_namespace_path>,
        .syntax = "absolute path",
    }),
    row<"NetworkNamespacePath", &NamespaceSettings::network_namespace_path>({
        .summary = "The network namespace that the service joins.",
        .applied = applied::Child{Stage::Namespaces},
        .nature = Nature::Confines,
        .sample = "/run/netns/heat",
        .assign = &assign_path<&Settings::namespaces, &NamespaceSettings::network_namespace_path>,
        .syntax = "absolute path",
    }),
    row<"PrivatePIDs", &NamespaceSettings::private_pids>({
        .summary = "The service's main process is number 1 among processes of its own.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "yes",
        .properties = no_properties,
    }),
    row<"PrivateUsers", &NamespaceSettings::private_users>({
        .summary = "The service has users of its own, and no capability over the host.",
        .applied = applied::Child{Stage::UserNamespace},
        .nature = Nature::Confines,
        .sample = "yes",
        .properties = private_users_property,
        .exposure = 1000,
    }),
    sandbox<"ProtectControlGroups", &SandboxSettings::protect_control_groups>({
        .summary = "The service sees the cgroup tree read-only, or only its own part of it.",
        .applied = applied::Child{Stage::Mounts},
        .nature = Nature::Confines,
        .sample = "yes",
        .properties = protect_control_groups_property,
    }),
    sandbox<"ProtectHostname", &SandboxSettings::protect_hostname>({
        .summary = "The service can't change the host's name, or has a name of its own.",
        .applied = applied::Child{Stage::Namespaces},
        .nature = Nature::Confines,
        .sample = "yes",
        .properties = protect_hostname_property,
    }),
    directive<
        "UserNamespaceRange",
        Section::Hearth,
        Context::Hearth,
        &Settings::namespaces,
        &NamespaceSettings::user_namespace_range>({
        .summary = "The range of /etc/subuid and /etc/subgid that stands for 0 and up inside: root "
                   "there is nobody outside.",
        .applied = applied::Child{Stage::UserNamespace},
        .nature = Nature::Confines,
        .sample = "auto",
        .properties = no_properties,
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> namespace_rows() {
    return directives::rows;
}

}  // namespace hearth
