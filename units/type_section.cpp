// SPDX-License-Identifier: MIT
#include "units/type_section.hpp"

#include <algorithm>
#include <array>

namespace hearth {

namespace {

/// systemd.slice(5): [Slice] has the directives of systemd.resource-control(5) alone.
bool is_of_slice(const Row& row) {
    return row.context == Context::Resources && row.name != "Slice" &&
           !row.name.starts_with("Delegate") && !row.name.starts_with("MemoryPressure");
}

/// systemd.scope(5): resource control and kill, and what ends it by time.
bool is_of_scope(const Row& row) {
    constexpr auto own = std::to_array<std::string_view>({"RuntimeMaxSec", "TimeoutStopSec"});
    return row.context == Context::Resources || row.context == Context::Kill ||
           std::ranges::count(own, row.name) > 0;
}

/// systemd.mount(5), systemd.swap(5), systemd.socket(5): how the commands are run.
bool has_commands(const Row& row) {
    switch (row.context) {
        case Context::Exec:
        case Context::Sandbox:
        case Context::Kill:
        case Context::Resources:
            return true;
        case Context::Unit:
        case Context::Install:
        case Context::Service:
        case Context::Hearth:
        case Context::Mount:
        case Context::Timer:
        case Context::Path:
        case Context::Automount:
        case Context::Swap:
        case Context::Socket:
            return false;
    }
    return false;
}

}  // namespace

bool is_shared_with(UnitType type, const Row& row) {
    switch (type) {
        case UnitType::Service:
            return true;
        case UnitType::Slice:
            return is_of_slice(row);
        case UnitType::Scope:
            return is_of_scope(row);
        case UnitType::Mount:
        case UnitType::Swap:
        case UnitType::Socket:
            return has_commands(row);
        case UnitType::Target:
        case UnitType::Device:
        case UnitType::Automount:
        case UnitType::Timer:
        case UnitType::Path:
            return false;
    }
    return false;
}

std::string own_section(UnitType type) {
    std::string section(name(type));
    section.front() = static_cast<char>(section.front() - 'a' + 'A');
    return section;
}

std::span<const Row> own_rows(UnitType type) {
    switch (type) {
        case UnitType::Mount:
            return mount_rows();
        case UnitType::Timer:
            return timer_rows();
        case UnitType::Path:
            return path_rows();
        case UnitType::Automount:
            return automount_rows();
        case UnitType::Swap:
            return swap_rows();
        case UnitType::Socket:
            return socket_rows();
        case UnitType::Service:
        case UnitType::Slice:
        case UnitType::Scope:
        case UnitType::Target:
        case UnitType::Device:
            return {};
    }
    return {};
}

bool is_built(UnitType type) {
    switch (type) {
        case UnitType::Service:
        case UnitType::Slice:
        case UnitType::Scope:
        case UnitType::Target:
        case UnitType::Mount:
        case UnitType::Swap:
        case UnitType::Automount:
        case UnitType::Timer:
        case UnitType::Path:
        case UnitType::Socket:
            return true;
        case UnitType::Device:
            return false;
    }
    return false;
}

const Row* find_row(UnitType type, std::string_view section, std::string_view key) {
    const bool of_service = section == name(Section::Service);
    if (type == UnitType::Service || (!of_service && section != own_section(type))) {
        return find_row(section, key);
    }
    if (of_service) {
        return nullptr;
    }
    const auto own = std::ranges::find(own_rows(type), key, &Row::name);
    if (own != own_rows(type).end()) {
        return &*own;
    }
    const Row* const row = find_row(name(Section::Service), key);
    return row != nullptr && is_shared_with(type, *row) ? row : nullptr;
}

PlacedRow place_row(UnitType type, std::string_view directive) {
    for (const std::string& section :
         {own_section(type),
          std::string(name(Section::Unit)),
          std::string(name(Section::Hearth))}) {
        if (const Row* const row = find_row(type, section, directive)) {
            return {row, section};
        }
    }
    return {};
}

}  // namespace hearth
