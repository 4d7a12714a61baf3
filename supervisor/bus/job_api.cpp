// SPDX-License-Identifier: MIT
//
// The job objects: org.freedesktop.systemd1.Job below .../job. A job is an object while it is
// queued.
#include <array>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/object_path.hpp"
#include "supervisor/bus/vtable.hpp"
#include "units/job.hpp"

namespace hearth::bus {

namespace {

int find_job(
    sd_bus*, const char* path, const char*, void* userdata, void** found, sd_bus_error*) noexcept {
    auto& connection = *static_cast<Connection*>(userdata);
    const auto id = job_of_path(path);
    const auto& jobs = connection.core.control.world().jobs;
    const auto job = id ? jobs.find(*id) : jobs.end();
    if (job == jobs.end()) {
        return 0;
    }
    connection.job = &job->second;
    *found = &connection;
    return 1;
}

int get_property(
    sd_bus*,
    const char*,
    const char*,
    const char* property,
    sd_bus_message* reply,
    void* userdata,
    sd_bus_error*) noexcept {
    const Job& job = *static_cast<Connection*>(userdata)->job;
    const std::string_view wanted(property);
    try {
        MessageSink sink(reply);
        if (wanted == "Id") {
            sink.unsigned32(job.id);
        } else if (wanted == "Unit") {
            sink.open_struct("so");
            sink.string(job.unit);
            sink.object_path(unit_path(job.unit));
            sink.close_struct();
        } else if (wanted == "JobType") {
            sink.string(name(job.type));
        } else {
            sink.string(job.state == JobState::Running ? "running" : "waiting");
        }
        return sink.result();
    } catch (const std::exception&) {
        return -EIO;
    }
}

int cancel(Request& request) {
    const auto cancelled = request.connection.core.control.cancel(
        request.connection.job->id, requester(request.connection.peer));
    return cancelled ? request.done() : request.refuse(cancelled.error());
}

using Neighbours = std::vector<const Job*> (*)(const World&, const Job&);

template <Neighbours neighbours>
int related(Request& request) {
    return answer_jobs(
        request, neighbours(request.connection.core.control.world(), *request.connection.job));
}

int enumerate(sd_bus*, const char*, void* userdata, char*** nodes, sd_bus_error*) noexcept {
    const auto& jobs = static_cast<Connection*>(userdata)->core.control.world().jobs;
    // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): sd-bus frees it
    auto** list = static_cast<char**>(calloc(jobs.size() + 1, sizeof(char*)));
    if (list == nullptr) {
        return -ENOMEM;
    }
    std::size_t count = 0;
    for (const auto& [id, job] : jobs) {
        list[count++] = strdup(job_path(id).c_str());
    }
    *nodes = list;
    return 0;
}

}  // namespace

int add_jobs(Connection& connection) {
    static const std::array<sd_bus_vtable, 9> table = {
        start(),
        method<cancel>("Cancel", "", ""),
        method<related<jobs_waited_for>>("GetAfter", "", "a(usssoo)"),
        method<related<jobs_held_up>>("GetBefore", "", "a(usssoo)"),
        property("Id", "u", get_property, SD_BUS_VTABLE_PROPERTY_CONST),
        property("Unit", "(so)", get_property, SD_BUS_VTABLE_PROPERTY_CONST),
        property("JobType", "s", get_property, SD_BUS_VTABLE_PROPERTY_CONST),
        property("State", "s", get_property),
        end(),
    };
    const int result = sd_bus_add_fallback_vtable(
        connection.bus.get(),
        nullptr,
        job_prefix,
        job_interface,
        table.data(),
        find_job,
        &connection);
    return result < 0 ? result
                      : sd_bus_add_node_enumerator(
                            connection.bus.get(), nullptr, job_prefix, enumerate, &connection);
}

}  // namespace hearth::bus
