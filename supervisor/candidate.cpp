// SPDX-License-Identifier: MIT
#include "supervisor/candidate.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <unistd.h>

#include <csignal>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t longest_answer = std::size_t{4} << 20U;

/// With `output` as its standard output and error, no signal of ours, nothing else open.
Result<pid_t> spawn(int program, const std::vector<std::string>& words, int output) {
    std::vector<std::string> kept = {"hearthd", "--check-state"};
    kept.insert(kept.end(), words.begin(), words.end());
    std::vector<char*> argv;
    for (std::string& word : kept) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawnattr_init(&attributes);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = -1;
    const std::string path = "/proc/self/fd/" + std::to_string(program);
    const int error =
        ::posix_spawn(&pid, path.c_str(), &actions, &attributes, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (error != 0) {
        return sys::call_failure("cannot run", "it", error);
    }
    return pid;
}

/// All that is written until the end. False: `until` came first.
bool read_all(int pipe, Clock::time_point until, std::string& text) {
    while (text.size() < longest_answer) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        pollfd wanted{pipe, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&wanted, 1, static_cast<int>(left.count())) == 0) {
            return false;
        }
        char buffer[4096];
        const ssize_t size = ::read(pipe, buffer, sizeof buffer);
        if (size <= 0) {
            return true;
        }
        text.append(buffer, static_cast<std::size_t>(size));
    }
    return false;
}

}  // namespace

Result<StateVerdict> ask_candidate(
    int program, const std::vector<std::string>& words, std::chrono::milliseconds patience) {
    sys::Pipe pipe = HEARTH_TRY(sys::pipe2());
    const pid_t pid = HEARTH_TRY(spawn(program, words, pipe.write.number()));
    const auto pidfd = sys::pidfd_open(pid);  // our child, not reaped: the pid is still its own
    pipe.write.reset();
    std::string text;
    const bool ended = read_all(pipe.read.number(), Clock::now() + patience, text);
    if (!ended) {
        (void)sys::kill(pid, SIGKILL);
    }
    const auto status = pidfd ? sys::waitid(pidfd->number(), 0) : Unexpected(pidfd.error());
    if (!ended) {
        return failure("that program doesn't answer --check-state in time", ETIMEDOUT);
    }
    if (!status || !*status || !(*status)->success()) {
        return failure("that program can't check the state: " + text.substr(0, 1024), 0);
    }
    return read_verdict(text);
}

}  // namespace hearth
