// SPDX-License-Identifier: MIT
#include "supervisor/init/world.hpp"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

namespace hearth::keeper {

namespace {

constexpr int cap_sys_boot = 22;                              // CAP_SYS_BOOT of linux/capability.h
constexpr char initial_pid_namespace[] = "pid:[4026531836]";  // PROC_PID_INIT_INO, fixed
constexpr int first_real_time_signal =
    34;                                  // SIGRTMIN as glibc counts, and so kill(1) and systemctl
constexpr int keyboard_signal = 0x4B4E;  // KDSIGACCEPT of linux/kd.h
constexpr int last_signal = 64;
bool watches_all = false;  ///< the signals of a machine's first process, too
constexpr char oom_score[] = "/proc/self/oom_score_adj";

long read_file(const char* path, char* text, unsigned long size) {
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    const long count = ::read(file, text, size - 1);
    ::close(file);
    text[count > 0 ? count : 0] = '\0';
    return count;
}

long read_of_process(int32_t pid, const char* file, char* text, unsigned long size) {
    char number[24] = {};
    char path[40] = "/proc/";
    ::strcat(path, digits(static_cast<unsigned long>(pid), number + sizeof number - 1));
    ::strcat(path, file);
    return read_file(path, text, size);
}

void write_file(const char* path, const char* text, unsigned long size) {
    const int file = ::open(path, O_WRONLY | O_CLOEXEC);
    if (file >= 0) {
        (void)!::write(file, text, size);
        ::close(file);
    }
}

/// By its number, for musl keeps the first of the real-time ones for itself and refuses their
/// names.
void add(sigset_t& set, int signal) {
    uint64_t bits = 0;
    ::memcpy(&bits, &set, sizeof bits);
    bits |= uint64_t{1} << static_cast<unsigned>(signal - 1);
    ::memcpy(&set, &bits, sizeof bits);
}

sigset_t watched_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, first_real_time_signal + 3};
    for (const int signal : signals) {
        add(set, signal);
    }
    if (watches_all) {
        const int of_a_machine[] = {SIGPWR, SIGWINCH, SIGUSR1, SIGUSR2};
        for (const int signal : of_a_machine) {
            add(set, signal);
        }
        for (int signal = first_real_time_signal; signal <= last_signal; ++signal) {
            add(set, signal);
        }
    }
    return set;
}

}  // namespace

/// A container's runtime always mounts /proc: a PID 1 that finds none is the machine's.
Role role() {
    if (::getpid() != 1) {
        return Role::Guest;
    }
    char space[64] = {};
    const long size = ::readlink("/proc/self/ns/pid", space, sizeof space - 1);
    const bool initial = size < 0 || ::strcmp(space, initial_pid_namespace) == 0;
    return initial && ::prctl(PR_CAPBSET_READ, cap_sys_boot) == 1 ? Role::Machine : Role::Container;
}

const char* name(Role role) {
    switch (role) {
        case Role::Machine:
            return "machine";
        case Role::Container:
            return "container";
        case Role::Guest:
            return "guest";
    }
    return "guest";
}

char* digits(unsigned long number, char* end) {
    do {
        *--end = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return end;
}

void say(const char* first, const char* second, const char* third) {
    const char* const parts[] = {"hearth-init: ", first, second, third, "\n"};
    iovec line[5] = {};
    int count = 0;
    for (const char* part : parts) {
        if (part != nullptr) {
            line[count].iov_base = const_cast<char*>(part);
            line[count++].iov_len = ::strlen(part);
        }
    }
    (void)!::writev(STDERR_FILENO, line, count);
}

void say(const char* first, long number, const char* last) {
    char text[24] = {};
    say(first, digits(static_cast<unsigned long>(number), text + sizeof text - 1), last);
}

int64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
}

uint64_t start_time(int32_t pid) {
    constexpr int field_of_start = 22;
    char text[1024];
    if (read_of_process(pid, "/stat", text, sizeof text) <= 0) {
        return 0;
    }
    const char* at = ::strrchr(text, ')');  // the name may hold anything
    for (int field = 2; field < field_of_start && at != nullptr; ++field) {
        at = ::strchr(at + 1, ' ');
    }
    return at != nullptr ? ::strtoull(at, nullptr, 10) : 0;
}

