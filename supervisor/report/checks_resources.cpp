// SPDX-License-Identifier: MIT
//
// Limits of the unit's cgroup: the value in the kernel's file is the plan's, it amounts to what the
// unit asks, and the process is in that cgroup. Follows cgroup-v2.rst and cgroup-v1/.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <sstream>

#include "supervisor/report/checks.hpp"
#include "units/resource_rule_codecs.hpp"

namespace hearth::report {

namespace {

template <std::size_t length>
struct Text {
    char text[length];
    consteval Text(const char (&from)[length]) { std::copy_n(from, length, text); }
};

std::optional<std::uint64_t> plain_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
}

constexpr std::uint64_t largest_page = 65536;

/// The kernel rounds byte limits down to pages, and shows v1's "-1" as the largest number of them.
bool same_bytes(const std::string& written, const std::string& found) {
    const auto has = plain_number(found);
    if (written == "-1") {
        constexpr std::uint64_t largest = INT64_MAX;
        return has && *has <= largest && largest - *has < largest_page;
    }
    const auto wanted = plain_number(written);
    return wanted && has && *has <= *wanted && *wanted - *has < largest_page;
}

/// The line of one device: "254:0 rbps=1048576 wbps=max riops=max wiops=max", v1: "254:0 1048576".
/// A device without a limit has no line.
bool same_device_value(
    const Evidence& evidence, const launch::MakeCgroup::Knob& knob, const std::string& found) {
    const auto device = evidence.view.block_devices.find(knob.device);
    if (device == evidence.view.block_devices.end()) {
        return false;
    }
    std::istringstream lines(found);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string word;
        if (!(words >> word) || word != device->second) {
            continue;
        }
        while (words >> word) {
            if (word == knob.value) {
                return true;
            }
        }
        return false;
    }
    return knob.value == "0" || knob.value.ends_with("=max");
}

bool same_value(
    const Evidence& evidence, const launch::MakeCgroup::Knob& knob, const std::string& found) {
    if (!knob.device.empty()) {
        return same_device_value(evidence, knob, found);
    }
    return knob.value == found || (knob.controller == "memory" && same_bytes(knob.value, found));
}

/// "4:cpu,cpuacct:/hearth/system.slice/heat.service": does the line of that hierarchy ("" is v2)
/// end so?
bool is_member(const Evidence& evidence, const std::string& controller) {
    std::istringstream lines(evidence.view.cgroup);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos) {
            continue;
        }
        const std::string names = "," + line.substr(first + 1, second - first - 1) + ",";
        if (names.find("," + controller + ",") == std::string::npos) {
            continue;
        }
        const std::string path = line.substr(second + 1);
        const std::string& own = evidence.view.expected_cgroup;
        const bool below =  // where a service that manages its own part may put itself
            evidence.resources().delegate.delegated && path.starts_with(own + "/");
        if (controller.empty() && !own.empty()) {
            return path == own || below;
        }
        const std::string end = "/" + evidence.question.cgroup;
        return path.ends_with(end) || (evidence.resources().delegate.delegated &&
                                       path.find(end + "/") != std::string::npos);
    }
    return false;
}

std::string one_line(std::string text) {
    std::ranges::replace(text, '\n', ';');
    return text;
}

/// One file is as the plan wrote it, in a cgroup that the process is in.
Finding written_knob(const Evidence& evidence, const launch::MakeCgroup::Knob& knob) {
    const bool hybrid = evidence.question.host.cgroup_layout == launch::CgroupLayout::Hybrid;
    const auto found = evidence.view.knobs.find(knob.file);
    if (found == evidence.view.knobs.end()) {
        const auto error = evidence.view.errors.find(knob.file);
        return cannot_know(
            error == evidence.view.errors.end() ? knob.file + " was not read" : error->second);
    }
    const std::string text = knob.file + " " + one_line(found->second);
    if (!same_value(evidence, knob, found->second)) {
        return mismatch(text, "expected " + knob.value);
    }
    return either(
        is_member(evidence, hybrid ? knob.controller : ""),
        text,
        hybrid ? "the process is not in the unit's " + knob.controller + " cgroup"
               : "the process is not in the unit's cgroup");
}

