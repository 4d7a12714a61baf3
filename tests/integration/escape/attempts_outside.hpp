// SPDX-License-Identifier: MIT
//
// The attempts that concern mounts, namespaces, other processes and sockets, and what they know of
// the test's surroundings. Part of escape_probe.cpp, apart for its length.
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <mqueue.h>
#include <net/ethernet.h>
#include <sched.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

std::string place;           // a directory of the test's own, below /run
std::string inner;           // the same as BindPaths= shows it, or itself
pid_t victim = 0;            // a root process of the host, no relation
int segment = -1, port = 0;  // its shared memory; a TCP port that the host listens at
std::string abstract_name, queue_name;

// ---- mounts and roots

bool scratch(std::string& path) {
    char name[] = "/dev/shm/escape-XXXXXX";
    const char* made = ::mkdtemp(name);
    path = made == nullptr ? "/tmp" : made;
    return made != nullptr;
}

template <class Attempt>
bool on_scratch(const Attempt& attempt) {
    std::string path;
    const bool made = scratch(path);
    const bool reached = attempt(path);
    const int error = errno;
    if (made) {
        ::rmdir(path.c_str());
    }
    errno = error;
    return reached;
}

bool mounts(const char* source, const std::string& target, const char* type, unsigned long flags) {
    if (::mount(source, target.c_str(), type, flags, nullptr) < 0) {
        return false;
    }
    ::umount2(target.c_str(), MNT_DETACH);
    return true;
}

bool mount_tmpfs() {
    return on_scratch([](const std::string& at) { return mounts("tmpfs", at, "tmpfs", 0); });
}
bool mount_proc() {
    return on_scratch([](const std::string& at) { return mounts("proc", at, "proc", 0); });
}
bool mount_bind() {
    return on_scratch([](const std::string& at) { return mounts("/", at, nullptr, MS_BIND); });
}
bool mount_overlay_api() {
    return ::syscall(SYS_fsopen, "tmpfs", 0) >= 0;
}
bool mount_open_tree() {
    return ::syscall(SYS_open_tree, AT_FDCWD, "/", 1 /* OPEN_TREE_CLONE */) >= 0;
}
bool mount_detached_writable() {
    const long tree = ::syscall(SYS_open_tree, AT_FDCWD, "/usr", 1);
    if (tree < 0) {
        return false;
    }
    struct {
        std::uint64_t set = 0, clear = 1 /* RDONLY */, propagation = 0, userns = 0;
    } attributes;
    return ::syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) ==
           0;
}
/// By a child: from the new root nobody could remove the scratch directory.
bool unshare_mounts_and_pivot() {
    return on_scratch([](const std::string& at) {
        const pid_t child = ::fork();
        if (child == 0) {
            const bool reached =
                ::unshare(CLONE_NEWNS) == 0 &&
                ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                ::mount("tmpfs", at.c_str(), "tmpfs", 0, nullptr) == 0 &&
                ::chdir(at.c_str()) == 0 && ::syscall(SYS_pivot_root, ".", ".") == 0;
            ::_exit(reached ? 0 : errno);
        }
        int status = 0;
        if (child < 0 || ::waitpid(child, &status, 0) != child) {
            return false;
        }
        errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
        return status == 0;
    });
}
bool change_root() {
    return ::chroot("/usr") == 0;
}
bool escape_chroot() {
    const int out = ::open("/", O_RDONLY | O_DIRECTORY);
    return ::chroot("/usr") == 0 && ::fchdir(out) == 0 && ::chroot(".") == 0 &&
           ::access("/usr", F_OK) == 0;
}
bool unmount_something() {
    if (::unshare(CLONE_NEWNS) < 0) {
        return false;
    }
    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    return ::umount2("/dev/shm", MNT_DETACH) == 0;
}

// ---- namespaces

template <int flag>
bool unshares() {
    return ::unshare(flag) == 0;
}
bool clone3_user_namespace() {
    std::uint64_t arguments[11] = {};
    arguments[0] = CLONE_NEWUSER;
    arguments[4] = SIGCHLD;
    const long child = ::syscall(SYS_clone3, arguments, 64);
    if (child == 0) {
        ::_exit(0);
    }
    return child > 0 && ::waitpid(static_cast<pid_t>(child), nullptr, 0) > 0;
}
bool clone_mount_namespace() {
    const long child = ::syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, nullptr, nullptr, nullptr, 0);
    if (child == 0) {
        ::_exit(0);
    }
    return child > 0 && ::waitpid(static_cast<pid_t>(child), nullptr, 0) > 0;
}
std::string of_victim(const char* what) {
    return "/proc/" + std::to_string(victim) + "/" + what;
}
bool enters(const char* kind, int flag) {
    const int name_space = ::open(of_victim(kind).c_str(), O_RDONLY | O_CLOEXEC);
    return name_space >= 0 && ::setns(name_space, flag) == 0;
}
bool enter_victims_mounts() {
    return enters("ns/mnt", CLONE_NEWNS);
}
bool enter_victims_network() {
    return enters("ns/net", CLONE_NEWNET);
}
bool enter_victim_by_pidfd() {
    const long process = ::syscall(SYS_pidfd_open, victim, 0);
    return process >= 0 && ::setns(static_cast<int>(process), CLONE_NEWNS | CLONE_NEWUTS) == 0;
}

