// SPDX-License-Identifier: MIT
#include "supervisor/report/mount_table.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

namespace hearth::report {

namespace {

bool is_octal(char byte) {
    return byte >= '0' && byte <= '7';
}

/// "\040" and kin become the bytes they stand for.
std::string unescaped(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool octal = text[at] == '\\' && at + 3 < text.size() && text[at + 1] >= '0' &&
                           text[at + 1] <= '3' && is_octal(text[at + 2]) && is_octal(text[at + 3]);
        if (octal) {
            result += static_cast<char>(
                (text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
            at += 3;
        } else {
            result += text[at];
        }
    }
    return result;
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

}  // namespace

bool is_below(std::string_view path, std::string_view parent) {
    return parent == "/" || path == parent ||
           (path.size() > parent.size() && path.starts_with(parent) && path[parent.size()] == '/');
}

namespace {

bool has_option(std::string_view rest, std::string_view option) {
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        if (rest.substr(0, comma) == option) {
            return true;
        }
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return false;
}

}  // namespace

bool Mount::has(std::string_view option) const {
    return has_option(options, option);
}

bool Mount::has_super(std::string_view option) const {
    return has_option(super_options, option);
}

MountTable::MountTable(std::string_view mountinfo) {
    std::istringstream lines{std::string(mountinfo)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        Mount mount;
        fields >> mount.id >> mount.parent >> mount.device >> mount.root >> mount.point >>
            mount.options;
        std::string field;
        while (fields >> field && field != "-") {
            if (constexpr std::string_view shared = "shared:"; field.starts_with(shared)) {
                mount.shared = number(std::string_view(field).substr(shared.size()));
            }
            if (constexpr std::string_view master = "master:"; field.starts_with(master)) {
                mount.master = number(std::string_view(field).substr(master.size()));
            }
        }
        std::string source;
        if (!(fields >> mount.type >> source >> mount.super_options)) {
            continue;
        }
        mount.point = unescaped(mount.point);
        mount.root = unescaped(mount.root);
        mounts_.push_back(std::move(mount));
    }
}

const Mount* MountTable::by_id(std::uint64_t id) const {
    const auto found = std::ranges::find(mounts_, id, &Mount::id);
    return found == mounts_.end() ? nullptr : &*found;
}

/// The mount at "/" whose parent the process can't see.
const Mount* MountTable::top() const {
    const Mount* found = nullptr;
    for (const Mount& mount : mounts_) {
        const bool highest = mount.parent == mount.id || by_id(mount.parent) == nullptr;
        if (mount.point == "/" && highest) {
            found = &mount;
        }
    }
    return found;
}

/// As a lookup goes: down from the top, into the first mount on the way, and on from there. What is
/// mounted deeper on a mount that was left before its place is covered.
const Mount* MountTable::covering(std::string_view path) const {
    const Mount* current = top();
    for (std::size_t depth = 0; current != nullptr && depth < mounts_.size(); ++depth) {
        const Mount* next = nullptr;
        for (const Mount& mount : mounts_) {
            const bool child = mount.parent == current->id && mount.id != current->id;
            if (child && is_below(path, mount.point) &&
                (next == nullptr || mount.point.size() < next->point.size())) {
                next = &mount;
            }
        }
        if (next == nullptr) {
            break;
        }
        current = next;
    }
    return current;
}

const Mount* MountTable::at(std::string_view path) const {
    const Mount* mount = covering(path);
    return mount != nullptr && mount->point == path ? mount : nullptr;
}

std::vector<const Mount*> MountTable::visible() const {
    std::vector<const Mount*> result;
    for (const Mount& mount : mounts_) {
        if (covering(mount.point) == &mount) {
            result.push_back(&mount);
        }
    }
    return result;
}

bool MountTable::has_peer_group(std::uint64_t group) const {
    return group != 0 && std::ranges::find(mounts_, group, &Mount::shared) != mounts_.end();
}

}  // namespace hearth::report
