// SPDX-License-Identifier: MIT
//
// client_benchmark [TIMES]: how long a client takes from its start to its end, beside /bin/true and
// systemctl, each asking the same real hearthd; as root, in a mount namespace of its own. The
// programs are those beside this one. Commands take turns, so that all see the same machine.
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Command {
    std::vector<std::string> words;
    std::vector<double> microseconds = {};
};

pid_t start(const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t silence;
    posix_spawn_file_actions_init(&silence);
    posix_spawn_file_actions_addopen(&silence, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&silence, 2, "/dev/null", O_WRONLY, 0);
    pid_t pid = -1;
    const int failed =
        ::posix_spawn(&pid, arguments[0], &silence, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&silence);
    return failed == 0 ? pid : -1;
}

int finish(pid_t pid) {
    int status = -1;
    return pid > 0 && ::waitpid(pid, &status, 0) == pid ? status : -1;
}

/// A /run of our own, with what systemctl looks for.
bool alone() {
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", "/run", "tmpfs", 0, nullptr) == 0;
}

void print(std::vector<Command>& commands) {
    for (Command& command : commands) {
        std::ranges::sort(command.microseconds);
        std::string text = fs::path(command.words[0]).filename();
        for (std::size_t word = 1; word < command.words.size(); ++word) {
            text += " " + command.words[word];
        }
        std::printf(
            "%-40s median %7.0f us, least %7.0f us\n",
            text.c_str(),
            command.microseconds[command.microseconds.size() / 2],
            command.microseconds.front());
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int times = argc > 1 ? std::atoi(argv[1]) : 300;
    const std::string programs = fs::read_symlink("/proc/self/exe").parent_path();
    if (::geteuid() != 0 || !alone()) {
        std::puts("skipped: it needs root, for a mount namespace with its own /run");
        return 77;
    }
    fs::create_directories("/run/units");
    std::ofstream("/run/units/heat.service") << "[Service]\nExecStart=/bin/sleep 1000\n";
    const pid_t hearthd = start(
        {programs + "/hearthd",
         "--unit-path=/run/units",
         "--log-dir=/run/log",
         "--systemd-compat=yes",
         "--cgroup-root=hearth-bench-" + std::to_string(::getpid()),
         "--unit=heat.service"});
    for (int tries = 0; tries < 500 && !fs::exists("/run/systemd/private"); ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::vector<Command> commands = {{{"/bin/true"}}};
    for (const std::string& client : {programs + "/hearthctl", std::string("/usr/bin/systemctl")}) {
        if (fs::exists(client)) {
            commands.push_back({{client, "--version"}});
            commands.push_back({{client, "is-active", "heat"}});
            commands.push_back({{client, "show", "heat"}});
        }
    }
    bool failed = false;
    for (int round = 0; round < times; ++round) {
        for (Command& command : commands) {
            const auto began = Clock::now();
            failed = finish(start(command.words)) != 0 || failed;
            const std::chrono::duration<double, std::micro> took = Clock::now() - began;
            command.microseconds.push_back(took.count());
        }
    }
    (void)::kill(hearthd, SIGTERM);
    failed = finish(hearthd) != 0 || failed;
    print(commands);
    std::puts(failed ? "a command failed: the figures say nothing" : "all commands went well");
    return failed ? 1 : 0;
}
