// SPDX-License-Identifier: MIT
#include "supervisor/cgroup/mounts.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace hearth::cgroup {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

/// mountinfo writes space, tab, newline and backslash as \040 and so on.
std::string unescaped(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
                            is_octal(text[i + 2]) && is_octal(text[i + 3]);
        if (!escape) {
            result += text[i];
            continue;
        }
        const int value = (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
        result += static_cast<char>(value);
        i += 3;
    }
    return result;
}

/// The v1 controllers among a superblock's options.
std::vector<std::string> controllers_of(std::string_view options) {
    static constexpr std::array others = {
        "rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods"};
    std::vector<std::string> controllers;
    for (std::string_view option : split(options, ',')) {
        if (option.starts_with("name=")) {
            option.remove_prefix(5);
        } else if (
            option.empty() || option.find('=') != std::string_view::npos ||
            std::ranges::find(others, option) != others.end()) {
            continue;
        }
        controllers.emplace_back(option);
    }
    return controllers;
}

std::optional<CgroupMount> parse_mount(std::string_view line) {
    // id parent major:minor root point options [optional...] - type source super-options
    const std::vector<std::string_view> fields = split(line, ' ');
    const auto dash = std::ranges::find(fields, "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) {
        return std::nullopt;
    }
    const std::string_view type = dash[1];
    if (type != "cgroup" && type != "cgroup2") {
        return std::nullopt;
    }
    CgroupMount mount;
    mount.root = unescaped(fields[3]);
    mount.point = unescaped(fields[4]);
    mount.unified = type == "cgroup2";
    const auto is_read_only = [](std::string_view options) {
        const auto parts = split(options, ',');
        return std::ranges::find(parts, "ro") != parts.end();
    };
    mount.read_only = is_read_only(fields[5]) || is_read_only(dash[3]);
    if (!mount.unified) {
        mount.controllers = controllers_of(dash[3]);
    }
    return mount;
}

/// `path` below `root`, both as /proc/self/cgroup writes them.
std::optional<std::string> path_below(std::string_view root, std::string_view path) {
    if (root.starts_with("/..") || path.starts_with("/..")) {
        return std::nullopt;  // outside of our cgroup namespace
    }
    if (root == "/") {
        return path == "/" ? std::string() : std::string(path);
    }
    if (path == root) {
        return std::string();
    }
    if (path.starts_with(root) && path[root.size()] == '/') {
        return std::string(path.substr(root.size()));
    }
    return std::nullopt;
}

/// Who is mounted on whom. A mount can be reached unless another one was put over it, or over a
/// directory on the way to it.
class MountTree {
public:
    explicit MountTree(const std::vector<std::string_view>& lines) {
        for (const std::string_view line : lines) {
            if (const auto entry = entry_of(line)) {
                entries_.emplace(entry->id, *entry);
            }
        }
    }
    [[nodiscard]] bool is_hidden(std::string_view line) const {
        const auto own = entry_of(line);
        std::set<std::string_view> way;  // its own id, and of all that it stands on
        for (auto at = own ? entries_.find(own->id) : entries_.end();
             at != entries_.end() && way.insert(at->first).second;) {
            at = entries_.find(at->second.parent);
        }
        return std::ranges::any_of(entries_, [&](const auto& entry) {
            const Entry& other = entry.second;
            return !way.contains(other.id) && way.contains(other.parent) &&
                   path_below(other.point, own->point).has_value();
        });
    }

private:
    struct Entry {
        std::string_view id, parent, point;
    };
    static std::optional<Entry> entry_of(std::string_view line) {
        const std::vector<std::string_view> fields = split(line, ' ');
        return fields.size() < 6 ? std::nullopt
                                 : std::optional(Entry{fields[0], fields[1], fields[4]});
    }
    std::map<std::string_view, Entry> entries_;
};

/// The best of the mounts of one hierarchy: writable before read-only, the widest view first.
bool better(const Place& a, const Place& b) {
    if (a.read_only != b.read_only) {
        return b.read_only;
    }
    return a.mount_root.size() < b.mount_root.size();
}

