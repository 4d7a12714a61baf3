// SPDX-License-Identifier: MIT
#include "supervisor/sys/namespace.hpp"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "supervisor/sys/file.hpp"

// The numbers are the same on every architecture since 5.0 (the unified table).
#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

namespace hearth::sys {
namespace {

constexpr unsigned FsCloexec = 1;
constexpr unsigned FsConfigSetFlag = 0;
constexpr unsigned FsConfigSetString = 1;
constexpr unsigned FsConfigCreate = 6;

Result<void> checked(long result, std::string_view call, std::string_view subject) {
    if (result < 0) {
        return call_failure(call, subject, errno);
    }
    return {};
}

Result<Descriptor> opened(long number, std::string_view call, std::string_view subject) {
    HEARTH_TRY(checked(number, call, subject));
    return Descriptor(static_cast<int>(number));
}

Result<void> configure(
    const Descriptor& context, std::string_view option, const std::string& type) {
    const std::size_t equals = option.find('=');
    const std::string key(option.substr(0, equals));
    if (equals == std::string_view::npos) {
        return checked(
            ::syscall(SYS_fsconfig, context.number(), FsConfigSetFlag, key.c_str(), nullptr, 0),
            "fsconfig",
            type + " " + key);
    }
    const std::string value(option.substr(equals + 1));
    return checked(
        ::syscall(SYS_fsconfig, context.number(), FsConfigSetString, key.c_str(), value.c_str(), 0),
        "fsconfig",
        type + " " + key);
}

}  // namespace

Result<void> unshare(int flags) {
    return checked(::unshare(flags), "unshare", "");
}

Result<void> setns(int descriptor, int kind) {
    return checked(::setns(descriptor, kind), "setns", "");
}

Result<Descriptor> own_namespace(const std::string& kind) {
    return open("/proc/thread-self/ns/" + kind, O_RDONLY);
}

Result<Descriptor> namespace_of(pid_t pid, const std::string& kind) {
    return open("/proc/" + std::to_string(pid) + "/ns/" + kind, O_RDONLY);
}

Result<std::string> namespace_identity(const std::string& path) {
    return readlink(path);
}

Result<int> namespace_type(int descriptor) {
    const int type = ::ioctl(descriptor, NS_GET_NSTYPE);
    if (type < 0) {
        return call_failure("ioctl", "NS_GET_NSTYPE", errno);
    }
    return type;
}

Result<void> loopback_up() {
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    HEARTH_TRY(checked(socket.number(), "socket", ""));
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    HEARTH_TRY(checked(::ioctl(socket.number(), SIOCGIFFLAGS, &request), "ioctl", "lo"));
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    return checked(::ioctl(socket.number(), SIOCSIFFLAGS, &request), "ioctl", "lo");
}

Result<void> mount(
    const std::string& source,
    const std::string& target,
    const std::string& type,
    unsigned long flags,
    const std::string& options) {
    return checked(
        ::mount(
            source.c_str(),
            target.c_str(),
            type.empty() ? nullptr : type.c_str(),
            flags,
            options.empty() ? nullptr : options.c_str()),
        "mount",
        target);
}

Result<void> umount2(const std::string& target, int flags) {
    return checked(::umount2(target.c_str(), flags), "umount2", target);
}

Result<Descriptor> open_tree(int directory, const std::string& path, unsigned flags) {
    return opened(
        ::syscall(SYS_open_tree, directory, path.c_str(), flags | OpenTreeCloexec),
        "open_tree",
        path);
}

Result<void> move_mount(
    int from, const std::string& from_path, int to, const std::string& to_path, unsigned flags) {
    return checked(
        ::syscall(SYS_move_mount, from, from_path.c_str(), to, to_path.c_str(), flags),
        "move_mount",
        to_path);
}

Result<void> mount_setattr(
    int directory,
    const std::string& path,
    unsigned flags,
    const MountAttributesRequest& attributes) {
    return checked(
        ::syscall(
            SYS_mount_setattr, directory, path.c_str(), flags, &attributes, sizeof attributes),
        "mount_setattr",
        path);
}

Result<Descriptor> detached_mount(
    const std::string& type, const std::string& options, std::uint64_t attributes) {
    const Descriptor context =
        HEARTH_TRY(opened(::syscall(SYS_fsopen, type.c_str(), FsCloexec), "fsopen", type));
    std::string_view rest = options;
    while (!rest.empty()) {
        const std::string_view option = rest.substr(0, rest.find(','));
        rest.remove_prefix(option.size() == rest.size() ? rest.size() : option.size() + 1);
        if (!option.empty()) {
            HEARTH_TRY(configure(context, option, type));
        }
    }
    HEARTH_TRY(checked(
        ::syscall(SYS_fsconfig, context.number(), FsConfigCreate, nullptr, nullptr, 0),
        "fsconfig",
        type));
    return opened(
        ::syscall(SYS_fsmount, context.number(), FsCloexec, static_cast<unsigned>(attributes)),
        "fsmount",
        type);
}

}  // namespace hearth::sys
