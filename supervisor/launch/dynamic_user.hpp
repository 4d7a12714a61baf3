// SPDX-License-Identifier: MIT
//
// DynamicUser=: the name and the numbers that a dynamic user may have. Pure; who holds which number
// is supervisor/dynamic_users' business. The numbers are systemd's own range, 61184 to 65519.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "units/unit.hpp"

namespace hearth::launch {

inline constexpr std::uint32_t first_dynamic_uid = 61184, last_dynamic_uid = 65519;

[[nodiscard]] constexpr bool is_dynamic_uid(std::uint32_t uid) {
    return uid >= first_dynamic_uid && uid <= last_dynamic_uid;
}

/// User=, else Group=, else the unit's name without its type where that is a name for a user, else
/// one made from its hash.
[[nodiscard]] std::string dynamic_user_name(const Unit& unit);

/// The number that the name gets first; further attempts walk through the range.
[[nodiscard]] std::uint32_t dynamic_uid_candidate(std::string_view name, std::uint32_t attempt);

}  // namespace hearth::launch
