// SPDX-License-Identifier: MIT
#include "units/loader.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "parser/ini_reader.hpp"
#include "units/codecs.hpp"
#include "units/directive.hpp"
#include "units/mount_unit.hpp"
#include "units/rules.hpp"
#include "units/special.hpp"
#include "units/swap_unit.hpp"
#include "units/type_section.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

/// Our own diagnostics of one file after these are only counted.
constexpr std::size_t most_diagnostics = 1000;
/// "Did you mean" compares with all names: the first of many mistakes get it.
constexpr std::size_t most_suggestions = 100;

/// Where ignoring a bad value would run something else, or less confined, than was asked for.
bool must_be_valid(const Row& row) {
    return row.nature == Nature::Confines || row.syntax == Codec<CommandLines>::syntax;
}

class Loading {
public:
    Loading(Unit& unit, const SpecifierTable& specifiers, const std::vector<UnitDefault>& defaults)
        : unit_(unit), specifiers_(specifiers), type_(unit_type(unit.name)), defaults_(defaults) {
        for (const UnitDefault& each : defaults_) {
            if (const Row* const row = row_of(each)) {
                assign(*row, each.assignment);
            }
        }
    }

    void read(const UnitSource::File& file) {
        const UnitFile text = read_unit_file(file.text, file.path);
        diagnostics_ = {};
        unknown_sections_.clear();
        suppressed_ = 0;
        for (const Diagnostic& diagnostic : text.diagnostics) {
            diagnostics_.push_back(diagnostic);
            if (diagnostic.severity == Severity::Error) {
                // What the line would have said is not known, and it may have confined.
                unit_.refusals.push_back(diagnostic);
                unit_.load_state = LoadState::BadSetting;
            }
        }
        for (const Assignment& assignment : text.assignments) {
            apply(assignment);
        }
        std::ranges::stable_sort(
            diagnostics_, {}, [](const Diagnostic& each) { return each.origin.line; });
        if (suppressed_ > 0) {
            diagnostics_.push_back(
                {Severity::Warning,
                 {file.path, 0, 0},
                 std::to_string(suppressed_) + " more messages left out",
                 {},
                 {}});
        }
        unit_.diagnostics.insert(
            unit_.diagnostics.end(),
            std::make_move_iterator(diagnostics_.begin()),
            std::make_move_iterator(diagnostics_.end()));
    }

    /// Bad values that nothing took back, judged when it is known what the unit relaxes.
    void finish() {
        for (auto& [directive, found] : invalid_) {
            for (Diagnostic& diagnostic : found) {
                if (is_relaxed(unit_, directive)) {
                    diagnostic.severity = Severity::Warning;
                    diagnostic.message += "; relaxed, so the service runs without it";
                } else {
                    unit_.refusals.push_back(diagnostic);
                    unit_.load_state = LoadState::BadSetting;
                }
                unit_.diagnostics.push_back(std::move(diagnostic));
            }
        }
    }

private:
    void tell(Diagnostic diagnostic) {
        if (diagnostics_.size() < most_diagnostics) {
            diagnostics_.push_back(std::move(diagnostic));
        } else {
            ++suppressed_;
        }
    }

    void apply(const Assignment& assignment) {
        if (assignment.key.starts_with("X-")) {
            return;
        }
        if (is_of_unbuilt_type(assignment.section)) {
            return;  // such a type is refused when it is started (units/transaction.cpp)
        }
        if (const Row* const row = find_row(type_, assignment.section, assignment.key)) {
            assign(*row, assignment);
        } else if (is_known_section(assignment.section)) {
            unknown_key(assignment);
        } else if (!assignment.section.starts_with("X-")) {
            unknown_section(assignment);
        }
    }

    void unknown_section(const Assignment& assignment) {
        if (unknown_sections_.insert(assignment.section).second) {
            tell(assignment.diagnostic(
                Severity::Warning, "Unknown section [" + assignment.section + "], ignored"));
        }
    }