uint64_t cgroup_of(int32_t pid) {
    char text[16384];
    if (read_of_process(pid, "/cgroup", text, sizeof text) <= 0) {
        return 0;
    }
    const char* path = ::strncmp(text, "0::", 3) == 0 ? text : ::strstr(text, "\n0::");
    if (path == nullptr) {
        return 0;
    }
    path = ::strchr(path, '/');
    const char* end = path != nullptr ? ::strchr(path, '\n') : nullptr;
    if (end == nullptr) {
        return 0;
    }
    constexpr char gone[] = " (deleted)";  // its directory
    constexpr long size = sizeof gone - 1;
    if (end - path > size && ::strncmp(end - size, gone, size) == 0) {
        end -= size;
    }
    return hash(path, static_cast<unsigned long>(end - path));
}

// ---- the channel --------------------------------------------------------------------------------

bool open_channel(int& own, int& other) {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
        return false;
    }
    own = ends[0];
    other = ends[1];
    return true;
}

Sent send(int channel, const Packet& packet, int descriptor) {
    iovec bytes{const_cast<Packet*>(&packet), sizeof packet};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &bytes;
    header.msg_iovlen = 1;
    if (descriptor >= 0) {
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        cmsghdr* part = CMSG_FIRSTHDR(&header);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int));
        ::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
    }
    if (::sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof packet) {
        return Sent::Yes;
    }
    return errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ETOOMANYREFS
               ? Sent::Later
               : Sent::Never;
}

bool receive(int channel, Packet& packet, int& descriptor, bool& closed) {
    iovec bytes{&packet, sizeof packet};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &bytes;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    descriptor = -1;
    const long size = ::recvmsg(channel, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (size <= 0) {
        closed = size == 0 || (errno != EAGAIN && errno != EINTR);
        return false;
    }
    const cmsghdr* part = CMSG_FIRSTHDR(&header);
    if (part != nullptr && part->cmsg_type == SCM_RIGHTS &&
        part->cmsg_len == CMSG_LEN(sizeof(int))) {
        ::memcpy(&descriptor, CMSG_DATA(part), sizeof descriptor);
    }
    packet.name[longest_name] = '\0';
    if (size != sizeof packet || packet.protocol != version) {
        packet.kind = Kind{};  // another version's: understood by nobody
    }
    return true;
}

// ---- the process itself -------------------------------------------------------------------------

int open_signals(Role role) {
    watches_all = role == Role::Machine;
    const sigset_t set = watched_signals();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    return ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int next_signal(int descriptor) {
    signalfd_siginfo read{};
    return ::read(descriptor, &read, sizeof read) == sizeof read ? static_cast<int>(read.ssi_signo)
                                                                 : 0;
}

void unblock_signals() {
    const sigset_t set = watched_signals();
    ::signal(SIGPIPE, SIG_DFL);
    ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

void OomScore::lower() {
    size_ = read_file(oom_score, before_, sizeof before_);
    write_file(oom_score, "-1000", 5);
}

void OomScore::restore() const {
    if (size_ > 0) {
        write_file(oom_score, before_, static_cast<unsigned long>(size_));
    }
}

void give_up_terminal() {
    if (::tcgetsid(STDIN_FILENO) != ::getpid()) {
        return;  // none, or not ours to give
    }
    (void)::signal(SIGHUP, SIG_IGN);  // it comes to its session, which is us
    (void)::ioctl(STDIN_FILENO, TIOCNOTTY);
    (void)::signal(SIGHUP, SIG_DFL);
}

void take_the_keyboard() {
    (void)::reboot(RB_DISABLE_CAD);
    const int console = ::open("/dev/tty0", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (console >= 0) {
        (void)::ioctl(console, keyboard_signal, SIGWINCH);
        ::close(console);
    }
}

void prepare_descriptors() {
    for (int number = 0; number < 3; ++number) {
        if (::fcntl(number, F_GETFD) < 0) {
            (void)::open("/dev/null", O_RDWR);
        }
    }
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

}  // namespace hearth::keeper
