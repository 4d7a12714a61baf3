// SPDX-License-Identifier: MIT
#include "supervisor/init/keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/init/machine.hpp"

namespace hearth::keeper {

namespace {

constexpr int64_t first_back_off = 100;
constexpr int64_t longest_back_off = 5000;
constexpr int64_t longest_exit = 10'000;
constexpr int not_started = 127;
constexpr unsigned failures_before_shell = 3;

/// As a shell has it.
int exit_status(int32_t code, int32_t status) {
    return code == CLD_EXITED ? status : 128 + status;
}

}  // namespace

int Keeper::run() {
    serve();
    while (machine()) {
        end_machine(
            verdict_, {shutdown_program_, signals_, descriptors_.number(held_watchdog), &score_});
        start_at_ = now();
        done_ = stopped_ = false;
        serve();
    }
    return exit_status_;
}

void Keeper::serve() {
    while (!done_) {
        if (hearthd_ == 0 && now() >= start_at_) {
            start();
        }
        wait();
        read_channel();
        read_signals();
        end_late_replacement();
        tell();
        if (machine() && stopped_ && hearthd_ != 0 && now() - stopped_at_ >= longest_exit) {
            (void)::kill(hearthd_, SIGKILL);  // it said that nothing is left to do
        }
    }
}

void Keeper::wait() const {
    pollfd watched[2] = {{signals_, POLLIN, 0}, {channel_, POLLIN, 0}};
    if (behind_) {
        watched[1].events |= POLLOUT;
    }
    int64_t patience = -1;
    if (hearthd_ == 0) {
        patience = start_at_ - now();
        patience = patience < 0 ? 0 : patience;
    } else if (stopped_) {
        patience = longest_exit;
    } else if (next_ends_at_ != 0 && !next_was_late_) {
        patience = next_ends_at_ - now();
        patience = patience < 0 ? 0 : patience;
    }
    (void)::poll(watched, 2, static_cast<int>(patience));
}

// ---- hearthd ------------------------------------------------------------------------------------

void Keeper::start() {
    int other = -1;
    back_off_ = back_off_ == 0 ? first_back_off : back_off_ * 2;
    back_off_ = back_off_ > longest_back_off ? longest_back_off : back_off_;
    start_at_ = now() + back_off_;  // should it not come to life
    if (!open_channel(channel_, other)) {
        return say("no channel to hearthd can be made");
    }
    hold_program();
    descriptors_.tell_again();
    processes_.tell_again();
    ready_ = asked_ = owes_done_ = behind_ = stopped_ = false;
    const pid_t pid = ::fork();
    if (pid == 0) {
        score_.restore();
        unblock_signals();
        // What is typed at our terminal comes once, through us. A machine's first process has none,
        // and its automount points let our process group pass: each hearthd's.
        if (role_ != Role::Machine) {
            ::setsid();
        }
        if (other == channel_number) {
            ::fcntl(other, F_SETFD, 0);
        } else {
            ::dup2(other, channel_number);
        }
        run_program();
        say("cannot run ", command_[0]);
        ::_exit(not_started);
    }
    ::close(other);
    hearthd_ = pid > 0 ? pid : 0;
    if (pid < 0) {
        ::close(channel_);
        channel_ = -1;
        say("no process for hearthd can be made");
    }
}

void Keeper::hearthd_ended(int32_t code, int32_t status) {
    read_channel();  // what it said at last
    if (channel_ >= 0) {
        ::close(channel_);
        channel_ = -1;
    }
    hearthd_ = 0;
    asked_ = owes_done_ = behind_ = false;
    judge_death(code, status);
    ready_ = false;
}

void Keeper::judge_death(int32_t code, int32_t status) {
    if (!stopped_ && replacement_ended(code, status)) {
        return;
    }
    const bool may_end = role_ != Role::Machine && ready_before_ == 0;
    const bool wont_do = may_end && code == CLD_EXITED && (status == 0 || status == 2);
    if (stopped_ || wont_do) {
        done_ = true;
        exit_status_ = exit_status(code, status);
        return;
    }
    say(code == CLD_EXITED ? "hearthd exited with status " : "hearthd was killed by signal ",
        status,
        ready_ ? ": starting it again" : " before it was ready");
    if (stop_signal_ != 0 && may_end) {  // nothing was ever started that has to be stopped
        done_ = true;
        exit_status_ = exit_status(code, status) == 0 ? 1 : exit_status(code, status);
        return;
    }
    if (ready_) {
        start_at_ = now();
        back_off_ = 0;
    } else {
        start_at_ = now() + back_off_;
        ++failures_;
        offer_shell();
    }
}

/// Again with the next failure, where it was left.
void Keeper::offer_shell() {
    if (role_ == Role::Machine && failures_ >= failures_before_shell && rescue_shell_ == 0) {
        say("hearthd can't be started: a shell on the console, while I go on trying");
        rescue_shell_ = start_rescue_shell();
    }
}

// ---- what hearthd says, and is told -------------------------------------------------------------

void Keeper::read_channel() {
    Packet packet;
    int descriptor = -1;
    bool closed = false;
    while (channel_ >= 0 && receive(channel_, packet, descriptor, closed)) {
        handle(packet, descriptor);
    }
    if (closed) {  // its death is told by SIGCHLD
        ::close(channel_);
        channel_ = -1;
    }
}

void Keeper::handle(const Packet& packet, int descriptor) {
    bool room = true;
    switch (packet.kind) {
        case Kind::Take:
            asked_ = owes_done_ = true;
            break;
        case Kind::Ready:
            ready_ = true;
            back_off_ = 0;
            failures_ = 0;
            ++ready_before_;
            processes_.forget_strangers();
            replacement_is_ready();
            if (stop_signal_ != 0) {  // the one before died while it stopped
                (void)::kill(hearthd_, stop_signal_);
            }
            if (postponed_ != 0) {
                (void)::kill(hearthd_, postponed_);
                postponed_ = 0;
            }
            break;
        case Kind::Stopped:
            stopped_ = true;
            stopped_at_ = now();
            verdict_ = verdict_of(packet, descriptor);
            descriptor = -1;
            break;
        case Kind::Watch:
            room = processes_.watch(packet.pid, packet.started);
            break;
        case Kind::Forget:
            processes_.forget(packet.pid, packet.started);
            break;
        case Kind::Hold:
            room = descriptor < 0 || descriptors_.hold(packet.name, descriptor);
            if (room) {
                descriptor = -1;
            }
            break;
        case Kind::Drop:
            descriptors_.drop(packet.name);
            break;
        case Kind::Replace:
            replace_by(descriptor, packet.number);
            descriptor = -1;
            break;
        default:
            say("a packet of another version of hearthd is ignored");
            break;
    }
    if (!room) {
        say("a table is full: this would not outlive hearthd: ",
            packet.kind == Kind::Hold ? packet.name : "the exit status of a process");
    }
    if (descriptor >= 0) {
        ::close(descriptor);
    }
}

void Keeper::tell() {
    behind_ = false;
    const auto sent = [this](const Packet& packet, int descriptor) {
        const Sent how = send(channel_, packet, descriptor);
        behind_ = how == Sent::Later;
        return how == Sent::Yes;
    };
    while (asked_ && channel_ >= 0) {
        Packet packet;
        if (HeldDescriptor* held = descriptors_.untold()) {
            packet.kind = Kind::Held;
            ::memcpy(packet.name, held->name, sizeof packet.name);
            held->told = sent(packet, held->number);
            if (!held->told) {
                return;
            }
        } else if (Process* process = processes_.untold()) {
            packet.kind = Kind::Ended;
            packet.pid = process->pid;
            packet.started = process->started;
            packet.code = process->code;
            packet.status = process->status;
            packet.cgroup = process->cgroup;
            process->told = sent(packet, -1);
            if (!process->told) {
                return;
            }
        } else if (owes_failure_) {
            owes_failure_ = !sent(not_replaced(), -1);
            if (owes_failure_) {
                return;
            }
        } else {
            packet.kind = Kind::Done;
            packet.number = ready_before_;
            packet.code = feature_replace;
            owes_done_ = owes_done_ && !sent(packet, -1);
            return;
        }
    }
}

// ---- signals and processes ----------------------------------------------------------------------

void Keeper::read_signals() {
    for (int signal = next_signal(signals_); signal != 0; signal = next_signal(signals_)) {
        if (signal == SIGCHLD) {
            reap();
            continue;
        }
        if (machine()) {
            pass_on(signal);
            continue;
        }
        if (signal != SIGHUP) {
            stop_signal_ = signal;
        }
        if (hearthd_ != 0) {
            (void)::kill(hearthd_, signal);
        } else if (signal != SIGHUP && ready_before_ == 0 && role_ != Role::Machine) {
            done_ = true;
            exit_status_ = 1;
        }
    }
}

/// A machine's signals mean one of many things, and a stop that was begun is in hearthd's state.
/// One that can't be taken now waits for the next hearthd; where none ever was ready, Ctrl-Alt-Del
/// is the way out.
void Keeper::pass_on(int signal) {
    if (hearthd_ != 0 && ready_) {
        (void)::kill(hearthd_, signal);
    } else if (signal == SIGINT && ready_before_ == 0) {
        say("Ctrl-Alt-Del, and no hearthd was ever ready: rebooting");
        verdict_ = Verdict{};
        verdict_.how = Ending::Reboot;
        done_ = true;
    } else {
        postponed_ = signal;
    }
}

/// Looked at, written down, told, and only then reaped.
void Keeper::reap() {
    for (;;) {
        siginfo_t ended{};
        if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 || ended.si_pid == 0) {
            return;
        }
        if (ended.si_pid == hearthd_) {
            hearthd_ended(ended.si_code, ended.si_status);
        } else {
            rescue_shell_ = ended.si_pid == rescue_shell_ ? 0 : rescue_shell_;
            process_ended(ended.si_pid, ended.si_code, ended.si_status);
        }
        (void)::waitid(P_PID, static_cast<id_t>(ended.si_pid), &ended, WEXITED | WNOHANG);
    }
}

void Keeper::process_ended(int32_t pid, int32_t code, int32_t status) {
    read_channel();  // its registration may be on the way
    // hearthd's orphans come to us a moment before its own death does: they are for the next one.
    if (processes_.ended(pid, start_time(pid), code, status, !ready_, cgroup_of(pid))) {
        tell();
    }
}

}  // namespace hearth::keeper
