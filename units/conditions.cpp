// SPDX-License-Identifier: MIT
#include "units/conditions.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "parser/diagnostic.hpp"
#include "parser/values.hpp"
#include "units/condition_parts.hpp"
#include "units/names.hpp"

namespace hearth {

namespace {

std::string_view without_blanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

PathFact path_fact(const ConditionFacts& facts, const std::string& path) {
    const auto found = facts.paths.find(path);
    return found == facts.paths.end() ? PathFact{} : found->second;
}

template <class Map>
bool flag(const Map& map, const std::string& key) {
    const auto found = map.find(key);
    return found != map.end() && found->second;
}

bool boolean_is(const std::string& parameter, bool fact) {
    const Result<bool, ValueError> wanted = read_boolean(parameter);
    return wanted && *wanted == fact;
}

bool capability_holds(const std::string& parameter, const ConditionFacts& facts) {
    const auto number = capability_number(parameter);
    return number && *number < 64 && ((facts.bounding_set >> *number) & 1U) != 0;
}

bool user_holds(const std::string& parameter, const ConditionFacts& facts) {
    constexpr std::uint32_t first_regular = 1000;
    constexpr std::uint32_t nobody = 65534;
    if (parameter == "@system") {
        return facts.uid < first_regular || facts.uid == nobody;
    }
    return parameter == facts.user_name || parameter == std::to_string(facts.uid);
}

bool environment_holds(const std::string& parameter, const ConditionFacts& facts) {
    const std::size_t equals = parameter.find('=');
    const auto found = facts.environment.find(parameter.substr(0, equals));
    return found != facts.environment.end() &&
           (equals == std::string::npos || found->second == parameter.substr(equals + 1));
}

/// A word of the command line, or the value of one: `quiet` finds `quiet` and `quiet=1`.
bool command_line_holds(const std::string& parameter, const ConditionFacts& facts) {
    const bool with_value = parameter.find('=') != std::string::npos;
    std::string_view rest = facts.kernel_command_line;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find_first_of(" \t\n"), rest.size());
        const std::string_view word = rest.substr(0, end);
        if (word == parameter || (!with_value && word.starts_with(parameter + "="))) {
            return true;
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

/// All of the listed controllers; "v1" and "v2" ask for the kind of tree.
bool controllers_hold(const std::string& parameter, const ConditionFacts& facts) {
    std::string_view rest = parameter;
    bool all = true;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
        const std::string word(rest.substr(0, end));
        if (word == "v1") {
            all = all && !facts.controllers.contains("v2");
        } else if (!word.empty()) {
            all = all && facts.controllers.contains(word);
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return all;
}

bool virtualization_holds(const std::string& parameter, const ConditionFacts& facts) {
    if (parameter == "private-users") {
        return facts.private_users;
    }
    const bool any = facts.virtualization != "none" && !facts.virtualization.empty();
    if (const Result<bool, ValueError> wanted = read_boolean(parameter)) {
        return *wanted == any;
    }
    if (parameter == "vm") {
        return any && !facts.is_container;
    }
    if (parameter == "container") {
        return any && facts.is_container;
    }
    return any && parameter == facts.virtualization;
}

/// A type of condition: its name, whether its parameter is a path, and when it holds.
struct Kind {
    ConditionType type;
    std::string_view name;
    bool takes_path;
    bool (*holds)(const std::string& parameter, const ConditionFacts& facts);
};

constexpr auto kinds = std::to_array<Kind>({
    {ConditionType::AcPower,
     "ACPower",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return boolean_is(parameter, facts.ac_power.value_or(true));
     }},
    {ConditionType::Architecture,
     "Architecture",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return parameter == (parameter == "native" ? parameter : facts.architecture);
     }},
    {ConditionType::CpuFeature,
     "CPUFeature",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return facts.cpu_features.contains(parameter);
     }},
    {ConditionType::CpuPressure,
     "CPUPressure",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return pressure_holds("cpu", parameter, facts);
     }},
    {ConditionType::Cpus,
     "CPUs",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return number_holds(parameter, facts.cpus);
     }},
    {ConditionType::Capability, "Capability", false, &capability_holds},
    {ConditionType::ControlGroupController, "ControlGroupController", false, &controllers_hold},
    {ConditionType::Credential,
     "Credential",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return facts.credentials.contains(parameter);
     }},
    {ConditionType::DirectoryNotEmpty,
     "DirectoryNotEmpty",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         const PathFact fact = path_fact(facts, parameter);
         return fact.directory && fact.not_empty;
     }},
    {ConditionType::Environment, "Environment", false, &environment_holds},
    {ConditionType::FileIsExecutable,
     "FileIsExecutable",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         const PathFact fact = path_fact(facts, parameter);
         return fact.executable && !fact.directory;
     }},
    {ConditionType::FileNotEmpty,
     "FileNotEmpty",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         const PathFact fact = path_fact(facts, parameter);
         return fact.not_empty && !fact.directory;
     }},
    {ConditionType::Firmware, "Firmware", false, &firmware_holds},
    {ConditionType::FirstBoot,
     "FirstBoot",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return boolean_is(parameter, facts.first_boot);
     }},
    {ConditionType::Group,
     "Group",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return parameter == "@system" ? std::ranges::any_of(
                                             facts.groups,
                                             [](const std::string& each) {
                                                 const auto gid = read_unsigned(each, 0, 999);
                                                 return gid.has_value();
                                             })
                                       : facts.groups.contains(parameter);
     }},
    {ConditionType::Host,
     "Host",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return parameter == facts.machine_id || parameter == facts.boot_id ||
                glob_matches(parameter, facts.host_name, true);
     }},
    {ConditionType::IoPressure,
     "IOPressure",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return pressure_holds("io", parameter, facts);
     }},
    {ConditionType::KernelCommandLine, "KernelCommandLine", false, &command_line_holds},
    {ConditionType::KernelVersion,
     "KernelVersion",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return versions_hold(parameter, facts.kernel_release);
     }},
    {ConditionType::Memory,
     "Memory",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return size_holds(parameter, facts.memory_bytes);
     }},
    {ConditionType::MemoryPressure,
     "MemoryPressure",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return pressure_holds("memory", parameter, facts);
     }},
    {ConditionType::NeedsUpdate,
     "NeedsUpdate",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return flag(facts.needs_update, parameter);
     }},
    {ConditionType::OsRelease,
     "OSRelease",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return os_release_holds(parameter, facts.os_release);
     }},
    {ConditionType::PathExists,
     "PathExists",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return path_fact(facts, parameter).exists;
     }},
    {ConditionType::PathExistsGlob,
     "PathExistsGlob",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return flag(facts.globs, parameter);
     }},
    {ConditionType::PathIsDirectory,
     "PathIsDirectory",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return path_fact(facts, parameter).directory;
     }},
    {ConditionType::PathIsEncrypted,
     "PathIsEncrypted",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return path_fact(facts, parameter).encrypted;
     }},
    {ConditionType::PathIsMountPoint,
     "PathIsMountPoint",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return path_fact(facts, parameter).mount_point;
     }},
    {ConditionType::PathIsReadWrite,
     "PathIsReadWrite",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return path_fact(facts, parameter).writable;
     }},
    {ConditionType::PathIsSymbolicLink,
     "PathIsSymbolicLink",
     true,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return path_fact(facts, parameter).symbolic_link;
     }},
    {ConditionType::Security,
     "Security",
     false,
     [](const std::string& parameter, const ConditionFacts& facts) {
         return facts.security.contains(parameter);
     }},
    {ConditionType::User, "User", false, &user_holds},
    {ConditionType::Virtualization, "Virtualization", false, &virtualization_holds},
});
static_assert(
    [] {
        for (std::size_t index = 0; index < kinds.size(); ++index) {
            if (static_cast<std::size_t>(kinds[index].type) != index) {
                return false;
            }
        }
        return kinds.back().type == ConditionType::Virtualization;
    }(),
    "a row for each type, in their order");

