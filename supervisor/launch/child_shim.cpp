// SPDX-License-Identifier: MIT
//
// What stands between hearthd and a launched process where there are no cgroups: same rules as
// child.cpp. The shim shares our memory until its execve, and waits in its clone3 (CLONE_VFORK)
// until the launched process has called execve or is dead; so the launcher, which waits for the
// shim in the same way, reads the report as ever.
#include <linux/close_range.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "supervisor/init/shim.hpp"
#include "supervisor/launch/child.hpp"
#include "supervisor/launch/child_raw.hpp"

namespace hearth::launch {
namespace {

constexpr long FirstClosed = shim::record_number + 1;
constexpr unsigned long Kill = 9;  // SIGKILL

[[noreturn]] void leave(Shim& shim, long error) {
    shim.error = static_cast<std::int32_t>(-error);
    while (true) {
        call(__NR_exit_group, 1);
    }
}

/// Its number and the launched one's: a hearthd that dies now is told by the record.
void note_begin(const Shim& shim) {
    const std::int32_t numbers[2] = {
        static_cast<std::int32_t>(call(__NR_getpid)), static_cast<std::int32_t>(shim.launched)};
    call(__NR_pwrite64, shim.record, numbers, sizeof numbers, 0);
}

/// Only comes back with what failed.
long become(const Shim& shim) {
    long result = call(__NR_unshare, CLONE_FILES);
    if (result < 0) {
        return result;  // what is closed now would be hearthd's
    }
    result = call(__NR_dup3, shim.record, shim::record_number, 0);
    for (int standard = 0; standard < shim::record_number; ++standard) {
        call(__NR_close, standard);  // a pipe of hearthd's ends with hearthd
    }
    if (result >= 0) {
        result = call(__NR_close_range, FirstClosed, ~0U, CLOSE_RANGE_CLOEXEC);
    }
    if (result >= 0) {
        call(__NR_chdir, "/");
        result = call(
            __NR_execveat, shim.executable, "", shim.arguments, shim.environment, AT_EMPTY_PATH);
    }
    return result;
}

void run(void* argument) {
    Shim& shim = *static_cast<Shim*>(argument);
    long result = call(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    if (result >= 0) {
        result = call(__NR_setsid);  // what is typed at hearthd's terminal is not for us
    }
    if (result >= 0 && shim.pid_namespace >= 0) {
        result = call(__NR_setns, shim.pid_namespace, CLONE_NEWPID);
    }
    if (result < 0) {
        leave(shim, result);
    }
    shim.launched = hearth_child_clone(&shim.clone, shim.program);
    if (shim.launched < 0) {
        leave(shim, 0);
    }
    note_begin(shim);
    shim.resumed = 1;
    result = become(shim);
    call(__NR_kill, shim.launched, Kill);  // nobody would know its descendants
    leave(shim, result);
}

}  // namespace

extern "C" long hearth_child_clone_below(const CloneArguments* arguments, Shim* shim) {
    return raw_clone(__NR_clone3, arguments, sizeof *arguments, run, shim);
}

}  // namespace hearth::launch
