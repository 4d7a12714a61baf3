// SPDX-License-Identifier: MIT
#include <sched.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "supervisor/cgroup/files.hpp"
#include "supervisor/cgroup/tree.hpp"
#include "supervisor/sys/file.hpp"
#include "tests/integration/cgroup_support.hpp"

namespace hearth::cgroup {
namespace {

using testing_support::reap;
using testing_support::Shared;
using testing_support::TestTree;
using testing_support::wait_for_event;

const std::string heat = "system.slice/heat.service";

int sleep_for_ever() {
    while (true) {
        ::pause();
    }
}

Knob memory_limit(const TestTree& tree, const std::string& bytes) {
    return {"memory", tree.unified() ? "memory.max" : "memory.limit_in_bytes", bytes};
}

/// Every directory of a test's own root, in all hierarchies mounted.
std::vector<std::string> left_behind() {
    const std::string name = "hearth-test-" + std::to_string(::getpid());
    std::vector<std::string> found;
    const auto mounts = parse_mountinfo(*sys::read_file("/proc/self/mountinfo", 32 << 20));
    for (const CgroupMount& mount : mounts) {
        std::error_code ignored;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(
                 mount.point,
                 std::filesystem::directory_options::skip_permission_denied,
                 ignored)) {
            if (entry.path().filename().string().starts_with(name)) {
                found.push_back(entry.path());
            }
        }
    }
    return found;
}

TEST(CgroupTree, MakesDirectoriesInEveryHierarchyAndLeavesNothing) {
    {
        const TestTree tree;
        ASSERT_TRUE(tree);
        tree.make(heat);
        EXPECT_TRUE(std::filesystem::is_directory(tree->directory(heat)));
        for (const std::string& controller : testing_support::limiting()) {
            EXPECT_TRUE(tree->controllers().contains(controller))
                << tree->missing_controllers().at(controller);
            EXPECT_TRUE(std::filesystem::is_directory(tree->directory(heat, controller)));
        }
        EXPECT_EQ(tree->existing(), std::vector{heat});
        EXPECT_FALSE(left_behind().empty());
        ASSERT_TRUE(tree->remove(heat).has_value());
        EXPECT_TRUE(tree->remove(heat).has_value()) << "a missing cgroup is as good as removed";
        EXPECT_TRUE(tree->existing().empty());
    }
    EXPECT_EQ(left_behind(), std::vector<std::string>());
}

TEST(CgroupTree, RemovesWhatItMadeAboveItsRootToo) {
    {
        const TestTree tree("hearth-test-" + std::to_string(::getpid()) + "/inner");
        ASSERT_TRUE(tree);
        tree.make(heat);
    }
    EXPECT_EQ(left_behind(), std::vector<std::string>());
}

TEST(CgroupTree, SecondInstanceIsToldWhoHoldsTheRoot) {
    Tree::Options options;
    options.root = "hearth-test-" + std::to_string(::getpid());
    options.owner = "/run/another";
    {
        const TestTree first;
        ASSERT_TRUE(first);
        const Result<Tree> second = Tree::open(options);
        ASSERT_FALSE(second.has_value());
        EXPECT_NE(second.error().what.find("belongs to another hearthd"), std::string::npos);
        EXPECT_NE(second.error().what.find("/run/" + options.root), std::string::npos)
            << second.error().what;
        EXPECT_NE(second.error().what.find("--cgroup-root"), std::string::npos);
    }
    const Result<Tree> third = Tree::open(options);
    ASSERT_TRUE(third.has_value()) << third.error().what;
    EXPECT_TRUE(third->remove_root().has_value());
}

/// A v2 cgroup for children of the test, and a mountinfo that shows v2 alone.
class OwnCgroup {
public:
    OwnCgroup() {
        {
            const TestTree somewhere;
            directory_ = somewhere->directory("") + "-own";
        }
        EXPECT_TRUE(make_directory(directory_).has_value());
        std::istringstream lines(*sys::read_file("/proc/self/mountinfo", 1 << 20));
        std::ofstream only(mounts());
        for (std::string line; std::getline(lines, line);) {
            if (line.find(" - cgroup2 ") != std::string::npos) {
                only << line << '\n';
            }
        }
    }
    ~OwnCgroup() {
        std::remove(mounts().c_str());
        EXPECT_TRUE(remove_directory(directory_).has_value());
    }
    OwnCgroup(const OwnCgroup&) = delete;
    OwnCgroup& operator=(const OwnCgroup&) = delete;
    [[nodiscard]] static std::string mounts() {
        return testing::TempDir() + "hearth-own-cgroup-" + std::to_string(::getpid());
    }
    [[nodiscard]] const std::string& directory() const { return directory_; }
    [[nodiscard]] pid_t join(const std::function<int()>& body) const {
        sys::Pipe placed = *sys::pipe2();
        const pid_t pid = ::fork();
        if (pid == 0) {
            placed.write.reset();
            char end = 0;
            (void)!::read(placed.read.number(), &end, 1);
            ::_exit(body());
        }
        const auto moved = sys::write_file(directory_ + "/cgroup.procs", std::to_string(pid));
        EXPECT_TRUE(moved.has_value()) << (moved ? "" : moved.error().what);
        return pid;
    }

private:
    std::string directory_;
};

std::string own_cgroup(pid_t pid) {
    return parse_self_cgroup(
        *sys::read_file("/proc/" + std::to_string(pid) + "/cgroup", 65536))[""];
}

TEST(CgroupTree, AContainersTreeIsItsWholeCgroupAndItsProgramsStandInLeaves) {
    const OwnCgroup place;
    Tree::Options options;
    options.own = Own::Container;
    options.mountinfo_path = OwnCgroup::mounts();
    const pid_t keeper = place.join([] { return ::pause(); });
    options.keeper = keeper;
    const pid_t manager = place.join([&] {
        const Result<Tree> tree = Tree::open(options);
        if (!tree) {
            return 1;
        }
        const std::string keepers = own_cgroup(keeper);
        const std::string ours = own_cgroup(::getpid());
        if (!keepers.ends_with("-own/init.scope") || !ours.ends_with("-own/hearthd")) {
            return 2;
        }
        if (tree->directory("") != place.directory() || !tree->make(heat, {})) {
            return 3;
        }
        if (tree->existing() != std::vector{heat}) {
            return 4;
        }
        // Another that starts meanwhile finds the root taken; one that is given the lock uses it.
        Tree::Options again = options;
        again.self_cgroup_path = "/proc/" + std::to_string(keeper) + "/cgroup";
        if (const auto second = Tree::open(again); second || second.error().code != EBUSY) {
            return 5;
        }
        again.lock = tree->lock();
        const Result<Tree> second = Tree::open(again);
        if (!second || second->directory("") != place.directory()) {
            return 6;
        }
        return tree->remove_root() && tree->existing().empty() ? 0 : 7;
    });
    const int status = reap(manager);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    ::kill(keeper, SIGKILL);
    (void)reap(keeper);
}

TEST(CgroupTree, AContainerAmongStrangersKeepsBelowThem) {
    const OwnCgroup place;
    Tree::Options options;
    options.own = Own::Container;
    options.mountinfo_path = OwnCgroup::mounts();
    const pid_t stranger = place.join([] { return ::pause(); });
    const pid_t manager = place.join([&] {
        const Result<Tree> tree = Tree::open(options);
        if (!tree || tree->directory("") != place.directory() + "/hearth") {
            return 1;
        }
        return own_cgroup(stranger).ends_with("-own") && tree->remove_root() ? 0 : 2;
    });
    const int status = reap(manager);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    ::kill(stranger, SIGKILL);
    (void)reap(stranger);
}

TEST(CgroupTree, ProcessIsBornInItsCgroupOfEveryHierarchy) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    tree.make(heat);
    const pid_t pid = tree.run(heat, sleep_for_ever);
    ASSERT_GT(pid, 0);
    // The child joins the v1 hierarchies itself: it is there once it is counted there.
    while (tree->usage(heat).tasks_current != 1U) {
        ::sched_yield();
    }
    const auto own =
        parse_self_cgroup(*sys::read_file("/proc/" + std::to_string(pid) + "/cgroup", 65536));
    EXPECT_EQ(own.at(""), tree->shown(heat));
    for (const std::string& controller : tree.v1()) {
        EXPECT_TRUE(
            own.at(controller).ends_with("/hearth-test-" + std::to_string(::getpid()) + "/" + heat))
            << own.at(controller);
    }
    EXPECT_EQ(*tree->processes(heat), std::vector{pid});
    EXPECT_EQ(*tree->processes("system.slice"), std::vector{pid});
    EXPECT_TRUE(*tree->populated(heat));
    EXPECT_EQ(tree->remove(heat).error().code, EBUSY);
    ASSERT_TRUE(tree->kill(heat).has_value());
    EXPECT_TRUE(WIFSIGNALED(reap(pid)));
    wait_for_event(*tree, heat, "populated 0");
    EXPECT_TRUE(tree->remove(heat).has_value());
    EXPECT_FALSE(*tree->populated(heat));
}

