// SPDX-License-Identifier: MIT
//
// The verbs. What is an error and what goes on in spite of one follows systemd's install code: of
// several links the possible ones are made.
#include "units/install.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "units/install_changes.hpp"
#include "units/special.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

using install::base_name;
using install::Changes;
using install::Count;
using install::directory_of;
using install::Info;
using install::instance_of;
using install::is_instance;
using install::is_template;
using install::Lookup;
using install::Search;
using install::Trouble;
using install::Units;
using Kind = FileChange::Kind;

constexpr const char* null_device = "/dev/null";
constexpr Search load_only{true, false};
constexpr Search follow_only{false, true};
constexpr Search load_and_follow{true, true};

/// A plain name of a plain one, a template of a template, an instance of the same instance; and an
/// instance may stand for the template.
bool is_alias_of(const UnitName& alias, const UnitName& unit) {
    const bool same_kind =
        alias.is_template() == unit.is_template() && alias.is_instance() == unit.is_instance();
    const bool instance_of_template = alias.is_instance() && unit.is_template();
    return alias.type == unit.type && (instance_of_template || same_kind) &&
           (!unit.is_instance() || alias.instance == unit.instance);
}

class Planning : private Changes {
public:
    Planning(const InstallView& view, const UnitFileRequest& request)
        : Changes(view), request_(request), config_(lookup().config(request.runtime)) {}

    InstallPlan run() {
        switch (request_.verb) {
            case UnitFileVerb::Enable:
                enable(request_.names);
                break;
            case UnitFileVerb::Disable:
                disable(request_.names);
                break;
            case UnitFileVerb::Reenable:
                reenable();
                break;
            case UnitFileVerb::Link:
                link_files();
                break;
            case UnitFileVerb::Preset:
                preset(request_.names, false);
                break;
            case UnitFileVerb::PresetAll:
                preset(all_names(), true);
                break;
            case UnitFileVerb::Mask:
                mask();
                break;
            case UnitFileVerb::Unmask:
                unmask();
                break;
            case UnitFileVerb::Revert:
                revert();
                break;
            case UnitFileVerb::SetDefault:
                set_default();
                break;
            case UnitFileVerb::AddWants:
            case UnitFileVerb::AddRequires:
                add_dependency();
                break;
        }
        return std::move(plan());
    }

private:
    /// What a name leads to; null where that is nothing, which is told.
    Info* follow(Units& units, const std::string& name, Search how) {
        Info* const start = units.add(name, false);
        if (start == nullptr) {
            const bool path = name.find('/') != std::string::npos;
            settle(fail(path ? Kind::InvalidArgument : Kind::InvalidName, name));
            return nullptr;
        }
        Info* end = start;
        if (const Trouble trouble = units.traverse(*start, how, &end)) {
            settle(fail(*trouble, name));
            return nullptr;
        }
        return end;
    }

    /// The same, where it must be a file that may be enabled.
    Info* discover(Units& units, const std::string& name, Search how) {
        Info* const end = follow(units, name, how);
        if (end == nullptr) {
            return nullptr;
        }
        if (end->mode == Info::Mode::Masked) {
            settle(fail(Kind::IsMasked, end->path));
            return nullptr;
        }
        const UnitDirectory* const place = lookup().directory(directory_of(end->path));
        if (place != nullptr && (place->role == UnitDirectory::Role::Generator ||
                                 place->role == UnitDirectory::Role::Transient)) {
            settle(fail(Kind::Generated, end->path));
            return nullptr;
        }
        return end;
    }

    Count alias_path(const Info& info, const std::string& alias, std::string& path) {
        const std::size_t slash = alias.rfind('/');
        if (slash != std::string::npos) {  // NAME.wants/NAME, as of old
            const std::string folder = alias.substr(0, slash);
            const std::string owner = folder.substr(0, folder.rfind('.'));
            const bool dependency = folder.ends_with(".wants") || folder.ends_with(".requires");
            if (!dependency || !is_valid_unit_name(owner)) {
                return fail(Kind::CannotAlias, alias);
            }
            if (base_name(alias) != info.name && template_of(base_name(alias)) != info.name) {
                return fail(Kind::CannotAlias, alias);
            }
            path = config_ + "/" + alias;
            return {};
        }
        const auto unit = parse_unit_name(info.name);
        auto name = parse_unit_name(alias);
        if (unit && unit->is_instance() && name && name->is_template()) {
            name->instance = unit->instance;
        }
        if (!unit || !name || !is_alias_of(*name, *unit)) {
            return fail(Kind::CannotAlias, name ? name->full() : alias, info.name);
        }
        if (*name != *unit) {
            path = config_ + "/" + name->full();
        }
        return {};
    }