    /// [Socket] of a socket unit and kin: a section whose directives aren't built.
    [[nodiscard]] bool is_of_unbuilt_type(std::string_view section) const {
        return !is_built(type_) && section == own_section(type_);
    }

    [[nodiscard]] bool is_known_section(std::string_view section) const {
        const bool own = type_ != UnitType::Target && section == own_section(type_);
        return own || section == name(Section::Unit) || section == name(Section::Install) ||
               section == name(Section::Hearth);
    }

    void unknown_key(const Assignment& assignment) {
        std::string hint;
        if (++suggestions_ <= most_suggestions) {
            const std::string near = suggestion(assignment.section, assignment.key);
            hint = near.empty() ? "" : "did you mean '" + near + "'?";
        }
        tell(assignment.diagnostic(
            Severity::Warning,
            "Unknown key " + quoted(assignment.key) + " in section [" + assignment.section +
                "], ignored",
            std::move(hint)));
    }

    /// Where units of this type have it.
    [[nodiscard]] const Row* row_of(const UnitDefault& each) const {
        if (each.row->of_type != nullptr && !each.row->of_type(type_)) {
            return nullptr;
        }
        const bool of_all = each.row->section == Section::Unit;
        return find_row(
            type_,
            of_all ? std::string(name(Section::Unit)) : own_section(type_),
            each.row->directive);
    }

    void assign(const Row& row, const Assignment& assignment) {
        notes_.clear();
        const Assigned assigned =
            row.assign(unit_.settings, assignment.value, ValueContext{&specifiers_, &notes_});
        for (const ValueError& note : notes_) {
            tell(assignment.diagnostic(
                Severity::Warning, std::string(row.name) + "=: " + note.what, note));
        }
        if (assigned) {
            remember(row, assignment);
            return;
        }
        const ValueError& error = assigned.error();
        const std::string subject = "Invalid " + std::string(row.name) + "=" +
                                    (row.secret ? std::string() : quoted(assignment.value));
        if (must_be_valid(row)) {
            auto& found = invalid_[row.name];
            if (found.size() < most_diagnostics) {
                found.push_back(
                    assignment.diagnostic(Severity::Error, subject + ": " + error.what, error));
            }
        } else {
            tell(assignment.diagnostic(
                Severity::Warning, subject + ", ignored: " + error.what, error));
        }
    }

    void remember(const Row& row, const Assignment& assignment) {
        if (assignment.value.empty()) {
            invalid_.erase(row.name);  // the reset takes back what was bad, too
            for (const UnitDefault& each : defaults_) {
                if (row_of(each) == &row) {
                    (void)row.assign(
                        unit_.settings, each.assignment.value, ValueContext{&specifiers_, nullptr});
                }
            }
        }
        unit_.origins.insert_or_assign(std::string(row.name), assignment.origin);
        for (const OldName& each : old_names()) {
            if (each.old_name == row.name) {
                unit_.origins.insert_or_assign(std::string(each.present), assignment.origin);
            }
        }
    }

    Unit& unit_;
    const SpecifierTable& specifiers_;
    UnitType type_;
    const std::vector<UnitDefault>& defaults_;
    Diagnostics diagnostics_;
    std::set<std::string, std::less<>> unknown_sections_;
    std::map<std::string_view, Diagnostics> invalid_;  // names are the rows' own
    ValueNotes notes_;
    std::size_t suppressed_ = 0;
    std::size_t suggestions_ = 0;
};

/// A unit without settings: not found, masked, unreadable.
void give_up(Unit& unit, LoadState state, std::string message, std::string hint = {}) {
    Diagnostic why{
        Severity::Error, {unit.fragment_path, 0, 0}, std::move(message), std::move(hint), {}};
    if (why.origin.file.empty()) {
        why.origin.file = unit.name;
    }
    unit.load_state = state;
    unit.diagnostics.push_back(why);
    unit.refusals.push_back(std::move(why));
}

/// `whole` * `permyriad` / 10000 without overflow.
std::uint64_t share_of(std::uint64_t whole, std::uint32_t permyriad) {
    return whole / 10'000 * permyriad + whole % 10'000 * permyriad / 10'000;
}

