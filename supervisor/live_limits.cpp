// SPDX-License-Identifier: MIT
//
// Limits of what runs already: set-property, daemon-reload, freeze, and the slices above a unit. A
// change is planned like a launch, so what this host can't give is refused before anything is
// written; then the drop-in is written, the unit loaded again, and the kernel's files changed.
#include <algorithm>
#include <ranges>

#include "parser/values.hpp"
#include "supervisor/cgroup/bpf.hpp"
#include "supervisor/cgroup/files.hpp"
#include "supervisor/launch/cgroup_limits.hpp"
#include "supervisor/launch/planner.hpp"
#include "supervisor/log.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/sys/file.hpp"
#include "units/directive.hpp"
#include "units/type_section.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

RequestError invalid(std::string message) {
    return {"org.freedesktop.DBus.Error.InvalidArgs", std::move(message)};
}

/// A directive whose value can change while the unit runs: what a slice may have, too, which never
/// starts a process.
const Row* live_row(std::string_view name) {
    const Row* const row = find_row("Service", name);
    const bool changes = row != nullptr && is_shared_with(UnitType::Slice, *row) &&
                         (std::holds_alternative<applied::Preparation>(row->applied) ||
                          std::holds_alternative<applied::Reporting>(row->applied));
    return changes ? row : nullptr;
}

bool is_list(const Row& row) {
    const std::string_view type =
        row.properties.empty() ? std::string_view() : row.properties.front().signature;
    return type.starts_with('a') || type == "(bas)";
}

/// systemd writes sizes in bytes.
std::string in_bytes(const Row& row, std::string text) {
    const bool memory = row.name.starts_with("Memory") || row.name.starts_with("DefaultMemory");
    if (!memory || text == "infinity" || text.ends_with('%')) {
        return text;
    }
    const auto size = read_bytes(text);
    return size ? std::to_string(size->count) : text;
}

/// As systemd writes it: a list is emptied first.
std::string drop_in_text(const Row& row, const Settings& settings, std::string_view section) {
    std::string text =
        "# This is a drop-in unit file extension, created via \"systemctl set-property\"\n"
        "# or an equivalent operation. Do not edit.\n[" +
        std::string(section) + "]\n";
    const std::string name(row.name);
    if (is_list(row) || row.is_default(settings)) {
        text += name + "=\n";
    }
    if (row.is_default(settings)) {
        return text;
    }
    const std::string lines = row.format(settings);
    for (std::size_t begin = 0; begin < lines.size();) {
        const std::size_t end = std::min(lines.find('\n', begin), lines.size());
        text += name + "=" + in_bytes(row, lines.substr(begin, end - begin)) + "\n";
        begin = end + 1;
    }
    return text;
}

launch::MakeCgroup made_before(const std::optional<launch::Plan>& plan, const std::string& path) {
    for (const launch::Prepared& prepared :
         plan ? plan->preparations : std::vector<launch::Prepared>()) {
        const auto* const made = std::get_if<launch::MakeCgroup>(&prepared.preparation);
        if (made != nullptr && made->path == path) {
            return *made;
        }
    }
    return {};
}

bool filters(const std::optional<launch::Plan>& plan) {
    return plan && std::ranges::any_of(plan->preparations, [](const launch::Prepared& prepared) {
               return std::holds_alternative<launch::FilterCgroup>(prepared.preparation);
           });
}

/// The report compares the kernel with the plan: it is the changed one now.
void replace_limits(launch::Plan& plan, const launch::Plan& limits) {
    std::erase_if(plan.preparations, [](const launch::Prepared& prepared) {
        return std::holds_alternative<launch::LimitSlice>(prepared.preparation) ||
               std::holds_alternative<launch::MakeCgroup>(prepared.preparation) ||
               std::holds_alternative<launch::AttachProgram>(prepared.preparation) ||
               std::holds_alternative<launch::FilterCgroup>(prepared.preparation);
    });
    plan.preparations.insert(
        plan.preparations.begin(), limits.preparations.begin(), limits.preparations.end());
}

Diagnostics refused(const launch::Asked& asked, const Error& error) {
    Diagnostic why;
    why.severity = Severity::Error;
    why.origin = asked.origin;
    why.message = asked.directive + "=" + asked.value + ": " + error.what;
    return {why};
}

}  // namespace

// ---- slices -------------------------------------------------------------------------------------

