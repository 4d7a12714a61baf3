// SPDX-License-Identifier: MIT
//
// A service of the chaos test: keeps a ledger of its own, in one write(2) per line to a file opened
// with O_APPEND, so that what hearthd told can be compared with what happened.
//
//   chaos_service LEDGER lasting|ending|forking PIDFILE|flood FILE|told|part NAME
//
// `flood` sends WATCHDOG=1 as fast as it is taken, and appends a byte to FILE for every 250.
//
// `start INVOCATION PID` as the first thing; `end INVOCATION PID exited|killed STATUS LINES` as the
// last, with the number of lines written to standard output (`line INVOCATION NUMBER`). `told` is
// for ExecStopPost=: what hearthd says of the main process. SIGTERM is blocked before the first
// line and taken between two lines, so a process with a start always has its end, unless it is
// killed.
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <string>

namespace {

const char* variable(const char* name) {
    const char* value = ::getenv(name);
    return value != nullptr && *value != '\0' ? value : "-";
}

class Ledger {
public:
    explicit Ledger(const char* path)
        : file_(::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {}
    void write(const std::string& line) const {
        if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
            ::_exit(99);
        }
    }

private:
    int file_;
};

void notify(const std::string& text) {
    const char* path = ::getenv("NOTIFY_SOCKET");
    if (path == nullptr) {
        return;
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + ::strlen(path));
    if (address.sun_path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)::sendto(
        socket, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&address), length);
    ::close(socket);
}

sigset_t stopping() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGTERM);
    return set;
}

/// True: SIGTERM has come.
bool pause_for(long milliseconds) {
    const sigset_t set = stopping();
    const timespec time{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
    return ::sigtimedwait(&set, nullptr, &time) == SIGTERM;
}

class Run {
public:
    explicit Run(const Ledger& ledger) : ledger_(ledger) {
        ledger_.write("start " + invocation_ + " " + std::to_string(::getpid()) + "\n");
    }
    void line() {
        const std::string text = "line " + invocation_ + " " + std::to_string(lines_++) + "\n";
        if (::write(STDOUT_FILENO, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            --lines_;
        }
    }
    [[noreturn]] void end(bool killed, int status) const {
        ledger_.write(
            "end " + invocation_ + " " + std::to_string(::getpid()) +
            (killed ? " killed " : " exited ") + std::to_string(status) + " " +
            std::to_string(lines_) + "\n");
        if (killed) {
            sigset_t set;
            ::sigemptyset(&set);
            ::sigaddset(&set, status);
            ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
            ::raise(status);
        }
        ::_exit(status);
    }

private:
    const Ledger& ledger_;
    std::string invocation_ = variable("INVOCATION_ID");
    int lines_ = 0;
};

/// Until it is told to stop; the status says which process it was.
[[noreturn]] void last(const Ledger& ledger) {
    Run run(ledger);
    notify("READY=1\nSTATUS=lasting\n");
    run.line();
    for (int count = 0; !pause_for(50); ++count) {
        run.line();
        if (count % 8 == 0) {
            notify("WATCHDOG=1\n");
        }
    }
    run.line();
    run.end(false, ::getpid() % 7);
}

/// For a while, and then by a status or a signal of its own.
[[noreturn]] void end_soon(const Ledger& ledger) {
    constexpr int signals[] = {SIGUSR1, SIGKILL, SIGSEGV, SIGALRM};
    Run run(ledger);
    notify("READY=1\n");
    ::srand(static_cast<unsigned>(::getpid()));
    for (int left = ::rand() % 6; left > 0; --left) {
        run.line();
        if (pause_for(::rand() % 50)) {
            run.end(false, 0);
        }
    }
    const int choice = ::rand() % 12;
    run.end(choice < 4, choice < 4 ? signals[choice] : ::rand() % 200);
}

[[noreturn]] void flood(const char* path) {
    const Ledger count(path);
    notify("READY=1\n");
    for (unsigned long sent = 1; !pause_for(0); ++sent) {
        notify("WATCHDOG=1\n");
        if (sent % 250 == 0) {
            count.write("x");
        }
    }
    ::_exit(0);
}

int fork_away(const Ledger& ledger, const char* pid_file) {
    int ready[2];
    if (::pipe(ready) != 0) {
        return 98;
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ready[0]);
        ::setsid();
        ::close(ready[1]);
        last(ledger);
    }
    ::close(ready[1]);
    char byte = 0;
    (void)!::read(ready[0], &byte, 1);
    FILE* file = ::fopen(pid_file, "we");
    if (file == nullptr) {
        return 97;
    }
    ::fprintf(file, "%d\n", pid);
    ::fclose(file);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const sigset_t set = stopping();
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    if (argc < 3) {
        ::fputs(
            "chaos_service LEDGER lasting|ending|forking PIDFILE|flood FILE|told|part NAME\n",
            stderr);
        return 2;
    }
    const Ledger ledger(argv[1]);
    const std::string kind = argv[2];
    const std::string invocation = variable("INVOCATION_ID");
    if (kind == "lasting") {
        last(ledger);
    }
    if (kind == "ending") {
        end_soon(ledger);
    }
    if (kind == "forking" && argc == 4) {
        return fork_away(ledger, argv[3]);
    }
    if (kind == "flood" && argc == 4) {
        flood(argv[3]);
    }
    if (kind == "told") {
        ledger.write(
            "told " + invocation + " " + variable("EXIT_CODE") + " " + variable("EXIT_STATUS") +
            " " + variable("SERVICE_RESULT") + "\n");
        return 0;
    }
    ledger.write("part " + invocation + " " + (argc == 4 ? argv[3] : "-") + "\n");
    return 0;
}