    Count make_aliases(const Info& info) {
        Count count;
        for (const std::string& each : info.aliases) {
            const auto alias = lookup().expanded(info, each);
            if (!alias) {
                count.add(fail(alias.error()));
                continue;
            }
            std::string path;
            count.add(alias_path(info, *alias, path));
            if (!path.empty()) {
                count.add(make_link(path, info.path, request_.force));
            }
        }
        return count;
    }

    Count make_dependencies(
        const Info& info, const std::vector<std::string>& owners, const char* suffix) {
        Count count;
        std::string linked = info.name;
        if (is_template(linked) && !info.default_instance.empty()) {
            linked = instance_of(linked, info.default_instance);
            Info instance{linked};
            if (!lookup().search(instance, {}) && instance.mode == Info::Mode::Masked &&
                !owners.empty()) {
                return fail(Kind::IsMasked, instance.path);
            }
        }
        for (const std::string& each : owners) {
            const auto owner = lookup().expanded(info, each);
            if (!owner) {
                count.add(fail(owner.error()));
                continue;
            }
            const bool valid = is_valid_unit_name(*owner);
            if (!valid || (is_template(linked) && !is_template(*owner))) {
                if (!ignore_auxiliary_) {
                    count.add(
                        valid ? fail(Kind::NoTemplate, *owner, linked)
                              : fail(Kind::InvalidName, *owner));
                }
                continue;
            }
            count.add(make_link(config_ + "/" + *owner + suffix + linked, info.path, true));
            Info there{*owner};
            if (!is_built_in(*owner) && lookup().search(there, {}) == Kind::NotFound) {
                tell(Kind::DestinationNotPresent, *owner, info.path);
            }
        }
        return count;
    }

    /// As systemd has it, what went wrong with a dependency is an error only where the unit has no
    /// alias that went well.
    Count install(const Info& info) {
        if (lookup().directory(directory_of(info.path)) == nullptr) {
            const Count linked = make_link(config_ + "/" + info.name, info.path, request_.force);
            if (linked.failed) {
                return linked;
            }
        }
        Count count = make_aliases(info);
        const Count others[] = {
            make_dependencies(info, info.wanted_by, ".wants/"),
            make_dependencies(info, info.required_by, ".requires/"),
            make_dependencies(info, info.upheld_by, ".upholds/")};
        for (const Count& each : others) {
            if (count.links == 0 && !count.failed) {
                count = each;
            }
        }
        return count;
    }

    void apply(Units& units, Search how) {
        Count all;
        while (Info* const info = units.next()) {
            Info* end = info;
            if (const Trouble trouble = units.traverse(*info, how, &end)) {
                if (info->auxiliary) {
                    tell(Kind::AuxiliaryFailed, info->name);
                    continue;
                }
                settle(fail(*trouble, info->name));
                return;
            }
            for (const std::string& other : info->invalid_also) {
                tell(Kind::AuxiliaryFailed, other);
            }
            if (info->mode == Info::Mode::Masked) {
                tell(Kind::Masked, info->path);
                all.links += 1;
            } else if (info->mode == Info::Mode::File) {
                all.add(install(*info));
            }
        }
        settle(all);
        plan().carries_install_information =
            plan().carries_install_information || all.links > 0 || all.failed;
    }

    void enable(const std::vector<std::string>& names) {
        Units units(lookup());
        for (const std::string& name : names) {
            if (discover(units, name, load_and_follow) == nullptr) {
                return;
            }
        }
        apply(units, load_only);
    }

