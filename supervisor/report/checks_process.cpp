// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <sstream>

#include "supervisor/report/checks.hpp"
#include "units/names.hpp"

namespace hearth::report {

namespace {

std::string status(const Evidence& evidence, const std::string& key) {
    const auto found = evidence.view.status.find(key);
    return found == evidence.view.status.end() ? std::string() : found->second;
}

std::optional<std::uint64_t> number(std::string_view text, int base) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

template <class Action>
const Action* find_action(const Evidence& evidence) {
    for (const launch::Step& step : evidence.question.plan.steps) {
        if (const auto* action = std::get_if<Action>(&step.action)) {
            return action;
        }
    }
    return nullptr;
}

/// "Uid: 65534 65534 65534 65534": real, effective, saved, file system; all four must be the one.
Finding ids(const Evidence& evidence, const std::string& key, std::uint32_t expected) {
    std::istringstream fields(status(evidence, key));
    std::vector<std::string> values;
    for (std::string field; fields >> field;) {
        values.push_back(field);
    }
    if (values.size() != 4) {
        return cannot_know("/proc/PID/status has no " + key);
    }
    const std::string wanted = std::to_string(expected);
    const bool good = std::ranges::all_of(values, [&](const std::string& value) { return value == wanted; });
    return either(
        good, fmt::format("{} {}", key == "Uid" ? "uid" : "gid", fmt::join(values, " ")),
        "expected " + wanted + " four times");
}

Finding user(const Evidence& evidence) {
    const auto* step = find_action<launch::SetUser>(evidence);
    return ids(evidence, "Uid", step != nullptr ? step->uid : 0);
}

Finding group(const Evidence& evidence) {
    const auto* step = find_action<launch::SetGroups>(evidence);
    return ids(evidence, "Gid", step != nullptr ? step->gid : 0);
}

Finding supplementary_groups(const Evidence& evidence) {
    const auto* step = find_action<launch::SetGroups>(evidence);
    std::istringstream fields(status(evidence, "Groups"));
    std::vector<std::uint32_t> has;
    for (std::uint32_t value = 0; fields >> value;) {
        has.push_back(value);
    }
    std::vector<std::uint32_t> wanted = step != nullptr ? step->supplementary : std::vector<std::uint32_t>{};
    std::ranges::sort(has);
    std::ranges::sort(wanted);
    return either(has == wanted, fmt::format("groups {}", fmt::join(has, " ")), fmt::format("expected {}", fmt::join(wanted, " ")));
}

Finding no_new_privileges(const Evidence& evidence) {
    const std::string value = status(evidence, "NoNewPrivs");
    return either(value == "1", "NoNewPrivs " + value, "expected 1");
}

std::string capability_text(std::uint64_t mask) {
    if (mask == 0) {
        return "none";
    }
    std::string text;
    int count = 0;
    for (unsigned bit = 0; bit < 64; ++bit) {
        if (((mask >> bit) & 1U) != 0 && ++count <= 4) {
            text += (text.empty() ? "" : " ") + capability_name(bit);
        }
    }
    return count <= 4 ? text : fmt::format("{} and {} more", text, count - 4);
}

Finding capabilities(const Evidence& evidence, const std::string& key, std::uint64_t wanted) {
    const auto mask = number(status(evidence, key), 16);
    if (!mask) {
        return cannot_know("/proc/PID/status has no " + key);
    }
    return either(
        *mask == wanted, fmt::format("{} {:016x} ({})", key, *mask, capability_text(*mask)),
        fmt::format("expected {:016x}", wanted));
}

std::uint64_t existing_capabilities(const Evidence& evidence) {
    const unsigned last = evidence.question.host.last_capability;
    return last >= 63 ? all_capabilities : (std::uint64_t{1} << (last + 1)) - 1;
}

/// What the kernel holds must lie within what was asked: hearthd's own set may be smaller.
Finding bounding_set(const Evidence& evidence) {
    const auto mask = number(status(evidence, "CapBnd"), 16);
    const auto permitted = number(status(evidence, "CapPrm"), 16);
    if (!mask || !permitted) {
        return cannot_know("/proc/PID/status has no CapBnd");
    }
    const std::uint64_t asked = evidence.question.unit.settings.sandbox.capability_bounding_set.mask;
    const std::uint64_t wanted = asked & evidence.question.host.bounding_set & existing_capabilities(evidence);
    if ((*permitted & ~asked) != 0) {
        return mismatch(
            fmt::format("CapPrm {:016x} ({})", *permitted, capability_text(*permitted)),
            "holds capabilities outside the set");
    }
    return either(
        *mask == wanted, fmt::format("CapBnd {:016x} ({})", *mask, capability_text(*mask)),
        fmt::format("expected {:016x}", wanted));
}

Finding ambient_set(const Evidence& evidence) {
    return capabilities(evidence, "CapAmb", evidence.question.unit.settings.sandbox.ambient_capabilities.mask);
}

Finding without_capability(const Evidence& evidence, unsigned capability) {
    const auto mask = number(status(evidence, "CapBnd"), 16);
    if (!mask) {
        return cannot_know("/proc/PID/status has no CapBnd");
    }
    const bool gone = ((*mask >> capability) & 1U) == 0;
    return either(gone, fmt::format("CapBnd {} {}", gone ? "without" : "with", capability_name(capability)), "the capability is still there");
}

/// The kernel tells that filters are attached and how many, not what is in them: with the plan's one
/// program and no_new_privs before it, one filter more than hearthd's own count is ours.
Finding filters(const Evidence& evidence) {
    const std::string mode = status(evidence, "Seccomp");
    const std::string count = status(evidence, "Seccomp_filters");
    const auto* load = find_action<launch::LoadSeccomp>(evidence);
    if (load == nullptr) {
        return mismatch("Seccomp " + mode, "no filter was planned");
    }
    if (count.empty()) {
        return either(mode == "2", "Seccomp " + mode, "expected mode 2");
    }
    const auto attached = number(count, 10);
    return either(
        mode == "2" && attached.value_or(0) >= 1,
        fmt::format("Seccomp mode {}, {} filter{}, {} instructions", mode, count, count == "1" ? "" : "s", load->program.size()),
        "expected mode 2 with one filter");
}

Finding file_mode_mask(const Evidence& evidence) {
    const auto* step = find_action<launch::SetUmask>(evidence);
    const auto value = number(status(evidence, "Umask"), 8);
    if (step == nullptr || !value) {
        return cannot_know("/proc/PID/status has no Umask");
    }
    return either(*value == step->mask, fmt::format("Umask {:04o}", *value), "a process may change its own umask");
}

Finding nice(const Evidence& evidence) {
    const auto* step = find_action<launch::SetNice>(evidence);
    return either(
        step != nullptr && evidence.view.nice == std::to_string(step->nice), "nice " + evidence.view.nice,
        "not what was asked");
}

Finding oom_score_adjust(const Evidence& evidence) {
    const auto* step = find_action<launch::SetOomScoreAdjust>(evidence);
    return either(
        step != nullptr && evidence.view.oom_score_adj == std::to_string(step->value),
        "oom_score_adj " + evidence.view.oom_score_adj, "not what was asked");
}

Finding protect_kernel_modules(const Evidence& evidence) { return without_capability(evidence, 16); }
Finding protect_clock(const Evidence& evidence) { return without_capability(evidence, 25); }
Finding protect_kernel_logs(const Evidence& evidence) { return without_capability(evidence, 34); }

constexpr auto checks = std::to_array<Check>({
    {"AmbientCapabilities", ambient_set},
    {"CapabilityBoundingSet", bounding_set},
    {"Group", group},
    {"LockPersonality", filters},
    {"MemoryDenyWriteExecute", filters},
    {"Nice", nice},
    {"NoNewPrivileges", no_new_privileges},
    {"OOMScoreAdjust", oom_score_adjust},
    {"ProtectClock", protect_clock},
    {"ProtectKernelLogs", protect_kernel_logs},
    {"ProtectKernelModules", protect_kernel_modules},
    {"RestrictAddressFamilies", filters},
    {"RestrictRealtime", filters},
    {"RestrictSUIDSGID", filters},
    {"SupplementaryGroups", supplementary_groups},
    {"SystemCallArchitectures", filters},
    {"SystemCallErrorNumber", filters},
    {"SystemCallFilter", filters},
    {"UMask", file_mode_mask},
    {"User", user},
});

}  // namespace

std::span<const Check> process_checks() { return checks; }

Finding verified(std::string kernel) { return {Verdict::Verified, std::move(kernel), {}}; }

Finding mismatch(std::string kernel, std::string reason) {
    return {Verdict::Mismatch, std::move(kernel), std::move(reason)};
}

Finding cannot_know(std::string reason) { return {Verdict::CannotKnow, {}, std::move(reason)}; }

Finding either(bool good, std::string kernel, std::string reason) {
    return good ? verified(std::move(kernel)) : mismatch(std::move(kernel), std::move(reason));
}

}  // namespace hearth::report
