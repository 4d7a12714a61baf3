// SPDX-License-Identifier: MIT
#include "supervisor/worker.hpp"

#include <sys/epoll.h>

#include <csignal>

#include "supervisor/sys/file.hpp"

namespace hearth {

Result<std::unique_ptr<Worker>> Worker::create(EventLoop& loop) {
    std::unique_ptr<Worker> worker(new Worker(HEARTH_TRY(sys::eventfd())));
    worker->source_ = HEARTH_TRY(loop.on_io(
        worker->event_.number(), EPOLLIN, Priority::Io, [w = worker.get()](std::uint32_t) {
            w->collect();
        }));
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are the loop's
    worker->thread_ = std::thread([w = worker.get()] { w->serve(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return worker;
}

Worker::~Worker() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void Worker::run(std::function<void()> work, std::function<void()> done) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back({std::move(work), std::move(done)});
    }
    wake_.notify_one();
}

void Worker::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) {
            return;
        }
        Job job = std::move(waiting_.front());
        waiting_.pop_front();
        lock.unlock();
        job.work();
        job.work = nullptr;  // what it captured ends here, on this thread
        lock.lock();
        if (job.done) {
            finished_.push_back(std::move(job));
            const std::uint64_t one = 1;
            (void)sys::write_all(
                event_.number(),
                std::string_view(reinterpret_cast<const char*>(&one), sizeof one),
                "worker event");
        }
    }
}

void Worker::collect() {
    std::uint64_t count = 0;
    (void)sys::read(event_.number(), &count, sizeof count, "worker event");
    std::deque<Job> finished;
    {
        const std::lock_guard lock(mutex_);
        finished.swap(finished_);
    }
    for (const Job& job : finished) {
        job.done();
    }
}

}  // namespace hearth
