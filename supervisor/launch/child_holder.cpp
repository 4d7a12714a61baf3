// SPDX-License-Identifier: MIT
//
// The holder of namespaces: a process beside ours, in our memory, that waits to be killed. Same
// rules as child.cpp. It is a process because a user namespace is entered by whole processes only,
// and because its maps are written by somebody who is outside (user_namespaces(7)).
#include <linux/prctl.h>
#include <linux/sched.h>

#include "supervisor/launch/child.hpp"
#include "supervisor/launch/child_raw.hpp"

namespace hearth::launch {
namespace {

constexpr unsigned long Kill = 9;  // SIGKILL

[[noreturn]] void leave() {
    while (true) {
        call(__NR_exit_group, 1);
    }
}

void must(Holder& holder, long result) {
    if (result < 0) {
        holder.error = static_cast<std::int32_t>(-result);
        leave();
    }
}

void hold(void* argument) {
    Holder& holder = *static_cast<Holder*>(argument);
    if (holder.user_namespace >= 0) {
        must(holder, call(__NR_setns, holder.user_namespace, CLONE_NEWUSER));
        must(holder, call(__NR_unshare, holder.namespaces));
    }
    if (holder.loopback) {
        must(holder, loopback_up());
    }
    // The thread that made us is all that would end us.
    must(holder, call(__NR_prctl, PR_SET_PDEATHSIG, Kill, 0, 0, 0));
    if (call(__NR_getppid) != holder.parent) {
        leave();
    }
    must(holder, call(__NR_write, holder.ready, "", 1));
    while (true) {
        call(__NR_ppoll, nullptr, 0, nullptr, nullptr, 0);
    }
}

}  // namespace

extern "C" long hearth_child_hold(const CloneArguments* arguments, Holder* holder) {
    return raw_clone(__NR_clone3, arguments, sizeof *arguments, hold, holder);
}

}  // namespace hearth::launch
