// SPDX-License-Identifier: MIT
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "supervisor/cgroup/tree.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::cgroup {

namespace {

std::string numbers(dev_t device) {
    return std::to_string(major(device)) + ":" + std::to_string(minor(device));
}

}  // namespace

Result<std::string> Tree::block_device(const std::string& path) {
    const struct stat status = HEARTH_TRY(sys::stat(path));
    const bool is_node = S_ISBLK(status.st_mode);
    const dev_t device = is_node ? status.st_rdev : status.st_dev;
    if (major(device) == 0) {  // tmpfs, overlay, btrfs: no disk of its own
        return failure(path + " lies on no block device: name the device itself", ENOTBLK);
    }
    const std::string known = "/sys/dev/block/" + numbers(device);
    if (!sys::stat(known)) {
        return failure(path + ": the kernel knows no block device " + numbers(device), ENODEV);
    }
    if (!sys::stat(known + "/partition")) {
        return numbers(device);
    }
    std::string disk = HEARTH_TRY(sys::read_file(known + "/../dev", 64));
    disk.erase(disk.find_last_not_of('\n') + 1);
    return disk;
}

}  // namespace hearth::cgroup
