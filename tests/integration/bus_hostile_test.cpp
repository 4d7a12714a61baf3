// SPDX-License-Identifier: MIT
//
// A hostile client against a real hearthd that lets everybody read: each attack runs as nobody for
// a while, and hearthd's memory and descriptors must stay bounded while it goes on supervising.
// What was measured is printed; how long supervision took is printed and not judged.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <thread>

#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr uid_t nobody = 65534;
constexpr auto attack_time = 700ms;

/// A connected socket, or -1.
int dial(const std::string& path) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(socket);
        return -1;
    }
    return socket;
}

void put(int socket, const std::string& bytes) {
    (void)::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

/// EXTERNAL as nobody: "65534" in hexadecimal.
std::string login(bool descriptors) {
    std::string text(1, '\0');
    text += "AUTH EXTERNAL 3635353334\r\n";
    text += descriptors ? "NEGOTIATE_UNIX_FD\r\nBEGIN\r\n" : "BEGIN\r\n";
    return text;
}

/// Reads what the other side says until it falls silent; false: it closed.
bool still_open(int socket) {
    char buffer[4096];
    const timeval patience{0, 20'000};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    for (;;) {
        const ssize_t count = ::recv(socket, buffer, sizeof buffer, 0);
        if (count == 0 || (count < 0 && errno != EAGAIN)) {
            return false;
        }
        if (count < 0) {
            return true;
        }
    }
}

/// The first bytes of a call whose body is said to be that long.
std::string call_header(std::uint32_t body, std::uint32_t descriptors) {
    const auto number = [](std::uint32_t value) {
        return std::string(reinterpret_cast<const char*>(&value), sizeof value);
    };
    const auto field = [&](char code, char type, const std::string& value) {
        std::string text{code, '\1', type, '\0'};
        text += type == 'g' ? std::string(1, static_cast<char>(value.size())) + value + '\0'
                            : number(static_cast<std::uint32_t>(value.size())) + value + '\0';
        text.resize((text.size() + 7) / 8 * 8, '\0');
        return text;
    };
    std::string fields = field(1, 'o', "/org/freedesktop/systemd1") +
                         field(2, 's', "org.freedesktop.DBus.Peer") + field(3, 's', "Ping") +
                         field(8, 'g', "ay");
    if (descriptors > 0) {
        fields += std::string{'\11', '\1', 'u', '\0'} + number(descriptors);
    }
    const std::string head = std::string{'l', '\1', '\0', '\1'} + number(body) + number(1) +
                             number(static_cast<std::uint32_t>(fields.size())) + fields;
    return head + std::string((8 - head.size() % 8) % 8, '\0');
}

/// As much of that as is taken: nobody waits for longer than 50 ms.
void pour(int socket, int times, const std::string& part) {
    const timeval patience{0, 50'000};
    ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    for (int time = 0; time < times; ++time) {
        put(socket, part);
    }
}

using Attack = std::function<void(const std::string& socket)>;

void never_reads(const std::string& path) {
    const int socket = dial(path);
    sd_bus* bus = nullptr;
    sd_bus_new(&bus);
    sd_bus_set_fd(bus, socket, socket);
    sd_bus_start(bus);
    const auto end = Clock::now() + attack_time;
    while (Clock::now() < end) {
        const int sent = sd_bus_call_method_async(
            bus,
            nullptr,
            nullptr,
            "/org/freedesktop/systemd1/unit/kiln_2eservice",
            "org.freedesktop.DBus.Properties",
            "GetAll",
            [](sd_bus_message*, void*, sd_bus_error*) { return 0; },
            nullptr,
            "s",
            "");
        if (sent < 0 || sd_bus_flush(bus) < 0) {
            break;  // it was cut off
        }
    }
}

void sends_half_messages(const std::string& path) {
    std::vector<int> sockets;
    const std::string part(1U << 20U, 'x');
    for (int number = 0; number < 5; ++number) {
        const int socket = dial(path);
        if (socket < 0) {
            continue;
        }
        put(socket, login(false));
        (void)still_open(socket);
        put(socket, call_header(100U << 20U, 0));
        pour(socket, 20, part);
        sockets.push_back(socket);
    }
    std::this_thread::sleep_for(attack_time);
}

/// Messages of a size that is taken, from every connection there is; none is ever whole.
void begins_many_messages(const std::string& path) {
    std::vector<int> sockets;
    const std::string most((1U << 20U) - 1024, 'x');
    for (int number = 0; number < 40; ++number) {
        const int socket = dial(path);
        if (socket >= 0) {
            put(socket, login(false));
            (void)still_open(socket);
            const timeval patience{0, 20'000};
            ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
            put(socket, call_header((1U << 20U) - 512, 0) + most);
            sockets.push_back(socket);
        }
    }
    std::this_thread::sleep_for(attack_time);
}

/// A BEGIN that doesn't count, and the one that does hidden in what looks like a message.
void hides_its_login(const std::string& path) {
    std::vector<int> sockets;
    const std::string part(1U << 20U, 'x');
    for (int number = 0; number < 5; ++number) {
        const int socket = dial(path);
        put(socket, std::string(1, '\0') + "HELP\r\nBEGIN\r\n");
        const std::string hidden = "\r\n" + login(false).substr(1) + call_header(100U << 20U, 0);
        put(socket, call_header(static_cast<std::uint32_t>(hidden.size()), 0) + hidden);
        pour(socket, 20, part);
        sockets.push_back(socket);
    }
    std::this_thread::sleep_for(attack_time);
}

void never_logs_in(const std::string& path) {
    for (int number = 0; number < 200; ++number) {
        const int socket = dial(path);
        put(socket, std::string(1, '\0') + "AUTH ");
    }
    std::this_thread::sleep_for(attack_time);
}

void connects_and_connects(const std::string& path) {
    const auto end = Clock::now() + attack_time;
    std::vector<int> sockets;
    while (Clock::now() < end) {
        const int socket = dial(path);
        if (socket >= 0) {
            put(socket, login(false));
            sockets.push_back(socket);
        }
        if (sockets.size() > 500) {
            ::close(sockets.front());
            sockets.erase(sockets.begin());
        }
    }
}

void sends_descriptors(const std::string& path) {
    const int socket = dial(path);
    put(socket, login(true));
    (void)still_open(socket);
    const std::string message = call_header(1000, 250);
    std::vector<int> descriptors(250, STDIN_FILENO);
    std::vector<char> control(CMSG_SPACE(descriptors.size() * sizeof(int)));
    for (std::size_t at = 0; at < message.size(); ++at) {
        char byte = message[at];
        iovec data{&byte, 1};
        msghdr header{};
        header.msg_iov = &data;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        cmsghdr* const first = CMSG_FIRSTHDR(&header);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
        std::memcpy(CMSG_DATA(first), descriptors.data(), descriptors.size() * sizeof(int));
        if (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
            break;
        }
        std::this_thread::sleep_for(1ms);
    }
    std::this_thread::sleep_for(attack_time);
}

void asks_and_asks(const std::string& path) {
    const int socket = dial(path);
    sd_bus* bus = nullptr;
    sd_bus_new(&bus);
    sd_bus_set_fd(bus, socket, socket);
    sd_bus_start(bus);
    const auto end = Clock::now() + attack_time;
    while (Clock::now() < end && sd_bus_call_method(
                                     bus,
                                     nullptr,
                                     "/org/freedesktop/systemd1",
                                     "org.freedesktop.DBus.Peer",
                                     "Ping",
                                     nullptr,
                                     nullptr,
                                     "") >= 0) {
    }
}

class BusHostile : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }

    static void open_to_all(const HearthdProcess& hearthd) {
        for (const char* const below : {"", "/runtime"}) {
            std::filesystem::permissions(hearthd.place() + below, std::filesystem::perms(0755));
        }
    }
    static long resident_kilobytes(pid_t pid) {
        std::ifstream file("/proc/" + std::to_string(pid) + "/status");
        for (std::string line; std::getline(file, line);) {
            if (line.starts_with("VmRSS:")) {
                return std::stol(line.substr(6));
            }
        }
        return 0;
    }
    static long open_descriptors(pid_t pid) {
        long count = 0;
        std::error_code ignored;
        for (const auto& each :
             std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", ignored)) {
            static_cast<void>(each);
            ++count;
        }
        return count;
    }
    static double cpu_seconds(pid_t pid) {
        std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
        std::string text{std::istreambuf_iterator<char>(file), {}};
        std::istringstream fields(text.substr(text.rfind(')') + 2));
        std::string word;
        long ticks = 0;
        for (int number = 3; fields >> word; ++number) {
            ticks += number == 14 || number == 15 ? std::stol(word) : 0;
        }
        return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }
    /// From the death of a service that is restarted at once to its next main process.
    static double restart_milliseconds(const HearthdProcess& hearthd) {
        std::ifstream file(hearthd.place() + "/pid");
        pid_t first = 0;
        file >> first;
        const auto start = Clock::now();
        ::kill(first, SIGKILL);
        pid_t next = first;
        EXPECT_TRUE(eventually([&] {
            std::ifstream again(hearthd.place() + "/pid");
            return again >> next && next != first;
        }));
        return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    }

    struct Seen {
        long kilobytes = 0, descriptors = 0;
        double restart = 0;
    };
    Seen attack(const char* name, const Attack& how) {
        HearthdProcess hearthd({}, {"--bus-access=everyone"});
        open_to_all(hearthd);
        hearthd.add(
            "kiln.service",
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=0\n"
            "ExecStart=/bin/sh -c 'echo $$$$ >" +
                hearthd.place() + "/pid.new; mv " + hearthd.place() + "/pid.new " +
                hearthd.place() + "/pid; exec sleep 1000'\n");
        EXPECT_EQ(hearthd.ctl({"start", "kiln"}).status, 0);
        EXPECT_TRUE(eventually([&] { return std::filesystem::exists(hearthd.place() + "/pid"); }));
        const long before = resident_kilobytes(hearthd.pid());
        const long before_descriptors = open_descriptors(hearthd.pid());
        const double quiet = restart_milliseconds(hearthd);
        const double cpu = cpu_seconds(hearthd.pid());
        const pid_t attacker = ::fork();
        if (attacker == 0) {
            ::signal(SIGPIPE, SIG_IGN);
            if (::setgid(nobody) == 0 && ::setuid(nobody) == 0) {
                how(hearthd.place() + "/runtime/private");
            }
            ::_exit(0);
        }
        Seen worst;
        int status = 0;
        const auto end = Clock::now() + 30s;
        while (::waitpid(attacker, &status, WNOHANG) == 0 && Clock::now() < end) {
            worst.kilobytes = std::max(worst.kilobytes, resident_kilobytes(hearthd.pid()) - before);
            worst.descriptors =
                std::max(worst.descriptors, open_descriptors(hearthd.pid()) - before_descriptors);
            worst.restart = std::max(worst.restart, restart_milliseconds(hearthd));
            std::this_thread::sleep_for(5ms);
        }
        if (Clock::now() >= end) {
            ::kill(attacker, SIGKILL);
            ::waitpid(attacker, &status, 0);
        }
        std::printf(
            "%-22s +%ld KiB, +%ld descriptors, %.2f s of CPU, restart %.1f ms (quiet %.1f ms)\n",
            name,
            worst.kilobytes,
            worst.descriptors,
            cpu_seconds(hearthd.pid()) - cpu,
            worst.restart,
            quiet);
        EXPECT_EQ(hearthd.ctl({"is-active", "kiln"}).out, "active\n") << "root is answered";
        EXPECT_TRUE(eventually([&] {
            return open_descriptors(hearthd.pid()) <= before_descriptors + 4;
        })) << "nothing of it stays";
        return worst;
    }
};

constexpr long connections_of_one = 32;
constexpr long of_a_connection = 4;  ///< its socket, a copy of it, and a pair before sd-bus
/// AddressSanitizer keeps 256 MiB of what is freed, and puts room around everything.
#ifdef __SANITIZE_ADDRESS__
constexpr long of_the_sanitizer = 24;
#else
constexpr long of_the_sanitizer = 1;
#endif
constexpr long a_flood = 16 * 1024 * of_the_sanitizer;  ///< KiB
/// One message brings so many before it is refused.
constexpr long in_one_message = 250;

TEST_F(BusHostile, WhoNeverReadsIsCutOff) {
    EXPECT_LT(attack("never reads", never_reads).kilobytes, a_flood);
}

TEST_F(BusHostile, HalfMessagesAreBounded) {
    EXPECT_LT(attack("half messages", sends_half_messages).kilobytes, a_flood);
    EXPECT_LT(attack("half messages, many", begins_many_messages).kilobytes, a_flood);
    EXPECT_LT(attack("half messages, hidden", hides_its_login).kilobytes, a_flood);
}

TEST_F(BusHostile, WhoNeverLogsInHoldsFewPlaces) {
    EXPECT_LE(
        attack("never logs in", never_logs_in).descriptors,
        of_a_connection * connections_of_one + 4);
}

TEST_F(BusHostile, ConnectionsOfOneUserAreCounted) {
    EXPECT_LE(
        attack("many connections", connects_and_connects).descriptors,
        of_a_connection * connections_of_one + 4);
}

TEST_F(BusHostile, DescriptorsAreNotTaken) {
    EXPECT_LE(attack("250 descriptors a byte", sends_descriptors).descriptors, in_one_message + 16);
}

TEST_F(BusHostile, AFloodOfCallsHoldsUpNoRestart) {
    EXPECT_LT(attack("a flood of calls", asks_and_asks).kilobytes, a_flood);
}

/// With no descriptor left the listener stays readable: hearthd must sleep all the same.
TEST_F(BusHostile, WithoutDescriptorsItDoesNotSpin) {
    const HearthdProcess hearthd(
        {}, {}, {{"/bin/sh", "-c", "ulimit -n 48; exec \"$@\"", "limited"}, 0, "hearthd"});
    std::vector<int> sockets;
    for (int number = 0; number < 200; ++number) {  // as root: there is a place for each
        sockets.push_back(dial(hearthd.place() + "/runtime/private"));
    }
    std::this_thread::sleep_for(100ms);
    const double before = cpu_seconds(hearthd.pid());
    std::this_thread::sleep_for(1s);
    const double used = cpu_seconds(hearthd.pid()) - before;
    std::printf("%-22s %.2f s of CPU in 1 s\n", "no descriptors", used);
    EXPECT_LT(used, 0.5);
    for (const int socket : sockets) {
        ::close(socket);
    }
    EXPECT_TRUE(eventually([&] { return hearthd.ctl({"list-units"}).status == 0; }));
}

}  // namespace
}  // namespace hearth::testing
