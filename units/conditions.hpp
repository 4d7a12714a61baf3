// SPDX-License-Identifier: MIT
//
// ConditionX= and AssertX= (systemd.unit(5), "Conditions and Asserts"): how they are written, what
// must be known of the host to judge them, and the judgement. Pure: a ConditionFacts is gathered by
// the supervisor when the engine asks (engine.hpp, CheckConditions), so a test writes it by hand. A
// condition whose parameter makes no sense, or whose fact is not known, does not hold.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "parser/codec.hpp"
#include "units/types.hpp"

namespace hearth {

/// "ConditionPathExists", without its first word: "PathExists".
[[nodiscard]] std::string_view name(ConditionType type);

/// `|!/path`, taken apart; the parameter is judged as far as a text can be.
[[nodiscard]] Result<Condition, ValueError> read_condition(
    ConditionType type, std::string_view text, const ValueContext& context);
/// One line for each condition of that type, as read_condition() reads it.
[[nodiscard]] std::string format_conditions(
    const std::vector<Condition>& conditions, ConditionType type);
/// "ConditionPathExists=|!/path"
[[nodiscard]] std::string describe(const Condition& condition, bool assert);

/// What one path is; a path that isn't there is all false.
struct PathFact {
    bool exists = false;
    bool directory = false;
    bool symbolic_link = false;
    bool mount_point = false;
    bool writable = false;   ///< on a file system that is mounted read-write
    bool encrypted = false;  ///< on a device-mapper crypt device
    bool not_empty = false;  ///< a directory with entries, a regular file with bytes
    bool executable = false;
    bool operator==(const PathFact&) const = default;
};

/// Pressure stall information of one resource or cgroup: averages in hundredths of a percent.
struct PressureFact {
    std::map<std::string, std::uint32_t> some;  ///< "10sec", "1min", "5min" to permyriad
    bool operator==(const PressureFact&) const = default;
};

struct ConditionFacts {
    std::string architecture;    ///< systemd's word: "x86-64"
    std::string virtualization;  ///< "none", "kvm", "docker" ...
    bool is_container = false;   ///< what `virtualization` names is one
    bool private_users = false;  ///< in a user namespace of its own
    std::string host_name, machine_id, boot_id, kernel_release;
    std::string kernel_command_line;
    std::set<std::string> security;  ///< "apparmor", "tomoyo", "uefi-secureboot" ...
    std::uint64_t bounding_set = 0;
    std::optional<bool> ac_power;  ///< unset: no power supply is known, which counts as mains
    bool first_boot = false;
    std::map<std::string, std::string> os_release;
    std::uint64_t memory_bytes = 0;
    std::uint32_t cpus = 0;
    std::set<std::string> cpu_features;
    std::map<std::string, std::string> environment;
    std::set<std::string> controllers;  ///< of cgroups; "v2" where the tree is unified
    std::set<std::string> credentials;
    std::set<std::string> firmware;  ///< "uefi", "device-tree", "device-tree-compatible(X)"
    std::map<std::string, std::string> smbios;
    std::string user_name;
    std::uint32_t uid = 0;
    std::set<std::string> groups;  ///< names and numbers
    std::map<std::string, PathFact> paths;
    std::map<std::string, bool> globs;             ///< pattern to "matches something"
    std::map<std::string, bool> needs_update;      ///< "/etc", "/var"
    std::map<std::string, PressureFact> pressure;  ///< "cpu", "io:heat.slice"
    bool operator==(const ConditionFacts&) const = default;
};

/// What of the world must be looked at to judge these conditions: everything else of the facts is
/// cheap and the same for all units.
struct ConditionNeeds {
    std::set<std::string> paths, globs, needs_update, pressure;
    bool operator==(const ConditionNeeds&) const = default;
};
[[nodiscard]] ConditionNeeds needs(const std::vector<Condition>& conditions);

[[nodiscard]] bool holds(const Condition& condition, const ConditionFacts& facts);

/// Judges in order: every condition without `|` must hold, and one of those with it if there are
/// any. `results`, one each: 1 holds, -1 doesn't, 0 was not asked. `failed`: the first that
/// decided.
struct Verdict {
    bool met = true;
    std::vector<int> results;
    std::optional<Condition> failed;
    bool operator==(const Verdict&) const = default;
};
[[nodiscard]] Verdict judge_conditions(
    const std::vector<Condition>& conditions, const ConditionFacts& facts);

}  // namespace hearth
