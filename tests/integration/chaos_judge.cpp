// SPDX-License-Identifier: MIT
//
// What the ledgers say, against what hearthd told.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/support/chaos.hpp"
#include "tests/support/members.hpp"

namespace hearth::testing {

namespace fs = std::filesystem;

namespace {

/// systemd.exec(5): $EXIT_STATUS of a signal is its name.
std::string status_text(const std::string& code, const std::string& number) {
    if (code == "exited") {
        return number;
    }
    const char* name = ::sigabbrev_np(std::atoi(number.c_str()));
    return name != nullptr ? name : number;
}

}  // namespace

Chaos::Ledger Chaos::read(const std::string& unit) const {
    Ledger ledger;
    std::ifstream file(ledgers_ + "/" + unit);
    for (std::string text; std::getline(file, text);) {
        std::istringstream line(text);
        std::string what, invocation;
        line >> what >> invocation;
        Invocation& each = ledger[invocation];
        if (what == "start") {
            line >> each.processes.emplace_back().pid;
        } else if (what == "told") {
            Told& told = each.told.emplace_back();
            line >> told.code >> told.status >> told.result;
        } else if (what == "end") {
            pid_t pid = 0;
            line >> pid;
            const auto process = std::ranges::find(each.processes, pid, &Process::pid);
            if (process == each.processes.end()) {
                ADD_FAILURE() << unit << ": an end without a start: " << text;
                continue;
            }
            line >> process->code >> process->status >> process->lines;
            process->status = status_text(process->code, process->status);
        }
    }
    return ledger;
}

/// How often each was restarted so far; one call for all, for a loaded machine has time for few.
void Chaos::note_restarts(const std::vector<std::string>& services) {
    std::vector<std::string> words = {"show", "-p", "NRestarts", "--value"};
    words.insert(words.end(), services.begin(), services.end());
    const Output shown = hearthd_.ctl(words);
    EXPECT_EQ(shown.status, 0) << shown.err << hearthd_.log();
    std::istringstream values(shown.out);
    for (const std::string& service : services) {
        int count = 0;
        EXPECT_TRUE(values >> count) << service << ": " << shown.out;
        int& known = restarts_[service.substr(0, service.rfind('.'))];
        known = std::max(known, count);
    }
}

bool Chaos::end() {
    join();
    std::vector<std::string> services;
    for (const Unit& unit : units_) {
        services.push_back(unit.name + ".service");
    }
    note_restarts(services);
    std::vector<std::string> words = {"stop"};
    words.insert(words.end(), services.begin(), services.end());
    // How often the last one restarted is only known when it doesn't any more.
    const Output stopped = hearthd_.ctl(words);
    EXPECT_EQ(stopped.status, 0) << stopped.err << hearthd_.log();
    note_restarts(services);
    const bool quiet = eventually([&] {
        return hearthd_.ctl({"list-jobs", "--no-legend"}).out.find(".service") == std::string::npos;
    });
    EXPECT_TRUE(quiet) << hearthd_.ctl({"list-jobs"}).out << hearthd_.log();
    for (const Unit& unit : units_) {
        EXPECT_TRUE(members(hearthd_, unit.name + ".service").empty())
            << unit.name << " has processes after its stop";
    }
    return quiet;
}

/// What hearthd has said of it.
void Chaos::show_log(const Unit& unit) const {
    std::cout << "--- " << unit.name << ".service, in hearthd's log\n";
    std::istringstream log(hearthd_.log());
    for (std::string line; std::getline(log, line);) {
        // With what it says of all: another hearthd took over.
        if (line.find(unit.name + ".service") != std::string::npos ||
            line.find(" go on, of which ") != std::string::npos) {
            std::cout << line << '\n';
        }
    }
}

void Chaos::judge(const Demands& demands) const {
    const auto failures = [] {
        return ::testing::UnitTest::GetInstance()
            ->current_test_info()
            ->result()
            ->total_part_count();
    };
    for (const Unit& unit : units_) {
        const int before = failures();
        const Ledger ledger = read(unit.name);
        judge_invocations(unit, ledger, demands);
        judge_counts(unit, ledger);
        if (demands.lines) {
            judge_log(unit, ledger, demands.lines_lost);
        }
        if (failures() != before) {
            show_log(unit);
        }
    }
}

/// Each invocation has one process, and its end was told once, and as it was.
void Chaos::judge_invocations(
    const Unit& unit, const Ledger& ledger, const Demands& demands) const {
    for (const auto& [id, invocation] : ledger) {
        const std::string which = unit.name + ", invocation " + id;
        // Alone, one that came and went while no hearthd ran left nothing to tell of it.
        EXPECT_LE(invocation.processes.size(), demands.statuses ? 1U : 99U)
            << which << " was launched twice";
        EXPECT_LE(invocation.told.size(), demands.statuses ? 1U : 99U)
            << which << ": ExecStopPost= ran twice";
        if (invocation.processes.empty()) {
            continue;  // stopped before its program ran
        }
        const Process& process = invocation.processes.front();
        EXPECT_FALSE(process.code.empty())
            << which << ": process " << process.pid << " was killed, nobody had asked for that";
        if (invocation.told.empty()) {
            ADD_FAILURE() << which << ": its end was told to nobody";
            continue;
        }
        const Told& told = invocation.told.front();
        if (!demands.statuses) {
            const bool known =
                std::ranges::any_of(invocation.processes, [&told](const Process& each) {
                    return told.code == each.code && told.status == each.status;
                });
            EXPECT_TRUE(
                known || unit.kind == Kind::Forking ||
                (told.code == "killed" && told.status == "KILL"))
                << which << ": told as " << told.code << " " << told.status << ", was "
                << process.code << " " << process.status;
        }
        const bool cut_short =
            unit.kind == Kind::Forking && told.code == "-";  // no main process yet
        if (demands.statuses && !cut_short && unit.kind != Kind::Forking) {
            EXPECT_EQ(told.code + " " + told.status, process.code + " " + process.status)
                << which << ", process " << process.pid << ", result " << told.result;
        }
    }
}

void Chaos::judge_counts(const Unit& unit, const Ledger& ledger) const {
    const int runs = static_cast<int>(std::ranges::count_if(
        ledger, [](const auto& each) { return !each.second.processes.empty(); }));
    const int restarts = restarts_.at(unit.name);
    switch (unit.kind) {
        case Kind::Lasting:
            EXPECT_EQ(runs, 1) << unit.name << " was restarted";
            EXPECT_EQ(restarts, 0) << unit.name;
            break;
        case Kind::Ending:
            EXPECT_GE(runs, 2) << unit.name << " doesn't go on";
            // The last one may have been stopped before its program ran.
            EXPECT_LE(runs, restarts + 1) << unit.name << " restarted without being due";
            EXPECT_GE(runs, restarts) << unit.name << ": a restart was lost";
            break;
        case Kind::Toggled:
        case Kind::Forking:
            EXPECT_LE(runs, starts_asked_.at(unit.name)) << unit.name << " started uninvited";
            break;
    }
}

/// Every line once, in order, and none that was never written; where some may be lost, as many as
/// the log says.
void Chaos::judge_log(const Unit& unit, const Ledger& ledger, bool may_be_lost) const {
    std::map<std::string, int> lines;
    long written = 0, found = 0, lost = 0;
    std::istringstream log(hearthd_.ctl({"logs", unit.name + ".service", "-n", "10000000"}).out);
    for (std::string text; std::getline(log, text);) {
        const std::size_t told = text.find("hearth-logd");
        if (const std::size_t count = text.find(": ", told);
            told != std::string::npos && text.find(" dropped: ") != std::string::npos) {
            lost += std::strtol(text.c_str() + count + 2, nullptr, 10);
            continue;
        }
        const std::size_t at = text.find("line ");
        if (at == std::string::npos) {
            continue;
        }
        std::istringstream line(text.substr(at));
        std::string word, id;
        int number = -1;
        line >> word >> id >> number;
        if (may_be_lost) {
            EXPECT_GE(number, lines[id]) << unit.name << ", invocation " << id << ": " << text;
        } else {
            EXPECT_EQ(number, lines[id]) << unit.name << ", invocation " << id << ": " << text;
        }
        lines[id] = number + 1;
        ++found;
    }
    for (const auto& [id, invocation] : ledger) {
        for (const Process& process : invocation.processes) {
            written += process.lines;
            if (!may_be_lost) {
                EXPECT_EQ(lines[id], process.lines)
                    << unit.name << ", invocation " << id << ": lines in the log, lines written";
            }
        }
    }
    if (may_be_lost) {
        // What was being written at that instant counts as lost, and may be there.
        EXPECT_GE(found + lost, written)
            << unit.name << ": " << found << " lines in the log and " << lost << " told as lost";
    }
}

std::string Chaos::summary() const {
    int runs = 0;
    int lines = 0;
    for (const Unit& unit : units_) {
        for (const auto& [id, invocation] : read(unit.name)) {
            for (const Process& process : invocation.processes) {
                ++runs;
                lines += process.lines;
            }
        }
    }
    return std::to_string(units_.size()) + " services, " + std::to_string(runs) + " runs, " +
           std::to_string(lines) + " log lines, " + std::to_string(calls_.load()) + " calls";
}

}  // namespace hearth::testing
