// SPDX-License-Identifier: MIT
#include "supervisor/report/mount_table.hpp"

#include <sstream>

namespace hearth::report {

namespace {

/// "\040" and kin become the bytes they stand for.
std::string unescaped(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool octal = text[at] == '\\' && at + 3 < text.size() && text[at + 1] >= '0' && text[at + 1] <= '3';
        if (octal) {
            result += static_cast<char>((text[at + 1] - '0') * 64 + (text[at + 2] - '0') * 8 + (text[at + 3] - '0'));
            at += 3;
        } else {
            result += text[at];
        }
    }
    return result;
}

}  // namespace

bool is_below(std::string_view path, std::string_view parent) {
    return parent == "/" || path == parent ||
           (path.size() > parent.size() && path.starts_with(parent) && path[parent.size()] == '/');
}

bool Mount::has(std::string_view option) const {
    std::string_view rest = options;
    while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        if (rest.substr(0, comma) == option) {
            return true;
        }
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    return false;
}

MountTable::MountTable(std::string_view mountinfo) {
    std::istringstream lines{std::string(mountinfo)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string id;
        std::string parent;
        std::string device;
        Mount mount;
        fields >> id >> parent >> device >> mount.root >> mount.point >> mount.options;
        std::string field;
        while (fields >> field && field != "-") {
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

const Mount* MountTable::covering(std::string_view path) const {
    const Mount* best = nullptr;
    for (const Mount& mount : mounts_) {
        if (is_below(path, mount.point) && (best == nullptr || mount.point.size() >= best->point.size())) {
            best = &mount;  // later ones of the same point lie on top
        }
    }
    return best;
}

const Mount* MountTable::at(std::string_view path) const {
    const Mount* mount = covering(path);
    return mount != nullptr && mount->point == path ? mount : nullptr;
}

std::vector<const Mount*> MountTable::visible() const {
    std::vector<const Mount*> result;
    for (std::size_t index = 0; index < mounts_.size(); ++index) {
        bool covered = false;
        for (std::size_t later = index + 1; later < mounts_.size() && !covered; ++later) {
            covered = mounts_[later].point != "/" && is_below(mounts_[index].point, mounts_[later].point);
        }
        if (!covered) {
            result.push_back(&mounts_[index]);
        }
    }
    return result;
}

}  // namespace hearth::report
