// SPDX-License-Identifier: MIT
#include "supervisor/worker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <future>
#include <string>
#include <vector>

namespace hearth {
namespace {

constexpr std::uint64_t for_ever = UINT64_MAX;

class WorkerTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto opened = EventLoop::open();
        ASSERT_TRUE(opened.has_value());
        loop = std::move(*opened);
        auto made = Worker::create(*loop);
        ASSERT_TRUE(made.has_value());
        worker = std::move(*made);
    }
    void until(const std::function<bool()>& reached) const {
        while (!reached()) {
            const auto ran = loop->run_once(for_ever);
            ASSERT_TRUE(ran.has_value());
        }
    }

    std::unique_ptr<EventLoop> loop;
    std::unique_ptr<Worker> worker;
};

TEST_F(WorkerTest, RunsJobsInOrderAndTellsInOrder) {
    std::string worked;  // by one thread, read when its last job has been told
    std::string told;
    for (char job = 'a'; job <= 'z'; ++job) {
        worker->run([&, job] { worked += job; }, [&, job] { told += job; });
    }
    until([&] { return told.size() == 26; });
    EXPECT_EQ(worked, "abcdefghijklmnopqrstuvwxyz");
    EXPECT_EQ(told, worked);
}

TEST_F(WorkerTest, WorksOnItsOwnThreadAndTellsOnTheLoops) {
    std::thread::id worked;
    std::thread::id told;
    worker->run(
        [&] { worked = std::this_thread::get_id(); }, [&] { told = std::this_thread::get_id(); });
    until([&] { return told != std::thread::id(); });
    EXPECT_EQ(told, std::this_thread::get_id());
    EXPECT_NE(worked, told);
}

TEST_F(WorkerTest, NeverTellsWithinRun) {
    bool told = false;
    std::promise<void> worked;
    worker->run([&] { worked.set_value(); }, [&] { told = true; });
    worked.get_future().wait();
    EXPECT_FALSE(told);
    until([&] { return told; });
}

TEST_F(WorkerTest, TakesNewJobsFromWhatIsTold) {
    int told = 0;
    std::function<void()> again = [&] {
        if (++told < 5) {
            worker->run([] {}, again);
        }
    };
    worker->run([] {}, again);
    until([&] { return told == 5; });
}

TEST_F(WorkerTest, LeavesSignalsToTheLoop) {
    bool blocked = false;
    bool told = false;
    worker->run(
        [&] {
            sigset_t mask;
            pthread_sigmask(SIG_SETMASK, nullptr, &mask);
            blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGCHLD) == 1;
        },
        [&] { told = true; });
    until([&] { return told; });
    EXPECT_TRUE(blocked);
}

TEST_F(WorkerTest, EndsWhatAJobHoldsOnTheThreadThatUsedIt) {
    struct Held {
        std::thread::id& ended;
        explicit Held(std::thread::id& where) : ended(where) {}
        ~Held() { ended = std::this_thread::get_id(); }
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
    };
    std::thread::id work_ended;
    std::thread::id worked;
    bool told = false;
    auto held = std::make_shared<Held>(work_ended);
    worker->run(
        [&, mine = std::move(held)] { worked = std::this_thread::get_id(); }, [&] { told = true; });
    until([&] { return told; });
    EXPECT_EQ(work_ended, worked);
}

// Directories of dead units are removed by jobs: none may be dropped, but nobody is left to be
// told.
TEST_F(WorkerTest, FinishesEveryJobAtItsEndAndTellsNone) {
    std::promise<void> go;
    const std::shared_future<void> gone(go.get_future());
    std::atomic<int> worked{0};
    int told = 0;
    for (int job = 0; job < 10; ++job) {
        worker->run(
            [&, gone] {
                gone.wait();
                ++worked;
            },
            [&] { ++told; });
    }
    go.set_value();
    worker.reset();
    EXPECT_EQ(worked, 10);
    const auto idle = loop->run_once(0);
    EXPECT_TRUE(idle.has_value() && !*idle);
    EXPECT_EQ(told, 0);
}

TEST_F(WorkerTest, EndsWithoutAnyJob) {
    worker.reset();
    SUCCEED();
}

TEST_F(WorkerTest, NeedsNobodyToTell) {
    bool told = false;
    std::atomic<int> worked{0};
    worker->run([&] { ++worked; });
    worker->run([&] { ++worked; }, [&] { told = true; });
    until([&] { return told; });
    EXPECT_EQ(worked, 2);
}

}  // namespace
}  // namespace hearth
