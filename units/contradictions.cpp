// SPDX-License-Identifier: MIT
//
// Advice about directives that each are right and together don't do what their author meant.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>

#include "units/codecs.hpp"
#include "units/rules.hpp"
#include "units/unit_name.hpp"
#include "units/world.hpp"

namespace hearth {

namespace {

bool is_root(const std::string& user) {
    return user.empty() || user == "root" || user == "0";
}

bool is_below(std::string_view path, std::string_view directory) {
    return path.starts_with(directory) &&
           (path.size() == directory.size() || directory.ends_with('/') ||
            path[directory.size()] == '/');
}

class Contradictions {
public:
    explicit Contradictions(const Unit& unit) : unit_(unit) {}

    std::vector<Finding> find() {
        dependencies();
        if (unit_type(unit_.name) == UnitType::Service) {
            commands();
            slice_directives();
            restarts();
            users();
            pid_file();
            hearths_own();
        }
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

    [[nodiscard]] const ServiceSettings& service() const { return unit_.settings.service; }

    [[nodiscard]] bool is_ordered(const std::string& other) const {
        return std::ranges::any_of(unit_.dependencies, [&](const Dependency& each) {
            return each.unit == other &&
                   (each.relation == Relation::After || each.relation == Relation::Before);
        });
    }

    /// systemd.unit(5), Requires=: without an order both are started at the same time.
    void dependencies() {
        for (const Dependency& each : unit_.dependencies) {
            const bool needs = each.relation == Relation::Requires ||
                               each.relation == Relation::BindsTo ||
                               each.relation == Relation::Requisite;
            // Sockets, slices and mounts order themselves before what uses them.
            const auto type = unit_type(each.unit);
            const bool orders =
                type == UnitType::Service || type == UnitType::Target || type == UnitType::Device;
            if (!needs || each.source != DependencySource::File || !orders ||
                is_ordered(each.unit)) {
                continue;
            }
            const std::string_view directive = name(each.relation);
            add(each.relation == Relation::Requires ? Severity::Note : Severity::Warning,
                "requires-unordered",
                directive,
                fmt::format(
                    "{}={} without an order: both are started at the same time, and this unit "
                    "starts whether that one comes up or not",
                    directive,
                    each.unit),
                "write After=" + each.unit);
        }
    }

    /// No shell reads these lines.
    void commands() {
        constexpr std::array syntax = {"|", "||", "&&", "&", ">", ">>", "<", "2>&1", "2>"};
        constexpr std::array kinds = {
            ExecKind::Condition,
            ExecKind::StartPre,
            ExecKind::Start,
            ExecKind::StartPost,
            ExecKind::Reload,
            ExecKind::Stop,
            ExecKind::StopPost};
        for (const ExecKind kind : kinds) {
            for (const CommandLine& command : hearth::commands(unit_, kind)) {
                const auto found = std::ranges::find_first_of(command.argv, syntax);
                if (found != command.argv.end()) {
                    add(Severity::Warning,
                        "shell-syntax",
                        name(kind),
                        fmt::format(
                            "{}= hands '{}' to the program as an argument: no shell reads it",
                            name(kind),
                            *found),
                        fmt::format("write {}=/bin/sh -c '...'", name(kind)));
                }
            }
        }
    }

    /// systemd.resource-control(5): about the units below, which a service has none of.
    void slice_directives() {
        for (const std::string_view directive :
             {"DefaultMemoryLow", "DefaultMemoryMin", "DisableControllers"}) {
            if (unit_.origins.contains(directive)) {
                add(Severity::Warning,
                    "slice-directive",
                    directive,
                    fmt::format(
                        "{}= is about the units below a slice, and changes nothing here",
                        directive),
                    "write it into the unit's slice");
            }
        }
    }

    void restarts() {
        const bool restarts = service().restart != Restart::No;
        const bool after_success =
            service().restart == Restart::Always || service().restart == Restart::OnSuccess;
        if (service().remain_after_exit && after_success) {
            add(Severity::Warning,
                "restart-remain",
                "Restart",
                fmt::format(
                    "Restart={} never acts on a clean end: RemainAfterExit=yes keeps the service "
                    "active then",
                    name_of(service().restart, restart_names)),
                "write RemainAfterExit=no, or Restart=on-failure");
        }
        const UnitSettings& unit = unit_.settings.unit;
        const std::uint64_t delay = service().restart_delay.microseconds;
        const std::uint64_t interval = unit.start_limit_interval.microseconds;
        const bool limited = interval != 0 && unit.start_limit_burst != 0 &&
                             !unit.start_limit_interval.is_infinite();
        if (restarts && limited && delay > interval / unit.start_limit_burst) {
            add(Severity::Note,
                "start-limit-unreachable",
                "RestartSec",
                fmt::format(
                    "{} restarts with RestartSec= between them take longer than "
                    "StartLimitIntervalSec=, so the start limit never ends them",
                    unit.start_limit_burst),
                "write a longer StartLimitIntervalSec= in [Unit], if they are to end");
        }
    }

    void users() {
        const ExecSettings& exec = unit_.settings.exec;
        const SandboxSettings& sandbox = unit_.settings.sandbox;
        if (unit_.settings.identity.dynamic_user && !exec.user.empty() && is_root(exec.user)) {
            add(Severity::Warning,
                "dynamic-user-root",
                "DynamicUser",
                "DynamicUser=yes with User=" + exec.user +
                    ": that user is there already, so the service runs as root",
                "leave User= out");
        }
        constexpr int a_few = 8;
        const std::uint64_t bounding = sandbox.capability_bounding_set.mask;
        const bool unprivileged = !is_root(exec.user) || unit_.settings.identity.dynamic_user;
        if (unprivileged && bounding != 0 && std::popcount(bounding) <= a_few &&
            sandbox.ambient_capabilities.mask == 0) {
            add(Severity::Note,
                "bounding-without-ambient",
                "CapabilityBoundingSet",
                "CapabilityBoundingSet= only limits: a service that isn't root has none of these "
                "capabilities",
                "name them in AmbientCapabilities=, too");
        }
    }

    /// Whether the service can make a file in `directory`, as far as the text tells.
    [[nodiscard]] bool is_made_for_it(std::string_view path) const {
        const DirectorySettings& directories = unit_.settings.directories;
        const auto below = [&](const ServiceDirectories& kind, const std::string& base) {
            return std::ranges::any_of(
                kind.entries, [&](const auto& each) { return is_below(path, base + each.path); });
        };
        return below(directories.runtime, "/run/") || below(directories.state, "/var/lib/") ||
               below(directories.cache, "/var/cache/") || below(directories.logs, "/var/log/");
    }

    void pid_file() {
        std::string path = service().pid_file;
        if (path.empty()) {
            if (service().type == ServiceType::Forking) {
                add(Severity::Note,
                    "forking-without-pid-file",
                    "Type",
                    "Type=forking without PIDFile=: which process is the main one is guessed",
                    "write PIDFile=, or run the program in the foreground with Type=notify or "
                    "exec");
            }
            return;
        }
        path = path.starts_with("/var/run/") ? path.substr(4) : path;
        const SandboxSettings& sandbox = unit_.settings.sandbox;
        const bool strict =
            sandbox.protect_system == ProtectSystem::Strict || unit_.settings.identity.dynamic_user;
        const bool opened = std::ranges::any_of(
            sandbox.read_write_paths, [&](const auto& each) { return is_below(path, each.path); });
        if (is_made_for_it(path) || (strict && opened)) {
            return;
        }
        const std::string_view name = service().pid_file;
        const std::string hint = fmt::format(
            "write RuntimeDirectory={0} and PIDFile=/run/{0}/{1}",
            unit_.name.substr(0, unit_.name.find_first_of("@.")),
            name.substr(name.rfind('/') + 1));
        if (strict) {
            add(Severity::Warning,
                "pid-file-read-only",
                "PIDFile",
                fmt::format(
                    "PIDFile={} can't be written: with ProtectSystem=strict all is read-only",
                    name),
                hint);
        } else if (!is_root(unit_.settings.exec.user) && path.rfind('/') == 4) {
            add(Severity::Warning,
                "pid-file-not-writable",
                "PIDFile",
                fmt::format(
                    "PIDFile={} can't be written by User={}: /run is root's",
                    name,
                    unit_.settings.exec.user),
                hint);
        }
    }

    void hearths_own() {
        const HearthSettings& hearth = unit_.settings.hearth;
        const bool needs = std::ranges::any_of(unit_.dependencies, [](const Dependency& each) {
            return each.source == DependencySource::File &&
                   (each.relation == Relation::Requires || each.relation == Relation::Requisite ||
                    each.relation == Relation::BindsTo);
        });
        if (hearth.resume_with && !needs) {
            add(Severity::Note,
                "resume-alone",
                "ResumeWith",
                "ResumeWith=yes has no effect: the unit needs no other",
                "write BindsTo= and After= in [Unit]");
        }
    }

    const Unit& unit_;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> contradictions(const Unit& unit) {
    return Contradictions(unit).find();
}

}  // namespace hearth