TEST(CgroupTree, KillEndsAForkBomb) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    tree.make(heat);
    ASSERT_TRUE(tree->write(heat, {"pids", "pids.max", "40"}).has_value());
    const Shared<std::atomic<int>> forks;
    const pid_t pid = tree.run(heat, [&] {
        while (forks->load() < 400) {  // not for ever, should the limit not hold
            if (::fork() >= 0) {
                ++*forks;
            }
        }
        return sleep_for_ever();
    });
    ASSERT_GT(pid, 0);
    while (tree->processes(heat)->size() < 40) {
        ::sched_yield();
    }
    ASSERT_TRUE(tree->kill(heat).has_value());
    EXPECT_EQ(WTERMSIG(reap(pid)), SIGKILL);
    wait_for_event(*tree, heat, "populated 0");
    EXPECT_TRUE(tree->processes(heat)->empty());
    EXPECT_TRUE(tree->remove(heat).has_value());
}

TEST(CgroupTree, DirectoryMadeAnewAfterAKillTakesAProcess) {
    const TestTree
        tree;  // launch-path.md, trap 1: a child cloned into the old one would die at once
    ASSERT_TRUE(tree);
    for (int round = 0; round < 3; ++round) {
        tree.make(heat);
        EXPECT_TRUE(WIFEXITED(reap(tree.run(heat, [] { return 0; }))));
        ASSERT_TRUE(tree->kill(heat).has_value());
        ASSERT_TRUE(tree->remove(heat).has_value());
    }
}

