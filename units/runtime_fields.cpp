// SPDX-License-Identifier: MIT
#include "units/runtime_fields.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <unordered_set>
#include <vector>

#include "units/conditions.hpp"
#include "units/runtime_fields_parts.hpp"

namespace hearth {

namespace {

using fields::told;

void empty_string(const UnitView&, ValueSink& sink) {
    sink.string("");
}
/// What `clean --what=` finds, in systemd's order.
void cleanable(const UnitView& view, ValueSink& sink) {
    const DirectorySettings& directories = view.record.unit.settings.directories;
    std::vector<std::string> what;
    const auto add = [&](const char* name, const auto& kind) {
        if (!kind.entries.empty()) {
            what.emplace_back(name);
        }
    };
    add("runtime", directories.runtime);
    add("state", directories.state);
    add("cache", directories.cache);
    add("logs", directories.logs);
    add("configuration", directories.configuration);
    sink.strings(what);
}
void no_strings(const UnitView&, ValueSink& sink) {
    sink.strings({});
}

template <auto... path>
void realtime(const UnitView& view, ValueSink& sink) {
    sink.unsigned64((view.record.*....*path).realtime);
}

template <auto... path>
void monotonic(const UnitView& view, ValueSink& sink) {
    sink.unsigned64((view.record.*....*path).monotonic);
}

// ---- dependencies, in both directions -----------------------------------------------------------

template <Relation relation>
void related(const UnitView& view, ValueSink& sink) {
    std::vector<std::string> names;
    std::unordered_set<std::string_view> seen;
    view.world.for_each_dependency(
        view.record, [&](Relation each, std::string_view other, DependencySource) {
            if (each == relation && seen.insert(other).second) {
                names.emplace_back(other);
            }
        });
    sink.strings(names);
}

void write_names(const UnitView& view, ValueSink& sink) {
    std::vector<std::string> names = {view.record.unit.name};
    names.insert(names.end(), view.record.unit.aliases.begin(), view.record.unit.aliases.end());
    sink.strings(names);
}

template <bool asserts>
void write_conditions(const UnitView& view, ValueSink& sink) {
    const UnitSettings& settings = view.record.unit.settings.unit;
    const std::vector<Condition>& conditions = asserts ? settings.asserts : settings.conditions;
    const std::vector<int>& results =
        asserts ? view.record.assert_results : view.record.condition_results;
    sink.open_array("(sbbsi)");
    for (std::size_t index = 0; index < conditions.size(); ++index) {
        const Condition& each = conditions[index];
        sink.open_struct("sbbsi");
        sink.string((asserts ? "Assert" : "Condition") + std::string(name(each.type)));
        sink.boolean(each.trigger);
        sink.boolean(each.negate);
        sink.string(each.parameter);
        sink.signed32(index < results.size() ? results[index] : 0);
        sink.close_struct();
    }
    sink.close_array();
}

// ---- values of several parts --------------------------------------------------------------------

void write_job(const UnitView& view, ValueSink& sink) {
    const JobId id = view.record.job.value_or(0);
    sink.open_struct("uo");
    sink.unsigned32(id);
    sink.object_path(id == 0 ? "/" : "/org/freedesktop/systemd1/job/" + std::to_string(id));
    sink.close_struct();
}

struct LoadProblem {
    std::string_view error;
    std::string message;
};

LoadProblem load_problem(const Unit& unit) {
    switch (unit.load_state) {
        case LoadState::Loaded:
        case LoadState::Merged:
        case LoadState::Stub:
            return {};
        case LoadState::NotFound:
            return {"org.freedesktop.systemd1.NoSuchUnit", "Unit " + unit.name + " not found."};
        case LoadState::BadSetting:
            return {
                "org.freedesktop.systemd1.BadUnitSetting",
                "Unit " + unit.name + " has a bad unit file setting."};
        case LoadState::Error:
            return {
                "org.freedesktop.systemd1.LoadFailed", "Unit " + unit.name + " failed to load."};
        case LoadState::Masked:
            return {"org.freedesktop.systemd1.UnitMasked", "Unit " + unit.name + " is masked."};
    }
    return {};
}

void write_load_error(const UnitView& view, ValueSink& sink) {
    const LoadProblem problem = load_problem(view.record.unit);
    sink.open_struct("ss");
    sink.string(problem.error);
    sink.string(problem.message);
    sink.close_struct();
}

int hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/// 16 bytes, or none where there is no id (systemctl prints both as nothing).
void write_invocation(const UnitView& view, ValueSink& sink) {
    constexpr std::size_t length = 16;
    const std::string& text = view.record.status.invocation_id;
    std::array<std::uint8_t, length> id{};
    bool valid = text.size() == 2 * length;
    for (std::size_t i = 0; valid && i < length; ++i) {
        const int high = hex_digit(text[2 * i]);
        const int low = hex_digit(text[2 * i + 1]);
        valid = high >= 0 && low >= 0;
        id[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    sink.bytes(valid ? std::span<const std::uint8_t>(id) : std::span<const std::uint8_t>());
}

// ---- the table ----------------------------------------------------------------------------------

constexpr auto rows = std::to_array<RuntimeField>({
    {"AccessSELinuxContext", Interface::Unit, "s", empty_string},
    {"ActivationDetails",
     Interface::Unit,
     "a(ss)",
     [](const UnitView& view, ValueSink& sink) {
         sink.open_array("(ss)");
         for (const auto& [key, value] : pairs_of(view.record.activation)) {
             sink.open_struct("ss");
             sink.string(key);
             sink.string(value);
             sink.close_struct();
         }
         sink.close_array();
     }},
    {"ActiveEnterTimestamp", Interface::Unit, "t", realtime<&UnitRecord::active_enter>, told},
    {"ActiveEnterTimestampMonotonic",
     Interface::Unit,
     "t",
     monotonic<&UnitRecord::active_enter>,
     told},
    {"ActiveExitTimestamp", Interface::Unit, "t", realtime<&UnitRecord::active_exit>, told},
    {"ActiveExitTimestampMonotonic",
     Interface::Unit,
     "t",
     monotonic<&UnitRecord::active_exit>,
     told},
    {"ActiveState",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(name(view.record.active_state())); },
     told},
    {"After", Interface::Unit, "as", related<Relation::After>},
    {"AssertResult",
     Interface::Unit,
     "b",
     [](const UnitView& view, ValueSink& sink) { sink.boolean(view.record.assert_met); },
     told},
    {"AssertTimestamp",
     Interface::Unit,
     "t",
     realtime<&UnitRecord::status, &ServiceStatus::condition_asked>,
     told},
    {"AssertTimestampMonotonic",
     Interface::Unit,
     "t",
     monotonic<&UnitRecord::status, &ServiceStatus::condition_asked>,
     told},
    {"Asserts", Interface::Unit, "a(sbbsi)", write_conditions<true>},
    {"Before", Interface::Unit, "as", related<Relation::Before>},
    {"BindsTo", Interface::Unit, "as", related<Relation::BindsTo>},
    {"BoundBy", Interface::Unit, "as", related<Relation::BoundBy>},
    {"CanClean", Interface::Unit, "as", cleanable},
    {"CanFreeze",
     Interface::Unit,
     "b",
     [](const UnitView& view, ValueSink& sink) { sink.boolean(view.live.can_freeze); }},
    {"CanIsolate",
     Interface::Unit,
     "b",
     [](const UnitView& view, ValueSink& sink) {
         sink.boolean(view.record.unit.settings.unit.allow_isolate);
     }},
    {"CanReload",
     Interface::Unit,
     "b",
     [](const UnitView& view, ValueSink& sink) { sink.boolean(can_reload(view.record.unit)); }},
    {"CanStart",
     Interface::Unit,
     "b",
     [](const UnitView& view, ValueSink& sink) {
         const Unit& unit = view.record.unit;
         sink.boolean(
             unit.load_state == LoadState::Loaded && !unit.settings.unit.refuse_manual_start);
     }},
    {"CanStop",
     Interface::Unit,
     "b",
     [](const UnitView& view, ValueSink& sink) {
         sink.boolean(
             !view.record.unit.settings.unit.refuse_manual_stop && !view.record.unit.built_in);
     }},
    {"ConditionResult",
     Interface::Unit,
     "b",
     [](const UnitView& view, ValueSink& sink) { sink.boolean(view.record.status.condition_met); },
     told},
    {"ConditionTimestamp",
     Interface::Unit,
     "t",
     realtime<&UnitRecord::status, &ServiceStatus::condition_asked>,
     told},
    {"ConditionTimestampMonotonic",
     Interface::Unit,
     "t",
     monotonic<&UnitRecord::status, &ServiceStatus::condition_asked>,
     told},
    {"Conditions", Interface::Unit, "a(sbbsi)", write_conditions<false>},
    {"ConflictedBy", Interface::Unit, "as", related<Relation::ConflictedBy>},
    {"Conflicts", Interface::Unit, "as", related<Relation::Conflicts>},
    {"ConsistsOf", Interface::Unit, "as", related<Relation::ConsistsOf>},
    {"DropInPaths",
     Interface::Unit,
     "as",
     [](const UnitView& view, ValueSink& sink) { sink.strings(view.record.unit.drop_in_paths); }},
    {"Following", Interface::Unit, "s", empty_string},
    {"FragmentPath",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(view.record.unit.fragment_path); }},
    {"FreezerState",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(view.live.freezer_state); },
     told},
    {"Id",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(view.record.unit.name); }},
    {"InactiveEnterTimestamp", Interface::Unit, "t", realtime<&UnitRecord::inactive_enter>, told},
    {"InactiveEnterTimestampMonotonic",
     Interface::Unit,
     "t",
     monotonic<&UnitRecord::inactive_enter>,
     told},
    {"InactiveExitTimestamp", Interface::Unit, "t", realtime<&UnitRecord::inactive_exit>, told},
    {"InactiveExitTimestampMonotonic",
     Interface::Unit,
     "t",
     monotonic<&UnitRecord::inactive_exit>,
     told},
    {"InvocationID", Interface::Unit, "ay", write_invocation, told},
    {"Job", Interface::Unit, "(uo)", write_job, told},
    {"LoadError", Interface::Unit, "(ss)", write_load_error},
    {"LoadState",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(name(view.record.unit.load_state)); },
     told},
    {"Markers", Interface::Unit, "as", no_strings},
    {"Names", Interface::Unit, "as", write_names},
    {"NeedDaemonReload",
     Interface::Unit,
     "b",
     [](const UnitView& view,
        ValueSink&
            sink) { sink.boolean(view.record.need_daemon_reload || view.live.files_changed); }},
    {"OnFailure", Interface::Unit, "as", related<Relation::OnFailure>},
    {"OnFailureOf", Interface::Unit, "as", related<Relation::OnFailureOf>},
    {"OnSuccess", Interface::Unit, "as", related<Relation::OnSuccess>},
    {"OnSuccessOf", Interface::Unit, "as", related<Relation::OnSuccessOf>},
    {"PartOf", Interface::Unit, "as", related<Relation::PartOf>},
    {"Perpetual",
     Interface::Unit,
     "b",
     [](const UnitView& view, ValueSink& sink) { sink.boolean(view.record.unit.built_in); }},
    {"PropagatesReloadTo", Interface::Unit, "as", related<Relation::PropagatesReloadTo>},
    {"PropagatesStopTo", Interface::Unit, "as", related<Relation::PropagatesStopTo>},
    {"Refs", Interface::Unit, "as", no_strings},
    {"ReloadPropagatedFrom", Interface::Unit, "as", related<Relation::ReloadPropagatedFrom>},
    {"RequiredBy", Interface::Unit, "as", related<Relation::RequiredBy>},
    {"Requires", Interface::Unit, "as", related<Relation::Requires>},
    {"Requisite", Interface::Unit, "as", related<Relation::Requisite>},
    {"RequisiteOf", Interface::Unit, "as", related<Relation::RequisiteOf>},
    {"SliceOf", Interface::Unit, "as", no_strings},
    {"StateChangeTimestamp", Interface::Unit, "t", realtime<&UnitRecord::state_change>, told},
    {"StateChangeTimestampMonotonic",
     Interface::Unit,
     "t",
     monotonic<&UnitRecord::state_change>,
     told},
    {"StopPropagatedFrom", Interface::Unit, "as", related<Relation::StopPropagatedFrom>},
    {"SubState",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(sub_state(view.record)); },
     told},
    {"Transient",
     Interface::Unit,
     "b",
     [](const UnitView& view, ValueSink& sink) { sink.boolean(view.record.unit.transient); }},
    {"TriggeredBy", Interface::Unit, "as", related<Relation::TriggeredBy>},
    {"Triggers", Interface::Unit, "as", related<Relation::Triggers>},
    {"UnitFilePreset",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(view.live.unit_file_preset); }},
    {"UnitFileState",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(view.live.unit_file_state); }},
    {"UpheldBy", Interface::Unit, "as", related<Relation::UpheldBy>},
    {"Upholds", Interface::Unit, "as", related<Relation::Upholds>},
    {"WantedBy", Interface::Unit, "as", related<Relation::WantedBy>},
    {"Wants", Interface::Unit, "as", related<Relation::Wants>},
});
static_assert(fields::sorted(rows));

}  // namespace

