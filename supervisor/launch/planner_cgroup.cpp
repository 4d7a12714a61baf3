// SPDX-License-Identifier: MIT
//
// The unit's cgroup and its limits, in the words of whichever tree this host has:
// systemd.resource-control(5) against the kernel's cgroup-v2.rst and cgroup-v1/.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "supervisor/launch/planner_passes.hpp"
#include "units/codecs.hpp"
#include "units/unit_name.hpp"

namespace hearth::launch {
namespace {

constexpr int cgroup_status = 219;

/// `whole` * `permyriad` / 10000, without overflow.
std::uint64_t share_of(std::uint64_t whole, std::uint32_t permyriad) {
    return whole / 10'000 * permyriad + whole % 10'000 * permyriad / 10'000;
}

struct CpuPeriod {
    std::uint64_t period, quota;  // microseconds
};

/// As a person would write it: 32M, 10%, infinity.
std::string shown(const MemoryLimit& limit) {
    return limit.bytes && !limit.permyriad ? format_bytes({*limit.bytes})
                                           : Codec<MemoryLimit>::format(limit);
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
    explicit Limits(Planning& planning)
        : planning_(planning),
          resources_(planning.settings.resources),
          unified_(planning.host.cgroup_layout == CgroupLayout::Unified) {}

    MakeCgroup make() {
        cgroup_.path = cgroup_path(planning_.unit);
        cpu_quota();
        cpu_weight();
        memory();
        tasks();
        accounting("MemoryAccounting", "memory", resources_.memory_accounting);
        accounting("TasksAccounting", "pids", resources_.tasks_accounting);
        if (!unified_) {
            cgroup_.v1_controllers.assign(joined_.begin(), joined_.end());
        }
        return std::move(cgroup_);
    }

private:
    /// Whether `directive` can be written at all; if not, that is told.
    bool has_controller(
        const std::string& controller, std::string_view directive, const std::string& value) {
        const Host& host = planning_.host;
        if (host.cgroup_layout != CgroupLayout::None && host.controllers.contains(controller)) {
            return true;
        }
        const auto reason = host.controllers_missing.find(controller);
        if (host.cgroup_layout == CgroupLayout::None) {
            planning_.falls_short(directive, value, "there is no cgroup that hearthd may write to");
        } else if (reason != host.controllers_missing.end()) {
            planning_.falls_short(directive, value, reason->second);
        } else {
            planning_.falls_short(
                directive,
                value,
                "the " + controller + " controller isn't available to hearthd's cgroup");
        }
        return false;
    }

    void knob(const std::string& controller, std::string file, std::string value, Asked asked) {
        joined_.insert(controller);
        cgroup_.knobs.push_back({controller, std::move(file), std::move(value), std::move(asked)});
    }

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
        if (!has_controller("cpu", directive, text)) {
            return;
        }
        const CpuPeriod cpu = cpu_period(limited ? per_second : 0, wanted);
        const std::string quota = limited ? std::to_string(cpu.quota) : (unified_ ? "max" : "-1");
        const Asked asked = planning_.asked(directive, text);
        if (unified_) {
            knob("cpu", "cpu.max", fmt::format("{} {}", quota, cpu.period), asked);
            return;
        }
        knob(
            "cpu",
            "cpu.cfs_period_us",
            std::to_string(cpu.period),
            wanted ? planning_.asked("CPUQuotaPeriodSec", format_timespan(*wanted)) : asked);
        knob("cpu", "cpu.cfs_quota_us", quota, asked);
    }

