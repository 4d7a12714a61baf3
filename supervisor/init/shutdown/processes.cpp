// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/init/shutdown/system.hpp"

namespace hearth::shutdown {

namespace {

constexpr int64_t after_kill = 10'000;
constexpr int64_t before_telling = 5'000;
constexpr unsigned long kernel_thread = 0x00200000;  // PF_KTHREAD

struct Found {
    int pid = 0;
    char name[64] = {};
    bool has_terminal = false;
};

/// False: it is none that we end. By stat(5)'s fields behind the name, which may hold anything.
bool describe(int pid, Found& found) {
    char path[64];
    char text[1024];
    (void)::snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (pid == 1 || pid == ::getpid() || !read_file(path, text, sizeof text)) {
        return false;
    }
    const char* const open = ::strchr(text, '(');
    const char* const close = ::strrchr(text, ')');
    char state = '\0';
    int terminal = 0;
    unsigned long flags = 0;
    if (open == nullptr || close == nullptr ||
        ::sscanf(close + 1, " %c %*d %*d %*d %d %*d %lu", &state, &terminal, &flags) != 3 ||
        state == 'Z' || state == 'X' || (flags & kernel_thread) != 0) {
        return false;
    }
    found.pid = pid;
    found.has_terminal = terminal != 0;
    (void)::snprintf(
        found.name, sizeof found.name, "%.*s", static_cast<int>(close - open - 1), open + 1);
    return true;
}

/// https://systemd.io/ROOT_STORAGE_DAEMONS: the root file system needs it until the very end.
bool is_storage_daemon(int pid) {
    char path[64];
    char text[4] = {};
    (void)::snprintf(path, sizeof path, "/proc/%d", pid);
    struct stat owner{};
    if (::stat(path, &owner) < 0 || owner.st_uid != 0) {
        return false;
    }
    (void)::snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    return read_file(path, text, sizeof text) && text[0] == '@';
}

/// How many processes there are to end, each given the signal (0: none); `tell`: named.
int for_each(int signal, bool tell) {
    DIR* const all = ::opendir("/proc");
    if (all == nullptr) {
        return 0;
    }
    int count = 0;
    while (const dirent* const entry = ::readdir(all)) {
        Found found;
        const int pid = ::atoi(entry->d_name);
        if (pid <= 0 || !describe(pid, found) || is_storage_daemon(pid)) {
            continue;
        }
        ++count;
        if (signal != 0) {
            (void)::kill(pid, signal);
            if (signal == SIGTERM && found.has_terminal) {
                (void)::kill(pid, SIGHUP);  // interactive shells don't hear SIGTERM
            }
        }
        if (tell) {
            char text[96];
            (void)::snprintf(text, sizeof text, "%s (%d)", found.name, found.pid);
            say("still running: ", text);
        }
    }
    ::closedir(all);
    return count;
}

/// Whether all have ended in time.
bool wait_for_all(int64_t patience) {
    const int64_t begin = now();
    bool told = false;
    while (for_each(0, false) > 0) {
        if (now() - begin >= patience) {
            return false;
        }
        if (!told && now() - begin >= before_telling) {
            (void)for_each(0, true);
            told = true;
        }
        pause();
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
    }
    return true;
}

}  // namespace

void end_processes(int64_t patience) {
    if (::access("/proc/self", F_OK) < 0) {  // they can't be told apart: all of them
        (void)::kill(-1, SIGTERM);
        for (const int64_t end = now() + before_telling; now() < end;) {
            pause();
        }
        (void)::kill(-1, SIGKILL);
        return;
    }
    (void)::kill(-1, SIGSTOP);  // so that none makes another while we look
    const int count = for_each(SIGTERM, false);
    (void)::kill(-1, SIGCONT);
    if (count == 0 || wait_for_all(patience)) {
        return;
    }
    say("SIGKILL to what still runs");
    (void)::kill(-1, SIGSTOP);
    (void)for_each(SIGKILL, true);
    (void)::kill(-1, SIGCONT);
    if (!wait_for_all(after_kill)) {
        say("some processes are left: they can't be killed");
    }
}

}  // namespace hearth::shutdown
