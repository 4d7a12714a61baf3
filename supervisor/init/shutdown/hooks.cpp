// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/init/shutdown/system.hpp"

namespace hearth::shutdown {

namespace {

constexpr const char* hooks = "/lib/systemd/system-shutdown";
constexpr int64_t longest_hooks = 60'000;
constexpr unsigned most_hooks = 256;

int start_hook(const char* name, const char* word) {
    char path[512];
    (void)::snprintf(path, sizeof path, "%s/%s", hooks, name);
    if (::access(path, X_OK) < 0) {
        return 0;
    }
    const int pid = ::fork();
    if (pid == 0) {
        char* words[] = {path, const_cast<char*>(word), nullptr};
        ::execv(path, words);
        ::_exit(127);
    }
    return pid;
}

}  // namespace

void run_hooks(const char* word) {
    DIR* const all = ::opendir(hooks);
    if (all == nullptr) {
        return;
    }
    int running[most_hooks];
    unsigned count = 0;
    while (const dirent* const entry = ::readdir(all)) {
        const int pid = entry->d_name[0] != '.' && count < most_hooks && entry->d_type != DT_DIR
                            ? start_hook(entry->d_name, word)
                            : 0;
        if (pid > 0) {
            running[count++] = pid;
        }
    }
    ::closedir(all);
    const int64_t end = now() + longest_hooks;
    for (unsigned index = 0; index < count; ++index) {
        while (::waitpid(running[index], nullptr, WNOHANG) == 0) {
            if (now() >= end) {
                say("ending a program that takes too long: one of ", hooks);
                (void)::kill(running[index], SIGKILL);
                (void)::waitpid(running[index], nullptr, 0);
                break;
            }
            pause();
        }
    }
}

}  // namespace hearth::shutdown
