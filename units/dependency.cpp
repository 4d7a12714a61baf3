// SPDX-License-Identifier: MIT
#include "units/dependency.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "units/mount_unit.hpp"
#include "units/trigger.hpp"
#include "units/unit.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

struct RelationInfo {
    Relation relation;
    Relation inverse;
    std::string_view name;
};

constexpr auto relations = std::to_array<RelationInfo>({
    {Relation::Requires, Relation::RequiredBy, "Requires"},
    {Relation::Requisite, Relation::RequisiteOf, "Requisite"},
    {Relation::Wants, Relation::WantedBy, "Wants"},
    {Relation::BindsTo, Relation::BoundBy, "BindsTo"},
    {Relation::PartOf, Relation::ConsistsOf, "PartOf"},
    {Relation::Upholds, Relation::UpheldBy, "Upholds"},
    {Relation::RequiredBy, Relation::Requires, "RequiredBy"},
    {Relation::RequisiteOf, Relation::Requisite, "RequisiteOf"},
    {Relation::WantedBy, Relation::Wants, "WantedBy"},
    {Relation::BoundBy, Relation::BindsTo, "BoundBy"},
    {Relation::ConsistsOf, Relation::PartOf, "ConsistsOf"},
    {Relation::UpheldBy, Relation::Upholds, "UpheldBy"},
    {Relation::Conflicts, Relation::ConflictedBy, "Conflicts"},
    {Relation::ConflictedBy, Relation::Conflicts, "ConflictedBy"},
    {Relation::Before, Relation::After, "Before"},
    {Relation::After, Relation::Before, "After"},
    {Relation::OnFailure, Relation::OnFailureOf, "OnFailure"},
    {Relation::OnFailureOf, Relation::OnFailure, "OnFailureOf"},
    {Relation::OnSuccess, Relation::OnSuccessOf, "OnSuccess"},
    {Relation::OnSuccessOf, Relation::OnSuccess, "OnSuccessOf"},
    {Relation::PropagatesReloadTo, Relation::ReloadPropagatedFrom, "PropagatesReloadTo"},
    {Relation::ReloadPropagatedFrom, Relation::PropagatesReloadTo, "ReloadPropagatedFrom"},
    {Relation::PropagatesStopTo, Relation::StopPropagatedFrom, "PropagatesStopTo"},
    {Relation::StopPropagatedFrom, Relation::PropagatesStopTo, "StopPropagatedFrom"},
    {Relation::Triggers, Relation::TriggeredBy, "Triggers"},
    {Relation::TriggeredBy, Relation::Triggers, "TriggeredBy"},
});

consteval bool in_order() {
    for (std::size_t i = 0; i < relations.size(); ++i) {
        if (static_cast<std::size_t>(relations[i].relation) != i) {
            return false;
        }
    }
    return true;
}
static_assert(in_order());

const RelationInfo& info(Relation relation) {
    return relations[static_cast<std::size_t>(relation)];
}

class Collecting {
public:
    explicit Collecting(const Unit& unit) : unit_(unit) {}

    void add(Relation relation, const std::string& name, DependencySource source) {
        // A unit has nothing to do with itself, save that it may start itself over by OnFailure=.
        const bool own = name == unit_.name && relation != Relation::OnFailure &&
                         relation != Relation::OnSuccess;
        if (!own && seen_.emplace(relation, name).second) {
            made_.push_back({relation, name, source});
        }
    }
    void add(Relation relation, const DependencyNames& names) {
        for (const std::string& each : names.names) {
            add(relation, each, DependencySource::File);
        }
    }
    void need(const std::string& name, DependencySource source) {
        add(Relation::Requires, name, source);
        add(Relation::After, name, source);
    }

    void listed() {
        const UnitSettings& text = unit_.settings.unit;
        add(Relation::Requires, text.requires_);
        add(Relation::Requisite, text.requisite);
        add(Relation::Wants, text.wants);
        add(Relation::BindsTo, text.binds_to);
        add(Relation::PartOf, text.part_of);
        add(Relation::Upholds, text.upholds);
        add(Relation::Conflicts, text.conflicts);
        add(Relation::Before, text.before);
        add(Relation::After, text.after);
        add(Relation::OnFailure, text.on_failure);
        add(Relation::OnSuccess, text.on_success);
        add(Relation::PropagatesReloadTo, text.propagates_reload_to);
        add(Relation::ReloadPropagatedFrom, text.reload_propagated_from);
        add(Relation::PropagatesStopTo, text.propagates_stop_to);
        add(Relation::StopPropagatedFrom, text.stop_propagated_from);
    }

