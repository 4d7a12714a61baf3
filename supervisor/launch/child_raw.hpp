// SPDX-License-Identifier: MIT
//
// What the child's two files share: system calls that return a value or -errno, and paths opened
// without leaving their root. Everything is inline and of internal linkage: no symbol, weak or
// undefined, may come of it. Include in child*.cpp only.
#pragma once

#include <asm/ioctls.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/sockios.h>
#include <linux/stat.h>

#include "supervisor/launch/child_step.hpp"

#if defined(__x86_64__)
#include "supervisor/launch/child_syscall_x86_64.hpp"
#elif defined(__aarch64__)
#include "supervisor/launch/child_syscall_aarch64.hpp"
#else
#error "hearth knows how to make raw system calls on x86_64 and aarch64 only"
#endif

namespace hearth::launch {
namespace {

// errno values, by their kernel names; <errno.h> would offer `errno` too, which must not be used
// here.
constexpr long NotPermitted = -1;     // EPERM
constexpr long NoEntry = -2;          // ENOENT
constexpr long TryAgain = -11;        // EAGAIN
constexpr long AccessDenied = -13;    // EACCES
constexpr long Exists = -17;          // EEXIST
constexpr long NotDirectory = -20;    // ENOTDIR
constexpr long Invalid = -22;         // EINVAL
constexpr long NoSuchCall = -38;      // ENOSYS
constexpr long QuotaExceeded = -122;  // EDQUOT

/// Integers of every width and pointers, as the registers take them.
template <class T>
[[gnu::always_inline]] inline long as_long(T value) {
    if constexpr (requires { static_cast<long>(value); }) {
        return static_cast<long>(value);
    } else {
        const void* pointer = static_cast<const void*>(value);
        return reinterpret_cast<long>(pointer);
    }
}

template <class... Arguments>
[[gnu::always_inline]] inline long call(long number, Arguments... arguments) {
    static_assert(sizeof...(Arguments) <= 6);
    const long values[6] = {as_long(arguments)...};  // kept in registers: no array is left at -O2
    return raw_call(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}

inline void close(long descriptor) {
    if (descriptor >= 0) {
        call(__NR_close, descriptor);
    }
}

/// An O_PATH descriptor of the path, whose symlinks stay below its root; or -errno.
inline long resolve(const ChildPath& path) {
    if (path.root == nullptr) {
        return call(__NR_openat, AT_FDCWD, path.text, O_PATH | O_CLOEXEC, 0);
    }
    const long root = call(__NR_openat, AT_FDCWD, path.root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (root < 0) {
        return root;
    }
    open_how how;
    how.flags = O_PATH | O_CLOEXEC;
    how.mode = 0;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    long result = TryAgain;
    // EAGAIN: a rename elsewhere made the kernel unsure whether ".." stayed inside.
    for (int tries = 0; tries < 32 && result == TryAgain; ++tries) {
        result = call(__NR_openat2, root, path.text, &how, sizeof how);
    }
    close(root);
    return result;
}

struct InterfaceRequest {  // struct ifreq, of which the header pulls the C library in
    char name[16];
    short flags;
    char rest[22];
};
constexpr short InterfaceUp = 1;  // IFF_UP

/// A new network namespace has its `lo` down; MakeNamespace brings it up, and so must this.
inline long loopback_up() {
    const long socket = call(__NR_socket, /*AF_INET*/ 2, /*SOCK_DGRAM*/ 2 | O_CLOEXEC, 0);
    if (socket < 0) {
        return socket;
    }
    InterfaceRequest request;
    request.name[0] = 'l';
    request.name[1] = 'o';
    request.name[2] = '\0';
    request.flags = InterfaceUp;
    const long result = call(__NR_ioctl, socket, SIOCSIFFLAGS, &request);
    close(socket);
    return result;
}

inline bool missing(long error) {
    return error == NoEntry || error == NotDirectory;
}

inline bool same_text(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) {
        ++a;
        ++b;
    }
    return *a == *b;
}

}  // namespace

/// The mount steps (child_mounts.cpp). 0 or -errno.
extern "C" long hearth_child_mount_step(ChildProgram* program, const ChildStep* step);

}  // namespace hearth::launch
