// SPDX-License-Identifier: MIT
#include "supervisor/init/shim.hpp"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/init/world.hpp"

namespace hearth::shim {

namespace {

void note(uint64_t& count, const siginfo_t& ended) {
    End end;
    end.pid = ended.si_pid;
    end.code = ended.si_code;
    end.status = ended.si_status;
    end.started = keeper::start_time(ended.si_pid);
    const auto place = static_cast<off_t>(offsetof(Record, ends) + count % capacity * sizeof end);
    ++count;
    (void)!::pwrite(record_number, &end, sizeof end, place);
    (void)!::pwrite(record_number, &count, sizeof count, offsetof(Record, count));
}

}  // namespace

/// A child is reaped only when its end is in the record: while it is not, its number is its own.
int run() {
    // The record is nobody's to open by /proc/PID/fd, not even a service's of the same user.
    (void)::prctl(PR_SET_DUMPABLE, 0);
    (void)::prctl(PR_SET_NAME, "hearth-shim");
    uint64_t count = 0;
    for (;;) {
        siginfo_t ended{};
        if (::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) < 0) {
            if (errno == EINTR) {
                continue;
            }
            break;
        }
        note(count, ended);
        (void)::waitid(P_PID, static_cast<id_t>(ended.si_pid), &ended, WEXITED);
    }
    constexpr uint64_t yes = 1;
    (void)!::pwrite(record_number, &yes, sizeof yes, offsetof(Record, finished));
    return 0;
}

}  // namespace hearth::shim
