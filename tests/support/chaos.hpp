// SPDX-License-Identifier: MIT
//
// Fifty services in motion, and their ledgers (tests/programs/chaos_service.cpp): what each process
// says of itself, line by line, is compared with what hearthd told its ExecStopPost=, with
// NRestarts and with the log. Whoever uses it decides what is done to hearthd meanwhile.
#pragma once

#include <atomic>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {

class Chaos {
public:
    enum class Kind { Lasting, Ending, Toggled, Forking };
    struct Unit {
        std::string name;  ///< without ".service"
        Kind kind = Kind::Lasting;
        bool oneshot = false;
    };
    /// What is not as strict on poorer grounds.
    struct Demands {
        bool statuses = true;     ///< each exit status is known, whoever lived when it happened
        bool lines = true;        ///< each line is in the log
        bool lines_lost = false;  ///< or the log says how many are not
    };

    Chaos(HearthdProcess& hearthd, std::string ledgers);
    ~Chaos();
    Chaos(const Chaos&) = delete;
    Chaos& operator=(const Chaos&) = delete;

    /// Writes the unit files.
    void add_units();
    /// Starts what lasts and what ends, and the clients.
    void begin();
    /// The clients end, all units are stopped; false where that doesn't come to its end.
    [[nodiscard]] bool end();
    void judge(const Demands& demands) const;

    [[nodiscard]] const std::vector<Unit>& units() const { return units_; }
    /// Asks for a launch of a toggled unit, and returns at the instant at which a process of it is
    /// there that wasn't: its number. 0: after 300 ms there was none.
    pid_t await_a_birth();
    /// The same with a unit that takes some 10 ms from clone3 to execve.
    pid_t await_a_slow_birth();
    [[nodiscard]] std::string summary() const;

private:
    struct Told {
        std::string code, status, result;
    };
    struct Process {
        pid_t pid = 0;
        std::string code, status;  ///< empty: it has not said how it ends
        int lines = 0;
    };
    struct Invocation {
        std::vector<Process> processes;
        std::vector<Told> told;
    };
    using Ledger = std::map<std::string, Invocation>;  ///< by the invocation's id

    [[nodiscard]] Ledger read(const std::string& unit) const;
    void client(unsigned seed);
    void join();
    void note_restarts(const std::vector<std::string>& services);
    void ask(std::minstd_rand& random);
    void show_log(const Unit& unit) const;
    void judge_invocations(const Unit& unit, const Ledger& ledger, const Demands& demands) const;
    void judge_counts(const Unit& unit, const Ledger& ledger) const;
    void judge_log(const Unit& unit, const Ledger& ledger, bool may_be_lost) const;
    pid_t restart_until_born(const std::string& unit);

    HearthdProcess& hearthd_;
    std::string ledgers_;
    std::string unified_;  ///< hearthd's root in the v2 tree
    std::vector<Unit> units_;
    std::map<std::string, std::atomic<int>> starts_asked_;
    std::map<std::string, int> restarts_;  ///< NRestarts at the end
    std::vector<std::thread> clients_;
    std::thread caller_;  ///< of await_a_birth()
    std::atomic<bool> done_ = false;
    std::atomic<int> calls_ = 0;
    std::minstd_rand random_{20261123};
};

}  // namespace hearth::testing
