// SPDX-License-Identifier: MIT
//
// Directories that are made for a service, credentials, and who it runs as beyond User=.
#include "units/directives/row.hpp"

namespace hearth {

namespace directives {
namespace {

template <Name name, auto group, auto member>
consteval Row row(const Description& description) {
    return directive<name, Section::Service, Context::Exec, group, member>(description);
}
template <Name name, auto member>
consteval Row directory(const Description& description) {
    return row<name, &Settings::directories, member>(description);
}
template <Name name, auto member>
consteval Row identity(const Description& description) {
    return row<name, &Settings::identity, member>(description);
}

// ---- two properties each: the directories, and their links

template <auto member>
void write_the_links(const Settings& settings, ValueSink& sink) {
    write_links(settings.directories.*member, sink);
}
template <Name name, Name links, auto member>
constexpr std::array<Property, 2> linked_properties = {{
    {name.view(), "as", &Field<&Settings::directories, member>::write},
    {links.view(), "a(sst)", &write_the_links<member>},
}};

template <Name name, Name links, auto member>
consteval Row linked(std::string_view summary) {
    return directory<name, member>({
        .summary = summary,
        .applied = applied::Preparation{},
        .nature = Nature::Gives,
        .sample = "heat heat/inner:warm",
        .properties = linked_properties<name, links, member>,
    });
}

template <Name name, auto member>
consteval Row mode_of(std::string_view summary) {
    return directory<name, member>({
        .summary = summary,
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "0700",
    });
}

constexpr auto rows = std::to_array<Row>({
    linked<"CacheDirectory", "CacheDirectorySymlink", &DirectorySettings::cache>(
        "Directories below /var/cache that are made for the service."),
    mode_of<"CacheDirectoryMode", &DirectorySettings::cache_mode>(
        "The access mode of CacheDirectory=."),
    directory<"ConfigurationDirectory", &DirectorySettings::configuration>({
        .summary = "Directories below /etc that are made for the service; they stay root's.",
        .applied = applied::Preparation{},
        .nature = Nature::Gives,
        .sample = "heat",
    }),
    mode_of<"ConfigurationDirectoryMode", &DirectorySettings::configuration_mode>(
        "The access mode of ConfigurationDirectory=."),
    identity<"DynamicUser", &IdentitySettings::dynamic_user>({
        .summary = "The service runs as a user that exists only while it runs.",
        .applied = applied::Child{Stage::Identity},
        .nature = Nature::Confines,
        .sample = "yes",
    }),
    identity<"ExecSearchPath", &IdentitySettings::exec_search_path>({
        .summary = "Where commands without a path are searched for; also the service's $PATH.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "/opt/heat/bin:/usr/bin",
    }),
    identity<"KeyringMode", &IdentitySettings::keyring_mode>({
        .summary = "Which session keyring the service has: one of its own, with the user's keys, "
                   "or hearthd's.",
        .applied = applied::Child{Stage::Keyring},
        .nature = Nature::Confines,
        .sample = "inherit",
    }),
    row<"LoadCredential", &Settings::credentials, &CredentialSettings::load>({
        .summary = "A credential that the service gets, out of a file, directory or socket.",
        .applied = applied::Preparation{},
        .nature = Nature::Gives,
        .sample = "secret:/etc/secret",
    }),
    linked<"LogsDirectory", "LogsDirectorySymlink", &DirectorySettings::logs>(
        "Directories below /var/log that are made for the service."),
    mode_of<"LogsDirectoryMode", &DirectorySettings::logs_mode>(
        "The access mode of LogsDirectory=."),
    identity<"RemoveIPC", &IdentitySettings::remove_ipc>({
        .summary = "Removes the user's System V and POSIX objects when the service stops.",
        .applied = applied::Preparation{},
        .nature = Nature::Confines,
        .sample = "yes",
    }),
    linked<"RuntimeDirectory", "RuntimeDirectorySymlink", &DirectorySettings::runtime>(
        "Directories below /run that are made for the service, and removed when it stops."),
    mode_of<"RuntimeDirectoryMode", &DirectorySettings::runtime_mode>(
        "The access mode of RuntimeDirectory=."),
    directory<"RuntimeDirectoryPreserve", &DirectorySettings::runtime_preserve>({
        .summary = "Keeps RuntimeDirectory= over restarts, or for ever.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "restart",
    }),
    row<"SetCredential", &Settings::credentials, &CredentialSettings::set>({
        .summary = "A credential that the service gets, written here; no place for secrets.",
        .applied = applied::Preparation{},
        .nature = Nature::Gives,
        .sample = "secret:x\\ny",
        .secret = true,
    }),
    identity<"SetLoginEnvironment", &IdentitySettings::set_login_environment>({
        .summary = "Whether $HOME, $LOGNAME, $SHELL and $USER are set; else only with User=.",
        .applied = applied::Preparation{},
        .nature = Nature::Shares,
        .sample = "yes",
        .properties = no_properties,  // of systemd 252
    }),
    linked<"StateDirectory", "StateDirectorySymlink", &DirectorySettings::state>(
        "Directories below /var/lib that are made for the service."),
    mode_of<"StateDirectoryMode", &DirectorySettings::state_mode>(
        "The access mode of StateDirectory=."),
    directory<"TimeoutCleanSec", &DirectorySettings::timeout_clean>({
        .summary = "How long removing the unit's directories may take (hearthctl clean).",
        .applied = applied::Machine{},
        .nature = Nature::Shares,
        .sample = "1min",
    }),
});
static_assert(sorted(rows));

}  // namespace
}  // namespace directives

std::span<const Row> directory_rows() {
    return directives::rows;
}

}  // namespace hearth