/// Whether the unit's own files say it, and not the manager's.
bool is_said(const Unit& unit, std::string_view directive, const LoadContext& context) {
    const auto found = unit.origins.find(directive);
    return found != unit.origins.end() &&
           std::ranges::none_of(context.defaults, [&](const UnitDefault& each) {
               return each.row->directive == directive && each.assignment.origin == found->second;
           });
}

/// Defaults of the manager that are not for this unit.
void take_back_defaults(Unit& unit, const LoadContext& context) {
    ServiceSettings& service = unit.settings.service;
    const auto of_manager = [&](std::string_view directive) {
        return unit.origins.contains(directive) && !is_said(unit, directive, context);
    };
    if (service.type == ServiceType::Oneshot && of_manager("TimeoutStartSec")) {
        service.timeout_start.reset();  // systemd.service(5), TimeoutStartSec=
        unit.origins.erase("TimeoutStartSec");
    }
    if (unit.settings.resources.delegate.delegated && !is_said(unit, "OOMPolicy", context)) {
        service.oom_policy = OomPolicy::Continue;  // OOMPolicy=
        unit.origins.erase("OOMPolicy");
    }
}

/// systemd.exec(5), StandardInput= and StandardOutput=: what they are where nothing is written.
void complete_streams(Unit& unit, const LoadContext& context) {
    ExecSettings& exec = unit.settings.exec;
    if (!is_said(unit, "StandardInput", context) && !exec.terminal.input_data.bytes.empty()) {
        exec.standard_input.kind = StandardInput::Data;
    }
    switch (exec.standard_input.kind) {
        case StandardInput::Tty:
        case StandardInput::TtyForce:
        case StandardInput::TtyFail:
        case StandardInput::Socket:
        case StandardInput::Fd:
            if (!is_said(unit, "StandardOutput", context)) {
                exec.standard_output.kind = StandardOutput::Inherit;
            }
            break;
        case StandardInput::Null:
        case StandardInput::Data:
        case StandardInput::File:
            break;
    }
}

/// What one directive says about others; each is reported under its own name, at the line of the
/// one that implies it (systemd.exec(5), PrivateDevices= and DynamicUser=).
void imply(Unit& unit, const LoadContext& context) {
    Settings& settings = unit.settings;
    if (context.user_manager && !unit.origins.contains("KeyringMode")) {
        settings.identity.keyring_mode = KeyringMode::Inherit;
    }
    SandboxSettings& sandbox = settings.sandbox;
    Origin origin = unit.origin_of("PrivateDevices");
    const auto implied = [&](std::string_view directive, auto& field, auto value) {
        if (field != value) {
            field = value;
            unit.origins.insert_or_assign(std::string(directive), origin);
        }
    };
    DevicePolicy& devices = settings.resources.device_policy;
    if (sandbox.private_devices && devices == DevicePolicy::Auto) {
        implied("DevicePolicy", devices, DevicePolicy::Closed);
    }
    if (!settings.identity.dynamic_user) {
        return;
    }
    origin = unit.origin_of("DynamicUser");
    implied("NoNewPrivileges", sandbox.no_new_privileges, true);
    implied("PrivateTmp", sandbox.private_tmp, true);
    implied("ProtectSystem", sandbox.protect_system, ProtectSystem::Strict);
    implied("RemoveIPC", settings.identity.remove_ipc, true);
    implied("RestrictSUIDSGID", sandbox.restrict_suid_sgid, true);
    if (sandbox.protect_home == ProtectHome::No) {
        implied("ProtectHome", sandbox.protect_home, ProtectHome::ReadOnly);
    }
}

/// systemd.service(5), Type=, where it isn't said.
ServiceType default_type(const ServiceSettings& service) {
    if (!service.bus_name.empty()) {
        return ServiceType::Dbus;
    }
    return service.exec_start.empty() ? ServiceType::Oneshot : service.type;
}

