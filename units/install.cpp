// SPDX-License-Identifier: MIT
#include "units/install.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "units/condition_parts.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

constexpr const char* null_device = "/dev/null";

Unexpected<RequestError> refusal(std::string name, std::string message) {
    return Unexpected(RequestError{std::move(name), std::move(message)});
}

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}
std::string directory_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
}

bool contains(const std::vector<std::string>& list, const std::string& value) {
    return std::ranges::find(list, value) != list.end();
}

std::string template_of(const std::string& name) {
    const auto parsed = parse_unit_name(name);
    return parsed && parsed->is_instance() ? parsed->template_name() : std::string();
}

bool is_template(const std::string& name) {
    const auto parsed = parse_unit_name(name);
    return parsed && parsed->is_template();
}

std::string instance_of(const std::string& of_template, const std::string& instance) {
    auto parsed = parse_unit_name(of_template);
    if (!parsed) {
        return of_template;
    }
    parsed->instance = instance;
    return parsed->full();
}

class Planning {
public:
    Planning(const InstallView& view, bool force) : view_(view), force_(force) {}

    /// The file of a name, of its alias, or of its template.
    [[nodiscard]] const UnitFileView* file(const std::string& name) const {
        for (const std::string& each : {name, template_of(name)}) {
            const auto alias = view_.aliases.find(each);
            const auto found =
                view_.files.find(alias == view_.aliases.end() ? each : alias->second);
            if (!each.empty() && found != view_.files.end()) {
                return &found->second;
            }
        }
        return nullptr;
    }

    [[nodiscard]] Result<const UnitFileView*, RequestError> need(const std::string& name) const {
        const UnitFileView* const found = file(name);
        if (found == nullptr) {
            return refusal("NoSuchUnit", "Unit file " + name + " does not exist.");
        }
        if (found->masked) {
            return refusal("UnitMasked", "Unit file " + found->path + " is masked.");
        }
        return found;
    }

    [[nodiscard]] std::optional<std::string> link_at(const std::string& path) const {
        const auto gone = std::ranges::find_if(plan_.changes, [&](const FileChange& change) {
            return change.path == path && change.kind == FileChange::Kind::Unlink;
        });
        const auto found = std::ranges::find(view_.links, path, &UnitLink::path);
        return found == view_.links.end() || gone != plan_.changes.end()
                   ? std::nullopt
                   : std::optional(found->target);
    }

    Result<void, RequestError> link(const std::string& path, const std::string& target) {
        if (contains(view_.regular, path)) {
            return refusal("UnitExists", "File " + path + " already exists.");
        }
        if (const auto present = link_at(path)) {
            if (same_place(directory_of(path), *present, target)) {
                return {};
            }
            if (!force_) {
                return refusal(
                    "UnitExists",
                    "File " + path + " already exists and is a symlink to " + *present + ".");
            }
            unlink(path);
        }
        const FileChange made{FileChange::Kind::Symlink, path, target};
        if (std::ranges::find(plan_.changes, made) == plan_.changes.end()) {
            plan_.changes.push_back(made);
        }
        return {};
    }

    void unlink(const std::string& path) {
        const FileChange made{FileChange::Kind::Unlink, path, {}};
        if (std::ranges::find(plan_.changes, made) == plan_.changes.end()) {
            plan_.changes.push_back(made);
        }
    }

    Result<void, RequestError> enable(const std::string& asked) {
        if (!seen_.insert(asked).second) {
            return {};
        }
        const UnitFileView* const found = HEARTH_TRY(need(asked));
        const InstallSettings& install = found->install;
        const std::string name = own_name(asked, *found);
        for (const std::string& alias : install.alias.names) {
            if (alias != name) {
                HEARTH_TRY(link(view_.directory + "/" + with_instance(alias, name), found->path));
            }
        }
        std::string linked = name;
        if (is_template(name) && !install.default_instance.empty()) {
            linked = instance_of(name, install.default_instance);
        }
        const std::pair<const UnitNames*, const char*> lists[] = {
            {&install.wanted_by, ".wants/"},
            {&install.required_by, ".requires/"},
            {&install.upheld_by, ".upholds/"}};
        for (const auto& [list, suffix] : lists) {
            for (const std::string& target : list->names) {
                if (is_template(linked)) {
                    return refusal(
                        "org.freedesktop.DBus.Error.InvalidArgs",
                        "Unit " + name +
                            " is a template without DefaultInstance=: enable an instance of it.");
                }
                HEARTH_TRY(link(view_.directory + "/" + target + suffix + linked, found->path));
            }
        }
        plan_.carries_install_information =
            plan_.carries_install_information || has_rules(install) || !install.also.names.empty();
        for (const std::string& other : install.also.names) {
            HEARTH_TRY(enable(other));
        }
        return {};
    }

