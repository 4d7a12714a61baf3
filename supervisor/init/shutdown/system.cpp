// SPDX-License-Identifier: MIT
#include "supervisor/init/shutdown/system.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace hearth::shutdown {

namespace {

int watchdog = -1;

}  // namespace

void say(const char* first, const char* second, const char* third) {
    const char* const parts[] = {"hearth-shutdown: ", first, second, third, "\n"};
    iovec line[5] = {};
    int count = 0;
    for (const char* const part : parts) {
        if (part != nullptr) {
            line[count].iov_base = const_cast<char*>(part);
            line[count++].iov_len = ::strlen(part);
        }
    }
    (void)!::writev(STDERR_FILENO, line, count);
}

void say(const char* first, long number, const char* last) {
    char digits[24] = {};
    (void)::snprintf(digits, sizeof digits, "%ld", number);
    say(first, digits, last);
}

void say_error(const char* what, const char* whom, int error) {
    char text[256] = {};
    (void)::snprintf(text, sizeof text, ": %s", ::strerror(error));
    say(what, whom, text);
}

bool read_file(const char* path, char* text, unsigned long size) {
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    unsigned long used = 0;
    long count = 0;
    while (used + 1 < size && (count = ::read(file, text + used, size - 1 - used)) > 0) {
        used += static_cast<unsigned long>(count);
    }
    ::close(file);
    text[used] = '\0';
    return count >= 0;
}

int64_t now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
}

void use_watchdog(int descriptor) {
    watchdog = descriptor;
}

void pause() {
    constexpr long step = 20'000'000;
    if (watchdog >= 0) {
        (void)::ioctl(watchdog, WDIOC_KEEPALIVE, 0);
    }
    const timespec time{0, step};
    (void)::nanosleep(&time, nullptr);
}

int bounded(int (*call)(const char*), const char* argument, int64_t milliseconds) {
    const int pid = ::fork();
    if (pid < 0) {
        return errno;
    }
    if (pid == 0) {
        ::_exit(call(argument));
    }
    const int64_t end = now() + milliseconds;
    for (;;) {
        int status = 0;
        const int ended = ::waitpid(pid, &status, WNOHANG);
        if (ended == pid) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
        }
        if (now() >= end) {
            (void)::kill(pid, SIGKILL);  // one that hangs in the kernel stays
            return ETIMEDOUT;
        }
        pause();
    }
}

}  // namespace hearth::shutdown
