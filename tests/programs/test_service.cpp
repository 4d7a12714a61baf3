// SPDX-License-Identifier: MIT
//
// A service for tests: does what its arguments say, one after the other, with libsystemd as real
// services do. Exit status 99: an argument it doesn't know, 98: something it was to do failed.
//
//   notify TEXT       sd_notify(3), `|` between assignments
//   child-notify TEXT the same from a child, which waits until the manager has read it
//   confirm           sd_notify_barrier(3)
//   write FILE TEXT   write-listen FILE: what it was passed; write-env FILE NAME
//   store NAME        stores a memfd that holds NAME; store-pipe NAME: one end of a pipe, kept open
//   hang-up           closes the other end of store-pipe's pipe
//   fork-to FILE      as a daemon: the parent exits once the child has written its pid to FILE
//   fork              the same without a file
//   child ARGUMENTS   a child goes on with the rest; the parent with what is after `--`
//   main-is-child     tells MAINPID= of the last child
//   on-hup-reload     SIGHUP: RELOADING=1, MONOTONIC_USEC=, then READY=1
//   on-hup-once       SIGHUP: RELOADING=1 and no READY=1
//   take-signal FILE  READY=1, then waits for SIGRTMIN and writes the value that came with it
//   await FIFO        until somebody has opened it and closed it
//   take-name NAME    owns that name on the system's message bus; drop-name NAME
//   ignore-term | eat-memory | sleep MS | wait | exit N
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr int unknown_argument = 99, went_wrong = 98;
constexpr unsigned long patience_microseconds = 20'000'000;

[[noreturn]] void wrong(const char* what) {
    std::perror(what);
    std::_Exit(went_wrong);
}

void tell(std::string text) {
    std::ranges::replace(text, '|', '\n');
    if (sd_notify(0, text.c_str()) <= 0) {
        wrong("sd_notify");
    }
}

void write_file(const std::string& path, const std::string& text) {
    const std::string draft = path + ".draft";
    std::FILE* file = std::fopen(draft.c_str(), "w");
    if (file == nullptr || std::fputs(text.c_str(), file) < 0 || std::fclose(file) != 0 ||
        std::rename(draft.c_str(), path.c_str()) != 0) {
        wrong(path.c_str());
    }
}

std::string passed() {
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(0, &names);
    std::string text = std::to_string(count) + "\n";
    for (int i = 0; i < count; ++i) {
        const int number = SD_LISTEN_FDS_START + i;
        char content[64] = {};
        const bool blocks = (::fcntl(number, F_GETFL) & O_NONBLOCK) == 0;
        const ssize_t size = ::pread(number, content, sizeof content - 1, 0);
        text += std::string(names[i]) + " " + (blocks ? "blocking" : "nonblocking") + " " +
                std::string(content, size > 0 ? static_cast<std::size_t>(size) : 0) + "\n";
    }
    return text;
}

void store(const std::string& name, int descriptor) {
    const std::string text = "FDSTORE=1\nFDNAME=" + name;
    if (sd_pid_notify_with_fds(0, 0, text.c_str(), &descriptor, 1) <= 0) {
        wrong("sd_pid_notify_with_fds");
    }
}

int pipe_end = -1;
sd_bus* bus = nullptr;
pid_t last_child = 0;
bool answers_ready = true;

/// A bus that was started just now may not listen yet.
void take_name(const char* name) {
    constexpr int tries = 500;
    int result = sd_bus_open_system(&bus);
    for (int count = 0; result < 0 && count < tries; ++count) {
        ::usleep(10'000);
        result = sd_bus_open_system(&bus);
    }
    if (result < 0 || sd_bus_request_name(bus, name, 0) < 0) {
        wrong("take-name");
    }
}

void reload(int) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const unsigned long long microseconds =
        static_cast<unsigned long long>(now.tv_sec) * 1'000'000 +
        static_cast<unsigned long long>(now.tv_nsec) / 1000;
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", microseconds);
    if (answers_ready) {
        (void)sd_notify(0, "READY=1\nSTATUS=reloaded");
    }
}

void on_hangup() {
    struct sigaction action{};
    action.sa_handler = reload;
    ::sigaction(SIGHUP, &action, nullptr);
}