std::string Supervisor::cgroup_of(const std::string& unit) const {
    const auto live = live_.find(unit);
    if (live != live_.end() && !live->second.cgroup.empty()) {
        return live->second.cgroup;
    }
    if (const UnitRecord* const record = world_.find(unit)) {
        return launch::cgroup_path(record->unit);
    }
    return "system.slice/" + unit;
}

std::vector<const Unit*> Supervisor::slices_of(const std::string& cgroup) const {
    std::vector<const Unit*> slices;
    if (const UnitRecord* const root = world_.find("-.slice"); root != nullptr && !cgroup.empty()) {
        slices.push_back(&root->unit);
    }
    std::size_t begin = 0;
    for (std::size_t end = cgroup.find('/'); end != std::string::npos;
         begin = end + 1, end = cgroup.find('/', begin)) {
        const UnitRecord* const record = world_.find(cgroup.substr(begin, end - begin));
        if (record != nullptr && record->unit.name.ends_with(".slice")) {
            slices.push_back(&record->unit);
        }
    }
    return slices;
}

void Supervisor::note_slices(const launch::Plan& plan) {
    for (const Unit* const slice : slices_of(plan.cgroup)) {
        slices_held_to_[slice->name] = slice->settings.resources;
    }
    for (std::size_t end = plan.cgroup.find('/'); end != std::string::npos;
         end = plan.cgroup.find('/', end + 1)) {
        const std::string path = plan.cgroup.substr(0, end);
        if (path.ends_with(".slice")) {
            slices_.try_emplace(path);
        }
    }
    for (const launch::Prepared& prepared : plan.preparations) {
        if (const auto* slice = std::get_if<launch::LimitSlice>(&prepared.preparation)) {
            slices_[slice->cgroup.path] = slice->cgroup;
        }
    }
}

/// Slices without anything below go, innermost first; not while a launch may be about to make
/// something in one.
void Supervisor::prune_slices() {
    if (!launching_.empty() || !waiting_to_join_.empty() || filling_ > 0) {
        return;
    }
    std::vector<std::string> paths;
    for (const auto& [path, limits] : slices_) {
        if (!path.empty() && path != "system.slice") {
            paths.push_back(path);
        }
    }
    for (const std::string& path : paths | std::views::reverse) {
        const bool used = std::ranges::any_of(live_, [&](const auto& entry) {
            return entry.second.cgroup_made && entry.second.cgroup.starts_with(path + "/");
        });
        if (!used && !tree_.populated(path).value_or(true) && tree_.remove(path)) {
            slices_.erase(path);
        }
    }
}

// ---- limits of what runs ------------------------------------------------------------------------

Result<void> Supervisor::apply_prepared(
    LiveUnit* live, const launch::Prepared& prepared, const launch::Asked*& asked) {
    if (const auto* slice = std::get_if<launch::LimitSlice>(&prepared.preparation)) {
        launch::MakeCgroup& before = slices_[slice->cgroup.path];
        if (before != slice->cgroup) {
            HEARTH_TRY(launch::change_limits(tree_, before, slice->cgroup, asked));
            before = slice->cgroup;
        }
        return launch::filter_slice(tree_, *slice);
    }
    if (const auto* program = std::get_if<launch::AttachProgram>(&prepared.preparation)) {
        return cgroup::attach_pinned(tree_.directory(program->path), program->program);
    }
    if (const auto* filter = std::get_if<launch::FilterCgroup>(&prepared.preparation)) {
        return launch::attach_filters(tree_, *filter);
    }
    const auto* const made = std::get_if<launch::MakeCgroup>(&prepared.preparation);
    if (made == nullptr) {
        return {};
    }
    if (live == nullptr) {
        launch::MakeCgroup& before = slices_[made->path];
        HEARTH_TRY(launch::change_limits(tree_, before, *made, asked));
        before = *made;
        return {};
    }
    const launch::MakeCgroup before = made_before(live->main_plan, made->path);
    if (before == *made) {
        return {};
    }
    HEARTH_TRY(launch::change_limits(tree_, before, *made, asked));
    return launch::join_hierarchies(tree_, before, *made);
}

