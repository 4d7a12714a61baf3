// SPDX-License-Identifier: MIT
#include "units/manager_settings.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "parser/edit_distance.hpp"
#include "parser/enum_codec.hpp"
#include "parser/ini_reader.hpp"
#include "units/type_section.hpp"

namespace hearth {

namespace {

using Kind = ManagerRow::Kind;

constexpr auto levels = std::to_array<std::string_view>(
    {"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"});
constexpr auto confinements = std::to_array<std::string_view>({"strict", "best-effort"});
constexpr auto readers = std::to_array<std::string_view>({"owner", "everyone"});
constexpr auto statuses = std::to_array<std::string_view>({"yes", "no", "error", "auto"});
constexpr auto answers = std::to_array<std::string_view>({"yes", "no", "auto"});

bool no_slice(UnitType type) {
    return type != UnitType::Slice;
}
bool a_service(UnitType type) {
    return type == UnitType::Service;
}
bool a_timer(UnitType type) {
    return type == UnitType::Timer;
}
bool a_device(UnitType type) {
    return type == UnitType::Device;
}

/// Default...=: what stands behind the word is the unit's directive.
consteval ManagerRow unit_default(
    std::string_view name,
    std::string_view summary,
    std::string_view sample,
    bool (*of_type)(UnitType) = nullptr,
    Section section = Section::Service) {
    return {
        .name = name,
        .kind = Kind::Default,
        .summary = summary,
        .sample = sample,
        .section = section,
        .directive = name.substr(std::string_view("Default").size()),
        .of_type = of_type};
}

/// The same under the directive's own name.
consteval ManagerRow for_units(
    std::string_view name, std::string_view summary, std::string_view sample) {
    return {
        .name = name,
        .kind = Kind::Default,
        .summary = summary,
        .sample = sample,
        .directive = name};
}

consteval ManagerRow limit(std::string_view name, std::string_view sample) {
    return unit_default(name, "That resource limit of units that don't set it.", sample);
}

consteval ManagerRow own(
    std::string_view name,
    std::string_view summary,
    std::string_view sample,
    std::string_view directive) {
    return {
        .name = name,
        .kind = Kind::Own,
        .summary = summary,
        .sample = sample,
        .directive = directive};
}

consteval ManagerRow choice(
    std::string_view name,
    bool of_hearth,
    std::string_view summary,
    std::optional<std::string> ManagerSettings::* field,
    std::span<const std::string_view> choices) {
    return {
        .name = name,
        .of_hearth = of_hearth,
        .kind = Kind::Own,
        .summary = summary,
        .sample = choices.back(),
        .choice = field,
        .choices = choices};
}

consteval ManagerRow of_machine(
    std::string_view name,
    std::string_view summary,
    std::string_view sample,
    Assigned (*reader)(MachineSettings&, const std::string&)) {
    return {
        .name = name, .kind = Kind::Own, .summary = summary, .sample = sample, .machine = reader};
}

consteval ManagerRow no_effect(
    std::string_view name, std::string_view reason, std::string_view sample) {
    return {.name = name, .kind = Kind::NoEffect, .summary = reason, .sample = sample};
}

constexpr std::string_view log_is_on_standard_error =
    "hearthd's own log is lines on standard error; who started it decides where they go.";
constexpr std::string_view of_the_first_process =
    "For the manager of a machine that it boots; this one is started by an init.";
constexpr std::string_view no_early_warning =
    "The watchdog's early warning is left to the kernel; its reset is not.";

constexpr auto rows = std::to_array<ManagerRow>({
    for_units(
        "CPUAffinity",
        "CPUAffinity= of units that don't set it; hearthd itself runs on any CPU.",
        "0"),
    own("CapabilityBoundingSet",
        "The most that hearthd and all services can ever have; units may only take from it.",
        "~CAP_SYS_MODULE",
        "CapabilityBoundingSet"),
    no_effect("CrashChangeVT", of_the_first_process, "no"),
    no_effect("CrashReboot", of_the_first_process, "no"),
    no_effect("CrashShell", of_the_first_process, "no"),
    of_machine(
        "CtrlAltDelBurstAction",
        "What a machine does when Ctrl-Alt-Del is pressed more than seven times within two "
        "seconds.",
        "none",
        &read_burst_action),
    unit_default(
        "DefaultBlockIOAccounting", "BlockIOAccounting= of units that don't set it.", "yes"),
    unit_default("DefaultCPUAccounting", "CPUAccounting= of units that don't set it.", "yes"),
    {.name = "DefaultDeviceTimeoutSec",
     .kind = Kind::Default,
     .summary = "How long a job waits for a device to appear.",
     .sample = "30s",
     .section = Section::Unit,
     .directive = "JobRunningTimeoutSec",
     .of_type = &a_device},
    {.name = "DefaultEnvironment",
     .kind = Kind::Passed,
     .summary = "Variables for all commands; those of units and of set-environment win.",
     .sample = "LANG=C.UTF-8",
     .directive = "Environment"},
    unit_default("DefaultIOAccounting", "IOAccounting= of units that don't set it.", "yes"),
    unit_default("DefaultIPAccounting", "IPAccounting= of units that don't set it.", "yes"),
    limit("DefaultLimitAS", "4G"),
    limit("DefaultLimitCORE", "0"),
    limit("DefaultLimitCPU", "1h"),
    limit("DefaultLimitDATA", "1G"),
    limit("DefaultLimitFSIZE", "4G"),
    limit("DefaultLimitLOCKS", "64"),
    limit("DefaultLimitMEMLOCK", "64K"),
    limit("DefaultLimitMSGQUEUE", "800K"),
    limit("DefaultLimitNICE", "+5"),
    limit("DefaultLimitNOFILE", "1024:4096"),
    limit("DefaultLimitNPROC", "64"),
    limit("DefaultLimitRSS", "64M"),
    limit("DefaultLimitRTPRIO", "10"),
    limit("DefaultLimitRTTIME", "200ms"),
    limit("DefaultLimitSIGPENDING", "64"),
    limit("DefaultLimitSTACK", "8M"),
    unit_default("DefaultMemoryAccounting", "MemoryAccounting= of units that don't set it.", "no"),
    unit_default("DefaultOOMPolicy", "OOMPolicy= of units that don't set it.", "continue"),
    unit_default("DefaultOOMScoreAdjust", "OOMScoreAdjust= of units that don't set it.", "100"),
    unit_default("DefaultRestartSec", "RestartSec= of services that don't set it.", "1s"),
    unit_default(
        "DefaultSmackProcessLabel", "SmackProcessLabel= of units that don't set it.", "hearth"),
    unit_default("DefaultStandardError", "StandardError= of units that don't set it.", "null"),
    unit_default("DefaultStandardOutput", "StandardOutput= of units that don't set it.", "null"),
    unit_default(
        "DefaultStartLimitBurst",
        "StartLimitBurst= of units that don't set it.",
        "10",
        nullptr,
        Section::Unit),
    unit_default(
        "DefaultStartLimitIntervalSec",
        "StartLimitIntervalSec= of units that don't set it.",
        "30s",
        nullptr,
        Section::Unit),
    unit_default("DefaultTasksAccounting", "TasksAccounting= of units that don't set it.", "no"),
    unit_default(
        "DefaultTasksMax",
        "TasksMax= of units that don't set it, slices excepted; unset: no limit.",
        "512",
        &no_slice),
    unit_default(
        "DefaultTimeoutAbortSec", "TimeoutAbortSec= of services that don't set it.", "20s"),
    unit_default(
        "DefaultTimeoutStartSec",
        "TimeoutStartSec= of services that don't set it, Type=oneshot excepted.",
        "30s"),
    unit_default(
        "DefaultTimeoutStopSec",
        "TimeoutStopSec= of services that don't set it.",
        "30s",
        &a_service),
    {.name = "DefaultTimerAccuracySec",
     .kind = Kind::Default,
     .summary = "AccuracySec= of timers that don't set it.",
     .sample = "1s",
     .section = Section::Timer,
     .directive = "AccuracySec",
     .of_type = &a_timer},
    no_effect("DumpCore", of_the_first_process, "no"),
    of_machine(
        "KExecWatchdogSec",
        "How long a kexec of a machine may take before its watchdog resets it.",
        "30s",
        &read_kexec_watchdog),
    no_effect("LogColor", log_is_on_standard_error, "no"),
    choice(
        "LogLevel", false, "From which level hearthd logs.", &ManagerSettings::log_level, levels),
    no_effect("LogLocation", log_is_on_standard_error, "no"),
    no_effect("LogTarget", log_is_on_standard_error, "console"),
    no_effect("LogTime", log_is_on_standard_error, "no"),
    own("ManagerEnvironment", "Variables for hearthd itself.", "HTTP_PROXY=none", "Environment"),
    for_units("NUMAMask", "NUMAMask= of units that don't set it.", "0"),
    for_units("NUMAPolicy", "NUMAPolicy= of units that don't set it.", "local"),
    own("NoNewPrivileges",
        "hearthd and all services never gain privileges by execve(2); no unit can take that back.",
        "yes",
        "NoNewPrivileges"),
    of_machine(
        "RebootWatchdogSec",
        "How long the last part of a machine's reboot may take before its watchdog resets it.",
        "5min",
        &read_reboot_watchdog),
    no_effect("RuntimeWatchdogPreGovernor", no_early_warning, "noop"),
    no_effect("RuntimeWatchdogPreSec", no_early_warning, "10s"),
    of_machine(
        "RuntimeWatchdogSec",
        "How long a machine runs on without hearthd before its watchdog resets it.",
        "30s",
        &read_runtime_watchdog),
    choice(
        "ShowStatus",
        false,
        "What a machine that boots shows on its console: yes, no, or failures alone (auto, error).",
        &ManagerSettings::show_status,
        statuses),
    of_machine(
        "ShutdownWatchdogSec",
        "The old name of RebootWatchdogSec=.",
        "5min",
        &read_reboot_watchdog),
    no_effect("StatusUnitFormat", of_the_first_process, "name"),
    for_units(
        "SystemCallArchitectures",
        "SystemCallArchitectures= of units that don't set it.",
        "native"),
    for_units("TimerSlackNSec", "TimerSlackNSec= of units that don't set it.", "1ms"),
    of_machine(
        "WatchdogDevice", "The watchdog of a machine.", "/dev/watchdog1", &read_watchdog_device),

    choice(
        "BusAccess",
        true,
        "Who may read over the bus; --bus-access= wins.",
        &ManagerSettings::bus_access,
        readers),
    choice(
        "Confinement",
        true,
        "As --confinement=, which wins: of units that don't say.",
        &ManagerSettings::confinement,
        confinements),
    choice(
        "SystemdCompat",
        true,
        "As --systemd-compat=, which wins: whether the stock systemctl is served, too.",
        &ManagerSettings::systemd_compat,
        answers),
});
static_assert(std::ranges::is_sorted(rows, {}, [](const ManagerRow& row) {
    return std::pair(row.of_hearth, row.name);
}));

const ManagerRow* find(const Assignment& assignment) {
    const auto found = std::ranges::find_if(rows, [&](const ManagerRow& row) {
        return row.name == assignment.key &&
               assignment.section == (row.of_hearth ? "X-Hearth" : "Manager");
    });
    return found == rows.end() ? nullptr : &*found;
}

const Row& directive_of(const ManagerRow& row) {
    return row.section == Section::Timer
               ? *find_row(UnitType::Timer, name(row.section), row.directive)
               : *find_row(name(row.section), row.directive);
}

Assigned choose(const ManagerRow& row, ManagerSettings& settings, const std::string& text) {
    auto& field = settings.*row.choice;
    if (text.empty()) {
        field.reset();
        return {};
    }
    if (std::ranges::find(row.choices, text) == row.choices.end()) {
        return unknown_name(text, row.choices);
    }
    field = text;
    return {};
}

/// Where a value goes, and whether it is one.
Assigned assign(
    const ManagerRow& row,
    ManagerSettings& settings,
    const Assignment& assignment,
    const SpecifierTable& specifiers) {
    if (row.kind == Kind::NoEffect) {
        return {};
    }
    if (row.machine != nullptr) {
        return row.machine(settings.machine, assignment.value);
    }
    if (row.choice != nullptr) {
        return choose(row, settings, assignment.value);
    }
    ValueNotes notes;
    Settings& target = row.kind == Kind::Own ? settings.own : settings.units;
    HEARTH_TRY(
        directive_of(row).assign(target, assignment.value, ValueContext{&specifiers, &notes}));
    for (const ValueError& note : notes) {
        settings.diagnostics.push_back(
            assignment.diagnostic(Severity::Warning, assignment.key + "=: " + note.what, note));
    }
    if (row.kind == Kind::Default) {
        if (assignment.value.empty()) {
            std::erase_if(
                settings.defaults, [&](const UnitDefault& each) { return each.row == &row; });
        } else {
            settings.defaults.push_back({&row, assignment});
            settings.defaults.back().assignment.key = row.directive;
        }
    }
    return {};
}

void take(
    const Assignment& assignment, ManagerSettings& settings, const SpecifierTable& specifiers) {
    if (assignment.section != "Manager" && assignment.section != "X-Hearth") {
        settings.diagnostics.push_back(assignment.diagnostic(
            Severity::Warning,
            "Unknown section [" + assignment.section +
                "], ignored: expected [Manager] or [X-Hearth]"));
        return;
    }
    const ManagerRow* const row = find(assignment);
    if (row == nullptr) {
        std::vector<std::string_view> names;
        for (const ManagerRow& each : rows) {
            names.push_back(each.name);
        }
        settings.diagnostics.push_back(assignment.diagnostic(
            Severity::Warning,
            "Unknown key " + quoted(assignment.key) + " in section [" + assignment.section +
                "], ignored",
            did_you_mean(assignment.key, names)));
        return;
    }
    if (const auto assigned = assign(*row, settings, assignment, specifiers); !assigned) {
        settings.diagnostics.push_back(assignment.diagnostic(
            Severity::Error,
            "Invalid " + assignment.key + "=" + quoted(assignment.value) +
                ", ignored: " + assigned.error().what,
            assigned.error()));
    }
}

}  // namespace

std::span<const ManagerRow> manager_rows() {
    return rows;
}

ManagerSettings read_manager_settings(
    std::span<const ManagerFile> files, const SpecifierTable& specifiers) {
    ManagerSettings settings;
    for (const ManagerFile& file : files) {
        const UnitFile text = read_unit_file(file.text, file.path);
        settings.diagnostics.insert(
            settings.diagnostics.end(), text.diagnostics.begin(), text.diagnostics.end());
        for (const Assignment& assignment : text.assignments) {
            take(assignment, settings, specifiers);
        }
    }
    return settings;
}

const std::vector<DefaultProperty>& default_properties() {
    static const std::vector<DefaultProperty> all = [] {
        std::vector<DefaultProperty> made;
        for (const ManagerRow& row : rows) {
            if (row.kind != Kind::Default || row.name != "Default" + std::string(row.directive)) {
                continue;
            }
            // The manager object of systemd 252 has none of these, other than its units.
            constexpr auto none = std::to_array<std::string_view>(
                {"DefaultIOAccounting", "DefaultIPAccounting", "DefaultSmackProcessLabel"});
            if (std::ranges::find(none, row.name) != none.end()) {
                continue;
            }
            for (const Property& property : directive_of(row).properties) {
                made.push_back({"Default" + std::string(property.name), &property});
            }
        }
        return made;
    }();
    return all;
}

}  // namespace hearth
