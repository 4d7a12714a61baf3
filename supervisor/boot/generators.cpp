// SPDX-License-Identifier: MIT
#include "supervisor/boot/generators.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <string_view>

#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::boot {

namespace {

using Clock = std::chrono::steady_clock;

/// What hearth generates itself (write_own() in unit_files.cpp).
constexpr auto own = std::to_array<std::string_view>({
    "systemd-debug-generator",
    "systemd-fstab-generator",
    "systemd-getty-generator",
});

struct Running {
    std::string path;
    pid_t pid = 0;
    sys::Descriptor pidfd;
};

/// posix_spawn(3)'s two values.
class Spawning {
public:
    Spawning() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
    }
    ~Spawning() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    Spawning(const Spawning&) = delete;
    Spawning& operator=(const Spawning&) = delete;

    Result<pid_t> start(const std::string& path, const GeneratorRun& run) const {
        std::vector<char*> words = {const_cast<char*>(path.c_str())};
        for (const std::string& word : run.arguments) {
            words.push_back(const_cast<char*>(word.c_str()));
        }
        words.push_back(nullptr);
        std::vector<char*> variables;
        for (const std::string& variable : run.environment) {
            variables.push_back(const_cast<char*>(variable.c_str()));
        }
        variables.push_back(nullptr);
        pid_t pid = 0;
        const int error = ::posix_spawn(
            &pid, path.c_str(), &actions_, &attributes_, words.data(), variables.data());
        if (error != 0) {
            return failure(path + ": " + std::strerror(error), error);
        }
        return pid;
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

/// True once it has ended.
bool await(const Running& running, Clock::time_point deadline) {
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd waiting{running.pidfd.number(), POLLIN, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<long long>(left, 0)));
        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
    }
}

std::string how(const sys::ExitStatus& status) {
    return status.code == sys::ExitStatus::Code::Exited
               ? "exited with status " + std::to_string(status.status)
               : "was killed by signal " + std::to_string(status.status);
}

}  // namespace

const std::vector<std::string>& generator_directories() {
    static const std::vector<std::string> directories = {
        "/run/systemd/system-generators",
        "/etc/systemd/system-generators",
        "/usr/local/lib/systemd/system-generators",
        "/usr/lib/systemd/system-generators",
        "/lib/systemd/system-generators",
    };
    return directories;
}

std::vector<std::string> find_generators(const std::vector<std::string>& directories) {
    std::map<std::string, std::string> found;  // by name
    for (const std::string& directory : directories) {
        for (const std::string& name :
             sys::read_directory(directory).value_or(std::vector<std::string>())) {
            found.try_emplace(name, directory + "/" + name);
        }
    }
    std::vector<std::string> paths;
    for (const auto& [name, path] : found) {
        const auto status = sys::stat(path);
        const bool runs = status && S_ISREG(status->st_mode) && status->st_size > 0 &&
                          ::access(path.c_str(), X_OK) == 0;
        if (runs && std::ranges::find(own, name) == own.end()) {
            paths.push_back(path);
        }
    }
    return paths;
}

std::vector<std::string> run_generators(
    const std::vector<std::string>& generators, const GeneratorRun& run) {
    std::vector<std::string> problems;
    std::vector<Running> all;
    const Spawning spawning;
    for (const std::string& path : generators) {
        const auto pid = spawning.start(path, run);
        auto pidfd = pid ? sys::pidfd_open(*pid) : Result<sys::Descriptor>(sys::Descriptor());
        if (!pid || !pidfd) {
            problems.push_back("generator " + (pid ? pidfd.error().what : pid.error().what));
            continue;
        }
        all.push_back({path, *pid, std::move(*pidfd)});
    }
    const Clock::time_point deadline = Clock::now() + run.time;
    for (const Running& each : all) {
        const bool ended = await(each, deadline);
        if (!ended) {
            (void)::kill(-each.pid, SIGKILL);
            problems.push_back(
                "generator " + each.path + " took longer than " +
                std::to_string(run.time.count() / 1000) + " s and was killed");
        }
        const auto status = sys::waitid(each.pidfd.number(), 0);
        if (ended && status && *status && !(*status)->success()) {
            problems.push_back("generator " + each.path + " " + how(**status));
        }
    }
    return problems;
}

}  // namespace hearth::boot