TEST(CgroupTree, SignalReachesAllButTheExceptions) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    tree.make(heat);
    const pid_t spared = tree.run(heat, sleep_for_ever);
    const pid_t first = tree.run(heat, sleep_for_ever);
    tree.make(heat + "/below");
    const pid_t below = tree.run(heat + "/below", sleep_for_ever);
    ASSERT_TRUE(tree->signal(heat, SIGTERM, {spared}).has_value());
    EXPECT_EQ(WTERMSIG(reap(first)), SIGTERM);
    EXPECT_EQ(WTERMSIG(reap(below)), SIGTERM);
    EXPECT_EQ(*tree->processes(heat), std::vector{spared});
    ASSERT_TRUE(tree->signal(heat, SIGKILL, {}).has_value());
    EXPECT_EQ(WTERMSIG(reap(spared)), SIGKILL);
    EXPECT_TRUE(tree->signal("system.slice/missing.service", SIGTERM, {}).has_value());
}

TEST(CgroupTree, FrozenProcessesStandStillUntilThawed) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    tree.make(heat);
    const Shared<std::atomic<std::uint64_t>> counter;
    const pid_t pid = tree.run(heat, [&] {
        while (true) {
            ++*counter;
            ::sched_yield();
        }
        return 0;
    });
    ASSERT_GT(pid, 0);
    while (counter->load() == 0) {
        ::sched_yield();
    }
    ASSERT_TRUE(tree->freeze(heat, true).has_value());
    wait_for_event(*tree, heat, "frozen 1");
    const std::uint64_t then = counter->load();
    ::usleep(20'000);
    EXPECT_EQ(counter->load(), then);
    ASSERT_TRUE(tree->freeze(heat, false).has_value());
    while (counter->load() == then) {
        ::sched_yield();
    }
    ASSERT_TRUE(tree->kill(heat).has_value());
    reap(pid);
    EXPECT_GT(*tree->usage(heat).cpu_nanoseconds, 0U);
}

