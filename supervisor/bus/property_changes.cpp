// SPDX-License-Identifier: MIT
//
// SetUnitProperties() and StartTransientUnit(): what a client sends becomes assignments
// (property_reader.hpp), which are the supervisor's to judge. Follows
// org.freedesktop.systemd1(5).
#include <array>
#include <optional>
#include <utility>

#include "supervisor/bus/core.hpp"
#include "supervisor/bus/object_path.hpp"
#include "supervisor/bus/property_reader.hpp"
#include "supervisor/sys/file.hpp"
#include "units/job.hpp"
#include "units/unit_name.hpp"

namespace hearth::bus {

namespace {

/// A property of the list that can't be read; the handler returns what this returns.
int refuse_list(Request& request, const PropertyList& list) {
    if (!list.refused.empty()) {
        return request.refuse(
            "org.freedesktop.DBus.Error.PropertyReadOnly",
            "Cannot set property " + list.refused + ", or unknown property.");
    }
    return list.result;
}

bool failed(const PropertyList& list) {
    return !list.refused.empty() || list.result < 0;
}

/// What StartTransientUnit() takes beside directives.
class TransientReader {
public:
    explicit TransientReader(sd_bus_message* message) : message_(message) {}

    PropertyList read(TransientUnit& unit) {
        PropertyList list =
            read_properties(message_, [&](const std::string& name) { return special(name, unit); });
        for (const ReadProperty& each : list.read) {
            for (const std::string& value : each.values) {
                unit.assignments.push_back({each.directive, value});
            }
        }
        return list;
    }
    [[nodiscard]] bool referenced() const { return referenced_; }

private:
    bool special(const std::string& name, TransientUnit& unit) {
        constexpr std::array streams = {
            "StandardInputFileDescriptor",
            "StandardOutputFileDescriptor",
            "StandardErrorFileDescriptor"};
        for (std::size_t number = 0; number < streams.size(); ++number) {
            if (name == streams[number]) {
                return descriptor(unit.stdio[number]);
            }
        }
        if (name == "AddRef") {
            int value = 0;
            const bool read = sd_bus_message_read(message_, "v", "b", &value) > 0;
            referenced_ = value != 0;
            return read;
        }
        if (name == "PIDs") {
            return pids(unit.pids);
        }
        return false;
    }
    bool descriptor(sys::Descriptor& into) {
        int number = -1;
        if (sd_bus_message_read(message_, "v", "h", &number) <= 0) {
            return false;
        }
        auto copy = sys::duplicate(number);  // the message's dies with it
        if (copy) {
            into = std::move(*copy);
        }
        return copy.has_value();
    }
    bool pids(std::vector<pid_t>& into) {
        if (sd_bus_message_enter_container(message_, 'v', "au") <= 0 ||
            sd_bus_message_enter_container(message_, 'a', "u") < 0) {
            return false;
        }
        std::uint32_t pid = 0;
        while (sd_bus_message_read_basic(message_, 'u', &pid) > 0) {
            into.push_back(static_cast<pid_t>(pid));
        }
        return sd_bus_message_exit_container(message_) >= 0 &&
               sd_bus_message_exit_container(message_) >= 0;
    }

    sd_bus_message* message_;
    bool referenced_ = false;
};

/// a(sa(sv)): units that are made with the first one, and not started.
PropertyList read_auxiliary(Request& request, std::vector<TransientUnit>& units) {
    PropertyList list;
    list.result = sd_bus_message_enter_container(request.message, 'a', "(sa(sv))");
    while (list.result >= 0 &&
           (list.result = sd_bus_message_enter_container(request.message, 'r', "sa(sv)")) > 0) {
        TransientUnit unit;
        list.result = request.read(unit.name);
        if (list.result < 0) {
            return list;
        }
        list = TransientReader(request.message).read(unit);
        if (failed(list)) {
            return list;
        }
        units.push_back(std::move(unit));
        list.result = sd_bus_message_exit_container(request.message);
    }
    return list;
}

}  // namespace

int set_properties(Request& request, const std::string& unit) {
    bool runtime = false;
    if (const int result = request.read(runtime); result < 0) {
        return result;
    }
    const PropertyList list = read_properties(request.message);
    if (failed(list)) {
        return refuse_list(request, list);
    }
    std::vector<std::string> assignments;
    for (const ReadProperty& each : list.read) {
        for (const std::string& value : each.values) {
            assignments.push_back(each.directive + "=" + value);
        }
    }
    const auto set = request.connection.core.control.set_properties(unit, runtime, assignments);
    return set ? request.done() : request.refuse(set.error());
}

int start_transient_unit(Request& request) {
    std::string mode_text;
    std::vector<TransientUnit> units(1);
    if (const int result = request.read(units.front().name, mode_text); result < 0) {
        return result;
    }
    TransientReader reader(request.message);
    if (const PropertyList list = reader.read(units.front()); failed(list)) {
        return refuse_list(request, list);
    }
    if (const PropertyList list = read_auxiliary(request, units); failed(list)) {
        return refuse_list(request, list);
    }
    return start_transient(request, std::move(units), mode_text, reader.referenced());
}

int start_transient(
    Request& request,
    std::vector<TransientUnit> units,
    const std::string& mode_text,
    bool referenced) {
    const auto mode = job_mode(mode_text);
    if (!mode) {
        return request.refuse(
            "InvalidArgs", "Job mode " + mode_text + " invalid: try 'replace' or 'fail'");
    }
    const std::string unit = units.front().name;
    if (referenced) {  // before it runs, or it might be over and forgotten
        if (const auto refused = take_reference(request.connection, unit)) {
            return request.refuse(*refused);
        }
    }
    BusServer::Core& core = request.connection.core;
    core.units_may_have_changed();
    const auto job =
        core.control.start_transient(std::move(units), *mode, requester(request.connection.peer));
    if (!job && referenced) {
        (void)leave_reference(request.connection, unit);
    }
    return job ? request.answer_path(job_path(*job)) : request.refuse(job.error());
}

}  // namespace hearth::bus