/// Every file that the plan wrote for `directive` is read back.
Finding knobs(const Evidence& evidence, std::string_view directive) {
    std::string text;
    for (const launch::Prepared& prepared : evidence.question.plan.preparations) {
        const auto* cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation);
        for (const auto& knob :
             cgroup == nullptr ? std::vector<launch::MakeCgroup::Knob>{} : cgroup->knobs) {
            if (knob.asked.directive != directive) {
                continue;
            }
            Finding finding = written_knob(evidence, knob);
            text += (text.empty() ? "" : ", ") + finding.kernel;
            if (finding.verdict != Verdict::Verified) {
                finding.kernel = finding.verdict == Verdict::CannotKnow ? "" : text;
                return finding;
            }
        }
    }
    return text.empty() ? mismatch("", "the plan sets no limit for it") : verified(text);
}

/// For a directive with one file per mechanism: those that are there must hold.
Finding any_knob(const Evidence& evidence, std::string_view directive) {
    std::string text;
    for (const launch::Prepared& prepared : evidence.question.plan.preparations) {
        const auto* cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation);
        if (cgroup == nullptr) {
            continue;
        }
        for (const launch::MakeCgroup::Knob& knob : cgroup->knobs) {
            const auto found = evidence.view.knobs.find(knob.file);
            if (knob.asked.directive != directive || found == evidence.view.knobs.end()) {
                continue;
            }
            text += (text.empty() ? "" : ", ") + knob.file + " " + one_line(found->second);
            const std::string bare = knob.value.substr(knob.value.rfind(' ') + 1);
            if (found->second != knob.value && found->second != bare) {
                return mismatch(text, "expected " + knob.value);
            }
        }
    }
    return text.empty() ? cannot_know("this kernel has no file for it in the unit's cgroup")
                        : verified(text);
}

std::string knob(const Evidence& evidence, const std::string& file) {
    const auto found = evidence.view.knobs.find(file);
    return found == evidence.view.knobs.end() ? std::string() : found->second;
}

/// Whatever the period is, quota and period must stand in the ratio asked, to a microsecond.
Finding cpu_quota(const Evidence& evidence) {
    Finding finding = knobs(evidence, "CPUQuota");
    const std::uint64_t asked = evidence.resources().cpu_quota.per_second_microseconds;
    if (finding.verdict != Verdict::Verified || asked == UINT64_MAX) {
        return finding;
    }
    std::istringstream fields(
        knob(evidence, "cpu.max") + " " + knob(evidence, "cpu.cfs_quota_us") + " " +
        knob(evidence, "cpu.cfs_period_us"));
    double quota = 0;
    double period = 0;
    if (!(fields >> quota >> period) || period <= 0) {
        return finding;  // a period that CPUQuotaPeriodSec= sets and the plan didn't ask to read
    }
    const double per_second = quota * 1e6 / period;
    const double tolerance = 1e6 / period + 1;
    return std::abs(per_second - static_cast<double>(asked)) <= tolerance
               ? finding
               : mismatch(
                     finding.kernel, fmt::format("that is {:.2f}% of a CPU", per_second / 1e4));
}

/// Limits that are one number in one file, whichever of the two versions has it.
Finding amount(
    const Evidence& evidence,
    std::string_view directive,
    std::optional<std::uint64_t> asked,
    const char* unified,
    const char* v1) {
    Finding finding = knobs(evidence, directive);
    if (finding.verdict != Verdict::Verified || !asked || *asked == UINT64_MAX) {
        return finding;
    }
    const std::string found =
        knob(evidence, unified).empty() ? knob(evidence, v1) : knob(evidence, unified);
    const auto has = plain_number(found);
    const bool same = has && *has <= *asked &&
                      *asked - *has < (directive.starts_with("Memory") ? largest_page : 1);
    return same ? finding : mismatch(finding.kernel, fmt::format("expected {}", *asked));
}

Finding cpu_quota_period(const Evidence& evidence) {
    // On v2 quota and period are one file, which CPUQuota= has when both are set.
    const bool unified = evidence.question.host.cgroup_layout != launch::CgroupLayout::Hybrid;
    const bool limited = evidence.resources().cpu_quota.per_second_microseconds != UINT64_MAX;
    return knobs(evidence, unified && limited ? "CPUQuota" : "CPUQuotaPeriodSec");
}