TEST(CgroupTree, TasksLimitStopsForks) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    tree.make(heat);
    ASSERT_TRUE(tree->write(heat, {"pids", "pids.max", "5"}).has_value());
    EXPECT_EQ(*tree->read(heat, {"pids", "pids.max", ""}), "5");
    const Shared<int> made;
    const Shared<int> error;
    const pid_t pid = tree.run(heat, [&] {
        while (*made < 100) {
            const pid_t child = ::fork();
            if (child == 0) {
                sleep_for_ever();
            }
            if (child < 0) {
                *error = errno;
                break;
            }
            ++*made;
        }
        return sleep_for_ever();
    });
    ASSERT_GT(pid, 0);
    while (*static_cast<volatile int*>(&*error) == 0 && *static_cast<volatile int*>(&*made) < 100) {
        ::sched_yield();
    }
    EXPECT_EQ(*error, EAGAIN);
    EXPECT_EQ(*made, 4);
    EXPECT_EQ(tree->usage(heat).tasks_current, 5U);
    EXPECT_EQ(tree->processes(heat)->size(), 5U);
}

TEST(CgroupTree, MemoryLimitIsHeld) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    if (sys::read_file("/proc/swaps", 65536)->find('\n') + 1 !=
        sys::read_file("/proc/swaps", 65536)->size()) {
        GTEST_SKIP() << "this machine has swap, into which the limit would push the memory";
    }
    constexpr std::size_t limit = std::size_t{32} << 20;
    tree.make(heat);
    ASSERT_TRUE(tree->write(heat, memory_limit(tree, std::to_string(limit))).has_value());
    EXPECT_EQ(*tree->read(heat, memory_limit(tree, "")), std::to_string(limit));
    const pid_t pid = tree.run(heat, [] {
        constexpr std::size_t size = 2 * limit;
        void* memory = ::mmap(
            nullptr,
            size,
            PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE,
            -1,
            0);
        if (memory == MAP_FAILED) {
            return 1;
        }
        auto* bytes = static_cast<volatile char*>(memory);
        for (std::size_t i = 0; i < size; i += 4096) {
            bytes[i] = 1;
        }
        return 0;
    });
    const int status = reap(pid);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit status " << WEXITSTATUS(status);
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    if (const auto peak = tree->usage(heat).memory_peak_bytes) {
        EXPECT_LE(*peak, limit);
        EXPECT_GT(*peak, limit / 2);
    }
    EXPECT_TRUE(tree->usage(heat).memory_current_bytes.has_value());
}

