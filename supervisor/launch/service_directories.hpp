// SPDX-License-Identifier: MIT
//
// The five kinds of directories that are made for a service: StateDirectory=, CacheDirectory=,
// LogsDirectory=, RuntimeDirectory=, ConfigurationDirectory= (systemd.exec(5)). One table, from
// which the planner, the environment, the mounts, the report and `hearthctl clean` work. Pure. The
// bases are the host's facts: a user's manager and tests have their own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/launch/host.hpp"
#include "units/unit.hpp"

namespace hearth::launch {

struct DirectoryKind {
    std::string_view directive;  ///< "StateDirectory"
    std::string_view variable;   ///< "STATE_DIRECTORY"
    std::string_view what;       ///< of `clean --what=`: "state"
    std::string DirectoryBases::* base;
    const std::vector<ServiceDirectory>& (*entries)(const DirectorySettings&);
    Mode DirectorySettings::* mode;
    int exit_status;
    bool owned;  ///< by the service's user; the others stay root's
};
[[nodiscard]] std::span<const DirectoryKind> directory_kinds();

/// With DynamicUser= the directory lies below `BASE/private`, where no other user gets, and
/// `BASE/NAME` is a link to it. A runtime directory that goes with its user needs no such place.
[[nodiscard]] bool is_private(const Unit& unit, const DirectoryKind& kind);

/// "/var/lib/heat": what the service is told, and where it finds it.
[[nodiscard]] std::string directory_path(
    const Host& host, const DirectoryKind& kind, const ServiceDirectory& entry);
/// "/var/lib/private/heat" for private ones: where it really is.
[[nodiscard]] std::string real_directory_path(
    const Unit& unit, const Host& host, const DirectoryKind& kind, const ServiceDirectory& entry);

/// Whether the service has credentials, and where: "/run/credentials/heat.service".
[[nodiscard]] bool has_credentials(const Unit& unit);
[[nodiscard]] std::string credentials_root(const Host& host);
[[nodiscard]] std::string credentials_path(const Unit& unit, const Host& host);

}  // namespace hearth::launch
