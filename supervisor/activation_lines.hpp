// SPDX-License-Identifier: MIT
//
// The lines of a state file that are not about the engine: what an activation holds in the world.
// Values are lists: entries separated by "; ", each of words separated by a space, in which spaces
// and the like are escaped. Namespaces are not among them, but found again at the main process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/launch/launcher.hpp"
#include "units/state.hpp"

namespace hearth {

/// Takes the value of `key` out; empty where there is none.
[[nodiscard]] std::string take(StateLines& lines, std::string_view key);
/// An empty value is left out.
void put(StateLines& lines, const std::string& key, const std::string& value);
/// 0 where it is none.
[[nodiscard]] std::uint64_t number(std::string_view text);

[[nodiscard]] std::vector<std::vector<std::string>> entries(const std::string& line);
void append(std::string& line, const std::vector<std::string>& words);

/// Prefixes of what is being removed, and of what a restart that is to come finds again.
inline constexpr const char* leaving = "leaving-";
inline constexpr const char* preserved = "preserved-";

/// `prefix` before each key tells several activations of a unit apart: "leaving-".
[[nodiscard]] StateLines lines_of(
    const launch::Activation& activation, const std::string& prefix = {});
/// Takes its lines out.
[[nodiscard]] launch::Activation activation_of(StateLines& lines, const std::string& prefix = {});

/// Takes out all that a supervisor writes; what remains is a newer version's.
void take_known(StateLines& lines);

/// Opens the namespaces that the activation's commands share, at the process that is in them.
void find_namespaces(launch::Activation& activation, const launch::Plan& plan, pid_t main);
/// The private directories that a launch with that mark made before it could tell.
void find_directories(
    launch::Activation& activation, const launch::Plan& plan, const std::string& mark);

}  // namespace hearth
