// SPDX-License-Identifier: MIT
#include "supervisor/init/machine.hpp"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/init/world.hpp"

namespace hearth::keeper {

namespace {

constexpr char console[] = "/dev/console";

struct EarlyMount {
    const char* type;
    const char* where;
    const char* parent;  ///< a path on the file system that `where` is on while nothing is mounted
    unsigned long flags;
    const char* options;
};

constexpr unsigned long no_suid_dev = MS_NOSUID | MS_NODEV;
constexpr unsigned long no_suid_dev_exec = no_suid_dev | MS_NOEXEC;

// In this order: a later one may lie below an earlier one. Options as systemd has them.
constexpr EarlyMount early_mounts[] = {
    {"proc", "/proc", "/", no_suid_dev_exec, nullptr},
    {"devtmpfs", "/dev", "/", MS_NOSUID | MS_STRICTATIME, "mode=0755,size=4m,nr_inodes=1m"},
    {"sysfs", "/sys", "/", no_suid_dev_exec, nullptr},
    {"devpts", "/dev/pts", "/dev", MS_NOSUID | MS_NOEXEC, "mode=0620,gid=5,ptmxmode=0666"},
    {"tmpfs", "/dev/shm", "/dev", no_suid_dev | MS_STRICTATIME, "mode=01777"},
    {"tmpfs", "/run", "/", no_suid_dev | MS_STRICTATIME, "mode=0755,size=20%,nr_inodes=800k"},
    {"cgroup2", "/sys/fs/cgroup", "/sys/fs", no_suid_dev_exec, "nsdelegate,memory_recursiveprot"},
};

bool is_mounted(const EarlyMount& mount) {
    struct stat own{};
    struct stat parent{};
    return ::stat(mount.where, &own) == 0 && ::stat(mount.parent, &parent) == 0 &&
           own.st_dev != parent.st_dev;
}

/// An older kernel may not know an option: then without any.
void mount_early(const EarlyMount& each) {
    if (is_mounted(each)) {
        return;
    }
    (void)::mkdir(each.where, 0755);
    if (::mount(each.type, each.where, each.type, each.flags, each.options) < 0 &&
        (errno != EINVAL || ::mount(each.type, each.where, each.type, each.flags, nullptr) < 0)) {
        say("cannot mount ", each.where, ::strerror(errno));
    }
}

void open_console() {
    for (int number = 0; number < 3; ++number) {
        if (::fcntl(number, F_GETFD) < 0) {
            (void)::open(console, O_RDWR | O_NOCTTY);  // the lowest that is free
        }
    }
}

}  // namespace

void prepare_machine() {
    for (const EarlyMount& each : early_mounts) {
        mount_early(each);
        if (::strcmp(each.where, "/dev") == 0) {
            open_console();
        }
    }
    ::umask(022);
    (void)!::chdir("/");
    ::setsid();  // the kernel's own process group has no number that autofs could be told
}

int32_t start_rescue_shell() {
    const pid_t pid = ::fork();
    if (pid != 0) {
        return pid > 0 ? pid : 0;
    }
    unblock_signals();
    ::setsid();
    const int terminal = ::open(console, O_RDWR);
    if (terminal >= 0) {
        (void)::ioctl(terminal, TIOCSCTTY, 1);
        for (int number = 0; number < 3; ++number) {
            ::dup2(terminal, number);
        }
    }
    const char* const words[] = {"sulogin", nullptr};
    const char* const shell[] = {"-sh", nullptr};
    const char* const environment[] = {
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME=/root",
        "TERM=linux",
        nullptr};
    const char* const logins[] = {"/sbin/sulogin", "/usr/sbin/sulogin"};
    for (const char* path : logins) {
        ::execve(path, const_cast<char**>(words), const_cast<char**>(environment));
    }
    ::execve("/bin/sh", const_cast<char**>(shell), const_cast<char**>(environment));
    say("there is neither sulogin nor /bin/sh");
    ::_exit(1);
}

}  // namespace hearth::keeper
