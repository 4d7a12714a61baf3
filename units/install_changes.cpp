// SPDX-License-Identifier: MIT
#include "units/install_changes.hpp"

#include <utility>

#include "units/unit_name.hpp"

namespace hearth::install {

using Kind = FileChange::Kind;

void Changes::tell(Kind kind, std::string path, std::string source) {
    plan_.changes.push_back({kind, std::move(path), std::move(source)});
}

Count Changes::fail(Kind kind, std::string path, std::string source) {
    tell(kind, std::move(path), std::move(source));
    return {0, true};
}

Count Changes::fail(FileChange change) {
    plan_.changes.push_back(std::move(change));
    return {0, true};
}

/// The same place: as paths, or as what directories really are.
bool Changes::same_place(
    const std::string& path, const std::string& left, const std::string& right) const {
    return lookup_.followed(lookup_.resolve(path, left)) ==
           lookup_.followed(lookup_.resolve(path, right));
}

Count Changes::make_link(const std::string& path, const std::string& target, bool force) {
    if (const InstallEntry* const there = lookup_.entry(path)) {
        if (there->kind != InstallEntry::Kind::Link) {
            return fail(Kind::Exists, path);
        }
        if (same_place(path, there->target, target)) {
            return {1, false};
        }
        if (!force) {
            return fail(Kind::Exists, path, there->target);
        }
        remove(path);
    }
    view_.entries[path] = {InstallEntry::Kind::Link, target};
    tell(Kind::Symlink, path, target);
    return {1, false};
}

void Changes::remove(const std::string& path) {
    view_.entries.erase(path);
    tell(Kind::Unlink, path);
}

std::vector<std::string> Changes::links_below(const std::string& directory) const {
    std::vector<std::string> paths;
    const std::string prefix = directory + "/";
    for (auto at = view_.entries.lower_bound(prefix);
         at != view_.entries.end() && at->first.starts_with(prefix);
         ++at) {
        if (at->second.kind == InstallEntry::Kind::Link &&
            is_valid_unit_name(base_name(at->first))) {
            paths.push_back(at->first);
        }
    }
    return paths;
}

void Changes::remove_marked(std::set<std::string> marked, const std::string& directory) {
    for (bool more = !marked.empty(); more;) {
        more = false;
        for (const std::string& path : links_below(directory)) {
            const std::string end = lookup_.followed(path);
            const std::string seen =
                lookup_.resolve(path, view_.entries.at(path).target);  // dangling or not
            if (marked.contains(base_name(path)) || marked.contains(base_name(end)) ||
                marked.contains(end) || marked.contains(seen)) {
                remove(path);
                more = marked.insert(path).second || more;
            }
        }
    }
}

}  // namespace hearth::install
