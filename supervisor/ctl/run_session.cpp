// SPDX-License-Identifier: MIT
#include "supervisor/ctl/run_session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <optional>

#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/outcome.hpp"
#include "units/amount_text.hpp"
#include "units/names.hpp"

namespace hearth::ctl {

namespace {

constexpr int signal_base = 128;

/// "code=exited/status=3"
std::string main_process_text(const PropertyMap& service) {
    const Value* const status = service.find("ExecMainStatus");
    const std::int64_t number = status == nullptr ? 0 : status->integer();
    switch (service.number("ExecMainCode")) {
        case CLD_EXITED:
            return fmt::format("code=exited/status={}", number);
        case CLD_KILLED:
        case CLD_DUMPED: {
            const bool dumped = service.number("ExecMainCode") == CLD_DUMPED;
            const std::string name(signal_name(static_cast<int>(number)));
            return fmt::format(
                "code={}/status={}",
                dumped ? "dumped" : "killed",
                name.starts_with("SIG") ? name.substr(3) : name);
        }
        default:
            return {};
    }
}

void tell_the_end(const PropertyMap& service) {
    complain("Finished with result: " + service.text("Result"));
    if (const std::string main = main_process_text(service); !main.empty()) {
        complain("Main processes terminated with: " + main);
    }
    const std::uint64_t begin = service.number("InactiveExitTimestampMonotonic");
    const std::uint64_t end = service.number("InactiveEnterTimestampMonotonic");
    if (begin != 0 && end > begin) {
        complain("Service runtime: " + timespan_text(end - begin, 1000));
    }
    if (const std::uint64_t time = service.counter("CPUUsageNSec"); time != UINT64_MAX) {
        complain("CPU time consumed: " + timespan_text(time / 1000, 1));
    }
}

/// As systemd-run: the status of a main process that exited, else that it failed.
int status_of(Client& client, const Arguments& arguments, const std::string& unit) {
    const auto properties = client.properties(object_path(unit));
    if (!properties) {
        return complain("Failed to ask how " + unit + " ended: " + properties.error().message);
    }
    const PropertyMap service(*properties);
    if (service.text("LoadState") == "not-found") {
        return complain(unit + " ended and was forgotten while hearthd was away");
    }
    note("units", {{"unit", unit}, {"result", service.text("Result")}});
    if (service.number("Refused") != 0) {
        complain(unit + " was refused, nothing was started:\n" + service.text("Failure"));
    } else if (!arguments.quiet) {
        tell_the_end(service);
    }
    if (service.text("Result") == "success") {
        return Done;
    }
    const auto status = static_cast<int>(service.number("ExecMainStatus"));
    return service.number("ExecMainCode") == CLD_EXITED && status != 0 ? status : Failure;
}

/// The loop of a terminal: ends when the unit is at rest, or the connection.
class TerminalSession {
public:
    TerminalSession(Client& client, EventLoop& loop, std::string unit)
        : client_(client), loop_(loop), unit_(std::move(unit)), path_(object_path(unit_)) {}

    Result<void> start() {
        sd_bus_add_filter(client_.bus(), &filter_, &TerminalSession::received, this);
        sd_bus_set_close_on_exit(client_.bus(), 0);  // how it ended is asked after the loop
        sd_bus_attach_event(client_.bus(), loop_.handle(), static_cast<int>(Priority::Bus));
        for (const int signal : {SIGTERM, SIGHUP}) {
            signals_.push_back(HEARTH_TRY(loop_.on_signal(
                signal, [this](int number, pid_t) { loop_.exit(signal_base + number); })));
        }
        ask();  // it may have ended before anybody listened
        return {};
    }
    ~TerminalSession() {
        sd_bus_slot_unref(filter_);
        sd_bus_detach_event(client_.bus());
    }
    TerminalSession(const TerminalSession&) = delete;
    TerminalSession& operator=(const TerminalSession&) = delete;
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] bool lost() const { return lost_; }

private:
    static int received(sd_bus_message* message, void* userdata, sd_bus_error*) noexcept {
        auto& session = *static_cast<TerminalSession*>(userdata);
        if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected") > 0) {
            session.lost_ = true;
            session.loop_.exit(Failure);
        } else if (
            sd_bus_message_is_signal(
                message, "org.freedesktop.DBus.Properties", "PropertiesChanged") > 0 &&
            session.path_ == sd_bus_message_get_path(message)) {
            session.ask();
        }
        return 0;
    }
    void ask() {
        (void)sd_bus_call_method_async(
            client_.bus(),
            nullptr,
            nullptr,
            path_.c_str(),
            "org.freedesktop.DBus.Properties",
            "Get",
            &TerminalSession::answered,
            this,
            "ss",
            unit_interface,
            "ActiveState");
    }
    static int answered(sd_bus_message* reply, void* userdata, sd_bus_error*) noexcept {
        auto& session = *static_cast<TerminalSession*>(userdata);
        const char* state = nullptr;
        if (sd_bus_message_is_method_error(reply, nullptr) <= 0 &&
            sd_bus_message_read(reply, "v", "s", &state) > 0 &&
            (std::string_view(state) == "inactive" || std::string_view(state) == "failed")) {
            session.ended_ = true;
            session.loop_.exit(Done);
        }
        return 0;
    }

    Client& client_;
    EventLoop& loop_;
    std::string unit_, path_;
    sd_bus_slot* filter_ = nullptr;
    std::vector<EventSource> signals_;
    bool lost_ = false, ended_ = false;
};

/// Nothing: the unit has ended; else the exit status.
Result<std::optional<int>> relay_until_ended(
    Client& client, const Arguments& arguments, const std::string& unit, PseudoTerminal& terminal) {
    std::optional<RawMode> raw;
    if (::isatty(STDIN_FILENO) == 1) {
        raw.emplace(HEARTH_TRY(RawMode::enter(STDIN_FILENO)));
    }
    for (;;) {
        const auto loop = HEARTH_TRY(EventLoop::open());
        Relay relay(*loop, terminal.master);
        HEARTH_TRY(relay.start());
        {
            TerminalSession session(client, *loop, unit);
            HEARTH_TRY(session.start());
            const int code = HEARTH_TRY(loop->run());
            if (session.ended()) {
                relay.drain();
                return std::optional<int>();
            }
            if (!session.lost()) {
                return std::optional(code);  // the user's terminal is gone, or a signal ended us
            }
        }
        auto next = come_back(arguments);
        if (!next) {
            return failure("the service goes on without this terminal");
        }
        client = std::move(*next);
        (void)client.manager("RefUnit", "s", unit.c_str());
    }
}

}  // namespace

int wait_for_service(Client& client, const Arguments& arguments, const std::string& unit) {
    return wait_until_ended(client, arguments, unit) ? status_of(client, arguments, unit) : Failure;
}

int show_service(
    Client& client, const Arguments& arguments, const std::string& unit, PseudoTerminal& terminal) {
    const auto code = relay_until_ended(client, arguments, unit, terminal);
    if (!code) {
        return complain("run: " + code.error().what);
    }
    return *code ? **code : status_of(client, arguments, unit);
}

}  // namespace hearth::ctl
