// SPDX-License-Identifier: MIT
#include "units/runtime_fields.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

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
void no(const UnitView&, ValueSink& sink) {
    sink.boolean(false);
}
void unlimited(const UnitView&, ValueSink& sink) {
    sink.unsigned64(UINT64_MAX);
}

/// Condition*= and Assert*= are not built yet: a unit that has any is refused.
void no_conditions(const UnitView&, ValueSink& sink) {
    sink.open_array("(sbbsi)");
    sink.close_array();
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

using List = UnitNames UnitSettings::*;

void add(std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) {
        names.push_back(name);
    }
}

/// The units whose list names this one.
void add_reverse(const UnitView& view, List list, std::vector<std::string>& names) {
    for (const auto& [name, other] : view.world.units) {
        const auto& listed = (other.unit.settings.unit.*list).names;
        if (std::ranges::find(listed, view.record.unit.name) != listed.end()) {
            add(names, name);
        }
    }
}

template <List list>
void own(const UnitView& view, ValueSink& sink) {
    sink.strings((view.record.unit.settings.unit.*list).names);
}

template <List list>
void reverse(const UnitView& view, ValueSink& sink) {
    std::vector<std::string> names;
    add_reverse(view, list, names);
    sink.strings(names);
}

/// After= here is Before= there.
template <List list, List opposite>
void ordered(const UnitView& view, ValueSink& sink) {
    std::vector<std::string> names = (view.record.unit.settings.unit.*list).names;
    add_reverse(view, opposite, names);
    sink.strings(names);
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
     [](const UnitView&, ValueSink& sink) {
         sink.open_array("(ss)");
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
    {"After", Interface::Unit, "as", ordered<&UnitSettings::after, &UnitSettings::before>},
    {"AllowIsolate", Interface::Unit, "b", no},
    {"AssertResult",
     Interface::Unit,
     "b",
     [](const UnitView& view, ValueSink& sink) {
         sink.boolean(view.record.status.condition_asked != Moment{});
     },
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
    {"Asserts", Interface::Unit, "a(sbbsi)", no_conditions},
    {"Before", Interface::Unit, "as", ordered<&UnitSettings::before, &UnitSettings::after>},
    {"BindsTo", Interface::Unit, "as", no_strings},
    {"BoundBy", Interface::Unit, "as", no_strings},
    {"CanClean", Interface::Unit, "as", cleanable},
    {"CanFreeze", Interface::Unit, "b", no},
    {"CanIsolate", Interface::Unit, "b", no},
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
         sink.boolean(!view.record.unit.settings.unit.refuse_manual_stop);
     }},
    {"CollectMode",
     Interface::Unit,
     "s",
     [](const UnitView&, ValueSink& sink) { sink.string("inactive"); }},
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
    {"Conditions", Interface::Unit, "a(sbbsi)", no_conditions},
    {"ConflictedBy", Interface::Unit, "as", reverse<&UnitSettings::conflicts>},
    {"Conflicts", Interface::Unit, "as", own<&UnitSettings::conflicts>},
    {"ConsistsOf", Interface::Unit, "as", no_strings},
    {"DropInPaths",
     Interface::Unit,
     "as",
     [](const UnitView& view, ValueSink& sink) { sink.strings(view.record.unit.drop_in_paths); }},
    {"FailureAction", Interface::Unit, "s", fields::unbuilt<"FailureAction", "none">},
    {"FailureActionExitStatus",
     Interface::Unit,
     "i",
     [](const UnitView&, ValueSink& sink) { sink.signed32(-1); }},
    {"Following", Interface::Unit, "s", empty_string},
    {"FragmentPath",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(view.record.unit.fragment_path); }},
    {"FreezerState",
     Interface::Unit,
     "s",
     [](const UnitView&, ValueSink& sink) { sink.string("running"); },
     told},
    {"Id",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(view.record.unit.name); }},
    {"IgnoreOnIsolate", Interface::Unit, "b", no},
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
    {"JobRunningTimeoutUSec", Interface::Unit, "t", unlimited},
    {"JobTimeoutAction", Interface::Unit, "s", fields::unbuilt<"JobTimeoutAction", "none">},
    {"JobTimeoutRebootArgument", Interface::Unit, "s", empty_string},
    {"JobTimeoutUSec", Interface::Unit, "t", unlimited},
    {"LoadError", Interface::Unit, "(ss)", write_load_error},
    {"LoadState",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(name(view.record.unit.load_state)); },
     told},
    {"Markers", Interface::Unit, "as", no_strings},
    {"Names",
     Interface::Unit,
     "as",
     [](const UnitView& view, ValueSink& sink) { sink.strings({&view.record.unit.name, 1}); }},
    {"NeedDaemonReload",
     Interface::Unit,
     "b",
     [](const UnitView& view,
        ValueSink&
            sink) { sink.boolean(view.record.need_daemon_reload || view.live.files_changed); }},
    {"OnFailure", Interface::Unit, "as", no_strings},
    {"OnFailureJobMode",
     Interface::Unit,
     "s",
     [](const UnitView&, ValueSink& sink) { sink.string("replace"); }},
    {"OnFailureOf", Interface::Unit, "as", no_strings},
    {"OnSuccess", Interface::Unit, "as", no_strings},
    {"OnSuccessJobMode",
     Interface::Unit,
     "s",
     [](const UnitView&, ValueSink& sink) { sink.string("fail"); }},
    {"OnSuccessOf", Interface::Unit, "as", no_strings},
    {"PartOf", Interface::Unit, "as", no_strings},
    {"Perpetual", Interface::Unit, "b", no},
    {"PropagatesReloadTo", Interface::Unit, "as", no_strings},
    {"PropagatesStopTo", Interface::Unit, "as", no_strings},
    {"RebootArgument", Interface::Unit, "s", empty_string},
    {"Refs", Interface::Unit, "as", no_strings},
    {"ReloadPropagatedFrom", Interface::Unit, "as", no_strings},
    {"RequiredBy", Interface::Unit, "as", reverse<&UnitSettings::requires_>},
    {"Requires", Interface::Unit, "as", own<&UnitSettings::requires_>},
    {"RequiresMountsFor", Interface::Unit, "as", no_strings},
    {"Requisite", Interface::Unit, "as", no_strings},
    {"RequisiteOf", Interface::Unit, "as", no_strings},
    {"SliceOf", Interface::Unit, "as", no_strings},
    {"SourcePath", Interface::Unit, "s", empty_string},
    {"StartLimitAction", Interface::Unit, "s", fields::unbuilt<"StartLimitAction", "none">},
    {"StateChangeTimestamp", Interface::Unit, "t", realtime<&UnitRecord::state_change>, told},
    {"StateChangeTimestampMonotonic",
     Interface::Unit,
     "t",
     monotonic<&UnitRecord::state_change>,
     told},
    {"StopPropagatedFrom", Interface::Unit, "as", no_strings},
    {"StopWhenUnneeded", Interface::Unit, "b", no},
    {"SubState",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(name(view.record.status.state)); },
     told},
    {"SuccessAction", Interface::Unit, "s", fields::unbuilt<"SuccessAction", "none">},
    {"SuccessActionExitStatus",
     Interface::Unit,
     "i",
     [](const UnitView&, ValueSink& sink) { sink.signed32(-1); }},
    {"Transient", Interface::Unit, "b", no},
    {"TriggeredBy", Interface::Unit, "as", no_strings},
    {"Triggers", Interface::Unit, "as", no_strings},
    {"UnitFilePreset", Interface::Unit, "s", empty_string},
    {"UnitFileState",
     Interface::Unit,
     "s",
     [](const UnitView& view, ValueSink& sink) { sink.string(view.live.unit_file_state); }},
    {"UpheldBy", Interface::Unit, "as", no_strings},
    {"Upholds", Interface::Unit, "as", no_strings},
    {"WantedBy", Interface::Unit, "as", reverse<&UnitSettings::wants>},
    {"Wants", Interface::Unit, "as", own<&UnitSettings::wants>},
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
        return joined;
    }();
    return all;
}

}  // namespace hearth
