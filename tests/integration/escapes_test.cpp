// SPDX-License-Identifier: MIT
//
// Ways out of a fully confined service (escape/escape_probe.cpp has the table): each is held there,
// and each is reached by the same program run unconfined, so that this test can fail.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/hearthd_process.hpp"

namespace {

using hearth::testing::eventually;
using hearth::testing::HearthdProcess;
using Outcomes = std::map<std::string, std::string>;

int listening(const sockaddr* name, socklen_t size) {
    const int made = ::socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(made, name, size) < 0 || ::listen(made, 64) < 0) {
        ADD_FAILURE() << "no socket to be reached";
    }
    return made;
}

/// What lies outside the service, to be reached or not; all of it goes away again.
class Outside {
public:
    Outside(const std::string& place, std::string program)
        : place_(place),
          program_(std::move(program)),
          name_("hearth-escape-" + std::to_string(::getpid())) {
        namespace fs = std::filesystem;
        ::chmod(place.c_str(), 0755);
        for (const char* directory : {"/secret", "/bound", "/race"}) {
            fs::create_directory(place + directory);
            ::chmod((place + directory).c_str(), 0755);
        }
        std::ofstream(place + "/secret/file") << "secret\n";
        std::ofstream("/tmp/" + name_) << "here\n";
        fs::create_symlink("../secret/file", place + "/bound/link");
        fs::copy_file(program_, place + "/bound/suid");
        ::chmod((place + "/bound/suid").c_str(), 04755);
        ::mknod((place + "/null-node").c_str(), S_IFCHR | 0666, makedev(1, 3));
        ::chmod((place + "/null-node").c_str(), 0666);
        segment_ = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0666);
        queue_ = ::mq_open(("/" + name_).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666, nullptr);
        ::fchmod(queue_, 0666);
        listen_all();
        victim_ = ::fork();
        if (victim_ == 0) {
            for (;;) {
                ::pause();
            }
        }
    }
    Outside(const Outside&) = delete;
    Outside& operator=(const Outside&) = delete;
    ~Outside() {
        ::kill(victim_, SIGKILL);
        ::waitpid(victim_, nullptr, 0);
        ::shmctl(segment_, IPC_RMID, nullptr);
        ::mq_close(queue_);
        ::mq_unlink(("/" + name_).c_str());
        ::unlink(("/tmp/" + name_).c_str());
        for (const int socket : sockets_) {
            ::close(socket);
        }
    }

    /// The program and its arguments; the results go to a file that anybody may append to.
    [[nodiscard]] std::vector<std::string> command(const std::string& result) const {
        std::ofstream(place_ + "/" + result).flush();
        ::chmod((place_ + "/" + result).c_str(), 0666);
        return {
            program_,
            place_,
            place_,
            std::to_string(victim_),
            std::to_string(segment_),
            std::to_string(port_),
            name_,
            place_ + "/" + result};
    }

private:
    void listen_all() {
        sockaddr_in internet{};
        internet.sin_family = AF_INET;
        internet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        sockets_.push_back(
            listening(reinterpret_cast<const sockaddr*>(&internet), sizeof internet));
        socklen_t size = sizeof internet;
        ::getsockname(sockets_.back(), reinterpret_cast<sockaddr*>(&internet), &size);
        port_ = ntohs(internet.sin_port);
        for (const std::string& name : {std::string(1, '\0') + name_, place_ + "/socket"}) {
            sockaddr_un local{};
            local.sun_family = AF_UNIX;
            name.copy(local.sun_path, sizeof local.sun_path - 1);
            const std::size_t end = name.front() == '/' ? 1 : 0;
            sockets_.push_back(listening(
                reinterpret_cast<const sockaddr*>(&local),
                static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + end)));
        }
        ::chmod((place_ + "/socket").c_str(), 0666);
    }

    std::string place_, program_, name_;
    pid_t victim_ = -1;
    int segment_ = -1, port_ = 0;
    mqd_t queue_ = -1;
    std::vector<int> sockets_;
};

Outcomes outcomes(const std::string& path) {
    Outcomes all;
    std::ifstream file(path);
    std::string name, outcome;
    while (file >> name && std::getline(file, outcome)) {
        all[name] = outcome.substr(1);
    }
    return all;
}

/// The control: a child of this test, root and unconfined, with a descriptor left open.
void run_unconfined(const std::vector<std::string>& words) {
    const int left_open = ::open("/", O_RDONLY | O_DIRECTORY);
    std::vector<char*> argv;
    for (const std::string& word : words) {
        argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    pid_t child = -1;
    ASSERT_EQ(::posix_spawn(&child, argv[0], nullptr, nullptr, argv.data(), ::environ), 0);
    int status = -1;
    ::waitpid(child, &status, 0);
    ::close(left_open);
    EXPECT_EQ(status, 0);
}

TEST(Escapes, EachIsHeldByAConfinedServiceAndReachedByAnUnconfinedOne) {
    SKIP_WITHOUT_ROOT();
    const HearthdProcess hearthd;
    const Outside outside(hearthd.place(), hearthd.program("escape_probe"));
    run_unconfined(outside.command("unconfined"));
    const Outcomes control = outcomes(hearthd.place() + "/unconfined");

    std::string line;
    for (const std::string& word : outside.command("confined")) {
        line += (line.empty() ? "" : " ") + word;
    }
    const std::string& place = hearthd.place();
    hearthd.add(
        "confined.service",
        "[Service]\nType=oneshot\nUser=nobody\nExecStart=" + line +
            "\nNoNewPrivileges=yes\nCapabilityBoundingSet=\nProtectSystem=strict\nProtectHome=yes\n"
            "PrivateTmp=yes\nPrivateDevices=yes\nPrivateNetwork=yes\nPrivateIPC=yes\n"
            "PrivateMounts=yes\nProtectHostname=yes\nProtectKernelTunables=yes\n"
            "ProtectKernelModules=yes\nProtectKernelLogs=yes\nProtectControlGroups=yes\n"
            "ProtectClock=yes\nLockPersonality=yes\nRestrictRealtime=yes\nRestrictSUIDSGID=yes\n"
            "MemoryDenyWriteExecute=yes\nRestrictAddressFamilies=AF_UNIX\n"
            "SystemCallArchitectures=native\nSystemCallFilter=@system-service\n"
            "SystemCallFilter=~@privileged @resources @keyring io_uring_setup "
            "add_key keyctl kcmp process_vm_readv pidfd_getfd unshare setns clone3:ENOSYS "
            "memfd_create\n"
            "SystemCallErrorNumber=EPERM\n"
            "ProtectProc=invisible\nPrivatePIDs=yes\nRestrictNamespaces=yes\nKeyringMode=private\n"
            "InaccessiblePaths=" +
            place + "/secret " + place + "/socket " + place +
            "/null-node /proc/kallsyms\n"
            "ReadWritePaths=" +
            place + "/confined\n");
    EXPECT_EQ(hearthd.ctl({"start", "confined.service"}).status, 0) << hearthd.log();
    const Outcomes confined = outcomes(place + "/confined");

    EXPECT_GE(control.size(), 60U);
    EXPECT_EQ(confined.size(), control.size());
    for (const auto& [name, outcome] : control) {
        EXPECT_EQ(outcome, "reached") << name << " in the unconfined control";
        const auto held = confined.find(name);
        ASSERT_NE(held, confined.end()) << name;
        EXPECT_TRUE(held->second.starts_with("held by ")) << name << ": " << held->second;
    }
}

}  // namespace
