// SPDX-License-Identifier: MIT
#include "units/directive.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>

#include "parser/edit_distance.hpp"

namespace hearth {

namespace {

constexpr std::array sections = {
    Section::Unit, Section::Service, Section::Install, Section::Hearth};

using Index = std::unordered_map<std::string_view, const Row*>;

std::size_t position(Section section) {
    return static_cast<std::size_t>(section);
}

/// Rows by name, for each section: made at the first lookup; loading looks up each assignment.
const std::array<Index, sections.size()>& index() {
    static const std::array<Index, sections.size()> made = [] {
        std::array<Index, sections.size()> rows;
        for (const std::span<const Row> table : service_tables()) {
            for (const Row& row : table) {
                rows[position(row.section)].emplace(row.name, &row);
            }
        }
        return rows;
    }();
    return made;
}

std::optional<Section> section_of(std::string_view text) {
    for (const Section section : sections) {
        if (name(section) == text) {
            return section;
        }
    }
    return std::nullopt;
}

const Row* find_row(Section section, std::string_view key) {
    const Index& rows = index()[position(section)];
    const auto found = rows.find(key);
    return found != rows.end() ? found->second : nullptr;
}

std::vector<std::string_view> names_of(Section section) {
    std::vector<std::string_view> names;
    for (const auto& [row_name, row] : index()[position(section)]) {
        names.push_back(row_name);
    }
    std::ranges::sort(names);  // so that of two equally near ones it is always the same
    return names;
}

std::string with_section(Section section, std::string_view key) {
    return "[" + std::string(name(section)) + "] " + std::string(key);
}

}  // namespace

std::string_view name(Section section) {
    switch (section) {
        case Section::Unit:
            return "Unit";
        case Section::Service:
            return "Service";
        case Section::Install:
            return "Install";
        case Section::Hearth:
            return "X-Hearth";
        case Section::Mount:
            return "Mount";
        case Section::Timer:
            return "Timer";
        case Section::Path:
            return "Path";
        case Section::Automount:
            return "Automount";
        case Section::Swap:
            return "Swap";
        case Section::Socket:
            return "Socket";
    }
    return "unknown";
}

std::span<const OldName> old_names() {
    static constexpr auto names = std::to_array<OldName>({
        {"BlockIOAccounting", "IOAccounting"},
        {"BlockIODeviceWeight", "IODeviceWeight"},
        {"BlockIOReadBandwidth", "IOReadBandwidthMax"},
        {"BlockIOWeight", "IOWeight"},
        {"BlockIOWriteBandwidth", "IOWriteBandwidthMax"},
        {"CPUShares", "CPUWeight"},
        {"InaccessibleDirectories", "InaccessiblePaths"},
        {"MemoryLimit", "MemoryMax"},
        {"ReadOnlyDirectories", "ReadOnlyPaths"},
        {"ReadWriteDirectories", "ReadWritePaths"},
        {"StartLimitInterval", "StartLimitIntervalSec"},
        {"StartupBlockIOWeight", "StartupIOWeight"},
        {"StartupCPUShares", "StartupCPUWeight"},
        {"TimeoutSec", "TimeoutStartSec"},
        {"TimeoutSec", "TimeoutStopSec"},
    });
    return names;
}

std::string_view present_name(std::string_view directive) {
    const auto names = old_names();
    const auto found = std::ranges::find(names, directive, &OldName::old_name);
    return found == names.end() ? directive : found->present;
}

std::span<const std::span<const Row>> service_tables() {
    static const std::array<std::span<const Row>, 15> tables = {
        unit_rows(),
        condition_rows(),
        install_rows(),
        service_rows(),
        kill_rows(),
        exec_rows(),
        scheduling_rows(),
        terminal_rows(),
        directory_rows(),
        sandbox_rows(),
        namespace_rows(),
        root_rows(),
        resource_rows(),
        hearth_rows(),
        refused_rows()};
    return tables;
}

const Row* find_row(std::string_view section, std::string_view key) {
    const std::optional<Section> known = section_of(section);
    return known ? find_row(*known, key) : nullptr;
}

const Row* find_row(std::string_view key) {
    // [Service] first: an old name there (StartLimitBurst=) means the same as in its new place.
    for (const Section section :
         {Section::Service, Section::Unit, Section::Hearth, Section::Install}) {
        if (const Row* const row = find_row(section, key)) {
            return row;
        }
    }
    return nullptr;
}

std::string suggestion(std::string_view section, std::string_view key) {
    const std::optional<Section> here = section_of(section);
    for (const Section other : sections) {
        if (other != here && find_row(other, key) != nullptr) {
            return with_section(other, key);
        }
    }
    if (here) {
        if (const auto near = closest(key, names_of(*here))) {
            return std::string(*near);
        }
    }
    for (const Section other : sections) {
        if (other == here) {
            continue;
        }
        if (const auto near = closest(key, names_of(other))) {
            return with_section(other, *near);
        }
    }
    return {};
}

}  // namespace hearth
