// SPDX-License-Identifier: MIT
//
// Where this process stands in which cgroup hierarchy: /proc/self/mountinfo and /proc/self/cgroup
// read as text, and put together. Pure: the texts are given, so tests show it other machines. A
// line that can't be read is skipped. What can't be used (mounted elsewhere than our cgroup, not
// mounted) is listed with the reason, in words. Follows proc(5) and cgroups(7).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parser/result.hpp"

namespace hearth::cgroup {

/// A mount of cgroup or cgroup2.
struct CgroupMount {
    std::string point;  ///< "/sys/fs/cgroup/cpu"
    std::string root;   ///< the cgroup it shows, as /proc/self/cgroup would write it: "/"
    std::vector<std::string> controllers;  ///< v1: "cpu", "cpuacct", "systemd" for name=systemd
    bool unified = false;
    bool read_only = false;
    bool operator==(const CgroupMount&) const = default;
};
/// Those that can be reached: not what is hidden below another mount.
[[nodiscard]] std::vector<CgroupMount> parse_mountinfo(std::string_view text);

/// Our cgroup by v1 controller ("systemd" for name=systemd) and "" for v2.
[[nodiscard]] std::map<std::string, std::string> parse_self_cgroup(std::string_view text);

/// A hierarchy and our place in it.
struct Place {
    std::string mount;       ///< mount point
    std::string mount_root;  ///< the cgroup shown there
    /// Our own cgroup below the mount point: "" for its root, else "/a/b". A last "/init.scope" of
    /// v2 is left out: it is the leaf that hearthd moved itself into.
    std::string own;
    bool read_only = false;
    bool operator==(const Place&) const = default;
};

struct Hierarchies {
    std::optional<Place> unified;
    std::string unified_problem;      ///< why not, where there is none
    std::map<std::string, Place> v1;  ///< by controller
    std::map<std::string, std::string> v1_problems;
};
/// `absolute`: a root with a leading '/' is wanted, so our own place in a hierarchy doesn't matter.
[[nodiscard]] Hierarchies find_hierarchies(
    std::string_view mountinfo, std::string_view self_cgroup, bool absolute);

/// Joins two paths of cgroups: one '/' between, none at the end, "/" for nothing.
[[nodiscard]] std::string join(std::string_view above, std::string_view below);
/// The components of a path; an error for empty ones, "." and "..".
[[nodiscard]] Result<std::vector<std::string>> components(std::string_view path);

}  // namespace hearth::cgroup
