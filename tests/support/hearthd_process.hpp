// SPDX-License-Identifier: MIT
//
// A real hearthd for a test: a runtime directory, a log directory, a unit directory and a cgroup
// root of its own, all removed at the end. hearthctl is run as a user would. Ends hearthd by
// SIGTERM and demands that it left nothing.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace hearth::testing {

struct Output {
    int status = -1;  ///< exit status, 128 + N for a signal
    std::string out, err;
};

/// Runs a program to its end (at most 60 s, then SIGKILL) with /dev/null as standard input.
Output run_program(
    const std::vector<std::string>& argv, const std::vector<std::string>& environment = {});

/// Asks every 5 ms until it holds; false after `limit`.
bool eventually(
    const std::function<bool()>& holds, std::chrono::milliseconds limit = std::chrono::seconds(20));

/// Skips the test (with the reason) where this machine can't show it.
#define SKIP_WITHOUT_ROOT()                                                \
    do {                                                                   \
        if (::geteuid() != 0) {                                            \
            GTEST_SKIP() << "needs root: cgroups and namespaces are made"; \
        }                                                                  \
    } while (false)

/// Where a hearthd stands: a command that takes rights away and runs the rest of its arguments, and
/// who owns the hearthd's directories then.
struct Ground {
    std::vector<std::string> command;
    unsigned uid = 0;
    /// What is run: one of the built programs, or a path. "hearth-init": hearthd under a keeper.
    std::string program = "hearthd";
};

class HearthdProcess {
public:
    /// `unit_directory` empty: an empty one of the test's own (add()).
    explicit HearthdProcess(
        std::string unit_directory = {},
        std::vector<std::string> extra_options = {},
        Ground ground = {});
    ~HearthdProcess();
    HearthdProcess(const HearthdProcess&) = delete;
    HearthdProcess& operator=(const HearthdProcess&) = delete;

    /// Writes a unit file.
    void add(const std::string& name, const std::string& text) const;
    /// hearthctl ARGUMENTS...
    [[nodiscard]] Output ctl(const std::vector<std::string>& arguments) const;
    /// The value of a property, as `show --value` prints it.
    [[nodiscard]] std::string show(const std::string& unit, const std::string& property) const;
    [[nodiscard]] bool becomes(
        const std::string& unit, const std::string& property, const std::string& value) const;

    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Under a keeper (Ground::program), the hearthd of now; 0: none.
    [[nodiscard]] pid_t kept() const;
    [[nodiscard]] const std::string& place() const { return place_; }
    [[nodiscard]] const std::string& units() const { return units_; }
    [[nodiscard]] const std::string& cgroup_root() const { return cgroup_; }
    [[nodiscard]] std::string log() const;  ///< what hearthd has said
    [[nodiscard]] std::vector<std::string> cgroups()
        const;  ///< directories of its root in every hierarchy
    /// The path of a copy of a built program that services find however they are confined: the
    /// build may stand below /tmp or /root.
    [[nodiscard]] std::string program(const std::string& name) const;
    /// SIGKILL, and wait for the end of it. Its services go on.
    void crash();
    /// Another hearthd in its place, with the same options.
    void start_again();
    /// SIGTERM and wait; its exit status. The destructor does it otherwise.
    int stop();

private:
    void launch();

    std::string place_, units_, cgroup_;
    std::vector<std::string> argv_;
    pid_t pid_ = -1;
};

}  // namespace hearth::testing
