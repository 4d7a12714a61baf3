// SPDX-License-Identifier: MIT
//
// The part of UnitStore that looks at names rather than at texts: aliases, the links in NAME.wants/
// and kin, and what the kernel has of devices, mounts and swaps.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "parser/words.hpp"
#include "supervisor/mount_table.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/unit_store.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

constexpr std::size_t most = std::size_t{16} << 20U;

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

/// "b@x.service" for the template "b@.service" and an instance "a@x.service".
std::string with_instance(const std::string& of_template, const std::string& instance) {
    auto made = parse_unit_name(of_template);
    const auto from = parse_unit_name(instance);
    if (!made || !from) {
        return of_template;
    }
    made->instance = from->instance;
    return made->full();
}

/// Where a link leads in the end; the path itself where it is none.
std::string followed(const std::string& path) {
    std::string current = path;
    for (int links = 0; links < 32; ++links) {
        const auto target = sys::readlink(current);
        if (!target) {
            break;
        }
        const std::size_t slash = current.rfind('/');
        current = std::filesystem::path(
                      target->starts_with('/') ? *target : current.substr(0, slash + 1) + *target)
                      .lexically_normal()
                      .string();
    }
    return current;
}

}  // namespace

/// systemd.unit(5): a link whose target lies within the unit path and has another name is an alias.
/// An instance's link to its own template is none: that is where it would be read from anyway.
std::string UnitStore::alias_target(const std::string& path, const std::string& name) const {
    const std::string end = followed(path);
    const std::string other = base_name(end);
    const bool in_path =
        std::ranges::find(unit_path_, end.substr(0, end.rfind('/'))) != unit_path_.end();
    const auto from = parse_unit_name(name);
    const auto to = parse_unit_name(other);
    if (!in_path || !from || !to || from->type != to->type || other == template_of(name)) {
        return name;
    }
    if (to->is_template() && from->is_instance()) {
        return with_instance(other, name);  // the template's alias, or a link to another template
    }
    return other;
}

std::string UnitStore::own_name(const std::string& name) const {
    constexpr int most_aliases = 32;
    std::string own = name;
    for (int aliases = 0; aliases < most_aliases; ++aliases) {
        const auto places = fragment_places(own);
        if (places.empty() || places.front().kind != DirectoryIndex::Kind::Link ||
            is_mask(places.front().path)) {
            break;
        }
        std::string next = alias_target(places.front().path, own);
        if (next == own) {
            break;
        }
        own = std::move(next);
    }
    return own;
}

bool UnitStore::directories_changed() const {
    index_.look();
    const bool changed = asked_ != index_.generation();
    asked_ = index_.generation();
    return changed;
}

const UnitStore::Aliases& UnitStore::aliases() const {
    if (aliases_of_ == index_.generation()) {
        return aliases_;
    }
    aliases_of_ = index_.generation();
    aliases_.clear();
    std::set<std::string> seen;  // the first of a name counts
    for (std::size_t each = 0; each < index_.size(); ++each) {
        for (const auto& [entry, what] : index_.entries(each)) {
            const std::string path = index_.path(each) + "/" + entry;
            if (!is_valid_unit_name(entry) || !seen.insert(entry).second ||
                what.kind != DirectoryIndex::Kind::Link || is_mask(path)) {
                continue;
            }
            if (const std::string own = alias_target(path, entry); own != entry) {
                aliases_[own].push_back(entry);
            }
        }
    }
    for (auto& [own, names] : aliases_) {
        std::ranges::sort(names);
    }
    return aliases_;
}

/// The unit's own name first, then its aliases, those of its template too.
std::vector<std::string> UnitStore::names_of(const std::string& name) const {
    std::vector<std::string> names = {name};
    const Aliases& known = aliases();
    if (const auto own = known.find(name); own != known.end()) {
        names.insert(names.end(), own->second.begin(), own->second.end());
    }
    if (const auto its = known.find(template_of(name)); its != known.end()) {
        for (const std::string& alias : its->second) {
            names.push_back(with_instance(alias, name));
        }
    }
    return names;
}

LinkedDependencies UnitStore::links(const std::string& name) const {
    index_.look();
    std::vector<std::string> owners = names_of(name);
    if (const std::string its_template = template_of(name); !its_template.empty()) {
        owners.push_back(its_template);
    }
    const auto read = [&](const char* suffix) {
        std::set<std::string> seen;
        std::vector<std::string> found;
        for (const std::string& owner : owners) {
            for (std::size_t each = 0; each < index_.size(); ++each) {
                const DirectoryIndex::Entries* const entries = index_.folder(each, owner + suffix);
                if (entries == nullptr) {
                    continue;
                }
                for (const auto& [entry, what] : *entries) {
                    const auto parsed = parse_unit_name(entry);
                    if (parsed && !parsed->is_template() && seen.insert(entry).second &&
                        what.target != "/dev/null") {
                        found.push_back(entry);
                    }
                }
            }
        }
        std::ranges::sort(found);
        return found;
    };
    return {read(".wants"), read(".requires"), read(".upholds")};
}

bool UnitStore::has_fragment(const std::string& name) const {
    index_.look();
    return !present_fragment(own_name(name)).empty();
}

bool UnitStore::is_present(const std::string& name) const {
    const auto parsed = parse_unit_name(name);
    const auto path = parsed ? unescape_path(parsed->prefix) : Result<std::string>(failure("", 0));
    if (!path) {
        return false;
    }
    if (parsed->type == UnitType::Device) {
        return sys::stat(*path).has_value();
    }
    if (parsed->type == UnitType::Swap) {
        return find_swap(*path).has_value();
    }
    const auto mounts = mount_table();
    return std::ranges::any_of(mounts, [&](const MountEntry& each) {
        return each.where == *path && each.type != "autofs";  // which waits for what is mounted
    });
}

}  // namespace hearth
