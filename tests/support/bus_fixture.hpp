// SPDX-License-Identifier: MIT
//
// BusFixture: a BusServer over a FakeControl, and sd-bus clients, all on one event loop and one
// thread: a call is sent, the loop runs until its reply is there. Sockets live in a temporary
// directory that goes with the fixture. Clients that must be somebody else run in a forked process.
#pragma once

#include <gtest/gtest.h>
#include <systemd/sd-bus.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/bus/object_path.hpp"
#include "supervisor/bus/server.hpp"
#include "supervisor/ctl/value.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/socket.hpp"
#include "tests/support/fake_control.hpp"

namespace hearth::test {

constexpr std::uint64_t patience_microseconds = 10'000'000;

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        char pattern[] = "/tmp/hearth-bus-XXXXXX";
        path_ = mkdtemp(pattern);
        std::filesystem::permissions(path_, std::filesystem::perms(0755));
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// A reply, or the error it was.
struct Answer {
    std::string error, message;
    ctl::Value value;  ///< the first value of the reply, if there is one
    [[nodiscard]] bool good() const { return error.empty(); }
};

struct BusDeleter {
    void operator()(sd_bus* bus) const {
        sd_bus_detach_event(bus);
        sd_bus_close_unref(bus);
    }
};
using BusHandle = std::unique_ptr<sd_bus, BusDeleter>;

class BusFixture : public testing::Test {
protected:
    TemporaryDirectory directory;
    FakeControl control;
    std::unique_ptr<EventLoop> loop = std::move(*EventLoop::open());
    std::unique_ptr<bus::BusServer> server;
    bus::Options options;

    [[nodiscard]] std::string socket_path() const { return directory.path() + "/private"; }

    void SetUp() override {
        options.paths = {socket_path()};
        options.group.clear();
    }
    void serve() {
        auto made = bus::BusServer::listen(*loop, control, options);
        ASSERT_TRUE(made.has_value()) << made.error().what;
        server = std::move(*made);
    }
    /// Runs the loop until `done`; false if it took too long.
    bool run_until(const std::function<bool()>& done) {
        for (int round = 0; round < 100'000; ++round) {
            if (done()) {
                return true;
            }
            const auto ran = loop->run_once(patience_microseconds);
            if (!ran || !*ran) {
                return done();
            }
        }
        return false;
    }
    /// Until nothing happens for a moment.
    void settle() {
        while (loop->run_once(20'000).value_or(false)) {
        }
    }

    BusHandle connect() {
        auto socket = sys::connect_unix(socket_path(), SOCK_STREAM);
        EXPECT_TRUE(socket.has_value());
        (void)sys::set_nonblocking(socket->number(), true);
        sd_bus* bus = nullptr;
        sd_bus_new(&bus);
        const int number = socket->release();
        sd_bus_set_fd(bus, number, number);
        sd_bus_negotiate_fds(bus, 1);
        sd_bus_start(bus);
        sd_bus_attach_event(bus, loop->handle(), SD_EVENT_PRIORITY_NORMAL);
        return BusHandle(bus);
    }

    template <class... Arguments>
    Answer call(
        const BusHandle& bus,
        const char* path,
        const char* interface,
        const char* member,
        const char* types,
        Arguments... arguments) {
        std::optional<Answer> answer;
        const auto take = [](sd_bus_message* reply, void* userdata, sd_bus_error*) {
            auto& into = *static_cast<std::optional<Answer>*>(userdata);
            into.emplace();
            if (const sd_bus_error* error = sd_bus_message_get_error(reply)) {
                into->error = error->name;
                into->message = error->message == nullptr ? "" : error->message;
            } else if (sd_bus_message_at_end(reply, 1) == 0) {
                into->value = ctl::read_value(reply).value_or(ctl::Value());
            }
            return 0;
        };
        sd_bus_slot* slot = nullptr;
        const int result = sd_bus_call_method_async(
            bus.get(), &slot, nullptr, path, interface, member, take, &answer, types, arguments...);
        EXPECT_GE(result, 0) << member;
        EXPECT_TRUE(run_until([&] { return answer.has_value(); })) << member << " was not answered";
        sd_bus_slot_unref(slot);
        return answer.value_or(Answer{"no answer", "", {}});
    }
    template <class... Arguments>
    Answer manager(
        const BusHandle& bus, const char* member, const char* types, Arguments... arguments) {
        return call(bus, bus::manager_path, bus::manager_interface, member, types, arguments...);
    }
    Answer get(
        const BusHandle& bus, const std::string& path, const char* interface, const char* name) {
        return call(
            bus, path.c_str(), "org.freedesktop.DBus.Properties", "Get", "ss", interface, name);
    }
};

/// Writes down every signal a client sees, as "Member(first argument)" for single strings.
class SignalLog {
public:
    explicit SignalLog(const BusHandle& bus) {
        sd_bus_add_filter(bus.get(), &slot_, &SignalLog::received, this);
    }
    SignalLog(const SignalLog&) = delete;
    SignalLog& operator=(const SignalLog&) = delete;
    ~SignalLog() { sd_bus_slot_unref(slot_); }
    std::vector<std::string> seen;
    [[nodiscard]] std::size_t count(const std::string& what) const {
        return static_cast<std::size_t>(std::ranges::count(seen, what));
    }

private:
    static int received(sd_bus_message* message, void* userdata, sd_bus_error*) {
        auto& log = *static_cast<SignalLog*>(userdata);
        std::uint8_t type = 0;
        sd_bus_message_get_type(message, &type);
        if (type == SD_BUS_MESSAGE_SIGNAL) {
            log.seen.emplace_back(sd_bus_message_get_member(message));
        } else if (type == SD_BUS_MESSAGE_METHOD_RETURN) {
            log.seen.emplace_back("reply");
        }
        return 0;
    }
    sd_bus_slot* slot_ = nullptr;
};

}  // namespace hearth::test
