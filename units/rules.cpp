// SPDX-License-Identifier: MIT
#include "units/rules.hpp"

#include <algorithm>
#include <array>

#include "units/codecs.hpp"
#include "units/directive.hpp"
#include "units/special.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// D-Bus specification, "Valid Names", Bus names; one that a service can ask for.
bool is_bus_name(std::string_view name) {
    constexpr std::size_t longest = 255;
    if (name.empty() || name.size() > longest || name.find('.') == std::string_view::npos) {
        return false;
    }
    char before = '.';
    for (const char each : name) {
        const bool digit = each >= '0' && each <= '9';
        const bool letter = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') ||
                            each == '_' || each == '-';
        const bool fits = each == '.' ? before != '.' : letter || (digit && before != '.');
        if (!fits) {
            return false;
        }
        before = each;
    }
    return before != '.';
}

class Judge {
public:
    Judge(const Unit& unit, bool guest) : unit_(unit), guest_(guest) {}

    std::vector<Finding> load() {
        name();
        if (unit_type(unit_.name) == UnitType::Service) {
            commands();
            oneshot();
            bus_name();
            namespaces();
            unbuilt_streams();
        }
        unbuilt_directives();
        if (guest_) {
            actions();
        }
        doubts();
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

    /// What systemd doesn't load either.
    void bad(
        std::string_view id, std::string_view directive, std::string message, std::string hint) {
        add(Severity::Error, id, directive, std::move(message), std::move(hint));
        findings_.back().bad_setting = true;
    }

    /// systemd.service(5), Type=dbus.
    void bus_name() {
        const ServiceSettings& service = unit_.settings.service;
        if (service.bus_name.empty()) {
            if (service.type == ServiceType::Dbus) {
                bad("bus-name-missing",
                    "Type",
                    "Type=dbus needs the name whose appearance means that the service has started",
                    "write BusName=org.example.Name, or another Type=");
            }
        } else if (!is_bus_name(service.bus_name)) {
            add(service.type == ServiceType::Dbus ? Severity::Error : Severity::Warning,
                "bus-name",
                "BusName",
                quoted(service.bus_name) + " is no well-known name on a message bus",
                "write elements of letters, digits, '_' and '-', two or more with '.' between "
                "them, as in org.example.Name");
        }
    }

    /// Only what leaves no trace in a plan can be relaxed: a stream or a slice would still be asked
    /// for.
    void not_built(
        std::string_view id,
        std::string_view directive,
        std::string_view value,
        std::string hint,
        bool can_be_relaxed,
        std::string_view reason = "not built yet") {
        const bool later = reason == "not built yet";
        std::string message = std::string(directive) + "=" + shown(value) +
                              (later ? " is " : " is refused: ") + std::string(reason);
        if (can_be_relaxed && is_relaxed(unit_, directive)) {
            message += "; relaxed, so the service runs without it";
            add(Severity::Warning, id, directive, std::move(message), {});
            return;
        }
        add(Severity::Error, id, directive, std::move(message), std::move(hint));
    }

    static std::string shown(std::string_view value) {
        const bool plain = value.size() <= 60 && std::ranges::all_of(value, [](char byte) {
                               return byte >= 0x20 && byte < 0x7f;
                           });
        return plain ? std::string(value) : quoted(value);
    }

    static std::string relaxing_hint(std::string_view directive) {
        return "remove it, or let the service run without it: [X-Hearth] RelaxConfinement=" +
               std::string(directive);
    }

    void name() {
        const auto parsed = parse_unit_name(unit_.name);
        if (parsed && parsed->is_template()) {
            add(Severity::Error,
                "template",
                {},
                quoted(unit_.name) + " is a template",
                "start an instance of it, as in " + parsed->prefix + "@NAME." +
                    std::string(hearth::name(parsed->type)));
        }
    }

    void commands() {
        const ServiceSettings& service = unit_.settings.service;
        const bool oneshot_type = service.type == ServiceType::Oneshot;
        // systemd.unit(5), SuccessAction=: done at once where there is no command.
        const bool acts = unit_.settings.unit.success_action != EmergencyAction::None;
        if (service.exec_start.empty()) {
            if (service.exec_stop.empty() && !acts) {
                bad("exec-none",
                    "ExecStart",
                    "the service has neither ExecStart= nor ExecStop=",
                    "write ExecStart=/path/to/program in [Service]");
            } else if (!oneshot_type) {
                bad("exec-start-missing",
                    "Type",
                    "the service has no ExecStart=, which only Type=oneshot may leave out",
                    "write ExecStart=/path/to/program, or Type=oneshot");
            } else if (!service.remain_after_exit && !acts) {
                bad("exec-start-remain",
                    "ExecStop",
                    "the service has no ExecStart= and does not have RemainAfterExit=yes",
                    "write RemainAfterExit=yes, so that there is something to stop");
            }
        }
        if (service.exec_start.size() > 1 && !oneshot_type) {
            bad("exec-start-several",
                "ExecStart",
                "the service has more than one ExecStart=, which only Type=oneshot may have",
                "write an empty ExecStart= before the one that is to count, or Type=oneshot");
        }
    }

    void oneshot() {
        const ServiceSettings& service = unit_.settings.service;
        if (service.type != ServiceType::Oneshot) {
            return;
        }
        if (service.restart == Restart::Always || service.restart == Restart::OnSuccess) {
            bad("restart-oneshot",
                "Restart",
                "Restart=" + std::string(name_of(service.restart, restart_names)) +
                    " is not allowed with Type=oneshot",
                "write Restart=on-failure, or another Type=");
        }
        const ExitStatusSet& force = service.restart_force_exit_status;
        if (!force.codes.empty() || !force.signals.empty()) {
            bad("restart-force-oneshot",
                "RestartForceExitStatus",
                "RestartForceExitStatus= is not allowed with Type=oneshot",
                "remove it, or write another Type=");
        }
    }

    /// The kernel ends all processes of a PID namespace with its first.
    void namespaces() {
        if (unit_.settings.namespaces.private_pids &&
            unit_.settings.service.type == ServiceType::Forking) {
            bad("private-pids-forking",
                "PrivatePIDs",
                "PrivatePIDs=yes is not allowed with Type=forking",
                "write another Type=, and run the program in the foreground");
        }
    }

    void unbuilt_streams() {
        const Settings& settings = unit_.settings;
        const StandardInput input = settings.exec.standard_input.kind;
        if (input == StandardInput::Socket || input == StandardInput::Fd) {
            not_built(
                "stream-not-built",
                "StandardInput",
                Codec<StreamTarget<StandardInput>>::format(settings.exec.standard_input),
                "socket units are not built: write null, data, tty or file:PATH",
                false);
        }
        output("StandardOutput", settings.exec.standard_output);
        output("StandardError", settings.exec.standard_error);
    }

    void output(std::string_view directive, const StreamTarget<StandardOutput>& target) {
        switch (target.kind) {
            case StandardOutput::Inherit:
            case StandardOutput::Null:
            case StandardOutput::Journal:
            case StandardOutput::File:
            case StandardOutput::Append:
            case StandardOutput::Truncate:
            case StandardOutput::Tty:
                return;
            case StandardOutput::JournalConsole:
            case StandardOutput::Kmsg:
            case StandardOutput::KmsgConsole:
            case StandardOutput::Socket:
            case StandardOutput::Fd:
                break;
        }
        not_built(
            "stream-not-built",
            directive,
            Codec<StreamTarget<StandardOutput>>::format(target),
            "write journal, null, file:PATH, append:PATH or truncate:PATH",
            false);
    }

    void unbuilt_directives() {
        for (const std::span<const Row> table : service_tables()) {
            for (const Row& row : table) {
                const auto* const refused = std::get_if<applied::Refused>(&row.applied);
                if (refused != nullptr && !row.is_default(unit_.settings)) {
                    not_built(
                        "not-built",
                        row.name,
                        row.format(unit_.settings),
                        relaxing_hint(row.name),
                        true,
                        refused->reason);
                }
            }
        }
    }

    /// A guest doesn't reboot or power off the machine it runs on.
    void actions() {
        const UnitSettings& unit = unit_.settings.unit;
        action("FailureAction", unit.failure_action);
        action("SuccessAction", unit.success_action);
        action("StartLimitAction", unit.start_limit_action);
        action("JobTimeoutAction", unit.job_timeout_action);
    }

    void action(std::string_view directive, EmergencyAction asked) {
        if (asked == EmergencyAction::None || asked == EmergencyAction::Exit ||
            asked == EmergencyAction::ExitForce) {
            return;
        }
        not_built(
            "action-not-here",
            directive,
            name_of(asked, emergency_action_names),
            "hearthd doesn't switch off the machine it is a guest of: write none, exit or "
            "exit-force; " +
                relaxing_hint(directive),
            true);
    }

    void doubts() {
        const ServiceSettings& service = unit_.settings.service;
        if (unit_.settings.kill.mode == KillMode::None) {
            add(Severity::Warning,
                "kill-mode-none",
                "KillMode",
                "KillMode=none leaves processes behind when the service stops",
                "write control-group or mixed");
        }
        if (service.type == ServiceType::Oneshot && !service.runtime_max.is_infinite()) {
            add(Severity::Warning,
                "runtime-max-oneshot",
                "RuntimeMaxSec",
                "RuntimeMaxSec= has no effect with Type=oneshot",
                "write TimeoutStartSec=");
        }
        for (const std::string& each : unit_.settings.hearth.relax_confinement.names) {
            if (find_row(each) == nullptr) {
                const std::string near = suggestion("Service", each);
                add(Severity::Warning,
                    "relax-unknown",
                    "RelaxConfinement",
                    "RelaxConfinement= names " + quoted(each) + ", which is no directive",
                    near.empty() ? "" : "did you mean '" + near + "'?");
            }
        }
    }

    const Unit& unit_;
    bool guest_;
    std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> load_findings(const Unit& unit, bool guest) {
    return Judge(unit, guest).load();
}

bool is_relaxed(const Unit& unit, std::string_view directive) {
    const HearthSettings& settings = unit.settings.hearth;
    if (settings.relax_confinement.names.contains(std::string(directive))) {
        return true;
    }
    const Row* const row = find_row(directive);
    return settings.confinement == Confinement::BestEffort && row != nullptr &&
           row->nature != Nature::Shares;
}

std::optional<Unit> without(Unit unit, std::string_view directive) {
    const Row* const row = find_row(directive);
    if (row == nullptr || row->assign == nullptr ||
        !row->assign(unit.settings, "", ValueContext{}) || !row->is_default(unit.settings)) {
        return std::nullopt;
    }
    return unit;
}

}  // namespace hearth
