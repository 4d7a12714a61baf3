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
        const auto& startup = resources_.startup_cpu_weight;
        const auto& asked_weight = limits_.in_phase(resources_.cpu_weight, startup);
        if (!asked_weight) {
            return;
        }
        const std::string_view directive =
            limits_.directive_in_phase(startup, "CPUWeight", "StartupCPUWeight");
        const CpuWeight& weight = *asked_weight;
        const std::string text = Codec<CpuWeight>::format(weight);
        if (!limits_.has_controller("cpu", directive, text)) {
            return;
        }
        const Asked asked = limits_.planning.asked(directive, text);
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

    /// What the unit states, or else the nearest slice above that has a default for it.
    void protection(
        MemoryProtection ResourceSettings::* own,
        std::string_view directive,
        MemoryProtection ResourceSettings::* inherited,
        std::string_view inherited_directive,
        const char* file) {
        if (resources_.*own != MemoryProtection()) {
            unified_memory(resources_.*own, directive, file, true);
            return;
        }
        for (auto slice = limits_.above.rbegin(); slice != limits_.above.rend(); ++slice) {
            const MemoryProtection& amount = (*slice)->settings.resources.*inherited;
            const std::string text = shown(amount);
            if (amount == MemoryProtection()) {
                continue;
            }
            const auto bytes = bytes_of(amount, inherited_directive, text);
            if (bytes && limits_.has_unified("memory", inherited_directive, text)) {
                const Asked asked{
                    std::string(inherited_directive),
                    text,
                    (*slice)->origin_of(inherited_directive)};
                limits_.knob("memory", file, in_file(*bytes), asked).soft = true;
            }
            return;
        }
    }

    void memory() {
        using R = ResourceSettings;
        protection(
            &R::memory_min, "MemoryMin", &R::default_memory_min, "DefaultMemoryMin", "memory.min");
        protection(
            &R::memory_low, "MemoryLow", &R::default_memory_low, "DefaultMemoryLow", "memory.low");
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
        // systemd.service(5): with OOMPolicy=kill the kernel is to kill all. v1's can't.
        const bool all = limits_.planning.settings.service.oom_policy == OomPolicy::Kill;
        if (all && unified_ && limits_.planning.host.controllers.contains("memory")) {
            limits_.knob("memory", "memory.oom.group", "1", limits_.planning.asked("OOMPolicy"))
                .soft = true;
        }
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

/// DisableControllers= knows v1's names and v2's.
std::string present_controller(const std::string& name) {
    return name == "blkio"     ? "io"
           : name == "cpuacct" ? "cpu"
           : name == "devices" ? "bpf-devices"
                               : name;
}

std::set<std::string> disabled_by(const Unit& slice) {
    std::set<std::string> names;
    for (const std::string& name : slice.settings.resources.disable_controllers.names) {
        names.insert(present_controller(name));
    }
    return names;
}

}  // namespace

CgroupLimits::CgroupLimits(Planning& its_planning, Slices slices_above)
    : planning(its_planning),
      resources(its_planning.settings.resources),
      unified(its_planning.host.cgroup_layout == CgroupLayout::Unified),
      above(slices_above) {}

const Unit* CgroupLimits::disabler(const std::string& controller) const {
    const auto found = std::ranges::find_if(above, [&](const Unit* slice) {
        return disabled_by(*slice).contains(present_controller(controller));
    });
    return found == above.end() ? nullptr : *found;
}

