// SPDX-License-Identifier: MIT
//
// org.hearth1.Manager: hearth's own verbs, on the manager object: Plan, Confinement, Attach ... An
// attach session belongs to the connection that asked for it and ends with it.
#include <fcntl.h>

#include <array>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/object_path.hpp"
#include "supervisor/bus/vtable.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::bus {

namespace {

constexpr std::size_t stdio_descriptors = 3;

int plan(Request& request) {
    std::string unit;
    if (const int result = request.read(unit); result < 0) {
        return result;
    }
    const auto text = request.connection.core.control.plan_text(unit);
    if (text) {
        return request.answer_string(*text);
    }
    std::string refusals;
    for (const Diagnostic& refusal : text.error()) {
        refusals += with_caret(refusal);
    }
    return request.refuse("org.hearth1.Refused", refusals);
}

int why(Request& request) {
    std::string unit;
    if (const int result = request.read(unit); result < 0) {
        return result;
    }
    const auto answer = request.connection.core.control.why(unit);
    return answer ? request.answer_string(*answer) : request.refuse(answer.error());
}

std::function<void(Result<std::string, RequestError>)> answer_later(Request& request) {
    return [call = MessageReference(request.message)](Result<std::string, RequestError> report) {
        if (report) {
            (void)sd_bus_reply_method_return(call.message(), "s", sendable(*report).c_str());
        } else {
            (void)sd_bus_reply_method_errorf(
                call.message(),
                error_name(report.error().name).c_str(),
                "%s",
                sendable(report.error().message).c_str());
        }
    };
}

/// What daemon-reload would change.
int reload_plan(Request& request) {
    return request.answer_string(request.connection.core.control.reload_plan());
}

/// What "s" names takes this hearthd's place; answered before it does.
int upgrade(Request& request) {
    UpgradeRequest wanted;
    if (const int result = request.read(wanted.program, wanted.force, wanted.patience);
        result < 0) {
        return result;
    }
    request.connection.core.control.upgrade(std::move(wanted), answer_later(request));
    return 1;
}

int taken_over(Request& request) {
    return request.answer_string(request.connection.core.control.taken_over());
}

int confinement(Request& request) {
    std::string unit;
    if (const int result = request.read(unit); result < 0) {
        return result;
    }
    request.connection.core.control.confinement(unit, answer_later(request));
    return 1;
}

int blockers(Request& request) {
    request.connection.core.control.blockers(answer_later(request));
    return 1;
}

template <Control::Inquiry what>
int inquire(Request& request) {
    std::vector<std::string> units;
    if (const int result = request.read(units); result < 0) {
        return result;
    }
    request.connection.core.control.inquire(what, units, answer_later(request));
    return 1;
}

std::optional<AttachRequest::Level> level_named(std::string_view name) {
    if (name == "default") {
        return AttachRequest::Level::Default;
    }
    if (name == "privileged") {
        return AttachRequest::Level::Privileged;
    }
    if (name == "fresh") {
        return AttachRequest::Level::Fresh;
    }
    return name == "as-service" ? std::optional(AttachRequest::Level::AsService) : std::nullopt;
}

/// The descriptors of the message die with it: duplicates are ours.
int read_descriptors(sd_bus_message* message, std::vector<sys::Descriptor>& descriptors) {
    int result = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "h");
    if (result < 0) {
        return result;
    }
    int number = -1;
    while ((result = sd_bus_message_read_basic(message, SD_BUS_TYPE_UNIX_FD, &number)) > 0) {
        auto copy = sys::duplicate(number);
        if (!copy) {
            return -copy.error().code;
        }
        descriptors.push_back(std::move(*copy));
    }
    return result < 0 ? result : sd_bus_message_exit_container(message);
}