const Kind& kind_of(ConditionType type) {
    return kinds.at(static_cast<std::size_t>(type));
}

}  // namespace

std::string_view name(ConditionType type) {
    return kind_of(type).name;
}

Result<Condition, ValueError> read_condition(
    ConditionType type, std::string_view text, const ValueContext& context) {
    Condition made{type, false, false, {}};
    text = without_blanks(text);
    if (text.starts_with('|')) {
        made.trigger = true;
        text = without_blanks(text.substr(1));
    }
    if (text.starts_with('!')) {
        made.negate = true;
        text = without_blanks(text.substr(1));
    }
    made.parameter = HEARTH_TRY(expand(text, context));
    if (kind_of(type).takes_path) {
        made.parameter = HEARTH_TRY(read_absolute_path(made.parameter));
    }
    if (made.parameter.empty()) {
        return Unexpected(ValueError{"expected something to test after the '|' and '!'", {}, 0});
    }
    return made;
}

std::string format_conditions(const std::vector<Condition>& conditions, ConditionType type) {
    std::string text;
    for (const Condition& each : conditions) {
        if (each.type == type) {
            text += text.empty() ? "" : "\n";
            text += each.trigger ? "|" : "";
            text += each.negate ? "!" : "";
            text += each.parameter;
        }
    }
    return text;
}

std::string describe(const Condition& condition, bool assert) {
    return (assert ? "Assert" : "Condition") + std::string(name(condition.type)) + "=" +
           format_conditions({condition}, condition.type);
}

ConditionNeeds needs(const std::vector<Condition>& conditions) {
    ConditionNeeds made;
    for (const Condition& each : conditions) {
        switch (each.type) {
            using enum ConditionType;
            case PathExistsGlob:
                made.globs.insert(each.parameter);
                break;
            case NeedsUpdate:
                made.needs_update.insert(each.parameter);
                break;
            case CpuPressure:
                made.pressure.insert(pressure_source("cpu", each.parameter));
                break;
            case IoPressure:
                made.pressure.insert(pressure_source("io", each.parameter));
                break;
            case MemoryPressure:
                made.pressure.insert(pressure_source("memory", each.parameter));
                break;
            default:
                if (kind_of(each.type).takes_path) {
                    made.paths.insert(each.parameter);
                }
                break;
        }
    }
    return made;
}

bool holds(const Condition& condition, const ConditionFacts& facts) {
    return kind_of(condition.type).holds(condition.parameter, facts) != condition.negate;
}

Verdict judge_conditions(const std::vector<Condition>& conditions, const ConditionFacts& facts) {
    Verdict verdict;
    verdict.results.assign(conditions.size(), 0);
    std::optional<Condition> untriggered;
    bool triggered = false;
    for (std::size_t index = 0; index < conditions.size(); ++index) {
        const Condition& condition = conditions[index];
        const bool met = holds(condition, facts);
        verdict.results[index] = met ? 1 : -1;
        if (condition.trigger) {
            triggered = triggered || met;
            untriggered = untriggered ? untriggered : std::optional(condition);
        } else if (!met) {
            verdict.met = false;
            verdict.failed = condition;
            return verdict;
        }
    }
    if (untriggered && !triggered) {
        verdict.met = false;
        verdict.failed = untriggered;
    }
    return verdict;
}

}  // namespace hearth