bool sets_a_knob(const Evidence& evidence, std::string_view directive) {
    return std::ranges::any_of(
        evidence.question.plan.preparations, [&](const launch::Prepared& prepared) {
            const auto* cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation);
            return cgroup != nullptr &&
                   std::ranges::any_of(cgroup->knobs, [&](const launch::MakeCgroup::Knob& knob) {
                       return knob.asked.directive == directive;
                   });
        });
}

/// A directive and its Startup...= take turns: one whose turn it isn't has set nothing.
bool waits_its_turn(const Evidence& evidence, std::string_view directive, std::string_view other) {
    return !sets_a_knob(evidence, directive) &&
           (directive.starts_with("Startup") || sets_a_knob(evidence, other));
}
Finding not_its_turn(std::string_view directive) {
    return verified(
        directive.starts_with("Startup")
            ? "moot: hearthd neither starts its first units nor stops all"
            : fmt::format("moot: Startup{}= holds while hearthd starts or stops", directive));
}

template <Text name, Text other>
Finding weight_in_turn(const Evidence& evidence) {
    return waits_its_turn(evidence, name.text, other.text) ? not_its_turn(name.text)
                                                           : knobs(evidence, name.text);
}
Finding memory_high(const Evidence& evidence) {
    return amount(
        evidence, "MemoryHigh", evidence.resources().memory_high.bytes, "memory.high", "");
}
Finding memory_max(const Evidence& evidence) {
    return amount(
        evidence,
        "MemoryMax",
        evidence.resources().memory_max.bytes,
        "memory.max",
        "memory.limit_in_bytes");
}
Finding tasks_max(const Evidence& evidence) {
    return amount(
        evidence, "TasksMax", evidence.resources().tasks_max.count, "pids.max", "pids.max");
}

Finding slice(const Evidence& evidence) {
    if (evidence.view.cgroup.empty()) {
        return cannot_know("/proc/PID/cgroup can't be read");
    }
    return either(
        is_member(evidence, ""), "in " + evidence.question.cgroup, "the process is elsewhere");
}

/// "0-3,8" as a set.
std::set<std::uint32_t> indices_of(const std::string& text) {
    IndexSet made;
    static_cast<void>(Codec<IndexSet>::assign(made, text, {}));
    return made.indices;
}

/// The file may say more than holds: what the process really has must lie within what was asked.
Finding placed(
    const Evidence& evidence,
    std::string_view directive,
    const IndexSet& asked,
    const std::string& key) {
    Finding finding = knobs(evidence, directive);
    const auto effective = evidence.view.status.find(key);
    if (finding.verdict != Verdict::Verified || effective == evidence.view.status.end()) {
        return finding;
    }
    finding.kernel += ", " + key + " " + effective->second;
    return std::ranges::includes(asked.indices, indices_of(effective->second))
               ? finding
               : mismatch(finding.kernel, "the process may use others");
}
template <Text name, Text other>
Finding placed_in_turn(const Evidence& evidence, const IndexSet& asked, const std::string& key) {
    return waits_its_turn(evidence, name.text, other.text)
               ? not_its_turn(name.text)
               : placed(evidence, name.text, asked, key);
}
constexpr const char* cpus_key = "Cpus_allowed_list";
constexpr const char* nodes_key = "Mems_allowed_list";
Finding allowed_cpus(const Evidence& evidence) {
    return placed_in_turn<"AllowedCPUs", "StartupAllowedCPUs">(
        evidence, evidence.resources().allowed_cpus, cpus_key);
}
Finding allowed_memory_nodes(const Evidence& evidence) {
    return placed_in_turn<"AllowedMemoryNodes", "StartupAllowedMemoryNodes">(
        evidence, evidence.resources().allowed_memory_nodes, nodes_key);
}
Finding startup_allowed_cpus(const Evidence& evidence) {
    return placed_in_turn<"StartupAllowedCPUs", "AllowedCPUs">(
        evidence, evidence.resources().startup_allowed_cpus, cpus_key);
}
Finding startup_allowed_memory_nodes(const Evidence& evidence) {
    return placed_in_turn<"StartupAllowedMemoryNodes", "AllowedMemoryNodes">(
        evidence, evidence.resources().startup_allowed_memory_nodes, nodes_key);
}