Result<void, Diagnostics> Supervisor::apply_limits(const std::string& unit) {
    const UnitRecord* const record = world_.find(unit);
    const bool slice = unit.ends_with(".slice");
    const auto found = live_.find(unit);
    const bool runs = slice ? slices_.contains(cgroup_of(unit))
                            : found != live_.end() && found->second.cgroup_made;
    if (record == nullptr || !runs || tree_.layout() == launch::CgroupLayout::None) {
        return {};
    }
    if (cgroup_of(unit) != launch::cgroup_path(record->unit)) {
        return {};  // Slice= has changed: all of it applies at the next start
    }
    LiveUnit* const live = slice ? nullptr : &found->second;
    launch::Plan plan = HEARTH_TRY(
        launch::plan_limits(record->unit, limits_invocation(record->unit), facts_.host()));
    for (const launch::Prepared& prepared : plan.preparations) {
        const launch::Asked* asked = nullptr;
        if (auto done = apply_prepared(live, prepared, asked); !done) {
            return Unexpected(refused(asked != nullptr ? *asked : prepared.asked, done.error()));
        }
    }
    const bool had_filters = live == nullptr || filters(live->main_plan);
    if (had_filters && !filters(plan)) {
        launch::FilterCgroup none;
        none.path = cgroup_of(unit);
        static_cast<void>(launch::attach_filters(tree_, none));  // no BPF: nothing was attached
    }
    if (live != nullptr && live->main_plan) {
        replace_limits(*live->main_plan, plan);
    }
    if (live != nullptr && live->main_unit) {
        live->main_unit->settings.resources = record->unit.settings.resources;
    }
    if (slice) {
        slices_held_to_[unit] = record->unit.settings.resources;
        return apply_limits_below(cgroup_of(unit));
    }
    return {};
}

/// Some limits of a slice are defaults or bounds of what is in it.
Result<void, Diagnostics> Supervisor::apply_limits_below(const std::string& cgroup) {
    std::vector<std::string> below;
    for (const auto& [name, other] : live_) {
        if (other.cgroup_made && (cgroup.empty() || other.cgroup.starts_with(cgroup + "/"))) {
            below.push_back(name);
        }
    }
    for (const std::string& name : below) {
        HEARTH_TRY(apply_limits(name));
    }
    return {};
}

/// After daemon-reload. What can't be had now is told; the unit goes on with what it has.
void Supervisor::apply_all_limits() {
    std::vector<std::string> names;
    for (const auto& [name, held_to] : slices_held_to_) {
        const UnitRecord* const record = world_.find(name);
        if (record != nullptr && record->unit.settings.resources != held_to) {
            names.push_back(name);
        }
    }
    for (const auto& [name, live] : live_) {
        const UnitRecord* const record = world_.find(name);
        const bool changed = record != nullptr && live.main_unit &&
                             live.main_unit->settings.resources != record->unit.settings.resources;
        if (live.cgroup_made && changed) {
            names.push_back(name);
        }
    }
    for (const std::string& name : names) {
        const auto applied = apply_limits(name);
        for (const Diagnostic& why : applied ? Diagnostics() : applied.error()) {
            log::write(log::Level::Warning, name, one_line(why) + "; it applies at the next start");
        }
    }
}

launch::Invocation Supervisor::limits_invocation(const Unit& unit) const {
    launch::Invocation invocation;
    invocation.slices = slices_of(cgroup_of(unit.name));
    invocation.startup_phase = in_startup_phase();
    return invocation;
}

void Supervisor::end_starting() {
    if (starting_ && world_.jobs.empty()) {
        starting_ = false;
        apply_startup_limits();
    }
}

/// A phase begins or ends: who states other limits for it gets them.
void Supervisor::apply_startup_limits() {
    const auto states_some = [](const Unit& unit) {
        const ResourceSettings& resources = unit.settings.resources;
        return resources.startup_cpu_weight || resources.startup_io_weight ||
               resources.startup_allowed_cpus != IndexSet() ||
               resources.startup_allowed_memory_nodes != IndexSet();
    };
    std::vector<std::string> names;
    for (const auto& [name, record] : world_.units) {
        if (states_some(record.unit)) {
            names.push_back(name);
        }
    }
    for (const std::string& name : names) {
        if (const auto applied = apply_limits(name); !applied) {
            log::write(log::Level::Warning, name, one_line(applied.error().front()));
        }
    }
}

// ---- set-property -------------------------------------------------------------------------------