struct Search {
    std::optional<Place> place;
    std::string problem;
};

Search search(
    const std::vector<CgroupMount>& mounts,
    const std::map<std::string, std::string>& own,
    const std::string& controller,
    bool absolute) {
    Search result;
    for (const CgroupMount& mount : mounts) {
        const bool here = controller.empty() ? mount.unified
                                             : std::ranges::find(mount.controllers, controller) !=
                                                   mount.controllers.end();
        if (!here) {
            continue;
        }
        const auto entry = own.find(controller);
        const std::string path = entry == own.end() ? "" : entry->second;
        const auto below = path.empty() ? std::nullopt : path_below(mount.root, path);
        if (!below && !absolute) {
            result.problem = path.empty()
                                 ? "/proc/self/cgroup does not tell our own cgroup"
                                 : "our own cgroup \"" + path + "\" is not visible below " +
                                       mount.point + ", which shows \"" + mount.root + "\"";
            continue;
        }
        const Place place{mount.point, mount.root, below.value_or(""), mount.read_only};
        if (!result.place || better(place, *result.place)) {
            result.place = place;
        }
    }
    return result;
}

}  // namespace

std::vector<CgroupMount> parse_mountinfo(std::string_view text) {
    const std::vector<std::string_view> lines = split(text, '\n');
    const MountTree tree(lines);
    std::vector<CgroupMount> mounts;
    for (const std::string_view line : lines) {
        auto mount = parse_mount(line);
        if (mount && !tree.is_hidden(line)) {
            mounts.push_back(std::move(*mount));
        }
    }
    return mounts;
}

std::map<std::string, std::string> parse_self_cgroup(std::string_view text) {
    std::map<std::string, std::string> own;
    for (const std::string_view line : split(text, '\n')) {
        // id:controllers:path, where the path may hold ':'
        const std::size_t first = line.find(':');
        const std::size_t second =
            first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos || line.substr(second + 1).empty()) {
            continue;
        }
        const std::string path(line.substr(second + 1));
        for (std::string_view controller : split(line.substr(first + 1, second - first - 1), ',')) {
            if (controller.starts_with("name=")) {
                controller.remove_prefix(5);
            }
            own.emplace(controller, path);
        }
    }
    return own;
}

Hierarchies find_hierarchies(
    std::string_view mountinfo, std::string_view self_cgroup, bool absolute) {
    const std::vector<CgroupMount> mounts = parse_mountinfo(mountinfo);
    const std::map<std::string, std::string> own = parse_self_cgroup(self_cgroup);
    Hierarchies found;
    Search unified = search(mounts, own, "", absolute);
    found.unified = std::move(unified.place);
    found.unified_problem = std::move(unified.problem);
    if (found.unified && found.unified->own.ends_with("/init.scope")) {
        found.unified->own.resize(
            found.unified->own.size() - std::string_view("/init.scope").size());
    }
    for (const CgroupMount& mount : mounts) {
        for (const std::string& controller : mount.controllers) {
            Search result = search(mounts, own, controller, absolute);
            if (result.place) {
                found.v1.emplace(controller, std::move(*result.place));
            } else {
                found.v1_problems.emplace(controller, std::move(result.problem));
            }
        }
    }
    return found;
}

std::string join(std::string_view above, std::string_view below) {
    std::string result(above);
    while (result.ends_with('/')) {
        result.pop_back();
    }
    while (below.starts_with('/')) {
        below.remove_prefix(1);
    }
    if (!below.empty()) {
        result += '/';
        result += below;
    }
    return result.empty() ? "/" : result;
}

Result<std::vector<std::string>> components(std::string_view path) {
    std::vector<std::string> parts;
    for (const std::string_view part : split(path, '/')) {
        if (part.empty() || part == "." || part == "..") {
            return failure(
                "\"" + std::string(path) + "\" is no cgroup path: expected names with '/' between");
        }
        parts.emplace_back(part);
    }
    return parts;
}

}  // namespace hearth::cgroup
