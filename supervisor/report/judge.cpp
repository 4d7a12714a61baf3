// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "supervisor/report/checks.hpp"
#include "units/directive.hpp"

namespace hearth::report {

namespace {

/// What the plan did for a directive, as short text.
std::string applied_text(const launch::Plan& plan, std::string_view directive) {
    std::vector<std::string> parts;
    for (const launch::Prepared& prepared : plan.preparations) {
        if (const auto* cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation)) {
            for (const launch::MakeCgroup::Knob& knob : cgroup->knobs) {
                if (knob.asked.directive == directive) {
                    parts.push_back(knob.file + "=" + knob.value);
                }
            }
        } else if (prepared.asked.directive == directive) {
            parts.push_back(launch::describe(prepared.preparation));
        }
    }
    for (const launch::Step& step : plan.steps) {
        if (step.asked.directive == directive) {
            parts.push_back(launch::describe(step.action));
        }
    }
    constexpr std::size_t shown = 3;
    if (parts.size() > shown) {
        const std::size_t more = parts.size() - shown;
        parts.resize(shown);
        parts.push_back(fmt::format("and {} more", more));
    }
    return fmt::format("{}", fmt::join(parts, "; "));
}

std::optional<std::uint64_t> plain_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// The kernel rounds byte limits down to pages; everything else must come back as written.
bool same_value(const std::string& controller, const std::string& written, const std::string& found) {
    if (written == found) {
        return true;
    }
    constexpr std::uint64_t largest_page = 65536;
    const auto wanted = plain_number(written);
    const auto has = plain_number(found);
    return controller == "memory" && wanted && has && *has <= *wanted && *wanted - *has < largest_page;
}

/// Every cgroup knob that a directive set is read back; and the process must be in that cgroup at all.
std::optional<Finding> knob_finding(const Question& question, const KernelView& view, std::string_view directive) {
    std::string text;
    for (const launch::Prepared& prepared : question.plan.preparations) {
        const auto* cgroup = std::get_if<launch::MakeCgroup>(&prepared.preparation);
        if (cgroup == nullptr) {
            continue;
        }
        for (const launch::MakeCgroup::Knob& knob : cgroup->knobs) {
            if (knob.asked.directive != directive) {
                continue;
            }
            const auto found = view.knobs.find(knob.file);
            if (found == view.knobs.end()) {
                const auto error = view.errors.find(knob.file);
                return cannot_know(error == view.errors.end() ? knob.file + " was not read" : error->second);
            }
            text += (text.empty() ? "" : ", ") + knob.file + " " + found->second;
            if (!same_value(knob.controller, knob.value, found->second)) {
                return mismatch(text, "expected " + knob.value);
            }
            const bool hybrid = question.host.cgroup_layout == launch::CgroupLayout::Hybrid;
            const std::string line = hybrid ? ":" + knob.controller + ":" : "0::";
            bool inside = false;
            std::istringstream lines(view.cgroup);
            for (std::string entry; std::getline(lines, entry);) {
                inside = inside || (entry.find(line) != std::string::npos && entry.ends_with(question.cgroup));
            }
            if (!inside) {
                return mismatch(text, "the process is not in the unit's " + knob.controller + " cgroup");
            }
        }
    }
    return text.empty() ? std::nullopt : std::optional(verified(text));
}

struct LimitName {
    std::string_view directive, kernel;
};
constexpr auto limit_names = std::to_array<LimitName>({
    {"LimitAS", "Max address space"},
    {"LimitCORE", "Max core file size"},
    {"LimitCPU", "Max cpu time"},
    {"LimitDATA", "Max data size"},
    {"LimitFSIZE", "Max file size"},
    {"LimitLOCKS", "Max file locks"},
    {"LimitMEMLOCK", "Max locked memory"},
    {"LimitMSGQUEUE", "Max msgqueue size"},
    {"LimitNICE", "Max nice priority"},
    {"LimitNOFILE", "Max open files"},
    {"LimitNPROC", "Max processes"},
    {"LimitRSS", "Max resident set"},
    {"LimitRTPRIO", "Max realtime priority"},
    {"LimitRTTIME", "Max realtime timeout"},
    {"LimitSIGPENDING", "Max pending signals"},
    {"LimitSTACK", "Max stack size"},
});

std::string limit_text(std::uint64_t value) { return value == UINT64_MAX ? "unlimited" : std::to_string(value); }

std::optional<Finding> limit_finding(const Question& question, const KernelView& view, std::string_view directive) {
    const auto name = std::ranges::find(limit_names, directive, &LimitName::directive);
    if (name == limit_names.end()) {
        return std::nullopt;
    }
    for (const launch::Step& step : question.plan.steps) {
        const auto* limit = std::get_if<launch::SetResourceLimit>(&step.action);
        if (limit == nullptr || step.asked.directive != directive) {
            continue;
        }
        const auto found = view.limits.find(std::string(name->kernel));
        if (found == view.limits.end()) {
            return cannot_know("/proc/PID/limits has no " + std::string(name->kernel));
        }
        const std::string wanted = limit_text(limit->soft) + " " + limit_text(limit->hard);
        return either(found->second == wanted, found->second, "expected " + wanted);
    }
    return cannot_know("not in the plan");
}

Finding find(const Evidence& evidence, std::string_view directive) {
    if (!evidence.view.alive) {
        return cannot_know("the main process ended meanwhile");
    }
    if (auto knob = knob_finding(evidence.question, evidence.view, directive)) {
        return *knob;
    }
    if (auto limit = limit_finding(evidence.question, evidence.view, directive)) {
        return *limit;
    }
    for (const auto& table : {process_checks(), mount_checks()}) {
        const auto check = std::ranges::find(table, directive, &Check::directive);
        if (check != table.end()) {
            return check->find(evidence);
        }
    }
    return cannot_know("hearth has no check of this directive yet");
}

/// What confines or limits; descriptions, weights of nothing and the like are no matter of proof.
bool is_reported(const hearth::Row& row) {
    switch (row.context) {
        case Context::Sandbox:
            return row.name != "RelaxConfinement" && row.name != "Confinement";
        case Context::Resources:
            return !row.name.ends_with("Accounting") && row.name != "Slice" && row.name != "CPUQuotaPeriodSec";
        case Context::Exec:
            return row.nature != Nature::Shares || row.name == "UMask";
        case Context::Unit:
        case Context::Install:
        case Context::Service:
        case Context::Kill:
        case Context::Hearth:
            return false;
    }
    return false;
}

}  // namespace