    /// Marks what is to lose its links: names, and paths of files that go.
    void mark(Units& units, std::set<std::string>& marked) {
        while (Info* const info = units.next()) {
            Info* end = info;
            const Trouble trouble = units.traverse(*info, load_and_follow, &end);
            if (!trouble && end->mode == Info::Mode::Masked) {
                tell(Kind::Masked, end->path);
                continue;
            }
            if (trouble == Kind::Severed) {
                tell(Kind::Dangling, info->name);
            } else if (trouble && !info->auxiliary) {
                tell(*trouble, info->path.empty() ? info->name : info->path);
            }
            marked.insert(info->name);
        }
    }

    void disable(const std::vector<std::string>& names) {
        Units units(lookup());
        for (const std::string& name : names) {
            Info* const info = units.add(name, false);
            if (info == nullptr || name.starts_with('/')) {
                settle(fail(Kind::InvalidName, name));
                return;
            }
            Info* end = info;
            const Trouble trouble = units.traverse(*info, load_and_follow, &end);
            plan().carries_install_information = plan().carries_install_information || trouble ||
                                                 end->has_rules() || !end->also.empty();
        }
        std::set<std::string> marked;
        mark(units, marked);
        remove_marked(std::move(marked), config_);
    }

    void reenable() {
        std::vector<std::string> names;
        for (const std::string& name : request_.names) {
            names.push_back(base_name(name));
        }
        disable(names);
        plan().carries_install_information = false;
        if (!plan().failed) {
            enable(request_.names);
        }
    }

    bool valid_names() {
        const auto invalid = std::ranges::find_if(
            request_.names, [](const std::string& name) { return !is_valid_unit_name(name); });
        if (invalid != request_.names.end()) {
            settle(fail(Kind::InvalidArgument, *invalid));
        }
        return invalid == request_.names.end();
    }

    void mask() {
        if (valid_names()) {
            for (const std::string& name : request_.names) {
                settle(make_link(config_ + "/" + name, null_device, request_.force));
            }
        }
    }

    void unmask() {
        std::set<std::string> marked;
        for (const std::string& name :
             valid_names() ? request_.names : std::vector<std::string>{}) {
            const std::string path = config_ + "/" + name;
            const std::string end = lookup().followed(path);
            const InstallEntry* const there = lookup().entry(end);
            if (lookup().entry(path) != nullptr &&
                (end == null_device ||
                 (there != nullptr && there->kind == InstallEntry::Kind::Null))) {
                remove(path);
                marked.insert(path);
            }
        }
        remove_marked(std::move(marked), config_);
    }

    void link_files() {
        std::vector<std::string> paths;
        for (const std::string& path : request_.names) {
            if (!path.starts_with('/') || !is_valid_unit_name(base_name(path))) {
                settle(fail(Kind::InvalidArgument, path));
                return;
            }
            const InstallEntry* const there = lookup().entry(lookup().followed(path));
            if (there == nullptr || there->kind == InstallEntry::Kind::Directory) {
                settle(fail(Kind::NotFound, path));
                return;
            }
            if (lookup().directory(directory_of(path)) == nullptr) {
                paths.push_back(path);
            }
        }
        for (const std::string& path : paths) {
            settle(make_link(config_ + "/" + base_name(path), path, request_.force));
        }
    }

    [[nodiscard]] std::vector<std::string> all_names() const {
        std::set<std::string> names;
        for (const UnitFileState& each : unit_file_states(view())) {
            names.insert(base_name(each.path));
        }
        return {names.begin(), names.end()};
    }

    /// Adds the unit to those that are enabled or to those that are disabled; false where it can't
    /// be, which is told.
    bool sort_by_preset(const std::string& name, Units& plus, Units& minus) {
        if (plus.contains(name) || minus.contains(name)) {
            return true;
        }
        Units aside(lookup());
        const Info* const info = follow(aside, name, follow_only);
        if (info == nullptr || info->name != name) {
            return info != nullptr;
        }
        const PresetAnswer answer = ask_presets(view().presets, name);
        if (!answer.enable) {
            return follow(minus, name, follow_only) != nullptr;
        }
        const std::vector<std::string> chosen =
            answer.instances.empty() ? std::vector{name} : answer.instances;
        return std::ranges::all_of(chosen, [&](const std::string& each) {
            Units alone(lookup());
            return discover(alone, each, load_and_follow) != nullptr &&
                   discover(plus, each, load_and_follow) != nullptr;
        });
    }

