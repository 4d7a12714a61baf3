// SPDX-License-Identifier: MIT
//
// The unit's cgroup and its limits, in the words of whichever tree this host has:
// systemd.resource-control(5) against the kernel's cgroup-v2.rst and cgroup-v1/.
#include "supervisor/launch/planner_cgroup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "supervisor/launch/exit_status.hpp"
#include "units/codecs.hpp"
#include "units/dependency.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth::launch {
namespace {

/// `whole` * `permyriad` / 10000, without overflow.
std::uint64_t share_of(std::uint64_t whole, std::uint32_t permyriad) {
    return whole / 10'000 * permyriad + whole % 10'000 * permyriad / 10'000;
}

struct CpuPeriod {
    std::uint64_t period, quota;  // microseconds
};

/// As a person would write it: 32M, 10%, infinity.
template <class Amount>
std::string shown(const Amount& amount) {
    return amount.bytes && !amount.permyriad ? format_bytes({*amount.bytes})
                                             : Codec<Amount>::format(amount);
}

/// The kernel takes no quota below 1 ms, so a small share needs a long period; and none above 1 s.
CpuPeriod cpu_period(std::uint64_t per_second, std::optional<Timespan> wanted) {
    constexpr std::uint64_t second = 1'000'000, least = 1'000, usual = 100'000;
    std::uint64_t period = wanted ? wanted->microseconds : usual;
    if (per_second != 0) {
        period = std::max(period, (least * second + per_second - 1) / per_second);
    }
    period = std::clamp(period, least, second);
    return {period, std::max(period * per_second / second, least)};
}

class Limits {
public:
    explicit Limits(CgroupLimits& limits)
        : limits_(limits), resources_(limits.resources), unified_(limits.unified) {}

    void write() {
        cpu_quota();
        cpu_weight();
        memory();
        tasks();
        accounting("IOAccounting", "blkio", resources_.io_accounting);
        accounting("MemoryAccounting", "memory", resources_.memory_accounting);
        accounting("TasksAccounting", "pids", resources_.tasks_accounting);
    }

private:
    void cpu_quota() {
        const std::uint64_t per_second = resources_.cpu_quota.per_second_microseconds;
        const bool limited = per_second != UINT64_MAX;
        const auto& wanted = resources_.cpu_quota_period;
        const std::string_view directive = limited ? "CPUQuota" : "CPUQuotaPeriodSec";
        if (!limited && !wanted) {
            return;
        }
        const std::string text =
            limited ? Codec<CpuQuota>::format(resources_.cpu_quota) : format_timespan(*wanted);
        if (!limits_.has_controller("cpu", directive, text)) {
            return;
        }
        const CpuPeriod cpu = cpu_period(limited ? per_second : 0, wanted);
        const std::string quota = limited ? std::to_string(cpu.quota) : (unified_ ? "max" : "-1");
        const Asked asked = limits_.planning.asked(directive, text);
        if (unified_) {
            limits_.knob("cpu", "cpu.max", fmt::format("{} {}", quota, cpu.period), asked);
            return;
        }
        limits_.knob(
            "cpu",
            "cpu.cfs_period_us",
            std::to_string(cpu.period),
            wanted ? limits_.planning.asked("CPUQuotaPeriodSec", format_timespan(*wanted)) : asked);
        limits_.knob("cpu", "cpu.cfs_quota_us", quota, asked);
    }

