// SPDX-License-Identifier: MIT
#include "units/trigger.hpp"

#include <array>

#include "units/restart_policy.hpp"
#include "units/unit_name.hpp"

namespace hearth {

std::string triggered_unit(const Unit& unit) {
    const auto same_name = [&](const char* type) {
        return unit.name.substr(0, unit.name.rfind('.')) + type;
    };
    const Settings& settings = unit.settings;
    switch (unit_type(unit.name)) {
        case UnitType::Timer:
            return settings.timer.unit.empty() ? same_name(".service") : settings.timer.unit;
        case UnitType::Path:
            return settings.path.unit.empty() ? same_name(".service") : settings.path.unit;
        case UnitType::Automount:
            return same_name(".mount");
        case UnitType::Socket:
            if (settings.socket.accept) {
                return {};
            }
            return settings.socket.service.empty() ? same_name(".service")
                                                   : settings.socket.service;
        default:
            return {};
    }
}

std::optional<StartRefusal> begin_start(
    UnitRecord& record,
    const UnitRecord* triggered,
    std::string_view kind,
    std::uint64_t now,
    Outcome& outcome) {
    if (triggered == nullptr || triggered->unit.load_state != LoadState::Loaded) {
        return StartRefusal{
            ServiceResult::Resources,
            triggered_unit(record.unit) + ", its " + std::string(kind) + ", is not loaded"};
    }
    if (!within_start_limit(record.unit, record.status, now)) {
        act_on_start_limit(record.unit, outcome);
        return StartRefusal{ServiceResult::StartLimitHit, "start limit hit"};
    }
    count_start(record.unit, record.status, now);
    record.status.result = ServiceResult::Success;
    return std::nullopt;
}

std::uint64_t wake_within(std::uint64_t from, std::uint64_t accuracy, std::uint64_t shift) {
    if (accuracy > UINT64_MAX - from) {
        return from;
    }
    const std::uint64_t last = from + accuracy;
    constexpr auto steps =
        std::to_array<std::uint64_t>({60'000'000, 10'000'000, 1'000'000, 250'000});
    for (const std::uint64_t step : steps) {
        const std::uint64_t offset = shift % step;
        if (last < offset) {
            continue;
        }
        const std::uint64_t point = (last - offset) / step * step + offset;
        if (point >= from) {
            return point;
        }
    }
    return last;
}

std::uint64_t fixed_number(std::uint64_t machine, const std::string& name) {
    // FNV-1a, stirred once more: neighbours must not get neighbouring numbers.
    std::uint64_t hash = 0xcbf29ce484222325U ^ machine;
    for (const char byte : name) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
    }
    hash ^= hash >> 33U;
    hash *= 0xff51afd7ed558ccdU;
    return hash ^ hash >> 33U;
}

}  // namespace hearth
