// SPDX-License-Identifier: MIT
//
// A hearthd under hearth-init, and its death: the keeper is stopped meanwhile, so a test decides
// how long no hearthd runs.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {

class Keeper : public ::testing::Test {
protected:
    void SetUp() override { SKIP_WITHOUT_ROOT(); }

    /// hearthd dies; nobody starts another one before resume().
    void die() const {
        const pid_t pid = hearthd.kept();
        ASSERT_GT(pid, 0) << hearthd.log();
        ASSERT_EQ(::kill(hearthd.pid(), SIGSTOP), 0);
        ASSERT_EQ(::kill(pid, SIGKILL), 0);
        // A zombie of the stopped keeper's.
        ASSERT_TRUE(eventually([&] { return hearthd.kept() == 0; })) << hearthd.log();
    }
    void resume() const { ::kill(hearthd.pid(), SIGCONT); }
    void die_and_return() const {
        const pid_t pid = hearthd.kept();
        ASSERT_GT(pid, 0) << hearthd.log();
        ASSERT_EQ(::kill(pid, SIGKILL), 0);
        ASSERT_TRUE(eventually([&] {
            const pid_t next = hearthd.kept();
            return next != 0 && next != pid;
        })) << hearthd.log();
    }
    [[nodiscard]] std::string text(const std::string& name) const {
        std::ifstream file(hearthd.place() + "/" + name);
        std::ostringstream content;
        content << file.rdbuf();
        return content.str();
    }
    [[nodiscard]] std::size_t lines(const std::string& name) const {
        const std::string content = text(name);
        return static_cast<std::size_t>(std::ranges::count(content, '\n'));
    }
    [[nodiscard]] pid_t main_pid(const std::string& unit) const {
        return std::atoi(hearthd.show(unit, "MainPID").c_str());
    }
    /// A service that waits for open(`gate`), and then does the rest of the shell's line.
    void add_gated(
        const std::string& unit,
        const std::string& gate,
        const std::string& then,
        const std::string& more = {}) const {
        const std::string path = hearthd.place() + "/" + gate;
        ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
        hearthd.add(
            unit,
            "[Service]\nExecStart=/bin/sh -c 'read line < " + path + "; " + then + "'\n" + more);
    }
    void open(const std::string& gate) const {
        std::ofstream(hearthd.place() + "/" + gate) << "go\n";
    }

    HearthdProcess hearthd{{}, {}, {{}, 0, "hearth-init"}};
};

}  // namespace hearth::testing
