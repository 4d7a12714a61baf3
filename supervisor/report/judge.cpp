// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>

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
                    parts.push_back(
                        knob.file + "=" + (knob.device.empty() ? "" : knob.device + " ") +
                        knob.value);
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
    constexpr std::size_t most = 3;
    if (parts.size() > most) {
        const std::size_t more = parts.size() - most;
        parts.resize(most);
        parts.push_back(fmt::format("and {} more", more));
    }
    return fmt::format("{}", fmt::join(parts, "; "));
}

/// Only one program serves all directives that filter: the step names the first of them.
bool is_filtered(std::string_view directive) {
    return std::ranges::find(filter_checks(), directive, &Check::directive) !=
           filter_checks().end();
}

std::string applied(const launch::Plan& plan, std::string_view directive) {
    std::string text = applied_text(plan, directive);
    if (!text.empty() || !is_filtered(directive)) {
        return text;
    }
    for (const launch::Step& step : plan.steps) {
        if (std::holds_alternative<launch::LoadSeccomp>(step.action)) {
            return launch::describe(step.action) + ", with " + step.asked.directive + "=";
        }
    }
    return text;
}

/// A `+` or `!` on the main command exempts it, as the unit's author asked.
const CommandLine* main_command(const Question& question) {
    const CommandLines& commands = question.unit.settings.service.exec_start;
    const auto found = std::ranges::find(commands, question.plan.executable, &CommandLine::path);
    return found != commands.end() ? &*found : commands.size() == 1 ? &commands.front() : nullptr;
}

bool is_exempt(const Question& question, const hearth::Row& directive) {
    const CommandLine* command = main_command(question);
    if (command == nullptr) {
        return false;
    }
    const bool identity = directive.name == "User" || directive.name == "Group" ||
                          directive.name == "SupplementaryGroups";
    // What makes up the root, and what the unit's commands reach each other by, holds for `+` too.
    constexpr auto kept = std::to_array<std::string_view>(
        {"BindPaths",
         "BindReadOnlyPaths",
         "IPCNamespacePath",
         "MountAPIVFS",
         "NetworkNamespacePath",
         "PrivateIPC",
         "PrivateNetwork",
         "TemporaryFileSystem"});
    const bool sandbox = directive.context == Context::Sandbox &&
                         std::ranges::find(kept, directive.name) == kept.end();
    return (identity && (command->no_setuid || command->full_privileges)) ||
           (sandbox && command->full_privileges);
}

/// What was arranged in the host's own namespace, or is seen there too, is not the service's alone.
bool needs_own_mounts(std::string_view directive) {
    constexpr auto others = std::to_array<std::string_view>({"PrivateIPC", "PrivateNetwork"});
    const auto is_in = [&](std::span<const Check> table) {
        return std::ranges::find(table, present_name(directive), &Check::directive) != table.end();
    };
    return std::ranges::find(others, directive) == others.end() &&
           (is_in(mount_checks()) || is_in(protect_checks()) || is_in(root_checks()));
}

Finding find(const Evidence& evidence, const hearth::Row& directive) {
    if (!evidence.view.alive) {
        return cannot_know("the main process ended meanwhile");
    }
    if (const auto* refused = std::get_if<applied::Refused>(&directive.applied)) {
        return mismatch("", "hearth doesn't give it: " + std::string(refused->reason));
    }
    if (is_exempt(evidence.question, directive)) {
        return cannot_know("ExecStart= exempts the main process from it, by '+' or '!'");
    }
    const Check* const check = find_check(directive.name);
    if (check == nullptr) {
        return cannot_know("hearth has no check of this directive yet");
    }
    if (needs_own_mounts(directive.name)) {
        if (Finding finding = own_mounts(evidence); finding.verdict != Verdict::Verified) {
            return finding;
        }
    }
    return check->find(evidence);
}

/// What confines or limits; descriptions, weights of nothing and the like are no matter of proof.
bool is_reported(const hearth::Row& row) {
    if (std::holds_alternative<applied::NoEffect>(row.applied)) {
        return false;
    }
    switch (row.context) {
        case Context::Sandbox:
            return true;
        case Context::Resources:
            return !std::holds_alternative<applied::Reporting>(row.applied);
        case Context::Exec:
            return row.nature != Nature::Shares;
        case Context::Unit:  // JoinsNamespaceOf=; the others order and bind units
            return std::holds_alternative<applied::Preparation>(row.applied);
        case Context::Install:
        case Context::Service:
        case Context::Kill:
        case Context::Mount:
        case Context::Timer:
        case Context::Path:
        case Context::Automount:
        case Context::Swap:
        case Context::Socket:
            return false;
        case Context::Hearth:
            return row.nature == Nature::Confines;
    }
    return false;
}

