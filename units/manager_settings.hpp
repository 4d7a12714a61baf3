// SPDX-License-Identifier: MIT
//
// What the manager itself is told by files: [Manager] of systemd-system.conf(5), and hearth's own
// [X-Hearth] beside it. Each setting is one row, like a directive of a unit (units/directive.hpp):
//
//   Default   a line that stands before the first one of every unit's own file: DefaultTasksMax=15%
//             is TasksMax=15%, at its line in system.conf. So it is read, refused, shown and
//             verified as if the unit said it, and the unit's own assignment wins.
//   Passed    what commands are given beside what their units say
//   Own       about hearthd; services inherit what the kernel hands down
//   NoEffect  understood, and without an effect here, for the reason beside it
//
// A bad value is told with its file and line, and what was there before stays: a slip in this file
// must not keep a machine's units from starting. Pure: reading files is the supervisor's business.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parser/specifiers.hpp"
#include "parser/unit_file.hpp"
#include "units/directive.hpp"
#include "units/machine_settings.hpp"
#include "units/unit_name.hpp"

namespace hearth {

struct ManagerSettings;

struct ManagerRow {
    enum class Kind : std::uint8_t { Default, Passed, Own, NoEffect };
    std::string_view name;
    bool of_hearth = false;  ///< in [X-Hearth], not in [Manager]
    Kind kind = Kind::NoEffect;
    std::string_view summary;  ///< a sentence; of NoEffect: why it has none
    std::string_view sample;
    /// The unit's directive that reads the value, and its section; empty: `choices` does.
    Section section = Section::Service;
    std::string_view directive = {};
    std::optional<std::string> ManagerSettings::* choice = nullptr;
    std::span<const std::string_view> choices = {};
    Assigned (*machine)(MachineSettings&, const std::string&) = nullptr;  ///< reads it, where set
    bool (*of_type)(UnitType) = nullptr;  ///< Default: the types that it is for; null: all
};

/// All rows, [Manager] first, sorted by name within a section.
[[nodiscard]] std::span<const ManagerRow> manager_rows();

/// One Default...= that was written, to be read before a unit's own lines.
struct UnitDefault {
    const ManagerRow* row = nullptr;
    Assignment assignment;  ///< its key is the unit's directive, its place the manager's file
    bool operator==(const UnitDefault&) const = default;
};

struct ManagerSettings {
    std::vector<UnitDefault> defaults;
    Settings units;  ///< what a service has that says nothing; its environment: what is passed
    Settings own;    ///< hearthd's own environment, capabilities, no_new_privileges
    MachineSettings machine;
    std::optional<std::string> log_level, show_status, systemd_compat, bus_access, confinement;
    Diagnostics diagnostics;
};

struct ManagerFile {
    std::string path, text;
};

/// Files in the order in which they apply; later assignments win.
[[nodiscard]] ManagerSettings read_manager_settings(
    std::span<const ManagerFile> files, const SpecifierTable& specifiers);

/// A property of the manager object that a Default row stands for: "DefaultLimitCPUSoft".
struct DefaultProperty {
    std::string name;
    const Property* property = nullptr;
};
[[nodiscard]] const std::vector<DefaultProperty>& default_properties();

}  // namespace hearth
