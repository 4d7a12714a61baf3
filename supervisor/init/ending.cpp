// SPDX-License-Identifier: MIT
#include "supervisor/init/ending.hpp"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hearth::keeper {

namespace {

// reboot(2)'s, by linux/reboot.h, which can't be had beside sys/reboot.h.
constexpr long magic = 0xfee1dead, magic_too = 672274793;
constexpr unsigned restart_with_argument = 0xA1B2C3D4;

/// Beside the patience that it is given: hearth-shutdown's own waits end before.
constexpr int64_t longest_shutdown = 150'000;
constexpr int64_t longest_sync = 30'000;

const char* word_of(Ending how) {
    switch (how) {
        case Ending::Halt:
            return "halt";
        case Ending::Reboot:
            return "reboot";
        case Ending::KExec:
            return "kexec";
        case Ending::SwitchRoot:
            return "switch-root";
        case Ending::Exit:
        case Ending::PowerOff:
            break;
    }
    return "poweroff";
}

/// Reaps whatever ends, until `wanted` has or the time is over; false: it was killed.
bool wait_for(int32_t wanted, const Place& place, int64_t patience) {
    const int64_t end = now() + patience;
    for (;;) {
        for (int32_t pid = ::waitpid(-1, nullptr, WNOHANG); pid > 0;
             pid = ::waitpid(-1, nullptr, WNOHANG)) {
            if (pid == wanted) {
                return true;
            }
        }
        const int64_t left = end - now();
        if (left <= 0) {
            (void)::kill(wanted, SIGKILL);
            return false;
        }
        pollfd watched{place.signals, POLLIN, 0};
        (void)::poll(&watched, 1, static_cast<int>(left < 60'000 ? left : 60'000));
        while (next_signal(place.signals) != 0) {  // SIGCHLD; whatever else comes is too late
        }
    }
}

/// In a child, for what blocks: `true` when it ended in time.
void write_back(const Place& place) {
    const int32_t pid = ::fork();
    if (pid == 0) {
        ::sync();
        ::_exit(0);
    }
    if (pid > 0 && !wait_for(pid, place, longest_sync)) {
        say("sync is not done after 30 s: going on without");
    }
}

void run_shutdown(const Verdict& verdict, const Place& place) {
    char watchdog[24] = "none";
    char patience[24] = {};
    char* watchdog_word = watchdog;
    if (place.watchdog >= 0) {
        watchdog_word =
            digits(static_cast<unsigned long>(place.watchdog), watchdog + sizeof watchdog - 1);
        (void)::fcntl(place.watchdog, F_SETFD, 0);
    }
    char* words[] = {
        const_cast<char*>("hearth-shutdown"),
        const_cast<char*>(word_of(verdict.how)),
        watchdog_word,
        digits(static_cast<unsigned long>(verdict.patience), patience + sizeof patience - 1),
        nullptr};
    const int32_t pid = ::fork();
    if (pid == 0) {
        unblock_signals();
        ::setsid();
        ::execv(place.shutdown_program, words);
        say("cannot run ", place.shutdown_program, ": nothing is unmounted");
        ::_exit(127);
    }
    const int64_t longest = verdict.patience + longest_shutdown;
    if (pid > 0 && !wait_for(pid, place, longest)) {
        say("hearth-shutdown is not done after ", longest / 1000, " s: going on without");
    }
}

// ---- another root -------------------------------------------------------------------------------

/// The directories that move along, with all that is mounted below them.
bool move_mounts(int root) {
    constexpr const char* moved[] = {"dev", "proc", "sys", "run"};
    for (const char* const each : moved) {
        char from[8] = "/";
        ::strcat(from, each);
        if (::fchdir(root) < 0) {
            return false;
        }
        // Where the new root has no such directory, or has one mounted already, the old one goes.
        if (::mount(from, each, nullptr, MS_MOVE, nullptr) < 0) {
            (void)::umount2(from, MNT_DETACH);
        }
    }
    return ::fchdir(root) == 0 && ::mount(".", "/", nullptr, MS_MOVE, nullptr) == 0 &&
           ::chroot(".") == 0 && ::chdir("/") == 0;
}

bool has_program(int root, const char* path) {
    while (*path == '/') {
        ++path;
    }
    return *path != '\0' && ::faccessat(root, path, X_OK, 0) == 0;
}

void switch_root(const Verdict& verdict, const Place& place) {
    const char* const usual[] = {
        verdict.argument, "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
    const bool asked = verdict.argument[0] != '\0';
    const char* program = nullptr;
    for (unsigned index = asked ? 0 : 1; program == nullptr && index < (asked ? 1U : 5U); ++index) {
        // A link of the new root may lead nowhere from here: it is tried again by execv.
        const bool there = has_program(verdict.root, usual[index]) || asked;
        program = there ? usual[index] : nullptr;
    }
    if (program == nullptr) {
        return say("the new root has no init: it stays as it was");
    }
    run_shutdown(verdict, place);
    // For the way out of the initramfs, whose files take memory.
    const int cleaner = ::open(place.shutdown_program, O_RDONLY | O_CLOEXEC);
    const int old_root = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!move_mounts(verdict.root)) {
        return say("the new root can't be moved to /: ", ::strerror(errno));
    }
    const int32_t pid = ::fork();
    if (pid == 0) {
        char* words[] = {
            const_cast<char*>("hearth-shutdown"), const_cast<char*>("remove-old-root"), nullptr};
        if (old_root >= 0 && ::dup2(old_root, 0) == 0) {
            (void)::fexecve(cleaner, words, environ);
        }
        ::_exit(127);
    }
    if (pid > 0) {
        (void)wait_for(pid, place, longest_sync);
    }
    place.score->restore();
    unblock_signals();
    char* words[] = {const_cast<char*>(program), nullptr};
    ::execv(program, words);
    say("cannot run the new root's ", program, ::strerror(errno));
    char* shell[] = {const_cast<char*>("/bin/sh"), nullptr};
    ::execv(shell[0], shell);
}

}  // namespace

