// SPDX-License-Identifier: MIT
#include "supervisor/report/path_facts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "supervisor/report/checks.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"

namespace hearth::report {

namespace {

// Linux 5.8; the libc's header may be older than the kernel's.
constexpr unsigned mount_id_field = 0x1000;             // STATX_MNT_ID
constexpr std::uint64_t mount_root_attribute = 0x2000;  // STATX_ATTR_MOUNT_ROOT

std::string identity(std::uint64_t device, std::uint64_t inode) {
    return std::to_string(device) + ":" + std::to_string(inode);
}

std::string identity(const std::string& path) {
    const auto status = sys::stat(path);
    return status ? identity(status->st_dev, status->st_ino) : std::string();
}

Result<sys::Descriptor> open_below(const sys::Descriptor& root, const std::string& path) {
    return sys::openat2(
        root.number(),
        path == "/" ? "." : path.substr(1),
        O_PATH,
        0,
        sys::ResolveInRoot | sys::ResolveNoMagicLinks);
}

void read_host(PathFact& fact, const std::string& path) {
    fact.own_identity = identity(path);
    struct statvfs file_system{};
    fact.own_read_only =
        ::statvfs(path.c_str(), &file_system) == 0 && (file_system.f_flag & ST_RDONLY) != 0;
}

PathFact fact_of(const sys::Descriptor& root, const AskedPath& asked) {
    PathFact fact;
    read_host(fact, asked.own);
    auto file = open_below(root, asked.path);
    if (!file) {
        fact.error = file.error().what;
        fact.missing = file.error().code == ENOENT || file.error().code == ENOTDIR;
        return fact;
    }
    struct statx status{};
    if (::statx(file->number(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | mount_id_field, &status) !=
        0) {
        fact.error = sys::call_failure("statx", asked.path, errno).error().what;
        return fact;
    }
    fact.resolved =
        sys::readlink("/proc/self/fd/" + std::to_string(file->number())).value_or(asked.path);
    fact.mount = (status.stx_mask & mount_id_field) != 0 ? status.stx_mnt_id : 0;
    fact.mount_point = (status.stx_attributes & mount_root_attribute) != 0;
    fact.directory = S_ISDIR(status.stx_mode);
    fact.mode = status.stx_mode & 07777U;
    fact.owner = status.stx_uid;
    fact.identity = identity(makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino);
    return fact;
}

/// Only what lies in /dev itself: what is below (pts, shm) holds no hardware.
void read_devices(KernelView& view, const sys::Descriptor& root) {
    auto directory = sys::openat2(
        root.number(),
        "dev",
        O_RDONLY | O_DIRECTORY | O_NONBLOCK,
        0,
        sys::ResolveInRoot | sys::ResolveNoMagicLinks);
    if (!directory) {
        view.errors["devices"] = directory.error().what;
        return;
    }
    const auto names = sys::read_directory("/proc/self/fd/" + std::to_string(directory->number()));
    for (const std::string& name : names.value_or(std::vector<std::string>{})) {
        struct stat status{};
        if (::fstatat(directory->number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) {
            view.devices[name] = std::string(S_ISCHR(status.st_mode) ? "c " : "b ") +
                                 std::to_string(major(status.st_rdev)) + ":" +
                                 std::to_string(minor(status.st_rdev));
        }
    }
}

/// By which devices an image is mounted: itself, or loop devices.
std::string devices_of(const std::string& image) {
    const auto status = sys::stat(image);
    if (!status) {
        return {};
    }
    if (S_ISBLK(status->st_mode)) {
        return std::to_string(major(status->st_rdev)) + ":" +
               std::to_string(minor(status->st_rdev));
    }
    std::array<char, PATH_MAX> real{};
    const std::string path =
        ::realpath(image.c_str(), real.data()) == nullptr ? image : std::string(real.data());
    std::string devices;
    for (const std::string& name :
         sys::read_directory("/sys/block").value_or(std::vector<std::string>{})) {
        constexpr std::size_t longest = 8192;
        const std::string base = "/sys/block/" + name;
        const auto file = sys::read_file(base + "/loop/backing_file", longest);
        const auto device = sys::read_file(base + "/dev", longest);
        if (file && device && *file == path + "\n") {
            devices += (devices.empty() ? "" : " ") + device->substr(0, device->find('\n'));
        }
    }
    return devices;
}

void read_images(KernelView& view, const RootSettings& roots) {
    if (!roots.root_image.empty()) {
        view.images[roots.root_image] = devices_of(roots.root_image);
    }
    for (const ImageEntry& entry : roots.mount_images) {
        view.images[entry.source] = devices_of(entry.source);
    }
}

}  // namespace

void read_paths(KernelView& view, const Question& question, const std::string& process) {
    const Unit& unit = question.unit;
    read_images(view, unit.settings.roots);
    view.root = identity(process + "/root");
    if (!unit.settings.exec.root_directory.empty()) {
        view.expected_root = identity(unit.settings.exec.root_directory);
    }
    auto root = sys::open(process + "/root", O_PATH | O_DIRECTORY);
    if (!root) {
        view.errors["root"] = root.error().what;
        return;
    }
    for (const AskedPath& asked : asked_paths(unit)) {
        view.paths[asked.path] = fact_of(*root, asked);
    }
    for (const AskedPath& asked : directory_paths(question)) {
        view.paths.try_emplace(asked.path, fact_of(*root, asked));
    }
    if (unit.settings.sandbox.private_devices) {
        read_devices(view, *root);
    }
}

}  // namespace hearth::report