    void linked(const LinkedDependencies& links) {
        for (const std::string& each : links.wants) {
            add(Relation::Wants, each, DependencySource::Directory);
        }
        for (const std::string& each : links.requires_) {
            add(Relation::Requires, each, DependencySource::Directory);
        }
        for (const std::string& each : links.upholds) {
            add(Relation::Upholds, each, DependencySource::Directory);
        }
    }

    void implied(UnitType type) {
        switch (type) {
            case UnitType::Service:
                if (unit_.settings.service.type == ServiceType::Dbus) {
                    need("dbus.socket", DependencySource::Implicit);
                }
                [[fallthrough]];
            case UnitType::Scope:
                need(slice_of(unit_), DependencySource::Implicit);
                break;
            case UnitType::Mount:
                if (!unit_.fragment_path.empty()) {
                    need(slice_of(unit_), DependencySource::Implicit);
                    device_of_mount();
                }
                break;
            case UnitType::Swap:
                if (!unit_.fragment_path.empty()) {
                    need(slice_of(unit_), DependencySource::Implicit);
                    device_of_swap();
                }
                break;
            case UnitType::Socket:
                need(slice_of(unit_), DependencySource::Implicit);
                triggers();
                break;
            case UnitType::Timer:
            case UnitType::Path:
            case UnitType::Automount:
                triggers();
                break;
            case UnitType::Slice:
                if (const std::string parent = parent_slice(unit_.name); !parent.empty()) {
                    need(parent, DependencySource::Implicit);
                }
                break;
            default:
                break;
        }
    }

    void defaults(UnitType type) {
        // What is there as long as the machine runs has no end to be ordered against.
        const bool perpetual = unit_.name == "-.slice" || unit_.name == "system.slice" ||
                               unit_.name == "init.scope" || unit_.name == "-.mount";
        if (!unit_.settings.unit.default_dependencies || unit_.built_in || perpetual) {
            return;
        }
        switch (type) {
            case UnitType::Service:
                need("sysinit.target", DependencySource::Default);
                add(Relation::After, "basic.target", DependencySource::Default);
                break;
            case UnitType::Socket:
                order_early("sockets.target");
                break;
            case UnitType::Timer:
                order_early("timers.target");
                if (!unit_.settings.timer.timers.calendar.empty()) {
                    add(Relation::After, "time-set.target", DependencySource::Default);
                    add(Relation::After, "time-sync.target", DependencySource::Default);
                }
                break;
            case UnitType::Path:
                order_early("paths.target");
                break;
            case UnitType::Target:
                order_target();
                break;
            case UnitType::Slice:
            case UnitType::Scope:
                break;
            case UnitType::Mount:
                return order_mount();
            case UnitType::Swap:
                return order_swap();
            case UnitType::Automount:
                add(Relation::After, "local-fs-pre.target", DependencySource::Default);
                add(Relation::Before, "local-fs.target", DependencySource::Default);
                return end_with("umount.target");
            case UnitType::Device:
                return;
        }
        add(Relation::Before, "shutdown.target", DependencySource::Default);
        add(Relation::Conflicts, "shutdown.target", DependencySource::Default);
    }

    Dependencies take() { return std::move(made_); }

private:
    /// What it starts, and is to be there before.
    void triggers() {
        if (const std::string other = triggered_unit(unit_); !other.empty()) {
            add(Relation::Triggers, other, DependencySource::Implicit);
            add(Relation::Before, other, DependencySource::Implicit);
        }
    }

    void order_early(const char* target) {
        need("sysinit.target", DependencySource::Default);
        add(Relation::Before, target, DependencySource::Default);
    }

    void end_with(const char* target) {
        add(Relation::Before, target, DependencySource::Default);
        add(Relation::Conflicts, target, DependencySource::Default);
    }

    /// systemd.swap(5), Implicit Dependencies.
    void device_of_swap() {
        const std::string& what = unit_.settings.swap.what;
        const auto escaped = escape_path(what);
        if (what.starts_with("/dev/") && escaped) {
            add(Relation::BindsTo, *escaped + ".device", DependencySource::Implicit);
            add(Relation::After, *escaped + ".device", DependencySource::Implicit);
        }
    }

    /// systemd.swap(5), Default Dependencies; those of the host's own swaps don't concern us.
    void order_swap() {
        if (unit_.fragment_path.empty()) {
            return;
        }
        if (!has_mount_option(unit_.settings.swap.options, "nofail")) {
            add(Relation::Before, "swap.target", DependencySource::Default);
        }
        end_with("umount.target");
    }

