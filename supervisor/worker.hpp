// SPDX-License-Identifier: MIT
//
// Worker: one thread for what may block and is nobody's launch: removing private directories,
// reading a hostile /proc. A job is two functions: `work` runs on the thread and must touch nothing
// shared; `done` runs afterwards on the event loop's thread. Jobs run in order. The destructor
// finishes the job in hand, drops the others' `done`, but runs their `work` (nothing may be left
// behind).
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "parser/result.hpp"
#include "supervisor/loop/event_loop.hpp"
#include "supervisor/sys/descriptor.hpp"

namespace hearth {

class Worker {
public:
    static Result<std::unique_ptr<Worker>> create(EventLoop& loop);
    ~Worker();

    void run(std::function<void()> work, std::function<void()> done = {});

private:
    struct Job {
        std::function<void()> work, done;
    };
    explicit Worker(sys::Descriptor event) : event_(std::move(event)) {}
    void serve();
    void collect();

    sys::Descriptor event_;
    EventSource source_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Job> waiting_;
    std::deque<Job> finished_;
    bool ending_ = false;
    std::thread thread_;
};

}  // namespace hearth