/// What depends on several directives or on the host.
void complete(Unit& unit, const LoadContext& context) {
    Settings& settings = unit.settings;
    if (unit_type(unit.name) == UnitType::Mount) {
        complete_mount(unit);
    } else if (unit_type(unit.name) == UnitType::Swap) {
        complete_swap(unit);
    } else if (unit_type(unit.name) == UnitType::Automount) {
        complete_automount(unit);
    }
    complete_streams(unit, context);
    imply(unit, context);
    if (unit_type(unit.name) == UnitType::Service && !unit.origins.contains("Type")) {
        settings.service.type = default_type(settings.service);
    }
    take_back_defaults(unit, context);
    for (MemoryLimit* const limit :
         {&settings.resources.memory_max, &settings.resources.memory_high}) {
        if (limit->permyriad && context.memory_bytes != 0) {
            limit->bytes = share_of(context.memory_bytes, *limit->permyriad);
        }
    }
    TasksLimit& tasks = settings.resources.tasks_max;
    if (tasks.permyriad && context.tasks_maximum != 0) {
        tasks.count = share_of(context.tasks_maximum, *tasks.permyriad);
    }
}

void describe(Unit& unit) {
    if (unit.settings.unit.description.empty()) {
        unit.settings.unit.description = unit.name;
    }
}

void load_files(
    Unit& unit,
    const UnitSource::File& fragment,
    const UnitSource& source,
    const LoadContext& context) {
    const auto drop_ins = source.drop_ins(unit.name);
    if (!drop_ins) {
        // A drop-in that can't be read may be the one that confines.
        give_up(unit, LoadState::Error, drop_ins.error().what, "make it readable, or remove it");
        return;
    }
    unit.load_state = LoadState::Loaded;
    const SpecifierTable table = specifiers(unit.name, context, unit.fragment_path);
    Loading loading(unit, table, context.defaults);
    loading.read(fragment);
    for (const UnitSource::File& file : *drop_ins) {
        if (!file.masked) {
            unit.drop_in_paths.push_back(file.path);
            loading.read(file);
        }
    }
    loading.finish();
    complete(unit, context);
    judge(unit, context.guest);
}

std::vector<std::string> existing_mounts(
    const std::vector<AbsolutePath>& paths, const UnitSource& source) {
    std::vector<std::string> names;
    for (const AbsolutePath& each : paths) {
        for (std::string& mount : mounts_above(each.path)) {
            if (mount != "-.mount" && source.has_fragment(mount)) {
                names.push_back(std::move(mount));
            }
        }
    }
    return names;
}

void depend(Unit& unit, const UnitSource& source) {
    const UnitSettings& settings = unit.settings.unit;
    std::vector<AbsolutePath> needed = settings.requires_mounts_for;
    const auto needs = [&](std::vector<std::string> paths) {
        for (std::string& path : paths) {
            needed.push_back({std::move(path)});
        }
    };
    switch (unit_type(unit.name)) {
        case UnitType::Mount:
            needs(paths_needed(unit.settings.mount));
            break;
        case UnitType::Automount:
            needs(paths_above(unit.settings.automount.where));
            break;
        case UnitType::Swap:
            if (!unit.settings.swap.what.starts_with("/dev/")) {
                needs({unit.settings.swap.what});
            }
            break;
        case UnitType::Path:
            for (const PathSpec& each : unit.settings.path.specs.specs) {
                needs({each.path});
            }
            break;
        default:
            break;
    }
    unit.dependencies = dependencies_of(
        unit,
        source.links(unit.name),
        existing_mounts(needed, source),
        existing_mounts(settings.wants_mounts_for, source));
}

/// Defaults that depend on the type of unit.
void prepare(Unit& unit, UnitType type) {
    UnitSettings& settings = unit.settings.unit;
    switch (type) {
        case UnitType::Device:
            settings.job_running_timeout = Timespan::seconds(90);
            [[fallthrough]];
        case UnitType::Slice:
        case UnitType::Scope:
        case UnitType::Mount:
        case UnitType::Swap:
        case UnitType::Automount:
            settings.ignore_on_isolate = true;
            break;
        case UnitType::Service:
        case UnitType::Target:
        case UnitType::Socket:
        case UnitType::Timer:
        case UnitType::Path:
            break;
    }
}