    /// What is mounted is a device: it must be there.
    void device_of_mount() {
        const std::string& what = unit_.settings.mount.what;
        const auto escaped = escape_path(what);
        if (what.starts_with("/dev/") && escaped) {
            need(*escaped + ".device", DependencySource::Implicit);
            add(Relation::StopPropagatedFrom, *escaped + ".device", DependencySource::Implicit);
        }
    }

    /// systemd.mount(5), Default Dependencies; those of the host's own mounts don't concern us.
    void order_mount() {
        const MountSettings& mount = unit_.settings.mount;
        if (unit_.fragment_path.empty() || mount.where == "/" || mount.where == "/usr") {
            return;
        }
        const bool network = is_network_mount(mount);
        add(Relation::After,
            network ? "remote-fs-pre.target" : "local-fs-pre.target",
            DependencySource::Default);
        if (network) {
            add(Relation::After, "network.target", DependencySource::Default);
            add(Relation::After, "network-online.target", DependencySource::Default);
            add(Relation::Wants, "network-online.target", DependencySource::Default);
        }
        if (mount.type == "tmpfs") {
            add(Relation::After, "swap.target", DependencySource::Default);
        }
        if (!has_mount_option(mount.options, "nofail")) {
            add(Relation::Before,
                network ? "remote-fs.target" : "local-fs.target",
                DependencySource::Default);
        }
        end_with("umount.target");
    }

    void order_target() {
        std::vector<std::string> pulled;
        for (const Dependency& each : made_) {
            switch (each.relation) {
                case Relation::Requires:
                case Relation::Requisite:
                case Relation::Wants:
                case Relation::BindsTo:
                case Relation::Upholds:
                case Relation::PartOf:
                    pulled.push_back(each.unit);
                    break;
                default:
                    break;
            }
        }
        for (const std::string& each : pulled) {
            if (!seen_.contains({Relation::Before, each})) {
                add(Relation::After, each, DependencySource::DefaultOfTarget);
            }
        }
    }

    const Unit& unit_;
    Dependencies made_;
    std::set<std::pair<Relation, std::string>> seen_;
};

}  // namespace

std::string_view name(Relation relation) {
    return info(relation).name;
}

Relation inverse(Relation relation) {
    return info(relation).inverse;
}

Dependencies dependencies_of(
    const Unit& unit,
    const LinkedDependencies& links,
    const std::vector<std::string>& required_mounts,
    const std::vector<std::string>& wanted_mounts) {
    const UnitType type = unit_type(unit.name);
    Collecting collecting(unit);
    collecting.listed();
    collecting.linked(links);
    collecting.implied(type);
    for (const std::string& mount : required_mounts) {
        collecting.need(mount, DependencySource::Implicit);
    }
    for (const std::string& mount : wanted_mounts) {
        collecting.add(Relation::Wants, mount, DependencySource::Implicit);
        collecting.add(Relation::After, mount, DependencySource::Implicit);
    }
    collecting.defaults(type);
    return collecting.take();
}

std::string parent_slice(std::string_view slice) {
    constexpr std::string_view suffix = ".slice";
    if (slice == "-.slice" || !slice.ends_with(suffix)) {
        return {};
    }
    const std::string_view stem = slice.substr(0, slice.size() - suffix.size());
    const std::size_t dash = stem.rfind('-');
    return dash == std::string_view::npos ? "-.slice"
                                          : std::string(stem.substr(0, dash)) + std::string(suffix);
}

std::string slice_of(const Unit& unit) {
    const std::string& asked = unit.settings.resources.slice;
    const auto name = parse_unit_name(unit.name);
    if (!asked.empty() || !name || !name->is_instance()) {
        return asked.empty() ? "system.slice" : asked;
    }
    // Instances of a template share a slice. A '-' in the template's name would be one more level,
    // so it is escaped.
    std::string slice = "system-";
    for (const char byte : name->prefix) {
        slice += byte == '-' ? std::string("\\x2d") : std::string(1, byte);
    }
    return slice + ".slice";
}

std::vector<std::string> mounts_above(std::string_view path) {
    std::vector<std::string> names = {"-.mount"};
    const std::string simple = simplified_path(path);
    for (std::size_t slash = simple.find('/', 1); simple.size() > 1;
         slash = simple.find('/', slash + 1)) {
        if (auto escaped = escape_path(std::string_view(simple).substr(0, slash))) {
            names.push_back(*escaped + ".mount");
        }
        if (slash == std::string::npos) {
            break;
        }
    }
    return names;
}

}  // namespace hearth
