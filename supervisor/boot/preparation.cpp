// SPDX-License-Identifier: MIT
#include "supervisor/boot/preparation.hpp"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "supervisor/boot/identity.hpp"
#include "supervisor/launch/mounts.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/namespace.hpp"
#include "units/fstab.hpp"

namespace hearth::boot {

namespace {

constexpr std::size_t largest = std::size_t{1} << 20U;

struct Link {
    const char* path;
    const char* target;
};
constexpr auto links = std::to_array<Link>({
    {"/dev/fd", "/proc/self/fd"},
    {"/dev/stdin", "/proc/self/fd/0"},
    {"/dev/stdout", "/proc/self/fd/1"},
    {"/dev/stderr", "/proc/self/fd/2"},
    {"/dev/core", "/proc/kcore"},
});

struct KernelMount {
    const char* type;
    const char* where;
    const char* parent;
    unsigned long flags;
    const char* options;
};
constexpr unsigned long closed = MS_NOSUID | MS_NODEV | MS_NOEXEC;
// Where the kernel has them: what is missing isn't told.
constexpr auto kernel_mounts = std::to_array<KernelMount>({
    {"securityfs", "/sys/kernel/security", "/sys/kernel", closed, ""},
    {"bpf", "/sys/fs/bpf", "/sys/fs", closed, "mode=700"},
    {"pstore", "/sys/fs/pstore", "/sys/fs", closed, ""},
    {"efivarfs", "/sys/firmware/efi/efivars", "/sys/firmware/efi", closed, ""},
});

bool is_mounted(const KernelMount& mount) {
    const auto own = sys::stat(mount.where);
    const auto parent = sys::stat(mount.parent);
    return own && parent && own->st_dev != parent->st_dev;
}

void note(Prepared& prepared, const Result<void>& result) {
    if (!result) {
        prepared.problems.push_back(result.error().what);
    }
}

/// systemd-remount-fs.service(8), where that isn't there to do it: services log and keep state from
/// the first one on. The file system is not checked before.
void remount_root(Prepared& prepared, const KernelCommandLine& kernel) {
    if (sys::stat("/lib/systemd/systemd-remount-fs") ||
        sys::stat("/usr/lib/systemd/systemd-remount-fs")) {
        return;
    }
    const auto table = kernel.reads_fstab ? sys::read_file("/etc/fstab", largest)
                                          : Result<std::string>(std::string());
    const std::string options = root_options_of_fstab(table ? *table : "");
    if (options.empty() && !kernel.root_writable.value_or(false)) {
        return;
    }
    struct statvfs now{};
    if (::statvfs("/", &now) < 0) {
        return;
    }
    std::uint64_t flags = 0;
    for (const auto& [shown, flag] :
         {std::pair{ST_NOSUID, MS_NOSUID},
          std::pair{ST_NODEV, MS_NODEV},
          std::pair{ST_NOEXEC, MS_NOEXEC},
          std::pair{ST_NOATIME, MS_NOATIME},
          std::pair{ST_RELATIME, MS_RELATIME}}) {
        flags |= (now.f_flag & static_cast<unsigned long>(shown)) != 0
                     ? static_cast<std::uint64_t>(flag)
                     : 0;
    }
    const auto wanted = launch::read_mount_options(options == "defaults" ? "" : options, flags);
    const auto done = sys::mount("", "/", "", MS_REMOUNT | wanted.flags, wanted.rest);
    if (!done) {
        prepared.problems.push_back(
            "the root can't be mounted as /etc/fstab says (" + options + "): " + done.error().what);
    }
}

/// Programs of util-linux and services' tests lock files there; tmpfiles.d sets it up, too.
void make_lock_directory(Prepared& prepared) {
    constexpr mode_t for_all = 01777;
    if (!sys::stat("/run/lock")) {
        auto made = sys::mkdir("/run/lock", 0755);
        note(prepared, made ? sys::chmod("/run/lock", for_all) : made);
    }
}

}  // namespace

Prepared prepare_machine(const KernelCommandLine& kernel) {
    Prepared prepared;
    remount_root(prepared, kernel);
    for (const Link& link : links) {
        if (!sys::lstat(link.path)) {
            note(prepared, sys::symlink(link.target, link.path));
        }
    }
    for (const KernelMount& each : kernel_mounts) {
        if (sys::stat(each.where) && !is_mounted(each)) {
            (void)sys::mount(each.type, each.where, each.type, each.flags, each.options);
        }
    }
    // Else the kernel drops most of what hearthd says at a boot.
    (void)sys::write_file("/proc/sys/kernel/printk_devkmsg", "on\n");
    make_lock_directory(prepared);
    note(prepared, set_host_name(kernel.host_name));
    note(prepared, sys::loopback_up());
    note(prepared, settle_machine_id(kernel.machine_id, prepared.first_boot));
    return prepared;
}

Prepared prepare_container() {
    Prepared prepared;
    (void)sys::loopback_up();  // a network namespace that is somebody else's has it up
    note(prepared, settle_machine_id({}, prepared.first_boot));
    return prepared;
}

}  // namespace hearth::boot
