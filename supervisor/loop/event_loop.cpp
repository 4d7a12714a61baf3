// SPDX-License-Identifier: MIT
#include "supervisor/loop/event_loop.hpp"

#include <signal.h>
#include <systemd/sd-event.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <memory>
#include <utility>

namespace hearth {

/// What sd-event's userdata points at. `running` and `doomed` let a callback destroy its own
/// source: the trampoline then frees the node, for the callable must not die while it runs.
struct EventSource::Node {
    sd_event_source* source = nullptr;
    std::function<void(std::uint32_t)> io;
    std::function<void(int, pid_t)> signal;
    std::function<void()> plain;
    bool running = false;
    bool doomed = false;
};

namespace {

EventLoop::Defect defect_handler = nullptr;

Unexpected<Error> event_failure(const char* call, int result) {
    return failure(std::string(call) + ": " + std::strerror(-result), -result);
}

/// The one way from sd-event into hearth. A negative return would disable the source silently.
template <class Call>
int dispatch(void* userdata, Call call) noexcept {
    auto* node = static_cast<EventSource::Node*>(userdata);
    node->running = true;
    try {
        call(*node);
    } catch (const std::exception& exception) {
        if (defect_handler != nullptr) {
            defect_handler(exception.what());
        }
    } catch (...) {
        if (defect_handler != nullptr) {
            defect_handler("an exception of unknown type");
        }
    }
    node->running = false;
    if (node->doomed) {
        const std::unique_ptr<EventSource::Node> ended(node);
    }
    return 0;
}

int run_io(sd_event_source*, int, std::uint32_t events, void* userdata) noexcept {
    return dispatch(userdata, [events](EventSource::Node& node) { node.io(events); });
}

int run_signal(sd_event_source*, const struct signalfd_siginfo* info, void* userdata) noexcept {
    const int number = static_cast<int>(info->ssi_signo);
    const auto sender = static_cast<pid_t>(info->ssi_pid);
    return dispatch(
        userdata, [number, sender](EventSource::Node& node) { node.signal(number, sender); });
}

int run_timer(sd_event_source*, std::uint64_t, void* userdata) noexcept {
    return dispatch(userdata, [](EventSource::Node& node) { node.plain(); });
}

int run_plain(sd_event_source*, void* userdata) noexcept {
    return dispatch(userdata, [](EventSource::Node& node) { node.plain(); });
}

}  // namespace

EventSource::EventSource() noexcept : node_(nullptr) {}
EventSource::EventSource(Node* node) noexcept : node_(node) {}
EventSource::EventSource(EventSource&& other) noexcept
    : node_(std::exchange(other.node_, nullptr)) {}

EventSource& EventSource::operator=(EventSource&& other) noexcept {
    if (this != &other) {
        const EventSource dying(std::exchange(node_, std::exchange(other.node_, nullptr)));
    }
    return *this;
}

EventSource::~EventSource() {
    if (node_ == nullptr) {
        return;
    }
    sd_event_source_disable_unref(node_->source);
    node_->source = nullptr;
    if (node_->running) {
        node_->doomed = true;
    } else {
        delete node_;
    }
}

void EventSource::enable(bool on) noexcept {
    if (node_ != nullptr) {
        sd_event_source_set_enabled(node_->source, on ? SD_EVENT_ON : SD_EVENT_OFF);
    }
}

void EventSource::arm_at(std::uint64_t monotonic_microseconds) noexcept {
    if (node_ != nullptr) {
        sd_event_source_set_time(node_->source, monotonic_microseconds);
        sd_event_source_set_enabled(node_->source, SD_EVENT_ONESHOT);
    }
}

void EventSource::arm_in(std::uint64_t microseconds) noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const std::uint64_t start = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
                                static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
    arm_at(microseconds > UINT64_MAX - start ? UINT64_MAX : start + microseconds);
}

void EventSource::disarm() noexcept {
    enable(false);
}

void EventSource::trigger() noexcept {
    if (node_ != nullptr) {
        sd_event_source_set_enabled(node_->source, SD_EVENT_ONESHOT);
    }
}

void EventSource::wait_for(std::uint32_t events) noexcept {
    if (node_ != nullptr) {
        sd_event_source_set_io_events(node_->source, events);
    }
}

