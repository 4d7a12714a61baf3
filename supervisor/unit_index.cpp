// SPDX-License-Identifier: MIT
//
// The part of UnitStore that looks at names rather than at texts: aliases, the links in NAME.wants/
// and kin, and what the kernel has of devices, mounts and swaps.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "parser/words.hpp"
#include "supervisor/sys/file.hpp"
#include "supervisor/unit_store.hpp"
#include "units/unit_name.hpp"

namespace hearth {

namespace {

constexpr std::size_t most = std::size_t{16} << 20U;

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

/// "getty@.service" of "getty@tty1.service"; empty where the name is no instance.
std::string template_name(const std::string& name) {
    const auto parsed = parse_unit_name(name);
    return parsed && parsed->is_instance() ? parsed->template_name() : std::string();
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
    if (!in_path || !from || !to || from->type != to->type || other == template_name(name)) {
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
        const auto paths = fragment_paths(own);
        const auto first = std::ranges::find_if(paths, [](const std::string& path) {
            return sys::readlink(path).has_value() || sys::stat(path).has_value();
        });
        if (first == paths.end() || is_mask(*first)) {
            break;
        }
        std::string next = alias_target(*first, own);
        if (next == own) {
            break;
        }
        own = std::move(next);
    }
    return own;
}

std::vector<UnitStore::Stamp> UnitStore::directory_stamps() const {
    std::vector<Stamp> stamps;
    for (const std::string& directory : unit_path_) {
        stamps.push_back(stamp(directory).value_or(Stamp{}));
    }
    return stamps;
}

bool UnitStore::directories_changed() const {
    std::vector<Stamp> now = directory_stamps();
    const bool changed = now != asked_stamps_;
    asked_stamps_ = std::move(now);
    return changed;
}

const std::map<std::string, std::string>& UnitStore::aliases() const {
    std::vector<Stamp> now = directory_stamps();
    if (now == alias_stamps_) {
        return aliases_;
    }
    alias_stamps_ = std::move(now);
    aliases_.clear();
    std::set<std::string> seen;  // the first of a name counts
    for (const std::string& directory : unit_path_) {
        for (const std::string& entry :
             sys::read_directory(directory).value_or(std::vector<std::string>{})) {
            if (!is_valid_unit_name(entry) || !seen.insert(entry).second) {
                continue;
            }
            const std::string path = directory + "/" + entry;
            if (!sys::readlink(path) || is_mask(path)) {
                continue;
            }
            if (const std::string own = alias_target(path, entry); own != entry) {
                aliases_[entry] = own;
            }
        }
    }
    return aliases_;
}

/// The unit's own name first, then its aliases, those of its template too.
std::vector<std::string> UnitStore::names_of(const std::string& name) const {
    std::vector<std::string> names = {name};
    const std::string its_template = template_name(name);
    for (const auto& [alias, own] : aliases()) {
        if (own == name && alias != name) {
            names.push_back(alias);
        } else if (!its_template.empty() && own == its_template) {
            names.push_back(with_instance(alias, name));
        }
    }
    return names;
}

LinkedDependencies UnitStore::links(const std::string& name) const {
    std::vector<std::string> owners = names_of(name);
    if (const std::string its_template = template_name(name); !its_template.empty()) {
        owners.push_back(its_template);
    }
    const auto read = [&](const char* suffix) {
        std::set<std::string> seen;
        std::vector<std::string> found;
        for (const std::string& owner : owners) {
            for (const std::string& directory : unit_path_) {
                const std::string place = directory + "/" + owner + suffix;
                for (const std::string& entry :
                     sys::read_directory(place).value_or(std::vector<std::string>{})) {
                    const auto parsed = parse_unit_name(entry);
                    if (!parsed || parsed->is_template() || !seen.insert(entry).second) {
                        continue;
                    }
                    const auto target = sys::readlink(place + "/" + entry);
                    if (!target || *target != "/dev/null") {
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
    const bool swap = parsed->type == UnitType::Swap;
    const std::size_t column = swap ? 0 : 4;
    const std::string table =
        sys::read_file(swap ? "/proc/swaps" : "/proc/self/mountinfo", most).value_or("");
    std::size_t begin = 0;
    while (begin < table.size()) {
        const std::size_t end = std::min(table.find('\n', begin), table.size());
        const auto words = split_words(std::string_view(table).substr(begin, end - begin));
        if (words && words->size() > column && (*words)[column].text == *path) {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

}  // namespace hearth
