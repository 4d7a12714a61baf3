// SPDX-License-Identifier: MIT
//
// For tests of limits: services that burn, and what the kernel and hearthd say of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/hearthd_process.hpp"

namespace hearth::testing {

inline constexpr std::uint64_t unknown = UINT64_MAX;

inline std::uint64_t number(
    const HearthdProcess& hearthd, const std::string& unit, const char* property) {
    const std::string text = hearthd.show(unit, property);
    return text.find_first_not_of("0123456789") == std::string::npos && !text.empty()
               ? std::stoull(text)
               : unknown;
}

/// Whether limits are v2's on this machine.
inline bool unified(const HearthdProcess& hearthd) {
    return std::ranges::all_of(hearthd.cgroups(), [](const std::string& path) {
        return path.find("/pids/") == std::string::npos;
    });
}

inline void start(
    const HearthdProcess& hearthd, const std::string& unit, const std::string& settings) {
    hearthd.add(unit, "[Service]\n" + settings);
    ASSERT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    const Output started = hearthd.ctl({"start", unit});
    ASSERT_EQ(started.status, 0) << started.err << hearthd.log();
}

/// Counts as fast as it can, `processes` times at once, until it is stopped.
inline std::string burner(int processes = 1) {
    std::string script = "for i in";
    for (int i = 0; i < processes; ++i) {
        script += " " + std::to_string(i);
    }
    return "ExecStart=/bin/sh -c '" + script + "; do while :; do :; done & done; wait'\n";
}

/// Which part of one CPU each unit used over `seconds`, by its own clock.
inline std::vector<double> used(
    const HearthdProcess& hearthd, const std::vector<std::string>& units, double seconds) {
    struct Look {
        double cpu = 0;
        std::chrono::steady_clock::time_point at;
    };
    const auto look = [&] {
        std::vector<Look> looks;
        for (const std::string& unit : units) {
            const double cpu = static_cast<double>(number(hearthd, unit, "CPUUsageNSec")) / 1e9;
            looks.push_back({cpu, std::chrono::steady_clock::now()});
        }
        return looks;
    };
    const std::vector<Look> before = look();
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    const std::vector<Look> after = look();
    std::vector<double> shares;
    for (std::size_t i = 0; i < before.size(); ++i) {
        const std::chrono::duration<double> passed = after[i].at - before[i].at;
        shares.push_back((after[i].cpu - before[i].cpu) / passed.count());
    }
    return shares;
}

inline std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Starts a oneshot with that text to its end; systemd's result of it.
inline std::string result_of(
    const HearthdProcess& hearthd, const std::string& unit, const std::string& settings) {
    hearthd.add(unit, "[Service]\nType=oneshot\n" + settings);
    EXPECT_EQ(hearthd.ctl({"daemon-reload"}).status, 0);
    static_cast<void>(hearthd.ctl({"start", unit}));
    return hearthd.show(unit, "Result");
}

/// A file of a cgroup below hearthd's root, from whichever hierarchy has it; empty: none has.
inline std::string in_cgroup(
    const HearthdProcess& hearthd, const std::string& below, const std::string& file) {
    for (const std::string& root : hearthd.cgroups()) {
        std::string text = text_of(root + "/" + below + "/" + file);
        if (!text.empty()) {
            return text.substr(0, text.find_last_not_of('\n') + 1);
        }
    }
    return {};
}

}  // namespace hearth::testing
