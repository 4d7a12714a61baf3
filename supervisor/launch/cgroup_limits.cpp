// SPDX-License-Identifier: MIT
#include "supervisor/launch/cgroup_limits.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include "supervisor/cgroup/bpf.hpp"
#include "supervisor/cgroup/files.hpp"
#include "supervisor/launch/cgroup_filters.hpp"
#include "supervisor/sys/file.hpp"

namespace hearth::launch {
namespace {

/// What a file holds in a new cgroup.
struct Default {
    std::string_view file{}, value{};
};
constexpr auto defaults = std::to_array<Default>({
    {"blkio.bfq.weight", "100"},
    {"cpu.cfs_period_us", "100000"},
    {"cpu.cfs_quota_us", "-1"},
    {"cpu.idle", "0"},
    {"cpu.max", "max 100000"},
    {"cpu.shares", "1024"},
    {"cpu.weight", "100"},
    {"cpuset.cpus", ""},
    {"cpuset.mems", ""},
    {"io.bfq.weight", "default 100"},
    {"io.weight", "default 100"},
    {"memory.high", "max"},
    {"memory.limit_in_bytes", "-1"},
    {"memory.low", "0"},
    {"memory.max", "max"},
    {"memory.memsw.limit_in_bytes", "-1"},
    {"memory.min", "0"},
    {"memory.oom.group", "0"},
    {"memory.swap.max", "max"},
    {"memory.zswap.max", "max"},
    {"pids.max", "max"},
});

Result<void> write_knob(
    const cgroup::Tree& tree, const std::string& path, const MakeCgroup::Knob& knob) {
    std::string value = knob.value;
    if (!knob.device.empty()) {
        value = HEARTH_TRY(cgroup::Tree::block_device(knob.device)) + " " + value;
    }
    return tree.write(path, cgroup::Knob{knob.controller, knob.file, std::move(value)});
}

bool is_same_file(const MakeCgroup::Knob& one, const MakeCgroup::Knob& other) {
    const auto key = [](const MakeCgroup::Knob& knob) {
        return knob.value.substr(0, knob.value.find('=') + 1);  // "rbps=" of io.max
    };
    return one.file == other.file && one.device == other.device && key(one) == key(other);
}

/// The knob that takes `old` back; without a value where the file has none to go back to.
MakeCgroup::Knob reset_of(const MakeCgroup::Knob& old) {
    MakeCgroup::Knob knob = old;
    knob.soft = true;
    const std::size_t equals = old.value.find('=');
    if (old.file.starts_with("blkio.throttle.")) {
        knob.value = "0";
    } else if (!old.device.empty()) {
        knob.value =
            equals == std::string::npos ? "default" : old.value.substr(0, equals + 1) + "max";
    } else {
        const auto* const found = std::ranges::find(defaults, old.file, &Default::file);
        knob.value = found == defaults.end() ? std::string() : std::string(found->value);
    }
    return knob;
}

/// v1 wants a list of CPUs always: the parent's.
Result<void> reset_placement(
    const cgroup::Tree& tree, const std::string& path, const MakeCgroup::Knob& old) {
    const std::string directory = tree.directory(path, old.controller);
    const std::string parent = directory.substr(0, directory.rfind('/'));
    const std::string all = tree.layout() == CgroupLayout::Unified
                                ? std::string("\n")
                                : HEARTH_TRY(sys::read_file(parent + "/" + old.file, 65536));
    return sys::write_file(directory + "/" + old.file, all);
}

}  // namespace

Result<void> make_cgroup(const cgroup::Tree& tree, const MakeCgroup& cgroup) {
    return tree.make(
        cgroup.path, cgroup.v1_controllers, cgroup.passed_controllers, cgroup.withheld);
}

Result<void> write_knobs(const cgroup::Tree& tree, const MakeCgroup& cgroup, const Asked*& asked) {
    for (const MakeCgroup::Knob& knob : cgroup.knobs) {
        asked = &knob.asked;
        const Result<void> written = write_knob(tree, cgroup.path, knob);
        if (!written && !knob.soft) {
            return written;
        }
    }
    asked = nullptr;
    return {};
}

Result<void> attach_filters(const cgroup::Tree& tree, const FilterCgroup& filter) {
    using cgroup::Hook;
    const CgroupFilters filters = HEARTH_TRY(cgroup_filters(filter));
    return cgroup::attach(
        tree.directory(filter.path),
        filters.all(),
        {Hook::Device, Hook::Ingress, Hook::Egress, Hook::Bind4, Hook::Bind6});
}

Result<void> limit_slice(const cgroup::Tree& tree, const LimitSlice& slice, const Asked*& asked) {
    const MakeCgroup& cgroup = slice.cgroup;
    HEARTH_TRY(make_cgroup(tree, cgroup));
    HEARTH_TRY(write_knobs(tree, cgroup, asked));
    return filter_slice(tree, slice);
}

Result<void> filter_slice(const cgroup::Tree& tree, const LimitSlice& slice) {
    if (slice.filter) {
        HEARTH_TRY(attach_filters(tree, *slice.filter));
    }
    for (const PinnedProgram& program : slice.programs) {
        HEARTH_TRY(cgroup::attach_pinned(tree.directory(slice.cgroup.path), program));
    }
    return {};
}

Result<void> change_limits(
    const cgroup::Tree& tree,
    const MakeCgroup& before,
    const MakeCgroup& cgroup,
    const Asked*& asked) {
    HEARTH_TRY(make_cgroup(tree, cgroup));
    for (const MakeCgroup::Knob& old : before.knobs) {
        const bool stays = std::ranges::any_of(
            cgroup.knobs, [&](const MakeCgroup::Knob& knob) { return is_same_file(knob, old); });
        if (stays) {
            continue;
        }
        asked = &old.asked;
        if (old.file.starts_with("cpuset.")) {
            HEARTH_TRY(reset_placement(tree, cgroup.path, old));
        } else if (const MakeCgroup::Knob back = reset_of(old); !back.value.empty()) {
            static_cast<void>(write_knob(tree, cgroup.path, back));
        }
    }
    if (!write_knobs(tree, cgroup, asked)) {
        MakeCgroup reversed = cgroup;
        std::ranges::reverse(reversed.knobs);
        static_cast<void>(write_knobs(tree, reversed, asked));
        HEARTH_TRY(write_knobs(tree, cgroup, asked));
    }
    return {};
}

Result<void> join_hierarchies(
    const cgroup::Tree& tree, const MakeCgroup& before, const MakeCgroup& cgroup) {
    for (const std::string& controller : cgroup.v1_controllers) {
        if (std::ranges::count(before.v1_controllers, controller) != 0) {
            continue;
        }
        const std::string file = tree.directory(cgroup.path, controller) + "/cgroup.procs";
        for (const pid_t pid : HEARTH_TRY(tree.processes(cgroup.path))) {
            const Result<void> joined = sys::write_file(file, std::to_string(pid));
            if (!joined && joined.error().code != ESRCH) {
                return joined;
            }
        }
    }
    return {};
}

}  // namespace hearth::launch
