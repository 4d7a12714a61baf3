// SPDX-License-Identifier: MIT
//
// LoadCredential= and SetCredential= as one preparation: where each credential is looked for, in
// which order, and what stands in for one that isn't there.
#include <linux/capability.h>

#include <algorithm>

#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/planner_passes.hpp"
#include "supervisor/launch/service_directories.hpp"

namespace hearth::launch {
namespace {

/// What the manager itself was given, then the stores of the host (systemd.exec(5)).
std::vector<std::string> stores(const Host& host) {
    std::vector<std::string> found;
    if (const auto own = host.environment.find("CREDENTIALS_DIRECTORY");
        own != host.environment.end()) {
        found.push_back(own->second);
    }
    found.push_back(host.bases.configuration + "/credstore");
    found.push_back(host.bases.runtime + "/credstore");
    found.emplace_back("/usr/lib/credstore");
    return found;
}

}  // namespace

void make_credentials(Planning& planning) {
    if (!has_credentials(planning.unit)) {
        return;
    }
    const CredentialSettings& settings = planning.settings.credentials;
    MakeCredentials made;
    made.place = credentials_path(planning.unit, planning.host);
    made.owner = planning.identity.unit_uid;
    made.group = planning.identity.unit_gid;
    made.mounted = planning.has_capability(CAP_SYS_ADMIN);
    const std::string_view directive = settings.load.empty() ? "SetCredential" : "LoadCredential";
    const std::string value = settings.load.empty()
                                  ? settings.set.front().id
                                  : settings.load.front().id + ":" + settings.load.front().path;
    for (const LoadedCredential& load : settings.load) {
        MakeCredentials::Source source;
        source.id = load.id;
        source.asked = planning.asked("LoadCredential", load.id + ":" + load.path);
        const bool default_known =
            std::ranges::find(settings.set, load.id, &InlineCredential::id) != settings.set.end();
        source.optional = default_known || !load.path.starts_with('/');
        if (load.path.starts_with('/')) {
            source.paths.push_back(load.path);
        } else {
            for (const std::string& store : stores(planning.host)) {
                source.paths.push_back(store + "/" + load.path);
            }
        }
        made.sources.push_back(std::move(source));
    }
    for (const InlineCredential& set : settings.set) {
        made.literals.push_back({set.id, set.data});
    }
    if (!made.mounted) {
        planning.falls_short(
            directive,
            value,
            "hearthd lacks CAP_SYS_ADMIN for a mount of its own; they are files of the user");
    }
    planning.prepare(std::move(made), planning.asked(directive, value), credentials_status);
}

}  // namespace hearth::launch