Unit built_in(const std::string& name) {
    Unit unit;
    unit.name = name;
    unit.load_state = LoadState::Loaded;
    unit.built_in = true;
    unit.starts_active = is_active_built_in(name);
    unit.settings.unit.default_dependencies = false;
    unit.settings.unit.ignore_on_isolate = true;
    unit.settings.unit.description = "Built in: " + name;
    return unit;
}

/// A unit that needs no file: a slice, a device, a mount or swap that the kernel has.
bool needs_no_file(const std::string& name, UnitType type, const UnitSource& source) {
    switch (type) {
        case UnitType::Slice:
        case UnitType::Device:
            return true;
        case UnitType::Mount:
        case UnitType::Swap:
            return source.is_present(name);
        default:
            return false;
    }
}

void load_file(
    Unit& unit,
    const UnitSource::File& fragment,
    const UnitSource& source,
    const LoadContext& context) {
    unit.fragment_path = fragment.path;
    unit.transient = !context.transient_directory.empty() &&
                     fragment.path == context.transient_directory + "/" + unit.name;
    unit.aliases = fragment.aliases;
    if (!fragment.canonical.empty()) {
        if (std::ranges::find(unit.aliases, unit.name) == unit.aliases.end()) {
            unit.aliases.push_back(unit.name);
        }
        unit.name = fragment.canonical;
        std::erase(unit.aliases, unit.name);
    }
    if (fragment.masked) {
        give_up(unit, LoadState::Masked, "unit " + quoted(unit.name) + " is masked");
        return;
    }
    if (unit_type(unit.name) == UnitType::Scope && !unit.transient) {
        give_up(
            unit,
            LoadState::BadSetting,
            "a scope can't be made by a unit file",
            "systemd-run --scope or hearthctl run --scope makes one around a command");
        return;
    }
    load_files(unit, fragment, source, context);
    depend(unit, source);
}

}  // namespace

Unit load_unit(const std::string& name, const UnitSource& source, const LoadContext& context) {
    if (context.guest && is_built_in_unit(name)) {
        Unit unit = built_in(name);
        if (unit_type(name) == UnitType::Slice) {  // ours as much as the host's: with its limits
            load_files(unit, {name, {}}, source, context);
        }
        return unit;
    }
    Unit unit;
    unit.name = name;
    unit.settings.hearth.confinement = context.confinement;
    const auto parsed = parse_unit_name(name);
    if (!parsed) {
        give_up(unit, LoadState::Error, parsed.error().what);
        describe(unit);
        return unit;
    }
    prepare(unit, parsed->type);
    const auto fragment = source.fragment(name);
    if (!fragment) {
        give_up(unit, LoadState::Error, fragment.error().what, "make it readable");
    } else if (*fragment) {
        if (context.guest && is_built_in_unit((*fragment)->canonical)) {
            Unit target = built_in((*fragment)->canonical);
            target.aliases = {name};
            return target;
        }
        load_file(unit, **fragment, source, context);
    } else if (needs_no_file(name, parsed->type, source)) {
        load_files(unit, {name, {}}, source, context);
        depend(unit, source);
    } else {
        give_up(unit, LoadState::NotFound, "unit " + quoted(name) + " not found");
    }
    describe(unit);
    return unit;
}

void judge(Unit& unit, bool guest) {
    for (Finding& finding : load_findings(unit, guest)) {
        if (finding.diagnostic.severity == Severity::Error) {
            if (finding.bad_setting && unit.load_state == LoadState::Loaded) {
                unit.load_state = LoadState::BadSetting;
            }
            unit.refusals.push_back(finding.diagnostic);
        }
        unit.diagnostics.push_back(std::move(finding.diagnostic));
    }
}

}  // namespace hearth