std::string_view name(Verdict verdict) {
    switch (verdict) {
        case Verdict::Verified:
            return "verified";
        case Verdict::Mismatch:
            return "MISMATCH";
        case Verdict::CannotKnow:
            return "cannot know";
    }
    return "cannot know";
}

std::vector<Row> judge(const Question& question, const KernelView& view) {
    const MountTable mounts(view.mountinfo);
    const Evidence evidence{question, view, mounts};
    std::vector<Row> rows;
    for (const std::span<const hearth::Row> table : service_tables()) {
        for (const hearth::Row& directive : table) {
            if (!is_reported(directive) || directive.is_default(question.unit.settings)) {
                continue;
            }
            const auto same = std::ranges::find(rows, std::string(directive.name), &Row::directive);
            if (same != rows.end() || !question.unit.origins.contains(directive.name)) {
                continue;
            }
            Row row;
            row.directive = directive.name;
            row.asked = directive.format(question.unit.settings);
            std::ranges::replace(row.asked, '\n', ' ');
            row.applied = applied_text(question.plan, directive.name);
            row.origin = question.unit.origin_of(directive.name);
            Finding finding = find(evidence, directive.name);
            row.kernel = std::move(finding.kernel);
            row.verdict = finding.verdict;
            row.reason = std::move(finding.reason);
            for (const Diagnostic& shortfall : question.plan.shortfalls) {
                if (shortfall.origin == row.origin && row.verdict != Verdict::Verified) {
                    row.reason = "relaxed: " + shortfall.message;
                }
            }
            rows.push_back(std::move(row));
        }
    }
    return rows;
}

std::vector<Row> examine(const Question& question, const cgroup::Tree& tree) {
    return judge(question, snapshot(question, tree));
}

}  // namespace hearth::report
