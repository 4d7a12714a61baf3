// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <map>

#include "units/directive.hpp"
#include "units/rules.hpp"

namespace hearth {

namespace {

constexpr unsigned sys_admin = 21;  // CAP_SYS_ADMIN

bool hides_or_locks_paths(const Settings& settings) {
    const SandboxSettings& sandbox = settings.sandbox;
    return sandbox.protect_system != ProtectSystem::No || sandbox.protect_home != ProtectHome::No ||
           sandbox.protect_kernel_tunables ||
           sandbox.protect_control_groups != ProtectControlGroups::No ||
           !sandbox.read_only_paths.empty() || !sandbox.inaccessible_paths.empty() ||
           !sandbox.temporary_file_systems.empty() || !sandbox.bind_read_only_paths.empty();
}

bool may_mount(const Settings& settings) {
    const SandboxSettings& sandbox = settings.sandbox;
    const bool as_root =
        settings.exec.user.empty() || settings.exec.user == "root" || settings.exec.user == "0";
    const bool keeps = ((sandbox.capability_bounding_set.mask >> sys_admin) & 1U) != 0 &&
                       (as_root || ((sandbox.ambient_capabilities.mask >> sys_admin) & 1U) != 0);
    const SystemCallFilter& filter = sandbox.system_call_filter;
    const bool filtered = filter.asked() && filter.allow_list != filter.calls.contains("mount");
    return keeps && !filtered;
}

class Adviser {
public:
    explicit Adviser(const Unit& unit) : unit_(unit) {}

    std::vector<Finding> advise() {
        without_effect();
        old_names();
        system_calls();
        paths();
        capabilities();
        resources();
        return std::move(findings_);
    }

private:
    void add(
        Severity severity,
        std::string_view id,
        std::string_view directive,
        std::string message,
        std::string hint) {
        findings_.push_back(
            {id,
             {severity, unit_.origin_of(directive), std::move(message), std::move(hint), {}},
             false});
    }

    [[nodiscard]] bool written(std::string_view directive) const {
        return unit_.origins.contains(directive);
    }

    void without_effect() {
        for (const std::span<const Row> table : service_tables()) {
            for (const Row& row : table) {
                const auto* const none = std::get_if<applied::NoEffect>(&row.applied);
                if (none != nullptr && written(row.name)) {
                    add(Severity::Note,
                        "no-effect",
                        row.name,
                        std::string(row.name) +
                            "= has no effect here: " + std::string(none->reason),
                        {});
                }
            }
        }
    }

    void old_names() {
        std::map<std::string_view, std::string> present;
        for (const OldName& each : hearth::old_names()) {
            if (written(each.old_name)) {
                std::string& names = present[each.old_name];
                names += (names.empty() ? "" : " and ") + std::string(each.present) + "=";
            }
        }
        present.erase("TimeoutSec");  // an abbreviation, and not an old one
        for (const auto& [old_name, names] : present) {
            add(Severity::Note,
                "old-name",
                old_name,
                std::string(old_name) + "= is an old name: it is read as " + names,
                "its values may have been others: hearthctl show has the present ones");
        }
    }

    void system_calls() {
        const SandboxSettings& sandbox = unit_.settings.sandbox;
        const SystemCallFilter& filter = sandbox.system_call_filter;
        if (filter.asked() && sandbox.system_call_architectures.names.empty()) {
            add(Severity::Warning,
                "filter-architectures",
                "SystemCallFilter",
                "SystemCallFilter= can be passed by on another architecture's system calls",
                "write SystemCallArchitectures=native");
        }
        if (filter.asked() && !filter.allow_list) {
            add(Severity::Note,
                "filter-deny-list",
                "SystemCallFilter",
                "SystemCallFilter= is a list of what is refused, so system calls that come with "
                "new kernels are allowed",
                "list what is allowed, beginning with @system-service");
        }
        if (!filter.asked() && written("SystemCallErrorNumber")) {
            add(Severity::Note,
                "error-number-alone",
                "SystemCallErrorNumber",
                "SystemCallErrorNumber= has no effect without SystemCallFilter=",
                {});
        }
    }

    void paths() {
        if (hides_or_locks_paths(unit_.settings) && may_mount(unit_.settings)) {
            add(Severity::Warning,
                "mounts-undone",
                "CapabilityBoundingSet",
                "the service keeps CAP_SYS_ADMIN and can undo the confinement of its paths",
                "write CapabilityBoundingSet=~CAP_SYS_ADMIN or SystemCallFilter=~@mount, or run it "
                "as another User=");
        }
        if (!unit_.settings.sandbox.read_write_paths.empty() &&
            !hides_or_locks_paths(unit_.settings)) {
            add(Severity::Note,
                "read-write-alone",
                "ReadWritePaths",
                "ReadWritePaths= has no effect: nothing is read-only",
                "write ProtectSystem=strict with it");
        }
    }