    void disable(const std::string& asked) {
        std::set<std::string> names;
        add_with_also(asked, names);
        for (const UnitLink& each : view_.links) {
            if (directory_below(each.path) && each.target != null_device &&
                (matches(base_name(each.path), names) || matches(base_name(each.target), names))) {
                unlink(each.path);
            }
        }
    }

    [[nodiscard]] static bool has_rules(const InstallSettings& install) {
        return !install.wanted_by.names.empty() || !install.required_by.names.empty() ||
               !install.upheld_by.names.empty() || !install.alias.names.empty();
    }

    /// Whether a link lies in `directory`, or in a folder of it.
    [[nodiscard]] bool directory_below(const std::string& path) const {
        const std::string folder = directory_of(path);
        return folder == view_.directory || directory_of(folder) == view_.directory;
    }

    InstallPlan take() { return std::move(plan_); }

private:
    /// A link's text and a path say the same place; a relative text counts from its directory.
    static bool same_place(
        const std::string& directory, const std::string& text, const std::string& target) {
        if (text.starts_with('/')) {
            return text == target;
        }
        return base_name(text) == base_name(target) &&
               (text.find('/') != std::string::npos || directory == directory_of(target));
    }

    /// An alias is enabled as the unit that it leads to.
    [[nodiscard]] std::string own_name(const std::string& asked, const UnitFileView& found) const {
        const std::string base = base_name(found.path);
        return is_template(base) && !template_of(asked).empty() && template_of(asked) == base
                   ? asked
               : view_.aliases.contains(asked) ? base
                                               : asked;
    }

    static std::string with_instance(const std::string& alias, const std::string& name) {
        const auto parsed = parse_unit_name(name);
        return is_template(alias) && parsed && parsed->is_instance()
                   ? instance_of(alias, *parsed->instance)
                   : alias;
    }

    void add_with_also(const std::string& name, std::set<std::string>& names) const {
        if (!names.insert(name).second) {
            return;
        }
        if (const UnitFileView* const found = file(name)) {
            if (const auto alias = view_.aliases.find(name); alias != view_.aliases.end()) {
                names.insert(alias->second);
            }
            for (const std::string& other : found->install.also.names) {
                add_with_also(other, names);
            }
        }
    }

    /// A template stands for all of its instances.
    static bool matches(const std::string& name, const std::set<std::string>& names) {
        return names.contains(name) || names.contains(template_of(name));
    }

    const InstallView& view_;
    bool force_;
    InstallPlan plan_;
    std::set<std::string> seen_;
};

}  // namespace

Installed plan_enable(const InstallView& view, const std::vector<std::string>& names, bool force) {
    Planning planning(view, force);
    for (const std::string& name : names) {
        HEARTH_TRY(planning.enable(name));
    }
    return planning.take();
}

Installed plan_disable(const InstallView& view, const std::vector<std::string>& names) {
    Planning planning(view, true);
    for (const std::string& name : names) {
        planning.disable(name);
    }
    return planning.take();
}

Installed plan_reenable(
    const InstallView& view, const std::vector<std::string>& names, bool force) {
    Planning planning(view, force);
    for (const std::string& name : names) {
        planning.disable(name);
    }
    for (const std::string& name : names) {
        HEARTH_TRY(planning.enable(name));
    }
    return planning.take();
}

Installed plan_mask(const InstallView& view, const std::vector<std::string>& names, bool force) {
    Planning planning(view, force);
    for (const std::string& name : names) {
        HEARTH_TRY(planning.link(view.directory + "/" + name, null_device));
    }
    return planning.take();
}

Installed plan_unmask(const InstallView& view, const std::vector<std::string>& names) {
    Planning planning(view, true);
    for (const std::string& name : names) {
        const std::string path = view.directory + "/" + name;
        if (planning.link_at(path) == null_device) {
            planning.unlink(path);
        }
    }
    return planning.take();
}

Installed plan_link(const InstallView& view, const std::vector<std::string>& paths, bool force) {
    Planning planning(view, force);
    for (const std::string& path : paths) {
        if (!path.starts_with('/') || !is_valid_unit_name(base_name(path))) {
            return refusal(
                "org.freedesktop.DBus.Error.InvalidArgs",
                "'" + path + "' is not the absolute path of a unit file");
        }
        if (!contains(view.unit_path, directory_of(path))) {
            HEARTH_TRY(planning.link(view.directory + "/" + base_name(path), path));
        }
    }
    return planning.take();
}

