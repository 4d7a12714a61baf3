// SPDX-License-Identifier: MIT
//
// org.freedesktop.systemd1.Manager: the methods. Its properties are in manager_properties.cpp, what
// lists units in list_api.cpp. Whatever systemd has and stands in none of them is answered with
// UnknownMethod by the gate (filter.cpp).
#include "supervisor/bus/manager_api.hpp"

#include <vector>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/object_path.hpp"
#include "supervisor/bus/vtable.hpp"
#include "units/unit_name.hpp"

namespace hearth::bus {

namespace {

Control& control_of(Request& request) {
    return request.connection.core.control;
}

template <Verb verb>
int manager_verb(Request& request) {
    std::string unit, mode;
    if (const int result = request.read(unit, mode); result < 0) {
        return result;
    }
    return submit(request, unit, verb, mode);
}

/// `queued`: with a value (systemd 254).
template <bool queued>
int kill_unit(Request& request) {
    std::string unit;
    const int result = request.read(unit);
    return result < 0 ? result : kill(request, unit, queued);
}

int clean_unit(Request& request) {
    std::string unit;
    std::vector<std::string> what;
    if (const int result = request.read(unit, what); result < 0) {
        return result;
    }
    return clean(request, unit, std::move(what));
}

template <bool frozen>
int freeze_unit(Request& request) {
    std::string unit;
    const int result = request.read(unit);
    return result < 0 ? result : freeze(request, unit, frozen);
}

int set_unit_properties(Request& request) {
    std::string unit;
    const int result = request.read(unit);
    return result < 0 ? result : set_properties(request, unit);
}

int reset_failed(Request& request) {
    const auto reset = control_of(request).reset_failed("");
    return reset ? request.done() : request.refuse(reset.error());
}

int reset_failed_unit(Request& request) {
    std::string unit;
    if (const int result = request.read(unit); result < 0) {
        return result;
    }
    const auto reset = control_of(request).reset_failed(unit);
    return reset ? request.done() : request.refuse(reset.error());
}

int reload(Request& request) {
    control_of(request).reload([call = MessageReference(request.message)] {
        (void)sd_bus_reply_method_return(call.message(), nullptr);
    });
    return 1;
}

/// As systemd does it: nobody is answered, for the connection ends; but a refusal is.
int reexecute(Request& request) {
    control_of(request).upgrade(
        {}, [call = MessageReference(request.message)](Result<std::string, RequestError> answer) {
            if (!answer) {
                (void)sd_bus_reply_method_errorf(
                    call.message(),
                    error_name(answer.error().name).c_str(),
                    "%s",
                    sendable(answer.error().message).c_str());
            }
        });
    return 1;
}

int abandon_scope(Request& request) {
    std::string unit;
    if (const int result = request.read(unit); result < 0) {
        return result;
    }
    const auto left = control_of(request).abandon(unit);
    return left ? request.done() : request.refuse(left.error());
}

int cancel_job(Request& request) {
    std::uint32_t job = 0;
    if (const int result = request.read(job); result < 0) {
        return result;
    }
    const auto cancelled = control_of(request).cancel(job, requester(request.connection.peer));
    return cancelled ? request.done() : request.refuse(cancelled.error());
}

int get_unit(Request& request) {
    std::string unit;
    if (const int result = request.read(unit); result < 0) {
        return result;
    }
    if (control_of(request).world().find(unit) == nullptr) {
        return request.refuse("NoSuchUnit", "Unit " + unit + " not loaded.");
    }
    return request.answer_path(unit_path(unit));
}

int load_unit_object(Request& request) {
    std::string unit;
    if (const int result = request.read(unit); result < 0) {
        return result;
    }
    if (!is_valid_unit_name(unit)) {
        return request.refuse("InvalidArgs", "Unit name " + unit + " is not valid.");
    }
    (void)find_or_load(request.connection, unit);  // the object of a missing unit answers not-found
    return request.answer_path(unit_path(unit));
}

int get_unit_by_pid(Request& request) {
    std::uint32_t pid = 0;
    if (const int result = request.read(pid); result < 0) {
        return result;
    }
    const pid_t wanted = pid == 0 ? request.connection.peer.pid : static_cast<pid_t>(pid);
    const std::string unit = control_of(request).unit_by_pid(wanted);
    if (unit.empty()) {
        return request.refuse(
            "NoUnitForPID",
            "PID " + std::to_string(wanted) + " does not belong to any loaded unit.");
    }
    return request.answer_path(unit_path(unit));
}

int get_unit_processes(Request& request) {
    std::string unit;
    if (const int result = request.read(unit); result < 0) {
        return result;
    }
    const Control& control = control_of(request);
    std::vector<UnitProcess> processes;
    if (unit == "-.slice") {
        for (const auto& [name, record] : control.world().units) {
            for (UnitProcess& process : control.processes(name)) {
                processes.push_back(std::move(process));
            }
        }
    } else if (control.world().find(unit) == nullptr) {
        return request.refuse("NoSuchUnit", "Unit " + unit + " not loaded.");
    } else {
        processes = control.processes(unit);
    }
    Reply reply(request.message);
    write_processes(reply.sink(), processes);
    return reply.send();
}

int reference_unit(Request& request) {
    std::string unit;
    const int result = request.read(unit);
    return result < 0 ? result : add_reference(request, unit);
}

int unreference_unit(Request& request) {
    std::string unit;
    const int result = request.read(unit);
    return result < 0 ? result : drop_reference(request, unit);
}

int subscribe(Request& request) {
    request.connection.wants_signals = true;
    return request.done();
}

int unsubscribe(Request& request) {
    request.connection.wants_signals = false;
    return request.done();
}

int get_job(Request& request) {
    std::uint32_t job = 0;
    if (const int result = request.read(job); result < 0) {
        return result;
    }
    if (!control_of(request).world().jobs.contains(job)) {
        return request.refuse("NoSuchJob", "Job " + std::to_string(job) + " does not exist.");
    }
    return request.answer_path(job_path(job));
}

}  // namespace

int kill(Request& request, const std::string& unit, bool queued) {
    std::string whom;
    std::int32_t signal = 0, value = 0;
    int result = request.read(whom, signal);
    if (result >= 0 && queued) {
        result = request.read(value);
    }
    if (result < 0) {
        return result;
    }
    const auto killed = control_of(request).kill(
        unit,
        whom.empty() ? "all" : whom,
        signal,
        queued ? std::optional(value) : std::nullopt,
        requester(request.connection.peer));
    return killed ? request.done() : request.refuse(killed.error());
}

std::span<const sd_bus_vtable> manager_methods() {
    static const std::vector<sd_bus_vtable> methods = {
        method<manager_verb<Verb::Start>>("StartUnit", "ss", "o"),
        method<start_transient_unit>("StartTransientUnit", "ssa(sv)a(sa(sv))", "o"),
        method<manager_verb<Verb::Stop>>("StopUnit", "ss", "o"),
        method<manager_verb<Verb::Reload>>("ReloadUnit", "ss", "o"),
        method<manager_verb<Verb::Restart>>("RestartUnit", "ss", "o"),
        method<manager_verb<Verb::TryRestart>>("TryRestartUnit", "ss", "o"),
        method<manager_verb<Verb::ReloadOrRestart>>("ReloadOrRestartUnit", "ss", "o"),
        method<manager_verb<Verb::ReloadOrTryRestart>>("ReloadOrTryRestartUnit", "ss", "o"),
        method<kill_unit<false>>("KillUnit", "ssi", ""),
        method<kill_unit<true>>("QueueSignalUnit", "ssii", ""),
        method<reset_failed>("ResetFailed", "", ""),
        method<reset_failed_unit>("ResetFailedUnit", "s", ""),
        method<clean_unit>("CleanUnit", "sas", ""),
        method<freeze_unit<true>>("FreezeUnit", "s", ""),
        method<freeze_unit<false>>("ThawUnit", "s", ""),
        method<abandon_scope>("AbandonScope", "s", ""),
        method<set_unit_properties>("SetUnitProperties", "sba(sv)", ""),
        method<reload>("Reload", "", ""),
        method<reexecute>("Reexecute", "", ""),
        method<cancel_job>("CancelJob", "u", ""),
        method<get_unit>("GetUnit", "s", "o"),
        method<load_unit_object>("LoadUnit", "s", "o"),
        method<get_unit_by_pid>("GetUnitByPID", "u", "o"),
        method<get_unit_processes>("GetUnitProcesses", "s", "a(sus)"),
        method<reference_unit>("RefUnit", "s", ""),
        method<unreference_unit>("UnrefUnit", "s", ""),
        method<subscribe>("Subscribe", "", ""),
        method<unsubscribe>("Unsubscribe", "", ""),
        method<get_job>("GetJob", "u", "o"),
        signal("UnitNew", "so"),
        signal("UnitRemoved", "so"),
        signal("JobNew", "uos"),
        signal("JobRemoved", "uoss"),
        signal("Reloading", "b"),
        signal("UnitFilesChanged", ""),
    };
    return methods;
}

int add_manager(Connection& connection) {
    static const std::vector<sd_bus_vtable> table = [] {
        std::vector<sd_bus_vtable> entries = {start()};
        for (const auto part :
             {manager_methods(),
              manager_state_methods(),
              list_methods(),
              unit_file_methods(),
              manager_properties()}) {
            entries.insert(entries.end(), part.begin(), part.end());
        }
        entries.push_back(end());
        return entries;
    }();
    return sd_bus_add_object_vtable(
        connection.bus.get(), nullptr, manager_path, manager_interface, table.data(), &connection);
}

}  // namespace hearth::bus