    void capabilities() {
        const SandboxSettings& sandbox = unit_.settings.sandbox;
        if ((sandbox.ambient_capabilities.mask & ~sandbox.capability_bounding_set.mask) != 0) {
            add(Severity::Warning,
                "ambient-not-bounded",
                "AmbientCapabilities",
                "AmbientCapabilities= names what CapabilityBoundingSet= takes away",
                "name the same capabilities in both");
        }
    }

    void resources() {
        const ResourceSettings& resources = unit_.settings.resources;
        if (resources.cpu_quota_period && resources.cpu_quota == CpuQuota{}) {
            add(Severity::Note,
                "quota-period-alone",
                "CPUQuotaPeriodSec",
                "CPUQuotaPeriodSec= has no effect without CPUQuota=",
                {});
        }
        const auto& high = resources.memory_high.bytes;
        const auto& most = resources.memory_max.bytes;
        if (high && most && *high != infinity && *high >= *most) {
            add(Severity::Note,
                "memory-high-above-max",
                "MemoryHigh",
                "MemoryHigh= is not below MemoryMax=, so it never acts first",
                {});
        }
        const UnitSettings& unit = unit_.settings.unit;
        if (unit_.settings.service.restart == Restart::Always &&
            (unit.start_limit_burst == 0 || unit.start_limit_interval.microseconds == 0)) {
            add(Severity::Note,
                "restart-unlimited",
                "Restart",
                "Restart=always without a start limit tries for ever, however often the service "
                "fails",
                {});
        }
    }

    const Unit& unit_;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> advice(const Unit& unit) {
    return Adviser(unit).advise();
}

std::vector<Rule> rules() {
    return {
        {"action-not-here",
         "An action that would switch off or reboot the machine that hearthd is a guest of."},
        {"ambient-not-bounded", "An ambient capability is not in the bounding set."},
        {"bounding-without-ambient",
         "CapabilityBoundingSet= of a few without AmbientCapabilities=, and not root."},
        {"dynamic-user-root", "DynamicUser=yes with User=root."},
        {"error-number-alone", "SystemCallErrorNumber= without SystemCallFilter=."},
        {"exec-none", "Neither ExecStart= nor ExecStop=."},
        {"exec-start-missing", "No ExecStart= and not Type=oneshot."},
        {"exec-start-remain", "No ExecStart= and no RemainAfterExit=yes."},
        {"exec-start-several", "More than one ExecStart= and not Type=oneshot."},
        {"filter-architectures", "SystemCallFilter= without SystemCallArchitectures=."},
        {"filter-deny-list", "SystemCallFilter= as a list of what is refused."},
        {"forking-without-pid-file", "Type=forking without PIDFile=."},
        {"invalid-value", "A value that its directive can't take."},
        {"kill-mode-none", "KillMode=none."},
        {"memory-high-above-max", "MemoryHigh= at or above MemoryMax=."},
        {"mounts-undone", "Confined paths together with CAP_SYS_ADMIN."},
        {"no-effect", "A directive that is understood and has no effect here."},
        {"not-built", "A directive that systemd has and hearth doesn't build yet."},
        {"not-loaded", "The unit could not be loaded: not found, masked, unreadable."},
        {"old-name", "A directive's old name, read as the present one."},
        {"pid-file-not-writable", "PIDFile= where the service's user can't write."},
        {"pid-file-read-only", "PIDFile= on what ProtectSystem=strict makes read-only."},
        {"private-pids-forking", "PrivatePIDs=yes with Type=forking."},
        {"quota-period-alone", "CPUQuotaPeriodSec= without CPUQuota=."},
        {"read-write-alone", "ReadWritePaths= where nothing is read-only."},
        {"relax-unknown", "RelaxConfinement= names something that is no directive."},
        {"requires-unordered", "Requires=, Requisite= or BindsTo= without After=."},
        {"restart-force-oneshot", "RestartForceExitStatus= with Type=oneshot."},
        {"restart-oneshot", "Restart=always or on-success with Type=oneshot."},
        {"restart-remain", "Restart= after a clean end with RemainAfterExit=yes."},
        {"restart-unlimited", "Restart=always without a start limit."},
        {"resume-alone", "ResumeWith= of a unit that needs no other."},
        {"runtime-max-oneshot", "RuntimeMaxSec= with Type=oneshot."},
        {"shell-syntax", "A command with a shell's operators and no shell."},
        {"slice-directive", "A directive about the units below a slice, in a service."},
        {"start-limit-unreachable", "RestartSec= so long that the start limit is never hit."},
        {"stream-not-built", "A standard stream of a kind that isn't built yet."},
        {"syntax", "Text that is no section, assignment or comment."},
        {"template", "A template, of which only instances can be started."},
        {"type-not-built", "A Type= that isn't built yet."},
        {"unknown-key", "A key that nobody knows."},
        {"unknown-section", "A section that nobody knows."},
    };
}

}  // namespace hearth
