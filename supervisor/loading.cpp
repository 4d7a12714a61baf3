// SPDX-License-Identifier: MIT
//
// Loading units into the World: a unit comes with all units that it names, so that the engine can
// plan; daemon-reload (reloading.cpp) hands everything over as one event. What can't be read
// replaces nothing that runs (units/engine_loading.cpp).
#include <fcntl.h>
#include <sys/epoll.h>

#include <algorithm>
#include <set>
#include <utility>

#include "supervisor/log.hpp"
#include "supervisor/now.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/sys/process.hpp"
#include "supervisor/unit_files/manager_files.hpp"
#include "units/directive.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

constexpr std::uint64_t presence_interval = 500'000;

bool at_rest(const UnitRecord& record) {
    return hearth::at_rest(record.active_state());
}

bool follows_the_kernel(const std::string& unit) {
    const UnitType type = unit_type(unit);
    return type == UnitType::Device || type == UnitType::Mount || type == UnitType::Swap;
}

/// "Restart, WantedBy": the directives whose values differ.
std::string differing_directives(const Unit& before, const Unit& after) {
    std::string text;
    const auto add = [&](std::string_view name) {
        text += text.empty() ? "" : ", ";
        text += name;
    };
    std::set<std::string_view> seen;
    for (const std::span<const Row> table : service_tables()) {
        for (const Row& row : table) {
            if (row.format(before.settings) != row.format(after.settings) &&
                seen.insert(row.name).second) {
                add(row.name);
            }
        }
    }
    if (before.drop_in_paths != after.drop_in_paths) {
        add("drop-ins");
    }
    if (text.empty() && before.dependencies != after.dependencies) {
        add("dependencies");
    }
    if (text.empty() && before.fragment_path != after.fragment_path) {
        add("its file");
    }
    return text;
}

}  // namespace

std::vector<Unit> Supervisor::read_units(
    std::vector<std::string> names, const UnitStore& store) const {
    const UnitStore::Batch batch(store);
    std::vector<Unit> units;
    std::set<std::string> asked(names.begin(), names.end());
    for (std::size_t next = 0; next < names.size(); ++next) {
        units.push_back(load_unit(names[next], store, load_context_));
        for (const Dependency& each : units.back().dependencies) {
            if (world_.find(each.unit) == nullptr && asked.insert(each.unit).second) {
                names.push_back(each.unit);
            }
        }
    }
    return units;
}

void Supervisor::take_in(std::vector<Unit> units) {
    read_zones_of(units);
    std::vector<PresenceChanged> present;
    for (const Unit& unit : units) {
        if (reloading_) {
            loaded_meanwhile_.insert(unit.name);
        }
        if (unit.load_state != LoadState::NotFound) {  // that is the asker's to hear, not the log's
            log::write(unit.diagnostics);
        }
        if (follows_the_kernel(unit.name) && !unit.built_in) {
            present.push_back({unit.name, store_.is_present(unit.name)});
        }
    }
    handle(step(world_, UnitsLoaded{std::move(units)}, now()));
    // Before what is bound to them, or that would be stopped for want of them.
    std::ranges::stable_partition(present, [](const PresenceChanged& each) {
        return unit_type(each.unit) == UnitType::Device;
    });
    for (PresenceChanged& each : present) {
        handle(step(world_, std::move(each), now()));
    }
    if (!present.empty()) {
        look_for_devices();
    }
}

/// True while there are units whose presence the kernel decides.
bool Supervisor::check_presence() {
    bool any = false;
    for (const auto& [name, record] : world_.units) {
        if (!follows_the_kernel(name) || record.unit.built_in) {
            continue;
        }
        any = true;
        const ActiveState state = record.active_state();
        const bool settled = hearth::at_rest(state) || state == ActiveState::Active;
        const bool present = store_.is_present(name);
        if (settled && present != (state == ActiveState::Active)) {
            happen(PresenceChanged{name, present});
        }
    }
    return any;
}

/// Devices, mounts and swaps that units name are looked at twice a second, while there are any;
/// mounts at once, for the kernel tells of them.
void Supervisor::look_for_devices() {
    if (!presence_source_) {
        auto timer = loop_.timer(Priority::Timer, [this] {
            if (check_presence()) {
                presence_source_.arm_in(presence_interval);
            }
        });
        if (!timer) {
            log::write(log::Level::Error, timer.error().what);
            return;
        }
        presence_source_ = std::move(*timer);
        watch_mounts();
    }
    presence_source_.arm_in(presence_interval);
}

