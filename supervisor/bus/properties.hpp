// SPDX-License-Identifier: MIT
//
// The properties of units, derived: directive rows and runtime fields become sd-bus vtable entries
// when the server starts, all behind one getter. No property name is written down here. Where a row
// and a runtime field have the same name, the field wins (it knows the running state).
//
// The tables live as long as the process: sd-bus keeps pointers into them.
#pragma once

#include <systemd/sd-bus.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "units/directive.hpp"
#include "units/runtime_fields.hpp"

namespace hearth::bus {

/// Where one property's value comes from; exactly one of the two.
struct PropertySource {
    WriteFunction setting = nullptr;
    const RuntimeField* field = nullptr;
};

class PropertyTable {
public:
    /// Entries for one interface, followed by what `members` holds (methods, signals).
    PropertyTable(
        std::span<const std::span<const Row>> rows,
        std::span<const RuntimeField> fields,
        Interface interface,
        sd_bus_property_get_t getter,
        std::span<const sd_bus_vtable> members);  // .Slice: of the rows, those of resource control
    PropertyTable(const PropertyTable&) = delete;
    PropertyTable& operator=(const PropertyTable&) = delete;

    [[nodiscard]] const sd_bus_vtable* vtable() const { return entries_.data(); }
    [[nodiscard]] const PropertySource* find(std::string_view name) const;
    /// Names for sd_bus_emit_properties_changed_strv, null-terminated; empty() where none changes.
    [[nodiscard]] char** changing() const { return const_cast<char**>(changing_.data()); }
    [[nodiscard]] bool any_changing() const { return changing_.size() > 1; }

private:
    void add(
        std::string_view name,
        const char* signature,
        PropertySource source,
        bool emits_change,
        sd_bus_property_get_t getter);

    std::vector<std::unique_ptr<std::string>> names_;  // sd-bus wants NUL-terminated, stable
    std::unordered_map<std::string_view, PropertySource> sources_;
    std::vector<sd_bus_vtable> entries_;
    std::vector<char*> changing_;
};

/// Rows whose properties stand on `interface`: [Unit] on Unit, what a service adds on Service.
[[nodiscard]] Interface interface_of(Context context);

}  // namespace hearth::bus
