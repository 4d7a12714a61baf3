// SPDX-License-Identifier: MIT
// A root that is the whole cgroup of a machine or a container (DESIGN 5): hearth's own programs
// stand in leaves of their own there, beside the slices, as systemd does in init.scope.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "supervisor/cgroup/files.hpp"
#include "supervisor/cgroup/tree.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::cgroup {
namespace {

constexpr std::array leaves = {keeper_leaf, manager_leaf, log_writer_leaf};

Result<void> move(const std::string& leaf, pid_t pid) {
    return sys::write_file(leaf + "/cgroup.procs", std::to_string(pid));
}

}  // namespace

Result<bool> owns_whole(const std::string& directory, const Tree::Options& options) {
    if (options.lock >= 0) {  // an earlier hearthd has settled it, and its units are there
        const struct stat held = HEARTH_TRY(sys::fstat(options.lock));
        const auto own = sys::stat(directory);
        return own && own->st_ino == held.st_ino && own->st_dev == held.st_dev;
    }
    if (options.own == Own::Machine) {
        return true;
    }
    const std::vector<pid_t> pids = HEARTH_TRY(own_processes(directory));
    return std::ranges::all_of(
        pids, [&](pid_t pid) { return pid == options.keeper || pid == ::getpid(); });
}

Result<void> Tree::make_leaves(pid_t keeper) const {
    for (const char* leaf : leaves) {
        auto made = make_directory(unified_.path(leaf));
        if (!made) {
            return Unexpected(std::move(made).error());
        }
    }
    if (keeper > 0) {
        HEARTH_TRY(move(unified_.path(keeper_leaf), keeper));
    }
    return move(unified_.path(manager_leaf), ::getpid());
}

Result<void> Tree::place_log_writer(pid_t pid) const {
    return whole_ && pid > 0 ? move(unified_.path(log_writer_leaf), pid) : Result<void>();
}

bool Tree::is_own_leaf(const std::string& name) const {
    return whole_ && std::ranges::find(leaves, name) != leaves.end();
}

/// The leaves stay while we stand in them, and the root isn't ours to remove.
Result<void> Tree::remove_below_root() const {
    for (const Hierarchy* hierarchy : every_hierarchy()) {
        const auto names = children(hierarchy->path(""));
        for (const std::string& name : names.value_or(std::vector<std::string>())) {
            if (name.find('.') != std::string::npos && !is_own_leaf(name)) {
                HEARTH_TRY(remove_directory(hierarchy->path(name)));
            }
        }
    }
    (void)sys::rmdir(unified_.path(log_writer_leaf));
    return {};
}

}  // namespace hearth::cgroup
