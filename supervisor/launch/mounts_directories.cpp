// SPDX-License-Identifier: MIT
//
// directory_wishes(): where a service has a mount namespace anyway, its StateDirectory= and kin and
// its credentials are mounted into it from the host, writable whatever is read-only around them,
// and those of others are out of sight. Alone they ask for no namespace: they are on the host's own
// file systems, where the service finds them without.
#include <sys/mount.h>

#include <set>

#include "supervisor/launch/mounts.hpp"
#include "supervisor/launch/service_directories.hpp"

namespace hearth::launch {
namespace {

using Kind = MountWish::Kind;

MountWish following(std::string path, Kind kind, Asked asked) {
    MountWish wish;
    wish.path = std::move(path);
    wish.kind = kind;
    wish.follows = true;
    wish.asked = std::move(asked);
    return wish;
}

/// An empty read-only directory that all can enter, in which only what the unit asks for appears.
MountWish empty_directory(std::string path, Asked asked) {
    MountWish wish = following(std::move(path), Kind::TemporaryFileSystem, std::move(asked));
    wish.options = "mode=0755,size=4k,nr_inodes=1k";
    wish.flags = MS_NODEV | MS_NOSUID | MS_NOEXEC | MS_STRICTATIME;
    wish.read_only = true;
    return wish;
}

void wish_directories(const Unit& unit, const Host& host, std::vector<MountWish>& wishes) {
    std::set<std::string> private_places;
    for (const DirectoryKind& kind : directory_kinds()) {
        for (const ServiceDirectory& entry : kind.entries(unit.settings.directories)) {
            const Asked asked{
                std::string(kind.directive), entry.path, unit.origin_of(kind.directive)};
            const std::string base = host.bases.*kind.base;
            if (is_private(unit, kind) && private_places.insert(base).second) {
                wishes.push_back(empty_directory(base + "/private", asked));
            }
            MountWish wish =
                following(real_directory_path(unit, host, kind, entry), Kind::Bind, asked);
            wish.source = wish.path;
            wish.slot = std::string(kind.what) + ":" + entry.path;
            wishes.push_back(std::move(wish));
        }
    }
}

}  // namespace

void directory_wishes(const Unit& unit, const Host& host, std::vector<MountWish>& wishes) {
    wish_directories(unit, host, wishes);
    const std::string root = credentials_root(host);
    if (has_credentials(unit)) {
        const std::string_view directive =
            unit.settings.credentials.load.empty() ? "SetCredential" : "LoadCredential";
        const Asked asked{std::string(directive), "", unit.origin_of(directive)};
        wishes.push_back(empty_directory(root, asked));
        MountWish wish = following(credentials_path(unit, host), Kind::Bind, asked);
        wish.source = wish.path;
        wish.read_only = true;
        wishes.push_back(std::move(wish));
    } else if (host.hides_credentials) {
        MountWish wish = following(root, Kind::Inaccessible, {});
        wish.optional = true;
        wishes.push_back(std::move(wish));
    }
}

std::vector<DirectoryLink> links_below_root(const Unit& unit, const Host& host) {
    std::vector<DirectoryLink> links;
    for (const DirectoryKind& kind : directory_kinds()) {
        for (const ServiceDirectory& entry : kind.entries(unit.settings.directories)) {
            const std::string path = directory_path(host, kind, entry);
            const Asked asked{
                std::string(kind.directive), entry.path, unit.origin_of(kind.directive)};
            if (is_private(unit, kind)) {
                links.push_back({real_directory_path(unit, host, kind, entry), path, asked});
            }
            for (const std::string& link : entry.links) {
                links.push_back({path, host.bases.*kind.base + "/" + link, asked});
            }
        }
    }
    return links;
}

}  // namespace hearth::launch
