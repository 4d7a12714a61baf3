// SPDX-License-Identifier: MIT
#include "supervisor/report/filter_reader.hpp"

#include <linux/filter.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::report {

namespace {

constexpr int get_filter_request = 0x420c;  // PTRACE_SECCOMP_GET_FILTER
constexpr std::size_t known_processes = 256;

/// ptrace's request has another type in each libc, and the kernel's numbers are not all in it.
long trace(int request, pid_t pid, std::uintptr_t address, void* data) {
    return ::syscall(SYS_ptrace, request, pid, address, data);
}

/// Calls that a stop, unlike a signal without handler, can't end early: signal(7), "Interruption of
/// system calls and library functions by stop signals", read the other way round. What isn't here
/// may have a time limit that turns a stop into EINTR.
constexpr auto undisturbed = std::to_array<long>({
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_futex,
    SYS_wait4,
    SYS_waitid,
    SYS_ppoll,
    SYS_pselect6,
    SYS_rt_sigsuspend,
#ifdef SYS_poll
    SYS_poll,
    SYS_select,
    SYS_pause,
#endif
});

/// /proc/PID/syscall: "running", or the number of the call that the main thread sleeps in.
Result<void> harmless(pid_t pid) {
    const std::string text =
        HEARTH_TRY(sys::read_file("/proc/" + std::to_string(pid) + "/syscall", 4096));
    if (text.starts_with("running")) {
        return {};
    }
    long number = -1;
    std::from_chars(text.data(), text.data() + text.size(), number);
    if (number < 0 || std::ranges::find(undisturbed, number) != undisturbed.end()) {
        return {};  // -1: it sleeps outside of any call
    }
    if (number == SYS_read ||
        number == SYS_write) {  // restarted, but for a socket with a time limit
        const std::size_t argument = text.find("0x");
        int descriptor = -1;
        if (argument != std::string::npos) {
            std::from_chars(text.data() + argument + 2, text.data() + text.size(), descriptor, 16);
        }
        const std::string entry =
            "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(descriptor);
        const auto link = sys::readlink(entry);
        if (link && !link->starts_with("socket:")) {
            return {};
        }
    }
    return failure(
        "it sleeps in system call " + std::to_string(number) +
        ", which an inspection could interrupt");
}

/// Waits for the stop without ever collecting an exit.
Result<void> await_stop(pid_t pid) {
    using namespace std::chrono_literals;
    const auto deadline = std::chrono::steady_clock::now() + 50ms;
    for (;;) {
        siginfo_t info{};
        const int waited =
            ::waitid(P_PID, static_cast<id_t>(pid), &info, WSTOPPED | WNOHANG | __WALL);
        if (waited == 0 && info.si_pid == pid) {
            return {};
        }
        if (waited != 0 && errno != EINTR) {
            return sys::call_failure("waitid", std::to_string(pid), errno);
        }
        if (std::chrono::steady_clock::now() > deadline) {
            return failure("it did not stop in time");
        }
        std::this_thread::sleep_for(100us);
    }
}

Result<FilterProgram> stopped_filter(pid_t pid) {
    const long length = trace(get_filter_request, pid, 0, nullptr);
    if (length < 0) {
        const int error = errno;
        switch (error) {
            case EACCES:
                return failure(
                    "the kernel shows filters only to CAP_SYS_ADMIN without a filter of its own",
                    error);
            case EINVAL:
            case EIO:
                return failure(
                    "this kernel doesn't show filters (CONFIG_CHECKPOINT_RESTORE)", error);
            case ENOENT:
                return FilterProgram{};
            default:
                return sys::call_failure("PTRACE_SECCOMP_GET_FILTER", std::to_string(pid), error);
        }
    }
    static_assert(sizeof(sock_filter) == sizeof(FilterProgram::value_type));
    FilterProgram program(static_cast<std::size_t>(length));
    if (length > 0 && trace(get_filter_request, pid, 0, program.data()) != length) {
        return sys::call_failure("PTRACE_SECCOMP_GET_FILTER", std::to_string(pid), errno);
    }
    return program;
}

/// On a thread that ends afterwards: a process that never stopped can't be detached by request.
Result<FilterProgram> inspect(pid_t pid, int pidfd) {
    if (trace(PTRACE_SEIZE, pid, 0, nullptr) != 0) {
        return sys::call_failure("PTRACE_SEIZE", std::to_string(pid), errno);
    }
    // Seized, the pid can't be given to another process; only now is it certain whose it is.
    HEARTH_TRY(sys::pidfd_send_signal(pidfd, 0));
    if (trace(PTRACE_INTERRUPT, pid, 0, nullptr) != 0) {
        return sys::call_failure("PTRACE_INTERRUPT", std::to_string(pid), errno);
    }
    HEARTH_TRY(await_stop(pid));
    auto program = stopped_filter(pid);
    (void)trace(PTRACE_DETACH, pid, 0, nullptr);
    return program;
}

}  // namespace

Result<FilterProgram> read_filter(pid_t pid, int pidfd) {
    using namespace std::chrono_literals;
    // A busy service sleeps only now and then in what must not be disturbed.
    Result<void> allowed = harmless(pid);
    for (int attempt = 0; !allowed && attempt < 20; ++attempt) {
        std::this_thread::sleep_for(1ms);
        allowed = harmless(pid);
    }
    HEARTH_TRY(std::move(allowed));
    Result<FilterProgram> program = failure("not read");
    std::thread([&] { program = inspect(pid, pidfd); }).join();
    return program;
}

Result<FilterProgram> FilterMemory::filter(pid_t pid, int pidfd) {
    const auto started = sys::start_time(pid);
    const auto known = known_.find(pid);
    if (started && known != known_.end() && known->second.start_time == *started) {
        return known->second.program;
    }
    FilterProgram program = HEARTH_TRY(read_filter(pid, pidfd));
    if (started) {
        if (known_.size() >= known_processes) {
            known_.clear();
        }
        known_[pid] = {*started, program};
    }
    return program;
}

}  // namespace hearth::report
