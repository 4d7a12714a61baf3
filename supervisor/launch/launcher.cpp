// SPDX-License-Identifier: MIT
//
// The pool: who launches, and when a blocked launch gets a replacement.
#include "supervisor/launch/launcher.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <system_error>
#include <thread>

#include "supervisor/launch/launcher_run.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"

namespace hearth::launch {
namespace {

using Clock = std::chrono::steady_clock;

constexpr unsigned RunnableThreads =
    2;  // more do not help: the kernel serialises (launch-path.md 3)
constexpr unsigned MaximumThreads = 16;
constexpr std::chrono::milliseconds Overdue{250};
constexpr std::chrono::seconds Farewell{5};

/// Shared by the pool's owner and its threads, because a thread that hangs in the kernel (a dead
/// network mount) outlives the pool.
struct State {
    const cgroup::Tree* tree = nullptr;
    sys::Descriptor event, inaccessible;
    SpareNetwork spare_network;
    std::mutex mutex;
    std::condition_variable work;      ///< for launchers: a request, or the end
    std::condition_variable watch;     ///< for the monitor: a launch began, or the end
    std::condition_variable farewell;  ///< for the destructor: a thread ended
    std::deque<LaunchRequest> queue;
    std::map<LaunchId, std::shared_ptr<InFlight>> running;
    std::vector<LaunchResult> results;
    std::map<std::thread::id, std::thread> threads;  ///< to be joined, or left to the kernel
    std::vector<std::thread::id> left;               ///< of these: have nothing more to do here
    unsigned launchers = 0;
    bool monitor = false;         ///< runs
    bool monitor_asleep = false;  ///< without a deadline
    bool stopping = false;

