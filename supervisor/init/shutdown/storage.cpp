// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/swap.h>
#include <unistd.h>

#include "supervisor/init/shutdown/system.hpp"
#include "supervisor/init/shutdown/table.hpp"

namespace hearth::shutdown {

namespace {

constexpr int64_t longest_call = 30'000;
constexpr int64_t longest_swap = 60'000;
constexpr int most_rounds = 20;
constexpr unsigned most_mounts = 8192;

/// The longest mount table that is read whole; of one that is longer the first part.
char table[4 * 1024 * 1024];
Mount mounts[most_mounts];

int unmount(const char* path) {
    return ::umount2(path, UMOUNT_NOFOLLOW) < 0 ? errno : 0;
}

int make_read_only(const char* path) {
    return ::mount(nullptr, path, nullptr, MS_REMOUNT | MS_RDONLY, nullptr) < 0 ? errno : 0;
}

int switch_swap_off(const char* path) {
    return ::swapoff(path) < 0 ? errno : 0;
}

/// What the machine itself stands on till the end.
bool stays(const char* where) {
    return ::strcmp(where, "/") == 0 || ::strcmp(where, "/usr") == 0 || is_below(where, "/proc") ||
           is_below(where, "/sys") || is_below(where, "/dev") || is_below(where, "/run/initramfs");
}

struct Round {
    int done = 0;  ///< things that are gone now
    int left = 0;  ///< things that should be
};

unsigned read_mounts() {
    if (!read_file("/proc/self/mountinfo", table, sizeof table)) {
        return 0;
    }
    unsigned count = 0;
    char* text = table;
    while (count < most_mounts && next_mount(text, mounts[count])) {
        ++count;
    }
    return count;
}

/// The last that was mounted goes first.
void unmount_all(Round& round, bool last) {
    for (unsigned index = read_mounts(); index > 0; --index) {
        const Mount& mount = mounts[index - 1];
        if (mount.where[0] == '\0' || stays(mount.where)) {
            continue;
        }
        const int error = bounded(&unmount, mount.where, longest_call);
        if (error == 0) {
            ++round.done;
        } else if (error != EINVAL) {  // EINVAL: gone with another, or in an unreachable place
            round.left += is_virtual(mount.type) ? 0 : 1;
            if (last && !is_virtual(mount.type)) {
                say_error("cannot unmount ", mount.where, error);
            }
        }
    }
}

/// All that is still mounted and can be written to. False: some of it stays so.
bool make_all_read_only() {
    bool all = true;
    for (unsigned index = read_mounts(); index > 0; --index) {
        const Mount& mount = mounts[index - 1];
        if (is_virtual(mount.type) || has_option(mount.super_options, "ro")) {
            continue;
        }
        const int error = bounded(&make_read_only, mount.where, longest_call);
        if (error != 0) {
            all = false;
            say_error("cannot make read-only: ", mount.where, error);
        } else if (!stays(mount.where)) {
            say("made read-only, for it can't be unmounted: ", mount.where);
        }
    }
    return all;
}

void swaps_off(Round& round, bool last) {
    if (!read_file("/proc/swaps", table, sizeof table)) {
        return;
    }
    char* text = table;
    (void)next_swap(text);  // the head
    while (const char* const path = next_swap(text)) {
        const int error = bounded(&switch_swap_off, path, longest_swap);
        round.done += error == 0 ? 1 : 0;
        round.left += error == 0 ? 0 : 1;
        if (error != 0 && last) {
            say_error("cannot switch off the swap ", path, error);
        }
    }
}

/// A call for each block device whose name begins so.
void for_each_block_device(const char* prefix, void (*call)(const char*, Round&), Round& round) {
    DIR* const all = ::opendir("/sys/block");
    if (all == nullptr) {
        return;
    }
    while (const dirent* const entry = ::readdir(all)) {
        if (::strncmp(entry->d_name, prefix, ::strlen(prefix)) == 0) {
            call(entry->d_name, round);
        }
    }
    ::closedir(all);
}

void detach_loop(const char* name, Round& round) {
    char path[300];
    char file[4096];
    (void)::snprintf(path, sizeof path, "/sys/block/%s/loop/backing_file", name);
    if (!read_file(path, file, sizeof file)) {
        return;  // it has none
    }
    (void)::snprintf(path, sizeof path, "/dev/%s", name);
    const int device = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (device >= 0 && ::ioctl(device, LOOP_CLR_FD, 0) == 0) {
        ++round.done;
    } else if (errno != ENXIO) {
        ++round.left;
    }
    if (device >= 0) {
        ::close(device);
    }
}

void tell_left(const char* name, Round& round) {
    (void)round;
    say("left as it is: /dev/", name);
}

bool in_memory(int directory) {
    constexpr long of_ramfs = 0x858458f6, of_tmpfs = 0x01021994;
    struct statfs system{};
    return ::fstatfs(directory, &system) == 0 && (static_cast<long>(system.f_type) == of_ramfs ||
                                                  static_cast<long>(system.f_type) == of_tmpfs);
}

void remove_below(int directory, dev_t device) {
    DIR* const all = ::fdopendir(directory);
    if (all == nullptr) {
        ::close(directory);
        return;
    }
    while (const dirent* const entry = ::readdir(all)) {
        struct stat found{};
        if (::strcmp(entry->d_name, ".") == 0 || ::strcmp(entry->d_name, "..") == 0 ||
            ::fstatat(directory, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) < 0 ||
            found.st_dev != device) {
            continue;
        }
        if (S_ISDIR(found.st_mode)) {
            const int below =
                ::openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (below >= 0) {
                remove_below(below, device);
            }
            (void)::unlinkat(directory, entry->d_name, AT_REMOVEDIR);
        } else {
            (void)::unlinkat(directory, entry->d_name, 0);
        }
    }
    ::closedir(all);
}

}  // namespace

bool release_storage() {
    (void)::chdir("/");
    for (int number = 0; number < most_rounds; ++number) {
        Round round;
        unmount_all(round, false);
        swaps_off(round, false);
        for_each_block_device("loop", &detach_loop, round);
        if (round.left == 0 && round.done == 0) {
            break;
        }
        if (round.done == 0) {  // stuck: once more, and tell
            unmount_all(round, true);
            swaps_off(round, true);
            break;
        }
    }
    const bool all = make_all_read_only();
    Round round;
    for_each_block_device("loop", &detach_loop, round);
    for_each_block_device("dm-", &tell_left, round);
    for_each_block_device("md", &tell_left, round);
    return all;
}

void remove_old_root(int root) {
    struct stat found{};
    if (in_memory(root) && ::fstat(root, &found) == 0) {
        remove_below(root, found.st_dev);
    }
}

}  // namespace hearth::shutdown
