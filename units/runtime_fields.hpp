// SPDX-License-Identifier: MIT
//
// The live properties of a unit: what is not a directive but what systemd shows (ExecMainPID,
// timestamps, NRestarts, Result ...). One table; GetAll, PropertiesChanged, `show` and the state
// files are loops over it and over the directive tables. Names, types and "unset" values are those
// of org.freedesktop.systemd1(5): an unknown counter is UINT64_MAX, never 0.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "parser/value_sink.hpp"
#include "units/resource_usage.hpp"
#include "units/world.hpp"

namespace hearth {

/// Facts that only the supervisor can know, read when somebody asks.
struct LiveFacts {
    std::string control_group;  ///< "/hearth/system.slice/heat.service", empty while there is none
    ResourceUsage usage;        ///< after the end: its final figures
    LimitHits limit_hits;
    bool can_freeze = false;
    /// "running", "frozen", or "freezing" while some process hasn't stopped yet.
    std::string freezer_state = "running";
    bool files_changed = false;                     ///< since they were loaded: NeedDaemonReload
    std::string unit_file_state, unit_file_preset;  ///< "static", "disabled" ...
    std::uint64_t effective_memory_max = UINT64_MAX,
                  effective_tasks_max = UINT64_MAX;    ///< shares resolved to numbers
    std::uint32_t uid = UINT32_MAX, gid = UINT32_MAX;  ///< of User=, resolved
    /// What is mounted there, by the kernel's word.
    struct Mounted {
        std::string what, type, options;
    };
    std::optional<Mounted> mounted;
    std::optional<std::int32_t> swap_priority;
};

struct UnitView {
    const World& world;
    const UnitRecord& record;
    const LiveFacts& live;
};

/// org.freedesktop.systemd1.Unit, .Service, .Slice, .Scope, .Mount ...
enum class Interface : std::uint8_t {
    Unit,
    Service,
    Slice,
    Scope,
    Mount,
    Swap,
    Socket,
    Timer,
    Path,
    Automount
};

struct RuntimeField {
    std::string_view name;
    Interface interface{};
    const char* signature = nullptr;
    void (*write)(const UnitView&, ValueSink&) = nullptr;
    bool emits_change = false;  ///< told by PropertiesChanged at each transition
};

/// Sorted by interface, then name. Includes the ExecStart= family ("a(sasbttttuii)") and its Ex
/// twins, dependency lists, and constants that systemctl needs (Following, Names, CanStart ...).
[[nodiscard]] std::span<const RuntimeField> runtime_fields();

}  // namespace hearth