TEST(CgroupTree, CpuQuotaIsWrittenAndReadBack) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    tree.make(heat);
    const std::vector<Knob> knobs =
        tree.unified()
            ? std::vector<Knob>{{"cpu", "cpu.max", "20000 100000"}}
            : std::vector<Knob>{
                  {"cpu", "cpu.cfs_period_us", "100000"}, {"cpu", "cpu.cfs_quota_us", "20000"}};
    for (const Knob& knob : knobs) {
        ASSERT_TRUE(tree->write(heat, knob).has_value());
        EXPECT_EQ(*tree->read(heat, knob), knob.value);
    }
    const Result<void> refused = tree->write(heat, {"cpu", knobs.back().file, "rubbish"});
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().what.find(knobs.back().file), std::string::npos);
}

TEST(CgroupTree, PathsThatLeaveTheRootAreRefused) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    EXPECT_TRUE(tree->make("", {}).has_value());  // the root itself is there, and stays
    EXPECT_FALSE(tree->remove("").has_value());
    for (const char* path : {"..", "../x", "a/../../x", "/x", "a//b"}) {
        EXPECT_FALSE(tree->make(path, {}).has_value()) << path;
        EXPECT_FALSE(tree->remove(path).has_value()) << path;
    }
    EXPECT_FALSE(tree->make("a", {"nonsense"}).has_value());
}

TEST(CgroupTree, ExistingFindsUnitsInWhateverHierarchyTheyAreLeft) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    tree.make("system.slice/system-getty.slice/getty@tty1.service");
    tree.make("user.slice");
    tree.make("lone.scope");
    tree.make(heat);
    ASSERT_TRUE(sys::rmdir(tree->directory(heat)).has_value());
    std::vector<std::string> expected{
        "lone.scope", "system.slice/system-getty.slice/getty@tty1.service"};
    if (!tree.unified()) {
        expected.insert(expected.begin() + 1, heat);  // it is still there in the v1 hierarchies
    }
    EXPECT_EQ(tree->existing(), expected);
}

/// On v2 a cgroup with processes passes no controller on. Runs in a child that is put into a cgroup
/// of the test's own, with or without a stranger in it; writes what the child found into `report`.
struct Delegation {
    bool usable = false;
    char reason[300] = {};
};
void open_in_own_cgroup(const TestTree& tree, bool stranger, Delegation& report) {
    tree.make("delegated.slice/place.service");
    const pid_t other = stranger ? tree.run("delegated.slice/place.service", sleep_for_ever) : 0;
    const pid_t pid = tree.run("delegated.slice/place.service", [&] {
        Tree::Options options;
        options.root = "inner";
        const Result<Tree> inner = Tree::open(options);
        if (!inner) {
            return 1;
        }
        report.usable = inner->controllers().contains("memory") &&
                        inner->make("system.slice/x.service", {}).has_value() &&
                        inner->write("system.slice/x.service", {"memory", "memory.max", "1048576"});
        if (const auto reason = inner->missing_controllers().find("memory");
            reason != inner->missing_controllers().end()) {
            reason->second.copy(report.reason, sizeof report.reason - 1);
        }
        return 0;
    });
    EXPECT_EQ(reap(pid), 0);
    if (stranger) {
        ::kill(other, SIGKILL);
        reap(other);
    }
}

TEST(CgroupTree, UnifiedControllersReachBelowACgroupThatHoldsOnlyHearthd) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    if (!tree.unified()) {
        GTEST_SKIP() << "the controllers of this machine are on cgroup v1";
    }
    const Shared<Delegation> report;
    open_in_own_cgroup(tree, false, *report);
    EXPECT_TRUE(report->usable) << report->reason;
}

TEST(CgroupTree, UnifiedControllersAreMissingBesideAStrangerWhoIsNamed) {
    const TestTree tree;
    ASSERT_TRUE(tree);
    if (!tree.unified()) {
        GTEST_SKIP() << "the controllers of this machine are on cgroup v1";
    }
    const Shared<Delegation> report;
    open_in_own_cgroup(tree, true, *report);
    EXPECT_FALSE(report->usable);
    EXPECT_NE(std::string(report->reason).find("holds other processes"), std::string::npos)
        << report->reason;
}

}  // namespace
}  // namespace hearth::cgroup
