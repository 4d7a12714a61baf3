// SPDX-License-Identifier: MIT
//
// How long from the decision to launch to the service's first instruction, as a ratio to a bare
// vfork+exec of the same program in the same run. Variants are interleaved, so that whatever else
// the machine does hits all alike; minima tell the physical cost, medians the typical one. Asserts
// nothing.
//
//     build/release/bin/launch_benchmark [ROUNDS]        as root
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "places.hpp"
#include "supervisor/cgroup/tree.hpp"
#include "supervisor/host_facts.hpp"
#include "supervisor/launch/launcher.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "units/loader.hpp"

namespace {

using namespace hearth;

/// A copy in /run, where PrivateTmp= and ProtectHome= don't hide it wherever hearth was built.
const std::string program = "/run/hearth-bench-" + std::to_string(::getpid());

std::uint64_t nanoseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

const cgroup::Tree* tree_to_remove = nullptr;

/// Nothing is left behind, however the benchmark ends.
void clean_up() {
    std::error_code ignored;
    std::filesystem::remove(program, ignored);
    for (const std::string& path : tree_to_remove->existing()) {
        for (int tries = 0; tries < 1000 && !tree_to_remove->remove(path); ++tries) {
            ::usleep(1000);
        }
    }
    (void)tree_to_remove->remove_root();
}

[[noreturn]] void fail(const std::string& what) {
    if (tree_to_remove != nullptr) {
        clean_up();
    }
    std::fprintf(stderr, "launch_benchmark: %s\n", what.c_str());
    std::exit(1);
}

/// The time that the program read in its first instructions; 0 where it ended without telling.
std::uint64_t first_instruction(int pipe) {
    timespec stamp{};
    if (::read(pipe, &stamp, sizeof stamp) != static_cast<ssize_t>(sizeof stamp)) {
        return 0;
    }
    return static_cast<std::uint64_t>(stamp.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(stamp.tv_nsec);
}

struct OneUnit final : UnitSource {
    std::string text;
    [[nodiscard]] Result<std::optional<File>> fragment(const std::string& name) const override {
        return std::optional(File{name, text, false});
    }
    [[nodiscard]] Result<std::vector<File>> drop_ins(const std::string&) const override {
        return std::vector<File>{};
    }
};

Unit unit_of(const std::string& name, const std::string& extra) {
    OneUnit source;
    source.text = "[Service]\nExecStart=" + program + "\n" + extra;
    return load_unit(name, source, gather_load_context(false));
}

const char* const confinement =
    "User=nobody\nNoNewPrivileges=yes\nCapabilityBoundingSet=\nPrivateNetwork=yes\nPrivateTmp=yes\n"
    "PrivateDevices=yes\nProtectHome=yes\nProtectSystem=strict\nMemoryMax=32M\nTasksMax="
    "8\nCPUQuota=20%\n"
    "SystemCallFilter=@system-service\nSystemCallArchitectures=native\n";

/// Bare vfork+exec, one dup2: the floor.
double bare() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        fail("pipe2");
    }
    const std::uint64_t start = nanoseconds();
    const pid_t child = ::vfork();  // NOLINT(bugprone-unsafe-functions): what is measured
    if (child == 0) {
        ::dup2(ends[1], 1);
        ::execl(program.c_str(), program.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(ends[1]);
    const std::uint64_t first = first_instruction(ends[0]);
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    if (first == 0) {
        fail("the program can't be run by itself");
    }
    return static_cast<double>(first - start) / 1000.0;
}

class Bench {
public:
    Bench(cgroup::Tree& tree, HostFacts& facts, launch::LauncherPool& pool)
        : tree_(tree), facts_(facts), pool_(pool) {}

    /// From the decision: plan, hand-over to a launcher thread, clone, child, exec.
    double decided(const Unit& unit, bool keep_cgroup) {
        auto pipe = sys::pipe2();
        if (!pipe) {
            fail(pipe.error().what);
        }
        const std::uint64_t start = nanoseconds();
        launch::Invocation invocation;
        invocation.command = &unit.settings.service.exec_start.front();
        invocation.invocation_id = std::string(32, '0');
        invocation.executable = invocation.command->path;
        auto filter = facts_.seccomp(unit);
        invocation.seccomp = filter ? *filter : nullptr;
        auto plan = launch::plan(unit, invocation, facts_.host());
        if (!plan) {
            fail(one_line(plan.error().front()));
        }
        launch::LaunchRequest request;
        request.id = ++id_;
        request.plan = std::move(*plan);
        request.descriptors.emplace("log", std::move(pipe->write));
        pool_.launch(std::move(request));
        const std::uint64_t first = first_instruction(pipe->read.number());
        pollfd ready{pool_.event_descriptor(), POLLIN, 0};
        ::poll(&ready, 1, 5000);
        for (launch::LaunchResult& result : pool_.take_results()) {
            if (result.failure) {
                fail(launch::message(*result.failure));
            }
            (void)sys::waitid(result.pidfd.number(), 0);
            if (!keep_cgroup) {
                while (!tree_.remove(result.plan.cgroup)) {
                    ::usleep(200);
                }
            }
            launch::release(result.activation);
        }
        if (first == 0) {
            fail(unit.name + " ended without telling its time");
        }
        return static_cast<double>(first - start) / 1000.0;
    }

private:
    cgroup::Tree& tree_;
    HostFacts& facts_;
    launch::LauncherPool& pool_;
    launch::LaunchId id_ = 0;
};

void print(
    const char* name, std::vector<double> samples, double floor_minimum, double floor_median) {
    std::ranges::sort(samples);
    const double minimum = samples.front();
    const double median = samples[samples.size() / 2];
    std::printf(
        "%-52s %8.0f %8.0f %8.0f   %6.1f %6.1f\n",
        name,
        minimum,
        samples[samples.size() / 4],
        median,
        minimum / floor_minimum,
        median / floor_median);
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 200;
    if (::geteuid() != 0 || rounds < 4) {
        fail("needs root, and at least 4 rounds");
    }
    cgroup::Tree::Options options;
    options.root = "hearth-bench-" + std::to_string(::getpid());
    auto tree = cgroup::Tree::open(options);
    if (!tree) {
        fail(tree.error().what);
    }
    tree_to_remove = &*tree;
    std::filesystem::copy_file(HEARTH_BINARY_DIR "/first_instruction", program);
    auto facts = HostFacts::gather(*tree, "");
    auto pool = launch::LauncherPool::create(*tree);
    if (!facts || !pool) {
        fail(facts ? pool.error().what : facts.error().what);
    }
    const Unit plain = unit_of("plain.service", "");
    const Unit kept = unit_of("kept.service", confinement);
    const Unit fresh = unit_of("fresh.service", confinement);
    const Unit no_network =
        unit_of("local.service", std::string(confinement) + "PrivateNetwork=no\n");
    Bench bench(*tree, *facts, **pool);
    std::map<std::string, std::vector<double>> samples;
    for (int round = -3; round < rounds; ++round) {  // three to warm up
        const std::map<std::string, double> times = {
            {"0 bare vfork+exec", bare()},
            {"1 plain unit, cgroup kept", bench.decided(plain, true)},
            {"2 plain unit, cgroup made", bench.decided(plain, false)},
            {"3 confined, no network namespace, cgroup kept", bench.decided(no_network, true)},
            {"4 confined, cgroup kept, network namespace made", bench.decided(kept, true)},
            {"5 confined, everything made", bench.decided(fresh, false)},
        };
        for (const auto& [name, time] : times) {
            if (round >= 0) {
                samples[name].push_back(time);
            }
        }
        ::usleep(2000);
    }
    std::vector<double> floor = samples["0 bare vfork+exec"];
    std::ranges::sort(floor);
    std::printf("us from the decision to the first instruction (%d rounds, interleaved)\n", rounds);
    std::printf("%-52s %8s %8s %8s   %6s %6s\n", "", "min", "p25", "median", "x min", "x med");
    for (const auto& [name, times] : samples) {
        print(name.c_str() + 2, times, floor.front(), floor[floor.size() / 2]);
    }
    std::printf(
        "floors of launch-path.md (min / median): bare 61 / 84, confined with the cgroup kept 253 "
        "/ 414,\n"
        "everything made 411 / 558, a network namespace adds 330 to 500; systemd 252's way 10100 / "
        "17000\n");
    clean_up();
    return 0;
}