int read_attach(Request& request, AttachRequest& wanted, std::string& level) {
    std::vector<std::string> environment;
    int result = request.read(
        wanted.unit, level, wanted.namespaces, wanted.command, environment, wanted.terminal);
    if (result >= 0) {
        result = read_descriptors(request.message, wanted.stdio);
    }
    for (const std::string& line : environment) {
        const std::size_t equals = line.find('=');
        if (equals != std::string::npos && equals > 0) {
            wanted.environment.emplace_back(line.substr(0, equals), line.substr(equals + 1));
        }
    }
    return result;
}

/// What Control's callbacks may find gone: the server, the connection.
struct Client {
    BusServer::Core* core;
    std::weak_ptr<int> alive;
    std::uint64_t connection;

    [[nodiscard]] Connection* find() const {
        if (alive.expired()) {
            return nullptr;
        }
        const auto found = core->connections.find(connection);
        return found == core->connections.end() || found->second->doomed ? nullptr
                                                                         : found->second.get();
    }
};

void answer_attach(
    const Client& client,
    const MessageReference& call,
    Result<AttachSession, RequestError>& session) {
    if (!session) {
        (void)sd_bus_reply_method_errorf(
            call.message(),
            error_name(session.error().name).c_str(),
            "%s",
            sendable(session.error().message).c_str());
        return;
    }
    if (Connection* connection = client.find()) {
        connection->sessions.insert(session->id);
        (void)sd_bus_reply_method_return(
            call.message(), "tu", session->id, static_cast<std::uint32_t>(session->pid));
    } else if (!client.alive.expired()) {
        client.core->control.end_attach(session->id);  // the client went away meanwhile
    }
}

int attach(Request& request) {
    AttachRequest wanted;
    std::string level;
    if (const int result = read_attach(request, wanted, level); result < 0) {
        return result;
    }
    const auto known = level_named(level);
    if (!known) {
        return request.refuse(
            "InvalidArgs",
            "no attach level '" + level + "': default, privileged, as-service or fresh");
    }
    if (wanted.stdio.size() != stdio_descriptors) {
        return request.refuse("InvalidArgs", "three descriptors are needed: input, output, error");
    }
    wanted.level = *known;
    BusServer::Core& core = request.connection.core;
    const Client client{&core, core.alive, request.connection.id};
    core.control.attach(
        std::move(wanted),
        [client, call = MessageReference(request.message)](
            Result<AttachSession, RequestError> session) { answer_attach(client, call, session); },
        [client](std::uint64_t session, AttachExit how) {
            Connection* connection = client.find();
            if (connection != nullptr && connection->sessions.erase(session) > 0) {
                (void)sd_bus_emit_signal(
                    connection->bus.get(),
                    manager_path,
                    hearth_manager_interface,
                    "AttachEnded",
                    "tii",
                    session,
                    how.code,
                    how.status);
            }
        });
    return 1;
}

/// set-property with the directives' own text.
int set_property_texts(Request& request) {
    std::string unit;
    bool runtime = false;
    std::vector<std::string> assignments;
    if (const int result = request.read(unit, runtime, assignments); result < 0) {
        return result;
    }
    const auto set = request.connection.core.control.set_properties(unit, runtime, assignments);
    return set ? request.done() : request.refuse(set.error());
}

/// "NAME=VALUE"; the answer to one that isn't, else nothing.
std::string take_assignments(const std::vector<std::string>& lines, TransientUnit& unit) {
    for (const std::string& each : lines) {
        const std::size_t equals = each.find('=');
        if (equals == std::string::npos) {
            return "'" + each + "' is no assignment; write NAME=VALUE";
        }
        unit.assignments.push_back({each.substr(0, equals), each.substr(equals + 1)});
    }
    return {};
}

