// SPDX-License-Identifier: MIT
//
// Images, layers, /proc, propagation, and what may be executed: each by what mountinfo says of the
// service's mounts (proc(5)), which the service can't write.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "supervisor/launch/extension_release.hpp"
#include "supervisor/launch/mounts.hpp"
#include "supervisor/report/checks.hpp"
#include "units/root_codecs.hpp"

namespace hearth::report {

namespace {

// ---- execution

bool is_executable_again(const Evidence& evidence, const std::string& point) {
    return std::ranges::any_of(evidence.roots().exec_paths, [&](const PathEntry& entry) {
        const auto path = service_path(evidence.question.unit, entry);
        if (!path) {
            return false;
        }
        const Place place = look(evidence, *path);
        const bool resolved = place.fact != nullptr && !place.fact->resolved.empty() &&
                              is_below(point, place.fact->resolved);
        return resolved || is_below(point, *path);
    });
}

Finding no_exec_paths(const Evidence& evidence) {
    return each_path(
        evidence,
        evidence.roots().no_exec_paths,
        "not executable",
        [&](const std::string& path, const Place& place) {
            if (!place.mount->has("noexec")) {
                return mismatch(path + ": " + shown(place.mount), "programs there can be run");
            }
            const std::string top = place.fact != nullptr ? place.fact->resolved : path;
            for (const Mount* mount : evidence.mounts.visible()) {
                if (is_below(mount->point, top) && !mount->has("noexec") &&
                    !is_executable_again(evidence, mount->point)) {
                    return mismatch(shown(mount), "programs there can be run");
                }
            }
            return verified(path);
        });
}

Finding exec_paths(const Evidence& evidence) {
    return each_path(
        evidence,
        evidence.roots().exec_paths,
        "executable",
        [&](const std::string& path, const Place& place) {
            const Mount* const host = evidence.host_mounts.covering(path);
            const bool by_host = host != nullptr && host->has("noexec");
            return either(
                !place.mount->has("noexec") || by_host,
                path + ": " + shown(place.mount),
                "nothing there can be run; where NoExecPaths= names the same path, that counts");
        });
}

// ---- propagation

Finding mount_flags(const Evidence& evidence) {
    const MountFlags asked = evidence.roots().mount_flags;
    const bool shared = asked == MountFlags::Shared;
    const Finding finding = own_mounts(evidence);
    if (finding.verdict != Verdict::Verified) {
        return shared ? cannot_know("no other directive gives the service mounts of its own")
                      : finding;
    }
    for (const Mount* mount : evidence.mounts.visible()) {
        if ((mount->shared != 0) != shared) {
            return mismatch(shown(mount), shared ? "not shared" : "shared");
        }
        if (asked == MountFlags::Private && mount->master != 0) {
            return mismatch(shown(mount), "the host's mounts arrive here");
        }
    }
    const Mount* const root = evidence.mounts.at("/");
    const Mount* const host = evidence.host_mounts.at("/");
    const bool receives = root != nullptr && root->master != 0;
    const bool same = root != nullptr && host != nullptr && root->device == host->device;
    if (asked == MountFlags::Slave && same && host->shared != 0 && !receives) {
        return mismatch(shown(root), "the host's mounts don't arrive here");
    }
    return verified(receives ? "the host's mounts arrive, none goes back" : finding.kernel);
}

// ---- /proc

Finding processes(const Evidence& evidence, const std::string& option) {
    const Mount* const mount = evidence.mounts.at("/proc");
    if (mount == nullptr || mount->type != "proc") {
        return mismatch(shown(mount), "expected a proc of the service's own");
    }
    return either(
        mount->has_super(option),
        shown(mount) + " " + mount->super_options,
        "without the option " + option);
}

Finding protect_proc(const Evidence& evidence) {
    return processes(
        evidence, "hidepid=" + Codec<ProtectProc>::format(evidence.roots().protect_proc));
}

Finding proc_subset(const Evidence& evidence) {
    return processes(evidence, "subset=pid");
}

// ---- images

/// Whether the mount shows the image.
Finding shows_image(const Evidence& evidence, const Mount* mount, const std::string& image) {
    const auto devices = evidence.view.images.find(image);
    if (devices == evidence.view.images.end() || devices->second.empty()) {
        return mismatch(shown(mount), "no device shows " + image);
    }
    const std::string words = " " + devices->second + " ";
    const bool same =
        mount != nullptr && words.find(" " + mount->device + " ") != std::string::npos;
    return either(
        same,
        shown(mount) + " is device " + (mount == nullptr ? "" : mount->device),
        image + " is shown by " + devices->second);
}

Finding options_hold(const Mount* mount, const std::vector<PartitionOptions>& partitions) {
    const launch::MountOptions options = launch::image_options(partitions);
    if (mount == nullptr) {
        return mismatch(shown(mount), "not mounted");
    }
    for (const PartitionOptions& each : partitions) {
        for (const char* name : {"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime"}) {
            const std::string words = "," + each.options + ",";
            if (words.find("," + std::string(name) + ",") != std::string::npos &&
                !mount->has(name)) {
                return mismatch(shown(mount), std::string("without ") + name);
            }
        }
    }
    std::string_view rest = options.rest;
    while (!rest.empty()) {
        const std::string_view option = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), option.size() + 1));
        if (!mount->has_super(option)) {
            return cannot_know(fmt::format("the file system doesn't show its option {}", option));
        }
    }
    return verified(shown(mount));
}

