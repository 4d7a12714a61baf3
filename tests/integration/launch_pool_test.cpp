// SPDX-License-Identifier: MIT
//
// The launcher pool: results, aborts, launches that block, and what is left after a thousand of
// them.
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <map>
#include <thread>

#include "tests/support/launch_probe.hpp"

namespace hearth::launch {
namespace {

using testing_support::LaunchProbe;

class Pool {
public:
    Pool() {
        auto created = LauncherPool::create(tree_);
        EXPECT_TRUE(created.has_value());
        pool_ = std::move(*created);
    }
    /// A launch of `probe` under a new id.
    LaunchId launch(LaunchProbe& probe) {
        sys::Descriptor output;
        LaunchRequest request = probe.request(output);
        request.id = ++last_;
        outputs_[last_] = std::move(output);
        pool_->launch(std::move(request));
        return last_;
    }
    /// Waits for the result of `id`; those of others are kept.
    LaunchResult result(LaunchId id) {
        while (!results_.contains(id)) {
            pollfd event{pool_->event_descriptor(), POLLIN, 0};
            if (::poll(&event, 1, 60'000) != 1) {
                ADD_FAILURE() << "no result for launch " << id;
                return {};
            }
            for (LaunchResult& result : pool_->take_results()) {
                results_[result.id] = std::move(result);
            }
        }
        return std::move(results_.extract(id).mapped());
    }
    LauncherPool* operator->() const { return pool_.get(); }
    void destroy() { pool_.reset(); }

private:
    cgroup::Tree tree_;
    std::unique_ptr<LauncherPool> pool_;
    LaunchId last_ = 0;
    std::map<LaunchId, sys::Descriptor> outputs_;
    std::map<LaunchId, LaunchResult> results_;
};

/// A directory with a FIFO that nobody reads: opening it for writing blocks.
class Fifo {
public:
    Fifo() : directory_("/tmp/hearth-fifo-" + *sys::random_hex(6)) {
        EXPECT_TRUE(sys::mkdir(directory_, 0700).has_value());
        EXPECT_EQ(::mkfifo(path().c_str(), 0600), 0);
    }
    ~Fifo() { EXPECT_TRUE(sys::remove_tree(directory_).has_value()); }
    [[nodiscard]] std::string path() const { return directory_ + "/fifo"; }

private:
    std::string directory_;
};

std::size_t open_descriptors() {
    return sys::read_directory("/proc/self/fd")->size();
}
std::size_t threads() {
    return sys::read_directory("/proc/self/task")->size();
}

TEST(LauncherPool, LaunchesAndGivesResultsByTheirIds) {
    Pool pool;
    std::map<LaunchId, int> expected;
    for (int status = 0; status < 20; ++status) {
        LaunchProbe probe("exit " + std::to_string(status));
        expected[pool.launch(probe)] = status;
    }
    for (const auto& [id, status] : expected) {
        const LaunchResult result = pool.result(id);
        EXPECT_FALSE(result.failure);
        EXPECT_EQ(testing_support::reap(result.pidfd)->status, status);
    }
    EXPECT_TRUE(pool->take_results().empty());
    EXPECT_FALSE(pool->abort(1)) << "not in flight any more";
}

TEST(LauncherPool, LeavesNothingBehindAfterAThousandLaunches) {
    const bool root = testing_support::is_root();
    const std::string mounts = *sys::read_file("/proc/self/mountinfo", 1 << 20);
    const std::size_t before = open_descriptors();
    {
        Pool pool;
        const std::size_t standing = open_descriptors();
        for (int i = 0; i < 500; ++i) {
            LaunchProbe good("");
            good.plan.executable = "/bin/true";
            LaunchProbe bad("");
            bad.plan.executable = "/nonexistent";
            if (root) {
                good.plan.preparations.push_back({MakePrivateTmp{"tmp", "/tmp"}, {}, 226});
                good.plan.preparations.push_back(
                    {CloneTree{"usr", "/usr", true, false, ""}, {}, 226});
                good.with_mounts(true);
                good.add(Stage::Mounts, BindMount{"slot:tmp", "/tmp", true, false, 0, 0});
                good.add(Stage::Mounts, BindMount{"tree:usr", "/usr", true, false, 0, 0});
                good.add(Stage::Mounts, HidePath{"/root", false});
            }
            const LaunchId first = pool.launch(good), second = pool.launch(bad);
            LaunchResult result = pool.result(first);
            ASSERT_FALSE(result.failure) << message(*result.failure);
            ASSERT_TRUE(testing_support::reap(result.pidfd)->success());
            release(result.activation);
            result = pool.result(second);
            ASSERT_TRUE(result.failure);
            ASSERT_EQ(testing_support::reap(result.pidfd)->status, 203);
        }
        // The outputs are the test's own: one per launch.
        EXPECT_EQ(open_descriptors(), standing + 1000);
    }
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_EQ(*sys::read_file("/proc/self/mountinfo", 1 << 20), mounts);
    const auto names = sys::read_directory("/tmp");
    for (const std::string& name : *names) {
        EXPECT_FALSE(name.starts_with("hearth-probe.service-")) << name;
    }
}

/// A child that blocks at a step: it opens a FIFO without a reader, as oom_score_adj is opened.
LaunchProbe blocking_in_child(const std::string& fifo) {
    // A mount namespace with the FIFO bound over the file that the step writes.
    LaunchProbe probe("true");
    probe.add(Stage::Cgroup, NewNamespaces{0x00020000});
    probe.add(Stage::Signals, MountPropagation{});
    probe.add(Stage::Session, MountFileSystem{"tmpfs", "/proc", "", 0, false});
    probe.add(Stage::Session, MakeDirectory{"/proc/self", 0755});
    probe.add(Stage::Session, MakeMountPoint{"/proc/self/oom_score_adj", fifo});
    probe.add(Stage::Session, BindMount{fifo, "/proc/self/oom_score_adj", false, false, 0, 0});
    probe.add(
        Stage::Scheduling, SetOomScoreAdjust{5, false}, {"OOMScoreAdjust", "5", {"u", 7, 1}}, 206);
    return probe;
}

/// The child of a launch in flight, of whichever thread.
pid_t only_child() {
    while (true) {
        const auto tasks = sys::read_directory("/proc/self/task");
        for (const std::string& task : *tasks) {
            const auto children = sys::read_file("/proc/self/task/" + task + "/children", 4096);
            if (children && !children->empty()) {
                return std::stoi(*children);
            }
        }
    }
}

TEST(LauncherPool, EndsALaunchThatBlocksInTheChild) {
    HEARTH_NEEDS_ROOT();
    const Fifo fifo;
    Pool pool;
    LaunchProbe probe = blocking_in_child(fifo.path());
    const LaunchId id = pool.launch(probe);
    while (!pool->abort(id)) {
    }
    ::usleep(20'000);  // at whichever point it was; once more, now that it surely blocks
    pool->abort(id);
    const LaunchResult result = pool.result(id);
    ASSERT_TRUE(result.failure);
    EXPECT_EQ(result.failure->error, ECANCELED);
    if (result.pidfd) {
        const auto exit = testing_support::reap(result.pidfd);
        EXPECT_FALSE(exit->success());
    }
}

TEST(LauncherPool, NamesTheStepAtWhichABlockedChildWasKilled) {
    HEARTH_NEEDS_ROOT();
    const Fifo fifo;
    Pool pool;
    LaunchProbe probe = blocking_in_child(fifo.path());
    const LaunchId id = pool.launch(probe);
    const pid_t child = only_child();
    // Killed by a stranger, as the OOM killer would: not an abort.
    ::usleep(20'000);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    const LaunchResult result = pool.result(id);
    ASSERT_TRUE(result.failure);
    EXPECT_EQ(
        message(*result.failure),
        "u:7: OOMScoreAdjust=5: step \"set-oom-score-adjust\" failed: killed by signal 9");
    EXPECT_EQ(result.failure->exit_status, 0) << "the process's own status counts";
    EXPECT_EQ(testing_support::reap(result.pidfd)->status, SIGKILL);
}

TEST(LauncherPool, SurvivesAChildThatIsStoppedByAStranger) {
    // Trap 2: SIGSTOP can't be blocked, and the launching thread hangs in clone3 with the child.
    HEARTH_NEEDS_ROOT();
    const Fifo fifo;
    Pool pool;
    LaunchProbe probe = blocking_in_child(fifo.path());
    const LaunchId id = pool.launch(probe);
    const pid_t child = only_child();
    ASSERT_EQ(::kill(child, SIGSTOP), 0);
    const std::string status = "/proc/" + std::to_string(child) + "/status";
    while (sys::read_file(status, 8192)->find("State:\tT") == std::string::npos) {
        ::usleep(1000);
    }
    EXPECT_TRUE(pool->abort(id));
    const LaunchResult result = pool.result(id);
    EXPECT_EQ(result.failure->error, ECANCELED);
    EXPECT_EQ(testing_support::reap(result.pidfd)->status, SIGKILL);
}

TEST(LauncherPool, GoesOnWhileSeveralLaunchesBlockAndShrinksAfterwards) {
    HEARTH_NEEDS_ROOT();
    const Fifo fifo;
    Pool pool;
    const std::size_t standing = threads();
    std::vector<LaunchId> blocked;
    for (int i = 0; i < 5; ++i) {
        LaunchProbe probe = blocking_in_child(fifo.path());
        blocked.push_back(pool.launch(probe));
    }
    // Two launchers are held at once; this one waits for a replacement.
    LaunchProbe good("exit 3");
    const LaunchResult result = pool.result(pool.launch(good));
    EXPECT_FALSE(result.failure);
    EXPECT_EQ(testing_support::reap(result.pidfd)->status, 3);
    for (const LaunchId id : blocked) {
        EXPECT_TRUE(pool->abort(id));
        const LaunchResult ended = pool.result(id);
        EXPECT_EQ(ended.failure->error, ECANCELED);
        testing_support::reap(ended.pidfd);
    }
    for (int i = 0; i < 200 && threads() > standing; ++i) {
        ::usleep(10'000);
    }
    EXPECT_LE(threads(), standing) << "replacements end when they are not needed any more";
}

TEST(LauncherPool, EndsALaunchThatBlocksInItsPreparation) {
    const Fifo fifo;
    Pool pool;
    LaunchProbe probe("true");
    probe.plan.preparations.push_back(
        {OpenFile{"log", fifo.path(), O_WRONLY}, {"StandardOutput", "x", {"u", 2, 1}}, 209});
    const LaunchId id = pool.launch(probe);
    ::usleep(30'000);
    EXPECT_TRUE(pool->abort(id));
    const LaunchResult result = pool.result(id);
    ASSERT_TRUE(result.failure);
    EXPECT_TRUE(result.failure->before_clone);
    EXPECT_EQ(result.pid, 0);
}

TEST(LauncherPool, OpensAFifoOnceSomebodyReadsIt) {
    const Fifo fifo;
    Pool pool;
    LaunchProbe probe("echo through >&4");
    probe.plan.preparations.push_back({OpenFile{"log", fifo.path(), O_WRONLY}, {}, 209});
    probe.add(Stage::Descriptors, UseDescriptor{"log", 4});
    const LaunchId id = pool.launch(probe);
    const auto reader = sys::open(fifo.path(), O_RDONLY);
    ASSERT_TRUE(reader.has_value());
    EXPECT_EQ(*sys::read_all(reader->number(), 100, "fifo"), "through\n");
    testing_support::reap(pool.result(id).pidfd);
}

TEST(LauncherPool, AbortsWhatIsStillQueued) {
    const Fifo fifo;
    Pool pool;
    std::vector<LaunchId> ids;
    for (int i = 0; i < 4; ++i) {
        LaunchProbe probe("true");
        probe.plan.preparations.push_back({OpenFile{"log", fifo.path(), O_WRONLY}, {}, 209});
        ids.push_back(pool.launch(probe));
    }
    for (const LaunchId id : {ids[3], ids[2], ids[1], ids[0]}) {
        EXPECT_TRUE(pool->abort(id));
        const LaunchResult result = pool.result(id);
        EXPECT_TRUE(result.failure);
        EXPECT_FALSE(result.pidfd);
        EXPECT_EQ(result.plan.unit, "probe.service");
    }
}

TEST(LauncherPool, EndsWithLaunchesInFlightQueuedAndUnclaimed) {
    HEARTH_NEEDS_ROOT();
    const std::size_t before = open_descriptors();
    const Fifo fifo;
    {
        Pool pool;
        LaunchProbe unclaimed("exec sleep 1000");
        pool.launch(unclaimed);
        for (int i = 0; i < 6; ++i) {
            LaunchProbe probe = blocking_in_child(fifo.path());
            pool.launch(probe);
        }
        pollfd event{pool->event_descriptor(), POLLIN, 0};
        EXPECT_EQ(::poll(&event, 1, 60'000), 1);
        pool.destroy();
    }
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "no process, no zombie";
    EXPECT_EQ(errno, ECHILD);
}

TEST(LauncherPool, WithstandsAbortsAtEveryMoment) {
    Pool pool;
    for (int delay = 0; delay < 400; ++delay) {
        LaunchProbe probe("exit 0");
        const LaunchId id = pool.launch(probe);
        std::this_thread::sleep_for(std::chrono::microseconds(delay));
        const bool in_flight = pool->abort(id);
        const LaunchResult result = pool.result(id);
        if (!in_flight) {
            EXPECT_FALSE(result.failure);
        }
        if (result.failure) {
            EXPECT_EQ(result.failure->error, ECANCELED) << message(*result.failure);
        }
        EXPECT_EQ(result.pid != 0, static_cast<bool>(result.pidfd));
        const auto exit = testing_support::reap(result.pidfd);
        if (exit && !in_flight) {
            EXPECT_TRUE(exit->success());
        }
    }
}

}  // namespace
}  // namespace hearth::launch
