// SPDX-License-Identifier: MIT
#include "supervisor/launch/launcher_shim.hpp"

#include <poll.h>
#include <signal.h>

#include <cerrno>

#include "supervisor/sys/process.hpp"

namespace hearth::launch {
namespace {

constexpr std::uint64_t CloneVm = 0x100, CloneFiles = 0x400, CloneVfork = 0x4000;
constexpr std::uint64_t CloneClearSignalHandlers = 0x100000000;
constexpr std::uint64_t ShimStack = 16UL * 1024;

}  // namespace

BelowShim::BelowShim(
    const ShimRequest& request, const CloneArguments& launched, ChildProgram& program)
    : arguments_{request.title.c_str(), "--shim", nullptr} {
    shim_.clone = launched;
    shim_.clone.stack_size -= ShimStack;
    shim_.program = &program;
    shim_.executable = request.executable;
    shim_.record = request.record.number();
    shim_.arguments = arguments_;
    shim_.environment = environment_;
    own_.flags = CloneVm | CloneFiles | CloneVfork | CloneClearSignalHandlers;
    own_.exit_signal = SIGCHLD;
    own_.stack = launched.stack + shim_.clone.stack_size;
    own_.stack_size = ShimStack;
}

long BelowShim::run(InFlight& in_flight) {
    const long own = hearth_child_clone_below(&own_, &shim_);
    if (own < 0) {
        return own;
    }
    pid_ = static_cast<pid_t>(own);
    if (shim_.resumed == 0 && *in_flight.pidfd_place() >= 0) {
        // Somebody killed the shim while the launched process uses our memory: not without an end.
        const int pidfd = *in_flight.pidfd_place();
        static_cast<void>(sys::pidfd_send_signal(pidfd, SIGKILL));
        pollfd ended{pidfd, POLLIN, 0};
        while (::poll(&ended, 1, -1) < 0 && errno == EINTR) {
        }
        return shim_.launched > 0 ? shim_.launched : sys::pid_of(pidfd).value_or(-ECANCELED);
    }
    if (shim_.error != 0) {
        shim_.program->report.phase = ChildReport::Unborn;  // it was killed again, if there was one
        return -shim_.error;
    }
    return shim_.launched != 0 ? shim_.launched : -ECANCELED;
}

}  // namespace hearth::launch