Finding root_image(const Evidence& evidence) {
    return evidence.roots().root_ephemeral
               ? ephemeral_root(evidence)
               : shows_image(evidence, evidence.mounts.at("/"), evidence.roots().root_image);
}

Finding root_image_options(const Evidence& evidence) {
    if (evidence.roots().root_image.empty() || evidence.roots().root_ephemeral) {
        return cannot_know("no image is mounted as the root");
    }
    return options_hold(evidence.mounts.at("/"), evidence.roots().root_image_options.partitions);
}

Finding mount_images(const Evidence& evidence) {
    Finding finding = verified("");
    for (const ImageEntry& entry : evidence.roots().mount_images) {
        const auto devices = evidence.view.images.find(entry.source);
        const bool none = devices == evidence.view.images.end() || devices->second.empty();
        if (entry.optional && none) {
            continue;  // no such image
        }
        const Place place = look(evidence, entry.destination);
        const Mount* const mount = place.exact ? place.mount : nullptr;
        finding = both(
            std::move(finding),
            both(shows_image(evidence, mount, entry.source), options_hold(mount, entry.options)));
    }
    return finding.kernel.empty() && finding.verdict == Verdict::Verified
               ? cannot_know("only optional images, none of which exists")
               : finding;
}

// ---- layers

Finding extensions(const Evidence& evidence, bool images) {
    const RootSettings& roots = evidence.roots();
    const Mount* const mount = evidence.mounts.at("/usr");
    const auto seen = [&](const std::string& source) {
        const std::string path =
            "/usr/lib/extension-release.d/extension-release." + launch::extension_name(source);
        const Place place = look(evidence, path);
        return place.fact != nullptr && place.error.empty() && !place.missing;
    };
    std::vector<std::pair<std::string, bool>> asked;  // source, whether it may be absent
    for (const ExtensionEntry& entry : roots.extension_images) {
        if (images) {
            const bool renamed = launch::image_options(entry.options).relaxed_release;
            asked.emplace_back(entry.source, entry.optional || renamed);
        }
    }
    for (const DirectoryEntry& entry : roots.extension_directories) {
        if (!images) {
            asked.emplace_back(entry.path, entry.optional);
        }
    }
    const bool any = std::ranges::any_of(asked, [](const auto& each) { return !each.second; });
    if (mount == nullptr || !mount->read_only() || mount->type != "overlay") {
        return any ? mismatch(shown(mount), "expected a read-only overlay")
                   : cannot_know("only extensions that may be absent");
    }
    for (const auto& [source, optional] : asked) {
        if (!optional && !seen(source)) {
            return mismatch(shown(mount), "nothing of " + source + " is seen");
        }
    }
    return verified(fmt::format("{}, {} layers", shown(mount), asked.size()));
}

Finding extension_images(const Evidence& evidence) {
    return extensions(evidence, true);
}
Finding extension_directories(const Evidence& evidence) {
    return extensions(evidence, false);
}

Finding root_ephemeral(const Evidence& evidence) {
    const bool own =
        !evidence.exec().root_directory.empty() || !evidence.roots().root_image.empty();
    return own ? ephemeral_root(evidence) : cannot_know("the service has no root of its own");
}

constexpr auto checks = std::to_array<Check>({
    {"ExecPaths", exec_paths},
    {"ExtensionDirectories", extension_directories},
    {"ExtensionImages", extension_images},
    {"MountFlags", mount_flags},
    {"MountImages", mount_images},
    {"NoExecPaths", no_exec_paths},
    {"ProcSubset", proc_subset},
    {"ProtectProc", protect_proc},
    {"RootEphemeral", root_ephemeral},
    {"RootImage", root_image},
    {"RootImageOptions", root_image_options},
});

}  // namespace

std::span<const Check> root_checks() {
    return checks;
}

Finding ephemeral_root(const Evidence& evidence) {
    const Mount* const mount = evidence.mounts.at("/");
    const std::string upper = "/hearth-" + evidence.question.unit.name + "-";
    return either(
        mount != nullptr && mount->type == "overlay" &&
            mount->super_options.find(upper) != std::string::npos,
        shown(mount),
        "expected an overlay with a directory of the unit's own");
}

std::vector<std::string> extension_releases(const Unit& unit) {
    std::vector<std::string> paths;
    const auto add = [&](const std::string& source) {
        paths.push_back(
            "/usr/lib/extension-release.d/extension-release." + launch::extension_name(source));
    };
    for (const ExtensionEntry& entry : unit.settings.roots.extension_images) {
        add(entry.source);
    }
    for (const DirectoryEntry& entry : unit.settings.roots.extension_directories) {
        add(entry.path);
    }
    return paths;
}

}  // namespace hearth::report