void become_daemon(const std::string& file) {
    int ends[2];
    if (::pipe(ends) < 0) {
        wrong("pipe");
    }
    const pid_t child = ::fork();
    if (child != 0) {
        char byte = 0;
        ::close(ends[1]);
        (void)!::read(ends[0], &byte, 1);  // until the daemon has written its file
        std::_Exit(0);
    }
    ::setsid();
    if (!file.empty()) {
        write_file(file, std::to_string(::getpid()) + "\n");
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

void take_signal(const std::string& file) {
    sigset_t wanted;
    ::sigemptyset(&wanted);
    ::sigaddset(&wanted, SIGRTMIN);
    ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
    tell("READY=1");
    siginfo_t info{};
    if (::sigwaitinfo(&wanted, &info) < 0) {
        wrong("sigwaitinfo");
    }
    write_file(file, std::to_string(info.si_value.sival_int) + "\n");
}

[[noreturn]] void eat_memory() {
    constexpr std::size_t bite = std::size_t{1} << 20U;
    for (;;) {
        void* memory = std::malloc(bite);
        if (memory == nullptr) {
            std::_Exit(went_wrong);
        }
        std::memset(memory, 1, bite);
    }
}

void run(const std::vector<std::string>& arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& word = arguments[i];
        const auto next = [&]() -> const std::string& {
            if (i + 1 >= arguments.size()) {
                std::_Exit(unknown_argument);
            }
            return arguments[++i];
        };
        if (word == "notify") {
            tell(next());
        } else if (word == "child-notify") {
            const std::string& text = next();
            const pid_t child = ::fork();
            if (child == 0) {
                tell(text);
                std::_Exit(sd_notify_barrier(0, patience_microseconds) >= 0 ? 0 : went_wrong);
            }
            ::waitpid(child, nullptr, 0);
        } else if (word == "confirm") {
            if (sd_notify_barrier(0, patience_microseconds) < 0) {
                wrong("sd_notify_barrier");
            }
        } else if (word == "write") {
            const std::string& path = next();
            write_file(path, next());
        } else if (word == "write-listen") {
            write_file(next(), passed());
        } else if (word == "write-env") {
            const std::string& path = next();
            const char* value = std::getenv(next().c_str());
            write_file(path, value != nullptr ? value : "(unset)");
        } else if (word == "store") {
            const std::string& name = next();
            const int memory = ::memfd_create(name.c_str(), 0);
            if (::write(memory, name.data(), name.size()) < 0) {
                wrong("memfd");
            }
            store(name, memory);
        } else if (word == "store-pipe") {
            int ends[2];
            if (::pipe2(ends, O_CLOEXEC) < 0) {
                wrong("pipe");
            }
            store(next(), ends[0]);
            ::close(ends[0]);
            pipe_end = ends[1];
        } else if (word == "hang-up") {
            ::close(pipe_end);
        } else if (word == "fork-to") {
            become_daemon(next());
        } else if (word == "fork") {
            become_daemon({});
        } else if (word == "child") {
            const auto end = std::ranges::find(arguments, "--");
            const auto at = arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1;
            last_child = ::fork();
            if (last_child == 0) {
                run({at, end});
                std::_Exit(0);
            }
            if (end == arguments.end()) {
                std::_Exit(unknown_argument);
            }
            i = static_cast<std::size_t>(end - arguments.begin());
        } else if (word == "main-is-child") {
            tell("MAINPID=" + std::to_string(last_child));
        } else if (word == "on-hup-reload") {
            on_hangup();
        } else if (word == "on-hup-once") {
            answers_ready = false;
            on_hangup();
        } else if (word == "await") {
            std::FILE* gate = std::fopen(next().c_str(), "r");
            if (gate == nullptr || std::fgetc(gate) < 0) {
                wrong("await");
            }
            std::fclose(gate);
        } else if (word == "take-name") {
            take_name(next().c_str());
        } else if (word == "drop-name") {
            if (sd_bus_release_name(bus, next().c_str()) < 0) {
                wrong("drop-name");
            }
        } else if (word == "ignore-term") {
            ::signal(SIGTERM, SIG_IGN);
        } else if (word == "eat-memory") {
            eat_memory();
        } else if (word == "sleep") {
            ::usleep(static_cast<useconds_t>(std::atoi(next().c_str())) * 1000);
        } else if (word == "take-signal") {
            take_signal(next());
        } else if (word == "wait") {
            for (;;) {
                ::pause();
            }
        } else if (word == "exit") {
            std::_Exit(std::atoi(next().c_str()));
        } else {
            std::_Exit(unknown_argument);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    run({argv + 1, argv + argc});
    return 0;
}
