// SPDX-License-Identifier: MIT
//
// The comparisons that several conditions are made of: versions, numbers, sizes, patterns. Used by
// units/conditions.cpp alone.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "units/conditions.hpp"

namespace hearth {

/// `>= 4`, `<2`, `4`: an operator and a number.
[[nodiscard]] bool number_holds(std::string_view parameter, std::uint64_t fact);
/// The same with a size: `> 1G`.
[[nodiscard]] bool size_holds(std::string_view parameter, std::uint64_t fact);
/// Words that must all hold of a version: `>= 5.14`, or a pattern: `6.1*`.
[[nodiscard]] bool versions_hold(std::string_view parameter, std::string_view fact);
/// `ID=debian`, `VERSION_ID >= 12`: words that must all hold.
[[nodiscard]] bool os_release_holds(
    std::string_view parameter, const std::map<std::string, std::string>& fact);
/// `30%`, `heat.slice:10%/1min`: the pressure is at most that.
[[nodiscard]] bool pressure_holds(
    std::string_view resource, std::string_view parameter, const ConditionFacts& facts);
/// Where that pressure is read: "cpu", "io:heat.slice".
[[nodiscard]] std::string pressure_source(std::string_view resource, std::string_view parameter);
[[nodiscard]] bool firmware_holds(const std::string& parameter, const ConditionFacts& facts);

/// `*`, `?`, `[...]` as in glob(7), without regard to `/`.
[[nodiscard]] bool glob_matches(
    std::string_view pattern, std::string_view text, bool ignore_case = false);

/// Below, at or above 0, by the rules of version strings: `~` sorts before all, digits as numbers.
[[nodiscard]] int compare_versions(std::string_view left, std::string_view right);

}  // namespace hearth
