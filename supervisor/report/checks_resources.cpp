// SPDX-License-Identifier: MIT
//
// Limits of the unit's cgroup: the value in the kernel's file is the plan's, it amounts to what the
// unit asks, and the process is in that cgroup. Follows cgroup-v2.rst and cgroup-v1/.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>

#include "supervisor/report/checks.hpp"

namespace hearth::report {

namespace {

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

bool same_value(const launch::MakeCgroup::Knob& knob, const std::string& found) {
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
        return controller.empty() && !evidence.view.expected_cgroup.empty()
                   ? path == evidence.view.expected_cgroup
                   : path.ends_with("/" + evidence.question.cgroup);
    }
    return false;
}

/// Every file that the plan wrote for `directive` is read back.
Finding knobs(const Evidence& evidence, std::string_view directive) {
    const bool hybrid = evidence.question.host.cgroup_layout == launch::CgroupLayout::Hybrid;
    std::string text;
    for (const launch::Prepared& prepared : evidence.question.plan.preparations) {
        const auto* cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation);
        for (const auto& knob :
             cgroup == nullptr ? std::vector<launch::MakeCgroup::Knob>{} : cgroup->knobs) {
            if (knob.asked.directive != directive) {
                continue;
            }
            const auto found = evidence.view.knobs.find(knob.file);
            if (found == evidence.view.knobs.end()) {
                const auto error = evidence.view.errors.find(knob.file);
                return cannot_know(
                    error == evidence.view.errors.end() ? knob.file + " was not read"
                                                        : error->second);
            }
            text += (text.empty() ? "" : ", ") + knob.file + " " + found->second;
            if (!same_value(knob, found->second)) {
                return mismatch(text, "expected " + knob.value);
            }
            if (!is_member(evidence, hybrid ? knob.controller : "")) {
                return mismatch(
                    text,
                    hybrid ? "the process is not in the unit's " + knob.controller + " cgroup"
                           : "the process is not in the unit's cgroup");
            }
        }
    }
    return text.empty() ? mismatch("", "the plan sets no limit for it") : verified(text);
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
Finding cpu_weight(const Evidence& evidence) {
    return knobs(evidence, "CPUWeight");
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

constexpr auto checks = std::to_array<Check>({
    {"CPUQuota", cpu_quota},
    {"CPUQuotaPeriodSec", cpu_quota_period},
    {"CPUWeight", cpu_weight},
    {"MemoryHigh", memory_high},
    {"MemoryMax", memory_max},
    {"Slice", slice},
    {"TasksMax", tasks_max},
});

}  // namespace

std::span<const Check> resource_checks() {
    return checks;
}

}  // namespace hearth::report