namespace fields {

std::span<const RuntimeField> unit_fields() {
    return rows;
}

void write_unbuilt(
    const UnitView& view, ValueSink& sink, std::string_view directive, std::string_view preset) {
    for (const RefusedDirective& refused : view.record.unit.settings.refused) {
        if (refused.name == directive) {
            return sink.string(refused.value);
        }
    }
    sink.string(preset);
}

}  // namespace fields

std::span<const RuntimeField> runtime_fields() {
    static const std::vector<RuntimeField> all = [] {
        std::vector<RuntimeField> joined(
            fields::unit_fields().begin(), fields::unit_fields().end());
        joined.insert(
            joined.end(), fields::service_fields().begin(), fields::service_fields().end());
        for (const Interface other :
             {Interface::Slice,
              Interface::Scope,
              Interface::Mount,
              Interface::Swap,
              Interface::Socket}) {
            for (const RuntimeField& field : fields::service_fields()) {
                const bool ends = other != Interface::Slice && field.name == "Result";
                const bool runs = other != Interface::Slice && other != Interface::Scope &&
                                  field.name == "ControlPID";
                if (fields::is_of_cgroup(field.name) || ends || runs) {
                    joined.push_back(field);
                    joined.back().interface = other;
                }
            }
            for (const RuntimeField& field : fields::trigger_fields()) {
                if (field.interface == other) {
                    joined.push_back(field);
                }
            }
        }
        for (const Interface other : {Interface::Timer, Interface::Path, Interface::Automount}) {
            std::ranges::copy_if(
                fields::trigger_fields(), std::back_inserter(joined), [&](const auto& field) {
                    return field.interface == other;
                });
        }
        std::ranges::stable_sort(joined, [](const RuntimeField& a, const RuntimeField& b) {
            return a.interface != b.interface ? a.interface < b.interface : a.name < b.name;
        });
        return joined;
    }();
    return all;
}

}  // namespace hearth