// ---- other processes

bool see_victim() {
    return ::access(of_victim("status").c_str(), R_OK) == 0;
}
bool trace_victim() {
    if (::ptrace(PTRACE_SEIZE, victim, nullptr, nullptr) < 0) {
        return false;
    }
    ::ptrace(PTRACE_DETACH, victim, nullptr, nullptr);
    return true;
}
bool read_victims_memory_by_call() {
    char byte = 0;
    iovec local{&byte, 1}, remote{reinterpret_cast<void*>(1), 1};
    // A bad address is found only when the permission was there.
    return ::process_vm_readv(victim, &local, 1, &remote, 1, 0) >= 0 || errno == EFAULT;
}
bool opens(const std::string& path, int flags = O_RDONLY) {
    const int file = ::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    const int error = errno;
    if (file >= 0) {
        ::close(file);
    }
    errno = error;
    return file >= 0;
}
bool open_victims_memory() {
    return opens(of_victim("mem"), O_RDWR);
}
bool open_victims_root() {
    return opens(of_victim("root"), O_PATH | O_DIRECTORY) && opens(of_victim("root/etc"));
}
bool open_victims_directory() {
    return opens(of_victim("cwd/."));
}
bool read_victims_environment() {
    char text[1];
    const int file = ::open(of_victim("environ").c_str(), O_RDONLY);
    return file >= 0 && ::read(file, text, 1) >= 0;
}
bool open_victims_descriptor() {
    return opens(of_victim("fd/0"), O_PATH) && opens(of_victim("fd/0"));
}
bool signal_victim() {
    return ::kill(victim, 0) == 0;
}
bool signal_victim_by_pidfd() {
    const long process = ::syscall(SYS_pidfd_open, victim, 0);
    return process >= 0 && ::syscall(SYS_pidfd_send_signal, process, 0, nullptr, 0) == 0;
}
bool steal_victims_descriptor() {
    const long process = ::syscall(SYS_pidfd_open, victim, 0);
    return process >= 0 && ::syscall(SYS_pidfd_getfd, process, 0, 0) >= 0;
}
bool compare_with_victim() {
    return ::syscall(SYS_kcmp, ::getpid(), victim, 1, 0, 0) >= 0;
}
bool slow_victim() {
    errno = 0;
    const int now = ::getpriority(PRIO_PROCESS, static_cast<id_t>(victim));
    return errno == 0 && ::setpriority(PRIO_PROCESS, static_cast<id_t>(victim), now) == 0;
}
bool pin_victim() {
    cpu_set_t set;
    return ::sched_getaffinity(victim, sizeof set, &set) == 0 &&
           ::sched_setaffinity(victim, sizeof set, &set) == 0;
}
bool limit_victim() {
    rlimit limit{};
    return ::prlimit(victim, RLIMIT_CORE, nullptr, &limit) == 0 &&
           ::prlimit(victim, RLIMIT_CORE, &limit, nullptr) == 0;
}
bool starve_victim() {
    return ::syscall(SYS_ioprio_set, 1, victim, (2 << 13) | 4) == 0;
}

// ---- sockets

bool socket_of(int family, int type, int protocol = 0) {
    const int made = ::socket(family, type | SOCK_CLOEXEC, protocol);
    return made >= 0;
}
bool raw_socket() {
    return socket_of(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}
bool packet_socket() {
    return socket_of(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
}
bool netlink_socket() {
    return socket_of(AF_NETLINK, SOCK_RAW, 0);
}
bool inet6_socket() {
    return socket_of(AF_INET6, SOCK_STREAM) || socket_of(AF_INET, SOCK_STREAM);
}
bool connect_to_host() {
    const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(static_cast<std::uint16_t>(port));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return made >= 0 && ::connect(made, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) == 0;
}
bool connects(const std::string& name) {
    const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un peer{};
    peer.sun_family = AF_UNIX;
    std::memcpy(peer.sun_path, name.data(), std::min(name.size(), sizeof peer.sun_path - 1));
    const auto size = static_cast<socklen_t>(
        offsetof(sockaddr_un, sun_path) + name.size() + (name.front() == '/' ? 1 : 0));
    return made >= 0 && ::connect(made, reinterpret_cast<const sockaddr*>(&peer), size) == 0;
}
bool connect_to_abstract_socket() {
    return connects(std::string(1, '\0') + abstract_name);
}
bool connect_to_path_socket() {
    return connects(place + "/socket");
}
bool connect_to_manager() {
    return connects(place + "/runtime/private");
}
bool leave_ip_socket_pair() {
    return socket_of(AF_INET, SOCK_DGRAM);
}

}  // namespace