Verdict verdict_of(const Packet& packet, int descriptor) {
    Verdict verdict;
    const uint32_t number = packet.number & ~immediate;
    verdict.how = number <= static_cast<uint32_t>(Ending::SwitchRoot) ? static_cast<Ending>(number)
                                                                      : Ending::PowerOff;
    verdict.immediate = (packet.number & immediate) != 0;
    verdict.root = descriptor;
    if (packet.code > 0) {
        verdict.patience = packet.code;
    }
    ::memcpy(verdict.argument, packet.name, sizeof verdict.argument);
    verdict.argument[longest_name] = '\0';
    return verdict;
}

void end_machine(const Verdict& verdict, const Place& place) {
    if (verdict.how == Ending::SwitchRoot) {
        return switch_root(verdict, place);
    }
    if (!verdict.immediate) {
        run_shutdown(verdict, place);
    }
    write_back(place);
    if (verdict.how == Ending::KExec) {
        (void)::reboot(RB_KEXEC);
        say("no kernel was loaded by kexec(8), rebooting: ", ::strerror(errno));
    }
    if (verdict.how == Ending::Reboot && verdict.argument[0] != '\0') {
        (void)::syscall(SYS_reboot, magic, magic_too, restart_with_argument, verdict.argument);
    }
    if (verdict.how == Ending::Reboot || verdict.how == Ending::KExec) {
        (void)::reboot(RB_AUTOBOOT);
    } else if (verdict.how != Ending::Halt) {
        (void)::reboot(RB_POWER_OFF);
    }
    (void)::reboot(RB_HALT_SYSTEM);
    say("the kernel refuses to end: ", ::strerror(errno));
}

}  // namespace hearth::keeper
