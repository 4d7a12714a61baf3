// SPDX-License-Identifier: MIT
//
// An upgrade of hearthd: the one that runs names the program that shall be next, as a descriptor,
// and ends. The next one has its time to become ready; else it is ended, and the one before is
// started again. Both are held open: a file that was replaced or removed meanwhile still runs.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/init/keeper.hpp"

namespace hearth::keeper {

/// The one that was ready is held. Until one was, the file may be another one at each attempt:
/// somebody may be mending it.
void Keeper::hold_program() {
    if (ready_before_ != 0 && program_ >= 0) {
        return;
    }
    if (program_ >= 0) {
        ::close(program_);
    }
    program_ = ::open(command_[0], O_PATH | O_CLOEXEC);
}

/// In the child. What can't be run by its descriptor (a script) is run by its path.
void Keeper::run_program() {
    const int program = next_ >= 0 ? next_ : program_;
    if (program >= 0) {
        (void)::syscall(SYS_execveat, program, "", command_, environ, AT_EMPTY_PATH);
    }
    if (next_ < 0) {
        ::execv(command_[0], command_);
    }
}

void Keeper::replace_by(int program, uint32_t milliseconds) {
    if (program < 0) {
        return;
    }
    if (next_ >= 0) {
        ::close(next_);
    }
    next_ = program;
    next_patience_ = milliseconds;
    next_ends_at_ = 0;
    next_was_late_ = false;
}

void Keeper::replacement_is_ready() {
    if (next_ends_at_ == 0) {
        return;
    }
    ::close(program_);
    program_ = next_;
    next_ = -1;
    next_ends_at_ = 0;
}

/// True where that was the end of one that makes room, or of one that took its place and failed.
bool Keeper::replacement_ended(int32_t code, int32_t status) {
    if (next_ < 0) {
        return false;
    }
    start_at_ = now();
    back_off_ = 0;
    if (next_ends_at_ == 0) {  // the old one has made room
        next_ends_at_ = now() + next_patience_;
        return true;
    }
    owes_failure_ = true;
    failed_late_ = next_was_late_;
    failed_code_ = code;
    failed_status_ = status;
    ::close(next_);
    next_ = -1;
    next_ends_at_ = 0;
    say(failed_late_
            ? "the new hearthd was not ready in time: the one before is started again"
            : "the new hearthd ended before it was ready: the one before is started again");
    return true;
}

void Keeper::end_late_replacement() {
    if (next_ends_at_ != 0 && !next_was_late_ && hearthd_ != 0 && now() >= next_ends_at_) {
        next_was_late_ = true;
        (void)::kill(hearthd_, SIGKILL);
    }
}

Packet Keeper::not_replaced() const {
    Packet packet;
    packet.kind = Kind::NotReplaced;
    packet.number = failed_late_ ? 1 : 0;
    packet.code = failed_code_;
    packet.status = failed_status_;
    return packet;
}

}  // namespace hearth::keeper