/// What comes with the unit that is started: a timer's service.
int read_other_units(Request& request, std::vector<TransientUnit>& units, std::string& mistake) {
    sd_bus_message* const message = request.message;
    int result = sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, "(sas)");
    while (result >= 0 &&
           (result = sd_bus_message_enter_container(message, SD_BUS_TYPE_STRUCT, "sas")) > 0) {
        TransientUnit unit;
        std::vector<std::string> lines;
        result = request.read(unit.name, lines);
        result = result < 0 ? result : sd_bus_message_exit_container(message);
        if (result >= 0) {
            const std::string wrong = take_assignments(lines, unit);
            mistake = mistake.empty() ? wrong : mistake;
            units.push_back(std::move(unit));
        }
    }
    return result < 0 ? result : sd_bus_message_exit_container(message);
}

/// StartTransientUnit() with the directives' own text.
int start_transient_texts(Request& request) {
    std::vector<TransientUnit> units(1);
    std::string mode_text, mistake;
    std::vector<std::string> assignments;
    std::vector<sys::Descriptor> streams;
    std::vector<std::uint32_t> pids;
    bool referenced = false;
    int result = request.read(units.front().name, mode_text, assignments);
    result = result < 0 ? result : read_descriptors(request.message, streams);
    result = result < 0 ? result : request.read(pids);
    result = result < 0 ? result : request.read(referenced);
    result = result < 0 ? result : read_other_units(request, units, mistake);
    if (result < 0) {
        return result;
    }
    TransientUnit& unit = units.front();
    if (const std::string wrong = take_assignments(assignments, unit); !wrong.empty()) {
        mistake = wrong;
    }
    if (!mistake.empty()) {
        return request.refuse("InvalidArgs", mistake);
    }
    if (!streams.empty() && streams.size() != stdio_descriptors) {
        return request.refuse("InvalidArgs", "three descriptors are needed, or none");
    }
    std::ranges::move(streams, unit.stdio.begin());
    unit.pids.assign(pids.begin(), pids.end());
    return start_transient(request, std::move(units), mode_text, referenced);
}

int signal_attach(Request& request) {
    std::uint64_t session = 0;
    std::int32_t number = 0;
    if (const int result = request.read(session, number); result < 0) {
        return result;
    }
    if (!request.connection.sessions.contains(session)) {
        return request.refuse(
            "InvalidArgs", "no attach session " + std::to_string(session) + " on this connection");
    }
    request.connection.core.control.signal_attach(session, number);
    return request.done();
}

int get_log_directory(
    sd_bus*,
    const char*,
    const char*,
    const char*,
    sd_bus_message* reply,
    void* userdata,
    sd_bus_error*) noexcept {
    try {
        MessageSink sink(reply);
        sink.string(static_cast<Connection*>(userdata)->core.control.log_directory());
        return sink.result();
    } catch (const std::exception&) {
        return -EIO;
    }
}

}  // namespace

int add_hearth(Connection& connection) {
    static const std::array<sd_bus_vtable, 18> table = {
        start(),
        method<plan>("Plan", "s", "s"),
        method<why>("Why", "s", "s"),
        method<reload_plan>("ReloadPlan", "", "s"),
        method<upgrade>("Upgrade", "sbt", "s"),
        method<taken_over>("TakenOver", "", "s"),
        method<confinement>("Confinement", "s", "s"),
        method<inquire<Control::Inquiry::Probe>>("Probe", "as", "s"),
        method<inquire<Control::Inquiry::Doctor>>("Doctor", "as", "s"),
        method<inquire<Control::Inquiry::Security>>("Security", "as", "s"),
        method<blockers>("ListBlockers", "", "s"),
        method<set_property_texts>("SetProperties", "sbas", ""),
        method<start_transient_texts>("StartTransient", "ssasahauba(sas)", "o"),
        method<attach>("Attach", "ssasasasbah", "tu"),
        method<signal_attach>("SignalAttach", "ti", ""),
        signal("AttachEnded", "tii"),
        property("LogDirectory", "s", get_log_directory),
        end(),
    };
    return sd_bus_add_object_vtable(
        connection.bus.get(),
        nullptr,
        manager_path,
        hearth_manager_interface,
        table.data(),
        &connection);
}

}  // namespace hearth::bus