Installed plan_add(
    const InstallView& view,
    const std::vector<std::string>& names,
    const std::string& target,
    const std::string& suffix,
    bool force) {
    Planning planning(view, force);
    for (const std::string& name : names) {
        const UnitFileView* const found = HEARTH_TRY(planning.need(name));
        HEARTH_TRY(planning.link(view.directory + "/" + target + suffix + "/" + name, found->path));
    }
    return planning.take();
}

Installed plan_default(const InstallView& view, const std::string& target, bool force) {
    Planning planning(view, force);
    if (target == "default.target" || !target.ends_with(".target")) {
        return refusal(
            "org.freedesktop.DBus.Error.InvalidArgs",
            "'" + target + "' can't be the default; expected the name of a target");
    }
    const UnitFileView* const found = HEARTH_TRY(planning.need(target));
    HEARTH_TRY(planning.link(view.directory + "/default.target", found->path));
    return planning.take();
}

Result<std::string, RequestError> default_target(const InstallView& view) {
    const auto alias = view.aliases.find("default.target");
    if (alias != view.aliases.end()) {
        return alias->second;
    }
    if (view.files.contains("default.target")) {
        return std::string("default.target");
    }
    return refusal("NoSuchUnit", "Unit file default.target does not exist.");
}

bool preset_enables(const std::vector<std::string>& preset_texts, const std::string& unit) {
    for (const std::string& text : preset_texts) {
        std::size_t begin = 0;
        while (begin < text.size()) {
            const std::size_t end = std::min(text.find('\n', begin), text.size());
            std::string_view line = std::string_view(text).substr(begin, end - begin);
            begin = end + 1;
            const std::size_t blank = line.find_first_of(" \t");
            if (line.starts_with('#') || line.starts_with(';') || blank == std::string_view::npos) {
                continue;
            }
            const std::string_view word = line.substr(0, blank);
            line.remove_prefix(std::min(line.find_first_not_of(" \t", blank), line.size()));
            const std::string_view pattern = line.substr(0, line.find_first_of(" \t"));
            if ((word == "enable" || word == "disable") &&
                (glob_matches(pattern, unit) || glob_matches(pattern, template_of(unit)))) {
                return word == "enable";
            }
        }
    }
    return true;  // systemd.preset(5): without a rule, everything is enabled
}

Installed plan_preset(
    const InstallView& view,
    const std::vector<std::string>& preset_texts,
    const std::vector<std::string>& names,
    bool force) {
    Planning planning(view, force);
    for (const std::string& name : names) {
        if (!preset_enables(preset_texts, name)) {
            planning.disable(name);
        }
    }
    for (const std::string& name : names) {
        if (preset_enables(preset_texts, name)) {
            HEARTH_TRY(planning.enable(name));
        }
    }
    return planning.take();
}

std::string enabled_state(const InstallView& view, const std::string& name) {
    Planning planning(view, false);
    const UnitFileView* const found = planning.file(name);
    if (found == nullptr) {
        return "not-found";
    }
    const bool in_runtime = contains(view.runtime_path, directory_of(found->path));
    if (found->masked) {
        return in_runtime ? "masked-runtime" : "masked";
    }
    if (view.aliases.contains(name)) {
        return "alias";
    }
    const std::string base = base_name(found->path);
    bool enabled = false;
    bool enabled_for_now = false;
    bool linked = false;
    bool linked_for_now = false;
    for (const UnitLink& each : view.links) {
        const std::string folder = directory_of(each.path);
        const bool direct = contains(view.unit_path, folder);
        const std::string root = direct ? folder : directory_of(folder);
        const bool runtime = contains(view.runtime_path, root);
        const std::string own = base_name(each.path);
        const bool config = root == view.directory || runtime;
        if (!config || each.target == null_device) {
            continue;
        }
        if (direct && own == base) {
            const bool outside = !contains(view.unit_path, directory_of(each.target));
            (runtime ? linked_for_now : linked) |= outside;
            continue;
        }
        const bool leads_here =
            base_name(each.target) == base && (is_template(name) || base == name);
        if (own == name || leads_here) {
            (runtime ? enabled_for_now : enabled) = true;
        }
    }
    if (enabled || enabled_for_now) {
        return enabled ? "enabled" : "enabled-runtime";
    }
    if (linked || linked_for_now) {
        return linked ? "linked" : "linked-runtime";
    }
    if (Planning::has_rules(found->install)) {
        return "disabled";
    }
    return found->install.also.names.empty() ? "static" : "indirect";
}

}  // namespace hearth
