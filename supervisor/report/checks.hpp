// SPDX-License-Identifier: MIT
//
// One check per directive: given what was asked and the kernel's view, what does the kernel say,
// and is it what was asked? Pure. What is expected comes from the unit and the host's facts (whose
// uid is User='s), and from the plan only where the unit leaves the number open (a quota's period).
// A directive without a check is reported as `cannot know`, so a new row can't be left out
// silently.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/launch/mounts.hpp"
#include "supervisor/report/mount_table.hpp"
#include "supervisor/report/report.hpp"

namespace hearth::report {

struct Finding {
    Verdict verdict = Verdict::CannotKnow;
    std::string kernel;
    std::string reason;
};

struct Evidence {
    const Question& question;
    const KernelView& view;
    const MountTable& mounts;
    const MountTable& host_mounts;

    [[nodiscard]] const ExecSettings& exec() const { return question.unit.settings.exec; }
    [[nodiscard]] const SandboxSettings& sandbox() const { return question.unit.settings.sandbox; }
    [[nodiscard]] const RootSettings& roots() const { return question.unit.settings.roots; }
    [[nodiscard]] const ResourceSettings& resources() const {
        return question.unit.settings.resources;
    }
};

struct Check {
    std::string_view directive;
    Finding (*find)(const Evidence&);
};

/// Ids, capabilities, scheduling, limits (checks_process.cpp).
[[nodiscard]] std::span<const Check> process_checks();
/// CPUs, nodes, policies, priorities, labels (checks_scheduling.cpp).
[[nodiscard]] std::span<const Check> scheduling_checks();
/// What the one seccomp program is for, alone or beside other means (checks_filter.cpp).
[[nodiscard]] std::span<const Check> filter_checks();
/// Limits of the cgroup (checks_resources.cpp).
[[nodiscard]] std::span<const Check> resource_checks();
/// Namespaces, and paths that the unit names itself (checks_mounts.cpp).
[[nodiscard]] std::span<const Check> mount_checks();
/// Protect*=, each with a list of paths of its own (checks_protect.cpp).
[[nodiscard]] std::span<const Check> protect_checks();
/// Namespaces that are joined, and those of users, processes and control groups
/// (checks_namespaces.cpp).
[[nodiscard]] std::span<const Check> namespace_checks();
/// Images, layers, /proc, propagation, execution (checks_roots.cpp).
[[nodiscard]] std::span<const Check> root_checks();
/// Directories made for the service, credentials, dynamic users (checks_directories.cpp).
[[nodiscard]] std::span<const Check> directory_checks();
/// The check of a directive or of what it is an old name of, or null.
[[nodiscard]] const Check* find_check(std::string_view directive);

[[nodiscard]] Finding verified(std::string kernel);
[[nodiscard]] Finding mismatch(std::string kernel, std::string reason);
[[nodiscard]] Finding cannot_know(std::string reason);
/// verified where `good`, else a mismatch with the reason.
[[nodiscard]] Finding either(bool good, std::string kernel, std::string reason);
/// For a directive that works by several means: the texts together, the worst verdict and its
/// reason.
[[nodiscard]] Finding both(Finding first, Finding second);

// ---- shared by several checks

/// The namespace of that kind is not hearthd's own.
[[nodiscard]] Finding own_namespace(const Evidence& evidence, const std::string& kind);
/// The root is an overlay whose changes are the activation's.
[[nodiscard]] Finding ephemeral_root(const Evidence& evidence);
/// A mount namespace of its own, in which no mount hands on to the host's.
[[nodiscard]] Finding own_mounts(const Evidence& evidence);
/// None of these capabilities is left in the bounding set.
[[nodiscard]] Finding without_capabilities(
    const Evidence& evidence, std::initializer_list<unsigned> capabilities);
/// The loaded program is the plan's, or as much of that as can be known.
[[nodiscard]] Finding filters(const Evidence& evidence);

/// A path as the service meets it.
struct Place {
    const Mount* mount = nullptr;  ///< that it lies on; null: missing, or unknown
    bool exact = false;            ///< the mount begins there
    bool missing = false;
    std::string error;  ///< why nothing is known
    const PathFact* fact = nullptr;
};
[[nodiscard]] Place look(const Evidence& evidence, const std::string& path);
[[nodiscard]] std::string shown(const Mount* mount);
/// Each entry by `judge`; the first that is wrong speaks. Paths outside the root don't count.
using PathJudge = std::function<Finding(const std::string& path, const Place& place)>;
[[nodiscard]] Finding each_path(
    const Evidence& evidence,
    const std::vector<PathEntry>& entries,
    const char* what,
    const PathJudge& judge);
/// An inaccessible mount lies exactly there: empty, read-only, no devices, nothing to execute.
[[nodiscard]] bool is_hidden(const Place& place);
/// `path` and every mount to be seen below it are read-only, but for what the unit keeps writable.
[[nodiscard]] Finding read_only_tree(const Evidence& evidence, const std::string& path);
/// The same for each of a list; what doesn't exist is passed over, and told.
[[nodiscard]] Finding read_only_trees(
    const Evidence& evidence, std::initializer_list<const char*> paths);
[[nodiscard]] Finding all_hidden(
    const Evidence& evidence, std::initializer_list<const char*> paths);

/// A path of the service's view that some check looks at, and what hearthd's view calls it.
struct AskedPath {
    std::string path;
    std::string own;  ///< in the host's view: below RootDirectory=, or a bind's source
};
[[nodiscard]] std::vector<AskedPath> asked_paths(const Unit& unit);
/// Where the extension-release file of each extension is, as the service sees it.
[[nodiscard]] std::vector<std::string> extension_releases(const Unit& unit);
/// The same for StateDirectory= and kin, whose bases are the host's facts.
[[nodiscard]] std::vector<AskedPath> directory_paths(const Question& question);
/// Where an entry of ReadOnlyPaths= and kin is in the service's view; nothing where it lies outside
/// RootDirectory=.
[[nodiscard]] std::optional<std::string> service_path(const Unit& unit, const PathEntry& entry);

}  // namespace hearth::report
