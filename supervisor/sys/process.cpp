// SPDX-License-Identifier: MIT
#include "supervisor/sys/process.hpp"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "supervisor/sys/file.hpp"

namespace hearth::sys {
namespace {

constexpr auto PidfdType =
    static_cast<idtype_t>(3);  // P_PIDFD, an enumerator only in newer headers

std::string process(pid_t pid) {
    return "process " + std::to_string(pid);
}

Result<std::optional<ExitStatus>> waited(idtype_t type, id_t id, int options) {
    siginfo_t information{};
    int result = 0;
    do {
        result = ::waitid(type, id, &information, WEXITED | options);
    } while (result < 0 && errno == EINTR);
    if (result < 0) {
        return call_failure("waitid", type == P_ALL ? "any child" : "pidfd", errno);
    }
    if (information.si_pid == 0) {
        return std::optional<ExitStatus>();
    }
    ExitStatus status;
    status.code = information.si_code == CLD_EXITED   ? ExitStatus::Code::Exited
                  : information.si_code == CLD_DUMPED ? ExitStatus::Code::Dumped
                                                      : ExitStatus::Code::Killed;
    status.status = information.si_status;
    status.pid = information.si_pid;
    return std::optional(status);
}

std::uint64_t microseconds(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

int waitid_code(ExitStatus::Code code) {
    switch (code) {
        case ExitStatus::Code::Exited:
            return CLD_EXITED;
        case ExitStatus::Code::Killed:
            return CLD_KILLED;
        case ExitStatus::Code::Dumped:
            return CLD_DUMPED;
    }
    return CLD_EXITED;
}

Result<Descriptor> pidfd_open(pid_t pid) {
    const long number = ::syscall(SYS_pidfd_open, pid, 0);
    if (number < 0) {
        return call_failure("pidfd_open", process(pid), errno);
    }
    return Descriptor(static_cast<int>(number));
}

Result<void> pidfd_send_signal(int pidfd, const Signal& signal) {
    siginfo_t queued{};
    if (signal.value) {
        queued.si_signo = signal.number;
        queued.si_code = SI_QUEUE;
        queued.si_pid = ::getpid();
        queued.si_uid = ::getuid();
        queued.si_value.sival_int = *signal.value;
    }
    siginfo_t* const details = signal.value ? &queued : nullptr;
    if (::syscall(SYS_pidfd_send_signal, pidfd, signal.number, details, 0) < 0) {
        return call_failure("pidfd_send_signal", "signal " + std::to_string(signal.number), errno);
    }
    return {};
}

Result<Descriptor> pidfd_getfd(int pidfd, int number) {
    const long copy = ::syscall(SYS_pidfd_getfd, pidfd, number, 0);
    if (copy < 0) {
        return call_failure("pidfd_getfd", "descriptor " + std::to_string(number), errno);
    }
    return Descriptor(static_cast<int>(copy));
}

namespace {

/// struct pidfd_info of linux/pidfd.h as of 6.15, which older headers lack.
struct PidfdInformation {
    std::uint64_t mask, cgroup;
    std::uint32_t ids[11];
    std::int32_t exit_code;
};
constexpr std::uint64_t exit_information = 1U << 3U;                              // PIDFD_INFO_EXIT
constexpr unsigned long request_information = _IOWR(0xFF, 11, PidfdInformation);  // PIDFD_GET_INFO

}  // namespace

/// Of a wait status, as wait(2) has it.
static ExitStatus exit_status_of(int code) {
    ExitStatus status;
    status.code = WIFEXITED(code)   ? ExitStatus::Code::Exited
                  : WCOREDUMP(code) ? ExitStatus::Code::Dumped
                                    : ExitStatus::Code::Killed;
    status.status = WIFEXITED(code) ? WEXITSTATUS(code) : WTERMSIG(code);
    return status;
}

/// The field of /proc/PID/stat with that number, from 3 on: the name in parentheses, field 2, may
/// hold spaces and parentheses of its own, so they are counted from the last one.
static std::string_view stat_field(std::string_view text, int number) {
    std::size_t position = text.rfind(')');
    for (int field = 2; field < number && position != std::string_view::npos; ++field) {
        position = text.find(' ', position + 1);
    }
    if (position == std::string_view::npos) {
        return {};
    }
    text.remove_prefix(position + 1);
    return text.substr(0, text.find_first_of(" \n"));
}

char state_of(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/stat", 4096);
    const std::string_view field = text ? stat_field(*text, 3) : std::string_view();
    return field.empty() ? 'X' : field.front();
}

/// While nobody has reaped it; the kernel shows the code (52) to who may ptrace it, else 0.
static std::optional<ExitStatus> exit_of_zombie(int pidfd) {
    const auto pid = pid_of(pidfd);
    if (!pid || *pid <= 0) {
        return std::nullopt;
    }
    const auto text = read_file("/proc/" + std::to_string(*pid) + "/stat", 4096);
    const auto still = pid_of(pidfd);
    if (!text || !still || *still != *pid || stat_field(*text, 3) != "Z") {
        return std::nullopt;
    }
    const std::string_view field = stat_field(*text, 52);
    int code = 0;
    if (std::from_chars(field.data(), field.data() + field.size(), code).ec != std::errc()) {
        return std::nullopt;
    }
    return exit_status_of(code);
}

Result<std::optional<ExitStatus>> exit_of_foreign(int pidfd) {
    PidfdInformation information{};
    information.mask = exit_information;
    const bool asked = ::ioctl(pidfd, request_information, &information) == 0;
    const int code = errno;
    if (asked && (information.mask & exit_information) != 0) {
        return std::optional(exit_status_of(information.exit_code));
    }
    if (auto status = exit_of_zombie(pidfd)) {
        return status;
    }
    if (!asked) {
        return call_failure("ioctl", "PIDFD_GET_INFO", code == ESRCH ? ESRCH : ECHILD);
    }
    return std::optional<ExitStatus>();
}

Result<std::optional<ExitStatus>> waitid(int pidfd, int options) {
    return waited(PidfdType, static_cast<id_t>(pidfd), options);
}

Result<std::optional<ExitStatus>> waitid_any(int options) {
    return waited(P_ALL, 0, options);
}

Result<void> kill(pid_t pid, int signal) {
    if (::kill(pid, signal) < 0) {
        return call_failure("kill", process(pid), errno);
    }
    return {};
}

Result<int> prctl(
    int option,
    unsigned long argument2,
    unsigned long argument3,
    unsigned long argument4,
    unsigned long argument5) {
    const int value = ::prctl(option, argument2, argument3, argument4, argument5);
    if (value < 0) {
        return call_failure("prctl", std::to_string(option), errno);
    }
    return value;
}

Result<std::uint64_t> start_time(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/stat";
    const std::string text = HEARTH_TRY(read_file(path, 4096));
    const std::string_view field = stat_field(text, 22);
    std::uint64_t ticks = 0;
    if (field.empty() ||
        std::from_chars(field.data(), field.data() + field.size(), ticks).ec != std::errc()) {
        return failure("cannot read the start time in " + path + ": field 22 is not a number", EIO);
    }
    return ticks;
}

pid_t parent_of(pid_t pid) {
    constexpr std::string_view key = "\nPPid:\t";
    const auto text = read_file("/proc/" + std::to_string(pid) + "/status", 65536);
    const std::size_t at = text ? text->find(key) : std::string::npos;
    pid_t parent = 0;
    if (at != std::string::npos) {
        std::from_chars(text->data() + at + key.size(), text->data() + text->size(), parent);
    }
    return parent;
}

Result<std::string> command_name(pid_t pid) {
    constexpr std::size_t longest = 64;
    std::string name = HEARTH_TRY(read_file("/proc/" + std::to_string(pid) + "/comm", longest));
    name.erase(std::min(name.find('\n'), name.size()));
    return name;
}

Result<pid_t> pid_of(int pidfd) {
    const std::string path = "/proc/self/fdinfo/" + std::to_string(pidfd);
    const std::string text = HEARTH_TRY(read_file(path, 4096));
    constexpr std::string_view Key = "\nPid:";
    const std::size_t position = text.find(Key);
    if (position == std::string::npos) {
        return failure(path + " has no Pid: line: descriptor is not a pidfd", EBADF);
    }
    const std::size_t digits = text.find_first_not_of(" \t", position + Key.size());
    pid_t pid = 0;
    std::from_chars(text.data() + digits, text.data() + text.size(), pid);
    return pid;
}

std::string program_beside(const std::string& name) {
    const std::string own = readlink("/proc/self/exe").value_or("/usr/bin/hearthd");
    return own.substr(0, own.rfind('/') + 1) + name;
}

Result<std::string> random_hex(std::size_t bytes) {
    constexpr std::string_view Digits = "0123456789abcdef";
    std::string random(bytes, '\0');
    for (std::size_t filled = 0; filled < bytes;) {
        const ssize_t size = ::getrandom(random.data() + filled, bytes - filled, 0);
        if (size < 0 && errno != EINTR) {
            return call_failure("getrandom", "", errno);
        }
        filled += size > 0 ? static_cast<std::size_t>(size) : 0;
    }
    std::string hex;
    for (const char byte : random) {
        hex += Digits[static_cast<unsigned char>(byte) >> 4U];
        hex += Digits[static_cast<unsigned char>(byte) & 15U];
    }
    return hex;
}

std::uint64_t monotonic_microseconds() {
    return microseconds(CLOCK_MONOTONIC);
}
std::uint64_t realtime_microseconds() {
    return microseconds(CLOCK_REALTIME);
}

}  // namespace hearth::sys
