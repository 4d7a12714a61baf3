// SPDX-License-Identifier: MIT
#include "supervisor/launch/service_directories.hpp"

#include <array>

namespace hearth::launch {
namespace {

template <auto member>
const std::vector<ServiceDirectory>& entries_of(const DirectorySettings& settings) {
    return (settings.*member).entries;
}

using D = DirectorySettings;
using B = DirectoryBases;

constexpr auto kinds = std::to_array<DirectoryKind>({
    {"RuntimeDirectory",
     "RUNTIME_DIRECTORY",
     "runtime",
     &B::runtime,
     &entries_of<&D::runtime>,
     &D::runtime_mode,
     233,
     true},
    {"StateDirectory",
     "STATE_DIRECTORY",
     "state",
     &B::state,
     &entries_of<&D::state>,
     &D::state_mode,
     238,
     true},
    {"CacheDirectory",
     "CACHE_DIRECTORY",
     "cache",
     &B::cache,
     &entries_of<&D::cache>,
     &D::cache_mode,
     239,
     true},
    {"LogsDirectory",
     "LOGS_DIRECTORY",
     "logs",
     &B::logs,
     &entries_of<&D::logs>,
     &D::logs_mode,
     240,
     true},
    {"ConfigurationDirectory",
     "CONFIGURATION_DIRECTORY",
     "configuration",
     &B::configuration,
     &entries_of<&D::configuration>,
     &D::configuration_mode,
     241,
     false},
});

}  // namespace

std::span<const DirectoryKind> directory_kinds() {
    return kinds;
}

bool is_private(const Unit& unit, const DirectoryKind& kind) {
    if (!unit.settings.identity.dynamic_user || !kind.owned) {
        return false;
    }
    return kind.directive != "RuntimeDirectory" ||
           unit.settings.directories.runtime_preserve != RuntimePreserve::No;
}

std::string directory_path(
    const Host& host, const DirectoryKind& kind, const ServiceDirectory& entry) {
    return host.bases.*kind.base + "/" + entry.path;
}

std::string real_directory_path(
    const Unit& unit, const Host& host, const DirectoryKind& kind, const ServiceDirectory& entry) {
    return host.bases.*kind.base + (is_private(unit, kind) ? "/private/" : "/") + entry.path;
}

bool has_credentials(const Unit& unit) {
    return !unit.settings.credentials.load.empty() || !unit.settings.credentials.set.empty();
}

std::string credentials_root(const Host& host) {
    return host.bases.runtime + "/credentials";
}

std::string credentials_path(const Unit& unit, const Host& host) {
    return credentials_root(host) + "/" + unit.name;
}

}  // namespace hearth::launch
