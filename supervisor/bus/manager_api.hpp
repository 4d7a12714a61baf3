// SPDX-License-Identifier: MIT
//
// The parts of the manager object's vtable, one file each: methods, lists, properties. Entries live
// as long as the process. Internal to this folder.
#pragma once

#include <systemd/sd-bus.h>

#include <span>

namespace hearth::bus {

[[nodiscard]] std::span<const sd_bus_vtable> manager_methods();
/// The environment, dump, jobs with what they pull in, and what only a machine's manager does.
[[nodiscard]] std::span<const sd_bus_vtable> manager_state_methods();
[[nodiscard]] std::span<const sd_bus_vtable> list_methods();
[[nodiscard]] std::span<const sd_bus_vtable> unit_file_methods();
[[nodiscard]] std::span<const sd_bus_vtable> manager_properties();

}  // namespace hearth::bus
