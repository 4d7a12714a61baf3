// SPDX-License-Identifier: MIT
//
// Transient units: StartTransientUnit() writes a unit's file below the runtime directory, and from
// there on the unit is one like any other, also for the hearthd that comes after this one. The file
// goes when the unit is forgotten: it has ended, nobody refers to it, nothing of it is left.
#include "supervisor/transient.hpp"

#include <algorithm>
#include <filesystem>

#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "units/transient.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

RequestError invalid(std::string message) {
    return {"org.freedesktop.DBus.Error.InvalidArgs", std::move(message)};
}

Result<void, RequestError> judge_name(const std::string& unit) {
    const auto parsed = parse_unit_name(unit);
    if (!parsed || parsed->is_template()) {
        return Unexpected(invalid("Unit name " + unit + " is not valid."));
    }
    switch (parsed->type) {
        case UnitType::Service:
        case UnitType::Slice:
        case UnitType::Scope:
        case UnitType::Timer:
        case UnitType::Path:
        case UnitType::Mount:
        case UnitType::Automount:
            return {};
        default:
            return Unexpected(invalid(
                "Units of type " + std::string(name(parsed->type)) +
                " can't be transient here; expected a service, scope, slice, timer, path, mount or "
                "automount"));
    }
}

}  // namespace

std::string transient_directory(const Options& options) {
    return options.runtime_directory + "/transient";
}

Result<void, RequestError> Supervisor::make_transient(const TransientUnit& unit) {
    HEARTH_TRY(judge_name(unit.name));
    const UnitRecord* const known = world_.find(unit.name);
    const bool fresh = known == nullptr || (known->unit.load_state == LoadState::NotFound &&
                                            at_rest(known->active_state()) && !known->job);
    const bool slice_of_nobody = known != nullptr && unit.name.ends_with(".slice") &&
                                 known->unit.fragment_path.empty() &&
                                 at_rest(known->active_state()) && !known->job;
    if ((!fresh && !slice_of_nobody) || store_.has_fragment(unit.name)) {
        return Unexpected(RequestError{
            "UnitExists", "Unit " + unit.name + " was already loaded or has a fragment file."});
    }
    if (unit.name.ends_with(".scope")) {
        HEARTH_TRY(judge_scope(unit));
    }
    const TransientFile file =
        HEARTH_TRY(transient_file(unit.name, unit.assignments, load_context_));
    const std::string directory = transient_directory(options_);
    auto written = sys::make_directories(directory, 0755);
    if (written) {
        written =
            sys::replace_file(directory + "/" + unit.name, file.text, file.secret ? 0600 : 0644);
    }
    if (!written) {
        return Unexpected(RequestError{"org.freedesktop.DBus.Error.Failed", written.error().what});
    }
    return {};
}

Result<JobId, RequestError> Supervisor::start_transient(
    std::vector<TransientUnit> units, JobMode mode, const Requester& by) {
    if (exit_status_) {
        return Unexpected(
            RequestError{"ShuttingDown", "hearthd is stopping all units; nothing new is started"});
    }
    forget_unneeded();  // one of that name may just have ended
    std::vector<std::string> made;
    const auto take_back = [&](RequestError why) {
        for (const std::string& unit : made) {
            forget_transient(unit);
        }
        take_in(read_units(made, store_));  // what is gone is not found, and forgotten
        forget_unneeded();
        return Unexpected(std::move(why));
    };
    for (TransientUnit& unit : units) {
        if (auto written = make_transient(unit); !written) {
            return take_back(std::move(written).error());
        }
        made.push_back(unit.name);
        given_[unit.name] = {std::move(unit.stdio), std::move(unit.pids)};
    }
    take_in(read_units(made, store_));
    for (const std::string& unit : made) {
        const UnitRecord* const record = world_.find(unit);
        if (record == nullptr || record->unit.load_state != LoadState::Loaded) {
            const bool told = record != nullptr && !record->unit.refusals.empty();
            return take_back(
                {"BadUnitSetting",
                 "Unit " + unit + " can't be loaded as it was described" +
                     (told ? ": " + one_line(record->unit.refusals.front()) : std::string())});
        }
    }
    auto job = request(made.front(), Verb::Start, mode, by);
    if (!job) {
        return take_back(std::move(job).error());
    }
    return job;
}

void Supervisor::refer(const std::string& unit, bool refers) {
    if (refers) {
        ++references_[unit];
        return;
    }
    const auto found = references_.find(unit);
    if (found != references_.end() && --found->second == 0) {
        references_.erase(found);
        settle_source_.trigger();  // it may be forgotten now
    }
}

/// Whether something of the unit is left, or somebody still wants to see it.
bool Supervisor::is_held(const std::string& unit) const {
    const auto live = live_.find(unit);
    const bool busy =
        live != live_.end() && (live->second.cgroup_made || !live->second.processes.empty() ||
                                !live->second.activation.empty());
    return busy || references_.contains(unit) || removals_.contains(unit) ||
           preserved_.contains(unit);
}

void Supervisor::forget_transient(const std::string& unit) {
    given_.erase(unit);
    if (!sys::unlink(transient_directory(options_) + "/" + unit)) {
        return;  // it was none
    }
    ended_.erase(unit);
    live_.erase(unit);
    std::error_code ignored;  // what set-property --runtime wrote for it
    std::filesystem::remove_all(
        options_.runtime_directory + "/system.control/" + unit + ".d", ignored);
}

void Supervisor::lend_stdio(const std::string& unit, launch::LaunchRequest& request) {
    const auto found = given_.find(unit);
    if (found == given_.end()) {
        return;
    }
    for (std::size_t number = 0; number < found->second.stdio.size(); ++number) {
        const sys::Descriptor& stream = found->second.stdio[number];
        if (!stream) {
            continue;
        }
        if (auto copy = sys::duplicate(stream.number())) {
            request.descriptors.emplace(launch::given_stream(number), std::move(*copy));
        }
    }
}

/// Whoever reads what the unit wrote waits for its end of file: the last writer must be gone.
void Supervisor::close_stdio(const std::string& unit) {
    const auto found = given_.find(unit);
    if (found != given_.end()) {
        found->second.stdio = {};
    }
}

}  // namespace hearth