Result<void, RequestError> Supervisor::write_drop_ins(
    const Unit& changed, bool runtime, const std::vector<std::string>& names) {
    const std::vector<std::string>& path = options_.unit_path;
    const std::string in_run = "/run/systemd/system.control";
    const bool own = std::ranges::find(path, in_run) == path.end();
    const std::string for_now = own ? options_.runtime_directory + "/system.control" : in_run;
    const std::string folder = "/" + changed.name + ".d";
    const std::string directory = (runtime || changed.transient ? for_now : path.front()) + folder;
    const std::string section = own_section(unit_type(changed.name));
    const auto write = [&](const std::string& name) -> Result<void> {
        const std::string file = "/50-" + name + ".conf";
        HEARTH_TRY(sys::make_directories(directory, 0755));
        HEARTH_TRY(sys::replace_file(
            directory + file, drop_in_text(*live_row(name), changed.settings, section), 0644));
        if (!runtime && !changed.transient) {  // or it would go on hiding the one for good
            static_cast<void>(sys::unlink(for_now + folder + file));
        }
        return {};
    };
    for (const std::string& name : names) {
        if (const auto written = write(name); !written) {
            return Unexpected(
                RequestError{"org.freedesktop.DBus.Error.Failed", written.error().what});
        }
    }
    return {};
}

Result<void, RequestError> Supervisor::set_properties(
    const std::string& unit, bool runtime, const std::vector<std::string>& assignments) {
    const UnitRecord* const record = HEARTH_TRY(load(unit));
    const UnitType type = unit_type(record->unit.name);
    const bool limited =
        type == UnitType::Service || type == UnitType::Slice || type == UnitType::Scope;
    if (!limited || (record->unit.built_in && type != UnitType::Slice)) {
        return Unexpected(invalid(unit + " has no limits of its own to set"));
    }
    Unit changed = record->unit;
    const SpecifierTable table = specifiers(changed.name, load_context_, changed.fragment_path);
    std::vector<std::string> names;
    for (const std::string& assignment : assignments) {
        const std::size_t equals = assignment.find('=');
        const std::string name = assignment.substr(0, equals);
        const Row* const row = live_row(name);
        if (equals == std::string::npos || row == nullptr) {
            return Unexpected(RequestError{
                "org.freedesktop.DBus.Error.PropertyReadOnly",
                equals == std::string::npos
                    ? "'" + assignment + "' is no assignment; write NAME=VALUE"
                    : name + "= can't be set while a unit runs: write it into the unit file, then "
                             "daemon-reload and restart"});
        }
        const auto assigned = row->assign(
            changed.settings, assignment.substr(equals + 1), ValueContext{&table, nullptr});
        if (!assigned) {
            return Unexpected(invalid("Invalid " + assignment + ": " + assigned.error().what));
        }
        if (std::ranges::find(names, row->name) == names.end()) {
            names.emplace_back(row->name);
        }
    }
    const auto possible = launch::plan_limits(changed, limits_invocation(changed), facts_.host());
    if (!possible) {
        return Unexpected(RequestError{"org.hearth1.Refused", one_line(possible.error().front())});
    }
    HEARTH_TRY(write_drop_ins(changed, runtime, names));
    take_in(read_units({changed.name}, store_));
    settle_source_.trigger();
    if (auto applied = apply_limits(changed.name); !applied) {
        return Unexpected(RequestError{
            "org.freedesktop.DBus.Error.Failed",
            "written, but not in force yet: " + one_line(applied.error().front())});
    }
    return {};
}

// ---- freeze -------------------------------------------------------------------------------------

void Supervisor::show_freezer(const std::string& path, LiveFacts& facts) const {
    const std::string directory = tree_.directory(path);
    const auto wanted = cgroup::read_number(directory + "/cgroup.freeze");
    facts.can_freeze = wanted.has_value();
    if (wanted.value_or(0) != 0) {
        const bool all =
            cgroup::read_keyed(directory + "/cgroup.events", "frozen").value_or(0) != 0;
        facts.freezer_state = all ? "frozen" : "freezing";
    }
}

Result<void, RequestError> Supervisor::freeze(const std::string& unit, bool frozen) {
    const UnitRecord* const record = HEARTH_TRY(load(unit));
    const std::string& name = record->unit.name;
    const auto found = live_.find(name);
    const bool is_there = name.ends_with(".slice")
                              ? slices_.contains(cgroup_of(name))
                              : found != live_.end() && found->second.cgroup_made;
    if (!is_there) {
        return Unexpected(RequestError{"UnitInactive", "Unit " + name + " is not active."});
    }
    if (auto done = tree_.freeze(cgroup_of(name), frozen); !done) {
        return Unexpected(RequestError{
            "org.freedesktop.DBus.Error.NotSupported",
            "cannot freeze " + name + ": " + done.error().what});
    }
    if (found != live_.end()) {
        found->second.frozen = frozen;
    }
    return {};
}

}  // namespace hearth
