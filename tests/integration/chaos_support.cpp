// SPDX-License-Identifier: MIT
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/support/chaos.hpp"

namespace hearth::testing {

namespace fs = std::filesystem;

namespace {

constexpr int lasting_units = 12, ending_units = 12, toggled_units = 15, oneshot_units = 6,
              forking_units = 4;

std::string service(const std::string& name) {
    return name + ".service";
}

/// Hundreds of mounts between clone3 and execve.
std::string slow_steps(const std::string& place) {
    constexpr int paths = 150;
    std::string text;
    fs::create_directory(place + "/paths");
    for (int index = 0; index < paths; ++index) {
        const std::string path = place + "/paths/" + std::to_string(index);
        fs::create_directory(path);
        text += "ReadOnlyPaths=" + path + "\n";
    }
    return text;
}

}  // namespace

Chaos::Chaos(HearthdProcess& hearthd, std::string ledgers)
    : hearthd_(hearthd), ledgers_(std::move(ledgers)) {
    const auto add = [this](const char* prefix, Kind kind, int count, bool oneshot) {
        for (int index = 0; index < count; ++index) {
            units_.push_back({prefix + std::to_string(index), kind, oneshot});
        }
    };
    add("lasting", Kind::Lasting, lasting_units, false);
    add("ending", Kind::Ending, ending_units, false);
    add("toggled", Kind::Toggled, toggled_units, false);
    add("once", Kind::Toggled, oneshot_units, true);
    add("forking", Kind::Forking, forking_units, false);
    add("born", Kind::Toggled, 1, false);
    for (const Unit& unit : units_) {
        starts_asked_[unit.name] = 0;
    }
}

Chaos::~Chaos() {
    join();
}

void Chaos::join() {
    done_ = true;
    for (std::thread& client : clients_) {
        client.join();
    }
    clients_.clear();
    if (caller_.joinable()) {
        caller_.join();
    }
}

void Chaos::add_units() {
    const std::string program = hearthd_.program("hearth-test-chaos");
    int number = 0;
    for (const Unit& unit : units_) {
        const std::string run = program + " " + ledgers_ + "/" + unit.name;
        std::string text =
            "[Unit]\nStartLimitIntervalSec=0\n[Service]\nTimeoutStopSec=60\nTimeoutStartSec=60\n";
        switch (unit.kind) {
            case Kind::Lasting:
                text += "Type=" + std::string(number % 2 == 0 ? "notify" : "exec") +
                        "\nNotifyAccess=main\nRestart=always\nExecStart=" + run + " lasting\n" +
                        (number % 3 == 0 ? "WatchdogSec=30\n" : "");
                break;
            case Kind::Ending:
                text += "Restart=always\nRestartSec=" + std::to_string(50 + number * 10) +
                        "ms\nExecStart=" + run + " ending\n";
                break;
            case Kind::Toggled:
                text += unit.oneshot ? "Type=oneshot\nExecStart=" + run + " ending\n"
                                     : "Type=notify\nExecStart=" + run + " lasting\n";
                text += number % 4 == 0
                            ? "ExecStartPre=" + run + " part pre\nExecStop=" + run + " part stop\n"
                            : "";
                // More steps between clone3 and execve.
                text += number % 4 == 1
                            ? "PrivateTmp=yes\nProtectSystem=strict\nReadWritePaths=" + ledgers_ +
                                  "\nProtectKernelTunables=yes\n"
                            : "";
                break;
            case Kind::Forking:
                text += "Type=forking\nPIDFile=" + ledgers_ + "/" + unit.name +
                        ".pid\nExecStart=" + run + " forking " + ledgers_ + "/" + unit.name +
                        ".pid\n";
                break;
        }
        text += unit.name == "born0" ? slow_steps(hearthd_.place()) : "";
        hearthd_.add(service(unit.name), text + "ExecStopPost=" + run + " told\n");
        ++number;
    }
}

void Chaos::begin() {
    std::vector<std::string> words = {"start"};
    for (const Unit& unit : units_) {
        if (unit.kind == Kind::Lasting || unit.kind == Kind::Ending) {
            words.push_back(service(unit.name));
        }
    }
    const Output started = hearthd_.ctl(words);
    ASSERT_EQ(started.status, 0) << started.err << hearthd_.log();
    for (unsigned seed = 1; seed <= 2; ++seed) {
        clients_.emplace_back([this, seed] { client(seed); });
    }
}

void Chaos::ask(std::minstd_rand& random) {
    constexpr const char* verbs[] = {"start", "stop", "restart", "start"};
    // All but the last, which is for await_a_slow_birth().
    const std::size_t first = lasting_units + ending_units;
    const std::string& unit = units_[first + random() % (units_.size() - first - 1)].name;
    const std::string verb = verbs[random() % 4];
    if (verb != "stop") {
        ++starts_asked_[unit];
    }
    (void)hearthd_.ctl({verb, "--no-block", service(unit)});
}

void Chaos::client(unsigned seed) {
    std::minstd_rand random(seed);
    while (!done_) {
        ++calls_;
        switch (random() % 8) {
            case 0:
                (void)hearthd_.ctl({"list-units", "--all"});
                break;
            case 1:
                (void)hearthd_.ctl({"status", service(units_[random() % units_.size()].name)});
                break;
            default:
                ask(random);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
    }
}

pid_t Chaos::restart_until_born(const std::string& unit) {
    if (unified_.empty()) {
        for (const std::string& root : hearthd_.cgroups()) {
            if (fs::exists(root + "/cgroup.kill")) {
                unified_ = root;
            }
        }
    }
    const std::string file = unified_ + "/system.slice/" + service(unit) + "/cgroup.procs";
    const auto pids = [&file] {
        std::ifstream text(file);
        return std::set<pid_t>{std::istream_iterator<pid_t>(text), std::istream_iterator<pid_t>()};
    };
    const std::set<pid_t> before = pids();
    ++starts_asked_[unit];
    if (caller_.joinable()) {
        caller_.join();
    }
    caller_ =
        std::thread([this, unit] { (void)hearthd_.ctl({"restart", "--no-block", service(unit)}); });
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (std::chrono::steady_clock::now() < until) {
        for (const pid_t pid : pids()) {
            if (!before.contains(pid)) {
                return pid;
            }
        }
    }
    return 0;
}

pid_t Chaos::await_a_birth() {
    return restart_until_born(
        units_[lasting_units + ending_units + random_() % toggled_units].name);
}

pid_t Chaos::await_a_slow_birth() {
    return restart_until_born(units_.back().name);
}

}  // namespace hearth::testing
