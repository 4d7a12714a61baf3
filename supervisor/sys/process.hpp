// SPDX-License-Identifier: MIT
//
// Processes by pidfd: open, signal, wait. A pid may be reused between two calls, a pidfd may not:
// prefer the latter for everything that lives longer than one function. waitid() can peek
// (WNOWAIT), because an exit is recorded before it is reaped (DESIGN 1). Follows pidfd_open(2),
// waitid(2), proc(5). Errors as in file.hpp.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include <cstdint>
#include <optional>
#include <string>

#include "parser/result.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth::sys {

/// How a process ended. `status` is the exit code for Exited, else the signal.
struct ExitStatus {
    enum class Code : std::uint8_t { Exited, Killed, Dumped };
    Code code{};
    int status = 0;
    pid_t pid = 0;

    [[nodiscard]] bool success() const { return code == Code::Exited && status == 0; }
    bool operator==(const ExitStatus&) const = default;
};

/// CLD_EXITED, CLD_KILLED or CLD_DUMPED.
[[nodiscard]] int waitid_code(ExitStatus::Code code);

Result<Descriptor> pidfd_open(pid_t pid);
/// A signal; with a value as sigqueue(3) sends it.
struct Signal {
    Signal(int which) : number(which) {}
    Signal(int which, std::optional<int> with) : number(which), value(with) {}
    int number;
    std::optional<int> value = {};
};
Result<void> pidfd_send_signal(int pidfd, const Signal& signal);
Result<Descriptor> pidfd_getfd(int pidfd, int number);
/// waitid(P_PIDFD, WEXITED | options). With WNOHANG nothing is returned while it runs; with WNOWAIT
/// the process stays a zombie and may be waited for again.
Result<std::optional<ExitStatus>> waitid(int pidfd, int options = WNOHANG);
/// The same for any child (P_ALL): for a subreaper that collects orphans.
Result<std::optional<ExitStatus>> waitid_any(int options = WNOHANG);
/// The same for a process that is no child of ours and has ended: as its zombie shows it (proc(5)),
/// or after its parent has reaped it (PIDFD_GET_INFO, Linux 6.15). Nothing: between the two. ECHILD
/// or ESRCH where this kernel can't tell.
Result<std::optional<ExitStatus>> exit_of_foreign(int pidfd);
Result<void> kill(pid_t pid, int signal);

/// prctl(2) with unsigned long arguments; the value that it returned.
Result<int> prctl(
    int option,
    unsigned long argument2 = 0,
    unsigned long argument3 = 0,
    unsigned long argument4 = 0,
    unsigned long argument5 = 0);

/// Field 22 of /proc/PID/stat: clock ticks after boot. With the pid it names one process for ever.
Result<std::uint64_t> start_time(pid_t pid);
/// Field 3 of /proc/PID/stat, as proc(5) has it: 'R', 'T', 'Z' ...; 'X' where the process is gone.
[[nodiscard]] char state_of(pid_t pid);
/// PPid of /proc/PID/status; 0 where the process is gone or has none that we see.
[[nodiscard]] pid_t parent_of(pid_t pid);
/// /proc/PID/comm, its first line: the kernel's name of the process, which the process may choose.
Result<std::string> command_name(pid_t pid);
/// The pid behind a pidfd, as /proc/self/fdinfo tells it. -1 where the process is gone.
Result<pid_t> pid_of(int pidfd);

/// The path of the program of that name in the directory of this one.
[[nodiscard]] std::string program_beside(const std::string& name);

/// Random bytes from the kernel as lower case hex digits: 2 per byte.
Result<std::string> random_hex(std::size_t bytes);
std::uint64_t monotonic_microseconds();
std::uint64_t realtime_microseconds();

}  // namespace hearth::sys