    void preset(const std::vector<std::string>& names, bool all) {
        Units plus(lookup());
        Units minus(lookup());
        for (const std::string& name : names) {
            const bool failed = plan().failed;
            if (!sort_by_preset(name, plus, minus)) {
                if (!all) {
                    return;
                }
                plan().failed = failed;  // of all units, some can't be: that is only told
            }
        }
        if (request_.mode != PresetMode::EnableOnly) {
            std::set<std::string> marked;
            mark(minus, marked);
            remove_marked(std::move(marked), config_);
        }
        if (request_.mode != PresetMode::DisableOnly) {
            ignore_auxiliary_ = true;
            apply(plus, load_only);
        }
    }

    /// Everything in a drop-in directory, then the directory.
    void remove_folder(const std::string& folder) {
        std::vector<std::string> below;
        const std::string prefix = folder + "/";
        for (auto at = view().entries.lower_bound(prefix);
             at != view().entries.end() && at->first.starts_with(prefix);
             ++at) {
            below.push_back(at->first);
        }
        std::ranges::for_each(below, [this](const std::string& path) { remove(path); });
        remove(folder);
    }

    [[nodiscard]] bool is_overridden(const std::string& name) const {
        return std::ranges::any_of(view().directories, [&](const UnitDirectory& each) {
            const InstallEntry* const there = lookup().entry(each.path + "/" + name);
            return there != nullptr && there->kind != InstallEntry::Kind::Link &&
                   there->kind != InstallEntry::Kind::Directory &&
                   (each.role == UnitDirectory::Role::Vendor ||
                    each.role == UnitDirectory::Role::Generator);
        });
    }

    void revert() {
        if (!valid_names()) {
            return;
        }
        std::set<std::string> marked;
        for (const std::string& name : request_.names) {
            for (const UnitDirectory& each : view().directories) {
                const std::string folder = each.path + "/" + name + ".d";
                const InstallEntry* const there = lookup().entry(folder);
                if (there != nullptr && there->kind == InstallEntry::Kind::Directory &&
                    (each.role == UnitDirectory::Role::Config ||
                     each.role == UnitDirectory::Role::Control ||
                     each.role == UnitDirectory::Role::Transient)) {
                    remove_folder(folder);
                }
            }
            for (const UnitDirectory& each : view().directories) {
                const std::string path = each.path + "/" + name;
                if (each.role == UnitDirectory::Role::Config && is_overridden(name) &&
                    lookup().entry(path) != nullptr) {
                    remove(path);
                    marked.insert(path);
                }
            }
        }
        remove_marked(marked, lookup().config(true));
        remove_marked(std::move(marked), lookup().config(false));
    }

    void set_default() {
        const std::string name = request_.names.empty() ? std::string() : request_.names.front();
        if (!is_valid_unit_name(name) || !name.ends_with(".target") || name == "default.target") {
            settle(fail(Kind::InvalidArgument, name));
            return;
        }
        Units units(lookup());
        if (const Info* const target = discover(units, name, {})) {
            settle(make_link(
                lookup().config(false) + "/default.target", target->path, request_.force));
        }
    }

    /// A guest's targets of the boot exist without a file (units/special.hpp).
    [[nodiscard]] bool is_built_in(const std::string& name) const {
        return view().context.guest && is_built_in_unit(name);
    }

    void add_dependency() {
        Units units(lookup());
        std::string owner = request_.target;
        if (!is_built_in(owner)) {
            const Info* const target = discover(units, owner, follow_only);
            if (target == nullptr) {
                return;
            }
            owner = target->name;
        }
        for (const std::string& name : request_.names) {
            Info* const info = discover(units, name, follow_only);
            if (info == nullptr) {
                return;
            }
            auto& list =
                request_.verb == UnitFileVerb::AddWants ? info->wanted_by : info->required_by;
            list = {owner};
        }
        apply(units, follow_only);
    }

    const UnitFileRequest& request_;
    std::string config_;
    bool ignore_auxiliary_ = false;
};

}  // namespace

InstallPlan plan_unit_files(const InstallView& view, const UnitFileRequest& request) {
    return Planning(view, request).run();
}

}  // namespace hearth
