// SPDX-License-Identifier: MIT
//
// EventLoop: sd-event as RAII. Descriptors, timers, signals, deferred and post callbacks become
// EventSources that stop when destroyed, also from within their own callback. Callbacks go through
// one noexcept trampoline: nothing may throw out of them (what does is handed to `on_defect` and
// the loop goes on), and nothing in them may block or run the loop again.
//
// Times are absolute CLOCK_MONOTONIC microseconds. The loop must outlive its sources; it belongs to
// one thread and one process (after fork nothing here may be touched). Only exits of processes by
// pidfd are watched, as descriptors (EPOLLIN): sd-event's child sources would reap. Errors carry
// errno. Follows sd-event(3); its traps are in reference/systemctl-compat.md section 8.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "parser/result.hpp"

struct sd_event;
struct sd_event_source;

namespace hearth {

/// Who goes first when several are ready: one event is dispatched per iteration, lowest number
/// first, so a busy early one starves the later ones. A notification must be read before its
/// sender's exit.
enum class Priority : std::int8_t {
    Notify = -60,
    Process = -50,
    Signal = -40,
    Timer = -30,
    Io = -20,
    Bus = 10,
    Idle = 50
};

/// One callback on a loop; stops when destroyed. Movable, may be empty.
class EventSource {
public:
    struct Node;

    EventSource() noexcept;
    explicit EventSource(Node* node) noexcept;
    EventSource(EventSource&& other) noexcept;
    EventSource& operator=(EventSource&& other) noexcept;
    EventSource(const EventSource&) = delete;
    EventSource& operator=(const EventSource&) = delete;
    ~EventSource();

    [[nodiscard]] explicit operator bool() const noexcept { return node_ != nullptr; }
    /// Pauses and resumes a descriptor, signal or post source without forgetting it.
    void enable(bool on) noexcept;
    /// Timers: fire once at that time (a past time: at once). Replaces an earlier arming.
    void arm_at(std::uint64_t monotonic_microseconds) noexcept;
    void arm_in(std::uint64_t microseconds) noexcept;
    void disarm() noexcept;
    /// Deferred sources: run once in the next iteration, however often it is asked.
    void trigger() noexcept;
    /// Descriptors: wait for other EPOLL* events from now on.
    void wait_for(std::uint32_t events) noexcept;

private:
    Node* node_;
};

class EventLoop {
public:
    using Defect = void (*)(const char* what) noexcept;

    static Result<std::unique_ptr<EventLoop>> open();
    explicit EventLoop(sd_event* event) noexcept;
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;
    ~EventLoop();

    /// Level-triggered; the descriptor stays the caller's and must outlive the source. An ended
    /// pipe reports EPOLLHUP in every iteration until the source is destroyed or disabled.
    Result<EventSource> on_io(
        int descriptor,
        std::uint32_t events,
        Priority priority,
        std::function<void(std::uint32_t events)> callback);
    /// Blocks the signal in this thread. main blocks it before it starts others.
    Result<EventSource> on_signal(
        int signal, std::function<void(int signal, pid_t sender)> callback);
    /// Made disarmed. Accurate to the microsecond that the kernel gives (not sd-event's 250 ms).
    Result<EventSource> timer(Priority priority, std::function<void()> callback);
    /// Made idle; see trigger().
    Result<EventSource> deferred(Priority priority, std::function<void()> callback);
    /// After every iteration that dispatched something else.
    Result<EventSource> on_post(std::function<void()> callback);

    /// Runs until exit(); the exit code.
    Result<int> run();
    /// At most one event; false where none came in time. UINT64_MAX waits for ever.
    Result<bool> run_once(std::uint64_t timeout_microseconds);
    void exit(int code) noexcept;

    /// The time of the iteration (one reading for all of its callbacks).
    [[nodiscard]] std::uint64_t now_monotonic() const noexcept;
    [[nodiscard]] std::uint64_t now_realtime() const noexcept;

    /// For sd_bus_attach_event and sd_notify's watchdog.
    [[nodiscard]] sd_event* handle() const noexcept { return event_; }

    /// Told of every exception that reached a trampoline; set once by main, before run().
    static void on_defect(Defect defect) noexcept;

private:
    sd_event* event_;
};

}  // namespace hearth