    unsigned overdue(Clock::time_point now) const {
        return static_cast<unsigned>(std::ranges::count_if(running, [now](const auto& entry) {
            return now - entry.second->started() >= Overdue;
        }));
    }
};
using SharedState = std::shared_ptr<State>;

void announce(State& state, LaunchResult result) {
    state.results.push_back(std::move(result));
    const std::uint64_t one = 1;
    // Can only fail when the counter is full, and then it is readable.
    static_cast<void>(!::write(state.event.number(), &one, sizeof one));
}

/// One launcher: takes requests until there are enough others or the pool ends.
void launch_loop(const SharedState& state, const ChildStack& stack) {
    std::unique_lock lock(state->mutex);
    while (true) {
        state->work.wait(lock, [&] { return state->stopping || !state->queue.empty(); });
        if (state->stopping) {
            break;
        }
        LaunchRequest request = std::move(state->queue.front());
        state->queue.pop_front();
        const LaunchId id = request.id;
        const auto in_flight = std::make_shared<InFlight>();
        state->running[id] = in_flight;
        if (state->monitor_asleep) {
            state->watch.notify_one();
        }
        const LaunchMeans means{
            *state->tree, stack, state->inaccessible.number(), &state->spare_network};
        lock.unlock();
        LaunchOutcome outcome = run_launch(std::move(request), means, *in_flight);
        lock.lock();
        state->running.erase(id);
        announce(*state, std::move(outcome.result));
        if (state->queue.empty() && !state->stopping && outcome.thread_usable) {
            lock.unlock();
            outcome.thread_usable = state->spare_network.refill();
            lock.lock();
        }
        const bool too_many = state->launchers - state->overdue(Clock::now()) > RunnableThreads;
        if (too_many || !outcome.thread_usable) {
            break;
        }
    }
    --state->launchers;
    state->left.push_back(std::this_thread::get_id());
    state->watch.notify_one();
    state->farewell.notify_all();
}

/// Joins the threads that have left their loops: they only have to return. Caller holds the mutex.
void join_left(State& state) {
    for (const std::thread::id id : std::exchange(state.left, {})) {
        const auto thread = state.threads.find(id);
        thread->second.join();
        state.threads.erase(thread);
    }
}

/// A thread with every signal blocked from its first instruction. Caller holds the mutex.
template <class Body>
bool start_thread(State& state, Body body) {
    const SignalsBlocked blocked;  // inherited
    try {
        std::thread thread(std::move(body));
        const std::thread::id id = thread.get_id();
        state.threads.emplace(id, std::move(thread));
        return true;
    } catch (const std::system_error&) {  // EAGAIN: at a limit of tasks
        return false;
    }
}

bool start_launcher(const SharedState& state) {
    const auto stack = std::make_shared<ChildStack>();
    if (!stack->usable() || !start_thread(*state, [state, stack] { launch_loop(state, *stack); })) {
        return false;
    }
    ++state->launchers;
    return true;
}

/// Keeps two launchers runnable: one whose launch is overdue does not count. Sleeps while nothing
/// runs.
void monitor_loop(const SharedState& state) {
    std::unique_lock lock(state->mutex);
    while (!state->stopping) {
        join_left(*state);
        const auto now = Clock::now();
        const unsigned overdue = state->overdue(now);
        bool short_of_threads = false;
        while (!short_of_threads && state->launchers < MaximumThreads &&
               state->launchers - std::min(overdue, state->launchers) < RunnableThreads) {
            short_of_threads = !start_launcher(state);
        }
        std::optional<Clock::time_point> deadline;
        for (const auto& [id, in_flight] : state->running) {
            const auto due = in_flight->started() + Overdue;
            if (due > now && (!deadline || due < *deadline)) {
                deadline = due;
            }
        }
        if (short_of_threads) {
            deadline = now + Overdue;  // try again
        }
        if (deadline) {
            state->watch.wait_until(lock, *deadline);
        } else {
            state->monitor_asleep = true;
            state->watch.wait(lock);
            state->monitor_asleep = false;
        }
    }
    state->monitor = false;
    state->left.push_back(std::this_thread::get_id());
    state->farewell.notify_all();
}

/// A process that nobody will ever hear of: ended and reaped.
void end_unclaimed(LaunchResult& result) {
    if (result.pidfd) {
        static_cast<void>(sys::pidfd_send_signal(result.pidfd.number(), SIGKILL));
        pollfd exit{result.pidfd.number(), POLLIN, 0};
        ::poll(&exit, 1, 1000);
        static_cast<void>(sys::waitid(result.pidfd.number()));
    }
    release(result.activation);
}

}  // namespace

struct LauncherPool::Implementation {
    SharedState state = std::make_shared<State>();
};

LauncherPool::LauncherPool(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Result<std::unique_ptr<LauncherPool>> LauncherPool::create(const cgroup::Tree& tree) {
    auto implementation = std::make_unique<Implementation>();
    State& state = *implementation->state;
    state.tree = &tree;
    state.event = HEARTH_TRY(sys::eventfd());
    state.inaccessible = make_inaccessible();
    std::unique_ptr<LauncherPool> pool(new LauncherPool(std::move(implementation)));
    const std::lock_guard lock(state.mutex);
    const SharedState& shared = pool->implementation_->state;
    state.monitor = start_thread(state, [shared] { monitor_loop(shared); });
    bool started = state.monitor;
    for (unsigned i = 0; i < RunnableThreads && started; ++i) {
        started = start_launcher(shared);
    }
    if (!started) {
        return failure("cannot start the launcher threads: the limit of tasks is reached", EAGAIN);
    }
    return pool;
}

LauncherPool::~LauncherPool() {
    State& state = *implementation_->state;
    std::unique_lock lock(state.mutex);
    state.stopping = true;
    for (LaunchRequest& request : std::exchange(state.queue, {})) {
        announce(state, aborted_result(std::move(request)));
    }
    state.work.notify_all();
    state.watch.notify_all();
    // Once is not enough only for a launch that has not stored its pidfd yet; asking again is
    // cheap.
    const auto end = Clock::now() + Farewell;
    while ((state.launchers > 0 || state.monitor) && Clock::now() < end) {
        for (const auto& [id, in_flight] : state.running) {
            in_flight->abort();
        }
        state.farewell.wait_for(lock, std::chrono::milliseconds(10));
    }
    for (LaunchResult& result : state.results) {
        end_unclaimed(result);
    }
    state.results.clear();
    join_left(state);
    for (auto& [id, thread] : state.threads) {
        thread.detach();  // hangs in the kernel, with its share of the state
    }
    if (state.threads.empty()) {
        state.event.reset();
        state.inaccessible.reset();
    }
    state.threads.clear();
}

void LauncherPool::launch(LaunchRequest request) {
    State& state = *implementation_->state;
    const std::lock_guard lock(state.mutex);
    state.queue.push_back(std::move(request));
    state.work.notify_one();
}

bool LauncherPool::abort(LaunchId id) {
    State& state = *implementation_->state;
    const std::lock_guard lock(state.mutex);
    if (const auto running = state.running.find(id); running != state.running.end()) {
        running->second->abort();
        return true;
    }
    const auto queued = std::ranges::find(state.queue, id, &LaunchRequest::id);
    if (queued == state.queue.end()) {
        return false;
    }
    LaunchResult result = aborted_result(std::move(*queued));
    state.queue.erase(queued);
    announce(state, std::move(result));
    return true;
}

int LauncherPool::event_descriptor() const {
    return implementation_->state->event.number();
}

std::vector<LaunchResult> LauncherPool::take_results() {
    State& state = *implementation_->state;
    const std::lock_guard lock(state.mutex);
    std::uint64_t count = 0;
    static_cast<void>(!::read(state.event.number(), &count, sizeof count));
    return std::exchange(state.results, {});
}

}  // namespace hearth::launch
