// SPDX-License-Identifier: MIT
//
// The methods of the manager that list: units, unit files, jobs. Patterns are fnmatch(3)'s; an
// empty list of patterns or states matches everything.
#include <fnmatch.h>

#include <algorithm>
#include <vector>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/manager_api.hpp"
#include "supervisor/bus/object_path.hpp"
#include "supervisor/bus/vtable.hpp"
#include "units/job.hpp"
#include "units/unit_name.hpp"

namespace hearth::bus {

namespace {

constexpr const char* unit_row = "ssssssouso";
constexpr const char* job_row = "usssoo";

void write_job_row(MessageSink& sink, const Job& job) {
    sink.open_struct(job_row);
    sink.unsigned32(job.id);
    sink.string(job.unit);
    sink.string(name(job.type));
    sink.string(job.state == JobState::Running ? "running" : "waiting");
    sink.object_path(job_path(job.id));
    sink.object_path(unit_path(job.unit));
    sink.close_struct();
}

bool matches(const std::vector<std::string>& patterns, const std::string& name) {
    return patterns.empty() || std::ranges::any_of(patterns, [&](const std::string& pattern) {
               return fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
           });
}

bool in_state(const std::vector<std::string>& states, const UnitRecord& record) {
    return states.empty() || std::ranges::any_of(states, [&](const std::string& state) {
               return state == name(record.unit.load_state) ||
                      state == name(record.active_state()) || state == sub_state(record);
           });
}

void write_unit_row(MessageSink& sink, const World& world, const UnitRecord& record) {
    const Unit& unit = record.unit;
    const std::string& description = unit.settings.unit.description;
    sink.open_struct(unit_row);
    sink.string(unit.name);
    sink.string(description.empty() ? unit.name : description);
    sink.string(name(unit.load_state));
    sink.string(name(record.active_state()));
    sink.string(sub_state(record));
    sink.string("");  // Following: device units only
    sink.object_path(unit_path(unit.name));
    const auto job = record.job ? world.jobs.find(*record.job) : world.jobs.end();
    if (job == world.jobs.end()) {
        sink.unsigned32(0);
        sink.string("");
        sink.object_path("/");
    } else {
        sink.unsigned32(job->second.id);
        sink.string(name(job->second.type));
        sink.object_path(job_path(job->second.id));
    }
    sink.close_struct();
}

int answer_units(
    Request& request,
    const std::vector<std::string>& states,
    const std::vector<std::string>& patterns) {
    const World& world = request.connection.core.control.world();
    Reply reply(request.message);
    reply.sink().open_array("(ssssssouso)");
    for (const auto& [name, record] : world.units) {
        if (matches(patterns, name) && in_state(states, record)) {
            write_unit_row(reply.sink(), world, record);
        }
    }
    reply.sink().close_array();
    return reply.send();
}

int list_units(Request& request) {
    return answer_units(request, {}, {});
}

int list_units_filtered(Request& request) {
    std::vector<std::string> states;
    const int result = request.read(states);
    return result < 0 ? result : answer_units(request, states, {});
}

int list_units_by_patterns(Request& request) {
    std::vector<std::string> states, patterns;
    const int result = request.read(states, patterns);
    return result < 0 ? result : answer_units(request, states, patterns);
}

int list_units_by_names(Request& request) {
    std::vector<std::string> names;
    if (const int result = request.read(names); result < 0) {
        return result;
    }
    Reply reply(request.message);
    reply.sink().open_array("(ssssssouso)");
    for (const std::string& name : names) {
        if (!is_valid_unit_name(name)) {
            continue;
        }
        const UnitRecord* record = find_or_load(request.connection, name);
        UnitRecord unknown;
        if (record == nullptr) {
            unknown.unit.name = name;
            unknown.unit.load_state = LoadState::NotFound;
            record = &unknown;
        }
        write_unit_row(reply.sink(), request.connection.core.control.world(), *record);
    }
    reply.sink().close_array();
    return reply.send();
}

int answer_unit_files(
    Request& request,
    const std::vector<std::string>& states,
    const std::vector<std::string>& patterns) {
    Reply reply(request.message);
    reply.sink().open_array("(ss)");
    for (const auto& [path, state] : request.connection.core.control.unit_files()) {
        if (matches(patterns, path.substr(path.rfind('/') + 1)) &&
            (states.empty() || std::ranges::count(states, state) > 0)) {
            reply.sink().open_struct("ss");
            reply.sink().string(path);
            reply.sink().string(state);
            reply.sink().close_struct();
        }
    }
    reply.sink().close_array();
    return reply.send();
}

int list_unit_files(Request& request) {
    return answer_unit_files(request, {}, {});
}

int list_unit_files_by_patterns(Request& request) {
    std::vector<std::string> states, patterns;
    const int result = request.read(states, patterns);
    return result < 0 ? result : answer_unit_files(request, states, patterns);
}

int list_jobs(Request& request) {
    std::vector<const Job*> jobs;
    for (const auto& [id, job] : request.connection.core.control.world().jobs) {
        jobs.push_back(&job);
    }
    return answer_jobs(request, jobs);
}

using Neighbours = std::vector<const Job*> (*)(const World&, const Job&);

template <Neighbours neighbours>
int jobs_around(Request& request) {
    std::uint32_t job = 0;
    if (const int result = request.read(job); result < 0) {
        return result;
    }
    const World& world = request.connection.core.control.world();
    const auto found = world.jobs.find(job);
    if (found == world.jobs.end()) {
        return request.refuse("NoSuchJob", "Job " + std::to_string(job) + " does not exist.");
    }
    return answer_jobs(request, neighbours(world, found->second));
}

}  // namespace

int answer_jobs(Request& request, const std::vector<const Job*>& jobs) {
    Reply reply(request.message);
    reply.sink().open_array("(usssoo)");
    for (const Job* const job : jobs) {
        write_job_row(reply.sink(), *job);
    }
    reply.sink().close_array();
    return reply.send();
}

std::span<const sd_bus_vtable> list_methods() {
    static const std::vector<sd_bus_vtable> methods = {
        method<list_units>("ListUnits", "", "a(ssssssouso)"),
        method<list_units_filtered>("ListUnitsFiltered", "as", "a(ssssssouso)"),
        method<list_units_by_patterns>("ListUnitsByPatterns", "asas", "a(ssssssouso)"),
        method<list_units_by_names>("ListUnitsByNames", "as", "a(ssssssouso)"),
        method<list_unit_files>("ListUnitFiles", "", "a(ss)"),
        method<list_unit_files_by_patterns>("ListUnitFilesByPatterns", "asas", "a(ss)"),
        method<list_jobs>("ListJobs", "", "a(usssoo)"),
        method<jobs_around<jobs_waited_for>>("GetJobAfter", "u", "a(usssoo)"),
        method<jobs_around<jobs_held_up>>("GetJobBefore", "u", "a(usssoo)"),
    };
    return methods;
}

}  // namespace hearth::bus
