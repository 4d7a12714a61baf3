// SPDX-License-Identifier: MIT
//
// Overlays: extensions over /usr and /opt, and roots whose changes don't last.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <cerrno>
#include <vector>

#include "supervisor/launch/extension_release.hpp"
#include "supervisor/launch/launcher_trees.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"

namespace hearth::launch {
namespace {

constexpr std::string_view tree_prefix = "tree:";
constexpr std::string_view release_directory = "usr/lib/extension-release.d";
constexpr std::size_t longest_release = 65536;
constexpr std::size_t longest_option = 255;  // what fsconfig(2) takes as one value

bool is_missing(const Error& error) {
    return error.code == ENOENT || error.code == ENOTDIR;
}

/// The directory that a source stands for, O_PATH; nothing where its slot is empty.
Result<std::optional<sys::Descriptor>> open_source(
    const std::string& source, const OpenedTrees& opened) {
    if (!source.starts_with(tree_prefix)) {
        return std::optional(HEARTH_TRY(sys::open(source, O_PATH | O_DIRECTORY)));
    }
    const auto tree = opened.find(source.substr(tree_prefix.size()));
    if (tree == opened.end()) {
        return std::optional<sys::Descriptor>();
    }
    return std::optional(HEARTH_TRY(sys::openat(tree->second, ".", O_PATH | O_DIRECTORY)));
}

/// A path in a root of its own: no link leads out of it.
Result<sys::Descriptor> open_within(
    const sys::Descriptor& root, const std::string& path, int flags) {
    return sys::openat2(
        root.number(), path, flags, 0, sys::ResolveInRoot | sys::ResolveNoMagicLinks);
}

Result<std::string> read_within(const sys::Descriptor& root, const std::string& path) {
    const sys::Descriptor file = HEARTH_TRY(open_within(root, path, O_RDONLY | O_NONBLOCK));
    const struct stat status = HEARTH_TRY(sys::fstat(file.number()));
    if (!S_ISREG(status.st_mode)) {
        return failure(path + " is not a regular file", EINVAL);
    }
    return sys::read_all(file.number(), longest_release, path);
}

/// With the check of its name relaxed: the one file that is there.
Result<std::string> any_release(const sys::Descriptor& layer) {
    const std::string directory(release_directory);
    const sys::Descriptor opened =
        HEARTH_TRY(open_within(layer, directory, O_RDONLY | O_DIRECTORY));
    std::string found;
    for (const std::string& name :
         HEARTH_TRY(sys::read_directory("/proc/self/fd/" + std::to_string(opened.number())))) {
        if (name.starts_with("extension-release.")) {
            if (!found.empty()) {
                return failure("it has more than one extension-release file", ESTALE);
            }
            found = name;
        }
    }
    return read_within(layer, directory + "/" + found);
}

Result<ReleaseFields> release_of_base(const sys::Descriptor& base) {
    auto text = read_within(base, "etc/os-release");
    if (!text && is_missing(text.error())) {
        text = read_within(base, "usr/lib/os-release");
    }
    if (!text) {
        return failure(
            "the root has no os-release file that extensions could be checked with: " +
                text.error().what,
            text.error().code);
    }
    return read_release(*text);
}

Result<void> check_release(
    const Layer& wanted, const sys::Descriptor& layer, const ReleaseFields& host) {
    const std::string path = std::string(release_directory) + "/extension-release." + wanted.name;
    auto text = read_within(layer, path);
    if (!text && wanted.relaxed && is_missing(text.error())) {
        text = any_release(layer);
    }
    if (!text) {
        return failure(
            "extension '" + wanted.name +
                "': " + (is_missing(text.error()) ? "it has no file /" + path : text.error().what),
            text.error().code);
    }
    utsname system{};
    ::uname(&system);
    const auto fits =
        extension_fits(read_release(*text), host, static_cast<const char*>(system.machine));
    if (!fits) {
        return failure("extension '" + wanted.name + "': " + fits.error().what, fits.error().code);
    }
    return {};
}

std::string by_number(const sys::Descriptor& directory) {
    return "/proc/self/fd/" + std::to_string(directory.number());
}

Result<sys::Descriptor> overlay(const std::string& options, std::uint64_t attributes) {
    auto made = sys::detached_mount("overlay", "source=overlay," + options, attributes);
    if (!made && made.error().code == ENODEV) {
        return failure("this kernel has no overlay file system", ENODEV);
    }
    return made;
}

}  // namespace

Result<sys::Descriptor> mount_layers(const MountLayers& wanted, const OpenedTrees& opened) {
    const std::string hierarchy = wanted.hierarchy.substr(1);
    const auto base = HEARTH_TRY(open_source(wanted.base, opened));
    if (!base) {
        return failure("there is no " + wanted.base, EINVAL);
    }
    const ReleaseFields host = HEARTH_TRY(release_of_base(*base));
    std::vector<sys::Descriptor> lower;  // bottom to top
    if (auto below = open_within(*base, hierarchy, O_PATH | O_DIRECTORY)) {
        lower.push_back(std::move(*below));
    } else if (!is_missing(below.error())) {
        return below;
    }
    const std::size_t without_layers = lower.size();
    for (const Layer& layer : wanted.layers) {
        auto source = open_source(layer.source, opened);
        if (!source && layer.optional && is_missing(source.error())) {
            continue;
        }
        const std::optional<sys::Descriptor> directory = HEARTH_TRY(std::move(source));
        if (!directory) {
            continue;
        }
        HEARTH_TRY(check_release(layer, *directory, host));
        auto part = open_within(*directory, hierarchy, O_PATH | O_DIRECTORY);
        if (part) {
            lower.push_back(std::move(*part));
        } else if (!is_missing(part.error())) {
            return part;
        }
    }
    if (lower.size() == without_layers) {
        return sys::Descriptor();
    }
    constexpr std::uint64_t attributes = sys::MountReadOnly | sys::MountNoDevices;
    if (lower.size() == 1) {  // an overlay needs two
        sys::Descriptor tree = HEARTH_TRY(
            sys::open_tree(lower.front().number(), "", sys::OpenTreeClone | sys::AtEmptyPath));
        HEARTH_TRY(sys::mount_setattr(
            tree.number(), "", sys::AtEmptyPath, sys::MountAttributesRequest{.set = attributes}));
        return tree;
    }
    std::string directories;  // top to bottom
    for (const sys::Descriptor& each : lower) {
        directories = by_number(each) + (directories.empty() ? "" : ":") + directories;
    }
    if (directories.size() > longest_option) {
        return failure("too many extensions for one overlay", E2BIG);
    }
    return overlay("lowerdir=" + directories, attributes);
}

Result<sys::Descriptor> mount_ephemeral(
    const MountEphemeral& wanted, const OpenedTrees& opened, Activation& activation) {
    const std::string slot = "overlay:" + wanted.slot;
    if (!activation.descriptors.contains(slot)) {
        const auto base = HEARTH_TRY(open_source(wanted.base, opened));
        const auto place = activation.directories.find(wanted.directory);
        if (!base || place == activation.directories.end()) {
            return failure("nothing to lay " + wanted.slot + " over", EINVAL);
        }
        const struct stat status = HEARTH_TRY(sys::fstat(base->number()));
        const std::string upper = place->second + "/upper", work = place->second + "/work";
        HEARTH_TRY(sys::mkdir(upper, 0700));
        HEARTH_TRY(sys::chown(upper, status.st_uid, status.st_gid));
        HEARTH_TRY(sys::chmod(upper, status.st_mode & 07777));
        HEARTH_TRY(sys::mkdir(work, 0700));
        activation.descriptors[slot] = HEARTH_TRY(
            overlay("lowerdir=" + by_number(*base) + ",upperdir=" + upper + ",workdir=" + work, 0));
    }
    auto tree = sys::open_tree(
        activation.descriptors[slot].number(), "", sys::OpenTreeClone | sys::AtEmptyPath);
    if (!tree && tree.error().code == EINVAL) {
        return failure("this kernel can't share an ephemeral root: that needs 6.15", EINVAL);
    }
    return tree;
}

}  // namespace hearth::launch
