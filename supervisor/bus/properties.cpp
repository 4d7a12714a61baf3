// SPDX-License-Identifier: MIT
#include "supervisor/bus/properties.hpp"

#include "supervisor/bus/vtable.hpp"
#include "units/type_section.hpp"

namespace hearth::bus {

Interface interface_of(Context context) {
    return context == Context::Unit || context == Context::Install ? Interface::Unit
                                                                   : Interface::Service;
}

namespace {

bool is_shown_on(Interface interface, const Row& row) {
    switch (interface) {
        case Interface::Unit:
        case Interface::Service:
            return interface_of(row.context) == interface;
        case Interface::Slice:
            return row.context == Context::Resources && row.name != "Slice";
        case Interface::Scope:
            return is_shared_with(UnitType::Scope, row);
        case Interface::Mount:
            return row.context == Context::Mount || is_shared_with(UnitType::Mount, row);
        case Interface::Swap:
            return row.context == Context::Swap || is_shared_with(UnitType::Swap, row);
        case Interface::Socket:
            return row.context == Context::Socket || is_shared_with(UnitType::Socket, row);
        case Interface::Timer:
            return row.context == Context::Timer;
        case Interface::Path:
            return row.context == Context::Path;
        case Interface::Automount:
            return row.context == Context::Automount;
    }
    return false;
}

}  // namespace

PropertyTable::PropertyTable(
    std::span<const std::span<const Row>> rows,
    std::span<const RuntimeField> fields,
    Interface interface,
    sd_bus_property_get_t getter,
    std::span<const sd_bus_vtable> members) {
    entries_.push_back(start());
    entries_.insert(entries_.end(), members.begin(), members.end());
    for (const RuntimeField& field : fields) {
        if (field.interface == interface) {
            add(field.name, field.signature, {.field = &field}, field.emits_change, getter);
        }
    }
    for (const std::span<const Row> table : rows) {
        for (const Row& row : table) {
            if (row.context == Context::Hearth || !is_shown_on(interface, row)) {
                continue;
            }
            for (const Property& each : row.properties) {
                add(each.name, each.signature, {.setting = each.write}, false, getter);
            }
        }
    }
    changing_.push_back(nullptr);
    entries_.push_back(end());
}

void PropertyTable::add(
    std::string_view name,
    const char* signature,
    PropertySource source,
    bool emits_change,
    sd_bus_property_get_t getter) {
    if (sources_.contains(name)) {
        return;
    }
    names_.push_back(std::make_unique<std::string>(name));
    std::string& stable = *names_.back();
    sources_.emplace(stable, source);
    constexpr std::uint64_t changing = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;
    entries_.push_back(property(stable.c_str(), signature, getter, emits_change ? changing : 0));
    if (emits_change) {
        changing_.push_back(stable.data());
    }
}

const PropertySource* PropertyTable::find(std::string_view name) const {
    const auto found = sources_.find(name);
    return found == sources_.end() ? nullptr : &found->second;
}

}  // namespace hearth::bus
