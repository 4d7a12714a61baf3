// SPDX-License-Identifier: MIT
#include "units/conditions.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "parser/diagnostic.hpp"
#include "parser/enum_codec.hpp"
#include "parser/values.hpp"
#include "units/condition_parts.hpp"
#include "units/names.hpp"

namespace hearth {

namespace {

constexpr auto type_names = std::to_array<EnumName<ConditionType>>({
    {ConditionType::AcPower, "ACPower"},
    {ConditionType::Architecture, "Architecture"},
    {ConditionType::CpuFeature, "CPUFeature"},
    {ConditionType::CpuPressure, "CPUPressure"},
    {ConditionType::Cpus, "CPUs"},
    {ConditionType::Capability, "Capability"},
    {ConditionType::ControlGroupController, "ControlGroupController"},
    {ConditionType::Credential, "Credential"},
    {ConditionType::DirectoryNotEmpty, "DirectoryNotEmpty"},
    {ConditionType::Environment, "Environment"},
    {ConditionType::FileIsExecutable, "FileIsExecutable"},
    {ConditionType::FileNotEmpty, "FileNotEmpty"},
    {ConditionType::Firmware, "Firmware"},
    {ConditionType::FirstBoot, "FirstBoot"},
    {ConditionType::Group, "Group"},
    {ConditionType::Host, "Host"},
    {ConditionType::IoPressure, "IOPressure"},
    {ConditionType::KernelCommandLine, "KernelCommandLine"},
    {ConditionType::KernelVersion, "KernelVersion"},
    {ConditionType::Memory, "Memory"},
    {ConditionType::MemoryPressure, "MemoryPressure"},
    {ConditionType::NeedsUpdate, "NeedsUpdate"},
    {ConditionType::OsRelease, "OSRelease"},
    {ConditionType::PathExists, "PathExists"},
    {ConditionType::PathExistsGlob, "PathExistsGlob"},
    {ConditionType::PathIsDirectory, "PathIsDirectory"},
    {ConditionType::PathIsEncrypted, "PathIsEncrypted"},
    {ConditionType::PathIsMountPoint, "PathIsMountPoint"},
    {ConditionType::PathIsReadWrite, "PathIsReadWrite"},
    {ConditionType::PathIsSymbolicLink, "PathIsSymbolicLink"},
    {ConditionType::Security, "Security"},
    {ConditionType::User, "User"},
    {ConditionType::Virtualization, "Virtualization"},
});

bool takes_path(ConditionType type) {
    switch (type) {
        using enum ConditionType;
        case DirectoryNotEmpty:
        case FileIsExecutable:
        case FileNotEmpty:
        case NeedsUpdate:
        case PathExists:
        case PathExistsGlob:
        case PathIsDirectory:
        case PathIsEncrypted:
        case PathIsMountPoint:
        case PathIsReadWrite:
        case PathIsSymbolicLink:
            return true;
        default:
            return false;
    }
}

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

bool fact_holds(const Condition& condition, const ConditionFacts& facts) {
    const std::string& parameter = condition.parameter;
    switch (condition.type) {
        using enum ConditionType;
        case AcPower:
            return boolean_is(parameter, facts.ac_power.value_or(true));
        case Architecture:
            return parameter == (parameter == "native" ? parameter : facts.architecture);
        case CpuFeature:
            return facts.cpu_features.contains(parameter);
        case CpuPressure:
            return pressure_holds("cpu", parameter, facts);
        case Cpus:
            return number_holds(parameter, facts.cpus);
        case Capability:
            return capability_holds(parameter, facts);
        case ControlGroupController:
            return controllers_hold(parameter, facts);
        case Credential:
            return facts.credentials.contains(parameter);
        case DirectoryNotEmpty: {
            const PathFact fact = path_fact(facts, parameter);
            return fact.directory && fact.not_empty;
        }
        case Environment:
            return environment_holds(parameter, facts);
        case FileIsExecutable: {
            const PathFact fact = path_fact(facts, parameter);
            return fact.executable && !fact.directory;
        }
        case FileNotEmpty: {
            const PathFact fact = path_fact(facts, parameter);
            return fact.not_empty && !fact.directory;
        }
        case Firmware:
            return firmware_holds(parameter, facts);
        case FirstBoot:
            return boolean_is(parameter, facts.first_boot);
        case Group:
            return parameter == "@system" ? std::ranges::any_of(
                                                facts.groups,
                                                [](const std::string& each) {
                                                    const auto gid = read_unsigned(each, 0, 999);
                                                    return gid.has_value();
                                                })
                                          : facts.groups.contains(parameter);
        case Host:
            return parameter == facts.machine_id || parameter == facts.boot_id ||
                   glob_matches(parameter, facts.host_name, true);
        case IoPressure:
            return pressure_holds("io", parameter, facts);
        case KernelCommandLine:
            return command_line_holds(parameter, facts);
        case KernelVersion:
            return versions_hold(parameter, facts.kernel_release);
        case Memory:
            return size_holds(parameter, facts.memory_bytes);
        case MemoryPressure:
            return pressure_holds("memory", parameter, facts);
        case NeedsUpdate:
            return flag(facts.needs_update, parameter);
        case OsRelease:
            return os_release_holds(parameter, facts.os_release);
        case PathExists:
            return path_fact(facts, parameter).exists;
        case PathExistsGlob:
            return flag(facts.globs, parameter);
        case PathIsDirectory:
            return path_fact(facts, parameter).directory;
        case PathIsEncrypted:
            return path_fact(facts, parameter).encrypted;
        case PathIsMountPoint:
            return path_fact(facts, parameter).mount_point;
        case PathIsReadWrite:
            return path_fact(facts, parameter).writable;
        case PathIsSymbolicLink:
            return path_fact(facts, parameter).symbolic_link;
        case Security:
            return facts.security.contains(parameter);
        case User:
            return user_holds(parameter, facts);
        case Virtualization:
            return virtualization_holds(parameter, facts);
    }
    return false;
}

}  // namespace

std::string_view name(ConditionType type) {
    return name_of(type, type_names);
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
    if (takes_path(type)) {
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
                if (takes_path(each.type)) {
                    made.paths.insert(each.parameter);
                }
                break;
        }
    }
    return made;
}

bool holds(const Condition& condition, const ConditionFacts& facts) {
    return fact_holds(condition, facts) != condition.negate;
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