/// proc(5), mountinfo: poll(2) says when it has changed. Without that the timer has to do.
void Supervisor::watch_mounts() {
    auto table = sys::open("/proc/self/mountinfo", O_RDONLY);
    if (!table) {
        return;
    }
    mount_table_ = std::move(*table);
    auto source = loop_.on_io(mount_table_.number(), EPOLLPRI, Priority::Io, [this](std::uint32_t) {
        (void)check_presence();
    });
    if (source) {
        mount_source_ = std::move(*source);
    }
}

Result<const UnitRecord*, RequestError> Supervisor::load_now(const std::string& name) {
    if (!is_valid_unit_name(name)) {
        return Unexpected(RequestError{
            "org.freedesktop.DBus.Error.InvalidArgs",
            "'" + name + "' is not a valid unit name; expected NAME.service"});
    }
    take_in(read_units({name}, store_));
    return world_.find(name);
}

Result<const UnitRecord*, RequestError> Supervisor::load(const std::string& name) {
    const UnitRecord* record = world_.find(name);
    const bool idle = record != nullptr && at_rest(*record) && !record->job;
    // A unit that was not there, or could not be read, may be by now; no daemon-reload is asked for
    // that.
    const bool stale = idle && record->unit.load_state != LoadState::Loaded;
    if (record == nullptr || stale) {
        record = HEARTH_TRY(load_now(name));
    }
    if (record->unit.load_state == LoadState::NotFound && at_rest(*record)) {
        std::string places;
        for (const std::string& directory : store_.path()) {
            places += (places.empty() ? "" : ", ") + directory;
        }
        forget_unneeded();
        return Unexpected(RequestError{"NoSuchUnit", "Unit " + name + " not found in " + places});
    }
    return record;
}

void Supervisor::refresh_missing() {
    if (!store_.directories_changed()) {
        return;
    }
    std::vector<std::string> names;
    for (const auto& [name, record] : world_.units) {
        if (record.unit.load_state == LoadState::NotFound && at_rest(record) && !record.job) {
            names.push_back(name);
        }
    }
    if (!names.empty()) {
        take_in(read_units(std::move(names), store_));
    }
}

std::vector<Unit> Supervisor::read_all(const UnitStore& store) const {
    std::vector<std::string> names;
    for (const auto& [name, record] : world_.units) {
        names.push_back(name);
    }
    return read_units(std::move(names), store);
}

std::string Supervisor::reload_plan() const {
    std::string text;
    const UnitStore aside = store_;  // store_ remembers what the units that run were read from
    for (const Unit& unit : read_all(aside)) {
        const UnitRecord* const record = world_.find(unit.name);
        std::string line;
        if (record == nullptr) {
            line = "new, " + std::string(name(unit.load_state));
        } else if (unit.load_state != record->unit.load_state) {
            line = std::string(name(record->unit.load_state)) + " -> " +
                   std::string(name(unit.load_state));
            const bool kept = !at_rest(*record) && unit.load_state != LoadState::Loaded;
            line += kept ? "; it runs, and keeps the settings it has" : "";
            if (unit.load_state != LoadState::Loaded && !unit.refusals.empty()) {
                line += "\n  " + one_line(unit.refusals.front());
            }
        } else if (unit.load_state == LoadState::Loaded) {
            line = differing_directives(record->unit, unit);
        }
        if (!line.empty()) {
            text += unit.name + ": " + line + "\n";
        }
    }
    return text;
}

/// Units with CollectMode=inactive-or-failed are forgotten when they have failed, transient ones
/// when they have ended.
void Supervisor::forget_collected() {
    const bool any = std::ranges::any_of(world_.units, [](const auto& entry) {
        const UnitRecord& record = entry.second;
        const bool failed = record.status.state == ServiceState::Failed;
        const bool dead = record.status.state == ServiceState::Dead;
        return (dead && record.unit.transient) ||
               (failed && record.unit.settings.unit.collect_mode == CollectMode::InactiveOrFailed);
    });
    if (any) {
        forget_unneeded();
    }
}

}  // namespace hearth
