// SPDX-License-Identifier: MIT
//
// The unit objects: org.freedesktop.systemd1.Unit, .Service and org.hearth1.Unit below .../unit.
// Any well-formed path answers: a unit that doesn't exist is shown as LoadState=not-found, from a
// record of the connection's own, never put into the World.
#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/object_path.hpp"
#include "supervisor/bus/properties.hpp"
#include "supervisor/bus/vtable.hpp"
#include "units/type_section.hpp"
#include "units/unit_name.hpp"

namespace hearth::bus {

namespace {

constexpr std::size_t references_per_connection = 1024;

const PropertyTable& unit_table();
const PropertyTable& service_table();
const PropertyTable& slice_table();
const PropertyTable& scope_table();
template <Interface interface>
const PropertyTable& own_table();

/// Of the unit that the connection looks at.
const LiveFacts& live_facts(Connection& connection) {
    static const LiveFacts none;
    return connection.unit == &connection.unknown ? none : connection.core.live(*connection.unit);
}

int write_property(
    Connection& connection,
    const PropertySource& source,
    std::string_view property,
    sd_bus_message* reply) {
    if (connection.unit == nullptr) {
        return -ENOENT;
    }
    const BusServer::Core& core = connection.core;
    const UnitRecord& record = *connection.unit;
    MessageSink sink(reply);
    if (source.setting != nullptr) {
        if (property == "Environment" && !core.policy.trusted(connection.peer)) {
            sink.strings({});  // may hold secrets, and the unit file may be unreadable for the peer
        } else {
            source.setting(record.unit.settings, sink);
        }
    } else {
        source.field->write(UnitView{core.control.world(), record, live_facts(connection)}, sink);
    }
    return sink.result();
}

template <const PropertyTable& (*table)()>
int get_property(
    sd_bus*,
    const char*,
    const char*,
    const char* property,
    sd_bus_message* reply,
    void* userdata,
    sd_bus_error*) noexcept {
    try {
        const PropertySource* source = table().find(property);
        return source == nullptr
                   ? -ENOENT
                   : write_property(*static_cast<Connection*>(userdata), *source, property, reply);
    } catch (const std::exception&) {
        return -EIO;
    }
}

template <Verb verb>
int unit_verb(Request& request) {
    std::string mode;
    if (const int result = request.read(mode); result < 0) {
        return result;
    }
    return submit(request, request.connection.unit->unit.name, verb, mode);
}

template <bool queued>
int unit_kill(Request& request) {
    return kill(request, request.connection.unit->unit.name, queued);
}

int unit_reset_failed(Request& request) {
    const auto reset =
        request.connection.core.control.reset_failed(request.connection.unit->unit.name);
    return reset ? request.done() : request.refuse(reset.error());
}

int unit_clean(Request& request) {
    std::vector<std::string> what;
    if (const int result = request.read(what); result < 0) {
        return result;
    }
    return clean(request, request.connection.unit->unit.name, std::move(what));
}

template <bool frozen>
int unit_freeze(Request& request) {
    return freeze(request, request.connection.unit->unit.name, frozen);
}

int unit_set_properties(Request& request) {
    return set_properties(request, request.connection.unit->unit.name);
}

int unit_reference(Request& request) {
    return add_reference(request, request.connection.unit->unit.name);
}

int unit_unreference(Request& request) {
    return drop_reference(request, request.connection.unit->unit.name);
}

int unit_abandon(Request& request) {
    const auto left = request.connection.core.control.abandon(request.connection.unit->unit.name);
    return left ? request.done() : request.refuse(left.error());
}

int unit_processes(Request& request) {
    Reply reply(request.message);
    write_processes(
        reply.sink(),
        request.connection.core.control.processes(request.connection.unit->unit.name));
    return reply.send();
}

const PropertyTable& unit_table() {
    static const std::vector<sd_bus_vtable> members = {
        method<unit_verb<Verb::Start>>("Start", "s", "o"),
        method<unit_verb<Verb::Stop>>("Stop", "s", "o"),
        method<unit_verb<Verb::Reload>>("Reload", "s", "o"),
        method<unit_verb<Verb::Restart>>("Restart", "s", "o"),
        method<unit_verb<Verb::TryRestart>>("TryRestart", "s", "o"),
        method<unit_verb<Verb::ReloadOrRestart>>("ReloadOrRestart", "s", "o"),
        method<unit_verb<Verb::ReloadOrTryRestart>>("ReloadOrTryRestart", "s", "o"),
        method<unit_kill<false>>("Kill", "si", ""),
        method<unit_kill<true>>("QueueSignal", "sii", ""),
        method<unit_reset_failed>("ResetFailed", "", ""),
        method<unit_clean>("Clean", "as", ""),
        method<unit_freeze<true>>("Freeze", "", ""),
        method<unit_freeze<false>>("Thaw", "", ""),
        method<unit_set_properties>("SetProperties", "ba(sv)", ""),
        method<unit_reference>("Ref", "", ""),
        method<unit_unreference>("Unref", "", ""),
    };
    static const PropertyTable table(
        service_tables(), runtime_fields(), Interface::Unit, get_property<unit_table>, members);
    return table;
}

const PropertyTable& service_table() {
    static const std::vector<sd_bus_vtable> members = {
        method<unit_processes>("GetProcesses", "", "a(sus)"),
    };
    static const PropertyTable table(
        service_tables(),
        runtime_fields(),
        Interface::Service,
        get_property<service_table>,
        members);
    return table;
}

const PropertyTable& slice_table() {
    static const PropertyTable table(
        service_tables(), runtime_fields(), Interface::Slice, get_property<slice_table>, {});
    return table;
}

const PropertyTable& scope_table() {
    static const std::vector<sd_bus_vtable> members = {
        method<unit_processes>("GetProcesses", "", "a(sus)"),
        method<unit_abandon>("Abandon", "", ""),
    };
    static const PropertyTable table(
        service_tables(), runtime_fields(), Interface::Scope, get_property<scope_table>, members);
    return table;
}

constexpr UnitType type_of(Interface interface) {
    switch (interface) {
        case Interface::Mount:
            return UnitType::Mount;
        case Interface::Swap:
            return UnitType::Swap;
        case Interface::Socket:
            return UnitType::Socket;
        case Interface::Timer:
            return UnitType::Timer;
        case Interface::Path:
            return UnitType::Path;
        case Interface::Automount:
            return UnitType::Automount;
        case Interface::Unit:
        case Interface::Service:
        case Interface::Slice:
        case Interface::Scope:
            break;
    }
    return UnitType::Service;
}

/// Of a type that has a section of its own, beside what it shares with services.
template <Interface interface>
const PropertyTable& own_table() {
    constexpr bool has_processes = interface == Interface::Mount || interface == Interface::Swap ||
                                   interface == Interface::Socket;
    static const std::vector<sd_bus_vtable> members =
        has_processes ? std::vector{method<unit_processes>("GetProcesses", "", "a(sus)")}
                      : std::vector<sd_bus_vtable>{};
    static const std::vector<std::span<const Row>> rows = [] {
        std::vector<std::span<const Row>> tables = {own_rows(type_of(interface))};
        tables.insert(tables.end(), service_tables().begin(), service_tables().end());
        return tables;
    }();
    static const PropertyTable table(
        rows, runtime_fields(), interface, get_property<own_table<interface>>, members);
    return table;
}

int get_hearth_property(
    sd_bus*,
    const char*,
    const char*,
    const char* property,
    sd_bus_message* reply,
    void* userdata,
    sd_bus_error*) noexcept {
    auto& connection = *static_cast<Connection*>(userdata);
    const UnitRecord& record = *connection.unit;
    MessageSink sink(reply);
    try {
        const std::string_view name(property);
        if (name == "Failure") {
            sink.string(record.status.failure);
        } else if (name == "Refused") {
            sink.boolean(record.status.refused);
        } else if (name == "CPUThrottledNSec") {
            const auto& waited = live_facts(connection).usage.throttled_nanoseconds;
            sink.unsigned64(waited.value_or(UINT64_MAX));
        } else if (name.ends_with("PressureUSec")) {
            const ResourceUsage& usage = live_facts(connection).usage;
            const auto& waited = name.starts_with("CPU")      ? usage.cpu_pressure
                                 : name.starts_with("Memory") ? usage.memory_pressure
                                                              : usage.io_pressure;
            sink.unsigned64(waited.value_or(UINT64_MAX));
        } else if (name == "LimitHits") {
            std::vector<std::string> lines;
            for (const LimitHit& hit : live_facts(connection).limit_hits.all()) {
                lines.push_back(to_text(hit));
            }
            sink.strings(lines);
        } else {
            std::vector<std::string> lines;
            for (const Diagnostic& each : name == "Refusals"      ? record.unit.refusals
                                          : name == "KeptBecause" ? record.kept_because
                                                                  : record.unit.diagnostics) {
                lines.push_back(one_line(each));
            }
            sink.strings(lines);
        }
        return sink.result();
    } catch (const std::exception&) {
        return -EIO;
    }
}

std::array<char*, 3> hearth_changing() {
    static char failure_name[] = "Failure";
    static char refused_name[] = "Refused";
    return {failure_name, refused_name, nullptr};
}

const sd_bus_vtable* hearth_vtable() {
    static const std::array<sd_bus_vtable, 12> table = {
        start(),
        property("CPUPressureUSec", "t", get_hearth_property),
        property("IOPressureUSec", "t", get_hearth_property),
        property("MemoryPressureUSec", "t", get_hearth_property),
        property("CPUThrottledNSec", "t", get_hearth_property),
        property("LimitHits", "as", get_hearth_property),
        property("Failure", "s", get_hearth_property, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        property("Refused", "b", get_hearth_property, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        property("Refusals", "as", get_hearth_property),
        property("KeptBecause", "as", get_hearth_property),
        property("Diagnostics", "as", get_hearth_property),
        end(),
    };
    return table.data();
}

/// The unit's name behind `path`: "self" is the caller's own unit.
std::optional<std::string> named_by(Connection& connection, const char* path) {
    auto name = unit_of_path(path);
    if (name == "self") {
        name = connection.core.control.unit_by_pid(connection.peer.pid);
    }
    return name;
}

/// What units of one type have beside the rest.
struct TypedInterface {
    Interface interface;
    UnitType type;
    const char* name;
    const PropertyTable& (*table)();
};
constexpr auto typed_interfaces = std::to_array<TypedInterface>({
    {Interface::Service, UnitType::Service, service_interface, service_table},
    {Interface::Slice, UnitType::Slice, slice_interface, slice_table},
    {Interface::Scope, UnitType::Scope, scope_interface, scope_table},
    {Interface::Mount, UnitType::Mount, mount_interface, own_table<Interface::Mount>},
    {Interface::Swap, UnitType::Swap, swap_interface, own_table<Interface::Swap>},
    {Interface::Socket, UnitType::Socket, socket_interface, own_table<Interface::Socket>},
    {Interface::Timer, UnitType::Timer, timer_interface, own_table<Interface::Timer>},
    {Interface::Path, UnitType::Path, path_interface, own_table<Interface::Path>},
    {Interface::Automount,
     UnitType::Automount,
     automount_interface,
     own_table<Interface::Automount>},
});

bool has_interface(std::string_view unit, Interface interface) {
    return std::ranges::all_of(typed_interfaces, [&](const TypedInterface& each) {
        return each.interface != interface || each.type == unit_type(unit);
    });
}

template <Interface interface>
int find_unit(
    sd_bus*, const char* path, const char*, void* userdata, void** found, sd_bus_error*) noexcept {
    auto& connection = *static_cast<Connection*>(userdata);
    try {
        const auto name = named_by(connection, path);
        if (!name || !is_valid_unit_name(*name)) {
            return 0;
        }
        if (!has_interface(*name, interface)) {
            return 0;
        }
        connection.unit = find_or_load(connection, *name);
        if (connection.unit == nullptr) {
            if (connection.unknown.unit.name != *name) {
                connection.unknown = UnitRecord{};
                connection.unknown.unit.name = *name;
                connection.unknown.unit.load_state = LoadState::NotFound;
            }
            connection.unit = &connection.unknown;
        }
        *found = &connection;
        return 1;
    } catch (const std::exception&) {
        return -EIO;
    }
}

int enumerate(sd_bus*, const char*, void* userdata, char*** nodes, sd_bus_error*) noexcept {
    const auto& units = static_cast<Connection*>(userdata)->core.control.world().units;
    // sd-bus frees it.  NOLINTNEXTLINE(cppcoreguidelines-owning-memory)
    auto** list = static_cast<char**>(calloc(units.size() + 1, sizeof(char*)));
    if (list == nullptr) {
        return -ENOMEM;
    }
    std::size_t count = 0;
    for (const auto& [name, record] : units) {
        char* path = nullptr;
        if (sd_bus_path_encode(unit_prefix, name.c_str(), &path) >= 0) {
            list[count++] = path;
        }
    }
    *nodes = list;
    return 0;
}

}  // namespace

const UnitRecord* find_or_load(Connection& connection, const std::string& name) {
    BusServer::Core& core = connection.core;
    if (const UnitRecord* record = core.control.world().find(name)) {
        return record;
    }
    // Instances are without number, so whoever may only read can't make us load them.
    const bool instance = name.find('@') != std::string::npos;
    if (instance && !core.policy.trusted(connection.peer)) {
        return nullptr;
    }
    if (connection.missing == name) {
        return nullptr;
    }
    const auto loaded = core.control.load(name);
    core.units_may_have_changed();
    if (!loaded) {
        connection.missing = name;
        return nullptr;
    }
    return *loaded;
}

void emit_unit_changed(Connection& connection, const std::string& unit) {
    if (connection.core.control.world().find(unit) == nullptr) {
        return;
    }
    sd_bus* bus = connection.bus.get();
    const std::string path = unit_path(unit);
    if (unit_table().any_changing()) {
        (void)sd_bus_emit_properties_changed_strv(
            bus, path.c_str(), unit_interface, unit_table().changing());
    }
    for (const TypedInterface& typed : typed_interfaces) {
        if (typed.type == unit_type(unit) && typed.table().any_changing()) {
            (void)sd_bus_emit_properties_changed_strv(
                bus, path.c_str(), typed.name, typed.table().changing());
        }
    }
    (void)sd_bus_emit_properties_changed_strv(
        bus, path.c_str(), hearth_unit_interface, hearth_changing().data());
}

Result<JobId, RequestError> queue_job(
    Request& request, const std::string& unit, Verb verb, const std::string& mode_text) {
    const auto mode = job_mode(mode_text);
    if (!mode) {
        return Unexpected(RequestError{
            "InvalidArgs", "Job mode " + mode_text + " invalid: try 'replace' or 'fail'"});
    }
    if (!is_valid_unit_name(unit)) {
        return Unexpected(RequestError{"InvalidArgs", "Unit name " + unit + " is not valid."});
    }
    BusServer::Core& core = request.connection.core;
    core.units_may_have_changed();
    return core.control.request(unit, verb, *mode, requester(request.connection.peer));
}

int submit(Request& request, const std::string& unit, Verb verb, const std::string& mode) {
    const auto job = queue_job(request, unit, verb, mode);
    return job ? request.answer_path(job_path(*job)) : request.refuse(job.error());
}

/// Answered when all is gone; the caller may have gone meanwhile, which its message outlives.
int clean(Request& request, const std::string& unit, std::vector<std::string> what) {
    if (!is_valid_unit_name(unit)) {
        return request.refuse("InvalidArgs", "Unit name " + unit + " is not valid.");
    }
    request.connection.core.control.clean(
        unit,
        std::move(what),
        [call = MessageReference(request.message)](const Result<void, RequestError>& cleaned) {
            if (cleaned) {
                (void)sd_bus_reply_method_return(call.message(), nullptr);
            } else {
                (void)sd_bus_reply_method_errorf(
                    call.message(),
                    error_name(cleaned.error().name).c_str(),
                    "%s",
                    sendable(cleaned.error().message).c_str());
            }
        });
    return 1;
}

int freeze(Request& request, const std::string& unit, bool frozen) {
    const auto done = request.connection.core.control.freeze(unit, frozen);
    return done ? request.done() : request.refuse(done.error());
}

std::optional<RequestError> take_reference(Connection& connection, const std::string& unit) {
    auto& references = connection.references;
    if (references.size() >= references_per_connection && !references.contains(unit)) {
        return RequestError{"LimitsExceeded", "too many references to units on one connection"};
    }
    if (++references[unit] == 1) {
        connection.core.control.refer(unit, true);
    }
    return std::nullopt;
}

bool leave_reference(Connection& connection, const std::string& unit) {
    const auto found = connection.references.find(unit);
    if (found == connection.references.end()) {
        return false;
    }
    if (--found->second == 0) {
        connection.references.erase(found);
        connection.core.control.refer(unit, false);
        connection.core.units_may_have_changed();
    }
    return true;
}

Connection::~Connection() {
    for (const auto& [name, count] : references) {
        core.control.refer(name, false);
    }
    if (!references.empty() && !core.closing) {
        core.units_may_have_changed();
    }
}

int add_reference(Request& request, const std::string& unit) {
    const auto refused = take_reference(request.connection, unit);
    return refused ? request.refuse(*refused) : request.done();
}

int drop_reference(Request& request, const std::string& unit) {
    return leave_reference(request.connection, unit)
               ? request.done()
               : request.refuse(
                     "NotReferenced",
                     "Unit " + unit + " has not been referenced on this connection.");
}

void write_processes(MessageSink& sink, const std::vector<UnitProcess>& processes) {
    sink.open_array("(sus)");
    for (const UnitProcess& process : processes) {
        sink.open_struct("sus");
        sink.string(process.control_group);
        sink.unsigned32(static_cast<std::uint32_t>(process.pid));
        sink.string(process.command_line);
        sink.close_struct();
    }
    sink.close_array();
}

int add_units(Connection& connection) {
    sd_bus* bus = connection.bus.get();
    const auto add = [&](const char* interface, const PropertyTable& table, auto* find) {
        return sd_bus_add_fallback_vtable(
            bus, nullptr, unit_prefix, interface, table.vtable(), find, &connection);
    };
    int result = add(unit_interface, unit_table(), find_unit<Interface::Unit>);
    const std::array finders = {
        find_unit<Interface::Service>,
        find_unit<Interface::Slice>,
        find_unit<Interface::Scope>,
        find_unit<Interface::Mount>,
        find_unit<Interface::Swap>,
        find_unit<Interface::Socket>,
        find_unit<Interface::Timer>,
        find_unit<Interface::Path>,
        find_unit<Interface::Automount>};
    static_assert(finders.size() == typed_interfaces.size());
    for (std::size_t each = 0; each < finders.size() && result >= 0; ++each) {
        result = add(typed_interfaces[each].name, typed_interfaces[each].table(), finders[each]);
    }
    if (result >= 0) {
        result = sd_bus_add_fallback_vtable(
            bus,
            nullptr,
            unit_prefix,
            hearth_unit_interface,
            hearth_vtable(),
            find_unit<Interface::Unit>,
            &connection);
    }
    return result < 0
               ? result
               : sd_bus_add_node_enumerator(bus, nullptr, unit_prefix, enumerate, &connection);
}

}  // namespace hearth::bus