Finding memory_min(const Evidence& evidence) {
    return amount(evidence, "MemoryMin", evidence.resources().memory_min.bytes, "memory.min", "");
}
Finding memory_low(const Evidence& evidence) {
    return amount(evidence, "MemoryLow", evidence.resources().memory_low.bytes, "memory.low", "");
}

template <Text name>
Finding knobs_of(const Evidence& evidence) {
    return knobs(evidence, name.text);
}

/// A weight counts only under a scheduler that weighs.
Finding weighed(const Evidence& evidence, Finding finding) {
    if (finding.verdict != Verdict::Verified || evidence.view.io_weighed) {
        return finding;
    }
    return cannot_know(
        finding.kernel + ", but no disk's scheduler here weighs (BFQ, or io.cost.qos)");
}
template <Text name, Text other>
Finding io_weight(const Evidence& evidence) {
    return waits_its_turn(evidence, name.text, other.text)
               ? not_its_turn(name.text)
               : weighed(evidence, any_knob(evidence, name.text));
}
Finding io_device_weight(const Evidence& evidence) {
    return weighed(evidence, knobs(evidence, "IODeviceWeight"));
}

Finding filtered(const Evidence& evidence, const char* concern, const char* otherwise) {
    const auto error = evidence.view.errors.find("cgroup filters");
    const auto found = evidence.view.cgroup_filters.find(concern);
    if (error != evidence.view.errors.end()) {
        return cannot_know(error->second);
    }
    if (found == evidence.view.cgroup_filters.end() || found->second.text.empty()) {
        return found != evidence.view.cgroup_filters.end() && !found->second.error.empty()
                   ? cannot_know(found->second.error)
                   : mismatch("", otherwise);
    }
    if (!is_member(evidence, "")) {
        return mismatch(found->second.text, "the process is not in the unit's cgroup");
    }
    return either(
        found->second.attached,
        found->second.text,
        "the unit's programs are not attached to its cgroup");
}
Finding devices(const Evidence& evidence) {
    return filtered(evidence, "devices", "no program judges devices");
}
Finding addresses(const Evidence& evidence) {
    const bool moot = evidence.resources().ip_address_deny.prefixes.empty();
    return moot ? verified("moot: IPAddressDeny= denies nothing")
                : filtered(evidence, "addresses", "no program judges addresses");
}
Finding binds(const Evidence& evidence) {
    const bool moot = evidence.resources().socket_bind_deny.empty();
    return moot ? verified("moot: SocketBindDeny= denies nothing")
                : filtered(evidence, "binds", "no program judges bind(2)");
}
Finding interfaces(const Evidence& evidence) {
    return filtered(evidence, "interfaces", "no program judges interfaces");
}

Finding delegated(const Evidence& evidence) {
    for (const launch::Prepared& prepared : evidence.question.plan.preparations) {
        const auto* cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation);
        if (cgroup != nullptr && cgroup->delegated_to) {
            const std::string owner = std::to_string(cgroup->delegated_to->first);
            return either(
                evidence.view.cgroup_owner == owner,
                "cgroup of uid " + evidence.view.cgroup_owner,
                "expected uid " + owner);
        }
    }
    return mismatch("", "the plan delegates nothing");
}

Finding told_by_variable(const Evidence&) {
    return verified("moot: it limits nothing; the service is told by its environment");
}

/// Where its processes started; they may have moved on since, for that is theirs to do.
Finding subgroup(const Evidence& evidence) {
    const std::string& name = evidence.resources().delegate_subgroup;
    if (!evidence.resources().delegate.delegated) {
        return verified("moot: without Delegate= the service has no cgroups of its own");
    }
    const std::string path = evidence.question.cgroup + "/" + name;
    return evidence.view.cgroup.find("/" + path + "\n") != std::string::npos ||
                   evidence.view.cgroup.ends_with("/" + path)
               ? verified(path)
               : cannot_know("the process has left " + path + ", or never was there");
}

