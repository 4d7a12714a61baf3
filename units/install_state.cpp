// SPDX-License-Identifier: MIT
//
// is-enabled and kin: what the links say about a unit, without changing any.
#include <algorithm>
#include <set>

#include "units/install_lookup.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

using install::base_name;
using install::directory_of;
using install::Info;
using install::Lookup;
using install::Search;
using install::Trouble;
using install::Units;

constexpr Search load_and_follow{true, true};

/// A name under which enabling the unit puts a link.
bool is_known_name(const Info& info, const std::string& name) {
    if (name == info.name || std::ranges::find(info.aliases, name) != info.aliases.end()) {
        return true;
    }
    return !info.default_instance.empty() && install::is_template(info.name) &&
           name == install::instance_of(info.name, info.default_instance);
}

struct Seen {
    bool enabled = false;    ///< a link by which it is started or known under another name
    bool same_name = false;  ///< only its own name leads to it: linked
};

/// What the links of one directory of the unit path say. `below`: the unit's own file stands in
/// this directory or a preferred one, so that its own name here says nothing.
class Links {
public:
    Links(const Lookup& lookup, const Info& info, bool match_name, bool below)
        : lookup_(lookup), info_(info), match_name_(match_name), below_(below) {}

    Seen of(const std::string& directory) const {
        Seen seen;
        const auto& entries = lookup_.view().entries;
        const std::string prefix = directory + "/";
        for (auto at = entries.lower_bound(prefix);
             at != entries.end() && at->first.starts_with(prefix);
             ++at) {
            if (at->second.kind != InstallEntry::Kind::Link) {
                continue;
            }
            const std::string folder = directory_of(at->first);
            if (folder == directory || is_dependency(folder)) {
                look_at(at->first, at->second.target, folder == directory, seen);
            }
        }
        return seen;
    }

private:
    static bool is_dependency(const std::string& folder) {
        return folder.ends_with(".wants") || folder.ends_with(".requires") ||
               folder.ends_with(".upholds");
    }

    void look_at(
        const std::string& path, const std::string& target, bool direct, Seen& seen) const {
        const std::string own = base_name(path);
        const bool here = own == info_.name && !(direct && below_);
        const bool leads_here = base_name(target) == info_.name;
        if (direct && here && leads_here) {
            seen.same_name = true;
        } else if (here || leads_here) {
            seen.enabled = seen.enabled || !match_name_ || is_known_name(info_, own);
        }
    }

    const Lookup& lookup_;
    const Info& info_;
    bool match_name_;
    bool below_;
};

/// "enabled" and kin where links say so; empty where there are none.
std::string state_by_links(const Lookup& lookup, const Info& info, bool match_name) {
    bool below = false;
    bool linked = false;
    bool linked_runtime = false;
    bool enabled_runtime = false;
    bool enabled_elsewhere = false;
    for (const UnitDirectory& each : lookup.view().directories) {
        const Seen seen = Links(lookup, info, match_name, below).of(each.path);
        const bool config = each.role == UnitDirectory::Role::Config;
        if (seen.enabled && config && !each.runtime) {
            return "enabled";
        }
        enabled_runtime = enabled_runtime || (seen.enabled && each.runtime);
        enabled_elsewhere = enabled_elsewhere || (seen.enabled && !each.runtime);
        if (seen.same_name && !seen.enabled) {
            linked = linked || (config && !each.runtime);
            linked_runtime = linked_runtime || each.runtime;
        }
        below = below || directory_of(info.path) == each.path;
    }
    if (enabled_runtime) {
        return "enabled-runtime";
    }
    if (enabled_elsewhere && install::is_instance(info.name)) {
        return "static";
    }
    return linked ? "linked" : linked_runtime ? "linked-runtime" : "";
}

std::string state_of_file(const Lookup& lookup, const std::string& asked, const Info& info) {
    const UnitDirectory* const place = lookup.directory(directory_of(info.path));
    if (info.mode == Info::Mode::Masked) {
        return place != nullptr && place->runtime ? "masked-runtime" : "masked";
    }
    if (asked != base_name(info.path) && !install::is_instance(info.name)) {
        return "alias";
    }
    if (place != nullptr && place->role == UnitDirectory::Role::Generator) {
        return "generated";
    }
    if (place != nullptr && place->role == UnitDirectory::Role::Transient) {
        return "transient";
    }
    if (const std::string state = state_by_links(lookup, info, true); !state.empty()) {
        return state;
    }
    if (!state_by_links(lookup, info, false).empty()) {
        return "indirect";
    }
    return info.has_rules() ? "disabled" : info.also.empty() ? "static" : "indirect";
}

}  // namespace

Result<std::string, RequestError> enabled_state(const InstallView& view, const std::string& name) {
    const Lookup lookup(view);
    Units units(lookup);
    Info* info = units.add(name, false);
    if (info == nullptr || name.starts_with('/')) {
        return Unexpected(RequestError{
            "org.freedesktop.DBus.Error.InvalidArgs", "'" + name + "' is not a valid unit name"});
    }
    if (const Trouble trouble = units.traverse(*info, load_and_follow, &info)) {
        if (trouble == FileChange::Kind::NotFound) {
            return Unexpected(RequestError{
                "org.freedesktop.DBus.Error.FileNotFound", "No such file or directory"});
        }
        return Unexpected(to_error({*trouble, name}));
    }
    return state_of_file(lookup, name, *info);
}

std::string preset_state(const InstallView& view, const std::string& name) {
    return ask_presets(view.presets, name).enable ? "enabled" : "disabled";
}

std::vector<UnitFileState> unit_file_states(const InstallView& view) {
    std::map<std::string, UnitFileState> states;
    for (const UnitDirectory& each : view.directories) {
        const std::string prefix = each.path + "/";
        for (auto at = view.entries.lower_bound(prefix);
             at != view.entries.end() && at->first.starts_with(prefix);
             ++at) {
            const std::string name = at->first.substr(prefix.size());
            if (at->second.kind != InstallEntry::Kind::Directory && is_valid_unit_name(name)) {
                states.try_emplace(name, UnitFileState{at->first, {}});
            }
        }
    }
    std::vector<UnitFileState> all;
    for (auto& [name, each] : states) {
        each.state = enabled_state(view, name).value_or("bad");
        all.push_back(std::move(each));
    }
    return all;
}

Result<std::string, RequestError> default_target(const InstallView& view) {
    const Lookup lookup(view);
    Units units(lookup);
    Info* info = units.add("default.target", false);
    if (const Trouble trouble = units.traverse(*info, {false, true}, &info)) {
        return Unexpected(to_error({*trouble, "default.target"}));
    }
    return info->name;
}

}  // namespace hearth
