// SPDX-License-Identifier: MIT
//
// attach: a command, or a shell, inside a unit (DESIGN 6). hearthd makes the session; this end owns
// the terminal. The session ends with this process: hearthd sees the connection go.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "supervisor/ctl/common.hpp"
#include "supervisor/ctl/console.hpp"
#include "supervisor/ctl/terminal.hpp"

namespace hearth::ctl {

namespace {

constexpr int signal_base = 128;

/// What a terminal program needs to know of the user's terminal and language, and nothing else.
std::vector<std::string> passed_environment() {
    std::vector<std::string> environment;
    for (const char* name : {"TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"}) {
        if (const char* value = std::getenv(name)) {
            environment.push_back(std::string(name) + "=" + value);
        }
    }
    return environment;
}

std::string level_of(const Arguments& arguments) {
    if (arguments.fresh) {
        return "fresh";
    }
    return arguments.as_service ? "as-service" : (arguments.privileged ? "privileged" : "default");
}

Result<Message, CallError> request_session(
    Client& client,
    const Arguments& arguments,
    const std::string& unit,
    bool terminal,
    const std::array<int, 3>& stdio) {
    const Message call =
        HEARTH_TRY(client.new_call(manager_path, hearth_manager_interface, "Attach"));
    sd_bus_message* message = call.get();
    int result = sd_bus_message_append(message, "ss", unit.c_str(), level_of(arguments).c_str());
    for (const auto& list : {arguments.namespaces, arguments.command, passed_environment()}) {
        result = result < 0 ? result : append_strings(message, list);
    }
    result = result < 0 ? result : sd_bus_message_append(message, "b", terminal ? 1 : 0);
    result =
        result < 0 ? result : sd_bus_message_append(message, "ah", 3, stdio[0], stdio[1], stdio[2]);
    if (result < 0) {
        return Unexpected(CallError{
            "", "the request can't be sent: a word is not UTF-8, or a descriptor is closed"});
    }
    return client.send(call);
}

/// The loop of one session: ends with AttachEnded, or when hearthd goes.
class Session {
public:
    Session(Client& client, EventLoop& loop, std::uint64_t id)
        : client_(client), loop_(loop), id_(id) {}

    Result<void> start(bool forward_signals) {
        sd_bus_add_filter(client_.bus(), nullptr, &Session::received, this);
        sd_bus_attach_event(client_.bus(), loop_.handle(), static_cast<int>(Priority::Bus));
        for (const int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) {
            signals_.push_back(
                HEARTH_TRY(loop_.on_signal(signal, [this, forward_signals](int number, pid_t) {
                    if (forward_signals) {
                        pass_on(number);
                    } else {
                        loop_.exit(signal_base + number);
                    }
                })));
        }
        return {};
    }
    [[nodiscard]] bool lost() const { return lost_; }

private:
    static int received(sd_bus_message* message, void* userdata, sd_bus_error*) noexcept {
        auto& session = *static_cast<Session*>(userdata);
        if (sd_bus_message_is_signal(message, "org.freedesktop.DBus.Local", "Disconnected") > 0) {
            session.lost_ = true;
            session.loop_.exit(Failure);
        }
        std::uint64_t id = 0;
        std::int32_t code = 0, status = 0;
        if (sd_bus_message_is_signal(message, hearth_manager_interface, "AttachEnded") > 0 &&
            sd_bus_message_read(message, "tii", &id, &code, &status) >= 0 && id == session.id_) {
            session.loop_.exit(code == CLD_EXITED ? status : signal_base + status);
        }
        return 0;
    }
    void pass_on(int number) {
        (void)sd_bus_call_method_async(
            client_.bus(),
            nullptr,
            nullptr,
            manager_path,
            hearth_manager_interface,
            "SignalAttach",
            nullptr,
            nullptr,
            "ti",
            id_,
            number);
    }

    Client& client_;
    EventLoop& loop_;
    std::uint64_t id_;
    std::vector<EventSource> signals_;
    bool lost_ = false;
};

Result<int> run_session(Client& client, std::uint64_t id, PseudoTerminal* terminal) {
    const auto loop = HEARTH_TRY(EventLoop::open());
    Session session(client, *loop, id);
    HEARTH_TRY(session.start(terminal == nullptr));
    int code = Failure;
    if (terminal == nullptr) {
        code = HEARTH_TRY(loop->run());
    } else {
        const RawMode raw = HEARTH_TRY(RawMode::enter(STDIN_FILENO));
        Relay relay(*loop, terminal->master);
        HEARTH_TRY(relay.start());
        code = HEARTH_TRY(loop->run());
        relay.drain();
    }
    sd_bus_detach_event(client.bus());
    if (session.lost()) {
        return failure("hearthd closed the connection; the session ends with it");
    }
    return code;
}

}  // namespace

int attach_verb(const Arguments& arguments) {
    if (int{arguments.as_service} + int{arguments.privileged} + int{arguments.fresh} > 1) {
        return complain("--as-service, --privileged and --fresh exclude each other");
    }
    auto client = connect(arguments);
    const auto unit = client ? unit_name(arguments.names.front()) : std::nullopt;
    if (!unit) {
        return Failure;
    }
    const bool interactive = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
    PseudoTerminal terminal;
    std::array<int, 3> stdio = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
    if (interactive) {
        auto opened = open_pseudo_terminal(STDIN_FILENO);
        if (!opened) {
            return complain("Failed to open a pseudo terminal: " + opened.error().what);
        }
        terminal = std::move(*opened);
        stdio.fill(terminal.slave.number());
    }
    client->finish_login();
    auto reply = request_session(*client, arguments, *unit, interactive, stdio);
    if (!reply) {
        complain("Failed to attach to " + *unit + ": " + reply.error().message);
        return exit_code(reply.error());
    }
    std::uint64_t id = 0;
    std::uint32_t pid = 0;
    if (sd_bus_message_read(reply->get(), "tu", &id, &pid) < 0) {
        return complain("Failed to attach to " + *unit + ": unreadable answer");
    }
    terminal.slave.reset();
    const auto code = run_session(*client, id, interactive ? &terminal : nullptr);
    return code ? *code : complain("attach: " + code.error().what);
}

}  // namespace hearth::ctl