    void cpu_weight() {
        if (!resources_.cpu_weight) {
            return;
        }
        const CpuWeight& weight = *resources_.cpu_weight;
        const std::string text = Codec<CpuWeight>::format(weight);
        if (!has_controller("cpu", "CPUWeight", text)) {
            return;
        }
        const Asked asked = planning_.asked("CPUWeight", text);
        if (!unified_) {
            // 100 is v2's default, 1024 v1's; 2 is the least that v1 has.
            const std::uint64_t shares =
                weight.idle ? 2 : std::clamp<std::uint64_t>(weight.weight * 1024 / 100, 2, 262'144);
            knob("cpu", "cpu.shares", std::to_string(shares), asked);
        } else if (weight.idle) {
            knob("cpu", "cpu.idle", "1", asked);
        } else {
            knob("cpu", "cpu.weight", std::to_string(weight.weight), asked);
        }
    }

    /// Bytes, or nothing where no limit is asked or it can't be told how much it is.
    std::optional<std::uint64_t> bytes_of(
        const MemoryLimit& limit, std::string_view directive, const std::string& text) {
        if (limit.bytes || !limit.permyriad) {
            return limit.bytes;
        }
        if (planning_.host.memory_bytes == 0) {
            planning_.falls_short(
                directive, text, "it isn't known how much memory this machine has");
            return std::nullopt;
        }
        return share_of(planning_.host.memory_bytes, *limit.permyriad);
    }

    void memory() {
        const std::string high = shown(resources_.memory_high);
        if (const auto bytes = bytes_of(resources_.memory_high, "MemoryHigh", high)) {
            if (!unified_ && planning_.host.cgroup_layout != CgroupLayout::None) {
                planning_.falls_short(
                    "MemoryHigh",
                    high,
                    "the v1 memory controller of this host has no such limit; MemoryMax= it has");
            } else if (has_controller("memory", "MemoryHigh", high)) {
                knob(
                    "memory",
                    "memory.high",
                    *bytes == UINT64_MAX ? "max" : std::to_string(*bytes),
                    planning_.asked("MemoryHigh", high));
            }
        }
        const std::string most = shown(resources_.memory_max);
        const auto bytes = bytes_of(resources_.memory_max, "MemoryMax", most);
        if (!bytes || !has_controller("memory", "MemoryMax", most)) {
            return;
        }
        const bool infinite = *bytes == UINT64_MAX;
        knob(
            "memory",
            unified_ ? "memory.max" : "memory.limit_in_bytes",
            infinite ? (unified_ ? "max" : "-1") : std::to_string(*bytes),
            planning_.asked("MemoryMax", most));
    }

    void tasks() {
        const TasksLimit& limit = resources_.tasks_max;
        std::optional<std::uint64_t> count = limit.count;
        const std::string text = Codec<TasksLimit>::format(limit);
        if (!count && limit.permyriad) {
            if (planning_.host.tasks_maximum == 0) {
                planning_.falls_short(
                    "TasksMax", text, "it isn't known how many tasks this machine can have");
                return;
            }
            count = share_of(planning_.host.tasks_maximum, *limit.permyriad);
        }
        if (count && has_controller("pids", "TasksMax", text)) {
            knob(
                "pids",
                "pids.max",
                *count == UINT64_MAX ? "max" : std::to_string(*count),
                planning_.asked("TasksMax", text));
        }
    }

    /// A v1 hierarchy counts those in it, so to be counted is to join; only when the file says so,
    /// as each hierarchy costs every start. v2 counts everybody.
    void accounting(std::string_view directive, const std::string& controller, bool asked) {
        if (asked && !unified_ && planning_.unit.origins.contains(directive) &&
            has_controller(controller, directive, "yes")) {
            joined_.insert(controller);
        }
    }

    Planning& planning_;
    const ResourceSettings& resources_;
    bool unified_;
    MakeCgroup cgroup_;
    std::set<std::string> joined_;
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

std::string cgroup_path(const Unit& unit) {
    const std::string& slice = unit.settings.resources.slice;
    if (!slice.empty()) {
        return slice_path(slice) + unit.name;
    }
    const auto name = parse_unit_name(unit.name);
    if (name && name->is_instance()) {  // instances of a template share a slice
        // A '-' in the template's name would be one more level, so it is escaped.
        std::string prefix;
        for (const char byte : name->prefix) {
            prefix += byte == '-' ? std::string("\\x2d") : std::string(1, byte);
        }
        return slice_path("system-" + prefix + ".slice") + unit.name;
    }
    return slice_path("system.slice") + unit.name;
}

void make_cgroup(Planning& planning) {
    MakeCgroup cgroup = Limits(planning).make();
    if (planning.host.cgroup_layout == CgroupLayout::None) {
        return;
    }
    planning.plan.cgroup = cgroup.path;
    if (!cgroup.v1_controllers.empty()) {
        const Asked who = cgroup.knobs.empty() ? Asked{} : cgroup.knobs.front().asked;
        planning.add(Stage::Cgroup, JoinCgroups{}, who, cgroup_status);
    }
    planning.prepare(std::move(cgroup), {}, cgroup_status);
}

}  // namespace hearth::launch