    void cpu_weight() {
        if (!resources_.cpu_weight) {
            return;
        }
        const CpuWeight& weight = *resources_.cpu_weight;
        const std::string text = Codec<CpuWeight>::format(weight);
        if (!limits_.has_controller("cpu", "CPUWeight", text)) {
            return;
        }
        const Asked asked = limits_.planning.asked("CPUWeight", text);
        if (!unified_) {
            // 100 is v2's default, 1024 v1's; 2 is the least that v1 has.
            const std::uint64_t shares =
                weight.idle ? 2 : std::clamp<std::uint64_t>(weight.weight * 1024 / 100, 2, 262'144);
            limits_.knob("cpu", "cpu.shares", std::to_string(shares), asked).soft = true;
        } else if (weight.idle) {
            limits_.knob("cpu", "cpu.idle", "1", asked).soft = true;
        } else {
            limits_.knob("cpu", "cpu.weight", std::to_string(weight.weight), asked).soft = true;
        }
    }

    /// Bytes, or nothing where no amount is asked or it can't be told how much it is.
    template <class Amount>
    std::optional<std::uint64_t> bytes_of(
        const Amount& amount, std::string_view directive, const std::string& text) {
        if (amount.bytes || !amount.permyriad) {
            return amount.bytes;
        }
        if (limits_.planning.host.memory_bytes == 0) {
            limits_.planning.falls_short(
                directive, text, "it isn't known how much memory this machine has");
            return std::nullopt;
        }
        return share_of(limits_.planning.host.memory_bytes, *amount.permyriad);
    }

    static std::string in_file(std::uint64_t bytes) {
        return bytes == UINT64_MAX ? "max" : std::to_string(bytes);
    }

    /// One that v1's memory controller has no file for.
    template <class Amount>
    void unified_memory(
        const Amount& amount, std::string_view directive, std::string file, bool soft) {
        const std::string text = shown(amount);
        const auto bytes = bytes_of(amount, directive, text);
        if (bytes && limits_.has_unified("memory", directive, text)) {
            const Asked asked = limits_.planning.asked(directive, text);
            limits_.knob("memory", std::move(file), in_file(*bytes), asked).soft = soft;
        }
    }

    void memory() {
        unified_memory(resources_.memory_min, "MemoryMin", "memory.min", true);
        unified_memory(resources_.memory_low, "MemoryLow", "memory.low", true);
        unified_memory(resources_.memory_high, "MemoryHigh", "memory.high", false);
        unified_memory(resources_.memory_zswap_max, "MemoryZSwapMax", "memory.zswap.max", false);
        const std::string most = shown(resources_.memory_max);
        std::optional<std::uint64_t> bytes = bytes_of(resources_.memory_max, "MemoryMax", most);
        if (bytes && limits_.has_controller("memory", "MemoryMax", most)) {
            const bool infinite = *bytes == UINT64_MAX;
            limits_.knob(
                "memory",
                unified_ ? "memory.max" : "memory.limit_in_bytes",
                infinite ? (unified_ ? "max" : "-1") : std::to_string(*bytes),
                limits_.planning.asked("MemoryMax", most));
        }
        swap(bytes.value_or(UINT64_MAX));
    }

    /// v1 limits memory and swap together, so there MemoryMax= must say how much is memory.
    void swap(std::uint64_t memory) {
        const std::string text = shown(resources_.memory_swap_max);
        const auto bytes = bytes_of(resources_.memory_swap_max, "MemorySwapMax", text);
        if (!bytes || !limits_.has_controller("memory", "MemorySwapMax", text)) {
            return;
        }
        const Asked asked = limits_.planning.asked("MemorySwapMax", text);
        if (unified_) {
            limits_.knob("memory", "memory.swap.max", in_file(*bytes), asked);
        } else if (*bytes == UINT64_MAX) {
            limits_.knob("memory", "memory.memsw.limit_in_bytes", "-1", asked);
        } else if (memory == UINT64_MAX) {
            limits_.planning.falls_short(
                "MemorySwapMax",
                text,
                "the v1 memory controller of this host limits memory and swap together: set "
                "MemoryMax= too");
        } else {
            const std::uint64_t both = *bytes > UINT64_MAX - memory ? UINT64_MAX : *bytes + memory;
            limits_.knob("memory", "memory.memsw.limit_in_bytes", std::to_string(both), asked);
        }
    }

    void tasks() {
        const TasksLimit& limit = resources_.tasks_max;
        std::optional<std::uint64_t> count = limit.count;
        const std::string text = Codec<TasksLimit>::format(limit);
        if (!count && limit.permyriad) {
            if (limits_.planning.host.tasks_maximum == 0) {
                limits_.planning.falls_short(
                    "TasksMax", text, "it isn't known how many tasks this machine can have");
                return;
            }
            count = share_of(limits_.planning.host.tasks_maximum, *limit.permyriad);
        }
        if (count && limits_.has_controller("pids", "TasksMax", text)) {
            limits_.knob(
                "pids",
                "pids.max",
                *count == UINT64_MAX ? "max" : std::to_string(*count),
                limits_.planning.asked("TasksMax", text));
        }
    }

    /// A v1 hierarchy counts those in it, so to be counted is to join; only when the file says so,
    /// as each hierarchy costs every start. v2 counts everybody.
    void accounting(std::string_view directive, const std::string& controller, bool asked) {
        if (asked && !unified_ && limits_.planning.unit.origins.contains(directive) &&
            limits_.has_controller(controller, directive, "yes")) {
            limits_.join(controller);
        }
    }

    CgroupLimits& limits_;
    const ResourceSettings& resources_;
    bool unified_;
};

/// "a-b.slice" lies in "a.slice".
std::string slice_path(std::string_view slice) {
    if (slice.empty() || slice == "-.slice") {
        return {};
    }
    std::string path;
    for (std::size_t dash = slice.find('-'); dash != std::string_view::npos;
         dash = slice.find('-', dash + 1)) {
        path += fmt::format("{}.slice/", slice.substr(0, dash));
    }
    return path + std::string(slice) + "/";
}

}  // namespace

CgroupLimits::CgroupLimits(Planning& its_planning)
    : planning(its_planning),
      resources(its_planning.settings.resources),
      unified(its_planning.host.cgroup_layout == CgroupLayout::Unified) {}

bool CgroupLimits::has_controller(
    const std::string& controller, std::string_view directive, const std::string& value) {
    const Host& host = planning.host;
    if (host.cgroup_layout != CgroupLayout::None && host.controllers.contains(controller)) {
        return true;
    }
    const auto reason = host.controllers_missing.find(controller);
    if (host.cgroup_layout == CgroupLayout::None) {
        planning.falls_short(directive, value, "there is no cgroup that hearthd may write to");
    } else if (reason != host.controllers_missing.end()) {
        planning.falls_short(directive, value, reason->second);
    } else {
        planning.falls_short(
            directive,
            value,
            "the " + controller + " controller isn't available to hearthd's cgroup");
    }
    return false;
}

bool CgroupLimits::has_unified(
    const std::string& controller, std::string_view directive, const std::string& value) {
    if (unified || planning.host.cgroup_layout == CgroupLayout::None) {
        return has_controller(controller, directive, value);
    }
    planning.falls_short(
        directive,
        value,
        "the v1 " + controller + " controller of this host has no such limit" +
            (directive == "MemoryHigh" ? "; MemoryMax= it has" : ""));
    return false;
}

MakeCgroup::Knob& CgroupLimits::knob(
    const std::string& controller, std::string file, std::string value, Asked asked) {
    joined_.insert(controller);
    MakeCgroup::Knob& made = cgroup_.knobs.emplace_back();
    made.controller = controller;
    made.file = std::move(file);
    made.value = std::move(value);
    made.asked = std::move(asked);
    return made;
}

MakeCgroup CgroupLimits::finish() {
    cgroup_.path = cgroup_path(planning.unit);
    if (!unified) {
        cgroup_.v1_controllers.assign(joined_.begin(), joined_.end());
        return std::move(cgroup_);
    }
    for (const std::string& controller : joined_) {  // the usual ones are passed on always
        if (controller != "cpu" && controller != "memory" && controller != "pids") {
            cgroup_.passed_controllers.push_back(controller);
        }
    }
    return std::move(cgroup_);
}

std::string cgroup_path(const Unit& unit) {
    if (unit.name.ends_with(".slice")) {
        const std::string path = slice_path(unit.name);
        return path.substr(0, path.empty() ? 0 : path.size() - 1);
    }
    return slice_path(slice_of(unit)) + unit.name;
}

namespace {

/// Controllers that the service asks to have below its cgroup; one that isn't here falls short.
void delegate(CgroupLimits& limits) {
    const Delegation& delegation = limits.resources.delegate;
    if (!delegation.delegated || limits.planning.host.cgroup_layout == CgroupLayout::None) {
        return;
    }
    std::set<std::string> wanted = delegation.controllers;
    if (delegation.all) {
        wanted = limits.planning.host.controllers;
    }
    for (const std::string& controller : wanted) {
        // v1's are safe for nobody but root (systemd.resource-control(5)).
        if (!controller.starts_with("bpf-") && limits.unified &&
            limits.has_controller(controller, "Delegate", controller)) {
            limits.join(controller);
        }
    }
}

void limit_all(CgroupLimits& limits) {
    Limits(limits).write();
    limit_placement(limits);
    limit_io(limits);
}

/// What the slices above hold the unit to. v1: it must be in their hierarchies, too.
void limit_slices(Planning& planning, CgroupLimits& own) {
    for (const Unit* const slice : planning.invocation.slices) {
        Planning above(*slice, planning.invocation, planning.host);
        refuse_what_is_not_built(above);
        CgroupLimits limits(above);
        limit_all(limits);
        std::optional<FilterCgroup> filter = filter_cgroup(limits);
        MakeCgroup cgroup = limits.finish();
        std::ranges::move(above.refusals, std::back_inserter(planning.refusals));
        std::ranges::move(above.plan.shortfalls, std::back_inserter(planning.plan.shortfalls));
        if (cgroup.path.empty() || (cgroup.knobs.empty() && !filter)) {
            continue;
        }
        if (filter) {
            filter->path = cgroup.path;
        }
        for (const MakeCgroup::Knob& knob : cgroup.knobs) {
            own.join(knob.controller);
        }
        Asked who = cgroup.knobs.empty() ? above.asked("Slice") : cgroup.knobs.front().asked;
        if (planning.host.cgroup_layout != CgroupLayout::None) {
            planning.prepare(
                LimitSlice{std::move(cgroup), std::move(filter)}, std::move(who), cgroup_status);
        }
    }
}

}  // namespace

void make_cgroup(Planning& planning) {
    CgroupLimits limits(planning);
    limit_slices(planning, limits);
    limit_all(limits);
    delegate(limits);
    std::optional<FilterCgroup> filter = filter_cgroup(limits);
    MakeCgroup cgroup = limits.finish();
    if (planning.host.cgroup_layout == CgroupLayout::None) {
        return;
    }
    planning.plan.cgroup = cgroup.path;
    const bool delegated = planning.settings.resources.delegate.delegated;
    MakeCgroup control;
    if (delegated) {
        cgroup.delegated_to = {planning.identity.uid, planning.identity.gid};
        if (planning.invocation.control) {
            // The service may have made its cgroup an inner one, which takes no process.
            control.path = cgroup.path + "/.control";
            control.v1_controllers = cgroup.v1_controllers;
            planning.plan.cgroup = control.path;
        }
    }
    if (!cgroup.v1_controllers.empty()) {
        const Asked who = cgroup.knobs.empty() ? Asked{} : cgroup.knobs.front().asked;
        planning.add(Stage::Cgroup, JoinCgroups{}, who, cgroup_status);
    }
    std::string path = cgroup.path;
    planning.prepare(std::move(cgroup), {}, cgroup_status);
    if (!control.path.empty()) {
        planning.prepare(std::move(control), planning.asked("Delegate"), cgroup_status);
    }
    if (filter) {
        filter->path = std::move(path);
        const std::string_view directive =
            filter->devices                              ? "DevicePolicy"
            : !filter->addresses_denied.prefixes.empty() ? "IPAddressDeny"
            : !filter->bind_denied.empty()               ? "SocketBindDeny"
            : filter->interfaces.assigned                ? "RestrictNetworkInterfaces"
                                                         : "IPAccounting";
        planning.prepare(std::move(*filter), planning.asked(directive), cgroup_status);
    }
}

}  // namespace hearth::launch