bool CgroupLimits::has_controller(
    const std::string& controller, std::string_view directive, const std::string& value) {
    const Host& host = planning.host;
    if (const Unit* const slice = disabler(controller)) {
        planning.falls_short(
            directive, value, "DisableControllers= of " + slice->name + " withholds " + controller);
        return false;
    }
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
    for (const Unit* const slice : above) {
        if (auto names = disabled_by(*slice); !names.empty()) {
            cgroup_.withheld[cgroup_path(*slice)] = std::move(names);
        }
    }
    if (auto names = disabled_by(planning.unit);
        !names.empty() && planning.unit.name.ends_with(".slice")) {
        cgroup_.withheld[cgroup_.path] = std::move(names);
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
    const CgroupLimits::Slices slices = planning.invocation.slices;
    for (std::size_t i = 0; i < slices.size(); ++i) {
        Planning above(*slices[i], planning.invocation, planning.host);
        refuse_what_is_not_built(above);
        CgroupLimits limits(above, slices.first(i));
        limit_all(limits);
        LimitSlice slice{{}, filter_cgroup(limits), {}};
        for (NamedProgram& named : pinned_programs(limits)) {
            slice.programs.push_back(std::move(named.program));
        }
        slice.cgroup = limits.finish();
        std::ranges::move(above.refusals, std::back_inserter(planning.refusals));
        std::ranges::move(above.plan.shortfalls, std::back_inserter(planning.plan.shortfalls));
        const bool holds = !slice.cgroup.knobs.empty() || slice.filter || !slice.programs.empty() ||
                           slice.cgroup.withheld.contains(slice.cgroup.path);
        if (!holds || planning.host.cgroup_layout == CgroupLayout::None) {
            continue;
        }
        if (slice.filter) {
            slice.filter->path = slice.cgroup.path;
        }
        for (const MakeCgroup::Knob& knob : slice.cgroup.knobs) {
            own.join(knob.controller);
        }
        Asked who =
            slice.cgroup.knobs.empty() ? above.asked("Slice") : slice.cgroup.knobs.front().asked;
        planning.prepare(std::move(slice), std::move(who), cgroup_status);
    }
}

std::string_view filtering_directive(const FilterCgroup& filter) {
    const bool limited = filter.device_policy != DevicePolicy::Auto;
    return filter.devices                              ? (limited ? "DevicePolicy" : "DeviceAllow")
           : !filter.addresses_denied.prefixes.empty() ? "IPAddressDeny"
           : !filter.bind_denied.empty()               ? "SocketBindDeny"
           : filter.interfaces.assigned                ? "RestrictNetworkInterfaces"
                                                       : "IPAccounting";
}

}  // namespace

std::string watched_pressure(const Unit& unit, const Host& host) {
    const ResourceSettings& resources = unit.settings.resources;
    const auto watch = resources.memory_pressure_watch.value_or(MemoryPressureWatch::Skip);
    const bool wanted = watch == MemoryPressureWatch::On ||
                        (watch == MemoryPressureWatch::Auto && resources.memory_accounting);
    // In a view of its own the path would be another one.
    const bool visible = !has_own_control_groups(unit.settings.sandbox);
    return wanted && visible && !host.pressure_directory.empty()
               ? host.pressure_directory + "/" + cgroup_path(unit) + "/memory.pressure"
               : std::string();
}

void make_cgroup(Planning& planning) {
    CgroupLimits limits(planning, planning.invocation.slices);
    limit_slices(planning, limits);
    limit_all(limits);
    delegate(limits);
    std::optional<FilterCgroup> filter = filter_cgroup(limits);
    std::vector<NamedProgram> programs = pinned_programs(limits);
    MakeCgroup cgroup = limits.finish();
    if (planning.host.cgroup_layout == CgroupLayout::None) {
        return;
    }
    planning.plan.cgroup = cgroup.path;
    if (!watched_pressure(planning.unit, planning.host).empty()) {
        cgroup.pressure_watcher = {planning.identity.uid, planning.identity.gid};
    }
    const bool delegated = planning.settings.resources.delegate.delegated;
    MakeCgroup below;
    if (delegated) {
        cgroup.delegated_to = {planning.identity.uid, planning.identity.gid};
        // The service may have made its cgroup an inner one, which takes no process.
        const std::string& own = planning.settings.resources.delegate_subgroup;
        const std::string name = planning.invocation.control ? ".control" : own;
        if (!name.empty()) {
            below.path = cgroup.path + "/" + name;
            below.v1_controllers = cgroup.v1_controllers;
            planning.plan.cgroup = below.path;
        }
        if (name == own && !own.empty()) {
            below.delegated_to = cgroup.delegated_to;
        }
    }
    if (!cgroup.v1_controllers.empty()) {
        const Asked who = cgroup.knobs.empty() ? Asked{} : cgroup.knobs.front().asked;
        planning.add(Stage::Cgroup, JoinCgroups{}, who, cgroup_status);
    }
    const std::string path = cgroup.path;
    planning.prepare(std::move(cgroup), {}, cgroup_status);
    if (!below.path.empty()) {
        const bool own = below.delegated_to.has_value();
        planning.prepare(
            std::move(below), planning.asked(own ? "DelegateSubgroup" : "Delegate"), cgroup_status);
    }
    if (filter) {
        filter->path = path;
        const std::string_view directive = filtering_directive(*filter);
        planning.prepare(std::move(*filter), planning.asked(directive), cgroup_status);
    }
    for (NamedProgram& named : programs) {
        const Asked who = planning.asked(named.directive, named.program.path);
        planning.prepare(AttachProgram{path, std::move(named.program)}, who, cgroup_status);
    }
}

}  // namespace hearth::launch
