// SPDX-License-Identifier: MIT
//
// StateDirectory= and kin as preparations, and what goes with a unit's identity when it ends:
// RemoveIPC=. Every command of the unit prepares them; what stands already is left alone.
#include <fmt/format.h>

#include "supervisor/launch/mounts.hpp"
#include "supervisor/launch/planner_passes.hpp"
#include "supervisor/launch/service_directories.hpp"

namespace hearth::launch {
namespace {

std::string text_of(const ServiceDirectory& entry) {
    std::string text = entry.path;
    for (const std::string& link : entry.links) {
        text += ":" + link;
    }
    return text;
}

}  // namespace

void make_directories(Planning& planning) {
    const DirectorySettings& settings = planning.settings.directories;
    for (const DirectoryKind& kind : directory_kinds()) {
        for (const ServiceDirectory& entry : kind.entries(settings)) {
            const std::string path = directory_path(planning.host, kind, entry);
            if (is_below(planning.host.runtime_directory, path)) {
                planning.refuse(
                    kind.directive,
                    fmt::format(
                        "{}={}: hearthd itself lives in {}", kind.directive, entry.path, path),
                    "give the directory another name");
                continue;
            }
            MakeServiceDirectory made;
            made.slot = std::string(kind.what) + ":" + entry.path;
            made.base = planning.host.bases.*kind.base;
            made.path = entry.path;
            made.links = entry.links;
            made.mode = (settings.*kind.mode).bits;
            made.owner = kind.owned ? planning.identity.unit_uid : planning.host.own_uid;
            made.group = kind.owned ? planning.identity.unit_gid : planning.host.own_gid;
            made.owned = kind.owned;
            made.is_private = is_private(planning.unit, kind);
            if (kind.directive == "RuntimeDirectory") {
                made.lifetime = settings.runtime_preserve == RuntimePreserve::Yes
                                    ? MakeServiceDirectory::Lifetime::Unlimited
                                : settings.runtime_preserve == RuntimePreserve::Restart
                                    ? MakeServiceDirectory::Lifetime::UntilStop
                                    : MakeServiceDirectory::Lifetime::Activation;
            }
            planning.prepare(
                std::move(made), planning.asked(kind.directive, text_of(entry)), kind.exit_status);
        }
    }
}

void remove_ipc_at_the_end(Planning& planning) {
    const IdentitySettings& identity = planning.settings.identity;
    const ExecSettings& exec = planning.settings.exec;
    const bool has_identity =
        !exec.user.empty() || !exec.group.empty() || planning.settings.identity.dynamic_user;
    if (!identity.remove_ipc || !has_identity) {
        return;
    }
    const Identity& who = planning.identity;
    if (who.unit_uid == planning.host.own_uid && who.unit_gid == planning.host.own_gid) {
        return;  // root's objects are the machine's
    }
    planning.prepare(RemoveIpc{who.unit_uid, who.unit_gid}, planning.asked("RemoveIPC", "yes"), 1);
}

}  // namespace hearth::launch
