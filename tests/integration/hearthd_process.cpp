// SPDX-License-Identifier: MIT
#include "tests/support/hearthd_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "places.hpp"
#include "tests/support/members.hpp"

extern char** environ;

namespace hearth::testing {

namespace fs = std::filesystem;

namespace {

std::string contents(const std::string& path) {
    const std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

/// A socket's file is there a moment before anybody listens.
bool listens(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int number = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const void* raw = &address;
    const bool connected =
        ::connect(number, static_cast<const sockaddr*>(raw), sizeof address) == 0;
    ::close(number);
    return connected;
}

pid_t spawn(
    const std::vector<std::string>& argv, const std::vector<std::string>& extra, int out, int err) {
    std::vector<char*> arguments;
    for (const std::string& argument : argv) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    std::vector<char*> environment;
    for (const std::string& variable : extra) {
        environment.push_back(const_cast<char*>(variable.c_str()));
    }
    for (char** variable = environ; *variable != nullptr; ++variable) {
        environment.push_back(*variable);
    }
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    pid_t pid = -1;
    const int error =
        posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    return error == 0 ? pid : -1;
}

int exit_status(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

Output run_program(
    const std::vector<std::string>& argv, const std::vector<std::string>& environment) {
    int out[2];
    int err[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) {
        return {};
    }
    const pid_t pid = spawn(argv, environment, out[1], err[1]);
    ::close(out[1]);
    ::close(err[1]);
    Output output;
    pollfd streams[] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
    std::string* texts[] = {&output.out, &output.err};
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    int open = 2;
    while (pid > 0 && open > 0) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            end - std::chrono::steady_clock::now());
        if (left.count() <= 0 || ::poll(streams, 2, static_cast<int>(left.count())) <= 0) {
            ::kill(pid, SIGKILL);
            break;
        }
        for (int index = 0; index < 2; ++index) {
            if ((streams[index].revents & (POLLIN | POLLHUP)) == 0) {
                continue;
            }
            char buffer[65536];
            const ssize_t size = ::read(streams[index].fd, buffer, sizeof buffer);
            if (size > 0) {
                texts[index]->append(buffer, static_cast<std::size_t>(size));
            } else {
                streams[index].fd = -1;
                --open;
            }
        }
    }
    ::close(out[0]);
    ::close(err[0]);
    int status = 0;
    if (pid > 0 && ::waitpid(pid, &status, 0) == pid) {
        output.status = exit_status(status);
    }
    return output;
}

std::string HearthdProcess::program(const std::string& name) const {
    const std::string copy = place_ + "/programs/" + name;
    if (!fs::exists(copy)) {
        fs::create_directory(place_ + "/programs");
        fs::copy_file(HEARTH_BINARY_DIR "/" + name, copy);
        fs::permissions(
            place_, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    }
    return copy;
}

HearthdProcess::HearthdProcess(
    std::string unit_directory, std::vector<std::string> extra_options, Ground ground)
    : units_(std::move(unit_directory)) {
    char name[] = "/run/hearth-test.XXXXXX";
    place_ = ::mkdtemp(name);
    cgroup_ = "hearth-test" + place_.substr(place_.rfind('.'));
    if (units_.empty()) {
        units_ = place_ + "/units";
        fs::create_directory(units_);
    }
    if (ground.uid != 0) {
        for (const std::string& path : {place_, units_}) {
            EXPECT_EQ(::chown(path.c_str(), ground.uid, ground.uid), 0) << path;
        }
    }
    argv_ = std::move(ground.command);
    const std::vector<std::string> hearthd = {
        ground.program.starts_with('/') ? ground.program : HEARTH_BINARY_DIR "/" + ground.program,
        "--unit-path",
        units_,
        "--runtime-dir",
        place_ + "/runtime",
        "--log-dir",
        place_ + "/log",
        "--cgroup-root",
        cgroup_};
    argv_.insert(argv_.end(), hearthd.begin(), hearthd.end());
    argv_.insert(argv_.end(), extra_options.begin(), extra_options.end());
    launch();
}

void HearthdProcess::crash() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

void HearthdProcess::start_again() {
    fs::remove(place_ + "/runtime/private");
    launch();
}

void HearthdProcess::launch() {
    const int log =
        ::open((place_ + "/hearthd.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    pid_ = spawn(argv_, {}, log, log);
    ::close(log);
    const bool ready = eventually([this] {
        return listens(place_ + "/runtime/private") ||
               ::waitpid(pid_, nullptr, WNOHANG | WNOWAIT) == pid_;
    });
    EXPECT_TRUE(ready) << this->log();
    // Its socket is there before it is ready, and a keeper makes a difference.
    const bool is_kept = std::ranges::any_of(
        argv_, [](const std::string& word) { return word.ends_with("/hearth-init"); });
    if (is_kept && ready) {
        (void)ctl({"show", "-p", "Version"});
    }
}

pid_t HearthdProcess::kept() const {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
        const std::string status = contents(entry.path().string() + "/status");
        if (status.starts_with("Name:\thearthd\n") &&
            status.find("\nPPid:\t" + std::to_string(pid_) + "\n") != std::string::npos &&
            status.find("\nState:\tZ") == std::string::npos) {
            return std::atoi(entry.path().filename().c_str());
        }
    }
    return 0;
}

HearthdProcess::~HearthdProcess() {
    if (pid_ > 0) {
        EXPECT_EQ(stop(), 0) << log();
    }
    EXPECT_EQ(cgroups(), std::vector<std::string>{}) << log();
    std::error_code ignored;
    fs::remove_all(place_, ignored);
}

int HearthdProcess::stop() {
    ::kill(pid_, SIGTERM);
    int status = 0;
    const bool ended = eventually(
        [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; }, std::chrono::seconds(30));
    if (!ended) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
    }
    pid_ = -1;
    return exit_status(status);
}

void HearthdProcess::add(const std::string& name, const std::string& text) const {
    const fs::path path = fs::path(units_) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

Output HearthdProcess::ctl(const std::vector<std::string>& arguments) const {
    std::vector<std::string> argv = {
        HEARTH_BINARY_DIR "/hearthctl", "--runtime-dir", place_ + "/runtime"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_program(argv);
}

std::string HearthdProcess::show(const std::string& unit, const std::string& property) const {
    std::string value = ctl({"show", "-p", property, "--value", unit}).out;
    while (!value.empty() && value.back() == '\n') {
        value.pop_back();
    }
    return value;
}

bool HearthdProcess::becomes(
    const std::string& unit, const std::string& property, const std::string& value) const {
    std::string last;
    const bool good = eventually([&] { return (last = show(unit, property)) == value; });
    EXPECT_TRUE(good) << unit << ": " << property << " is " << last << ", expected " << value
                      << "\n"
                      << log();
    return good;
}

std::string HearthdProcess::log() const {
    return contents(place_ + "/hearthd.log");
}

std::vector<std::string> HearthdProcess::cgroups() const {
    std::vector<std::string> found;
    std::error_code ignored;
    for (fs::recursive_directory_iterator at("/sys/fs/cgroup", ignored), end; at != end;
         at.increment(ignored)) {
        if (at->path().filename() == cgroup_) {
            found.push_back(at->path().string());
        }
    }
    return found;
}

std::set<pid_t> members(const HearthdProcess& hearthd, const std::string& unit) {
    std::set<pid_t> found;
    for (const std::string& root : hearthd.cgroups()) {
        std::ifstream pids(root + "/system.slice/" + unit + "/cgroup.procs");
        found.insert(std::istream_iterator<pid_t>(pids), std::istream_iterator<pid_t>());
    }
    return found;
}

}  // namespace hearth::testing
