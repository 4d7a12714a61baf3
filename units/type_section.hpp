// SPDX-License-Identifier: MIT
//
// Which section is a unit type's own, and which directives stand in it: [Slice], [Scope],
// [Mount], [Swap] and [Socket] share rows with [Service] (systemd.resource-control(5),
// systemd.kill(5), systemd.exec(5)), so a row says where it stands in a service's file and this
// says where else. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "units/directive.hpp"
#include "units/unit_name.hpp"

namespace hearth {

/// "Slice" for UnitType::Slice.
[[nodiscard]] std::string own_section(UnitType type);

/// Whether units of that type have what a row of [Service] says.
[[nodiscard]] bool is_shared_with(UnitType type, const Row& row);

/// The directives that units of that type have in their own section and no service has; a
/// service's are service_tables().
[[nodiscard]] std::span<const Row> own_rows(UnitType type);

/// Whether units of that type are built: their own section is read, and they can be started.
[[nodiscard]] bool is_built(UnitType type);

/// The row of `key` in [section] of a unit of that type, or null.
[[nodiscard]] const Row* find_row(UnitType type, std::string_view section, std::string_view key);

/// The row of a directive of that type by its name alone, with the section that it is written in;
/// a null row where there is none. [Install] has none of them.
struct PlacedRow {
    const Row* row = nullptr;
    std::string section;
};
[[nodiscard]] PlacedRow place_row(UnitType type, std::string_view directive);

}  // namespace hearth
