// SPDX-License-Identifier: MIT
//
// org.freedesktop.systemd1.Manager, continued: what is about the manager rather than a unit. Its
// environment, the dump, jobs together with what they pull in; and what hearth refuses by name.
#include <unistd.h>

#include <array>

#include "parser/enum_codec.hpp"
#include "supervisor/bus/core.hpp"
#include "supervisor/bus/manager_api.hpp"
#include "supervisor/bus/object_path.hpp"
#include "supervisor/bus/vtable.hpp"
#include "supervisor/sys/file.hpp"
#include "units/job.hpp"

namespace hearth::bus {

namespace {

Control& control_of(Request& request) {
    return request.connection.core.control;
}

int changed(Request& request, const Result<void, RequestError>& result) {
    if (!result) {
        return request.refuse(result.error());
    }
    (void)sd_bus_emit_properties_changed(
        request.connection.bus.get(), manager_path, manager_interface, "Environment", nullptr);
    return request.done();
}

int set_environment(Request& request) {
    std::vector<std::string> assignments;
    const int result = request.read(assignments);
    return result < 0 ? result
                      : changed(request, control_of(request).change_environment({}, assignments));
}

int unset_environment(Request& request) {
    std::vector<std::string> names;
    const int result = request.read(names);
    return result < 0 ? result
                      : changed(request, control_of(request).change_environment(names, {}));
}

int unset_and_set_environment(Request& request) {
    std::vector<std::string> names, assignments;
    const int result = request.read(names, assignments);
    return result < 0
               ? result
               : changed(request, control_of(request).change_environment(names, assignments));
}

// ---- dump

/// `by_descriptor`: as a memfd, for it may be long.
int answer_dump(Request& request, const std::vector<std::string>& patterns, bool by_descriptor) {
    const std::string text = control_of(request).dump(patterns);
    if (!by_descriptor) {
        return request.answer_string(text);
    }
    const auto file = sys::memfd_create("dump");
    if (!file) {
        return request.refuse("Failed", file.error().what);
    }
    const auto written = sys::write_all(file->number(), text, "the dump");
    if (!written || ::lseek(file->number(), 0, SEEK_SET) < 0) {
        return request.refuse("Failed", written ? "lseek" : written.error().what);
    }
    return sd_bus_reply_method_return(request.message, "h", file->number());
}

template <bool by_descriptor>
int dump(Request& request) {
    return answer_dump(request, {}, by_descriptor);
}

template <bool by_descriptor>
int dump_matching(Request& request) {
    std::vector<std::string> patterns;
    const int result = request.read(patterns);
    return result < 0 ? result : answer_dump(request, patterns, by_descriptor);
}

// ---- dynamic users: for nss-systemd(8) and who else maps numbers to names

int get_dynamic_users(Request& request) {
    Reply reply(request.message);
    MessageSink& sink = reply.sink();
    sink.open_array("(us)");
    for (const auto& [uid, name] : control_of(request).dynamic_users()) {
        sink.open_struct("us");
        sink.unsigned32(uid);
        sink.string(name);
        sink.close_struct();
    }
    sink.close_array();
    return reply.send();
}

int look_up_by_name(Request& request) {
    std::string wanted;
    if (const int result = request.read(wanted); result < 0) {
        return result;
    }
    for (const auto& [uid, name] : control_of(request).dynamic_users()) {
        if (name == wanted) {
            return sd_bus_reply_method_return(request.message, "u", uid);
        }
    }
    return request.refuse("NoSuchDynamicUser", "Dynamic user " + wanted + " does not exist.");
}

int look_up_by_uid(Request& request) {
    std::uint32_t wanted = 0;
    if (const int result = request.read(wanted); result < 0) {
        return result;
    }
    const auto users = control_of(request).dynamic_users();
    const auto found = users.find(wanted);
    if (found == users.end()) {
        return request.refuse(
            "NoSuchDynamicUser", "Dynamic user ID " + std::to_string(wanted) + " does not exist.");
    }
    return request.answer_string(found->second);
}

// ---- jobs

constexpr auto job_verbs = std::to_array<EnumName<Verb>>({
    {Verb::Start, "start"},
    {Verb::Stop, "stop"},
    {Verb::Reload, "reload"},
    {Verb::Restart, "restart"},
    {Verb::TryRestart, "try-restart"},
    {Verb::ReloadOrRestart, "reload-or-start"},
    {Verb::ReloadOrTryRestart, "reload-or-try-restart"},
    {Verb::ReloadOrTryRestart, "try-reload"},
});

void write_job(MessageSink& sink, const Job& job) {
    sink.unsigned32(job.id);
    sink.object_path(job_path(job.id));
    sink.string(job.unit);
    sink.object_path(unit_path(job.unit));
    sink.string(name(job.type));
}

/// The job, and those that were queued for its sake.
int enqueue_unit_job(Request& request) {
    std::string unit, type, mode;
    if (const int result = request.read(unit, type, mode); result < 0) {
        return result;
    }
    const auto verb = value_of(type, job_verbs);
    if (!verb) {
        return request.refuse("InvalidArgs", "Job type " + type + " invalid");
    }
    const World& world = control_of(request).world();
    const JobId first = world.next_job;
    const auto queued = queue_job(request, unit, *verb, mode);
    if (!queued) {
        return request.refuse(queued.error());
    }
    // It may have ended already; its number and path stay true.
    Job asked;
    asked.id = *queued;
    asked.unit = unit;
    if (const auto job = world.jobs.find(*queued); job != world.jobs.end()) {
        asked = job->second;
    } else if (const UnitRecord* const record = world.find(unit)) {
        asked.type = job_type(*verb, *record).value_or(JobType::Start);
    }
    Reply reply(request.message);
    write_job(reply.sink(), asked);
    reply.sink().open_array("(uosos)");
    for (auto each = world.jobs.lower_bound(first); each != world.jobs.end(); ++each) {
        if (each->first != *queued) {
            reply.sink().open_struct("uosos");
            write_job(reply.sink(), each->second);
            reply.sink().close_struct();
        }
    }
    reply.sink().close_array();
    return reply.send();
}

int clear_jobs(Request& request) {
    Control& control = control_of(request);
    std::vector<JobId> all;
    for (const auto& [id, job] : control.world().jobs) {
        all.push_back(id);
    }
    for (const JobId id : all) {
        (void)control.cancel(id, requester(request.connection.peer));  // gone with another: as well
    }
    return request.done();
}

// ---- units by what they have

int get_unit_by_invocation_id(Request& request) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    if (const int result = sd_bus_message_read_array(request.message, 'y', &bytes, &size);
        result < 0) {
        return result;
    }
    constexpr std::size_t id_size = 16;
    if (size != id_size) {
        return request.refuse("InvalidArgs", "Invalid invocation ID");
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string id;
    for (const std::uint8_t byte : std::span(static_cast<const std::uint8_t*>(bytes), size)) {
        id += digits[byte >> 4U];
        id += digits[byte & 15U];
    }
    for (const auto& [unit, record] : control_of(request).world().units) {
        if (record.status.invocation_id == id) {
            return request.answer_path(unit_path(unit));
        }
    }
    return request.refuse(
        "NoUnitForInvocationID", "No unit with the specified invocation ID " + id + " known.");
}

int get_unit_by_control_group(Request& request) {
    std::string path;
    if (const int result = request.read(path); result < 0) {
        return result;
    }
    const Control& control = control_of(request);
    std::string found;
    std::size_t longest = 0;
    for (const auto& [unit, record] : control.world().units) {
        const std::string group = control.live(record).control_group;
        const bool within = !group.empty() && path.starts_with(group) &&
                            (path.size() == group.size() || path[group.size()] == '/');
        if (within && group.size() > longest) {
            found = unit;
            longest = group.size();
        }
    }
    return found.empty() ? request.refuse(
                               "NoSuchUnit",
                               "Control group '" + path + "' is not valid or not managed by hearth")
                         : request.answer_path(unit_path(found));
}

// ---- the end of a machine

int end_machine(Request& request, const EndRequest& how) {
    const auto ended = control_of(request).end_machine(how, requester(request.connection.peer));
    return ended ? request.done() : request.refuse(ended.error());
}

template <keeper::Ending how>
int end_machine(Request& request) {
    return end_machine(request, EndRequest{how, {}, {}});
}

int switch_root(Request& request) {
    EndRequest wanted{keeper::Ending::SwitchRoot, {}, {}};
    const int result = request.read(wanted.root, wanted.init);
    return result < 0 ? result : end_machine(request, std::move(wanted));
}

int set_exit_code(Request& request) {
    std::uint8_t code = 0;
    if (const int result = sd_bus_message_read_basic(request.message, 'y', &code); result < 0) {
        return result;
    }
    const auto set = control_of(request).set_exit_code(code);
    return set ? request.done() : request.refuse(set.error());
}

// ---- refused by name

int mounts_are_fixed(Request& request) {
    return request.refuse(
        "NotSupported",
        "hearth doesn't change the mounts of a running service: add BindPaths= or MountImages= and "
        "restart it");
}

}  // namespace

std::span<const sd_bus_vtable> manager_state_methods() {
    static const std::vector<sd_bus_vtable> methods = {
        method<set_environment>("SetEnvironment", "as", ""),
        method<unset_environment>("UnsetEnvironment", "as", ""),
        method<unset_and_set_environment>("UnsetAndSetEnvironment", "asas", ""),
        method<dump<false>>("Dump", "", "s"),
        method<dump<true>>("DumpByFileDescriptor", "", "h"),
        method<dump_matching<false>>("DumpUnitsMatchingPatterns", "as", "s"),
        method<dump_matching<true>>("DumpUnitsMatchingPatternsByFileDescriptor", "as", "h"),
        method<enqueue_unit_job>("EnqueueUnitJob", "sss", "uososa(uosos)"),
        method<clear_jobs>("ClearJobs", "", ""),
        method<get_unit_by_invocation_id>("GetUnitByInvocationID", "ay", "o"),
        method<get_unit_by_control_group>("GetUnitByControlGroup", "s", "o"),
        method<get_dynamic_users>("GetDynamicUsers", "", "a(us)"),
        method<look_up_by_name>("LookupDynamicUserByName", "s", "u"),
        method<look_up_by_uid>("LookupDynamicUserByUID", "u", "s"),
        method<end_machine<keeper::Ending::Reboot>>("Reboot", "", ""),
        method<end_machine<keeper::Ending::PowerOff>>("PowerOff", "", ""),
        method<end_machine<keeper::Ending::Halt>>("Halt", "", ""),
        method<end_machine<keeper::Ending::KExec>>("KExec", "", ""),
        method<end_machine<keeper::Ending::Exit>>("Exit", "", ""),
        method<set_exit_code>("SetExitCode", "y", ""),
        method<switch_root>("SwitchRoot", "ss", ""),
        method<mounts_are_fixed>("BindMountUnit", "sssbb", ""),
        method<mounts_are_fixed>("MountImageUnit", "sssbba(ss)", ""),
    };
    return methods;
}

}  // namespace hearth::bus
