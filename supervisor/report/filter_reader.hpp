// SPDX-License-Identifier: MIT
//
// read_filter(): the seccomp program that a process runs under, byte for byte, as the kernel holds
// it (ptrace(2), PTRACE_SECCOMP_GET_FILTER; needs CAP_SYS_ADMIN, no filter on hearthd itself, and a
// kernel with CONFIG_CHECKPOINT_RESTORE). For that the process is stopped for some microseconds, as
// by SIGSTOP.
//
// It must never harm the service: a process that sleeps in a call which answers a stop with EINTR
// (signal(7): epoll_wait and kin) is left alone, as far as a look beforehand can tell; the stop is
// awaited for a bounded time; and all of it is done on a thread of its own, at whose end the kernel
// detaches the process whatever happened. A filter can be added but never taken away or changed, so
// one reading counts for a process's whole life: FilterMemory keeps the answers. Both are used by
// the worker's thread only.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "parser/result.hpp"

namespace hearth::report {

using FilterProgram = std::vector<std::uint64_t>;  ///< struct sock_filter, 8 bytes each

/// The oldest filter of `pid`, which must be the process behind `pidfd`. Blocks for at most some
/// hundredths of a second. An error says why it could not be read.
[[nodiscard]] Result<FilterProgram> read_filter(pid_t pid, int pidfd);

class FilterMemory {
public:
    /// read_filter(), asked of the kernel once per process.
    [[nodiscard]] Result<FilterProgram> filter(pid_t pid, int pidfd);

private:
    struct Known {
        std::uint64_t start_time = 0;
        FilterProgram program;
    };
    std::map<pid_t, Known> known_;
};

}  // namespace hearth::report
