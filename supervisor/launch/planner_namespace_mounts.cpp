// SPDX-License-Identifier: MIT
//
// adapt_mounts(): what a user namespace changes about mounts that are planned already. In a range,
// what the unit brings along (root directory, binds, its own directories) shows its owners as they
// are on disk, so that old state stays its own. Entered first, the child makes every copy itself,
// for hearthd may not, and the host's /proc and /sys take the place of fresh ones, which the kernel
// gives to the owner of the PID and network namespace only.
#include <algorithm>
#include <array>
#include <string_view>

#include "supervisor/launch/exit_status.hpp"
#include "supervisor/launch/planner_namespaces.hpp"

namespace hearth::launch {
namespace {

constexpr const char* user_slot = "user";

/// Directives whose paths are the unit's own, not the host's.
constexpr auto own_paths = std::to_array<std::string_view>({
    "BindPaths",
    "BindReadOnlyPaths",
    "CacheDirectory",
    "ConfigurationDirectory",
    "LogsDirectory",
    "RuntimeDirectory",
    "StateDirectory",
});

bool shows_own_ids(const Prepared& prepared, const CloneTree& tree) {
    const bool own = std::ranges::find(own_paths, prepared.asked.directive) != own_paths.end();
    // A writable hole in such a copy, or in the root directory, is of the same kind.
    return own || (!tree.root.empty() && tree.root != "/dev");
}

void map_root(MountPlan& mounts, const std::string& root) {
    for (Step& step : mounts.steps) {
        auto* const bind = std::get_if<BindMount>(&step.action);
        if (bind != nullptr && bind->source == root && bind->destination == root) {
            CloneTree tree{"root", root, true, false, {}};
            tree.id_map = user_slot;
            mounts.preparations.push_back({std::move(tree), step.asked, root_status});
            bind->source = "tree:root";
            return;
        }
    }
}

void map_owners(Planning& planning, MountPlan& mounts) {
    for (Prepared& prepared : mounts.preparations) {
        auto* const tree = std::get_if<CloneTree>(&prepared.preparation);
        if (tree != nullptr && shows_own_ids(prepared, *tree)) {
            tree->id_map = user_slot;
        }
    }
    if (const std::string& root = planning.settings.exec.root_directory;
        !root.empty() && root != "/") {
        map_root(mounts, root);
    }
}

/// A fresh `type` of the kernel's where the child may not make one: the host's own, bound.
void bind_from_host(MountPlan& mounts, std::string_view type, const std::string& source) {
    std::vector<Step> kept;
    for (Step& step : mounts.steps) {
        const auto* const fresh = std::get_if<MountFileSystem>(&step.action);
        if (fresh == nullptr || fresh->type != type) {
            continue;
        }
        const std::string name = "host:" + fresh->destination;
        kept.push_back(
            {Stage::Mounts, KeepTree{name, source, true, false, {}}, step.asked, step.exit_status});
        step.action = BindMount{
            "tree:" + name, fresh->destination, true, fresh->optional, fresh->flags & 1U, 0};
    }
    mounts.steps.insert(mounts.steps.begin() + 1, kept.begin(), kept.end());
}

void copy_in_child(MountPlan& mounts) {
    bind_from_host(mounts, "proc", "/proc");
    bind_from_host(mounts, "sysfs", "/sys");
    std::vector<Step> kept;
    std::erase_if(mounts.preparations, [&](const Prepared& prepared) {
        const auto* const tree = std::get_if<CloneTree>(&prepared.preparation);
        if (tree == nullptr) {
            return false;
        }
        kept.push_back(
            {Stage::Mounts,
             KeepTree{tree->slot, tree->source, tree->recursive, tree->optional, tree->root},
             prepared.asked,
             prepared.exit_status});
        return true;
    });
    // Right after the mount namespace, before anything in it changes.
    mounts.steps.insert(mounts.steps.begin() + 1, kept.begin(), kept.end());
}

}  // namespace

void keep_own_hierarchies(Planning& planning, std::vector<MountWish>& wishes) {
    std::vector<std::string> joined;
    for (const Prepared& prepared : planning.plan.preparations) {
        if (const auto* const made = std::get_if<MakeCgroup>(&prepared.preparation)) {
            joined = made->v1_controllers;
        }
    }
    std::erase_if(wishes, [&](const MountWish& wish) {
        const std::string options = "," + wish.options + ",";
        return wish.kind == MountWish::Kind::ControlGroups && wish.source == "cgroup" &&
               std::ranges::none_of(joined, [&](const std::string& controller) {
                   return options.find("," + controller + ",") != std::string::npos;
               });
    });
}

void adapt_mounts(Planning& planning, MountPlan& mounts) {
    if (planning.maps_range) {
        map_owners(planning, mounts);
    }
    if (planning.user_namespace == UserNamespaceUse::First) {
        copy_in_child(mounts);
    }
}

}  // namespace hearth::launch