/// A file that was changed and loaded again says nothing of the process that runs: its row says so.
void tell_changes(Row& row, const Evidence& evidence, const hearth::Row& directive) {
    const Question& question = evidence.question;
    if (!question.launched || row.verdict != Verdict::Mismatch) {
        return;
    }
    const std::string then = directive.format(question.launched->settings);
    if (then == directive.format(question.unit.settings)) {
        return;
    }
    row.reason =
        "changed since start, when it was " +
        (directive.is_default(question.launched->settings) ? "not asked for" : quoted(then)) +
        "; restart the unit to apply it";
}

/// What was told to fall short when it started is no contradiction.
void tell_shortfalls(Row& row, const Question& question, const hearth::Row& directive) {
    const bool gives = directive.nature == Nature::Gives;
    const std::string how = gives ? "given as far as possible: " : "relaxed: ";
    const auto falls_short = [&](const std::string& message) {
        row.reason = how + message;
        row.verdict = Verdict::FallsShort;
    };
    for (const Diagnostic& shortfall : question.plan.shortfalls) {
        if (shortfall.message.starts_with(std::string(directive.name) + "=")) {
            falls_short(shortfall.message);
        }
    }
    for (const launch::Shortfall& shortfall : question.shortfalls) {
        if (shortfall.asked.directive == directive.name) {
            falls_short(shortfall.message);
        }
    }
}

Row judged(const Evidence& evidence, const hearth::Row& directive) {
    const Question& question = evidence.question;
    Finding finding = find(evidence, directive);
    Row row;
    row.directive = directive.name;
    row.asked = directive.secret ? "(not shown)" : directive.format(question.unit.settings);
    std::ranges::replace(row.asked, '\n', ' ');
    row.applied = applied(question.plan, present_name(directive.name));
    row.origin = question.unit.origin_of(directive.name);
    row.kernel = std::move(finding.kernel);
    row.verdict = finding.verdict;
    row.reason = std::move(finding.reason);
    if (row.verdict != Verdict::Verified) {
        tell_changes(row, evidence, directive);
        tell_shortfalls(row, question, directive);
    }
    return row;
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
        case Verdict::FallsShort:
            return "falls short";
    }
    return "cannot know";
}

const Check* find_check(std::string_view directive) {
    for (const auto& table :
         {process_checks(),
          scheduling_checks(),
          filter_checks(),
          resource_checks(),
          mount_checks(),
          protect_checks(),
          namespace_checks(),
          root_checks(),
          directory_checks()}) {
        const auto check = std::ranges::find(table, present_name(directive), &Check::directive);
        if (check != table.end()) {
            return &*check;
        }
    }
    return nullptr;
}

bool is_matter_of_proof(const hearth::Row& directive) {
    return is_reported(directive);
}

std::vector<Row> judge(const Question& question, const KernelView& view) {
    const MountTable mounts(view.mountinfo);
    const MountTable host_mounts(view.own_mountinfo);
    const Evidence evidence{question, view, mounts, host_mounts};
    std::vector<Row> rows;
    for (const std::span<const hearth::Row> table : service_tables()) {
        for (const hearth::Row& directive : table) {
            const bool asked = is_reported(directive) &&
                               !directive.is_default(question.unit.settings) &&
                               question.unit.origins.contains(directive.name);
            if (asked && std::ranges::find(rows, directive.name, &Row::directive) == rows.end()) {
                rows.push_back(judged(evidence, directive));
            }
        }
    }
    return rows;
}

std::vector<Row> examine(const Question& question, const cgroup::Tree& tree, FilterMemory* memory) {
    return judge(question, snapshot(question, tree, memory));
}

// ---- findings

Finding verified(std::string kernel) {
    return {Verdict::Verified, std::move(kernel), {}};
}

Finding mismatch(std::string kernel, std::string reason) {
    return {Verdict::Mismatch, std::move(kernel), std::move(reason)};
}

Finding cannot_know(std::string reason) {
    return {Verdict::CannotKnow, {}, std::move(reason)};
}

Finding either(bool good, std::string kernel, std::string reason) {
    return good ? verified(std::move(kernel)) : mismatch(std::move(kernel), std::move(reason));
}

Finding both(Finding first, Finding second) {
    const auto weight = [](Verdict verdict) {
        return verdict == Verdict::Mismatch ? 2 : verdict == Verdict::CannotKnow ? 1 : 0;
    };
    const bool second_counts = weight(second.verdict) > weight(first.verdict);
    Finding result;
    result.verdict = second_counts ? second.verdict : first.verdict;
    result.reason = second_counts ? std::move(second.reason) : std::move(first.reason);
    result.kernel =
        first.kernel + (first.kernel.empty() || second.kernel.empty() ? "" : ", ") + second.kernel;
    return result;
}

}  // namespace hearth::report