Result<std::unique_ptr<EventLoop>> EventLoop::open() {
    sd_event* event = nullptr;
    if (const int result = sd_event_new(&event); result < 0) {
        return event_failure("sd_event_new", result);
    }
    return std::make_unique<EventLoop>(event);
}

EventLoop::EventLoop(sd_event* event) noexcept : event_(event) {}

EventLoop::~EventLoop() {
    sd_event_unref(event_);
}

Result<EventSource> EventLoop::on_io(
    int descriptor,
    std::uint32_t events,
    Priority priority,
    std::function<void(std::uint32_t events)> callback) {
    auto node = std::make_unique<EventSource::Node>();
    node->io = std::move(callback);
    const int result =
        sd_event_add_io(event_, &node->source, descriptor, events, run_io, node.get());
    if (result < 0) {
        return event_failure("sd_event_add_io", result);
    }
    sd_event_source_set_priority(node->source, static_cast<std::int64_t>(priority));
    return EventSource(node.release());
}

Result<EventSource> EventLoop::on_signal(
    int signal, std::function<void(int signal, pid_t sender)> callback) {
    auto node = std::make_unique<EventSource::Node>();
    node->signal = std::move(callback);
    const int result = sd_event_add_signal(
        event_, &node->source, signal | SD_EVENT_SIGNAL_PROCMASK, run_signal, node.get());
    if (result < 0) {
        return event_failure("sd_event_add_signal", result);
    }
    sd_event_source_set_priority(node->source, static_cast<std::int64_t>(Priority::Signal));
    return EventSource(node.release());
}

Result<EventSource> EventLoop::timer(Priority priority, std::function<void()> callback) {
    auto node = std::make_unique<EventSource::Node>();
    node->plain = std::move(callback);
    const int result = sd_event_add_time(
        event_, &node->source, CLOCK_MONOTONIC, UINT64_MAX, 1, run_timer, node.get());
    if (result < 0) {
        return event_failure("sd_event_add_time", result);
    }
    sd_event_source_set_enabled(node->source, SD_EVENT_OFF);
    sd_event_source_set_priority(node->source, static_cast<std::int64_t>(priority));
    return EventSource(node.release());
}

Result<EventSource> EventLoop::deferred(Priority priority, std::function<void()> callback) {
    auto node = std::make_unique<EventSource::Node>();
    node->plain = std::move(callback);
    const int result = sd_event_add_defer(event_, &node->source, run_plain, node.get());
    if (result < 0) {
        return event_failure("sd_event_add_defer", result);
    }
    sd_event_source_set_enabled(node->source, SD_EVENT_OFF);
    sd_event_source_set_priority(node->source, static_cast<std::int64_t>(priority));
    return EventSource(node.release());
}

Result<EventSource> EventLoop::on_post(std::function<void()> callback) {
    auto node = std::make_unique<EventSource::Node>();
    node->plain = std::move(callback);
    const int result = sd_event_add_post(event_, &node->source, run_plain, node.get());
    if (result < 0) {
        return event_failure("sd_event_add_post", result);
    }
    return EventSource(node.release());
}

Result<int> EventLoop::run() {
    const int result = sd_event_loop(event_);
    if (result < 0) {
        return event_failure("sd_event_loop", result);
    }
    return result;
}

Result<bool> EventLoop::run_once(std::uint64_t timeout_microseconds) {
    const int result = sd_event_run(event_, timeout_microseconds);
    if (result < 0) {
        return event_failure("sd_event_run", result);
    }
    return result > 0;
}

void EventLoop::exit(int code) noexcept {
    sd_event_exit(event_, code);
}

std::uint64_t EventLoop::now_monotonic() const noexcept {
    std::uint64_t now = 0;
    sd_event_now(event_, CLOCK_MONOTONIC, &now);
    return now;
}

std::uint64_t EventLoop::now_realtime() const noexcept {
    std::uint64_t now = 0;
    sd_event_now(event_, CLOCK_REALTIME, &now);
    return now;
}

void EventLoop::on_defect(Defect defect) noexcept {
    defect_handler = defect;
}

}  // namespace hearth