Finding for_units_below(const Evidence&) {
    return verified("moot: a service has no units below it");
}

Finding pinned(const Evidence& evidence, const std::string& hook, const std::string& path) {
    const auto found = evidence.view.cgroup_filters.find(hook + " " + path);
    if (found == evidence.view.cgroup_filters.end()) {
        return mismatch("", "the plan doesn't attach " + path);
    }
    if (!found->second.error.empty()) {
        return cannot_know(found->second.error);
    }
    return either(
        found->second.attached && is_member(evidence, ""),
        found->second.text,
        path + " is not attached to the process's cgroup");
}
Finding bpf_programs(const Evidence& evidence) {
    Finding finding = verified("");
    for (const PinnedProgram& program : evidence.resources().bpf_program) {
        finding = both(std::move(finding), pinned(evidence, program.hook, program.path));
    }
    return finding;
}
Finding packet_programs(
    const Evidence& evidence, const PinnedPaths& paths, const std::string& hook) {
    Finding finding = verified("");
    for (const std::string& path : paths.paths) {
        finding = both(std::move(finding), pinned(evidence, hook, path));
    }
    return finding;
}
Finding ingress_programs(const Evidence& evidence) {
    return packet_programs(evidence, evidence.resources().ip_ingress_filter_path, "ingress");
}
Finding egress_programs(const Evidence& evidence) {
    return packet_programs(evidence, evidence.resources().ip_egress_filter_path, "egress");
}

constexpr auto checks = std::to_array<Check>({
    {"AllowedCPUs", allowed_cpus},
    {"AllowedMemoryNodes", allowed_memory_nodes},
    {"BPFProgram", bpf_programs},
    {"CPUQuota", cpu_quota},
    {"CPUQuotaPeriodSec", cpu_quota_period},
    {"CPUWeight", weight_in_turn<"CPUWeight", "StartupCPUWeight">},
    {"Cgroup", knobs_of<"Cgroup">},
    {"DefaultMemoryLow", for_units_below},
    {"DefaultMemoryMin", for_units_below},
    {"Delegate", delegated},
    {"DelegateSubgroup", subgroup},
    {"DeviceAllow", devices},
    {"DevicePolicy", devices},
    {"DisableControllers", for_units_below},
    {"IODeviceLatencyTargetSec", knobs_of<"IODeviceLatencyTargetSec">},
    {"IODeviceWeight", io_device_weight},
    {"IOReadBandwidthMax", knobs_of<"IOReadBandwidthMax">},
    {"IOReadIOPSMax", knobs_of<"IOReadIOPSMax">},
    {"IOWeight", io_weight<"IOWeight", "StartupIOWeight">},
    {"IOWriteBandwidthMax", knobs_of<"IOWriteBandwidthMax">},
    {"IOWriteIOPSMax", knobs_of<"IOWriteIOPSMax">},
    {"IPAddressAllow", addresses},
    {"IPAddressDeny", addresses},
    {"IPEgressFilterPath", egress_programs},
    {"IPIngressFilterPath", ingress_programs},
    {"MemoryHigh", memory_high},
    {"MemoryLow", memory_low},
    {"MemoryMax", memory_max},
    {"MemoryMin", memory_min},
    {"MemoryPressureThresholdSec", told_by_variable},
    {"MemoryPressureWatch", told_by_variable},
    {"MemorySwapMax", knobs_of<"MemorySwapMax">},
    {"MemoryZSwapMax", knobs_of<"MemoryZSwapMax">},
    {"RestrictNetworkInterfaces", interfaces},
    {"Slice", slice},
    {"SocketBindAllow", binds},
    {"SocketBindDeny", binds},
    {"StartupAllowedCPUs", startup_allowed_cpus},
    {"StartupAllowedMemoryNodes", startup_allowed_memory_nodes},
    {"StartupCPUWeight", weight_in_turn<"StartupCPUWeight", "CPUWeight">},
    {"StartupIOWeight", io_weight<"StartupIOWeight", "IOWeight">},
    {"TasksMax", tasks_max},
});

}  // namespace

std::span<const Check> resource_checks() {
    return checks;
}

}  // namespace hearth::report
